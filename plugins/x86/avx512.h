/*
 * avx512.h: what the kernels for AVX-512 share: the instructions, and the way from 64 accumulators
 * to 64 bytes, the steps of ../reference/requant.h.
 *
 * X86_EMULATED says that whoever compiles this has defined the instructions already, in plain C:
 * tests do (tests/kernels/emulated), so that the same source runs, slowly, on every CPU.
 */
#ifndef X86_AVX512_H
#define X86_AVX512_H

#ifdef X86_EMULATED
#define X86_CPU_AVX512VNNI 0
#define X86_ISA_AVX512VNNI "emulated512vnni"
#else
#include <immintrin.h>
#define X86_CPU_AVX512VNNI (LAB_CPU_AVX512 | LAB_CPU_AVX512VNNI)
#define X86_ISA_AVX512VNNI "avx512vnni"
#endif

#include "../reference/requant.h"

/*
 * acc + the products of four bytes of x, unsigned, and of w, signed, in each lane: exact in int32.
 * GCC 12 copies every accumulator twice around the intrinsic in a loop; an asm it leaves alone.
 */
static inline __m512i dot_add(__m512i acc, __m512i x, __m512i w)
{
#if defined(X86_EMULATED) || defined(__clang__)
    return _mm512_dpbusd_epi32(acc, x, w);
#else
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
#endif
}

typedef struct store64 {
    __m512i zero;         /* int16; of the output byte read as u8 */
    __m512i lo, hi, flip; /* u8: the clamp, and what turns u8 into the output type */
    __m512i order;
} store64;

static inline store64 store64_of(uint8_t zero, uint8_t lo, uint8_t hi, uint8_t flip)
{
    return (store64){
        _mm512_set1_epi16(zero),
        _mm512_set1_epi8((char)lo),
        _mm512_set1_epi8((char)hi),
        _mm512_set1_epi8((char)flip),
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    };
}

/*
 * Rounds half to even. What lies beyond int32 and a NaN would become INT32_MIN: right for low
 * values and a NaN, so only high ones are held back; min gives its second operand for a NaN.
 */
static inline __m512i requant16(__m512i acc, const float *scale)
{
    __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(scale));
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps(65536.0f), v));
}

/*
 * 64 bytes in the order of the accumulators. Packing works in quarters and leaves dword q of
 * vector v at 4 * q + v. The clamp comes after the rounding: its bounds are integers, and rounding
 * keeps order; that of the output's type is the saturation of the packing.
 */
static inline __m512i requant64(const __m512i acc[4], const float *scale, const store64 *s)
{
    __m512i a = requant16(acc[0], scale), b = requant16(acc[1], scale + 16);
    __m512i c = requant16(acc[2], scale + 32), d = requant16(acc[3], scale + 48);
    __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), s->zero);
    __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), s->zero);
    __m512i bytes = _mm512_permutexvar_epi32(s->order, _mm512_packus_epi16(low, high));
    bytes = _mm512_min_epu8(_mm512_max_epu8(bytes, s->lo), s->hi);
    return _mm512_xor_si512(bytes, s->flip);
}

#endif
