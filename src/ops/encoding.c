/* Operators that give the bytes of a file: encode. */
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

static lab_status encode(lab_call *call, lab_image_format format, int quality, int level)
{
    lab_buffer *buffer = NULL;
    lab_error error = { 0 };
    lab_status status = lab_image_encode(lab_call_context(call), lab_input(call), format, quality,
                                         level, &buffer, &error);
    if (status)
        return lab_fail(call, status, "%s", error.message);
    uint8_t *bytes = lab_result_bytes(call, lab_buffer_size(buffer));
    if (bytes)
        memcpy(bytes, lab_buffer_data(buffer), lab_buffer_size(buffer));
    lab_buffer_unref(buffer);
    return lab_call_status(call);
}

enum { ENCODE_FORMAT, ENCODE_QUALITY, ENCODE_LEVEL };

static lab_status image_encode_run(lab_call *call)
{
    return encode(call, (lab_image_format)lab_arg_int(call, ENCODE_FORMAT),
                  (int)lab_arg_int(call, ENCODE_QUALITY), (int)lab_arg_int(call, ENCODE_LEVEL));
}

static lab_status png_encode_run(lab_call *call)
{
    return encode(call, LAB_FORMAT_PNG, 0, (int)lab_arg_int(call, 0));
}

#define LEVEL_DOC "PNG: 0 not compressed .. 9 smallest and slowest"

static const lab_param image_encode_params[] = {
    /* In the order of lab_image_format. */
    { .name = "format",
      .type = LAB_ENUM,
      .doc = "of the file; JPEG has no alpha and loses a little",
      .def = "png",
      .choices = "png|jpeg|bmp" },
    { .name = "quality",
      .type = LAB_INT,
      .doc = "JPEG: 1 smallest .. 100 best",
      .def = "92",
      .min = 1,
      .max = 100 },
    /* Photos hardly get smaller above 1 (level 6: 2 % less in three times the time). */
    { .name = "level", .type = LAB_INT, .doc = LEVEL_DOC, .def = "1", .min = 0, .max = 9 },
    LAB_PARAM_END,
};

static const lab_param png_encode_params[] = {
    { .name = "level",
      .type = LAB_INT,
      .doc = LEVEL_DOC,
      .def = "6",
      .min = 0,
      .max = 9,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_image_encode = {
    .name = "image.encode",
    .summary = "a picture as the bytes of a PNG, JPEG or BMP file",
    .in = LAB_IMAGE,
    .out = LAB_BYTES,
    .params = image_encode_params,
    .run = image_encode_run,
};

const lab_op lab_op_map_encode = {
    .name = "map.encode",
    .summary = "a label map as the bytes of an indexed PNG",
    .doc = "A pixel's value is its class id; the palette has the label set's colours (the Pascal "
           "VOC colours without one, and for ids outside it). Maps with 16-bit ids become 16-bit "
           "grey.",
    .in = LAB_LABELMAP,
    .out = LAB_BYTES,
    .params = png_encode_params,
    .run = png_encode_run,
};

const lab_op lab_op_mask_encode = {
    .name = "mask.encode",
    .summary = "a mask as the bytes of a grey PNG",
    .in = LAB_MASK,
    .out = LAB_BYTES,
    .params = png_encode_params,
    .run = png_encode_run,
};
