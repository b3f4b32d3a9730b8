/*
 * Convolutions and the matrix product: windows slide, padding is resolved to pixels, every channel
 * count is held against every other. What each type promises kernels is in nodes.c.
 */
#include <math.h>
#include <string.h>

#include "model/nodes.h"
#include "model/window.h"

/* Taps of one output times the largest product of two bytes must fit int32_t: 2^31 / 255^2. */
#define MAX_TAPS 33025

static const lab_signature conv_dtypes[] = {
    { { LAB_U8, LAB_U8, LAB_I32 }, LAB_U8 },
    { { LAB_I8, LAB_I8, LAB_I32 }, LAB_I8 },
    { { LAB_F32, LAB_F32, LAB_F32 }, LAB_F32 },
};

/* Every sx * sw / sy must be a finite number, so that 0 times it is 0. */
static lab_status check_scales(lab_infer *infer, const lab_tensor *in, const lab_tensor *filter)
{
    if (!lab_is_quantised(in->dtype))
        return LAB_OK;
    for (uint32_t c = 0; c < filter->quant.count; c++) {
        float sw = lab_quant_scale(&filter->quant, c);
        float k = in->quant.scale * sw / infer->out[0]->quant.scale;
        if (lab_infer_ratio(infer, "input scale * filter scale / output scale", k, 0.0f, 0x1p30f))
            return infer->error->status;
        if (in->dtype == LAB_I8 && lab_quant_zero(&filter->quant, c) != 0)
            return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                                  "i8 filter has zero point %d in channel %u; it must be 0",
                                  lab_quant_zero(&filter->quant, c), c);
    }
    return LAB_OK;
}

/* A filter with one scale for each channel must have them along `axis`. */
static lab_status check_filter_axis(lab_infer *infer, const lab_tensor *filter, int32_t axis)
{
    if (filter->quant.count > 1 && filter->quant.axis != axis)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "filter scales run along dimension %d; they must run along %d",
                              filter->quant.axis, axis);
    return LAB_OK;
}

static lab_status check_bias(lab_infer *infer, uint32_t i, int32_t channels)
{
    const lab_tensor *bias = lab_infer_optional(infer, i);
    char text[LAB_SHAPE_TEXT];
    if (bias && lab_shape_count(bias->rank, bias->shape) != (size_t)channels)
        return lab_infer_fail(infer, LAB_E_FORMAT, "bias has shape %s, %d output channels need %d",
                              lab_shape_text(text, bias->rank, bias->shape), channels, channels);
    return LAB_OK;
}

static lab_status check_taps(lab_infer *infer, const lab_tensor *in, int64_t taps)
{
    if (lab_is_quantised(in->dtype) && taps > MAX_TAPS)
        return lab_infer_fail(infer, LAB_E_LIMIT,
                              "%lld taps for one output could overflow 32 bits; the limit is %d",
                              (long long)taps, MAX_TAPS);
    return LAB_OK;
}

static lab_status conv_2d_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *filter = infer->in[1];
    if (lab_infer_dtypes(infer, conv_dtypes, 3, 1) || lab_infer_rank(infer, 0, 4, "input") ||
        lab_infer_rank(infer, 1, 4, "filter") || check_filter_axis(infer, filter, 0) ||
        check_scales(infer, in, filter) || check_bias(infer, 2, filter->shape[0]) ||
        lab_infer_activation(infer))
        return infer->error->status;
    if (filter->shape[3] != in->shape[3])
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "filter reads %d channels, input has %d (grouped convolution is not "
                              "supported)",
                              filter->shape[3], in->shape[3]);
    lab_attrs *a = infer->attrs;
    int32_t out[4] = { in->shape[0], 0, 0, filter->shape[0] };
    if (check_taps(infer, in, (int64_t)filter->shape[1] * filter->shape[2] * filter->shape[3]) ||
        lab_infer_window_h(infer, in->shape[1], filter->shape[1], a->dilation_h, &out[1]) ||
        lab_infer_window_w(infer, in->shape[2], filter->shape[2], a->dilation_w, &out[2]))
        return infer->error->status;
    return lab_infer_shape(infer, 0, 4, out);
}

static lab_status depthwise_conv_2d_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *filter = infer->in[1];
    if (lab_infer_dtypes(infer, conv_dtypes, 3, 1) || lab_infer_rank(infer, 0, 4, "input") ||
        lab_infer_rank(infer, 1, 4, "filter") || check_filter_axis(infer, filter, 3) ||
        check_scales(infer, in, filter) || check_bias(infer, 2, filter->shape[3]) ||
        lab_infer_activation(infer))
        return infer->error->status;
    lab_attrs *a = infer->attrs;
    if (filter->shape[0] != 1 || filter->shape[3] % in->shape[3])
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "filter [%d,%d,%d,%d] does not fit %d input channels: the first "
                              "dimension must be 1, the last a multiple of the channels",
                              filter->shape[0], filter->shape[1], filter->shape[2],
                              filter->shape[3], in->shape[3]);
    int32_t multiplier = filter->shape[3] / in->shape[3];
    /* The file's own figure is redundant; 0 is what files that leave it out say. */
    if (a->depth_multiplier != 0 && a->depth_multiplier != multiplier)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "depth multiplier is %d, but the filter has %d outputs for %d inputs",
                              a->depth_multiplier, filter->shape[3], in->shape[3]);
    a->depth_multiplier = multiplier;
    int32_t out[4] = { in->shape[0], 0, 0, filter->shape[3] };
    if (check_taps(infer, in, (int64_t)filter->shape[1] * filter->shape[2]) ||
        lab_infer_window_h(infer, in->shape[1], filter->shape[1], a->dilation_h, &out[1]) ||
        lab_infer_window_w(infer, in->shape[2], filter->shape[2], a->dilation_w, &out[2]))
        return infer->error->status;
    return lab_infer_shape(infer, 0, 4, out);
}

static const lab_signature transpose_conv_dtypes[] = {
    { { LAB_I32, LAB_U8, LAB_U8, LAB_I32 }, LAB_U8 },
    { { LAB_I32, LAB_I8, LAB_I8, LAB_I32 }, LAB_I8 },
    { { LAB_I32, LAB_F32, LAB_F32, LAB_F32 }, LAB_F32 },
};

/*
 * The output is to the input what the input of a convolution with the same window is to its
 * output: the window rule runs backwards from the output's size and must arrive at the input's.
 */
static lab_status transpose_conv_2d_infer(lab_infer *infer)
{
    int32_t out[4], h, w;
    if (lab_infer_dtypes(infer, transpose_conv_dtypes, 3, 1) ||
        lab_infer_const(infer, 0, "output shape", 4, out) ||
        lab_infer_rank(infer, 1, 4, "filter") || lab_infer_rank(infer, 2, 4, "input") ||
        lab_infer_shape(infer, 0, 4, out))
        return infer->error->status;
    const lab_tensor *filter = infer->in[1], *in = infer->in[2];
    if (check_filter_axis(infer, filter, 0) || check_scales(infer, in, filter) ||
        check_bias(infer, 3, filter->shape[0]) || lab_infer_activation(infer))
        return infer->error->status;
    if (out[0] != in->shape[0] || out[3] != filter->shape[0] || filter->shape[3] != in->shape[3])
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "batch %d and channels %d of the output shape do not agree with "
                              "input (batch %d, channels %d) and filter (%d to %d channels)",
                              out[0], out[3], in->shape[0], in->shape[3], filter->shape[3],
                              filter->shape[0]);
    if (check_taps(infer, in, (int64_t)filter->shape[1] * filter->shape[2] * filter->shape[3]) ||
        lab_infer_window_h(infer, out[1], filter->shape[1], 1, &h) ||
        lab_infer_window_w(infer, out[2], filter->shape[2], 1, &w))
        return infer->error->status;
    if (h != in->shape[1] || w != in->shape[2])
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "an output of %dx%d (height x width) needs an input of %dx%d, got "
                              "%dx%d",
                              out[1], out[2], h, w, in->shape[1], in->shape[2]);
    return LAB_OK;
}

static lab_status fully_connected_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *filter = infer->in[1];
    if (lab_infer_dtypes(infer, conv_dtypes, 3, 1) || lab_infer_rank(infer, 1, 2, "weights") ||
        check_filter_axis(infer, filter, 0) || check_scales(infer, in, filter) ||
        check_bias(infer, 2, filter->shape[0]) || lab_infer_activation(infer) ||
        check_taps(infer, in, filter->shape[1]))
        return infer->error->status;
    size_t count = lab_shape_count(in->rank, in->shape);
    int32_t k = filter->shape[1], last = in->rank ? in->shape[in->rank - 1] : 1;
    bool fits = infer->attrs->keep_dims ? in->rank > 0 && last == k : count % (size_t)k == 0;
    char text[LAB_SHAPE_TEXT];
    if (!fits)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "input %s cannot be split into rows of %d, as the weights read",
                              lab_shape_text(text, in->rank, in->shape), k);
    if (!infer->attrs->keep_dims)
        return lab_infer_shape(infer, 0, 2,
                               (int32_t[]){ (int32_t)(count / (size_t)k), filter->shape[0] });
    int32_t out[LAB_MAX_RANK];
    for (uint32_t i = 0; i < in->rank; i++)
        out[i] = i + 1 < in->rank ? in->shape[i] : filter->shape[0];
    return lab_infer_shape(infer, 0, in->rank, out);
}

static const lab_signature conv_bias_dtypes[] = {
    { { LAB_U8, LAB_U8, LAB_I32 }, LAB_I32 },
    { { LAB_I8, LAB_I8, LAB_I32 }, LAB_I32 },
};

static lab_status conv_bias_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *filter = infer->in[1];
    if (lab_infer_dtypes(infer, conv_bias_dtypes, 2, 1) || lab_infer_rank(infer, 0, 4, "input") ||
        lab_infer_rank(infer, 1, 4, "filter") || check_filter_axis(infer, filter, 0) ||
        check_bias(infer, 2, filter->shape[0]) || check_taps(infer, in, filter->shape[3]))
        return infer->error->status;
    const int32_t pixel[3] = { 1, 1, 1 };
    if (memcmp(in->shape, pixel, sizeof pixel) != 0 || filter->shape[1] != 1 ||
        filter->shape[2] != 1 || filter->shape[3] != in->shape[3])
        return lab_infer_fail(
            infer, LAB_E_FORMAT, "filter [%d,%d,%d,%d] does not read one pixel [%d,%d,%d,%d]",
            filter->shape[0], filter->shape[1], filter->shape[2], filter->shape[3], in->shape[0],
            in->shape[1], in->shape[2], in->shape[3]);
    return lab_infer_shape(infer, 0, 1, (int32_t[]){ filter->shape[0] });
}

const lab_node_type lab_node_conv_2d = {
    .name = "conv_2d",
    .summary = "2-D convolution with fused activation",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .infer = conv_2d_infer,
};

const lab_node_type lab_node_depthwise_conv_2d = {
    .name = "depthwise_conv_2d",
    .summary = "2-D convolution of each channel by itself, with fused activation",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .infer = depthwise_conv_2d_infer,
};

const lab_node_type lab_node_transpose_conv_2d = {
    .name = "transpose_conv_2d",
    .summary = "transposed 2-D convolution (upsampling) with fused activation",
    .min_in = 3,
    .max_in = 4,
    .n_out = 1,
    .infer = transpose_conv_2d_infer,
};

const lab_node_type lab_node_fully_connected = {
    .name = "fully_connected",
    .summary = "rows of the input times a matrix, with fused activation",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .infer = fully_connected_infer,
};

const lab_node_type lab_node_conv_bias = {
    .name = "conv_bias",
    .summary = "what input channels alike at every place add to a 1x1 convolution",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .infer = conv_bias_infer,
};
