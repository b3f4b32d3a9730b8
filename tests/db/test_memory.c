/*
 * Memory that runs out: once for each allocation of lualab's, and once for each of SQLite's own.
 * Nothing leaks, nothing is left half done, and the next attempt works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/catalog_internal.h"
#include "catalog/map_codec.h"
#include "db/db_support.h"
#include "support/fail_alloc.h"

/* Opens a catalog, records a model and a result, reads both back. */
static lab_status use_catalog(lab_context *ctx, const char *path, const lab_labels *labels,
                              lab_error *error)
{
    lab_catalog *catalog;
    lab_tensor map = { .data = NULL }, back = { .data = NULL };
    lab_statement *statement = NULL;
    int64_t model = 0, run = 0, result = 0;
    bool row;
    lab_model_record m = { DB_SHA("1"), "m", "m.tflite", "tflite", "MIT", labels, 8, 8 };
    lab_run_record r = { "cmd", "{}", "0", "best", 1 };
    lab_status status = lab_catalog_open(ctx, path, LAB_CATALOG_CREATE, &catalog, error);
    if (status)
        return status;
    status = lab_catalog_add_model(catalog, &m, &model, error);
    if (!status)
        status = lab_catalog_begin_run(catalog, &r, &run, error);
    if (!status)
        status = db_scene(ctx, LAB_U8, 64, 48, 3, NULL, &map, error);
    if (!status) {
        lab_tensor_set_labels(&map, (lab_labels *)labels);
        status = db_record(catalog, run, model, "a.jpg", DB_SHA("2"), &map, &result, error);
    }
    if (!status)
        status = lab_catalog_map(catalog, result, &back, error);
    if (!status)
        assert_memory_equal(back.data, map.data, map.size);
    if (!status)
        status = lab_statement_new(catalog,
                                   "SELECT label, s.pixels, map_iou(m.map, m.map, 1) "
                                   "FROM v_maps m, map_segments(m.map) s, v_segments v, "
                                   "map_runs(m.map)",
                                   NULL, &statement, error);
    if (!status)
        status = lab_statement_step(statement, &row, error);
    lab_statement_free(statement);
    lab_tensor_clear(&map);
    lab_tensor_clear(&back);
    lab_catalog_close(catalog);
    return status;
}

typedef struct sweep {
    const char *path;
    const lab_labels *labels;
} sweep;

static lab_status use_again(lab_context *ctx, void *user, lab_error *error)
{
    const sweep *s = user;
    return use_catalog(ctx, s->path, s->labels, error);
}

static void test_own_allocations(void **state)
{
    db_fixture *fixture = *state;
    sweep s = { db_path(fixture, 0, "sweep.db"), db_labels(&fixture->ctx) };
    long n = fail_alloc_sweep(use_again, &s);
    print_message("%ld allocations, each refused once\n", n);
    assert_true(n > 10);
    lab_labels_unref((lab_labels *)s.labels);
}

/* SQLite's allocator with one refusal: sqlite3_config wants functions without a user pointer. */
static struct {
    sqlite3_mem_methods system;
    long calls, fail_at;
} memory;

static void *refusing_malloc(int size)
{
    return ++memory.calls == memory.fail_at ? NULL : memory.system.xMalloc(size);
}

static void *refusing_realloc(void *ptr, int size)
{
    return ++memory.calls == memory.fail_at ? NULL : memory.system.xRealloc(ptr, size);
}

/* Before anything initialises SQLite. */
static int install_refusal(void)
{
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.system);
    sqlite3_mem_methods methods = memory.system;
    methods.xMalloc = refusing_malloc;
    methods.xRealloc = refusing_realloc;
    return rc ? rc : sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

static void test_sqlite_allocations(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_labels *labels = db_labels(&fixture->ctx);
    const char *path = db_path(fixture, 0, "sqlite.db");
    long k = 1, survived = 0, total = 0;
    /* Every one at first, where the paths differ most; later ones with growing steps. */
    for (;; k += 1 + k / 60) {
        unlink(path);
        unlink(db_path(fixture, 1, "sqlite.db-wal"));
        unlink(db_path(fixture, 2, "sqlite.db-shm"));
        sqlite3_int64 used = sqlite3_memory_used();
        memory.calls = 0;
        memory.fail_at = k;
        lab_status status = use_catalog(&fixture->ctx, path, labels, &error);
        bool reached = memory.calls >= k;
        memory.fail_at = 0;
        total++;
        survived += status == LAB_OK;
        if (status && status != LAB_E_NOMEM)
            fail_msg("SQLite's allocation %ld refused: %s (%s)", k, error.message,
                     lab_status_name(status));
        if (sqlite3_memory_used() > used + 4096)
            fail_msg("SQLite's allocation %ld refused: %lld bytes more in use", k,
                     (long long)(sqlite3_memory_used() - used));
        if (!reached)
            break;
        assert_ok(use_catalog(&fixture->ctx, path, labels, &error)); /* nothing is stuck */
    }
    print_message("%ld of SQLite's first %ld allocations refused; %ld did no harm\n", total, k,
                  survived);
    lab_labels_unref(labels);
}

/* Each of SQLite's allocations while every map_… function runs once. */
static void test_function_allocations(void **state)
{
    static const char sql[] =
        "SELECT length(map_crop(map, 1, 1, 9, 9)), length(map_merge(map, 300, 1)), "
        "length(map_png(map, '#ffffff')), map_agreement(map, map), map_iou(map, map, 1), "
        "(SELECT miou(a, a) FROM (SELECT map AS a UNION ALL SELECT map)), "
        "(SELECT length(map_union(a, 1)) FROM (SELECT map AS a UNION ALL SELECT map)), "
        "(SELECT count(*) FROM map_regions(map)), (SELECT count(*) FROM map_runs(map)), "
        "(SELECT count(*) FROM map_segments(map)), (SELECT count(*) FROM map_confusion(map, map)) "
        "FROM results WHERE map IS NOT NULL";
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    lab_labels *labels = db_labels(&fixture->ctx);
    const char *path = db_path(fixture, 0, "functions.db");
    assert_ok(use_catalog(&fixture->ctx, path, labels, &error));
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    assert_ok(db_execute(catalog, sql, &error)); /* what SQLite keeps is there from now on */
    long k = 1;
    bool reached = true;
    for (; reached; k++) {
        sqlite3_int64 used = sqlite3_memory_used();
        memory.calls = 0;
        memory.fail_at = k;
        lab_status status = db_execute(catalog, sql, &error);
        reached = memory.calls >= k;
        memory.fail_at = 0;
        if (status && status != LAB_E_NOMEM)
            fail_msg("allocation %ld refused: %s (%s)", k, error.message, lab_status_name(status));
        if (sqlite3_memory_used() > used + 4096)
            fail_msg("allocation %ld refused: %lld bytes more in use", k,
                     (long long)(sqlite3_memory_used() - used));
    }
    print_message("%ld allocations of the functions\n", k);
    assert_true(k > 50);
    assert_ok(db_execute(catalog, sql, &error));
    lab_catalog_close(catalog);
    lab_labels_unref(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_allocations),
        cmocka_unit_test(test_function_allocations),
        cmocka_unit_test(test_sqlite_allocations),
    };
    if (install_refusal()) {
        fprintf(stderr, "SQLite does not take an allocator here\n");
        return 1;
    }
    return cmocka_run_group_tests_name("memory", tests, db_setup, db_teardown);
}
