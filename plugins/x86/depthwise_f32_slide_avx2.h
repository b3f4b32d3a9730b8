/*
 * depthwise_f32_slide_avx2.h: float depthwise convolution along one or two output rows, for nine
 * taps that are a grid of three rows and three columns, with stride 1. Output columns that are as
 * far apart as the taps share what they read: a column of values is loaded once and multiplied for
 * the three outputs it belongs to, with the nine weights of eight channels in registers. Two output
 * rows as far apart as rows of taps share two input rows as well.
 *
 * Products are added column by column, those of columns and rows outside the picture left out:
 * the same sums for one row and for two.
 */
#ifndef X86_DEPTHWISE_F32_SLIDE_AVX2_H
#define X86_DEPTHWISE_F32_SLIDE_AVX2_H

#include "vector_f32_avx2.h"

#define SLIDE_TAPS ((size_t)3) /* in each direction */
#define SLIDE_ROWS ((size_t)4) /* of input, under two output rows */

/* What one or two output rows have to do with eight of their channels. */
typedef struct slide_f32 {
    const float
        *x[SLIDE_ROWS];   /* column 0 of the rows under the taps; those outside are not read */
    const float *weights; /* [taps][pitch] */
    size_t pitch;
    const float *bias;
    float *y;
    ptrdiff_t y_next; /* floats from y to the second output row */
    ptrdiff_t n;      /* channels: floats from column to column */
    int64_t spacing;  /* of taps, in columns */
    int64_t left;     /* column of the first tap for output column 0; at least -2 spacing */
    int64_t in_w, out_w;
    clamp_avx2 clamp;
} slide_f32;

/* Constants where what takes them is inlined: input rows begin <= r < end, of `outputs` rows. */
typedef struct slide_shape {
    size_t begin, end, outputs;
} slide_shape;

/* Sums of an output row: of those whose last, second and first column comes next. */
typedef struct slide_sums {
    __m256 last, second, first;
} slide_sums;

/* Adds column `at` (floats from column 0). */
static inline __attribute__((always_inline)) void
slide_column(const float *const x[SLIDE_ROWS], ptrdiff_t at, const __m256 w[SLIDE_TAPS][SLIDE_TAPS],
             slide_sums sums[2], const slide_shape shape)
{
    for (size_t r = shape.begin; r < shape.end; r++) {
        __m256 value = _mm256_loadu_ps(x[r] + at);
        for (size_t o = 0; o < shape.outputs; o++) {
            if (r < o || r - o >= SLIDE_TAPS)
                continue;
            sums[o].last = _mm256_fmadd_ps(value, w[r - o][2], sums[o].last);
            sums[o].second = _mm256_fmadd_ps(value, w[r - o][1], sums[o].second);
            sums[o].first = _mm256_fmadd_ps(value, w[r - o][0], sums[o].first);
        }
    }
}

/* To the next column; gives the sums that are complete. */
static inline __attribute__((always_inline)) void slide_on(slide_sums sums[2], const float *bias,
                                                           __m256 done[2], const size_t outputs)
{
    for (size_t o = 0; o < outputs; o++) {
        done[o] = sums[o].last;
        sums[o] = (slide_sums){ sums[o].second, sums[o].first, _mm256_loadu_ps(bias) };
    }
}

/* Output columns first, first + spacing, ... */
static inline __attribute__((always_inline)) void
slide_phase(const slide_f32 *s, int64_t first, const __m256 w[SLIDE_TAPS][SLIDE_TAPS],
            const slide_shape shape)
{
    const float *const x[SLIDE_ROWS] = { s->x[0], s->x[1], s->x[2], s->x[3] };
    const float *bias = s->bias;
    clamp_avx2 clamp = s->clamp;
    __m256 start = _mm256_loadu_ps(bias), done[2];
    slide_sums sums[2] = { { start, start, start }, { start, start, start } };
    int64_t column = s->left + first;
    for (int i = 0; i < 2; i++, column += s->spacing) { /* complete nothing */
        if (column >= 0 && column < s->in_w)
            slide_column(x, column * s->n, w, sums, shape);
        slide_on(sums, bias, done, shape.outputs);
    }
    /* Outputs that are left, and columns; then those that more columns would be padding for. */
    int64_t outputs = (s->out_w - first + s->spacing - 1) / s->spacing;
    int64_t columns = column < s->in_w ? (s->in_w - column + s->spacing - 1) / s->spacing : 0;
    columns = columns < outputs ? columns : outputs;
    ptrdiff_t step = s->spacing * s->n, at = column * s->n;
    float *y = s->y + first * s->n;
    for (int64_t i = 0; i < outputs; i++, at += step, y += step) {
        if (i < columns)
            slide_column(x, at, w, sums, shape);
        slide_on(sums, bias, done, shape.outputs);
        for (size_t o = 0; o < shape.outputs; o++)
            _mm256_storeu_ps(o == 0 ? y : y + s->y_next, clamp8(done[o], clamp));
    }
}

static inline __attribute__((always_inline)) void slide_rows(const slide_f32 *s,
                                                             const slide_shape shape)
{
    __m256 w[SLIDE_TAPS][SLIDE_TAPS];
    for (size_t r = 0; r < SLIDE_TAPS; r++)
        for (size_t c = 0; c < SLIDE_TAPS; c++)
            w[r][c] = _mm256_loadu_ps(s->weights + (r * SLIDE_TAPS + c) * s->pitch);
    for (int64_t first = 0; first < s->spacing && first < s->out_w; first++)
        slide_phase(s, first, w, shape);
}

#endif
