/* Operators on label maps against counting by brute force. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/palette.h"
#include "ops_fixture.h"

static ops_host host;
static lab_labels *labels; /* five classes */

/* Patches of ids below `classes`, with single pixels strewn in. */
static void make_map(int w, int h, int classes, lab_dtype dtype, uint32_t seed, lab_tensor *map)
{
    const int32_t shape[2] = { h, w };
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_LABELMAP, dtype, 2, shape, map, NULL), LAB_OK);
    for (int i = 0; i < w * h; i++) {
        int id = (i % w / 7 * 3 + i / w / 5 * 2) % classes;
        if (random_next(&seed) % 6 == 0)
            id = (int)(random_next(&seed) % (uint32_t)classes);
        if (dtype == LAB_U16)
            ((uint16_t *)map->data)[i] = (uint16_t)(id * 100);
        else
            ((uint8_t *)map->data)[i] = (uint8_t)id;
    }
}

static int id_at(const lab_tensor *map, int i)
{
    return map->dtype == LAB_U16 ? ((uint16_t *)map->data)[i] : ((uint8_t *)map->data)[i];
}

static void colorize(void **state)
{
    (void)state;
    lab_tensor map, out;
    make_map(30, 20, 5, LAB_U8, 3, &map);
    for (int with_labels = 0; with_labels <= 1; with_labels++) {
        lab_tensor_set_labels(&map, with_labels ? labels : NULL);
        op_tensor(&host, "map.colorize", &map, NULL, &out);
        assert_int_equal(out.shape[2], 3);
        for (int i = 0; i < 600; i++) {
            uint32_t id = (uint32_t)id_at(&map, i);
            uint32_t color = with_labels ? lab_labels_color(labels, id) : lab_voc_color(id);
            const uint8_t *p = (uint8_t *)out.data + i * 3;
            assert_int_equal((uint32_t)(p[0] << 16 | p[1] << 8 | p[2]), color);
        }
        lab_tensor_clear(&out);
    }
    ((uint8_t *)map.data)[65] = 37;
    op_refused(&host, "map.colorize", &map, NULL, LAB_E_INVALID, "class id 37 at x = 5, y = 2");
    lab_tensor_set_labels(&map, NULL);
    op_tensor(&host, "map.colorize", &map, NULL, &out);
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
    make_map(9, 9, 300, LAB_U16, 3, &map);
    op_tensor(&host, "map.colorize", &map, NULL, &out);
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
}

static void masks(void **state)
{
    (void)state;
    for (int wide = 0; wide <= 1; wide++) {
        lab_tensor map, out;
        make_map(31, 17, 5, wide ? LAB_U16 : LAB_U8, 9, &map);
        int unit = wide ? 100 : 1;
        const op_arg include = ARG_C("include", unit, 3 * unit, 60000);
        const op_arg exclude = ARG_C("exclude", 3 * unit, 0);
        for (int mode = 1; mode <= 3; mode++) {
            op_arg args[3] = { 0 };
            int n = 0;
            if (mode & 1)
                args[n++] = include;
            if (mode & 2)
                args[n++] = exclude;
            op_tensor(&host, "map.mask", &map, args, &out);
            assert_int_equal(out.kind, LAB_MASK);
            for (int i = 0; i < 31 * 17; i++) {
                int id = id_at(&map, i) / unit;
                bool in = (mode & 1) ? id == 1 || id == 3 : true;
                if ((mode & 2) && (id == 3 || id == 0))
                    in = false;
                assert_int_equal(((uint8_t *)out.data)[i], in ? 255 : 0);
            }
            lab_tensor_clear(&out);
        }
        op_refused(&host, "map.mask", &map, NULL, LAB_E_INVALID, "include or exclude");
        lab_tensor_clear(&map);
    }
}

/* Regions by flood fill with a stack. */
static int flood_regions(const lab_tensor *map, int id)
{
    int w = map->shape[1], h = map->shape[0], n = 0;
    char *seen = calloc((size_t)(w * h), 1);
    int *stack = malloc(sizeof *stack * (size_t)(w * h) * 9);
    for (int start = 0; start < w * h; start++) {
        if (seen[start] || id_at(map, start) != id)
            continue;
        n++;
        int top = 0;
        stack[top++] = start;
        while (top > 0) {
            int i = stack[--top];
            if (seen[i])
                continue;
            seen[i] = 1;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    int x = i % w + dx, y = i / w + dy;
                    if (x >= 0 && y >= 0 && x < w && y < h && !seen[y * w + x] &&
                        id_at(map, y * w + x) == id)
                        stack[top++] = y * w + x;
                }
        }
    }
    free(seen);
    free(stack);
    return n;
}

static void check_row(const lab_tensor *map, const lab_record *r, bool regions)
{
    int w = map->shape[1], h = map->shape[0], n = 0, x0 = w, y0 = h, x1 = -1, y1 = -1;
    int id = (int)record_field(r, "id")->integer;
    double sx = 0, sy = 0;
    for (int i = 0; i < w * h; i++) {
        if (id_at(map, i) != id)
            continue;
        n++;
        sx += i % w;
        sy += i / w;
        x0 = i % w < x0 ? i % w : x0;
        x1 = i % w > x1 ? i % w : x1;
        y0 = i / w < y0 ? i / w : y0;
        y1 = i / w > y1 ? i / w : y1;
    }
    assert_int_equal(record_field(r, "pixels")->integer, n);
    assert_true(record_field(r, "fraction")->number == (double)n / (w * h));
    const int32_t box[4] = { x0, y0, x1 - x0 + 1, y1 - y0 + 1 };
    assert_int_equal(record_field(r, "box")->count, 4);
    assert_memory_equal(record_field(r, "box")->list, box, sizeof box);
    assert_true(fabs(record_field(r, "centroid_x")->number - sx / n) < 1e-9);
    assert_true(fabs(record_field(r, "centroid_y")->number - sy / n) < 1e-9);
    assert_int_equal(record_field(r, "regions")->integer, regions ? flood_regions(map, id) : 0);
    const char *name = map->labels ? lab_labels_name(map->labels, (uint32_t)id) : NULL;
    char spare[32];
    snprintf(spare, sizeof spare, "class %d", id);
    assert_string_equal(record_field(r, "name")->string, name ? name : spare);
    uint32_t color = lab_class_color(map->labels, (uint32_t)id);
    const int32_t rgb[3] = { (int32_t)(color >> 16), (int32_t)(color >> 8 & 255),
                             (int32_t)(color & 255) };
    assert_memory_equal(record_field(r, "color")->list, rgb, sizeof rgb);
}

static void legend(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        lab_tensor map;
        lab_call *call;
        lab_error error = { 0 };
        int classes = 1 + round % 9;
        make_map(1 + round * 7 % 61, 1 + round * 13 % 47, classes, round % 3 ? LAB_U8 : LAB_U16,
                 100u + (uint32_t)round, &map);
        lab_tensor_set_labels(&map, round % 2 ? labels : NULL);
        bool regions = round % 5 != 0;
        assert_ok(op_run(&host, "map.legend", &map, regions ? ARGS(ARG_L("regions", true)) : NULL,
                         &call, &error),
                  &error);
        int64_t before = INT64_MAX, total = 0;
        for (const lab_record *r = lab_call_records(call); r; r = r->next) {
            check_row(&map, r, regions);
            assert_true(record_field(r, "pixels")->integer <= before);
            before = record_field(r, "pixels")->integer;
            total += before;
        }
        assert_int_equal(total, (int64_t)map.shape[0] * map.shape[1]);
        lab_call_free(call);
        lab_tensor_clear(&map);
    }
}

static void confusion(void **state)
{
    (void)state;
    lab_tensor map, truth, out;
    make_map(43, 29, 6, LAB_U8, 1, &map);
    make_map(43, 29, 6, LAB_U8, 2, &truth);
    for (int i = 0; i < 100; i += 7)
        ((uint8_t *)truth.data)[i * 3] = 255;
    op_tensor(&host, "map.confusion", &map, ARGS(ARG_T("truth", &truth), ARG_I("classes", 6)),
              &out);
    assert_int_equal(out.dtype, LAB_I64);
    int64_t want[36] = { 0 };
    for (int i = 0; i < 43 * 29; i++)
        if (id_at(&truth, i) != 255)
            want[id_at(&truth, i) * 6 + id_at(&map, i)]++;
    assert_memory_equal(out.data, want, sizeof want);
    lab_tensor_clear(&out);
    op_refused(&host, "map.confusion", &map,
               ARGS(ARG_T("truth", &truth), ARG_I("classes", 6), ARG_I("ignore", -1)),
               LAB_E_INVALID, "truth has class id 255");
    op_refused(&host, "map.confusion", &map, ARGS(ARG_T("truth", &truth), ARG_I("classes", 3)),
               LAB_E_INVALID, "0..2");
    lab_tensor_clear(&truth);
    make_map(29, 43, 6, LAB_U8, 2, &truth);
    op_refused(&host, "map.confusion", &map, ARGS(ARG_T("truth", &truth), ARG_I("classes", 6)),
               LAB_E_INVALID, "43x29");
    lab_tensor_clear(&truth);
    lab_tensor_clear(&map);
}

static void compare(void **state)
{
    (void)state;
    lab_tensor a, b;
    lab_call *call;
    lab_error error = { 0 };
    make_map(41, 33, 4, LAB_U8, 1, &a);
    make_map(41, 33, 4, LAB_U8, 2, &b);
    for (int ignore = -1; ignore <= 2; ignore++) {
        assert_ok(op_run(&host, "map.compare", &a, ARGS(ARG_T("with", &b), ARG_I("ignore", ignore)),
                         &call, &error),
                  &error);
        const lab_record *r = lab_call_records(call);
        assert_non_null(r);
        assert_null(r->next);
        int both[4] = { 0 }, either[4] = { 0 }, same = 0, pixels = 0, present = 0;
        for (int i = 0; i < 41 * 33; i++) {
            int p = id_at(&a, i), q = id_at(&b, i);
            if (p == ignore || q == ignore)
                continue;
            pixels++;
            same += p == q;
            both[p] += p == q;
            either[p]++;
            either[q] += p != q;
        }
        double iou = 0;
        for (int k = 0; k < 4; k++) {
            present += either[k] > 0;
            iou += either[k] ? (double)both[k] / either[k] : 0;
        }
        assert_int_equal(record_field(r, "pixels")->integer, pixels);
        assert_int_equal(record_field(r, "same")->integer, same);
        assert_int_equal(record_field(r, "different")->integer, pixels - same);
        assert_int_equal(record_field(r, "ignored")->integer, 41 * 33 - pixels);
        assert_int_equal(record_field(r, "classes")->integer, present);
        assert_true(record_field(r, "agreement")->number == (double)same / pixels);
        assert_true(fabs(record_field(r, "mean_iou")->number - iou / present) < 1e-12);
        lab_call_free(call);
    }
    assert_ok(op_run(&host, "map.compare", &a, ARGS(ARG_T("with", &a)), &call, &error), &error);
    assert_true(record_field(lab_call_records(call), "mean_iou")->number == 1.0);
    lab_call_free(call);
    lab_tensor_clear(&a);
    lab_tensor_clear(&b);
}

/* The label set goes along through whatever gives a map. */
static void labels_are_kept(void **state)
{
    (void)state;
    lab_tensor map, out;
    make_map(20, 10, 5, LAB_U8, 1, &map);
    lab_tensor_set_labels(&map, labels);
    op_tensor(&host, "map.resize", &map, ARGS(ARG_I("width", 7)), &out);
    assert_int_equal(out.kind, LAB_LABELMAP);
    assert_ptr_equal(out.labels, labels);
    assert_int_equal(out.shape[0], 4);
    lab_tensor_clear(&out);
    op_tensor(&host, "map.resize", &map, ARGS(ARG_I("width", 20)), &out);
    assert_ptr_equal(out.labels, labels);
    lab_tensor_clear(&out);
    op_tensor(&host, "map.crop", &map, ARGS(ARG_I("x", 3), ARG_I("width", 4)), &out);
    assert_ptr_equal(out.labels, labels);
    assert_int_equal(id_at(&out, 0), id_at(&map, 3));
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
}

static void encode(void **state)
{
    (void)state;
    lab_tensor map, out;
    lab_call *call;
    lab_error error = { 0 };
    make_map(20, 10, 5, LAB_U8, 1, &map);
    lab_tensor_set_labels(&map, labels);
    assert_ok(op_run(&host, "map.encode", &map, NULL, &call, &error), &error);
    size_t size;
    uint32_t palette[256], n;
    const uint8_t *bytes = lab_call_bytes(call, &size);
    assert_ok(lab_labelmap_decode(&host.ctx, bytes, size, &out, palette, &n, &error), &error);
    assert_memory_equal(out.data, map.data, map.size);
    assert_int_equal(n, 5);
    assert_int_equal(palette[3], lab_labels_color(labels, 3));
    lab_tensor_clear(&out);
    lab_call_free(call);
    lab_tensor_clear(&map);
}

static void threads_and_memory(void **state)
{
    (void)state;
    lab_tensor map, truth;
    make_map(201, 151, 5, LAB_U8, 1, &map);
    make_map(201, 151, 5, LAB_U8, 2, &truth);
    lab_tensor_set_labels(&map, labels);
    const op_arg *mask_args = ARGS(ARG_C("include", 1, 2));
    const op_arg *truth_args = ARGS(ARG_T("truth", &truth), ARG_I("classes", 5));
    same_with_threads("map.colorize", &map, NULL);
    same_with_threads("map.mask", &map, mask_args);
    same_with_threads("map.confusion", &map, truth_args);
    sweep_op("map.colorize", &map, NULL);
    sweep_op("map.mask", &map, mask_args);
    sweep_op("map.legend", &map, ARGS(ARG_L("regions", true)));
    sweep_op("map.confusion", &map, truth_args);
    sweep_op("map.compare", &map, ARGS(ARG_T("with", &truth)));
    sweep_op("map.encode", &map, NULL);
    sweep_op("map.resize", &map, ARGS(ARG_I("width", 30)));
    sweep_op("map.crop", &map, NULL);
    lab_tensor_clear(&map);
    lab_tensor_clear(&truth);
}

static int begin(void **state)
{
    (void)state;
    static const char *const names[] = { "background", "cat", "dog", "bird", "cat" };
    static const uint32_t colors[] = { 0, 0x800000, 0x00ff10, 0x123456, 0xffffff };
    if (ops_host_init(&host, NULL, 2, NULL))
        return 1;
    return lab_labels_new(&host.ctx, "five", 5, names, colors, &labels, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_labels_unref(labels);
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colorize), cmocka_unit_test(masks),
        cmocka_unit_test(legend),   cmocka_unit_test(confusion),
        cmocka_unit_test(compare),  cmocka_unit_test(labels_are_kept),
        cmocka_unit_test(encode),   cmocka_unit_test(threads_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
