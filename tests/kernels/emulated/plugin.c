/*
 * plugin.c: the kernels for instruction sets that the machine may lack, emulated. Their isa is
 * called "emulated…": chosen by name only, by tests.
 */
#include "lab_plugin.h"

extern const lab_kernel x86_conv_2d_q8_avx512vnni;
extern const lab_kernel x86_conv_2d_q8_avxvnni;

static const lab_kernel *const kernels[] = { &x86_conv_2d_q8_avx512vnni, &x86_conv_2d_q8_avxvnni,
                                             NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "x86-emulated",
    .version = "0.1.0", .summary = "kernels for AVX-VNNI and AVX-512 VNNI on any CPU, slowly",
    .licence = "MIT",   .kernels = kernels,
};
LAB_PLUGIN_ENTRY(x86_emulated, &plugin)
