/* The map_… SQL functions against the pixels they speak of, and against bytes that are no map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/map_codec.h"
#include "db/db_support.h"

typedef struct maps {
    db_fixture *fixture;
    lab_catalog *catalog;
    lab_tensor a, b; /* rows 1 and 2 of the temporary table m(id, map) */
} maps;

static maps set_up(db_fixture *fixture, lab_dtype dtype)
{
    lab_error error;
    maps m = { .fixture = fixture };
    lab_context *ctx = &fixture->ctx;
    assert_ok(lab_catalog_open(ctx, ":memory:", LAB_CATALOG_CREATE, &m.catalog, &error));
    assert_ok(db_execute(m.catalog, "CREATE TEMP TABLE m (id INTEGER PRIMARY KEY, map)", &error));
    assert_ok(db_scene(ctx, dtype, 83, 61, 6, NULL, &m.a, &error));
    assert_ok(db_scene(ctx, dtype, 83, 61, 4, NULL, &m.b, &error));
    db_insert_map(ctx, m.catalog, 1, &m.a);
    db_insert_map(ctx, m.catalog, 2, &m.b);
    return m;
}

static void tear_down(maps *m)
{
    lab_tensor_clear(&m->a);
    lab_tensor_clear(&m->b);
    lab_catalog_close(m->catalog);
}

static int64_t ask(const maps *m, const char *fmt, int a, int b)
{
    char sql[256];
    snprintf(sql, sizeof sql, fmt, a, b);
    return db_integer(m->catalog, sql);
}

static void check_scalars(const maps *m, uint32_t factor)
{
    assert_int_equal(db_integer(m->catalog, "SELECT map_width(map) FROM m WHERE id = 1"), 83);
    assert_int_equal(db_integer(m->catalog, "SELECT map_height(map) FROM m WHERE id = 1"), 61);
    for (uint32_t k = 0; k < 5; k++) {
        uint32_t class_id = k ? 1 + (k - 1) * factor : 0;
        int64_t pixels = 0, both = 0, either = 0;
        for (int32_t y = 0; y < 61; y++) {
            for (int32_t x = 0; x < 83; x++) {
                bool in_a = db_class(&m->a, x, y) == class_id;
                bool in_b = db_class(&m->b, x, y) == class_id;
                pixels += in_a;
                both += in_a && in_b;
                either += in_a || in_b;
            }
        }
        assert_int_equal(
            ask(m, "SELECT map_pixels(map, %d) FROM m WHERE id = %d", (int)class_id, 1), pixels);
        char sql[160];
        snprintf(sql, sizeof sql,
                 "SELECT map_iou(a.map, b.map, %u) FROM m a, m b WHERE a.id = 1 AND b.id = 2",
                 class_id);
        double expected = either ? (double)both / (double)either : 0;
        assert_true(fabs(db_real(m->catalog, sql) - expected) < 1e-12);
    }
    for (int32_t y = 0; y < 61; y += 7)
        for (int32_t x = 0; x < 83; x += 3)
            assert_int_equal(ask(m, "SELECT map_at(map, %d, %d) FROM m WHERE id = 1", x, y),
                             db_class(&m->a, x, y));
}

static void test_scalars(void **state)
{
    for (int k = 0; k < 2; k++) {
        maps m = set_up(*state, k ? LAB_U16 : LAB_U8);
        check_scalars(&m, k ? 1000 : 1);
        tear_down(&m);
    }
}

static void test_tables(void **state)
{
    maps m = set_up(*state, LAB_U16);
    lab_error error;
    lab_statement *s;
    bool row;
    lab_segment_record segments[8];
    uint32_t n = db_measure(&m.a, segments, 8);
    assert_int_equal(
        db_integer(m.catalog, "SELECT count(*) FROM m, map_segments(map) WHERE id = 1"), n);
    for (uint32_t i = 0; i < n; i++) {
        char sql[256], text[128], expected[128];
        const lab_segment_record *g = &segments[i];
        snprintf(sql, sizeof sql,
                 "SELECT pixels||' '||x||' '||y||' '||width||' '||height FROM m, map_segments(map) "
                 "WHERE id = 1 AND class_id = %d",
                 g->class_id);
        snprintf(expected, sizeof expected, "%d %d %d %d %d", (int)g->pixels, g->box[0], g->box[1],
                 g->box[2], g->box[3]);
        assert_string_equal(db_text(m.catalog, sql, text, sizeof text), expected);
    }
    /* Painting the runs gives the map back. */
    uint16_t *painted = calloc((size_t)83 * 61, sizeof *painted);
    assert_ok(lab_statement_new(m.catalog,
                                "SELECT r.y, r.x, r.length, r.class_id FROM m, map_runs(m.map) r "
                                "WHERE m.id = 1",
                                NULL, &s, &error));
    assert_ok(lab_statement_step(s, &row, &error));
    while (row) {
        int64_t at = lab_statement_integer(s, 0) * 83 + lab_statement_integer(s, 1);
        for (int64_t k = 0; k < lab_statement_integer(s, 2); k++)
            painted[at + k] = (uint16_t)lab_statement_integer(s, 3);
        assert_ok(lab_statement_step(s, &row, &error));
    }
    lab_statement_free(s);
    assert_memory_equal(painted, m.a.data, m.a.size);
    free(painted);
    /* Two at once, joined: each cursor has its own place. */
    assert_int_equal(db_integer(m.catalog,
                                "SELECT count(*) = sum(p.class_id = q.class_id) FROM m, "
                                "map_segments(m.map) p JOIN map_segments(m.map) q USING (class_id) "
                                "WHERE id = 1"),
                     1);
    tear_down(&m);
}

static void test_null_and_outside(void **state)
{
    maps m = set_up(*state, LAB_U8);
    static const char *const nulls[] = {
        "map_width(NULL)",
        "map_height(NULL)",
        "map_pixels(NULL, 1)",
        "map_pixels((SELECT map FROM m WHERE id = 1), NULL)",
        "map_at((SELECT map FROM m WHERE id = 1), 83, 0)",
        "map_at((SELECT map FROM m WHERE id = 1), 0, 61)",
        "map_at((SELECT map FROM m WHERE id = 1), -1, 0)",
        "map_at((SELECT map FROM m WHERE id = 1), 0, 9223372036854775807)",
        "map_iou((SELECT map FROM m WHERE id = 1), NULL, 1)",
        "map_iou((SELECT map FROM m WHERE id = 1), (SELECT map FROM m WHERE id = 2), 200)",
    };
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT (%s) IS NULL", nulls[i]);
        assert_int_equal(db_integer(m.catalog, sql), 1);
    }
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM map_segments(NULL)"), 0);
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM map_runs(NULL)"), 0);
    assert_int_equal(
        db_integer(m.catalog, "SELECT map_pixels(map, 999999999999) FROM m WHERE id = 1"), 0);
    tear_down(&m);
}

static void test_refused(void **state)
{
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    lab_tensor small;
    assert_ok(db_scene(&m.fixture->ctx, LAB_U8, 20, 10, 2, NULL, &small, &error));
    db_insert_map(&m.fixture->ctx, m.catalog, 3, &small);
    lab_tensor_clear(&small);
    static const struct {
        const char *sql, *text;
    } cases[] = {
        { "SELECT map_width('a text')", "map_width: expected a label map (a blob), got a text" },
        { "SELECT map_height(12)", "map_height: expected a label map (a blob), got an integer" },
        { "SELECT map_pixels(x'4c4d', 1)", "map_pixels: label map: byte 0 of 2" },
        { "SELECT map_pixels(x'4c4d0101020280', 1)", "byte 7 of 7: the rows end too early" },
        { "SELECT map_at(map, 'left', 1) FROM m", "map_at: x must be an integer, not a text" },
        { "SELECT map_at(map, 1, 1.5) FROM m", "map_at: y must be an integer, not a number" },
        { "SELECT map_pixels(map, x'00') FROM m", "the class must be an integer, not a blob" },
        { "SELECT map_iou(a.map, b.map, 1) FROM m a, m b WHERE a.id = 1 AND b.id = 3",
          "map_iou: the maps have different sizes: 83x61 and 20x10 pixels" },
        { "SELECT * FROM map_segments", "map_segments needs a label map: map_segments(map)" },
        { "SELECT * FROM map_runs('x')", "map_runs: expected a label map (a blob), got a text" },
        { "SELECT * FROM map_segments(x'4c4d0101020280')", "map_segments: label map: byte 7" },
        { "SELECT * FROM map_runs(x'4c4d0101020281')", "map_runs: label map: byte 7" },
        { "CREATE VIRTUAL TABLE v USING map_runs", "map_runs" },
        { "SELECT map_pixels(map) FROM m", "wrong number of arguments" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(db_execute(m.catalog, cases[i].sql, &error), LAB_E_DB, cases[i].text);
    tear_down(&m);
}

/* Functions may stand in views and indexes of a file that came from elsewhere: they are harmless.
 */
static void test_innocuous(void **state)
{
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    assert_ok(db_execute(m.catalog,
                         "CREATE VIEW areas AS SELECT r.id, s.class_id, s.pixels FROM results r, "
                         "map_segments(r.map) s",
                         &error));
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM areas"), 0);
    assert_ok(db_execute(m.catalog, "CREATE INDEX by_width ON results (map_width(map))", &error));
    tear_down(&m);
}

/* Whatever the bytes are, each function gives a value or a sentence. */
static void test_mutations(void **state)
{
    static const char *const queries[] = {
        "SELECT map_pixels(map, 1), map_at(map, 3, 3), map_width(map) FROM m WHERE id = 9",
        "SELECT map_iou(a.map, b.map, 1) FROM m a, m b WHERE a.id = 1 AND b.id = 9",
        "SELECT sum(pixels), sum(x + y + width + height) FROM m, map_segments(map) WHERE id = 9",
        "SELECT sum(length), max(x), max(class_id) FROM m, map_runs(map) WHERE id = 9",
    };
    maps m = set_up(*state, LAB_U16);
    lab_error error;
    lab_buffer *good;
    uint64_t noise = 11;
    int values = 0, sentences = 0;
    assert_ok(lab_map_encode(&m.fixture->ctx, &m.a, &good, &error));
    size_t size = lab_buffer_size(good);
    uint8_t *bytes = malloc(size);
    /* A map of 2^28 pixels of one class in a few bytes is lawful; listing its runs takes a while.
     */
    lab_catalog_time_limit(m.catalog, 5);
    for (int round = 0; round < 3000; round++) {
        memcpy(bytes, lab_buffer_data(good), size);
        for (uint32_t k = db_random(&noise) % 3 + 1; k; k--)
            bytes[6 + db_random(&noise) % (size - 6)] = (uint8_t)db_random(&noise);
        db_insert_bytes(m.catalog, 9, bytes, round % 5 ? size : db_random(&noise) % size);
        for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
            lab_status status = db_execute(m.catalog, queries[q], &error);
            assert_true(status == LAB_OK || status == LAB_E_DB);
            values += status == LAB_OK;
            sentences += status != LAB_OK;
            assert_true(!status || strstr(error.message, ": label map: byte ") ||
                        strstr(error.message, "different sizes"));
        }
    }
    print_message("mutations: %d values, %d sentences\n", values, sentences);
    assert_true(values > 0 && sentences > 0);
    free(bytes);
    lab_buffer_unref(good);
    tear_down(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),          cmocka_unit_test(test_tables),
        cmocka_unit_test(test_null_and_outside), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_innocuous),        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("SQL functions", tests, db_setup, db_teardown);
}
