/*
 * Nodes that work value by value, against their formulas in 64-bit integers or doubles: every pair
 * of bytes for add and mul, every byte for the rest, over scales and zero points; and broadcasting.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "oracle.h"

static int32_t random_zero(harness *h, lab_dtype dtype)
{
    return dtype == LAB_I8 ? ONE_OF(h, -128, -7, -1, 0, 127) : ONE_OF(h, 0, 119, 127, 128, 255);
}

static lab_dtype random_byte_type(harness *h)
{
    return random_in(h, 0, 1) ? LAB_U8 : LAB_I8;
}

static int32_t clamped(int64_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : (int32_t)v;
}

/* ---- add and mul ---- */

/* KERNELS' add in 64 bits; m has at most 22 bits, so nothing can overflow. */
static int32_t oracle_add(const trial *t, int32_t a, int32_t b)
{
    const lab_quant *qa = &t->in[0]->quant, *qb = &t->in[1]->quant, *qy = &t->out[0]->quant;
    float r[2] = { (float)((double)qa->scale / (double)qy->scale),
                   (float)((double)qb->scale / (double)qy->scale) };
    int e;
    frexp((double)(r[0] > r[1] ? r[0] : r[1]), &e); /* in [0.5, 1) * 2^e: floor(log2) = e - 1 */
    int shift = 20 - (e - 1);
    int64_t m0 = round_half_even(ldexp((double)r[0], shift));
    int64_t m1 = round_half_even(ldexp((double)r[1], shift));
    int64_t acc =
        (INT64_C(1) << (shift - 1)) - m0 * qa->zero_point - m1 * qb->zero_point + a * m0 + b * m1;
    int32_t lo, hi;
    oracle_clamp(t->out[0], t->node.attrs.activation, &lo, &hi);
    return clamped(floor_div(acc, INT64_C(1) << shift) + qy->zero_point, lo, hi);
}

static int32_t oracle_mul(const trial *t, int32_t a, int32_t b)
{
    const lab_quant *qa = &t->in[0]->quant, *qb = &t->in[1]->quant;
    float k = oracle_scale(qa->scale, qb->scale, t->out[0]->quant.scale);
    int64_t acc = (int64_t)(a - qa->zero_point) * (b - qb->zero_point);
    return oracle_requant(acc, k, t->out[0], t->node.attrs.activation);
}

static void check_pairs(harness *h, bool add, lab_dtype dtype, float s1, float s2, float sy)
{
    const int32_t shape[] = { 256, 256 };
    trial t;
    trial_begin(&t, h, add ? "add" : "mul");
    set_quant(trial_input(&t, false, dtype, 2, shape), s1, random_zero(h, dtype));
    set_quant(trial_input(&t, false, dtype, 2, shape), s2, random_zero(h, dtype));
    set_quant(trial_output(&t, dtype, 2, shape), sy, random_zero(h, dtype));
    t.node.attrs.activation = (lab_activation)random_in(h, 0, 3);
    int32_t *expected = trial_alloc(&t, 65536, sizeof *expected);
    for (size_t i = 0; i < 65536; i++) {
        ((uint8_t *)t.data[0])[i] = (uint8_t)(i >> 8);
        ((uint8_t *)t.data[1])[i] = (uint8_t)i;
        int32_t a = input_q8(&t, 0, i), b = input_q8(&t, 1, i);
        expected[i] = add ? oracle_add(&t, a, b) : oracle_mul(&t, a, b);
    }
    trial_describe(&t, "%s, dtype %d, scales %a %a %a, zeros %d %d %d, act %d", t.node.op,
                   (int)dtype, (double)s1, (double)s2, (double)sy, t.in[0]->quant.zero_point,
                   t.in[1]->quant.zero_point, t.out[0]->quant.zero_point,
                   (int)t.node.attrs.activation);
    trial_run(&t);
    expect_q8(&t, expected);
    trial_end(&t);
}

static void test_add_pairs(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    /* Ratios of every size the operator allows, and powers of two, where halves are exact. */
    for (int i = 0; i < 300; i++) {
        float sy = random_real(&h, 0.01f, 0.1f);
        float r1 = ldexpf(random_real(&h, 0.5f, 1.0f), random_in(&h, -9, 8));
        float r2 = ldexpf(random_real(&h, 0.5f, 1.0f), random_in(&h, -9, 8));
        if (i % 3 == 0) {
            r1 = ldexpf(1.0f, random_in(&h, -10, 7));
            r2 = ldexpf(1.0f, random_in(&h, -10, 7));
        }
        check_pairs(&h, true, random_byte_type(&h), sy * r1, sy * r2, sy);
    }
    harness_close(&h);
}

static void test_mul_pairs(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 200; i++) {
        float s1 = random_real(&h, 0.002f, 0.1f), s2 = random_real(&h, 0.002f, 0.1f);
        float sy = i % 3 == 0 ? s1 * s2 * 2.0f : s1 * s2 * random_real(&h, 1.0f, 300.0f);
        check_pairs(&h, false, random_byte_type(&h), s1, s2, sy);
    }
    harness_close(&h);
}

/* Broadcast shapes: index arithmetic by coordinates, each input its own way. */
static size_t broadcast_index(const lab_tensor *in, const lab_tensor *out, size_t i)
{
    size_t index = 0, step = 1;
    for (uint32_t d = 0; d < out->rank; d++) { /* from the last dimension */
        size_t coordinate = i % (size_t)out->shape[out->rank - 1 - d];
        i /= (size_t)out->shape[out->rank - 1 - d];
        if (d >= in->rank)
            continue;
        int32_t extent = in->shape[in->rank - 1 - d];
        index += (extent == 1 ? 0 : coordinate) * step;
        step *= (size_t)extent;
    }
    return index;
}

static void random_broadcast(trial *t, lab_dtype dtype)
{
    harness *h = t->h;
    uint32_t rank = (uint32_t)random_in(h, 1, LAB_MAX_RANK), ranks[2];
    int32_t out[LAB_MAX_RANK], in[2][LAB_MAX_RANK];
    for (uint32_t d = 0; d < rank; d++)
        out[d] = ONE_OF(h, 1, 2, 3, 5, 17);
    for (int k = 0; k < 2; k++) {
        /* The first input may be of lower rank; the second then has all dimensions. */
        ranks[k] = k == 0 ? (uint32_t)random_in(h, 1, (int32_t)rank) : rank;
        for (uint32_t d = 0; d < rank; d++)
            in[k][d] = out[d];
    }
    for (uint32_t d = 0; d < rank; d++)
        if (random_in(h, 0, 2) == 0)
            in[random_in(h, 0, 1)][d] = 1;
    for (uint32_t d = 0; d < rank; d++) {
        int32_t a = d >= rank - ranks[0] ? in[0][d] : 1;
        out[d] = a > in[1][d] ? a : in[1][d];
    }
    bool swap = random_in(h, 0, 1);
    for (int k = 0; k < 2; k++) {
        int from = swap ? 1 - k : k;
        trial_input(t, false, dtype, ranks[from], in[from] + (rank - ranks[from]));
    }
    trial_output(t, dtype, rank, out);
    trial_describe(t, "%s, dtype %d, broadcast to rank %u, input ranks %u %u", t->node.op,
                   (int)dtype, rank, t->in[0]->rank, t->in[1]->rank);
}

static void test_broadcast(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 800; i++) {
        trial t;
        bool add = i & 1;
        trial_begin(&t, &h, add ? "add" : "mul");
        random_broadcast(&t, LAB_F32);
        t.node.attrs.activation = (lab_activation)random_in(&h, 0, 3);
        fill_f32(&t, 0, -4.0f, 4.0f);
        fill_f32(&t, 1, -4.0f, 4.0f);
        size_t count = tensor_count(t.out[0]);
        double *expected = trial_alloc(&t, count, sizeof *expected);
        for (size_t j = 0; j < count; j++) {
            double a = (double)input_f32(&t, 0, broadcast_index(t.in[0], t.out[0], j));
            double b = (double)input_f32(&t, 1, broadcast_index(t.in[1], t.out[0], j));
            expected[j] = oracle_activate(add ? a + b : a * b, t.node.attrs.activation);
        }
        trial_run(&t);
        expect_f32(&t, expected, 1e-6);
        trial_end(&t);
    }
    harness_close(&h);
}

static void test_broadcast_q8(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 800; i++) {
        trial t;
        bool add = i & 1;
        lab_dtype dtype = random_byte_type(&h);
        trial_begin(&t, &h, add ? "add" : "mul");
        random_broadcast(&t, dtype);
        for (uint32_t k = 0; k < 3; k++)
            set_quant(&t.tensors[k], random_real(&h, 0.05f, 0.2f), random_zero(&h, dtype));
        fill_q8(&t, 0);
        fill_q8(&t, 1);
        size_t count = tensor_count(t.out[0]);
        int32_t *expected = trial_alloc(&t, count, sizeof *expected);
        for (size_t j = 0; j < count; j++) {
            int32_t a = input_q8(&t, 0, broadcast_index(t.in[0], t.out[0], j));
            int32_t b = input_q8(&t, 1, broadcast_index(t.in[1], t.out[0], j));
            expected[j] = add ? oracle_add(&t, a, b) : oracle_mul(&t, a, b);
        }
        trial_run(&t);
        expect_q8(&t, expected);
        trial_end(&t);
    }
    harness_close(&h);
}

/* ---- functions of one byte ---- */

typedef int32_t byte_fn(const trial *t, int32_t x);

/* All 256 bytes at once, or any number of them. Input and output may be of different types. */
static void check_bytes(harness *h, const char *op, byte_fn *fn, lab_dtype from, lab_dtype to,
                        const lab_quant *in, const lab_quant *out)
{
    const int32_t count = random_in(h, 0, 1) ? 256 : random_in(h, 1, 300);
    trial t;
    trial_begin(&t, h, op);
    trial_input(&t, false, from, 1, &count)->quant = *in;
    trial_output(&t, to, 1, &count)->quant = *out;
    int32_t *expected = trial_alloc(&t, (size_t)count, sizeof *expected);
    for (size_t i = 0; i < (size_t)count; i++) {
        ((uint8_t *)t.data[0])[i] = (uint8_t)(167 * i + 13);
        expected[i] = fn(&t, input_q8(&t, 0, i));
    }
    trial_describe(&t, "%s of %d, dtype %d to %d, scales %a to %a, zeros %d to %d", op, count,
                   (int)from, (int)to, (double)in->scale, (double)out->scale, in->zero_point,
                   out->zero_point);
    trial_run(&t);
    expect_q8(&t, expected);
    trial_end(&t);
}

static lab_quant quant(float scale, int32_t zero)
{
    return (lab_quant){ .count = 1, .scale = scale, .zero_point = zero };
}

static int32_t oracle_quantize(const trial *t, int32_t x)
{
    const lab_quant *in = &t->in[0]->quant, *out = &t->out[0]->quant;
    float ratio = (float)((double)in->scale / (double)out->scale);
    int64_t m = round_half_even((double)ratio * 256.0);
    int64_t y = floor_div((x - in->zero_point) * m + 128, 256) + out->zero_point;
    return clamped(y, type_min(t->out[0]->dtype), type_max(t->out[0]->dtype));
}

static void test_quantize(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 2000; i++) {
        lab_dtype from = random_byte_type(&h), to = random_byte_type(&h);
        float sy = random_real(&h, 0.01f, 0.1f);
        float ratio = i % 4 == 0 ? ldexpf(1.0f, random_in(&h, -8, 6))
                                 : ldexpf(random_real(&h, 0.5f, 1.0f), random_in(&h, -7, 7));
        lab_quant in = quant(sy * ratio, random_zero(&h, from)),
                  out = quant(sy, random_zero(&h, to));
        check_bytes(&h, "quantize", oracle_quantize, from, to, &in, &out);
    }
    /* Same scale, zero points 127 and -1: the top bit flips. */
    lab_quant in = quant(2.0f / 255.0f, 127), out = quant(2.0f / 255.0f, -1);
    trial t;
    trial_begin(&t, &h, "quantize");
    trial_input(&t, false, LAB_U8, 1, (const int32_t[]){ 256 })->quant = in;
    trial_output(&t, LAB_I8, 1, (const int32_t[]){ 256 })->quant = out;
    uint8_t expected[256];
    for (size_t i = 0; i < 256; i++) {
        ((uint8_t *)t.data[0])[i] = (uint8_t)i;
        expected[i] = (uint8_t)(i ^ 0x80);
    }
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
    harness_close(&h);
}

static int32_t oracle_relu(const trial *t, int32_t x)
{
    const lab_quant *in = &t->in[0]->quant;
    float k = (float)((double)in->scale / (double)t->out[0]->quant.scale);
    lab_activation act = strcmp(t->node.op, "relu") == 0 ? LAB_ACT_RELU : LAB_ACT_RELU6;
    return oracle_requant(x - in->zero_point, k, t->out[0], act);
}

static double real_of(const trial *t, int32_t x)
{
    return (double)t->in[0]->quant.scale * (x - t->in[0]->quant.zero_point);
}

static int32_t from_real(const trial *t, double v)
{
    const lab_tensor *y = t->out[0];
    double q = fmin(fmax(v / (double)y->quant.scale, -1000.0), 1000.0);
    return clamped(round_half_even(q) + y->quant.zero_point, type_min(y->dtype),
                   type_max(y->dtype));
}

static int32_t oracle_hard_swish(const trial *t, int32_t x)
{
    double v = real_of(t, x);
    return from_real(t, v <= -3.0 ? 0.0 : v >= 3.0 ? v : v * (v + 3.0) / 6.0);
}

static int32_t oracle_logistic(const trial *t, int32_t x)
{
    return from_real(t, 0.5 + 0.5 * tanh(real_of(t, x) / 2.0));
}

static void test_activations(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++) {
        lab_dtype dtype = random_byte_type(&h);
        float s = random_real(&h, 0.005f, 0.1f);
        lab_quant in = quant(s, random_zero(&h, dtype));
        lab_quant out = i % 3 ? quant(random_real(&h, 0.005f, 0.1f), random_zero(&h, dtype)) : in;
        check_bytes(&h, "relu", oracle_relu, dtype, dtype, &in, &out);
        check_bytes(&h, "relu6", oracle_relu, dtype, dtype, &in, &out);
        check_bytes(&h, "hard_swish", oracle_hard_swish, dtype, dtype, &in, &out);
        lab_quant unit = quant(1.0f / 256.0f, type_min(dtype));
        check_bytes(&h, "logistic", oracle_logistic, dtype, dtype, &in, &unit);
    }
    harness_close(&h);
}

/* ---- float ---- */

typedef double real_fn(double v);

static double real_relu(double v)
{
    return fmax(v, 0.0);
}

static double real_relu6(double v)
{
    return fmin(fmax(v, 0.0), 6.0);
}

static double real_hard_swish(double v)
{
    return v <= -3.0 ? 0.0 : v >= 3.0 ? v : v * (v + 3.0) / 6.0;
}

static double real_logistic(double v)
{
    return 1.0 / (1.0 + exp(-v));
}

static void check_reals(harness *h, const char *op, real_fn *fn, double tolerance)
{
    const int32_t shape[] = { 20011 };
    trial t;
    trial_begin(&t, h, op);
    trial_input(&t, false, LAB_F32, 1, shape);
    trial_output(&t, LAB_F32, 1, shape);
    fill_f32(&t, 0, -9.0f, 9.0f);
    float *x = t.data[0];
    x[0] = -1000.0f; /* an exponential that over- or underflows */
    x[1] = 1000.0f;
    x[2] = -0.0f;
    double *expected = trial_alloc(&t, 20011, sizeof *expected);
    for (size_t i = 0; i < 20011; i++)
        expected[i] = fn((double)x[i]);
    trial_describe(&t, "%s", op);
    trial_run(&t);
    expect_f32(&t, expected, tolerance);
    trial_end(&t);
}

static void test_real_activations(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    check_reals(&h, "relu", real_relu, 0.0);
    check_reals(&h, "relu6", real_relu6, 0.0);
    check_reals(&h, "hard_swish", real_hard_swish, 1e-6);
    check_reals(&h, "logistic", real_logistic, 1e-6);
    harness_close(&h);
}

/* ---- conversions ---- */

static void test_quantize_real(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 200; i++) {
        const int32_t shape[] = { 1, 333 };
        lab_dtype dtype = random_byte_type(&h);
        trial t;
        trial_begin(&t, &h, "quantize");
        trial_input(&t, false, LAB_F32, 2, shape);
        /* Powers of two make exact halves. */
        float s = i % 2 ? ldexpf(1.0f, random_in(&h, -8, 0)) : random_real(&h, 0.001f, 1.0f);
        lab_tensor *y = trial_output(&t, dtype, 2, shape);
        set_quant(y, s, random_zero(&h, dtype));
        fill_f32(&t, 0, -300.0f * s, 300.0f * s);
        float *x = t.data[0];
        for (size_t j = 0; j < 100; j++)
            x[j] = (float)(random_in(&h, -600, 600)) * 0.5f * s;
        x[100] = INFINITY;
        x[101] = -INFINITY;
        x[102] = 1e30f;
        x[103] = NAN; /* becomes the lowest value */
        int32_t expected[333];
        float inverse = (float)(1.0 / (double)s);
        for (size_t j = 0; j < 333; j++) {
            double v = (double)(float)((double)x[j] * (double)inverse);
            v = fmin(fmax(v, -1000.0), 1000.0);
            expected[j] =
                clamped(round_half_even(v) + y->quant.zero_point, type_min(dtype), type_max(dtype));
        }
        trial_describe(&t, "quantize f32 to dtype %d, scale %a, zero %d", (int)dtype, (double)s,
                       y->quant.zero_point);
        trial_run(&t);
        expect_q8(&t, expected);
        trial_end(&t);
    }
    harness_close(&h);
}

static void test_dequantize(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 60; i++) {
        const int32_t shape[] = { 3, 5, 7 };
        lab_dtype dtype = random_byte_type(&h);
        float scales[7];
        int32_t zeros[7];
        for (int c = 0; c < 7; c++) {
            scales[c] = random_real(&h, 0.001f, 1.0f);
            zeros[c] = random_zero(&h, dtype);
        }
        trial t;
        trial_begin(&t, &h, "dequantize");
        lab_tensor *x = trial_input(&t, true, dtype, 3, shape);
        int32_t axis = random_in(&h, -1, 2);
        if (axis < 0)
            set_quant(x, scales[0], zeros[0]);
        else
            set_channel_quant(x, axis, scales, zeros, (uint32_t)shape[axis]);
        trial_output(&t, LAB_F32, 3, shape);
        fill_q8(&t, 0);
        double expected[105];
        for (size_t j = 0; j < 105; j++) {
            size_t at[3] = { j / 35, j / 7 % 5, j % 7 };
            uint32_t c = axis < 0 ? 0 : (uint32_t)at[axis];
            expected[j] =
                (double)(float)((double)(input_q8(&t, 0, j) - zeros[c]) * (double)scales[c]);
        }
        trial_describe(&t, "dequantize dtype %d along %d", (int)dtype, axis);
        trial_run(&t);
        expect_f32(&t, expected, 0.0);
        trial_end(&t);
    }
    harness_close(&h);
}

/* All 65536 halves, from the definition of binary16. */
static void test_halves(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    const int32_t shape[] = { 65536 };
    trial t;
    trial_begin(&t, &h, "dequantize");
    trial_input(&t, true, LAB_F16, 1, shape);
    trial_output(&t, LAB_F32, 1, shape);
    for (size_t i = 0; i < 65536; i++)
        ((uint16_t *)t.data[0])[i] = (uint16_t)i;
    trial_describe(&t, "dequantize f16");
    trial_run(&t);
    for (size_t i = 0; i < 65536; i++) {
        int exponent = (int)(i >> 10 & 31), fraction = (int)(i & 1023);
        double sign = i & 0x8000 ? -1.0 : 1.0;
        double v = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        float got = ((const float *)t.result)[i];
        if (exponent == 31)
            assert_true(fraction ? isnan(got) : isinf(got) && (got > 0) == (sign > 0));
        else
            assert_true((double)got == sign * v && !signbit(got) == (sign > 0));
    }
    trial_end(&t);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_pairs),        cmocka_unit_test(test_mul_pairs),
        cmocka_unit_test(test_broadcast),        cmocka_unit_test(test_broadcast_q8),
        cmocka_unit_test(test_quantize),         cmocka_unit_test(test_activations),
        cmocka_unit_test(test_real_activations), cmocka_unit_test(test_quantize_real),
        cmocka_unit_test(test_dequantize),       cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests_name("kernels: elementwise", tests, NULL, NULL);
}
