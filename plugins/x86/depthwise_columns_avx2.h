/*
 * depthwise_columns_avx2.h: 5x5 depthwise filters of stride 1 along a row. Each column of the five
 * rows is read and interleaved once, for all the outputs that share it: a run's columns are written
 * one after the other to scratch memory that stays in the first-level cache, and its outputs are
 * summed from there. Weights are two digits of a base, as in depthwise_slide_avx2.h.
 *
 *     row 0  a a a a a       Pairs of taps: a, rows 0 and 1 of each column; b, rows 2 and 3; c is
 *     row 1  a a a a a       row 4 of a column with that of the column before: the second's, the
 *     row 2  b b b b b       fourth's, and the last's, there with 0 as the weight of the one
 *     row 3  b b b b b       before.
 *     row 4  c c c c c
 */
#ifndef X86_DEPTHWISE_COLUMNS_AVX2_H
#define X86_DEPTHWISE_COLUMNS_AVX2_H

#include "depthwise_slide_avx2.h"

#define COLUMNS_OF_RUN 72 /* at most: 14 KB */

typedef struct dw_column {
    __m256i a[2], b[2], c[2]; /* lower halves, higher halves */
} dw_column;

static inline void put_pairs(__m256i to[2], halves pairs)
{
    to[0] = pairs.low;
    to[1] = pairs.high;
}

/* The next column, five rows at `at`; `last` is row 4 of the one before. */
static inline __attribute__((always_inline)) __m256i
read_column(dw_column *to, const uint8_t *const at[5], __m256i last, const bool is_signed)
{
    __m256i newest = load_x(at[4], is_signed);
    put_pairs(to->a, interleave(load_x(at[0], is_signed), load_x(at[1], is_signed)));
    put_pairs(to->b, interleave(load_x(at[2], is_signed), load_x(at[3], is_signed)));
    put_pairs(to->c, interleave(last, newest));
    return newest;
}

/* The columns of a run: the five of its first output, then those that follow the last of them. */
static inline __attribute__((always_inline)) void read_columns(const block_run *r, dw_column *to,
                                                               size_t count, const bool is_signed)
{
    const uint8_t *const *from = r->from;
    const uint8_t *at[5];
    __m256i last = _mm256_setzero_si256();
    for (size_t i = 0; i < count; i++) {
        for (size_t row = 0; row < 5; row++)
            at[row] = i < 5 ? from[5 * row + i] : at[row] + r->in_step;
        _mm_prefetch((const char *)at[4] + r->below, _MM_HINT_T1);
        last = read_column(&to[i], at, last, is_signed);
    }
}

/* Adds the products of one pair of taps to both digits' sums of two outputs. */
static inline __attribute__((always_inline)) void add_pair(__m256i sum[4], const __m256i *x,
                                                           const __m256i *y, const int8_t *w)
{
    __m256i first = keep_256(x), second = keep_256(y);
    for (size_t digit = 0; digit < 2; digit++, w += 64) {
        __m256i weights = keep_256(w);
        sum[digit] = _mm256_add_epi16(sum[digit], _mm256_maddubs_epi16(first, weights));
        sum[2 + digit] = _mm256_add_epi16(sum[2 + digit], _mm256_maddubs_epi16(second, weights));
        KEEP(sum[digit]);
        KEEP(sum[2 + digit]);
    }
}

/*
 * Both digits' sums for half `h` of a block at two outputs, whose columns begin at c and d; `w` is
 * [13 pairs][2 digits][2 halves]. Two, since loads of weights are the bottleneck.
 */
static inline __attribute__((always_inline)) void column_digits(const dw_column *c,
                                                                const dw_column *d, const int8_t *w,
                                                                const size_t h, __m256i sum[4])
{
    static const uint8_t corner[3] = { 1, 3, 4 };
    sum[0] = sum[1] = sum[2] = sum[3] = _mm256_setzero_si256();
    w += 32 * h;
    for (size_t i = 0; i < 5; i++) {
        add_pair(sum, &c[i].a[h], &d[i].a[h], w + 128 * i);
        add_pair(sum, &c[i].b[h], &d[i].b[h], w + 128 * (5 + i));
    }
    for (size_t i = 0; i < 3; i++)
        add_pair(sum, &c[corner[i]].c[h], &d[corner[i]].c[h], w + 128 * (10 + i));
}

/* Two blocks; d is c where there is one left. */
static inline __attribute__((always_inline)) void
column_blocks(const dw_column *c, const dw_column *d, const dw_head *head, const bool is_plain,
              const store32 *to, __m256i bytes[2])
{
    const int8_t *w = (const int8_t *)(head + 1), *base = w + 128 * 13;
    __m256i out[2][4];
    for (size_t h = 0; h < 2; h++) {
        __m256i sum[4];
        column_digits(c, d, w, h, sum);
        for (size_t k = 0; k < 2; k++)
            join_digits(sum[2 * k], sum[2 * k + 1], base + 64 * h, head, h, is_plain,
                        out[k] + 2 * h);
    }
    for (size_t k = 0; k < 2; k++)
        bytes[k] = pack32(out[k][0], out[k][1], out[k][2], out[k][3], to);
}

static inline __attribute__((always_inline)) void
columns_run(const block_run *r, dw_column *columns, const bool is_plain, const bool is_signed,
            const store32 *to)
{
    const dw_head *head = r->block->head;
    size_t step = r->out_step, size = r->size, outputs = (size + step - 1) / step;
    uint8_t *y = r->y;
    read_columns(r, columns, outputs + 4, is_signed);
    for (size_t i = 0; i < outputs; i += 2, y += 2 * step, size -= 2 * step) {
        const dw_column *c = columns + i;
        bool both = i + 1 < outputs;
        __m256i bytes[2];
        column_blocks(c, both ? c + 1 : c, head, is_plain, to, bytes);
        store_32(y, size, bytes[0]);
        if (both)
            store_32(y + step, size - step, bytes[1]);
    }
}

/* `columns` is scratch memory for those of the run. */
static void slide_columns_of(const block_run *r, dw_column *columns, bool is_signed,
                             const store32 *to)
{
    if (r->block->plain && is_signed)
        columns_run(r, columns, true, true, to);
    else if (r->block->plain)
        columns_run(r, columns, true, false, to);
    else if (is_signed)
        columns_run(r, columns, false, true, to);
    else
        columns_run(r, columns, false, false, to);
}

#endif
