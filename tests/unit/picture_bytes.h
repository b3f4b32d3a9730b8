/* Picture files built byte by byte, and small helpers, for the tests of src/image and src/ops. */
#ifndef TEST_UNIT_PICTURE_BYTES_H
#define TEST_UNIT_PICTURE_BYTES_H

#include "image/image.h"

typedef struct file_bytes {
    uint8_t *data; /* malloc; NULL when empty */
    size_t size;
} file_bytes;

void file_add(file_bytes *file, const void *data, size_t size);
void file_add_be(file_bytes *file, uint32_t value, int bytes);
void file_add_le(file_bytes *file, uint32_t value, int bytes);
void file_free(file_bytes *file);

/* One PNG chunk with its checksum. */
void png_chunk(file_bytes *file, const char type[4], const void *data, size_t size);

typedef struct png_spec {
    uint32_t width, height;
    int depth, color_type;
    const uint8_t *rows; /* packed rows, without filter bytes; NULL: no IDAT */
    size_t stride;
    const uint8_t *palette; /* r, g, b, …; NULL: none */
    int palette_size;
    const uint8_t *exif;
    size_t exif_size;
} png_spec;

file_bytes png_make(const png_spec *spec);

/* A TIFF block with one tag, Orientation. */
file_bytes exif_make(int orientation, bool big_endian);

/* Inserts an APP1 segment with the TIFF block right after the first marker of a JPEG. */
file_bytes jpeg_with_exif(const file_bytes *jpeg, const file_bytes *tiff);

/* Encodes with lab_image_encode; asserts success. */
file_bytes encode_file(lab_context *ctx, const lab_tensor *in, lab_image_format format);

/* A picture of smooth colours with some noise; channels 1, 3 or 4. */
void make_picture(lab_context *ctx, int32_t width, int32_t height, int32_t channels,
                  lab_tensor *out);

/* xorshift: the same numbers everywhere. The state must not be 0. */
uint32_t random_next(uint32_t *state);

/* Fails the test with the error's sentence unless status is LAB_OK. */
void assert_ok(lab_status status, const lab_error *error);

#endif
