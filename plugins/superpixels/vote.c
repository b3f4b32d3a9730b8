/* map.vote: a label map in which every region speaks with one voice. */
#include "superpixels.h"

#define N_IDS 65536u

static uint32_t id_at(const lab_tensor *map, size_t i)
{
    return map->dtype == LAB_U16 ? ((const uint16_t *)map->data)[i]
                                 : ((const uint8_t *)map->data)[i];
}

typedef struct vote_job {
    const lab_tensor *map, *regions;
    uint32_t *starts; /* where a region's pixels begin in `pixels`: N_IDS + 1 */
    uint32_t *pixels; /* pixel numbers, region by region */
    uint32_t *counts; /* votes by class id; all zero between two regions */
    uint32_t *winners;
} vote_job;

/* Sorts pixels by region (a counting sort, so a region's are in the order of the picture). */
static void sort_pixels(const vote_job *job, size_t n)
{
    for (size_t i = 0; i < n; i++)
        job->starts[id_at(job->regions, i) + 1]++;
    for (uint32_t r = 0; r < N_IDS; r++)
        job->starts[r + 1] += job->starts[r];
    /* `winners` is the place of each region's next pixel until winners are known. */
    for (uint32_t r = 0; r < N_IDS; r++)
        job->winners[r] = job->starts[r];
    for (size_t i = 0; i < n; i++)
        job->pixels[job->winners[id_at(job->regions, i)]++] = (uint32_t)i;
}

/* Of equally many votes the lowest id wins. */
static uint32_t winner(const vote_job *job, uint32_t region)
{
    uint32_t best = 0, most = 0;
    uint32_t begin = job->starts[region], end = job->starts[region + 1];
    for (uint32_t i = begin; i < end; i++) {
        uint32_t id = id_at(job->map, job->pixels[i]);
        uint32_t votes = ++job->counts[id];
        if (votes > most || (votes == most && id < best)) {
            most = votes;
            best = id;
        }
    }
    for (uint32_t i = begin; i < end; i++)
        job->counts[id_at(job->map, job->pixels[i])] = 0;
    return best;
}

static lab_status vote_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *regions = lab_arg_tensor(call, 0);
    if (regions->shape[0] != in->shape[0] || regions->shape[1] != in->shape[1])
        return lab_fail(call, LAB_E_INVALID,
                        "regions is %dx%d, but the map is %dx%d; make the superpixels of a picture "
                        "of the map's size",
                        regions->shape[1], regions->shape[0], in->shape[1], in->shape[0]);
    size_t n = (size_t)in->shape[0] * (size_t)in->shape[1];
    vote_job job = { in,
                     regions,
                     superpixels_alloc(call, N_IDS + 1, sizeof *job.starts),
                     superpixels_alloc(call, n, sizeof *job.pixels),
                     superpixels_alloc(call, N_IDS, sizeof *job.counts),
                     superpixels_alloc(call, N_IDS, sizeof *job.winners) };
    if (!job.starts || !job.pixels || !job.counts || !job.winners)
        return lab_call_status(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    sort_pixels(&job, n);
    for (uint32_t r = 0; r < N_IDS; r++)
        job.winners[r] = winner(&job, r);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = job.winners[id_at(regions, i)];
        if (in->dtype == LAB_U16)
            ((uint16_t *)out->data)[i] = (uint16_t)id;
        else
            ((uint8_t *)out->data)[i] = (uint8_t)id;
    }
    return LAB_OK;
}

static const lab_param vote_params[] = {
    { .name = "regions",
      .type = LAB_LABELMAP,
      .doc = "what belongs together, of the map's size: image:superpixels{}",
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op vote_op = {
    .name = "map.vote",
    .summary = "a label map in which each region has the class of most of its pixels",
    .doc = "Of classes with equally many pixels in a region the lowest id wins.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = vote_params,
    .run = vote_run,
};
