/*
 * Shape inference of the operators that work on single elements and of those that only move them:
 * the shape each arrives at when the file gives none, and what it refuses.
 */
#include <string.h>

#include "support/cmocka_all.h"
#include "unit/node_case.h"

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
    lab_graph *graph = node_case_load(bytes, size);
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
        cmocka_unit_test(test_add_and_mul),       cmocka_unit_test(test_unary),
        cmocka_unit_test(test_quantize),          cmocka_unit_test(test_concat),
        cmocka_unit_test(test_tile_and_pad),      cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_reshape_by_option), cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, node_case_open, node_case_close);
}
