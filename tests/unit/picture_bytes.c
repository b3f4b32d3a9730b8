/* Picture files built byte by byte; see picture_bytes.h. */
#include "picture_bytes.h"

#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

void file_add(file_bytes *file, const void *data, size_t size)
{
    if (size == 0)
        return;
    file->data = realloc(file->data, file->size + size);
    assert_non_null(file->data);
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

void file_add_be(file_bytes *file, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        file_add(file, &(uint8_t){ (uint8_t)(value >> (8 * i)) }, 1);
}

void file_add_le(file_bytes *file, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        file_add(file, &(uint8_t){ (uint8_t)(value >> (8 * i)) }, 1);
}

void file_free(file_bytes *file)
{
    free(file->data);
    *file = (file_bytes){ 0 };
}

void png_chunk(file_bytes *file, const char type[4], const void *data, size_t size)
{
    file_add_be(file, (uint32_t)size, 4);
    size_t start = file->size;
    file_add(file, type, 4);
    file_add(file, data, size);
    uint32_t sum = (uint32_t)crc32(0, file->data + start, (uInt)(file->size - start));
    file_add_be(file, sum, 4);
}

file_bytes png_make(const png_spec *spec)
{
    file_bytes file = { 0 }, header = { 0 }, raw = { 0 };
    file_add(&file, "\x89PNG\r\n\x1a\n", 8);
    file_add_be(&header, spec->width, 4);
    file_add_be(&header, spec->height, 4);
    const uint8_t rest[5] = { (uint8_t)spec->depth, (uint8_t)spec->color_type, 0, 0, 0 };
    file_add(&header, rest, 5);
    png_chunk(&file, "IHDR", header.data, header.size);
    if (spec->palette)
        png_chunk(&file, "PLTE", spec->palette, (size_t)spec->palette_size * 3);
    if (spec->exif)
        png_chunk(&file, "eXIf", spec->exif, spec->exif_size);
    if (spec->rows) {
        for (uint32_t y = 0; y < spec->height; y++) {
            file_add(&raw, "", 1); /* filter: none */
            file_add(&raw, spec->rows + y * spec->stride, spec->stride);
        }
        uLongf packed_size = compressBound((uLong)raw.size);
        uint8_t *packed = malloc(packed_size);
        assert_int_equal(compress2(packed, &packed_size, raw.data, (uLong)raw.size, 9), Z_OK);
        png_chunk(&file, "IDAT", packed, packed_size);
        free(packed);
    }
    png_chunk(&file, "IEND", NULL, 0);
    file_free(&header);
    file_free(&raw);
    return file;
}

file_bytes exif_make(int orientation, bool big_endian)
{
    file_bytes tiff = { 0 };
    void (*add)(file_bytes *, uint32_t, int) = big_endian ? file_add_be : file_add_le;
    file_add(&tiff, big_endian ? "MM" : "II", 2);
    add(&tiff, 42, 2);
    add(&tiff, 8, 4); /* where the directory is */
    add(&tiff, 1, 2); /* entries */
    add(&tiff, 0x0112, 2);
    add(&tiff, 3, 2); /* SHORT */
    add(&tiff, 1, 4);
    add(&tiff, (uint32_t)orientation, 2);
    add(&tiff, 0, 2);
    add(&tiff, 0, 4); /* no further directory */
    return tiff;
}

file_bytes jpeg_with_exif(const file_bytes *jpeg, const file_bytes *tiff)
{
    file_bytes file = { 0 };
    file_add(&file, jpeg->data, 2);
    file_add(&file, "\xff\xe1", 2);
    file_add_be(&file, (uint32_t)(2 + 6 + tiff->size), 2);
    file_add(&file, "Exif\0\0", 6);
    file_add(&file, tiff->data, tiff->size);
    file_add(&file, jpeg->data + 2, jpeg->size - 2);
    return file;
}

file_bytes encode_file(lab_context *ctx, const lab_tensor *in, lab_image_format format)
{
    lab_error error = { 0 };
    lab_buffer *buffer = NULL;
    assert_ok(lab_image_encode(ctx, in, format, 90, 6, &buffer, &error), &error);
    file_bytes file = { 0 };
    file_add(&file, lab_buffer_data(buffer), lab_buffer_size(buffer));
    lab_buffer_unref(buffer);
    return file;
}

void make_picture(lab_context *ctx, int32_t width, int32_t height, int32_t channels,
                  lab_tensor *out)
{
    lab_error error = { 0 };
    const int32_t shape[3] = { height, width, channels };
    assert_ok(lab_tensor_new(ctx, LAB_IMAGE, LAB_U8, 3, shape, out, &error), &error);
    uint32_t seed = 12345u + (uint32_t)(width * 31 + height * 7 + channels);
    uint8_t *p = out->data;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int32_t c = 0; c < channels; c++) {
                int32_t v = (x * (3 + c) + y * (5 - c)) * 255 / (8 * (width + height)) + 30 * c;
                *p++ = (uint8_t)((v + (int32_t)(random_next(&seed) % 24)) & 255);
            }
}

uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void assert_ok(lab_status status, const lab_error *error)
{
    if (status != LAB_OK)
        fail_msg("%s: %s", lab_status_name(status), error->message);
}
