/* Files that are no catalog, or not ours, or newer, or locked, or read-only: each has a sentence.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "catalog/catalog_internal.h"
#include "db/db_support.h"

/* Runs SQL with plain SQLite; the connection stays open when `keep` is not NULL. */
static void plain_sql(const char *path, const char *sql, sqlite3 **keep)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (keep)
        *keep = db;
    else
        sqlite3_close(db);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static long file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) ? -1 : (long)info.st_size;
}

static void new_catalog(db_fixture *fixture, const char *path)
{
    lab_error error;
    lab_catalog *catalog;
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_CREATE, &catalog, &error));
    lab_catalog_close(catalog);
}

static void test_absent(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    const char *path = db_path(fixture, 0, "absent.db");
    for (int mode = LAB_CATALOG_READ; mode <= LAB_CATALOG_WRITE; mode++)
        assert_fails(
            lab_catalog_open(&fixture->ctx, path, (lab_catalog_mode)mode, &catalog, &error),
            LAB_E_NOT_FOUND, "no catalog");
    assert_null(catalog);
    assert_int_equal(file_size(path), -1);
    assert_fails(lab_catalog_open(&fixture->ctx, "", LAB_CATALOG_CREATE, &catalog, &error),
                 LAB_E_INVALID, "empty");
    assert_fails(
        lab_catalog_open(&fixture->ctx, fixture->folder, LAB_CATALOG_CREATE, &catalog, &error),
        LAB_E_IO, "is a folder");
    write_file(path, "x", 1);
    assert_fails(lab_catalog_open(&fixture->ctx, db_path(fixture, 1, "absent.db/sub/x.db"),
                                  LAB_CATALOG_CREATE, &catalog, &error),
                 LAB_E_IO, "absent.db");
}

/* A name that looks like a URI is a file. */
static void test_name_is_no_uri(void **state)
{
    db_fixture *fixture = *state;
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(fixture->folder), 0);
    new_catalog(fixture, "file:odd?mode=memory");
    assert_true(file_size("file:odd?mode=memory") > 0);
    assert_int_equal(chdir(before), 0);
}

static void test_foreign_files(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    const char *text = db_path(fixture, 0, "text.db"), *other = db_path(fixture, 1, "other.db");
    const char *tagged = db_path(fixture, 2, "tagged.db"), *empty = db_path(fixture, 3, "empty.db");
    char letters[2000];
    memset(letters, 'x', sizeof letters);
    write_file(text, letters, sizeof letters);
    plain_sql(other, "CREATE TABLE t (a)", NULL);
    plain_sql(tagged, "PRAGMA application_id = 12; CREATE TABLE t (a)", NULL);
    long size = file_size(other);
    for (int mode = LAB_CATALOG_READ; mode <= LAB_CATALOG_CREATE; mode++) {
        lab_catalog_mode m = (lab_catalog_mode)mode;
        assert_fails(lab_catalog_open(&fixture->ctx, text, m, &catalog, &error), LAB_E_FORMAT,
                     "not an SQLite database");
        assert_fails(lab_catalog_open(&fixture->ctx, other, m, &catalog, &error), LAB_E_FORMAT,
                     "another program");
        assert_fails(lab_catalog_open(&fixture->ctx, tagged, m, &catalog, &error), LAB_E_FORMAT,
                     "0x0000000c");
    }
    assert_int_equal(file_size(other), size); /* untouched */
    assert_int_equal(file_size(text), sizeof letters);
    /* An empty file is nobody's: it can become a catalog, but there is nothing to read. */
    write_file(empty, "", 0);
    assert_fails(lab_catalog_open(&fixture->ctx, empty, LAB_CATALOG_READ, &catalog, &error),
                 LAB_E_FORMAT, "nothing has been recorded");
    new_catalog(fixture, empty);
}

static void test_newer(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    char expected[64];
    const char *path = db_path(fixture, 0, "newer.db");
    new_catalog(fixture, path);
    plain_sql(path, "PRAGMA user_version = 7", NULL);
    snprintf(expected, sizeof expected, "is version 7, this lualab knows up to %d",
             lab_migrations_count);
    for (int mode = LAB_CATALOG_READ; mode <= LAB_CATALOG_CREATE; mode++)
        assert_fails(
            lab_catalog_open(&fixture->ctx, path, (lab_catalog_mode)mode, &catalog, &error),
            LAB_E_UNSUPPORTED, expected);
}

/* Damage in the middle of the file is an error, not a crash, wherever it strikes. */
static void test_damaged(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    const char *path = db_path(fixture, 0, "whole.db"), *bad = db_path(fixture, 1, "damaged.db");
    new_catalog(fixture, path);
    lab_buffer *file;
    assert_ok(lab_file_read(&fixture->ctx, path, 1 << 24, &file, &error));
    size_t size = lab_buffer_size(file);
    uint8_t *bytes = malloc(size);
    uint64_t noise = 3;
    int opened = 0;
    for (int round = 0; round < 200; round++) {
        memcpy(bytes, lab_buffer_data(file), size);
        for (int k = 0; k < 40; k++)
            bytes[100 + db_random(&noise) % (size - 100)] = (uint8_t)db_random(&noise);
        write_file(bad, bytes, round % 4 ? size : db_random(&noise) % size);
        lab_catalog *catalog = NULL;
        if (lab_catalog_open(&fixture->ctx, bad, LAB_CATALOG_READ, &catalog, &error)) {
            assert_true(strlen(error.message) > 0);
            continue;
        }
        opened++;
        lab_tensor map;
        if (db_execute(catalog, "SELECT * FROM v_results, v_models", &error))
            assert_true(strlen(error.message) > 0);
        assert_int_not_equal(lab_catalog_map(catalog, 1, &map, &error), LAB_OK);
        lab_catalog_close(catalog);
    }
    print_message("damaged: %d of 200 opened\n", opened);
    free(bytes);
    lab_buffer_unref(file);
}

static void test_locked(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    sqlite3 *holder;
    lab_run_record run = { .command = "x" };
    int64_t id;
    lab_catalog_options options = { 0.2, lab_migrations, lab_migrations_count };
    const char *path = db_path(fixture, 0, "locked.db");
    new_catalog(fixture, path);
    plain_sql(path, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM runs", &holder);
    for (int mode = LAB_CATALOG_READ; mode <= LAB_CATALOG_CREATE; mode++)
        assert_fails(lab_catalog_open_with(&fixture->ctx, path, (lab_catalog_mode)mode, &options,
                                           &catalog, &error),
                     LAB_E_DB, "kept it locked for more than 0.2 s");
    sqlite3_close(holder);
    /* A writer alone keeps others from writing, not from reading. */
    assert_ok(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_WRITE, &options, &catalog, &error));
    plain_sql(path, "BEGIN EXCLUSIVE; DELETE FROM runs", &holder);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM runs"), 0);
    assert_fails(lab_catalog_begin_run(catalog, &run, &id, &error), LAB_E_DB, "locked");
    sqlite3_exec(holder, "COMMIT", NULL, NULL, NULL);
    assert_ok(lab_catalog_begin_run(catalog, &run, &id, &error));
    sqlite3_close(holder);
    lab_catalog_close(catalog);
}

/* As a user without rights (root may write everywhere): exit status 0 when all is as expected. */
static int without_rights(db_fixture *fixture, const char *path)
{
    lab_error error;
    lab_catalog *catalog;
    if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        return 77;
    if (lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error)) {
        fprintf(stderr, "reading: %s\n", error.message);
        return 1;
    }
    if (db_integer(catalog, "SELECT count(*) FROM v_runs") != 1)
        return 2;
    lab_catalog_close(catalog);
    for (int mode = LAB_CATALOG_WRITE; mode <= LAB_CATALOG_CREATE; mode++) {
        lab_status status =
            lab_catalog_open(&fixture->ctx, path, (lab_catalog_mode)mode, &catalog, &error);
        if (status != LAB_E_IO || !strstr(error.message, "read-only")) {
            fprintf(stderr, "writing: %s\n", status ? error.message : "allowed");
            return 3;
        }
    }
    char fresh[600];
    snprintf(fresh, sizeof fresh, "%s.fresh", path);
    lab_status status =
        lab_catalog_open(&fixture->ctx, fresh, LAB_CATALOG_CREATE, &catalog, &error);
    if (status != LAB_E_IO || !strstr(error.message, "cannot be opened")) {
        fprintf(stderr, "creating: %s\n", status ? error.message : "allowed");
        return 4;
    }
    return 0;
}

static void test_read_only_folder(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    lab_run_record run = { .command = "x" };
    int64_t id;
    char folder[400];
    snprintf(folder, sizeof folder, "%s", db_path(fixture, 0, "sealed"));
    const char *path = db_path(fixture, 1, "sealed/odd name %41?.db");
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_CREATE, &catalog, &error));
    assert_ok(lab_catalog_begin_run(catalog, &run, &id, &error));
    lab_catalog_close(catalog);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(without_rights(fixture, path));
    waitpid(child, &status, 0);
    chmod(folder, 0755);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: cannot become a user without rights here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Versions follow each other; one that fails leaves the version before it whole. */
static void test_migrations(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    char text[64];
    lab_migration steps[] = {
        lab_migrations[0],
        { 2, "0002_more.sql", "CREATE TABLE more (a TEXT) STRICT; INSERT INTO more VALUES ('2')" },
        { 3, "0003_bad.sql", "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)" },
        { 4, "0004_orphan.sql", "INSERT INTO labels VALUES (99, 0, 'x', '#000000')" },
    };
    lab_catalog_options options = { 1, steps, 1 };
    const char *path = db_path(fixture, 0, "steps.db");
    assert_ok(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_CREATE, &options, &catalog, &error));
    lab_catalog_close(catalog);
    options.n_migrations = 3;
    assert_fails(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_WRITE, &options, &catalog, &error),
        LAB_E_DB, "0003_bad.sql): no such table: nowhere");
    steps[2] = (lab_migration){ 3, "0003_orphan.sql", steps[3].sql };
    assert_fails(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_WRITE, &options, &catalog, &error),
        LAB_E_DB, "refer to others");
    options.n_migrations = 2;
    assert_ok(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_WRITE, &options, &catalog, &error));
    assert_int_equal(lab_catalog_version(catalog), 2);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"),
                     0);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM labels"), 0);
    assert_int_equal(db_integer(catalog, "PRAGMA foreign_keys"), 1);
    assert_string_equal(db_text(catalog, "SELECT a FROM more", text, sizeof text), "2");
    lab_catalog_close(catalog);
    /* Reading an older catalog changes nothing in it. */
    steps[2] = (lab_migration){ 3, "0003_fine.sql", "CREATE TABLE fine (a)" };
    options.n_migrations = 3;
    assert_ok(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_READ, &options, &catalog, &error));
    assert_int_equal(lab_catalog_version(catalog), 2);
    lab_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent),           cmocka_unit_test(test_name_is_no_uri),
        cmocka_unit_test(test_foreign_files),    cmocka_unit_test(test_newer),
        cmocka_unit_test(test_damaged),          cmocka_unit_test(test_locked),
        cmocka_unit_test(test_read_only_folder), cmocka_unit_test(test_migrations),
    };
    return cmocka_run_group_tests_name("opening", tests, db_setup, db_teardown);
}
