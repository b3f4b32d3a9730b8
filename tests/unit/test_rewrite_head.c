/*
 * The fused end of a network: the graph before and after, that the enlarged scores are not in the
 * memory plan, that scores are still found, and the same labels.
 */
#include "rewrite_case.h"

enum { LARGE = 21 }; /* SIDE with aligned corners at ratio 4 */

static const int32_t large[4] = { 1, LARGE, LARGE, CHANNELS };

static int32_t labels(net *n, int32_t in, lab_dtype dtype, const int32_t shape[4])
{
    int32_t ins[2] = { in, tflw_ints(n->w, "axis", 1, (const int32_t[]){ 3 }) };
    int32_t y = tflw_value(n->w, "y", dtype, 3, shape, 0, 0);
    tflw_op(n->w, TFLW_ARG_MAX, ins, 2, &y, 1, NULL);
    if (n->all_outputs)
        tflw_output(n->w, y);
    return y;
}

static void test_head(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 6; i++) {
        net n = net_new(dtypes[i % 3], false);
        int32_t c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
        int32_t r = net_resize(&n, "r", net_resize(&n, "same", c, NULL), large);
        net_check(&n, labels(&n, r, i < 3 ? LAB_I32 : LAB_I64, large),
                  "conv_2d(x) c; resize_bilinear(c) same; resize_bilinear(same) r; argmax(r) y",
                  "conv_2d(x) c; resize_argmax(c) y", 3, 0);
    }
}

static lab_model *head_model(bool as_in_file)
{
    net n = net_new(LAB_U8, false);
    int32_t c = net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE);
    tflw_output(n.w, labels(&n, net_resize(&n, "r", c, large), LAB_I32, large));
    return net_model(&n, as_in_file);
}

/* The head is the same either way; the large tensor is planned only where it is computed. */
static void test_scores(void **state)
{
    (void)state;
    lab_model *model = head_model(false), *plain = head_model(true);
    const lab_head *a = lab_model_head(model), *b = lab_model_head(plain);
    assert_true(a->found && b->found && a->argmax && a->resized && a->align_corners);
    assert_false(a->half_pixel_centers);
    assert_int_equal(a->out_h, b->out_h);
    assert_int_equal(a->out_w, LARGE);
    assert_int_equal(a->logits_h, SIDE);
    assert_int_equal(a->channels, CHANNELS);
    assert_int_equal(a->logits, b->logits);
    lab_model_stats fused, full;
    lab_model_get_stats(model, &fused);
    lab_model_get_stats(plain, &full);
    assert_int_equal(full.removed, 0);
    assert_int_equal(full.nodes, 3);
    assert_int_equal(fused.nodes, 2);
    assert_true(fused.arena_bytes + LARGE * LARGE * CHANNELS <= full.arena_bytes);
    lab_model_free(model);
    lab_model_free(plain);
}

/* Someone else reads the enlarged scores, or they are an output, or the axis is another. */
static void test_other_heads(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    int32_t r = net_resize(&n, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE), large);
    int32_t s = net_value_of(&n, "s", large);
    tflw_op(n.w, TFLW_RELU, &r, 1, &s, 1, NULL);
    tflw_output(n.w, s);
    net_check(&n, labels(&n, r, LAB_I32, large),
              "conv_2d(x) c; resize_bilinear(c) r; relu(r) s; argmax(r) y",
              "conv_2d(x) c; resize_bilinear(c) r; relu(r) s; argmax(r) y", 0, 0);
    n = net_new(LAB_U8, true);
    r = net_resize(&n, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE), large);
    net_check(&n, labels(&n, r, LAB_I32, large), "conv_2d(x) c; resize_bilinear(c) r; argmax(r) y",
              "conv_2d(x) c; resize_bilinear(c) r; argmax(r) y", 0, 0);
    n = net_new(LAB_U8, false);
    r = net_resize(&n, "r", net_conv(&n, "c", net_input(&n), false, LAB_ACT_NONE), large);
    int32_t ins[2] = { r, tflw_ints(n.w, "axis", 1, (const int32_t[]){ 1 }) };
    int32_t y = tflw_value(n.w, "y", LAB_I32, 3, (const int32_t[]){ 1, LARGE, CHANNELS }, 0, 0);
    tflw_op(n.w, TFLW_ARG_MAX, ins, 2, &y, 1, NULL);
    net_check(&n, y, "conv_2d(x) c; resize_bilinear(c) r; argmax(r) y",
              "conv_2d(x) c; resize_bilinear(c) r; argmax(r) y", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_other_heads),
    };
    return cmocka_run_group_tests(tests, rewrite_open, rewrite_close);
}
