/*
 * Pictures in and out. Decoding and encoding by stb_image and stb_image_write; label maps as
 * indexed PNG by libpng; EXIF orientation by libexif. Everything takes and gives bytes: whoever
 * has a path reads it with base/file.h.
 */
#ifndef LAB_IMAGE_IMAGE_H
#define LAB_IMAGE_IMAGE_H

#include "tensor/tensor.h"

#define LAB_IMAGE_MAX_SIDE 65535
#define LAB_IMAGE_MAX_PIXELS (UINT64_C(1) << 28) /* 268 megapixels */

typedef struct lab_image_info {
    int32_t width, height; /* as stored, before orientation */
    int32_t channels;      /* 1, 3 or 4 once decoded (grey + alpha becomes 4) */
    int32_t orientation;   /* EXIF 1..8; 1 when absent */
    bool sixteen_bit;      /* decoded to 8 bits a sample */
    const char *format;    /* "jpeg", "png", "bmp", … */
} lab_image_info;

/* Reads the header only. LAB_E_FORMAT says what the bytes look like instead. */
lab_status lab_image_probe(const uint8_t *bytes, size_t size, lab_image_info *info,
                           lab_error *error);

/*
 * Decodes to u8 [H, W, 1|3|4]; `orient` applies the EXIF orientation. Size is checked against the
 * limits before anything is allocated, truncation is an error (never a half-grey picture), CMYK
 * JPEG and other things stb cannot do are LAB_E_UNSUPPORTED with what to do instead.
 */
lab_status lab_image_decode(lab_context *ctx, const uint8_t *bytes, size_t size, bool orient,
                            lab_tensor *out, lab_error *error);

/* Turns and mirrors by EXIF orientation 1..8 (CIPA DC-008 table of 0x0112). */
lab_status lab_image_orient(lab_context *ctx, const lab_tensor *in, int orientation,
                            lab_tensor *out, lab_error *error);

typedef enum lab_image_format {
    LAB_FORMAT_PNG = 0,
    LAB_FORMAT_JPEG,
    LAB_FORMAT_BMP
} lab_image_format;

/* From a file name's ending, ignoring case; false when it is none of them. */
bool lab_image_format_of(const char *path, lab_image_format *format);

/*
 * Encodes an image (JPEG: alpha is refused, quality 1..100), a mask (grey PNG) or a label map
 * (PNG only: 8-bit indexed with the label set's colours as palette, pixel = class id; 16-bit grey
 * for u16). `level` is 0 (stored) .. 9 (smallest and slowest).
 */
lab_status lab_image_encode(lab_context *ctx, const lab_tensor *in, lab_image_format format,
                            int quality, int level, lab_buffer **out, lab_error *error);

/*
 * Reads class ids from a PNG without interpreting colours: palette index, or the grey value
 * (8 or 16 bits; 1, 2 and 4 bits are widened). Colour PNGs are LAB_E_UNSUPPORTED. The palette, if
 * any, is written to `palette` (256 entries 0xRRGGBB, may be NULL) and its length to `n_palette`.
 */
lab_status lab_labelmap_decode(lab_context *ctx, const uint8_t *bytes, size_t size, lab_tensor *out,
                               uint32_t *palette, uint32_t *n_palette, lab_error *error);

typedef enum lab_resample {
    LAB_RESAMPLE_AREA = 0, /* enlarging: bilinear; shrinking: weighted mean of what is covered */
    LAB_RESAMPLE_BILINEAR,
    LAB_RESAMPLE_NEAREST,
    LAB_RESAMPLE_LANCZOS /* a = 3, widened when shrinking */
} lab_resample;

/*
 * Resizes u8 [H, W, C] or [H, W] (masks; label maps with NEAREST only) with pixel centres at
 * half-integers. Separable, integer arithmetic (14-bit weights, 6 more bits a sample between the
 * passes, round half up at each), so the bytes are the same everywhere. Alpha is premultiplied on
 * the way. The same size shares the data of `in`.
 */
lab_status lab_image_resize(lab_context *ctx, const lab_tensor *in, int32_t width, int32_t height,
                            lab_resample method, lab_tensor *out, lab_error *error);

#define LAB_BLUR_MAX_SIGMA 512.0

/*
 * Blurs an image or a mask with a separable Gaussian (cut off at 3 sigma, edges repeated), in the
 * integer arithmetic of lab_image_resize. sigma 0 shares the data of `in`.
 */
lab_status lab_image_blur(lab_context *ctx, const lab_tensor *in, double sigma, lab_tensor *out,
                          lab_error *error);

#endif
