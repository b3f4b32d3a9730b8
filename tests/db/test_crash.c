/*
 * Programs that are killed, that all write at once, and disks that fill up: the catalog stays whole
 * and every row says truly how far it came.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db/db_support.h"

/* A digest that differs from picture to picture. */
static void digest(char out[65], uint32_t a, uint32_t b)
{
    snprintf(out, 65, "%032x%032x", a, b);
}

/* Records until `count` results are done (0: for ever); 0 or a process's exit status. */
static int record_many(const char *path, const char *prefix, uint32_t seed, int count)
{
    lab_context ctx;
    lab_error error;
    lab_catalog *catalog;
    lab_tensor map;
    int64_t run, result;
    lab_run_record record = { .command = prefix };
    if (lab_context_init(&ctx, NULL, 1, &error) ||
        lab_catalog_open(&ctx, path, LAB_CATALOG_CREATE, &catalog, &error) ||
        lab_catalog_begin_run(catalog, &record, &run, &error) ||
        db_scene(&ctx, LAB_U8, 200, 150, 6, NULL, &map, &error)) {
        fprintf(stderr, "%s: %s\n", prefix, error.message);
        return 1;
    }
    for (int i = 0; i < count || !count; i++) {
        char sha[65], name[64];
        digest(sha, seed, (uint32_t)i);
        snprintf(name, sizeof name, "%s-%d.jpg", prefix, i);
        lab_status status;
        if (i % 7 == 6) {
            status = lab_catalog_begin_result(catalog, run, 0, name, &result, &error);
            if (!status)
                status = lab_catalog_fail_result(catalog, result, "every seventh fails", &error);
        } else {
            status = db_record(catalog, run, 0, name, sha, &map, &result, &error);
        }
        if (status) {
            fprintf(stderr, "%s: %s\n", name, error.message);
            return 2;
        }
    }
    lab_tensor_clear(&map);
    lab_status status = lab_catalog_finish_run(catalog, run, "done", &error);
    lab_catalog_close(catalog);
    lab_context_finish(&ctx);
    return status ? 3 : 0;
}

/* Every row tells the truth, whatever happened while it was written. */
static void check_consistent(db_fixture *fixture, const char *path)
{
    lab_error error;
    lab_catalog *catalog;
    char text[64];
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    db_text(catalog, "PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(db_integer(catalog,
                                "SELECT count(*) FROM results WHERE NOT CASE state "
                                "WHEN 'done' THEN map IS NOT NULL AND finished IS NOT NULL "
                                "AND image IS NOT NULL AND reason IS NULL "
                                "WHEN 'failed' THEN map IS NULL AND reason IS NOT NULL "
                                "WHEN 'running' THEN map IS NULL AND image IS NULL "
                                "AND finished IS NULL ELSE 0 END"),
                     0);
    /* All segments of a done result or none of another. */
    assert_int_equal(db_integer(catalog,
                                "SELECT count(*) FROM results r WHERE (SELECT coalesce(sum(pixels),"
                                " 0) FROM segments s WHERE s.result = r.id) <> "
                                "CASE state WHEN 'done' THEN width * height ELSE 0 END"),
                     0);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM results r JOIN segments s "
                                         "ON s.result = r.id WHERE s.pixels <> "
                                         "map_pixels(r.map, s.class_id)"),
                     0);
    lab_catalog_close(catalog);
}

/* A child that records into `path` for ever, killed after up to `most` milliseconds. */
static void record_and_kill(const char *path, uint32_t seed, uint64_t *noise, uint32_t most)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(record_many(path, "killed", seed, 0));
    struct timespec wait = { 0, 1000 * (long)(db_random(noise) % (most * 1000)) };
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t new_seed(void)
{
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Killed while the file is made: whatever is there becomes a catalog for the next program. */
static void test_killed_creating(void **state)
{
    db_fixture *fixture = *state;
    uint64_t noise = new_seed();
    for (int round = 0; round < 30; round++) {
        char name[32];
        snprintf(name, sizeof name, "creating-%d.db", round);
        const char *path = db_path(fixture, 0, name);
        record_and_kill(path, 1, &noise, 15);
        assert_int_equal(record_many(path, "after", 1000, 2), 0);
        check_consistent(fixture, path);
    }
}

static void test_killed_recording(void **state)
{
    db_fixture *fixture = *state;
    const char *path = db_path(fixture, 0, "killed.db");
    uint64_t noise = new_seed();
    assert_int_equal(record_many(path, "before", 2000, 1), 0);
    for (int round = 0; round < 30; round++) {
        record_and_kill(path, (uint32_t)round + 1, &noise, 60);
        check_consistent(fixture, path);
    }
    /* The next program works on. */
    assert_int_equal(record_many(path, "after", 1000, 10), 0);
    check_consistent(fixture, path);
    lab_error error;
    lab_catalog *catalog;
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    print_message("done %d, failed %d, left running by a kill %d\n",
                  (int)db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'done'"),
                  (int)db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'failed'"),
                  (int)db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'running'"));
    assert_true(db_integer(catalog, "SELECT count(*) FROM results WHERE path LIKE 'after%'") == 10);
    lab_catalog_close(catalog);
}

static void test_four_writers(void **state)
{
    db_fixture *fixture = *state;
    const char *path = db_path(fixture, 0, "shared.db");
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char prefix[16];
            snprintf(prefix, sizeof prefix, "writer%d", i);
            _exit(record_many(path, prefix, (uint32_t)i + 1, 200));
        }
    }
    for (int i = 0; i < 4; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    check_consistent(fixture, path);
    lab_error error;
    lab_catalog *catalog;
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM results"), 800);
    assert_int_equal(db_integer(catalog, "SELECT count(DISTINCT path) FROM results"), 800);
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM runs WHERE state = 'done'"), 4);
    lab_catalog_close(catalog);
}

/* Records on a disk of 600 KB until it is full. Runs in a child with a mount of its own. */
static int fill_disk(const char *folder)
{
    if (mount("lualab-test", folder, "tmpfs", 0, "size=600k"))
        return 77;
    char path[512];
    lab_context ctx;
    lab_error error;
    lab_catalog *catalog;
    lab_tensor map;
    int64_t run, result;
    lab_run_record record = { .command = "fill" };
    snprintf(path, sizeof path, "%s/full.db", folder);
    if (lab_context_init(&ctx, NULL, 1, &error) ||
        lab_catalog_open(&ctx, path, LAB_CATALOG_CREATE, &catalog, &error) ||
        lab_catalog_begin_run(catalog, &record, &run, &error) ||
        db_scene(&ctx, LAB_U8, 300, 200, 20, NULL, &map, &error))
        return 1;
    lab_status status = LAB_OK;
    int done = 0;
    for (; !status && done < 10000; done++) {
        char sha[65];
        digest(sha, 5, (uint32_t)done);
        status = db_record(catalog, run, 0, "a.jpg", sha, &map, &result, &error);
    }
    printf("full after %d results: %s\n", done - 1, error.message);
    bool said = status == LAB_E_IO && strstr(error.message, "no space left");
    lab_catalog_close(catalog);
    /* What was there before is there still. */
    char text[64];
    int64_t kept = -1;
    if (!lab_catalog_open(&ctx, path, LAB_CATALOG_READ, &catalog, &error)) {
        kept = db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'done'");
        if (strcmp(db_text(catalog, "PRAGMA integrity_check", text, sizeof text), "ok") != 0)
            kept = -2;
        lab_catalog_close(catalog);
    } else {
        printf("%s\n", error.message);
    }
    lab_tensor_clear(&map);
    lab_context_finish(&ctx);
    umount(folder);
    fflush(stdout);
    return said && kept == done - 1 ? 0 : 2;
}

static void test_full_disk(void **state)
{
    db_fixture *fixture = *state;
    char folder[400];
    int status = 0;
    snprintf(folder, sizeof folder, "%s", db_path(fixture, 0, "disk"));
    assert_int_equal(mkdir(folder, 0755), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(fill_disk(folder));
    waitpid(child, &status, 0);
    umount(folder); /* where the child came to no good end */
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: a tmpfs cannot be mounted here (needs root)\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_creating),
        cmocka_unit_test(test_killed_recording),
        cmocka_unit_test(test_four_writers),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests_name("crashes", tests, db_setup, db_teardown);
}
