/* Picture bytes to pixels: checks before, stb_image, checks after, EXIF orientation. */
#include <string.h>

#include "image/container.h"
#include "image/image.h"
#include "image/stb_memory.h"
#include "stb_image.h"

typedef lab_status scan_fn(const uint8_t *bytes, size_t size, lab_container_info *info,
                           lab_error *error);

static const struct {
    const char *format, *name;
    scan_fn *scan;
} containers[] = {
    [LAB_CONTAINER_JPEG] = { "jpeg", "JPEG", lab_scan_jpeg },
    [LAB_CONTAINER_PNG] = { "png", "PNG", lab_scan_png },
    [LAB_CONTAINER_BMP] = { "bmp", "BMP", lab_scan_bmp },
    [LAB_CONTAINER_GIF] = { "gif", "GIF", lab_scan_gif },
    [LAB_CONTAINER_PNM] = { "pnm", "PGM or PPM", lab_scan_pnm },
};

static lab_status check_limits(const lab_container_info *info, size_t size, lab_error *error)
{
    if (info->width == 0 || info->height == 0)
        return lab_error_set(error, LAB_E_FORMAT, "damaged %s: its header says %ux%u pixels",
                             info->name, info->width, info->height);
    if (info->width > LAB_IMAGE_MAX_SIDE || info->height > LAB_IMAGE_MAX_SIDE ||
        (uint64_t)info->width * info->height > LAB_IMAGE_MAX_PIXELS)
        return lab_error_set(error, LAB_E_LIMIT,
                             "%ux%u pixels are more than the limit of %llu megapixels (%d a side): "
                             "make the picture smaller first",
                             info->width, info->height,
                             (unsigned long long)LAB_IMAGE_MAX_PIXELS / 1000000,
                             LAB_IMAGE_MAX_SIDE);
    if (size > INT32_MAX)
        return lab_error_set(error, LAB_E_LIMIT, "a picture file of %zu bytes: the limit is %d",
                             size, INT32_MAX);
    return LAB_OK;
}

/* stb's own words for a failure, in our sentence. */
static lab_status stb_failed(const lab_stb_scope *scope, const lab_container_info *info,
                             lab_error *error)
{
    if (scope->refused)
        return lab_error_nomem(error, scope->refused, "decoding the picture");
    if (scope->over_budget)
        return lab_error_set(error, LAB_E_LIMIT,
                             "damaged %s: its data unpack to far more than %ux%u pixels",
                             info->name, info->width, info->height);
    const char *reason = stbi_failure_reason();
    return lab_error_set(error, LAB_E_FORMAT, "damaged %s: %s", info->name,
                         reason ? reason : "its pixels cannot be decoded");
}

/* What the decoder will make of the header; `components` as stored. */
static lab_status stb_header(lab_context *ctx, const uint8_t *bytes, size_t size,
                             const lab_container_info *info, int *components, bool *sixteen,
                             lab_error *error)
{
    lab_stb_scope scope;
    int width = 0, height = 0;
    volatile bool ok = false;
    lab_stb_enter(&scope, ctx, (size_t)1 << 20);
    if (setjmp(scope.escape) == 0) {
        ok = stbi_info_from_memory(bytes, (int)size, &width, &height, components);
        *sixteen = ok && stbi_is_16_bit_from_memory(bytes, (int)size);
    }
    lab_status status = LAB_OK;
    if (!ok || scope.refused)
        status = stb_failed(&scope, info, error);
    else if ((uint32_t)width != info->width || (uint32_t)height != info->height)
        status = lab_error_set(error, LAB_E_FORMAT, "damaged %s: %ux%u or %dx%d pixels?",
                               info->name, info->width, info->height, width, height);
    lab_stb_leave(&scope);
    return status;
}

static lab_status read_header(lab_context *ctx, const uint8_t *bytes, size_t size,
                              lab_container_info *info, lab_image_info *out, lab_error *error)
{
    lab_container container;
    lab_status status = lab_sniff(bytes, size, &container, error);
    if (status)
        return status;
    memset(info, 0, sizeof *info);
    info->container = container;
    info->name = containers[container].name;
    info->maxval = 255;
    status = containers[container].scan(bytes, size, info, error);
    if (!status)
        status = check_limits(info, size, error);
    int components = 0;
    bool sixteen = false;
    if (!status)
        status = stb_header(ctx, bytes, size, info, &components, &sixteen, error);
    if (status)
        return status;
    out->width = (int32_t)info->width;
    out->height = (int32_t)info->height;
    out->channels = components == 2 ? 4 : components;
    out->orientation = lab_exif_orientation(info->exif, info->exif_size);
    out->sixteen_bit = sixteen;
    out->format = containers[container].format;
    return LAB_OK;
}

/* The probe has no context of its own: the little that stb takes for a header comes from here. */
lab_status lab_image_probe(const uint8_t *bytes, size_t size, lab_image_info *info,
                           lab_error *error)
{
    lab_context ctx = { .allocator = lab_system_allocator };
    lab_container_info container;
    memset(info, 0, sizeof *info);
    return read_header(&ctx, bytes, size, &container, info, error);
}

/*
 * What decoding may take: the compressed data gathered (and grown by doubling), samples of two
 * bytes before they are made bytes, planes, filtered rows and the result. A file that wants more
 * than this is made to exhaust memory.
 */
static size_t decoding_budget(const lab_image_info *info, size_t size)
{
    size_t pixels = (size_t)info->width * (size_t)info->height;
    return size * 4 + pixels * 32 + ((size_t)4 << 20);
}

static lab_status stb_decode(lab_context *ctx, const uint8_t *bytes, size_t size,
                             const lab_container_info *container, const lab_image_info *info,
                             lab_buffer **out, lab_error *error)
{
    lab_stb_scope scope;
    int width = 0, height = 0, stored = 0;
    stbi_uc *volatile pixels = NULL;
    lab_stb_enter(&scope, ctx, decoding_budget(info, size));
    if (setjmp(scope.escape) == 0)
        pixels = stbi_load_from_memory(bytes, (int)size, &width, &height, &stored, info->channels);
    lab_status status = LAB_OK;
    size_t bytes_out = (size_t)info->width * (size_t)info->height * (size_t)info->channels;
    if (!pixels || scope.refused || width != info->width || height != info->height)
        status = stb_failed(&scope, container, error);
    else if ((*out = lab_stb_keep(&scope, pixels, bytes_out)) == NULL)
        status = lab_error_nomem(error, scope.refused, "the picture");
    lab_stb_leave(&scope);
    return status;
}

/* stb_image gives the samples of a PGM or PPM as they are stored. */
static void stretch_to_255(uint8_t *pixels, size_t count, uint32_t maxval)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t v = pixels[i] < maxval ? pixels[i] : maxval;
        pixels[i] = (uint8_t)((v * 255 + maxval / 2) / maxval);
    }
}

lab_status lab_image_decode(lab_context *ctx, const uint8_t *bytes, size_t size, bool orient,
                            lab_tensor *out, lab_error *error)
{
    lab_container_info container;
    lab_image_info info;
    lab_status status = read_header(ctx, bytes, size, &container, &info, error);
    if (status)
        return status;
    if (container.complete)
        return lab_error_set(error, container.complete, "%s", container.reason);
    lab_buffer *buffer = NULL;
    status = stb_decode(ctx, bytes, size, &container, &info, &buffer, error);
    if (status)
        return status;
    if (container.maxval < 255)
        stretch_to_255(lab_buffer_data(buffer), lab_buffer_size(buffer), container.maxval);
    lab_tensor decoded = { .kind = LAB_IMAGE,
                           .dtype = LAB_U8,
                           .rank = 3,
                           .shape = { info.height, info.width, info.channels },
                           .data = lab_buffer_data(buffer),
                           .size = lab_buffer_size(buffer),
                           .buffer = buffer };
    if (!orient || info.orientation == 1) {
        *out = decoded;
        return LAB_OK;
    }
    status = lab_image_orient(ctx, &decoded, info.orientation, out, error);
    lab_tensor_clear(&decoded);
    return status;
}
