/*
 * What the node types of nodes_*.c share: the list of them and the checks that most inference
 * rules start with. A rule either refuses a node with a sentence or leaves it so that a kernel can
 * trust everything nodes.c documents. Private to the model room.
 */
#ifndef LAB_MODEL_NODES_H
#define LAB_MODEL_NODES_H

#include "tensor/tensor.h"

extern const lab_node_type lab_node_conv_2d, lab_node_depthwise_conv_2d, lab_node_transpose_conv_2d,
    lab_node_fully_connected, lab_node_conv_bias;
extern const lab_node_type lab_node_average_pool_2d, lab_node_mean, lab_node_resize_bilinear,
    lab_node_argmax, lab_node_resize_argmax;
extern const lab_node_type lab_node_add, lab_node_mul, lab_node_relu, lab_node_relu6,
    lab_node_hard_swish, lab_node_logistic, lab_node_softmax, lab_node_quantize,
    lab_node_dequantize;
extern const lab_node_type lab_node_concat, lab_node_tile, lab_node_reshape, lab_node_pad,
    lab_node_space_to_batch_nd, lab_node_batch_to_space_nd;

/* Room for a shape in a message: "[1,33,33,21]". */
#define LAB_SHAPE_TEXT 72

/* Writes "[1,33,33,21]" ("[?]" for an unknown rank) and returns `text`. */
const char *lab_shape_text(char text[LAB_SHAPE_TEXT], uint32_t rank, const int32_t *shape);

/*
 * Gives output `k` its shape: checks each dimension and the size, and compares with the shape the
 * file declares, if it does.
 */
lab_status lab_infer_shape(lab_infer *infer, uint32_t k, uint32_t rank, const int32_t *shape);

/* Input `i` must have this rank; `what` names it. */
lab_status lab_infer_rank(lab_infer *infer, uint32_t i, uint32_t rank, const char *what);

/* The input, or NULL when it is absent or the node has fewer. */
const lab_tensor *lab_infer_optional(const lab_infer *infer, uint32_t i);

/* Dtypes that go together. 0 stands for an input that is not looked at. */
#define LAB_SIGNATURE_IN 4
typedef struct lab_signature {
    lab_dtype in[LAB_SIGNATURE_IN];
    lab_dtype out;
} lab_signature;

#define LAB_PER_TENSOR UINT32_MAX

/*
 * Inputs (absent ones fit anything) and first output must match one of `count` signatures. Each u8
 * and i8 tensor that is looked at must be quantised: with one pair for all of it, except that input
 * `per_axis` may have one for each index along an axis.
 */
lab_status lab_infer_dtypes(lab_infer *infer, const lab_signature *list, size_t count,
                            uint32_t per_axis);

/* Input `i` must be a constant i32 tensor with `count` elements; copies them. */
lab_status lab_infer_const(lab_infer *infer, uint32_t i, const char *what, uint32_t count,
                           int32_t *values);

/* The first output must be quantised exactly as input `i` is (nothing for other dtypes). */
lab_status lab_infer_same_quant(lab_infer *infer, uint32_t i);

/* `ratio` of scales must be in [low, high): kernels scale by it in fixed point or float32. */
lab_status lab_infer_ratio(lab_infer *infer, const char *what, float ratio, float low, float high);

/* The fused activation is one there is, and its bounds can be written in the output's units. */
lab_status lab_infer_activation(lab_infer *infer);

/* Turns an axis of -rank .. rank-1 into 0 .. rank-1. */
lab_status lab_infer_axis(lab_infer *infer, int64_t axis, uint32_t rank, int32_t *resolved);

static inline bool lab_is_quantised(lab_dtype dtype)
{
    return dtype == LAB_U8 || dtype == LAB_I8;
}

#endif
