/* kernels.h: every kernel of this plugin, by the file it is in. */
#ifndef X86_KERNELS_H
#define X86_KERNELS_H

#include "lab_plugin.h"

/* add_avx2.c */
extern const lab_kernel x86_add_q8_avx2;

/* binary_f32_avx2.c */
extern const lab_kernel x86_add_f32_avx2;
extern const lab_kernel x86_mul_f32_avx2;

/* concat_avx2.c */
extern const lab_kernel x86_concat_q8_avx2;

/* conv_avx2.c */
extern const lab_kernel x86_conv_2d_q8_avx2;

/* conv_avx512vnni.c */
extern const lab_kernel x86_conv_2d_q8_avx512vnni;

/* conv_avxvnni.c */
extern const lab_kernel x86_conv_2d_q8_avxvnni;

/* conv_f32_avx2.c */
extern const lab_kernel x86_conv_2d_f32_avx2;

/* convert_avx2.c */
extern const lab_kernel x86_quantize_f32_avx2;
extern const lab_kernel x86_dequantize_q8_avx2;

/* depthwise_avx2.c */
extern const lab_kernel x86_depthwise_conv_2d_q8_avx2;

/* depthwise_f32_avx2.c */
extern const lab_kernel x86_depthwise_conv_2d_f32_avx2;

/* mean_avx2.c */
extern const lab_kernel x86_mean_q8_avx2;
extern const lab_kernel x86_mean_f32_avx2;

/* pool_avx2.c */
extern const lab_kernel x86_average_pool_2d_q8_avx2;
extern const lab_kernel x86_average_pool_2d_f32_avx2;

/* resize_avx2.c */
extern const lab_kernel x86_resize_bilinear_q8_avx2;

/* resize_argmax_avx2.c */
extern const lab_kernel x86_resize_argmax_q8_avx2;

/* resize_f32_avx2.c */
extern const lab_kernel x86_resize_bilinear_f32_avx2;

/* transpose_conv_f32_avx2.c */
extern const lab_kernel x86_transpose_conv_2d_f32_avx2;
extern const lab_kernel x86_mediapipe_f32_avx2;

/* unary_f32_avx2.c */
extern const lab_kernel x86_relu_f32_avx2;
extern const lab_kernel x86_relu6_f32_avx2;
extern const lab_kernel x86_hard_swish_f32_avx2;
extern const lab_kernel x86_logistic_f32_avx2;

/* unary_q8_avx2.c */
extern const lab_kernel x86_quantize_q8_avx2;
extern const lab_kernel x86_relu_q8_avx2;
extern const lab_kernel x86_relu6_q8_avx2;
extern const lab_kernel x86_hard_swish_q8_avx2;
extern const lab_kernel x86_logistic_q8_avx2;

#endif
