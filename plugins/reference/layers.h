/*
 * layers.h: which convolution nodes the arithmetic of this project covers. Kernels of every
 * instruction set ask the same questions before they add their own.
 */
#ifndef REFERENCE_LAYERS_H
#define REFERENCE_LAYERS_H

#include "requant.h"
#include "window.h"

static inline bool conv_shapes_match(const lab_node *node)
{
    if (!has_arity(node, 2, 3) || !window_match(&node->attrs, node->in[0], node->out[0]))
        return false;
    const lab_tensor *w = node->in[1];
    return w->rank == 4 && w->shape[3] == node->in[0]->shape[3] &&
           w->shape[0] == node->out[0]->shape[3];
}

/* Weights w of `n` filters along axis 0, bias absent or of n values. */
static inline bool matmul_q8_match(const lab_tensor *x, const lab_tensor *w, const lab_tensor *bias,
                                   const lab_tensor *y)
{
    if (!is_q8(x) || !is_q8(y) || x->dtype != y->dtype || !w || w->rank < 2 ||
        !is_q8_weights(w, 0, w->shape[0]))
        return false;
    return !bias ||
           (has_dtype(bias, LAB_I32) && bias->data && elements(bias) == (size_t)w->shape[0]);
}

static inline bool conv_q8_match(const lab_node *node)
{
    return conv_shapes_match(node) &&
           matmul_q8_match(node->in[0], node->in[1], input_or_null(node, 2), node->out[0]);
}

/* The bias comes from conv_bias, for each picture anew. */
static inline bool conv_bias_is_computed(const lab_node *node)
{
    const lab_tensor *bias = input_or_null(node, 2);
    return has_dtype(bias, LAB_I32) && !bias->data &&
           elements(bias) == (size_t)node->in[1]->shape[0];
}

/* conv_q8_match, for kernels that take a computed bias as well. */
static inline bool conv_q8_match_computed(const lab_node *node)
{
    return conv_q8_match(node) || (conv_shapes_match(node) && conv_bias_is_computed(node) &&
                                   matmul_q8_match(node->in[0], node->in[1], NULL, node->out[0]));
}

static inline bool matmul_f32_match(const lab_tensor *x, const lab_tensor *w,
                                    const lab_tensor *bias, const lab_tensor *y)
{
    if (!has_dtype(x, LAB_F32) || !has_dtype(y, LAB_F32) || !has_dtype(w, LAB_F32) || !w->data ||
        w->rank < 2)
        return false;
    return !bias ||
           (has_dtype(bias, LAB_F32) && bias->data && elements(bias) == (size_t)w->shape[0]);
}

static inline bool conv_f32_match(const lab_node *node)
{
    return conv_shapes_match(node) &&
           matmul_f32_match(node->in[0], node->in[1], input_or_null(node, 2), node->out[0]);
}

static inline bool depthwise_shapes_match(const lab_node *node)
{
    if (!has_arity(node, 2, 3) || !window_match(&node->attrs, node->in[0], node->out[0]))
        return false;
    const lab_tensor *w = node->in[1], *bias = input_or_null(node, 2);
    return w->rank == 4 && w->data && w->shape[0] == 1 && w->shape[3] == node->out[0]->shape[3] &&
           w->shape[3] % node->in[0]->shape[3] == 0 &&
           (!bias || (bias->data && elements(bias) == (size_t)w->shape[3]));
}

static inline bool depthwise_q8_match(const lab_node *node)
{
    if (!depthwise_shapes_match(node))
        return false;
    const lab_tensor *x = node->in[0], *w = node->in[1], *bias = input_or_null(node, 2);
    return is_q8(x) && is_q8(node->out[0]) && x->dtype == node->out[0]->dtype &&
           is_q8_weights(w, 3, w->shape[3]) && (!bias || bias->dtype == LAB_I32);
}

static inline bool depthwise_f32_match(const lab_node *node)
{
    if (!depthwise_shapes_match(node))
        return false;
    const lab_tensor *bias = input_or_null(node, 2);
    return has_dtype(node->in[0], LAB_F32) && has_dtype(node->in[1], LAB_F32) &&
           has_dtype(node->out[0], LAB_F32) && (!bias || bias->dtype == LAB_F32);
}

/* What an accumulator of output channel `c` is multiplied with; float32, left to right. */
static inline float q8_scale(const lab_tensor *x, const lab_tensor *w, const lab_tensor *y,
                             uint32_t c)
{
    return x->quant.scale * lab_quant_scale(&w->quant, c) / y->quant.scale;
}

/* dst[i] = src[i] - zero, for an 8-bit array read with `flip` (see common.h). */
static inline void widen(const uint8_t *src, uint8_t flip, int16_t zero, int16_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (int16_t)((src[i] ^ flip) - zero);
}

#endif
