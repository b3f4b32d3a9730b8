/*
 * add.h: the constants of an 8-bit add. r1 = s1/sy, r2 = s2/sy, e = floor(log2(max(r1, r2))),
 * shift = 20 - e, m = rne(r * 2^shift); then
 *
 *     y = clamp(((2^(shift-1) + (x1 - z1) m1 + (x2 - z2) m2) >> shift) + zy)
 *
 * with an arithmetic shift. The larger ratio must lie in [2^-10, 2^8): 13 <= shift <= 30, and no
 * sum leaves int32.
 */
#ifndef REFERENCE_ADD_H
#define REFERENCE_ADD_H

#include "requant.h"

/* Two inputs and an output, all 8-bit of one type. The arity has been checked. */
static inline bool q8_pair_match(const lab_node *node)
{
    const lab_tensor *a = node->in[0], *b = node->in[1], *y = node->out[0];
    return is_q8(a) && is_q8(b) && is_q8(y) && a->dtype == y->dtype && b->dtype == y->dtype;
}

static inline float add_q8_larger_ratio(const lab_node *node)
{
    float r0 = node->in[0]->quant.scale / node->out[0]->quant.scale;
    float r1 = node->in[1]->quant.scale / node->out[0]->quant.scale;
    return r0 > r1 ? r0 : r1;
}

static inline bool add_q8_scales_match(const lab_node *node)
{
    return add_q8_larger_ratio(node) >= 0x1p-10f && add_q8_larger_ratio(node) < 0x1p8f;
}

static inline int32_t add_q8_shift(const lab_node *node)
{
    return 20 - ilogbf(add_q8_larger_ratio(node));
}

/* m of input `k`. */
static inline int32_t add_q8_factor(const lab_node *node, int k, int32_t shift)
{
    float ratio = node->in[k]->quant.scale / node->out[0]->quant.scale;
    return (int32_t)lrintf(ldexpf(ratio, shift));
}

/*
 * For vectors: an add of tensors of equal shape in int32, inputs and output read as u8 (XOR flip).
 * Zero points and the rounding term make one constant:
 * y = clamp(((x1 m[0] + x2 m[1] + start) >> shift) + zero), sums modulo 2^32.
 */
#define ADD_BLOCK ((size_t)16) /* values */

typedef struct add_q8_flat {
    tiling tiles; /* of blocks; the last may be shorter */
    size_t n;
    int32_t m[2], start, shift;
    int32_t lo, hi, zero; /* of the output byte read as u8 */
    uint8_t flip;
} add_q8_flat;

static inline bool add_q8_flat_match(const lab_node *node)
{
    return has_arity(node, 2, 2) && same_shape(node->in[0], node->out[0]) &&
           same_shape(node->in[1], node->out[0]) && q8_pair_match(node) &&
           add_q8_scales_match(node);
}

static inline lab_status add_q8_flat_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *y = node->out[0];
    add_q8_flat *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = elements(y);
    s->flip = q8_flip(y);
    s->shift = add_q8_shift(node);
    uint32_t start = (uint32_t)1 << (s->shift - 1);
    for (int k = 0; k < 2; k++) {
        s->m[k] = add_q8_factor(node, k, s->shift);
        start -= (uint32_t)(q8_flipped_zero(node->in[k]) * s->m[k]);
    }
    s->start = (int32_t)start;
    q8_activation(y, node->attrs.activation, &s->lo, &s->hi);
    s->lo -= q8_min(y->dtype);
    s->hi -= q8_min(y->dtype);
    s->zero = q8_flipped_zero(y);
    s->tiles = tile_items(prepare, (s->n + ADD_BLOCK - 1) / ADD_BLOCK, 4, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

#endif
