/* Nodes that move elements without changing them. */
#include <string.h>

#include "model/nodes.h"

static const lab_signature move_dtypes[] = {
    { { LAB_U8 }, LAB_U8 },   { { LAB_I8 }, LAB_I8 },   { { LAB_F32 }, LAB_F32 },
    { { LAB_I32 }, LAB_I32 }, { { LAB_I64 }, LAB_I64 },
};
#define MOVE_DTYPES (sizeof move_dtypes / sizeof *move_dtypes)

/* Every input must be like the first but along the axis, where extents add up. */
static lab_status concat_input(lab_infer *infer, uint32_t i, int32_t *out)
{
    const lab_tensor *first = infer->in[0], *in = infer->in[i], *y = infer->out[0];
    uint32_t axis = (uint32_t)infer->attrs->axis;
    char a[LAB_SHAPE_TEXT], b[LAB_SHAPE_TEXT];
    if (!in)
        return lab_infer_fail(infer, LAB_E_FORMAT, "input %u is absent", i);
    if (in->dtype != first->dtype)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "input %u is %s, input 0 is %s", i,
                              lab_dtype_name(in->dtype), lab_dtype_name(first->dtype));
    bool fits = in->rank == first->rank;
    for (uint32_t d = 0; fits && d < first->rank; d++)
        fits = d == axis || in->shape[d] == first->shape[d];
    if (!fits)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "input %u has shape %s, which does not continue %s along axis %u", i,
                              lab_shape_text(a, in->rank, in->shape),
                              lab_shape_text(b, first->rank, first->shape), axis);
    if (i > 0 && __builtin_add_overflow(out[axis], in->shape[axis], &out[axis]))
        return lab_infer_fail(infer, LAB_E_LIMIT, "the extents along axis %u add up to too much",
                              axis);
    if (!lab_is_quantised(in->dtype))
        return LAB_OK;
    if (in->quant.count != 1)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "input %u has %u scales where one for the whole tensor is needed", i,
                              in->quant.count);
    if (in->dtype == LAB_I8 &&
        (in->quant.scale != y->quant.scale || in->quant.zero_point != y->quant.zero_point))
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED,
                              "i8 input %u has another scale or zero point than the output", i);
    return lab_infer_ratio(infer, "input scale / output scale", in->quant.scale / y->quant.scale,
                           0.0f, 0x1p20f);
}

static lab_status concat_infer(lab_infer *infer)
{
    const lab_tensor *first = infer->in[0];
    if (lab_infer_dtypes(infer, move_dtypes, MOVE_DTYPES, LAB_PER_TENSOR) ||
        lab_infer_axis(infer, infer->attrs->axis, first->rank, &infer->attrs->axis))
        return infer->error->status;
    if (infer->attrs->activation != LAB_ACT_NONE)
        return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "fused activation is not supported here");
    int32_t out[LAB_MAX_RANK];
    memcpy(out, first->shape, sizeof out);
    for (uint32_t i = 0; i < infer->n_in; i++)
        if (concat_input(infer, i, out))
            return infer->error->status;
    return lab_infer_shape(infer, 0, first->rank, out);
}

static lab_status check_move(lab_infer *infer)
{
    if (lab_infer_dtypes(infer, move_dtypes, MOVE_DTYPES, LAB_PER_TENSOR))
        return infer->error->status;
    return lab_infer_same_quant(infer, 0);
}

static lab_status tile_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    int32_t times[LAB_MAX_RANK], out[LAB_MAX_RANK];
    if (check_move(infer) || lab_infer_const(infer, 1, "multiples", in->rank, times))
        return infer->error->status;
    for (uint32_t i = 0; i < in->rank; i++)
        if (times[i] < 1 || __builtin_mul_overflow(in->shape[i], times[i], &out[i]))
            return lab_infer_fail(infer, LAB_E_FORMAT,
                                  "dimension %u of %d cannot be repeated %d times", i, in->shape[i],
                                  times[i]);
    return lab_infer_shape(infer, 0, in->rank, out);
}

static lab_status reshape_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0], *to = lab_infer_optional(infer, 1), *y = infer->out[0];
    char a[LAB_SHAPE_TEXT], b[LAB_SHAPE_TEXT];
    int32_t out[LAB_MAX_RANK];
    uint32_t rank = y->rank;
    if (check_move(infer))
        return infer->error->status;
    if (to) {
        size_t count = lab_shape_count(to->rank, to->shape);
        if (count > LAB_MAX_RANK)
            return lab_infer_fail(infer, LAB_E_UNSUPPORTED, "%zu dimensions are more than %d",
                                  count, LAB_MAX_RANK);
        rank = (uint32_t)count;
        if (lab_infer_const(infer, 1, "new shape", rank, out))
            return infer->error->status;
    } else if (rank == UINT32_MAX) {
        return lab_infer_fail(infer, LAB_E_FORMAT, "the file does not say which shape to take");
    } else {
        memcpy(out, y->shape, sizeof out);
    }
    /* One dimension may be left open with -1: it takes what the others leave. */
    size_t total = lab_shape_count(in->rank, in->shape), known = 1;
    uint32_t open = UINT32_MAX;
    bool fits = true;
    for (uint32_t i = 0; i < rank && fits; i++) {
        if (out[i] == -1 && open == UINT32_MAX)
            open = i;
        else
            fits = out[i] >= 1 && (known *= (size_t)out[i]) <= total;
    }
    fits = fits && (open == UINT32_MAX ? known == total : total % known == 0);
    if (!fits)
        return lab_infer_fail(infer, LAB_E_FORMAT, "%s cannot be read as %s",
                              lab_shape_text(a, in->rank, in->shape), lab_shape_text(b, rank, out));
    if (open != UINT32_MAX)
        out[open] = (int32_t)(total / known);
    return lab_infer_shape(infer, 0, rank, out);
}

static lab_status pad_infer(lab_infer *infer)
{
    const lab_tensor *in = infer->in[0];
    int32_t pads[2 * LAB_MAX_RANK], out[LAB_MAX_RANK];
    if (check_move(infer) || lab_infer_const(infer, 1, "paddings", 2 * in->rank, pads))
        return infer->error->status;
    for (uint32_t i = 0; i < in->rank; i++) {
        const int32_t *pair = pads + (size_t)2 * i;
        int32_t before = pair[0], after = pair[1];
        if (before < 0 || after < 0 || __builtin_add_overflow(in->shape[i], before, &out[i]) ||
            __builtin_add_overflow(out[i], after, &out[i]))
            return lab_infer_fail(infer, LAB_E_FORMAT,
                                  "dimension %u of %d cannot be padded by %d and %d", i,
                                  in->shape[i], before, after);
    }
    return lab_infer_shape(infer, 0, in->rank, out);
}

/* Block sizes become strides and the paddings or crops (input 2) become pad_top … pad_right. */
static lab_status read_blocks(lab_infer *infer, const char *what)
{
    lab_attrs *a = infer->attrs;
    int32_t block[2], pads[4];
    if (check_move(infer) || lab_infer_rank(infer, 0, 4, "input") ||
        lab_infer_const(infer, 1, "block shape", 2, block) ||
        lab_infer_const(infer, 2, what, 4, pads))
        return infer->error->status;
    /* With blocks this small no product below overflows. */
    if (block[0] < 1 || block[1] < 1 || block[0] > 32768 || block[1] > 32768)
        return lab_infer_fail(infer, LAB_E_FORMAT, "block shape [%d,%d] must be within 1 .. 32768",
                              block[0], block[1]);
    for (int i = 0; i < 4; i++)
        if (pads[i] < 0)
            return lab_infer_fail(infer, LAB_E_FORMAT, "%s must be 0 or more, got %d", what,
                                  pads[i]);
    a->stride_h = block[0];
    a->stride_w = block[1];
    a->pad_top = pads[0];
    a->pad_bottom = pads[1];
    a->pad_left = pads[2];
    a->pad_right = pads[3];
    return LAB_OK;
}

static lab_status space_to_batch_nd_infer(lab_infer *infer)
{
    if (read_blocks(infer, "paddings"))
        return infer->error->status;
    const int32_t *in = infer->in[0]->shape;
    const lab_attrs *a = infer->attrs;
    int64_t h = (int64_t)in[1] + a->pad_top + a->pad_bottom;
    int64_t w = (int64_t)in[2] + a->pad_left + a->pad_right;
    int64_t n = (int64_t)in[0] * a->stride_h * a->stride_w;
    if (h % a->stride_h || w % a->stride_w)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "padded size %lldx%lld (height x width) is no multiple of the "
                              "blocks of %dx%d",
                              (long long)h, (long long)w, a->stride_h, a->stride_w);
    if (n > INT32_MAX || h / a->stride_h > INT32_MAX || w / a->stride_w > INT32_MAX)
        return lab_infer_fail(infer, LAB_E_LIMIT, "a batch of %lld blocks is too large",
                              (long long)n);
    return lab_infer_shape(
        infer, 0, 4,
        (int32_t[]){ (int32_t)n, (int32_t)(h / a->stride_h), (int32_t)(w / a->stride_w), in[3] });
}

static lab_status batch_to_space_nd_infer(lab_infer *infer)
{
    if (read_blocks(infer, "crops"))
        return infer->error->status;
    const int32_t *in = infer->in[0]->shape;
    const lab_attrs *a = infer->attrs;
    int64_t blocks = (int64_t)a->stride_h * a->stride_w;
    int64_t h = (int64_t)in[1] * a->stride_h - a->pad_top - a->pad_bottom;
    int64_t w = (int64_t)in[2] * a->stride_w - a->pad_left - a->pad_right;
    if (in[0] % blocks || h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
        return lab_infer_fail(infer, LAB_E_FORMAT,
                              "batch %d cannot be joined in blocks of %dx%d to %lldx%lld (height x "
                              "width)",
                              in[0], a->stride_h, a->stride_w, (long long)h, (long long)w);
    return lab_infer_shape(infer, 0, 4,
                           (int32_t[]){ (int32_t)(in[0] / blocks), (int32_t)h, (int32_t)w, in[3] });
}

const lab_node_type lab_node_concat = {
    .name = "concat",
    .summary = "tensors one after the other along an axis",
    .min_in = 1,
    .max_in = LAB_NODE_MAX_IN,
    .n_out = 1,
    .infer = concat_infer,
};

const lab_node_type lab_node_tile = {
    .name = "tile",
    .summary = "the input repeated along each dimension",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = tile_infer,
};

const lab_node_type lab_node_reshape = {
    .name = "reshape",
    .summary = "the same elements with another shape",
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .infer = reshape_infer,
};

const lab_node_type lab_node_pad = {
    .name = "pad",
    .summary = "zeros (the zero point) around the input",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = pad_infer,
};

const lab_node_type lab_node_space_to_batch_nd = {
    .name = "space_to_batch_nd",
    .summary = "pixels of a block grid moved into the batch",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = space_to_batch_nd_infer,
};

const lab_node_type lab_node_batch_to_space_nd = {
    .name = "batch_to_space_nd",
    .summary = "the inverse of space_to_batch_nd",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = batch_to_space_nd_infer,
};
