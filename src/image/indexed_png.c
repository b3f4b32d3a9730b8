/*
 * Label maps in and out of PNG. libpng reports errors with longjmp: every jump starts and lands in
 * this file, in a function whose own variables are not changed after setjmp; all that is changed
 * lives in a struct.
 */
#include "image/indexed_png.h"

#include <png.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "image/bytes.h"
#include "image/palette.h"

/* Both directions: what libpng's callbacks are handed. */
typedef struct png_job {
    lab_context *ctx;
    lab_error *error;
    lab_status status; /* of the first failure */
    bool writing;
    png_structp png;
    png_infop info;
    /* reading */
    const uint8_t *bytes;
    size_t size, at;
    lab_tensor map;
    uint8_t *row;
    /* writing */
    lab_bytes out;
} png_job;

static void png_failed(png_structp png, png_const_charp text)
{
    png_job *job = png_get_error_ptr(png);
    if (!job->status)
        job->status = lab_error_set(job->error, LAB_E_FORMAT, "%s PNG: %s",
                                    job->writing ? "cannot write the" : "damaged", text);
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

static void png_write_bytes(png_structp png, png_bytep data, size_t size)
{
    png_job *job = png_get_io_ptr(png);
    lab_bytes_add(&job->out, data, size);
    if (job->out.refused) {
        if (!job->status)
            job->status = lab_error_nomem(job->error, job->out.refused, "a label map's PNG");
        png_error(png, "no memory");
    }
}

static void png_flush_bytes(png_structp png)
{
    (void)png;
}

static void fail(png_job *job, lab_status status, const char *text)
{
    if (!job->status)
        job->status = lab_error_set(job->error, status, "%s", text);
    png_longjmp(job->png, 1);
}

static bool begin(png_job *job)
{
    if (job->writing)
        job->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, job, png_failed, png_warned,
                                             job, png_take, png_give);
    else
        job->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job, png_failed, png_warned, job,
                                            png_take, png_give);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info && !job->status)
        job->status = lab_error_nomem(job->error, 0, "a label map's PNG");
    return job->info != NULL;
}

static void finish(png_job *job)
{
    if (job->png && job->writing)
        png_destroy_write_struct(&job->png, &job->info);
    else if (job->png)
        png_destroy_read_struct(&job->png, &job->info, NULL);
    lab_free(job->ctx, job->row);
    job->row = NULL;
}

/* ---- writing ---- */

/* The palette covers every id that occurs: a pixel beyond it would make the PNG invalid. */
static void set_palette(png_job *job, const lab_tensor *map)
{
    png_color palette[256];
    const uint8_t *ids = map->data;
    uint32_t count = map->labels ? lab_labels_count(map->labels) : 256;
    for (size_t i = 0; i < map->size; i++)
        count = ids[i] >= count ? ids[i] + 1u : count;
    count = count > 256 ? 256 : count;
    for (uint32_t id = 0; id < count; id++) {
        uint32_t color = lab_class_color(map->labels, id);
        palette[id] =
            (png_color){ (png_byte)(color >> 16), (png_byte)(color >> 8), (png_byte)color };
    }
    png_set_PLTE(job->png, job->info, palette, (int)count);
}

static void write_map(png_job *job, const lab_tensor *map, int level)
{
    int32_t height = map->shape[0], width = map->shape[1];
    bool wide = map->dtype == LAB_U16;
    png_set_write_fn(job->png, job, png_write_bytes, png_flush_bytes);
    png_set_user_limits(job->png, LAB_IMAGE_MAX_SIDE, LAB_IMAGE_MAX_SIDE);
    png_set_compression_level(job->png, level);
    /* Neighbouring ids have no arithmetic in common: filters only hide their runs. */
    png_set_filter(job->png, 0, PNG_FILTER_NONE);
    png_set_IHDR(job->png, job->info, (png_uint_32)width, (png_uint_32)height, wide ? 16 : 8,
                 wide ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!wide)
        set_palette(job, map);
    png_write_info(job->png, job->info);
    for (int32_t y = 0; y < height; y++) {
        const uint8_t *row = (const uint8_t *)map->data + (size_t)y * width * (wide ? 2 : 1);
        if (wide) { /* PNG is big-endian */
            const uint16_t *ids = (const uint16_t *)(const void *)row;
            for (int32_t x = 0; x < width; x++) {
                job->row[2 * (size_t)x] = (uint8_t)(ids[x] >> 8);
                job->row[2 * (size_t)x + 1] = (uint8_t)ids[x];
            }
            row = job->row;
        }
        png_write_row(job->png, row);
    }
    png_write_end(job->png, job->info);
}

lab_status lab_labelmap_encode(lab_context *ctx, const lab_tensor *map, int level, lab_buffer **out,
                               lab_error *error)
{
    png_job job = { .ctx = ctx, .error = error, .writing = true, .out = { .ctx = ctx } };
    if (map->dtype == LAB_U16) {
        job.row = lab_alloc(ctx, (size_t)map->shape[1] * 2);
        if (!job.row)
            return lab_error_nomem(error, (size_t)map->shape[1] * 2, "a row of ids");
    }
    if (begin(&job)) {
        if (setjmp(png_jmpbuf(job.png)) == 0)
            write_map(&job, map, level);
    }
    finish(&job);
    if (job.status) {
        lab_bytes_free(&job.out);
        return job.status;
    }
    return lab_bytes_take(&job.out, out, error);
}

/* ---- reading ---- */

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
