/*
 * Requantisation alone: a 1x1 convolution whose input is the zero point gives exactly its bias as
 * accumulator, so any accumulator meets any scale. Halves, negatives, |acc| above 2^24 (where
 * int32 does not fit float), the ends of int32, scales from 1e-31 to 1, every activation.
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

#define CHANNELS 4099 /* no multiple of any vector */

/* Accumulators that meet every rounding of a power of two, and the ends. */
static int32_t hard_accumulator(harness *h, float k)
{
    static const int32_t ends[] = {
        INT32_MIN, INT32_MIN + 1, -16777217, -16777216, -1,         0,         1,
        16777216,  16777217,      16777219,  33554431,  1073765717, INT32_MAX, INT32_MAX - 64
    };
    int32_t kind = random_in(h, 0, 3);
    if (kind == 0)
        return ends[random_u32(h) % (sizeof ends / sizeof *ends)];
    if (kind == 1)
        return (int32_t)random_u32(h);
    /* Near (m + 1/2) / k for an output m in reach. */
    double target = (random_in(h, -300, 300) + 0.5) / (double)k + random_in(h, -1, 1);
    if (fabs(target) > 2147483647.0)
        return random_in(h, -70000, 70000);
    return (int32_t)target;
}

static float hard_scale(harness *h)
{
    switch (random_in(h, 0, 4)) {
    case 0:
        return ldexpf(1.0f, -random_in(h, 0, 24)); /* exact halves */
    case 1:
        return 6.7e-31f;
    case 2:
        return ldexpf(random_real(h, 0.5f, 1.0f), -random_in(h, 0, 100));
    default:
        return random_real(h, 4.6e-4f, 1.0f);
    }
}

/* One convolution of a single pixel; scales are per channel where the type has that. */
static void run_case(harness *h, lab_dtype dtype, int32_t zx, int32_t zy, lab_activation act)
{
    trial t;
    trial_begin(&t, h, "conv_2d");
    lab_tensor *x = trial_input(&t, false, dtype, 4, (const int32_t[]){ 1, 1, 1, 1 });
    lab_tensor *w = trial_input(&t, true, dtype, 4, (const int32_t[]){ CHANNELS, 1, 1, 1 });
    trial_input(&t, true, LAB_I32, 1, (const int32_t[]){ CHANNELS });
    lab_tensor *y = trial_output(&t, dtype, 4, (const int32_t[]){ 1, 1, 1, CHANNELS });
    t.node.attrs.activation = act;
    float *scales = trial_alloc(&t, CHANNELS, sizeof *scales);
    int32_t *zeros = trial_alloc(&t, CHANNELS, sizeof *zeros);
    scales[0] = hard_scale(h);
    for (size_t c = 1; c < CHANNELS; c++)
        scales[c] = dtype == LAB_I8 ? hard_scale(h) : scales[0];
    /* sx = 1; with sy = 1 too, k is the filter's scale itself. */
    set_quant(x, 1.0f, zx);
    set_quant(y, random_in(h, 0, 1) ? 1.0f : 6.0f / 255.0f, zy);
    set_quant(w, scales[0], dtype == LAB_I8 ? 0 : 131);
    if (dtype == LAB_I8)
        set_channel_quant(w, 0, scales, zeros, CHANNELS);
    memset(t.data[0], (uint8_t)zx, 1);
    fill_q8(&t, 1);
    int32_t *bias = t.data[2], *expected = trial_alloc(&t, CHANNELS, sizeof *expected);
    for (size_t c = 0; c < CHANNELS; c++) {
        float k = oracle_scale(1.0f, scales[c], y->quant.scale);
        bias[c] = hard_accumulator(h, k);
        expected[c] = oracle_requant(bias[c], k, y, act);
    }
    trial_describe(&t, "dtype %d, zeros %d %d, sy %g, act %d", (int)dtype, zx, zy,
                   (double)y->quant.scale, (int)act);
    trial_run(&t);
    expect_q8(&t, expected);
    trial_end(&t);
}

static void sweep(lab_dtype dtype, const int32_t zeros[4])
{
    harness h;
    harness_open(&h);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            for (int act = LAB_ACT_NONE; act <= LAB_ACT_RELU_N1_TO_1; act++)
                for (int repeat = 0; repeat < (dtype == LAB_U8 ? 24 : 4); repeat++)
                    run_case(&h, dtype, zeros[i], zeros[j], (lab_activation)act);
    harness_close(&h);
}

static void test_u8(void **state)
{
    (void)state;
    sweep(LAB_U8, (const int32_t[]){ 0, 127, 128, 255 });
}

static void test_i8(void **state)
{
    (void)state;
    sweep(LAB_I8, (const int32_t[]){ -128, -1, 0, 127 });
}

/* The oracle itself, at values worked out by hand. */
static void test_by_hand(void **state)
{
    (void)state;
    lab_tensor y = { .dtype = LAB_U8, .quant = { .count = 1, .scale = 1.0f, .zero_point = 100 } };
    assert_int_equal(oracle_requant(1, 0.5f, &y, LAB_ACT_NONE), 100);  /* 0.5 to 0 */
    assert_int_equal(oracle_requant(3, 0.5f, &y, LAB_ACT_NONE), 102);  /* 1.5 to 2 */
    assert_int_equal(oracle_requant(5, 0.5f, &y, LAB_ACT_NONE), 102);  /* 2.5 to 2 */
    assert_int_equal(oracle_requant(-1, 0.5f, &y, LAB_ACT_NONE), 100); /* -0.5 to 0 */
    assert_int_equal(oracle_requant(-3, 0.5f, &y, LAB_ACT_NONE), 98);  /* -1.5 to -2 */
    assert_int_equal(oracle_requant(-3, 0.5f, &y, LAB_ACT_RELU), 100);
    assert_int_equal(oracle_requant(20, 0.5f, &y, LAB_ACT_RELU6), 106);
    assert_int_equal(oracle_requant(INT32_MIN, 1.0f, &y, LAB_ACT_NONE), 0);
    assert_int_equal(oracle_requant(INT32_MAX, 1.0f, &y, LAB_ACT_NONE), 255);
    assert_int_equal(oracle_requant(1073765717, 6.7e-31f, &y, LAB_ACT_NONE), 100);
    /* 2^24 + 1 becomes 2^24 as float (half to even): 16777217 * 2^-25 = 0.5 exactly, to 0. */
    assert_int_equal(oracle_requant(16777217, 0x1p-25f, &y, LAB_ACT_NONE), 100);
    /* 2^24 + 3 becomes 2^24 + 4: just above a half, to 1. */
    assert_int_equal(oracle_requant(16777219, 0x1p-25f, &y, LAB_ACT_NONE), 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_u8),
        cmocka_unit_test(test_i8),
    };
    return cmocka_run_group_tests_name("kernels: requantisation", tests, NULL, NULL);
}
