/*
 * Pooling, means, bilinear resize and arg-max (one by one and together): nodes that look at
 * neighbourhoods, and the rule of sliding windows that they share with the convolutions.
 */
#include <string.h>

#include "model/nodes.h"
#include "model/window.h"

static lab_status window(lab_infer *infer, const char *side, int64_t in, int64_t filter,
                         int64_t stride, int64_t dilation, int32_t *before, int32_t *after,
                         int32_t *out)
{
    if (stride < 1 || dilation < 1 || filter < 1)
        return lab_infer_fail(
            infer, LAB_E_FORMAT,
            "%s: stride %lld, dilation %lld and filter %lld must all be at least 1", side,
            (long long)stride, (long long)dilation, (long long)filter);
    int64_t eff = (filter - 1) * dilation + 1, n;
    switch (infer->attrs->padding) {
    case LAB_PAD_SAME: {
        n = (in + stride - 1) / stride;
        int64_t total = (n - 1) * stride + eff - in;
        total = total > 0 ? total : 0;
        if (total > INT32_MAX)
            return lab_infer_fail(infer, LAB_E_LIMIT, "%s: padding of %lld is too large", side,
                                  (long long)total);
        *before = (int32_t)(total / 2);
        *after = (int32_t)(total - total / 2);
        break;
    }
    case LAB_PAD_VALID:
        n = in < eff ? 0 : (in - eff) / stride + 1;
        *before = *after = 0;
        break;
    case LAB_PAD_EXPLICIT:
        if (*before < 0 || *after < 0 || *before >= eff || *after >= eff)
            return lab_infer_fail(infer, LAB_E_FORMAT,
                                  "%s: padding %d and %d must be 0 or more and less than the "
                                  "filter's extent, %lld",
                                  side, *before, *after, (long long)eff);
        n = in + *before + *after < eff ? 0 : (in + *before + *after - eff) / stride + 1;
        break;
    default:
        return lab_infer_fail(infer, LAB_E_FORMAT, "padding kind %d is not known",
                              (int)infer->attrs->padding);
    }
    if (n < 1 || n > INT32_MAX)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "%s: a filter over %lld pixels leaves no output of an input of %lld",
                              side, (long long)eff, (long long)in);
    *out = (int32_t)n;
    return LAB_OK;
}

lab_status lab_infer_window_h(lab_infer *infer, int32_t in, int32_t filter, int32_t dilation,
                              int32_t *out)
{
    lab_attrs *a = infer->attrs;
    return window(infer, "height", in, filter, a->stride_h, dilation, &a->pad_top, &a->pad_bottom,
                  out);
}

lab_status lab_infer_window_w(lab_infer *infer, int32_t in, int32_t filter, int32_t dilation,
                              int32_t *out)
{
    lab_attrs *a = infer->attrs;
    return window(infer, "width", in, filter, a->stride_w, dilation, &a->pad_left, &a->pad_right,
                  out);
}

static const lab_signature same_dtypes[] = {
    { { LAB_U8 }, LAB_U8 },
    { { LAB_I8 }, LAB_I8 },
    { { LAB_F32 }, LAB_F32 },
};

static lab_status average_pool_2d_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    lab_attrs *a = infer->attrs;
    if (lab_infer_dtypes(infer, same_dtypes, 3, LAB_PER_TENSOR) ||
        lab_infer_rank(infer, 0, 4, "input") || lab_infer_same_quant(infer, 0) ||
        lab_infer_activation(infer))
        return infer->error->status;
    int32_t out[4] = { in->shape[0], 0, 0, in->shape[3] };
    if (lab_infer_window_h(infer, in->shape[1], a->filter_h, 1, &out[1]) ||
        lab_infer_window_w(infer, in->shape[2], a->filter_w, 1, &out[2]))
        return infer->error->status;
    /* The sum of a window of bytes, and half its taps for rounding, fit int32_t. */
    if ((int64_t)a->filter_h * a->filter_w > INT32_MAX / 256)
        return lab_infer_fail(infer, LAB_E_LIMIT, "a window of %dx%d is too large", a->filter_h,
                              a->filter_w);
    return lab_infer_shape(infer, 0, 4, out);
}

static lab_status mean_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *axes = infer->in[1];
    if (lab_infer_dtypes(infer, same_dtypes, 3, LAB_PER_TENSOR))
        return infer->error->status;
    if (lab_is_quantised(in->dtype) &&
        lab_infer_ratio(infer, "input scale / output scale",
                        in->quant.scale / infer->out[0]->quant.scale, 0x1p-16f, 0x1p16f))
        return infer->error->status;
    size_t count = lab_shape_count(axes->rank, axes->shape);
    int32_t list[LAB_MAX_RANK], axis;
    if (count > in->rank)
        return lab_infer_fail(infer, LAB_E_FORMAT, "%zu axes for an input of %u dimensions", count,
                              in->rank);
    if (lab_infer_const(infer, 1, "axes", (uint32_t)count, list))
        return infer->error->status;
    bool reduced[LAB_MAX_RANK] = { false };
    for (size_t i = 0; i < count; i++) {
        if (lab_infer_axis(infer, list[i], in->rank, &axis))
            return infer->error->status;
        reduced[axis] = true;
    }
    int32_t out[LAB_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < in->rank; i++)
        if (!reduced[i] || infer->attrs->keep_dims)
            out[rank++] = reduced[i] ? 1 : in->shape[i];
    return lab_infer_shape(infer, 0, rank, out);
}

/* Reads height and width. */
static lab_status resize_size(lab_infer *infer, int32_t size[2])
{
    if (lab_infer_rank(infer, 0, 4, "input") || lab_infer_const(infer, 1, "size", 2, size))
        return infer->error->status;
    if (infer->attrs->align_corners && infer->attrs->half_pixel_centers)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "align_corners and half_pixel_centers exclude each other");
    return LAB_OK;
}

static lab_status resize_bilinear_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    int32_t size[2];
    if (lab_infer_dtypes(infer, same_dtypes, 3, LAB_PER_TENSOR) || resize_size(infer, size) ||
        lab_infer_same_quant(infer, 0))
        return infer->error->status;
    return lab_infer_shape(infer, 0, 4,
                           (int32_t[]){ in->shape[0], size[0], size[1], in->shape[3] });
}

static const lab_signature argmax_dtypes[] = {
    { { LAB_U8 }, LAB_I32 }, { { LAB_U8 }, LAB_I64 },  { { LAB_I8 }, LAB_I32 },
    { { LAB_I8 }, LAB_I64 }, { { LAB_F32 }, LAB_I32 }, { { LAB_F32 }, LAB_I64 },
};

static lab_status argmax_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *where = infer->in[1];
    if (lab_infer_dtypes(infer, argmax_dtypes, 6, LAB_PER_TENSOR))
        return infer->error->status;
    int32_t narrow;
    int64_t axis;
    if (where->dtype == LAB_I64 && where->data && lab_shape_count(where->rank, where->shape) == 1)
        memcpy(&axis, where->data, sizeof axis);
    else if (lab_infer_const(infer, 1, "axis", 1, &narrow))
        return infer->error->status;
    else
        axis = narrow;
    if (lab_infer_axis(infer, axis, in->rank, &infer->attrs->axis))
        return infer->error->status;
    int32_t out[LAB_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < in->rank; i++)
        if ((int32_t)i != infer->attrs->axis)
            out[rank++] = in->shape[i];
    return lab_infer_shape(infer, 0, rank, out);
}

static lab_status resize_argmax_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    int32_t size[2];
    if (lab_infer_dtypes(infer, argmax_dtypes, 6, LAB_PER_TENSOR) || resize_size(infer, size))
        return infer->error->status;
    return lab_infer_shape(infer, 0, 3, (int32_t[]){ in->shape[0], size[0], size[1] });
}

const lab_node_type lab_node_average_pool_2d = {
    .name = "average_pool_2d",
    .summary = "mean of the taps inside each window",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = average_pool_2d_infer,
};

const lab_node_type lab_node_mean = {
    .name = "mean",
    .summary = "mean over some dimensions",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = mean_infer,
};

const lab_node_type lab_node_resize_bilinear = {
    .name = "resize_bilinear",
    .summary = "bilinear interpolation to another height and width",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = resize_bilinear_infer,
};

const lab_node_type lab_node_argmax = {
    .name = "argmax",
    .summary = "index of the largest value along an axis",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = argmax_infer,
};

const lab_node_type lab_node_resize_argmax = {
    .name = "resize_argmax",
    .summary = "index of the largest channel after bilinear interpolation",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = resize_argmax_infer,
};
