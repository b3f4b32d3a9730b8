/* Reductions of tensors, over one dimension or all elements: sum, mean, min, max, position_of_max.
 */
#include <math.h>

#include "ops/families.h"
#include "ops/reals.h"

enum { REDUCE_AXIS, REDUCE_KEEP };
typedef enum reduction { SUM, MEAN, MIN, MAX, POSITION } reduction;

typedef struct reduce_job {
    const lab_tensor *in;
    lab_tensor *out;
    size_t count, inner; /* elements that are reduced together, and from one to the next */
    reduction kind;
} reduce_job;

/* Sums are made in double precision, in order: the same with any number of threads. */
static double reduce_real(const reduce_job *job, size_t first)
{
    double sum = 0, best = 0, value;
    size_t at = 0;
    for (size_t k = 0; k < job->count; k++) {
        reals_read(job->in, first + k * job->inner, 1, &value);
        sum += value;
        bool better = job->kind == MIN ? value < best : value > best;
        if (k == 0 || better || (isnan(best) && !isnan(value))) {
            best = value;
            at = k;
        }
    }
    switch (job->kind) {
    case SUM:
        return sum;
    case MEAN:
        return sum / (double)job->count;
    case POSITION:
        return (double)at + 1;
    default:
        return best;
    }
}

/* Whole numbers, exactly: a sum that does not fit stops at the end of int64_t. */
static int64_t reduce_integer(const reduce_job *job, size_t first)
{
    int64_t sum = 0, best = 0, at = 0;
    for (size_t k = 0; k < job->count; k++) {
        int64_t value = reals_integer(job->in, first + k * job->inner);
        if (__builtin_add_overflow(sum, value, &sum))
            sum = value < 0 ? INT64_MIN : INT64_MAX;
        if (k == 0 || (job->kind == MIN ? value < best : value > best)) {
            best = value;
            at = (int64_t)k + 1;
        }
    }
    return job->kind == SUM ? sum : job->kind == POSITION ? at : best;
}

/* Each index is an element of the result. */
static void reduce_places(void *user, uint32_t begin, uint32_t end)
{
    const reduce_job *job = user;
    bool whole = reals_is_integer(job->in->dtype) && job->in->quant.count == 0;
    for (size_t place = begin; place < end; place++) {
        size_t first = place / job->inner * job->inner * job->count + place % job->inner;
        if (whole && job->out->dtype == LAB_I64) {
            ((int64_t *)job->out->data)[place] = reduce_integer(job, first);
            continue;
        }
        double value = reduce_real(job, first);
        reals_write(job->out, place, 1, &value);
    }
}

/* The result's shape: without the dimension, or with 1 in its place. */
static bool read_axis(lab_call *call, reduce_job *job, uint32_t *rank, int32_t *shape)
{
    const lab_tensor *in = job->in;
    bool keep = lab_arg_int(call, REDUCE_KEEP);
    uint32_t axis = 0;
    *rank = 0;
    job->inner = 1;
    if (!lab_given(call, REDUCE_AXIS)) {
        job->count = lab_shape_count(in->rank, in->shape);
        for (uint32_t d = 0; keep && d < in->rank; d++)
            shape[(*rank)++] = 1;
        return true;
    }
    if (!reals_axis(call, REDUCE_AXIS, in, &axis))
        return false;
    job->count = (size_t)in->shape[axis];
    for (uint32_t d = axis + 1; d < in->rank; d++)
        job->inner *= (size_t)in->shape[d];
    for (uint32_t d = 0; d < in->rank; d++) {
        if (d != axis)
            shape[(*rank)++] = in->shape[d];
        else if (keep)
            shape[(*rank)++] = 1;
    }
    return true;
}

static lab_status reduce(lab_call *call, reduction kind)
{
    reduce_job job = { .in = lab_input(call), .kind = kind };
    uint32_t rank;
    int32_t shape[LAB_MAX_RANK] = { 0 };
    if (reals_check(call, job.in) || !read_axis(call, &job, &rank, shape))
        return lab_call_status(call);
    bool whole = reals_is_integer(job.in->dtype) && job.in->quant.count == 0;
    bool counts = kind == POSITION || (whole && kind != MEAN);
    job.out = lab_result(call, LAB_TENSOR, counts ? LAB_I64 : LAB_F32, rank, shape);
    if (!job.out)
        return lab_call_status(call);
    return lab_parallel_for(call, (uint32_t)lab_shape_count(rank, shape), 64, reduce_places, &job);
}

static const lab_param reduce_params[] = {
    { .name = "axis",
      .type = LAB_INT,
      .doc = "dimension that is taken together: 1 the first, -1 the last; without it all elements",
      .min = -LAB_MAX_RANK,
      .max = LAB_MAX_RANK,
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    { .name = "keep",
      .type = LAB_BOOL,
      .doc = "the dimension stays, with length 1",
      .def = "false" },
    LAB_PARAM_END,
};

#define REDUCE_DOC                                                                                 \
    "Of whole numbers i64, else f32 (made in double precision, in order); quantised tensors "      \
    "count "                                                                                       \
    "as the real numbers they stand for. Over all elements: a tensor of one, t[1] is it."

#define REDUCE_OP(op, kind, text, extra)                                                           \
    static lab_status op##_run(lab_call *call)                                                     \
    {                                                                                              \
        return reduce(call, kind);                                                                 \
    }                                                                                              \
    const lab_op lab_op_tensor_##op = {                                                            \
        .name = "tensor." #op,                                                                     \
        .summary = (text),                                                                         \
        .doc = (extra),                                                                            \
        .in = LAB_TENSOR,                                                                          \
        .out = LAB_TENSOR,                                                                         \
        .params = reduce_params,                                                                   \
        .run = op##_run,                                                                           \
    }

REDUCE_OP(sum, SUM, "the sum along a dimension or of all elements", REDUCE_DOC);
REDUCE_OP(mean, MEAN, "the mean along a dimension or of all elements",
          "f32, made in double precision, in order; quantised tensors count as the real numbers "
          "they stand for. Over all elements: a tensor of one, t[1] is it.");
REDUCE_OP(min, MIN, "the smallest along a dimension or of all elements", REDUCE_DOC);
REDUCE_OP(max, MAX, "the largest along a dimension or of all elements", REDUCE_DOC);
REDUCE_OP(position_of_max, POSITION, "where the largest is along a dimension or of all elements",
          "i64, from 1; the first of several. (tensor.argmax makes a label map of a network's "
          "output: class ids start at 0.)");
