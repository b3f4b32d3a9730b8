/*
 * transpose_conv_f32_avx2.c: float transpose_conv_2d and Convolution2DTransposeBias as a matrix
 * product.
 *
 * Output position o, padding added, is q * stride + phase, and the taps that reach it are
 * phase + j * stride from input q - j. So all stride_h x stride_w outputs of one q see the same
 * ceil(filter / stride) inputs in each direction, and are computed together: as filters
 * [phase_y][phase_x][channel] over a window of inputs. Where the stride does not divide the filter,
 * taps that are not there have weights of zero (which spread infinity and NaN further than
 * reference does). The results of one q and phase_y lie one after the other in the output.
 */
#include "../reference/transpose_conv.h"

#include <string.h>

#include "gemm_f32_avx2.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define MAX_STRIDE 8 /* reference takes what would be mostly zeros or too large for a cache */
#define MAX_K 16384
#define MAX_N 16384

typedef struct transpose_f32 {
    uint32_t x; /* position among the inputs */
    int32_t in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t stride_h, stride_w, pad_top, pad_left;
    int32_t window_h, window_w; /* inputs that an output sees */
    int32_t first_y, first_x;   /* the first q of a row or column … */
    int32_t q_h, q_w;           /* … and how many there are */
    gemm_f32 gemm;
    tiling tiles; /* of q, over pictures, rows and columns */
    bool direct;  /* a row of the product is an input pixel */
} transpose_f32;

static int32_t window_size(int32_t filter, int32_t stride)
{
    return filter / stride + (filter % stride != 0);
}

static int match(const lab_node *node, transpose_inputs at)
{
    if (!transpose_shapes_match(node, at))
        return 0;
    const lab_tensor *w = node->in[at.filter];
    const lab_attrs *a = &node->attrs;
    if (!matmul_f32_match(node->in[at.x], w, input_or_null(node, at.bias), node->out[0]) ||
        a->stride_h > MAX_STRIDE || a->stride_w > MAX_STRIDE || a->pad_top < 0 || a->pad_left < 0)
        return 0;
    size_t k = elements(w) / (size_t)w->shape[0];
    size_t n = (size_t)a->stride_h * (size_t)a->stride_w * (size_t)w->shape[0];
    return k <= MAX_K && n <= MAX_N ? 20 : 0;
}

/* Filter (phase_y, phase_x, o) of the product, from filter o of the node. */
static void pack_filter(const transpose_f32 *s, const lab_tensor *w, int32_t phase_y,
                        int32_t phase_x, int32_t o)
{
    size_t phase = (size_t)phase_y * (size_t)s->stride_w + (size_t)phase_x, i = 0;
    size_t to = phase * (size_t)s->out_c + (size_t)o;
    const float *filter = w->data;
    for (int32_t y = s->window_h - 1; y >= 0; y--)
        for (int32_t x = s->window_w - 1; x >= 0; x--, i += (size_t)s->in_c) {
            int32_t ty = phase_y + y * s->stride_h, tx = phase_x + x * s->stride_w;
            if (ty >= w->shape[1] || tx >= w->shape[2])
                continue;
            size_t from = (((size_t)o * (size_t)w->shape[1] + (size_t)ty) * (size_t)w->shape[2] +
                           (size_t)tx) *
                          (size_t)s->in_c;
            for (size_t c = 0; c < (size_t)s->in_c; c++)
                gemm_f32_set(&s->gemm, to, i + c, filter[from + c]);
        }
}

static bool pack(lab_prepare *prepare, transpose_f32 *s, const lab_node *node, transpose_inputs at)
{
    const lab_tensor *w = node->in[at.filter], *bias = input_or_null(node, at.bias);
    size_t phases = (size_t)s->stride_h * (size_t)s->stride_w, out_c = (size_t)s->out_c;
    size_t k = (size_t)s->window_h * (size_t)s->window_w * (size_t)s->in_c;
    if (!gemm_f32_prepare(prepare, &s->gemm, phases * out_c, k, NULL, node->attrs.activation))
        return false;
    for (int32_t y = 0; y < s->stride_h; y++)
        for (int32_t x = 0; x < s->stride_w; x++)
            for (int32_t o = 0; o < s->out_c; o++)
                pack_filter(s, w, y, x, o);
    for (size_t i = 0; bias && i < phases * out_c; i++)
        s->gemm.bias[i] = ((const float *)bias->data)[i % out_c];
    return true;
}

/* The q that output positions 0 .. out - 1 belong to. */
static void q_range(int32_t out, int32_t pad, int32_t stride, int32_t *first, int32_t *count)
{
    *first = pad / stride;
    *count = (int32_t)(((int64_t)out - 1 + pad) / stride) - *first + 1;
}

static lab_status prepare_at(lab_prepare *prepare, const lab_node *node, transpose_inputs at)
{
    const lab_tensor *x = node->in[at.x], *w = node->in[at.filter], *y = node->out[0];
    const lab_attrs *a = &node->attrs;
    transpose_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    *s = (transpose_f32){ .x = at.x,
                          .in_h = x->shape[1],
                          .in_w = x->shape[2],
                          .in_c = x->shape[3],
                          .out_h = y->shape[1],
                          .out_w = y->shape[2],
                          .out_c = y->shape[3],
                          .stride_h = a->stride_h,
                          .stride_w = a->stride_w,
                          .pad_top = a->pad_top,
                          .pad_left = a->pad_left,
                          .window_h = window_size(w->shape[1], a->stride_h),
                          .window_w = window_size(w->shape[2], a->stride_w) };
    q_range(s->out_h, s->pad_top, s->stride_h, &s->first_y, &s->q_h);
    q_range(s->out_w, s->pad_left, s->stride_w, &s->first_x, &s->q_w);
    if (!pack(prepare, s, node, at))
        return prepare_no_memory(prepare, node);
    s->direct = s->window_h == 1 && s->window_w == 1 && s->first_y == 0 && s->first_x == 0 &&
                s->q_h == s->in_h && s->q_w == s->in_w;
    s->tiles = (tiling){ (size_t)x->shape[0] * (size_t)s->q_h * (size_t)s->q_w,
                         gemm_f32_tile_rows(&s->gemm) };
    size_t row = s->gemm.n + (s->direct ? 0 : s->gemm.k);
    lab_prepare_tiles(prepare,
                      (uint32_t)((s->tiles.count + s->tiles.per_tile - 1) / s->tiles.per_tile),
                      s->tiles.per_tile * row * sizeof(float));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* The inputs that the outputs of one q see; zeros outside the picture. */
static void gather(const transpose_f32 *s, const float *x, pixel q, float *row)
{
    size_t channels = (size_t)s->in_c;
    int64_t top = (int64_t)q.y + s->first_y - (s->window_h - 1);
    int64_t left = (int64_t)q.x + s->first_x - (s->window_w - 1);
    for (int32_t j = 0; j < s->window_h; j++)
        for (int32_t i = 0; i < s->window_w; i++, row += channels) {
            int64_t y = top + j, column = left + i;
            if (y < 0 || column < 0 || y >= s->in_h || column >= s->in_w) {
                memset(row, 0, channels * sizeof *row);
                continue;
            }
            size_t at = (size_t)(((int64_t)q.batch * s->in_h + y) * s->in_w + column);
            memcpy(row, x + at * channels, channels * sizeof *row);
        }
}

/* Results of one q, [phase_y][phase_x][channel], to where they belong. */
static void scatter(const transpose_f32 *s, const float *result, pixel q, float *y)
{
    size_t channels = (size_t)s->out_c;
    int64_t top = ((int64_t)q.y + s->first_y) * s->stride_h - s->pad_top;
    int64_t left = ((int64_t)q.x + s->first_x) * s->stride_w - s->pad_left;
    int64_t begin = left < 0 ? -left : 0; /* phases whose column is inside */
    int64_t end = left + s->stride_w > s->out_w ? s->out_w - left : s->stride_w;
    size_t count = (size_t)(end - begin) * channels;
    for (int32_t phase = 0; phase < s->stride_h; phase++) {
        int64_t row = top + phase;
        if (row < 0 || row >= s->out_h)
            continue;
        float *to =
            y + (size_t)(((int64_t)q.batch * s->out_h + row) * s->out_w + left + begin) * channels;
        const float *from = result + (size_t)((int64_t)phase * s->stride_w + begin) * channels;
        for (size_t i = 0; i < count; i++)
            to[i] = from[i];
    }
}

static void run(const lab_task *task)
{
    const transpose_f32 *s = task->state;
    const float *x = task->in[s->x];
    size_t end = tile_end(&s->tiles, task), k = s->gemm.k, n = s->gemm.n;
    float *results = task->scratch, *rows = results + s->tiles.per_tile * n;
    for (size_t at = tile_begin(&s->tiles, task); at < end; at += s->tiles.per_tile) {
        size_t count = end - at < s->tiles.per_tile ? end - at : s->tiles.per_tile;
        pixel first = pixel_at(at, s->q_h, s->q_w), q = first;
        for (size_t r = 0; r < count && !s->direct; r++, q = pixel_after(q, s->q_h, s->q_w))
            gather(s, x, q, rows + r * k);
        gemm_f32_run(&s->gemm, s->direct ? x + at * k : rows, k, count, results, n);
        q = first;
        for (size_t r = 0; r < count; r++, q = pixel_after(q, s->q_h, s->q_w))
            scatter(s, results + r * n, q, task->out[0]);
    }
}

static const transpose_inputs file_order = { .x = 2, .filter = 1, .bias = 3 };
static const transpose_inputs mediapipe_order = { .x = 0, .filter = 1, .bias = 2 };

static int file_match(const lab_node *node)
{
    return match(node, file_order);
}

static lab_status file_prepare(lab_prepare *prepare, const lab_node *node)
{
    return prepare_at(prepare, node, file_order);
}

static int mediapipe_match(const lab_node *node)
{
    return match(node, mediapipe_order);
}

static lab_status mediapipe_prepare(lab_prepare *prepare, const lab_node *node)
{
    return prepare_at(prepare, node, mediapipe_order);
}

const lab_kernel x86_transpose_conv_2d_f32_avx2 = {
    .name = "x86.transpose_conv_2d.f32.avx2",
    .op = "transpose_conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = file_match,
    .prepare = file_prepare,
    .run = run,
};

const lab_kernel x86_mediapipe_f32_avx2 = {
    .name = "x86.Convolution2DTransposeBias.f32.avx2",
    .op = "Convolution2DTransposeBias",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = mediapipe_match,
    .prepare = mediapipe_prepare,
    .run = run,
};
