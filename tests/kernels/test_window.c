/* average_pool_2d, mean, resize_bilinear, argmax, softmax against their definitions. */
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
    return dtype == LAB_I8 ? ONE_OF(h, -128, -1, 0, 127) : ONE_OF(h, 0, 127, 128, 255);
}

static lab_dtype random_type(harness *h)
{
    return (lab_dtype)ONE_OF(h, LAB_U8, LAB_I8, LAB_F32);
}

/* Element of a rank 4 tensor. */
static size_t at4(const lab_tensor *t, int32_t n, int32_t y, int32_t x, int32_t c)
{
    return ((size_t)(n * t->shape[1] + y) * (size_t)t->shape[2] + (size_t)x) * (size_t)t->shape[3] +
           (size_t)c;
}

static void fill(trial *t, uint32_t in)
{
    if (t->in[in]->dtype == LAB_F32)
        fill_f32(t, in, -5.0f, 5.0f);
    else
        fill_q8(t, in);
}

/* ---- average_pool_2d ---- */

/* Small windows, or large ones on few pixels: those of more than 256 taps among them. */
static void pool_shape(trial *t, lab_dtype dtype)
{
    harness *h = t->h;
    lab_attrs *a = &t->node.attrs;
    bool large = random_in(h, 0, 3) == 0;
    a->filter_h = random_in(h, 1, large ? 20 : 6);
    a->filter_w = random_in(h, large ? 7 : 1, large ? 40 : 6);
    a->stride_h = large ? a->filter_h : random_in(h, 1, 3);
    a->stride_w = large ? a->filter_w : random_in(h, 1, 3);
    int32_t x[4] = { random_in(h, 1, 2), random_in(h, 1, large ? 30 : 9),
                     random_in(h, 1, large ? 40 : 9), random_in(h, 1, large ? 70 : 35) };
    int32_t y[4] = { x[0], 0, 0, x[3] };
    for (int d = 0; d < 2; d++) {
        int32_t k = d ? a->filter_w : a->filter_h, stride = d ? a->stride_w : a->stride_h;
        int32_t out = (x[1 + d] + stride - 1) / stride; /* SAME: every tap can be outside */
        int32_t total = (out - 1) * stride + k - x[1 + d];
        int32_t before = total > 0 ? total / 2 : 0;
        *(d ? &a->pad_left : &a->pad_top) = before;
        *(d ? &a->pad_right : &a->pad_bottom) = total > 0 ? total - before : 0;
        y[1 + d] = out;
    }
    trial_input(t, false, dtype, 4, x);
    trial_output(t, dtype, 4, y);
}

static int32_t pool_value(const trial *t, int64_t sum, int64_t n)
{
    int32_t lo, hi;
    if (n < 1) {
        fail_msg("a window without taps (%s)", t->text);
        return 0;
    }
    int64_t v = sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
    oracle_clamp(t->out[0], t->node.attrs.activation, &lo, &hi);
    return (int32_t)(v < lo ? lo : v > hi ? hi : v);
}

/* Sum and number of the pixels in the window of output (n, oy, ox), by asking every pixel. */
static double pool_sum(const trial *t, int32_t n, int32_t oy, int32_t ox, int32_t c, int64_t *count)
{
    const lab_attrs *a = &t->node.attrs;
    double sum = 0.0;
    *count = 0;
    for (int32_t y = 0; y < t->in[0]->shape[1]; y++)
        for (int32_t x = 0; x < t->in[0]->shape[2]; x++) {
            int32_t ty = y - (oy * a->stride_h - a->pad_top);
            int32_t tx = x - (ox * a->stride_w - a->pad_left);
            if (ty < 0 || tx < 0 || ty >= a->filter_h || tx >= a->filter_w)
                continue;
            size_t i = at4(t->in[0], n, y, x, c);
            sum += t->in[0]->dtype == LAB_F32 ? (double)input_f32(t, 0, i) : input_q8(t, 0, i);
            ++*count;
        }
    return sum;
}

static void check_pool(trial *t)
{
    const int32_t *shape = t->out[0]->shape;
    size_t count = tensor_count(t->out[0]);
    int32_t *expected = trial_alloc(t, count, sizeof *expected);
    double *reals = trial_alloc(t, count, sizeof *reals);
    for (int32_t n = 0; n < shape[0]; n++)
        for (int32_t y = 0; y < shape[1]; y++)
            for (int32_t x = 0; x < shape[2]; x++)
                for (int32_t c = 0; c < shape[3]; c++) {
                    int64_t taps;
                    double sum = pool_sum(t, n, y, x, c, &taps);
                    size_t i = at4(t->out[0], n, y, x, c);
                    reals[i] = oracle_activate(sum / (double)taps, t->node.attrs.activation);
                    if (t->in[0]->dtype != LAB_F32)
                        expected[i] = pool_value(t, (int64_t)sum, taps);
                }
    trial_run(t);
    if (t->in[0]->dtype == LAB_F32)
        expect_f32(t, reals, 1e-5);
    else
        expect_q8(t, expected);
}

static void test_average_pool(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 1200; i++) {
        trial t;
        trial_begin(&t, &h, "average_pool_2d");
        lab_dtype dtype = random_type(&h);
        pool_shape(&t, dtype);
        t.node.attrs.activation = (lab_activation)random_in(&h, 0, 3);
        if (dtype != LAB_F32) {
            set_quant(&t.tensors[0], 0.05f, random_zero(&h, dtype));
            t.tensors[1].quant = t.tensors[0].quant;
        }
        fill(&t, 0);
        trial_describe(&t, "dtype %d, %dx%dx%d, filter %dx%d, stride %dx%d, act %d", (int)dtype,
                       t.in[0]->shape[1], t.in[0]->shape[2], t.in[0]->shape[3],
                       t.node.attrs.filter_h, t.node.attrs.filter_w, t.node.attrs.stride_h,
                       t.node.attrs.stride_w, (int)t.node.attrs.activation);
        check_pool(&t);
        trial_end(&t);
    }
    harness_close(&h);
}

/* ---- mean ---- */

/* Adds inputs and output; gives each input element's output element. */
static size_t *mean_shape(trial *t, lab_dtype dtype)
{
    harness *h = t->h;
    uint32_t rank = (uint32_t)random_in(h, 1, LAB_MAX_RANK), out_rank = 0;
    int32_t x[LAB_MAX_RANK], y[LAB_MAX_RANK], axes[LAB_MAX_RANK], n_axes = 0;
    bool reduced[LAB_MAX_RANK];
    t->node.attrs.keep_dims = random_in(h, 0, 1);
    for (uint32_t d = 0; d < rank; d++) {
        x[d] = random_in(h, 1, d + 1 == rank ? ONE_OF(h, 6, 6, 70) : 6);
        reduced[d] = random_in(h, 0, 1);
        if (reduced[d]) /* axes may count from the end */
            axes[n_axes++] = random_in(h, 0, 1) ? (int32_t)d : (int32_t)d - (int32_t)rank;
        if (!reduced[d] || t->node.attrs.keep_dims)
            y[out_rank++] = reduced[d] ? 1 : x[d];
    }
    if (n_axes == 0) {
        axes[n_axes++] = 0;
        reduced[0] = true;
        out_rank = 0;
        for (uint32_t d = 0; d < rank; d++)
            if (!reduced[d] || t->node.attrs.keep_dims)
                y[out_rank++] = reduced[d] ? 1 : x[d];
    }
    trial_input(t, false, dtype, rank, x);
    trial_input(t, true, LAB_I32, 1, &n_axes);
    memcpy(t->data[1], axes, (size_t)n_axes * sizeof *axes);
    trial_output(t, dtype, out_rank, y);
    size_t count = tensor_count(t->in[0]), *to = trial_alloc(t, count, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        size_t rest = i, step = 1;
        for (uint32_t d = rank; d-- > 0; rest /= (size_t)x[d])
            if (!reduced[d]) {
                to[i] += rest % (size_t)x[d] * step;
                step *= (size_t)x[d];
            }
    }
    return to;
}

static void check_mean(trial *t, const size_t *to)
{
    size_t in = tensor_count(t->in[0]), out = tensor_count(t->out[0]), n = in / out;
    double *sums = trial_alloc(t, out, sizeof *sums);
    int32_t *expected = trial_alloc(t, out, sizeof *expected);
    bool real = t->in[0]->dtype == LAB_F32;
    for (size_t i = 0; i < in; i++)
        sums[to[i]] +=
            real ? (double)input_f32(t, 0, i) : input_q8(t, 0, i) - t->in[0]->quant.zero_point;
    for (size_t i = 0; i < out; i++) {
        if (real) {
            sums[i] /= (double)n;
            continue;
        }
        float divisor = (float)((double)t->out[0]->quant.scale * (double)n);
        float k = (float)((double)t->in[0]->quant.scale / (double)divisor);
        expected[i] = oracle_requant((int64_t)sums[i], k, t->out[0], LAB_ACT_NONE);
    }
    trial_run(t);
    if (real)
        expect_f32(t, sums, 1e-6);
    else
        expect_q8(t, expected);
}

static void test_mean(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 1200; i++) {
        trial t;
        trial_begin(&t, &h, "mean");
        lab_dtype dtype = random_type(&h);
        size_t *to = mean_shape(&t, dtype);
        if (dtype != LAB_F32) {
            /* With equal scales many means are halves, where each rounding of k counts. */
            float s = random_real(&h, 0.01f, 0.1f);
            set_quant(&t.tensors[0], s, random_zero(&h, dtype));
            set_quant(&t.tensors[2], i % 2 ? s : random_real(&h, 0.01f, 0.1f),
                      random_zero(&h, dtype));
        }
        fill(&t, 0);
        trial_describe(&t, "dtype %d, rank %u to %u", (int)dtype, t.in[0]->rank, t.out[0]->rank);
        check_mean(&t, to);
        trial_end(&t);
    }
    harness_close(&h);
}

/* ---- resize_bilinear ---- */

/* Where output o samples, in float32 step by step. */
static void sample(const lab_attrs *a, int32_t in, int32_t out, int32_t o, int32_t *lo, int32_t *hi,
                   float *f)
{
    bool align = a->align_corners && out > 1;
    float scale = (float)((double)(in - align) / (double)(out - align));
    float at = (float)((double)o * (double)scale);
    if (a->half_pixel_centers) {
        float half = (float)((double)scale * 0.5);
        float shift = (float)((double)half - 0.5);
        at = (float)((double)at + (double)shift);
    }
    at = fminf(fmaxf(at, 0.0f), (float)(in - 1));
    *lo = (int32_t)floor((double)at);
    *hi = *lo + 1 < in ? *lo + 1 : in - 1;
    *f = at - (float)*lo;
}

static int64_t weight(float f)
{
    return round_half_even((double)f * 2048.0);
}

static void check_resize(trial *t)
{
    const lab_tensor *in = t->in[0], *out = t->out[0];
    size_t count = tensor_count(out);
    int32_t *expected = trial_alloc(t, count, sizeof *expected);
    double *reals = trial_alloc(t, count, sizeof *reals);
    bool real = in->dtype == LAB_F32;
    for (size_t i = 0; i < count; i++) {
        int32_t c = (int32_t)(i % (size_t)out->shape[3]);
        int32_t x = (int32_t)(i / (size_t)out->shape[3] % (size_t)out->shape[2]);
        int32_t row = (int32_t)(i / (size_t)out->shape[3] / (size_t)out->shape[2]);
        int32_t n = row / out->shape[1], y = row % out->shape[1], ys[2], xs[2];
        float fy, fx;
        sample(&t->node.attrs, in->shape[1], out->shape[1], y, &ys[0], &ys[1], &fy);
        sample(&t->node.attrs, in->shape[2], out->shape[2], x, &xs[0], &xs[1], &fx);
        int64_t sum = 0;
        for (int corner = 0; corner < 4; corner++) {
            int down = corner >> 1, right = corner & 1;
            size_t from = at4(in, n, ys[down], xs[right], c);
            if (real)
                reals[i] += (double)input_f32(t, 0, from) * (double)(down ? fy : 1.0f - fy) *
                            (double)(right ? fx : 1.0f - fx);
            else
                sum += input_q8(t, 0, from) * (down ? weight(fy) : 2048 - weight(fy)) *
                       (right ? weight(fx) : 2048 - weight(fx));
        }
        expected[i] = (int32_t)floor_div(sum + (1 << 21), 1 << 22);
    }
    trial_run(t);
    if (real)
        expect_f32(t, reals, 2e-6);
    else
        expect_q8(t, expected);
}

static void resize_case(harness *h, lab_dtype dtype, const int32_t x[4], const int32_t y[4],
                        int mode)
{
    trial t;
    trial_begin(&t, h, "resize_bilinear");
    trial_input(&t, false, dtype, 4, x);
    trial_input(&t, true, LAB_I32, 1, (const int32_t[]){ 2 });
    memcpy(t.data[1], y + 1, 2 * sizeof *y);
    trial_output(&t, dtype, 4, y);
    t.node.attrs.align_corners = mode == 1;
    t.node.attrs.half_pixel_centers = mode == 2;
    if (dtype != LAB_F32) {
        set_quant(&t.tensors[0], 0.05f, random_zero(h, dtype));
        t.tensors[2].quant = t.tensors[0].quant;
    }
    fill(&t, 0);
    trial_describe(&t, "dtype %d, %dx%d to %dx%d, %d channels, mode %d", (int)dtype, x[1], x[2],
                   y[1], y[2], x[3], mode);
    check_resize(&t);
    trial_end(&t);
}

static void test_resize(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 900; i++) {
        int32_t x[4] = { random_in(&h, 1, 2), random_in(&h, 1, 9), random_in(&h, 1, 9),
                         random_in(&h, 1, 44) };
        int32_t y[4] = { x[0], random_in(&h, 1, 40), random_in(&h, 1, 40), x[3] };
        resize_case(&h, random_type(&h), x, y, random_in(&h, 0, 2));
    }
    harness_close(&h);
}

/*
 * The rule for ratios d that are powers of two as the contract words it: integer positions and
 * weights in 1/d, (sum + d^2 / 2) >> 2 log2(d).
 */
static void power_of_two_case(harness *h, lab_dtype dtype, int32_t size, int32_t d, bool align)
{
    int32_t out = align ? (size - 1) * d + 1 : size * d;
    int32_t channels = size > 18 ? ONE_OF(h, 1, 5) : ONE_OF(h, 1, 9, 16, 35);
    trial t;
    trial_begin(&t, h, "resize_bilinear");
    trial_input(&t, false, dtype, 4, (const int32_t[]){ 1, size, size, channels });
    trial_input(&t, true, LAB_I32, 1, (const int32_t[]){ 2 });
    ((int32_t *)t.data[1])[0] = ((int32_t *)t.data[1])[1] = out;
    trial_output(&t, dtype, 4, (const int32_t[]){ 1, out, out, channels });
    t.node.attrs.align_corners = align;
    set_quant(&t.tensors[0], 0.05f, random_zero(h, dtype));
    t.tensors[2].quant = t.tensors[0].quant;
    fill_q8(&t, 0);
    int32_t *expected = trial_alloc(&t, tensor_count(t.out[0]), sizeof *expected);
    for (size_t i = 0; i < tensor_count(t.out[0]); i++) {
        int32_t c = (int32_t)(i % (size_t)channels), o[2];
        o[0] = (int32_t)(i / (size_t)channels / (size_t)out);
        o[1] = (int32_t)(i / (size_t)channels % (size_t)out);
        int64_t sum = 0;
        for (int corner = 0; corner < 4; corner++) {
            int32_t at[2], product = 1;
            for (int k = 0; k < 2; k++) {
                bool far = k ? corner & 1 : corner >> 1;
                at[k] = far && o[k] / d + 1 < size ? o[k] / d + 1 : o[k] / d;
                product *= far ? o[k] % d : d - o[k] % d;
            }
            sum += (int64_t)product * input_q8(&t, 0, at4(t.in[0], 0, at[0], at[1], c));
        }
        expected[i] = (int32_t)floor_div(sum + (int64_t)d * d / 2, (int64_t)d * d);
    }
    trial_describe(&t, "dtype %d, %d to %d, ratio %d, align %d", (int)dtype, size, out, d, align);
    trial_run(&t);
    expect_q8(&t, expected);
    trial_end(&t);
}

static void test_resize_powers_of_two(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int32_t size = 2; size <= 34; size += 4)
        for (int32_t d = 1; d <= 16; d *= 2)
            for (int align = 0; align < 2; align++) {
                power_of_two_case(&h, LAB_U8, size, d, align);
                power_of_two_case(&h, LAB_I8, size, d, align);
            }
    harness_close(&h);
}

/* ---- argmax ---- */

static void argmax_case(harness *h, lab_dtype dtype)
{
    trial t;
    trial_begin(&t, h, "argmax");
    int32_t x[LAB_MAX_RANK], y[LAB_MAX_RANK];
    uint32_t rank = (uint32_t)random_in(h, 1, LAB_MAX_RANK), out_rank = 0;
    int32_t axis = random_in(h, 0, (int32_t)rank - 1);
    for (uint32_t d = 0; d < rank; d++) {
        x[d] = random_in(h, 1, 7);
        if ((int32_t)d != axis)
            y[out_rank++] = x[d];
    }
    x[axis] = ONE_OF(h, 1, 2, 19, 21, 32);
    lab_tensor *in = trial_input(&t, false, dtype, rank, x);
    trial_input(&t, true, LAB_I32, 0, x);
    ((int32_t *)t.data[1])[0] = axis;
    bool wide = random_in(h, 0, 1);
    trial_output(&t, wide ? LAB_I64 : LAB_I32, out_rank, y);
    t.node.attrs.axis = axis;
    if (dtype != LAB_F32)
        set_quant(in, 0.05f, random_zero(h, dtype));
    size_t inner = 1, count = tensor_count(t.out[0]), n = (size_t)x[axis];
    for (uint32_t d = (uint32_t)axis + 1; d < rank; d++)
        inner *= (size_t)x[d];
    for (size_t i = 0; i < tensor_count(t.in[0]); i++) { /* few values: many ties */
        int32_t v = random_in(h, -3, 3);
        if (dtype == LAB_F32)
            ((float *)t.data[0])[i] = (float)v;
        else
            ((uint8_t *)t.data[0])[i] = (uint8_t)(dtype == LAB_U8 ? 128 + v : v);
    }
    uint8_t *expected = trial_alloc(&t, count, 8);
    for (size_t i = 0; i < count; i++) {
        size_t best = 0;
        double most = -INFINITY;
        for (size_t k = n; k-- > 0;) { /* from the end: the last to reach the maximum is lowest */
            size_t from = (i / inner * n + k) * inner + i % inner;
            double v =
                dtype == LAB_F32 ? (double)input_f32(&t, 0, from) : (double)input_q8(&t, 0, from);
            best = v >= most ? k : best;
            most = v >= most ? v : most;
        }
        if (wide)
            ((int64_t *)(void *)expected)[i] = (int64_t)best;
        else
            ((int32_t *)(void *)expected)[i] = (int32_t)best;
    }
    trial_describe(&t, "dtype %d, rank %u, axis %d of %zu", (int)dtype, rank, axis, n);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_argmax(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 1200; i++)
        argmax_case(&h, random_type(&h));
    harness_close(&h);
}

/* ---- softmax ---- */

static void softmax_case(harness *h, lab_dtype dtype)
{
    trial t;
    trial_begin(&t, h, "softmax");
    const int32_t shape[] = { random_in(h, 1, 3), random_in(h, 1, 9), random_in(h, 1, 40) };
    lab_tensor *in = trial_input(&t, false, dtype, 3, shape);
    lab_tensor *out = trial_output(&t, dtype, 3, shape);
    t.node.attrs.axis = 2;
    t.node.attrs.beta = random_in(h, 0, 1) ? 1.0f : 0.5f;
    set_quant(in, 0.05f, dtype == LAB_F32 ? 0 : random_zero(h, dtype));
    set_quant(out, 1.0f / 256.0f, dtype == LAB_I8 ? -128 : 0);
    if (dtype == LAB_F32)
        in->quant = out->quant = (lab_quant){ 0 };
    fill(&t, 0);
    size_t n = (size_t)shape[2], count = tensor_count(t.out[0]);
    int32_t *expected = trial_alloc(&t, count, sizeof *expected);
    double *reals = trial_alloc(&t, count, sizeof *reals);
    for (size_t i = 0; i < count; i++) {
        /* 1 / sum over j of exp(x[j] - x[i]): the same quotient, from the other side */
        double sum = 0.0;
        for (size_t j = i / n * n; j < i / n * n + n; j++) {
            double d = dtype == LAB_F32
                           ? (double)input_f32(&t, 0, j) - (double)input_f32(&t, 0, i)
                           : (double)in->quant.scale * (input_q8(&t, 0, j) - input_q8(&t, 0, i));
            sum += exp((double)t.node.attrs.beta * d);
        }
        reals[i] = 1.0 / sum;
        int64_t v = round_half_even(256.0 / sum) + out->quant.zero_point;
        expected[i] = (int32_t)(v > type_max(dtype) ? type_max(dtype) : v);
    }
    trial_describe(&t, "dtype %d, %d values, beta %g", (int)dtype, shape[2],
                   (double)t.node.attrs.beta);
    trial_run(&t);
    if (dtype == LAB_F32)
        expect_f32(&t, reals, 1e-6);
    else
        expect_q8(&t, expected);
    trial_end(&t);
}

static void test_softmax(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 600; i++)
        softmax_case(&h, random_type(&h));
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average_pool), cmocka_unit_test(test_mean),
        cmocka_unit_test(test_resize),       cmocka_unit_test(test_resize_powers_of_two),
        cmocka_unit_test(test_argmax),       cmocka_unit_test(test_softmax),
    };
    return cmocka_run_group_tests_name("kernels: windows", tests, NULL, NULL);
}
