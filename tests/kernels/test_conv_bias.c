/*
 * conv_bias against its definition, and conv_2d with a bias that is computed against the same with
 * a constant one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

static int32_t random_zero(harness *h, lab_dtype dtype)
{
    return dtype == LAB_I8 ? ONE_OF(h, -128, -1, 0, 127) : ONE_OF(h, 0, 127, 128, 255);
}

/* A filter of its own zero point, or with i8 of one scale a channel. */
static void quantise_filter(trial *t, lab_tensor *w)
{
    static const int32_t zeros[64] = { 0 };
    static float scales[64];
    set_quant(w, 0.02f, w->dtype == LAB_I8 ? 0 : random_zero(t->h, LAB_U8));
    if (w->dtype == LAB_U8 || random_in(t->h, 0, 1) || w->shape[0] > 64 || w->shape[0] < 2)
        return;
    for (int32_t c = 0; c < w->shape[0]; c++)
        scales[c] = 0.01f + 0.001f * (float)c;
    set_channel_quant(w, 0, scales, zeros, (uint32_t)w->shape[0]);
}

static void fill_bias(trial *t, uint32_t in)
{
    for (size_t i = 0; i < tensor_count(t->in[in]); i++)
        ((int32_t *)t->data[in])[i] = ONE_OF(t->h, 0, -5000, 12345, INT32_MAX, INT32_MIN);
}

static void bias_case(harness *h, lab_dtype dtype)
{
    trial t;
    const int32_t n = random_in(h, 1, 40), k = random_in(h, 1, 300);
    const bool has_bias = random_in(h, 0, 3) > 0;
    trial_begin(&t, h, "conv_bias");
    lab_tensor *x = trial_input(&t, false, dtype, 4, (const int32_t[]){ 1, 1, 1, k });
    lab_tensor *w = trial_input(&t, true, dtype, 4, (const int32_t[]){ n, 1, 1, k });
    if (has_bias)
        trial_input(&t, true, LAB_I32, 1, &n);
    else
        trial_absent(&t);
    trial_output(&t, LAB_I32, 1, &n);
    set_quant(x, 0.1f, random_zero(h, dtype));
    quantise_filter(&t, w);
    fill_q8(&t, 0);
    fill_q8(&t, 1);
    if (has_bias)
        fill_bias(&t, 2);
    int32_t *expected = trial_alloc(&t, (size_t)n, sizeof *expected);
    for (int32_t c = 0; c < n; c++) {
        int64_t sum = has_bias ? ((int32_t *)t.data[2])[c] : 0;
        for (int32_t i = 0; i < k; i++)
            sum += (int64_t)(input_q8(&t, 0, (size_t)i) - x->quant.zero_point) *
                   (input_q8(&t, 1, (size_t)(c * k + i)) - lab_quant_zero(&w->quant, (uint32_t)c));
        expected[c] = (int32_t)(uint32_t)(uint64_t)sum;
    }
    trial_describe(&t, "dtype %d, %d channels to %d, bias %d", (int)dtype, k, n, has_bias);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_conv_bias(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 400; i++)
        bias_case(&h, i % 2 ? LAB_U8 : LAB_I8);
    harness_close(&h);
}

typedef struct conv_case {
    lab_dtype dtype;
    int32_t h, w, k, n;
    lab_activation activation;
} conv_case;

static void conv(trial *t, harness *h, const conv_case *c, bool constant)
{
    trial_begin(t, h, "conv_2d");
    t->node.attrs.activation = c->activation;
    trial_input(t, false, c->dtype, 4, (const int32_t[]){ 1, c->h, c->w, c->k });
    trial_input(t, true, c->dtype, 4, (const int32_t[]){ c->n, 1, 1, c->k });
    trial_input(t, constant, LAB_I32, 1, &c->n);
    trial_output(t, c->dtype, 4, (const int32_t[]){ 1, c->h, c->w, c->n });
    trial_describe(t, "dtype %d, %dx%d, %d channels to %d, activation %d", (int)c->dtype, c->h,
                   c->w, c->k, c->n, (int)c->activation);
}

static void computed_case(harness *h, const conv_case *c)
{
    trial a, b;
    conv(&a, h, c, true);
    set_quant(&a.tensors[0], 0.1f, random_zero(h, c->dtype));
    quantise_filter(&a, &a.tensors[1]);
    set_quant(&a.tensors[3], 0.4f, random_zero(h, c->dtype));
    fill_q8(&a, 0);
    fill_q8(&a, 1);
    for (int32_t i = 0; i < c->n; i++)
        ((int32_t *)a.data[2])[i] = random_in(h, -100000, 100000);
    trial_run(&a);
    conv(&b, h, c, false);
    for (int i = 0; i < 4; i++)
        b.tensors[i].quant = a.tensors[i].quant;
    for (int i = 0; i < 3; i++)
        memcpy(b.data[i], a.data[i], a.in[i]->size);
    trial_run(&b);
    expect_bytes(&b, a.result);
    trial_end(&b);
    trial_end(&a);
}

static void test_computed_bias(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 200; i++) {
        const conv_case c = { .dtype = i % 2 ? LAB_U8 : LAB_I8,
                              .h = random_in(&h, 1, 9),
                              .w = random_in(&h, 1, 9),
                              .k = random_in(&h, 1, 80),
                              .n = random_in(&h, 1, 40),
                              .activation = (lab_activation)random_in(&h, 0, 2) };
        computed_case(&h, &c);
    }
    harness_close(&h);
}

/* Several pixels, a float, a filter that is not there yet. */
static void test_refused(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 5; i++) {
        trial t;
        const int32_t n = 4;
        trial_begin(&t, &h, "conv_bias");
        set_quant(trial_input(&t, false, LAB_U8, 4, (const int32_t[]){ 1, 1, i == 1 ? 2 : 1, 8 }),
                  0.1f, 3);
        set_quant(trial_input(&t, i != 2, LAB_U8, 4, (const int32_t[]){ n, 1, 1, 8 }), 0.1f, 5);
        trial_input(&t, i != 3, LAB_I32, 1, &n);
        trial_output(&t, i == 4 ? LAB_F32 : LAB_I32, 1, &n);
        assert_true(trial_matches(&t) == (i == 0));
        trial_end(&t);
    }
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_bias),
        cmocka_unit_test(test_computed_bias),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("kernels: computed biases", tests, NULL, NULL);
}
