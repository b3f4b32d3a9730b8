/* plugin/loader.h: shared objects that are plugins, that are not, and that misbehave. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/call.h"
#include "plugin/loader.h"
#include "support/fail_alloc.h"

#ifdef __APPLE__
#define SUFFIX ".dylib"
#else
#define SUFFIX ".so"
#endif

static lab_context ctx;
static lab_host_api api;
static lab_registry *registry;
static lab_plugins *plugins;
static int warnings;
static char last_warning[1024];

static const char *path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, TEST_BAD_PLUGINS "/lualab_%s" SUFFIX, name);
    return path;
}

static size_t count_ops(void)
{
    size_t n = 0;
    while (lab_registry_op_at(registry, n))
        n++;
    return n;
}

/* The sentence starts with the path; nothing is registered. */
static void expect_refusal(const char *name, lab_status status, const char *part)
{
    lab_error error = { LAB_OK, "" };
    size_t before = count_ops();
    const char *path = path_of(name);
    assert_int_equal(lab_plugins_load(plugins, path, &error), status);
    if (strncmp(error.message, path, strlen(path)) != 0 || !strstr(error.message, part))
        fail_msg("expected \"%s: ... %s\", got \"%s\"", path, part, error.message);
    assert_int_equal(count_ops(), before);
}

static void load_good(void)
{
    lab_error error = { LAB_OK, "" };
    if (lab_plugins_load(plugins, path_of("good"), &error))
        fail_msg("%s", error.message);
}

static lab_status run_on_picture(const char *name, lab_tensor *out, lab_error *error)
{
    lab_tensor in;
    lab_call *call;
    const int32_t shape[] = { 1, 2, 1 };
    assert_int_equal(lab_tensor_new(&ctx, LAB_IMAGE, LAB_U8, 3, shape, &in, NULL), LAB_OK);
    memcpy(in.data, "\x00\x0f", 2);
    const lab_op *op = lab_registry_op(registry, name);
    assert_non_null(op);
    assert_int_equal(lab_call_new(registry, op, &in, &call, NULL), LAB_OK);
    lab_status status = lab_call_run(call, error);
    if (!status)
        status = lab_call_take_tensor(call, out, error);
    lab_call_free(call);
    lab_tensor_clear(&in);
    return status;
}

static void a_good_plugin_works(void **state)
{
    (void)state;
    lab_tensor out = { 0 };
    load_good();
    assert_int_equal(run_on_picture("image.invert", &out, NULL), LAB_OK);
    assert_memory_equal(out.data, "\xff\xf0", 2);
    lab_tensor_clear(&out);
    const char *origin;
    const lab_plugin *p = lab_registry_plugin_at(registry, 0, &origin);
    assert_string_equal(p->version, "1.2.3");
    assert_int_equal(origin[0], '/');
    assert_non_null(strstr(origin, "lualab_good"));
    expect_refusal("good", LAB_E_INVALID, "is loaded already");
}

static void another_abi(void **state)
{
    (void)state;
    expect_refusal("wrong_major", LAB_E_ABI, "built for plugin ABI 2.0, but this lualab has 1.2");
    expect_refusal("needs_newer", LAB_E_ABI,
                   "plugin needy: its init failed: it needs plugin ABI 1.3, but this lualab has "
                   "1.2; use a newer lualab");
    expect_refusal("too_small", LAB_E_ABI, "its descriptor says it has 16 bytes, expected");
}

/* Older: what it does not have is nothing. Newer: what we do not know of it is left out. */
static void other_minors_load(void **state)
{
    (void)state;
    lab_tensor out = { 0 };
    lab_error error = { LAB_OK, "" };
    if (lab_plugins_load(plugins, path_of("older_minor"), &error))
        fail_msg("%s", error.message);
    assert_int_equal(warnings, 0);
    assert_null(lab_registry_reader_at(registry, 0));
    assert_int_equal(run_on_picture("image.older", &out, NULL), LAB_OK);
    lab_tensor_clear(&out);
    if (lab_plugins_load(plugins, path_of("newer_minor"), &error))
        fail_msg("%s", error.message);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "was built for plugin ABI 1.3 and has more than this "
                                         "lualab's 1.2 knows"));
    assert_int_equal(run_on_picture("image.newer", &out, NULL), LAB_OK);
    lab_tensor_clear(&out);
    const lab_reader *reader = lab_registry_reader_at(registry, 0);
    assert_non_null(reader);
    assert_string_equal(lab_registry_owner(registry, reader)->name, "newer");
}

/* ---- readers ---- */

static lab_status read_bytes(const char *text, lab_tensor *out, lab_error *error)
{
    return lab_call_read(registry, (const uint8_t *)text, strlen(text), "a.dot", out, error);
}

static void readers_read(void **state)
{
    (void)state;
    lab_tensor out = { 0 };
    lab_error error = { LAB_OK, "" };
    assert_int_equal(read_bytes("dots..", &out, &error), LAB_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, "no reader knows this file; there are: none"));
    assert_int_equal(lab_plugins_load(plugins, path_of("newer_minor"), &error), LAB_OK);
    assert_int_equal(read_bytes("other", &out, &error), LAB_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, "dots (dot)"));
    assert_int_equal(read_bytes("dots#..#", &out, &error), LAB_OK);
    assert_int_equal(out.kind, LAB_LABELMAP);
    assert_memory_equal(out.data, "\1\0\0\1", 4);
    lab_tensor_clear(&out);
    assert_int_equal(read_bytes("dots", &out, &error), LAB_E_FORMAT);
    assert_string_equal(error.message, "dots: there are no dots");
    assert_int_equal(read_bytes("dots?", &out, &error), LAB_E_UNSUPPORTED);
    assert_string_equal(error.message,
                        "dots: gave no result, but promises tensor (a bug in plugin newer)");
    assert_int_equal(read_bytes("dots!", &out, &error), LAB_E_UNSUPPORTED);
    assert_string_equal(error.message, "dots: gave a result of kind records, but promises tensor "
                                       "(a bug in plugin newer)");
}

static void no_plugin_at_all(void **state)
{
    (void)state;
    expect_refusal("absent", LAB_E_NOT_FOUND, "No such file");
    expect_refusal("no_entry", LAB_E_ABI, "it exports no function lab_plugin_entry");
    expect_refusal("null_descriptor", LAB_E_ABI, "lab_plugin_entry returned no descriptor");
    expect_refusal("missing_symbol", LAB_E_ABI, "function_that_nobody_has");
    lab_error error = { LAB_OK, "" };
    assert_int_equal(lab_plugins_load(plugins, __FILE__, &error), LAB_E_ABI);
    assert_non_null(strstr(error.message, "cannot be loaded"));
    assert_int_equal(lab_plugins_load(plugins, TEST_BAD_PLUGINS, &error), LAB_E_ABI);
    assert_int_equal(lab_plugins_load(plugins, "", &error), LAB_E_NOT_FOUND);
}

static void bad_descriptors(void **state)
{
    (void)state;
    expect_refusal("failing_init", LAB_E_NOT_FOUND,
                   "plugin failing: its init failed: no device of this name");
    expect_refusal("no_run", LAB_E_INVALID,
                   "plugin norun: operator image.half: it has no run function");
    load_good();
    expect_refusal("late_duplicate", LAB_E_INVALID,
                   "plugin duplicate: operator image.invert is there already, from plugin good (");
    assert_null(lab_registry_op(registry, "image.fresh")); /* all or nothing */
}

static void wrong_results(void **state)
{
    (void)state;
    lab_tensor out = { 0 };
    lab_error error;
    assert_int_equal(lab_plugins_load(plugins, path_of("wrong_result"), &error), LAB_OK);
    assert_int_equal(run_on_picture("image.liar", &out, &error), LAB_E_UNSUPPORTED);
    assert_string_equal(error.message, "image.liar: gave a result of kind image, but promises mask "
                                       "(a bug in plugin wrong)");
    assert_int_equal(run_on_picture("image.idler", &out, &error), LAB_E_UNSUPPORTED);
    assert_string_equal(error.message,
                        "image.idler: gave no result, but promises mask (a bug in plugin wrong)");
}

static void a_folder_goes_on_after_failures(void **state)
{
    (void)state;
    lab_error error = { LAB_OK, "" };
    if (lab_plugins_load_folder(plugins, TEST_BAD_PLUGINS, &error))
        fail_msg("%s", error.message);
    static const char *const failing[] = { "failing_init",    "late_duplicate", "missing_symbol",
                                           "needs_newer",     "no_entry",       "no_run",
                                           "null_descriptor", "too_small",      "wrong_major" };
    const char *path, *message;
    size_t n = 0;
    for (; lab_plugins_failure(plugins, n, &path, &message); n++) {
        assert_true(n < sizeof failing / sizeof *failing);
        assert_string_equal(path, path_of(failing[n])); /* in order of name */
        assert_int_equal(strncmp(message, path, strlen(path)), 0);
    }
    assert_int_equal(n, sizeof failing / sizeof *failing);
    assert_int_equal(warnings, n + 1); /* newer_minor loads with one */
    assert_non_null(lab_registry_op(registry, "image.invert"));
    assert_non_null(lab_registry_op(registry, "image.liar"));
    assert_int_equal(lab_plugins_load_folder(plugins, TEST_BAD_PLUGINS "/absent", &error),
                     LAB_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "the plugin folder cannot be opened"));
    assert_int_equal(lab_plugins_load_folder(plugins, __FILE__, &error), LAB_E_NOT_FOUND);
}

/* A file of the same name in a later folder is left out without a fuss. */
static void earlier_folders_win(void **state)
{
    (void)state;
    char folder[] = TEST_BAD_PLUGINS "-later-XXXXXX", link[1024];
    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof link, "%s/lualab_good" SUFFIX, folder);
    assert_int_equal(symlink(path_of("wrong_major"), link), 0);
    load_good();
    lab_status status = lab_plugins_load_folder(plugins, folder, NULL);
    const char *path, *message;
    bool failed = lab_plugins_failure(plugins, 0, &path, &message);
    unlink(link);
    rmdir(folder);
    assert_int_equal(status, LAB_OK);
    assert_false(failed);
    assert_int_equal(warnings, 0);
}

/* "good.so" alone means the file beside us, not one that the system searches for. */
static void names_are_paths(void **state)
{
    (void)state;
    char before[4096];
    lab_error error = { LAB_OK, "" };
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(TEST_BAD_PLUGINS), 0);
    lab_status status = lab_plugins_load(plugins, "lualab_good" SUFFIX, &error);
    lab_error system = { LAB_OK, "" };
    lab_status library = lab_plugins_load(plugins, "libc.so.6", &system);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, LAB_OK);
    assert_int_equal(library, LAB_E_NOT_FOUND);
}

lab_plugin_entry_fn lab_plugin_entry_good;

static void the_same_source_links_statically(void **state)
{
    (void)state;
    lab_tensor out = { 0 };
    const lab_plugin *p = lab_plugin_entry_good(&api);
    assert_int_equal(lab_registry_add(registry, p, "linked in", NULL), LAB_OK);
    assert_int_equal(run_on_picture("image.invert", &out, NULL), LAB_OK);
    lab_tensor_clear(&out);
}

static lab_status load_all(lab_context *c, void *user, lab_error *error)
{
    (void)user;
    lab_registry *r = NULL;
    lab_plugins *p = NULL;
    lab_status status = lab_registry_new(c, &api, &r, error);
    if (!status)
        status = lab_plugins_new(r, &p, error);
    if (!status)
        status = lab_plugins_load_folder(p, TEST_BAD_PLUGINS, error);
    lab_plugins_free(p);
    lab_registry_free(r);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(load_all, NULL) > 30);
}

static void count_warnings(void *user, lab_log_level level, const char *message)
{
    (void)user;
    if (level != LAB_LOG_WARNING)
        return;
    warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", message);
}

static int begin(void **state)
{
    (void)state;
    lab_status status = lab_context_init(&ctx, NULL, 1, NULL);
    ctx.log = count_warnings;
    warnings = 0;
    memset(&api, 0, sizeof api);
    api.abi = LAB_ABI_VERSION;
    api.size = sizeof api;
    lab_call_fill_api(&api);
    if (!status)
        status = lab_registry_new(&ctx, &api, &registry, NULL);
    if (!status)
        status = lab_plugins_new(registry, &plugins, NULL);
    return status;
}

static int end(void **state)
{
    (void)state;
    lab_plugins_free(plugins);
    lab_registry_free(registry);
    lab_context_finish(&ctx);
    return 0;
}

#define WITH_LOADER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOADER(a_good_plugin_works),
        WITH_LOADER(another_abi),
        WITH_LOADER(other_minors_load),
        WITH_LOADER(readers_read),
        WITH_LOADER(no_plugin_at_all),
        WITH_LOADER(bad_descriptors),
        WITH_LOADER(wrong_results),
        WITH_LOADER(a_folder_goes_on_after_failures),
        WITH_LOADER(earlier_folders_win),
        WITH_LOADER(names_are_paths),
        WITH_LOADER(the_same_source_links_statically),
        WITH_LOADER(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
