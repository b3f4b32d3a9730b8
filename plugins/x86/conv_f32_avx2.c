/*
 * conv_f32_avx2.c: float conv_2d as a matrix product. A 1x1 convolution that visits each pixel once
 * reads its rows where they lie. For small filters (the first layer's, of three channels) the input
 * rows under a row of output pixels are copied with the zeros that padding adds, a strip: there the
 * values under the filter are one run of neighbours a filter row, for each pixel. For others they
 * are first copied into one row of scratch memory for each output pixel of a tile.
 *
 * Rows multiples of 4 KB apart fall on the same few lines of a cache. Those are copied as well,
 * where there are filters enough to make the copy cheap.
 */
#include <string.h>

#include "gemm_f32_avx2.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define CROWDED 1024                /* floats: 4 KB, of which a way of the cache holds one */
#define MAX_K 16384                 /* beyond it a tile outgrows the cache; reference takes those */
#define MAX_STRIP ((size_t)1 << 18) /* floats */

typedef struct conv_f32 {
    window w;
    tiling tiles; /* of output pixels; with strips, of output rows */
    gemm_f32 gemm;
    bool direct, strips;
    size_t step; /* floats from row to row, in x or in scratch memory */
} conv_f32;

static int match(const lab_node *node)
{
    return conv_f32_match(node) && elements(node->in[1]) / (size_t)node->in[1]->shape[0] <= MAX_K
               ? 20
               : 0;
}

/* Floats of an input row of a strip: of the columns under a row of output pixels. */
static size_t strip_pitch(const window *w)
{
    size_t columns = (size_t)(w->out_w - 1) * (size_t)w->stride_w + (size_t)w->filter_w;
    return columns * (size_t)w->in_c;
}

static bool wants_strips(const conv_f32 *s)
{
    const window *w = &s->w;
    int64_t columns = (int64_t)(w->out_w - 1) * w->stride_w + w->filter_w;
    return !s->direct && w->dilation_w == 1 && w->pad_left >= 0 && gemm_f32_takes_runs(s->gemm.k) &&
           columns <= (int64_t)MAX_STRIP && columns * w->in_c <= (int64_t)MAX_STRIP / w->filter_h;
}

/* Tiles and scratch memory of either kind. */
static void lay_out(lab_prepare *prepare, conv_f32 *s, size_t pixels)
{
    const window *w = &s->w;
    if (s->strips) {
        size_t pitch = strip_pitch(w), width = (size_t)w->out_w;
        s->step = (size_t)w->stride_w * (size_t)w->in_c;
        s->gemm.runs = (size_t)w->filter_h;
        s->gemm.run_step = pitch;
        s->tiles = tile_items(prepare, pixels / width, width * (s->gemm.k + 2) * s->gemm.n / 8,
                              pitch * (size_t)w->filter_h * sizeof(float));
        return;
    }
    s->tiles = (tiling){ pixels, gemm_f32_tile_rows(&s->gemm) };
    /* Copies move whole vectors: up to seven floats are written after the last row. */
    size_t scratch = s->direct ? 0 : (s->tiles.per_tile * s->step + LANES) * sizeof(float);
    lab_prepare_tiles(
        prepare, (uint32_t)((s->tiles.count + s->tiles.per_tile - 1) / s->tiles.per_tile), scratch);
}

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    const lab_tensor *bias = input_or_null(node, 2);
    size_t n = (size_t)filter->shape[0], k = elements(filter) / n;
    conv_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !gemm_f32_prepare(prepare, &s->gemm, n, k, bias ? bias->data : NULL,
                                node->attrs.activation))
        return prepare_no_memory(prepare, node);
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < k; i++)
            gemm_f32_set(&s->gemm, c, i, ((const float *)filter->data)[c * k + i]);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    bool crowded = k % CROWDED == 0 && n >= 4 * GEMM_ROWS;
    s->direct = window_is_pixel(&s->w) && !crowded;
    s->step = crowded ? k + LANES : k;
    s->strips = wants_strips(s);
    lay_out(prepare, s, elements(y) / n);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* Reads and writes up to seven floats more than n; the caller writes those again later. */
static inline void copy_run(const float *src, float *dst, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        _mm256_storeu_ps(dst + i, _mm256_loadu_ps(src + i));
}

/* The values under the filter for an output pixel, in rising order: see copy_run. */
static void gather(const conv_f32 *s, const float *x, pixel out, float *row)
{
    const window *w = &s->w;
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    size_t channels = (size_t)w->in_c;
    bool inside = ys.end - ys.begin == w->filter_h && xs.end - xs.begin == w->filter_w;
    if (!inside)
        memset(row, 0, s->gemm.k * sizeof *row);
    /* Without dilation the taps of a filter row are neighbours in memory: one run. */
    int32_t run = w->dilation_w == 1 ? xs.end - xs.begin : 1;
    for (int32_t ty = ys.begin; ty < ys.end; ty++)
        for (int32_t tx = xs.begin; tx < xs.end; tx += run) {
            const float *src = x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels;
            float *dst = row + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * channels;
            if (inside)
                copy_run(src, dst, (size_t)run * channels);
            else
                memcpy(dst, src, (size_t)run * channels * sizeof *dst);
        }
}

/* One input row of a strip; `row` is NULL above and below the picture. */
static void strip_row(const window *w, const float *row, float *to, size_t pitch)
{
    size_t channels = (size_t)w->in_c, left = (size_t)w->pad_left * channels;
    size_t inside = (size_t)w->in_w * channels;
    left = left < pitch ? left : pitch;
    inside = inside < pitch - left ? inside : pitch - left;
    if (!row)
        left = pitch;
    memset(to, 0, left * sizeof *to);
    if (!row)
        return;
    memcpy(to + left, row, inside * sizeof *to);
    memset(to + left + inside, 0, (pitch - left - inside) * sizeof *to);
}

static void run_strips(const lab_task *task)
{
    const conv_f32 *s = task->state;
    const window *w = &s->w;
    size_t out_h = (size_t)w->out_h, width = (size_t)w->out_w, pitch = s->gemm.run_step;
    size_t row_size = (size_t)w->in_w * (size_t)w->in_c, end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        const float *x = (const float *)task->in[0] + i / out_h * (size_t)w->in_h * row_size;
        int64_t top = (int64_t)(i % out_h) * w->stride_h - w->pad_top;
        float *strip = task->scratch;
        for (int32_t t = 0; t < w->filter_h; t++) {
            int64_t y = top + (int64_t)t * w->dilation_h;
            bool inside = y >= 0 && y < w->in_h;
            strip_row(w, inside ? x + (size_t)y * row_size : NULL, strip + (size_t)t * pitch,
                      pitch);
        }
        gemm_f32_run(&s->gemm, strip, s->step, width, (float *)task->out[0] + i * width * s->gemm.n,
                     s->gemm.n);
    }
}

static void run(const lab_task *task)
{
    const conv_f32 *s = task->state;
    const float *x = task->in[0];
    float *rows = task->scratch;
    if (s->strips) {
        run_strips(task);
        return;
    }
    size_t end = tile_end(&s->tiles, task), n = s->gemm.n;
    for (size_t at = tile_begin(&s->tiles, task); at < end; at += s->tiles.per_tile) {
        size_t count = end - at < s->tiles.per_tile ? end - at : s->tiles.per_tile;
        pixel out = pixel_at(at, s->w.out_h, s->w.out_w);
        for (size_t r = 0; r < count && !s->direct;
             r++, out = pixel_after(out, s->w.out_h, s->w.out_w))
            gather(s, x, out, rows + r * s->step);
        gemm_f32_run(&s->gemm, s->direct ? x + at * s->step : rows, s->step, count,
                     (float *)task->out[0] + at * n, n);
    }
}

const lab_kernel x86_conv_2d_f32_avx2 = {
    .name = "x86.conv_2d.f32.avx2",
    .op = "conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_conv,
    .run = run,
};
