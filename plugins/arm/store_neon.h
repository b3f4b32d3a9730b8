/*
 * store_neon.h: from 16 accumulators to 16 bytes, the steps of ../reference/requant.h four at a
 * time; and the signed bytes that 8-bit kernels here compute with.
 *
 * Every byte of an activation is read as the signed number x ^ 0x80 for u8, x for i8: zero points
 * move by 128 along with it, so that x - zero is the same.
 */
#ifndef ARM_STORE_NEON_H
#define ARM_STORE_NEON_H

#include <arm_neon.h>
#include <string.h>

#include "../reference/layers.h"

/* XOR this to a byte of the tensor to read it as i8 … */
static inline uint8_t i8_flip(const lab_tensor *t)
{
    return t->dtype == LAB_U8 ? 0x80 : 0;
}

/* … and subtract this from it: -128 .. 127. */
static inline int32_t i8_zero(const lab_tensor *t, int32_t zero_point)
{
    return t->dtype == LAB_U8 ? zero_point - 128 : zero_point;
}

static inline int8x16_t load_i8(const uint8_t *x, uint8x16_t flip)
{
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(x), flip));
}

typedef struct store_neon {
    float32x4_t lo, hi;
    int16x8_t zero;  /* of the output byte read as u8 */
    uint8x16_t flip; /* turns u8 into the output type */
} store_neon;

static inline store_neon store_of(const q8_range *range, const lab_tensor *y)
{
    uint8_t flip = q8_flip(y);
    return (store_neon){ vdupq_n_f32(range->lo), vdupq_n_f32(range->hi),
                         vdupq_n_s16((int16_t)(range->zero + (flip ? 128 : 0))), vdupq_n_u8(flip) };
}

/*
 * maxnm and minnm give the other operand for a NaN, so a NaN becomes lo as in q8_store. cvtn rounds
 * half to even. After the clamp every sum fits in u8: narrowing saturates nothing.
 */
static inline int16x4_t requant4(int32x4_t acc, float32x4_t scale, const store_neon *s)
{
    float32x4_t v = vmulq_f32(vcvtq_f32_s32(acc), scale);
    return vqmovn_s32(vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(v, s->lo), s->hi)));
}

/* scale[16] of the channels; output bytes in their order. */
static inline uint8x16_t requant16(const int32x4_t acc[4], const float *scale, const store_neon *s)
{
    int16x8_t low = vcombine_s16(requant4(acc[0], vld1q_f32(scale), s),
                                 requant4(acc[1], vld1q_f32(scale + 4), s));
    int16x8_t high = vcombine_s16(requant4(acc[2], vld1q_f32(scale + 8), s),
                                  requant4(acc[3], vld1q_f32(scale + 12), s));
    uint8x16_t bytes =
        vcombine_u8(vqmovun_s16(vaddq_s16(low, s->zero)), vqmovun_s16(vaddq_s16(high, s->zero)));
    return veorq_u8(bytes, s->flip);
}

/* The first `left` of 16 bytes, all of them when there are as many. */
static inline void store_some(uint8_t *to, uint8x16_t bytes, size_t left)
{
    if (left >= sizeof bytes) {
        vst1q_u8(to, bytes);
        return;
    }
    uint8_t part[sizeof bytes];
    vst1q_u8(part, bytes);
    memcpy(to, part, left);
}

#endif
