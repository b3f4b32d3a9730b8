/* SQL of the user's: values in and out, what is refused, what is stopped. Every named query runs.
 */
#include "catalog/catalog.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "catalog/catalog_internal.h"
#include "db/db_support.h"

static const char *const forever =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT count(*) FROM n";

static lab_catalog *open_mode(db_fixture *fixture, const char *name, lab_catalog_mode mode)
{
    lab_error error;
    lab_catalog *catalog = NULL;
    assert_ok(lab_catalog_open(&fixture->ctx, db_path(fixture, 0, name), mode, &catalog, &error));
    return catalog;
}

static void test_values(void **state)
{
    lab_catalog *catalog = open_mode(*state, "values.db", LAB_CATALOG_CREATE);
    lab_error error;
    lab_statement *s;
    const char *tail;
    size_t size;
    bool row;
    assert_ok(lab_statement_new(catalog,
                                "SELECT :int AS i, @real, $text AS t, ?4, :none, '', x''; SELECT 2",
                                &tail, &s, &error));
    assert_string_equal(tail, " SELECT 2");
    assert_int_equal(lab_statement_parameter_count(s), 5);
    assert_int_equal(lab_statement_parameter(s, "real"), 2);
    assert_int_equal(lab_statement_parameter(s, "nothing"), 0);
    assert_ok(lab_statement_bind_integer(s, 1, INT64_MIN, &error));
    assert_ok(lab_statement_bind_real(s, 2, 0.25, &error));
    assert_ok(lab_statement_bind_text(s, 3, "a\0b", 3, &error));
    assert_ok(lab_statement_bind_blob(s, 4, "\1\0\2", 3, &error));
    assert_ok(lab_statement_bind_null(s, 5, &error));
    assert_fails(lab_statement_bind_null(s, 6, &error), LAB_E_INVALID, "no parameter 6, only 5");
    assert_int_equal(lab_statement_column_type(s, 0), LAB_COLUMN_NULL); /* no row yet */
    assert_ok(lab_statement_step(s, &row, &error));
    assert_true(row);
    assert_fails(lab_statement_bind_null(s, 1, &error), LAB_E_INVALID, "reset");
    assert_int_equal(lab_statement_columns(s), 7);
    assert_string_equal(lab_statement_column_name(s, 0), "i");
    assert_true(lab_statement_integer(s, 0) == INT64_MIN);
    assert_true(lab_statement_real(s, 1) == 0.25);
    assert_memory_equal(lab_statement_bytes(s, 2, &size), "a\0b", 3);
    assert_int_equal(size, 3);
    assert_int_equal(lab_statement_column_type(s, 3), LAB_COLUMN_BLOB);
    assert_memory_equal(lab_statement_bytes(s, 3, &size), "\1\0\2", 3);
    assert_int_equal(lab_statement_column_type(s, 4), LAB_COLUMN_NULL);
    assert_int_equal(lab_statement_column_type(s, 5), LAB_COLUMN_TEXT);
    assert_int_equal(lab_statement_column_type(s, 6), LAB_COLUMN_BLOB);
    assert_ok(lab_statement_step(s, &row, &error));
    assert_false(row);
    assert_ok(lab_statement_reset(s, &error));
    assert_ok(lab_statement_bind_text(s, 1, NULL, 0, &error));
    assert_ok(lab_statement_step(s, &row, &error));
    assert_int_equal(lab_statement_column_type(s, 0), LAB_COLUMN_TEXT); /* empty is not NULL */
    lab_statement_free(s);
    assert_ok(lab_statement_new(catalog, "  -- nothing\n", &tail, &s, &error));
    assert_null(s);
    lab_catalog_close(catalog);
}

static void test_errors(void **state)
{
    lab_catalog *catalog = open_mode(*state, "errors.db", LAB_CATALOG_CREATE);
    lab_error error;
    lab_statement *s;
    assert_fails(lab_statement_new(catalog, "SELEC 1", NULL, &s, &error), LAB_E_DB,
                 "near \"SELEC\": syntax error (at character 1)");
    assert_fails(lab_statement_new(catalog, "SELECT shoe_size FROM v_results", NULL, &s, &error),
                 LAB_E_DB, "no such column: shoe_size");
    assert_fails(lab_statement_new(catalog, "SELECT \"text\"", NULL, &s, &error), LAB_E_DB,
                 "no such column");
    assert_fails(db_execute(catalog, "INSERT INTO runs (state) VALUES ('done')", &error), LAB_E_DB,
                 "constraint");
    assert_fails(db_execute(catalog, "SELECT load_extension('x')", &error), LAB_E_DB, "");
    assert_ok(db_execute(
        catalog, "INSERT INTO runs (command, started) VALUES ('x', '2025-01-01T00:00:00.000Z')",
        &error));
    assert_int_equal(lab_catalog_changes(catalog), 1);
    assert_int_equal(lab_catalog_last_id(catalog), 1);
    lab_catalog_close(catalog);
}

static void test_read_only(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    char sql[1200];
    lab_run_record run = { .command = "x" };
    int64_t id;
    lab_catalog_close(open_mode(fixture, "read.db", LAB_CATALOG_CREATE));
    lab_catalog *catalog = open_mode(fixture, "read.db", LAB_CATALOG_READ);
    static const char *const writes[] = { "DELETE FROM runs",
                                          "DROP VIEW v_runs",
                                          "PRAGMA user_version = 9",
                                          "CREATE TEMP TABLE t (a)",
                                          "PRAGMA journal_mode = DELETE",
                                          "VACUUM" };
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        db_execute(catalog, writes[i], &error); /* refused, or without effect */
    assert_fails(db_execute(catalog, writes[0], &error), LAB_E_IO, "read-only");
    assert_ok(db_execute(catalog, "PRAGMA query_only = 0", &error));
    assert_fails(db_execute(catalog, writes[0], &error), LAB_E_IO, "read-only");
    assert_fails(lab_catalog_begin_run(catalog, &run, &id, &error), LAB_E_IO, "read-only");
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", db_path(fixture, 1, "copy.db"));
    assert_fails(db_execute(catalog, sql, &error), LAB_E_DB, "attached");
    snprintf(sql, sizeof sql, "ATTACH '%s' AS other", db_path(fixture, 1, "copy.db"));
    assert_fails(db_execute(catalog, sql, &error), LAB_E_DB, "attached");
    struct stat info;
    assert_int_not_equal(stat(db_path(fixture, 1, "copy.db"), &info), 0);
    assert_int_equal(db_integer(catalog, "PRAGMA user_version"), lab_migrations_count);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM v_runs"), 0);
    lab_catalog_close(catalog);
}

static void test_limits(void **state)
{
    db_fixture *fixture = *state;
    lab_catalog *catalog = open_mode(fixture, "limits.db", LAB_CATALOG_CREATE);
    lab_error error;
    lab_catalog_time_limit(catalog, 0.1);
    time_t start = time(NULL);
    assert_fails(db_execute(catalog, forever, &error), LAB_E_LIMIT, "stopped after 0.1 s");
    assert_true(time(NULL) - start < 20);
    assert_int_equal(db_integer(catalog, "SELECT 5"), 5); /* it can go on */
    lab_catalog_time_limit(catalog, 0);
    atomic_store(&fixture->ctx.stop, true);
    assert_fails(db_execute(catalog, forever, &error), LAB_E_INTERRUPTED, "stopped");
    atomic_store(&fixture->ctx.stop, false);
    lab_catalog_close(catalog);
}

static void *stop_soon(void *user)
{
    lab_context *ctx = user;
    struct timespec wait = { 0, 100000000 };
    nanosleep(&wait, NULL);
    atomic_store(&ctx->stop, true);
    return NULL;
}

/* As Ctrl-C does it: while the statement runs, from elsewhere. */
static void test_stopped(void **state)
{
    db_fixture *fixture = *state;
    lab_catalog *catalog = open_mode(fixture, "stopped.db", LAB_CATALOG_CREATE);
    lab_error error;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &fixture->ctx), 0);
    assert_fails(db_execute(catalog, forever, &error), LAB_E_INTERRUPTED, "stopped");
    pthread_join(thread, NULL);
    atomic_store(&fixture->ctx.stop, false);
    assert_int_equal(db_integer(catalog, "SELECT 5"), 5);
    lab_catalog_close(catalog);
}

/* Closing ends statements; they can still be asked and freed. */
static void test_close_first(void **state)
{
    lab_catalog *catalog = open_mode(*state, "close.db", LAB_CATALOG_CREATE);
    lab_error error;
    lab_statement *a, *b;
    bool row;
    size_t size;
    assert_ok(lab_statement_new(catalog, "SELECT 1 UNION SELECT :x", NULL, &a, &error));
    assert_ok(lab_statement_new(catalog, "SELECT 2", NULL, &b, &error));
    assert_ok(lab_statement_step(a, &row, &error));
    lab_catalog_close(catalog);
    assert_fails(lab_statement_step(a, &row, &error), LAB_E_INVALID, "closed");
    assert_fails(lab_statement_bind_null(a, 1, &error), LAB_E_INVALID, "closed");
    assert_fails(lab_statement_reset(b, &error), LAB_E_INVALID, "closed");
    assert_int_equal(lab_statement_columns(a), 0);
    assert_int_equal(lab_statement_parameter(a, "x"), 0);
    assert_null(lab_statement_bytes(a, 0, &size));
    lab_statement_free(a);
    lab_statement_free(b);
}

/* Runs one file of db/queries with every parameter NULL. */
static void run_query(lab_context *ctx, lab_catalog *catalog, const char *name)
{
    char path[1024];
    lab_error error;
    lab_buffer *file;
    lab_statement *statement;
    bool row = true;
    snprintf(path, sizeof path, TEST_DB_DIR "/queries/%s", name);
    assert_ok(lab_file_read(ctx, path, 65536, &file, &error));
    char *sql = calloc(1, lab_buffer_size(file) + 1), expected[256];
    memcpy(sql, lab_buffer_data(file), lab_buffer_size(file));
    lab_buffer_unref(file);
    snprintf(expected, sizeof expected, "-- name: %.*s\n", (int)strlen(name) - 4, name);
    if (strncmp(sql, expected, strlen(expected)) != 0)
        fail_msg("%s does not begin with \"%s\"", path, expected);
    assert_ok(lab_statement_new(catalog, sql, NULL, &statement, &error));
    free(sql);
    while (row)
        assert_ok(lab_statement_step(statement, &row, &error));
    assert_true(lab_statement_columns(statement) > 0);
    lab_statement_free(statement);
}

static void test_named_queries(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_tensor map;
    int64_t run, result, failed;
    lab_run_record record = { .command = "lualab ." };
    lab_catalog *catalog = open_mode(fixture, "named.db", LAB_CATALOG_CREATE);
    lab_labels *labels = db_labels(&fixture->ctx);
    assert_ok(lab_catalog_begin_run(catalog, &record, &run, &error));
    assert_ok(db_scene(&fixture->ctx, LAB_U8, 60, 40, 4, labels, &map, &error));
    assert_ok(db_record(catalog, run, 0, "a.jpg", DB_SHA("e"), &map, &result, &error));
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "b.jpg", &failed, &error));
    assert_ok(lab_catalog_fail_result(catalog, failed, "no picture", &error));
    lab_tensor_clear(&map);
    lab_labels_unref(labels);
    int n = 0;
    DIR *folder = opendir(TEST_DB_DIR "/queries");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".sql"))
            continue;
        run_query(&fixture->ctx, catalog, entry->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 5);
    lab_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_read_only),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_stopped),       cmocka_unit_test(test_close_first),
        cmocka_unit_test(test_named_queries),
    };
    return cmocka_run_group_tests_name("statements", tests, db_setup, db_teardown);
}
