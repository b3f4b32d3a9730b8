/*
 * add_neon.c: 8-bit add of tensors of equal shape, the formula of ../reference/add.h in int32, four
 * values at a time; broadcasts are left to reference. Zero points and the rounding term make one
 * constant: x1 m1 + x2 m2 + (2^(shift-1) - z1 m1 - z2 m2), sums modulo 2^32. Values are read as u8.
 */
#include "../reference/add.h"
#include "kernels.h"
#include "store_neon.h"

static int match(const lab_node *node)
{
    return add_q8_flat_match(node) ? 20 : 0;
}

/* Four results, low to high, within lo .. hi. sshl by a negative count rounds down, as >> does. */
static inline uint16x4_t add4(const add_q8_flat *s, uint16x4_t a, uint16x4_t b)
{
    int32x4_t x = vreinterpretq_s32_u32(vmovl_u16(a)), y = vreinterpretq_s32_u32(vmovl_u16(b));
    int32x4_t sum = vmlaq_n_s32(vmlaq_n_s32(vdupq_n_s32(s->start), x, s->m[0]), y, s->m[1]);
    int32x4_t v = vaddq_s32(vshlq_s32(sum, vdupq_n_s32(-s->shift)), vdupq_n_s32(s->zero));
    return vqmovun_s32(vminq_s32(vmaxq_s32(v, vdupq_n_s32(s->lo)), vdupq_n_s32(s->hi)));
}

static inline uint8x8_t add8(const add_q8_flat *s, uint8x8_t a, uint8x8_t b)
{
    uint16x8_t x = vmovl_u8(a), y = vmovl_u8(b);
    uint16x4_t low = add4(s, vget_low_u16(x), vget_low_u16(y));
    return vqmovn_u16(vcombine_u16(low, add4(s, vget_high_u16(x), vget_high_u16(y))));
}

static inline uint8x16_t add16(const add_q8_flat *s, uint8x16_t a, uint8x16_t b)
{
    uint8x16_t flip = vdupq_n_u8(s->flip);
    a = veorq_u8(a, flip);
    b = veorq_u8(b, flip);
    uint8x16_t sum = vcombine_u8(add8(s, vget_low_u8(a), vget_low_u8(b)),
                                 add8(s, vget_high_u8(a), vget_high_u8(b)));
    return veorq_u8(sum, flip);
}

static void run(const lab_task *task)
{
    const add_q8_flat *s = task->state;
    const uint8_t *a = task->in[0], *b = task->in[1];
    uint8_t *y = task->out[0];
    size_t i = tile_begin(&s->tiles, task) * ADD_BLOCK, end = tile_end(&s->tiles, task) * ADD_BLOCK;
    end = end < s->n ? end : s->n;
    for (; i + ADD_BLOCK <= end; i += ADD_BLOCK)
        vst1q_u8(y + i, add16(s, vld1q_u8(a + i), vld1q_u8(b + i)));
    if (i < end) {
        uint8_t part[2][ADD_BLOCK] = { { 0 } };
        memcpy(part[0], a + i, end - i);
        memcpy(part[1], b + i, end - i);
        store_some(y + i, add16(s, vld1q_u8(part[0]), vld1q_u8(part[1])), end - i);
    }
}

const lab_kernel arm_add_q8_neon = {
    .name = "arm.add.q8.neon",
    .op = "add",
    .isa = "neon",
    .cpu = LAB_CPU_NEON,
    .match = match,
    .prepare = add_q8_flat_prepare,
    .run = run,
};
