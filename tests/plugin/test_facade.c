/* lab.h: a host with everything built in, its plugins and the kernels it is told to use. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "support/fail_alloc.h"

static char heard[8192]; /* warnings */

static void listen(void *user, lab_log_level level, const char *message)
{
    (void)user;
    size_t used = strlen(heard);
    if (level == LAB_LOG_WARNING)
        snprintf(heard + used, sizeof heard - used, "%s\n", message);
}

static lab_host *new_host(const char *kernels)
{
    const lab_host_options options = { .threads = 1, .log = listen, .kernels = kernels };
    lab_host *host;
    lab_error error = { LAB_OK, "" };
    heard[0] = '\0';
    if (lab_host_new(&options, &host, &error))
        fail_msg("%s", error.message);
    return host;
}

static void what_is_built_in_is_registered(void **state)
{
    (void)state;
    lab_host *host = new_host(NULL);
    lab_registry *r = lab_host_registry(host);
    assert_ptr_equal(lab_registry_context(r), lab_host_context(host));
    assert_non_null(lab_registry_op_at(r, 0));
    assert_non_null(lab_registry_node_type(r, "conv_2d"));
    assert_non_null(lab_registry_loader_at(r, 0));
    const char *origin;
    assert_non_null(lab_registry_plugin_at(r, 0, &origin));
    assert_string_equal(origin, "built in");
    /* every service of the table is there, so that no plugin ever calls NULL */
    const lab_host_api *api = lab_registry_api(r);
    assert_string_equal(api->version, LAB_VERSION);
    void (*const *services)(void) = (void (*const *)(void))(const void *)&api->input;
    size_t n = (sizeof *api - offsetof(lab_host_api, input)) / sizeof *services;
    for (size_t i = 0; i < n; i++) {
        if (!services[i])
            fail_msg("service %zu of the table is missing", i);
    }
    lab_host_free(host);
    lab_host_free(NULL);
}

static void the_path_comes_before_the_folder(void **state)
{
    (void)state;
    setenv("LUALAB_PLUGIN_PATH", "relative::" TEST_BAD_PLUGINS ":/absent", 1);
    lab_host *host = new_host(NULL);
    lab_error error = { LAB_OK, "" };
    lab_status status = lab_host_load_plugins(host, TEST_PLUGIN_DIR, &error);
    unsetenv("LUALAB_PLUGIN_PATH");
    if (status)
        fail_msg("%s", error.message);
    assert_non_null(lab_registry_op(lab_host_registry(host), "image.invert"));
    assert_non_null(strstr(heard, "LUALAB_PLUGIN_PATH: relative is left out"));
    assert_non_null(strstr(heard, "/absent: the plugin folder cannot be opened"));
    assert_non_null(strstr(heard, "lualab_wrong_major"));
    const char *path, *message;
    assert_true(lab_plugins_failure(lab_host_plugins(host), 0, &path, &message));
    lab_host_free(host);
}

static void kernels_can_be_forced(void **state)
{
    (void)state;
    lab_error error = { LAB_OK, "" };
    lab_host *host = new_host("reference");
    if (lab_host_load_plugins(host, TEST_PLUGIN_DIR, &error))
        fail_msg("%s", error.message);
    assert_non_null(lab_registry_kernel_at(lab_host_registry(host), 0));
    lab_host_free(host);

    setenv("LUALAB_KERNELS", "imaginary", 1);
    host = new_host(NULL);
    unsetenv("LUALAB_KERNELS");
    assert_int_equal(lab_host_load_plugins(host, TEST_PLUGIN_DIR, &error), LAB_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "there are no \"imaginary\" kernels"));
    assert_non_null(strstr(error.message, "reference"));
    lab_host_free(host);
}

static void a_missing_folder_is_a_warning(void **state)
{
    (void)state;
    lab_host *host = new_host(NULL);
    assert_int_equal(lab_host_load_plugins(host, "/absent/plugins", NULL), LAB_OK);
#ifndef TEST_STATIC_PLUGINS
    assert_non_null(strstr(heard, "/absent/plugins"));
#endif
    assert_int_equal(lab_host_load_plugins(host, NULL, NULL), LAB_OK);
    lab_host_free(host);
}

static lab_status start_host(const lab_allocator *allocator, void *user, lab_error *error)
{
    (void)user;
    const lab_host_options options = { .threads = 2,
                                       .allocator = allocator,
                                       .kernels = "reference" };
    lab_host *host = NULL;
    lab_status status = lab_host_new(&options, &host, error);
    if (!status)
        status = lab_host_load_plugins(host, TEST_PLUGIN_DIR, error);
    lab_host_free(host);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep_whole(start_host, NULL) > 15);
}

int main(void)
{
    unsetenv("LUALAB_KERNELS");
    unsetenv("LUALAB_PLUGIN_PATH");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_in_is_registered),
        cmocka_unit_test(the_path_comes_before_the_folder),
        cmocka_unit_test(kernels_can_be_forced),
        cmocka_unit_test(a_missing_folder_is_a_warning),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
