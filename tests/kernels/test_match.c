/*
 * What kernels refuse: a node they cannot compute must get no kernel rather than a wrong one. Each
 * case starts from a node that is accepted and spoils one thing.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

typedef struct spoilt {
    const char *what;
    void (*change)(trial *t); /* tensors: 0 x, 1 filter, 2 bias, 3 output */
} spoilt;

static void plain_conv(trial *t, harness *h, lab_dtype dtype)
{
    trial_begin(t, h, "conv_2d");
    lab_tensor *x = trial_input(t, false, dtype, 4, (const int32_t[]){ 1, 5, 5, 3 });
    lab_tensor *w = trial_input(t, true, dtype, 4, (const int32_t[]){ 4, 3, 3, 3 });
    trial_input(t, true, dtype == LAB_F32 ? LAB_F32 : LAB_I32, 1, (const int32_t[]){ 4 });
    lab_tensor *y = trial_output(t, dtype, 4, (const int32_t[]){ 1, 3, 3, 4 });
    if (dtype == LAB_F32)
        return;
    set_quant(x, 0.1f, 0);
    set_quant(w, 0.1f, 0);
    set_quant(y, 0.1f, 0);
}

static void no_filter_data(trial *t)
{
    t->tensors[1].data = NULL;
}

static void no_bias_data(trial *t)
{
    t->tensors[2].data = NULL;
}

static void other_output_type(trial *t)
{
    t->tensors[3].dtype = t->tensors[3].dtype == LAB_U8 ? LAB_I8 : LAB_U8;
}

static void filter_channels(trial *t)
{
    t->tensors[1].shape[3] = 1; /* a grouped convolution */
}

static void output_channels(trial *t)
{
    t->tensors[3].shape[3] = 5;
}

static void bias_type(trial *t)
{
    t->tensors[2].dtype = LAB_I64;
}

static void bias_length(trial *t)
{
    t->tensors[2].shape[0] = 3;
}

static void no_quantisation(trial *t)
{
    t->tensors[0].quant = (lab_quant){ 0 };
}

static void zero_scale(trial *t)
{
    t->tensors[3].quant.scale = 0.0f;
}

static void infinite_scale(trial *t)
{
    t->tensors[1].quant.scale = INFINITY;
}

static void zero_point_outside(trial *t)
{
    t->tensors[0].quant.zero_point = 300;
}

static void per_channel_input(trial *t)
{
    static const float scales[] = { 0.1f, 0.2f, 0.3f };
    static const int32_t zeros[3] = { 0 };
    set_channel_quant(&t->tensors[0], 3, scales, zeros, 3);
}

static void filter_axis(trial *t)
{
    static const float scales[] = { 0.1f, 0.2f, 0.3f };
    static const int32_t zeros[3] = { 0 };
    set_channel_quant(&t->tensors[1], 3, scales, zeros, 3);
}

static void rank(trial *t)
{
    t->tensors[0].rank = 3;
}

static void check(harness *h, lab_dtype dtype, const spoilt *cases, size_t count)
{
    trial t;
    plain_conv(&t, h, dtype);
    if (!trial_matches(&t))
        fail_msg("the unspoilt convolution is refused");
    trial_end(&t);
    for (size_t i = 0; i < count; i++) {
        plain_conv(&t, h, dtype);
        cases[i].change(&t);
        if (trial_matches(&t))
            fail_msg("a convolution (dtype %d) with %s is accepted", (int)dtype, cases[i].what);
        trial_end(&t);
    }
}

static void test_convolutions(void **state)
{
    static const spoilt any[] = {
        { "a filter that is not constant", no_filter_data },
        { "an output of another type", other_output_type },
        { "a filter of too few channels", filter_channels },
        { "too many output channels", output_channels },
        { "a bias of a wrong type", bias_type },
        { "a bias that is too short", bias_length },
        { "an input of rank 3", rank },
    };
    static const spoilt real[] = {
        { "a bias that is not constant", no_bias_data },
    };
    static const spoilt quantised[] = {
        { "an input without quantisation", no_quantisation },
        { "a scale of zero", zero_scale },
        { "an infinite scale", infinite_scale },
        { "a zero point outside the type", zero_point_outside },
        { "an input quantised per channel", per_channel_input },
        { "a filter quantised along the wrong axis", filter_axis },
    };
    harness h;
    (void)state;
    harness_open(&h);
    check(&h, LAB_F32, any, sizeof any / sizeof *any);
    check(&h, LAB_F32, real, sizeof real / sizeof *real);
    check(&h, LAB_U8, any, sizeof any / sizeof *any);
    check(&h, LAB_I8, any, sizeof any / sizeof *any);
    check(&h, LAB_U8, quantised, sizeof quantised / sizeof *quantised);
    check(&h, LAB_I8, quantised, sizeof quantised / sizeof *quantised);
    harness_close(&h);
}

/* A node of two inputs and an output, all of one type and shape. */
static bool accepts(harness *h, const char *op, uint32_t n_in, lab_dtype dtype, const float *scales,
                    const int32_t *zeros)
{
    static const int32_t shape[] = { 1, 4, 4, 3 };
    trial t;
    trial_begin(&t, h, op);
    for (uint32_t i = 0; i < n_in; i++)
        trial_input(&t, false, dtype, 4, shape);
    trial_output(&t, dtype, 4, (const int32_t[]){ 1, 4, 4, strcmp(op, "concat") ? 3 : 6 });
    for (uint32_t i = 0; i <= n_in; i++)
        set_quant(&t.tensors[i], scales[i], zeros[i]);
    t.node.attrs.axis = 3;
    t.node.attrs.filter_h = t.node.attrs.filter_w = 1;
    bool matches = trial_matches(&t);
    trial_end(&t);
    return matches;
}

static void test_quantisation(void **state)
{
    static const int32_t same[] = { 5, 5, 5 }, other[] = { 5, 5, 6 };
    static const float one[] = { 1, 1, 1 }, two[] = { 1, 1, 2 };
    static const float large[] = { 256, 1, 1 }, small[] = { 0x1p-11f, 0x1p-11f, 1 };
    harness h;
    (void)state;
    harness_open(&h);
    /* i8 may be concatenated only when quantised alike; u8 is rescaled. */
    assert_true(accepts(&h, "concat", 2, LAB_I8, one, same));
    assert_false(accepts(&h, "concat", 2, LAB_I8, two, same));
    assert_false(accepts(&h, "concat", 2, LAB_I8, one, other));
    assert_true(accepts(&h, "concat", 2, LAB_U8, two, other));
    /* add: the larger ratio is in [2^-10, 2^8). */
    assert_true(accepts(&h, "add", 2, LAB_U8, two, other));
    assert_false(accepts(&h, "add", 2, LAB_U8, large, same));
    assert_false(accepts(&h, "add", 2, LAB_U8, small, same));
    /* quantize: the ratio is in [2^-8, 2^7). */
    assert_true(accepts(&h, "quantize", 1, LAB_U8, one, same));
    assert_false(accepts(&h, "quantize", 1, LAB_U8, (const float[]){ 128, 1 }, same));
    assert_false(accepts(&h, "quantize", 1, LAB_U8, (const float[]){ 0x1p-9f, 1 }, same));
    /* Pooling and resizing keep the quantisation. */
    assert_true(accepts(&h, "average_pool_2d", 1, LAB_U8, one, same));
    assert_false(accepts(&h, "average_pool_2d", 1, LAB_U8, (const float[]){ 1, 2 }, same));
    assert_true(accepts(&h, "resize_bilinear", 1, LAB_I8, one, same));
    assert_false(accepts(&h, "resize_bilinear", 1, LAB_I8, one, (const int32_t[]){ 5, 6 }));
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_quantisation),
    };
    return cmocka_run_group_tests_name("kernels: what is refused", tests, NULL, NULL);
}
