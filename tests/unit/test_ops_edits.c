/* Operators that change label maps and parts of pictures, against definitions written out. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

enum { W = 37, H = 23 };

static ops_host host;

static const uint8_t *bytes(const lab_tensor *t)
{
    return t->data;
}

static void merge_and_remap(void **state)
{
    (void)state;
    lab_tensor map, out;
    make_bytes(&host.ctx, LAB_LABELMAP, W, H, 6, 3, &map);
    op_tensor(&host, "map.merge", &map, ARGS(ARG_C("classes", 1, 4), ARG_C("into", 5)), &out);
    for (int i = 0; i < W * H; i++) {
        int id = bytes(&map)[i];
        assert_int_equal(bytes(&out)[i], id == 1 || id == 4 ? 5 : id);
    }
    lab_tensor_clear(&out);
    op_tensor(&host, "map.merge", &map, ARGS(ARG_C("classes", 2), ARG_C("into", 300)), &out);
    assert_int_equal(out.dtype, LAB_U16);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(((uint16_t *)out.data)[i], bytes(&map)[i] == 2 ? 300 : bytes(&map)[i]);
    lab_tensor wide = out;
    op_tensor(&host, "map.merge", &wide, ARGS(ARG_C("classes", 300), ARG_C("into", 2)), &out);
    assert_int_equal(out.dtype, LAB_U16); /* ids of 16 bits may be anywhere else */
    lab_tensor_clear(&out);
    lab_tensor_clear(&wide);
    lab_call *call;
    lab_error error = { 0 };
    assert_ok(op_run(&host, "map.classes", &map, NULL, &call, &error), &error);
    int id = 0;
    for (const lab_record *r = lab_call_records(call); r; r = r->next, id++) {
        int64_t pixels = 0;
        for (int i = 0; i < W * H; i++)
            pixels += bytes(&map)[i] == id;
        assert_int_equal(record_field(r, "id")->integer, id);
        assert_int_equal(record_field(r, "pixels")->integer, pixels);
    }
    assert_int_equal(id, 6);
    lab_call_free(call);
    sweep_op("map.classes", &map, NULL);
    sweep_op("map.merge", &map, ARGS(ARG_C("classes", 1), ARG_C("into", 5)));
    same_with_threads("map.merge", &map, ARGS(ARG_C("classes", 1), ARG_C("into", 5)));
    lab_tensor_clear(&map);
}

static void boundaries(void **state)
{
    (void)state;
    lab_tensor map, out;
    make_bytes(&host.ctx, LAB_LABELMAP, W, H, 1, 3, &map);
    uint8_t *ids = map.data;
    for (int i = 0; i < W * H; i++)
        ids[i] = i % W > 20 ? 2 : 0;
    ids[11 * W + 6] = 9;
    for (int width = 1; width < 9; width++) {
        op_tensor(&host, "map.boundary", &map, ARGS(ARG_I("width", width)), &out);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                bool other = false;
                for (int v = 0; v < H; v++)
                    for (int u = 0; u < W; u++)
                        other |= abs(u - x) <= width && abs(v - y) <= width &&
                                 ids[v * W + u] != ids[y * W + x];
                assert_int_equal(bytes(&out)[y * W + x], other ? 255 : 0);
            }
        lab_tensor_clear(&out);
    }
    same_with_threads("map.boundary", &map, ARGS(ARG_I("width", 3)));
    sweep_op("map.boundary", &map, ARGS(ARG_I("width", 3)));
    lab_tensor_clear(&map);
}

/* The class that most of the window's pixels have; a tie keeps the pixel's own, else the lowest. */
static int majority(const lab_tensor *map, int x, int y, int radius)
{
    int counts[256] = { 0 }, best = 0;
    for (int v = y - radius; v <= y + radius; v++)
        for (int u = x - radius; u <= x + radius; u++)
            if (u >= 0 && v >= 0 && u < W && v < H)
                counts[bytes(map)[v * W + u]]++;
    for (int id = 1; id < 256; id++)
        best = counts[id] > counts[best] ? id : best;
    int own = bytes(map)[y * W + x];
    return counts[own] == counts[best] ? own : best;
}

static void smoothing(void **state)
{
    (void)state;
    static const int radii[] = { 1, 2, 5, 22, 40, 255 };
    lab_tensor map, out;
    make_bytes(&host.ctx, LAB_LABELMAP, W, H, 4, 3, &map);
    for (int i = 0; i < W * H; i++) /* ids that are not in a row */
        ((uint8_t *)map.data)[i] = (uint8_t)(((uint8_t *)map.data)[i] * 60 + 3);
    for (size_t r = 0; r < sizeof radii / sizeof *radii; r++) {
        op_tensor(&host, "map.smooth", &map, ARGS(ARG_I("radius", radii[r])), &out);
        for (int i = 0; i < W * H; i++)
            assert_int_equal(bytes(&out)[i], majority(&map, i % W, i / W, radii[r]));
        lab_tensor_clear(&out);
    }
    same_with_threads("map.smooth", &map, ARGS(ARG_I("radius", 2)));
    sweep_op("map.smooth", &map, ARGS(ARG_I("radius", 2)));
    lab_tensor_clear(&map);
}

/* ---- pictures ---- */

static void make_image(int channels, int width, int height, uint32_t seed, lab_tensor *out)
{
    const int32_t shape[3] = { height, width, channels };
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_IMAGE, LAB_U8, 3, shape, out, NULL), LAB_OK);
    for (size_t i = 0; i < out->size; i++)
        ((uint8_t *)out->data)[i] = (uint8_t)(random_next(&seed) & 255);
}

static void blur_follows_the_mask(void **state)
{
    (void)state;
    lab_tensor image, mask, all, out;
    make_image(3, W, H, 3, &image);
    make_bytes(&host.ctx, LAB_MASK, W, H, 256, 4, &mask);
    uint8_t *m = mask.data;
    m[0] = 0;
    m[1] = 255;
    op_tensor(&host, "image.blur", &image, ARGS(ARG_F("radius", 4)), &all);
    op_tensor(&host, "image.blur", &image, ARGS(ARG_F("radius", 4), ARG_T("mask", &mask)), &out);
    for (int i = 0; i < W * H * 3; i++) {
        int sum = bytes(&image)[i] * (255 - m[i / 3]) + bytes(&all)[i] * m[i / 3];
        assert_int_equal(bytes(&out)[i], (sum + 127) / 255);
    }
    lab_tensor_clear(&out);
    op_tensor(&host, "image.blur", &image, ARGS(ARG_F("radius", 0), ARG_T("mask", &mask)), &out);
    assert_memory_equal(out.data, image.data, image.size);
    lab_tensor_clear(&out);
    same_with_threads("image.blur", &image, ARGS(ARG_F("radius", 4), ARG_T("mask", &mask)));
    sweep_op("image.blur", &image, ARGS(ARG_F("radius", 4), ARG_T("mask", &mask)));
    lab_tensor small;
    make_bytes(&host.ctx, LAB_MASK, W - 1, H, 256, 4, &small);
    op_refused(&host, "image.blur", &image, ARGS(ARG_F("radius", 4), ARG_T("mask", &small)),
               LAB_E_INVALID, "mask");
    lab_tensor_clear(&small);
    lab_tensor_clear(&all);
    lab_tensor_clear(&mask);
    lab_tensor_clear(&image);
}

/* What is put where: opaque pictures replace, transparent parts do not show, edges cut off. */
static void pasting(void **state)
{
    (void)state;
    static const int places[][2] = { { 0, 0 }, { 5, 7 },    { -4, -3 },  { W - 3, H - 2 },
                                     { W, 0 }, { -10, -9 }, { -100, 4 }, { 3, 1000 } };
    lab_tensor image, top, out;
    make_image(3, W, H, 3, &image);
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        make_image(channels, 10, 9, 5, &top);
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            int x0 = places[p][0], y0 = places[p][1];
            op_tensor(&host, "image.paste", &image,
                      ARGS(ARG_T("with", &top), ARG_I("x", x0), ARG_I("y", y0)), &out);
            for (int i = 0; i < W * H * 3; i++) {
                int x = i / 3 % W - x0, y = i / 3 / W - y0, expected = bytes(&image)[i];
                if (x >= 0 && y >= 0 && x < 10 && y < 9) {
                    const uint8_t *t = bytes(&top) + (y * 10 + x) * channels;
                    int alpha = channels == 4 ? t[3] : 255;
                    int color = t[channels == 1 ? 0 : i % 3];
                    expected = (expected * (255 - alpha) + color * alpha + 127) / 255;
                }
                assert_int_equal(bytes(&out)[i], expected);
            }
            lab_tensor_clear(&out);
        }
        lab_tensor_clear(&top);
    }
    lab_tensor_clear(&image);
    /* On nothing a picture is itself, alpha and all. */
    make_image(4, 10, 9, 5, &top);
    make_image(4, 10, 9, 5, &image);
    memset(image.data, 0, image.size);
    op_tensor(&host, "image.paste", &image, ARGS(ARG_T("with", &top)), &out);
    for (int i = 0; i < 90; i++)
        if (bytes(&top)[4 * i + 3])
            assert_memory_equal(bytes(&out) + 4 * i, bytes(&top) + 4 * i, 4);
    sweep_op("image.paste", &image, ARGS(ARG_T("with", &top)));
    lab_tensor_clear(&out);
    lab_tensor_clear(&top);
    lab_tensor_clear(&image);
}

static int begin(void **state)
{
    (void)state;
    return ops_host_init(&host, NULL, 2, NULL);
}

static int end(void **state)
{
    (void)state;
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_and_remap), cmocka_unit_test(boundaries),
        cmocka_unit_test(smoothing),       cmocka_unit_test(blur_follows_the_mask),
        cmocka_unit_test(pasting),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
