/*
 * Nodes that compute each element by itself: arithmetic with broadcasting, activations, softmax
 * along the last dimension, and the two ways across quantisation.
 */
#include "model/nodes.h"

static const lab_signature binary_dtypes[] = {
    { { LAB_U8, LAB_U8 }, LAB_U8 },
    { { LAB_I8, LAB_I8 }, LAB_I8 },
    { { LAB_F32, LAB_F32 }, LAB_F32 },
};

static const lab_signature unary_dtypes[] = {
    { { LAB_U8 }, LAB_U8 },
    { { LAB_I8 }, LAB_I8 },
    { { LAB_F32 }, LAB_F32 },
};

/* Dimensions are matched from the last; one of 1, or a missing one, is repeated. */
static lab_status broadcast(lab_infer *infer)
{
    const lab_tensor *a = infer->in[0], *b = infer->in[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    int32_t out[LAB_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        int32_t da = i < a->rank ? a->shape[a->rank - 1 - i] : 1;
        int32_t db = i < b->rank ? b->shape[b->rank - 1 - i] : 1;
        char ta[LAB_SHAPE_TEXT], tb[LAB_SHAPE_TEXT];
        if (da != db && da != 1 && db != 1)
            return lab_infer_fail(infer, LAB_E_FORMAT, "inputs %s and %s cannot be broadcast",
                                  lab_shape_text(ta, a->rank, a->shape),
                                  lab_shape_text(tb, b->rank, b->shape));
        out[rank - 1 - i] = da == 1 ? db : da;
    }
    return lab_infer_shape(infer, 0, rank, out);
}

static lab_status add_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, binary_dtypes, 3, LAB_PER_TENSOR) || lab_infer_activation(infer))
        return infer->error->status;
    const lab_quant *a = &infer->in[0]->quant, *b = &infer->in[1]->quant;
    const lab_quant *y = &infer->out[0]->quant;
    if (lab_is_quantised(infer->in[0]->dtype)) {
        /* Multipliers have 21 bits and the shift is 20 minus the exponent of the larger ratio. */
        float largest = (a->scale > b->scale ? a->scale : b->scale) / y->scale;
        if (lab_infer_ratio(infer, "the larger input scale / output scale", largest, 0x1p-10f,
                            0x1p8f))
            return infer->error->status;
    }
    return broadcast(infer);
}

static lab_status mul_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, binary_dtypes, 3, LAB_PER_TENSOR) || lab_infer_activation(infer))
        return infer->error->status;
    const lab_quant *a = &infer->in[0]->quant, *b = &infer->in[1]->quant;
    const lab_quant *y = &infer->out[0]->quant;
    if (lab_is_quantised(infer->in[0]->dtype) &&
        lab_infer_ratio(infer, "product of input scales / output scale",
                        a->scale * b->scale / y->scale, 0x1p-16f, 0x1p8f))
        return infer->error->status;
    return broadcast(infer);
}

static lab_status same_shape(lab_infer *infer)
{
    return lab_infer_shape(infer, 0, infer->in[0]->rank, infer->in[0]->shape);
}

/* Quantised tensors may change scale on the way; within what 8 fractional bits can express. */
static lab_status check_rescale(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *out = infer->out[0];
    if (!lab_is_quantised(in->dtype) || !lab_is_quantised(out->dtype))
        return LAB_OK;
    return lab_infer_ratio(infer, "input scale / output scale", in->quant.scale / out->quant.scale,
                           0x1p-8f, 0x1p7f);
}

static lab_status unary_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, unary_dtypes, 3, LAB_PER_TENSOR) || check_rescale(infer))
        return infer->error->status;
    return same_shape(infer);
}

/* RELU6 also needs its upper bound in units of the output. */
static lab_status relu6_infer(lab_infer *infer)
{
    const lab_tensor *out = infer->out[0];
    if (lab_infer_dtypes(infer, unary_dtypes, 3, LAB_PER_TENSOR) || check_rescale(infer))
        return infer->error->status;
    if (lab_is_quantised(out->dtype) &&
        lab_infer_ratio(infer, "6 / output scale", 6.0f / out->quant.scale, 0.0f, 0x1p30f))
        return infer->error->status;
    return same_shape(infer);
}

/* Probabilities: TFLite fixes the quantisation of 0 .. 1 to 256 steps. */
static lab_status check_unit_range(lab_infer *infer)
{
    const lab_tensor *out = infer->out[0];
    if (!lab_is_quantised(out->dtype))
        return LAB_OK;
    int32_t zero = out->dtype == LAB_I8 ? -128 : 0;
    if (out->quant.scale == 1.0f / 256.0f && out->quant.zero_point == zero)
        return LAB_OK;
    return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                          "output must have scale 1/256 and zero point %d, has %g and %d", zero,
                          (double)out->quant.scale, out->quant.zero_point);
}

static lab_status logistic_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, unary_dtypes, 3, LAB_PER_TENSOR) || check_unit_range(infer))
        return infer->error->status;
    return same_shape(infer);
}

static lab_status softmax_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    if (lab_infer_dtypes(infer, unary_dtypes, 3, LAB_PER_TENSOR) || check_unit_range(infer))
        return infer->error->status;
    if (in->rank < 1)
        return lab_infer_fail(infer, LAB_E_FORMAT, "a scalar has no dimension to normalise");
    if (!(infer->attrs->beta > 0.0f && infer->attrs->beta < 0x1p30f))
        return lab_infer_fail(infer, LAB_E_FORMAT, "beta must be positive and finite, is %g",
                              (double)infer->attrs->beta);
    infer->attrs->axis = (int32_t)in->rank - 1;
    return same_shape(infer);
}

static const lab_signature quantize_dtypes[] = {
    { { LAB_F32 }, LAB_U8 }, { { LAB_F32 }, LAB_I8 }, { { LAB_U8 }, LAB_U8 },
    { { LAB_U8 }, LAB_I8 },  { { LAB_I8 }, LAB_U8 },  { { LAB_I8 }, LAB_I8 },
};

static lab_status quantize_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, quantize_dtypes, 6, LAB_PER_TENSOR) || check_rescale(infer))
        return infer->error->status;
    return same_shape(infer);
}

static const lab_signature dequantize_dtypes[] = {
    { { LAB_U8 }, LAB_F32 },
    { { LAB_I8 }, LAB_F32 },
    { { LAB_F16 }, LAB_F32 },
};

static lab_status dequantize_infer(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, dequantize_dtypes, 3, 0))
        return infer->error->status;
    return same_shape(infer);
}

const lab_node_type lab_node_add = {
    .name = "add",
    .summary = "sum of two tensors with broadcasting and fused activation",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = add_infer,
};

const lab_node_type lab_node_mul = {
    .name = "mul",
    .summary = "product of two tensors with broadcasting and fused activation",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = mul_infer,
};

const lab_node_type lab_node_relu = {
    .name = "relu",
    .summary = "max(x, 0)",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = unary_infer,
};

const lab_node_type lab_node_relu6 = {
    .name = "relu6",
    .summary = "min(max(x, 0), 6)",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = relu6_infer,
};

const lab_node_type lab_node_hard_swish = {
    .name = "hard_swish",
    .summary = "x * min(max(x + 3, 0), 6) / 6",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = unary_infer,
};

const lab_node_type lab_node_logistic = {
    .name = "logistic",
    .summary = "1 / (1 + exp(-x))",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = logistic_infer,
};

const lab_node_type lab_node_softmax = {
    .name = "softmax",
    .summary = "exp(beta x) over its sum along the last dimension",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = softmax_infer,
};

const lab_node_type lab_node_quantize = {
    .name = "quantize",
    .summary = "f32 or quantised to quantised",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = quantize_infer,
};

const lab_node_type lab_node_dequantize = {
    .name = "dequantize",
    .summary = "quantised or f16 to f32",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = dequantize_infer,
};
