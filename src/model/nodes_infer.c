/* Checks that most inference rules start with: see nodes.h. */
#include <math.h>
#include <string.h>

#include "model/nodes.h"

const char *lab_shape_text(char text[LAB_SHAPE_TEXT], uint32_t rank, const int32_t *shape)
{
    bool known = rank <= LAB_MAX_RANK;
    size_t used = (size_t)snprintf(text, LAB_SHAPE_TEXT, known ? "[" : "[?");
    for (uint32_t i = 0; known && i < rank; i++)
        used +=
            (size_t)snprintf(text + used, LAB_SHAPE_TEXT - used, "%s%d", i ? "," : "", shape[i]);
    snprintf(text + used, LAB_SHAPE_TEXT - used, "]");
    return text;
}

lab_status lab_infer_shape(lab_infer *infer, uint32_t k, uint32_t rank, const int32_t *shape)
{
    lab_tensor *out = infer->out[k];
    size_t size;
    if (lab_shape_size(out->dtype, rank, shape, &size, infer->error)) {
        /* A shape that a rule arrives at is the file's doing, not a caller's mistake. */
        if (infer->error->status == LAB_E_INVALID)
            infer->error->status = LAB_E_FORMAT;
        return infer->error->status;
    }
    char want[LAB_SHAPE_TEXT], have[LAB_SHAPE_TEXT];
    bool known = out->rank != UINT32_MAX;
    if (known && (out->rank != rank || memcmp(out->shape, shape, rank * sizeof *shape) != 0))
        return lab_infer_fail(
            infer, LAB_E_FORMAT, "output has shape %s by the operator's rule, the file says %s",
            lab_shape_text(want, rank, shape), lab_shape_text(have, out->rank, out->shape));
    out->rank = rank;
    memcpy(out->shape, shape, rank * sizeof *shape);
    return LAB_OK;
}

lab_status lab_infer_rank(lab_infer *infer, uint32_t i, uint32_t rank, const char *what)
{
    const lab_tensor *in = infer->in[i];
    char text[LAB_SHAPE_TEXT];
    if (in->rank == rank)
        return LAB_OK;
    return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "%s must have %u dimensions, has shape %s",
                          what, rank, lab_shape_text(text, in->rank, in->shape));
}

const lab_tensor *lab_infer_optional(const lab_infer *infer, uint32_t i)
{
    return i < infer->n_in ? infer->in[i] : NULL;
}

/* "u8, u8, i32 -> u8", for messages. */
static void dtypes_text(const lab_infer *infer, char *text, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < infer->n_in && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 infer->in[i] ? lab_dtype_name(infer->in[i]->dtype) : "none");
    if (used < size)
        snprintf(text + used, size - used, " -> %s", lab_dtype_name(infer->out[0]->dtype));
}

static bool signature_fits(const lab_infer *infer, const lab_signature *signature)
{
    for (uint32_t i = 0; i < LAB_SIGNATURE_IN; i++) {
        const lab_tensor *in = lab_infer_optional(infer, i);
        if (in && signature->in[i] && in->dtype != signature->in[i])
            return false;
    }
    return infer->out[0]->dtype == signature->out;
}

static lab_status check_quantised(lab_infer *infer, const lab_tensor *tensor, const char *what,
                                  uint32_t i, bool per_axis)
{
    if (!lab_is_quantised(tensor->dtype))
        return LAB_OK;
    if (tensor->quant.count == 0)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "%s %u is %s without scale and zero point",
                              what, i, lab_dtype_name(tensor->dtype));
    if (tensor->quant.count > 1 && !per_axis)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "%s %u has %u scales where one for the whole tensor is needed", what,
                              i, tensor->quant.count);
    return LAB_OK;
}

lab_status lab_infer_dtypes(lab_infer *infer, const lab_signature *list, size_t count,
                            uint32_t per_axis)
{
    const lab_signature *found = NULL;
    for (size_t s = 0; s < count && !found; s++)
        if (signature_fits(infer, &list[s]))
            found = &list[s];
    if (!found) {
        char text[160];
        dtypes_text(infer, text, sizeof text);
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "the types %s are not a combination this operator has", text);
    }
    for (uint32_t i = 0; i < LAB_SIGNATURE_IN; i++) {
        const lab_tensor *in = lab_infer_optional(infer, i);
        if (in && found->in[i] && check_quantised(infer, in, "input", i, i == per_axis))
            return infer->error->status;
    }
    return check_quantised(infer, infer->out[0], "output", 0, false);
}

lab_status lab_infer_const(lab_infer *infer, uint32_t i, const char *what, uint32_t count,
                           int32_t *values)
{
    const lab_tensor *in = infer->in[i];
    char text[LAB_SHAPE_TEXT];
    if (!in->data)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "%s (input %u) must be a constant of the file", what, i);
    if (in->dtype != LAB_I32)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "%s (input %u) must be i32, is %s", what, i,
                              lab_dtype_name(in->dtype));
    if (lab_shape_count(in->rank, in->shape) != count)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "%s (input %u) must have %u elements, has shape %s", what, i, count,
                              lab_shape_text(text, in->rank, in->shape));
    memcpy(values, in->data, count * sizeof *values);
    return LAB_OK;
}

lab_status lab_infer_same_quant(lab_infer *infer, uint32_t i)
{
    const lab_tensor *in = infer->in[i], *out = infer->out[0];
    if (!lab_is_quantised(in->dtype))
        return LAB_OK;
    if (in->quant.count == 1 && out->quant.count == 1 && in->quant.scale == out->quant.scale &&
        in->quant.zero_point == out->quant.zero_point)
        return LAB_OK;
    return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                          "output must be quantised as its input, which has scale %g and zero "
                          "point %d; it has %g and %d",
                          (double)in->quant.scale, in->quant.zero_point, (double)out->quant.scale,
                          out->quant.zero_point);
}

lab_status lab_infer_ratio(lab_infer *infer, const char *what, float ratio, float low, float high)
{
    if (ratio >= low && ratio < high)
        return LAB_OK;
    return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "%s is %g, outside %g .. %g", what,
                          (double)ratio, (double)low, (double)high);
}

lab_status lab_infer_activation(lab_infer *infer)
{
    const lab_tensor *out = infer->out[0];
    lab_activation activation = infer->attrs->activation;
    if (activation < LAB_ACT_NONE || activation > LAB_ACT_RELU_N1_TO_1)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "fused activation %d is not known",
                              (int)activation);
    if (activation >= LAB_ACT_RELU6 && lab_is_quantised(out->dtype))
        return lab_infer_ratio(infer, "6 / output scale", 6.0f / out->quant.scale, 0.0f, 0x1p30f);
    return LAB_OK;
}

lab_status lab_infer_axis(lab_infer *infer, int64_t axis, uint32_t rank, int32_t *resolved)
{
    int64_t r = rank;
    if (axis < -r || axis >= r)
        return lab_infer_fail(infer, LAB_E_FORMAT, "axis %lld is outside the input's %u dimensions",
                              (long long)axis, rank);
    *resolved = (int32_t)(axis < 0 ? axis + r : axis);
    return LAB_OK;
}
