/* Operators that change a tensor's shape and not its numbers: reshape, transpose, slice, concat. */
#include <string.h>

#include "ops/families.h"
#include "ops/reals.h"

/* One scale for all elements stays with them; a scale for each channel could lose its axis. */
static lab_tensor *new_result(lab_call *call, const lab_tensor *in, const int32_t *shape)
{
    if (reals_check(call, in))
        return NULL;
    lab_tensor *out = lab_result(call, LAB_TENSOR, in->dtype, in->rank, shape);
    if (out)
        out->quant = in->quant;
    return out;
}

/* ---- reshape ---- */

/* The shape asked for, with what -1 stands for; `total` elements. */
static lab_status read_shape(lab_call *call, size_t total, uint32_t *rank, int32_t *shape)
{
    const double *list = lab_arg_floats(call, 0, rank);
    uint64_t product = 1;
    uint32_t open = UINT32_MAX;
    if (*rank > LAB_MAX_RANK)
        return lab_fail(call, LAB_E_INVALID, "shape has %u dimensions (max %d)", *rank,
                        LAB_MAX_RANK);
    for (uint32_t i = 0; i < *rank; i++) {
        shape[i] = (int32_t)list[i];
        bool rest = list[i] == -1 && open == UINT32_MAX;
        if ((double)shape[i] != list[i] || (!rest && list[i] < 1))
            return lab_fail(call, LAB_E_INVALID,
                            "shape[%u] must be a whole number from 1 on (or once -1), got %g",
                            i + 1, list[i]);
        if (rest)
            open = i;
        else
            product *= (uint32_t)shape[i];
        if (product > total)
            break;
    }
    if (open != UINT32_MAX && product <= total) {
        shape[open] = (int32_t)(total / product);
        product *= (uint32_t)shape[open];
    }
    if (product != total)
        return lab_fail(call, LAB_E_INVALID, "the shape does not have the %zu elements there are",
                        total);
    return LAB_OK;
}

static lab_status reshape_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    uint32_t rank;
    int32_t shape[LAB_MAX_RANK] = { 0 };
    if (reals_check(call, in) ||
        read_shape(call, lab_shape_count(in->rank, in->shape), &rank, shape))
        return lab_call_status(call);
    lab_tensor out;
    lab_tensor_ref(&out, in);
    out.rank = rank;
    memcpy(out.shape, shape, sizeof shape);
    return lab_call_give(call, &out);
}

static const lab_param reshape_params[] = {
    { .name = "shape",
      .type = LAB_FLOATS,
      .doc = "the new dimensions; one may be -1: what is left",
      .min = -1,
      .max = 2147483647,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_reshape = {
    .name = "tensor.reshape",
    .summary = "the same elements in another shape",
    .doc = "The last dimension varies fastest. The data are shared until one of the two is written "
           "to.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = reshape_params,
    .run = reshape_run,
};

/* ---- transpose ---- */

static lab_status read_axes(lab_call *call, const lab_tensor *in, uint32_t *axes)
{
    uint32_t count;
    const double *list = lab_arg_floats(call, 0, &count);
    bool used[LAB_MAX_RANK] = { false };
    for (uint32_t i = 0; i < in->rank; i++)
        axes[i] = in->rank - 1 - i;
    if (!lab_given(call, 0))
        return LAB_OK;
    if (count != in->rank)
        return lab_fail(call, LAB_E_INVALID, "axes must name each of the %u dimensions, got %u",
                        in->rank, count);
    for (uint32_t i = 0; i < count; i++) {
        axes[i] = (uint32_t)list[i] - 1;
        if ((double)(axes[i] + 1) != list[i] || axes[i] >= in->rank || used[axes[i]])
            return lab_fail(call, LAB_E_INVALID,
                            "axes must have each of 1..%u once, but axes[%u] is %g", in->rank,
                            i + 1, list[i]);
        used[axes[i]] = true;
    }
    return LAB_OK;
}

/* Bytes from one element to the next along each dimension. */
static void strides_of(const lab_tensor *in, size_t *strides)
{
    size_t stride = lab_dtype_size(in->dtype);
    for (uint32_t d = in->rank; d-- > 0;) {
        strides[d] = stride;
        stride *= (size_t)in->shape[d];
    }
}

/*
 * Copies elements to `dst` in order, reading at `src` with a stride for each dimension. Counts up
 * like an odometer.
 */
static void gather(uint8_t *dst, const uint8_t *src, uint32_t rank, const int32_t *shape,
                   const size_t *strides, size_t element)
{
    int32_t at[LAB_MAX_RANK] = { 0 };
    for (size_t left = lab_shape_count(rank, shape); left > 0; left--) {
        memcpy(dst, src, element);
        dst += element;
        for (uint32_t d = rank; d-- > 0;) {
            src += strides[d];
            if (++at[d] < shape[d])
                break;
            src -= strides[d] * (size_t)shape[d];
            at[d] = 0;
        }
    }
}

static lab_status transpose_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    uint32_t axes[LAB_MAX_RANK] = { 0 };
    int32_t shape[LAB_MAX_RANK] = { 0 };
    size_t of_input[LAB_MAX_RANK] = { 0 }, strides[LAB_MAX_RANK] = { 0 };
    if (read_axes(call, in, axes))
        return lab_call_status(call);
    strides_of(in, of_input);
    for (uint32_t d = 0; d < in->rank; d++) {
        shape[d] = in->shape[axes[d]];
        strides[d] = of_input[axes[d]];
    }
    lab_tensor *out = new_result(call, in, shape);
    if (out)
        gather(out->data, in->data, in->rank, shape, strides, lab_dtype_size(in->dtype));
    return lab_call_status(call);
}

static const lab_param transpose_params[] = {
    { .name = "axes",
      .type = LAB_FLOATS,
      .doc = "the old dimensions in their new order, from 1; without it they are reversed",
      .min = 1,
      .max = LAB_MAX_RANK,
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_transpose = {
    .name = "tensor.transpose",
    .summary = "a tensor with its dimensions in another order",
    .doc = "{1, 4, 2, 3} makes [n, h, w, c] into [n, c, h, w].",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = transpose_params,
    .run = transpose_run,
};

/* ---- slice ---- */

enum { SLICE_AXIS, SLICE_FROM, SLICE_TO };

/* A position from 1, or from the end when negative, as in string.sub; not yet within bounds. */
static int64_t position(int64_t value, int64_t count)
{
    return value < 0 ? count + value + 1 : value;
}

static lab_status slice_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    uint32_t axis = 0;
    if (!reals_axis(call, SLICE_AXIS, in, &axis))
        return lab_call_status(call);
    int64_t count = in->shape[axis], from = position(lab_arg_int(call, SLICE_FROM), count);
    int64_t to = lab_given(call, SLICE_TO) ? position(lab_arg_int(call, SLICE_TO), count) : from;
    if (from < 1 || to < from || to > count)
        return lab_fail(call, LAB_E_INVALID,
                        "there is nothing from %lld to %lld: dimension %u has %lld positions",
                        (long long)from, (long long)to, axis + 1, (long long)count);
    int32_t shape[LAB_MAX_RANK];
    size_t strides[LAB_MAX_RANK] = { 0 };
    memcpy(shape, in->shape, sizeof shape);
    shape[axis] = (int32_t)(to - from + 1);
    strides_of(in, strides);
    lab_tensor *out = new_result(call, in, shape);
    if (!out)
        return lab_call_status(call);
    size_t piece = (size_t)shape[axis] * strides[axis], whole = (size_t)count * strides[axis];
    const uint8_t *src = (const uint8_t *)in->data + (size_t)(from - 1) * strides[axis];
    uint8_t *dst = out->data;
    for (size_t done = 0; done < out->size; done += piece, src += whole)
        memcpy(dst + done, src, piece);
    return LAB_OK;
}

static const lab_param slice_params[] = {
    REALS_AXIS("dimension to cut: 1 the first, -1 the last", 0),
    { .name = "from",
      .type = LAB_INT,
      .doc = "first position kept: 1 the first, -1 the last",
      .min = -2147483647,
      .max = 2147483647 },
    { .name = "to",
      .type = LAB_INT,
      .doc = "last position kept, counted likewise; without it only `from`",
      .min = -2147483647,
      .max = 2147483647,
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_slice = {
    .name = "tensor.slice",
    .summary = "a part of a tensor along one dimension",
    .doc = "A copy: writing to it does not change the original. All dimensions stay, the one that "
           "is cut with fewer positions (reshape drops it).",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = slice_params,
    .run = slice_run,
};

/* ---- concat ---- */

enum { CONCAT_WITH, CONCAT_AXIS };

static bool fits(const lab_tensor *a, const lab_tensor *b, uint32_t axis)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank && a->quant.count == b->quant.count;
    if (same && a->quant.count == 1)
        same = a->quant.scale == b->quant.scale && a->quant.zero_point == b->quant.zero_point;
    for (uint32_t d = 0; same && d < a->rank; d++)
        same = d == axis || a->shape[d] == b->shape[d];
    return same;
}

static lab_status concat_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call), *with = lab_arg_tensor(call, CONCAT_WITH);
    uint32_t axis = 0;
    if (!reals_axis(call, CONCAT_AXIS, in, &axis))
        return lab_call_status(call);
    if (!fits(in, with, axis)) {
        char a[160], b[160];
        lab_tensor_describe(in, a, sizeof a);
        lab_tensor_describe(with, b, sizeof b);
        return lab_fail(call, LAB_E_INVALID,
                        "%s and %s must have the same type and differ in dimension %u alone", a, b,
                        axis + 1);
    }
    int32_t shape[LAB_MAX_RANK];
    memcpy(shape, in->shape, sizeof shape);
    int64_t sum = (int64_t)in->shape[axis] + with->shape[axis];
    if (sum > INT32_MAX)
        return lab_fail(call, LAB_E_LIMIT, "dimension %u would be %lld long", axis + 1,
                        (long long)sum);
    shape[axis] = (int32_t)sum;
    lab_tensor *out = new_result(call, in, shape);
    if (!out)
        return lab_call_status(call);
    size_t strides[LAB_MAX_RANK] = { 0 };
    strides_of(in, strides);
    size_t first = (size_t)in->shape[axis] * strides[axis];
    size_t second = (size_t)with->shape[axis] * strides[axis];
    const uint8_t *a = in->data, *b = with->data;
    uint8_t *dst = out->data;
    for (size_t done = 0; done < out->size; done += first + second, a += first, b += second) {
        memcpy(dst + done, a, first);
        memcpy(dst + done + first, b, second);
    }
    return LAB_OK;
}

static const lab_param concat_params[] = {
    { .name = "with",
      .type = LAB_TENSOR,
      .doc = "the tensor that follows: of the same type, other dimensions alike",
      .flags = LAB_PARAM_MAIN },
    { .name = "axis",
      .type = LAB_INT,
      .doc = "dimension along which they follow one another: 1 the first, -1 the last",
      .def = "-1",
      .min = -LAB_MAX_RANK,
      .max = LAB_MAX_RANK },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_concat = {
    .name = "tensor.concat",
    .summary = "two tensors one after the other",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = concat_params,
    .run = concat_run,
};
