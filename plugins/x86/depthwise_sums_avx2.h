/*
 * depthwise_sums_avx2.h: what the loops of depthwise_avx2.c and depthwise_slide_avx2.h share:
 * blocks of 32 bytes in and out, their sums in halves and quarters, and the way back to bytes.
 */
#ifndef X86_DEPTHWISE_SUMS_AVX2_H
#define X86_DEPTHWISE_SUMS_AVX2_H

#include <string.h>

#include "depthwise_program.h"
#include "store32_avx2.h"

/* A block at all its places in a run: `from` says where it reads for the first. */
typedef struct block_run {
    const dw_block *block;
    const uint8_t *const *from;
    uint8_t *y;
    size_t size; /* bytes from y to the end of the run */
    size_t in_step, out_step;
    size_t below; /* from a row of the input to the next */
} block_run;

/* What vpunpcklbw and vpunpckhbw leave: channels 0 … 7, 16 … 23; and the others. */
typedef struct halves {
    __m256i low, high;
} halves;

typedef struct sums32 {
    __m256i v[4]; /* in the order of dw_lane */
} sums32;

/*
 * Loads are the bottleneck: two a cycle, of which compilers make more than there need be by reading
 * again what is used twice. This keeps a value in its register, and sums in their order.
 */
#define KEEP(v) __asm__("" : "+x"(v))

static inline __attribute__((always_inline)) __m256i load_x(const uint8_t *x, const bool is_signed)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)x);
    return is_signed ? _mm256_xor_si256(v, _mm256_set1_epi8(INT8_MIN)) : v;
}

static inline __m256i load_256(const void *p)
{
    return _mm256_load_si256(p);
}

static inline __attribute__((always_inline)) __m256i keep_256(const void *p)
{
    __m256i v = load_256(p);
    KEEP(v);
    return v;
}

static inline halves interleave(__m256i x, __m256i y)
{
    return (halves){ _mm256_unpacklo_epi8(x, y), _mm256_unpackhi_epi8(x, y) };
}

static inline sums32 bias_of(const dw_head *head)
{
    return (sums32){ { load_256(head->bias), load_256(head->bias + 8), load_256(head->bias + 16),
                       load_256(head->bias + 24) } };
}

static inline void store_32(uint8_t *y, size_t room, __m256i bytes)
{
    if (room >= DW_LANES) {
        _mm256_storeu_si256((__m256i *)(void *)y, bytes);
        return;
    }
    uint8_t part[32];
    _mm256_storeu_si256((__m256i *)(void *)part, bytes);
    memcpy(y, part, room);
}

static inline __m256i finish(const sums32 *acc, const dw_head *head, const store32 *to)
{
    const float *scale = head->scale;
    return pack32(requant8_wide(acc->v[0], scale), requant8_wide(acc->v[1], scale + 8),
                  requant8_wide(acc->v[2], scale + 16), requant8_wide(acc->v[3], scale + 24), to);
}

/* ---- plain blocks ---- */

/*
 * Eight results, of u16 sums with 0x4b00 above them: that is the float 2^23 + sum. Less `offset`,
 * 2^23 - bias, it is the accumulator, exactly: both are integers below 2^24.
 */
static inline __m256i plain8(__m256i wide, __m256i offset, __m256i scale)
{
    __m256 acc = _mm256_sub_ps(_mm256_castsi256_ps(wide), _mm256_castsi256_ps(offset));
    return _mm256_cvtps_epi32(_mm256_mul_ps(acc, _mm256_castsi256_ps(scale)));
}

/* Bytes of results that are int16, in halves. */
static inline __attribute__((always_inline)) __m256i plain_bytes(__m256i low, __m256i high,
                                                                 const bool is_signed)
{
    __m256i bytes = _mm256_packus_epi16(low, high);
    return is_signed ? _mm256_xor_si256(bytes, _mm256_set1_epi8(INT8_MIN)) : bytes;
}

#endif
