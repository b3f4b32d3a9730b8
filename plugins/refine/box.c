/*
 * A window's sum is its neighbour's plus what comes in minus what goes out, first along rows, then
 * along columns. Sums are kept in double: in float, rounding would add up along a wide picture.
 * Each row and each column is summed by itself, so threads change nothing.
 */
#include "box.h"

#define STRIP 64 /* columns that one piece walks down together: 2 KiB of sums */

typedef struct box_job {
    const quad *src;
    quad *dst;
    int32_t width, height, radius;
} box_job;

static void add(double sum[4], const quad *q, double sign)
{
    for (int c = 0; c < 4; c++)
        sum[c] += sign * (double)q->v[c];
}

/* Sums along rows. */
static void sum_rows(void *user, uint32_t begin, uint32_t end)
{
    const box_job *job = user;
    int32_t w = job->width, r = job->radius;
    for (uint32_t y = begin; y < end; y++) {
        const quad *src = job->src + (size_t)y * (size_t)w;
        quad *dst = job->dst + (size_t)y * (size_t)w;
        double sum[4] = { 0 };
        for (int32_t x = 0; x < r && x < w; x++)
            add(sum, &src[x], 1);
        for (int32_t x = 0; x < w; x++) {
            if (x < w - r)
                add(sum, &src[x + r], 1);
            for (int c = 0; c < 4; c++)
                dst[x].v[c] = (float)sum[c];
            if (x >= r)
                add(sum, &src[x - r], -1);
        }
    }
}

/* How many of positions at - radius .. at + radius there are. */
static int32_t extent(int32_t at, int32_t radius, int32_t size)
{
    int32_t low = at > radius ? at - radius : 0;
    int32_t high = at < size - 1 - radius ? at + radius : size - 1;
    return high - low + 1;
}

static void write_means(const box_job *job, double (*sums)[4], int32_t y, int32_t x0, int32_t n)
{
    quad *dst = job->dst + (size_t)y * (size_t)job->width + (size_t)x0;
    int32_t rows = extent(y, job->radius, job->height);
    for (int32_t i = 0; i < n; i++) {
        double area = (double)rows * extent(x0 + i, job->radius, job->width);
        for (int c = 0; c < 4; c++)
            dst[i].v[c] = (float)(sums[i][c] / area);
    }
}

static void add_row(const box_job *job, double (*sums)[4], int32_t y, int32_t x0, int32_t n,
                    double sign)
{
    const quad *src = job->src + (size_t)y * (size_t)job->width + (size_t)x0;
    for (int32_t i = 0; i < n; i++)
        add(sums[i], &src[i], sign);
}

static void mean_columns(void *user, uint32_t begin, uint32_t end)
{
    const box_job *job = user;
    int32_t h = job->height, r = job->radius;
    for (uint32_t strip = begin; strip < end; strip++) {
        double sums[STRIP][4] = { { 0 } };
        int32_t x0 = (int32_t)strip * STRIP;
        int32_t n = job->width - x0 < STRIP ? job->width - x0 : STRIP;
        for (int32_t y = 0; y < r && y < h; y++)
            add_row(job, sums, y, x0, n, 1);
        for (int32_t y = 0; y < h; y++) {
            if (y < h - r)
                add_row(job, sums, y + r, x0, n, 1);
            write_means(job, sums, y, x0, n);
            if (y >= r)
                add_row(job, sums, y - r, x0, n, -1);
        }
    }
}

lab_status refine_box(lab_call *call, const quad *src, quad *tmp, quad *dst, int32_t width,
                      int32_t height, int32_t radius)
{
    box_job rows = { src, tmp, width, height, radius };
    lab_status status = lab_parallel_for(call, (uint32_t)height, 8, sum_rows, &rows);
    if (status)
        return status;
    box_job columns = { tmp, dst, width, height, radius };
    return lab_parallel_for(call, (uint32_t)((width + STRIP - 1) / STRIP), 1, mean_columns,
                            &columns);
}
