/* Pixels to picture bytes: stb_image_write for pictures and masks, libpng for label maps. */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "image/bytes.h"
#include "image/image.h"
#include "image/indexed_png.h"
#include "image/stb_memory.h"
#include "stb_image_write.h"

static const char *const format_names[] = {
    [LAB_FORMAT_PNG] = "PNG",
    [LAB_FORMAT_JPEG] = "JPEG",
    [LAB_FORMAT_BMP] = "BMP",
};

bool lab_image_format_of(const char *path, lab_image_format *format)
{
    static const struct {
        const char *ending;
        lab_image_format format;
    } endings[] = {
        { "png", LAB_FORMAT_PNG },
        { "jpg", LAB_FORMAT_JPEG },
        { "jpeg", LAB_FORMAT_JPEG },
        { "bmp", LAB_FORMAT_BMP },
    };
    const char *dot = strrchr(path, '.');
    if (!dot || strchr(dot, '/'))
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i].ending) == 0) {
            *format = endings[i].format;
            return true;
        }
    }
    return false;
}

static void write_bytes(void *user, void *data, int size)
{
    lab_bytes_add(user, data, (size_t)size);
}

static lab_status check_input(const lab_tensor *in, lab_image_format format, int quality, int level,
                              lab_error *error)
{
    if (in->kind != LAB_IMAGE && in->kind != LAB_MASK && in->kind != LAB_LABELMAP)
        return lab_error_set(error, LAB_E_INVALID, "a %s cannot be encoded as a picture",
                             lab_type_name(in->kind));
    if (format > LAB_FORMAT_BMP)
        return lab_error_set(error, LAB_E_INVALID, "there is no picture format %d", (int)format);
    if (in->kind == LAB_LABELMAP && format != LAB_FORMAT_PNG)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "a label map can only be written as PNG: %s does not keep class ids "
                             "(colorize it first for a picture)",
                             format_names[format]);
    if (format == LAB_FORMAT_JPEG && (quality < 1 || quality > 100))
        return lab_error_set(error, LAB_E_INVALID, "quality must be 1..100, got %d", quality);
    if (format == LAB_FORMAT_PNG && (level < 0 || level > 9))
        return lab_error_set(error, LAB_E_INVALID, "level must be 0..9, got %d", level);
    if (format == LAB_FORMAT_JPEG && in->kind == LAB_IMAGE && in->shape[2] == 4)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "JPEG has no transparency: composite the picture on a colour first, "
                             "or write PNG");
    return LAB_OK;
}

lab_status lab_image_encode(lab_context *ctx, const lab_tensor *in, lab_image_format format,
                            int quality, int level, lab_buffer **out, lab_error *error)
{
    lab_status status = check_input(in, format, quality, level, error);
    if (status)
        return status;
    if (in->kind == LAB_LABELMAP)
        return lab_labelmap_encode(ctx, in, level, out, error);

    int height = in->shape[0], width = in->shape[1];
    int channels = in->kind == LAB_MASK ? 1 : in->shape[2];
    lab_bytes bytes = { .ctx = ctx };
    lab_stb_scope scope;
    volatile int ok = 0;
    lab_stb_enter(&scope, ctx, SIZE_MAX);
    scope.level = level;
    if (setjmp(scope.escape) == 0) {
        if (format == LAB_FORMAT_PNG)
            ok = stbi_write_png_to_func(write_bytes, &bytes, width, height, channels, in->data,
                                        width * channels);
        else if (format == LAB_FORMAT_JPEG)
            ok = stbi_write_jpg_to_func(write_bytes, &bytes, width, height, channels, in->data,
                                        quality);
        else
            ok = stbi_write_bmp_to_func(write_bytes, &bytes, width, height, channels, in->data);
    }
    size_t refused = scope.refused;
    lab_stb_leave(&scope);
    if (ok)
        return lab_bytes_take(&bytes, out, error);
    lab_bytes_free(&bytes);
    if (refused)
        return lab_error_nomem(error, refused, "encoding the picture");
    return lab_error_set(error, LAB_E_LIMIT, "a picture of %dx%d pixels is too large for %s", width,
                         height, format_names[format]);
}
