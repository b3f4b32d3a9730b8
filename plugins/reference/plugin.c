/*
 * plugin.c: the reference kernels: every node type of lualab in plain C, the oracle that faster
 * kernels are measured against and the fallback where there are none.
 */
#include "kernels.h"

static const lab_kernel *const kernels[] = {
    &reference_conv_2d_q8,
    &reference_conv_2d_f32,
    &reference_depthwise_conv_2d_q8,
    &reference_depthwise_conv_2d_f32,
    &reference_transpose_conv_2d_q8,
    &reference_transpose_conv_2d_f32,
    &reference_mediapipe_q8,
    &reference_mediapipe_f32,
    &reference_conv_bias_q8,
    &reference_fully_connected_q8,
    &reference_fully_connected_f32,
    &reference_add_q8,
    &reference_mul_q8,
    &reference_add_f32,
    &reference_mul_f32,
    &reference_relu_q8,
    &reference_relu_f32,
    &reference_relu6_q8,
    &reference_relu6_f32,
    &reference_hard_swish_q8,
    &reference_hard_swish_f32,
    &reference_logistic_q8,
    &reference_logistic_f32,
    &reference_quantize_q8,
    &reference_quantize_f32,
    &reference_dequantize_q8,
    &reference_dequantize_f16,
    &reference_average_pool_2d_q8,
    &reference_average_pool_2d_f32,
    &reference_mean_q8,
    &reference_mean_f32,
    &reference_resize_bilinear_q8,
    &reference_resize_bilinear_f32,
    &reference_resize_argmax_q8,
    &reference_resize_argmax_f32,
    &reference_concat,
    &reference_tile,
    &reference_pad,
    &reference_reshape,
    &reference_space_to_batch_nd,
    &reference_batch_to_space_nd,
    &reference_argmax_q8,
    &reference_argmax_f32,
    &reference_softmax_q8,
    &reference_softmax_f32,
    NULL,
};

static const lab_node_type *const node_types[] = { &reference_mediapipe_node, NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "reference",
    .version = "1.0.0", .summary = "every kernel in plain C: the oracle and the fallback",
    .licence = "MIT",   .node_types = node_types,
    .kernels = kernels,
};

LAB_PLUGIN_ENTRY(reference, &plugin)
