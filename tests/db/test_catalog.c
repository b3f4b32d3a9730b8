/* Recording and reading back: through the library, through SQL, and with the stock sqlite3. */
#include "catalog/catalog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog/catalog_internal.h"
#include "db/db_support.h"

static lab_catalog *create(db_fixture *fixture, const char *name)
{
    lab_error error;
    lab_catalog *catalog = NULL;
    assert_ok(lab_catalog_open(&fixture->ctx, db_path(fixture, 0, name), LAB_CATALOG_CREATE,
                               &catalog, &error));
    return catalog;
}

static int64_t begin_run(lab_catalog *catalog)
{
    lab_error error;
    int64_t run;
    lab_run_record record = { "lualab photo.jpg", "{\"stages\":[]}", "0.1.0", "best", 2 };
    assert_ok(lab_catalog_begin_run(catalog, &record, &run, &error));
    return run;
}

static int64_t add_model(lab_catalog *catalog, const char *name, const lab_labels *labels)
{
    lab_error error;
    int64_t model;
    lab_model_record record = { DB_SHA("a"), name,         "weights/m.tflite",
                                "tflite",    "Apache-2.0", labels,
                                513,         513 };
    assert_ok(lab_catalog_add_model(catalog, &record, &model, &error));
    return model;
}

/* Records one scene and returns the map, which the caller clears. */
static lab_tensor record_scene(db_fixture *fixture, lab_catalog *catalog, const char *path,
                               int64_t *run, int64_t *result)
{
    lab_error error;
    lab_tensor map;
    lab_labels *labels = db_labels(&fixture->ctx);
    *run = begin_run(catalog);
    int64_t model = add_model(catalog, "street", labels);
    assert_ok(db_scene(&fixture->ctx, LAB_U8, 120, 80, 5, labels, &map, &error));
    assert_ok(db_record(catalog, *run, model, path, DB_SHA("b"), &map, result, &error));
    lab_labels_unref(labels);
    return map;
}

static void test_record_and_read(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    char text[256];
    int64_t run, result;
    lab_catalog *catalog = create(fixture, "deep/er/record.db");
    lab_tensor map = record_scene(fixture, catalog, "/photos/a.jpg", &run, &result), back;
    assert_ok(lab_catalog_finish_run(catalog, run, "done", &error));
    lab_catalog_close(catalog);

    assert_ok(lab_catalog_open(&fixture->ctx, db_path(fixture, 0, "deep/er/record.db"),
                               LAB_CATALOG_READ, &catalog, &error));
    assert_int_equal(lab_catalog_version(catalog), lab_migrations_count);
    assert_ok(lab_catalog_map(catalog, result, &back, &error));
    assert_memory_equal(back.data, map.data, map.size);
    assert_int_equal(back.shape[1], 120);
    assert_string_equal(lab_labels_set_name(back.labels), "street");
    assert_string_equal(lab_labels_name(back.labels, 3), "O'Brien's\nsign");
    assert_int_equal(lab_labels_color(back.labels, 1), 0xc08080);
    lab_tensor_clear(&back);

    assert_int_equal(db_integer(catalog, "SELECT sum(pixels) FROM v_segments"), 120 * 80);
    assert_true(fabs(db_real(catalog, "SELECT sum(fraction) FROM v_segments") - 1) < 1e-12);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM (SELECT label, sum(pixels) AS n "
                                         "FROM v_segments GROUP BY label)"),
                     4);
    db_text(catalog, "SELECT label FROM v_segments WHERE class_id = 1", text, sizeof text);
    assert_string_equal(text, "person");
    db_text(catalog,
            "SELECT path||' '||model||' '||labels||' '||state||' '||width||'x'||height||' '||"
            "segments||' '||(seconds >= 0)||' '||(map_bytes > 8)||' '||(timings ->> '$.decode') "
            "FROM v_results",
            text, sizeof text);
    assert_string_equal(text, "/photos/a.jpg street street done 120x80 4 1 1 9.25");
    db_text(catalog, "SELECT state||' '||done||' '||failed||' '||running FROM v_runs", text,
            sizeof text);
    assert_string_equal(text, "done 1 0 0");
    assert_int_equal(db_integer(catalog, "SELECT results FROM v_models"), 1);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM v_label_areas"), 4);
    db_text(catalog,
            "SELECT started FROM v_results WHERE started = strftime("
            "'%Y-%m-%dT%H:%M:%fZ', started) AND finished >= started",
            text, sizeof text);
    assert_int_equal(strlen(text), strlen("2025-01-31T09:30:00.125Z"));
    lab_tensor_clear(&map);
    lab_catalog_close(catalog);
}

/* Boxes and centroids in the row are those of the map in the same row. */
static void test_segments_match_map(void **state)
{
    db_fixture *fixture = *state;
    int64_t run, result;
    lab_catalog *catalog = create(fixture, "match.db");
    lab_tensor map = record_scene(fixture, catalog, "a.jpg", &run, &result);
    assert_int_equal(db_integer(catalog,
                                "SELECT count(*) FROM segments g JOIN results r ON r.id = g.result "
                                "JOIN map_segments(r.map) m ON m.class_id = g.class_id "
                                "AND m.pixels = g.pixels AND m.x = g.x AND m.y = g.y "
                                "AND m.width = g.width AND m.height = g.height"),
                     4);
    lab_tensor_clear(&map);
    lab_catalog_close(catalog);
}

static void test_stored_once(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog = create(fixture, "once.db");
    lab_labels *labels = db_labels(&fixture->ctx), *again = db_labels(&fixture->ctx), *other;
    const char *names[] = { "sky", "person", "bicycle", "post" };
    uint32_t colors[] = { 0, 1, 2, 3 };
    assert_ok(lab_labels_new(&fixture->ctx, "street", 4, names, colors, &other, &error));
    int64_t model = add_model(catalog, "street", labels);
    assert_true(model > 0);
    assert_int_equal(add_model(catalog, "street", again), model);
    assert_int_not_equal(add_model(catalog, "street", other), model);
    assert_int_not_equal(add_model(catalog, "street-2", labels), model);
    int64_t bare = add_model(catalog, "bare", NULL);
    assert_int_equal(add_model(catalog, "bare", NULL), bare);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM label_sets"), 2);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM labels"), 8);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM models"), 4);

    lab_tensor map;
    int64_t run = begin_run(catalog), result;
    assert_ok(db_scene(&fixture->ctx, LAB_U16, 40, 30, 2, labels, &map, &error));
    assert_ok(db_record(catalog, run, model, "a.jpg", DB_SHA("c"), &map, &result, &error));
    assert_ok(db_record(catalog, run, model, "moved/a.jpg", DB_SHA("c"), &map, &result, &error));
    char text[64];
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM images"), 1);
    db_text(catalog, "SELECT path FROM images", text, sizeof text);
    assert_string_equal(text, "moved/a.jpg");
    /* A class that the label set does not name still has a row and a name. */
    db_text(catalog, "SELECT label FROM v_segments WHERE class_id = 1001", text, sizeof text);
    assert_string_equal(text, "class 1001");
    lab_tensor_clear(&map);
    lab_labels_unref(labels);
    lab_labels_unref(again);
    lab_labels_unref(other);
    lab_catalog_close(catalog);
}

static void test_failures_and_interruption(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    char text[256];
    lab_catalog *catalog = create(fixture, "fail.db");
    int64_t run = begin_run(catalog), bad, left;
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "bad.jpg", &bad, &error));
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "left.jpg", &left, &error));
    assert_int_equal(db_integer(catalog, "SELECT running FROM v_runs"), 2);
    assert_ok(lab_catalog_fail_result(catalog, bad, "it's no picture", &error));
    /* Stopping is recorded although the context is stopped. */
    atomic_store(&fixture->ctx.stop, true);
    assert_ok(lab_catalog_finish_run(catalog, run, "interrupted", &error));
    atomic_store(&fixture->ctx.stop, false);
    db_text(catalog, "SELECT group_concat(path || ': ' || reason, '; ') FROM v_failures", text,
            sizeof text);
    assert_string_equal(text, "bad.jpg: it's no picture; "
                              "left.jpg: the run ended (interrupted) before this was finished");
    db_text(catalog, "SELECT state FROM v_runs", text, sizeof text);
    assert_string_equal(text, "interrupted");
    lab_catalog_close(catalog);
}

static void test_misuse(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_tensor map, back;
    int64_t id, run, result;
    lab_catalog *catalog = create(fixture, "misuse.db");
    map = record_scene(fixture, catalog, "a.jpg", &run, &result);
    lab_image_record image = { DB_SHA("d"), "a.jpg", 1, 120, 80, "png" };
    lab_segment_record one = { .class_id = 1, .pixels = 5, .box = { 0, 0, 1, 1 }, .score = -1 };
    lab_segment_record twice[2] = { one, one };
    assert_fails(lab_catalog_begin_result(catalog, 99, 0, "x", &id, &error), LAB_E_NOT_FOUND,
                 "no run 99");
    assert_fails(lab_catalog_begin_result(catalog, run, 99, "x", &id, &error), LAB_E_DB,
                 "FOREIGN KEY");
    assert_fails(lab_catalog_begin_result(catalog, run, 0, NULL, &id, &error), LAB_E_DB, "path");
    assert_fails(lab_catalog_fail_result(catalog, 99, "x", &error), LAB_E_NOT_FOUND,
                 "no result 99");
    assert_fails(lab_catalog_fail_result(catalog, result, "x", &error), LAB_E_INVALID,
                 "finished already");
    assert_fails(lab_catalog_finish_result(catalog, result, &image, &map, NULL, 0, NULL, &error),
                 LAB_E_INVALID, "finished already");
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "b.jpg", &id, &error));
    assert_fails(lab_catalog_map(catalog, id, &back, &error), LAB_E_NOT_FOUND, "(running)");
    assert_fails(lab_catalog_map(catalog, 99, &back, &error), LAB_E_NOT_FOUND, "no result 99");
    assert_fails(lab_catalog_finish_result(catalog, id, &image, &map, twice, 2, NULL, &error),
                 LAB_E_DB, "class 1");
    assert_fails(lab_catalog_finish_result(catalog, id, &image, &map, NULL, 0, "{oops", &error),
                 LAB_E_INVALID, "timings must be JSON");
    image.sha256 = "not a digest";
    assert_fails(lab_catalog_finish_result(catalog, id, &image, &map, NULL, 0, NULL, &error),
                 LAB_E_DB, "64 lower-case hex digits");
    assert_fails(lab_catalog_finish_run(catalog, run, "tired", &error), LAB_E_INVALID, "tired");
    /* Each of those left nothing behind. */
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM images"), 1);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM results WHERE state='running'"), 1);
    image.sha256 = DB_SHA("d");
    assert_ok(lab_catalog_finish_result(catalog, id, &image, NULL, NULL, 0, NULL, &error));
    assert_fails(lab_catalog_map(catalog, id, &back, &error), LAB_E_NOT_FOUND, "(done)");
    lab_tensor_clear(&map);
    lab_catalog_close(catalog);
}

/* Within a transaction of the user's, recording takes part in it. */
static void test_nested(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    int64_t id;
    lab_catalog *catalog = create(fixture, "nested.db");
    int64_t run = begin_run(catalog);
    assert_ok(db_execute(catalog, "BEGIN", &error));
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "kept.jpg", &id, &error));
    assert_fails(lab_catalog_begin_result(catalog, run, 7, "bad.jpg", &id, &error), LAB_E_DB, "");
    assert_ok(db_execute(catalog, "COMMIT", &error));
    assert_ok(db_execute(catalog, "BEGIN", &error));
    assert_ok(lab_catalog_begin_result(catalog, run, 0, "gone.jpg", &id, &error));
    assert_ok(db_execute(catalog, "ROLLBACK", &error));
    char text[64];
    db_text(catalog, "SELECT group_concat(path) FROM results", text, sizeof text);
    assert_string_equal(text, "kept.jpg");
    lab_catalog_close(catalog);
}

static void test_text_stays_data(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    char text[256];
    static const char *const paths[] = { "it's; DROP TABLE results; --.jpg",
                                         "two\nlines\t\"q\".jpg",
                                         "file:x?mode=memory",
                                         ":memory:",
                                         "-",
                                         "日本/\xff\xfe.jpg",
                                         "%s%n%d" };
    lab_catalog *catalog = create(fixture, "quote's\n\"file\".db");
    int64_t run = begin_run(catalog), id;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char sql[64];
        assert_ok(lab_catalog_begin_result(catalog, run, 0, paths[i], &id, &error));
        assert_ok(lab_catalog_fail_result(catalog, id, paths[i], &error));
        snprintf(sql, sizeof sql, "SELECT reason FROM results WHERE id = %d", (int)id);
        assert_string_equal(db_text(catalog, sql, text, sizeof text), paths[i]);
    }
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM results WHERE path = reason"), 7);
    lab_catalog_close(catalog);
}

static void test_memory_catalog(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    assert_fails(lab_catalog_open(&fixture->ctx, ":memory:", LAB_CATALOG_READ, &catalog, &error),
                 LAB_E_NOT_FOUND, ":memory:");
    assert_ok(lab_catalog_open(&fixture->ctx, ":memory:", LAB_CATALOG_CREATE, &catalog, &error));
    int64_t run, result;
    lab_tensor map = record_scene(fixture, catalog, "a.jpg", &run, &result);
    assert_int_equal(db_integer(catalog, "SELECT map_pixels(map, 0) + map_pixels(map, 1) + "
                                         "map_pixels(map, 2) + map_pixels(map, 3) FROM v_maps"),
                     120 * 80);
    lab_tensor_clear(&map);
    lab_catalog_close(catalog);
    assert_int_not_equal(access(":memory:", F_OK), 0);
}

/* What another program prints for `sql`, into `text`; false where there is no sqlite3. */
static bool stock_sqlite(const char *path, const char *sql, char *text, size_t size)
{
    int ends[2];
    if (pipe(ends))
        return false;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        execlp("sqlite3", "sqlite3", path, sql, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], text + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    text[used] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return false;
    assert_int_equal(status, 0);
    return true;
}

static void test_stock_shell(void **state)
{
    db_fixture *fixture = *state;
    char text[1024];
    int64_t run, result;
    lab_catalog *catalog = create(fixture, "stock.db");
    lab_tensor map = record_scene(fixture, catalog, "a.jpg", &run, &result);
    lab_tensor_clear(&map);
    lab_catalog_close(catalog);
    const char *path = db_path(fixture, 0, "stock.db");
    if (!stock_sqlite(path, "PRAGMA integrity_check", text, sizeof text)) {
        print_message("skipped: there is no sqlite3 program\n");
        skip();
    }
    assert_string_equal(text, "ok\n");
    assert_true(stock_sqlite(path,
                             "SELECT count(*) FROM v_models, v_results, v_runs;"
                             "SELECT count(*), sum(pixels) FROM v_segments;"
                             "SELECT count(*) FROM v_failures; SELECT count(*) FROM v_label_areas;"
                             "SELECT result, width, height, bytes = length(map) FROM v_maps;"
                             "PRAGMA journal_mode; PRAGMA application_id; PRAGMA user_version;"
                             "PRAGMA foreign_key_check",
                             text, sizeof text));
    char expected[128];
    snprintf(expected, sizeof expected, "1\n4|9600\n0\n4\n1|120|80|1\nwal\n1819631980\n%d\n",
             lab_migrations_count);
    assert_string_equal(text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_and_read), cmocka_unit_test(test_segments_match_map),
        cmocka_unit_test(test_stored_once),     cmocka_unit_test(test_failures_and_interruption),
        cmocka_unit_test(test_misuse),          cmocka_unit_test(test_nested),
        cmocka_unit_test(test_text_stays_data), cmocka_unit_test(test_memory_catalog),
        cmocka_unit_test(test_stock_shell),
    };
    return cmocka_run_group_tests_name("catalog", tests, db_setup, db_teardown);
}
