/*
 * Connectivity: k-means leaves specks of a centre's pixels away from it. As in the paper's own
 * code, pieces are found by a flood fill in the order of a scan by rows, and one that is too small
 * takes the number of the neighbour before it.
 */
#include "superpixels.h"

#define UNSEEN UINT32_MAX

typedef struct connect_job {
    const uint32_t *labels;
    uint32_t *pieces; /* number of the piece, by pixel */
    uint32_t *queue;  /* pixels of the piece being filled */
    int32_t width, height;
} connect_job;

/* Adds a pixel to the queue if it is there, unseen and of the same centre. */
static uint32_t visit(const connect_job *job, bool there, uint32_t i, uint32_t label,
                      uint32_t piece, uint32_t count)
{
    if (!there || job->pieces[i] != UNSEEN || job->labels[i] != label)
        return count;
    job->pieces[i] = piece;
    job->queue[count] = i;
    return count + 1;
}

/* Gives the piece of pixel `first` a number; returns its size. The queue keeps its pixels. */
static uint32_t fill(const connect_job *job, uint32_t first, uint32_t piece)
{
    uint32_t label = job->labels[first], width = (uint32_t)job->width;
    uint32_t last_row = (uint32_t)job->height - 1;
    uint32_t count = visit(job, true, first, label, piece, 0);
    for (uint32_t done = 0; done < count; done++) {
        uint32_t i = job->queue[done], x = i % width, y = i / width;
        count = visit(job, x > 0, i - 1, label, piece, count);
        count = visit(job, x + 1 < width, i + 1, label, piece, count);
        count = visit(job, y > 0, i - width, label, piece, count);
        count = visit(job, y < last_row, i + width, label, piece, count);
    }
    return count;
}

/* Pieces that touch nothing numbered yet can only be the first: it keeps number 0. */
static uint32_t before(const connect_job *job, uint32_t i)
{
    uint32_t width = (uint32_t)job->width;
    if (i % width > 0)
        return job->pieces[i - 1];
    return i >= width ? job->pieces[i - width] : 0;
}

lab_status superpixels_connect(lab_call *call, const uint32_t *labels, int32_t width,
                               int32_t height, uint32_t n_centers, uint16_t *out)
{
    uint32_t pixels = (uint32_t)width * (uint32_t)height;
    connect_job job = { labels, superpixels_alloc(call, pixels, sizeof *job.pieces),
                        superpixels_alloc(call, pixels, sizeof *job.queue), width, height };
    if (!job.pieces || !job.queue)
        return lab_call_status(call);
    for (uint32_t i = 0; i < pixels; i++)
        job.pieces[i] = UNSEEN;
    uint64_t quarters = 4 * (uint64_t)n_centers;
    uint32_t least = (uint32_t)((pixels + quarters - 1) / quarters), next = 0;
    for (uint32_t i = 0; i < pixels; i++) {
        if (job.pieces[i] != UNSEEN)
            continue;
        uint32_t size = fill(&job, i, next);
        if (size >= least) {
            next++;
            continue;
        }
        uint32_t joins = before(&job, i);
        for (uint32_t k = 0; k < size; k++)
            job.pieces[job.queue[k]] = joins;
    }
    for (uint32_t i = 0; i < pixels; i++)
        out[i] = (uint16_t)job.pieces[i];
    return lab_should_stop(call) ? lab_fail(call, LAB_E_INTERRUPTED, "stopped on request") : LAB_OK;
}
