/*
 * resize_argmax.h: resize_argmax of 8-bit scores, written once and compiled for each instruction
 * set. The labels are those of resize_bilinear (bilinear.h, resize.c) followed by argmax.
 *
 * The output falls into cells between four neighbouring positions of the scores, its corners. Let
 * class w have the largest value at all four, the lowest index on ties. A weighted mean with whole
 * weights whose sum is the same everywhere keeps order: w is at least 1 above each lower class at
 * every corner, so at least 1 above it inside before rounding, and after it, because rounding half
 * up keeps a distance of 1. Higher classes can at most tie, which w wins. So the cell is filled.
 *
 * In other cells let b be the class whose smallest corner is largest (the first such), with the
 * value m. A class whose largest corner is below m, or is m and comes after b, is nowhere above b:
 * it is left out. The others are compared by their rounded values, as argmax would compare them.
 */
#ifndef REFERENCE_RESIZE_ARGMAX_H
#define REFERENCE_RESIZE_ARGMAX_H

#include "bilinear.h"

/* A rounded value and its class in one int32: value << 22 | (KEY_CLASS - class). The largest key
 * is the largest value, with the lowest class on ties. */
#define KEY_CLASS ((1 << 22) - 1)
#define KEY_HALF (1 << 21)

#define BAND_ROWS 16 /* most rows of a band: what a thread takes at least */
#define CHUNK 64     /* columns of a cell that are compared at a time */

/* Outputs along an axis that lie between the same two inputs. */
typedef struct cell_run {
    int32_t begin, end;
} cell_run;

typedef struct resize_argmax {
    const corner *ys, *xs;  /* for each output row and column */
    const int32_t *weights; /* w of xs */
    const cell_run *bands, *cells;
    int32_t n_bands, n_cells;
    int32_t in_h, in_w, out_h, out_w, channels;
    tiling tiles; /* of bands, picture by picture */
    uint8_t flip;
    bool wide; /* i64 labels */
} resize_argmax;

/* Scratch memory of a thread: winners of two rows of scores, and a list of classes. */
typedef struct head_rows {
    int32_t *winner[2];
    int32_t at[2]; /* which row of which picture: batch * in_h + y; -1: none */
    int32_t *classes;
} head_rows;

static inline bool resize_argmax_match(const lab_node *node)
{
    if (!has_arity(node, 2, 2) ||
        !(has_dtype(node->out[0], LAB_I32) || has_dtype(node->out[0], LAB_I64)))
        return false;
    const lab_tensor *x = node->in[0], *y = node->out[0];
    return x->rank == 4 && y->rank == 3 && x->shape[0] == y->shape[0] && x->shape[3] <= KEY_CLASS;
}

static inline bool resize_argmax_q8_match(const lab_node *node)
{
    return resize_argmax_match(node) && is_8bit(node->in[0]);
}

/* Runs of outputs with the same corners, none longer than `most`. */
static inline const cell_run *make_runs(lab_prepare *prepare, const corner *corners, int32_t count,
                                        int32_t most, int32_t *n)
{
    cell_run *runs = prepare_array(prepare, (size_t)count, sizeof *runs);
    *n = 0;
    for (int32_t o = 0; runs && o < count; o++) {
        cell_run *run = *n ? &runs[*n - 1] : NULL;
        if (run && corners[o].lo == corners[run->begin].lo && o - run->begin < most)
            run->end = o + 1;
        else
            runs[(*n)++] = (cell_run){ o, o + 1 };
    }
    return runs;
}

static inline lab_status resize_argmax_q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    resize_argmax *s = prepare_array(prepare, 1, sizeof *s);
    int32_t *weights = prepare_array(prepare, (size_t)y->shape[2], sizeof *weights);
    if (!s || !weights)
        return prepare_no_memory(prepare, node);
    *s = (resize_argmax){ .weights = weights,
                          .in_h = x->shape[1],
                          .in_w = x->shape[2],
                          .out_h = y->shape[1],
                          .out_w = y->shape[2],
                          .channels = x->shape[3],
                          .flip = q8_flip(x),
                          .wide = y->dtype == LAB_I64 };
    s->ys = make_corners(prepare, &node->attrs, s->in_h, s->out_h);
    s->xs = make_corners(prepare, &node->attrs, s->in_w, s->out_w);
    if (!s->ys || !s->xs)
        return prepare_no_memory(prepare, node);
    s->bands = make_runs(prepare, s->ys, s->out_h, BAND_ROWS, &s->n_bands);
    s->cells = make_runs(prepare, s->xs, s->out_w, s->out_w, &s->n_cells);
    if (!s->bands || !s->cells)
        return prepare_no_memory(prepare, node);
    for (int32_t o = 0; o < s->out_w; o++)
        weights[o] = s->xs[o].w;
    size_t rows = (size_t)(s->out_h / s->n_bands + 1);
    s->tiles = tile_items(prepare, (size_t)y->shape[0] * (size_t)s->n_bands,
                          (size_t)s->in_w * (size_t)s->channels + rows * (size_t)s->out_w,
                          (2 * (size_t)s->in_w + (size_t)s->channels) * sizeof(int32_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* ---- the scores themselves ---- */

static inline const uint8_t *score_at(const resize_argmax *s, const lab_task *task, int32_t row,
                                      int32_t x)
{
    size_t place = (size_t)row * (size_t)s->in_w + (size_t)x;
    return (const uint8_t *)task->in[0] + place * (size_t)s->channels;
}

/* The largest of each position of a row, the lowest index on ties. */
static inline void find_winners(const resize_argmax *s, const uint8_t *x, int32_t *winner)
{
    for (int32_t i = 0; i < s->in_w; i++, x += s->channels) {
        uint8_t most = 0;
        int32_t k = 0;
        for (int32_t c = 0; c < s->channels; c++) {
            uint8_t v = x[c] ^ s->flip;
            most = v > most ? v : most;
        }
        while ((x[k] ^ s->flip) != most)
            k++;
        winner[i] = k;
    }
}

/* Winners of a row, found once while the rows of a piece of work follow each other. */
static inline const int32_t *winners_of(const resize_argmax *s, const lab_task *task,
                                        head_rows *rows, int32_t row)
{
    int slot = row & 1; /* neighbours never share one */
    if (rows->at[slot] != row)
        find_winners(s, score_at(s, task, row, 0), rows->winner[slot]);
    rows->at[slot] = row;
    return rows->winner[slot];
}

/* ---- writing ---- */

static inline void fill_labels(const resize_argmax *s, void *out, size_t row, cell_run band,
                               int32_t begin, int32_t end, int32_t label)
{
    for (int32_t y = band.begin; y < band.end; y++) {
        size_t at = (row + (size_t)y) * (size_t)s->out_w;
        int64_t *wide = (int64_t *)out + at;
        int32_t *narrow = (int32_t *)out + at;
        if (s->wide)
            for (int32_t x = begin; x < end; x++)
                wide[x] = label;
        else
            for (int32_t x = begin; x < end; x++)
                narrow[x] = label;
    }
}

static inline void write_labels(const resize_argmax *s, void *out, size_t at, const int32_t *keys,
                                int32_t count)
{
    int64_t *wide = (int64_t *)out + at;
    int32_t *narrow = (int32_t *)out + at;
    if (s->wide)
        for (int32_t i = 0; i < count; i++)
            wide[i] = KEY_CLASS - (keys[i] & KEY_CLASS);
    else
        for (int32_t i = 0; i < count; i++)
            narrow[i] = KEY_CLASS - (keys[i] & KEY_CLASS);
}

/* ---- a cell in which more than one class may win ---- */

/* Corners: top left, top right, bottom left, bottom right. Gives how many classes are left. */
static inline int32_t find_classes(const resize_argmax *s, const uint8_t *const q[4],
                                   int32_t *classes)
{
    int32_t floor_value = -1, first = 0, n = 0;
    for (int32_t k = 0; k < s->channels; k++) {
        uint8_t a = q[0][k] ^ s->flip, b = q[1][k] ^ s->flip;
        uint8_t c = q[2][k] ^ s->flip, d = q[3][k] ^ s->flip;
        uint8_t ab = a < b ? a : b, cd = c < d ? c : d, least = ab < cd ? ab : cd;
        first = least > floor_value ? k : first;
        floor_value = least > floor_value ? least : floor_value;
    }
    for (int32_t k = 0; k < s->channels; k++) {
        uint8_t a = q[0][k] ^ s->flip, b = q[1][k] ^ s->flip;
        uint8_t c = q[2][k] ^ s->flip, d = q[3][k] ^ s->flip;
        uint8_t ab = a > b ? a : b, cd = c > d ? c : d, most = ab > cd ? ab : cd;
        classes[n] = k;
        n += most > floor_value || (most == floor_value && k <= first);
    }
    return n;
}

/* Raises the keys of `count` columns to those of class k where they are larger. */
static inline void contend(const resize_argmax *s, const uint8_t *const q[4], int32_t k, int32_t wy,
                           const int32_t *restrict wx, int32_t *restrict keys, int32_t count)
{
    int32_t left = (q[0][k] ^ s->flip) * (ONE - wy) + (q[2][k] ^ s->flip) * wy;
    int32_t right = (q[1][k] ^ s->flip) * (ONE - wy) + (q[3][k] ^ s->flip) * wy;
    int32_t base = left * ONE + KEY_HALF, slope = right - left;
    for (int32_t i = 0; i < count; i++) {
        int32_t key = ((base + slope * wx[i]) & ~KEY_CLASS) | (KEY_CLASS - k);
        keys[i] = key > keys[i] ? key : keys[i];
    }
}

static inline void compare_cell(const resize_argmax *s, const uint8_t *const q[4], void *out,
                                size_t row, cell_run band, cell_run cell, int32_t *classes)
{
    int32_t n = find_classes(s, q, classes);
    for (int32_t y = band.begin; y < band.end; y++) {
        for (int32_t x = cell.begin; x < cell.end; x += CHUNK) {
            int32_t count = cell.end - x < CHUNK ? cell.end - x : CHUNK;
            int32_t keys[CHUNK] = { 0 };
            for (int32_t k = 0; k < n; k++)
                contend(s, q, classes[k], s->ys[y].w, s->weights + x, keys, count);
            write_labels(s, out, (row + (size_t)y) * (size_t)s->out_w + (size_t)x, keys, count);
        }
    }
}

/* ---- bands ---- */

/* Cells with the same label beside each other are filled together: `begin` is where they start. */
static inline void label_band(const resize_argmax *s, const lab_task *task, head_rows *rows,
                              int32_t batch, cell_run band)
{
    size_t row = (size_t)batch * (size_t)s->out_h;
    corner v = s->ys[band.begin];
    int32_t high = batch * s->in_h + v.lo, low = batch * s->in_h + v.hi, begin = 0, label = -1;
    const int32_t *top = winners_of(s, task, rows, high);
    const int32_t *bottom = winners_of(s, task, rows, low);
    for (int32_t i = 0; i < s->n_cells; i++) {
        cell_run cell = s->cells[i];
        corner h = s->xs[cell.begin];
        int32_t w = top[h.lo];
        bool same = top[h.hi] == w && bottom[h.lo] == w && bottom[h.hi] == w;
        if (label >= 0 && (!same || w != label))
            fill_labels(s, task->out[0], row, band, begin, cell.begin, label);
        if (same && w != label)
            begin = cell.begin;
        label = same ? w : -1;
        if (same)
            continue;
        const uint8_t *const q[4] = { score_at(s, task, high, h.lo), score_at(s, task, high, h.hi),
                                      score_at(s, task, low, h.lo), score_at(s, task, low, h.hi) };
        compare_cell(s, q, task->out[0], row, band, cell, rows->classes);
    }
    if (label >= 0)
        fill_labels(s, task->out[0], row, band, begin, s->out_w, label);
}

static inline void resize_argmax_q8_run(const lab_task *task)
{
    const resize_argmax *s = task->state;
    int32_t *scratch = task->scratch;
    head_rows rows = { .winner = { scratch, scratch + s->in_w },
                       .at = { -1, -1 },
                       .classes = scratch + 2 * (size_t)s->in_w };
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++)
        label_band(s, task, &rows, (int32_t)(i / (size_t)s->n_bands),
                   s->bands[i % (size_t)s->n_bands]);
}

#endif
