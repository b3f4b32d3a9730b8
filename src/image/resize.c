/*
 * Separable filters over pixels: resizing and blurring. Two passes, one along rows, one along
 * columns, in the order that keeps less in between.
 *
 * Arithmetic: samples are bytes at the ends and, in between, bytes times 64 in 16 bits, so the two
 * roundings (half up) together stay below one level. Weights are 14 bits; sums are exact in 32.
 * Pictures with alpha are multiplied by it first (colour of what is transparent must not bleed).
 */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/pool.h"
#include "image/axis.h"
#include "image/image.h"

#define BETWEEN_BITS 6
#define BLOCK 256 /* samples of a row summed at a time; a multiple of 4 channels */

typedef enum store { STORE_BETWEEN, STORE_BYTES, STORE_RGBA } store;

/* One pass: `axis` says how positions along it are combined. */
typedef struct pass {
    const lab_axis *axis;
    bool columns; /* the axis runs down: whole rows are combined */
    const void *src;
    bool wide; /* the source is 16-bit samples times 64, else bytes */
    void *dst;
    store store;
    uint32_t channels;
    size_t src_row, dst_row; /* samples */
} pass;

/* 16-bit premultiplied RGBA back to straight bytes. */
static inline void store_rgba(const int32_t *sum, uint8_t *dst)
{
    /* Lanczos overshoots: colours are divided by the alpha they were summed with, then clamped. */
    int32_t alpha = sum[3] > 0 ? sum[3] : 0;
    int32_t rounded = (alpha + (1 << (BETWEEN_BITS - 1))) >> BETWEEN_BITS;
    dst[3] = (uint8_t)(rounded > 255 ? 255 : rounded);
    for (int c = 0; c < 3; c++) {
        int32_t v = sum[c] < 0 ? 0 : sum[c];
        v = dst[3] ? (v * 255 + alpha / 2) / alpha : 0;
        dst[c] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* `n` weighted sums (weights 14 bits) to what the pass stores. */
static inline void store_sums(int32_t *sum, uint32_t n, bool wide, store how, void *dst)
{
    int shift = 14 - (wide ? 0 : BETWEEN_BITS); /* to samples times 64 */
    if (how == STORE_BYTES)
        shift += BETWEEN_BITS;
    for (uint32_t i = 0; i < n; i++)
        sum[i] = (sum[i] + (1 << (shift - 1))) >> shift;
    if (how == STORE_BETWEEN) {
        for (uint32_t i = 0; i < n; i++)
            ((int16_t *)dst)[i] = (int16_t)sum[i];
    } else if (how == STORE_BYTES) {
        for (uint32_t i = 0; i < n; i++)
            ((uint8_t *)dst)[i] = (uint8_t)(sum[i] < 0 ? 0 : sum[i] > 255 ? 255 : sum[i]);
    } else {
        for (uint32_t i = 0; i < n; i += 4)
            store_rgba(sum + i, (uint8_t *)dst + i);
    }
}

static inline size_t stored_size(store how)
{
    return how == STORE_BETWEEN ? sizeof(int16_t) : 1;
}

/* Adds `weight` times a row to the sums. */
static inline void add_row(int32_t *restrict sum, const void *src, bool wide, size_t at, uint32_t n,
                           int32_t weight)
{
    const uint8_t *bytes = (const uint8_t *)src + at;
    const int16_t *words = (const int16_t *)src + at;
    if (wide) {
        for (uint32_t i = 0; i < n; i++)
            sum[i] += weight * words[i];
    } else {
        for (uint32_t i = 0; i < n; i++)
            sum[i] += weight * bytes[i];
    }
}

static void combine_rows(const pass *p, uint32_t y)
{
    int32_t sum[BLOCK];
    const int16_t *weights = p->axis->weights + (size_t)y * p->axis->taps;
    uint32_t first = p->axis->first[y], used = p->axis->used[y];
    char *dst = (char *)p->dst + y * p->dst_row * stored_size(p->store);
    for (size_t at = 0; at < p->src_row; at += BLOCK) {
        uint32_t n = (uint32_t)(p->src_row - at < BLOCK ? p->src_row - at : BLOCK);
        memset(sum, 0, sizeof sum);
        for (uint32_t k = 0; k < used; k++)
            add_row(sum, p->src, p->wide, (first + (size_t)k) * p->src_row + at, n, weights[k]);
        store_sums(sum, n, p->wide, p->store, dst + at * stored_size(p->store));
    }
}

/* One row along the axis; called with constants so that each case gets its own loop. */
static inline __attribute__((always_inline)) void combine_along(const pass *p, uint32_t y,
                                                                bool wide, uint32_t channels)
{
    const lab_axis *axis = p->axis;
    const uint8_t *bytes = (const uint8_t *)p->src + y * p->src_row;
    const int16_t *words = (const int16_t *)p->src + y * p->src_row;
    char *dst = (char *)p->dst + y * p->dst_row * stored_size(p->store);
    size_t step = channels * stored_size(p->store);
    for (uint32_t x = 0; x < axis->count; x++, dst += step) {
        const int16_t *weights = axis->weights + (size_t)x * axis->taps;
        uint32_t used = axis->used[x];
        size_t at = (size_t)axis->first[x] * channels;
        int32_t sum[4] = { 0, 0, 0, 0 };
        for (uint32_t k = 0; k < used; k++, at += channels)
            for (uint32_t c = 0; c < channels; c++)
                sum[c] += weights[k] * (wide ? words[at + c] : bytes[at + c]);
        store_sums(sum, channels, wide, p->store, dst);
    }
}

static void run_pass(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    const pass *p = user;
    for (uint32_t y = begin; y < end; y++) {
        if (p->columns)
            combine_rows(p, y);
        else if (p->channels == 1 && p->wide)
            combine_along(p, y, true, 1);
        else if (p->channels == 1)
            combine_along(p, y, false, 1);
        else if (p->channels == 3 && p->wide)
            combine_along(p, y, true, 3);
        else if (p->channels == 3)
            combine_along(p, y, false, 3);
        else
            combine_along(p, y, true, 4); /* four channels are always premultiplied */
    }
}

typedef struct premultiply_job {
    const uint8_t *src;
    int16_t *dst;
    size_t row;
} premultiply_job;

static void premultiply_rows(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    const premultiply_job *job = user;
    for (size_t i = begin * job->row; i < end * job->row; i += 4) {
        int32_t alpha = job->src[i + 3];
        for (int c = 0; c < 3; c++)
            job->dst[i + c] = (int16_t)((job->src[i + c] * alpha * 64 + 127) / 255);
        job->dst[i + 3] = (int16_t)(alpha * 64);
    }
}

static lab_status run(lab_context *ctx, uint32_t rows, lab_pool_fn *fn, void *user,
                      lab_error *error)
{
    if (lab_pool_run(ctx->pool, rows, 8, fn, user, &ctx->stop))
        return LAB_OK;
    return lab_error_set(error, LAB_E_INTERRUPTED, "stopped while filtering a picture");
}

/* Filters `in` into `out`, whose sides are those of the two axes. */
static lab_status filter(lab_context *ctx, const lab_tensor *in, const lab_axis *across,
                         const lab_axis *down, lab_tensor *out, lab_error *error)
{
    uint32_t channels = in->rank == 3 ? (uint32_t)in->shape[2] : 1;
    size_t in_row = (size_t)in->shape[1] * channels, out_row = (size_t)across->count * channels;
    size_t in_rows = (size_t)in->shape[0], out_rows = down->count;
    bool columns_first = out_rows * in_row < in_rows * out_row;
    size_t between = columns_first ? out_rows * in_row : in_rows * out_row;

    int16_t *premultiplied = channels == 4 ? lab_alloc(ctx, in->size * 2) : NULL;
    int16_t *middle = lab_alloc(ctx, between * sizeof *middle);
    lab_status status = LAB_OK;
    if (!middle || (channels == 4 && !premultiplied))
        status = lab_error_nomem(error, between * sizeof *middle, "filtering a picture");
    if (!status && premultiplied)
        status = run(ctx, (uint32_t)in_rows, premultiply_rows,
                     &(premultiply_job){ in->data, premultiplied, in_row }, error);
    pass first = { .axis = columns_first ? down : across,
                   .columns = columns_first,
                   .src = premultiplied ? (const void *)premultiplied : in->data,
                   .wide = premultiplied != NULL,
                   .dst = middle,
                   .store = STORE_BETWEEN,
                   .channels = channels,
                   .src_row = in_row,
                   .dst_row = columns_first ? in_row : out_row };
    pass second = { .axis = columns_first ? across : down,
                    .columns = !columns_first,
                    .src = middle,
                    .wide = true,
                    .dst = out->data,
                    .store = channels == 4 ? STORE_RGBA : STORE_BYTES,
                    .channels = channels,
                    .src_row = first.dst_row,
                    .dst_row = out_row };
    if (!status)
        status = run(ctx, (uint32_t)(columns_first ? out_rows : in_rows), run_pass, &first, error);
    if (!status)
        status = run(ctx, (uint32_t)out_rows, run_pass, &second, error);
    lab_free(ctx, premultiplied);
    lab_free(ctx, middle);
    return status;
}

/* ---- nearest ---- */

typedef struct nearest_job {
    const uint8_t *src;
    uint8_t *dst;
    const size_t *columns; /* byte offsets in a source row */
    uint32_t in_height, out_height, out_width;
    size_t in_row, pixel; /* bytes */
} nearest_job;

/* The input position whose pixel contains the centre of output position i. */
static inline size_t nearest_position(uint32_t i, uint32_t in, uint32_t out)
{
    return (size_t)((2 * (uint64_t)i + 1) * in / (2 * (uint64_t)out));
}

static void nearest_rows(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    const nearest_job *job = user;
    for (uint32_t y = begin; y < end; y++) {
        const uint8_t *src =
            job->src + nearest_position(y, job->in_height, job->out_height) * job->in_row;
        uint8_t *dst = job->dst + (size_t)y * job->out_width * job->pixel;
        if (job->pixel == 1)
            for (uint32_t x = 0; x < job->out_width; x++)
                dst[x] = src[job->columns[x]];
        else
            for (uint32_t x = 0; x < job->out_width; x++, dst += job->pixel)
                memcpy(dst, src + job->columns[x], job->pixel);
    }
}

static lab_status nearest(lab_context *ctx, const lab_tensor *in, lab_tensor *out, lab_error *error)
{
    uint32_t width = (uint32_t)out->shape[1];
    size_t *columns = lab_alloc_array(ctx, width, sizeof *columns);
    if (!columns)
        return lab_error_nomem(error, width * sizeof *columns, "resizing a picture");
    nearest_job job = { .src = in->data,
                        .dst = out->data,
                        .columns = columns,
                        .in_height = (uint32_t)in->shape[0],
                        .out_height = (uint32_t)out->shape[0],
                        .out_width = width };
    job.pixel = lab_dtype_size(in->dtype) * (in->rank == 3 ? (size_t)in->shape[2] : 1);
    job.in_row = job.pixel * (size_t)in->shape[1];
    for (uint32_t x = 0; x < width; x++)
        columns[x] = nearest_position(x, (uint32_t)in->shape[1], width) * job.pixel;
    lab_status status = run(ctx, job.out_height, nearest_rows, &job, error);
    lab_free(ctx, columns);
    return status;
}

/* ---- the room's functions ---- */

static lab_status new_like(lab_context *ctx, const lab_tensor *in, int32_t width, int32_t height,
                           lab_tensor *out, lab_error *error)
{
    int32_t shape[3] = { height, width, in->shape[2] };
    lab_status status = lab_tensor_new(ctx, in->kind, in->dtype, in->rank, shape, out, error);
    if (!status && in->labels)
        lab_tensor_set_labels(out, in->labels);
    return status;
}

static lab_status check_resize(const lab_tensor *in, int32_t width, int32_t height,
                               lab_resample method, lab_error *error)
{
    if (in->kind != LAB_IMAGE && in->kind != LAB_MASK && in->kind != LAB_LABELMAP)
        return lab_error_set(error, LAB_E_INVALID, "a %s cannot be resized like a picture",
                             lab_type_name(in->kind));
    if (width < 1 || height < 1 || width > LAB_IMAGE_MAX_SIDE || height > LAB_IMAGE_MAX_SIDE ||
        (uint64_t)width * (uint64_t)height > LAB_IMAGE_MAX_PIXELS)
        return lab_error_set(error, LAB_E_LIMIT,
                             "cannot resize to %dx%d: sides are 1..%d and %llu megapixels at most",
                             width, height, LAB_IMAGE_MAX_SIDE,
                             (unsigned long long)LAB_IMAGE_MAX_PIXELS / 1000000);
    if (in->kind == LAB_LABELMAP && method != LAB_RESAMPLE_NEAREST)
        return lab_error_set(error, LAB_E_INVALID,
                             "class ids have no values in between: a label map is resized with "
                             "nearest only");
    return LAB_OK;
}

lab_status lab_image_resize(lab_context *ctx, const lab_tensor *in, int32_t width, int32_t height,
                            lab_resample method, lab_tensor *out, lab_error *error)
{
    lab_status status = check_resize(in, width, height, method, error);
    if (status)
        return status;
    if (width == in->shape[1] && height == in->shape[0]) {
        lab_tensor_ref(out, in);
        return LAB_OK;
    }
    status = new_like(ctx, in, width, height, out, error);
    if (status)
        return status;
    lab_axis across = { 0 }, down = { 0 };
    if (method == LAB_RESAMPLE_NEAREST) {
        status = nearest(ctx, in, out, error);
    } else {
        status =
            lab_axis_resample(ctx, (uint32_t)in->shape[1], (uint32_t)width, method, &across, error);
        if (!status)
            status = lab_axis_resample(ctx, (uint32_t)in->shape[0], (uint32_t)height, method, &down,
                                       error);
        if (!status)
            status = filter(ctx, in, &across, &down, out, error);
    }
    lab_axis_free(ctx, &across);
    lab_axis_free(ctx, &down);
    if (status)
        lab_tensor_clear(out);
    return status;
}

lab_status lab_image_blur(lab_context *ctx, const lab_tensor *in, double sigma, lab_tensor *out,
                          lab_error *error)
{
    if (in->kind != LAB_IMAGE && in->kind != LAB_MASK)
        return lab_error_set(error, LAB_E_INVALID, "a %s cannot be blurred",
                             lab_type_name(in->kind));
    if (!(sigma >= 0.0 && sigma <= LAB_BLUR_MAX_SIGMA))
        return lab_error_set(error, LAB_E_LIMIT, "a blur's sigma must be 0..%g pixels, got %g",
                             LAB_BLUR_MAX_SIGMA, sigma);
    if (sigma == 0.0) {
        lab_tensor_ref(out, in);
        return LAB_OK;
    }
    lab_status status = new_like(ctx, in, in->shape[1], in->shape[0], out, error);
    if (status)
        return status;
    lab_axis across = { 0 }, down = { 0 };
    status = lab_axis_gaussian(ctx, (uint32_t)in->shape[1], sigma, &across, error);
    if (!status)
        status = lab_axis_gaussian(ctx, (uint32_t)in->shape[0], sigma, &down, error);
    if (!status)
        status = filter(ctx, in, &across, &down, out, error);
    lab_axis_free(ctx, &across);
    lab_axis_free(ctx, &down);
    if (status)
        lab_tensor_clear(out);
    return status;
}
