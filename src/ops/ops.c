/* The built-in operators as one plugin descriptor, registered like any other. */
#include "ops/ops.h"

#include <stddef.h>

#include "ops/families.h"

#define IMAGE_OPS                                                                                  \
    &lab_op_image_resize, &lab_op_image_crop, &lab_op_image_pad, &lab_op_image_orient,             \
        &lab_op_image_convert, &lab_op_image_normalize, &lab_op_image_blend,                       \
        &lab_op_image_composite, &lab_op_image_cutout, &lab_op_image_encode, &lab_op_image_blur,   \
        &lab_op_image_paste
#define TENSOR_OPS                                                                                 \
    &lab_op_tensor_argmax, &lab_op_tensor_labelmap, &lab_op_tensor_upsample_argmax,                \
        &lab_op_tensor_upsample_score, &lab_op_tensor_add, &lab_op_tensor_subtract,                \
        &lab_op_tensor_multiply, &lab_op_tensor_divide, &lab_op_tensor_minimum,                    \
        &lab_op_tensor_maximum, &lab_op_tensor_apply, &lab_op_tensor_clamp, &lab_op_tensor_cast,   \
        &lab_op_tensor_dequantize, &lab_op_tensor_softmax, &lab_op_tensor_reshape,                 \
        &lab_op_tensor_transpose, &lab_op_tensor_slice, &lab_op_tensor_concat, &lab_op_tensor_sum, \
        &lab_op_tensor_mean, &lab_op_tensor_min, &lab_op_tensor_max,                               \
        &lab_op_tensor_position_of_max
#define LABELMAP_OPS                                                                               \
    &lab_op_map_resize, &lab_op_map_crop, &lab_op_map_colorize, &lab_op_map_mask,                  \
        &lab_op_map_legend, &lab_op_map_draw_legend, &lab_op_map_encode, &lab_op_map_confusion,    \
        &lab_op_map_compare, &lab_op_map_merge, &lab_op_map_remap, &lab_op_map_classes,            \
        &lab_op_map_boundary, &lab_op_map_smooth, &lab_op_map_regions,                             \
        &lab_op_map_boundary_overlap
#define MASK_OPS                                                                                   \
    &lab_op_mask_resize, &lab_op_mask_crop, &lab_op_mask_feather, &lab_op_mask_invert,             \
        &lab_op_mask_threshold, &lab_op_mask_cutout, &lab_op_mask_encode, &lab_op_mask_intersect,  \
        &lab_op_mask_unite, &lab_op_mask_subtract, &lab_op_mask_erode, &lab_op_mask_dilate,        \
        &lab_op_mask_opening, &lab_op_mask_closing, &lab_op_mask_fill_holes,                       \
        &lab_op_mask_largest_region, &lab_op_mask_region, &lab_op_mask_measure,                    \
        &lab_op_mask_outline, &lab_op_mask_rle

const lab_op *const lab_ops_image[] = { IMAGE_OPS, NULL };
const lab_op *const lab_ops_tensor[] = { TENSOR_OPS, NULL };
const lab_op *const lab_ops_labelmap[] = { LABELMAP_OPS, NULL };
const lab_op *const lab_ops_mask[] = { MASK_OPS, NULL };

static const lab_op *const all[] = { IMAGE_OPS, TENSOR_OPS, LABELMAP_OPS, MASK_OPS, NULL };

const lab_plugin lab_builtin_ops = {
    LAB_PLUGIN_HEAD,    .name = "ops",
    .version = "0.1.0", .summary = "operators on pictures, tensors, label maps and masks",
    .licence = "MIT",   .ops = all,
};
