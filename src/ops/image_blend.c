/* Operators that lay pictures over pictures: blend, composite, cutout. */
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

/* (a * (255 - weight) + b * weight) / 255 to the nearest. */
static inline uint8_t mix(uint32_t a, uint32_t b, uint32_t weight)
{
    return (uint8_t)ops_div255(a * (255 - weight) + b * weight);
}

/* ---- blend ---- */

enum { BLEND_WITH, BLEND_ALPHA, BLEND_MASK };

typedef struct blend_job {
    const uint8_t *src, *with, *mask; /* mask may be NULL */
    uint8_t *dst;
    uint32_t src_channels, with_channels, dst_channels;
    uint32_t weight; /* 0..255 */
    size_t width;
} blend_job;

static void blend_rows(void *user, uint32_t begin, uint32_t end)
{
    const blend_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint8_t a[4], b[4];
        ops_read_pixel(job->src + i * job->src_channels, job->src_channels, a);
        ops_read_pixel(job->with + i * job->with_channels, job->with_channels, b);
        uint32_t weight = ops_div255(job->weight * b[3]);
        if (job->mask)
            weight = ops_div255(weight * job->mask[i]);
        uint32_t colors = job->dst_channels == 1 ? 1 : 3;
        uint8_t *dst = job->dst + i * job->dst_channels;
        for (uint32_t c = 0; c < colors; c++)
            dst[c] = mix(a[c], b[c], weight);
        if (job->dst_channels == 4)
            dst[3] = a[3];
    }
}

static lab_status blend_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *with = lab_arg_tensor(call, BLEND_WITH);
    const lab_tensor *mask = lab_arg_tensor(call, BLEND_MASK);
    lab_status status = ops_same_size(call, in, with, "picture to blend with");
    if (!status && mask)
        status = ops_same_size(call, in, mask, "mask");
    if (status)
        return status;
    uint32_t channels = ops_channels(in);
    if (channels == 1 && ops_channels(with) > 1)
        channels = 3;
    int32_t shape[3] = { ops_height(in), ops_width(in), (int32_t)channels };
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    blend_job job = { .src = in->data,
                      .with = with->data,
                      .mask = mask ? mask->data : NULL,
                      .dst = out->data,
                      .src_channels = ops_channels(in),
                      .with_channels = ops_channels(with),
                      .dst_channels = channels,
                      .weight = (uint32_t)(lab_arg_float(call, BLEND_ALPHA) * 255.0 + 0.5),
                      .width = (size_t)ops_width(in) };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, blend_rows, &job);
}

static const lab_param blend_params[] = {
    { .name = "with",
      .type = LAB_IMAGE,
      .doc = "the picture on top, of the same size; where it is transparent it does not show",
      .flags = LAB_PARAM_MAIN },
    { .name = "alpha",
      .type = LAB_FLOAT,
      .doc = "how much of the picture on top shows: 0 nothing .. 1 it alone",
      .def = "0.5",
      .min = 0,
      .max = 1 },
    { .name = "mask",
      .type = LAB_MASK,
      .doc = "where it shows, of the same size: alpha is multiplied by it",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_image_blend = {
    .name = "image.blend",
    .summary = "a picture with another one on top",
    .doc = "With w = 255 alpha, rounded, and times mask / 255: (a (255 - w) + b w) / 255, rounded. "
           "The result keeps the alpha of the picture below; it is grey where both are.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = blend_params,
    .run = blend_run,
};

/* ---- composite ---- */

enum { COMPOSITE_COLOR, COMPOSITE_PICTURE };

typedef struct composite_job {
    const uint8_t *src, *picture; /* picture may be NULL */
    uint8_t *dst;
    uint32_t src_channels, picture_channels;
    uint8_t color[4];
    size_t width;
} composite_job;

static void composite_rows(void *user, uint32_t begin, uint32_t end)
{
    const composite_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint8_t front[4], behind[4];
        ops_read_pixel(job->src + i * job->src_channels, job->src_channels, front);
        memcpy(behind, job->color, 3);
        if (job->picture) {
            uint8_t picture[4];
            ops_read_pixel(job->picture + i * job->picture_channels, job->picture_channels,
                           picture);
            for (int c = 0; c < 3; c++)
                behind[c] = mix(behind[c], picture[c], picture[3]);
        }
        for (int c = 0; c < 3; c++)
            job->dst[i * 3 + c] = mix(behind[c], front[c], front[3]);
    }
}

static lab_status composite_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *picture = lab_arg_tensor(call, COMPOSITE_PICTURE);
    if (picture && ops_same_size(call, in, picture, "picture behind"))
        return lab_call_status(call);
    int32_t shape[3] = { ops_height(in), ops_width(in), 3 };
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    composite_job job = { .src = in->data,
                          .picture = picture ? picture->data : NULL,
                          .dst = out->data,
                          .src_channels = ops_channels(in),
                          .picture_channels = picture ? ops_channels(picture) : 0,
                          .width = (size_t)ops_width(in) };
    ops_arg_color(call, COMPOSITE_COLOR, job.color);
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, composite_rows, &job);
}

static const lab_param composite_params[] = {
    { .name = "color",
      .type = LAB_COLOR,
      .doc = "what is behind the transparent parts (its own alpha is not used)",
      .def = "#fff",
      .flags = LAB_PARAM_MAIN },
    { .name = "picture",
      .type = LAB_IMAGE,
      .doc = "a picture of the same size behind it, in front of the colour",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_image_composite = {
    .name = "image.composite",
    .summary = "a cut-out on a colour or on another picture",
    .doc = "(behind (255 - alpha) + front alpha) / 255, rounded, for each of red, green and blue; "
           "the result has no alpha.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = composite_params,
    .run = composite_run,
};

/* ---- cutout ---- */

typedef struct cutout_job {
    const uint8_t *src, *mask;
    uint8_t *dst;
    uint32_t channels;
    size_t width;
} cutout_job;

static void cutout_rows(void *user, uint32_t begin, uint32_t end)
{
    const cutout_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint8_t *dst = job->dst + i * 4;
        ops_read_pixel(job->src + i * job->channels, job->channels, dst);
        dst[3] = (uint8_t)ops_div255((uint32_t)dst[3] * job->mask[i]);
    }
}

static lab_status cutout(lab_call *call, const lab_tensor *image, const lab_tensor *mask)
{
    lab_status status = ops_same_size(call, image, mask, "mask");
    if (status)
        return status;
    int32_t shape[3] = { ops_height(image), ops_width(image), 4 };
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    cutout_job job = { image->data, mask->data, out->data, ops_channels(image),
                       (size_t)ops_width(image) };
    return lab_parallel_for(call, (uint32_t)ops_height(image), 16, cutout_rows, &job);
}

static lab_status image_cutout_run(lab_call *call)
{
    return cutout(call, lab_input(call), lab_arg_tensor(call, 0));
}

static lab_status mask_cutout_run(lab_call *call)
{
    return cutout(call, lab_arg_tensor(call, 0), lab_input(call));
}

static const lab_param image_cutout_params[] = {
    { .name = "mask",
      .type = LAB_MASK,
      .doc = "what stays, of the same size: 255 all, 0 nothing",
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

static const lab_param mask_cutout_params[] = {
    { .name = "image",
      .type = LAB_IMAGE,
      .doc = "the picture to cut from, of the same size",
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

#define CUTOUT_DOC                                                                                 \
    "The result has four channels: the picture's colours, and alpha = mask times the alpha the "   \
    "picture has already, / 255, rounded. Colours under alpha 0 are kept."

const lab_op lab_op_image_cutout = {
    .name = "image.cutout",
    .summary = "the part of a picture that a mask keeps, the rest transparent",
    .doc = CUTOUT_DOC,
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = image_cutout_params,
    .run = image_cutout_run,
};

const lab_op lab_op_mask_cutout = {
    .name = "mask.cutout",
    .summary = "the part of a picture that this mask keeps, the rest transparent",
    .doc = CUTOUT_DOC,
    .in = LAB_MASK,
    .out = LAB_IMAGE,
    .params = mask_cutout_params,
    .run = mask_cutout_run,
};
