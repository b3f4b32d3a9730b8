/*
 * The TensorFlow Lite loader: what it makes of good files, and what it says about bad ones. Bad
 * files are written by tests/support/tflite_writer, or are good ones cut short or changed.
 */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/model_host.h"
#include "support/small_models.h"
#include "support/tflite_writer.h"

static lab_host *host;

static int open_host(void **state)
{
    (void)state;
    lab_error error;
    host = model_host_open(2, NULL, &error);
    return host ? 0 : -1;
}

static int close_host(void **state)
{
    (void)state;
    lab_host_free(host);
    return 0;
}

/* The graph of a file that must load. Frees the bytes. */
static lab_graph *load(uint8_t *bytes, size_t size)
{
    lab_graph *graph = NULL;
    lab_error error;
    if (model_host_graph(host, bytes, size, &graph, &error))
        fail_msg("%s", error.message);
    free(bytes);
    return graph;
}

/* A file that must not load, with this status and these words in the sentence. */
static void refuse_bytes(const uint8_t *bytes, size_t size, lab_status status, const char *words)
{
    lab_graph *graph = NULL;
    lab_error error = { LAB_OK, "" };
    if (!model_host_graph(host, bytes, size, &graph, &error)) {
        lab_graph_free(graph);
        fail_msg("loaded, although: %s", words);
    }
    if (error.status != status || !strstr(error.message, words))
        fail_msg("expected %s with \"%s\", got %s: %s", lab_status_name(status), words,
                 lab_status_name(error.status), error.message);
    assert_memory_equal(error.message, "model.tflite: ", 14);
}

static void refuse(tflw *w, lab_status status, const char *words)
{
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    refuse_bytes(bytes, size, status, words);
    free(bytes);
}

static const int32_t shape4[4] = { 1, 4, 4, 2 };

/* x -> RELU -> y, without the ends declared. */
static tflw *relu_model(int32_t *x, int32_t *y)
{
    tflw *w = tflw_new();
    *x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
    *y = tflw_value(w, "y", LAB_F32, 4, shape4, 0, 0);
    tflw_op(w, TFLW_RELU, x, 1, y, 1, NULL);
    return w;
}

static void test_good(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = small_deeplab(LAB_I8, &size);
    lab_graph *graph = load(bytes, size);
    assert_string_equal(graph->format, "tflite");
    assert_int_equal(graph->n_inputs, 1);
    assert_int_equal(graph->n_outputs, 1);
    assert_int_equal(graph->n_nodes, 14);
    assert_string_equal(graph->nodes[1]->label, "CONV_2D");
    const lab_node *stem = &graph->nodes[1]->node;
    assert_string_equal(stem->op, "conv_2d");
    assert_int_equal(stem->attrs.stride_h, 2);
    assert_int_equal(stem->attrs.activation, LAB_ACT_RELU6);
    assert_int_equal(stem->in[1]->quant.count, 8);
    assert_int_equal(stem->in[1]->quant.axis, 0);
    assert_true(stem->in[1]->quant.scales[2] == 0.004f + 0.0007f * 2);
    assert_int_equal(stem->in[1]->quant.zero_points[2], 0);
    assert_non_null(stem->in[1]->data);
    assert_null(stem->in[0]->data);
    assert_int_equal(stem->out[0]->shape[1], SMALL_SCORES);
    const lab_tensor *map = graph->nodes[13]->node.out[0];
    assert_int_equal(map->dtype, LAB_I32);
    assert_int_equal(map->rank, 3);
    assert_int_equal(graph->nodes[13]->node.attrs.axis, 3);
    lab_graph_free(graph);
}

/* Elements that could not be read in place are copied to where they can. */
static void test_misaligned_constant(void **state)
{
    (void)state;
    for (int odd = 0; odd < 2; odd++) {
        const float two[2] = { 1.5f, -2.0f };
        tflw *w = tflw_new();
        int32_t x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
        int32_t y = tflw_value(w, "y", LAB_F32, 4, shape4, 0, 0);
        tflw_tensor t = { .name = "c",
                          .dtype = LAB_F32,
                          .rank = 1,
                          .shape = { 2 },
                          .data = two,
                          .size = sizeof two,
                          .misaligned = odd != 0 };
        int32_t in[2] = { x, tflw_add(w, &t) };
        tflw_op(w, TFLW_ADD, in, 2, &y, 1, NULL);
        tflw_input(w, x);
        tflw_output(w, y);
        size_t size;
        uint8_t *bytes = tflw_finish(w, &size);
        lab_graph *graph = load(bytes, size);
        const uint8_t *data = graph->values[in[1]]->tensor.data;
        const uint8_t *file = lab_buffer_data(graph->file);
        assert_int_equal((uintptr_t)data % sizeof(float), 0);
        assert_memory_equal(data, two, sizeof two);
        assert_int_equal(data >= file && data < file + size, !odd);
        lab_graph_free(graph);
    }
}

static void test_unknown_shape_is_inferred(void **state)
{
    (void)state;
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
    int32_t y = tflw_add(w, &(tflw_tensor){ .name = "y", .dtype = LAB_F32, .no_shape = true });
    tflw_op(w, TFLW_RELU, &x, 1, &y, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_graph *graph = load(bytes, size);
    assert_int_equal(graph->values[y]->tensor.rank, 4);
    assert_int_equal(graph->values[y]->tensor.size, 128);
    lab_graph_free(graph);
}

static void test_not_a_model(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = small_relu(4, shape4, &size);
    refuse_bytes(bytes, 0, LAB_E_FORMAT, "the file is empty");
    refuse_bytes(bytes, 7, LAB_E_FORMAT, "the file ends before them");
    bytes[6] = 'X';
    refuse_bytes(bytes, size, LAB_E_FORMAT, "bytes 4 to 7 must be \"TFL3\"");
    lab_buffer *file = model_host_bytes(host, bytes, size);
    lab_graph *graph;
    lab_error error;
    assert_int_equal(lab_graph_load(lab_host_registry(host), file, "picture", &graph, &error),
                     LAB_E_FORMAT);
    assert_non_null(strstr(error.message, "picture: not a model file"));
    assert_non_null(strstr(error.message, "tflite (tflite|lite)"));
    lab_buffer_unref(file);
    free(bytes);
}

/* Whatever is cut off a file is missed, and said to be missing. */
static void test_truncated(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
        size_t size;
        uint8_t *bytes = small_deeplab(dtypes[k], &size);
        for (size_t cut = 0; cut < size; cut += cut < 256 ? 1 : 64) {
            lab_graph *graph = NULL;
            lab_error error = { LAB_OK, "" };
            if (!model_host_graph(host, bytes, cut, &graph, &error))
                fail_msg("%s: loads from %zu of %zu bytes", lab_dtype_name(dtypes[k]), cut, size);
            assert_int_equal(error.status, LAB_E_FORMAT);
            assert_true(strlen(error.message) > 20);
        }
        free(bytes);
    }
}

static void set_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void test_offsets_out_of_range(void **state)
{
    (void)state;
    static const uint32_t bad[] = { 0, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc };
    size_t size;
    uint8_t *bytes = small_relu(4, shape4, &size);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t *changed = malloc(size);
        memcpy(changed, bytes, size);
        set_u32(changed, bad[i]);
        refuse_bytes(changed, size, LAB_E_FORMAT, "byte 0: the model is said to be");
        free(changed);
    }
    /* The distance from the root table back to its vtable. */
    uint32_t root;
    memcpy(&root, bytes, 4);
    set_u32(bytes + root, 0x7fffffff);
    refuse_bytes(bytes, size, LAB_E_FORMAT, "the field list of the model is outside the file");
    set_u32(bytes + root, 0x80000000);
    refuse_bytes(bytes, size, LAB_E_FORMAT, "the field list of the model is outside the file");
    free(bytes);
}

static void test_wrong_order(void **state)
{
    (void)state;
    int32_t x, y;
    tflw *w = relu_model(&x, &y);
    tflw_op(w, TFLW_RELU, &y, 1, &y, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, y);
    refuse(w, LAB_E_FORMAT, "op 1 RELU: writes tensor 1 'y', which is already written");

    w = tflw_new();
    x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
    y = tflw_value(w, "y", LAB_F32, 4, shape4, 0, 0);
    tflw_op(w, TFLW_RELU, &y, 1, &y, 1, NULL); /* reads what it writes */
    tflw_input(w, x);
    tflw_output(w, y);
    refuse(w, LAB_E_FORMAT, "op 0 RELU: reads tensor 1 'y', which nothing before it writes");

    w = relu_model(&x, &y); /* a circle of two */
    int32_t z = tflw_value(w, "z", LAB_F32, 4, shape4, 0, 0);
    tflw_op(w, TFLW_ADD, (int32_t[]){ y, z }, 2, &z, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, z);
    refuse(w, LAB_E_FORMAT, "op 1 ADD: reads tensor 2 'z', which nothing before it writes");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_input(w, y);
    refuse(w, LAB_E_FORMAT, "op 0 RELU: writes tensor 1 'y', which is already an input");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_input(w, x);
    refuse(w, LAB_E_FORMAT, "input: tensor 0 'x' is already an input");
}

static void test_numbers_out_of_range(void **state)
{
    (void)state;
    static const struct {
        int32_t in, out, input, output;
        const char *words;
    } cases[] = {
        { 7, 1, 0, 1, "op 0 RELU: input 0 is tensor 7; the file has 2 tensors" },
        { -1, 1, 0, 1, "op 0 RELU: input 0 is absent" },
        { -7, 1, 0, 1, "op 0 RELU: inputs: there is no tensor -7" },
        { 0, 2, 0, 1, "op 0 RELU: output 0 is tensor 2; the file has 2 tensors" },
        { 0, -1, 0, 1, "op 0 RELU: output 0 is tensor 4294967295" },
        { 0, 1, 9, 1, "input: there is no tensor 9 (of 2)" },
        { 0, 1, 0, 9, "output: there is no tensor 9 (of 2)" },
        { 0, 1, 0, 0, "output 0 is tensor 0 'x', which no operator writes" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tflw *w = tflw_new();
        tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
        tflw_value(w, "y", LAB_F32, 4, shape4, 0, 0);
        tflw_op(w, TFLW_RELU, &cases[i].in, 1, &cases[i].out, 1, NULL);
        tflw_input(w, cases[i].input);
        tflw_output(w, cases[i].output);
        refuse(w, LAB_E_FORMAT, cases[i].words);
    }
    int32_t x, y;
    refuse(relu_model(&x, &y), LAB_E_FORMAT, "op 0 RELU: reads tensor 0 'x', which nothing");
    tflw *w = relu_model(&x, &y);
    tflw_input(w, x);
    refuse(w, LAB_E_FORMAT, "this has 1, 1 and 0");
}

/* Tensors that the file describes in a way that cannot be. */
static const float scale[2] = { 0.5f, 0.25f }, negative_scale[1] = { -1.0f };
static const int64_t zero[2] = { 0, 0 }, far[1] = { 300 }, very_far[1] = { INT64_MAX };
static const struct {
    tflw_tensor t;
    lab_status status;
    const char *words;
} bad_tensors[] = {
    { { .dtype = LAB_F32, .rank = 2, .shape = { 3, -1 } }, LAB_E_FORMAT, "tensor 1 'bad'" },
    { { .dtype = LAB_F32, .rank = 2, .shape = { 3, 0 } }, LAB_E_FORMAT, "tensor 1 'bad'" },
    { { .dtype = LAB_F32, .rank = 4, .shape = { 65536, 65536, 65536, 65536 } },
      LAB_E_LIMIT,
      "tensor 1 'bad'" },
    { { .dtype = LAB_I64, .rank = 1, .shape = { INT32_MAX } }, LAB_E_LIMIT, "tensor 1 'bad'" },
    { { .dtype = LAB_F32, .rank = 6, .shape = { 1, 1, 1, 1, 1, 1 } },
      LAB_E_UNSUPPORTED,
      "tensor 1: 6 dimensions are more than 5" },
    { { .raw_type = 5, .rank = 1, .shape = { 1 } },
      LAB_E_UNSUPPORTED,
      "tensor 1: element type 5 (STRING) is not supported" },
    { { .raw_type = 99, .rank = 1, .shape = { 1 } },
      LAB_E_UNSUPPORTED,
      "element type 99 (unknown)" },
    { { .dtype = LAB_F32, .rank = 1, .shape = { 1 }, .variable = true },
      LAB_E_UNSUPPORTED,
      "is a variable" },
    { { .dtype = LAB_F32, .rank = 1, .shape = { 1 }, .sparse = true },
      LAB_E_UNSUPPORTED,
      "stored sparsely" },
    { { .dtype = LAB_F32, .rank = 1, .shape = { 3 }, .data = scale, .size = 8 },
      LAB_E_FORMAT,
      "its shape needs 12 bytes, the file has 8" },
    { { .dtype = LAB_F32, .rank = 1, .shape = { 0 }, .data = scale, .size = 8 },
      LAB_E_FORMAT,
      "tensor 1 'bad'" },
    { { .dtype = LAB_U8,
        .rank = 1,
        .shape = { 3 },
        .n_scales = 2,
        .scales = scale,
        .zero_points = zero },
      LAB_E_FORMAT,
      "2 scales do not fit dimension 0" },
    { { .dtype = LAB_U8,
        .rank = 1,
        .shape = { 2 },
        .n_scales = 2,
        .scales = scale,
        .zero_points = zero,
        .axis = 1 },
      LAB_E_FORMAT,
      "2 scales do not fit dimension 1" },
    { { .dtype = LAB_U8, .rank = 1, .shape = { 2 }, .n_scales = 1, .scales = negative_scale },
      LAB_E_FORMAT,
      "scale -1 is not a positive number" },
    { { .dtype = LAB_U8,
        .rank = 1,
        .shape = { 2 },
        .n_scales = 1,
        .scales = scale,
        .zero_points = far },
      LAB_E_FORMAT,
      "zero point 300 is outside u8" },
    { { .dtype = LAB_U8,
        .rank = 1,
        .shape = { 2 },
        .n_scales = 1,
        .scales = scale,
        .zero_points = very_far },
      LAB_E_FORMAT,
      "zero point 9223372036854775807 is out of range" },
};

static void test_bad_tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_tensors / sizeof *bad_tensors; i++) {
        tflw *w = tflw_new();
        tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
        tflw_tensor t = bad_tensors[i].t;
        t.name = "bad";
        tflw_add(w, &t);
        refuse(w, bad_tensors[i].status, bad_tensors[i].words);
    }
}

static void test_bad_operators(void **state)
{
    (void)state;
    int32_t x, y;
    tflw *w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_op(w, TFLW_MAXIMUM, (int32_t[]){ x, y }, 2, &y, 1, NULL);
    refuse(w, LAB_E_UNSUPPORTED, "op 1: operator 55 MAXIMUM (version 1) is not supported; there");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_op(w, 9999, &x, 1, &y, 1, NULL);
    refuse(w, LAB_E_UNSUPPORTED, "op 1: operator 9999 (version 1) is not supported; there are: ");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_custom(w, "Fancy\033[2J", "", 0, &x, 1, &y, 1);
    refuse(w, LAB_E_UNSUPPORTED,
           "op 1: custom operator 'Fancy?[2J' (version 1) is not known; there "
           "are: ");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_custom(w, "relu", "", 0, &x, 1, &y, 1); /* somebody else's, whatever it does */
    refuse(w, LAB_E_UNSUPPORTED, "op 1: custom operator 'relu' (version 1) is not known");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    int32_t many[20] = { 0 };
    tflw_op(w, TFLW_CONCATENATION, many, 20, &y, 1, NULL);
    refuse(w, LAB_E_UNSUPPORTED, "op 1 CONCATENATION: has 20 inputs; at most 16 are supported");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_op(w, TFLW_ADD, &x, 1, &y, 1, NULL);
    refuse(w, LAB_E_FORMAT, "op 1 ADD: has 1 inputs; 2 to 2 are possible");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_op(w, TFLW_ADD, (int32_t[]){ x, x }, 2, &y, 1, &(lab_attrs){ .axis = 0 });
    tflw_options_type(w, 1);
    refuse(w, LAB_E_FORMAT, "op 1 ADD: options are of type 1, ADD has type 11");

    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_op(w, TFLW_ADD, (int32_t[]){ x, x }, 2, &y, 1,
            &(lab_attrs){ .activation = (lab_activation)4 });
    refuse(w, LAB_E_UNSUPPORTED, "op 1 ADD: fused activation 4 is not one of");
}

static void test_versions_and_subgraphs(void **state)
{
    (void)state;
    int32_t x, y;
    tflw *w = relu_model(&x, &y);
    tflw_version(w, 4);
    refuse(w, LAB_E_UNSUPPORTED, "schema version 4 is not supported, only 3");
    w = relu_model(&x, &y);
    tflw_subgraphs(w, 0);
    refuse(w, LAB_E_FORMAT, "the file has no subgraph");
    /* What no operator calls is left alone. */
    w = relu_model(&x, &y);
    tflw_input(w, x);
    tflw_output(w, y);
    tflw_subgraphs(w, 2);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_graph *graph = load(bytes, size);
    assert_int_equal(graph->n_nodes, 1);
    lab_graph_free(graph);
}

/* MediaPipe's operator is not built in: it comes from a plugin, and gets the file's bytes. */
static void test_custom_operator_reaches_its_plugin(void **state)
{
    (void)state;
    static const float ones[16] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    const int32_t options[3] = { 1, 2, 2 };
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
    int32_t in[3] = { x, tflw_const(w, "w", LAB_F32, 4, (int32_t[]){ 1, 2, 2, 2 }, ones, 0, 0),
                      tflw_const(w, "b", LAB_F32, 1, (int32_t[]){ 1 }, ones, 0, 0) };
    int32_t y = tflw_add(w, &(tflw_tensor){ .name = "y", .dtype = LAB_F32, .no_shape = true });
    tflw_custom(w, "Convolution2DTransposeBias", options, sizeof options, in, 3, &y, 1);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_graph *graph = load(bytes, size);
    const lab_node *node = &graph->nodes[0]->node;
    assert_int_equal(node->attrs.custom_size, sizeof options);
    assert_memory_equal(node->attrs.custom, options, sizeof options);
    assert_int_equal(node->out[0]->shape[1], 8);
    lab_graph_free(graph);
}

/* The file's shape and the operator's rule must agree. */
static void test_declared_shape_disagrees(void **state)
{
    (void)state;
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 4, shape4, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, 4, (int32_t[]){ 1, 4, 4, 3 }, 0, 0);
    tflw_op(w, TFLW_RELU, &x, 1, &y, 1, NULL);
    tflw_input(w, x);
    refuse(w, LAB_E_FORMAT,
           "op 0 RELU: output has shape [1,4,4,2] by the operator's rule, the file says "
           "[1,4,4,3]");
}

/* Names are cut and made printable; one long name shared by all tensors is no way to use memory. */
static void test_names(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    name[1] = '\n';
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, name, LAB_F32, 4, shape4, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, 4, shape4, 0, 0);
    tflw_op(w, TFLW_RELU, &x, 1, &y, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_graph *graph = load(bytes, size);
    assert_int_equal(strlen(graph->values[x]->name), 1023);
    assert_memory_equal(graph->values[x]->name, "n?nnn", 5);
    lab_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_misaligned_constant),
        cmocka_unit_test(test_unknown_shape_is_inferred),
        cmocka_unit_test(test_not_a_model),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_offsets_out_of_range),
        cmocka_unit_test(test_wrong_order),
        cmocka_unit_test(test_numbers_out_of_range),
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_bad_operators),
        cmocka_unit_test(test_versions_and_subgraphs),
        cmocka_unit_test(test_custom_operator_reaches_its_plugin),
        cmocka_unit_test(test_declared_shape_disagrees),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
