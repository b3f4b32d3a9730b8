/* Encoding: pictures come back, label maps keep ids and palette, what cannot be is refused. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/palette.h"
#include "picture_bytes.h"
#include "support/fail_alloc.h"

static lab_context ctx;

static void png_round_trips(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        for (int size = 1; size < 90; size += 22) {
            lab_tensor in, out;
            lab_error error = { 0 };
            make_picture(&ctx, size, 91 - size, channels, &in);
            file_bytes f = encode_file(&ctx, &in, LAB_FORMAT_PNG);
            assert_ok(lab_image_decode(&ctx, f.data, f.size, true, &out, &error), &error);
            assert_int_equal(out.shape[2], channels);
            assert_int_equal(out.size, in.size);
            assert_memory_equal(out.data, in.data, in.size);
            lab_tensor_clear(&in);
            lab_tensor_clear(&out);
            file_free(&f);
        }
    }
}

static void levels_change_size_only(void **state)
{
    (void)state;
    lab_tensor in, out;
    lab_error error = { 0 };
    make_picture(&ctx, 120, 80, 3, &in);
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        lab_buffer *b;
        assert_ok(lab_image_encode(&ctx, &in, LAB_FORMAT_PNG, 0, i * 9, &b, &error), &error);
        sizes[i] = lab_buffer_size(b);
        assert_ok(lab_image_decode(&ctx, lab_buffer_data(b), sizes[i], true, &out, &error), &error);
        assert_memory_equal(out.data, in.data, in.size);
        lab_tensor_clear(&out);
        lab_buffer_unref(b);
    }
    assert_true(sizes[1] < sizes[0]);
    lab_tensor_clear(&in);
}

static void mask_is_a_grey_png(void **state)
{
    (void)state;
    lab_tensor mask, out;
    lab_error error = { 0 };
    const int32_t shape[2] = { 5, 7 };
    assert_ok(lab_tensor_new(&ctx, LAB_MASK, LAB_U8, 2, shape, &mask, &error), &error);
    for (size_t i = 0; i < mask.size; i++)
        ((uint8_t *)mask.data)[i] = (uint8_t)(i * 7);
    file_bytes f = encode_file(&ctx, &mask, LAB_FORMAT_PNG);
    assert_ok(lab_image_decode(&ctx, f.data, f.size, true, &out, &error), &error);
    assert_int_equal(out.shape[2], 1);
    assert_memory_equal(out.data, mask.data, mask.size);
    file_free(&f);
    lab_tensor_clear(&mask);
    lab_tensor_clear(&out);
}

/* ---- label maps ---- */

static void make_map(lab_dtype dtype, uint32_t highest, lab_tensor *map)
{
    lab_error error = { 0 };
    const int32_t shape[2] = { 31, 45 };
    assert_ok(lab_tensor_new(&ctx, LAB_LABELMAP, dtype, 2, shape, map, &error), &error);
    uint32_t seed = 7;
    for (int i = 0; i < 31 * 45; i++) {
        uint32_t id = random_next(&seed) % (highest + 1);
        if (dtype == LAB_U16)
            ((uint16_t *)map->data)[i] = (uint16_t)id;
        else
            ((uint8_t *)map->data)[i] = (uint8_t)id;
    }
}

static void read_back(const lab_tensor *map, uint32_t *palette, uint32_t *n)
{
    lab_tensor out;
    lab_error error = { 0 };
    file_bytes f = encode_file(&ctx, map, LAB_FORMAT_PNG);
    assert_ok(lab_labelmap_decode(&ctx, f.data, f.size, &out, palette, n, &error), &error);
    assert_int_equal(out.kind, LAB_LABELMAP);
    assert_int_equal(out.dtype, map->dtype);
    assert_int_equal(out.shape[0], map->shape[0]);
    assert_int_equal(out.shape[1], map->shape[1]);
    assert_memory_equal(out.data, map->data, map->size);
    lab_tensor_clear(&out);
    file_free(&f);
}

static void map_without_labels_has_voc_colours(void **state)
{
    (void)state;
    lab_tensor map;
    uint32_t palette[256], n;
    make_map(LAB_U8, 255, &map);
    read_back(&map, palette, &n);
    assert_int_equal(n, 256);
    assert_int_equal(palette[1], 0x800000);
    assert_int_equal(palette[8], 0x400000);
    assert_int_equal(palette[15], 0xc08080);
    assert_int_equal(palette[20], 0x004080);
    assert_int_equal(palette[255], 0xe0e0c0);
    lab_tensor_clear(&map);
}

static void map_with_labels_has_theirs(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b", "c" };
    static const uint32_t colors[] = { 0x010203, 0x0a0b0c, 0xfefdfc };
    lab_labels *labels;
    assert_int_equal(lab_labels_new(&ctx, "three", 3, names, colors, &labels, NULL), LAB_OK);
    lab_tensor map;
    uint32_t palette[256], n;
    make_map(LAB_U8, 1, &map);
    lab_tensor_set_labels(&map, labels);
    read_back(&map, palette, &n);
    assert_int_equal(n, 3); /* the whole set, not only what occurs */
    for (int i = 0; i < 3; i++)
        assert_int_equal(palette[i], colors[i]);
    ((uint8_t *)map.data)[9] = 200; /* outside the set: the palette reaches up to it */
    read_back(&map, palette, &n);
    assert_int_equal(n, 201);
    assert_int_equal(palette[1], colors[1]);
    assert_int_equal(palette[200], lab_voc_color(200));
    lab_tensor_clear(&map);
    lab_labels_unref(labels);
}

static void wide_map_is_16_bit_grey(void **state)
{
    (void)state;
    lab_tensor map;
    uint32_t n = 99;
    make_map(LAB_U16, 65535, &map);
    read_back(&map, NULL, &n);
    assert_int_equal(n, 0);
    lab_tensor_clear(&map);
}

static void voc_colours(void **state)
{
    (void)state;
    uint32_t sum = 0;
    for (uint32_t id = 0; id < 256; id++) {
        uint32_t color = lab_voc_color(id);
        sum += (color >> 16) + (color >> 8 & 255) + (color & 255);
    }
    assert_int_equal(sum, 81920);
}

/* Ids of few bits are widened, not scaled; colours are not ids. */
static void foreign_maps(void **state)
{
    (void)state;
    static const struct {
        int depth, type;
        uint8_t row[4];
        uint8_t ids[4];
    } cases[] = {
        { 1, 0, { 0xa0 }, { 1, 0, 1, 0 } },
        { 2, 0, { 0x1b }, { 0, 1, 2, 3 } },
        { 4, 0, { 0x0f, 0x35 }, { 0, 15, 3, 5 } },
        { 4, 3, { 0x01, 0x20 }, { 0, 1, 2, 0 } },
        { 8, 3, { 2, 1, 0, 2 }, { 2, 1, 0, 2 } },
        { 8, 3, { 2, 1, 0, 9 }, { 2, 1, 0, 9 } }, /* an id beyond the palette */
    };
    const uint8_t palette[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool indexed = cases[i].type == 3;
        file_bytes f =
            png_make(&(png_spec){ 4, 1, cases[i].depth, cases[i].type, cases[i].row,
                                  (size_t)cases[i].depth / 2 ? (size_t)cases[i].depth / 2 : 1,
                                  .palette = indexed ? palette : NULL, .palette_size = 3 });
        lab_tensor out;
        lab_error error = { 0 };
        uint32_t colors[256], n;
        assert_ok(lab_labelmap_decode(&ctx, f.data, f.size, &out, colors, &n, &error), &error);
        assert_int_equal(out.dtype, LAB_U8);
        assert_memory_equal(out.data, cases[i].ids, 4);
        assert_int_equal(n, indexed ? 3 : 0);
        assert_true(!indexed || colors[2] == 0x070809);
        lab_tensor_clear(&out);
        file_free(&f);
    }
}

static void refuse_map(const void *bytes, size_t size, lab_status status, const char *words)
{
    lab_tensor out;
    lab_error error = { 0 };
    lab_status got = lab_labelmap_decode(&ctx, bytes, size, &out, NULL, NULL, &error);
    if (got != status || !strstr(error.message, words))
        fail_msg("expected %s with \"%s\", got %s: %s", lab_status_name(status), words,
                 lab_status_name(got), error.message);
}

static void maps_that_are_none(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 20, 10, 3, &in);
    file_bytes rgb = encode_file(&ctx, &in, LAB_FORMAT_PNG);
    refuse_map(rgb.data, rgb.size, LAB_E_UNSUPPORTED, "colour");
    refuse_map("nothing", 7, LAB_E_FORMAT, "not a PNG");
    file_free(&rgb);
    lab_tensor_clear(&in);
    lab_tensor map;
    make_map(LAB_U8, 20, &map);
    file_bytes f = encode_file(&ctx, &map, LAB_FORMAT_PNG);
    for (size_t size = 8; size < f.size; size++)
        refuse_map(f.data, size, LAB_E_FORMAT, "PNG");
    uint32_t seed = 99;
    for (int round = 0; round < 2000; round++) { /* never a crash */
        size_t at = random_next(&seed) % f.size;
        uint8_t was = f.data[at];
        f.data[at] = (uint8_t)random_next(&seed);
        lab_tensor out;
        if (lab_labelmap_decode(&ctx, f.data, f.size, &out, NULL, NULL, NULL) == LAB_OK)
            lab_tensor_clear(&out);
        f.data[at] = was;
    }
    file_free(&f);
    lab_tensor_clear(&map);
    f = png_make(&(png_spec){ 16000, 16000, 8, 0, NULL, 0, .palette = NULL });
    refuse_map(f.data, f.size, LAB_E_FORMAT, "damaged PNG");
    file_free(&f);
    file_add(&f, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&f, "IHDR", "\0\0\x3e\x80\0\0\x3e\x80\10\0\0\0\0", 13);
    png_chunk(&f, "IDAT", "\x78\x9c\x03\0\0\0\0\1", 8);
    png_chunk(&f, "IEND", NULL, 0);
    refuse_map(f.data, f.size, LAB_E_FORMAT, "cannot hold");
    file_free(&f);
    file_add(&f, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&f, "IHDR", "\0\0\xff\xff\0\0\xff\xff\10\0\0\0\0", 13);
    png_chunk(&f, "IDAT", "\x78\x9c\x03\0\0\0\0\1", 8);
    png_chunk(&f, "IEND", NULL, 0);
    refuse_map(f.data, f.size, LAB_E_LIMIT, "megapixels");
    file_free(&f);
}

static void refuse_encoding(const lab_tensor *in, lab_image_format format, int quality, int level,
                            lab_status status, const char *words)
{
    lab_error error = { 0 };
    lab_buffer *b = NULL;
    assert_int_equal(lab_image_encode(&ctx, in, format, quality, level, &b, &error), status);
    assert_non_null(strstr(error.message, words));
    assert_null(b);
}

static void what_cannot_be_encoded(void **state)
{
    (void)state;
    lab_tensor rgba, map;
    make_picture(&ctx, 4, 4, 4, &rgba);
    make_map(LAB_U8, 3, &map);
    refuse_encoding(&rgba, LAB_FORMAT_JPEG, 90, 6, LAB_E_UNSUPPORTED, "transparency");
    refuse_encoding(&rgba, LAB_FORMAT_PNG, 90, 10, LAB_E_INVALID, "0..9");
    refuse_encoding(&map, LAB_FORMAT_JPEG, 90, 6, LAB_E_UNSUPPORTED, "class ids");
    rgba.shape[2] = 3; /* the same bytes seen as fewer pixels of three channels */
    refuse_encoding(&rgba, LAB_FORMAT_JPEG, 0, 6, LAB_E_INVALID, "1..100");
    lab_tensor_clear(&rgba);
    lab_tensor_clear(&map);
}

static void formats_by_name(void **state)
{
    (void)state;
    lab_image_format format;
    assert_true(lab_image_format_of("a/b.PNG", &format) && format == LAB_FORMAT_PNG);
    assert_true(lab_image_format_of("x.y.jpeg", &format) && format == LAB_FORMAT_JPEG);
    assert_true(lab_image_format_of("x.Jpg", &format) && format == LAB_FORMAT_JPEG);
    assert_true(lab_image_format_of("x.bmp", &format) && format == LAB_FORMAT_BMP);
    assert_false(lab_image_format_of("png", &format));
    assert_false(lab_image_format_of("dir.png/file", &format));
    assert_false(lab_image_format_of("x.tiff", &format));
}

/* ---- memory ---- */

typedef struct encoding {
    const lab_tensor *in;
    lab_image_format format;
} encoding;

static lab_status encode_and_free(lab_context *c, void *user, lab_error *error)
{
    const encoding *e = user;
    lab_buffer *b;
    lab_status status = lab_image_encode(c, e->in, e->format, 90, 6, &b, error);
    if (!status)
        lab_buffer_unref(b);
    return status;
}

static lab_status read_map_and_free(lab_context *c, void *user, lab_error *error)
{
    const file_bytes *f = user;
    lab_tensor out;
    lab_status status = lab_labelmap_decode(c, f->data, f->size, &out, NULL, NULL, error);
    if (!status)
        lab_tensor_clear(&out);
    return status;
}

static void allocation_failures(void **state)
{
    (void)state;
    lab_tensor rgb, map, wide;
    make_picture(&ctx, 70, 50, 3, &rgb);
    make_map(LAB_U8, 20, &map);
    make_map(LAB_U16, 300, &wide);
    encoding cases[] = { { &rgb, LAB_FORMAT_PNG },
                         { &rgb, LAB_FORMAT_JPEG },
                         { &rgb, LAB_FORMAT_BMP },
                         { &map, LAB_FORMAT_PNG },
                         { &wide, LAB_FORMAT_PNG } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(fail_alloc_sweep(encode_and_free, &cases[i]) > 2);
    file_bytes f = encode_file(&ctx, &map, LAB_FORMAT_PNG);
    assert_true(fail_alloc_sweep(read_map_and_free, &f) > 5);
    file_free(&f);
    lab_tensor_clear(&rgb);
    lab_tensor_clear(&map);
    lab_tensor_clear(&wide);
}

static int begin(void **state)
{
    (void)state;
    return lab_context_init(&ctx, NULL, 1, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_context_finish(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_round_trips),
        cmocka_unit_test(levels_change_size_only),
        cmocka_unit_test(mask_is_a_grey_png),
        cmocka_unit_test(map_without_labels_has_voc_colours),
        cmocka_unit_test(map_with_labels_has_theirs),
        cmocka_unit_test(wide_map_is_16_bit_grey),
        cmocka_unit_test(voc_colours),
        cmocka_unit_test(foreign_maps),
        cmocka_unit_test(maps_that_are_none),
        cmocka_unit_test(what_cannot_be_encoded),
        cmocka_unit_test(formats_by_name),
        cmocka_unit_test(allocation_failures),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
