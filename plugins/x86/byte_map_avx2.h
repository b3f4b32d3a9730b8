/*
 * byte_map_avx2.h: a table of 256 bytes applied to bytes, 32 at a time. Where rescaling made the
 * table, a multiplication makes it again,
 *
 *     y = min(max((((x - zero) << shift) * factor + 2^14 >> 15) + add, lo), hi)
 *
 * which is vpmulhrsw; byte_map_rescaling tries that on all 256 values and keeps it only when every
 * one is the table's. Any other table is eight pieces of 16 for each half of the bytes: vpshufb
 * gives 0 where the top bit of its index is set, so what is kept is what each piece differs in from
 * the one before, and 16 is subtracted from the index, saturating, before each next piece.
 */
#ifndef X86_BYTE_MAP_AVX2_H
#define X86_BYTE_MAP_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "../reference/byte_tables.h"

#define MAP_LANES ((size_t)32)

typedef struct byte_map {
    uint8_t pieces[256]; /* each 16 but the first of a half XOR the 16 before */
    bool rescales;       /* the members below make the table */
    int16_t zero, factor, add;
    int32_t shift;
    uint8_t in_flip, out_flip; /* what bytes are XORed with to be read as u8 */
    uint8_t lo, hi;
} byte_map;

static inline void byte_map_set(byte_map *map, const uint8_t table[256])
{
    *map = (byte_map){ .rescales = false };
    for (size_t i = 0; i < 256; i++)
        map->pieces[i] = i % 128 < 16 ? table[i] : table[i] ^ table[i - 16];
}

/* The formula for one byte. */
static inline uint8_t byte_map_rescaled(const byte_map *map, uint8_t byte)
{
    int32_t x = ((byte ^ map->in_flip) - map->zero) * (1 << map->shift);
    int32_t v = ((x * map->factor + (1 << 14)) >> 15) + map->add;
    v = v > map->lo ? v : map->lo;
    return (uint8_t)((v < map->hi ? v : map->hi) ^ map->out_flip);
}

/* A table that rescales from the quantisation of x to that of y by `ratio`, with clamps. */
static inline void byte_map_rescaling(byte_map *map, const uint8_t table[256], const lab_tensor *x,
                                      const lab_tensor *y, float ratio)
{
    byte_map_set(map, table);
    if (!(ratio >= 0x1p-8f && ratio < 0x1p7f))
        return;
    byte_map m = *map;
    m.zero = q8_flipped_zero(x);
    m.add = q8_flipped_zero(y);
    m.in_flip = q8_flip(x);
    m.out_flip = q8_flip(y);
    m.lo = UINT8_MAX;
    for (size_t i = 0; i < 256; i++) {
        uint8_t v = table[i] ^ m.out_flip;
        m.lo = v < m.lo ? v : m.lo;
        m.hi = v > m.hi ? v : m.hi;
    }
    while (ratio >= (float)(1 << m.shift))
        m.shift++;
    m.factor = (int16_t)fminf(rintf(ldexpf(ratio, 15 - m.shift)), INT16_MAX);
    for (size_t i = 0; i < 256; i++)
        if (byte_map_rescaled(&m, (uint8_t)i) != table[i])
            return;
    m.rescales = true;
    *map = m;
}

/* ---- 32 bytes ---- */

static inline __m256i byte_map_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* 16 values as int16, the shift left of 8 by which they were widened being still in them. */
static inline __m256i byte_map_scale16(__m256i x, __m256i zero, __m128i back, __m256i factor,
                                       __m256i add)
{
    x = _mm256_sub_epi16(_mm256_srl_epi16(x, back), zero);
    return _mm256_adds_epi16(_mm256_mulhrs_epi16(x, factor), add);
}

static inline __m256i byte_map_scale(const byte_map *map, __m256i x)
{
    const __m256i nothing = _mm256_setzero_si256();
    __m256i zero = _mm256_set1_epi16((int16_t)(map->zero * (1 << map->shift)));
    __m256i factor = _mm256_set1_epi16(map->factor), add = _mm256_set1_epi16(map->add);
    __m128i back = _mm_cvtsi32_si128(8 - map->shift);
    x = _mm256_xor_si256(x, _mm256_set1_epi8((char)map->in_flip));
    __m256i low = byte_map_scale16(_mm256_unpacklo_epi8(nothing, x), zero, back, factor, add);
    __m256i high = byte_map_scale16(_mm256_unpackhi_epi8(nothing, x), zero, back, factor, add);
    __m256i y = _mm256_packus_epi16(low, high);
    y = _mm256_max_epu8(y, _mm256_set1_epi8((char)map->lo));
    y = _mm256_min_epu8(y, _mm256_set1_epi8((char)map->hi));
    return _mm256_xor_si256(y, _mm256_set1_epi8((char)map->out_flip));
}

/* What the half of the table at `pieces` gives for x in 0 .. 127; 0 for others. */
static inline __m256i byte_map_half(const uint8_t *pieces, __m256i x)
{
    const __m256i next = _mm256_set1_epi8(16);
    __m256i y = _mm256_setzero_si256();
    for (size_t i = 0; i < 8; i++, x = _mm256_subs_epi8(x, next)) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(const void *)(pieces + 16 * i));
        y = _mm256_xor_si256(y, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(piece), x));
    }
    return y;
}

static inline __m256i byte_map_look_up(const byte_map *map, __m256i x)
{
    __m256i upper = _mm256_xor_si256(x, _mm256_set1_epi8(INT8_MIN));
    return _mm256_xor_si256(byte_map_half(map->pieces, x), byte_map_half(map->pieces + 128, upper));
}

/* y[i] = table[x[i]]; x and y do not overlap. `rescales` is a constant where this is inlined. */
static inline __attribute__((always_inline)) void
byte_map_run_as(const byte_map *map, const uint8_t *x, uint8_t *y, size_t n, const bool rescales)
{
    size_t i = 0;
    for (; i + MAP_LANES <= n; i += MAP_LANES) {
        __m256i v = byte_map_load(x + i);
        v = rescales ? byte_map_scale(map, v) : byte_map_look_up(map, v);
        _mm256_storeu_si256((__m256i *)(void *)(y + i), v);
    }
    if (i == n)
        return;
    /* The rest: with some of the last bytes done again if there are as many. */
    uint8_t part[MAP_LANES] = { 0 };
    bool again = n >= MAP_LANES;
    const uint8_t *from = again ? x + n - MAP_LANES : part;
    uint8_t *to = again ? y + n - MAP_LANES : part;
    if (!again)
        memcpy(part, x, n);
    __m256i v = byte_map_load(from);
    v = rescales ? byte_map_scale(map, v) : byte_map_look_up(map, v);
    _mm256_storeu_si256((__m256i *)(void *)to, v);
    if (!again)
        memcpy(y, part, n);
}

static inline void byte_map_run(const byte_map *map, const uint8_t *x, uint8_t *y, size_t n)
{
    const byte_map m = *map; /* a copy: storing bytes does not change it */
    if (m.rescales)
        byte_map_run_as(&m, x, y, n, true);
    else
        byte_map_run_as(&m, x, y, n, false);
}

#endif
