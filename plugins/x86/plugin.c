/*
 * plugin.c: kernels for x86-64 beyond its first instruction set. This file is compiled for every
 * x86-64; the host calls into the others only where the CPU and the system have what they need.
 */
#include "kernels.h"

static const lab_kernel *const kernels[] = {
    &x86_add_q8_avx2,
    &x86_concat_q8_avx2,
    &x86_conv_2d_q8_avx2,
    &x86_conv_2d_q8_avx512vnni,
    &x86_conv_2d_q8_avxvnni,
    &x86_conv_2d_f32_avx2,
    &x86_depthwise_conv_2d_q8_avx2,
    &x86_depthwise_conv_2d_f32_avx2,
    &x86_resize_bilinear_q8_avx2,
    &x86_resize_argmax_q8_avx2,
    &x86_average_pool_2d_q8_avx2,
    &x86_average_pool_2d_f32_avx2,
    &x86_mean_q8_avx2,
    &x86_mean_f32_avx2,
    &x86_resize_bilinear_f32_avx2,
    &x86_add_f32_avx2,
    &x86_mul_f32_avx2,
    &x86_transpose_conv_2d_f32_avx2,
    &x86_mediapipe_f32_avx2,
    &x86_relu_f32_avx2,
    &x86_relu6_f32_avx2,
    &x86_hard_swish_f32_avx2,
    &x86_logistic_f32_avx2,
    &x86_quantize_q8_avx2,
    &x86_quantize_f32_avx2,
    &x86_dequantize_q8_avx2,
    &x86_relu_q8_avx2,
    &x86_relu6_q8_avx2,
    &x86_hard_swish_q8_avx2,
    &x86_logistic_q8_avx2,
    NULL,
};

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,
    .name = "x86",
    .version = "1.0.0",
    .summary = "8-bit networks to the byte of reference, and float ones, with AVX2",
    .licence = "MIT",
    .kernels = kernels,
};

LAB_PLUGIN_ENTRY(x86, &plugin)
