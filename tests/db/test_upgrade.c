/*
 * Catalogs of earlier versions: each of tests/db/versions/ is upgraded with nothing lost and the
 * search tables filled, and the downgrade that a migration notes leads back to the schema before
 * it. Then what version 2 brought: boxes, words, tags and notes that follow their rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "db/db_support.h"

static void plain_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        fail_msg("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* The first column of all rows, joined by newlines; the caller frees it. */
static char *plain_list(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    sqlite3_str *text = sqlite3_str_new(NULL);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        sqlite3_str_appendf(text, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return sqlite3_str_finish(text);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static lab_catalog *open_old(db_fixture *fixture, int version, const char *path)
{
    char name[300];
    lab_error error;
    lab_catalog *catalog;
    snprintf(name, sizeof name, TEST_VERSIONS "/%04d.sql", version);
    char *sql = read_text(name);
    plain_sql(path, sql);
    free(sql);
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    assert_int_equal(lab_catalog_version(catalog), version);
    lab_catalog_close(catalog);
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_WRITE, &catalog, &error));
    assert_int_equal(lab_catalog_version(catalog), lab_migrations_count);
    return catalog;
}

/* What must hold in every catalog of today. */
static void check_search(lab_catalog *c)
{
    char text[64];
    lab_error error;
    assert_string_equal(db_text(c, "PRAGMA integrity_check", text, sizeof text), "ok");
    assert_string_equal(db_text(c, "SELECT rtreecheck('segment_boxes')", text, sizeof text), "ok");
    assert_int_equal(db_integer(c, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    static const char *const words[] = { "path_search", "note_search", "label_search" };
    for (size_t i = 0; i < 3; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "INSERT INTO %s (%s, rank) VALUES ('integrity-check', 1)",
                 words[i], words[i]);
        assert_ok(db_execute(c, sql, &error));
    }
    assert_int_equal(
        db_integer(c, "SELECT count(*) FROM segments g LEFT JOIN segment_boxes b "
                      "ON b.id = g.result * 65536 + g.class_id WHERE (b.x0, b.y0, b.x1, b.y1, "
                      "b.result, b.class_id) IS NOT (g.x, g.y, g.x + g.width - 1, "
                      "g.y + g.height - 1, g.result, g.class_id)"),
        0);
    assert_int_equal(db_integer(c, "SELECT (SELECT count(*) FROM segments) - "
                                   "(SELECT count(*) FROM segment_boxes)"),
                     0);
    assert_int_equal(db_integer(c, "SELECT (SELECT count(*) FROM labels) - "
                                   "(SELECT count(*) FROM label_search)"),
                     0);
}

static void test_version_1(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_tensor map;
    char text[200];
    lab_catalog *c = open_old(fixture, 1, db_path(fixture, 0, "one.db"));
    check_search(c);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM v_results"), 4);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM v_failures"), 1);
    assert_int_equal(db_integer(c, "SELECT sum(pixels) FROM v_segments"), 60 + 2 * 96);
    assert_int_equal(db_integer(c, "SELECT group_concat(rowid) = '2' FROM "
                                   "path_search('photos green')"),
                     1);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM label_search('person')"), 1);
    db_text(c, "SELECT colors FROM v_palettes WHERE labels = 'colors'", text, sizeof text);
    assert_string_equal(text, "#000000 #ff0000 #00ff00 #0000ff");
    assert_ok(lab_catalog_map(c, 3, &map, &error));
    assert_int_equal(map.shape[1], 12);
    assert_int_equal(db_class(&map, 0, 0), 1);
    lab_tensor_clear(&map);
    lab_catalog_close(c);
}

#define SCHEMA "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"

/* Runs the "-- down:" lines of migration 2. */
static void test_downgrade(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *c;
    lab_catalog_options first = { 1, lab_migrations, 1 }, both = { 1, lab_migrations, 2 };
    const char *old = db_path(fixture, 0, "old.db"), *path = db_path(fixture, 1, "down.db");
    assert_ok(lab_catalog_open_with(&fixture->ctx, old, LAB_CATALOG_CREATE, &first, &c, &error));
    lab_catalog_close(c);
    assert_ok(lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_CREATE, &both, &c, &error));
    lab_catalog_close(c);
    int lines = 0;
    for (const char *at = strstr(lab_migrations[1].sql, "\n-- down: "); at;
         at = strstr(at + 1, "\n-- down: "), lines++) {
        char sql[200];
        snprintf(sql, sizeof sql, "%.*s", (int)strcspn(at + 10, "\n"), at + 10);
        plain_sql(path, sql);
    }
    assert_true(lines > 10);
    char *before = plain_list(old, SCHEMA), *after = plain_list(path, SCHEMA);
    assert_string_equal(after, before);
    sqlite3_free(before);
    sqlite3_free(after);
    /* And forth again. */
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_WRITE, &c, &error));
    check_search(c);
    lab_catalog_close(c);
}

static void test_follow(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *c = open_old(fixture, 1, db_path(fixture, 0, "follow.db"));
    static const char *const changes[] = {
        "UPDATE segments SET x = 1, width = 3 WHERE result = 3 AND class_id = 1",
        "UPDATE results SET path = '/archive/Zürich station.png' WHERE id = 3",
        "UPDATE labels SET name = 'traffic light' WHERE class_id = 3",
        "INSERT INTO tags (image, tag, author) VALUES (1, 'blurred', 'ada'), (1, 'night', NULL)",
        "INSERT INTO notes (image, note) VALUES (1, 'Who took this?')",
        "INSERT INTO notes (result, note) VALUES (2, 'the fence is missing')",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_ok(db_execute(c, changes[i], &error));
    check_search(c);
    assert_int_equal(db_integer(c, "SELECT rowid FROM path_search('zurich')"), 3);
    assert_int_equal(db_integer(c, "SELECT class_id FROM label_search('traffic')"), 3);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM label_search('blue')"), 0);
    assert_int_equal(db_integer(c, "SELECT tags = 'blurred, night' FROM v_images WHERE image = 1"),
                     1);
    assert_int_equal(db_integer(c, "SELECT result FROM v_notes JOIN note_search('fence') s "
                                   "ON s.rowid = note_id"),
                     2);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM segment_boxes WHERE x0 <= 2 AND x1 >= 2 "
                                   "AND y0 <= 2 AND y1 >= 2 AND result = 3"),
                     1);
    /* What is deleted with its run is gone from the search, too. */
    assert_ok(db_execute(c, "DELETE FROM runs WHERE id = 1", &error));
    check_search(c);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM path_search('photos OR archive')"), 1);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM note_search('fence')"), 0);
    assert_int_equal(db_integer(c, "SELECT count(*) FROM v_notes"), 1);
    /* Refused: empty words, and notes on nothing or on both. */
    assert_fails(db_execute(c, "INSERT INTO tags (image, tag) VALUES (1, ' x')", &error), LAB_E_DB,
                 "without space");
    assert_fails(db_execute(c, "INSERT INTO notes (note) VALUES ('x')", &error), LAB_E_DB,
                 "on a picture or on a result");
    assert_fails(db_execute(c, "INSERT INTO notes (image, note) VALUES (1, ' ')", &error), LAB_E_DB,
                 "not empty");
    lab_catalog_close(c);
}

/* Questions about places and words go through their index. */
static void test_plans(void **state)
{
    db_fixture *fixture = *state;
    static const struct {
        const char *sql, *detail;
    } cases[] = {
        { "SELECT * FROM segment_boxes WHERE x0 <= 5 AND x1 >= 5", "VIRTUAL TABLE INDEX 2:" },
        { "SELECT * FROM path_search('x') s JOIN results r ON r.id = s.rowid",
          "VIRTUAL TABLE INDEX" },
        { "SELECT * FROM v_tags WHERE tag = 'x'", "tags_by_tag" },
        { "SELECT * FROM v_images WHERE sha256 = 'x'", "sqlite_autoindex_images_1" },
        { "SELECT * FROM v_results WHERE path = 'x'", "results_by_path" },
        { "SELECT * FROM v_segments WHERE result = 1", "SEARCH g USING PRIMARY KEY" },
    };
    lab_error error;
    lab_catalog *c = open_old(fixture, 1, db_path(fixture, 0, "plans.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        lab_statement *s;
        bool row, found = false;
        size_t size;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", cases[i].sql);
        assert_ok(lab_statement_new(c, sql, NULL, &s, &error));
        while (!lab_statement_step(s, &row, &error) && row)
            found = found || strstr(lab_statement_bytes(s, 3, &size), cases[i].detail);
        lab_statement_free(s);
        if (!found)
            fail_msg("%s does not use %s", cases[i].sql, cases[i].detail);
    }
    lab_catalog_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_downgrade),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_plans),
    };
    return cmocka_run_group_tests_name("upgrades", tests, db_setup, db_teardown);
}
