/*
 * Rewrites: the graph before and after each as text, what must stay as it is, and that outputs have
 * the same bytes. A network whose inner values are outputs as well is not rewritten: that is what
 * the bytes are compared with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/rewrite.h"
#include "support/cmocka_all.h"
#include "support/model_host.h"
#include "support/tflite_writer.h"

enum { SIDE = 6, CHANNELS = 3, TEXT = 1024 };

static const int32_t shape[4] = { 1, SIDE, SIDE, CHANNELS };

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

/* ---- networks ---- */

/* What the networks below are made of. scale 0: floats. */
typedef struct net {
    tflw *w;
    lab_dtype dtype;
    float scale;
    int32_t zero;
    bool all_outputs; /* nothing may be rewritten */
} net;

static net new_net(lab_dtype dtype, bool all_outputs)
{
    bool real = dtype == LAB_F32;
    return (net){ tflw_new(), dtype, real ? 0.0f : 0.05f,
                  real              ? 0
                  : dtype == LAB_U8 ? 120
                                    : -8,
                  all_outputs };
}

static int32_t value(net *n, const char *name)
{
    int32_t v = tflw_value(n->w, name, n->dtype, 4, shape, n->scale, n->zero);
    if (n->all_outputs)
        tflw_output(n->w, v);
    return v;
}

static int32_t input(net *n)
{
    int32_t x = tflw_value(n->w, "x", n->dtype, 4, shape, n->scale, n->zero);
    tflw_input(n->w, x);
    return x;
}

static int32_t unary(net *n, int32_t code, const char *name, int32_t in)
{
    int32_t out = value(n, name);
    tflw_op(n->w, code, &in, 1, &out, 1, NULL);
    return out;
}

static int32_t resize(net *n, const char *name, int32_t in)
{
    int32_t ins[2] = { in, tflw_ints(n->w, "size", 2, (int32_t[]){ SIDE, SIDE }) };
    int32_t out = value(n, name);
    tflw_op(n->w, TFLW_RESIZE_BILINEAR, ins, 2, &out, 1, &(lab_attrs){ .align_corners = true });
    return out;
}

static int32_t add(net *n, const char *name, int32_t a, int32_t b, lab_activation activation)
{
    int32_t ins[2] = { a, b }, out = value(n, name);
    tflw_op(n->w, TFLW_ADD, ins, 2, &out, 1, &(lab_attrs){ .activation = activation });
    return out;
}

/* Weights that make as many values negative as positive, and some larger than 6. */
static int32_t filter(net *n, bool depthwise)
{
    int32_t filter_shape[4] = { depthwise ? 1 : CHANNELS, 1, 1, CHANNELS };
    float real[CHANNELS * CHANNELS];
    uint8_t bytes[CHANNELS * CHANNELS];
    for (int i = 0; i < CHANNELS * CHANNELS; i++) {
        real[i] = (float)(i % 4 - 1) * 4.0f;
        bytes[i] = (uint8_t)((n->dtype == LAB_U8 ? 128 : 0) + (i % 4 - 1) * 60);
    }
    if (n->dtype == LAB_F32)
        return tflw_const(n->w, "filter", LAB_F32, 4, filter_shape, real, 0, 0);
    return tflw_const(n->w, "filter", n->dtype, 4, filter_shape, bytes, 1.0f / 32,
                      n->dtype == LAB_U8 ? 128 : 0);
}

static int32_t conv(net *n, const char *name, int32_t in, bool depthwise, lab_activation activation)
{
    const lab_attrs attrs = { .padding = LAB_PAD_SAME,
                              .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .depth_multiplier = 1,
                              .activation = activation };
    const int32_t channels = CHANNELS, zeros[CHANNELS] = { 0 };
    int32_t ins[3] = { in, filter(n, depthwise),
                       tflw_const(n->w, "bias", n->dtype == LAB_F32 ? LAB_F32 : LAB_I32, 1,
                                  &channels, zeros, n->scale / 32, 0) };
    int32_t out = value(n, name);
    tflw_op(n->w, depthwise ? TFLW_DEPTHWISE_CONV_2D : TFLW_CONV_2D, ins, 3, &out, 1, &attrs);
    return out;
}

/* ---- graphs as text ---- */

static void append(char *text, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, TEXT - used, "%s", more);
}

/* "conv_2d+relu(x) y; add(y, y) z": constants are left out. */
static void describe(const lab_graph *graph, char text[TEXT])
{
    static const char *const activations[] = { "", "+relu", "+relu6", "+relu_n1_to_1" };
    text[0] = '\0';
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
        const lab_graph_node *node = graph->nodes[n];
        append(text, n ? "; " : "");
        append(text, node->node.op);
        append(text, activations[node->node.attrs.activation]);
        append(text, "(");
        for (uint32_t i = 0, shown = 0; i < node->node.n_in; i++) {
            assert_ptr_equal(node->node.in[i], &graph->values[node->in[i]]->tensor);
            if (node->node.in[i]->data)
                continue;
            append(text, shown++ ? ", " : "");
            append(text, graph->values[node->in[i]]->name);
        }
        append(text, ") ");
        append(text, node->node.name);
        assert_ptr_equal(node->node.out[0], &graph->values[node->out[0]]->tensor);
        assert_string_equal(node->node.name, graph->values[node->out[0]]->name);
        assert_int_equal(graph->values[node->out[0]]->producer, n);
    }
}

/* The graph of the network whose last value is `output`, before and after. Frees the writer. */
static void check(net *n, int32_t output, const char *before, const char *after, uint32_t removed)
{
    size_t size;
    lab_graph *graph;
    lab_error error;
    char text[TEXT];
    if (!n->all_outputs)
        tflw_output(n->w, output);
    uint8_t *bytes = tflw_finish(n->w, &size);
    if (model_host_graph(host, bytes, size, &graph, &error))
        fail_msg("%s", error.message);
    free(bytes);
    describe(graph, text);
    assert_string_equal(text, before);
    assert_int_equal(lab_graph_rewrite(graph, &error), LAB_OK);
    describe(graph, text);
    print_message("%s\n    -> %s\n", before, text);
    assert_string_equal(text, after);
    assert_int_equal(graph->n_removed, removed);
    for (uint32_t i = 0; i < graph->n_removed; i++)
        assert_non_null(graph->removed[i].reason);
    lab_graph_free(graph);
}

/* ---- each rewrite ---- */

static void test_identity_resize(void **state)
{
    (void)state;
    net n = new_net(LAB_U8, false);
    int32_t r = resize(&n, "r", conv(&n, "c", input(&n), false, LAB_ACT_NONE));
    check(&n, add(&n, "y", r, r, LAB_ACT_NONE), "conv_2d(x) c; resize_bilinear(c) r; add(r, r) y",
          "conv_2d(x) c; add(c, c) y", 1);
    /* Two in a row; the first reads the input of the network. */
    n = new_net(LAB_F32, false);
    r = resize(&n, "r2", resize(&n, "r1", input(&n)));
    check(&n, unary(&n, TFLW_HARD_SWISH, "y", r),
          "resize_bilinear(x) r1; resize_bilinear(r1) r2; hard_swish(r2) y", "hard_swish(x) y", 2);
    /* The network's own output stays. */
    n = new_net(LAB_U8, false);
    r = conv(&n, "c", input(&n), false, LAB_ACT_NONE);
    check(&n, resize(&n, "y", r), "conv_2d(x) c; resize_bilinear(c) y",
          "conv_2d(x) c; resize_bilinear(c) y", 0);
}

/* A resize that changes the size, even of one side, is work. */
static void test_other_resize(void **state)
{
    (void)state;
    net n = new_net(LAB_U8, false);
    const int32_t wide[4] = { 1, SIDE, 2 * SIDE, CHANNELS };
    int32_t ins[2] = { input(&n), tflw_ints(n.w, "size", 2, (int32_t[]){ SIDE, 2 * SIDE }) };
    int32_t r = tflw_value(n.w, "r", LAB_U8, 4, wide, n.scale, n.zero);
    int32_t y = tflw_value(n.w, "y", LAB_U8, 4, wide, n.scale, n.zero);
    tflw_op(n.w, TFLW_RESIZE_BILINEAR, ins, 2, &r, 1, &(lab_attrs){ .align_corners = true });
    tflw_op(n.w, TFLW_RELU, &r, 1, &y, 1, NULL);
    check(&n, y, "resize_bilinear(x) r; relu(r) y", "resize_bilinear(x) r; relu(r) y", 0);
}

static void test_identity_quantize(void **state)
{
    (void)state;
    net n = new_net(LAB_I8, false);
    int32_t q = unary(&n, TFLW_QUANTIZE, "q", input(&n));
    check(&n, conv(&n, "y", q, false, LAB_ACT_NONE), "quantize(x) q; conv_2d(q) y", "conv_2d(x) y",
          1);
    /* Another scale, another zero point, another type: work. */
    for (int i = 0; i < 3; i++) {
        n = new_net(LAB_U8, false);
        int32_t x = input(&n);
        n.scale = i == 0 ? 0.04f : n.scale;
        n.zero = i == 1 ? 121 : n.zero;
        n.dtype = i == 2 ? LAB_I8 : n.dtype;
        q = unary(&n, TFLW_QUANTIZE, "q", x);
        check(&n, unary(&n, TFLW_RELU, "y", q), "quantize(x) q; relu(q) y",
              "quantize(x) q; relu(q) y", 0);
    }
}

static void test_fused_activation(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        net n = new_net(dtypes[i], false);
        int32_t c = conv(&n, "c", input(&n), false, LAB_ACT_NONE);
        int32_t d = conv(&n, "d", unary(&n, TFLW_RELU, "cr", c), true, LAB_ACT_NONE);
        int32_t d6 = unary(&n, TFLW_RELU6, "d6", d);
        int32_t y = unary(&n, TFLW_RELU, "y", add(&n, "a", d6, d6, LAB_ACT_NONE));
        check(&n, y,
              "conv_2d(x) c; relu(c) cr; depthwise_conv_2d(cr) d; relu6(d) d6; add(d6, d6) a; "
              "relu(a) y",
              "conv_2d+relu(x) cr; depthwise_conv_2d+relu6(cr) d6; add+relu(d6, d6) y", 3);
    }
    /* Through a resize that is removed first. */
    net n = new_net(LAB_U8, false);
    int32_t r = resize(&n, "r", conv(&n, "c", input(&n), false, LAB_ACT_NONE));
    check(&n, unary(&n, TFLW_RELU, "y", r), "conv_2d(x) c; resize_bilinear(c) r; relu(r) y",
          "conv_2d+relu(x) y", 2);
}

static void test_other_activations(void **state)
{
    (void)state;
    /* Two readers: one wants the values before the activation. */
    net n = new_net(LAB_F32, false);
    int32_t c = conv(&n, "c", input(&n), false, LAB_ACT_NONE);
    int32_t r = unary(&n, TFLW_RELU, "r", c);
    check(&n, add(&n, "y", r, c, LAB_ACT_NONE), "conv_2d(x) c; relu(c) r; add(r, c) y",
          "conv_2d(x) c; relu(c) r; add(r, c) y", 0);
    /* One reader, but the value is an output too. */
    n = new_net(LAB_F32, true);
    c = conv(&n, "c", input(&n), false, LAB_ACT_NONE);
    check(&n, unary(&n, TFLW_RELU, "y", c), "conv_2d(x) c; relu(c) y", "conv_2d(x) c; relu(c) y",
          0);
    /* It has an activation already, or gets one. */
    n = new_net(LAB_U8, false);
    c = conv(&n, "c", input(&n), false, LAB_ACT_RELU6);
    check(&n, unary(&n, TFLW_RELU, "y", c), "conv_2d+relu6(x) c; relu(c) y",
          "conv_2d+relu6(x) c; relu(c) y", 0);
    n = new_net(LAB_U8, false);
    r = unary(&n, TFLW_RELU, "r", conv(&n, "c", input(&n), false, LAB_ACT_NONE));
    check(&n, unary(&n, TFLW_RELU6, "y", r), "conv_2d(x) c; relu(c) r; relu6(r) y",
          "conv_2d+relu(x) r; relu6(r) y", 1);
    /* The activation rescales; its input is the network's; a node that takes none in. */
    n = new_net(LAB_U8, false);
    c = conv(&n, "c", input(&n), false, LAB_ACT_NONE);
    n.scale = 0.03f;
    check(&n, unary(&n, TFLW_RELU, "y", c), "conv_2d(x) c; relu(c) y", "conv_2d(x) c; relu(c) y",
          0);
    n = new_net(LAB_F32, false);
    r = unary(&n, TFLW_HARD_SWISH, "h", unary(&n, TFLW_RELU, "r", input(&n)));
    check(&n, unary(&n, TFLW_RELU, "y", r), "relu(x) r; hard_swish(r) h; relu(h) y",
          "relu(x) r; hard_swish(r) h; relu(h) y", 0);
}

/* ---- bytes ---- */

/* Every rule at once; the last value is the first output, or the last of all. */
static lab_model *everything(lab_dtype dtype, bool all_outputs)
{
    net n = new_net(dtype, all_outputs);
    int32_t x = input(&n);
    int32_t c = conv(&n, "c", resize(&n, "r", x), false, LAB_ACT_NONE);
    int32_t d = conv(&n, "d", unary(&n, TFLW_RELU6, "cr", c), true, LAB_ACT_NONE);
    int32_t a = add(&n, "a", unary(&n, TFLW_RELU, "dr", d), x, LAB_ACT_NONE);
    int32_t y = unary(&n, TFLW_RELU6, "ar", a);
    if (dtype != LAB_F32)
        y = unary(&n, TFLW_QUANTIZE, "q", y);
    y = conv(&n, "y", y, false, LAB_ACT_NONE);
    if (!all_outputs)
        tflw_output(n.w, y);
    size_t size;
    lab_model *model;
    lab_error error;
    uint8_t *bytes = tflw_finish(n.w, &size);
    if (model_host_model(host, bytes, size, &model, &error))
        fail_msg("%s", error.message);
    free(bytes);
    return model;
}

static const lab_tensor *run(lab_model *model, uint32_t output)
{
    lab_error error;
    lab_tensor x;
    assert_int_equal(model_host_input(host, model, 0, &x, &error), LAB_OK);
    const lab_tensor *list[1] = { &x };
    if (lab_model_run(model, list, 1, LAB_WANT_OUTPUTS, &error))
        fail_msg("%s", error.message);
    lab_tensor_clear(&x);
    return lab_model_result(model, output);
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
        const lab_tensor *y = run(model, 0), *expected = run(plain, plain_stats.nodes - 1);
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
        cmocka_unit_test(test_identity_resize),   cmocka_unit_test(test_other_resize),
        cmocka_unit_test(test_identity_quantize), cmocka_unit_test(test_fused_activation),
        cmocka_unit_test(test_other_activations), cmocka_unit_test(test_same_bytes),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
