/*
 * The SQL functions that compare, cut, merge, unite and draw label maps, and the tables of regions
 * and confusions, each against the pixels themselves.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/map_codec.h"
#include "db/db_support.h"
#include "image/image.h"

#define W 83
#define H 61
#define IDS 2048

typedef struct maps {
    db_fixture *fixture;
    lab_catalog *catalog;
    lab_tensor a, b; /* rows 1 and 2 of the temporary table m(id, map) */
} maps;

/* a: discs; b: fewer discs with a band of noise, so that plain rows and many runs occur. */
static maps set_up(db_fixture *fixture, lab_dtype dtype)
{
    lab_error error;
    maps m = { .fixture = fixture };
    lab_context *ctx = &fixture->ctx;
    uint64_t noise = 7;
    assert_ok(lab_catalog_open(ctx, ":memory:", LAB_CATALOG_CREATE, &m.catalog, &error));
    assert_ok(db_execute(m.catalog, "CREATE TEMP TABLE m (id INTEGER PRIMARY KEY, map)", &error));
    assert_ok(db_scene(ctx, dtype, W, H, 6, NULL, &m.a, &error));
    assert_ok(db_scene(ctx, dtype, W, H, 4, NULL, &m.b, &error));
    for (int i = 20 * W; i < 30 * W; i++) {
        if (dtype == LAB_U8)
            ((uint8_t *)m.b.data)[i] = (uint8_t)(db_random(&noise) % 5);
        else
            ((uint16_t *)m.b.data)[i] = (uint16_t)(db_random(&noise) % 5);
    }
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

/* The map that `sql` gives as its only value. */
static lab_tensor map_of(maps *m, const char *sql)
{
    lab_error error;
    lab_statement *s;
    lab_tensor out;
    bool row;
    size_t size;
    assert_ok(lab_statement_new(m->catalog, sql, NULL, &s, &error));
    assert_ok(lab_statement_step(s, &row, &error));
    assert_true(row);
    const void *bytes = lab_statement_bytes(s, 0, &size);
    assert_non_null(bytes);
    assert_ok(lab_map_decode(&m->fixture->ctx, bytes, size, &out, &error));
    lab_statement_free(s);
    return out;
}

#define A "(SELECT map FROM m WHERE id = 1)"
#define B "(SELECT map FROM m WHERE id = 2)"

static double expected_miou(const maps *m, uint32_t ignore)
{
    static int64_t both[IDS + 1], predicted[IDS + 1], truth[IDS + 1];
    memset(both, 0, sizeof both);
    memset(predicted, 0, sizeof predicted);
    memset(truth, 0, sizeof truth);
    for (int32_t y = 0; y < H; y++) {
        for (int32_t x = 0; x < W; x++) {
            uint32_t p = db_class(&m->a, x, y), t = db_class(&m->b, x, y);
            if (t == ignore)
                continue;
            predicted[p]++;
            truth[t]++;
            both[t] += p == t;
        }
    }
    double sum = 0;
    int n = 0;
    for (int i = 0; i <= IDS; i++) {
        int64_t either = predicted[i] + truth[i] - both[i];
        sum += either ? (double)both[i] / (double)either : 0;
        n += either > 0;
    }
    return sum / n;
}

static void check_compare(maps *m)
{
    int equal = 0, equal_known = 0, known = 0;
    for (int32_t y = 0; y < H; y++) {
        for (int32_t x = 0; x < W; x++) {
            uint32_t p = db_class(&m->a, x, y), t = db_class(&m->b, x, y);
            equal += p == t;
            equal_known += p == t && t;
            known += t != 0;
            char sql[160];
            snprintf(sql, sizeof sql,
                     "SELECT pixels > 0 FROM map_confusion(" A ", " B ") "
                     "WHERE predicted = %u AND truth = %u",
                     p, t);
            if ((x + y) % 17 == 0)
                assert_int_equal(db_integer(m->catalog, sql), 1);
        }
    }
    lab_catalog *c = m->catalog;
    assert_true(fabs(db_real(c, "SELECT map_agreement(" A ", " B ")") - equal / (double)(W * H)) <
                1e-12);
    assert_true(fabs(db_real(c, "SELECT map_agreement(" A ", " B ", 0)") -
                     equal_known / (double)known) < 1e-12);
    assert_int_equal(db_integer(c, "SELECT sum(pixels) FROM map_confusion(" A ", " B ")"), W * H);
    assert_int_equal(db_integer(c, "SELECT sum(pixels) FROM map_confusion(" A ", " B ") "
                                   "WHERE predicted = truth"),
                     equal);
    assert_true(fabs(db_real(c, "SELECT miou(" A ", " B ")") - expected_miou(m, UINT32_MAX)) <
                1e-12);
    assert_true(fabs(db_real(c, "SELECT miou(" A ", " B ", 0)") - expected_miou(m, 0)) < 1e-12);
    /* Rows count together: the same twice changes nothing, NULLs are passed over. */
    assert_true(fabs(db_real(c, "SELECT miou(p, t) FROM (SELECT " A " AS p, " B " AS t UNION ALL "
                                "SELECT " A ", " B " UNION ALL SELECT NULL, " B ")") -
                     expected_miou(m, UINT32_MAX)) < 1e-12);
}

static void check_made(maps *m, uint32_t factor)
{
    char sql[256];
    uint32_t second = 1 + factor;
    lab_tensor part = map_of(m, "SELECT map_crop(" B ", 10, 15, 40, 999)");
    assert_int_equal(part.shape[0], H - 15);
    assert_int_equal(part.shape[1], 40);
    snprintf(sql, sizeof sql, "SELECT map_merge(" B ", 300, 2, %u)", second);
    lab_tensor merged = map_of(m, sql);
    assert_int_equal(merged.dtype, LAB_U16);
    snprintf(sql, sizeof sql, "SELECT map_union(map, %u) FROM m", second);
    lab_tensor either = map_of(m, sql);
    for (int32_t y = 0; y < H; y++) {
        for (int32_t x = 0; x < W; x++) {
            uint32_t a = db_class(&m->a, x, y), b = db_class(&m->b, x, y);
            if (y >= 15 && x >= 10 && x < 50)
                assert_int_equal(db_class(&part, x - 10, y - 15), b);
            assert_int_equal(db_class(&merged, x, y), b == 2 || b == second ? 300 : b);
            assert_int_equal(db_class(&either, x, y), a == second || b == second);
        }
    }
    lab_tensor_clear(&part);
    lab_tensor_clear(&merged);
    lab_tensor_clear(&either);
}

/* The tensor's own regions, by flooding. */
static uint32_t flood(const lab_tensor *map, uint8_t *seen, int32_t x, int32_t y)
{
    static int32_t stack[W * H * 2];
    uint32_t class_id = db_class(map, x, y), pixels = 0;
    int n = 0;
    stack[n++] = y * W + x;
    seen[y * W + x] = 1;
    while (n) {
        int32_t at = stack[--n];
        pixels++;
        for (int k = 0; k < 9; k++) {
            int32_t nx = at % W + k % 3 - 1, ny = at / W + k / 3 - 1;
            if (nx < 0 || ny < 0 || nx >= W || ny >= H || seen[ny * W + nx] ||
                db_class(map, nx, ny) != class_id)
                continue;
            seen[ny * W + nx] = 1;
            stack[n++] = ny * W + nx;
        }
    }
    return pixels;
}

/* Regions come in the order of their first pixels, as flooding from the top left finds them. */
static void check_regions(maps *m, int id, const lab_tensor *map)
{
    uint8_t seen[W * H] = { 0 };
    char sql[128];
    lab_error error;
    lab_statement *s;
    bool row;
    int n = 0;
    snprintf(sql, sizeof sql,
             "SELECT region, class_id, r.pixels, y FROM m, map_regions(map) r WHERE id = %d", id);
    assert_ok(lab_statement_new(m->catalog, sql, NULL, &s, &error));
    for (int32_t i = 0; i < W * H; i++) {
        if (seen[i])
            continue;
        assert_ok(lab_statement_step(s, &row, &error));
        assert_true(row);
        assert_int_equal(lab_statement_integer(s, 0), n++);
        assert_int_equal(lab_statement_integer(s, 1), db_class(map, i % W, i / W));
        assert_int_equal(lab_statement_integer(s, 2), flood(map, seen, i % W, i / W));
        assert_int_equal(lab_statement_integer(s, 3), i / W);
    }
    assert_ok(lab_statement_step(s, &row, &error));
    assert_false(row);
    lab_statement_free(s);
    /* Boxes and centroids add up to those of the classes. */
    snprintf(sql, sizeof sql,
             "SELECT sum(centroid_x * r.pixels) FROM m, map_regions(map) r WHERE id = %d", id);
    assert_true(fabs(db_real(m->catalog, sql) - H * (W - 1) * W / 2.0) < 1e-6);
    assert_int_equal(
        db_integer(m->catalog,
                   "SELECT count(*) FROM m, map_segments(map) s WHERE (s.x, s.y, s.x + s.width, "
                   "s.y + s.height) IS NOT (SELECT min(r.x), min(r.y), max(r.x + r.width), "
                   "max(r.y + r.height) FROM map_regions(m.map) r WHERE r.class_id = s.class_id)"),
        0);
}

static void test_against_pixels(void **state)
{
    for (int k = 0; k < 2; k++) {
        maps m = set_up(*state, k ? LAB_U16 : LAB_U8);
        check_compare(&m);
        check_made(&m, k ? 1000 : 1);
        check_regions(&m, 1, &m.a);
        check_regions(&m, 2, &m.b);
        tear_down(&m);
    }
}

/* Noise is stored plain, and never larger than that. */
static void test_noise(void **state)
{
    maps m = set_up(*state, LAB_U8);
    uint64_t noise = 3;
    for (int i = 0; i < W * H; i++)
        ((uint8_t *)m.a.data)[i] = (uint8_t)db_random(&noise);
    db_insert_map(&m.fixture->ctx, m.catalog, 1, &m.a);
    assert_int_equal(db_integer(m.catalog, "SELECT length(map_crop(" A ", 0, 0, 83, 61))"),
                     6 + W * H);
    lab_tensor copy = map_of(&m, "SELECT map_crop(" A ", 0, 0, 83, 61)");
    assert_memory_equal(copy.data, m.a.data, m.a.size);
    lab_tensor_clear(&copy);
    check_regions(&m, 1, &m.a);
    assert_int_equal(db_integer(m.catalog, "SELECT sum(pixels) = 5063 AND count(*) > 500 "
                                           "FROM map_confusion(" A ", " B ")"),
                     1);
    assert_int_equal(db_integer(m.catalog, "SELECT sum(pixels) FROM map_confusion(" A ", " A ")"),
                     W * H);
    tear_down(&m);
}

static void test_png(void **state)
{
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    lab_statement *s;
    lab_tensor map;
    bool row;
    size_t size;
    uint32_t palette[256], n_palette;
    assert_ok(
        lab_statement_new(m.catalog, "SELECT map_png(" B ", '#102030,#c0FFEE')", NULL, &s, &error));
    assert_ok(lab_statement_step(s, &row, &error));
    const void *bytes = lab_statement_bytes(s, 0, &size);
    assert_ok(lab_labelmap_decode(&m.fixture->ctx, bytes, size, &map, palette, &n_palette, &error));
    assert_memory_equal(map.data, m.b.data, m.b.size);
    assert_true(n_palette >= 5 && palette[0] == 0x102030 && palette[1] == 0xc0ffee);
    assert_int_equal(palette[2], 0x008000); /* of Pascal VOC, beyond the given ones */
    lab_tensor_clear(&map);
    lab_statement_free(s);
    tear_down(&m);
}

static void test_null_and_refused(void **state)
{
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    static const char *const nulls[] = {
        "map_agreement(NULL, " A ")",
        "map_agreement(" A ", " A ", NULL)",
        "map_crop(" A ", 83, 0, 5, 5)",
        "map_crop(" A ", 0, 0, 0, 5)",
        "map_crop(" A ", -9223372036854775807, 0, 9223372036854775807, 5)",
        "map_crop(NULL, 0, 0, 1, 1)",
        "map_merge(" A ", NULL, 1)",
        "map_merge(NULL, 1, 1)",
        "map_png(NULL)",
        "map_png(NULL, '#ffffff')",
        "(SELECT map_union(NULL, 1))",
        "(SELECT miou(NULL, " A "))",
        "(SELECT miou(map, map) FROM m WHERE id > 9)",
    };
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT (%s) IS NULL", nulls[i]);
        assert_int_equal(db_integer(m.catalog, sql), 1);
    }
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM map_regions(NULL)"), 0);
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM map_confusion(NULL, " A ")"), 0);
    static const struct {
        const char *sql, *text;
    } cases[] = {
        { "SELECT map_crop('x', 0, 0, 1, 1)", "map_crop: expected a label map (a blob), got a" },
        { "SELECT map_crop(" A ", 0, 0, 'w', 1)", "map_crop: width must be an integer" },
        { "SELECT map_merge(" A ", 1)", "map_merge: expected a map, the class" },
        { "SELECT map_merge(" A ", 65536, 1)", "class id from 0 to 65535, not 65536" },
        { "SELECT map_merge(" A ", 1, -1)", "class id from 0 to 65535, not -1" },
        { "SELECT map_agreement(" A ", map_crop(" A ", 0, 0, 9, 9))", "different sizes: 83x61" },
        { "SELECT map_union(p, 1) FROM (SELECT " A " AS p UNION ALL "
          "SELECT map_crop(" A ", 0, 0, 9, 9))",
          "map_union: the maps have different sizes: 83x61 and 9x9" },
        { "SELECT miou(x'4c4d0101020280', " A ")", "miou: the maps have different sizes" },
        { "SELECT miou(x'4c4d', " A ")", "miou: label map: byte 0 of 2" },
        { "SELECT map_union(x'4c4d0101020280', 1)", "map_union: label map: byte 7 of 7" },
        { "SELECT map_png(1)", "map_png: expected a label map" },
        { "SELECT map_png(" A ", '#12345')", "map_png: colour 0 at \"#12345\"" },
        { "SELECT map_png()", "map_png: expected a map and perhaps its colours" },
        { "SELECT * FROM map_regions(x'4c4d0101020281')", "map_regions: label map: byte 7" },
        { "SELECT * FROM map_confusion", "map_confusion needs two label maps" },
        { "SELECT * FROM map_confusion(" A ")", "map_confusion needs two label maps" },
        { "SELECT * FROM map_confusion(" A ", 'x')", "map_confusion: expected a label map" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(db_execute(m.catalog, cases[i].sql, &error), LAB_E_DB, cases[i].text);
    tear_down(&m);
}

/* Deterministic and harmless: they may stand in an index and in a view of a foreign file. */
static void test_pure(void **state)
{
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    static const char *const uses[] = {
        "map_agreement(map, map)", "map_crop(map, 0, 0, 4, 4)",
        "map_merge(map, 1, 2)",    "map_png(map)",
        "map_iou(map, map, 1)",
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "CREATE INDEX i%zu ON results (%s)", i, uses[i]);
        assert_ok(db_execute(m.catalog, sql, &error));
    }
    assert_ok(db_execute(m.catalog,
                         "CREATE VIEW v AS SELECT miou(map, map), map_union(map, 1) FROM results",
                         &error));
    assert_int_equal(db_integer(m.catalog, "SELECT count(*) FROM v"), 1);
    tear_down(&m);
}

static void test_mutations(void **state)
{
    static const char *const queries[] = {
        "SELECT length(map_crop(map, 3, 3, 50, 50)), length(map_merge(map, 1, 0)) FROM m "
        "WHERE id = 9",
        "SELECT map_agreement(a.map, b.map) FROM m a, m b WHERE a.id = 1 AND b.id = 9",
        "SELECT length(map_union(map, 1)), miou(map, map) FROM m WHERE id IN (1, 9)",
        "SELECT sum(pixels), sum(centroid_x) FROM m, map_regions(map) WHERE id = 9",
        "SELECT sum(c.pixels) FROM m, map_confusion(map, " B ") c WHERE id = 9",
        "SELECT length(map_png(map)) FROM m WHERE id = 9",
    };
    maps m = set_up(*state, LAB_U8);
    lab_error error;
    lab_buffer *good;
    uint64_t noise = 13;
    int values = 0, sentences = 0;
    assert_ok(lab_map_encode(&m.fixture->ctx, &m.a, &good, &error));
    size_t size = lab_buffer_size(good);
    uint8_t *bytes = malloc(size);
    for (int round = 0; round < 2000; round++) {
        memcpy(bytes, lab_buffer_data(good), size);
        for (uint32_t k = db_random(&noise) % 3 + 1; k; k--)
            bytes[6 + db_random(&noise) % (size - 6)] = (uint8_t)db_random(&noise);
        db_insert_bytes(m.catalog, 9, bytes, round % 5 ? size : db_random(&noise) % size);
        for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
            lab_status status = db_execute(m.catalog, queries[q], &error);
            assert_true(status == LAB_OK ||
                        (status == LAB_E_DB && strstr(error.message, "label map: byte ")));
            values += status == LAB_OK;
            sentences += status != LAB_OK;
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
        cmocka_unit_test(test_against_pixels),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_null_and_refused),
        cmocka_unit_test(test_pure),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("map algebra", tests, db_setup, db_teardown);
}
