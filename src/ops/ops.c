/* The built-in operators as one plugin descriptor, registered like any other. */
#include "ops/ops.h"

#include <stddef.h>

#include "ops/families.h"

#define IMAGE_OPS                                                                                  \
    &lab_op_image_resize, &lab_op_image_crop, &lab_op_image_pad, &lab_op_image_orient,             \
        &lab_op_image_convert, &lab_op_image_normalize, &lab_op_image_blend,                       \
        &lab_op_image_composite, &lab_op_image_cutout, &lab_op_image_encode
#define TENSOR_OPS                                                                                 \
    &lab_op_tensor_argmax, &lab_op_tensor_labelmap, &lab_op_tensor_upsample_argmax,                \
        &lab_op_tensor_upsample_score
#define LABELMAP_OPS                                                                               \
    &lab_op_map_resize, &lab_op_map_crop, &lab_op_map_colorize, &lab_op_map_mask,                  \
        &lab_op_map_legend, &lab_op_map_draw_legend, &lab_op_map_encode, &lab_op_map_confusion,    \
        &lab_op_map_compare
#define MASK_OPS                                                                                   \
    &lab_op_mask_resize, &lab_op_mask_crop, &lab_op_mask_feather, &lab_op_mask_invert,             \
        &lab_op_mask_threshold, &lab_op_mask_cutout, &lab_op_mask_encode

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
