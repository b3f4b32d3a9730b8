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

#endif
