/* Networks for tests of rewrites: see rewrite_case.h. */
#include "rewrite_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/rewrite.h"
#include "support/model_host.h"

enum { TEXT = 1024, MAX_WEIGHTS = 1 << 16 };

static const int32_t own_shape[4] = { 1, SIDE, SIDE, CHANNELS };

static lab_host *host;

int rewrite_open(void **state)
{
    (void)state;
    lab_error error;
    host = model_host_open(1, NULL, &error);
    return host ? 0 : -1;
}

int rewrite_close(void **state)
{
    (void)state;
    lab_host_free(host);
    return 0;
}

/* ---- networks ---- */

net net_new(lab_dtype dtype, bool all_outputs)
{
    bool real = dtype == LAB_F32;
    return (net){ tflw_new(), dtype, real ? 0.0f : 0.05f,
                  real              ? 0
                  : dtype == LAB_U8 ? 120
                                    : -8,
                  all_outputs };
}

int32_t net_value_of(net *n, const char *name, const int32_t shape[4])
{
    int32_t v = tflw_value(n->w, name, n->dtype, 4, shape, n->scale, n->zero);
    if (n->all_outputs)
        tflw_output(n->w, v);
    return v;
}

int32_t net_value(net *n, const char *name)
{
    return net_value_of(n, name, own_shape);
}

int32_t net_input_of(net *n, const int32_t shape[4])
{
    int32_t x = tflw_value(n->w, "x", n->dtype, 4, shape, n->scale, n->zero);
    tflw_input(n->w, x);
    return x;
}

int32_t net_input(net *n)
{
    return net_input_of(n, own_shape);
}

int32_t net_unary(net *n, int32_t code, const char *name, int32_t in)
{
    int32_t out = net_value(n, name);
    tflw_op(n->w, code, &in, 1, &out, 1, NULL);
    return out;
}

int32_t net_resize(net *n, const char *name, int32_t in, const int32_t shape[4])
{
    shape = shape ? shape : own_shape;
    int32_t ins[2] = { in, tflw_ints(n->w, "size", 2, shape + 1) };
    int32_t out = net_value_of(n, name, shape);
    tflw_op(n->w, TFLW_RESIZE_BILINEAR, ins, 2, &out, 1, &(lab_attrs){ .align_corners = true });
    return out;
}

int32_t net_add(net *n, const char *name, int32_t a, int32_t b, lab_activation activation)
{
    int32_t ins[2] = { a, b }, out = net_value(n, name);
    tflw_op(n->w, TFLW_ADD, ins, 2, &out, 1, &(lab_attrs){ .activation = activation });
    return out;
}

/* Weights that make as many values negative as positive, and some larger than 6. */
static int32_t weights(net *n, const int32_t shape[4])
{
    static float real[MAX_WEIGHTS];
    static uint8_t bytes[MAX_WEIGHTS];
    int32_t count = shape[0] * shape[1] * shape[2] * shape[3];
    assert_true(count <= MAX_WEIGHTS);
    for (int32_t i = 0; i < count; i++) {
        real[i] = (float)(i % 4 - 1) * 4.0f;
        bytes[i] = (uint8_t)((n->dtype == LAB_U8 ? 128 : 0) + (i % 4 - 1) * 60);
    }
    if (n->dtype == LAB_F32)
        return tflw_const(n->w, "filter", LAB_F32, 4, shape, real, 0, 0);
    return tflw_const(n->w, "filter", n->dtype, 4, shape, bytes, 1.0f / 32,
                      n->dtype == LAB_U8 ? 128 : 0);
}

int32_t net_filter(net *n, const char *name, int32_t in, bool depthwise, const int32_t filter[4],
                   const int32_t shape[4], const lab_attrs *attrs)
{
    const int32_t channels = shape[3];
    int32_t bias[64] = { 0 };
    float real[64] = { 0 };
    assert_true(channels <= 64);
    for (int32_t c = 0; c < channels; c++) {
        bias[c] = c * 100 - 100;
        real[c] = (float)c - 1.0f;
    }
    int32_t ins[3] = { in, weights(n, filter),
                       n->dtype == LAB_F32
                           ? tflw_const(n->w, "bias", LAB_F32, 1, &channels, real, 0, 0)
                           : tflw_const(n->w, "bias", LAB_I32, 1, &channels, bias, n->scale / 32,
                                        0) };
    int32_t out = net_value_of(n, name, shape);
    tflw_op(n->w, depthwise ? TFLW_DEPTHWISE_CONV_2D : TFLW_CONV_2D, ins, 3, &out, 1, attrs);
    return out;
}

int32_t net_conv(net *n, const char *name, int32_t in, bool depthwise, lab_activation activation)
{
    const lab_attrs attrs = { .padding = LAB_PAD_SAME,
                              .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .depth_multiplier = 1,
                              .activation = activation };
    return net_filter(n, name, in, depthwise,
                      (const int32_t[]){ depthwise ? 1 : CHANNELS, 1, 1, CHANNELS }, own_shape,
                      &attrs);
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

/* ---- running both ---- */

static lab_model *load(lab_buffer *file, bool as_in_file)
{
    lab_model *model;
    lab_error error;
    assert_non_null(file);
    if (lab_model_load_with(lab_host_registry(host), file, "model.tflite",
                            &(lab_model_options){ .as_in_file = as_in_file }, &model, &error))
        fail_msg("%s", error.message);
    return model;
}

lab_model *net_model(net *n, bool as_in_file)
{
    size_t size;
    uint8_t *bytes = tflw_finish(n->w, &size);
    lab_buffer *file = model_host_bytes(host, bytes, size);
    lab_model *model = load(file, as_in_file);
    lab_buffer_unref(file);
    free(bytes);
    return model;
}

const lab_tensor *net_run(lab_model *model, uint32_t output)
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

static void compare(const lab_tensor *y, const lab_tensor *expected, float tolerance)
{
    assert_int_equal(y->size, expected->size);
    assert_int_equal(y->dtype, expected->dtype);
    assert_memory_equal(y->shape, expected->shape, y->rank * sizeof *y->shape);
    if (tolerance == 0.0f || y->dtype != LAB_F32) {
        assert_memory_equal(y->data, expected->data, y->size);
        return;
    }
    for (size_t i = 0; i < y->size / sizeof(float); i++) {
        float a = ((const float *)y->data)[i], b = ((const float *)expected->data)[i];
        if (!(fabsf(a - b) <= tolerance * (1.0f + fabsf(b))))
            fail_msg("value %zu is %g, expected %g", i, (double)a, (double)b);
    }
}

static void check_results(const uint8_t *bytes, size_t size, float tolerance)
{
    lab_buffer *file = model_host_bytes(host, bytes, size);
    lab_model *plain = load(file, true), *model = load(file, false);
    const lab_tensor *y = net_run(model, 0);
    compare(y, net_run(plain, 0), tolerance);
    bool varied = false; /* else the comparison says little */
    for (size_t i = 1; i < y->size && !varied; i++)
        varied = ((const uint8_t *)y->data)[i] != ((const uint8_t *)y->data)[0];
    assert_true(varied);
    lab_model_free(model);
    lab_model_free(plain);
    lab_buffer_unref(file);
}

void net_check(net *n, int32_t output, const char *before, const char *after, uint32_t removed,
               float tolerance)
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
    describe(graph, text);
    assert_string_equal(text, before);
    if (lab_graph_rewrite(graph, lab_host_registry(host), &error))
        fail_msg("%s", error.message);
    describe(graph, text);
    print_message("%s\n    -> %s\n", before, text);
    assert_string_equal(text, after);
    assert_int_equal(graph->n_removed, removed);
    for (uint32_t i = 0; i < graph->n_removed; i++)
        assert_non_null(graph->removed[i].reason);
    lab_graph_free(graph);
    check_results(bytes, size, tolerance);
    free(bytes);
}
