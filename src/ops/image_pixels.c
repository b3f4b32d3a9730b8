/* Operators that change what a pixel is made of: channels and number types. */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

/* ---- convert ---- */

typedef struct convert_job {
    const uint8_t *src;
    uint8_t *dst;
    uint32_t from, to; /* channels */
    size_t width;
} convert_job;

static void convert_rows(void *user, uint32_t begin, uint32_t end)
{
    const convert_job *job = user;
    const uint8_t *src = job->src + begin * job->width * job->from;
    uint8_t *dst = job->dst + begin * job->width * job->to;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint8_t rgba[4];
        ops_read_pixel(src, job->from, rgba);
        if (job->to == 1)
            dst[0] = job->from == 1 ? rgba[0] : ops_luma(rgba[0], rgba[1], rgba[2]);
        else
            memcpy(dst, rgba, job->to);
        src += job->from;
        dst += job->to;
    }
}

static lab_status convert_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    int32_t channels = (int32_t)lab_arg_int(call, 0);
    if (channels == 2)
        return lab_fail(call, LAB_E_INVALID, "channels must be 1, 3 or 4, got 2");
    int32_t shape[3] = { ops_height(in), ops_width(in), channels };
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    convert_job job = { in->data, out->data, ops_channels(in), (uint32_t)channels,
                        (size_t)ops_width(in) };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, convert_rows, &job);
}

static const lab_param convert_params[] = {
    { .name = "channels",
      .type = LAB_INT,
      .doc = "1: grey, 3: colour, 4: colour with alpha",
      .min = 1,
      .max = 4,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_image_convert = {
    .name = "image.convert",
    .summary = "a picture with other channels",
    .doc = "Grey is (77 r + 150 g + 29 b) / 256, rounded. Grey becomes colour by repeating it. New "
           "alpha is 255; alpha that goes is dropped (image.composite puts a colour behind it "
           "instead).",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = convert_params,
    .run = convert_run,
};

/* ---- normalize ---- */

enum { NORMALIZE_DTYPE, NORMALIZE_SCALE, NORMALIZE_OFFSET };

/* A byte has 256 values, so all arithmetic is done once: the loop only looks up. */
typedef struct normalize_job {
    const uint8_t *src;
    void *dst;
    uint32_t channels; /* of the source */
    size_t width;
    lab_dtype dtype;
    union {
        uint8_t u8[256];
        float f32[256];
    } table;
} normalize_job;

static void normalize_rows(void *user, uint32_t begin, uint32_t end)
{
    const normalize_job *job = user;
    size_t from = begin * job->width, to = end * job->width;
    uint32_t channels = job->channels;
    uint32_t green = channels >= 3 ? 1 : 0, blue = channels >= 3 ? 2 : 0;
    const uint8_t *src = job->src + from * channels;
    if (job->dtype == LAB_F32) {
        float *dst = (float *)job->dst + from * 3;
        for (size_t i = from; i < to; i++, src += channels, dst += 3) {
            dst[0] = job->table.f32[src[0]];
            dst[1] = job->table.f32[src[green]];
            dst[2] = job->table.f32[src[blue]];
        }
        return;
    }
    uint8_t *dst = (uint8_t *)job->dst + from * 3;
    for (size_t i = from; i < to; i++, src += channels, dst += 3) {
        dst[0] = job->table.u8[src[0]];
        dst[1] = job->table.u8[src[green]];
        dst[2] = job->table.u8[src[blue]];
    }
}

/* Half to even whatever the rounding mode of the process is, clamped. */
static int32_t round_clamped(double value, int32_t lo, int32_t hi)
{
    if (!(value > lo))
        return lo;
    if (value >= hi)
        return hi;
    double below = floor(value), rest = value - below;
    bool up = rest > 0.5 || (rest == 0.5 && fmod(below, 2.0) != 0.0);
    return (int32_t)below + (up ? 1 : 0);
}

static void fill_table(normalize_job *job, double scale, double offset)
{
    for (int byte = 0; byte < 256; byte++) {
        double value = (double)byte * scale + offset;
        if (job->dtype == LAB_F32)
            job->table.f32[byte] = (float)value;
        else if (job->dtype == LAB_I8)
            job->table.u8[byte] = (uint8_t)(int8_t)round_clamped(value, -128, 127);
        else
            job->table.u8[byte] = (uint8_t)round_clamped(value, 0, 255);
    }
}

static lab_status normalize_run(lab_call *call)
{
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_F32 }; /* in the order of the choices */
    const lab_tensor *in = lab_input(call);
    double scale = lab_arg_float(call, NORMALIZE_SCALE);
    double offset = lab_arg_float(call, NORMALIZE_OFFSET);
    if (!isfinite(scale) || !isfinite(offset))
        return lab_fail(call, LAB_E_INVALID, "scale and offset must be finite, got %g and %g",
                        scale, offset);
    normalize_job job = { .src = in->data,
                          .channels = ops_channels(in),
                          .width = (size_t)ops_width(in),
                          .dtype = dtypes[lab_arg_int(call, NORMALIZE_DTYPE)] };
    int32_t shape[4] = { 1, ops_height(in), ops_width(in), 3 };
    lab_tensor *out = lab_result(call, LAB_TENSOR, job.dtype, 4, shape);
    if (!out)
        return lab_call_status(call);
    job.dst = out->data;
    fill_table(&job, scale, offset);
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, normalize_rows, &job);
}

static const lab_param normalize_params[] = {
    { .name = "dtype",
      .type = LAB_ENUM,
      .doc = "number type the network takes",
      .def = "u8",
      .choices = "u8|i8|f32" },
    { .name = "scale", .type = LAB_FLOAT, .doc = "factor of every byte", .def = "1" },
    { .name = "offset", .type = LAB_FLOAT, .doc = "added after scaling", .def = "0" },
    LAB_PARAM_END,
};

const lab_op lab_op_image_normalize = {
    .name = "image.normalize",
    .summary = "a picture as a network's input, 1 x height x width x 3",
    .doc = "value = byte * scale + offset in double precision, rounded once: to float32, or half "
           "to even and clamped for integers. Grey is repeated in the three channels; alpha is "
           "left out (composite the picture first if what is behind matters).",
    .in = LAB_IMAGE,
    .out = LAB_TENSOR,
    .params = normalize_params,
    .run = normalize_run,
};
