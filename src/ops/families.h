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
/* image_place.c: a part of a picture */
extern const lab_op lab_op_image_blur, lab_op_image_paste;
/* image_blend.c: pictures over pictures */
extern const lab_op lab_op_image_blend, lab_op_image_composite;
extern const lab_op lab_op_image_cutout, lab_op_mask_cutout;
/* encoding.c: bytes of files */
extern const lab_op lab_op_image_encode, lab_op_map_encode, lab_op_mask_encode;
/* tensor_ops.c, upsample_argmax.c, upsample_score.c: what a network puts out */
extern const lab_op lab_op_tensor_argmax, lab_op_tensor_labelmap;
extern const lab_op lab_op_tensor_upsample_argmax, lab_op_tensor_upsample_score;
/* tensor_arithmetic.c, tensor_functions.c: numbers from numbers */
extern const lab_op lab_op_tensor_add, lab_op_tensor_subtract, lab_op_tensor_multiply;
extern const lab_op lab_op_tensor_divide, lab_op_tensor_minimum, lab_op_tensor_maximum;
extern const lab_op lab_op_tensor_apply, lab_op_tensor_clamp, lab_op_tensor_cast;
extern const lab_op lab_op_tensor_dequantize, lab_op_tensor_softmax;
/* tensor_shape.c, tensor_reduce.c: other shapes, and fewer elements */
extern const lab_op lab_op_tensor_reshape, lab_op_tensor_transpose, lab_op_tensor_slice;
extern const lab_op lab_op_tensor_concat, lab_op_tensor_sum, lab_op_tensor_mean;
extern const lab_op lab_op_tensor_min, lab_op_tensor_max, lab_op_tensor_position_of_max;
/* labelmap_ops.c, legend.c, draw_legend.c: what a label map says */
extern const lab_op lab_op_map_colorize, lab_op_map_mask;
extern const lab_op lab_op_map_legend, lab_op_map_draw_legend;
/* map_edit.c, map_smooth.c, regions.c: classes and regions of a label map */
extern const lab_op lab_op_map_merge, lab_op_map_remap, lab_op_map_classes, lab_op_map_boundary;
extern const lab_op lab_op_map_smooth, lab_op_map_regions;
/* metrics.c: how well two label maps agree */
extern const lab_op lab_op_map_confusion, lab_op_map_compare, lab_op_map_boundary_overlap;
/* mask_ops.c */
extern const lab_op lab_op_mask_feather, lab_op_mask_invert, lab_op_mask_threshold;

/* mask_sets.c, mask_morphology.c, mask_regions.c, mask_outline.c, mask_rle.c: masks as sets of
 * pixels */
extern const lab_op lab_op_mask_intersect, lab_op_mask_unite, lab_op_mask_subtract;
extern const lab_op lab_op_mask_erode, lab_op_mask_dilate, lab_op_mask_opening, lab_op_mask_closing;
extern const lab_op lab_op_mask_fill_holes, lab_op_mask_largest_region, lab_op_mask_region;
extern const lab_op lab_op_mask_measure, lab_op_mask_outline, lab_op_mask_rle;

#endif
