/*
 * mediapipe.c: MediaPipe's custom operator Convolution2DTransposeBias, a transpose convolution with
 * bias, as the selfie model ends with. It shows how a plugin adds an operator of a file format by
 * name: a node type that infers the shape, and kernels.
 *
 * Inputs: x [N, h, w, C], filter OHWI, bias [O]. The file's option bytes are three little-endian
 * int32: padding (1 = SAME, 2 = VALID), stride along the width, stride along the height; what
 * follows them is of no interest. Output, SAME: h * stride_h x w * stride_w, of which half of
 * (h - 1) * stride_h + filter_h - output (if positive) is cut off before; VALID: all of
 * (h - 1) * stride_h + filter_h.
 */
#include "kernels.h"
#include "transpose_conv.h"

#define OP_NAME "Convolution2DTransposeBias"
#define PADDING_SAME 1
#define PADDING_VALID 2

static const transpose_inputs order = { .x = 0, .filter = 1, .bias = 2 };

static int32_t option(const lab_attrs *attrs, size_t i)
{
    const uint8_t *b = (const uint8_t *)attrs->custom + 4 * i;
    return (int32_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                     (uint32_t)b[3] << 24);
}

static lab_status read_options(lab_infer *infer, bool *same)
{
    lab_attrs *a = infer->attrs;
    if (!a->custom || a->custom_size < 12)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "%zu bytes of options, at least 12 are needed (padding, strides)",
                              a->custom ? a->custom_size : 0);
    int32_t padding = option(a, 0);
    a->stride_w = option(a, 1);
    a->stride_h = option(a, 2);
    if (padding != PADDING_SAME && padding != PADDING_VALID)
        return lab_infer_fail(infer, LAB_E_FORMAT, "padding %d is neither SAME (1) nor VALID (2)",
                              padding);
    if (a->stride_h < 1 || a->stride_w < 1)
        return lab_infer_fail(infer, LAB_E_FORMAT, "strides %d x %d must be positive", a->stride_h,
                              a->stride_w);
    *same = padding == PADDING_SAME;
    return LAB_OK;
}

/* One direction: size of the output and what is cut off before and after. False: too large. */
static bool out_size(bool same, int32_t in, int32_t filter, int32_t stride, int32_t *out,
                     int32_t *before, int32_t *after)
{
    int64_t all = ((int64_t)in - 1) * stride + filter;
    int64_t kept = same ? (int64_t)in * stride : all;
    int64_t cut = all > kept ? all - kept : 0;
    if (kept > INT32_MAX || cut > INT32_MAX)
        return false;
    *out = (int32_t)kept;
    *before = (int32_t)(cut / 2);
    *after = (int32_t)(cut - cut / 2);
    return true;
}

static lab_status check_inputs(lab_infer *infer)
{
    const lab_tensor *x = infer->in[0], *w = infer->in[1], *bias = infer->in[2];
    if (!x || !w || !bias)
        return lab_infer_fail(infer, LAB_E_FORMAT, "input, filter and bias must all be there");
    if (x->rank != 4 || w->rank != 4)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "input of rank %u and filter of rank %u, both must be 4", x->rank,
                              w->rank);
    if (w->shape[3] != x->shape[3])
        return lab_infer_fail(infer, LAB_E_FORMAT, "the filter reads %d channels, the input has %d",
                              w->shape[3], x->shape[3]);
    if (elements(bias) != (size_t)w->shape[0])
        return lab_infer_fail(infer, LAB_E_FORMAT, "the bias has %zu values for %d filters",
                              elements(bias), w->shape[0]);
    if (infer->out[0]->dtype != x->dtype)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "input and output must be of the same type");
    return LAB_OK;
}

static lab_status set_shape(lab_infer *infer, const int32_t shape[4])
{
    lab_tensor *y = infer->out[0];
    size_t size = lab_dtype_size(y->dtype);
    for (int i = 0; i < 4; i++)
        if (__builtin_mul_overflow(size, (size_t)shape[i], &size) || size > INT32_MAX)
            return lab_infer_fail(infer, LAB_E_LIMIT, "the output %dx%dx%dx%d is too large",
                                  shape[0], shape[1], shape[2], shape[3]);
    bool known = y->rank != UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        if (known && (y->rank != 4 || y->shape[i] != shape[i]))
            return lab_infer_fail(infer, LAB_E_FORMAT,
                                  "the output is %dx%dx%dx%d by the operator's rule, the file says "
                                  "otherwise",
                                  shape[0], shape[1], shape[2], shape[3]);
        y->shape[i] = shape[i];
    }
    y->rank = 4;
    return LAB_OK;
}

static lab_status transpose_bias_infer(lab_infer *infer)
{
    bool same = false;
    if (check_inputs(infer) || read_options(infer, &same))
        return infer->error->status;
    lab_attrs *a = infer->attrs;
    const lab_tensor *x = infer->in[0], *w = infer->in[1];
    int32_t shape[4] = { x->shape[0], 0, 0, w->shape[0] };
    if (!out_size(same, x->shape[1], w->shape[1], a->stride_h, &shape[1], &a->pad_top,
                  &a->pad_bottom) ||
        !out_size(same, x->shape[2], w->shape[2], a->stride_w, &shape[2], &a->pad_left,
                  &a->pad_right))
        return lab_infer_fail(infer, LAB_E_LIMIT, "strides %d x %d make the output too large",
                              a->stride_h, a->stride_w);
    return set_shape(infer, shape);
}

const lab_node_type reference_mediapipe_node = {
    .name = OP_NAME,
    .summary = "MediaPipe: transpose convolution with bias",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = transpose_bias_infer,
};

static int q8_match(const lab_node *node)
{
    return transpose_q8_match(node, order);
}

static lab_status q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    return transpose_q8_prepare(prepare, node, order);
}

static int f32_match(const lab_node *node)
{
    return transpose_f32_match(node, order);
}

static lab_status f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return transpose_f32_prepare(prepare, node, order);
}

const lab_kernel reference_mediapipe_q8 = {
    .name = "reference." OP_NAME ".q8",
    .op = OP_NAME,
    .isa = "reference",
    .match = q8_match,
    .prepare = q8_prepare,
    .run = transpose_q8_run,
};

const lab_kernel reference_mediapipe_f32 = {
    .name = "reference." OP_NAME ".f32",
    .op = OP_NAME,
    .isa = "reference",
    .match = f32_match,
    .prepare = f32_prepare,
    .run = transpose_f32_run,
};
