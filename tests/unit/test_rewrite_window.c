/*
 * Rewrites of what stands around convolutions: padding, blocks moved into the batch. The graph
 * before and after, and the same bytes.
 */
#include "rewrite_case.h"

static const lab_attrs valid = { .padding = LAB_PAD_VALID,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .depth_multiplier = 1 };

static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };

static const int32_t *filter_of(bool depthwise)
{
    static const int32_t full[4] = { CHANNELS, 3, 3, CHANNELS };
    static const int32_t single[4] = { 1, 3, 3, CHANNELS };
    return depthwise ? single : full;
}

/* {before, after} of each dimension. */
static int32_t pad(net *n, const char *name, int32_t in, const int32_t pads[8],
                   const int32_t shape[4])
{
    const int32_t by[2] = { 4, 2 };
    int32_t ins[2] = { in, tflw_const(n->w, "pads", LAB_I32, 2, by, pads, 0, 0) };
    int32_t out = net_value_of(n, name, shape);
    tflw_op(n->w, TFLW_PAD, ins, 2, &out, 1, NULL);
    return out;
}

static void test_pad(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        bool depthwise = i >= 3;
        net n = net_new(dtypes[i % 3], false);
        const int32_t pads[8] = { 0, 0, 2, 1, 0, 2, 0, 0 };
        int32_t p = pad(&n, "p", net_input(&n), pads, (int32_t[]){ 1, 9, 8, CHANNELS });
        int32_t c = net_filter(&n, "c", p, depthwise, filter_of(depthwise),
                               (int32_t[]){ 1, 7, 6, CHANNELS }, &valid);
        net_check(&n, c, depthwise ? "pad(x) p; depthwise_conv_2d(p) c" : "pad(x) p; conv_2d(p) c",
                  depthwise ? "depthwise_conv_2d(x) c" : "conv_2d(x) c", 1, 0);
    }
}

/* A strided convolution with padding of its own; and a pad that someone else reads as well. */
static void test_pad_more(void **state)
{
    (void)state;
    const int32_t pads[8] = { 0, 0, 1, 1, 1, 1, 0, 0 }, padded[4] = { 1, 8, 8, CHANNELS };
    net n = net_new(LAB_U8, false);
    int32_t p = pad(&n, "p", net_input(&n), pads, padded);
    lab_attrs attrs = valid;
    attrs.padding = LAB_PAD_SAME;
    attrs.stride_h = attrs.stride_w = 2;
    net_check(
        &n,
        net_filter(&n, "c", p, false, filter_of(false), (int32_t[]){ 1, 4, 4, CHANNELS }, &attrs),
        "pad(x) p; conv_2d(p) c", "conv_2d(x) c", 1, 0);
    n = net_new(LAB_U8, false);
    p = pad(&n, "p", net_input(&n), pads, padded);
    int32_t c =
        net_filter(&n, "c", p, false, filter_of(false), (int32_t[]){ 1, 6, 6, CHANNELS }, &valid);
    int32_t d =
        net_filter(&n, "d", p, true, filter_of(true), (int32_t[]){ 1, 6, 6, CHANNELS }, &valid);
    net_check(&n, net_add(&n, "y", c, d, LAB_ACT_NONE),
              "pad(x) p; conv_2d(p) c; depthwise_conv_2d(p) d; add(c, d) y",
              "conv_2d(x) c; depthwise_conv_2d(x) d; add(c, d) y", 1, 0);
}

/* More padding than the filter reaches, padded channels, a pool, whose divisor would change. */
static void test_other_pads(void **state)
{
    (void)state;
    net n = net_new(LAB_U8, false);
    int32_t p = pad(&n, "p", net_input(&n), (const int32_t[8]){ 0, 0, 3, 0, 0, 0, 0, 0 },
                    (int32_t[]){ 1, 9, 6, CHANNELS });
    net_check(
        &n,
        net_filter(&n, "c", p, false, filter_of(false), (int32_t[]){ 1, 7, 4, CHANNELS }, &valid),
        "pad(x) p; conv_2d(p) c", "pad(x) p; conv_2d(p) c", 0, 0);
    n = net_new(LAB_U8, false);
    p = pad(&n, "p", net_input_of(&n, (int32_t[]){ 1, 6, 6, 2 }),
            (const int32_t[8]){ 0, 0, 0, 0, 0, 0, 0, 1 }, (int32_t[]){ 1, 6, 6, CHANNELS });
    net_check(
        &n,
        net_filter(&n, "c", p, false, filter_of(false), (int32_t[]){ 1, 4, 4, CHANNELS }, &valid),
        "pad(x) p; conv_2d(p) c", "pad(x) p; conv_2d(p) c", 0, 0);
    n = net_new(LAB_U8, false);
    p = pad(&n, "p", net_input(&n), (const int32_t[8]){ 0, 0, 1, 1, 1, 1, 0, 0 },
            (int32_t[]){ 1, 8, 8, CHANNELS });
    int32_t y = net_value(&n, "y");
    tflw_op(
        n.w, TFLW_AVERAGE_POOL_2D, &p, 1, &y, 1,
        &(lab_attrs){
            .padding = LAB_PAD_VALID, .filter_h = 3, .filter_w = 3, .stride_h = 1, .stride_w = 1 });
    net_check(&n, y, "pad(x) p; average_pool_2d(p) y", "pad(x) p; average_pool_2d(p) y", 0, 0);
}

/* ---- blocks ---- */

static int32_t blocks(net *n, int32_t code, const char *name, int32_t in, const int32_t size[2],
                      const int32_t edges[4], const int32_t shape[4])
{
    const int32_t by[2] = { 2, 2 };
    int32_t ins[3] = { in, tflw_ints(n->w, "block", 2, size),
                       tflw_const(n->w, "edges", LAB_I32, 2, by, edges, 0, 0) };
    int32_t out = net_value_of(n, name, shape);
    tflw_op(n->w, code, ins, 3, &out, 1, NULL);
    return out;
}

/* 6x6, padded to 10x12, in blocks of 2x3, filtered by 3x3, joined to `joined` less crops. */
static int32_t dilated(net *n, bool depthwise, lab_padding padding, const int32_t crops[4],
                       const int32_t filtered[4], const int32_t joined[4])
{
    const int32_t size[2] = { 2, 3 }, pads[4] = { 2, 2, 3, 3 };
    lab_attrs attrs = valid;
    attrs.padding = padding;
    int32_t s = blocks(n, TFLW_SPACE_TO_BATCH_ND, "s", net_input(n), size, pads,
                       (int32_t[]){ 6, 5, 4, CHANNELS });
    int32_t c = net_filter(n, "c", s, depthwise, filter_of(depthwise), filtered, &attrs);
    return blocks(n, TFLW_BATCH_TO_SPACE_ND, "y", c, size, crops, joined);
}

static void test_dilation(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        bool depthwise = i >= 3;
        const char *before = depthwise ? "space_to_batch_nd(x) s; depthwise_conv_2d(s) c; "
                                         "batch_to_space_nd(c) y"
                                       : "space_to_batch_nd(x) s; conv_2d(s) c; "
                                         "batch_to_space_nd(c) y";
        const char *after = depthwise ? "depthwise_conv_2d(x) y" : "conv_2d(x) y";
        net n = net_new(dtypes[i % 3], false);
        int32_t y = dilated(&n, depthwise, LAB_PAD_VALID, (const int32_t[4]){ 0, 0, 0, 0 },
                            (const int32_t[4]){ 6, 3, 2, CHANNELS },
                            (const int32_t[4]){ 1, 6, 6, CHANNELS });
        net_check(&n, y, before, after, 2, 0);
        /* The filter pads too; some of it is cropped again. */
        n = net_new(dtypes[i % 3], false);
        y = dilated(&n, depthwise, LAB_PAD_SAME, (const int32_t[4]){ 1, 2, 3, 2 },
                    (const int32_t[4]){ 6, 5, 4, CHANNELS },
                    (const int32_t[4]){ 1, 7, 7, CHANNELS });
        net_check(&n, y, before, after, 2, 0);
    }
}

/* Crops of more than was padded: what is cropped there was computed from the picture. */
static void test_other_blocks(void **state)
{
    (void)state;
    static const char both[] = "space_to_batch_nd(x) s; conv_2d(s) c; batch_to_space_nd(c) y";
    net n = net_new(LAB_U8, false);
    int32_t y =
        dilated(&n, false, LAB_PAD_VALID, (const int32_t[4]){ 3, 0, 0, 0 },
                (const int32_t[4]){ 6, 3, 2, CHANNELS }, (const int32_t[4]){ 1, 3, 6, CHANNELS });
    net_check(&n, y, both, both, 0, 0);
    /* Every value is an output. */
    n = net_new(LAB_U8, true);
    y = dilated(&n, false, LAB_PAD_VALID, (const int32_t[4]){ 0, 0, 0, 0 },
                (const int32_t[4]){ 6, 3, 2, CHANNELS }, (const int32_t[4]){ 1, 6, 6, CHANNELS });
    net_check(&n, y, both, both, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pad),          cmocka_unit_test(test_pad_more),
        cmocka_unit_test(test_other_pads),   cmocka_unit_test(test_dilation),
        cmocka_unit_test(test_other_blocks),
    };
    return cmocka_run_group_tests(tests, rewrite_open, rewrite_close);
}
