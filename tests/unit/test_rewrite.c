/*
 * Rewrites of single nodes: those that copy, those that clamp, those that nobody reads. The graph
 * before and after each as text, what must stay as it is, and that outputs have the same bytes.
 */
#include <string.h>

#include "rewrite_case.h"

/* ---- each rewrite ---- */

static void test_identity_resize(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    int32_t r = net_resize(&n, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE), NULL);
    net_check(&n, net_add(&n, "y", r, r, LAB_ACT_NONE),
              "conv_2d(x) c; resize_bilinear(c) r; add(r, r) y", "conv_2d(x) c; add(c, c) y", 1, 0);
    /* Two in a row; the first reads the input of the network. */
    n = net_new(LAB_F32, false);
    r = net_resize(&n, "r2", net_resize(&n, "r1", net_input(&n), NULL), NULL);
    net_check(&n, net_unary(&n, TFLW_HARD_SWISH, "y", r),
              "resize_bilinear(x) r1; resize_bilinear(r1) r2; hard_swish(r2) y", "hard_swish(x) y",
              2, 0);
    /* The network's own output stays. */
    n = net_new(LAB_U8, false);
    r = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    net_check(&n, net_resize(&n, "y", r, NULL), "conv_2d(x) c; resize_bilinear(c) y",
              "conv_2d(x) c; resize_bilinear(c) y", 0, 0);
}

/* A resize that changes the size, even of one side, is work. */
static void test_other_resize(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    const int32_t wide[4] = { 1, SIDE, 2 * SIDE, CHANNELS };
    int32_t ins[2] = { net_input(&n), tflw_ints(n.w, "size", 2, (int32_t[]){ SIDE, 2 * SIDE }) };
    int32_t r = tflw_value(n.w, "r", LAB_U8, 4, wide, n.scale, n.zero);
    int32_t y = tflw_value(n.w, "y", LAB_U8, 4, wide, n.scale, n.zero);
    tflw_op(n.w, TFLW_RESIZE_BILINEAR, ins, 2, &r, 1, &(lab_attrs){ .align_corners = true });
    tflw_op(n.w, TFLW_RELU, &r, 1, &y, 1, NULL);
    net_check(&n, y, "resize_bilinear(x) r; relu(r) y", "resize_bilinear(x) r; relu(r) y", 0, 0);
}

static void test_identity_quantize(void **state)
{
    (void)state;
    net n = net_new(LAB_I8, false);
    int32_t q = net_unary(&n, TFLW_QUANTIZE, "q", net_input(&n));
    net_check(&n, net_conv(&n, "y", q, false, LAB_ACT_NONE), "quantize(x) q; conv_2d(q) y",
              "conv_2d(x) y", 1, 0);
    /* Another scale, another zero point, another type: work. */
    for (int i = 0; i < 3; i++) {
        n = net_new(LAB_U8, false);
        int32_t x = net_input(&n);
        n.scale = i == 0 ? 0.04f : n.scale;
        n.zero = i == 1 ? 121 : n.zero;
        n.dtype = i == 2 ? LAB_I8 : n.dtype;
        q = net_unary(&n, TFLW_QUANTIZE, "q", x);
        net_check(&n, net_unary(&n, TFLW_RELU, "y", q), "quantize(x) q; relu(q) y",
                  "quantize(x) q; relu(q) y", 0, 0);
    }
}

static void test_fused_activation(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        net n = net_new(dtypes[i], false);
        int32_t c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
        int32_t d = net_conv(&n, "d", net_unary(&n, TFLW_RELU, "cr", c), true, LAB_ACT_NONE);
        int32_t d6 = net_unary(&n, TFLW_RELU6, "d6", d);
        int32_t y = net_unary(&n, TFLW_RELU, "y", net_add(&n, "a", d6, d6, LAB_ACT_NONE));
        net_check(&n, y,
                  "conv_2d(x) c; relu(c) cr; depthwise_conv_2d(cr) d; relu6(d) d6; add(d6, d6) a; "
                  "relu(a) y",
                  "conv_2d+relu(x) cr; depthwise_conv_2d+relu6(cr) d6; add+relu(d6, d6) y", 3, 0);
    }
    /* Through a resize that is removed first. */
    net n = net_new(LAB_U8, false);
    int32_t r = net_resize(&n, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE), NULL);
    net_check(&n, net_unary(&n, TFLW_RELU, "y", r), "conv_2d(x) c; resize_bilinear(c) r; relu(r) y",
              "conv_2d+relu(x) y", 2, 0);
}

static void test_other_activations(void **state)
{
    (void)state;
    /* Two readers: one wants the values before the activation. */
    net n = net_new(LAB_F32, false);
    int32_t c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    int32_t r = net_unary(&n, TFLW_RELU, "r", c);
    net_check(&n, net_add(&n, "y", r, c, LAB_ACT_NONE), "conv_2d(x) c; relu(c) r; add(r, c) y",
              "conv_2d(x) c; relu(c) r; add(r, c) y", 0, 0);
    /* One reader, but the value is an output too. */
    n = net_new(LAB_F32, true);
    c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    net_check(&n, net_unary(&n, TFLW_RELU, "y", c), "conv_2d(x) c; relu(c) y",
              "conv_2d(x) c; relu(c) y", 0, 0);
    /* It has an activation already, or gets one. */
    n = net_new(LAB_U8, false);
    c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_RELU6);
    net_check(&n, net_unary(&n, TFLW_RELU, "y", c), "conv_2d+relu6(x) c; relu(c) y",
              "conv_2d+relu6(x) c; relu(c) y", 0, 0);
    n = net_new(LAB_U8, false);
    r = net_unary(&n, TFLW_RELU, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE));
    net_check(&n, net_unary(&n, TFLW_RELU6, "y", r), "conv_2d(x) c; relu(c) r; relu6(r) y",
              "conv_2d+relu(x) r; relu6(r) y", 1, 0);
    /* The activation rescales; its input is the network's; a node that takes none in. */
    n = net_new(LAB_U8, false);
    c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    n.scale = 0.03f;
    net_check(&n, net_unary(&n, TFLW_RELU, "y", c), "conv_2d(x) c; relu(c) y",
              "conv_2d(x) c; relu(c) y", 0, 0);
    n = net_new(LAB_F32, false);
    r = net_unary(&n, TFLW_HARD_SWISH, "h", net_unary(&n, TFLW_RELU, "r", net_input(&n)));
    net_check(&n, net_unary(&n, TFLW_RELU, "y", r), "relu(x) r; hard_swish(r) h; relu(h) y",
              "relu(x) r; hard_swish(r) h; relu(h) y", 0, 0);
}

/* Copies of other kinds, and a concat of one value. */
static void test_copies(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    int32_t c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    int32_t ins[2] = { c, tflw_ints(n.w, "ones", 4, (const int32_t[]){ 1, 1, 1, 1 }) };
    int32_t t = net_value(&n, "t"), p = net_value(&n, "p"), j = net_value(&n, "j");
    tflw_op(n.w, TFLW_TILE, ins, 2, &t, 1, NULL);
    const int32_t no[8] = { 0 }, by[2] = { 4, 2 };
    int32_t pads[2] = { t, tflw_const(n.w, "no", LAB_I32, 2, by, no, 0, 0) };
    tflw_op(n.w, TFLW_PAD, pads, 2, &p, 1, NULL);
    tflw_op(n.w, TFLW_CONCATENATION, &p, 1, &j, 1, &(lab_attrs){ .axis = 3 });
    net_check(&n, net_unary(&n, TFLW_HARD_SWISH, "y", j),
              "conv_2d(x) c; tile(c) t; pad(t) p; concat(p) j; hard_swish(j) y",
              "conv_2d(x) c; hard_swish(c) y", 3, 0);
    /* One reshape that renames, one that does not. */
    const int32_t flat[4] = { 1, 1, SIDE * SIDE, CHANNELS };
    n = net_new(LAB_F32, false);
    int32_t r = net_value(&n, "r"), f = net_value_of(&n, "f", flat);
    int32_t x = net_input(&n);
    tflw_op(n.w, TFLW_RESHAPE, &x, 1, &r, 1, NULL);
    tflw_new_shape(n.w, 4, (const int32_t[]){ 1, SIDE, SIDE, CHANNELS });
    int32_t h = net_unary(&n, TFLW_HARD_SWISH, "h", r), y = net_value_of(&n, "y", flat);
    tflw_op(n.w, TFLW_RESHAPE, &h, 1, &f, 1, NULL);
    tflw_new_shape(n.w, 4, flat);
    tflw_op(n.w, TFLW_RELU, &f, 1, &y, 1, NULL);
    net_check(&n, y, "reshape(x) r; hard_swish(r) h; reshape(h) f; relu(f) y",
              "hard_swish(x) h; reshape(h) f; relu(f) y", 1, 0);
}

/* What nobody reads is gone, and what only it read. */
static void test_dead(void **state)
{
    (void)state;
    net n = net_new(LAB_F32, false);
    int32_t x = net_input(&n);
    int32_t c = net_conv(&n, "c", x, false, LAB_ACT_NONE);
    net_unary(&n, TFLW_HARD_SWISH, "e", net_unary(&n, TFLW_LOGISTIC, "d", c));
    net_check(&n, net_unary(&n, TFLW_LOGISTIC, "y", c),
              "conv_2d(x) c; logistic(c) d; hard_swish(d) e; logistic(c) y",
              "conv_2d(x) c; logistic(c) y", 2, 0);
}

/* Other nodes that clamp what they compute. */
static void test_more_fused(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        net n = net_new(dtypes[i], false);
        int32_t x = net_input(&n), m = net_value(&n, "m"), xs[2] = { x, x };
        tflw_op(n.w, TFLW_MUL, xs, 2, &m, 1, &(lab_attrs){ .activation = LAB_ACT_NONE });
        int32_t r = net_unary(&n, TFLW_RELU, "r", m), p = net_value(&n, "p");
        tflw_op(n.w, TFLW_AVERAGE_POOL_2D, &r, 1, &p, 1,
                &(lab_attrs){ .padding = LAB_PAD_SAME,
                              .filter_h = 2,
                              .filter_w = 3,
                              .stride_h = 1,
                              .stride_w = 1 });
        net_check(&n, net_unary(&n, TFLW_RELU6, "y", p),
                  "mul(x, x) m; relu(m) r; average_pool_2d(r) p; relu6(p) y",
                  "mul+relu(x, x) r; average_pool_2d+relu6(r) y", 2, 0);
    }
}

/* ---- bytes ---- */

/* Every rule at once; the last value is the first output, or the last of all. */
static lab_model *everything(lab_dtype dtype, bool all_outputs)
{
    net n = net_new(dtype, all_outputs);
    int32_t x = net_input(&n);
    int32_t c = net_conv(&n, "c", net_resize(&n, "r", x, NULL), false, LAB_ACT_NONE);
    int32_t d = net_conv(&n, "d", net_unary(&n, TFLW_RELU6, "cr", c), true, LAB_ACT_NONE);
    int32_t a = net_add(&n, "a", net_unary(&n, TFLW_RELU, "dr", d), x, LAB_ACT_NONE);
    int32_t y = net_unary(&n, TFLW_RELU6, "ar", a);
    if (dtype != LAB_F32)
        y = net_unary(&n, TFLW_QUANTIZE, "q", y);
    y = net_conv(&n, "y", y, false, LAB_ACT_NONE);
    if (!all_outputs)
        tflw_output(n.w, y);
    return net_model(&n, false);
}

static void test_same_bytes(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        lab_model *model = everything(dtypes[i], false), *plain = everything(dtypes[i], true);
        lab_model_stats stats, plain_stats;
        lab_model_get_stats(model, &stats);
        lab_model_get_stats(plain, &plain_stats);
        assert_int_equal(plain_stats.removed, 0);
        assert_int_equal(stats.removed, dtypes[i] == LAB_F32 ? 4 : 5);
        assert_int_equal(stats.nodes, 4);
        assert_int_equal(stats.nodes + stats.removed, plain_stats.nodes);
        assert_true(stats.macs == plain_stats.macs);
        const lab_tensor *y = net_run(model, 0), *expected = net_run(plain, plain_stats.nodes - 1);
        assert_int_equal(y->size, expected->size);
        assert_memory_equal(y->data, expected->data, y->size);
        bool varied = memcmp(y->data, (const uint8_t *)y->data + y->size / 2, y->size / 2) != 0;
        assert_true(varied); /* else the check says little */
        lab_model_free(model);
        lab_model_free(plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_resize),
        cmocka_unit_test(test_other_resize),
        cmocka_unit_test(test_identity_quantize),
        cmocka_unit_test(test_fused_activation),
        cmocka_unit_test(test_other_activations),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_dead),
        cmocka_unit_test(test_more_fused),
    };
    return cmocka_run_group_tests(tests, rewrite_open, rewrite_close);
}
