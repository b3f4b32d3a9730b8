/*
 * store32_avx2.h: from 32 accumulators to 32 bytes, the steps of ../reference/requant.h. The four
 * vectors have the order that widening two vectors of 16-bit sums in halves leads to; packing in
 * halves turns it back:
 *
 *     v[0] { 0 1 2 3   16 17 18 19 }    v[1] { 4 5 6 7   20 21 22 23 }    v[2] { 8 …  24 … }    …
 *
 * The clamp comes after the rounding: its bounds are integers, and rounding keeps order. That of
 * the output's type is the saturation of the packing.
 */
#ifndef X86_STORE32_AVX2_H
#define X86_STORE32_AVX2_H

#ifndef X86_EMULATED /* see avx512.h */
#include <immintrin.h>
#endif

#include "../reference/requant.h"

typedef struct store32 {
    __m256i zero;         /* int16; of the output byte read as u8 */
    __m256i lo, hi, flip; /* u8: the clamp, and what turns u8 into the output type */
} store32;

static inline store32 store32_of(const lab_tensor *y, lab_activation activation)
{
    int32_t lo, hi;
    q8_activation(y, activation, &lo, &hi);
    lo -= q8_min(y->dtype);
    hi -= q8_min(y->dtype);
    return (store32){ _mm256_set1_epi16(q8_flipped_zero(y)), _mm256_set1_epi8((char)lo),
                      _mm256_set1_epi8((char)hi), _mm256_set1_epi8((char)q8_flip(y)) };
}

/*
 * Rounds half to even. What lies beyond int32 and a NaN would become INT32_MIN: right for low
 * values and a NaN, so only high ones are held back; min gives its second operand for a NaN.
 */
static inline __m256i requant8_wide(__m256i acc, const float *scale)
{
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(scale));
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(65536.0f), v));
}

/* 32 bytes from what requant8_wide made of the accumulators. */
static inline __m256i pack32(__m256i a, __m256i b, __m256i c, __m256i d, const store32 *s)
{
    __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(a, b), s->zero);
    __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(c, d), s->zero);
    __m256i bytes = _mm256_packus_epi16(low, high);
    bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, s->lo), s->hi);
    return _mm256_xor_si256(bytes, s->flip);
}

#endif
