/* Operators that change where pixels are: resize, crop, pad, orient. */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

/* ---- resize ---- */

enum { RESIZE_WIDTH, RESIZE_HEIGHT, RESIZE_METHOD };

#define RESIZE_SIDES                                                                               \
    { .name = "width",                                                                             \
      .type = LAB_INT,                                                                             \
      .doc = "pixels; when only height is given it follows from the aspect ratio, rounded",        \
      .min = 1,                                                                                    \
      .max = OPS_MAX_SIDE,                                                                         \
      .flags = LAB_PARAM_OPTIONAL },                                                               \
    {                                                                                              \
        .name = "height", .type = LAB_INT,                                                         \
        .doc = "pixels; when only width is given it follows from the aspect ratio, rounded",       \
        .min = 1, .max = OPS_MAX_SIDE, .flags = LAB_PARAM_OPTIONAL                                 \
    }

static int32_t other_side(int32_t given, int32_t from, int32_t to)
{
    int64_t side = (2 * (int64_t)given * to + from) / (2 * (int64_t)from);
    return side < 1 ? 1 : side > INT32_MAX ? INT32_MAX : (int32_t)side;
}

static lab_status resize(lab_call *call, lab_resample method)
{
    const lab_tensor *in = lab_input(call);
    bool has_width = lab_given(call, RESIZE_WIDTH), has_height = lab_given(call, RESIZE_HEIGHT);
    if (!has_width && !has_height)
        return lab_fail(call, LAB_E_INVALID, "give width, height or both");
    int32_t width = has_width ? (int32_t)lab_arg_int(call, RESIZE_WIDTH) : 0;
    int32_t height = has_height ? (int32_t)lab_arg_int(call, RESIZE_HEIGHT) : 0;
    if (!has_width)
        width = other_side(height, ops_height(in), ops_width(in));
    if (!has_height)
        height = other_side(width, ops_width(in), ops_height(in));
    lab_tensor out = { 0 };
    lab_error error = { 0 };
    lab_status status =
        lab_image_resize(lab_call_context(call), in, width, height, method, &out, &error);
    return ops_finish(call, status, &out, &error);
}

static lab_status resize_run(lab_call *call)
{
    return resize(call, (lab_resample)lab_arg_int(call, RESIZE_METHOD));
}

static lab_status resize_nearest_run(lab_call *call)
{
    return resize(call, LAB_RESAMPLE_NEAREST);
}

/* In the order of lab_resample. */
#define RESIZE_METHODS "area|bilinear|nearest|lanczos"
#define RESIZE_METHOD_DOC                                                                          \
    "area: the mean of what a new pixel covers (bilinear when enlarging); bilinear: between the "  \
    "four nearest; nearest: one old pixel; lanczos: three lobes, sharpest"

static const lab_param image_resize_params[] = {
    RESIZE_SIDES,
    { .name = "method",
      .type = LAB_ENUM,
      .doc = RESIZE_METHOD_DOC,
      .def = "area",
      .choices = RESIZE_METHODS },
    LAB_PARAM_END,
};

static const lab_param mask_resize_params[] = {
    RESIZE_SIDES,
    { .name = "method",
      .type = LAB_ENUM,
      .doc = RESIZE_METHOD_DOC,
      .def = "bilinear",
      .choices = RESIZE_METHODS },
    LAB_PARAM_END,
};

static const lab_param map_resize_params[] = { RESIZE_SIDES, LAB_PARAM_END };

const lab_op lab_op_image_resize = {
    .name = "image.resize",
    .summary = "a picture of another size",
    .doc = "Pixel centres are at half-integers, so nothing shifts. The arithmetic is in integers "
           "(14-bit weights), so the bytes are the same on every machine. Colours are weighted by "
           "alpha where there is alpha.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = image_resize_params,
    .run = resize_run,
};

const lab_op lab_op_mask_resize = {
    .name = "mask.resize",
    .summary = "a mask of another size",
    .doc = "As image.resize.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = mask_resize_params,
    .run = resize_run,
};

const lab_op lab_op_map_resize = {
    .name = "map.resize",
    .summary = "a label map of another size",
    .doc = "Each new pixel takes the class of the old pixel that contains its centre: class ids "
           "have no values in between.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = map_resize_params,
    .run = resize_nearest_run,
};

/* ---- crop ---- */

enum { CROP_X, CROP_Y, CROP_WIDTH, CROP_HEIGHT };

static lab_status crop_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    int64_t x = lab_arg_int(call, CROP_X), y = lab_arg_int(call, CROP_Y);
    int64_t width = lab_given(call, CROP_WIDTH) ? lab_arg_int(call, CROP_WIDTH) : ops_width(in) - x;
    int64_t height =
        lab_given(call, CROP_HEIGHT) ? lab_arg_int(call, CROP_HEIGHT) : ops_height(in) - y;
    if (width < 1 || height < 1 || x + width > ops_width(in) || y + height > ops_height(in))
        return lab_fail(call, LAB_E_INVALID,
                        "%lldx%lld pixels from x = %lld, y = %lld are not all inside the %s of "
                        "%dx%d",
                        (long long)width, (long long)height, (long long)x, (long long)y,
                        lab_type_name(in->kind), ops_width(in), ops_height(in));
    int32_t shape[3] = { (int32_t)height, (int32_t)width, in->shape[2] };
    lab_tensor *out = lab_result(call, in->kind, in->dtype, in->rank, shape);
    if (!out)
        return lab_call_status(call);
    if (in->kind == LAB_LABELMAP)
        lab_result_labels(call, in);
    size_t pixel = lab_dtype_size(in->dtype) * ops_channels(in);
    size_t in_row = pixel * (size_t)ops_width(in), out_row = pixel * (size_t)width;
    const uint8_t *src = (const uint8_t *)in->data + (size_t)y * in_row + (size_t)x * pixel;
    uint8_t *dst = out->data;
    for (int64_t row = 0; row < height; row++, src += in_row, dst += out_row)
        memcpy(dst, src, out_row);
    return LAB_OK;
}

static const lab_param crop_params[] = {
    { .name = "x",
      .type = LAB_INT,
      .doc = "pixels left of the part",
      .def = "0",
      .min = 0,
      .max = OPS_MAX_SIDE },
    { .name = "y",
      .type = LAB_INT,
      .doc = "pixels above the part",
      .def = "0",
      .min = 0,
      .max = OPS_MAX_SIDE },
    { .name = "width",
      .type = LAB_INT,
      .doc = "pixels; without it up to the right edge",
      .min = 1,
      .max = OPS_MAX_SIDE,
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "height",
      .type = LAB_INT,
      .doc = "pixels; without it down to the bottom edge",
      .min = 1,
      .max = OPS_MAX_SIDE,
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_image_crop = {
    .name = "image.crop",
    .summary = "a rectangular part of a picture",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = crop_params,
    .run = crop_run,
};

const lab_op lab_op_map_crop = {
    .name = "map.crop",
    .summary = "a rectangular part of a label map",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = crop_params,
    .run = crop_run,
};

const lab_op lab_op_mask_crop = {
    .name = "mask.crop",
    .summary = "a rectangular part of a mask",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = crop_params,
    .run = crop_run,
};

/* ---- pad ---- */

enum { PAD_LEFT, PAD_TOP, PAD_RIGHT, PAD_BOTTOM, PAD_COLOR };

/* The colour in the picture's own channels. */
static void color_of_channels(const lab_call *call, uint32_t param, uint32_t channels,
                              uint8_t pixel[4])
{
    ops_arg_color(call, param, pixel);
    if (channels == 1)
        pixel[0] = ops_luma(pixel[0], pixel[1], pixel[2]);
}

static void fill(uint8_t *dst, size_t pixels, const uint8_t *color, uint32_t channels)
{
    for (size_t i = 0; i < pixels; i++, dst += channels)
        memcpy(dst, color, channels);
}

static lab_status pad_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    int32_t left = (int32_t)lab_arg_int(call, PAD_LEFT), top = (int32_t)lab_arg_int(call, PAD_TOP);
    int32_t right = (int32_t)lab_arg_int(call, PAD_RIGHT);
    int32_t bottom = (int32_t)lab_arg_int(call, PAD_BOTTOM);
    int32_t shape[3] = { ops_height(in) + top + bottom, ops_width(in) + left + right,
                         in->shape[2] };
    if (shape[0] > OPS_MAX_SIDE || shape[1] > OPS_MAX_SIDE)
        return lab_fail(call, LAB_E_LIMIT,
                        "the padded picture would be %dx%d, sides are at most %d", shape[1],
                        shape[0], OPS_MAX_SIDE);
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    uint32_t channels = ops_channels(in);
    uint8_t color[4];
    color_of_channels(call, PAD_COLOR, channels, color);
    size_t row = (size_t)ops_width(in) * channels, width = (size_t)shape[1];
    const uint8_t *src = in->data;
    uint8_t *dst = out->data;
    for (int32_t y = 0; y < shape[0]; y++, dst += width * channels) {
        if (y < top || y >= top + ops_height(in)) {
            fill(dst, width, color, channels);
            continue;
        }
        fill(dst, (size_t)left, color, channels);
        memcpy(dst + (size_t)left * channels, src, row);
        fill(dst + (size_t)left * channels + row, (size_t)right, color, channels);
        src += row;
    }
    return LAB_OK;
}

#define PAD_SIDE(side, text)                                                                       \
    {                                                                                              \
        .name = (side), .type = LAB_INT, .doc = (text), .def = "0", .min = 0, .max = OPS_MAX_SIDE  \
    }

static const lab_param pad_params[] = {
    PAD_SIDE("left", "pixels added on the left"),
    PAD_SIDE("top", "pixels added above"),
    PAD_SIDE("right", "pixels added on the right"),
    PAD_SIDE("bottom", "pixels added below"),
    { .name = "color",
      .type = LAB_COLOR,
      .doc = "of the added pixels; its alpha counts where the picture has alpha, a grey picture "
             "takes its luma",
      .def = "#000" },
    LAB_PARAM_END,
};

const lab_op lab_op_image_pad = {
    .name = "image.pad",
    .summary = "a picture with a border of one colour",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = pad_params,
    .run = pad_run,
};

/* ---- orient ---- */

static lab_status orient_run(lab_call *call)
{
    lab_tensor out = { 0 };
    lab_error error = { 0 };
    lab_status status = lab_image_orient(lab_call_context(call), lab_input(call),
                                         (int)lab_arg_int(call, 0), &out, &error);
    return ops_finish(call, status, &out, &error);
}

static const lab_param orient_params[] = {
    { .name = "orientation",
      .type = LAB_INT,
      .doc = "1: as it is, 2: mirrored left to right, 3: turned by 180 degrees, 4: mirrored top to "
             "bottom, 5: transposed, 6: turned 90 degrees clockwise, 7: transposed across the "
             "other diagonal, 8: turned 90 degrees anticlockwise",
      .min = 1,
      .max = 8,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_image_orient = {
    .name = "image.orient",
    .summary = "a picture turned or mirrored by an EXIF orientation",
    .doc = "The numbers are those of the EXIF tag Orientation (CIPA DC-008): what has to be done "
           "to a stored picture so that it is upright.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = orient_params,
    .run = orient_run,
};
