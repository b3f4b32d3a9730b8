/*
 * Prepared models with the reference kernels: heads, folding, results by thread count, partial
 * runs, the observer, and calls that are wrong.
 */
#include <math.h>
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

/* The model of a file that must load, on `on`. Frees the bytes. */
static lab_model *load_on(lab_host *on, uint8_t *bytes, size_t size)
{
    lab_model *model = NULL;
    lab_error error;
    if (model_host_model(on, bytes, size, &model, &error))
        fail_msg("%s", error.message);
    free(bytes);
    return model;
}

static lab_model *load_small(lab_dtype dtype)
{
    size_t size;
    uint8_t *bytes = small_deeplab(dtype, &size);
    return load_on(host, bytes, size);
}

static lab_model *finish(tflw *w)
{
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    return load_on(host, bytes, size);
}

/* Runs on pseudo-random input. */
static void run_on(lab_host *on, lab_model *model, unsigned want)
{
    lab_tensor input;
    lab_error error;
    assert_int_equal(model_host_input(on, model, 0, &input, &error), LAB_OK);
    const lab_tensor *list[1] = { &input };
    if (lab_model_run(model, list, 1, want, &error))
        fail_msg("%s", error.message);
    lab_tensor_clear(&input);
}

/* ---- heads ---- */

static void test_heads_of_deeplabs(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        lab_model *model = load_small(dtypes[i]);
        const lab_head *head = lab_model_head(model);
        assert_true(head->found);
        assert_string_equal(lab_model_graph(model)->values[head->logits]->name, "logits");
        assert_int_equal(head->channels, SMALL_CLASSES);
        assert_int_equal(head->logits_h, SMALL_SCORES);
        assert_int_equal(head->logits_w, SMALL_SCORES);
        assert_int_equal(head->out_h, SMALL_OUT);
        assert_int_equal(head->out_w, SMALL_OUT);
        assert_true(head->align_corners);
        assert_false(head->half_pixel_centers);
        assert_true(head->resized);
        assert_int_equal(head->argmax, dtypes[i] != LAB_F32);
        assert_int_equal(head->activation, dtypes[i] == LAB_F32 ? LAB_HEAD_SOFTMAX : LAB_HEAD_NONE);
        lab_model_free(model);
    }
}

/* x [1,h,w,c] -> RELU -> what `code` makes of it, with these options, into this shape. */
static lab_model *ending(const int32_t shape[4], int32_t code, lab_dtype dtype, uint32_t rank,
                         const int32_t *out_shape, int32_t axis)
{
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 4, shape, 0, 0);
    int32_t in[2] = { tflw_value(w, "scores", LAB_F32, 4, shape, 0, 0) };
    tflw_op(w, TFLW_RELU, &x, 1, in, 1, NULL);
    int32_t y = tflw_value(w, "y", dtype, rank, out_shape, 0, 0);
    uint32_t n = 1;
    if (code == TFLW_ARG_MAX || code == TFLW_RESHAPE)
        in[n++] = tflw_ints(w, "ints", code == TFLW_ARG_MAX ? 1 : rank,
                            code == TFLW_ARG_MAX ? &axis : out_shape);
    tflw_op(w, code, in, n, &y, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, y);
    return finish(w);
}

static void test_other_heads(void **state)
{
    (void)state;
    const int32_t one[4] = { 1, 6, 5, 1 }, many[4] = { 1, 6, 5, 3 }, two[4] = { 2, 6, 5, 3 };
    /* One score a pixel, made a probability: a person or not. */
    lab_model *model = ending(one, TFLW_LOGISTIC, LAB_F32, 4, one, 0);
    const lab_head *head = lab_model_head(model);
    assert_true(head->found && !head->resized && !head->argmax);
    assert_int_equal(head->activation, LAB_HEAD_LOGISTIC);
    assert_int_equal(head->channels, 1);
    assert_int_equal(head->out_h, 6);
    assert_int_equal(head->logits_w, 5);
    lab_model_free(model);
    /* Bare scores. */
    model = ending(many, TFLW_HARD_SWISH, LAB_F32, 4, many, 0);
    head = lab_model_head(model);
    assert_true(head->found && !head->resized && !head->argmax);
    assert_string_equal(lab_model_graph(model)->values[head->logits]->name, "y");
    lab_model_free(model);
    /* Arg-max of the scores without a resize. */
    model = ending(many, TFLW_ARG_MAX, LAB_I32, 3, many, -1);
    assert_true(lab_model_head(model)->found && lab_model_head(model)->argmax);
    lab_model_free(model);
    /* Not a label map: arg-max over rows; two pictures; a vector. */
    model = ending(many, TFLW_ARG_MAX, LAB_I32, 3, (int32_t[]){ 1, 5, 3 }, 1);
    assert_false(lab_model_head(model)->found);
    lab_model_free(model);
    model = ending(two, TFLW_RELU, LAB_F32, 4, two, 0);
    assert_false(lab_model_head(model)->found);
    lab_model_free(model);
    model = ending(many, TFLW_RESHAPE, LAB_F32, 2, (int32_t[]){ 1, 90 }, 0);
    assert_false(lab_model_head(model)->found);
    lab_error error;
    lab_tensor input;
    assert_int_equal(model_host_input(host, model, 0, &input, &error), LAB_OK);
    const lab_tensor *list[1] = { &input };
    assert_int_equal(lab_model_run(model, list, 1, LAB_WANT_LOGITS, &error), LAB_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, "no class scores"));
    lab_tensor_clear(&input);
    lab_model_free(model);
}

/* ---- results ---- */

static void test_folding(void **state)
{
    (void)state;
    lab_model *model = load_small(LAB_F32);
    const lab_graph *graph = lab_model_graph(model);
    lab_model_stats stats;
    lab_model_get_stats(model, &stats);
    uint32_t folded = 0;
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
        bool constant = !strcmp(graph->nodes[n]->node.op, "dequantize");
        folded += constant;
        assert_int_equal(lab_model_kernel(model, n) == NULL, constant);
        assert_int_equal(graph->nodes[n]->node.out[0]->data != NULL, constant);
    }
    assert_int_equal(folded, 12);
    assert_int_equal(stats.folded, 12);
    assert_int_equal(stats.nodes, graph->n_nodes - 12);
    /* By hand: stem 3x3x3x8, depthwise 3x3x8, project and features 8x8, logits 16x4 on 81 pixels,
     * and 8x8 on one. */
    assert_int_equal(stats.macs, 81 * (216 + 72 + 64 + 64 + 64) + 64);
    assert_true(stats.packed_bytes > 0 && stats.arena_bytes > 0 && stats.constant_bytes > 0);
    /* Folding computed what the stored halves say. */
    const lab_tensor *half = graph->nodes[0]->node.in[0], *real = graph->nodes[0]->node.out[0];
    for (size_t i = 0; i < lab_shape_count(half->rank, half->shape); i++)
        assert_true(((const float *)real->data)[i] ==
                    lab_f16_to_f32(((const uint16_t *)half->data)[i]));
    run_on(host, model, LAB_WANT_OUTPUTS);
    const lab_tensor *y = lab_model_result(model, 0);
    for (int p = 0; p < SMALL_OUT * SMALL_OUT; p++) {
        float sum = 0;
        for (int c = 0; c < SMALL_CLASSES; c++)
            sum += ((const float *)y->data)[p * SMALL_CLASSES + c];
        assert_true(fabsf(sum - 1.0f) < 1e-5f);
    }
    lab_model_free(model);
}

/* Where a score pixel lands exactly on an output pixel, its best class is the label there. */
static void check_map(const lab_model *model)
{
    const lab_tensor *logits = lab_model_logits(model), *map = lab_model_result(model, 0);
    const uint8_t *scores = logits->data;
    bool seen[SMALL_CLASSES] = { false };
    for (int y = 0; y < SMALL_SCORES; y++)
        for (int x = 0; x < SMALL_SCORES; x++) {
            const uint8_t *s = scores + (y * SMALL_SCORES + x) * SMALL_CLASSES;
            int best = 0;
            for (int c = 1; c < SMALL_CLASSES; c++)
                if (s[c] > s[best])
                    best = c;
            int64_t label = ((const int64_t *)map->data)[4 * y * SMALL_OUT + 4 * x];
            assert_int_equal(label, best);
            seen[best] = true;
        }
    assert_true(seen[0] + seen[1] + seen[2] + seen[3] >= 2); /* else the check says little */
}

static void test_results(void **state)
{
    (void)state;
    lab_model *model = load_small(LAB_U8);
    assert_null(lab_model_result(model, 0));
    assert_null(lab_model_logits(model));
    run_on(host, model, LAB_WANT_OUTPUTS | LAB_WANT_LOGITS);
    check_map(model);
    assert_null(lab_model_result(model, 1));
    const lab_tensor *map = lab_model_result(model, 0);
    assert_int_equal(map->size, SMALL_OUT * SMALL_OUT * 8);
    uint8_t before[SMALL_SCORES * SMALL_SCORES * SMALL_CLASSES];
    memcpy(before, lab_model_logits(model)->data, sizeof before);
    run_on(host, model, LAB_WANT_LOGITS);
    assert_memory_equal(lab_model_logits(model)->data, before, sizeof before);
    assert_null(lab_model_result(model, 0)); /* not wanted this time */
    run_on(host, model, LAB_WANT_OUTPUTS);
    assert_null(lab_model_logits(model));
    lab_model_free(model);
}

/* Every operator has a kernel, and the chain of them gives probabilities that say something. */
static void test_zoo(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = small_zoo(&size);
    lab_model *model = load_on(host, bytes, size);
    const lab_head *head = lab_model_head(model);
    assert_true(head->found && !head->resized);
    assert_int_equal(head->activation, LAB_HEAD_SOFTMAX);
    run_on(host, model, LAB_WANT_OUTPUTS);
    const lab_tensor *y = lab_model_result(model, 0);
    assert_int_equal(y->shape[1], SMALL_ZOO_H);
    assert_int_equal(y->shape[2], SMALL_ZOO_W);
    float low = 1, high = 0;
    for (int p = 0; p < SMALL_ZOO_H * SMALL_ZOO_W; p++) {
        const float *pair = (const float *)y->data + 2 * p;
        assert_true(fabsf(pair[0] + pair[1] - 1.0f) < 1e-6f);
        low = pair[0] < low ? pair[0] : low;
        high = pair[0] > high ? pair[0] : high;
    }
    assert_true(high - low > 0.1f);
    /* The two halves are the same tile, but for the seam that the last operator reaches over. */
    const float *row = (const float *)y->data;
    assert_memory_equal(row, row + SMALL_ZOO_W, SMALL_ZOO_W / 2 * sizeof *row);
    lab_model_free(model);
}

static void test_threads_agree(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        size_t size = 0;
        void *first = NULL;
        for (unsigned threads = 1; threads <= 4; threads++) {
            lab_error error;
            lab_host *other = model_host_open(threads, NULL, &error);
            assert_non_null(other);
            size_t bytes;
            uint8_t *file = small_deeplab(dtypes[i], &bytes);
            lab_model *model = load_on(other, file, bytes);
            for (int again = 0; again < 3; again++) {
                run_on(other, model, LAB_WANT_OUTPUTS);
                const lab_tensor *y = lab_model_result(model, 0);
                if (!first) {
                    size = y->size;
                    first = malloc(size);
                    memcpy(first, y->data, size);
                }
                assert_memory_equal(y->data, first, size);
            }
            lab_model_free(model);
            lab_host_free(other);
        }
        free(first);
    }
}

typedef struct seen {
    const lab_graph *graph;
    uint32_t count, next; /* place in the graph after that of the last node */
    bool in_order, resized, argmax, timed;
} seen;

static void observe(void *user, const lab_graph_node *node, const lab_tensor *outputs,
                    uint64_t nanoseconds)
{
    seen *s = user;
    while (s->next < s->graph->n_nodes && s->graph->nodes[s->next] != node)
        s->next++;
    s->in_order = s->in_order && s->next++ < s->graph->n_nodes;
    s->count++;
    s->resized = s->resized || !strcmp(node->label, "RESIZE_BILINEAR");
    s->argmax = s->argmax || !strcmp(node->node.op, "resize_argmax");
    s->timed = s->timed || nanoseconds > 0;
    assert_non_null(outputs[0].data);
    assert_int_equal(outputs[0].size, node->node.out[0]->size);
    assert_null(node->node.out[0]->data);
}

static void test_observer(void **state)
{
    (void)state;
    lab_model *model = load_small(LAB_U8);
    lab_model_stats stats;
    lab_model_get_stats(model, &stats);
    const lab_graph *graph = lab_model_graph(model);
    seen all = { .graph = graph, .in_order = true }, part = all;
    lab_model_observe(model, observe, &all);
    run_on(host, model, LAB_WANT_OUTPUTS);
    assert_int_equal(all.count, stats.nodes);
    assert_true(all.in_order && all.argmax && all.timed);
    /* Up to the scores only: without the resize after them and the arg-max, which are one node. */
    lab_model_observe(model, observe, &part);
    run_on(host, model, LAB_WANT_LOGITS);
    assert_int_equal(part.count, stats.nodes - 1);
    assert_false(part.argmax);
    lab_model_observe(model, NULL, NULL);
    run_on(host, model, LAB_WANT_OUTPUTS);
    assert_int_equal(part.count, stats.nodes - 1);
    lab_model_free(model);
}

/* ---- calls that are wrong ---- */

static void refuse_run(lab_model *model, const lab_tensor *input, uint32_t n, unsigned want,
                       const char *words)
{
    const lab_tensor *list[2] = { input, input };
    lab_error error;
    assert_int_equal(lab_model_run(model, list, n, want, &error), LAB_E_INVALID);
    if (!strstr(error.message, words))
        fail_msg("expected \"%s\", got: %s", words, error.message);
    assert_int_equal(lab_model_run(model, list, n, want, NULL), LAB_E_INVALID);
}

static void test_wrong_calls(void **state)
{
    (void)state;
    lab_model *model = load_small(LAB_U8);
    lab_tensor good, other;
    lab_error error;
    assert_int_equal(model_host_input(host, model, 0, &good, &error), LAB_OK);
    refuse_run(model, &good, 0, LAB_WANT_OUTPUTS, "the network has 1 inputs, got 0");
    refuse_run(model, &good, 2, LAB_WANT_OUTPUTS, "the network has 1 inputs, got 2");
    refuse_run(model, &good, 1, 0, "0 is not a set of results");
    refuse_run(model, &good, 1, 4, "0x4 is not a set of results");
    refuse_run(model, NULL, 1, LAB_WANT_OUTPUTS, "input 0 'input' has no data");
    other = good;
    other.dtype = LAB_I8;
    refuse_run(model, &other, 1, LAB_WANT_OUTPUTS, "must be u8 [1,17,17,3], got i8 [1,17,17,3]");
    other = good;
    other.shape[1] = 16;
    refuse_run(model, &other, 1, LAB_WANT_OUTPUTS, "must be u8 [1,17,17,3], got u8 [1,16,17,3]");
    other = good;
    other.size--;
    refuse_run(model, &other, 1, LAB_WANT_OUTPUTS, "must be u8 [1,17,17,3]");
    lab_tensor_clear(&good);
    lab_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_of_deeplabs),
        cmocka_unit_test(test_other_heads),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_zoo),
        cmocka_unit_test(test_threads_agree),
        cmocka_unit_test(test_observer),
        cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
