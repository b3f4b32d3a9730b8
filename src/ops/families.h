/* Every built-in operator, by family; ops.c lists them. */
#ifndef LAB_OPS_FAMILIES_H
#define LAB_OPS_FAMILIES_H

#include "lab_plugin.h"

/* geometry.c: where pixels are */
extern const lab_op lab_op_image_resize, lab_op_map_resize, lab_op_mask_resize;
extern const lab_op lab_op_image_crop, lab_op_map_crop, lab_op_mask_crop;
extern const lab_op lab_op_image_pad, lab_op_image_orient;
/* image_pixels.c: what a pixel is made of */
extern const lab_op lab_op_image_convert, lab_op_image_normalize;
/* image_blend.c: pictures over pictures */
extern const lab_op lab_op_image_blend, lab_op_image_composite;
extern const lab_op lab_op_image_cutout, lab_op_mask_cutout;
/* encoding.c: bytes of files */
extern const lab_op lab_op_image_encode, lab_op_map_encode, lab_op_mask_encode;
/* tensor_ops.c, upsample_argmax.c, upsample_score.c: what a network puts out */
extern const lab_op lab_op_tensor_argmax, lab_op_tensor_labelmap;
extern const lab_op lab_op_tensor_upsample_argmax, lab_op_tensor_upsample_score;
/* labelmap_ops.c, legend.c, draw_legend.c: what a label map says */
extern const lab_op lab_op_map_colorize, lab_op_map_mask;
extern const lab_op lab_op_map_legend, lab_op_map_draw_legend;
/* metrics.c: how well two label maps agree */
extern const lab_op lab_op_map_confusion, lab_op_map_compare;
/* mask_ops.c */
extern const lab_op lab_op_mask_feather, lab_op_mask_invert, lab_op_mask_threshold;

#endif
