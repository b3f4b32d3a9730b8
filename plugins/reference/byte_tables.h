/*
 * byte_tables.h: functions of one 8-bit value. With 8 bits in and out a function has 256 values: a
 * kernel's prepare makes the table, and how it is applied is all in which kernels differ. Rules:
 *
 * quantize: m = rne(256 * (s_in / s_out)); y = clamp((((x - z_in) m + 128) >> 8) + z_out), for
 *     ratios in [2^-8, 2^7).
 * relu, relu6: acc = x - z_in, k = s_in / s_out, requantised like a convolution with that
 *     activation; with equal scales that is a clamp.
 * hard_swish, logistic: f(s_in (x - z_in)) in double, divided by s_out, rounded half to even, plus
 *     z_out, clamped. LiteRT computes hard_swish in fixed point and may differ by 1 there; logistic
 *     is its table.
 * concat of u8 with another quantisation than the output's: k = s_in * (1 / s_out),
 *     b = -z_in * k, y = clamp((int)round_half_away(x * k + b) + z_out) in float32, product and sum
 *     rounded separately.
 */
#ifndef REFERENCE_BYTE_TABLES_H
#define REFERENCE_BYTE_TABLES_H

#include "requant.h"

static inline bool unary_match(const lab_node *node)
{
    return has_arity(node, 1, 1) && elements(node->in[0]) == elements(node->out[0]);
}

/* What the quantised value x becomes: a value within the output's range. */
typedef int32_t table_fn(const lab_node *node, int32_t x);

static inline void fill_table(uint8_t table[256], const lab_node *node, table_fn *fn)
{
    for (size_t b = 0; b < 256; b++) {
        uint8_t byte = (uint8_t)b;
        table[b] = (uint8_t)fn(node, q8_load(&byte, 0, node->in[0]->dtype));
    }
}

static inline int q8_match(const lab_node *node)
{
    return unary_match(node) && is_q8(node->in[0]) && is_q8(node->out[0]);
}

static inline int32_t clamp_real(double v, const lab_tensor *y)
{
    double q = rint(v) + y->quant.zero_point;
    double lo = q8_min(y->dtype), hi = q8_max(y->dtype);
    return q < lo ? (int32_t)lo : q > hi ? (int32_t)hi : (int32_t)q;
}

static inline double real_value(const lab_node *node, int32_t x)
{
    const lab_quant *q = &node->in[0]->quant;
    return (double)q->scale * (x - q->zero_point);
}

static inline int32_t relu_with(const lab_node *node, int32_t x, lab_activation activation)
{
    const lab_tensor *in = node->in[0], *y = node->out[0];
    q8_range range = q8_output_range(y, activation);
    uint8_t byte = requantize(x - in->quant.zero_point, in->quant.scale / y->quant.scale, &range);
    return q8_load(&byte, 0, y->dtype);
}

static inline int32_t relu_value(const lab_node *node, int32_t x)
{
    return relu_with(node, x, LAB_ACT_RELU);
}

static inline int32_t relu6_value(const lab_node *node, int32_t x)
{
    return relu_with(node, x, LAB_ACT_RELU6);
}

static inline int32_t hard_swish_value(const lab_node *node, int32_t x)
{
    double v = real_value(node, x), gate = fmin(fmax(v + 3.0, 0.0), 6.0);
    return clamp_real(v * gate / 6.0 / (double)node->out[0]->quant.scale, node->out[0]);
}

static inline int32_t logistic_value(const lab_node *node, int32_t x)
{
    double v = 1.0 / (1.0 + exp(-real_value(node, x)));
    return clamp_real(v / (double)node->out[0]->quant.scale, node->out[0]);
}

static inline int32_t quantize_value(const lab_node *node, int32_t x)
{
    const lab_quant *in = &node->in[0]->quant, *out = &node->out[0]->quant;
    int32_t m = (int32_t)lrintf(256.0f * (in->scale / out->scale));
    int32_t v = (((x - in->zero_point) * m + 128) >> 8) + out->zero_point;
    int32_t lo = q8_min(node->out[0]->dtype), hi = q8_max(node->out[0]->dtype);
    return v < lo ? lo : v > hi ? hi : v;
}

static inline int quantize_q8_match(const lab_node *node)
{
    if (!q8_match(node))
        return 0;
    float ratio = node->in[0]->quant.scale / node->out[0]->quant.scale;
    return ratio >= 0x1p-8f && ratio < 0x1p7f;
}

static inline void rescale_table(uint8_t table[256], const lab_tensor *x, const lab_tensor *y)
{
    float k = x->quant.scale * (1.0f / y->quant.scale);
    float b = -(float)x->quant.zero_point * k;
    for (int32_t q = 0; q < 256; q++) {
        float product = (float)q * k;
        float v = roundf(product + b) + (float)y->quant.zero_point;
        table[q] = v > 0.0f ? (uint8_t)(v < 255.0f ? v : 255.0f) : 0;
    }
}

#endif
