/*
 * Label maps from PNG; map_png.c writes them. libpng reports errors with longjmp: every jump starts
 * and lands in this file, in a function whose own variables are not changed after setjmp; all that
 * is changed lives in a struct.
 */
#include "image/indexed_png.h"

#include <png.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"

/* What libpng's callbacks are handed. */
typedef struct png_job {
    lab_context *ctx;
    lab_error *error;
    lab_status status; /* of the first failure */
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t size, at;
    lab_tensor map;
} png_job;

static void png_failed(png_structp png, png_const_charp text)
{
    png_job *job = png_get_error_ptr(png);
    if (!job->status)
        job->status = lab_error_set(job->error, LAB_E_FORMAT, "damaged PNG: %s", text);
    png_longjmp(png, 1);
}

/* libpng warns about things (odd chunks, colour profiles) that do not change ids. */
static void png_warned(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static png_voidp png_take(png_structp png, png_alloc_size_t size)
{
    png_job *job = png_get_mem_ptr(png);
    void *ptr = lab_alloc(job->ctx, size);
    if (!ptr && !job->status)
        job->status = lab_error_nomem(job->error, size, "a label map's PNG");
    return ptr;
}

static void png_give(png_structp png, png_voidp ptr)
{
    png_job *job = png_get_mem_ptr(png);
    lab_free(job->ctx, ptr);
}

static void png_read_bytes(png_structp png, png_bytep data, size_t size)
{
    png_job *job = png_get_io_ptr(png);
    if (size > job->size - job->at)
        png_error(png, "the file is cut short");
    memcpy(data, job->bytes + job->at, size);
    job->at += size;
}

static void fail(png_job *job, lab_status status, const char *text)
{
    if (!job->status)
        job->status = lab_error_set(job->error, status, "%s", text);
    png_longjmp(job->png, 1);
}

static bool begin(png_job *job)
{
    job->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job, png_failed, png_warned, job,
                                        png_take, png_give);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info && !job->status)
        job->status = lab_error_nomem(job->error, 0, "a label map's PNG");
    return job->info != NULL;
}

static void finish(png_job *job)
{
    if (job->png)
        png_destroy_read_struct(&job->png, &job->info, NULL);
}

static void start_reading(png_job *job)
{
    png_set_read_fn(job->png, job, png_read_bytes);
    png_set_user_limits(job->png, LAB_IMAGE_MAX_SIDE, LAB_IMAGE_MAX_SIDE);
    /* Hostile files: few ancillary chunks, none large, checksums and Adler sums must be right. */
    png_set_chunk_cache_max(job->png, 64);
    png_set_chunk_malloc_max(job->png, 1 << 20);
    png_set_crc_action(job->png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    /* An id beyond the palette is an id all the same. */
    png_set_check_for_invalid_index(job->png, 0);
    png_set_benign_errors(job->png, 1);
    png_read_info(job->png, job->info);
}

/* Checks what the header says and allocates the map. */
static void prepare_map(png_job *job)
{
    int32_t width = (int32_t)png_get_image_width(job->png, job->info);
    int32_t height = (int32_t)png_get_image_height(job->png, job->info);
    int type = png_get_color_type(job->png, job->info);
    int depth = png_get_bit_depth(job->png, job->info);
    if (type != PNG_COLOR_TYPE_PALETTE && type != PNG_COLOR_TYPE_GRAY)
        fail(job, LAB_E_UNSUPPORTED,
             "a label map's PNG must be indexed or grey without alpha: this one is a colour "
             "picture, whose pixels are no class ids");
    if ((uint64_t)width * (uint64_t)height > LAB_IMAGE_MAX_PIXELS)
        fail(job, LAB_E_LIMIT, "a label map has at most 268 megapixels");
    /* A row of a deflate stream cannot be smaller than 1/1032 of itself: refuse a huge header with
       no data before memory is taken for it. */
    uint64_t need = ((uint64_t)width * (uint64_t)depth + 7) / 8 * (uint64_t)height / 1032;
    if (need > job->size)
        fail(job, LAB_E_FORMAT, "damaged PNG: its data cannot hold the pixels its header promises");
    int32_t shape[2] = { height, width };
    if (depth < 8)
        png_set_packing(job->png); /* one id a byte, its value unchanged */
    (void)png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->status = lab_tensor_new(job->ctx, LAB_LABELMAP, depth == 16 ? LAB_U16 : LAB_U8, 2, shape,
                                 &job->map, job->error);
    if (job->status)
        png_longjmp(job->png, 1);
}

static void read_rows(png_job *job)
{
    int32_t height = job->map.shape[0], width = job->map.shape[1];
    size_t stride = (size_t)width * (job->map.dtype == LAB_U16 ? 2 : 1);
    bool interlaced = png_get_interlace_type(job->png, job->info) != PNG_INTERLACE_NONE;
    memset(job->map.data, 0, job->map.size);
    for (int pass = 0; pass < (interlaced ? 7 : 1); pass++)
        for (int32_t y = 0; y < height; y++)
            png_read_row(job->png, (png_bytep)job->map.data + (size_t)y * stride, NULL);
    png_read_end(job->png, NULL);
    if (job->map.dtype != LAB_U16)
        return;
    uint16_t *ids = job->map.data;
    const uint8_t *stored = job->map.data;
    for (size_t i = 0; i < job->map.size / 2; i++)
        ids[i] = (uint16_t)(stored[2 * i] << 8 | stored[2 * i + 1]);
}

static void read_palette(png_job *job, uint32_t *palette, uint32_t *n_palette)
{
    png_colorp colors = NULL;
    int count = 0;
    if (png_get_color_type(job->png, job->info) == PNG_COLOR_TYPE_PALETTE)
        png_get_PLTE(job->png, job->info, &colors, &count);
    if (n_palette)
        *n_palette = (uint32_t)count;
    for (int i = 0; i < count && palette; i++)
        palette[i] =
            (uint32_t)colors[i].red << 16 | (uint32_t)colors[i].green << 8 | colors[i].blue;
}

static void read_map(png_job *job, uint32_t *palette, uint32_t *n_palette)
{
    start_reading(job);
    prepare_map(job);
    read_palette(job, palette, n_palette);
    read_rows(job);
}

lab_status lab_labelmap_decode(lab_context *ctx, const uint8_t *bytes, size_t size, lab_tensor *out,
                               uint32_t *palette, uint32_t *n_palette, lab_error *error)
{
    if (size < 8 || png_sig_cmp(bytes, 0, 8) != 0)
        return lab_error_set(error, LAB_E_FORMAT,
                             "not a PNG: a label map is read from an indexed or grey PNG");
    png_job job = { .ctx = ctx, .error = error, .bytes = bytes, .size = size };
    if (begin(&job)) {
        if (setjmp(png_jmpbuf(job.png)) == 0)
            read_map(&job, palette, n_palette);
    }
    finish(&job);
    if (job.status) {
        lab_tensor_clear(&job.map);
        return job.status;
    }
    *out = job.map;
    return LAB_OK;
}
