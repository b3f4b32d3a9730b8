/*
 * store_avx2.h: blocks of 16 bytes, in and out. From accumulators to bytes: store32_avx2.h.
 */
#ifndef X86_STORE_AVX2_H
#define X86_STORE_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "../reference/layers.h"

#define BLOCK ((size_t)16) /* channels */

static inline __m128i load_128u(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void store_128u(void *p, __m128i v)
{
    _mm_storeu_si128(p, v);
}

#endif
