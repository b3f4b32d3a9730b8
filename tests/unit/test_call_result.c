/* plugin/call.h: results, records, failures and parallel work of operators, buggy ones too. */
#include "call_fixture.h"

#include "support/cmocka_all.h"

#include <string.h>

#include "support/fail_alloc.h"

static fixture fix;
static lab_error error;

/* Registers an operator that gives `out` by `run` and begins a call of it. */
static lab_op made;
static lab_call *begin_call(lab_type out, lab_status (*run)(lab_call *))
{
    made =
        (lab_op){ .name = "map.made", .summary = "s", .in = LAB_LABELMAP, .out = out, .run = run };
    fixture_add(&fix, &made);
    return fixture_call(&fix, "map.made");
}

static void expect_failure(lab_type out, lab_status (*run)(lab_call *), lab_status status,
                           const char *message)
{
    lab_call *call = begin_call(out, run);
    size_t size;
    lab_tensor t;
    assert_int_equal(lab_call_run(call, &error), status);
    assert_string_equal(error.message, message);
    assert_null(lab_call_records(call));
    assert_null(lab_call_bytes(call, &size));
    assert_int_equal(lab_call_take_tensor(call, &t, &error), LAB_E_INVALID);
    lab_call_free(call);
}

static lab_status copy_map(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    memcpy(out->data, in->data, in->size);
    return LAB_OK;
}

static void a_map_with_labels(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_LABELMAP, copy_map);
    lab_tensor t;
    assert_int_equal(lab_call_take_tensor(call, &t, &error), LAB_E_INVALID); /* not run yet */
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    assert_int_equal(lab_call_take_tensor(call, &t, &error), LAB_OK);
    lab_tensor none;
    assert_int_equal(lab_call_take_tensor(call, &none, &error), LAB_E_INVALID); /* taken */
    lab_call_free(call);
    assert_memory_equal(t.data, "\0\1\2\3\2\1", 6);
    assert_string_equal(lab_labels_name(t.labels, 2), "person");
    assert_true(lab_buffer_unique(t.buffer));
    lab_tensor_clear(&t);
}

static lab_status tamper(lab_call *call)
{
    const int32_t shape[] = { 4 };
    lab_tensor *out = lab_result(call, LAB_TENSOR, LAB_U8, 1, shape);
    if (!out)
        return lab_call_status(call);
    static const float scales[] = { 1, 2 };
    out->shape[0] = 1000000;
    out->size = 1000000;
    out->data = NULL;
    out->buffer = NULL;
    out->quant = (lab_quant){ .count = 2, .scales = scales };
    return LAB_OK;
}

static void descriptors_cannot_be_tampered_with(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_TENSOR, tamper);
    lab_tensor t;
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    assert_int_equal(lab_call_take_tensor(call, &t, &error), LAB_OK);
    assert_int_equal(t.shape[0], 4);
    assert_int_equal(t.size, 4);
    assert_non_null(t.data);
    assert_int_equal(t.quant.count, 0);
    lab_tensor_clear(&t);
    lab_call_free(call);
}

static lab_status wrong_kind(lab_call *call)
{
    const int32_t shape[] = { 1, 1 };
    return lab_result(call, LAB_MASK, LAB_U8, 2, shape) ? LAB_OK : lab_call_status(call);
}

static lab_status no_result(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

static lab_status twice(lab_call *call)
{
    copy_map(call);
    copy_map(call);
    return LAB_OK; /* the failure counts all the same */
}

static lab_status too_large(lab_call *call)
{
    const int32_t shape[] = { 65535, 65535 };
    return lab_result(call, LAB_LABELMAP, LAB_U8, 2, shape) ? LAB_OK : lab_call_status(call);
}

static lab_status wrong_dtype(lab_call *call)
{
    const int32_t shape[] = { 2, 2 };
    return lab_result(call, LAB_LABELMAP, LAB_F32, 2, shape) ? LAB_OK : lab_call_status(call);
}

static lab_status labels_too_early(lab_call *call)
{
    lab_result_labels(call, lab_input(call));
    return copy_map(call);
}

static lab_status bytes_instead(lab_call *call)
{
    return lab_result_bytes(call, 3) ? LAB_OK : lab_call_status(call);
}

static lab_status records_instead(lab_call *call)
{
    return lab_record_begin(call);
}

static void wrong_results_name_the_plugin(void **state)
{
    (void)state;
    static const struct {
        lab_status (*run)(lab_call *);
        lab_status status;
        const char *message;
    } cases[] = {
        { wrong_kind, LAB_E_UNSUPPORTED,
          "map.made: gave a result of kind mask, but promises labelmap (a bug in plugin extra)" },
        { no_result, LAB_E_UNSUPPORTED,
          "map.made: gave no result, but promises labelmap (a bug in plugin extra)" },
        { twice, LAB_E_UNSUPPORTED,
          "map.made: asked for its result twice (a bug in plugin extra)" },
        { too_large, LAB_E_LIMIT,
          "map.made: the result: shape 65535x65535 of u8 is larger than the limit of 2147483647 "
          "bytes" },
        { wrong_dtype, LAB_E_INVALID,
          "map.made: the result: a label map is u8 or u16 [height, width], got f32 [2x2]" },
        { labels_too_early, LAB_E_UNSUPPORTED,
          "map.made: gave labels to a result that is no label map (a bug in plugin extra)" },
        { bytes_instead, LAB_E_UNSUPPORTED,
          "map.made: gave a result of kind bytes, but promises labelmap (a bug in plugin extra)" },
        { records_instead, LAB_E_UNSUPPORTED,
          "map.made: gave a result of kind records, but promises labelmap (a bug in plugin "
          "extra)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_failure(LAB_LABELMAP, cases[i].run, cases[i].status, cases[i].message);
        fixture_finish(&fix);
        assert_int_equal(fixture_init(&fix, NULL, 2, NULL), LAB_OK);
    }
    expect_failure(LAB_BYTES, no_result, LAB_E_UNSUPPORTED,
                   "map.made: gave no result, but promises bytes (a bug in plugin extra)");
}

static lab_status fail_with_words(lab_call *call)
{
    lab_fail(call, LAB_E_FORMAT, "row %d is bad", 7);
    return lab_fail(call, LAB_E_IO, "a later failure changes nothing");
}

static lab_status fail_silently(lab_call *call)
{
    (void)call;
    return LAB_E_IO;
}

static lab_status fail_strangely(lab_call *call)
{
    (void)call;
    return (lab_status)77;
}

static void failures(void **state)
{
    (void)state;
    expect_failure(LAB_LABELMAP, fail_with_words, LAB_E_FORMAT, "map.made: row 7 is bad");
    made.run = fail_silently;
    lab_call *call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_IO);
    assert_string_equal(error.message, "map.made: failed without saying why (it returned -3; a "
                                       "bug in plugin extra)");
    lab_call_free(call);
    made.run = fail_strangely;
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_UNSUPPORTED);
    lab_call_free(call);
}

static lab_status give_records(lab_call *call)
{
    const int32_t box[] = { 1, 2, 3, 4 };
    char name[] = "person";
    for (int64_t i = 0; i < 2; i++) {
        lab_record_begin(call);
        lab_record_int(call, "id", i);
        lab_record_float(call, "score", 0.5);
        lab_record_string(call, "name", name);
        lab_record_list(call, "box", box, 4);
    }
    memset(name, 'x', 6); /* what was passed has been copied */
    return LAB_OK;
}

static void records(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_RECORDS, give_records);
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    const lab_record *row = lab_call_records(call);
    for (int64_t i = 0; i < 2; i++, row = row->next) {
        const lab_field *f = row->fields;
        assert_string_equal(f->name, "id");
        assert_int_equal(f->type, LAB_INT);
        assert_int_equal(f->integer, i);
        f = f->next;
        assert_string_equal(f->name, "score");
        assert_true(f->type == LAB_FLOAT && f->number == 0.5);
        f = f->next;
        assert_int_equal(f->type, LAB_STRING);
        assert_string_equal(f->string, "person");
        f = f->next;
        assert_int_equal(f->type, LAB_FLOATS);
        assert_int_equal(f->count, 4);
        assert_int_equal(f->list[3], 4);
        assert_null(f->next);
    }
    assert_null(row);
    lab_call_free(call);
    made.run = no_result; /* no rows are a result too */
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    assert_null(lab_call_records(call));
    lab_call_free(call);
}

static lab_status field_without_row(lab_call *call)
{
    return lab_record_int(call, "id", 1);
}

static void a_field_needs_a_row(void **state)
{
    (void)state;
    expect_failure(LAB_RECORDS, field_without_row, LAB_E_UNSUPPORTED,
                   "map.made: added a field without a row or a name (a bug in plugin extra)");
}

static lab_status give_bytes(lab_call *call)
{
    uint8_t *bytes = lab_result_bytes(call, 3);
    if (!bytes)
        return lab_call_status(call);
    memcpy(bytes, "abc", 3);
    return LAB_OK;
}

static void bytes(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_BYTES, give_bytes);
    size_t size;
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    assert_memory_equal(lab_call_bytes(call, &size), "abc", 3);
    assert_int_equal(size, 3);
    lab_call_free(call);
}

typedef struct doubling {
    lab_call *call;
    int32_t *values;
    bool fail;
} doubling;

static void double_range(void *user, uint32_t begin, uint32_t end)
{
    doubling *d = user;
    for (uint32_t i = begin; i < end; i++)
        d->values[i] = (int32_t)(2 * i);
    if (d->fail) /* from several threads at once */
        lab_fail(d->call, LAB_E_FORMAT, "piece failed");
}

static lab_status work_in_parallel(lab_call *call, bool fail)
{
    doubling d = { call, lab_call_alloc(call, 1000 * sizeof(int32_t)), fail };
    if (!d.values || lab_parallel_for(call, 1000, 1, double_range, &d))
        return lab_call_status(call);
    for (int32_t i = 0; i < 1000; i++) {
        if (d.values[i] != 2 * i)
            return lab_fail(call, LAB_E_FORMAT, "item %d was not computed", i);
    }
    return lab_should_stop(call) ? LAB_E_INTERRUPTED : copy_map(call);
}

static lab_status work_well(lab_call *call)
{
    return work_in_parallel(call, false);
}

static lab_status work_badly(lab_call *call)
{
    return work_in_parallel(call, true);
}

static lab_status stop_in_between(lab_call *call)
{
    atomic_store(&fix.ctx.stop, true); /* as a signal handler does */
    return work_in_parallel(call, false);
}

static void parallel_work(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_LABELMAP, work_well);
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    lab_call_free(call);
    made.run = work_badly;
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_FORMAT);
    assert_string_equal(error.message, "map.made: piece failed");
    lab_call_free(call);
    made.run = stop_in_between;
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_INTERRUPTED);
    assert_string_equal(error.message, "map.made: stopped on request");
    lab_call_free(call);
    made.run = copy_map; /* the flag is still set: nothing begins */
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_INTERRUPTED);
    atomic_store(&fix.ctx.stop, false);
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    lab_call_free(call);
}

static lab_status ask_labels(lab_call *call)
{
    const lab_labels *labels = lab_input(call)->labels;
    const lab_host_api *api = LAB_API_OF(call);
    if (api->label_count(labels) != 4 || strcmp(api->label_name(labels, 2), "person") != 0 ||
        api->label_name(labels, 4) != NULL || api->label_color(labels, 3) != 3)
        return lab_fail(call, LAB_E_FORMAT, "labels");
    if (api->label_count(NULL) != 0 || api->label_name(NULL, 0) || api->label_color(NULL, 0))
        return lab_fail(call, LAB_E_FORMAT, "no labels");
    return copy_map(call);
}

static void label_sets(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_LABELMAP, ask_labels);
    if (lab_call_run(call, &error))
        fail_msg("%s", error.message);
    lab_call_free(call);
}

/* The context and lab_call_give: what built-in operators use. */
static lab_status give_foreign(lab_call *call)
{
    lab_tensor t;
    lab_error why;
    const int32_t shape[] = { 2, 2 };
    if (lab_tensor_new(lab_call_context(call), made.out, LAB_U8, 2, shape, &t, &why))
        return lab_fail(call, why.status, "%s", why.message);
    memset(t.data, 9, t.size);
    lab_status status = lab_call_give(call, &t);
    assert_null(t.buffer);
    return status;
}

static lab_status give_wrong_kind(lab_call *call)
{
    lab_tensor t;
    const int32_t shape[] = { 2, 2 };
    if (lab_tensor_new(lab_call_context(call), LAB_TENSOR, LAB_F32, 2, shape, &t, NULL))
        return LAB_E_NOMEM;
    return lab_call_give(call, &t);
}

static void given_tensors(void **state)
{
    (void)state;
    lab_call *call = begin_call(LAB_MASK, give_foreign);
    lab_tensor t;
    assert_int_equal(lab_call_run(call, &error), LAB_OK);
    assert_int_equal(lab_call_take_tensor(call, &t, &error), LAB_OK);
    assert_int_equal(((uint8_t *)t.data)[3], 9);
    lab_tensor_clear(&t);
    lab_call_free(call);
    made.run = give_wrong_kind;
    call = fixture_call(&fix, "map.made");
    assert_int_equal(lab_call_run(call, &error), LAB_E_UNSUPPORTED);
    lab_call_free(call);
}

/* Runs an operator with allocations failing one after the other. */
static lab_status sweep_one(const lab_allocator *allocator, void *user, lab_error *e)
{
    fixture f;
    lab_status status = fixture_init(&f, allocator, 1, e);
    if (status)
        return status;
    lab_call *call = NULL;
    const lab_op *op = user;
    const lab_op *const list[] = { op, NULL };
    const lab_plugin extra = { LAB_PLUGIN_HEAD,   .name = "extra",  .version = "1",
                               .summary = "test", .licence = "MIT", .ops = list };
    status = lab_registry_add(f.registry, &extra, "test", e);
    if (!status)
        status = lab_call_new(f.registry, op, &f.map, &call, e);
    if (!status)
        status = lab_call_run(call, e);
    lab_call_free(call);
    fixture_finish(&f);
    return status;
}

static lab_status give_many_records(lab_call *call)
{
    for (int i = 0; i < 30; i++) {
        lab_status status = give_records(call);
        if (status)
            return status;
    }
    return LAB_OK;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    static const struct {
        lab_type out;
        lab_status (*run)(lab_call *);
    } cases[] = { { LAB_LABELMAP, copy_map },
                  { LAB_LABELMAP, work_well },
                  { LAB_BYTES, give_bytes },
                  { LAB_RECORDS, give_many_records } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_op op = { .name = "map.made",
                      .summary = "s",
                      .in = LAB_LABELMAP,
                      .out = cases[i].out,
                      .run = cases[i].run };
        assert_true(fail_alloc_sweep_whole(sweep_one, &op) > 10);
    }
}

static int begin(void **state)
{
    (void)state;
    memset(&error, 0, sizeof error);
    return fixture_init(&fix, NULL, 3, NULL);
}

static int end(void **state)
{
    (void)state;
    fixture_finish(&fix);
    return 0;
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(a_map_with_labels),
        IN_FIXTURE(descriptors_cannot_be_tampered_with),
        IN_FIXTURE(wrong_results_name_the_plugin),
        IN_FIXTURE(failures),
        IN_FIXTURE(records),
        IN_FIXTURE(a_field_needs_a_row),
        IN_FIXTURE(bytes),
        IN_FIXTURE(parallel_work),
        IN_FIXTURE(label_sets),
        IN_FIXTURE(given_tensors),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
