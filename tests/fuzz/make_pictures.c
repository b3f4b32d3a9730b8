/* Writes small pictures of every kind to a folder: where fuzz_picture starts from. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "image/image.h"

static lab_status write_one(lab_context *ctx, const char *folder, const char *name,
                            lab_image_format format, lab_type kind, int32_t channels,
                            lab_error *error)
{
    lab_tensor in;
    const int32_t shape[3] = { 9, 12, channels };
    lab_status status =
        lab_tensor_new(ctx, kind, LAB_U8, kind == LAB_IMAGE ? 3 : 2, shape, &in, error);
    if (status)
        return status;
    for (size_t i = 0; i < in.size; i++)
        ((uint8_t *)in.data)[i] = (uint8_t)(kind == LAB_IMAGE ? i * 37 : i / 5 % 21);
    lab_buffer *file = NULL;
    status = lab_image_encode(ctx, &in, format, 80, 6, &file, error);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!status)
        status =
            lab_file_write(ctx, path, lab_buffer_data(file), lab_buffer_size(file), false, error);
    lab_buffer_unref(file);
    lab_tensor_clear(&in);
    return status;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        lab_image_format format;
        lab_type kind;
        int32_t channels;
    } seeds[] = {
        { "grey.png", LAB_FORMAT_PNG, LAB_IMAGE, 1 },
        { "rgb.png", LAB_FORMAT_PNG, LAB_IMAGE, 3 },
        { "rgba.png", LAB_FORMAT_PNG, LAB_IMAGE, 4 },
        { "map.png", LAB_FORMAT_PNG, LAB_LABELMAP, 1 },
        { "rgb.jpg", LAB_FORMAT_JPEG, LAB_IMAGE, 3 },
        { "rgb.bmp", LAB_FORMAT_BMP, LAB_IMAGE, 3 },
    };
    static const char gif[] =
        "GIF89a\2\0\1\0\200\0\0\n\24\36\310\322\334,\0\0\0\0\2\0\1\0\0\2\2D\n\0;";
    static const char ppm[] = "P6 2 1 255\n\1\2\3\4\5\6";
    lab_context ctx;
    lab_error error = { 0 };
    lab_status status = LAB_E_INVALID;
    if (argc == 2)
        status = lab_context_init(&ctx, NULL, 1, &error);
    if (status) {
        fprintf(stderr, "usage: make_pictures FOLDER\n");
        return 2;
    }
    status = lab_make_dirs(argv[1], &error);
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0] && !status; i++)
        status = write_one(&ctx, argv[1], seeds[i].name, seeds[i].format, seeds[i].kind,
                           seeds[i].channels, &error);
    char path[4096];
    snprintf(path, sizeof path, "%s/two.gif", argv[1]);
    if (!status)
        status = lab_file_write(&ctx, path, gif, sizeof gif - 1, false, &error);
    snprintf(path, sizeof path, "%s/two.ppm", argv[1]);
    if (!status)
        status = lab_file_write(&ctx, path, ppm, sizeof ppm - 1, false, &error);
    if (status)
        fprintf(stderr, "make_pictures: %s\n", error.message);
    lab_context_finish(&ctx);
    return status ? 1 : 0;
}
