/*
 * concat.h: which concat nodes there are kernels for, and sizes in bytes along an axis: for kernels
 * that move elements as bytes, whatever their type.
 */
#ifndef REFERENCE_CONCAT_H
#define REFERENCE_CONCAT_H

#include "common.h"

static inline size_t element_size(const lab_tensor *t)
{
    return lab_dtype_size(t->dtype);
}

/* Bytes of everything inside dimension `axis`. */
static inline size_t inner_bytes(const lab_tensor *t, uint32_t axis)
{
    size_t n = element_size(t);
    for (uint32_t i = axis + 1; i < t->rank; i++)
        n *= (size_t)t->shape[i];
    return n;
}

static inline bool moves_match(const lab_node *node, uint32_t min_in, uint32_t max_in)
{
    return has_arity(node, min_in, max_in) && node->in[0]->dtype == node->out[0]->dtype &&
           element_size(node->in[0]) > 0;
}

static inline int concat_match(const lab_node *node)
{
    if (node->n_in < 1 || !moves_match(node, node->n_in, LAB_NODE_MAX_IN))
        return 0;
    const lab_tensor *y = node->out[0];
    if (node->attrs.axis < 0 || (uint32_t)node->attrs.axis >= y->rank)
        return 0;
    for (uint32_t i = 0; i < node->n_in; i++) {
        const lab_tensor *x = node->in[i];
        if (x->dtype != y->dtype || x->rank != y->rank)
            return 0;
        if (!same_quant(x, y) && !(is_q8(x) && is_q8(y) && x->dtype == LAB_U8))
            return 0;
    }
    return 1;
}

#endif
