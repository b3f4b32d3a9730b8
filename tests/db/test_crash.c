/*
 * Programs that are killed, that all write at once, and disks that fill up: the catalog stays whole
 * and every row says truly how far it came. With LUALAB_TEST_LONG in the environment the kills are
 * 200 of each kind, and each of four writers records 1,000 results.
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

#include "catalog/catalog_internal.h"
#include "db/db_support.h"

static int kills(void)
{
    return getenv("LUALAB_TEST_LONG") ? 200 : 30;
}

/* A digest that differs from picture to picture. */
static void digest(char out[65], uint32_t a, uint32_t b)
{
    snprintf(out, 65, "%032x%032x", a, b);
}

/*
 * Records until `count` results are finished (0: for ever); 0 or a process's exit status. For each
 * a byte is written to `told` (-1: nobody listens) when the catalog has said that it is there.
 */
static int record_many(const char *path, const char *prefix, uint32_t seed, int count, int told)
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
        if (told >= 0 && write(told, "+", 1) != 1)
            return 4;
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

/* Waits up to `most` milliseconds and kills the child; whether it was at work still. */
static bool kill_within(pid_t child, uint64_t *noise, uint32_t most)
{
    int status = 0;
    uint32_t microseconds = db_random(noise) % (most * 1000);
    struct timespec wait = { microseconds / 1000000, 1000 * (long)(microseconds % 1000000) };
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* A child that records into `path` until it is killed; how many results it knew to be there. */
static int record_and_kill(const char *path, const char *prefix, uint32_t seed, uint64_t *noise,
                           uint32_t most)
{
    int ends[2], told = 0;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(record_many(path, prefix, seed, 0, ends[1]));
    close(ends[1]);
    assert_true(kill_within(child, noise, most));
    while (read(ends[0], &byte, 1) == 1)
        told++;
    close(ends[0]);
    return told;
}

/*
 * What a killed program had been told is there is there, at most one more (its last word was not
 * heard), and at most one that says it was never finished. Returns how many of these.
 */
static int check_told(db_fixture *fixture, const char *path, const char *prefix, int told)
{
    lab_error error;
    lab_catalog *catalog;
    char sql[128];
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    snprintf(sql, sizeof sql, "SELECT count(*) FROM results WHERE path LIKE '%s-%%' AND state ",
             prefix);
    char finished[160], running[160];
    snprintf(finished, sizeof finished, "%s<> 'running'", sql);
    snprintf(running, sizeof running, "%s= 'running'", sql);
    int64_t there = db_integer(catalog, finished), left = db_integer(catalog, running);
    if (there < told || there > told + 1 || left > 1)
        fail_msg("%s: the catalog said that %d are finished; %d are, and %d are running", prefix,
                 told, (int)there, (int)left);
    lab_catalog_close(catalog);
    return (int)left;
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
    for (int round = 0; round < kills(); round++) {
        char name[32];
        snprintf(name, sizeof name, "creating-%d.db", round);
        const char *path = db_path(fixture, 0, name);
        int told = record_and_kill(path, "killed", 1, &noise, 15);
        assert_int_equal(record_many(path, "after", 1000, 2, -1), 0);
        check_consistent(fixture, path);
        check_told(fixture, path, "killed", told);
    }
}

static void test_killed_recording(void **state)
{
    db_fixture *fixture = *state;
    const char *path = db_path(fixture, 0, "killed.db");
    uint64_t noise = new_seed();
    int left = 0;
    assert_int_equal(record_many(path, "before", 2000, 1, -1), 0);
    for (int round = 0; round < kills(); round++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "killed%d", round);
        int told = record_and_kill(path, prefix, (uint32_t)round + 1, &noise, 60);
        check_consistent(fixture, path);
        left += check_told(fixture, path, prefix, told);
    }
    /* The next program works on. */
    assert_int_equal(record_many(path, "after", 1000, 10, -1), 0);
    check_consistent(fixture, path);
    lab_error error;
    lab_catalog *catalog;
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
    int64_t running = db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'running'");
    print_message("%d kills: done %d, failed %d, left running %d\n", kills(),
                  (int)db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'done'"),
                  (int)db_integer(catalog, "SELECT count(*) FROM results WHERE state = 'failed'"),
                  (int)running);
    assert_int_equal(running, left);
    assert_true(db_integer(catalog, "SELECT count(*) FROM results WHERE path LIKE 'after%'") == 10);
    lab_catalog_close(catalog);
}

/* A catalog of version 1 with enough in it that bringing it up to date takes a while. */
static void make_old(db_fixture *fixture, const char *path)
{
    lab_error error;
    lab_catalog *catalog;
    lab_catalog_options first = { LAB_BUSY_SECONDS, lab_migrations, 1 };
    static const char *const fill[] = {
        "INSERT INTO runs (state, started, finished) VALUES ('done', '2024', '2024')",
        "INSERT INTO label_sets (name, digest, classes) VALUES ('many', 'd', 1000)",
        "INSERT INTO labels WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
        "SELECT 1, i, 'label ' || i, '#00ff00' FROM n",
        "INSERT INTO images (sha256, path, bytes, width, height, added) "
        "VALUES ('" DB_SHA("a") "', '/a.png', 1, 9, 9, '2024')",
        "INSERT INTO results (run, image, label_set, path, state, width, height, started, finished)"
        " WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
        "SELECT 1, 1, 1, '/photos/' || i || '.png', 'done', 9, 9, '2024', '2024' FROM n",
        "INSERT INTO segments SELECT r.id, c.class_id, 1, 0.5, r.id % 7, c.class_id, 1, 1, 0, 0, 1,"
        " NULL FROM results r, labels c WHERE c.class_id < 4",
    };
    assert_ok(
        lab_catalog_open_with(&fixture->ctx, path, LAB_CATALOG_CREATE, &first, &catalog, &error));
    for (size_t i = 0; i < sizeof fill / sizeof *fill; i++)
        assert_ok(db_execute(catalog, fill[i], &error));
    lab_catalog_close(catalog);
}

static double seconds_to_migrate(db_fixture *fixture, const char *path)
{
    lab_error error;
    lab_catalog *catalog;
    double start = lab_clock();
    assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_WRITE, &catalog, &error));
    double seconds = lab_clock() - start;
    assert_int_equal(lab_catalog_version(catalog), lab_migrations_count);
    lab_catalog_close(catalog);
    return seconds;
}

/* Killed while a catalog of version 1 is brought up to date: it is of one version or another. */
static void test_killed_migrating(void **state)
{
    db_fixture *fixture = *state;
    lab_error error;
    lab_catalog *catalog;
    uint64_t noise = new_seed();
    uint32_t most = 0; /* milliseconds that a whole upgrade takes, and half as long again */
    int versions[8] = { 0 }, interrupted = 0;
    const char *old = db_path(fixture, 0, "old.db"), *path = db_path(fixture, 1, "work.db");
    make_old(fixture, old);
    for (int round = -1; round < kills(); round++) {
        assert_ok(lab_catalog_open(&fixture->ctx, old, LAB_CATALOG_READ, &catalog, &error));
        assert_ok(lab_catalog_backup(catalog, path, &error));
        lab_catalog_close(catalog);
        if (round < 0) {
            most = 2 + (uint32_t)(1500 * seconds_to_migrate(fixture, path));
        } else {
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0)
                _exit(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_WRITE, &catalog, &error));
            interrupted += kill_within(child, &noise, most);
            assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
            versions[lab_catalog_version(catalog)]++;
            lab_catalog_close(catalog);
        }
        seconds_to_migrate(fixture, path); /* the next program brings it to its end */
        assert_ok(lab_catalog_open(&fixture->ctx, path, LAB_CATALOG_READ, &catalog, &error));
        char text[64];
        assert_string_equal(db_text(catalog, "PRAGMA integrity_check", text, sizeof text), "ok");
        assert_int_equal(db_integer(catalog, "SELECT count(*) FROM segment_boxes"), 6000);
        assert_int_equal(db_integer(catalog, "SELECT count(*) FROM path_search('photos')"), 1500);
        assert_int_equal(db_integer(catalog, "SELECT count(*) FROM label_search('label')"), 1000);
        lab_catalog_close(catalog);
        unlink(path);
    }
    print_message("%d kills, %d in the middle; then of version 1: %d, 2: %d, 3: %d\n", kills(),
                  interrupted, versions[1], versions[2], versions[3]);
    assert_true(interrupted > kills() / 4 && versions[1] > 0);
}

static void test_four_writers(void **state)
{
    db_fixture *fixture = *state;
    const char *path = db_path(fixture, 0, "shared.db");
    const int each = getenv("LUALAB_TEST_LONG") ? 1000 : 200;
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char prefix[16];
            snprintf(prefix, sizeof prefix, "writer%d", i);
            _exit(record_many(path, prefix, (uint32_t)i + 1, each, -1));
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
    assert_int_equal(db_integer(catalog, "SELECT count(*) FROM results"), 4 * each);
    assert_int_equal(db_integer(catalog, "SELECT count(DISTINCT path) FROM results"), 4 * each);
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
        cmocka_unit_test(test_killed_creating),  cmocka_unit_test(test_killed_recording),
        cmocka_unit_test(test_killed_migrating), cmocka_unit_test(test_four_writers),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests_name("crashes", tests, db_setup, db_teardown);
}
