/* From logits to maps and masks, against the same by brute force over every class and pixel. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

static ops_host host;

typedef struct grid_spec {
    int h, w, classes;
    lab_dtype dtype;
    int levels; /* few: many ties */
} grid_spec;

/* Blobs rather than noise, so that whole cells agree; a few levels, so that classes tie. */
static void make_grid(const grid_spec *g, uint32_t *seed, lab_tensor *out)
{
    const int32_t shape[4] = { 1, g->h, g->w, g->classes };
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, g->dtype, 4, shape, out, NULL), LAB_OK);
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++)
            for (int k = 0; k < g->classes; k++) {
                int patch = ((x / 3) * 7 + (y / 3) * 5) % g->classes;
                int v = (int)(random_next(seed) % (uint32_t)g->levels) + (patch == k ? 2 : 0);
                size_t i = ((size_t)y * g->w + x) * (size_t)g->classes + k;
                if (g->dtype == LAB_F32)
                    ((float *)out->data)[i] = (float)v * 0.37f - 3.0f;
                else if (g->dtype == LAB_I8)
                    ((int8_t *)out->data)[i] = (int8_t)(v % 250 - 125);
                else
                    ((uint8_t *)out->data)[i] = (uint8_t)(v % 256);
            }
}

static double value(const lab_tensor *t, int y, int x, int k)
{
    size_t i = ((size_t)y * (size_t)t->shape[2] + (size_t)x) * (size_t)t->shape[3] + (size_t)k;
    if (t->dtype == LAB_F32)
        return ((float *)t->data)[i];
    return t->dtype == LAB_I8 ? ((int8_t *)t->data)[i] : ((uint8_t *)t->data)[i];
}

typedef struct coordinate {
    int lo, hi, weight; /* of 2048 */
    double fraction;
} coordinate;

static coordinate locate(double scale, double offset, int i, int n)
{
    double u = fmin(fmax(scale * i + offset, 0.0), n - 1.0);
    coordinate c = { .lo = (int)floor(u) };
    c.hi = c.lo + 1 < n ? c.lo + 1 : c.lo;
    c.fraction = u - c.lo;
    c.weight = (int)nearbyint(c.fraction * 2048.0);
    return c;
}

/* The arg-max over exact or rounded values by 64-bit arithmetic. */
static int oracle_int(const lab_tensor *t, coordinate y, coordinate x, bool levels)
{
    int best = 0;
    int64_t most = INT64_MIN;
    for (int k = 0; k < t->shape[3]; k++) {
        double sum =
            (value(t, y.lo, x.lo, k) * (2048 - x.weight) + value(t, y.lo, x.hi, k) * x.weight) *
                (2048 - y.weight) +
            (value(t, y.hi, x.lo, k) * (2048 - x.weight) + value(t, y.hi, x.hi, k) * x.weight) *
                y.weight;
        /* Exact in double: below 2^53. */
        int64_t v = levels ? (int64_t)floor(sum / 4194304.0 + 0.5) : (int64_t)sum;
        if (v > most) {
            most = v;
            best = k;
        }
    }
    return best;
}

static float interpolate_f32(const lab_tensor *t, coordinate y, coordinate x, int k)
{
    float fy = (float)y.fraction, fx = (float)x.fraction;
    float left = (float)value(t, y.lo, x.lo, k) * (1.0f - fy) + (float)value(t, y.hi, x.lo, k) * fy;
    float right =
        (float)value(t, y.lo, x.hi, k) * (1.0f - fy) + (float)value(t, y.hi, x.hi, k) * fy;
    return left * (1.0f - fx) + right * fx;
}

typedef struct mapping {
    int width, height;
    double xs, xo, ys, yo;
    bool levels;
} mapping;

static void check_argmax(const lab_tensor *t, const mapping *m)
{
    lab_tensor out;
    op_tensor(&host, "tensor.upsample_argmax", t,
              ARGS(ARG_I("width", m->width), ARG_I("height", m->height), ARG_F("x_scale", m->xs),
                   ARG_F("x_offset", m->xo), ARG_F("y_scale", m->ys), ARG_F("y_offset", m->yo),
                   ARG_L("levels", m->levels)),
              &out);
    assert_int_equal(out.kind, LAB_LABELMAP);
    assert_int_equal(out.dtype, t->shape[3] > 256 ? LAB_U16 : LAB_U8);
    for (int y = 0; y < m->height; y++) {
        for (int x = 0; x < m->width; x++) {
            coordinate cy = locate(m->ys, m->yo, y, t->shape[1]);
            coordinate cx = locate(m->xs, m->xo, x, t->shape[2]);
            size_t i = (size_t)y * (size_t)m->width + (size_t)x;
            int got = out.dtype == LAB_U16 ? ((uint16_t *)out.data)[i] : ((uint8_t *)out.data)[i];
            bool right;
            if (t->dtype == LAB_F32) { /* the winner's value is reached by none before it */
                float mine = interpolate_f32(t, cy, cx, got);
                right = true;
                for (int k = 0; k < t->shape[3]; k++)
                    right = right && interpolate_f32(t, cy, cx, k) <= mine;
            } else {
                right = got == oracle_int(t, cy, cx, m->levels);
            }
            if (!right)
                fail_msg("%dx%dx%d dtype %d to %dx%d at %d,%d: class %d", t->shape[1], t->shape[2],
                         t->shape[3], t->dtype, m->width, m->height, x, y, got);
        }
    }
    lab_tensor_clear(&out);
}

static void random_grids(void **state)
{
    (void)state;
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_F32 };
    uint32_t seed = 4242;
    for (int round = 0; round < 240; round++) {
        uint32_t r = random_next(&seed);
        grid_spec g = { 1 + (int)(r % 9), 1 + (int)(r / 9 % 11), 2 + (int)(r / 99 % 24),
                        dtypes[round % 3],
                        round % 4 == 0   ? 3
                        : round % 4 == 1 ? 12
                                         : 250 };
        if (round % 40 == 39)
            g.classes = 300;
        lab_tensor t;
        make_grid(&g, &seed, &t);
        double unit = (double)(random_next(&seed) % 1000) / 1000.0;
        mapping m = { .width = 1 + (int)(random_next(&seed) % 150),
                      .height = 1 + (int)(random_next(&seed) % 70) };
        m.xs = (double)g.w / m.width * (0.5 + unit);
        m.ys = (double)g.h / m.height * (0.6 + unit / 2);
        m.xo = unit - 1.0; /* beyond the grid on both sides: clamped */
        m.yo = 0.3 - unit;
        m.levels = round % 2 == 0;
        if (round % 11 == 0)
            m.xs = -m.xs, m.xo = g.w - 1; /* mirrored */
        check_argmax(&t, &m);
        lab_tensor_clear(&t);
    }
}

/* At ratio 16 with aligned corners: the network's own last two operators in the contract's exact
 * arithmetic, (s + 128) >> 8 over weights of 1/16. */
static void ratio_16_is_the_networks_own(void **state)
{
    (void)state;
    uint32_t seed = 77;
    for (int round = 0; round < 12; round++) {
        grid_spec g = { 5, 7, 21, round % 2 ? LAB_I8 : LAB_U8,
                        round < 4   ? 4
                        : round < 8 ? 30
                                    : 240 };
        lab_tensor t, out;
        make_grid(&g, &seed, &t);
        int ow = (g.w - 1) * 16 + 1, oh = (g.h - 1) * 16 + 1;
        op_tensor(&host, "tensor.upsample_argmax", &t,
                  ARGS(ARG_I("width", ow), ARG_I("height", oh), ARG_F("x_scale", 1.0 / 16),
                       ARG_F("y_scale", 1.0 / 16), ARG_L("levels", true)),
                  &out);
        for (int o = 0; o < ow * oh; o++) {
            int x = o % ow, y = o / ow, xl = x / 16, yl = y / 16, fx = x % 16, fy = y % 16;
            int xh = xl + 1 < g.w ? xl + 1 : xl, yh = yl + 1 < g.h ? yl + 1 : yl;
            int best = 0, most = INT32_MIN;
            for (int k = 0; k < g.classes; k++) {
                int s = (int)value(&t, yl, xl, k) * (16 - fx) * (16 - fy) +
                        (int)value(&t, yl, xh, k) * fx * (16 - fy) +
                        (int)value(&t, yh, xl, k) * (16 - fx) * fy +
                        (int)value(&t, yh, xh, k) * fx * fy;
                int v = (s + 128) >> 8;
                if (v > most) {
                    most = v;
                    best = k;
                }
            }
            assert_int_equal(((uint8_t *)out.data)[o], best);
        }
        lab_tensor_clear(&t);
        lab_tensor_clear(&out);
    }
}

static void one_channel_has_a_threshold(void **state)
{
    (void)state;
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_F32 };
    uint32_t seed = 5;
    for (int i = 0; i < 9; i++) {
        grid_spec g = { 6, 5, 1, dtypes[i % 3], 200 };
        lab_tensor t, out;
        make_grid(&g, &seed, &t);
        bool quantised = t.dtype != LAB_F32;
        float scale = quantised ? 0.125f : 1.0f;
        int zero = quantised ? 20 : 0;
        if (quantised)
            t.quant = (lab_quant){ .count = 1, .scale = scale, .zero_point = zero };
        double threshold = (double)(i / 3) * 2.31 - 1.13; /* on no level: no rounding decides */
        op_tensor(&host, "tensor.upsample_argmax", &t,
                  ARGS(ARG_I("width", 90), ARG_I("height", 40), ARG_F("x_scale", 0.05),
                       ARG_F("y_scale", 0.13), ARG_F("threshold", threshold)),
                  &out);
        for (int o = 0; o < 90 * 40; o++) {
            coordinate cx = locate(0.05, 0, o % 90, 5), cy = locate(0.13, 0, o / 90, 6);
            bool in;
            if (quantised) {
                double s = (value(&t, cy.lo, cx.lo, 0) * (2048 - cx.weight) +
                            value(&t, cy.lo, cx.hi, 0) * cx.weight) *
                               (2048 - cy.weight) +
                           (value(&t, cy.hi, cx.lo, 0) * (2048 - cx.weight) +
                            value(&t, cy.hi, cx.hi, 0) * cx.weight) *
                               cy.weight;
                in = (double)scale * (s / 4194304.0 - zero) > threshold;
            } else {
                in = interpolate_f32(&t, cy, cx, 0) > threshold;
            }
            assert_int_equal(((uint8_t *)out.data)[o], in);
        }
        lab_tensor_clear(&t);
        lab_tensor_clear(&out);
    }
}

static void not_a_number_never_wins(void **state)
{
    (void)state;
    uint32_t seed = 9;
    grid_spec g = { 4, 4, 5, LAB_F32, 100 };
    lab_tensor t, out;
    make_grid(&g, &seed, &t);
    for (int i = 0; i < 16; i++)
        ((float *)t.data)[i * 5 + 2] = NAN;
    ((float *)t.data)[7 * 5 + 1] = INFINITY;
    ((float *)t.data)[9 * 5 + 3] = -INFINITY;
    op_tensor(
        &host, "tensor.upsample_argmax", &t,
        ARGS(ARG_I("width", 31), ARG_I("height", 31), ARG_F("x_scale", 0.1), ARG_F("y_scale", 0.1)),
        &out);
    for (size_t i = 0; i < out.size; i++)
        assert_int_not_equal(((uint8_t *)out.data)[i], 2);
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.argmax", &t, NULL, &out);
    for (size_t i = 0; i < out.size; i++)
        assert_int_not_equal(((uint8_t *)out.data)[i], 2);
    lab_tensor_clear(&out);
    lab_tensor_clear(&t);
}

/* Scales by class cannot be compared as levels: the real values decide. */
static void scales_by_class(void **state)
{
    (void)state;
    const int32_t shape[4] = { 1, 1, 1, 3 };
    const float scales[3] = { 0.1f, 1.0f, 0.5f };
    const int32_t zeros[3] = { 0, 100, 0 };
    lab_tensor t, out;
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_U8, 4, shape, &t, NULL), LAB_OK);
    memcpy(t.data, "\xc8\x69\x1e", 3); /* 200, 105, 30: 20.0, 5.0, 15.0 */
    t.quant = (lab_quant){ .count = 3, .axis = 3, .scales = scales, .zero_points = zeros };
    op_tensor(&host, "tensor.upsample_argmax", &t, ARGS(ARG_I("width", 2), ARG_I("height", 2)),
              &out);
    assert_memory_equal(out.data, "\0\0\0\0", 4);
    lab_tensor_clear(&out);
    ((uint8_t *)t.data)[0] = 140; /* 14.0 */
    op_tensor(&host, "tensor.upsample_argmax", &t, ARGS(ARG_I("width", 2), ARG_I("height", 2)),
              &out);
    assert_memory_equal(out.data, "\2\2\2\2", 4);
    lab_tensor_clear(&out);
    op_refused(&host, "tensor.argmax", &t, NULL, LAB_E_UNSUPPORTED, "class by class");
    lab_tensor_clear(&t);
}

/* ---- scores ---- */

static double activate(const lab_tensor *t, coordinate y, coordinate x, const bool *chosen,
                       int activation, double scale, int zero)
{
    int classes = t->shape[3];
    double all = 0, part = 0;
    for (int k = 0; k < classes; k++) {
        double v = (1 - y.fraction) * ((1 - x.fraction) * value(t, y.lo, x.lo, k) +
                                       x.fraction * value(t, y.lo, x.hi, k)) +
                   y.fraction * ((1 - x.fraction) * value(t, y.hi, x.lo, k) +
                                 x.fraction * value(t, y.hi, x.hi, k));
        v = scale * (v - zero);
        double p = activation == 0 ? exp(v) : activation == 1 ? 1 / (1 + exp(-v)) : v;
        all += p;
        if (classes == 1)
            part = chosen[0] && chosen[1] ? 1 : chosen[1] ? p : 1 - p;
        else if (chosen[k])
            part += p;
    }
    return fmin(fmax(activation == 0 ? part / all : part, 0), 1);
}

static void scores(void **state)
{
    (void)state;
    static const char *const names[] = { "softmax", "logistic", "none" };
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_F32 };
    uint32_t seed = 31337;
    for (int round = 0; round < 36; round++) {
        int activation = round % 3, classes = activation && round % 2 ? 1 : 2 + round;
        grid_spec g = { 5, 6, classes, dtypes[round / 3 % 3], 60 };
        lab_tensor t, out;
        make_grid(&g, &seed, &t);
        bool quantised = t.dtype != LAB_F32;
        double scale = quantised ? (activation == 2 ? 0.004 : 0.11) : 1.0;
        int zero = quantised ? (t.dtype == LAB_I8 ? -125 : 3) : 0;
        if (quantised)
            t.quant = (lab_quant){ .count = 1, .scale = (float)scale, .zero_point = zero };
        bool chosen[64] = { false };
        int a = classes == 1 ? round % 4 / 2 : round % classes, b = classes == 1 ? a : 1;
        chosen[a] = chosen[b] = true;
        op_tensor(&host, "tensor.upsample_score", &t,
                  ARGS(ARG_I("width", 83), ARG_I("height", 41), ARG_F("x_scale", 0.07),
                       ARG_F("x_offset", -0.2), ARG_F("y_scale", 0.11), ARG_C("classes", a, b),
                       ARG_S("activation", names[activation])),
                  &out);
        assert_int_equal(out.kind, LAB_MASK);
        for (int o = 0; o < 83 * 41; o++) {
            coordinate cx = locate(0.07, -0.2, o % 83, 6), cy = locate(0.11, 0, o / 83, 5);
            double p = 255 * activate(&t, cy, cx, chosen, activation, scale, zero);
            int got = ((uint8_t *)out.data)[o];
            if (fabs(got - p) > 0.51)
                fail_msg("round %d (%s) at %d: %d, oracle %g", round, names[activation], o, got, p);
        }
        lab_tensor_clear(&t);
        lab_tensor_clear(&out);
    }
}

static void refusals(void **state)
{
    (void)state;
    uint32_t seed = 1;
    lab_tensor t, flat;
    make_grid(&(grid_spec){ 3, 3, 1, LAB_F32, 9 }, &seed, &t);
    const op_arg size[] = { ARG_I("width", 4), ARG_I("height", 4), NO_ARG };
    op_refused(&host, "tensor.upsample_score", &t, ARGS(size[0], size[1], ARG_C("classes", 1)),
               LAB_E_INVALID, "logistic");
    lab_tensor_clear(&t);
    make_grid(&(grid_spec){ 3, 3, 4, LAB_F32, 9 }, &seed, &t);
    op_refused(&host, "tensor.upsample_score", &t, ARGS(size[0], size[1], ARG_C("classes", 4)),
               LAB_E_INVALID, "0..3");
    op_refused(&host, "tensor.upsample_score", &t, size, LAB_E_INVALID, "classes");
    op_refused(&host, "tensor.upsample_argmax", &t,
               ARGS(size[0], size[1], ARG_F("x_scale", (double)INFINITY)), LAB_E_INVALID,
               "x_scale");
    op_refused(&host, "tensor.upsample_argmax", &t, NULL, LAB_E_INVALID, "width");
    lab_tensor_clear(&t);
    const int32_t shape[3] = { 2, 3, 4 };
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_I32, 3, shape, &flat, NULL), LAB_OK);
    op_refused(&host, "tensor.upsample_argmax", &flat, size, LAB_E_INVALID, "[1, height");
    op_refused(&host, "tensor.argmax", &flat, NULL, LAB_E_INVALID, "[1, height");
    lab_tensor_clear(&flat);
}

/* ---- argmax, labelmap ---- */

static void argmax(void **state)
{
    (void)state;
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_F32 };
    uint32_t seed = 8;
    for (int i = 0; i < 9; i++) {
        grid_spec g = { 9, 14, i < 6 ? 7 : 400, dtypes[i % 3], 5 };
        lab_tensor t, out;
        make_grid(&g, &seed, &t);
        op_tensor(&host, "tensor.argmax", &t, NULL, &out);
        for (int o = 0; o < 9 * 14; o++) {
            int best = 0;
            for (int k = 1; k < g.classes; k++)
                if (value(&t, o / 14, o % 14, k) > value(&t, o / 14, o % 14, best))
                    best = k;
            int got = i < 6 ? ((uint8_t *)out.data)[o] : ((uint16_t *)out.data)[o];
            assert_int_equal(got, best);
        }
        lab_tensor_clear(&t);
        lab_tensor_clear(&out);
    }
}

static void labelmap(void **state)
{
    (void)state;
    const int32_t shape[4] = { 1, 2, 3, 1 };
    lab_tensor t, out;
    for (uint32_t rank = 2; rank <= 4; rank++) {
        assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_I64, rank,
                                        rank == 2 ? shape + 1 : shape, &t, NULL),
                         LAB_OK);
        int64_t *ids = t.data;
        for (int i = 0; i < 6; i++)
            ids[i] = i * 51;
        op_tensor(&host, "tensor.labelmap", &t, NULL, &out);
        assert_int_equal(out.dtype, LAB_U8);
        assert_int_equal(out.shape[0], 2);
        assert_int_equal(out.shape[1], 3);
        assert_memory_equal(out.data, "\0\x33\x66\x99\xcc\xff", 6);
        lab_tensor_clear(&out);
        ids[4] = 65535;
        op_tensor(&host, "tensor.labelmap", &t, NULL, &out);
        assert_int_equal(out.dtype, LAB_U16);
        assert_int_equal(((uint16_t *)out.data)[4], 65535);
        lab_tensor_clear(&out);
        ids[4] = 65536;
        op_refused(&host, "tensor.labelmap", &t, NULL, LAB_E_INVALID, "65536 at x = 1, y = 1");
        ids[4] = -1;
        op_refused(&host, "tensor.labelmap", &t, NULL, LAB_E_INVALID, "-1 at x = 1");
        lab_tensor_clear(&t);
    }
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_I32, 2, shape + 1, &t, NULL),
                     LAB_OK);
    for (int i = 0; i < 6; i++)
        ((int32_t *)t.data)[i] = 5 - i;
    op_tensor(&host, "tensor.labelmap", &t, NULL, &out);
    assert_memory_equal(out.data, "\5\4\3\2\1\0", 6);
    lab_tensor_clear(&out);
    lab_tensor_clear(&t);
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_F32, 2, shape + 1, &t, NULL),
                     LAB_OK);
    op_refused(&host, "tensor.labelmap", &t, NULL, LAB_E_INVALID, "integers");
    lab_tensor_clear(&t);
}

static void threads_and_memory(void **state)
{
    (void)state;
    static const lab_dtype dtypes[] = { LAB_U8, LAB_F32 };
    uint32_t seed = 3;
    for (int i = 0; i < 2; i++) {
        lab_tensor t;
        make_grid(&(grid_spec){ 12, 15, 21, dtypes[i], 60 }, &seed, &t);
        const op_arg *argmax_args = ARGS(ARG_I("width", 200), ARG_I("height", 170),
                                         ARG_F("x_scale", 0.073), ARG_F("y_scale", 0.066));
        const op_arg *score_args = ARGS(ARG_I("width", 200), ARG_I("height", 170),
                                        ARG_F("x_scale", 0.073), ARG_C("classes", 3, 5));
        same_with_threads("tensor.upsample_argmax", &t, argmax_args);
        same_with_threads("tensor.upsample_score", &t, score_args);
        same_with_threads("tensor.argmax", &t, NULL);
        sweep_op("tensor.upsample_argmax", &t, argmax_args);
        sweep_op("tensor.upsample_score", &t, score_args);
        sweep_op("tensor.argmax", &t, NULL);
        lab_tensor_clear(&t);
    }
}

static int begin(void **state)
{
    (void)state;
    return ops_host_init(&host, NULL, 2, NULL);
}

static int end(void **state)
{
    (void)state;
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_grids),
        cmocka_unit_test(ratio_16_is_the_networks_own),
        cmocka_unit_test(one_channel_has_a_threshold),
        cmocka_unit_test(not_a_number_never_wins),
        cmocka_unit_test(scales_by_class),
        cmocka_unit_test(scores),
        cmocka_unit_test(refusals),
        cmocka_unit_test(argmax),
        cmocka_unit_test(labelmap),
        cmocka_unit_test(threads_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
