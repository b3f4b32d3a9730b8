/*
 * conv_q8_run.h: running a convolution of conv_q8.h: strips and blocks of rows, panel after panel.
 */
#ifndef X86_CONV_Q8_RUN_H
#define X86_CONV_Q8_RUN_H

#include "conv_q8.h"

/* Where the rows of a tile lie, as they are and widened, and the biases of this run. */
typedef struct conv_q8_source {
    const uint8_t *bytes;
    int16_t *words; /* of bytes[i] at words[i] */
    const int32_t *biases;
} conv_q8_source;

static inline void conv_q8_copy(const conv_q8 *s, const uint8_t *src, uint8_t *dst, size_t n)
{
    if (!s->flip) {
        memcpy(dst, src, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i] ^ 0x80;
}

/* One input row of a strip; `row` is NULL above and below the picture. */
static inline void conv_q8_strip_row(const conv_q8 *s, const uint8_t *row, uint8_t *to)
{
    size_t channels = (size_t)s->w.in_c, columns = s->pitch / channels;
    size_t left = (size_t)s->w.pad_left < columns ? (size_t)s->w.pad_left : columns;
    size_t inside = (size_t)s->w.in_w < columns - left ? (size_t)s->w.in_w : columns - left;
    if (!row) {
        memset(to, s->zero, s->pitch);
        return;
    }
    memset(to, s->zero, left * channels);
    conv_q8_copy(s, row, to + left * channels, inside * channels);
    memset(to + (left + inside) * channels, s->zero, (columns - left - inside) * channels);
}

/* The input rows under output row `out`, counted over the batch. */
static inline void conv_q8_strip(const conv_q8 *s, const uint8_t *x, size_t out, uint8_t *to)
{
    const window *w = &s->w;
    size_t row_size = (size_t)w->in_w * (size_t)w->in_c, batch = out / (size_t)w->out_h;
    int64_t top = (int64_t)(out % (size_t)w->out_h) * w->stride_h - w->pad_top;
    x += batch * (size_t)w->in_h * row_size;
    for (int32_t t = 0; t < w->filter_h; t++, to += s->pitch) {
        int64_t y = top + (int64_t)t * w->dilation_h;
        bool inside = y >= 0 && y < w->in_h;
        conv_q8_strip_row(s, inside ? x + (size_t)y * row_size : NULL, to);
    }
}

/* A block: rows->bytes[0 .. count - 1], which point into from->bytes, are there. */
static inline void conv_q8_block(const conv_q8 *s, const conv_q8_source *from, conv_q8_rows *rows,
                                 size_t count, uint8_t *y)
{
    for (size_t i = 0; i < CONV_EXTRA_ROWS; i++)
        rows->bytes[count + i] = rows->bytes[count - 1];
    for (size_t i = 0; s->words && i < count + CONV_EXTRA_ROWS; i++)
        rows->words[i] = (const uint8_t *)(from->words + (rows->bytes[i] - from->bytes));
    for (size_t i = 0; i < s->n_panels; i++) {
        conv_q8_panel panel = s->panels[i];
        panel.bias = from->biases + (panel.bias - s->biases);
        s->isa->multiply(s, &panel, rows, count, y);
    }
}

static inline void conv_q8_run_direct(const conv_q8 *s, const lab_task *task, conv_q8_source *from)
{
    size_t end = tile_end(&s->tiles, task);
    for (size_t at = tile_begin(&s->tiles, task); at < end; at += s->block) {
        const uint8_t *x = (const uint8_t *)task->in[0] + at * s->k;
        conv_q8_rows rows;
        size_t count = end - at < s->block ? end - at : s->block;
        if (s->words)
            widen(x, s->flip, 0, from->words, count * s->k);
        if (s->flip) {
            conv_q8_copy(s, x, task->scratch, count * s->k);
            x = task->scratch;
        }
        from->bytes = x;
        for (size_t r = 0; r < count; r++)
            rows.bytes[r] = x + r * s->k;
        conv_q8_block(s, from, &rows, count, (uint8_t *)task->out[0] + at * s->n);
    }
}

/* Output rows first .. end - 1, whose strips lie one after the other. */
static inline void conv_q8_run_strips(const conv_q8 *s, const conv_q8_source *from, size_t first,
                                      size_t end, uint8_t *y)
{
    conv_q8_rows rows;
    const uint8_t *strip = from->bytes;
    size_t width = (size_t)s->w.out_w, count = 0;
    size_t step = (size_t)s->w.stride_w * (size_t)s->w.in_c;
    y += first * width * s->n;
    for (size_t row = first; row < end; row++, strip += s->strip)
        for (size_t i = 0; i < width; i++) {
            rows.bytes[count++] = strip + i * step;
            if (count < s->block && (row + 1 < end || i + 1 < width))
                continue;
            conv_q8_block(s, from, &rows, count, y);
            y += count * s->n;
            count = 0;
        }
}

/* Those of prepare, or with what another node computed added to them. */
static inline const int32_t *conv_q8_biases(const conv_q8 *s, const lab_task *task)
{
    if (!s->computed_bias)
        return s->biases;
    const int32_t *computed = task->in[2];
    int32_t *biases = (int32_t *)(void *)((char *)task->scratch + s->biases_at);
    memcpy(biases, s->biases, s->n_biases * sizeof *biases);
    for (size_t i = 0; i < s->n_panels; i++) {
        const conv_q8_panel *panel = &s->panels[i];
        int32_t *to = biases + (panel->bias - s->biases);
        for (size_t c = 0; c < panel->used; c++) {
            size_t lane = s->isa->lane(c, panel->lanes);
            to[lane] = (int32_t)((uint32_t)to[lane] + (uint32_t)computed[panel->channel + c]);
        }
    }
    return biases;
}

static inline void conv_q8_run(const lab_task *task)
{
    const conv_q8 *s = task->state;
    conv_q8_source from = { .biases = conv_q8_biases(s, task) };
    if (s->words)
        from.words = (int16_t *)(void *)((char *)task->scratch + s->words_at);
    if (s->direct) {
        conv_q8_run_direct(s, task, &from);
        return;
    }
    size_t end = tile_end(&s->tiles, task);
    for (size_t at = tile_begin(&s->tiles, task); at < end; at += s->tiles.per_tile) {
        size_t stop = end - at < s->tiles.per_tile ? end : at + s->tiles.per_tile;
        uint8_t *strips = task->scratch;
        for (size_t row = at; row < stop; row++)
            conv_q8_strip(s, task->in[0], row, strips + (row - at) * s->strip);
        if (s->words)
            widen(strips, 0, 0, from.words, (stop - at) * s->strip);
        from.bytes = strips;
        conv_q8_run_strips(s, &from, at, stop, task->out[0]);
    }
}

#endif
