/* Decoding what is right: every layout of pixels, every orientation, every container. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "picture_bytes.h"
#include "support/fail_alloc.h"

static lab_context ctx;

static void decode(const file_bytes *file, lab_tensor *out)
{
    lab_error error = { 0 };
    assert_ok(lab_image_decode(&ctx, file->data, file->size, true, out, &error), &error);
}

static void expect(const file_bytes *file, int width, int height, int channels,
                   const uint8_t *pixels)
{
    lab_tensor out;
    decode(file, &out);
    assert_int_equal(out.kind, LAB_IMAGE);
    assert_int_equal(out.rank, 3);
    assert_int_equal(out.shape[0], height);
    assert_int_equal(out.shape[1], width);
    assert_int_equal(out.shape[2], channels);
    assert_memory_equal(out.data, pixels, (size_t)(width * height * channels));
    assert_int_equal((uintptr_t)out.data % 64, 0);
    lab_tensor_clear(&out);
}

/* ---- layouts of PNG pixels ---- */

static void png_grey_8(void **state)
{
    (void)state;
    const uint8_t rows[6] = { 0, 64, 128, 192, 255, 7 };
    file_bytes f = png_make(&(png_spec){ 3, 2, 8, 0, rows, 3, .palette = NULL });
    expect(&f, 3, 2, 1, rows);
    file_free(&f);
}

static void png_grey_1(void **state)
{
    (void)state;
    const uint8_t rows[2] = { 0xa0, 0x40 };
    const uint8_t pixels[6] = { 255, 0, 255, 0, 255, 0 };
    file_bytes f = png_make(&(png_spec){ 3, 2, 1, 0, rows, 1, .palette = NULL });
    expect(&f, 3, 2, 1, pixels);
    file_free(&f);
}

static void png_grey_16(void **state)
{
    (void)state;
    const uint8_t rows[6] = { 0x12, 0x34, 0xff, 0xff, 0x80, 0x7f };
    const uint8_t pixels[3] = { 0x12, 0xff, 0x80 };
    file_bytes f = png_make(&(png_spec){ 3, 1, 16, 0, rows, 6, .palette = NULL });
    expect(&f, 3, 1, 1, pixels);
    lab_image_info info;
    assert_int_equal(lab_image_probe(f.data, f.size, &info, NULL), LAB_OK);
    assert_true(info.sixteen_bit);
    file_free(&f);
}

static void png_rgb_16(void **state)
{
    (void)state;
    const uint8_t rows[12] = { 1, 99, 2, 99, 3, 99, 250, 0, 251, 0, 252, 0 };
    const uint8_t pixels[6] = { 1, 2, 3, 250, 251, 252 };
    file_bytes f = png_make(&(png_spec){ 2, 1, 16, 2, rows, 12, .palette = NULL });
    expect(&f, 2, 1, 3, pixels);
    file_free(&f);
}

static void png_grey_alpha_becomes_rgba(void **state)
{
    (void)state;
    const uint8_t rows[4] = { 10, 255, 200, 40 };
    const uint8_t pixels[8] = { 10, 10, 10, 255, 200, 200, 200, 40 };
    file_bytes f = png_make(&(png_spec){ 2, 1, 8, 4, rows, 4, .palette = NULL });
    expect(&f, 2, 1, 4, pixels);
    lab_image_info info;
    assert_int_equal(lab_image_probe(f.data, f.size, &info, NULL), LAB_OK);
    assert_int_equal(info.channels, 4);
    file_free(&f);
}

static void png_rgba(void **state)
{
    (void)state;
    const uint8_t rows[8] = { 1, 2, 3, 0, 5, 6, 7, 128 };
    file_bytes f = png_make(&(png_spec){ 2, 1, 8, 6, rows, 8, .palette = NULL });
    expect(&f, 2, 1, 4, rows);
    file_free(&f);
}

static void png_palette(void **state)
{
    (void)state;
    const uint8_t palette[9] = { 1, 2, 3, 40, 50, 60, 255, 0, 128 };
    const uint8_t rows[2] = { 2, 1 };
    const uint8_t pixels[6] = { 255, 0, 128, 40, 50, 60 };
    file_bytes f =
        png_make(&(png_spec){ 2, 1, 8, 3, rows, 2, .palette = palette, .palette_size = 3 });
    expect(&f, 2, 1, 3, pixels);
    file_free(&f);
}

static void one_pixel(void **state)
{
    (void)state;
    const uint8_t rows[3] = { 9, 8, 7 };
    file_bytes f = png_make(&(png_spec){ 1, 1, 8, 2, rows, 3, .palette = NULL });
    expect(&f, 1, 1, 3, rows);
    file_free(&f);
}

/* ---- other containers ---- */

static void pnm(void **state)
{
    (void)state;
    const char ppm[] = "P6\n# a comment\n2 1\n255\n\1\2\3\4\5\6";
    const file_bytes colour = { (uint8_t *)(uintptr_t)ppm, sizeof ppm - 1 };
    expect(&colour, 2, 1, 3, (const uint8_t *)"\1\2\3\4\5\6");
    const char pgm[] = "P5 3 1 15\n\0\10\17";
    const file_bytes grey = { (uint8_t *)(uintptr_t)pgm, sizeof pgm - 1 };
    expect(&grey, 3, 1, 1, (const uint8_t *)"\0\210\377"); /* 8/15 and 15/15 of 255 */
}

/* A GIF of 2x1 pixels: the LZW codes clear, 0, 1, end in 3 bits each. */
static const uint8_t tiny_gif[] = { 'G', 'I', 'F', '8', '9', 'a', 2,   0,    1,    0, 0x80, 0,
                                    0,   10,  20,  30,  200, 210, 220, ',',  0,    0, 0,    0,
                                    2,   0,   1,   0,   0,   2,   2,   0x44, 0x0a, 0, ';' };

static void gif(void **state)
{
    (void)state;
    const file_bytes f = { (uint8_t *)(uintptr_t)tiny_gif, sizeof tiny_gif };
    expect(&f, 2, 1, 4, (const uint8_t[]){ 10, 20, 30, 255, 200, 210, 220, 255 });
}

static void jpeg_and_bmp_come_back(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        lab_tensor in, out;
        make_picture(&ctx, 67, 41, channels, &in);
        file_bytes jpeg = encode_file(&ctx, &in, LAB_FORMAT_JPEG);
        decode(&jpeg, &out);
        assert_int_equal(out.shape[0], 41);
        assert_int_equal(out.shape[1], 67);
        assert_int_equal(out.shape[2], 3);
        double off = 0;
        for (size_t i = 0; i < (size_t)67 * 41; i++)
            off += abs(((uint8_t *)in.data)[i * (size_t)channels] - ((uint8_t *)out.data)[i * 3]);
        assert_true(off / (67 * 41) < 8.0); /* noise of 24 levels at quality 90 */
        lab_tensor_clear(&out);
        file_free(&jpeg);
        if (channels == 3) {
            file_bytes bmp = encode_file(&ctx, &in, LAB_FORMAT_BMP);
            expect(&bmp, 67, 41, 3, in.data);
            file_free(&bmp);
        }
        lab_tensor_clear(&in);
    }
}

/* ---- orientation ---- */

/* The letters of a 3x2 picture after each orientation, row by row: CIPA DC-008, 0x0112. */
static const struct {
    int width, height;
    const char *letters;
} upright[9] = {
    [1] = { 3, 2, "abcdef" }, [2] = { 3, 2, "cbafed" }, [3] = { 3, 2, "fedcba" },
    [4] = { 3, 2, "defabc" }, [5] = { 2, 3, "adbecf" }, [6] = { 2, 3, "daebfc" },
    [7] = { 2, 3, "fcebda" }, [8] = { 2, 3, "cfbead" },
};

static void png_exif_orientations(void **state)
{
    (void)state;
    for (int o = 0; o <= 9; o++) {
        for (int big = 0; big <= 1; big++) {
            file_bytes tiff = exif_make(o, big != 0);
            file_bytes f = png_make(&(png_spec){ 3, 2, 8, 0, (const uint8_t *)"abcdef", 3,
                                                 .exif = tiff.data, .exif_size = tiff.size });
            int seen = o >= 1 && o <= 8 ? o : 1; /* impossible ones count as none */
            expect(&f, upright[seen].width, upright[seen].height, 1,
                   (const uint8_t *)upright[seen].letters);
            lab_image_info info;
            assert_int_equal(lab_image_probe(f.data, f.size, &info, NULL), LAB_OK);
            assert_int_equal(info.orientation, seen);
            assert_int_equal(info.width, 3);
            lab_tensor out;
            assert_int_equal(lab_image_decode(&ctx, f.data, f.size, false, &out, NULL), LAB_OK);
            assert_memory_equal(out.data, "abcdef", 6);
            lab_tensor_clear(&out);
            file_free(&tiff);
            file_free(&f);
        }
    }
}

static void jpeg_exif_orientation(void **state)
{
    (void)state;
    lab_tensor in, plain, turned, expected;
    make_picture(&ctx, 40, 24, 3, &in);
    file_bytes jpeg = encode_file(&ctx, &in, LAB_FORMAT_JPEG);
    file_bytes tiff = exif_make(6, true);
    file_bytes with = jpeg_with_exif(&jpeg, &tiff);
    decode(&jpeg, &plain);
    decode(&with, &turned);
    assert_int_equal(turned.shape[0], 40);
    assert_int_equal(turned.shape[1], 24);
    assert_int_equal(lab_image_orient(&ctx, &plain, 6, &expected, NULL), LAB_OK);
    assert_memory_equal(turned.data, expected.data, expected.size);
    lab_tensor_clear(&in);
    lab_tensor_clear(&plain);
    lab_tensor_clear(&turned);
    lab_tensor_clear(&expected);
    file_free(&jpeg);
    file_free(&tiff);
    file_free(&with);
}

/* Each orientation undone by its inverse, for every size of pixel and several threads. */
static void orient_inverses(void **state)
{
    (void)state;
    static const int inverse[9] = { 0, 1, 2, 3, 4, 5, 8, 7, 6 };
    for (unsigned threads = 1; threads <= 3; threads++) {
        lab_context many;
        assert_int_equal(lab_context_init(&many, NULL, threads, NULL), LAB_OK);
        for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
            lab_tensor in, turned, back;
            make_picture(&many, 53, 37, channels, &in);
            for (int o = 1; o <= 8; o++) {
                assert_int_equal(lab_image_orient(&many, &in, o, &turned, NULL), LAB_OK);
                assert_int_equal(lab_image_orient(&many, &turned, inverse[o], &back, NULL), LAB_OK);
                assert_memory_equal(back.data, in.data, in.size);
                lab_tensor_clear(&turned);
                lab_tensor_clear(&back);
            }
            lab_tensor_clear(&in);
        }
        lab_context_finish(&many);
    }
}

/* ---- memory ---- */

static lab_status decode_and_free(lab_context *c, void *user, lab_error *error)
{
    const file_bytes *file = user;
    lab_tensor out;
    lab_status status = lab_image_decode(c, file->data, file->size, true, &out, error);
    if (!status)
        lab_tensor_clear(&out);
    return status;
}

static void allocation_failures(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 33, 21, 3, &in);
    file_bytes tiff = exif_make(8, false);
    file_bytes jpeg = encode_file(&ctx, &in, LAB_FORMAT_JPEG);
    file_bytes turned = jpeg_with_exif(&jpeg, &tiff);
    file_bytes png = encode_file(&ctx, &in, LAB_FORMAT_PNG);
    assert_true(fail_alloc_sweep(decode_and_free, &turned) > 5);
    assert_true(fail_alloc_sweep(decode_and_free, &png) > 3);
    file_free(&tiff);
    file_free(&jpeg);
    file_free(&turned);
    file_free(&png);
    lab_tensor_clear(&in);
}

static int begin(void **state)
{
    (void)state;
    return lab_context_init(&ctx, NULL, 2, NULL);
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
        cmocka_unit_test(png_grey_8),
        cmocka_unit_test(png_grey_1),
        cmocka_unit_test(png_grey_16),
        cmocka_unit_test(png_rgb_16),
        cmocka_unit_test(png_grey_alpha_becomes_rgba),
        cmocka_unit_test(png_rgba),
        cmocka_unit_test(png_palette),
        cmocka_unit_test(one_pixel),
        cmocka_unit_test(pnm),
        cmocka_unit_test(gif),
        cmocka_unit_test(jpeg_and_bmp_come_back),
        cmocka_unit_test(png_exif_orientations),
        cmocka_unit_test(jpeg_exif_orientation),
        cmocka_unit_test(orient_inverses),
        cmocka_unit_test(allocation_failures),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
