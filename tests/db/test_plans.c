/*
 * How SQLite runs what the catalog prepares by itself while pictures are recorded and read back:
 * every row is looked up by an index, in what the statement names and in the tables that refer to
 * it. What Lua prepares: tests/lua/plans_spec.lua.
 */
#include <stdio.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "db/db_support.h"

/*
 * Looks at each step of a statement's plan; returns how many there are. Of evaluations there are as
 * many as people asked for: their label sets have no index.
 */
static int must_search(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *plan = NULL;
    int n = 0;
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    assert_non_null(text);
    if (sqlite3_prepare_v2(db, text, -1, &plan, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    for (; sqlite3_step(plan) == SQLITE_ROW; n++) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        bool scan = strncmp(step, "SCAN ", 5) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0 &&
                    strcmp(step, "SCAN evaluations") != 0;
        if (scan || strstr(step, "AUTOMATIC"))
            fail_msg("%s in %s", step, sql);
    }
    assert_int_equal(sqlite3_finalize(plan), SQLITE_OK);
    sqlite3_free(text);
    return n;
}

static void test_own_statements(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    int steps = 0;
    assert_ok(lab_catalog_open(&fixture->ctx, db_path(fixture, 0, "plans.db"), LAB_CATALOG_CREATE,
                               &catalog, &error));
    for (int i = 0; i < LAB_QUERY_COUNT; i++) {
        sqlite3_stmt *stmt;
        assert_ok(lab_query_bind(catalog, (lab_query)i, NULL, 0, &stmt, &error));
        steps += must_search(catalog->db, sqlite3_sql(stmt));
    }
    assert_true(steps >= 10); /* those that look for something have at least one */
    lab_catalog_close(catalog);
}

/*
 * Rows that refer to one that is deleted are looked for: without an index each deletion would go
 * through their whole table.
 */
static void test_references(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    assert_ok(lab_catalog_open(&fixture->ctx, db_path(fixture, 0, "references.db"),
                               LAB_CATALOG_CREATE, &catalog, &error));
    assert_true(db_integer(catalog, "SELECT count(*) FROM sqlite_schema t, "
                                    "pragma_foreign_key_list(t.name) WHERE t.type = 'table'") > 10);
    char text[256];
    db_text(catalog,
            "SELECT group_concat(t.name || '.' || f.\"from\") FROM sqlite_schema t, "
            "pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND NOT EXISTS ("
            "SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c "
            "WHERE c.seqno = 0 AND c.name = f.\"from\")",
            text, sizeof text);
    assert_string_equal(text, "evaluations.label_set");
    lab_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_statements),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests_name("plans", tests, db_setup, db_teardown);
}
