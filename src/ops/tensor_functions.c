/* Functions of single elements or along one axis: apply, clamp, softmax, cast, dequantize. */
#include <math.h>
#include <string.h>

#include "image/portable_math.h"
#include "ops/families.h"
#include "ops/reals.h"

typedef struct map_job map_job;
typedef void block_fn(const map_job *job, double *values, size_t count);

struct map_job {
    const lab_tensor *in;
    lab_tensor *out;
    block_fn *block; /* NULL: as they are */
    int64_t function;
    double min, max;
};

static void map_blocks(void *user, uint32_t begin, uint32_t end)
{
    const map_job *job = user;
    size_t total = lab_shape_count(job->in->rank, job->in->shape);
    double values[REALS_BLOCK];
    for (size_t block = begin; block < end; block++) {
        size_t first = block * REALS_BLOCK;
        size_t count = total - first < REALS_BLOCK ? total - first : REALS_BLOCK;
        reals_read(job->in, first, count, values);
        if (job->block)
            job->block(job, values, count);
        reals_write(job->out, first, count, values);
    }
}

static lab_status map_elements(lab_call *call, map_job *job, lab_dtype dtype)
{
    job->in = lab_input(call);
    if (reals_check(call, job->in))
        return lab_call_status(call);
    job->out = lab_result(call, LAB_TENSOR, dtype, job->in->rank, job->in->shape);
    if (!job->out)
        return lab_call_status(call);
    size_t total = lab_shape_count(job->in->rank, job->in->shape);
    return lab_parallel_for(call, (uint32_t)((total + REALS_BLOCK - 1) / REALS_BLOCK), 64,
                            map_blocks, job);
}

/* ---- apply ---- */

/* In the order of the choices. */
enum { ABS, NEGATE, SQUARE, SQRT, EXP, LOG, LOGISTIC, RELU, ROUND, FLOOR, CEIL, SIGN };
#define FUNCTIONS "abs|negate|square|sqrt|exp|log|logistic|relu|round|floor|ceil|sign"

static double exponential(double x)
{
    return x <= 0 ? lab_exp_negative(x) : 1.0 / lab_exp_negative(-x);
}

static double apply(int64_t function, double x)
{
    switch (function) {
    case ABS:
        return fabs(x);
    case NEGATE:
        return -x;
    case SQUARE:
        return x * x;
    case SQRT:
        return sqrt(x);
    case EXP:
        return isnan(x) ? x : exponential(x);
    case LOG:
        return log(x);
    case LOGISTIC:
        return isnan(x) ? x : 1.0 / (1.0 + exponential(-x));
    case RELU:
        return x > 0 ? x : 0;
    case ROUND:
        return floor(x + 0.5);
    case FLOOR:
        return floor(x);
    case CEIL:
        return ceil(x);
    default:
        return x > 0 ? 1 : x < 0 ? -1 : x;
    }
}

static void apply_block(const map_job *job, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = apply(job->function, values[i]);
}

static lab_status apply_run(lab_call *call)
{
    map_job job = { .block = apply_block, .function = lab_arg_int(call, 0) };
    return map_elements(call, &job, LAB_F32);
}

static const lab_param apply_params[] = {
    { .name = "function",
      .type = LAB_ENUM,
      .doc = "logistic is 1 / (1 + e^-x), round is half up, sign is -1, 0 or 1",
      .choices = FUNCTIONS,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_apply = {
    .name = "tensor.apply",
    .summary = "a function of each element",
    .doc = "f32, computed in double precision and rounded once; quantised tensors count as the "
           "real numbers they stand for. log is the C library's, the others are the same on every "
           "machine.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = apply_params,
    .run = apply_run,
};

/* ---- clamp ---- */

enum { CLAMP_MIN, CLAMP_MAX };

static void clamp_block(const map_job *job, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double v = values[i] < job->min ? job->min : values[i];
        values[i] = v > job->max ? job->max : v;
    }
}

static lab_status clamp_run(lab_call *call)
{
    map_job job = { .block = clamp_block, .min = -INFINITY, .max = INFINITY };
    if (lab_given(call, CLAMP_MIN))
        job.min = lab_arg_float(call, CLAMP_MIN);
    if (lab_given(call, CLAMP_MAX))
        job.max = lab_arg_float(call, CLAMP_MAX);
    if (job.min > job.max)
        return lab_fail(call, LAB_E_INVALID, "min is above max: %g and %g", job.min, job.max);
    return map_elements(call, &job, LAB_F32);
}

static const lab_param clamp_params[] = {
    { .name = "min",
      .type = LAB_FLOAT,
      .doc = "smaller elements become this; without it none do",
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "max",
      .type = LAB_FLOAT,
      .doc = "larger elements become this; without it none do",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_clamp = {
    .name = "tensor.clamp",
    .summary = "elements kept within bounds",
    .doc = "f32; quantised tensors count as the real numbers they stand for. NaN stays.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = clamp_params,
    .run = clamp_run,
};

/* ---- cast, dequantize ---- */

/* In the order of the choices and of lab_dtype, which begins with LAB_U8. */
#define DTYPES "u8|i8|u16|i16|i32|i64|f16|f32"

/* Whole numbers of 64 bits do not go through doubles. */
static void copy_integers(const lab_tensor *in, lab_tensor *out)
{
    size_t total = lab_shape_count(in->rank, in->shape);
    for (size_t i = 0; i < total; i++)
        ((int64_t *)out->data)[i] = reals_integer(in, i);
}

static lab_status cast_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    lab_dtype dtype = (lab_dtype)(LAB_U8 + lab_arg_int(call, 0));
    if (dtype != LAB_I64 || !reals_is_integer(in->dtype) || in->quant.count > 0) {
        map_job job = { .block = NULL };
        return map_elements(call, &job, dtype);
    }
    lab_tensor *out = lab_result(call, LAB_TENSOR, dtype, in->rank, in->shape);
    if (out)
        copy_integers(in, out);
    return lab_call_status(call);
}

static const lab_param cast_params[] = {
    { .name = "dtype",
      .type = LAB_ENUM,
      .doc = "number type of the result",
      .choices = DTYPES,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_cast = {
    .name = "tensor.cast",
    .summary = "the same numbers as another type",
    .doc =
        "Floats are rounded to the nearest, integers half to even; what does not fit becomes the "
        "nearest that does, NaN 0. Quantised tensors count as the real numbers they stand for; "
        "the result is not quantised.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = cast_params,
    .run = cast_run,
};

/* Element i has scale number (i / inner) % count. */
static void dequantize_axis(const lab_tensor *in, float *out)
{
    const lab_quant *q = &in->quant;
    size_t inner = 1, total = lab_shape_count(in->rank, in->shape);
    for (uint32_t d = (uint32_t)q->axis + 1; d < in->rank; d++)
        inner *= (size_t)in->shape[d];
    for (size_t i = 0; i < total; i++) {
        uint32_t channel = (uint32_t)(i / inner % q->count);
        double value = (double)reals_integer(in, i) - lab_quant_zero(q, channel);
        out[i] = (float)((double)lab_quant_scale(q, channel) * value);
    }
}

static lab_status dequantize_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    if (in->quant.count <= 1) {
        map_job job = { .block = NULL };
        return map_elements(call, &job, LAB_F32);
    }
    lab_tensor *out = lab_result(call, LAB_TENSOR, LAB_F32, in->rank, in->shape);
    if (out)
        dequantize_axis(in, out->data);
    return lab_call_status(call);
}

const lab_op lab_op_tensor_dequantize = {
    .name = "tensor.dequantize",
    .summary = "the real numbers that a quantised tensor stands for",
    .doc = "scale (q - zero_point) in double precision, rounded to f32. A tensor that is not "
           "quantised is cast.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .run = dequantize_run,
};

/* ---- softmax ---- */

typedef struct softmax_job {
    const lab_tensor *in;
    float *out;
    size_t inner; /* elements after the axis */
    uint32_t count;
} softmax_job;

/* Each index is one place of the other axes. */
static void softmax_places(void *user, uint32_t begin, uint32_t end)
{
    const softmax_job *job = user;
    for (size_t place = begin; place < end; place++) {
        size_t first = place / job->inner * job->inner * job->count + place % job->inner;
        double most = -INFINITY, sum = 0, value;
        for (uint32_t k = 0; k < job->count; k++) {
            reals_read(job->in, first + k * job->inner, 1, &value);
            most = value > most ? value : most;
        }
        for (uint32_t k = 0; k < job->count; k++) {
            reals_read(job->in, first + k * job->inner, 1, &value);
            /* Equal infinities have no difference. */
            if (!isnan(value))
                value = value == most ? 1.0 : lab_exp_negative(value - most);
            job->out[first + k * job->inner] = (float)value;
            sum += value;
        }
        for (uint32_t k = 0; k < job->count; k++)
            job->out[first + k * job->inner] =
                (float)((double)job->out[first + k * job->inner] / sum);
    }
}

static lab_status softmax_run(lab_call *call)
{
    softmax_job job = { .in = lab_input(call), .inner = 1 };
    uint32_t axis = 0;
    if (reals_check(call, job.in) || !reals_axis(call, 0, job.in, &axis))
        return lab_call_status(call);
    lab_tensor *out = lab_result(call, LAB_TENSOR, LAB_F32, job.in->rank, job.in->shape);
    if (!out)
        return lab_call_status(call);
    job.out = out->data;
    job.count = (uint32_t)job.in->shape[axis];
    for (uint32_t d = axis + 1; d < job.in->rank; d++)
        job.inner *= (size_t)job.in->shape[d];
    size_t places = lab_shape_count(job.in->rank, job.in->shape) / job.count;
    return lab_parallel_for(call, (uint32_t)places, 256, softmax_places, &job);
}

static const lab_param softmax_params[] = {
    { .name = "axis",
      .type = LAB_INT,
      .doc = "dimension over which the results sum to 1: 1 the first, -1 the last",
      .def = "-1",
      .min = -LAB_MAX_RANK,
      .max = LAB_MAX_RANK,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_softmax = {
    .name = "tensor.softmax",
    .summary = "logits as probabilities along one axis",
    .doc = "e^(x - max) / sum of these, in double precision, as f32: the same on every machine. "
           "Quantised tensors count as the real numbers they stand for.",
    .in = LAB_TENSOR,
    .out = LAB_TENSOR,
    .params = softmax_params,
    .run = softmax_run,
};
