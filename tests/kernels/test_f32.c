/*
 * Float kernels where vector code has its edges: every number of filters around a vector's width,
 * rows that end anywhere, long sums, pictures wide enough to have an inside, filters dilated with
 * zeros; and what becomes of NaN and infinity.
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

#define F32(t, i) ((float *)(t)->data[i])
/* Of float32 sums of n products of values in -1 .. 1, fused or not: roundings add up. */
#define SUM_TOLERANCE(n) (1e-5 + 1e-7 * (double)(n))

/* ---- 1x1 convolutions: a matrix product ---- */

typedef struct product {
    int32_t rows, k, n;
    bool biased;
} product;

static void conv_1x1(trial *t, harness *h, product p)
{
    trial_begin(t, h, "conv_2d");
    trial_input(t, false, LAB_F32, 4, (const int32_t[]){ 1, 1, p.rows, p.k });
    trial_input(t, true, LAB_F32, 4, (const int32_t[]){ p.n, 1, 1, p.k });
    if (p.biased)
        trial_input(t, true, LAB_F32, 1, (const int32_t[]){ p.n });
    trial_output(t, LAB_F32, 4, (const int32_t[]){ 1, 1, p.rows, p.n });
    for (uint32_t i = 0; i < t->node.n_in; i++)
        fill_f32(t, i, -1.0f, 1.0f);
    t->node.attrs.activation = (lab_activation)random_in(h, 0, 3);
    trial_describe(t, "1x1 convolution of %d pixels, %d channels to %d, activation %d", p.rows, p.k,
                   p.n, (int)t->node.attrs.activation);
}

static void check_1x1(harness *h, product p)
{
    trial t;
    conv_1x1(&t, h, p);
    double *expected = trial_alloc(&t, tensor_count(t.out[0]), sizeof *expected);
    for (int32_t r = 0; r < p.rows; r++)
        for (int32_t c = 0; c < p.n; c++) {
            double sum = p.biased ? (double)F32(&t, 2)[c] : 0.0;
            for (int32_t i = 0; i < p.k; i++)
                sum += (double)F32(&t, 0)[r * p.k + i] * (double)F32(&t, 1)[c * p.k + i];
            expected[r * p.n + c] = oracle_activate(sum, t.node.attrs.activation);
        }
    trial_run(&t);
    expect_f32(&t, expected, SUM_TOLERANCE(p.k));
    trial_end(&t);
}

static void test_filters(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int32_t n = 1; n <= 40; n++)
        for (int32_t rows = 1; rows <= 13; rows++)
            check_1x1(&h, (product){ rows, random_in(&h, 1, 37), n, random_in(&h, 0, 1) == 1 });
    harness_close(&h);
}

/* Sums longer than one block, and rows that lie a power of two apart. */
static void test_long_sums(void **state)
{
    static const int32_t lengths[] = { 255, 256, 319, 320, 321, 512, 641, 1024 };
    (void)state;
    harness h;
    harness_open(&h);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int j = 0; j < 12; j++)
            check_1x1(&h, (product){ random_in(&h, 1, 60), lengths[i], random_in(&h, 1, 50),
                                     random_in(&h, 0, 1) == 1 });
    harness_close(&h);
}

/* ---- depthwise convolutions of wide pictures ---- */

typedef struct depthwise {
    int32_t pictures, in[2], out[2]; /* height and width */
    int32_t filter, stride[2], dilation, pad[2], channels;
    int32_t spacing; /* every so many taps are not zero */
} depthwise;

/* Output i, counted through pictures, rows, columns and channels. */
static double depthwise_sum(const trial *t, const depthwise *d, int32_t i)
{
    double sum = 0.0;
    int32_t c = i % d->channels, x = i / d->channels % d->out[1];
    int32_t y = i / d->channels / d->out[1] % d->out[0];
    int32_t top = i / d->channels / d->out[1] / d->out[0] * d->in[0];
    for (int32_t ty = 0; ty < d->filter; ty++)
        for (int32_t tx = 0; tx < d->filter; tx++) {
            int32_t iy = y * d->stride[0] - d->pad[0] + ty * d->dilation;
            int32_t ix = x * d->stride[1] - d->pad[1] + tx * d->dilation;
            if (iy < 0 || ix < 0 || iy >= d->in[0] || ix >= d->in[1])
                continue;
            sum += (double)F32(t, 0)[((top + iy) * d->in[1] + ix) * d->channels + c] *
                   (double)F32(t, 1)[(ty * d->filter + tx) * d->channels + c];
        }
    return sum;
}

static void random_picture(harness *h, depthwise *d)
{
    int32_t reach = (d->filter - 1) * d->dilation;
    for (int i = 0; i < 2; i++) {
        d->pad[i] = random_in(h, 0, reach);
        d->in[i] = random_in(h, 1, 24) + (reach > 2 * d->pad[i] ? reach - 2 * d->pad[i] : 0);
        d->out[i] = (d->in[i] + 2 * d->pad[i] - reach - 1) / d->stride[i] + 1;
    }
}

static depthwise random_depthwise(harness *h)
{
    depthwise d = { .pictures = 1,
                    .filter = ONE_OF(h, 1, 2, 3, 5, 9),
                    .stride = { random_in(h, 1, 3), random_in(h, 1, 3) },
                    .dilation = ONE_OF(h, 1, 1, 2, 4),
                    .channels = random_in(h, 1, 52),
                    .spacing = ONE_OF(h, 1, 1, 2, 4) };
    random_picture(h, &d);
    return d;
}

/* Nine taps and whole vectors, along whose rows sums can slide. */
static depthwise random_grid(harness *h)
{
    static const int32_t filters[][2] = { { 3, 1 }, { 5, 2 }, { 7, 3 }, { 9, 4 } };
    const int32_t *filter = filters[random_in(h, 0, 3)];
    depthwise d = { .pictures = random_in(h, 1, 2),
                    .filter = filter[0],
                    .stride = { ONE_OF(h, 1, 1, 1, 2), 1 },
                    .dilation = ONE_OF(h, 1, 1, 2, 3),
                    .channels = 8 * random_in(h, 1, 9),
                    .spacing = filter[1] };
    random_picture(h, &d);
    return d;
}

static void check_depthwise(harness *h, depthwise d)
{
    trial t;
    trial_begin(&t, h, "depthwise_conv_2d");
    trial_input(&t, false, LAB_F32, 4,
                (const int32_t[]){ d.pictures, d.in[0], d.in[1], d.channels });
    trial_input(&t, true, LAB_F32, 4, (const int32_t[]){ 1, d.filter, d.filter, d.channels });
    trial_output(&t, LAB_F32, 4, (const int32_t[]){ d.pictures, d.out[0], d.out[1], d.channels });
    lab_attrs *a = &t.node.attrs;
    a->stride_h = d.stride[0];
    a->stride_w = d.stride[1];
    a->dilation_h = a->dilation_w = d.dilation;
    a->pad_top = a->pad_bottom = d.pad[0];
    a->pad_left = a->pad_right = d.pad[1];
    fill_f32(&t, 0, -1.0f, 1.0f);
    fill_f32(&t, 1, -1.0f, 1.0f);
    for (int32_t i = 0; i < d.filter * d.filter * d.channels; i++)
        if (i / d.channels % d.filter % d.spacing || i / d.channels / d.filter % d.spacing)
            F32(&t, 1)[i] = 0.0f;
    trial_describe(&t,
                   "%d pictures, in %dx%d, %d channels, filter %d, every %d, stride %dx%d, "
                   "dilation %d, %dx%d",
                   d.pictures, d.in[0], d.in[1], d.channels, d.filter, d.spacing, d.stride[0],
                   d.stride[1], d.dilation, d.pad[0], d.pad[1]);
    size_t count = tensor_count(t.out[0]);
    double *expected = trial_alloc(&t, count, sizeof *expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = depthwise_sum(&t, &d, (int32_t)i);
    trial_run(&t);
    expect_f32(&t, expected, SUM_TOLERANCE(d.filter * d.filter));
    trial_end(&t);
}

static void test_depthwise(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++)
        check_depthwise(&h, random_depthwise(&h));
    for (int i = 0; i < 500; i++)
        check_depthwise(&h, random_grid(&h));
    harness_close(&h);
}

/* ---- a row repeated, as gates and offsets of channels are ---- */

static void check_gate(harness *h, const char *op, bool swapped)
{
    int32_t c = random_in(h, 1, 50), rows = random_in(h, 1, 200);
    trial t;
    trial_begin(&t, h, op);
    for (uint32_t i = 0; i < 2; i++) {
        bool whole = (i == 1) == swapped;
        trial_input(&t, false, LAB_F32, 4, (const int32_t[]){ 1, whole ? rows : 1, 1, c });
        fill_f32(&t, i, -4.0f, 4.0f);
    }
    trial_output(&t, LAB_F32, 4, (const int32_t[]){ 1, rows, 1, c });
    t.node.attrs.activation = (lab_activation)random_in(h, 0, 3);
    trial_describe(&t, "%s of %d rows of %d", op, rows, c);
    double *expected = trial_alloc(&t, tensor_count(t.out[0]), sizeof *expected);
    for (int32_t i = 0; i < rows * c; i++) {
        double x = (double)F32(&t, swapped)[i], gate = (double)F32(&t, !swapped)[i % c];
        expected[i] =
            oracle_activate(strcmp(op, "mul") == 0 ? x * gate : x + gate, t.node.attrs.activation);
    }
    trial_run(&t);
    expect_f32(&t, expected, 1e-6);
    trial_end(&t);
}

static void test_gates(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 200; i++)
        check_gate(&h, i & 1 ? "mul" : "add", (i & 2) != 0);
    harness_close(&h);
}

/* ---- NaN and infinity ---- */

/* NaN goes through every fused activation, infinity up to its clamp; other rows see neither. */
static void test_conv_specials(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 160; i++) {
        product p = { random_in(&h, 3, 20), random_in(&h, 1, 30), random_in(&h, 1, 30), false };
        trial t;
        conv_1x1(&t, &h, p);
        lab_activation activation = t.node.attrs.activation;
        for (int32_t j = 0; j < p.n * p.k; j++)
            F32(&t, 1)[j] = 0.5f;
        F32(&t, 0)[p.k] = NAN;                  /* in row 1 */
        F32(&t, 0)[(size_t)p.k * 2] = INFINITY; /* in row 2 */
        trial_run(&t);
        const float *y = t.result;
        float high = (float)oracle_activate((double)INFINITY, activation);
        for (int32_t j = 0; j < p.rows * p.n; j++)
            if (j / p.n == 1 ? !isnan(y[j]) : j / p.n == 2 ? y[j] != high : !isfinite(y[j]))
                fail_msg("%s: element %d is %g (%s)", t.kernel, j, (double)y[j], t.text);
        trial_end(&t);
    }
    harness_close(&h);
}

static void test_unary_specials(void **state)
{
    static const char *const ops[] = { "relu", "relu6", "hard_swish", "logistic" };
    static const float high[] = { INFINITY, 6.0f, INFINITY, 1.0f };
    (void)state;
    harness h;
    harness_open(&h);
    for (int op = 0; op < 4; op++)
        for (int32_t n = 2; n <= 20; n++) {
            trial t;
            trial_begin(&t, &h, ops[op]);
            trial_input(&t, false, LAB_F32, 1, &n);
            trial_output(&t, LAB_F32, 1, &n);
            fill_f32(&t, 0, -4.0f, 4.0f);
            F32(&t, 0)[n - 1] = NAN;
            F32(&t, 0)[n - 2] = INFINITY;
            trial_describe(&t, "%s of %d values", ops[op], n);
            trial_run(&t);
            const float *y = t.result;
            if (!isnan(y[n - 1]) || y[n - 2] != high[op])
                fail_msg("%s: %g, %g (%s)", t.kernel, (double)y[n - 1], (double)y[n - 2], t.text);
            for (int32_t i = 0; i < n - 2; i++)
                assert_true(isfinite(y[i]));
            trial_end(&t);
        }
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),       cmocka_unit_test(test_long_sums),
        cmocka_unit_test(test_depthwise),     cmocka_unit_test(test_gates),
        cmocka_unit_test(test_conv_specials), cmocka_unit_test(test_unary_specials),
    };
    return cmocka_run_group_tests_name("kernels: floats at their edges", tests, NULL, NULL);
}
