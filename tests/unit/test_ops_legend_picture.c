/*
 * map.draw_legend: the picture fits its content, shows every colour, and a font that is broken is
 * a sentence. TEST_PICTURES (a folder) keeps the pictures for looking at.
 */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ops_fixture.h"

static ops_host host;
static lab_labels *labels;
static lab_tensor map;   /* eight of the labels' classes in quite different amounts */
static lab_buffer *font; /* a font of the system; NULL: there is none */

static void keep(const lab_tensor *image, const char *name)
{
    const char *folder = getenv("TEST_PICTURES");
    if (!folder)
        return;
    char path[512];
    lab_error error = { 0 };
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    file_bytes f = encode_file(&host.ctx, image, LAB_FORMAT_PNG);
    assert_ok(lab_file_write(&host.ctx, path, f.data, f.size, false, &error), &error);
    file_free(&f);
}

static bool has_color(const lab_tensor *image, uint32_t color)
{
    size_t pixels = (size_t)image->shape[0] * (size_t)image->shape[1];
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = (uint8_t *)image->data + i * (size_t)image->shape[2];
        if ((uint32_t)(p[0] << 16 | p[1] << 8 | p[2]) == color)
            return true;
    }
    return false;
}

/* Pixels that are neither the background nor a swatch's inside: text and outlines. */
static int ink_pixels(const lab_tensor *image, int from_x)
{
    int n = 0;
    const uint8_t *first = image->data;
    for (int y = 0; y < image->shape[0]; y++)
        for (int x = from_x; x < image->shape[1]; x++)
            n += memcmp((uint8_t *)image->data + ((size_t)y * (size_t)image->shape[1] + (size_t)x) *
                                                     (size_t)image->shape[2],
                        first, 3) != 0;
    return n;
}

static void check_legend(const lab_tensor *image)
{
    for (uint32_t id = 0; id < 8; id++)
        assert_true(has_color(image, lab_labels_color(labels, id)));
    assert_true(ink_pixels(image, image->shape[1] / 3) > 200);
    /* Nothing touches the border. */
    const uint8_t *p = image->data;
    size_t row = (size_t)image->shape[1] * (size_t)image->shape[2];
    for (int y = 0; y < image->shape[0]; y++) {
        assert_memory_equal(p + (size_t)y * row, p, (size_t)image->shape[2]);
        assert_memory_equal(p + ((size_t)y + 1) * row - (size_t)image->shape[2], p,
                            (size_t)image->shape[2]);
    }
    assert_memory_equal(p, p + row * (size_t)(image->shape[0] - 1), row);
}

static void built_in_font(void **state)
{
    (void)state;
    lab_tensor out;
    op_tensor(&host, "map.draw_legend", &map, NULL, &out);
    assert_int_equal(out.shape[2], 3);
    assert_int_equal(out.shape[0], 2 * 14 + 8 * 27);
    check_legend(&out);
    keep(&out, "legend-builtin");
    lab_tensor_clear(&out);
}

static void true_type(void **state)
{
    (void)state;
    if (!font)
        skip();
    lab_tensor out;
    const op_arg bytes = ARG_B("font", lab_buffer_data(font), lab_buffer_size(font));
    op_tensor(&host, "map.draw_legend", &map, ARGS(bytes), &out);
    check_legend(&out);
    keep(&out, "legend");
    lab_tensor_clear(&out);
    op_tensor(&host, "map.draw_legend", &map,
              ARGS(bytes, ARG_S("background", "#16181d"), ARG_I("size", 28)), &out);
    check_legend(&out);
    keep(&out, "legend-dark");
    lab_tensor_clear(&out);
    op_tensor(&host, "map.draw_legend", &map, ARGS(bytes, ARG_I("width", 190)), &out);
    assert_int_equal(out.shape[1], 190);
    check_legend(&out);
    keep(&out, "legend-narrow");
    lab_tensor_clear(&out);
    op_tensor(&host, "map.draw_legend", &map,
              ARGS(bytes, ARG_S("background", "transparent"), ARG_L("percent", false)), &out);
    assert_int_equal(out.shape[2], 4);
    assert_int_equal(((uint8_t *)out.data)[3], 0);
    keep(&out, "legend-transparent");
    lab_tensor_clear(&out);
    op_tensor(&host, "map.draw_legend", &map, ARGS(bytes, ARG_I("size", 200)), &out);
    check_legend(&out); /* glyphs wider than a strip of the rasteriser */
    lab_tensor_clear(&out);
}

static void refusals(void **state)
{
    (void)state;
    op_refused(&host, "map.draw_legend", &map, ARGS(ARG_I("width", 20)), LAB_E_INVALID,
               "width must be at least");
    op_refused(&host, "map.draw_legend", &map, ARGS(ARG_B("font", "no font", 7)), LAB_E_FORMAT,
               "no TrueType font");
    op_refused(&host, "map.draw_legend", &map, ARGS(ARG_B("font", "OTTO\0\1\0\0\0\0\0\0\0", 13)),
               LAB_E_FORMAT, "PostScript");
    op_refused(&host, "map.draw_legend", &map, ARGS(ARG_I("size", 5)), LAB_E_INVALID, "6..400");
}

/* A font cut or changed anywhere gives a picture or a sentence. */
static void broken_fonts(void **state)
{
    (void)state;
    if (!font)
        skip();
    size_t size = lab_buffer_size(font);
    uint8_t *copy = malloc(size);
    uint32_t seed = 2024;
    for (int round = 0; round < 150; round++) {
        memcpy(copy, lab_buffer_data(font), size);
        size_t used = round % 3 == 0 ? random_next(&seed) % size : size;
        /* The directory and the small tables decide most; hit them often. */
        size_t reach = round % 3 == 1 ? 600 : size;
        for (int i = 0; i < 1 + round % 40; i++)
            copy[random_next(&seed) % reach] = (uint8_t)random_next(&seed);
        lab_call *call;
        lab_error error = { 0 };
        lab_status status =
            op_run(&host, "map.draw_legend", &map, ARGS(ARG_B("font", copy, used)), &call, &error);
        assert_true(status == LAB_OK || (status == LAB_E_FORMAT && error.message[0]) ||
                    status == LAB_E_LIMIT || status == LAB_E_INVALID);
        lab_call_free(call);
    }
    free(copy);
}

static void memory(void **state)
{
    (void)state;
    sweep_op("map.draw_legend", &map, NULL);
    if (font)
        sweep_op("map.draw_legend", &map,
                 ARGS(ARG_B("font", lab_buffer_data(font), lab_buffer_size(font))));
}

static int begin(void **state)
{
    (void)state;
    static const char *const names[] = { "background",    "person",
                                         "bicycle",       "potted plant",
                                         "Stra\303\237e", "TV",
                                         "sky",           "dining table with a long name" };
    static const uint32_t colors[] = { 0x000000, 0xc08080, 0x008000, 0x004000,
                                       0x804080, 0x004080, 0x4682b4, 0xfefefe };
    static const int share[8] = { 9000, 4000, 2100, 700, 150, 90, 50, 4 };
    if (ops_host_init(&host, NULL, 2, NULL) ||
        lab_labels_new(&host.ctx, "eight", 8, names, colors, &labels, NULL))
        return 1;
    int total = 0, at = 0;
    for (int i = 0; i < 8; i++)
        total += share[i];
    const int32_t shape[2] = { 1, total };
    if (lab_tensor_new(&host.ctx, LAB_LABELMAP, LAB_U8, 2, shape, &map, NULL))
        return 1;
    lab_tensor_set_labels(&map, labels);
    for (int id = 0; id < 8; id++)
        for (int i = 0; i < share[id]; i++)
            ((uint8_t *)map.data)[at++] = (uint8_t)id;
    lab_file_read(&host.ctx, "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", (size_t)1 << 25,
                  &font, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_tensor_clear(&map);
    lab_labels_unref(labels);
    lab_buffer_unref(font);
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_font), cmocka_unit_test(true_type), cmocka_unit_test(refusals),
        cmocka_unit_test(broken_fonts),  cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
