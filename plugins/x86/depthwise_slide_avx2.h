/*
 * depthwise_slide_avx2.h: 3x3 depthwise filters sliding along a row. Of the three columns that an
 * output needs, two were there for the outputs before: each column is read and interleaved once.
 *
 *     row 0  a a a          Pairs of taps: a of rows 0 and 1, one for each column; b and c are row
 * 2 row 1  a a a          of a column with that of the next one, which serves twice: with the row 2
 * b b c          weights of b for this output, and for the one before with 0 and that of c.
 *
 * Blocks are read here and there, which no prefetcher foresees: each pixel asks for what the output
 * row below will need.
 *
 * Weights too large for sums in int16 are two digits of a base chosen for each channel,
 * w = high * base + low: two such sums, that vpmaddwd puts together in int32.
 */
#ifndef X86_DEPTHWISE_SLIDE_AVX2_H
#define X86_DEPTHWISE_SLIDE_AVX2_H

#include "depthwise_sums_avx2.h"

/* The last columns, each at a place that goes round. */
typedef struct slide_columns {
    halves upper[3]; /* rows 0 and 1 */
    halves lower[3]; /* row 2, and that of the next column */
    __m256i newest;  /* row 2 */
} slide_columns;

/* Which of the loops this is: constant where they are inlined. */
typedef struct slide_kind {
    bool two_digits, is_plain, is_signed; /* one digit: is_plain */
    int stride;                           /* columns from an output to the next: 1 or 2 */
} slide_kind;

static inline __attribute__((always_inline)) void
slide_read(slide_columns *c, const uint8_t *const at[3], const int place, const bool is_signed)
{
    __m256i x = load_x(at[0], is_signed), y = load_x(at[1], is_signed);
    KEEP(x);
    KEEP(y);
    c->upper[place] = interleave(x, y);
    __m256i z = load_x(at[2], is_signed);
    KEEP(z);
    c->lower[(place + 2) % 3] = interleave(c->newest, z);
    c->newest = z;
}

/* Sums of one digit for half a block; `w` is [5] at a distance of `next`. */
static inline __attribute__((always_inline)) __m256i slide_sum(const __m256i pairs[5],
                                                               const int8_t *w, const size_t next)
{
    __m256i sum = _mm256_maddubs_epi16(pairs[0], load_256(w));
    for (size_t i = 1; i < 5; i++) {
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(pairs[i], load_256(w + i * next)));
        KEEP(sum);
    }
    return sum;
}

static inline __attribute__((always_inline)) __m256i scale8(__m256i acc, const float *scale,
                                                            const bool is_plain)
{
    if (!is_plain)
        return requant8_wide(acc, scale);
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(scale)));
}

/* Results of half `h` of a block from the sums of its two digits; `base`: of the half. */
static inline __attribute__((always_inline)) void join_digits(__m256i low, __m256i high,
                                                              const int8_t *base,
                                                              const dw_head *head, const size_t h,
                                                              const bool is_plain, __m256i out[2])
{
    const float *scale = head->scale + 16 * h;
    const int32_t *bias = head->bias + 16 * h;
    __m256i a = _mm256_madd_epi16(_mm256_unpacklo_epi16(low, high), load_256(base));
    __m256i b = _mm256_madd_epi16(_mm256_unpackhi_epi16(low, high), load_256(base + 32));
    out[0] = scale8(_mm256_add_epi32(a, load_256(bias)), scale, is_plain);
    out[1] = scale8(_mm256_add_epi32(b, load_256(bias + 8)), scale + 8, is_plain);
}

/* Results of half `h` of a block, as int32. */
static inline __attribute__((always_inline)) void slide_half(const __m256i pairs[5],
                                                             const dw_head *head, const size_t h,
                                                             const slide_kind kind, __m256i out[2])
{
    const int8_t *w = (const int8_t *)(head + 1) + 32 * h;
    if (!kind.two_digits) {
        const float *scale = head->scale + 16 * h;
        __m256i start = load_256(w), exponent = _mm256_set1_epi16(0x4b00);
        const float *offset = head->offset + 16 * h;
        __m256i sum = _mm256_add_epi16(slide_sum(pairs, w + 64, 64), start);
        out[0] = plain8(_mm256_unpacklo_epi16(sum, exponent), load_256(offset), load_256(scale));
        out[1] =
            plain8(_mm256_unpackhi_epi16(sum, exponent), load_256(offset + 8), load_256(scale + 8));
        return;
    }
    const int8_t *base = (const int8_t *)(head + 1) + 64 * 10 + 64 * h;
    join_digits(slide_sum(pairs, w, 128), slide_sum(pairs, w + 64, 128), base, head, h,
                kind.is_plain, out);
}

/* The block of an output pixel, of the columns up to the one at `place`, the newest. */
static inline __attribute__((always_inline)) __m256i
slide_block(const slide_columns *c, const dw_head *head, const int place, const slide_kind kind,
            const store32 *to)
{
    const int first = (place + 1) % 3, second = (place + 2) % 3;
    __m256i low[2], high[2];
    slide_half((const __m256i[5]){ c->upper[first].low, c->upper[second].low, c->upper[place].low,
                                   c->lower[first].low, c->lower[second].low },
               head, 0, kind, low);
    slide_half((const __m256i[5]){ c->upper[first].high, c->upper[second].high,
                                   c->upper[place].high, c->lower[first].high,
                                   c->lower[second].high },
               head, 1, kind, high);
    if (!kind.is_plain)
        return pack32(low[0], low[1], high[0], high[1], to);
    return plain_bytes(_mm256_packs_epi32(low[0], low[1]), _mm256_packs_epi32(high[0], high[1]),
                       kind.is_signed);
}

/* The state of a run: where the newest column is read, and what is left to write. */
typedef struct slide_at {
    const uint8_t *x[3];
    uint8_t *y;
    size_t size;
} slide_at;

/* Where the row below the lowest of this output row is read by those to come. */
static inline __attribute__((always_inline)) void slide_fetch(const slide_at *at,
                                                              const block_run *r, const int stride)
{
    const char *lowest = (const char *)at->x[2];
    _mm_prefetch(lowest + r->below, _MM_HINT_T1);
    if (stride == 2)
        _mm_prefetch(lowest + 2 * r->below, _MM_HINT_T1);
}

/*
 * One output pixel, whose newest column is at `place`, and the columns of the next; false after
 * the last.
 */
static inline __attribute__((always_inline)) bool slide_on(slide_columns *c, slide_at *at,
                                                           const block_run *r, const int place,
                                                           const slide_kind kind, const store32 *to)
{
    store_32(at->y, at->size, slide_block(c, r->block->head, place, kind, to));
    if (at->size <= r->out_step)
        return false;
    at->size -= r->out_step;
    at->y += r->out_step;
    for (int k = 1; k <= kind.stride; k++) {
        for (int i = 0; i < 3; i++)
            at->x[i] += r->in_step;
        slide_fetch(at, r, kind.stride);
        slide_read(c, at->x, (place + k) % 3, kind.is_signed);
    }
    return true;
}

/* `from` has the taps of the first pixel, row by row; the last of each row moves on. */
static inline __attribute__((always_inline)) void
slide_run(const block_run *r, const slide_kind kind, const store32 *to)
{
    const uint8_t *const *from = r->from;
    const int second = (2 + kind.stride) % 3, third = (2 + 2 * kind.stride) % 3;
    slide_columns c = { .newest = _mm256_setzero_si256() };
    for (int i = 0; i < 3; i++)
        slide_read(&c, (const uint8_t *const[3]){ from[i], from[3 + i], from[6 + i] }, i,
                   kind.is_signed);
    slide_at at = { { from[2], from[5], from[8] }, r->y, r->size };
    while (slide_on(&c, &at, r, 2, kind, to) && slide_on(&c, &at, r, second, kind, to) &&
           slide_on(&c, &at, r, third, kind, to))
        ;
}

/* A block of two digits, or a plain one of one. */
static inline __attribute__((always_inline)) void slide_with(const block_run *r, bool is_signed,
                                                             const store32 *to, const int stride)
{
    const dw_block *b = r->block;
    if (b->groups && is_signed)
        slide_run(r, (slide_kind){ false, true, true, stride }, to);
    else if (b->groups)
        slide_run(r, (slide_kind){ false, true, false, stride }, to);
    else if (b->plain && is_signed)
        slide_run(r, (slide_kind){ true, true, true, stride }, to);
    else if (b->plain)
        slide_run(r, (slide_kind){ true, true, false, stride }, to);
    else if (is_signed)
        slide_run(r, (slide_kind){ true, false, true, stride }, to);
    else
        slide_run(r, (slide_kind){ true, false, false, stride }, to);
}

static void slide(const block_run *r, bool is_signed, const store32 *to, int32_t stride)
{
    if (stride == 1)
        slide_with(r, is_signed, to, 1);
    else
        slide_with(r, is_signed, to, 2);
}

#endif
