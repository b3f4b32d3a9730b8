/* plugin/service.h: objects of services, their methods, and descriptors that are refused. */
#include "support/cmocka_all.h"

#include <string.h>

#include "plugin/loader.h"
#include "plugin/service.h"
#include "support/fail_alloc.h"

static lab_context ctx;
static lab_host_api api;
static lab_registry *registry;
static lab_plugins *plugins;
static lab_error error;

static const lab_service *counter(void)
{
    const lab_service *service = lab_registry_service(registry, "counter");
    assert_non_null(service);
    return service;
}

/* Opens one; `how` NULL: well. */
static lab_status open_counter(const char *how, int64_t start, void **object)
{
    lab_call *call;
    uint32_t param;
    *object = NULL;
    lab_status status = lab_service_new(registry, counter(), &call, &error);
    if (status)
        return status;
    status = lab_call_param(call, "start", &param, &error);
    if (!status)
        status = lab_call_set_int(call, param, start, &error);
    if (!status && how) {
        status = lab_call_param(call, "how", &param, &error);
        if (!status)
            status = lab_call_set_string(call, param, how, strlen(how), &error);
    }
    if (!status)
        status = lab_service_open(call, object, &error);
    lab_call_free(call);
    return status;
}

/* Runs a method without arguments; free the call. */
static lab_call *run_method(void *object, const char *name, lab_status expected)
{
    lab_call *call;
    const lab_op *method = lab_service_method(counter(), name);
    assert_non_null(method);
    assert_int_equal(lab_service_call(registry, counter(), method, &call, &error), LAB_OK);
    lab_status status = lab_service_run(call, object, &error);
    if (status != expected)
        fail_msg("%s: %s", name, error.message);
    return call;
}

static int64_t number(void *object, const char *method)
{
    lab_call *call = run_method(object, method, LAB_OK);
    const lab_field *value = lab_call_value(call);
    assert_non_null(value);
    int64_t result = value->integer;
    lab_call_free(call);
    return result;
}

static void an_object_lives_and_is_closed(void **state)
{
    (void)state;
    void *a, *b;
    assert_int_equal(open_counter(NULL, 5, &a), LAB_OK);
    assert_int_equal(open_counter(NULL, 1, &b), LAB_OK);
    assert_int_equal(number(a, "open"), 2);
    assert_int_equal(number(a, "add"), 6);
    assert_int_equal(number(a, "add"), 7);
    assert_int_equal(number(b, "add"), 2);
    assert_int_equal(number(a, "is_odd"), 1);
    counter()->close(b);
    assert_int_equal(number(a, "open"), 1);
    counter()->close(a);
}

static void results_of_all_types(void **state)
{
    (void)state;
    void *object;
    assert_int_equal(open_counter(NULL, 3, &object), LAB_OK);
    lab_call *call = run_method(object, "half", LAB_OK);
    assert_true(lab_call_value(call)->number == 1.5);
    assert_null(lab_call_records(call));
    lab_call_free(call);
    call = run_method(object, "text", LAB_OK);
    assert_string_equal(lab_call_value(call)->string, "3");
    lab_call_free(call);
    call = run_method(object, "row", LAB_OK);
    const lab_field *bytes = lab_call_records(call)->fields->next;
    assert_int_equal(bytes->type, LAB_BYTES);
    assert_int_equal(bytes->size, 4);
    assert_memory_equal(bytes->string, "a\0b\xff", 4);
    assert_int_equal(bytes->next->size, 0);
    assert_null(lab_call_value(call));
    lab_call_free(call);
    lab_tensor tensor;
    call = run_method(object, "tensor", LAB_OK);
    assert_int_equal(lab_call_take_tensor(call, &tensor, &error), LAB_OK);
    assert_int_equal(*(int64_t *)tensor.data, 3);
    lab_tensor_clear(&tensor);
    lab_call_free(call);
    lab_call_free(run_method(object, "reset", LAB_OK));
    call = run_method(object, "row", LAB_OK);
    assert_null(lab_call_records(call));
    lab_call_free(call);
    counter()->close(object);
}

static void expect_failure(void *object, const char *method, const char *part)
{
    lab_call_free(run_method(object, method, LAB_E_UNSUPPORTED));
    if (!strstr(error.message, part))
        fail_msg("expected \"%s\" in \"%s\"", part, error.message);
}

static void plugins_that_break_their_word(void **state)
{
    (void)state;
    void *object;
    assert_int_equal(open_counter("refused", 0, &object), LAB_E_IO);
    assert_string_equal(error.message, "counter: the device is busy");
    assert_int_equal(open_counter("nothing", 0, &object), LAB_E_UNSUPPORTED);
    assert_string_equal(error.message, "counter: opened nothing (a bug in plugin counter)");
    assert_int_equal(open_counter("silent", 0, &object), LAB_E_IO);
    assert_non_null(strstr(error.message, "failed without saying why"));
    assert_null(object);
    assert_int_equal(open_counter(NULL, 5000, &object), LAB_E_INVALID);
    assert_string_equal(error.message, "counter: start must be -1000..1000, got 5000");
    assert_int_equal(open_counter(NULL, 0, &object), LAB_OK);
    expect_failure(object, "silent", "counter.silent: gave no result, but promises int");
    expect_failure(object, "twice", "gave its result twice (a bug in plugin counter)");
    expect_failure(object, "wrong", "gave a result of kind int, but promises string");
    expect_failure(object, "two_rows", "gave a second row, but promises one");
    counter()->close(object);
}

/* A stop ends what waits, and nothing else: a server must be able to say good-bye. */
static void stopping(void **state)
{
    (void)state;
    void *object;
    assert_int_equal(open_counter(NULL, 1, &object), LAB_OK);
    lab_call_free(run_method(object, "wait", LAB_OK));
    lab_call_free(run_method(object, "interrupt", LAB_OK));
    assert_true(lab_stopped(&ctx));
    assert_int_equal(number(object, "add"), 2);
    lab_call_free(run_method(object, "wait", LAB_E_INTERRUPTED));
    atomic_store(&ctx.stop, false);
    counter()->close(object);
}

/* ---- descriptors ---- */

static lab_status open_nothing(lab_call *call, void **object)
{
    (void)object;
    return lab_fail(call, LAB_E_UNSUPPORTED, "never called");
}

static void close_nothing(void *object)
{
    (void)object;
}

static lab_status run_nothing(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

static const lab_op fine = { .name = "thing.go", .summary = "s", .run = run_nothing };
static const lab_service sound = { .name = "thing",
                                   .summary = "s",
                                   .open = open_nothing,
                                   .close = close_nothing,
                                   .methods = (const lab_op *const[]){ &fine, NULL } };

static void expect_refusal(lab_service service, const lab_op *method, const char *part)
{
    const lab_op *const methods[] = { &fine, method, NULL };
    if (method)
        service.methods = methods;
    const lab_service *const services[] = { &service, NULL };
    const lab_plugin plugin = { LAB_PLUGIN_HEAD, .name = "offer",  .version = "1",
                                .summary = "s",  .licence = "MIT", .services = services };
    assert_int_equal(lab_registry_add(registry, &plugin, "here", &error), LAB_E_INVALID);
    if (!strstr(error.message, part))
        fail_msg("expected \"%s\" in \"%s\"", part, error.message);
    assert_null(lab_registry_service(registry, "thing"));
}

static void refused_descriptors(void **state)
{
    (void)state;
    lab_service s = sound;
    s.name = "Thing";
    expect_refusal(s, NULL, "plugin offer: service Thing: its name must be lower-case letters");
    s.name = "map";
    expect_refusal(s, NULL, "service map: its name is that of a kind of value");
    s.name = "counter";
    s.methods = counter()->methods;
    expect_refusal(s, NULL, "service counter is there already, from plugin counter");
    s = sound;
    s.summary = "";
    expect_refusal(s, NULL, "service thing: it has no summary");
    s = sound;
    s.close = NULL;
    expect_refusal(s, NULL, "service thing: it must have open and close functions");
    s = sound;
    s.methods = (const lab_op *const[]){ NULL };
    expect_refusal(s, NULL, "service thing: it has no methods");
    s = sound;
    s.params = (const lab_param[]){ { .name = "a", .type = LAB_INT }, LAB_PARAM_END };
    expect_refusal(s, NULL, "service thing: parameter a: it has no doc");
}

static void refused_methods(void **state)
{
    (void)state;
    lab_op m = fine;
    expect_refusal(sound, &m, "service thing: method thing.go: there are two of that name");
    m.name = "other.go";
    expect_refusal(sound, &m, "method other.go: its name must be SERVICE.METHOD");
    m.name = NULL;
    expect_refusal(sound, &m, "method number 2: its name must be SERVICE.METHOD");
    m.name = "thing.close";
    expect_refusal(sound, &m, "every service has close");
    m.name = "thing.more";
    m.in = LAB_IMAGE;
    expect_refusal(sound, &m, "its in must be LAB_NONE");
    m.in = LAB_NONE;
    m.out = LAB_CLASSES;
    expect_refusal(sound, &m, "its result is of a type that no method can give");
    m.out = LAB_NONE;
    m.run = NULL;
    expect_refusal(sound, &m, "method thing.more: it has no run function");
}

/* ---- memory ---- */

static lab_status open_and_ask(lab_context *context, void *user, lab_error *why)
{
    (void)user;
    lab_host_api table = { .abi = LAB_ABI_VERSION, .size = sizeof table };
    lab_registry *r = NULL;
    lab_call *opening = NULL, *asking = NULL;
    void *object = NULL;
    const lab_service *const services[] = { counter(), NULL };
    const lab_plugin plugin = { LAB_PLUGIN_HEAD, .name = "again",  .version = "1",
                                .summary = "s",  .licence = "MIT", .services = services };
    lab_call_fill_api(&table);
    lab_status status = lab_registry_new(context, &table, &r, why);
    if (!status)
        status = lab_registry_add(r, &plugin, "here", why);
    if (!status)
        status = lab_service_new(r, services[0], &opening, why);
    if (!status)
        status = lab_call_set_int(opening, 0, 7, why);
    if (!status)
        status = lab_service_open(opening, &object, why);
    const lab_op *method = lab_service_method(services[0], "row");
    if (!status)
        status = lab_service_call(r, services[0], method, &asking, why);
    if (!status)
        status = lab_service_run(asking, object, why);
    lab_call_free(asking);
    lab_call_free(opening);
    if (object)
        services[0]->close(object);
    lab_registry_free(r);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(open_and_ask, NULL) >= 5);
}

static int set_up(void **state)
{
    (void)state;
    api = (lab_host_api){ .abi = LAB_ABI_VERSION, .size = sizeof api };
    lab_call_fill_api(&api);
    if (lab_context_init(&ctx, NULL, 1, NULL) || lab_registry_new(&ctx, &api, &registry, NULL) ||
        lab_plugins_new(registry, &plugins, NULL))
        return -1;
    return lab_plugins_load(plugins, TEST_COUNTER, &error);
}

static int tear_down(void **state)
{
    (void)state;
    lab_plugins_free(plugins);
    lab_registry_free(registry);
    lab_context_finish(&ctx);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_lives_and_is_closed),
        TEST(results_of_all_types),
        TEST(plugins_that_break_their_word),
        TEST(stopping),
        TEST(refused_descriptors),
        TEST(refused_methods),
        TEST(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
