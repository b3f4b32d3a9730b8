/* A separable Gaussian; see gauss.h. */
#include "gauss.h"

typedef struct gauss_job {
    const gauss *g;
    const float *src;
    float *dst;
    int32_t width, height;
    size_t stride;
} gauss_job;

lab_status refine_gauss_new(lab_call *call, float sigma, gauss *out)
{
    int32_t radius = (int32_t)(3 * sigma) + 1;
    float *taps = refine_alloc(call, (size_t)radius + 1, sizeof *taps);
    if (!taps)
        return lab_call_status(call);
    for (int32_t i = 0; i <= radius; i++)
        taps[i] = refine_exp(-(float)(i * i) / (2 * sigma * sigma));
    *out = (gauss){ taps, radius };
    return LAB_OK;
}

static float tap(const gauss *g, int32_t from, int32_t to)
{
    return g->taps[from < to ? to - from : from - to];
}

/* A whole row at a time, shifted by each tap in turn: long runs of memory for one weight. */
static void along_rows(void *user, uint32_t begin, uint32_t end)
{
    const gauss_job *job = user;
    size_t n = job->stride;
    int32_t w = job->width;
    int32_t r = job->g->radius < w ? job->g->radius : w - 1;
    for (uint32_t y = begin; y < end; y++) {
        const float *src = job->src + (size_t)y * (size_t)w * n;
        float *dst = job->dst + (size_t)y * (size_t)w * n;
        memset(dst, 0, (size_t)w * n * sizeof *dst);
        for (int32_t t = -r; t <= r; t++) {
            size_t length = (size_t)(w - (t < 0 ? -t : t)) * n;
            size_t to = t < 0 ? (size_t)-t * n : 0, from = t > 0 ? (size_t)t * n : 0;
            refine_add(dst + to, src + from, tap(job->g, 0, t), length);
        }
    }
}

static void along_columns(void *user, uint32_t begin, uint32_t end)
{
    const gauss_job *job = user;
    size_t row = (size_t)job->width * job->stride;
    int32_t h = job->height, r = job->g->radius;
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        float *dst = job->dst + (size_t)y * row;
        memset(dst, 0, row * sizeof *dst);
        int32_t last = y < h - 1 - r ? y + r : h - 1;
        for (int32_t v = y > r ? y - r : 0; v <= last; v++)
            refine_add(dst, job->src + (size_t)v * row, tap(job->g, y, v), row);
    }
}

lab_status refine_gauss(lab_call *call, const gauss *g, const float *src, float *tmp, float *dst,
                        int32_t width, int32_t height, uint32_t stride)
{
    gauss_job rows = { g, src, tmp, width, height, stride };
    lab_status status = lab_parallel_for(call, (uint32_t)height, 4, along_rows, &rows);
    if (status)
        return status;
    gauss_job columns = { g, tmp, dst, width, height, stride };
    return lab_parallel_for(call, (uint32_t)height, 4, along_columns, &columns);
}
