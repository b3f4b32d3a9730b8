/*
 * Rewrites of values alike at every place: functions of one pixel instead of a picture of it, and
 * halves of a concat that become a bias. The graph before and after, and the same bytes. Kernels
 * are those of reference, which can do all of it.
 */
#include <stdlib.h>

#include "rewrite_case.h"

enum { OUT = 5 };

static const int32_t pixel[4] = { 1, 1, 1, CHANNELS };
static const int32_t wide[4] = { 1, SIDE, SIDE, 2 * CHANNELS };
static const lab_dtype dtypes[2] = { LAB_U8, LAB_I8 };

static const lab_attrs plain = {
    .padding = LAB_PAD_VALID, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1
};

/* The mean of the whole picture. */
static int32_t pool(net *n, const char *name, int32_t in)
{
    int32_t out = net_value_of(n, name, pixel);
    tflw_op(n->w, TFLW_AVERAGE_POOL_2D, &in, 1, &out, 1,
            &(lab_attrs){ .padding = LAB_PAD_VALID,
                          .filter_h = SIDE,
                          .filter_w = SIDE,
                          .stride_h = 1,
                          .stride_w = 1 });
    return out;
}

static int32_t tile(net *n, const char *name, int32_t in)
{
    int32_t ins[2] = { in, tflw_ints(n->w, "by", 4, (const int32_t[]){ 1, SIDE, SIDE, 1 }) };
    int32_t out = net_value(n, name);
    tflw_op(n->w, TFLW_TILE, ins, 2, &out, 1, NULL);
    return out;
}

static int32_t concat(net *n, const char *name, int32_t a, int32_t b)
{
    int32_t ins[2] = { a, b }, out = net_value_of(n, name, wide);
    tflw_op(n->w, TFLW_CONCATENATION, ins, 2, &out, 1, &(lab_attrs){ .axis = 3 });
    return out;
}

static int32_t project(net *n, int32_t in)
{
    return net_filter(n, "y", in, false, (const int32_t[]){ OUT, 1, 1, 2 * CHANNELS },
                      (const int32_t[]){ 1, SIDE, SIDE, OUT }, &plain);
}

static void test_halves(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        net n = net_new(dtypes[i % 2], false);
        int32_t x = net_input(&n);
        int32_t c = net_conv(&n, "c", x, false, LAB_ACT_NONE), p = pool(&n, "p", x);
        bool last = i < 2; /* the constant half */
        int32_t s = last ? net_resize(&n, "s", p, (const int32_t[]){ 1, SIDE, SIDE, CHANNELS })
                         : tile(&n, "s", p);
        int32_t y = project(&n, last ? concat(&n, "j", c, s) : concat(&n, "j", s, c));
        net_check(&n, y,
                  last ? "conv_2d(x) c; average_pool_2d(x) p; resize_bilinear(p) s; "
                         "concat(c, s) j; conv_2d(j) y"
                       : "conv_2d(x) c; average_pool_2d(x) p; tile(p) s; concat(s, c) j; "
                         "conv_2d(j) y",
                  "conv_2d(x) c; average_pool_2d(x) p; conv_bias(p) y; conv_2d(c, y) y", 2, 0);
    }
}

/* Rescaled on the way, by a quantize and by the concat itself. */
static void test_rescaled(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        net n = net_new(dtypes[i], false);
        int32_t x = net_input(&n);
        int32_t c = net_conv(&n, "c", x, false, LAB_ACT_NONE);
        n.scale *= 0.6f;
        int32_t p = pool(&n, "p", net_unary(&n, TFLW_QUANTIZE, "q", x)), t = tile(&n, "t", p);
        n.scale /= 0.6f;
        int32_t y = project(&n, concat(&n, "j", c, net_unary(&n, TFLW_QUANTIZE, "b", t)));
        net_check(&n, y,
                  "conv_2d(x) c; quantize(x) q; average_pool_2d(q) p; tile(p) t; quantize(t) b; "
                  "concat(c, b) j; conv_2d(j) y",
                  "conv_2d(x) c; quantize(x) q; average_pool_2d(q) p; quantize(p) b; "
                  "conv_bias(b) y; conv_2d(c, y) y",
                  2, 0);
    }
    net n = net_new(LAB_U8, false);
    int32_t x = net_input(&n);
    int32_t c = net_conv(&n, "c", x, false, LAB_ACT_NONE);
    n.scale *= 0.6f;
    int32_t t = tile(&n, "t", pool(&n, "p", net_unary(&n, TFLW_QUANTIZE, "q", x)));
    n.scale /= 0.6f;
    net_check(&n, project(&n, concat(&n, "j", c, t)),
              "conv_2d(x) c; quantize(x) q; average_pool_2d(q) p; tile(p) t; concat(c, t) j; "
              "conv_2d(j) y",
              "conv_2d(x) c; quantize(x) q; average_pool_2d(q) p; concat(p) j; conv_bias(j) y; "
              "conv_2d(c, y) y",
              2, 0);
}

/* Someone else reads the joined value; both halves differ from place to place; a filter of 3x3. */
static void test_others(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    int32_t x = net_input(&n);
    int32_t j = concat(&n, "j", x, tile(&n, "t", pool(&n, "p", x)));
    int32_t r = net_value_of(&n, "r", wide);
    tflw_op(n.w, TFLW_RELU, &j, 1, &r, 1, NULL);
    tflw_output(n.w, r);
    net_check(&n, project(&n, j),
              "average_pool_2d(x) p; tile(p) t; concat(x, t) j; relu(j) r; conv_2d(j) y",
              "average_pool_2d(x) p; tile(p) t; concat(x, t) j; relu(j) r; conv_2d(j) y", 0, 0);
    n = net_new(LAB_U8, false);
    x = net_input(&n);
    net_check(&n, project(&n, concat(&n, "j", x, x)), "concat(x, x) j; conv_2d(j) y",
              "concat(x, x) j; conv_2d(j) y", 0, 0);
    n = net_new(LAB_U8, false);
    x = net_input(&n);
    j = concat(&n, "j", x, tile(&n, "t", pool(&n, "p", x)));
    lab_attrs same = plain;
    same.padding = LAB_PAD_SAME;
    int32_t y = net_filter(&n, "y", j, false, (const int32_t[]){ OUT, 3, 3, 2 * CHANNELS },
                           (const int32_t[]){ 1, SIDE, SIDE, OUT }, &same);
    net_check(&n, y, "average_pool_2d(x) p; tile(p) t; concat(x, t) j; conv_2d(j) y",
              "average_pool_2d(x) p; tile(p) t; concat(x, t) j; conv_2d(j) y", 0, 0);
}

int main(void)
{
    setenv("LUALAB_KERNELS", "reference", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_rescaled),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, rewrite_open, rewrite_close);
}
