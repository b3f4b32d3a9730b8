/*
 * plugin.c: vector kernels for AArch64. The host calls into those of an extension only where the
 * CPU has it; NEON is part of the architecture.
 */
#include "kernels.h"

static const lab_kernel *const kernels[] = {
    &arm_add_q8_neon,
    &arm_conv_2d_q8_dotprod,
    &arm_conv_2d_q8_neon,
    &arm_conv_2d_f32_neon,
    &arm_depthwise_conv_2d_q8_neon,
    &arm_depthwise_conv_2d_f32_neon,
    NULL,
};

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "arm",
    .version = "1.0.0", .summary = "networks with NEON and the dot-product extension",
    .licence = "MIT",   .kernels = kernels,
};

LAB_PLUGIN_ENTRY(arm, &plugin)
