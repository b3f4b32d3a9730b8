/* kernels.h: every kernel of this plugin, by the file it is in. */
#ifndef REFERENCE_KERNELS_H
#define REFERENCE_KERNELS_H

#include "lab_plugin.h"

/* conv.c */
extern const lab_kernel reference_conv_2d_q8;
extern const lab_kernel reference_conv_2d_f32;

/* conv_bias.c */
extern const lab_kernel reference_conv_bias_q8;

/* depthwise.c */
extern const lab_kernel reference_depthwise_conv_2d_q8;
extern const lab_kernel reference_depthwise_conv_2d_f32;

/* transpose_conv.c */
extern const lab_kernel reference_transpose_conv_2d_q8;
extern const lab_kernel reference_transpose_conv_2d_f32;

/* mediapipe.c */
extern const lab_node_type reference_mediapipe_node;
extern const lab_kernel reference_mediapipe_q8;
extern const lab_kernel reference_mediapipe_f32;

/* fully_connected.c */
extern const lab_kernel reference_fully_connected_q8;
extern const lab_kernel reference_fully_connected_f32;

/* elementwise.c */
extern const lab_kernel reference_add_q8;
extern const lab_kernel reference_mul_q8;
extern const lab_kernel reference_add_f32;
extern const lab_kernel reference_mul_f32;

/* unary.c */
extern const lab_kernel reference_relu_q8;
extern const lab_kernel reference_relu_f32;
extern const lab_kernel reference_relu6_q8;
extern const lab_kernel reference_relu6_f32;
extern const lab_kernel reference_hard_swish_q8;
extern const lab_kernel reference_hard_swish_f32;
extern const lab_kernel reference_logistic_q8;
extern const lab_kernel reference_logistic_f32;
extern const lab_kernel reference_quantize_q8;
extern const lab_kernel reference_quantize_f32;
extern const lab_kernel reference_dequantize_q8;
extern const lab_kernel reference_dequantize_f16;

/* pool.c */
extern const lab_kernel reference_average_pool_2d_q8;
extern const lab_kernel reference_average_pool_2d_f32;
extern const lab_kernel reference_mean_q8;
extern const lab_kernel reference_mean_f32;

/* resize.c */
extern const lab_kernel reference_resize_bilinear_q8;
extern const lab_kernel reference_resize_bilinear_f32;

/* resize_argmax.c */
extern const lab_kernel reference_resize_argmax_q8;
extern const lab_kernel reference_resize_argmax_f32;

/* shape.c */
extern const lab_kernel reference_concat;
extern const lab_kernel reference_tile;
extern const lab_kernel reference_pad;
extern const lab_kernel reference_reshape;
extern const lab_kernel reference_space_to_batch_nd;
extern const lab_kernel reference_batch_to_space_nd;

/* argmax.c */
extern const lab_kernel reference_argmax_q8;
extern const lab_kernel reference_argmax_f32;

/* softmax.c */
extern const lab_kernel reference_softmax_q8;
extern const lab_kernel reference_softmax_f32;

#endif
