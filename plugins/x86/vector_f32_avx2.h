/* vector_f32_avx2.h: float vectors whose last lanes do not count; fused activations of eight. */
#ifndef X86_VECTOR_F32_AVX2_H
#define X86_VECTOR_F32_AVX2_H

#include <immintrin.h>

#include "../reference/requant.h"

#define LANES ((size_t)8)

/* The first `count` lanes (0 .. 8) of memory, zeros in the others: those are not touched. */
static inline __m256 load_first(const float *p, size_t count)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count), lane));
}

/* Stores the first `count` lanes (0 .. 8). In pieces: a masked store takes many times as long. */
static inline void store_first(float *p, __m256 v, size_t count)
{
    if (count >= LANES) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 part = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (count & 1)
        _mm_store_ss(p, part);
}

typedef struct clamp_avx2 {
    __m256 lo, hi;
} clamp_avx2;

static inline clamp_avx2 clamp_of(f32_range range)
{
    return (clamp_avx2){ _mm256_set1_ps(range.lo), _mm256_set1_ps(range.hi) };
}

/* max and min give their second operand when one is a NaN, so NaN stays NaN as in f32_clamp. */
static inline __m256 clamp8(__m256 v, clamp_avx2 c)
{
    return _mm256_min_ps(c.hi, _mm256_max_ps(c.lo, v));
}

#endif
