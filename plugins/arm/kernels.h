/* kernels.h: every kernel of this plugin, by the file it is in. */
#ifndef ARM_KERNELS_H
#define ARM_KERNELS_H

#include "lab_plugin.h"

/* add_neon.c */
extern const lab_kernel arm_add_q8_neon;

/* conv_dotprod.c */
extern const lab_kernel arm_conv_2d_q8_dotprod;

/* conv_f32_neon.c */
extern const lab_kernel arm_conv_2d_f32_neon;

/* conv_neon.c */
extern const lab_kernel arm_conv_2d_q8_neon;

/* depthwise_f32_neon.c */
extern const lab_kernel arm_depthwise_conv_2d_f32_neon;

/* depthwise_neon.c */
extern const lab_kernel arm_depthwise_conv_2d_q8_neon;

#endif
