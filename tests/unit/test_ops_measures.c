/* map.boundary_overlap and mask.rle against their definitions written out. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

enum { W = 41, H = 27, CLASSES = 4, VOID = 255 };

static ops_host host;

static uint8_t *bytes(const lab_tensor *t)
{
    return t->data;
}

/* A map with areas large enough to have an inside, and a few specks. */
static void make_areas(int seed, lab_tensor *out)
{
    make_bytes(&host.ctx, LAB_LABELMAP, W, H, 200, (uint32_t)seed, out);
    for (int i = 0; i < W * H; i++) {
        int speck = bytes(out)[i], x = i % W, y = i / W;
        bytes(out)[i] = (uint8_t)(speck < CLASSES ? speck : (x / (11 + seed) + y / 10) % CLASSES);
    }
}

static int seen_id(const lab_tensor *truth, const lab_tensor *map, int i)
{
    return bytes(truth)[i] == VOID ? VOID : bytes(map)[i];
}

static bool in_band(const lab_tensor *truth, const lab_tensor *map, int x, int y, int reach)
{
    for (int v = y - reach; v <= y + reach; v++)
        for (int u = x - reach; u <= x + reach; u++)
            if (u < 0 || v < 0 || u >= W || v >= H ||
                seen_id(truth, map, v * W + u) != seen_id(truth, map, y * W + x))
                return true;
    return false;
}

static void check_bands(const lab_tensor *map, const lab_tensor *truth, const op_arg *args,
                        int reach)
{
    lab_tensor out;
    int64_t want[CLASSES][3] = { { 0 } };
    for (int i = 0; i < W * H; i++) {
        int right = bytes(truth)[i], found = bytes(map)[i];
        if (right == VOID)
            continue;
        bool there = in_band(truth, truth, i % W, i / W, reach);
        bool here = in_band(truth, map, i % W, i / W, reach);
        want[right][0] += there;
        want[found][1] += here;
        want[right][2] += right == found && there && here;
    }
    op_tensor(&host, "map.boundary_overlap", map, args, &out);
    assert_int_equal(out.dtype, LAB_I64);
    assert_int_equal(out.shape[0], CLASSES);
    assert_int_equal(out.shape[1], 3);
    assert_memory_equal(out.data, want, sizeof want);
    lab_tensor_clear(&out);
}

static void boundary_overlap(void **state)
{
    (void)state;
    for (int seed = 1; seed < 6; seed++) {
        lab_tensor map, truth;
        make_areas(seed, &map);
        make_areas(seed + 1, &truth);
        for (int i = 0; i < W * H; i += 61)
            bytes(&truth)[i] = VOID;
        for (int width = 1; width < 20; width++)
            check_bands(
                &map, &truth,
                ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES), ARG_I("width", width)),
                width);
        /* The diagonal is 49.09 pixels. */
        check_bands(&map, &truth, ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES)), 1);
        check_bands(&map, &truth,
                    ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES), ARG_F("ratio", 0.06)),
                    3);
        check_bands(&map, &truth,
                    ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES), ARG_F("ratio", 0)), 1);
        lab_tensor_clear(&map);
        lab_tensor_clear(&truth);
    }
}

static void boundary_overlap_refuses(void **state)
{
    (void)state;
    lab_tensor map, truth;
    make_areas(1, &map);
    make_areas(2, &truth);
    op_refused(&host, "map.boundary_overlap", &map,
               ARGS(ARG_T("truth", &truth), ARG_I("classes", 3)), LAB_E_INVALID, "0..2");
    bytes(&truth)[2 * W + 5] = 77;
    op_refused(&host, "map.boundary_overlap", &map,
               ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES)), LAB_E_INVALID,
               "truth has class id 77 at x = 5, y = 2");
    bytes(&truth)[2 * W + 5] = VOID;
    const op_arg *args = ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES));
    same_with_threads("map.boundary_overlap", &map, args);
    sweep_op("map.boundary_overlap", &map, args);
    lab_tensor_clear(&truth);
    make_bytes(&host.ctx, LAB_LABELMAP, H, W, 3, 2, &truth);
    op_refused(&host, "map.boundary_overlap", &map,
               ARGS(ARG_T("truth", &truth), ARG_I("classes", CLASSES)), LAB_E_INVALID, "41x27");
    lab_tensor_clear(&truth);
    lab_tensor_clear(&map);
}

/* Draws the runs and compares with the mask. */
static void check_rle(const lab_tensor *mask, int width, int height)
{
    lab_call *call;
    lab_error error = { 0 };
    assert_ok(op_run(&host, "mask.rle", mask, NULL, &call, &error), &error);
    const lab_record *row = lab_call_records(call);
    assert_int_equal(record_field(row, "width")->integer, width);
    assert_int_equal(record_field(row, "height")->integer, height);
    const lab_field *counts = record_field(row, "counts");
    int at = 0, inside = 0;
    for (uint32_t i = 0; i < counts->count; i++) {
        assert_true(counts->list[i] > (i ? 0 : -1)); /* only the first may be empty */
        for (int n = 0; n < counts->list[i]; n++, at++) {
            int x = at / height, y = at % height;
            assert_int_equal(bytes(mask)[y * width + x] >= 128, i % 2);
            inside += i % 2;
        }
    }
    assert_int_equal(at, width * height);
    assert_int_equal(record_field(row, "pixels")->integer, inside);
    lab_call_free(call);
}

static void run_lengths(void **state)
{
    (void)state;
    lab_tensor mask;
    for (uint32_t seed = 1; seed < 5; seed++) {
        make_bytes(&host.ctx, LAB_MASK, W, H, 256, seed, &mask);
        check_rle(&mask, W, H);
        lab_tensor_clear(&mask);
    }
    make_bytes(&host.ctx, LAB_MASK, 7, 1, 1, 1, &mask);
    check_rle(&mask, 7, 1);
    memset(mask.data, 255, 7);
    check_rle(&mask, 7, 1);
    sweep_op("mask.rle", &mask, NULL);
    lab_tensor_clear(&mask);
}

static int set_up(void **state)
{
    (void)state;
    lab_error error = { 0 };
    return ops_host_init(&host, NULL, 2, &error) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundary_overlap),
        cmocka_unit_test(boundary_overlap_refuses),
        cmocka_unit_test(run_lengths),
    };
    return cmocka_run_group_tests_name("ops_measures", tests, set_up, tear_down);
}
