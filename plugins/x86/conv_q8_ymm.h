/*
 * conv_q8_ymm.h: what the multiplications of conv_q8.h with vectors of eight accumulators share:
 * panels of two vectors of filters (wide) and of one (narrow), and the way from accumulators to
 * bytes. The files that include it differ in how they form the accumulators.
 */
#ifndef X86_CONV_Q8_YMM_H
#define X86_CONV_Q8_YMM_H

#include "conv_q8_pack.h"
#include "conv_q8_run.h"
#include "store32_avx2.h"

#define WIDE ((size_t)16)
#define NARROW ((size_t)8)
#define NARROW_ROWS ((size_t)8)

#define INLINE static inline __attribute__((always_inline))

/* Wide panels have the order that packing two vectors in halves turns into that of the filters. */
static size_t lane_of(size_t channel, size_t lanes)
{
    return lanes == WIDE ? (channel & 3) | (channel & 8) >> 1 | (channel & 4) << 1 : channel;
}

INLINE __m256i load(const void *p)
{
    return _mm256_load_si256(p);
}

/* Four values of a row, in every lane. */
INLINE __m256i quad_at(const uint8_t *row, uint32_t offset)
{
    int32_t quad;
    memcpy(&quad, row + offset, sizeof quad);
    return _mm256_set1_epi32(quad);
}

/*
 * How much there is to do from accumulators to bytes. Plain: scales are below 1, and the clamp is
 * that of the type (s->plain). Bare: the zero point of the output, read as u8, is 0, too, as it is
 * after a ReLU.
 */
typedef enum store_kind { STORE_ANY, STORE_PLAIN, STORE_BARE } store_kind;

static store_kind store_kind_of(const conv_q8 *s)
{
    return !s->plain ? STORE_ANY : s->out_zero ? STORE_PLAIN : STORE_BARE;
}

/*
 * Four vectors as 32 bytes: two rows of a wide panel or four of a narrow one, not yet in order.
 * p->scale has the lanes of one row after the other.
 */
INLINE __m256i requant32(const conv_q8_panel *p, const __m256i acc[4], const store32 *store,
                         const store_kind kind)
{
    __m256i v[4];
    for (size_t i = 0; i < 4; i++)
        v[i] = kind == STORE_ANY
                   ? requant8_wide(acc[i], p->scale + 8 * i)
                   : _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc[i]),
                                                      _mm256_load_ps(p->scale + 8 * i)));
    if (kind == STORE_ANY)
        return pack32(v[0], v[1], v[2], v[3], store);
    __m256i low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]);
    if (kind == STORE_PLAIN) {
        low = _mm256_adds_epi16(low, store->zero);
        high = _mm256_adds_epi16(high, store->zero);
    }
    return _mm256_xor_si256(_mm256_packus_epi16(low, high), store->flip);
}

INLINE __m256i narrow_bytes(const conv_q8_panel *p, const __m256i acc[4], const store32 *store,
                            const store_kind kind)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(requant32(p, acc, store, kind), order);
}

/* The first `rows` rows of `lanes` bytes each, `used` of them. */
static __attribute__((noinline)) void store_part(const __m256i *bytes, size_t lanes, size_t used,
                                                 size_t rows, uint8_t *y, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * n, (const uint8_t *)bytes + r * lanes, used);
}

/* Two rows of a wide panel, whose halves requant32 leaves side by side. */
INLINE void store_two(__m256i bytes, uint8_t *y, size_t n)
{
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    _mm_storeu_si128((void *)y, _mm_unpacklo_epi64(low, high));
    _mm_storeu_si128((void *)(y + n), _mm_unpackhi_epi64(low, high));
}

INLINE void store_four(__m256i bytes, uint8_t *y, size_t n)
{
    __m128 low = _mm_castsi128_ps(_mm256_castsi256_si128(bytes));
    __m128 high = _mm_castsi128_ps(_mm256_extracti128_si256(bytes, 1));
    _mm_storel_pi((void *)y, low);
    _mm_storeh_pi((void *)(y + n), low);
    _mm_storel_pi((void *)(y + 2 * n), high);
    _mm_storeh_pi((void *)(y + 3 * n), high);
}

INLINE store32 store32_for(const conv_q8 *s)
{
    return (store32){ _mm256_set1_epi16(s->out_zero), _mm256_set1_epi8((char)s->out_lo),
                      _mm256_set1_epi8((char)s->out_hi), _mm256_set1_epi8((char)s->flip) };
}

/*
 * acc[2 * row + half] of `rows` rows, even, at most 6 and a constant, as far as there are `left`.
 * Loops without branches are those that compilers unroll, so that acc stays in registers.
 */
INLINE void store_wide(const conv_q8_panel *p, const __m256i *acc, const size_t rows, size_t left,
                       uint8_t *y, size_t n, const store32 *store, const store_kind kind)
{
    __m256i bytes[3];
    for (size_t r = 0; r < rows / 2; r++)
        bytes[r] = requant32(p, acc + 4 * r, store, kind);
    if (p->used == WIDE && rows <= left) {
        for (size_t r = 0; r < rows / 2; r++)
            store_two(bytes[r], y + 2 * r * n, n);
        return;
    }
    __m256i part[3] = { bytes[0], bytes[1], bytes[rows / 2 - 1] };
    for (size_t r = 0; r < rows / 2; r++)
        part[r] = _mm256_permute4x64_epi64(part[r], 0xd8);
    store_part(part, WIDE, p->used, left < rows ? left : rows, y, n);
}

/* acc[row] of NARROW_ROWS rows, as far as there are `left`. */
INLINE void store_narrow(const conv_q8_panel *p, const __m256i *acc, size_t left, uint8_t *y,
                         size_t n, const store32 *store, const store_kind kind)
{
    __m256i first = narrow_bytes(p, acc, store, kind);
    __m256i second = narrow_bytes(p, acc + 4, store, kind);
    if (p->used == NARROW && NARROW_ROWS <= left) {
        store_four(first, y, n);
        store_four(second, y + 4 * n, n);
        return;
    }
    __m256i part[2] = { first, second };
    store_part(part, NARROW, p->used, left < NARROW_ROWS ? left : NARROW_ROWS, y, n);
}

#endif
