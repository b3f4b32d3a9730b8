/*
 * transpose_conv.h: the transpose convolution behind two node types that differ only in the order
 * of their inputs: transpose_conv_2d (transpose_conv.c) and MediaPipe's Convolution2DTransposeBias
 * (mediapipe.c).
 */
#ifndef REFERENCE_TRANSPOSE_CONV_H
#define REFERENCE_TRANSPOSE_CONV_H

#include "common.h"

/* Positions among the node's inputs: x [N, H, W, C], filter OHWI, bias [O] (may be absent). */
typedef struct transpose_inputs {
    uint32_t x, filter, bias;
} transpose_inputs;

static inline bool transpose_shapes_match(const lab_node *node, transpose_inputs at)
{
    const lab_tensor *x = input_or_null(node, at.x), *w = input_or_null(node, at.filter);
    if (node->n_out != 1 || !x || !w)
        return false;
    const lab_tensor *y = node->out[0];
    return x->rank == 4 && w->rank == 4 && y->rank == 4 && x->shape[0] == y->shape[0] &&
           w->shape[3] == x->shape[3] && w->shape[0] == y->shape[3] && node->attrs.stride_h >= 1 &&
           node->attrs.stride_w >= 1;
}

int transpose_q8_match(const lab_node *node, transpose_inputs at);
lab_status transpose_q8_prepare(lab_prepare *prepare, const lab_node *node, transpose_inputs at);
void transpose_q8_run(const lab_task *task);

int transpose_f32_match(const lab_node *node, transpose_inputs at);
lab_status transpose_f32_prepare(lab_prepare *prepare, const lab_node *node, transpose_inputs at);
void transpose_f32_run(const lab_task *task);

#endif
