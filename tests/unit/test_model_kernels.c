/*
 * How a model treats kernels: what they are given, what happens when they misbehave or there are
 * none, tiles and scratch memory by thread, stopping. The kernels here are the test's own, for
 * custom operators that a model file names.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/model_host.h"
#include "support/tflite_writer.h"
#include "support/threads.h"

#define TILES 64
#define SCRATCH 1000

static lab_status same_infer(lab_infer *infer)
{
    infer->out[0]->rank = infer->in[0]->rank;
    memcpy(infer->out[0]->shape, infer->in[0]->shape, sizeof infer->in[0]->shape);
    return LAB_OK;
}

static lab_status silent_infer(lab_infer *infer)
{
    (void)infer;
    return LAB_E_UNSUPPORTED;
}

static lab_status broken_infer(lab_infer *infer)
{
    infer->out[0]->rank = 9;
    return LAB_OK;
}

#define TYPE(c_name, type_name, rule)                                                              \
    static const lab_node_type c_name = { .name = type_name,                                       \
                                          .summary = "for tests",                                  \
                                          .min_in = 1,                                             \
                                          .max_in = 1,                                             \
                                          .n_out = 1,                                              \
                                          .infer = rule }
TYPE(tiled_type, "TestTiled", same_infer);
TYPE(lonely_type, "TestLonely", same_infer);
TYPE(picky_type, "TestPicky", same_infer);
TYPE(failing_type, "TestFailing", same_infer);
TYPE(greedy_type, "TestGreedy", same_infer);
TYPE(stopping_type, "TestStopping", same_infer);
TYPE(silent_type, "TestSilent", silent_infer);
TYPE(broken_type, "TestBroken", broken_infer);

static int always(const lab_node *node)
{
    (void)node;
    return 1;
}

static int never(const lab_node *node)
{
    (void)node;
    return 0;
}

static atomic_uint tiles_run, bad_tasks;
static atomic_bool *stop_flag;

static lab_status tiled_prepare(lab_prepare *prepare, const lab_node *node)
{
    uint32_t *state = lab_prepare_alloc(prepare, 4096);
    if (!state)
        return LAB_E_NOMEM;
    for (int i = 0; i < 1024; i++)
        if (state[i] != 0)
            return lab_prepare_fail(prepare, LAB_E_INVALID, "memory is not zeroed");
    state[0] = node->in[0]->data ? 1 : 7;
    lab_prepare_state(prepare, state);
    lab_prepare_tiles(prepare, TILES, SCRATCH);
    return LAB_OK;
}

/* Each tile fills the scratch, works a little, and looks whether someone else wrote there. */
static void tiled_run(const lab_task *task)
{
    const uint32_t *state = task->state;
    bool good = state && ((uintptr_t)task->scratch & 63) == 0 &&
                ((uintptr_t)task->out[0] & 63) == 0 && task->begin < task->end &&
                task->end <= TILES;
    uint32_t *scratch = task->scratch;
    for (uint32_t tile = task->begin; good && tile < task->end; tile++) {
        for (uint32_t i = 0; i < SCRATCH / 4; i++)
            scratch[i] = tile;
        for (uint32_t i = 0; i < SCRATCH / 4; i++)
            good = good && scratch[i] == tile;
        const float *in = task->in[0];
        ((float *)task->out[0])[tile] = in[tile] * (float)state[0];
        atomic_fetch_add(&tiles_run, 1);
    }
    if (!good)
        atomic_fetch_add(&bad_tasks, 1);
}

static lab_status failing_prepare(lab_prepare *prepare, const lab_node *node)
{
    (void)node;
    return lab_prepare_fail(prepare, LAB_E_UNSUPPORTED, "only on %s", "Sundays");
}

static lab_status greedy_prepare(lab_prepare *prepare, const lab_node *node)
{
    (void)node;
    lab_prepare_tiles(prepare, 0, 0);
    return LAB_OK;
}

static lab_status many_tiles(lab_prepare *prepare, const lab_node *node)
{
    (void)node;
    lab_prepare_tiles(prepare, 100000, 0);
    return LAB_OK;
}

static void stopping_run(const lab_task *task)
{
    atomic_fetch_add(&tiles_run, task->end - task->begin);
    atomic_store(stop_flag, true);
}

#define KERNEL(c_name, kernel_name, type, matches, prepares, runs)                                 \
    static const lab_kernel c_name = { .name = kernel_name,                                        \
                                       .op = type,                                                 \
                                       .isa = "reference",                                         \
                                       .match = matches,                                           \
                                       .prepare = prepares,                                        \
                                       .run = runs }
KERNEL(tiled, "test.tiled", "TestTiled", always, tiled_prepare, tiled_run);
KERNEL(picky, "test.picky", "TestPicky", never, NULL, tiled_run);
KERNEL(failing, "test.failing", "TestFailing", always, failing_prepare, tiled_run);
KERNEL(greedy, "test.greedy", "TestGreedy", always, greedy_prepare, tiled_run);
KERNEL(stopping, "test.stopping", "TestStopping", always, many_tiles, stopping_run);

static const lab_node_type *const types[] = { &tiled_type,   &lonely_type, &picky_type,
                                              &failing_type, &greedy_type, &stopping_type,
                                              &silent_type,  &broken_type, NULL };
static const lab_kernel *const kernels[] = { &tiled, &picky, &failing, &greedy, &stopping, NULL };
static const lab_plugin test_plugin = {
    LAB_PLUGIN_HEAD,  .name = "test-kernels", .version = "1.0.0", .summary = "for tests",
    .licence = "MIT", .node_types = types,    .kernels = kernels,
};

static lab_host *host;

static int open_host(void **state)
{
    (void)state;
    lab_error error;
    host = model_host_open(4, NULL, &error);
    if (!host || lab_registry_add(lab_host_registry(host), &test_plugin, "test", &error))
        return -1;
    stop_flag = &lab_host_context(host)->stop;
    return 0;
}

static int close_host(void **state)
{
    (void)state;
    lab_host_free(host);
    return 0;
}

static const int32_t shape[1] = { TILES };

/* x [64] -> the custom operator -> y. */
static lab_status load(const char *op, lab_model **model, lab_error *error)
{
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 1, shape, 0, 0);
    int32_t y = tflw_add(w, &(tflw_tensor){ .name = "y", .dtype = LAB_F32, .no_shape = true });
    tflw_custom(w, op, "", 0, &x, 1, &y, 1);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_status status = model_host_model(host, bytes, size, model, error);
    free(bytes);
    return status;
}

static void refuse(const char *op, lab_status status, const char *words)
{
    lab_model *model = NULL;
    lab_error error = { LAB_OK, "" };
    assert_int_equal(load(op, &model, &error), status);
    if (!strstr(error.message, words))
        fail_msg("expected \"%s\", got: %s", words, error.message);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("TestLonely", LAB_E_UNSUPPORTED,
           "model.tflite: op 0 TestLonely: there is no kernel for TestLonely: are the plugins in "
           "place?");
    refuse("TestPicky", LAB_E_UNSUPPORTED,
           "op 0 TestPicky: no kernel computes TestPicky of f32 -> f32; there are test.picky");
    refuse("TestFailing", LAB_E_UNSUPPORTED, "op 0 TestFailing: test.failing: only on Sundays");
    refuse("TestGreedy", LAB_E_LIMIT, "op 0 TestGreedy: test.greedy: the kernel asks for 0 tiles");
    refuse("TestSilent", LAB_E_UNSUPPORTED, "op 0 TestSilent: the rule of TestSilent refuses it");
    refuse("TestBroken", LAB_E_FORMAT, "op 0 TestBroken: ");
}

static lab_status run(lab_model *model, lab_error *error)
{
    lab_tensor input;
    assert_int_equal(model_host_input(host, model, 0, &input, error), LAB_OK);
    const lab_tensor *list[1] = { &input };
    lab_status status = lab_model_run(model, list, 1, LAB_WANT_OUTPUTS, error);
    lab_tensor_clear(&input);
    return status;
}

static void test_tiles_and_scratch(void **state)
{
    (void)state;
    lab_model *model = NULL;
    lab_error error;
    if (load("TestTiled", &model, &error))
        fail_msg("%s", error.message);
    lab_model_stats stats;
    lab_model_get_stats(model, &stats);
    assert_int_equal(stats.packed_bytes, 4096);
    assert_true(stats.scratch_bytes >= (HAVE_THREADS ? 4 : 1) * SCRATCH);
    assert_string_equal(lab_model_kernel(model, 0)->name, "test.tiled");
    assert_null(lab_model_kernel(model, 1));
    for (int i = 0; i < 200; i++) {
        atomic_store(&tiles_run, 0);
        assert_int_equal(run(model, &error), LAB_OK);
        assert_int_equal(atomic_load(&tiles_run), TILES);
    }
    assert_int_equal(atomic_load(&bad_tasks), 0);
    lab_tensor input;
    assert_int_equal(model_host_input(host, model, 0, &input, &error), LAB_OK);
    const float *x = input.data, *y = lab_model_result(model, 0)->data;
    for (int i = 0; i < TILES; i++)
        assert_true(y[i] == x[i] * 7);
    lab_tensor_clear(&input);
    lab_model_free(model);
}

/* The same operator on a constant is computed at load time, with its own scratch and state. */
static void test_folded_with_scratch(void **state)
{
    (void)state;
    float values[TILES];
    for (int i = 0; i < TILES; i++)
        values[i] = (float)i;
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 1, shape, 0, 0);
    int32_t c = tflw_const(w, "c", LAB_F32, 1, shape, values, 0, 0);
    int32_t folded = tflw_value(w, "folded", LAB_F32, 1, shape, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, 1, shape, 0, 0);
    tflw_custom(w, "TestTiled", "", 0, &c, 1, &folded, 1);
    tflw_custom(w, "TestTiled", "", 0, &x, 1, &y, 1);
    tflw_input(w, x);
    tflw_output(w, y);
    tflw_output(w, folded); /* a constant result is a result */
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_model *model = NULL;
    lab_error error;
    if (model_host_model(host, bytes, size, &model, &error))
        fail_msg("%s", error.message);
    free(bytes);
    lab_model_stats stats;
    lab_model_get_stats(model, &stats);
    assert_int_equal(stats.folded, 1);
    assert_int_equal(stats.nodes, 1);
    assert_int_equal(stats.packed_bytes, 4096); /* the folded one keeps nothing */
    assert_int_equal(run(model, &error), LAB_OK);
    const float *result = lab_model_result(model, 1)->data;
    for (int i = 0; i < TILES; i++)
        assert_true(result[i] == values[i]);
    lab_model_free(model);
}

/* What no result depends on needs no kernel and is not run. */
static void test_dead_node(void **state)
{
    (void)state;
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 1, shape, 0, 0);
    int32_t dead = tflw_value(w, "dead", LAB_F32, 1, shape, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, 1, shape, 0, 0);
    tflw_custom(w, "TestLonely", "", 0, &x, 1, &dead, 1);
    tflw_custom(w, "TestTiled", "", 0, &x, 1, &y, 1);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_error error;
    lab_buffer *file = model_host_bytes(host, bytes, size);
    free(bytes);
    for (int rewritten = 0; rewritten < 2; rewritten++) {
        const lab_model_options options = { .as_in_file = !rewritten };
        lab_model *model = NULL;
        if (lab_model_load_with(lab_host_registry(host), file, "dead", &options, &model, &error))
            fail_msg("%s", error.message);
        assert_int_equal(lab_model_graph(model)->n_nodes, rewritten ? 1 : 2);
        assert_int_equal(lab_model_graph(model)->n_removed, rewritten);
        assert_true((lab_model_kernel(model, 0) != NULL) == rewritten);
        assert_int_equal(run(model, &error), LAB_OK);
        lab_model_free(model);
    }
    lab_buffer_unref(file);
}

static void test_stopping(void **state)
{
    (void)state;
    lab_model *model = NULL;
    lab_error error;
    if (load("TestTiled", &model, &error))
        fail_msg("%s", error.message);
    /* Asked to stop before it began: nothing runs. */
    atomic_store(stop_flag, true);
    atomic_store(&tiles_run, 0);
    assert_int_equal(run(model, &error), LAB_E_INTERRUPTED);
    assert_non_null(strstr(error.message, "op 0 TestTiled"));
    assert_int_equal(atomic_load(&tiles_run), 0);
    assert_null(lab_model_result(model, 0));
    atomic_store(stop_flag, false);
    assert_int_equal(run(model, &error), LAB_OK);
    lab_model_free(model);
    /* Asked in the middle: the tiles that are left are skipped. */
    if (load("TestStopping", &model, &error))
        fail_msg("%s", error.message);
    atomic_store(&tiles_run, 0);
    assert_int_equal(run(model, &error), LAB_E_INTERRUPTED);
    assert_true(atomic_load(&tiles_run) < 100000);
    atomic_store(stop_flag, false);
    lab_model_free(model);
}

/* Folding is work too, and can be stopped. */
static void test_stopped_while_loading(void **state)
{
    (void)state;
    const float values[TILES] = { 0 };
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 1, shape, 0, 0);
    int32_t c = tflw_const(w, "c", LAB_F32, 1, shape, values, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, 1, shape, 0, 0);
    tflw_custom(w, "TestTiled", "", 0, &c, 1, &y, 1);
    tflw_input(w, x);
    tflw_output(w, y);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    lab_model *model = NULL;
    lab_error error;
    atomic_store(stop_flag, true);
    assert_int_equal(model_host_model(host, bytes, size, &model, &error), LAB_E_INTERRUPTED);
    assert_non_null(strstr(error.message, "op 0 TestTiled: stopped while loading"));
    atomic_store(stop_flag, false);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_tiles_and_scratch),
        cmocka_unit_test(test_folded_with_scratch),
        cmocka_unit_test(test_dead_node),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_stopped_while_loading),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
