/*
 * Shape inference, one operator at a time: the shape it arrives at when the file gives none, the
 * padding it resolves, and what it refuses. Each case is a model of one operator.
 */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/model_host.h"
#include "support/tflite_writer.h"

static lab_host *host;

static int open_host(void **state)
{
    (void)state;
    lab_error error;
    host = model_host_open(1, NULL, &error);
    return host ? 0 : -1;
}

static int close_host(void **state)
{
    (void)state;
    lab_host_free(host);
    return 0;
}

#define SHAPE(...)                                                                                 \
    (sizeof((int32_t[]){ __VA_ARGS__ }) / 4), (int32_t[])                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* A model of one operator while it is put together: the inputs that are not constants are the
 * model's, and the output has no shape unless a case wants one. */
typedef struct one {
    tflw *w;
    int32_t in[4], out;
    uint32_t n_in;
    lab_attrs attrs;
} one;

static one begin(void)
{
    return (one){ .w = tflw_new(),
                  .attrs = { .padding = LAB_PAD_SAME,
                             .stride_h = 1,
                             .stride_w = 1,
                             .dilation_h = 1,
                             .dilation_w = 1,
                             .beta = 1 } };
}

static void input(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale,
                  int32_t zero)
{
    int32_t id = tflw_value(o->w, "in", dtype, rank, shape, scale, zero);
    tflw_input(o->w, id);
    o->in[o->n_in++] = id;
}

static void constant(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale,
                     int32_t zero)
{
    static const uint8_t zeros[1 << 16];
    o->in[o->n_in++] = tflw_const(o->w, "const", dtype, rank, shape, zeros, scale, zero);
}

static void ints(one *o, uint32_t count, const int32_t *values)
{
    o->in[o->n_in++] = tflw_ints(o->w, "ints", count, values);
}

static void output(one *o, lab_dtype dtype, float scale, int64_t zero)
{
    o->out = tflw_add(o->w, &(tflw_tensor){ .name = "out",
                                            .dtype = dtype,
                                            .no_shape = true,
                                            .n_scales = scale != 0.0f,
                                            .scales = &scale,
                                            .zero_points = &zero });
}

static lab_status build(one *o, int32_t code, lab_graph **graph, lab_error *error)
{
    tflw_op(o->w, code, o->in, o->n_in, &o->out, 1, &o->attrs);
    tflw_output(o->w, o->out);
    size_t size;
    uint8_t *bytes = tflw_finish(o->w, &size);
    lab_status status = model_host_graph(host, bytes, size, graph, error);
    free(bytes);
    return status;
}

/* The graph, which must have arrived at this shape; free it. */
static lab_graph *gives(one *o, int32_t code, uint32_t rank, const int32_t *shape)
{
    lab_graph *graph = NULL;
    lab_error error;
    if (build(o, code, &graph, &error))
        fail_msg("%s", error.message);
    const lab_tensor *out = graph->nodes[0]->node.out[0];
    assert_int_equal(out->rank, rank);
    assert_memory_equal(out->shape, shape, rank * sizeof *shape);
    return graph;
}

static void gives_shape(one *o, int32_t code, uint32_t rank, const int32_t *shape)
{
    lab_graph_free(gives(o, code, rank, shape));
}

static void refuses(one *o, int32_t code, const char *words)
{
    lab_graph *graph = NULL;
    lab_error error = { LAB_OK, "" };
    if (!build(o, code, &graph, &error))
        fail_msg("accepted, although: %s", words);
    if (!strstr(error.message, words))
        fail_msg("expected \"%s\", got: %s", words, error.message);
    assert_memory_equal(error.message, "model.tflite: op 0 ", 19);
}

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

/* ---- elementwise ---- */

static one binary(uint32_t rank_a, const int32_t *a, uint32_t rank_b, const int32_t *b,
                  float out_scale)
{
    one o = begin();
    lab_dtype dtype = out_scale != 0.0f ? LAB_U8 : LAB_F32;
    float scale = out_scale != 0.0f ? 1.0f : 0.0f;
    input(&o, dtype, rank_a, a, scale, 0);
    input(&o, dtype, rank_b, b, scale, 0);
    output(&o, dtype, out_scale, 0);
    return o;
}

static void test_add_and_mul(void **state)
{
    (void)state;
    one o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 5, 8), 0);
    gives_shape(&o, TFLW_ADD, SHAPE(1, 5, 5, 8));
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 1, 1, 8), 0);
    gives_shape(&o, TFLW_MUL, SHAPE(1, 5, 5, 8));
    o = binary(SHAPE(8), SHAPE(1, 5, 5, 1), 0);
    gives_shape(&o, TFLW_ADD, SHAPE(1, 5, 5, 8));
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 4, 5, 8), 0);
    refuses(&o, TFLW_ADD, "inputs [1,5,5,8] and [1,4,5,8] cannot be broadcast");
    o = binary(SHAPE(1, 30000), SHAPE(20000, 1), 0);
    refuses(&o, TFLW_ADD, "ADD: ");
    o = binary(SHAPE(4), SHAPE(4), 0.001f);
    refuses(&o, TFLW_ADD, "the larger input scale / output scale is 1000, outside");
    o = binary(SHAPE(4), SHAPE(4), 1e6f);
    refuses(&o, TFLW_MUL, "product of input scales / output scale is 1e-06, outside");
}

static one unary(lab_dtype in, float in_scale, lab_dtype out, float out_scale, int32_t out_zero)
{
    one o = begin();
    input(&o, in, SHAPE(1, 3, 4, 5), in_scale, 0);
    output(&o, out, out_scale, out_zero);
    return o;
}

static void test_unary(void **state)
{
    (void)state;
    static const int32_t codes[] = { TFLW_RELU, TFLW_RELU6, TFLW_HARD_SWISH, TFLW_LOGISTIC,
                                     TFLW_SOFTMAX };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        one o = unary(LAB_F32, 0, LAB_F32, 0, 0);
        gives_shape(&o, codes[i], SHAPE(1, 3, 4, 5));
        o = unary(LAB_I8, 1.0f / 256, LAB_I8, 1.0f / 256, -128);
        gives_shape(&o, codes[i], SHAPE(1, 3, 4, 5));
        o = unary(LAB_F32, 0, LAB_U8, 1, 0);
        refuses(&o, codes[i], "the types f32 -> u8 are not a combination");
    }
    one o = unary(LAB_U8, 1, LAB_U8, 0.5f, 0);
    refuses(&o, TFLW_LOGISTIC, "output must have scale 1/256 and zero point 0, has 0.5 and 0");
    o = unary(LAB_U8, 1, LAB_U8, 0.001f, 0);
    refuses(&o, TFLW_RELU, "input scale / output scale is 1000");
    o = unary(LAB_F32, 0, LAB_F32, 0, 0);
    o.attrs.beta = -1;
    refuses(&o, TFLW_SOFTMAX, "beta must be positive and finite, is -1");
}

static void test_quantize(void **state)
{
    (void)state;
    one o = unary(LAB_F32, 0, LAB_U8, 0.1f, 3);
    gives_shape(&o, TFLW_QUANTIZE, SHAPE(1, 3, 4, 5));
    o = unary(LAB_U8, 0.1f, LAB_I8, 0.1f, -1);
    gives_shape(&o, TFLW_QUANTIZE, SHAPE(1, 3, 4, 5));
    o = unary(LAB_U8, 0.1f, LAB_I8, 1e-6f, -1);
    refuses(&o, TFLW_QUANTIZE, "input scale / output scale is");
    o = unary(LAB_U8, 0.1f, LAB_F32, 0, 0);
    gives_shape(&o, TFLW_DEQUANTIZE, SHAPE(1, 3, 4, 5));
    o = unary(LAB_F16, 0, LAB_F32, 0, 0);
    gives_shape(&o, TFLW_DEQUANTIZE, SHAPE(1, 3, 4, 5));
    o = unary(LAB_U8, 0, LAB_F32, 0, 0);
    refuses(&o, TFLW_DEQUANTIZE, "without scale and zero point");
}

/* ---- shapes ---- */

static void test_concat(void **state)
{
    (void)state;
    one o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 5, 3), 0);
    o.attrs.axis = -1;
    lab_graph *graph = gives(&o, TFLW_CONCATENATION, SHAPE(1, 5, 5, 11));
    assert_int_equal(graph->nodes[0]->node.attrs.axis, 3);
    lab_graph_free(graph);
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 4, 8), 0);
    o.attrs.axis = 3;
    refuses(&o, TFLW_CONCATENATION, "input 1 has shape [1,5,4,8], which does not continue");
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 5, 8), 0);
    o.attrs.axis = 4;
    refuses(&o, TFLW_CONCATENATION, "axis 4 is outside");
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 5, 8), 0);
    o.attrs.axis = 3;
    o.attrs.activation = LAB_ACT_RELU;
    refuses(&o, TFLW_CONCATENATION, "fused activation is not supported here");
    o = binary(SHAPE(1, 5, 5, 8), SHAPE(1, 5, 5, 8), 0);
    o.in[1] = -1;
    refuses(&o, TFLW_CONCATENATION, "input 1 is absent");
    o = begin();
    input(&o, LAB_I8, SHAPE(1, 5), 1, 0);
    input(&o, LAB_I8, SHAPE(1, 5), 0.5f, 0);
    output(&o, LAB_I8, 1, 0);
    refuses(&o, TFLW_CONCATENATION, "i8 input 1 has another scale");
}

static one with_ints(uint32_t count, const int32_t *values)
{
    one o = begin();
    input(&o, LAB_F32, SHAPE(2, 6, 4, 3), 0, 0);
    ints(&o, count, values);
    output(&o, LAB_F32, 0, 0);
    return o;
}

static void test_tile_and_pad(void **state)
{
    (void)state;
    one o = with_ints(4, (int32_t[]){ 1, 2, 3, 1 });
    gives_shape(&o, TFLW_TILE, SHAPE(2, 12, 12, 3));
    o = with_ints(4, (int32_t[]){ 1, 0, 3, 1 });
    refuses(&o, TFLW_TILE, "dimension 1 of 6 cannot be repeated 0 times");
    o = with_ints(4, (int32_t[]){ 1, INT32_MAX, 3, 1 });
    refuses(&o, TFLW_TILE, "cannot be repeated 2147483647 times");
    o = with_ints(3, (int32_t[]){ 1, 2, 3 });
    refuses(&o, TFLW_TILE, "multiples (input 1) must have 4 elements, has shape [3]");
    o = with_ints(8, (int32_t[]){ 0, 0, 1, 2, 3, 4, 0, 0 });
    gives_shape(&o, TFLW_PAD, SHAPE(2, 9, 11, 3));
    o = with_ints(8, (int32_t[]){ 0, 0, -1, 2, 3, 4, 0, 0 });
    refuses(&o, TFLW_PAD, "dimension 1 of 6 cannot be padded by -1 and 2");
    o = with_ints(8, (int32_t[]){ 0, 0, INT32_MAX, 2, 3, 4, 0, 0 });
    refuses(&o, TFLW_PAD, "cannot be padded");
}

static void test_reshape(void **state)
{
    (void)state;
    one o = with_ints(2, (int32_t[]){ 12, 12 });
    gives_shape(&o, TFLW_RESHAPE, SHAPE(12, 12));
    o = with_ints(3, (int32_t[]){ 2, -1, 3 });
    gives_shape(&o, TFLW_RESHAPE, SHAPE(2, 24, 3));
    o = with_ints(2, (int32_t[]){ -1, -1 });
    refuses(&o, TFLW_RESHAPE, "[2,6,4,3] cannot be read as [-1,-1]");
    o = with_ints(2, (int32_t[]){ 5, -1 });
    refuses(&o, TFLW_RESHAPE, "cannot be read as [5,-1]");
    o = with_ints(2, (int32_t[]){ 0, -1 });
    refuses(&o, TFLW_RESHAPE, "cannot be read as [0,-1]");
    o = with_ints(2, (int32_t[]){ INT32_MAX, INT32_MAX });
    refuses(&o, TFLW_RESHAPE, "cannot be read as");
    o = begin();
    input(&o, LAB_F32, SHAPE(2, 6), 0, 0);
    output(&o, LAB_F32, 0, 0);
    refuses(&o, TFLW_RESHAPE, "the file does not say which shape to take");
}

/* Old files have the new shape in the options; it becomes an input. */
static void test_reshape_by_option(void **state)
{
    (void)state;
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 2, (int32_t[]){ 2, 6 }, 0, 0);
    int32_t y = tflw_add(w, &(tflw_tensor){ .name = "y", .dtype = LAB_F32, .no_shape = true });
    tflw_op(w, TFLW_RESHAPE, &x, 1, &y, 1, NULL);
    tflw_new_shape(w, 3, (int32_t[]){ 3, -1, 1 });
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_graph *graph = NULL;
    lab_error error;
    if (model_host_graph(host, bytes, size, &graph, &error))
        fail_msg("%s", error.message);
    free(bytes);
    assert_memory_equal(graph->values[y]->tensor.shape, ((int32_t[]){ 3, 4, 1 }), 12);
    assert_int_equal(graph->nodes[0]->node.n_in, 2);
    lab_graph_free(graph);
}

static one blocks(const int32_t in[4], int32_t bh, int32_t bw, const int32_t pads[4])
{
    one o = begin();
    input(&o, LAB_F32, 4, in, 0, 0);
    ints(&o, 2, (int32_t[]){ bh, bw });
    int32_t shape[2] = { 2, 2 };
    o.in[o.n_in++] = tflw_const(o.w, "pads", LAB_I32, 2, shape, pads, 0, 0);
    output(&o, LAB_F32, 0, 0);
    return o;
}

static void test_blocks(void **state)
{
    (void)state;
    const int32_t in[4] = { 1, 33, 33, 3 }, batch[4] = { 4, 18, 18, 3 };
    one o = blocks(in, 2, 2, (int32_t[]){ 1, 2, 1, 2 });
    lab_graph *graph = gives(&o, TFLW_SPACE_TO_BATCH_ND, SHAPE(4, 18, 18, 3));
    assert_int_equal(graph->nodes[0]->node.attrs.stride_h, 2);
    assert_int_equal(graph->nodes[0]->node.attrs.pad_bottom, 2);
    lab_graph_free(graph);
    o = blocks(batch, 2, 2, (int32_t[]){ 1, 2, 1, 2 });
    gives_shape(&o, TFLW_BATCH_TO_SPACE_ND, SHAPE(1, 33, 33, 3));
    o = blocks(in, 2, 2, (int32_t[]){ 0, 0, 0, 0 });
    refuses(&o, TFLW_SPACE_TO_BATCH_ND, "padded size 33x33 (height x width) is no multiple");
    o = blocks(in, 0, 2, (int32_t[]){ 0, 0, 0, 0 });
    refuses(&o, TFLW_SPACE_TO_BATCH_ND, "block shape [0,2] must be within 1 .. 32768");
    o = blocks(in, 1, 1, (int32_t[]){ -1, 0, 0, 0 });
    refuses(&o, TFLW_SPACE_TO_BATCH_ND, "paddings must be 0 or more, got -1");
    o = blocks(in, 2, 2, (int32_t[]){ 0, 0, 0, 0 });
    refuses(&o, TFLW_BATCH_TO_SPACE_ND, "batch 1 cannot be joined in blocks of 2x2");
    o = blocks(batch, 2, 2, (int32_t[]){ 36, 0, 0, 0 });
    refuses(&o, TFLW_BATCH_TO_SPACE_ND, "to 0x36");
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
        cmocka_unit_test(test_add_and_mul),
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_quantize),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_tile_and_pad),
        cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_reshape_by_option),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
