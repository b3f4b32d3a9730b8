/*
 * Shape inference of convolutions, pooling, means, resizes and arg-max: the shape each arrives at
 * when the file gives none, the padding it resolves, and what it refuses.
 */
#include <string.h>

#include "support/cmocka_all.h"
#include "unit/node_case.h"

/* ---- convolutions ---- */

static one conv(int32_t size, int32_t k, lab_padding padding, int32_t stride, int32_t dilation)
{
    one o = begin();
    o.attrs.padding = padding;
    o.attrs.stride_h = o.attrs.stride_w = stride;
    o.attrs.dilation_h = o.attrs.dilation_w = dilation;
    input(&o, LAB_U8, SHAPE(1, size, size, 3), 0.5f, 3);
    constant(&o, LAB_U8, SHAPE(8, k, k, 3), 0.1f, 7);
    constant(&o, LAB_I32, SHAPE(8), 0, 0);
    output(&o, LAB_U8, 0.5f, 0);
    return o;
}

static void test_conv_padding(void **state)
{
    (void)state;
    static const struct {
        int32_t size, k;
        lab_padding padding;
        int32_t stride, dilation, out, before, after;
    } cases[] = {
        { 513, 3, LAB_PAD_SAME, 2, 1, 257, 1, 1 }, { 512, 3, LAB_PAD_SAME, 2, 1, 256, 0, 1 },
        { 33, 3, LAB_PAD_SAME, 1, 2, 33, 2, 2 },   { 33, 5, LAB_PAD_SAME, 1, 4, 33, 8, 8 },
        { 10, 3, LAB_PAD_VALID, 1, 1, 8, 0, 0 },   { 10, 3, LAB_PAD_VALID, 2, 2, 3, 0, 0 },
        { 10, 3, LAB_PAD_VALID, 3, 1, 3, 0, 0 },   { 2, 2, LAB_PAD_SAME, 5, 1, 1, 0, 0 },
        { 7, 4, LAB_PAD_SAME, 2, 1, 4, 1, 2 },     { 1, 3, LAB_PAD_SAME, 1, 1, 1, 1, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        one o =
            conv(cases[i].size, cases[i].k, cases[i].padding, cases[i].stride, cases[i].dilation);
        lab_graph *graph = gives(&o, TFLW_CONV_2D, SHAPE(1, cases[i].out, cases[i].out, 8));
        const lab_attrs *a = &graph->nodes[0]->node.attrs;
        assert_int_equal(a->pad_top, cases[i].before);
        assert_int_equal(a->pad_left, cases[i].before);
        assert_int_equal(a->pad_bottom, cases[i].after);
        assert_int_equal(a->pad_right, cases[i].after);
        lab_graph_free(graph);
    }
}

static void test_conv_refuses(void **state)
{
    (void)state;
    one o = conv(10, 3, LAB_PAD_SAME, 0, 1);
    refuses(&o, TFLW_CONV_2D, "CONV_2D: height: stride 0, dilation 1 and filter 3 must all be at");
    o = conv(10, 3, LAB_PAD_SAME, -2, 1);
    refuses(&o, TFLW_CONV_2D, "stride -2");
    o = conv(10, 3, LAB_PAD_SAME, 1, 0);
    refuses(&o, TFLW_CONV_2D, "dilation 0");
    o = conv(10, 3, LAB_PAD_SAME, 1, INT32_MAX);
    refuses(&o, TFLW_CONV_2D, "padding of 4294967294 is too large");
    o = conv(2, 3, LAB_PAD_VALID, 1, 1);
    refuses(&o, TFLW_CONV_2D, "a filter over 3 pixels leaves no output of an input of 2");

    o = begin();
    input(&o, LAB_F32, SHAPE(1, 4, 4, 6), 0, 0);
    constant(&o, LAB_F32, SHAPE(8, 1, 1, 3), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_CONV_2D, "filter reads 3 channels, input has 6");

    o = begin();
    input(&o, LAB_F32, SHAPE(1, 4, 4, 3), 0, 0);
    constant(&o, LAB_F32, SHAPE(8, 1, 1, 3), 0, 0);
    constant(&o, LAB_F32, SHAPE(7), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_CONV_2D, "bias has shape [7], 8 output channels need 8");

    o = begin();
    input(&o, LAB_F32, SHAPE(4, 4, 3), 0, 0);
    constant(&o, LAB_F32, SHAPE(8, 1, 1, 3), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_CONV_2D, "input must have 4 dimensions, has shape [4,4,3]");

    o = begin();
    input(&o, LAB_U8, SHAPE(1, 4, 4, 3), 1, 0);
    constant(&o, LAB_I8, SHAPE(8, 1, 1, 3), 1, 0);
    output(&o, LAB_U8, 1, 0);
    refuses(&o, TFLW_CONV_2D, "the types u8, i8 -> u8 are not a combination");

    o = begin();
    input(&o, LAB_U8, SHAPE(1, 4, 4, 3), 0, 0);
    constant(&o, LAB_U8, SHAPE(8, 1, 1, 3), 1, 0);
    output(&o, LAB_U8, 1, 0);
    refuses(&o, TFLW_CONV_2D, "input 0 is u8 without scale and zero point");

    o = begin();
    input(&o, LAB_I8, SHAPE(1, 4, 4, 3), 1, 0);
    constant(&o, LAB_I8, SHAPE(8, 1, 1, 3), 1, 5);
    output(&o, LAB_I8, 1, 0);
    refuses(&o, TFLW_CONV_2D, "i8 filter has zero point 5 in channel 0");

    o = begin();
    input(&o, LAB_U8, SHAPE(1, 4, 4, 3), 1e30f, 0);
    constant(&o, LAB_U8, SHAPE(8, 1, 1, 3), 1e30f, 0);
    output(&o, LAB_U8, 1, 0);
    refuses(&o, TFLW_CONV_2D, "input scale * filter scale / output scale is inf");

    o = conv(10, 3, LAB_PAD_SAME, 1, 1);
    o.attrs.activation = LAB_ACT_RELU6;
    o.out = tflw_value(o.w, "tiny", LAB_U8, 4, (int32_t[]){ 1, 10, 10, 8 }, 1e-30f, 0);
    refuses(&o, TFLW_CONV_2D, "scale");
}

static void test_depthwise(void **state)
{
    (void)state;
    for (int32_t multiplier = 0; multiplier <= 2; multiplier++) {
        one o = begin();
        input(&o, LAB_F32, SHAPE(1, 9, 9, 4), 0, 0);
        constant(&o, LAB_F32, SHAPE(1, 3, 3, 8), 0, 0);
        output(&o, LAB_F32, 0, 0);
        o.attrs.depth_multiplier = multiplier;
        if (multiplier == 1) {
            refuses(&o, TFLW_DEPTHWISE_CONV_2D, "depth multiplier is 1, but the filter has 8");
            continue;
        }
        lab_graph *graph = gives(&o, TFLW_DEPTHWISE_CONV_2D, SHAPE(1, 9, 9, 8));
        assert_int_equal(graph->nodes[0]->node.attrs.depth_multiplier, 2);
        lab_graph_free(graph);
    }
    one o = begin();
    input(&o, LAB_F32, SHAPE(1, 9, 9, 3), 0, 0);
    constant(&o, LAB_F32, SHAPE(1, 3, 3, 8), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_DEPTHWISE_CONV_2D, "does not fit 3 input channels");
}

static one transpose_conv(int32_t h, int32_t w, lab_padding padding)
{
    one o = begin();
    ints(&o, 4, (int32_t[]){ 1, h, w, 5 });
    constant(&o, LAB_F32, SHAPE(5, 3, 3, 2), 0, 0);
    input(&o, LAB_F32, SHAPE(1, 4, 6, 2), 0, 0);
    output(&o, LAB_F32, 0, 0);
    o.attrs.padding = padding;
    o.attrs.stride_h = o.attrs.stride_w = 2;
    return o;
}

static void test_transpose_conv(void **state)
{
    (void)state;
    one o = transpose_conv(8, 12, LAB_PAD_SAME);
    lab_graph *graph = gives(&o, TFLW_TRANSPOSE_CONV, SHAPE(1, 8, 12, 5));
    assert_int_equal(graph->nodes[0]->node.attrs.pad_top, 0);
    assert_int_equal(graph->nodes[0]->node.attrs.pad_bottom, 1);
    lab_graph_free(graph);
    o = transpose_conv(7, 11, LAB_PAD_SAME);
    gives_shape(&o, TFLW_TRANSPOSE_CONV, SHAPE(1, 7, 11, 5));
    o = transpose_conv(9, 13, LAB_PAD_VALID);
    gives_shape(&o, TFLW_TRANSPOSE_CONV, SHAPE(1, 9, 13, 5));
    o = transpose_conv(9, 12, LAB_PAD_SAME);
    refuses(&o, TFLW_TRANSPOSE_CONV, "an output of 9x12 (height x width) needs an input of 5x6");
    o = transpose_conv(-8, 12, LAB_PAD_SAME);
    refuses(&o, TFLW_TRANSPOSE_CONV, "-8");
}

static void test_fully_connected(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        one o = begin();
        input(&o, LAB_F32, SHAPE(2, 3, 8), 0, 0);
        constant(&o, LAB_F32, SHAPE(5, 8), 0, 0);
        output(&o, LAB_F32, 0, 0);
        o.attrs.keep_dims = keep;
        if (keep)
            gives_shape(&o, TFLW_FULLY_CONNECTED, SHAPE(2, 3, 5));
        else
            gives_shape(&o, TFLW_FULLY_CONNECTED, SHAPE(6, 5));
    }
    one o = begin();
    input(&o, LAB_F32, SHAPE(2, 3, 8), 0, 0);
    constant(&o, LAB_F32, SHAPE(5, 9), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_FULLY_CONNECTED, "input [2,3,8] cannot be split into rows of 9");
}

/* ---- windows ---- */

static one pool(int32_t size, int32_t filter, float out_scale)
{
    one o = begin();
    input(&o, LAB_U8, SHAPE(1, size, size, 4), 0.5f, 3);
    output(&o, LAB_U8, out_scale, 3);
    o.attrs.padding = LAB_PAD_VALID;
    o.attrs.filter_h = o.attrs.filter_w = filter;
    return o;
}

static void test_average_pool(void **state)
{
    (void)state;
    one o = pool(33, 33, 0.5f);
    gives_shape(&o, TFLW_AVERAGE_POOL_2D, SHAPE(1, 1, 1, 4));
    o = pool(33, 33, 0.25f);
    refuses(&o, TFLW_AVERAGE_POOL_2D, "output must be quantised as its input");
    o = pool(33, 0, 0.5f);
    refuses(&o, TFLW_AVERAGE_POOL_2D, "filter 0 must all be at least 1");
    o = pool(33, 34, 0.5f);
    refuses(&o, TFLW_AVERAGE_POOL_2D, "leaves no output");
    o = pool(33, 30000, 0.5f);
    o.attrs.padding = LAB_PAD_SAME;
    refuses(&o, TFLW_AVERAGE_POOL_2D, "a window of 30000x30000 is too large");
}

static one mean(uint32_t count, const int32_t *axes, bool keep)
{
    one o = begin();
    input(&o, LAB_F32, SHAPE(1, 5, 6, 7), 0, 0);
    ints(&o, count, axes);
    output(&o, LAB_F32, 0, 0);
    o.attrs.keep_dims = keep;
    return o;
}

static void test_mean(void **state)
{
    (void)state;
    one o = mean(2, (int32_t[]){ 1, 2 }, true);
    gives_shape(&o, TFLW_MEAN, SHAPE(1, 1, 1, 7));
    o = mean(2, (int32_t[]){ -2, -3 }, false);
    gives_shape(&o, TFLW_MEAN, SHAPE(1, 7));
    o = mean(1, (int32_t[]){ 4 }, false);
    refuses(&o, TFLW_MEAN, "axis 4 is outside the input's 4 dimensions");
    o = mean(5, (int32_t[]){ 0, 0, 0, 0, 0 }, false);
    refuses(&o, TFLW_MEAN, "5 axes for an input of 4 dimensions");
}

static one resize(int32_t h, int32_t w)
{
    one o = begin();
    input(&o, LAB_F32, SHAPE(1, 33, 33, 4), 0, 0);
    ints(&o, 2, (int32_t[]){ h, w });
    output(&o, LAB_F32, 0, 0);
    return o;
}

static void test_resize(void **state)
{
    (void)state;
    one o = resize(513, 257);
    gives_shape(&o, TFLW_RESIZE_BILINEAR, SHAPE(1, 513, 257, 4));
    o = resize(0, 257);
    refuses(&o, TFLW_RESIZE_BILINEAR, "RESIZE_BILINEAR: ");
    o = resize(60000, 60000);
    refuses(&o, TFLW_RESIZE_BILINEAR, "RESIZE_BILINEAR: ");
    o = resize(513, 257);
    o.attrs.align_corners = o.attrs.half_pixel_centers = true;
    refuses(&o, TFLW_RESIZE_BILINEAR, "exclude each other");
    o = begin();
    input(&o, LAB_F32, SHAPE(1, 33, 33, 4), 0, 0);
    input(&o, LAB_I32, SHAPE(2), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_RESIZE_BILINEAR, "size (input 1) must be a constant of the file");
}

static one argmax(lab_dtype axis_dtype, int32_t axis, lab_dtype out)
{
    one o = begin();
    int64_t wide = axis;
    input(&o, LAB_U8, SHAPE(1, 5, 6, 21), 1, 0);
    o.in[o.n_in++] = tflw_const(o.w, "axis", axis_dtype, 0, NULL,
                                axis_dtype == LAB_I64 ? (const void *)&wide : &axis, 0, 0);
    output(&o, out, 0, 0);
    return o;
}

static void test_argmax(void **state)
{
    (void)state;
    one o = argmax(LAB_I32, -1, LAB_I64);
    lab_graph *graph = gives(&o, TFLW_ARG_MAX, SHAPE(1, 5, 6));
    assert_int_equal(graph->nodes[0]->node.attrs.axis, 3);
    lab_graph_free(graph);
    o = argmax(LAB_I64, 1, LAB_I32);
    gives_shape(&o, TFLW_ARG_MAX, SHAPE(1, 6, 21));
    o = argmax(LAB_I32, 4, LAB_I32);
    refuses(&o, TFLW_ARG_MAX, "axis 4 is outside");
    o = argmax(LAB_I32, 3, LAB_U8);
    refuses(&o, TFLW_ARG_MAX, "the types u8, i32 -> u8 are not a combination");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_padding),
        cmocka_unit_test(test_conv_refuses),
        cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_transpose_conv),
        cmocka_unit_test(test_fully_connected),
        cmocka_unit_test(test_average_pool),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_argmax),
    };
    return cmocka_run_group_tests(tests, node_case_open, node_case_close);
}
