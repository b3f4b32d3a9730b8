/*
 * Sliding maxima after van Herk and Gil & Werman: cut a line into blocks as long as the window; the
 * maximum of any window is that of the rest of one block (a suffix) and the start of the next (a
 * prefix). Three comparisons a pixel whatever the radius. A square is a row pass and a column pass;
 * a disc is the rows of its chords, shifted up and down and joined: its cost grows with the radius.
 */
#include "ops/morphology.h"

#include <string.h>

#define PIECES 16u      /* of a pass; each has scratch of its own */
#define COLUMN_LANES 64 /* columns that are done together */

typedef struct pass {
    const uint8_t *src;
    uint8_t *dst;
    uint32_t width, height, radius;
    uint8_t *scratch;
    size_t scratch_size; /* of one piece */
} pass;

static inline uint8_t larger(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/*
 * One line of n values. `prefix` and `suffix` hold n + 2 radius each: the line with zeros, which
 * never win, on both sides.
 */
static void line_maxima(const uint8_t *src, uint8_t *dst, uint32_t n, uint32_t radius,
                        uint8_t *prefix, uint8_t *suffix)
{
    uint32_t block = 2 * radius + 1, total = n + 2 * radius;
    memset(prefix, 0, radius);
    memcpy(prefix + radius, src, n);
    memset(prefix + radius + n, 0, radius);
    memcpy(suffix, prefix, total);
    for (uint32_t start = 0; start < total; start += block) {
        uint32_t end = start + block < total ? start + block : total;
        for (uint32_t i = start + 1; i < end; i++)
            prefix[i] = larger(prefix[i], prefix[i - 1]);
        for (uint32_t i = end - 1; i > start; i--)
            suffix[i - 1] = larger(suffix[i - 1], suffix[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        dst[i] = larger(suffix[i], prefix[i + 2 * radius]);
}

static uint32_t piece_begin(uint32_t count, uint32_t piece)
{
    return (uint32_t)((uint64_t)count * piece / PIECES);
}

static void row_pieces(void *user, uint32_t begin, uint32_t end)
{
    const pass *job = user;
    for (uint32_t piece = begin; piece < end; piece++) {
        uint8_t *prefix = job->scratch + piece * job->scratch_size;
        uint8_t *suffix = prefix + job->width + 2 * (size_t)job->radius;
        uint32_t last = piece_begin(job->height, piece + 1);
        for (uint32_t y = piece_begin(job->height, piece); y < last; y++)
            line_maxima(job->src + (size_t)y * job->width, job->dst + (size_t)y * job->width,
                        job->width, job->radius, prefix, suffix);
    }
}

/* As line_maxima, down `lanes` neighbouring columns at once; a line of scratch is COLUMN_LANES. */
static void column_maxima(const pass *job, uint32_t x, uint32_t lanes, uint8_t *prefix,
                          uint8_t *suffix)
{
    uint32_t n = job->height, radius = job->radius;
    uint32_t block = 2 * radius + 1, total = n + 2 * radius;
    memset(prefix, 0, (size_t)total * COLUMN_LANES);
    for (uint32_t y = 0; y < n; y++)
        memcpy(prefix + (size_t)(y + radius) * COLUMN_LANES, job->src + (size_t)y * job->width + x,
               lanes);
    memcpy(suffix, prefix, (size_t)total * COLUMN_LANES);
    for (uint32_t start = 0; start < total; start += block) {
        uint32_t end = start + block < total ? start + block : total;
        for (uint8_t *p = prefix + (size_t)(start + 1) * COLUMN_LANES,
                     *stop = prefix + (size_t)end * COLUMN_LANES;
             p < stop; p++)
            *p = larger(*p, p[-COLUMN_LANES]);
        for (uint32_t y = end - 1; y > start; y--) {
            uint8_t *p = suffix + (size_t)(y - 1) * COLUMN_LANES;
            for (uint32_t i = 0; i < COLUMN_LANES; i++)
                p[i] = larger(p[i], p[i + COLUMN_LANES]);
        }
    }
    for (uint32_t y = 0; y < n; y++) {
        const uint8_t *a = suffix + (size_t)y * COLUMN_LANES;
        const uint8_t *b = prefix + (size_t)(y + 2 * radius) * COLUMN_LANES;
        uint8_t *dst = job->dst + (size_t)y * job->width + x;
        for (uint32_t i = 0; i < lanes; i++)
            dst[i] = larger(a[i], b[i]);
    }
}

static void column_pieces(void *user, uint32_t begin, uint32_t end)
{
    const pass *job = user;
    for (uint32_t piece = begin; piece < end; piece++) {
        uint8_t *prefix = job->scratch + piece * job->scratch_size;
        uint8_t *suffix = prefix + (size_t)(job->height + 2 * job->radius) * COLUMN_LANES;
        uint32_t last = piece_begin(job->width, piece + 1);
        for (uint32_t x = piece_begin(job->width, piece); x < last; x += COLUMN_LANES)
            column_maxima(job, x, last - x < COLUMN_LANES ? last - x : COLUMN_LANES, prefix,
                          suffix);
    }
}

/* Scratch for rows, and for columns when they are to follow. */
static lab_status make_scratch(lab_call *call, pass *job, bool columns)
{
    size_t across = 2 * ((size_t)job->width + 2 * (size_t)job->radius);
    size_t down = columns ? 2 * ((size_t)job->height + 2 * (size_t)job->radius) * COLUMN_LANES : 0;
    job->scratch_size = across > down ? across : down;
    job->scratch = lab_call_alloc(call, PIECES * job->scratch_size);
    return lab_call_status(call);
}

static lab_status dilate_square(lab_call *call, pass *job)
{
    lab_status status = make_scratch(call, job, true);
    if (!status)
        status = lab_parallel_for(call, PIECES, 1, row_pieces, job);
    job->src = job->dst;
    return status ? status : lab_parallel_for(call, PIECES, 1, column_pieces, job);
}

/* ---- discs ---- */

typedef struct join_job {
    const uint8_t *chords; /* maxima over the chord at `distance` rows from the centre */
    uint8_t *dst;
    uint32_t width, height, distance;
} join_job;

static void join_rows(void *user, uint32_t begin, uint32_t end)
{
    const join_job *job = user;
    size_t width = job->width;
    for (uint32_t y = begin; y < end; y++) {
        uint8_t *dst = job->dst + y * width;
        if (y >= job->distance) {
            const uint8_t *above = job->chords + (y - job->distance) * width;
            for (size_t x = 0; x < width; x++)
                dst[x] = larger(dst[x], above[x]);
        }
        if (job->distance > 0 && y + job->distance < job->height) {
            const uint8_t *below = job->chords + (y + job->distance) * width;
            for (size_t x = 0; x < width; x++)
                dst[x] = larger(dst[x], below[x]);
        }
    }
}

/* The largest w with w^2 + distance^2 <= radius^2. */
static uint32_t half_chord(uint32_t radius, uint32_t distance)
{
    uint32_t w = radius;
    while (w * w + distance * distance > radius * radius)
        w--;
    return w;
}

static lab_status dilate_disc(lab_call *call, pass *job)
{
    size_t pixels = (size_t)job->width * job->height;
    uint32_t radius = job->radius;
    uint8_t *chords = lab_call_alloc(call, pixels), *copy = lab_call_alloc(call, pixels);
    lab_status status = make_scratch(call, job, false);
    if (status)
        return status;
    memcpy(copy, job->src, pixels);
    join_job join = { chords, job->dst, job->width, job->height, 0 };
    job->src = copy;
    job->dst = chords;
    memset(join.dst, 0, pixels);
    uint32_t made = UINT32_MAX;
    for (uint32_t d = 0; !status && d <= radius && d < job->height; d++) {
        job->radius = half_chord(radius, d);
        if (job->radius != made)
            status = lab_parallel_for(call, PIECES, 1, row_pieces, job);
        made = job->radius;
        join.distance = d;
        if (!status)
            status = lab_parallel_for(call, job->height, 32, join_rows, &join);
    }
    return status;
}

lab_status morphology_dilate(lab_call *call, const uint8_t *src, uint8_t *dst, uint32_t width,
                             uint32_t height, uint32_t radius, int64_t shape)
{
    pass job = { .src = src, .dst = dst, .width = width, .height = height, .radius = radius };
    if (shape == MORPHOLOGY_SQUARE)
        return dilate_square(call, &job);
    return dilate_disc(call, &job);
}
