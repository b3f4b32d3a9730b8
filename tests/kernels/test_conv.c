/*
 * Convolutions and matrix products against sums written out tap by tap: conv_2d, depthwise_conv_2d,
 * transpose_conv_2d, Convolution2DTransposeBias, fully_connected; in u8, i8 and float.
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

#define SWEEP 1500 /* random cases for each type */

typedef enum op_kind { CONV, DEPTHWISE, TRANSPOSE, MEDIAPIPE, FULLY_CONNECTED } op_kind;

/* One case: all that a convolution can be asked. */
typedef struct shape {
    int32_t n, in_h, in_w, in_c, out_h, out_w, out_c, kh, kw, multiplier;
    uint32_t x, w, bias; /* positions of the inputs */
} shape;

static int32_t random_zero(harness *h, lab_dtype dtype)
{
    return dtype == LAB_I8 ? ONE_OF(h, -128, -1, 0, 127) : ONE_OF(h, 0, 127, 128, 255);
}

/* ---- shapes ---- */

static int32_t window_size(int32_t in, int32_t before, int32_t after, int32_t k, int32_t dilation,
                           int32_t stride)
{
    return (in + before + after - (k - 1) * dilation - 1) / stride + 1;
}

/*
 * Batch, channels, filter and stride. Some are of the kinds that fast kernels treat apart: the
 * 1x1 convolution that visits each pixel once, depthwise filters of many channels, 3x3 and 5x5.
 */
static shape random_filter(harness *h, op_kind kind, lab_attrs *a)
{
    bool special = random_in(h, 0, 2) == 0;
    bool pointwise = special && kind == CONV, wide = special && kind == DEPTHWISE;
    shape s = { 0 };
    s.n = random_in(h, 1, 2);
    s.in_c = random_in(h, 1, special ? 70 : 19);
    s.out_c = random_in(h, 1, 37);
    s.multiplier = wide ? 1 : random_in(h, 1, 3);
    if (kind == DEPTHWISE)
        s.out_c = s.in_c * s.multiplier;
    int32_t square = ONE_OF(h, 3, 5);
    s.kh = pointwise ? 1 : wide ? square : random_in(h, 1, 5);
    s.kw = pointwise ? 1 : wide ? square : random_in(h, 1, 5);
    a->stride_h = pointwise ? 1 : random_in(h, 1, 3);
    a->stride_w = pointwise ? 1 : random_in(h, 1, 3);
    return s;
}

/* A random geometry; paddings reach from none to all but one tap on every side. */
static shape random_geometry(harness *h, op_kind kind, lab_attrs *a)
{
    shape s = random_filter(h, kind, a);
    bool dilates = kind == CONV || kind == DEPTHWISE;
    a->dilation_h = dilates ? ONE_OF(h, 1, 2, 4) : 1;
    a->dilation_w = dilates ? ONE_OF(h, 1, 2, 4) : 1;
    int32_t eff_h = (s.kh - 1) * a->dilation_h + 1, eff_w = (s.kw - 1) * a->dilation_w + 1;
    a->pad_top = random_in(h, 0, eff_h - 1);
    a->pad_bottom = random_in(h, 0, eff_h - 1);
    a->pad_left = random_in(h, 0, eff_w - 1);
    a->pad_right = random_in(h, 0, eff_w - 1);
    s.in_h = random_in(h, 1, 9);
    s.in_w = random_in(h, 1, 9);
    while (s.in_h + a->pad_top + a->pad_bottom < eff_h)
        s.in_h++;
    while (s.in_w + a->pad_left + a->pad_right < eff_w)
        s.in_w++;
    s.out_h = window_size(s.in_h, a->pad_top, a->pad_bottom, s.kh, a->dilation_h, a->stride_h);
    s.out_w = window_size(s.in_w, a->pad_left, a->pad_right, s.kw, a->dilation_w, a->stride_w);
    s.x = 0;
    s.w = 1;
    s.bias = 2;
    return s;
}

/* For the transpose operators the window runs from the output to the input. */
static void turn_round(shape *s, op_kind kind)
{
    int32_t h = s->in_h, w = s->in_w;
    s->in_h = s->out_h;
    s->in_w = s->out_w;
    s->out_h = h;
    s->out_w = w;
    if (kind == TRANSPOSE) {
        s->x = 2;
        s->bias = 3;
    }
}

static shape random_shape(harness *h, op_kind kind, lab_attrs *a)
{
    shape s = random_geometry(h, kind, a);
    if (kind == TRANSPOSE || kind == MEDIAPIPE)
        turn_round(&s, kind);
    if (kind == FULLY_CONNECTED) {
        s.in_h = s.in_w = s.out_h = s.out_w = s.kh = s.kw = 1;
        s.n = random_in(h, 1, 9);
        s.in_c = random_in(h, 1, 70);
        memset(a, 0, sizeof *a);
        a->stride_h = a->stride_w = a->dilation_h = a->dilation_w = 1;
    }
    return s;
}

static const char *op_name(op_kind kind)
{
    static const char *const names[] = { "conv_2d", "depthwise_conv_2d", "transpose_conv_2d",
                                         "Convolution2DTransposeBias", "fully_connected" };
    return names[kind];
}

static void describe(trial *t, const shape *s)
{
    const lab_attrs *a = &t->node.attrs;
    trial_describe(t,
                   "%s, x %dx%dx%dx%d, y %dx%dx%d, filter %dx%d, stride %d %d, dilation %d %d, "
                   "pad %d %d %d %d, act %d, dtype %d, zeros %d %d %d",
                   t->node.op, s->n, s->in_h, s->in_w, s->in_c, s->out_h, s->out_w, s->out_c, s->kh,
                   s->kw, a->stride_h, a->stride_w, a->dilation_h, a->dilation_w, a->pad_top,
                   a->pad_left, a->pad_bottom, a->pad_right, (int)a->activation,
                   (int)t->in[s->x]->dtype, t->in[s->x]->quant.zero_point,
                   t->in[s->w]->quant.zero_point, t->out[0]->quant.zero_point);
}

/* Adds the tensors in the order of the operator; the filter is constant, the bias may be absent. */
static void add_tensors(trial *t, const shape *s, op_kind kind, lab_dtype dtype)
{
    bool real = dtype == LAB_F32;
    const int32_t x[] = { s->n, s->in_h, s->in_w, s->in_c };
    const int32_t y[] = { s->n, s->out_h, s->out_w, s->out_c };
    const int32_t w[] = { s->out_c, s->kh, s->kw, s->in_c };
    const int32_t dw[] = { 1, s->kh, s->kw, s->out_c };
    const int32_t fc[] = { s->out_c, s->in_c };
    if (kind == TRANSPOSE) {
        trial_input(t, true, LAB_I32, 1, (const int32_t[]){ 4 });
        memcpy(t->data[0], y, sizeof y);
        trial_input(t, true, dtype, 4, w);
        trial_input(t, false, dtype, 4, x);
    } else {
        trial_input(t, false, dtype, 4, x);
        trial_input(t, true, dtype, kind == FULLY_CONNECTED ? 2 : 4,
                    kind == FULLY_CONNECTED ? fc
                    : kind == DEPTHWISE     ? dw
                                            : w);
    }
    if (kind == MEDIAPIPE || random_in(t->h, 0, 3) > 0)
        trial_input(t, true, real ? LAB_F32 : LAB_I32, 1, (const int32_t[]){ s->out_c });
    else if (random_in(t->h, 0, 1))
        trial_absent(t);
    trial_output(t, dtype, 4, y);
}

static bool has_bias(const trial *t, const shape *s)
{
    return s->bias < t->node.n_in && t->in[s->bias];
}

/* ---- quantisation ---- */

/* Scales such that outputs are spread, or saturate, or all fall on the zero point. */
static void quantise(trial *t, const shape *s, op_kind kind)
{
    harness *h = t->h;
    /* Tensors are numbered like inputs; the output is the last. */
    lab_tensor *x = &t->tensors[s->x], *w = &t->tensors[s->w];
    lab_tensor *y = &t->tensors[t->n_tensors - 1];
    float sx = random_real(h, 0.001f, 0.1f);
    set_quant(x, sx, random_zero(h, x->dtype));
    float spread = ldexpf(random_real(h, 0.5f, 1.0f), random_in(h, -12, 0));
    set_quant(y, sx, random_zero(h, y->dtype));
    y->quant.scale = random_in(h, 0, 5) ? sx : 6.0f / 255.0f;
    if (x->dtype == LAB_U8 || random_in(h, 0, 3) == 0) {
        set_quant(w, spread, x->dtype == LAB_I8 ? 0 : random_zero(h, LAB_U8));
        return;
    }
    uint32_t n = (uint32_t)s->out_c;
    float *scales = trial_alloc(t, n, sizeof *scales);
    int32_t *zeros = trial_alloc(t, n, sizeof *zeros);
    for (uint32_t c = 0; c < n; c++) {
        scales[c] = ldexpf(random_real(h, 0.5f, 1.0f), random_in(h, -12, 0));
        if (random_in(h, 0, 15) == 0)
            scales[c] = 6.7e-31f; /* a dead channel */
    }
    set_channel_quant(w, kind == DEPTHWISE ? 3 : 0, scales, zeros, n);
}

/* Mostly of the size of the sums, sometimes near the ends of int32. */
static void fill_bias(trial *t, uint32_t in)
{
    int32_t *bias = t->data[in];
    for (size_t i = 0; i < tensor_count(t->in[in]); i++) {
        bias[i] = random_in(t->h, -20000, 20000);
        if (random_in(t->h, 0, 9) == 0)
            bias[i] = random_in(t->h, 0, 1) ? INT32_MAX - random_in(t->h, 0, 3000000)
                                            : INT32_MIN + random_in(t->h, 0, 3000000);
    }
}

/* ---- oracles: every pair of input pixel and tap, where does it go? ---- */

/* Index of the output pixel that input pixel (iy, ix) reaches through tap (ky, kx); -1: none. */
static int64_t reached(const shape *s, const lab_attrs *a, op_kind kind, int32_t iy, int32_t ix,
                       int32_t ky, int32_t kx)
{
    int32_t oy, ox;
    if (kind == TRANSPOSE || kind == MEDIAPIPE) {
        oy = iy * a->stride_h - a->pad_top + ky;
        ox = ix * a->stride_w - a->pad_left + kx;
    } else {
        int32_t ry = iy + a->pad_top - ky * a->dilation_h;
        int32_t rx = ix + a->pad_left - kx * a->dilation_w;
        if (ry < 0 || rx < 0 || ry % a->stride_h || rx % a->stride_w)
            return -1;
        oy = ry / a->stride_h;
        ox = rx / a->stride_w;
    }
    if (oy < 0 || ox < 0 || oy >= s->out_h || ox >= s->out_w)
        return -1;
    return (int64_t)oy * s->out_w + ox;
}

typedef void tap_fn(trial *t, const shape *s, op_kind kind, size_t x, size_t w, size_t y,
                    void *sums);

/* Calls fn for each product of the convolution, in no order a kernel would take. */
static void each_product(trial *t, const shape *s, op_kind kind, tap_fn *fn, void *sums)
{
    const lab_attrs *a = &t->node.attrs;
    for (int32_t ky = s->kh - 1; ky >= 0; ky--)
        for (int32_t kx = 0; kx < s->kw; kx++)
            for (int32_t p = 0; p < s->n * s->in_h * s->in_w; p++) {
                int32_t n = p / (s->in_h * s->in_w), iy = p / s->in_w % s->in_h, ix = p % s->in_w;
                int64_t pixel = reached(s, a, kind, iy, ix, ky, kx);
                if (pixel < 0)
                    continue;
                size_t y =
                    ((size_t)n * (size_t)(s->out_h * s->out_w) + (size_t)pixel) * (size_t)s->out_c;
                size_t w = (size_t)ky * (size_t)s->kw + (size_t)kx;
                fn(t, s, kind, (size_t)p * (size_t)s->in_c, w, y, sums);
            }
}

/* Element of the filter for tap number `tap`, input channel `i`, output channel `o`. */
static size_t filter_at(const shape *s, size_t tap, int32_t i, int32_t o)
{
    return ((size_t)o * (size_t)(s->kh * s->kw) + tap) * (size_t)s->in_c + (size_t)i;
}

static void products_q8(trial *t, const shape *s, op_kind kind, size_t x, size_t w, size_t y,
                        void *sums)
{
    int64_t *acc = sums;
    const lab_tensor *wt = t->in[s->w];
    int32_t zx = t->in[s->x]->quant.zero_point;
    for (int32_t o = 0; o < s->out_c; o++) {
        int32_t zw = lab_quant_zero(&wt->quant, (uint32_t)o);
        if (kind == DEPTHWISE) {
            acc[y + (size_t)o] +=
                (int64_t)(input_q8(t, s->x, x + (size_t)(o / s->multiplier)) - zx) *
                (input_q8(t, s->w, w * (size_t)s->out_c + (size_t)o) - zw);
            continue;
        }
        for (int32_t i = 0; i < s->in_c; i++)
            acc[y + (size_t)o] += (int64_t)(input_q8(t, s->x, x + (size_t)i) - zx) *
                                  (input_q8(t, s->w, filter_at(s, w, i, o)) - zw);
    }
}

static void products_f32(trial *t, const shape *s, op_kind kind, size_t x, size_t w, size_t y,
                         void *sums)
{
    double *acc = sums;
    for (int32_t o = 0; o < s->out_c; o++) {
        if (kind == DEPTHWISE) {
            acc[y + (size_t)o] += (double)input_f32(t, s->x, x + (size_t)(o / s->multiplier)) *
                                  (double)input_f32(t, s->w, w * (size_t)s->out_c + (size_t)o);
            continue;
        }
        for (int32_t i = 0; i < s->in_c; i++)
            acc[y + (size_t)o] += (double)input_f32(t, s->x, x + (size_t)i) *
                                  (double)input_f32(t, s->w, filter_at(s, w, i, o));
    }
}

/* ---- the sweeps ---- */

static void check_q8(trial *t, const shape *s, op_kind kind)
{
    size_t count = tensor_count(t->out[0]);
    int64_t *acc = trial_alloc(t, count, sizeof *acc);
    int32_t *expected = trial_alloc(t, count, sizeof *expected);
    for (size_t i = 0; i < count; i++)
        if (has_bias(t, s))
            acc[i] = ((const int32_t *)t->data[s->bias])[i % (size_t)s->out_c];
    each_product(t, s, kind, products_q8, acc);
    for (size_t i = 0; i < count; i++) {
        uint32_t c = (uint32_t)(i % (size_t)s->out_c);
        float k = oracle_scale(t->in[s->x]->quant.scale, lab_quant_scale(&t->in[s->w]->quant, c),
                               t->out[0]->quant.scale);
        expected[i] = oracle_requant(acc[i], k, t->out[0], t->node.attrs.activation);
    }
    trial_run(t);
    expect_q8(t, expected);
}

static void sweep_q8(harness *h, op_kind kind)
{
    for (int i = 0; i < SWEEP; i++) {
        trial t;
        trial_begin(&t, h, op_name(kind));
        shape s = random_shape(h, kind, &t.node.attrs);
        t.node.attrs.depth_multiplier = s.multiplier;
        t.node.attrs.activation = (lab_activation)random_in(h, 0, 3);
        add_tensors(&t, &s, kind, random_in(h, 0, 1) ? LAB_U8 : LAB_I8);
        quantise(&t, &s, kind);
        fill_q8(&t, s.x);
        fill_q8(&t, s.w);
        if (has_bias(&t, &s))
            fill_bias(&t, s.bias);
        describe(&t, &s);
        check_q8(&t, &s, kind);
        trial_end(&t);
    }
}

static void check_f32(trial *t, const shape *s, op_kind kind)
{
    size_t count = tensor_count(t->out[0]);
    double *expected = trial_alloc(t, count, sizeof *expected);
    for (size_t i = 0; i < count; i++)
        if (has_bias(t, s))
            expected[i] = (double)((const float *)t->data[s->bias])[i % (size_t)s->out_c];
    each_product(t, s, kind, products_f32, expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = oracle_activate(expected[i], t->node.attrs.activation);
    trial_run(t);
    expect_f32(t, expected, 2e-5);
}

static void sweep_f32(harness *h, op_kind kind)
{
    for (int i = 0; i < SWEEP / 3; i++) {
        trial t;
        trial_begin(&t, h, op_name(kind));
        shape s = random_shape(h, kind, &t.node.attrs);
        t.node.attrs.depth_multiplier = s.multiplier;
        t.node.attrs.activation = (lab_activation)random_in(h, 0, 3);
        add_tensors(&t, &s, kind, LAB_F32);
        fill_f32(&t, s.x, -2.0f, 2.0f);
        fill_f32(&t, s.w, -1.0f, 1.0f);
        if (has_bias(&t, &s))
            fill_f32(&t, s.bias, -1.0f, 1.0f);
        describe(&t, &s);
        check_f32(&t, &s, kind);
        trial_end(&t);
    }
}

static void sweep(op_kind kind)
{
    harness h;
    harness_open(&h);
    sweep_q8(&h, kind);
    sweep_f32(&h, kind);
    harness_close(&h);
}

static void test_conv(void **state)
{
    (void)state;
    sweep(CONV);
}

/* Many channels, some full panels and some not, more pixels than are multiplied at once. */
static shape heavy_shape(harness *h, lab_attrs *a)
{
    shape s = { .n = random_in(h, 1, 2), .x = 0, .w = 1, .bias = 2, .multiplier = 1 };
    s.kh = s.kw = ONE_OF(h, 1, 1, 3);
    s.in_c = s.kh == 1 ? random_in(h, 60, 300) : random_in(h, 1, 70);
    s.out_c = ONE_OF(h, 5, 8, 9, 16, 19, 21, 24, 31, 48);
    s.in_h = random_in(h, 1, 6);
    s.in_w = random_in(h, 1, 30);
    a->stride_h = a->stride_w = s.kh == 1 ? ONE_OF(h, 1, 1, 2) : 1;
    a->dilation_h = a->dilation_w = s.kh == 3 ? ONE_OF(h, 1, 2) : 1;
    a->pad_top = a->pad_left = a->pad_bottom = a->pad_right = s.kh / 2 * a->dilation_h;
    s.out_h = (s.in_h - 1) / a->stride_h + 1;
    s.out_w = (s.in_w - 1) / a->stride_w + 1;
    return s;
}

/*
 * Near their zero point as trained weights are, nearer or less near, but for neighbours at the ends
 * here and there.
 */
static void fill_heavy(trial *t, uint32_t in)
{
    const lab_tensor *w = t->in[in];
    uint8_t *to = t->data[in];
    uint8_t zero = (uint8_t)lab_quant_zero(&w->quant, 0);
    int32_t few = ONE_OF(t->h, 3, 20, 400, 4000), near = ONE_OF(t->h, 6, 12, 20, 30);
    for (size_t i = 0; i < tensor_count(w); i++) {
        to[i] = (uint8_t)(zero + random_in(t->h, -near, near));
        if (random_in(t->h, 0, few) == 0)
            to[i] = (uint8_t)ONE_OF(t->h, 0, 1, 127, 128, 129, 255);
        if (i > 0 && random_in(t->h, 0, few) == 0)
            to[i] = to[i - 1];
    }
}

static void test_conv_heavy_weights(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 250; i++) {
        trial t;
        trial_begin(&t, &h, op_name(CONV));
        shape s = heavy_shape(&h, &t.node.attrs);
        t.node.attrs.activation = (lab_activation)random_in(&h, 0, 3);
        add_tensors(&t, &s, CONV, random_in(&h, 0, 1) ? LAB_U8 : LAB_I8);
        quantise(&t, &s, CONV);
        fill_q8(&t, s.x);
        fill_heavy(&t, s.w);
        if (has_bias(&t, &s))
            fill_bias(&t, s.bias);
        describe(&t, &s);
        check_q8(&t, &s, CONV);
        trial_end(&t);
    }
    harness_close(&h);
}

static void test_depthwise(void **state)
{
    (void)state;
    sweep(DEPTHWISE);
}

static void test_transpose_conv(void **state)
{
    (void)state;
    sweep(TRANSPOSE);
}

static void test_mediapipe(void **state)
{
    (void)state;
    sweep(MEDIAPIPE);
}

static void test_fully_connected(void **state)
{
    (void)state;
    sweep(FULLY_CONNECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),      cmocka_unit_test(test_conv_heavy_weights),
        cmocka_unit_test(test_depthwise), cmocka_unit_test(test_transpose_conv),
        cmocka_unit_test(test_mediapipe), cmocka_unit_test(test_fully_connected),
    };
    return cmocka_run_group_tests_name("kernels: convolutions", tests, NULL, NULL);
}
