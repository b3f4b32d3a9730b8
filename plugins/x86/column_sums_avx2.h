/*
 * column_sums_avx2.h: what pooling and mean come down to: sums over places, for each of 32
 * neighbouring channels of 8 bits. Up to 256 bytes are added in 16 bits before they are widened.
 *
 * Whole vectors are read, also where fewer channels are left: up to 31 bytes past the last.
 */
#ifndef X86_COLUMN_SUMS_AVX2_H
#define X86_COLUMN_SUMS_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "../reference/requant.h"

#define COLUMNS ((size_t)32)

/* Places in a rectangle, their distances in elements. */
typedef struct places {
    size_t rows, row_step;
    size_t columns, column_step;
} places;

/* Adds 16-bit sums to int32 ones, and starts them anew. */
static inline void widen_columns(__m256i words[2], __m256i acc[4])
{
    const __m256i zero = _mm256_setzero_si256();
    acc[0] = _mm256_add_epi32(acc[0], _mm256_unpacklo_epi16(words[0], zero));
    acc[1] = _mm256_add_epi32(acc[1], _mm256_unpackhi_epi16(words[0], zero));
    acc[2] = _mm256_add_epi32(acc[2], _mm256_unpacklo_epi16(words[1], zero));
    acc[3] = _mm256_add_epi32(acc[3], _mm256_unpackhi_epi16(words[1], zero));
    words[0] = words[1] = zero;
}

/* Where unpacking bytes and then words in halves leaves four channels: vector v, lower half. */
static inline void columns_in_order(const __m256i acc[4], int32_t *sums)
{
    for (size_t v = 0; v < 4; v++) {
        _mm_storeu_si128((__m128i *)(void *)(sums + 4 * v), _mm256_castsi256_si128(acc[v]));
        _mm_storeu_si128((__m128i *)(void *)(sums + 16 + 4 * v),
                         _mm256_extracti128_si256(acc[v], 1));
    }
}

/* sums[c] of the bytes of channel c, read as u8 after XOR with `flip`. At most 2^23 places. */
static inline void column_sums(const uint8_t *x, const places *p, uint8_t flip,
                               int32_t sums[COLUMNS])
{
    const __m256i zero = _mm256_setzero_si256(), flips = _mm256_set1_epi8((char)flip);
    __m256i acc[4] = { zero, zero, zero, zero }, words[2] = { zero, zero };
    size_t room = 256;
    for (size_t r = 0; r < p->rows; r++, x += p->row_step) {
        const uint8_t *at = x;
        for (size_t left = p->columns; left > 0;) {
            size_t count = left < room ? left : room;
            left -= count;
            room -= count;
            for (; count > 0; count--, at += p->column_step) {
                __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
                v = _mm256_xor_si256(v, flips);
                words[0] = _mm256_add_epi16(words[0], _mm256_unpacklo_epi8(v, zero));
                words[1] = _mm256_add_epi16(words[1], _mm256_unpackhi_epi8(v, zero));
            }
            if (room == 0) {
                widen_columns(words, acc);
                room = 256;
            }
        }
    }
    widen_columns(words, acc);
    columns_in_order(acc, sums);
}

#endif
