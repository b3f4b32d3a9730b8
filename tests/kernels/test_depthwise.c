/*
 * 8-bit depthwise_conv_2d at the sizes that vector kernels treat apart: channel counts around
 * multiples of 32, rows long enough for runs, and weights from tiny to full range, as fast kernels
 * choose their arithmetic by how large sums can become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness.h"
#include "oracle.h"

typedef struct shape {
    int32_t in_h, in_w, out_h, out_w, n, kh, kw;
} shape;

static int32_t out_size(int32_t in, int32_t before, int32_t after, int32_t k, int32_t dilation,
                        int32_t stride)
{
    return (in + before + after - (k - 1) * dilation - 1) / stride + 1;
}

/* Mostly 3x3 and 5x5; paddings from none to all but one tap, so that some pixels see only padding.
 */
static shape random_shape(harness *h, lab_attrs *a)
{
    shape s = { 0 };
    s.n = ONE_OF(h, 1, 3, 8, 16, 24, 31, 32, 33, 48, 64, 72, 96, 144, 160, 305);
    s.kh = ONE_OF(h, 3, 3, 3, 3, 5, 5, 1, 2, 7);
    s.kw = s.kh == 2 ? 4 : s.kh;
    a->stride_h = random_in(h, 1, 2);
    a->stride_w = ONE_OF(h, 1, 1, 1, 2, 2, 3);
    a->dilation_h = a->dilation_w = ONE_OF(h, 1, 1, 2, 4);
    int32_t reach_h = (s.kh - 1) * a->dilation_h, reach_w = (s.kw - 1) * a->dilation_w;
    a->pad_top = random_in(h, 0, reach_h);
    a->pad_bottom = random_in(h, 0, reach_h);
    a->pad_left = random_in(h, 0, reach_w);
    a->pad_right = random_in(h, 0, reach_w);
    s.in_h = random_in(h, 1, 4) + (a->pad_top + a->pad_bottom < reach_h ? reach_h : 0);
    s.in_w = random_in(h, 1, ONE_OF(h, 40, 40, 40, 90)) +
             (a->pad_left + a->pad_right < reach_w ? reach_w : 0);
    s.out_h = out_size(s.in_h, a->pad_top, a->pad_bottom, s.kh, a->dilation_h, a->stride_h);
    s.out_w = out_size(s.in_w, a->pad_left, a->pad_right, s.kw, a->dilation_w, a->stride_w);
    return s;
}

/*
 * Weights up to `limit` from their zero point, extremes among them; sometimes one tap much larger
 * than the others, or taps of zeros.
 */
static void fill_weights(trial *t, const shape *s, int32_t limit)
{
    harness *h = t->h;
    const lab_tensor *w = t->in[1];
    uint8_t *data = t->data[1];
    int32_t kind = random_in(h, 0, 3), peak = random_in(h, 0, s->kh * s->kw - 1);
    for (size_t i = 0; i < w->size; i++) {
        int32_t tap = (int32_t)(i / (size_t)s->n), reach = limit;
        if (kind == 1)
            reach = tap == peak ? 255 : limit / 4;
        if (kind == 2 && (tap + peak) % 3 == 0)
            reach = 0;
        int32_t v = ONE_OF(h, -1, 0, 1) ? random_in(h, -reach, reach)
                                        : (random_in(h, 0, 1) ? reach : -reach);
        v += lab_quant_zero(&w->quant, (uint32_t)(i % (size_t)s->n));
        v = v < type_min(w->dtype) ? type_min(w->dtype) : v;
        data[i] = (uint8_t)(v > type_max(w->dtype) ? type_max(w->dtype) : v);
    }
}

/* Half of the outputs have the whole range of their type from zero up, as after a ReLU. */
static void quantise(trial *t, const shape *s, lab_dtype dtype)
{
    harness *h = t->h;
    lab_tensor *x = &t->tensors[0], *w = &t->tensors[1], *y = &t->tensors[t->n_tensors - 1];
    bool i8 = dtype == LAB_I8, plain = random_in(h, 0, 1);
    int32_t lowest = i8 ? -128 : 0;
    set_quant(x, 0.02f, lowest + ONE_OF(h, 0, 1, 127, 128, 255));
    set_quant(y, 0.02f, plain ? lowest : lowest + ONE_OF(h, 0, 100, 128, 255));
    t->node.attrs.activation = plain ? LAB_ACT_NONE : (lab_activation)random_in(h, 0, 3);
    set_quant(w, random_real(h, 0.0005f, 0.02f), i8 ? 0 : ONE_OF(h, 0, 100, 128, 200, 255));
    if (!i8)
        return;
    float *scales = trial_alloc(t, (size_t)s->n, sizeof *scales);
    int32_t *zeros = trial_alloc(t, (size_t)s->n, sizeof *zeros);
    for (int32_t c = 0; c < s->n; c++)
        scales[c] = random_in(h, 0, 40) ? random_real(h, 0.0005f, 0.02f)
                                        : (float)ONE_OF(h, 0, 1000) + 6.7e-31f;
    set_channel_quant(w, 3, scales, zeros, (uint32_t)s->n);
}

/* The sum of one output value, tap by tap. */
static int64_t sum_at(const trial *t, const shape *s, int32_t oy, int32_t ox, int32_t c)
{
    const lab_attrs *a = &t->node.attrs;
    int64_t sum = t->node.n_in > 2 ? ((const int32_t *)t->data[2])[c] : 0;
    int32_t zx = t->in[0]->quant.zero_point, zw = lab_quant_zero(&t->in[1]->quant, (uint32_t)c);
    for (int32_t k = 0; k < s->kh * s->kw; k++) {
        int32_t y = oy * a->stride_h - a->pad_top + k / s->kw * a->dilation_h;
        int32_t x = ox * a->stride_w - a->pad_left + k % s->kw * a->dilation_w;
        if (y < 0 || x < 0 || y >= s->in_h || x >= s->in_w)
            continue;
        size_t at = ((size_t)y * (size_t)s->in_w + (size_t)x) * (size_t)s->n + (size_t)c;
        sum += (int64_t)(input_q8(t, 0, at) - zx) *
               (input_q8(t, 1, (size_t)k * (size_t)s->n + (size_t)c) - zw);
    }
    return sum;
}

static void check(trial *t, const shape *s)
{
    size_t i = 0;
    int32_t *expected = trial_alloc(t, tensor_count(t->out[0]), sizeof *expected);
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t c = 0; c < s->n; c++, i++) {
                float k = oracle_scale(t->in[0]->quant.scale,
                                       lab_quant_scale(&t->in[1]->quant, (uint32_t)c),
                                       t->out[0]->quant.scale);
                expected[i] =
                    oracle_requant(sum_at(t, s, y, x, c), k, t->out[0], t->node.attrs.activation);
            }
    trial_run(t);
    expect_q8(t, expected);
}

static void one_case(harness *h, lab_dtype dtype)
{
    trial t;
    trial_begin(&t, h, "depthwise_conv_2d");
    lab_attrs *a = &t.node.attrs;
    shape s = random_shape(h, a);
    trial_input(&t, false, dtype, 4, (const int32_t[]){ 1, s.in_h, s.in_w, s.n });
    trial_input(&t, true, dtype, 4, (const int32_t[]){ 1, s.kh, s.kw, s.n });
    if (random_in(h, 0, 3))
        trial_input(&t, true, LAB_I32, 1, &s.n);
    trial_output(&t, dtype, 4, (const int32_t[]){ 1, s.out_h, s.out_w, s.n });
    quantise(&t, &s, dtype);
    fill_q8(&t, 0);
    int32_t limit = ONE_OF(h, 1, 6, 20, 40, 64, 90, 128, 255);
    fill_weights(&t, &s, limit);
    /* Sums exact in float32 end at 2^24: biases on both sides of that. */
    int32_t bias = ONE_OF(h, 1000, 30000, 4000000, 5000000, 40000000, INT32_MAX - 20000000);
    for (int32_t c = 0; t.node.n_in > 2 && c < s.n; c++)
        ((int32_t *)t.data[2])[c] = random_in(h, -bias, bias);
    trial_describe(&t,
                   "dtype %d, %dx%dx%d, filter %dx%d, stride %d %d, dilation %d, pad %d %d %d %d, "
                   "act %d, weights to %d, zeros %d %d %d, bias to %d",
                   (int)dtype, s.in_h, s.in_w, s.n, s.kh, s.kw, a->stride_h, a->stride_w,
                   a->dilation_h, a->pad_top, a->pad_left, a->pad_bottom, a->pad_right,
                   (int)a->activation, limit, t.in[0]->quant.zero_point, t.in[1]->quant.zero_point,
                   t.out[0]->quant.zero_point, bias);
    check(&t, &s);
    trial_end(&t);
}

static void test_depthwise(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 2000; i++)
        one_case(&h, i % 2 ? LAB_U8 : LAB_I8);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_depthwise) };
    return cmocka_run_group_tests_name("kernels: depthwise, 8-bit", tests, NULL, NULL);
}
