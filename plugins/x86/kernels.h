/* kernels.h: every kernel of this plugin, by the file it is in. */
#ifndef X86_KERNELS_H
#define X86_KERNELS_H

#include "lab_plugin.h"

/* add_avx2.c */
extern const lab_kernel x86_add_q8_avx2;

/* conv_avx2.c */
extern const lab_kernel x86_conv_2d_q8_avx2;

/* depthwise_avx2.c */
extern const lab_kernel x86_depthwise_conv_2d_q8_avx2;

#endif
