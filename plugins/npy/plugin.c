/* NumPy arrays: what Python's world exchanges label maps, scores and pictures in. */
#include "npy.h"

static const lab_op *const ops[] = { &npy_tensor_op, &npy_image_op, &npy_map_op, &npy_mask_op,
                                     NULL };
static const lab_reader *const readers[] = { &npy_reader, NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,  .name = "npy", .version = "1.0.0", .summary = "NumPy arrays in and out",
    .licence = "MIT", .ops = ops,    .readers = readers,
};
LAB_PLUGIN_ENTRY(npy, &plugin)
