/*
 * unary_f32_avx2.c: relu, relu6, hard_swish and logistic of floats, eight at a time.
 *
 * relu, relu6 and hard_swish take the steps of reference and give its bytes. logistic is, like
 * there, e / (1 + e) or 1 / (1 + e) with e = exp(-|x|), exp being computed here: n = rne(x / ln 2),
 * r = x - n ln 2 in two steps, so that |r| <= 0.35 keeps its digits, e^r = its Taylor series to the
 * seventh power (the next term is below 2^-26 of the sum), times 2^n by way of the exponent's bits.
 * NaN stays NaN.
 */
#include "kernels.h"
#include "vector_f32_avx2.h"

typedef __m256 unary_fn(__m256 x);

static int match(const lab_node *node)
{
    return has_arity(node, 1, 1) && elements(node->in[0]) == elements(node->out[0]) &&
                   has_dtype(node->in[0], LAB_F32) && has_dtype(node->out[0], LAB_F32)
               ? 20
               : 0;
}

static lab_status prepare_unary(lab_prepare *prepare, const lab_node *node)
{
    tiling *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    *s = tile_items(prepare, elements(node->out[0]), 4, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* `fn` is constant where this is inlined. */
static inline __attribute__((always_inline)) void run_with(const lab_task *task, unary_fn *fn)
{
    size_t i = tile_begin(task->state, task), end = tile_end(task->state, task);
    const float *x = task->in[0];
    float *y = task->out[0];
    for (; i + LANES <= end; i += LANES)
        _mm256_storeu_ps(y + i, fn(_mm256_loadu_ps(x + i)));
    if (i < end)
        store_first(y + i, fn(load_first(x + i, end - i)), end - i);
}

static inline __m256 relu(__m256 x)
{
    return _mm256_max_ps(_mm256_setzero_ps(), x); /* the second operand if it is NaN */
}

static inline __m256 relu6(__m256 x)
{
    return _mm256_min_ps(_mm256_set1_ps(6.0f), relu(x));
}

static inline __m256 hard_swish(__m256 x)
{
    __m256 gate = relu6(_mm256_add_ps(x, _mm256_set1_ps(3.0f)));
    return _mm256_div_ps(_mm256_mul_ps(x, gate), _mm256_set1_ps(6.0f));
}

/* Of x in -87 .. 0, where 2^n is a normal number; more negative x count as -87, NaN stays. */
static inline __m256 exp_negative(__m256 x)
{
    static const float series[] = { 0x1.a01a02p-13f,
                                    0x1.6c16c2p-10f,
                                    0x1.111112p-7f,
                                    0x1.555556p-5f,
                                    0x1.555556p-3f,
                                    0.5f,
                                    1.0f,
                                    1.0f }; /* 1/7! … 1/0! */
    x = _mm256_max_ps(_mm256_set1_ps(-87.0f), x);
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(0x1.715476p+0f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    /* The first part of ln 2 has few enough digits that n times it is exact. */
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62ep-1f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.0bfbe8p-15f), r);
    __m256 sum = _mm256_set1_ps(series[0]);
    for (size_t i = 1; i < sizeof series / sizeof *series; i++)
        sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(series[i]));
    __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), power));
}

static inline __m256 logistic(__m256 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 e = exp_negative(_mm256_or_ps(x, sign));
    /* blendv chooses by the sign of x. */
    return _mm256_div_ps(_mm256_blendv_ps(one, e, x), _mm256_add_ps(one, e));
}

static void run_relu(const lab_task *task)
{
    run_with(task, relu);
}

static void run_relu6(const lab_task *task)
{
    run_with(task, relu6);
}

static void run_hard_swish(const lab_task *task)
{
    run_with(task, hard_swish);
}

static void run_logistic(const lab_task *task)
{
    run_with(task, logistic);
}

#define KERNEL(symbol, op_name, run_fn)                                                            \
    const lab_kernel symbol = { .name = "x86." op_name ".f32.avx2",                                \
                                .op = (op_name),                                                   \
                                .isa = "avx2",                                                     \
                                .cpu = LAB_CPU_AVX2,                                               \
                                .match = match,                                                    \
                                .prepare = prepare_unary,                                          \
                                .run = (run_fn) }

KERNEL(x86_relu_f32_avx2, "relu", run_relu);
KERNEL(x86_relu6_f32_avx2, "relu6", run_relu6);
KERNEL(x86_hard_swish_f32_avx2, "hard_swish", run_hard_swish);
KERNEL(x86_logistic_f32_avx2, "logistic", run_logistic);
