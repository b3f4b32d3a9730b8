/* Operators that change a part of a picture: blur (where a mask says so), paste. */
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

/* ---- blur ---- */

enum { BLUR_RADIUS, BLUR_MASK };

typedef struct blur_job {
    const uint8_t *src, *mask;
    uint8_t *blurred; /* becomes the result */
    uint32_t channels;
    size_t width;
} blur_job;

static void keep_rows(void *user, uint32_t begin, uint32_t end)
{
    const blur_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint32_t weight = job->mask[i];
        for (size_t c = i * job->channels; c < (i + 1) * job->channels; c++)
            job->blurred[c] = (uint8_t)ops_div255((uint32_t)job->src[c] * (255 - weight) +
                                                  (uint32_t)job->blurred[c] * weight);
    }
}

static lab_status blur_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *mask = lab_arg_tensor(call, BLUR_MASK);
    lab_tensor out = { 0 };
    lab_error error = { 0 };
    if (mask && ops_same_size(call, in, mask, "mask"))
        return lab_call_status(call);
    double sigma = lab_arg_float(call, BLUR_RADIUS) / 2.0;
    lab_status status = lab_image_blur(lab_call_context(call), in, sigma, &out, &error);
    /* Without a blur the data are shared with the input, and there is nothing to take back. */
    if (!status && mask && out.data != in->data) {
        blur_job job = { in->data, mask->data, out.data, ops_channels(in), (size_t)ops_width(in) };
        status = lab_parallel_for(call, (uint32_t)ops_height(in), 16, keep_rows, &job);
        if (status) {
            lab_tensor_clear(&out);
            return status;
        }
    }
    return ops_finish(call, status, &out, &error);
}

static const lab_param blur_params[] = {
    { .name = "radius",
      .type = LAB_FLOAT,
      .doc = "pixels: how far a point spreads (about 95 % of it); 0 changes nothing",
      .min = 0,
      .max = 2 * LAB_BLUR_MAX_SIGMA,
      .flags = LAB_PARAM_MAIN },
    { .name = "mask",
      .type = LAB_MASK,
      .doc = "where to blur, of the same size: 255 fully, 0 not at all; without it everywhere",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_image_blur = {
    .name = "image.blur",
    .summary = "a picture blurred, everywhere or where a mask says so",
    .doc = "A Gaussian with a standard deviation of radius / 2, as mask.feather. Under a mask: "
           "(sharp (255 - mask) + blurred mask) / 255, rounded. What cannot be recognised any more "
           "depends on its size: a face needs a radius of about a third of its width.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = blur_params,
    .run = blur_run,
};

/* ---- paste ---- */

enum { PASTE_WITH, PASTE_X, PASTE_Y };

typedef struct paste_job {
    const uint8_t *with;
    uint8_t *dst;
    int32_t x, y, left, right, width; /* columns left <= u < right of the result are covered */
    int32_t with_width;
    uint32_t with_channels, channels;
} paste_job;

/* Row v of the result, within what is covered. */
static void paste_row(const paste_job *job, int32_t v)
{
    const uint8_t *src = job->with + ((size_t)(v - job->y) * (size_t)job->with_width +
                                      (size_t)(job->left - job->x)) *
                                         job->with_channels;
    uint8_t *dst = job->dst + ((size_t)v * (size_t)job->width + (size_t)job->left) * job->channels;
    for (int32_t u = job->left; u < job->right; u++) {
        uint8_t top[4];
        ops_read_pixel(src, job->with_channels, top);
        if (job->channels == 1)
            top[0] = job->with_channels == 1 ? top[0] : ops_luma(top[0], top[1], top[2]);
        uint32_t colors = job->channels == 1 ? 1 : 3, weight = top[3];
        if (job->channels == 4) { /* what is below counts by its own alpha */
            uint32_t alpha = top[3] + ops_div255((uint32_t)dst[3] * (255u - top[3]));
            weight = alpha ? (top[3] * 255u + alpha / 2) / alpha : 0;
            dst[3] = (uint8_t)alpha;
        }
        for (uint32_t c = 0; c < colors; c++)
            dst[c] = (uint8_t)ops_div255((uint32_t)dst[c] * (255 - weight) + top[c] * weight);
        src += job->with_channels;
        dst += job->channels;
    }
}

static lab_status paste_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *with = lab_arg_tensor(call, PASTE_WITH);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    ops_copy(out, in);
    int32_t x = (int32_t)lab_arg_int(call, PASTE_X), y = (int32_t)lab_arg_int(call, PASTE_Y);
    int32_t right = x + ops_width(with), bottom = y + ops_height(with);
    paste_job job = { .with = with->data,
                      .dst = out->data,
                      .x = x,
                      .y = y,
                      .left = x > 0 ? x : 0,
                      .right = right < ops_width(in) ? right : ops_width(in),
                      .width = ops_width(in),
                      .with_width = ops_width(with),
                      .with_channels = ops_channels(with),
                      .channels = ops_channels(in) };
    bottom = bottom < ops_height(in) ? bottom : ops_height(in);
    for (int32_t v = y > 0 ? y : 0; v < bottom && job.left < job.right; v++)
        paste_row(&job, v);
    return LAB_OK;
}

static const lab_param paste_params[] = {
    { .name = "with",
      .type = LAB_IMAGE,
      .doc = "the picture to put on top; where it is transparent it does not show",
      .flags = LAB_PARAM_MAIN },
    { .name = "x",
      .type = LAB_INT,
      .doc = "column of its left edge",
      .def = "0",
      .min = -OPS_MAX_SIDE,
      .max = OPS_MAX_SIDE },
    { .name = "y",
      .type = LAB_INT,
      .doc = "row of its top edge",
      .def = "0",
      .min = -OPS_MAX_SIDE,
      .max = OPS_MAX_SIDE },
    LAB_PARAM_END,
};

const lab_op lab_op_image_paste = {
    .name = "image.paste",
    .summary = "a picture with a smaller one somewhere on it",
    .doc = "What is beyond the picture's edges is cut off. Size and channels stay: on a grey "
           "picture colours become grey. (below (255 - alpha) + top alpha) / 255, rounded; on a "
           "picture with alpha what is below counts by its own.",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .params = paste_params,
    .run = paste_run,
};
