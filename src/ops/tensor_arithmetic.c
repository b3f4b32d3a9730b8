/*
 * Arithmetic of tensors, element by element: add, subtract, multiply, divide, minimum, maximum with
 * another tensor or a number; apply and clamp alone. Metamethods of Lua (t + u, 2 * t) end here.
 */
#include <math.h>

#include "image/portable_math.h"
#include "ops/families.h"
#include "ops/reals.h"

enum { ARITH_WITH, ARITH_NUMBER, ARITH_REVERSED };

typedef double real_fn(double a, double b);
typedef int64_t integer_fn(int64_t a, int64_t b);

typedef struct arith_job {
    const lab_tensor *a, *with; /* with may be NULL: `number` */
    size_t with_count;          /* elements of `with`, which is repeated */
    double number;
    bool reversed;
    real_fn *real;
    integer_fn *integer; /* set when the result is i64 */
    lab_tensor *out;
} arith_job;

/* Elements first .. first + count - 1 of `with`, repeated. */
static void read_with(const arith_job *job, size_t first, size_t count, double *out)
{
    for (size_t done = 0; done < count;) {
        size_t at = (first + done) % job->with_count, n = job->with_count - at;
        n = n < count - done ? n : count - done;
        reals_read(job->with, at, n, out + done);
        done += n;
    }
}

static void real_block(const arith_job *job, size_t first, size_t count)
{
    double a[REALS_BLOCK], b[REALS_BLOCK];
    reals_read(job->a, first, count, a);
    if (job->with)
        read_with(job, first, count, b);
    for (size_t i = 0; i < count; i++) {
        double other = job->with ? b[i] : job->number;
        a[i] = job->reversed ? job->real(other, a[i]) : job->real(a[i], other);
    }
    reals_write(job->out, first, count, a);
}

static void integer_block(const arith_job *job, size_t first, size_t count)
{
    int64_t *out = (int64_t *)job->out->data + first;
    for (size_t i = 0; i < count; i++) {
        int64_t a = reals_integer(job->a, first + i);
        int64_t b = job->with ? reals_integer(job->with, (first + i) % job->with_count)
                              : (int64_t)job->number;
        out[i] = job->reversed ? job->integer(b, a) : job->integer(a, b);
    }
}

static void arith_blocks(void *user, uint32_t begin, uint32_t end)
{
    const arith_job *job = user;
    size_t total = lab_shape_count(job->a->rank, job->a->shape);
    for (size_t block = begin; block < end; block++) {
        size_t first = block * REALS_BLOCK;
        size_t count = total - first < REALS_BLOCK ? total - first : REALS_BLOCK;
        if (job->integer)
            integer_block(job, first, count);
        else
            real_block(job, first, count);
    }
}

/* ---- the result's type ---- */

static bool whole_numbers(const lab_tensor *t)
{
    return reals_is_integer(t->dtype) && t->quant.count == 0;
}

/* i64 and i32 for whole numbers among themselves, else f32. */
static lab_dtype result_dtype(const arith_job *job, bool divides)
{
    bool whole = whole_numbers(job->a) && !divides;
    if (job->with)
        whole = whole && whole_numbers(job->with);
    else
        whole = whole && job->number == floor(job->number) && fabs(job->number) < 0x1p53;
    if (!whole)
        return LAB_F32;
    bool wide = job->a->dtype == LAB_I64 || (job->with && job->with->dtype == LAB_I64) ||
                (!job->with && fabs(job->number) > INT32_MAX);
    return wide ? LAB_I64 : LAB_I32;
}

/* Whether `with` repeats over the first dimensions of `a`: its own are the last of a's. */
static bool repeats(const lab_tensor *a, const lab_tensor *with)
{
    uint32_t skip = 0;
    while (skip < with->rank && with->shape[skip] == 1)
        skip++;
    uint32_t rank = with->rank - skip;
    if (rank > a->rank)
        return false;
    for (uint32_t i = 0; i < rank; i++)
        if (with->shape[skip + i] != a->shape[a->rank - rank + i])
            return false;
    return true;
}

static lab_status read_arguments(lab_call *call, arith_job *job)
{
    bool given = lab_given(call, ARITH_NUMBER);
    job->a = lab_input(call);
    job->with = lab_arg_tensor(call, ARITH_WITH);
    job->number = given ? lab_arg_float(call, ARITH_NUMBER) : 0;
    job->reversed = lab_arg_int(call, ARITH_REVERSED);
    if (!job->with == !given)
        return lab_fail(call, LAB_E_INVALID, "give either a tensor (with) or a number");
    if (reals_check(call, job->a) || (job->with && reals_check(call, job->with)))
        return lab_call_status(call);
    if (job->with && !repeats(job->a, job->with)) {
        char a[160], b[160];
        lab_tensor_describe(job->a, a, sizeof a);
        lab_tensor_describe(job->with, b, sizeof b);
        return lab_fail(call, LAB_E_INVALID,
                        "the shapes do not go together: %s with %s (the second must have the shape "
                        "of the first, or of its last dimensions)",
                        a, b);
    }
    job->with_count = job->with ? lab_shape_count(job->with->rank, job->with->shape) : 0;
    return LAB_OK;
}

static lab_status arithmetic(lab_call *call, real_fn *real, integer_fn *integer)
{
    arith_job job = { .real = real };
    if (read_arguments(call, &job))
        return lab_call_status(call);
    lab_dtype dtype = result_dtype(&job, !integer);
    job.integer = dtype == LAB_I64 ? integer : NULL;
    job.out = lab_result(call, LAB_TENSOR, dtype, job.a->rank, job.a->shape);
    if (!job.out)
        return lab_call_status(call);
    size_t total = lab_shape_count(job.a->rank, job.a->shape);
    return lab_parallel_for(call, (uint32_t)((total + REALS_BLOCK - 1) / REALS_BLOCK), 64,
                            arith_blocks, &job);
}

/* ---- the operators ---- */

static double add_real(double a, double b)
{
    return a + b;
}
static double subtract_real(double a, double b)
{
    return a - b;
}
static double multiply_real(double a, double b)
{
    return a * b;
}
static double divide_real(double a, double b)
{
    return a / b;
}
static double minimum_real(double a, double b)
{
    return b < a ? b : a;
}
static double maximum_real(double a, double b)
{
    return b > a ? b : a;
}

/* Whole numbers stop at the ends of int64_t instead of going round. */
static int64_t add_integer(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}
static int64_t subtract_integer(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return difference;
}
static int64_t multiply_integer(int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
    return product;
}
static int64_t minimum_integer(int64_t a, int64_t b)
{
    return b < a ? b : a;
}
static int64_t maximum_integer(int64_t a, int64_t b)
{
    return b > a ? b : a;
}

static const lab_param arith_params[] = {
    { .name = "with",
      .type = LAB_TENSOR,
      .doc =
          "the other tensor: of the same shape, or of that of the last dimensions, over which it "
          "is repeated",
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    { .name = "number",
      .type = LAB_FLOAT,
      .doc = "a number in its place",
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "reversed", .type = LAB_BOOL, .doc = "the other one comes first", .def = "false" },
    LAB_PARAM_END,
};

#define ARITH_DOC                                                                                  \
    "Whole numbers give whole numbers: i32, or i64 where one is i64; results that do not fit "     \
    "stop "                                                                                        \
    "at the largest or smallest that does. All else gives f32, computed in double precision and "  \
    "rounded once; quantised tensors count as the real numbers they stand for. Numbers whose "     \
    "fraction is 0 are whole."

#define ARITH_OP(op, text, extra, integer)                                                         \
    static lab_status op##_run(lab_call *call)                                                     \
    {                                                                                              \
        return arithmetic(call, op##_real, integer);                                               \
    }                                                                                              \
    const lab_op lab_op_tensor_##op = {                                                            \
        .name = "tensor." #op,                                                                     \
        .summary = (text),                                                                         \
        .doc = (extra),                                                                            \
        .in = LAB_TENSOR,                                                                          \
        .out = LAB_TENSOR,                                                                         \
        .params = arith_params,                                                                    \
        .run = op##_run,                                                                           \
    }

ARITH_OP(add, "the sum with a tensor or a number: t + u", ARITH_DOC, add_integer);
ARITH_OP(subtract, "the difference to a tensor or a number: t - u", ARITH_DOC, subtract_integer);
ARITH_OP(multiply, "the product with a tensor or a number: t * u", ARITH_DOC, multiply_integer);
ARITH_OP(divide, "the quotient by a tensor or a number: t / u",
         "Always f32, computed in double precision and rounded once; quantised tensors count as "
         "the real numbers they stand for. Division by 0 gives infinity or NaN.",
         NULL);
ARITH_OP(minimum, "the smaller of each element and a tensor's or a number", ARITH_DOC,
         minimum_integer);
ARITH_OP(maximum, "the larger of each element and a tensor's or a number", ARITH_DOC,
         maximum_integer);
