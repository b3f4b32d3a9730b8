/* Pictures that are none, or broken, or made to hurt: a sentence each, quickly, with little memory.
 */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/error.h"
#include "picture_bytes.h"

/* An allocator that knows how much was alive at most. */
static size_t alive, most;

static void *counting_allocate(void *user, size_t size, size_t align)
{
    (void)user;
    size_t *block = lab_system_allocator.allocate(NULL, size + 64, align < 64 ? 64 : align);
    if (!block)
        return NULL;
    *block = size;
    alive += size;
    most = alive > most ? alive : most;
    return (char *)block + 64;
}

static void counting_release(void *user, void *ptr)
{
    (void)user;
    size_t *block = (void *)((char *)ptr - 64);
    alive -= *block;
    lab_system_allocator.release(NULL, block);
}

static lab_context ctx;

/* Decoding must fail with this status and a sentence that contains `words`. */
static void refuse_bytes(const void *bytes, size_t size, lab_status status, const char *words)
{
    lab_tensor out;
    lab_error error = { 0 };
    size_t before = alive;
    most = alive;
    struct timespec start, stop;
    clock_gettime(CLOCK_MONOTONIC, &start);
    lab_status got = lab_image_decode(&ctx, bytes, size, true, &out, &error);
    clock_gettime(CLOCK_MONOTONIC, &stop);
    if (got != status || !strstr(error.message, words))
        fail_msg("expected %s with \"%s\", got %s: %s", lab_status_name(status), words,
                 lab_status_name(got), error.message);
    assert_int_equal(error.status, status);
    assert_int_equal(alive, before);
    assert_true(most - before < (size_t)48 << 20);
    assert_true(stop.tv_sec - start.tv_sec < 5);
}

static void refuse(const file_bytes *f, lab_status status, const char *words)
{
    refuse_bytes(f->data, f->size, status, words);
}

static void not_pictures(void **state)
{
    (void)state;
    refuse_bytes("", 0, LAB_E_FORMAT, "empty");
    refuse_bytes("Hello, this is a text.\n", 23, LAB_E_FORMAT,
                 "begins with the text \"Hello, this");
    refuse_bytes("Bring me my bow of burning gold", 31, LAB_E_FORMAT, "text \"Bring me");
    refuse_bytes("Gr\xc3\xbc\xc3\x9f Gott", 11, LAB_E_FORMAT, "text \"Gr");
    refuse_bytes("\x7f"
                 "ELF\2\1\1\0\0\0",
                 10, LAB_E_FORMAT, "7f 45 4c 46 02 01 01 00");
    refuse_bytes("\0", 1, LAB_E_FORMAT, "bytes 00");
    refuse_bytes("{\"a\": 1}", 8, LAB_E_FORMAT, "{?a?: 1}");
}

static void known_but_not_read(void **state)
{
    (void)state;
    refuse_bytes("RIFF\x10\0\0\0WEBPVP8 ", 16, LAB_E_UNSUPPORTED, "WebP");
    refuse_bytes("\0\0\0\x18"
                 "ftypheic\0\0\0\0",
                 16, LAB_E_UNSUPPORTED, "HEIC");
    refuse_bytes("\0\0\0\x18"
                 "ftypavif\0\0\0\0",
                 16, LAB_E_UNSUPPORTED, "AVIF");
    refuse_bytes("II*\0\10\0\0\0", 8, LAB_E_UNSUPPORTED, "TIFF");
    refuse_bytes("%PDF-1.7\n", 9, LAB_E_UNSUPPORTED, "PDF");
    refuse_bytes("P3 1 1 255 0 0 0 ", 17, LAB_E_UNSUPPORTED, "P3");
    refuse_bytes("P5 1 1 65535\n\0\0", 15, LAB_E_UNSUPPORTED, "65535");
}

/* Every way of cutting a JPEG, a PNG and a BMP is noticed. */
static void cut_anywhere(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 61, 43, 3, &in);
    for (int format = LAB_FORMAT_PNG; format <= LAB_FORMAT_BMP; format++) {
        file_bytes f = encode_file(&ctx, &in, (lab_image_format)format);
        for (size_t size = 0; size < f.size; size += size < 700 ? 1 : 37) {
            uint8_t *cut = malloc(size ? size : 1); /* exactly as long: ASan sees a step too far */
            memcpy(cut, f.data, size);
            lab_tensor out;
            lab_error error = { 0 };
            lab_status status = lab_image_decode(&ctx, cut, size, true, &out, &error);
            free(cut);
            if (status != LAB_E_FORMAT)
                fail_msg("format %d cut to %zu of %zu bytes: %s %s", format, size, f.size,
                         lab_status_name(status), error.message);
        }
        file_free(&f);
    }
    file_bytes jpeg = encode_file(&ctx, &in, LAB_FORMAT_JPEG);
    refuse_bytes(jpeg.data, jpeg.size / 2, LAB_E_FORMAT, "cut short");
    file_free(&jpeg);
    file_bytes png = encode_file(&ctx, &in, LAB_FORMAT_PNG);
    refuse_bytes(png.data, png.size / 2, LAB_E_FORMAT, "cut short");
    file_free(&png);
    lab_tensor_clear(&in);
    const char ppm[] = "P6 2 2 255\n\1\2\3\4\5\6\7\10\11\12\13";
    refuse_bytes(ppm, sizeof ppm - 1, LAB_E_FORMAT, "11 of 12 bytes");
}

static void huge_headers_without_data(void **state)
{
    (void)state;
    file_bytes f = png_make(&(png_spec){ 20000, 20000, 8, 6, NULL, 0, .palette = NULL });
    refuse(&f, LAB_E_LIMIT, "20000x20000");
    file_free(&f);
    f = png_make(&(png_spec){ 16000, 16000, 8, 6, NULL, 0, .palette = NULL });
    refuse(&f, LAB_E_FORMAT, "no pixel data");
    file_free(&f);
    f = png_make(&(png_spec){ 0xffffffff, 0xffffffff, 8, 6, NULL, 0, .palette = NULL });
    refuse(&f, LAB_E_LIMIT, "4294967295");
    file_free(&f);
    f = png_make(&(png_spec){ 0, 5, 8, 6, NULL, 0, .palette = NULL });
    refuse(&f, LAB_E_FORMAT, "0x5");
    file_free(&f);
    /* Some data, but never 1 GB of pixels. */
    file_add(&f, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&f, "IHDR", "\0\0\x3e\x80\0\0\x3e\x80\10\6\0\0\0", 13);
    png_chunk(&f, "IDAT", "\x78\x9c\x03\0\0\0\0\1", 8);
    png_chunk(&f, "IEND", NULL, 0);
    refuse(&f, LAB_E_FORMAT, "cannot hold 16000x16000");
    file_free(&f);
    /* A JPEG of 8x8 pixels that claims 16000x16000. */
    lab_tensor small;
    make_picture(&ctx, 8, 8, 3, &small);
    f = encode_file(&ctx, &small, LAB_FORMAT_JPEG);
    lab_tensor_clear(&small);
    for (size_t i = 0; i + 8 < f.size; i++)
        if (memcmp(f.data + i, "\xff\xc0\0\x11\10", 5) == 0)
            memcpy(f.data + i + 5, "\x3e\x80\x3e\x80", 4);
    refuse(&f, LAB_E_FORMAT, "cannot hold 16000x16000");
    file_free(&f);
    const char pgm[] = "P5 16000 16000 255\n";
    refuse_bytes(pgm, sizeof pgm - 1, LAB_E_FORMAT, "cut short");
}

/* A PNG of one pixel whose data unpack to 256 MB. */
static void decompression_bomb(void **state)
{
    (void)state;
    file_bytes f = { 0 }, packed = { 0 };
    z_stream z = { 0 };
    assert_int_equal(deflateInit(&z, 9), Z_OK);
    uint8_t *zeros = calloc(1, 1 << 20), *chunk = malloc(1 << 16);
    for (int i = 0; i <= 256; i++) {
        z.next_in = zeros;
        z.avail_in = i < 256 ? 1 << 20 : 0;
        do {
            z.next_out = chunk;
            z.avail_out = 1 << 16;
            deflate(&z, i < 256 ? Z_NO_FLUSH : Z_FINISH);
            file_add(&packed, chunk, (1 << 16) - z.avail_out);
        } while (z.avail_out == 0);
    }
    deflateEnd(&z);
    free(zeros);
    free(chunk);
    file_add(&f, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&f, "IHDR", "\0\0\0\1\0\0\0\1\10\6\0\0\0", 13);
    png_chunk(&f, "IDAT", packed.data, packed.size);
    png_chunk(&f, "IEND", NULL, 0);
    refuse(&f, LAB_E_LIMIT, "unpack to far more");
    file_free(&f);
    file_free(&packed);
}

/* The frame header of a JPEG with some process, precision and number of components. */
static void jpeg_frame(uint8_t marker, uint8_t precision, uint8_t components, lab_status status,
                       const char *words)
{
    file_bytes f = { 0 };
    file_add(&f, "\xff\xd8\xff", 3);
    file_add(&f, &marker, 1);
    file_add_be(&f, 8u + 3u * components, 2);
    file_add(&f, &precision, 1);
    file_add_be(&f, 8, 2);
    file_add_be(&f, 8, 2);
    file_add(&f, &components, 1);
    for (uint8_t i = 0; i < components; i++)
        file_add(&f, (const uint8_t[]){ i, 0x11, 0 }, 3);
    file_add(&f, "\xff\xda\0\3\0\1\2\3\xff\xd9", 10);
    refuse(&f, status, words);
    file_free(&f);
}

static void jpegs_beyond_the_decoder(void **state)
{
    (void)state;
    jpeg_frame(0xc0, 8, 4, LAB_E_UNSUPPORTED, "CMYK");
    jpeg_frame(0xc2, 8, 4, LAB_E_UNSUPPORTED, "CMYK");
    jpeg_frame(0xc0, 8, 2, LAB_E_UNSUPPORTED, "2 components");
    jpeg_frame(0xc1, 12, 3, LAB_E_UNSUPPORTED, "12 bits");
    jpeg_frame(0xc3, 8, 3, LAB_E_UNSUPPORTED, "lossless");
    jpeg_frame(0xc9, 8, 3, LAB_E_UNSUPPORTED, "arithmetic");
    jpeg_frame(0xc0, 8, 3, LAB_E_FORMAT, "damaged JPEG");
    refuse_bytes("\xff\xd8\xff\xd9", 4, LAB_E_FORMAT, "without a frame header");
}

/* Every byte of the tables changed in turn: the decoder must never run without one it needs. */
static void jpeg_tables(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&ctx, 16, 16, 3, &in);
    file_bytes f = encode_file(&ctx, &in, LAB_FORMAT_JPEG);
    lab_tensor_clear(&in);
    for (size_t i = 2; i < f.size && i < 660; i++) {
        static const uint8_t values[] = { 0, 1, 0x0f, 0x11, 0x7f, 0xff };
        uint8_t was = f.data[i];
        for (size_t k = 0; k < sizeof values; k++) {
            f.data[i] = values[k];
            if (lab_image_decode(&ctx, f.data, f.size, true, &out, NULL) == LAB_OK)
                lab_tensor_clear(&out);
        }
        f.data[i] = was;
    }
    uint8_t *table = memmem(f.data, f.size, "\xff\xc4", 2);
    assert_non_null(table);
    table[4] = 2; /* what was table 0 is now called 2: the scan asks for 0 */
    refuse(&f, LAB_E_FORMAT, "a table or component that is not there");
    table[4] = 0;
    table[5] = 3; /* three codes of one bit */
    refuse(&f, LAB_E_FORMAT, "a Huffman table is none");
    file_free(&f);
}

static void wrong_checksum(void **state)
{
    (void)state;
    const uint8_t rows[6] = { 1, 2, 3, 4, 5, 6 };
    file_bytes f = png_make(&(png_spec){ 3, 2, 8, 0, rows, 3, .palette = NULL });
    f.data[8 + 25 + 8 + 3] ^= 1; /* within IDAT */
    refuse(&f, LAB_E_FORMAT, "wrong checksum in its IDAT");
    file_free(&f);
}

static void gif_without_its_end(void **state)
{
    (void)state;
    const uint8_t gif[] = { 'G', 'I', 'F', '8', '9', 'a', 2,   0,   1,   0,    0x80,
                            0,   0,   10,  20,  30,  200, 210, 220, ',', 0,    0,
                            0,   0,   2,   0,   1,   0,   0,   2,   2,   0x44, 0x0a };
    refuse_bytes(gif, sizeof gif, LAB_E_FORMAT, "GIF is cut short");
    refuse_bytes(gif, 19, LAB_E_FORMAT, "GIF is cut short");
    refuse_bytes(gif, 8, LAB_E_FORMAT, "GIF is cut short");
}

static void bmp_that_is_compressed(void **state)
{
    (void)state;
    file_bytes f = { 0 };
    file_add(&f, "BM", 2);
    for (int i = 0; i < 3; i++)
        file_add_le(&f, i == 2 ? 54 : 0, 4);
    file_add_le(&f, 40, 4);
    file_add_le(&f, 2, 4);
    file_add_le(&f, 2, 4);
    file_add_le(&f, 1 | 8 << 16, 4);
    file_add_le(&f, 1, 4);
    for (int i = 0; i < 5; i++)
        file_add_le(&f, 0, 4);
    refuse(&f, LAB_E_UNSUPPORTED, "BMP is compressed");
    file_free(&f);
}

/* Files with bytes changed at random decode or fail, and give everything back. */
static void mutations(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 23, 17, 3, &in);
    uint32_t seed = 2463534242u;
    for (int format = LAB_FORMAT_PNG; format <= LAB_FORMAT_BMP; format++) {
        file_bytes f = encode_file(&ctx, &in, (lab_image_format)format);
        uint8_t *copy = malloc(f.size);
        for (int round = 0; round < 1500; round++) {
            memcpy(copy, f.data, f.size);
            uint32_t changes = 1 + random_next(&seed) % 6;
            for (uint32_t i = 0; i < changes; i++)
                copy[random_next(&seed) % f.size] = (uint8_t)random_next(&seed);
            lab_tensor out;
            lab_error error = { 0 };
            size_t before = alive;
            lab_status status = lab_image_decode(&ctx, copy, f.size, true, &out, &error);
            if (status) {
                assert_true(error.message[0] != '\0');
                assert_int_equal(error.status, status);
            } else {
                lab_tensor_clear(&out);
            }
            assert_int_equal(alive, before);
        }
        free(copy);
        file_free(&f);
    }
    lab_tensor_clear(&in);
}

static int begin(void **state)
{
    (void)state;
    static const lab_allocator counting = { counting_allocate, counting_release, NULL };
    return lab_context_init(&ctx, &counting, 1, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_context_finish(&ctx);
    return alive != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_pictures),        cmocka_unit_test(known_but_not_read),
        cmocka_unit_test(cut_anywhere),        cmocka_unit_test(huge_headers_without_data),
        cmocka_unit_test(decompression_bomb),  cmocka_unit_test(jpegs_beyond_the_decoder),
        cmocka_unit_test(jpeg_tables),         cmocka_unit_test(wrong_checksum),
        cmocka_unit_test(gif_without_its_end), cmocka_unit_test(bmp_that_is_compressed),
        cmocka_unit_test(mutations),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
