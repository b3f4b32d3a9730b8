/*
 * emulated.h: AVX2, AVX-512 and VNNI in plain C, by SIMDe under the names of the intrinsics, so
 * that the sources of kernels for them run on any CPU. What SIMDe lacks follows.
 */
#ifndef TEST_EMULATED_H
#define TEST_EMULATED_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>

static inline __m512i emulated_cvtps_epi32(__m512 v)
{
    simde__m512_private in = simde__m512_to_private(v);
    simde__m512i_private out;
    for (int i = 0; i < 2; i++)
        out.m256i[i] = simde_mm256_cvtps_epi32(in.m256[i]);
    return simde__m512i_from_private(out);
}

static inline __m512 emulated_cvtepi32_ps(__m512i v)
{
    simde__m512i_private in = simde__m512i_to_private(v);
    simde__m512_private out;
    for (int i = 0; i < 2; i++)
        out.m256[i] = simde_mm256_cvtepi32_ps(in.m256i[i]);
    return simde__m512_from_private(out);
}

#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps

#endif
