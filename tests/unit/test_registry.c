/* plugin/registry.h: what is accepted and refused, all or nothing, and how kernels are chosen. */
#include "support/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "plugin/registry.h"
#include "support/fail_alloc.h"

static lab_context ctx;
static const lab_host_api api = { .abi = LAB_ABI_VERSION, .size = sizeof(lab_host_api) };
static lab_registry *reg;

static lab_status run_nothing(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

static int match_one(const lab_node *node)
{
    (void)node;
    return 1;
}

static int match_five(const lab_node *node)
{
    (void)node;
    return 5;
}

static int match_never(const lab_node *node)
{
    (void)node;
    return 0;
}

static void run_task(const lab_task *task)
{
    (void)task;
}

static lab_status infer_nothing(lab_infer *infer)
{
    (void)infer;
    return LAB_OK;
}

static int probe_png(const uint8_t *bytes, size_t size, const char *filename)
{
    (void)filename;
    return size > 0 && bytes[0] == 0x89 ? 100 : 0;
}

static int probe_anything(const uint8_t *bytes, size_t size, const char *filename)
{
    (void)bytes;
    (void)size;
    return strcmp(filename, "refused") != 0;
}

static lab_status load_nothing(lab_builder *builder, const uint8_t *bytes, size_t size)
{
    (void)builder;
    (void)bytes;
    (void)size;
    return LAB_OK;
}

#define OP(op_name, kind)                                                                          \
    {                                                                                              \
        .name = op_name, .summary = "a test", .in = kind, .out = kind, .run = run_nothing          \
    }
#define OPS(...)                                                                                   \
    (const lab_op *const[])                                                                        \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define PLUGIN(plugin_name, ...)                                                                   \
    {                                                                                              \
        LAB_PLUGIN_HEAD, .name = plugin_name, .version = "1", .summary = "a test",                 \
                         .licence = "MIT", __VA_ARGS__                                             \
    }

static const lab_op image_b = OP("image.b", LAB_IMAGE), image_a = OP("image.a", LAB_IMAGE),
                    map_a = OP("map.a", LAB_LABELMAP);

static void expect_refusal(const lab_plugin *plugin, lab_status status, const char *message)
{
    lab_error error = { LAB_OK, "" };
    assert_int_equal(lab_registry_add(reg, plugin, "here", &error), status);
    if (!strstr(error.message, message))
        fail_msg("expected \"%s\" in \"%s\"", message, error.message);
    assert_int_equal(error.status, status);
}

static void look_ups(void **state)
{
    (void)state;
    const lab_plugin p = PLUGIN("first", .ops = OPS(&image_b, &map_a, &image_a));
    assert_int_equal(lab_registry_add(reg, &p, "over there", NULL), LAB_OK);
    assert_ptr_equal(lab_registry_op(reg, "image.b"), &image_b);
    assert_null(lab_registry_op(reg, "image.c"));
    assert_ptr_equal(lab_registry_method(reg, LAB_LABELMAP, "a"), &map_a);
    assert_ptr_equal(lab_registry_method(reg, LAB_IMAGE, "a"), &image_a);
    assert_null(lab_registry_method(reg, LAB_MASK, "a"));
    assert_null(lab_registry_method(reg, LAB_INT, "a"));
    assert_ptr_equal(lab_registry_op_at(reg, 0), &image_a); /* sorted */
    assert_ptr_equal(lab_registry_op_at(reg, 1), &image_b);
    assert_ptr_equal(lab_registry_op_at(reg, 2), &map_a);
    assert_null(lab_registry_op_at(reg, 3));
    const char *origin = NULL;
    const lab_plugin *owner = lab_registry_owner(reg, &map_a);
    assert_string_equal(owner->name, "first");
    assert_ptr_equal(lab_registry_plugin_at(reg, 0, &origin), owner);
    assert_string_equal(origin, "over there");
    assert_null(lab_registry_plugin_at(reg, 1, &origin));
    assert_null(lab_registry_owner(reg, &p));
    assert_int_equal(lab_op_kind("map.x"), LAB_LABELMAP);
    assert_int_equal(lab_op_kind("maps.x"), LAB_NONE);
    assert_int_equal(lab_op_kind("tensor.x"), LAB_TENSOR);
    assert_ptr_equal(lab_registry_context(reg), &ctx);
    assert_ptr_equal(lab_registry_api(reg), &api);
}

static void abi_and_size(void **state)
{
    (void)state;
    lab_plugin p = PLUGIN("abi", .ops = OPS(&image_a));
    p.abi = (LAB_ABI_MAJOR + 1) << 16;
    expect_refusal(&p, LAB_E_ABI, "built for plugin ABI 2.0, but this lualab has 1.2");
    p.abi = LAB_ABI_VERSION + 1;
    p.size = 1 << 20;
    expect_refusal(&p, LAB_E_ABI, "its descriptor says it has 1048576 bytes");
    p.abi = LAB_ABI_VERSION;
    p.size = (uint32_t)offsetof(lab_plugin, fini);
    expect_refusal(&p, LAB_E_ABI, "its descriptor says it has");
    p.size = (uint32_t)sizeof p + 8;
    expect_refusal(&p, LAB_E_ABI, "its descriptor says it has");
    p.size = sizeof p;
    assert_int_equal(lab_registry_add(reg, &p, "here", NULL), LAB_OK);
}

static void incomplete_plugins(void **state)
{
    (void)state;
    lab_plugin p = PLUGIN("Upper", .ops = NULL);
    expect_refusal(&p, LAB_E_INVALID, "got \"Upper\"");
    p.name = NULL;
    expect_refusal(&p, LAB_E_INVALID, "the plugin's name must be");
    p.name = "p";
    p.version = "";
    expect_refusal(&p, LAB_E_INVALID, "plugin p: it has no version");
    p.version = "1";
    p.licence = NULL;
    expect_refusal(&p, LAB_E_INVALID, "plugin p: it has no licence");
    p.licence = "MIT";
    p.summary = NULL;
    expect_refusal(&p, LAB_E_INVALID, "plugin p: it has no summary");
}

static void expect_op_refusal(const lab_op *op, const char *message)
{
    const lab_plugin p = PLUGIN("p", .ops = (const lab_op *const[]){ &image_a, op, NULL });
    expect_refusal(&p, LAB_E_INVALID, message);
    assert_null(lab_registry_op_at(reg, 0)); /* the good one neither */
}

static void incomplete_operators(void **state)
{
    (void)state;
    lab_op op = OP("image.x", LAB_IMAGE);
    op.name = NULL;
    expect_op_refusal(&op, "plugin p: operator number 2: its name must be KIND.METHOD");
    op.name = "resize";
    expect_op_refusal(&op, "operator resize: its name must be KIND.METHOD");
    op.name = "image.Resize";
    expect_op_refusal(&op, "its name must be KIND.METHOD");
    op.name = "picture.resize";
    expect_op_refusal(&op, "must begin with image, map, mask or tensor");
    op.name = "mask.resize";
    expect_op_refusal(&op, "not the kind of its input");
    op.name = "image.x";
    op.run = NULL;
    expect_op_refusal(&op, "operator image.x: it has no run function");
    op.run = run_nothing;
    op.summary = "";
    expect_op_refusal(&op, "it has no summary");
    op.summary = "x";
    op.out = LAB_INT;
    expect_op_refusal(&op, "its result must be");
    op.out = LAB_IMAGE;
    op.name = image_a.name;
    expect_op_refusal(&op, "operator image.a is listed twice");
}

static void malformed_parameters(void **state)
{
    (void)state;
    static const struct {
        lab_param param;
        const char *message;
    } cases[] = {
        { { .name = "A", .type = LAB_INT, .doc = "d" }, "parameter A: its name must be" },
        { { .name = "a", .type = LAB_NONE, .doc = "d" }, "its type is none" },
        { { .name = "a", .type = LAB_RECORDS, .doc = "d" }, "its type is none" },
        { { .name = "a", .type = (lab_type)77, .doc = "d" }, "its type is none" },
        { { .name = "a", .type = LAB_INT }, "it has no doc" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .min = 2, .max = 1 }, "min is above" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .min = NAN, .max = 1 }, "min is above" },
        { { .name = "a", .type = LAB_BOOL, .doc = "d", .max = 1 }, "only numbers have min" },
        { { .name = "a", .type = LAB_ENUM, .doc = "d" }, "its choices must be" },
        { { .name = "a", .type = LAB_ENUM, .doc = "d", .choices = "x||y" }, "its choices must" },
        { { .name = "a", .type = LAB_ENUM, .doc = "d", .choices = "x|x" }, "its choices must" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .choices = "x" }, "only LAB_ENUM" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .flags = 64 }, "it has flags" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .def = "1.5" },
          "the default: a must be a whole number, got \"1.5\"" },
        { { .name = "a", .type = LAB_INT, .doc = "d", .def = "9", .min = 1, .max = 3 },
          "a must be 1..3, got 9" },
        { { .name = "a", .type = LAB_FLOAT, .doc = "d", .def = "nan" }, "a must be a number" },
        { { .name = "a", .type = LAB_FLOAT, .doc = "d", .def = "" }, "a must be a number" },
        { { .name = "a", .type = LAB_BOOL, .doc = "d", .def = "yes" }, "true or false" },
        { { .name = "a", .type = LAB_ENUM, .doc = "d", .choices = "area|near", .def = "aera" },
          "did you mean \"area\"?" },
        { { .name = "a", .type = LAB_COLOR, .doc = "d", .def = "#12" }, "a must be a colour" },
        { { .name = "a", .type = LAB_FLOATS, .doc = "d", .def = "1,,2" }, "a list of numbers" },
        { { .name = "a", .type = LAB_CLASSES, .doc = "d", .def = "1,70000" }, "class ids" },
        { { .name = "a", .type = LAB_IMAGE, .doc = "d", .def = "x" }, "has no default" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_param params[] = { cases[i].param, LAB_PARAM_END };
        lab_op op = OP("image.x", LAB_IMAGE);
        op.params = params;
        expect_op_refusal(&op, cases[i].message);
    }
    lab_op op = OP("image.x", LAB_IMAGE);
    const lab_param twice[] = { { .name = "a", .type = LAB_INT, .doc = "d" },
                                { .name = "a", .type = LAB_INT, .doc = "d" },
                                LAB_PARAM_END };
    op.params = twice;
    expect_op_refusal(&op, "there are two of that name");
    const lab_param mains[] = {
        { .name = "a", .type = LAB_INT, .doc = "d", .flags = LAB_PARAM_MAIN },
        { .name = "b", .type = LAB_INT, .doc = "d", .flags = LAB_PARAM_MAIN },
        LAB_PARAM_END
    };
    op.params = mains;
    expect_op_refusal(&op, "parameter b: a second parameter is LAB_PARAM_MAIN");
}

static void good_defaults(void **state)
{
    (void)state;
    static const lab_param params[] = {
        { .name = "i", .type = LAB_INT, .doc = "d", .def = "-3" },
        { .name = "f", .type = LAB_FLOAT, .doc = "d", .def = "1e-3" },
        { .name = "e", .type = LAB_ENUM, .doc = "d", .choices = "one|two", .def = "two" },
        { .name = "c", .type = LAB_COLOR, .doc = "d", .def = "Navy" },
        { .name = "l", .type = LAB_FLOATS, .doc = "d", .def = "0.5, 0.5" },
        { .name = "k", .type = LAB_CLASSES, .doc = "d", .def = "0, person" },
        { .name = "b", .type = LAB_BOOL, .doc = "d", .def = "false" },
        { .name = "s", .type = LAB_STRING, .doc = "d", .def = "" },
        { .name = "y", .type = LAB_BYTES, .doc = "d", .def = "\xff" },
        LAB_PARAM_END,
    };
    lab_op op = OP("image.x", LAB_IMAGE);
    op.params = params;
    const lab_plugin p = PLUGIN("p", .ops = OPS(&op));
    lab_error error = { LAB_OK, "" };
    lab_status status = lab_registry_add(reg, &p, "here", &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, LAB_OK);
}

static void incomplete_other_entries(void **state)
{
    (void)state;
    lab_kernel kernel = {
        .name = "k", .op = "conv", .isa = "avx2", .match = match_one, .run = run_task
    };
    const lab_kernel *const kernels[] = { &kernel, NULL };
    lab_plugin p = PLUGIN("p", .kernels = kernels);
    kernel.isa = "AVX2";
    expect_refusal(&p, LAB_E_INVALID, "plugin p: kernel k: its isa must be a word");
    kernel.isa = "avx2";
    kernel.match = NULL;
    expect_refusal(&p, LAB_E_INVALID, "kernel k: it has no match function");
    kernel.match = match_one;
    kernel.run = NULL;
    expect_refusal(&p, LAB_E_INVALID, "kernel k: it has no run function");
    kernel.run = run_task;
    kernel.op = NULL;
    expect_refusal(&p, LAB_E_INVALID, "kernel k: it names no node type");
    kernel.name = "";
    expect_refusal(&p, LAB_E_INVALID, "kernel number 1: it has no name");

    lab_node_type type = {
        .name = "t", .summary = "s", .min_in = 1, .max_in = 2, .n_out = 1, .infer = infer_nothing
    };
    p = (lab_plugin)PLUGIN("p", .node_types = (const lab_node_type *const[]){ &type, NULL });
    type.max_in = LAB_NODE_MAX_IN + 1;
    expect_refusal(&p, LAB_E_INVALID, "node type t: min_in must be at most max_in");
    type.max_in = 2;
    type.n_out = 0;
    expect_refusal(&p, LAB_E_INVALID, "node type t: n_out must be 1..4");
    type.n_out = 1;
    type.infer = NULL;
    expect_refusal(&p, LAB_E_INVALID, "node type t: it has no infer function");

    lab_loader loader = { .name = "l", .summary = "s", .extensions = "x", .probe = probe_png };
    p = (lab_plugin)PLUGIN("p", .loaders = (const lab_loader *const[]){ &loader, NULL });
    expect_refusal(&p, LAB_E_INVALID, "loader l: it has no load function");
    loader.load = load_nothing;
    loader.extensions = NULL;
    expect_refusal(&p, LAB_E_INVALID, "loader l: it names no file extensions");
    assert_null(lab_registry_kernel_at(reg, 0));
    assert_null(lab_registry_node_type_at(reg, 0));
    assert_null(lab_registry_loader_at(reg, 0));
}

static void names_are_unique(void **state)
{
    (void)state;
    const lab_plugin first = PLUGIN("first", .ops = OPS(&image_a));
    assert_int_equal(lab_registry_add(reg, &first, "built in", NULL), LAB_OK);
    expect_refusal(&first, LAB_E_INVALID,
                   "plugin first: a plugin of that name is there already (built in)");
    const lab_op again = OP("image.a", LAB_IMAGE);
    const lab_plugin second = PLUGIN("second", .ops = OPS(&image_b, &again));
    expect_refusal(&second, LAB_E_INVALID,
                   "plugin second: operator image.a is there already, from plugin first "
                   "(built in)");
    assert_null(lab_registry_op(reg, "image.b"));
}

static int init_calls, fini_calls;

static lab_status init_ok(const lab_host_api *given, lab_error *error)
{
    (void)error;
    assert_ptr_equal(given, &api);
    init_calls++;
    return LAB_OK;
}

static lab_status init_fails(const lab_host_api *given, lab_error *error)
{
    (void)given;
    snprintf(error->message, sizeof error->message, "no device");
    return LAB_E_IO;
}

static lab_status init_fails_silently(const lab_host_api *given, lab_error *error)
{
    (void)given;
    (void)error;
    return (lab_status)42;
}

static void count_fini(void)
{
    fini_calls++;
}

static void init_and_fini(void **state)
{
    (void)state;
    init_calls = fini_calls = 0;
    const lab_plugin bad =
        PLUGIN("bad", .ops = OPS(&image_a), .init = init_fails, .fini = count_fini);
    expect_refusal(&bad, LAB_E_IO, "plugin bad: its init failed: no device");
    const lab_plugin mute = PLUGIN("mute", .init = init_fails_silently, .fini = count_fini);
    expect_refusal(&mute, LAB_E_UNSUPPORTED, "its init failed: it did not say why");
    assert_null(lab_registry_op_at(reg, 0));
    const lab_plugin good =
        PLUGIN("good", .ops = OPS(&image_a), .init = init_ok, .fini = count_fini);
    const lab_plugin other = PLUGIN("other", .init = init_ok, .fini = count_fini);
    assert_int_equal(lab_registry_add(reg, &good, "one", NULL), LAB_OK);
    assert_int_equal(lab_registry_add(reg, &other, "two", NULL), LAB_OK);
    expect_refusal(&good, LAB_E_INVALID, "there already"); /* init is not called again */
    assert_int_equal(init_calls, 2);
    lab_registry_finish(reg, "one");
    assert_int_equal(fini_calls, 1);
    lab_registry_finish(reg, "one");
    assert_int_equal(fini_calls, 1);
    lab_registry_free(reg);
    reg = NULL;
    assert_int_equal(fini_calls, 2);
}

#define KERNEL(kernel_name, isa_name, cpu_bits, match_fn)                                          \
    {                                                                                              \
        .name = kernel_name, .op = "conv", .isa = isa_name, .cpu = cpu_bits, .match = match_fn,    \
        .run = run_task                                                                            \
    }

static const char *chosen(const char *op)
{
    const lab_node node = { .op = op };
    const lab_kernel *k = lab_registry_match(reg, &node);
    return k ? k->name : "none";
}

static void kernels_are_chosen(void **state)
{
    (void)state;
    static const lab_kernel plain = KERNEL("plain", "reference", 0, match_one),
                            fast = KERNEL("fast", "quick", 0, match_five),
                            later = KERNEL("later", "quick", 0, match_five),
                            alien = KERNEL("alien", "alien", UINT64_C(1) << 63, match_five),
                            shy = KERNEL("shy", "shy", 0, match_never);
    static const lab_kernel *const kernels[] = { &alien, &plain, &fast, &later, &shy, NULL };
    const lab_plugin p = PLUGIN("p", .kernels = kernels);
    lab_error error;
    assert_int_equal(lab_registry_force_isa(reg, "reference", &error), LAB_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "there are: none"));
    assert_int_equal(lab_registry_add(reg, &p, "here", NULL), LAB_OK);
    assert_ptr_equal(lab_registry_kernel_at(reg, 0), &alien); /* in order of registration */

    assert_string_equal(chosen("conv"), "fast"); /* the first of equals */
    assert_string_equal(chosen("pool"), "none");
    assert_int_equal(lab_registry_force_isa(reg, "reference", NULL), LAB_OK);
    assert_string_equal(chosen("conv"), "plain");
    assert_int_equal(lab_registry_force_isa(reg, "shy", NULL), LAB_OK);
    assert_string_equal(chosen("conv"), "plain"); /* shy has nothing for it */
    assert_int_equal(lab_registry_force_isa(reg, "quick", NULL), LAB_OK);
    assert_string_equal(chosen("conv"), "fast");
    assert_int_equal(lab_registry_force_isa(reg, "sse9", &error), LAB_E_NOT_FOUND);
    assert_string_equal(error.message, "there are no \"sse9\" kernels (LUALAB_KERNELS); there "
                                       "are: alien, reference, quick, shy");
    assert_int_equal(lab_registry_force_isa(reg, "alien", &error), LAB_E_UNSUPPORTED);
    assert_string_equal(chosen("conv"), "fast"); /* a refusal changes nothing */
    assert_int_equal(lab_registry_force_isa(reg, "", NULL), LAB_OK);
    assert_string_equal(chosen("conv"), "fast");
}

static void loaders_are_chosen(void **state)
{
    (void)state;
    static const lab_loader png = { "png", "s", "png", probe_png, load_nothing },
                            any = { "any", "s", "any", probe_anything, load_nothing };
    static const lab_loader *const loaders[] = { &any, &png, NULL };
    const lab_plugin p = PLUGIN("p", .loaders = loaders);
    assert_int_equal(lab_registry_add(reg, &p, "here", NULL), LAB_OK);
    const uint8_t magic[] = { 0x89 };
    assert_ptr_equal(lab_registry_probe(reg, magic, 1, "x"), &png);
    assert_ptr_equal(lab_registry_probe(reg, NULL, 0, "x"), &any);
    assert_null(lab_registry_probe(reg, NULL, 0, "refused"));
}

static lab_status fill_registry(lab_context *c, void *user, lab_error *error)
{
    (void)user;
    const lab_plugin first = PLUGIN("first", .ops = OPS(&image_a, &map_a));
    const lab_plugin second = PLUGIN("second", .ops = OPS(&image_b));
    lab_registry *r = NULL;
    lab_status status = lab_registry_new(c, &api, &r, error);
    if (!status)
        status = lab_registry_add(r, &first, "built in", error);
    if (!status) {
        status = lab_registry_add(r, &second, "built in", error);
        if (status) { /* nothing of it */
            assert_null(lab_registry_op(r, "image.b"));
            assert_null(lab_registry_plugin_at(r, 1, NULL));
        }
    }
    lab_registry_free(r);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(fill_registry, NULL) > 8);
}

static int begin(void **state)
{
    (void)state;
    lab_status status = lab_context_init(&ctx, NULL, 1, NULL);
    return status ? status : lab_registry_new(&ctx, &api, &reg, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_registry_free(reg);
    lab_context_finish(&ctx);
    return 0;
}

#define IN_REGISTRY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_REGISTRY(look_ups),
        IN_REGISTRY(abi_and_size),
        IN_REGISTRY(incomplete_plugins),
        IN_REGISTRY(incomplete_operators),
        IN_REGISTRY(malformed_parameters),
        IN_REGISTRY(good_defaults),
        IN_REGISTRY(incomplete_other_entries),
        IN_REGISTRY(names_are_unique),
        IN_REGISTRY(init_and_fini),
        IN_REGISTRY(kernels_are_chosen),
        IN_REGISTRY(loaders_are_chosen),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
