/*
 * store_avx2.h: from 16 accumulators to 16 bytes, the steps of ../reference/requant.h eight at a
 * time. Everything here keeps 16 channels in two vectors in this order, which is the one that
 * unpack and pack instructions, working in halves, lead to and come from:
 *
 *     first  { 0 1 2 3   8  9 10 11 }     second  { 4 5 6 7   12 13 14 15 }
 */
#ifndef X86_STORE_AVX2_H
#define X86_STORE_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "../reference/layers.h"

#define BLOCK ((size_t)16) /* channels */

/* Place of channel `c` of a block among its 16 lanes; and the channel at a place. */
static inline size_t lane_of(size_t c)
{
    return (c & 3) | (c & 8) >> 1 | (c & 4) << 1;
}

typedef struct store_avx2 {
    __m256 lo, hi;
    __m256i zero; /* int16; of the output byte read as u8 */
    __m128i flip; /* turns u8 into the output type */
} store_avx2;

static inline store_avx2 store_of(const q8_range *range, uint8_t flip)
{
    return (store_avx2){ _mm256_set1_ps(range->lo), _mm256_set1_ps(range->hi),
                         _mm256_set1_epi16((int16_t)(range->zero + (flip ? 128 : 0))),
                         _mm_set1_epi8((char)flip) };
}

/*
 * max and min take their second operand when the first is a NaN, so a NaN becomes lo as in
 * q8_store. cvtps rounds half to even. After the clamp every sum fits in u8: packing saturates
 * nothing.
 */
static inline __m256i requant8(__m256i acc, __m256 scale, const store_avx2 *s)
{
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale);
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, s->lo), s->hi));
}

/* 16 output bytes in the order of the channels. */
static inline __m128i requant16(__m256i first, __m256i second, const float *scale,
                                const store_avx2 *s)
{
    __m256i a = requant8(first, _mm256_load_ps(scale), s);
    __m256i b = requant8(second, _mm256_load_ps(scale + 8), s);
    __m256i words = _mm256_add_epi16(_mm256_packs_epi32(a, b), s->zero);
    __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_xor_si128(bytes, s->flip);
}

static inline __m256i load_256(const void *p)
{
    return _mm256_load_si256(p);
}

static inline __m128i load_128u(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void store_128u(void *p, __m128i v)
{
    _mm_storeu_si128(p, v);
}

#endif
