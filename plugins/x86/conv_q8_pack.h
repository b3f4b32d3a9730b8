/*
 * conv_q8_pack.h: preparing a convolution of conv_q8.h: its weights as panels, its work as tiles.
 */
#ifndef X86_CONV_Q8_PACK_H
#define X86_CONV_Q8_PACK_H

#include "conv_q8.h"

/* The filters of a panel, by lane. */
typedef struct conv_q8_filters {
    size_t lanes;
    uint8_t flip; /* of the weights */
    const uint8_t *weights[CONV_MAX_LANES];
    int16_t zeros[CONV_MAX_LANES * QUAD]; /* of the weights read as u8, for each value of a quad */
    int16_t there[CONV_MAX_LANES * QUAD]; /* all bits; 0: a lane without filter */
} conv_q8_filters;

/* What packing needs besides the state. */
typedef struct conv_q8_packing {
    lab_prepare *prepare;
    const lab_node *node;
    conv_q8 *s;
    conv_q8_panel *panels;
    size_t quads;
    uint32_t *offsets; /* of every quad from the pointer of a row, in values */
    uint32_t *words;   /* [n_words]: the quads of `wide` that are to be multiplied in 16 bits */
    size_t n_words;
    quad_list wide, narrow[2];
} conv_q8_packing;

/* ---- lists ---- */

static inline void conv_q8_filters_of(const conv_q8_packing *p, size_t channel, size_t lanes,
                                      conv_q8_filters *f)
{
    const lab_tensor *w = p->node->in[1];
    const conv_q8 *s = p->s;
    f->lanes = lanes;
    f->flip = q8_flip(w);
    for (size_t i = 0; i < lanes; i++) {
        bool there = channel + i < s->n;
        size_t c = there ? channel + i : channel, lane = s->isa->lane(i, lanes);
        f->weights[lane] = (const uint8_t *)w->data + c * s->k;
        for (size_t at = lane * QUAD; at < (lane + 1) * QUAD; at++) {
            f->zeros[at] = (int16_t)(lab_quant_zero(&w->quant, (uint32_t)c) - q8_min(w->dtype));
            f->there[at] = there ? -1 : 0;
        }
    }
}

/* The weights of a quad less their zero point: values is [f->lanes][QUAD]. */
static inline void conv_q8_quad(const conv_q8 *s, const conv_q8_filters *f, size_t quad,
                                int16_t *values)
{
    uint8_t raw[CONV_MAX_LANES * QUAD];
    size_t at = quad % s->run_quads * QUAD, first = quad / s->run_quads * s->run + at;
    size_t count = s->run - at < QUAD ? s->run - at : QUAD;
    if (count == QUAD)
        for (size_t lane = 0; lane < f->lanes; lane++)
            memcpy(raw + lane * QUAD, f->weights[lane] + first, QUAD);
    else
        for (size_t i = 0; i < f->lanes * QUAD; i++)
            raw[i] = i % QUAD < count ? f->weights[i / QUAD][first + i % QUAD] : 0;
    for (size_t i = 0; i < f->lanes * QUAD; i++)
        values[i] = (int16_t)((raw[i] ^ f->flip) - f->zeros[i]) & f->there[i];
    for (size_t i = 0; count < QUAD && i < f->lanes * QUAD; i++)
        values[i] = i % QUAD < count ? values[i] : 0;
}

/* The entries of the filters `channel` …, not yet grouped; with `words` no quad has several. */
static inline void conv_q8_list(conv_q8_packing *p, quad_list *list, size_t channel, size_t lanes,
                                bool words)
{
    conv_q8_filters filters;
    int16_t values[CONV_MAX_LANES * QUAD];
    uint32_t pairs[CONV_MAX_LANES * QUAD / 2];
    conv_q8_filters_of(p, channel, lanes, &filters);
    quad_list_clear(list, lanes);
    p->n_words = 0;
    for (size_t quad = 0; quad < p->quads; quad++) {
        size_t entry = list->count;
        conv_q8_quad(p->s, &filters, quad, values);
        memcpy(pairs, values, lanes * QUAD * sizeof *values);
        quad_list_add(list, quad, pairs);
        if (words && list->count > entry + 1) {
            list->count = entry;
            p->words[p->n_words++] = (uint32_t)quad;
        }
    }
}

/* Groups the list in twos, if there are groups; what it then costs. */
static inline size_t conv_q8_in_twos(quad_list *list, unsigned pair, unsigned single)
{
    quad_list_group(list, list->saturates ? 2 : 1);
    return quad_list_groups(list, 2) * pair + quad_list_groups(list, 1) * single;
}

/*
 * Groups p->wide in runs where that costs less than twos: *runs says so. Returns the cost. Where
 * even as many twos as there can be cost more, and where large weights make hope of three in a
 * group small, the other way is not looked at: grouping is what takes time.
 */
static inline size_t conv_q8_group(conv_q8_packing *p, bool *runs)
{
    const conv_q8_isa *isa = p->s->isa;
    quad_list *list = &p->wide;
    size_t in_runs = list->count * isa->cost_entry, peaks = 0, in_twos;
    *runs = false;
    for (size_t i = 0; i < list->count; i++)
        peaks += list->peaks[i];
    if (isa->cost_entry == 0 || p->n_words || 2 * peaks > list->count * GROUP_BOUND)
        return conv_q8_in_twos(list, isa->cost_pair, isa->cost_single);
    quad_list_group(list, MAX_GROUP);
    for (const quad_run *run = list->runs; run->count; run++)
        in_runs += isa->cost_run + run->count * isa->cost_group;
    *runs = 2 * in_runs < list->count * isa->cost_pair;
    if (*runs)
        return in_runs;
    in_twos = conv_q8_in_twos(list, isa->cost_pair, isa->cost_single);
    *runs = in_runs < in_twos;
    if (*runs)
        quad_list_group(list, MAX_GROUP);
    return *runs ? in_runs : in_twos;
}

/* ---- panels ---- */

static inline int32_t conv_q8_weight_sum(const conv_q8_packing *p, size_t c)
{
    const lab_tensor *w = p->node->in[1];
    size_t k = p->s->k;
    const uint8_t *weights = (const uint8_t *)w->data + c * k, flip = q8_flip(w);
    uint32_t sum = 0; /* of at most CONV_MAX_K times 255 */
    for (size_t i = 0; i < k; i++)
        sum += weights[i] ^ flip;
    int32_t zero = lab_quant_zero(&w->quant, (uint32_t)c) - q8_min(w->dtype);
    return (int32_t)sum - (int32_t)k * zero;
}

static inline void conv_q8_factors(const conv_q8_packing *p, const conv_q8_panel *panel,
                                   int32_t *biases, float *scale)
{
    const lab_node *node = p->node;
    const lab_tensor *bias = p->s->computed_bias ? NULL : input_or_null(node, 2);
    for (size_t i = 0; i < panel->used; i++) {
        size_t c = panel->channel + i, lane = p->s->isa->lane(i, panel->lanes);
        uint32_t start = bias ? (uint32_t)((const int32_t *)bias->data)[c] : 0;
        biases[lane] = (int32_t)(start - (uint32_t)conv_q8_weight_sum(p, c) * p->s->zero);
        for (size_t at = lane; at < CONV_MAX_LANES; at += panel->lanes)
            scale[at] = q8_scale(node->in[0], node->in[1], node->out[0], (uint32_t)c);
        p->s->plain = p->s->plain && scale[lane] < 1.0f;
    }
}

/* Quads in 16 bits, if there are any. */
static inline bool conv_q8_pack_words(const conv_q8_packing *p, conv_q8_panel *panel)
{
    size_t lanes = panel->lanes;
    conv_q8_filters filters;
    if (p->n_words == 0)
        return true;
    uint32_t *weights = prepare_array(p->prepare, p->n_words, lanes * QUAD * sizeof(int16_t));
    uint32_t *offsets = prepare_array(p->prepare, p->n_words, sizeof *offsets);
    if (!weights || !offsets)
        return false;
    conv_q8_filters_of(p, panel->channel, lanes, &filters);
    panel->words = p->n_words;
    panel->word_weights = (const int16_t *)weights;
    panel->word_offsets = offsets;
    for (size_t i = 0; i < p->n_words; i++, weights += lanes * QUAD / 2) {
        int16_t values[CONV_MAX_LANES * QUAD];
        conv_q8_quad(p->s, &filters, p->words[i], values);
        for (size_t lane = 0; lane < lanes; lane++) {
            memcpy(weights + lane, values + lane * QUAD, sizeof *weights);
            memcpy(weights + lanes + lane, values + lane * QUAD + 2, sizeof *weights);
        }
        offsets[i] = p->offsets[p->words[i]] * (uint32_t)sizeof(int16_t);
    }
    return true;
}

/* Writes the list as the next panel, in runs or in twos. False: no memory. */
static inline bool conv_q8_pack(conv_q8_packing *p, const quad_list *list, size_t channel,
                                bool runs)
{
    conv_q8 *s = p->s;
    size_t lanes = list->lanes, bytes = lanes * QUAD, left = s->n - channel;
    conv_q8_panel *panel = &p->panels[s->n_panels++];
    int8_t *weights = prepare_array(p->prepare, list->count, bytes);
    uint32_t *offsets = prepare_array(p->prepare, list->count, sizeof *offsets);
    int32_t *bias = s->biases + s->n_biases;
    float *scale = prepare_array(p->prepare, CONV_MAX_LANES, sizeof *scale);
    if (!weights || !offsets || !scale)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        uint32_t entry = list->order[i];
        memcpy(weights + i * bytes, (const char *)list->weights + entry * bytes, bytes);
        offsets[i] = p->offsets[list->quads[entry]];
    }
    *panel = (conv_q8_panel){ .channel = channel,
                              .used = left < lanes ? left : lanes,
                              .lanes = lanes,
                              .pairs = runs ? 0 : quad_list_groups(list, 2),
                              .singles = runs ? 0 : quad_list_groups(list, 1),
                              .weights = weights,
                              .offsets = offsets,
                              .bias = bias,
                              .scale = scale };
    if (runs)
        memcpy(panel->runs, list->runs, sizeof panel->runs);
    s->n_biases += lanes;
    conv_q8_factors(p, panel, bias, scale);
    return conv_q8_pack_words(p, panel);
}

/* ---- which panels ---- */

/*
 * Whether quads that would be split are multiplied in 16 bits: what that saves against two entries,
 * by the first panel, is to be more than widening takes. (What a layer's other panels are like need
 * not be exact: results are the same.)
 */
static inline bool conv_q8_wants_words(conv_q8_packing *p)
{
    const conv_q8_isa *isa = p->s->isa;
    if (isa->cost_words == 0 || p->s->n <= isa->narrow)
        return false;
    conv_q8_list(p, &p->wide, 0, isa->lanes, true);
    size_t panels = (p->s->n + isa->narrow - 1) / isa->lanes;
    size_t saved = p->n_words * (isa->cost_pair - isa->cost_words) * panels;
    return saved > p->quads * isa->cost_widen;
}

/* The filters from `channel` on as one wide panel, or as one or two narrow ones. */
static inline bool conv_q8_pack_filters(conv_q8_packing *p, size_t channel)
{
    const conv_q8_isa *isa = p->s->isa;
    size_t left = p->s->n - channel, narrow_cost = SIZE_MAX, wide_cost = SIZE_MAX;
    bool runs;
    if (left > isa->narrow) {
        conv_q8_list(p, &p->wide, channel, isa->lanes, p->s->words);
        wide_cost = conv_q8_group(p, &runs);
        if (runs)
            return conv_q8_pack(p, &p->wide, channel, true);
        /* Only where quads had to be split or are alone narrow panels are worth a look. */
        if (p->s->words || 10 * wide_cost <= 11 * (p->quads / 2 + 1) * isa->cost_pair)
            return conv_q8_pack(p, &p->wide, channel, false);
    }
    narrow_cost = 0;
    for (size_t i = 0; i < 2 && i * isa->narrow < left; i++) {
        conv_q8_list(p, &p->narrow[i], channel + i * isa->narrow, isa->narrow, false);
        narrow_cost +=
            conv_q8_in_twos(&p->narrow[i], isa->cost_narrow_pair, isa->cost_narrow_single);
    }
    if (wide_cost <= narrow_cost)
        return conv_q8_pack(p, &p->wide, channel, false);
    return conv_q8_pack(p, &p->narrow[0], channel, false) &&
           (left <= isa->narrow || conv_q8_pack(p, &p->narrow[1], channel + isa->narrow, false));
}

static inline bool conv_q8_pack_all(lab_prepare *prepare, const lab_node *node, conv_q8 *s)
{
    const conv_q8_isa *isa = s->isa;
    conv_q8_packing p = { .prepare = prepare, .node = node, .s = s, .quads = conv_q8_quads(s) };
    size_t most = (s->n + isa->narrow - 1) / isa->narrow;
    p.panels = prepare_array(prepare, most, sizeof *p.panels);
    s->biases = prepare_array(prepare, most * isa->narrow + isa->lanes, sizeof *s->biases);
    p.offsets = malloc(p.quads * sizeof *p.offsets);
    p.words = malloc(p.quads * sizeof *p.words);
    bool ok = p.panels && s->biases && p.offsets && p.words &&
              quad_list_open(&p.wide, p.quads, isa->lanes, isa->saturates) &&
              quad_list_open(&p.narrow[0], p.quads, isa->narrow, isa->saturates) &&
              quad_list_open(&p.narrow[1], p.quads, isa->narrow, isa->saturates);
    for (size_t quad = 0; ok && quad < p.quads; quad++)
        p.offsets[quad] = conv_q8_offset(s, quad);
    s->panels = p.panels;
    s->words = ok && conv_q8_wants_words(&p);
    for (size_t c = 0; ok && c < s->n; c += isa->lanes)
        ok = conv_q8_pack_filters(&p, c);
    quad_list_close(&p.wide);
    quad_list_close(&p.narrow[0]);
    quad_list_close(&p.narrow[1]);
    free(p.offsets);
    free(p.words);
    return ok;
}

/* ---- tiles ---- */

/* Scratch: `values` as bytes, unless they are read where they are; widened; biases. */
static inline void conv_q8_scratch(lab_prepare *prepare, conv_q8 *s, bool bytes, size_t values)
{
    const size_t align = 63;
    size_t size = bytes ? values + CONV_SLACK : 0;
    if (s->words) {
        s->words_at = (size + align) & ~align;
        size = s->words_at + values * sizeof(int16_t) + CONV_SLACK;
    }
    if (s->computed_bias) {
        s->biases_at = (size + align) & ~align;
        size = s->biases_at + s->n_biases * sizeof(int32_t);
    }
    lab_prepare_tiles(
        prepare, (uint32_t)((s->tiles.count + s->tiles.per_tile - 1) / s->tiles.per_tile), size);
}

static inline size_t conv_q8_block_rows(const conv_q8 *s)
{
    size_t step = s->isa->rows, most = CONV_MAX_BLOCK / step * step;
    size_t rows = s->words ? CONV_BLOCK_WORDS / (3 * s->k) : CONV_BLOCK_BYTES / (s->k + s->n);
    rows = rows ? (rows + step - 1) / step * step : step;
    return rows < most ? rows : most;
}

static inline void conv_q8_tile(lab_prepare *prepare, conv_q8 *s, size_t pixels)
{
    s->block = conv_q8_block_rows(s);
    if (s->direct) {
        s->tiles = (tiling){ pixels, s->block };
        conv_q8_scratch(prepare, s, s->flip, s->block * s->k);
        return;
    }
    /* Enough work for a tile, but no more pixels or memory than a cache can use. */
    size_t width = (size_t)s->w.out_w, rows = CONV_TILE_WORK / width / s->k / s->n + 1;
    size_t most = CONV_MAX_BLOCK / width + 1, fit = CONV_TILE_BYTES / s->strip + 1;
    rows = rows < most ? rows : most;
    rows = rows < fit ? rows : fit;
    s->tiles = (tiling){ pixels / width, rows };
    conv_q8_scratch(prepare, s, true, rows * s->strip);
}

static inline lab_status conv_q8_prepare(lab_prepare *prepare, const lab_node *node,
                                         const conv_q8_isa *isa)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    conv_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->isa = isa;
    s->n = (size_t)filter->shape[0];
    s->k = elements(filter) / s->n;
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->flip = q8_flip(x);
    s->zero = (uint8_t)q8_flipped_zero(x);
    int32_t lo, hi;
    q8_activation(y, node->attrs.activation, &lo, &hi);
    s->out_lo = (uint8_t)(lo - q8_min(y->dtype));
    s->out_hi = (uint8_t)(hi - q8_min(y->dtype));
    s->out_zero = (uint8_t)q8_flipped_zero(y);
    s->plain = s->out_lo == 0 && s->out_hi == UINT8_MAX;
    s->computed_bias = conv_bias_is_computed(node);
    conv_q8_geometry(s);
    if (!conv_q8_pack_all(prepare, node, s))
        return prepare_no_memory(prepare, node);
    conv_q8_tile(prepare, s, elements(y) / s->n);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

#endif
