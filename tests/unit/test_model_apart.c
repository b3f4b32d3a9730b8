/*
 * Runs of one model at the same time (lab_model_run_apart): the bytes of a run alone, memory that
 * is kept and given back, refusals, stopping, and references to a model.
 */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail_alloc.h"
#include "support/model_host.h"
#include "support/small_models.h"
#include "support/threads.h"

#define CALLERS 4
#define ROUNDS 25

/* The small models by number; NULL past the end. */
static uint8_t *small_model(int i, size_t *size)
{
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    if (i < 3)
        return small_deeplab(dtypes[i], size);
    return i == 3 ? small_zoo(size) : NULL;
}

static lab_model *load(lab_host *host, int i)
{
    size_t size;
    lab_error error;
    lab_model *model = NULL;
    uint8_t *bytes = small_model(i, &size);
    if (bytes && model_host_model(host, bytes, size, &model, &error))
        fail_msg("%s", error.message);
    free(bytes);
    return model;
}

/* Room for the first result. */
static lab_status new_result(lab_host *host, const lab_model *model, unsigned want, lab_tensor *out,
                             lab_error *error)
{
    const lab_tensor *layout = lab_model_result_layout(model, want, 0);
    return lab_tensor_new(lab_host_context(host), LAB_TENSOR, layout->dtype, layout->rank,
                          layout->shape, out, error);
}

/* Another picture for each caller: small changes of the pseudo-random one. */
static void vary(lab_tensor *input, int caller)
{
    uint8_t *bytes = input->data;
    if (input->dtype == LAB_F32)
        for (size_t i = 0; i < input->size / sizeof(float); i += 5)
            ((float *)input->data)[i] *= 0.25f * (float)caller;
    else
        for (size_t i = 0; i < input->size; i += 3)
            bytes[i] = (uint8_t)(bytes[i] + 40 * caller);
}

typedef struct caller {
    lab_model *model;
    unsigned want;
    lab_tensor input, expected, result;
    int wrong; /* rounds whose bytes differ, or that failed */
    pthread_t thread;
} caller;

static void *run_rounds(void *arg)
{
    caller *c = arg;
    const lab_tensor *in[1] = { &c->input };
    lab_tensor *out[1] = { &c->result };
    for (int i = 0; i < ROUNDS; i++) {
        memset(c->result.data, 0xA5, c->result.size);
        if (lab_model_run_apart(c->model, in, 1, c->want, out, 1, NULL) ||
            memcmp(c->result.data, c->expected.data, c->expected.size) != 0)
            c->wrong++;
    }
    return NULL;
}

static void prepare_caller(lab_host *host, caller *c, int number)
{
    lab_tensor *out[1] = { &c->expected };
    assert_int_equal(model_host_input(host, c->model, 0, &c->input, NULL), LAB_OK);
    vary(&c->input, number);
    assert_int_equal(new_result(host, c->model, c->want, &c->expected, NULL), LAB_OK);
    assert_int_equal(new_result(host, c->model, c->want, &c->result, NULL), LAB_OK);
    const lab_tensor *in[1] = { &c->input };
    assert_int_equal(lab_model_run(c->model, in, 1, c->want, NULL), LAB_OK);
    assert_int_equal(lab_model_copy_results(c->model, c->want, out, 1, NULL), LAB_OK);
}

/* Several threads apart, and this one in the model's own memory. */
static void run_at_once(lab_host *host, lab_model *model, unsigned want)
{
    caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){ .model = model, .want = want };
        prepare_caller(host, &callers[i], i);
    }
    for (int i = 1; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_rounds, &callers[i]), 0);
    caller *own = &callers[0];
    const lab_tensor *in[1] = { &own->input };
    lab_tensor *out[1] = { &own->result };
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(lab_model_run(model, in, 1, want, NULL), LAB_OK);
        assert_int_equal(lab_model_copy_results(model, want, out, 1, NULL), LAB_OK);
        assert_memory_equal(own->result.data, own->expected.data, own->expected.size);
    }
    for (int i = 1; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    assert_true(memcmp(callers[0].expected.data, callers[1].expected.data,
                       callers[0].expected.size) != 0); /* else they could be mixed up unseen */
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(callers[i].wrong, 0);
        lab_tensor_clear(&callers[i].input);
        lab_tensor_clear(&callers[i].expected);
        lab_tensor_clear(&callers[i].result);
    }
}

static void test_same_bytes_at_once(void **state)
{
    (void)state;
    needs_threads();
    for (unsigned threads = 1; threads <= 3; threads++) {
        fail_alloc counter;
        fail_alloc_init(&counter, 0);
        lab_host *host = model_host_open(threads, &counter.allocator, NULL);
        assert_non_null(host);
        lab_model *model;
        for (int i = 0; (model = load(host, i)); i++) {
            assert_int_equal(lab_model_workspace_bytes(model), 0);
            run_at_once(host, model, LAB_WANT_OUTPUTS);
            run_at_once(host, model, LAB_WANT_LOGITS);
            lab_model_stats stats;
            lab_model_get_stats(model, &stats);
            size_t kept = lab_model_workspace_bytes(model);
            assert_true(kept > 0 &&
                        kept <= (CALLERS - 1) * (stats.arena_bytes + stats.scratch_bytes));
            lab_model_free(model);
        }
        lab_host_free(host);
        assert_int_equal(atomic_load(&counter.live), 0);
    }
}

/* A second run finds the memory of the first. */
static void test_memory_is_kept(void **state)
{
    (void)state;
    fail_alloc counter;
    fail_alloc_init(&counter, 0);
    lab_host *host = model_host_open(2, &counter.allocator, NULL);
    assert_non_null(host);
    lab_model *model = load(host, 0);
    caller c = { .model = model, .want = LAB_WANT_OUTPUTS };
    prepare_caller(host, &c, 1);
    run_rounds(&c);
    long calls = atomic_load(&counter.calls);
    size_t kept = lab_model_workspace_bytes(model);
    run_rounds(&c);
    assert_int_equal(c.wrong, 0);
    assert_int_equal(atomic_load(&counter.calls), calls);
    assert_int_equal(lab_model_workspace_bytes(model), kept);
    lab_tensor_clear(&c.input);
    lab_tensor_clear(&c.expected);
    lab_tensor_clear(&c.result);
    lab_model_free(model);
    lab_host_free(host);
}

static lab_status run_and_free(const lab_allocator *allocator, void *user, lab_error *error)
{
    (void)user;
    lab_host *host = model_host_open(2, allocator, error);
    if (!host)
        return error->status;
    size_t size;
    uint8_t *bytes = small_model(0, &size);
    lab_model *model = NULL;
    lab_tensor input = { 0 }, result = { 0 };
    const lab_tensor *in[1] = { &input };
    lab_tensor *out[1] = { &result };
    lab_status status = model_host_model(host, bytes, size, &model, error);
    free(bytes);
    if (!status)
        status = model_host_input(host, model, 0, &input, error);
    if (!status)
        status = new_result(host, model, LAB_WANT_OUTPUTS, &result, error);
    if (!status)
        status = lab_model_run_apart(model, in, 1, LAB_WANT_OUTPUTS, out, 1, error);
    lab_tensor_clear(&input);
    lab_tensor_clear(&result);
    lab_model_free(model);
    lab_host_free(host);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep_whole(run_and_free, NULL) > 30);
}

static void test_refusals(void **state)
{
    (void)state;
    lab_error error;
    lab_host *host = model_host_open(2, NULL, &error);
    lab_model *model = load(host, 0);
    caller c = { .model = model, .want = LAB_WANT_OUTPUTS };
    prepare_caller(host, &c, 1);
    const lab_tensor *in[1] = { &c.input };
    lab_tensor *out[1] = { &c.result };
    const lab_tensor *wrong[1] = { &c.result };
    assert_int_equal(lab_model_run_apart(model, in, 0, c.want, out, 1, &error), LAB_E_INVALID);
    assert_int_equal(lab_model_run_apart(model, wrong, 1, c.want, out, 1, &error), LAB_E_INVALID);
    assert_non_null(strstr(error.message, "must be u8 [1,17,17,3]"));
    assert_int_equal(lab_model_check_run(model, wrong, 1, c.want, NULL), LAB_E_INVALID);
    assert_int_equal(lab_model_check_run(model, in, 1, c.want, NULL), LAB_OK);
    /* Room of another size is not written to. */
    assert_int_equal(lab_model_run_apart(model, in, 1, LAB_WANT_LOGITS, out, 1, &error),
                     LAB_E_UNSUPPORTED);
    assert_null(lab_model_result_layout(model, LAB_WANT_LOGITS, 1));
    assert_null(lab_model_result_layout(model, LAB_WANT_OUTPUTS, 1));
    atomic_store(&lab_host_context(host)->stop, true);
    assert_int_equal(lab_model_run_apart(model, in, 1, c.want, out, 1, &error), LAB_E_INTERRUPTED);
    assert_non_null(strstr(error.message, "stopped before op 0"));
    assert_int_equal(lab_model_run(model, in, 1, c.want, &error), LAB_E_INTERRUPTED);
    assert_int_equal(lab_model_copy_results(model, c.want, out, 1, &error), LAB_E_INVALID);
    atomic_store(&lab_host_context(host)->stop, false);
    lab_tensor_clear(&c.input);
    lab_tensor_clear(&c.expected);
    lab_tensor_clear(&c.result);
    lab_model_free(model);
    lab_host_free(host);
}

static void test_references(void **state)
{
    (void)state;
    lab_host *host = model_host_open(2, NULL, NULL);
    caller c = { .model = load(host, 0), .want = LAB_WANT_OUTPUTS };
    prepare_caller(host, &c, 1);
    lab_model_ref(c.model);
    lab_model_free(c.model);
    run_rounds(&c);
    assert_int_equal(c.wrong, 0);
    lab_tensor_clear(&c.input);
    lab_tensor_clear(&c.expected);
    lab_tensor_clear(&c.result);
    lab_model_free(c.model);
    lab_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_at_once),
        cmocka_unit_test(test_memory_is_kept),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests_name("runs at the same time", tests, NULL, NULL);
}
