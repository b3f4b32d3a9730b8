/*
 * map.smooth: the majority filter. Every column of the window keeps its own histogram; a step to
 * the right adds one of them and takes one away, a step down changes one pixel at each end of each:
 * after Perreault & Hebert (2007) the work a pixel is a few operations a class, whatever the
 * radius. Classes are numbered 0 .. k - 1 first: pictures show few of them.
 */
#include <string.h>

#include "ops/families.h"
#include "ops/legend.h"

/* All bands together use at most this for their histograms, unless one alone needs more. */
#define HISTOGRAM_BYTES ((size_t)256 << 20)
#define MAX_BANDS 16u

typedef struct smooth_job {
    const uint16_t *dense; /* [height][width]: positions in `ids` */
    const uint16_t *ids;   /* sorted */
    uint32_t classes;
    uint32_t width, height, radius, bands;
    uint16_t *columns; /* [bands][width][classes] */
    uint32_t *windows; /* [bands][classes] */
    lab_tensor *out;
} smooth_job;

static void count_row(const smooth_job *job, uint16_t *columns, int64_t y, int step)
{
    if (y < 0 || y >= job->height)
        return;
    const uint16_t *row = job->dense + (size_t)y * job->width;
    for (size_t x = 0; x < job->width; x++)
        columns[x * job->classes + row[x]] = (uint16_t)(columns[x * job->classes + row[x]] + step);
}

static void add_column(const smooth_job *job, uint32_t *window, const uint16_t *columns, int64_t x)
{
    if (x >= job->width)
        return;
    const uint16_t *column = columns + (size_t)x * job->classes;
    for (uint32_t k = 0; k < job->classes; k++)
        window[k] += column[k];
}

static void take_column(const smooth_job *job, uint32_t *window, const uint16_t *columns, int64_t x)
{
    if (x < 0)
        return;
    const uint16_t *column = columns + (size_t)x * job->classes;
    for (uint32_t k = 0; k < job->classes; k++)
        window[k] -= column[k];
}

/* The class with the most pixels; of several the pixel's own, else the one with the lowest id. */
static uint32_t majority(const uint32_t *window, uint32_t classes, uint32_t own)
{
    uint32_t most = 0;
    for (uint32_t k = 0; k < classes; k++)
        most = window[k] > most ? window[k] : most;
    if (window[own] == most)
        return own;
    uint32_t best = 0;
    while (window[best] != most)
        best++;
    return best;
}

static void smooth_row(const smooth_job *job, uint32_t *window, const uint16_t *columns, uint32_t y)
{
    memset(window, 0, job->classes * sizeof *window);
    for (int64_t x = 0; x < job->radius; x++)
        add_column(job, window, columns, x);
    for (int64_t x = 0; x < job->width; x++) {
        add_column(job, window, columns, x + job->radius);
        take_column(job, window, columns, x - job->radius - 1);
        size_t at = (size_t)y * job->width + (size_t)x;
        uint16_t id = job->ids[majority(window, job->classes, job->dense[at])];
        if (job->out->dtype == LAB_U8)
            ((uint8_t *)job->out->data)[at] = (uint8_t)id;
        else
            ((uint16_t *)job->out->data)[at] = id;
    }
}

static void smooth_bands(void *user, uint32_t begin, uint32_t end)
{
    const smooth_job *job = user;
    for (uint32_t band = begin; band < end; band++) {
        uint16_t *columns = job->columns + (size_t)band * job->width * job->classes;
        uint32_t *window = job->windows + (size_t)band * job->classes;
        uint32_t first = (uint32_t)((uint64_t)job->height * band / job->bands);
        uint32_t last = (uint32_t)((uint64_t)job->height * (band + 1) / job->bands);
        for (int64_t y = (int64_t)first - job->radius; y < (int64_t)first + job->radius; y++)
            count_row(job, columns, y, 1);
        for (uint32_t y = first; y < last; y++) {
            count_row(job, columns, (int64_t)y + job->radius, 1);
            if (y > first)
                count_row(job, columns, (int64_t)y - job->radius - 1, -1);
            smooth_row(job, window, columns, y);
        }
    }
}

/* Numbers the classes that occur; memory of the call. */
static lab_status make_dense(lab_call *call, const lab_tensor *in, smooth_job *job)
{
    size_t count = (size_t)job->width * job->height;
    uint16_t *dense = lab_call_alloc(call, count * sizeof *dense);
    uint16_t *position = lab_call_alloc(call, 65536 * sizeof *position);
    uint16_t *ids = lab_call_alloc(call, 65536 * sizeof *ids);
    if (!dense || !position || !ids)
        return lab_call_status(call);
    for (size_t i = 0; i < count; i++)
        position[ops_id(in, i)] = 1;
    for (uint32_t id = 0; id < 65536; id++) {
        if (!position[id])
            continue;
        ids[job->classes] = (uint16_t)id;
        position[id] = (uint16_t)job->classes++;
    }
    for (size_t i = 0; i < count; i++)
        dense[i] = position[ops_id(in, i)];
    job->dense = dense;
    job->ids = ids;
    return LAB_OK;
}

static lab_status make_histograms(lab_call *call, smooth_job *job)
{
    size_t band = (size_t)job->width * job->classes * sizeof *job->columns;
    size_t bands = HISTOGRAM_BYTES / (band > 0 ? band : 1);
    bands = bands < MAX_BANDS ? bands : MAX_BANDS;
    bands = bands < job->height ? bands : job->height;
    job->bands = bands > 0 ? (uint32_t)bands : 1;
    job->columns = lab_call_alloc(call, job->bands * band);
    job->windows = lab_call_alloc(call, job->bands * (size_t)job->classes * sizeof *job->windows);
    return lab_call_status(call);
}

static lab_status smooth_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    smooth_job job = { .width = (uint32_t)ops_width(in),
                       .height = (uint32_t)ops_height(in),
                       .radius = (uint32_t)lab_arg_int(call, 0) };
    lab_status status = make_dense(call, in, &job);
    if (!status)
        status = make_histograms(call, &job);
    job.out = status ? NULL : lab_result_like(call, in);
    if (!job.out)
        return lab_call_status(call);
    return lab_parallel_for(call, job.bands, 1, smooth_bands, &job);
}

static const lab_param smooth_params[] = {
    { .name = "radius",
      .type = LAB_INT,
      .doc = "pixels: the window is 2 radius + 1 wide and high",
      .def = "1",
      .min = 1,
      .max = 255,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_map_smooth = {
    .name = "map.smooth",
    .summary = "a label map without specks and ragged edges",
    .doc = "Each pixel takes the class that most pixels of the window around it have (majority "
           "filter); in a tie it keeps its own class if that is among them, else takes the lowest "
           "id. At the border the window is cut off.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = smooth_params,
    .run = smooth_run,
};
