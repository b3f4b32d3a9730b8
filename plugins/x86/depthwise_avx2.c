/*
 * depthwise_avx2.c: 8-bit depthwise_conv_2d, 32 channels at a time, by the programs of
 * depthwise_program.h: vpunpck interleaves two taps, vpmaddubsw multiplies them with their weights,
 * and int16 sums are widened once a group.
 *
 * Work goes by runs of neighbouring output pixels of a row. For each tap a pointer says where it
 * reads for the first pixel; for the others it moves on by a constant. Rows of the filter outside
 * the picture point at a row of zero points; output pixels with columns outside are runs of one.
 * With a horizontal stride of 1 a run is one array of pixels * channels bytes, whatever the number
 * of channels. Otherwise the last block of a pixel reaches into the next one: it is taken before
 * the others, so that the first block of the next pixel writes over that. The last pixel of a run
 * is cut to size. Reads go up to 31 bytes past the last channel.
 */
#include "depthwise_columns_avx2.h"
#include "kernels.h"

#define RUN_BYTES 4096    /* of a run: its part of each row read is to stay in the L1 cache */
#define RUN_PIXELS 8      /* at least, for each block's set-up */
#define SLIDE_BYTES 65536 /* of a sliding run, which reads row by row: what L2 holds */
#define FLAT_BLOCKS 9     /* programs of at most this many blocks are packed for whole rows */

typedef struct depthwise_avx2 {
    window w;
    tiling tiles; /* of output rows */
    size_t n, taps, blocks;
    int32_t slide;   /* columns from a block to its next place; 0: they are not shared */
    bool twins;      /* sliding blocks are two neighbouring pixels */
    size_t lists_at; /* in scratch: after the columns of 5x5 filters that slide; else 0 */
    const dw_block *program;
    const uint8_t *outside;   /* zero points */
    int32_t inner, inner_end; /* output columns with all taps in the picture; sliding: with the
                                 last column of taps in it */
    int32_t run;              /* pixels of a run at most */
    size_t in_step, out_step; /* from a block to its next place in a run */
} depthwise_avx2;

static int match(const lab_node *node)
{
    return depthwise_q8_match(node) && node->in[0]->shape[3] == node->out[0]->shape[3] &&
                   elements(node->in[1]) / (size_t)node->in[1]->shape[3] <= DW_MAX_TAPS
               ? 20
               : 0;
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int32_t limit(int64_t value, int32_t lo, int32_t hi)
{
    return value < lo ? lo : value > hi ? hi : (int32_t)value;
}

/*
 * Where columns can be shared by neighbours. The last block of a pixel is not to cost more than it
 * brings, nor to write over what was there before it: runs of dilated filters interlace.
 */
static bool can_slide(const depthwise_avx2 *s, const lab_node *node)
{
    const window *w = &s->w;
    size_t lanes = (s->n + DW_LANES - 1) / DW_LANES * DW_LANES;
    bool small = w->filter_h == 3 && w->filter_w == 3, large = w->filter_h == 5 && w->filter_w == 5;
    return (w->stride_w == 1 ? small || large : small && w->stride_w == 2 && w->dilation_w == 1) &&
           w->pad_left <= (w->filter_w - 1) * (int64_t)w->dilation_w &&
           w->out_w >= 3 * (int64_t)w->dilation_w && (w->dilation_w == 1 || s->n % DW_LANES == 0) &&
           3 * lanes <= 4 * s->n && (small || dw_slide_fits(node));
}

static void lay_out_slide(depthwise_avx2 *s)
{
    const window *w = &s->w;
    int64_t last = (int64_t)w->in_w - 1 + w->pad_left - (w->filter_w - 1) * (int64_t)w->dilation_w;
    s->blocks = (s->n + DW_LANES - 1) / DW_LANES;
    s->in_step = s->out_step = s->n * (size_t)w->dilation_w;
    s->slide = w->stride_w;
    s->inner = 0;
    s->inner_end = limit(last < 0 ? 0 : last / w->stride_w + 1, 0, w->out_w);
    s->run = limit((int64_t)(SLIDE_BYTES / s->n) / w->stride_w, 2 * RUN_PIXELS,
                   w->out_w / w->dilation_w + 1);
    if (w->filter_w == 5) {
        s->run = limit(s->run, 1, COLUMNS_OF_RUN - 4);
        s->lists_at = COLUMNS_OF_RUN * sizeof(dw_column);
    }
}

/* Blocks and runs: whole rows as arrays where that is possible, else pixel by pixel. */
static void lay_out(depthwise_avx2 *s, const lab_node *node)
{
    const window *w = &s->w;
    if (can_slide(s, node)) {
        lay_out_slide(s);
        return;
    }
    size_t period = s->n / common_divisor(s->n, DW_LANES);
    bool flat = w->stride_w == 1 && (s->n % DW_LANES == 0 || period <= FLAT_BLOCKS);
    s->blocks = flat ? period : (s->n + DW_LANES - 1) / DW_LANES;
    s->in_step = flat ? period * DW_LANES : s->n * (size_t)w->stride_w;
    s->out_step = flat ? period * DW_LANES : s->n;
    int64_t reach = (int64_t)(w->filter_w - 1) * w->dilation_w; /* from the first tap to the last */
    int64_t last = (int64_t)w->in_w - 1 - reach + w->pad_left;
    s->inner = limit(((int64_t)w->pad_left + w->stride_w - 1) / w->stride_w, 0, w->out_w);
    s->inner_end = limit(last < 0 ? 0 : last / w->stride_w + 1, s->inner, w->out_w);
    size_t least = flat ? RUN_PIXELS * (s->out_step / s->n) : RUN_PIXELS;
    size_t run = RUN_BYTES / s->n > least ? RUN_BYTES / s->n : least;
    s->run = limit((int64_t)run, 1, s->inner_end > s->inner ? s->inner_end - s->inner : 1);
    /* Two pixels of 16 channels are a block: of their four columns the next two share two. */
    s->twins = 2 * s->n == DW_LANES && w->filter_h == 3 && w->filter_w == 3 && w->stride_w == 1 &&
               w->dilation_w == 1;
    if (s->twins) {
        s->slide = 2;
        s->in_step = s->n;
    }
}

/* Input pixels from one output pixel of a run to the next. */
static int32_t move_of(const depthwise_avx2 *s)
{
    return s->slide ? s->w.dilation_w * s->w.stride_w : s->w.stride_w;
}

/* Steps of the longest block; a node has at least one block, for it has at least one channel. */
static uint32_t longest(const depthwise_avx2 *s)
{
    uint32_t steps = s->program[0].steps;
    for (size_t b = 1; b < s->blocks; b++)
        steps = s->program[b].steps > steps ? s->program[b].steps : steps;
    return steps;
}

static lab_status prepare_depthwise(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    depthwise_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)y->shape[3];
    s->taps = elements(filter) / s->n;
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    lay_out(s, node);
    s->program = s->slide ? dw_slide_program(prepare, node, s->blocks)
                          : dw_program(prepare, node, s->blocks);
    size_t width = (size_t)(s->run - 1) * (size_t)move_of(s) + 1;
    uint8_t *outside = prepare_array(prepare, width * s->n + DW_LANES, 1);
    if (!s->program || !outside)
        return prepare_no_memory(prepare, node);
    memset(outside, (uint8_t)x->quant.zero_point, width * s->n + DW_LANES);
    s->outside = outside;
    size_t row = (size_t)y->shape[2] * s->blocks * (s->taps + 2);
    size_t lists = (s->taps + 2 * (size_t)longest(s)) * sizeof(const uint8_t *);
    s->tiles =
        tile_items(prepare, (size_t)y->shape[0] * (size_t)y->shape[1], row, s->lists_at + lists);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* ---- where the taps read ---- */

/* The taps of row `ty` of the filter, for output column `column` of the row starting at `top`. */
static void point_row(const depthwise_avx2 *s, const uint8_t *row, int64_t left,
                      const uint8_t **reads)
{
    const window *w = &s->w;
    for (int32_t t = 0; t < w->filter_w; t++) {
        int64_t column = left + (int64_t)t * w->dilation_w;
        bool inside = row && column >= 0 && column < w->in_w;
        reads[t] = inside ? row + (size_t)column * s->n : s->outside;
    }
}

static void point(const depthwise_avx2 *s, const uint8_t *x, pixel out, const uint8_t **reads)
{
    const window *w = &s->w;
    int64_t top = (int64_t)out.y * w->stride_h - w->pad_top;
    int64_t left = (int64_t)out.x * w->stride_w - w->pad_left;
    size_t row_size = (size_t)w->in_w * s->n;
    const uint8_t *picture = x + (size_t)out.batch * (size_t)w->in_h * row_size;
    for (int32_t t = 0; t < w->filter_h; t++, reads += w->filter_w) {
        int64_t y = top + (int64_t)t * w->dilation_h;
        bool inside = y >= 0 && y < w->in_h;
        point_row(s, inside ? picture + (size_t)y * row_size : NULL, left, reads);
    }
}

/* ---- narrow blocks ---- */

static inline __attribute__((always_inline)) halves step_kept(halves sum, const uint8_t *a,
                                                              const uint8_t *b, __m256i w_low,
                                                              __m256i w_high, const bool is_signed)
{
    __m256i x = load_x(a, is_signed), y = load_x(b, is_signed);
    KEEP(x);
    KEEP(y);
    halves pairs = interleave(x, y);
    sum.low = _mm256_add_epi16(sum.low, _mm256_maddubs_epi16(pairs.low, w_low));
    sum.high = _mm256_add_epi16(sum.high, _mm256_maddubs_epi16(pairs.high, w_high));
    KEEP(sum.low);
    KEEP(sum.high);
    return sum;
}

/* Two places of a block, for a step whose weights are at `w`. */
static inline __attribute__((always_inline)) void step_two(halves sum[2], const uint8_t *a,
                                                           const uint8_t *b, size_t next,
                                                           const int8_t *w, const bool is_signed)
{
    __m256i low = keep_256(w), high = keep_256(w + DW_LANES);
    sum[0] = step_kept(sum[0], a, b, low, high, is_signed);
    sum[1] = step_kept(sum[1], a + next, b + next, low, high, is_signed);
}

static inline halves start(const uint16_t *starts)
{
    return (halves){ load_256(starts), load_256(starts + 16) };
}

/* ---- any program ---- */

/* Adds the sums of a group, read as u16. */
static inline __attribute__((always_inline)) void widen_16(sums32 *acc, halves sum)
{
    __m256i zero = _mm256_setzero_si256();
    acc->v[0] = _mm256_add_epi32(acc->v[0], _mm256_unpacklo_epi16(sum.low, zero));
    acc->v[1] = _mm256_add_epi32(acc->v[1], _mm256_unpackhi_epi16(sum.low, zero));
    acc->v[2] = _mm256_add_epi32(acc->v[2], _mm256_unpacklo_epi16(sum.high, zero));
    acc->v[3] = _mm256_add_epi32(acc->v[3], _mm256_unpackhi_epi16(sum.high, zero));
}

/* Accumulators of two places, group after group. */
static inline __attribute__((always_inline)) void
narrow_two(const block_run *r, size_t in, size_t next, const bool is_signed, sums32 acc[2])
{
    const dw_block *block = r->block;
    const int8_t *w = block->weights;
    const uint8_t *const *from = r->from;
    acc[0] = acc[1] = bias_of(block->head);
    for (size_t g = 0, i = 0; g < block->groups; g++) {
        halves sum[2];
        sum[0] = sum[1] = start(block->starts + DW_LANES * g);
        for (; i < block->ends[g]; i++, w += 2 * DW_LANES)
            step_two(sum, from[2 * i] + in, from[2 * i + 1] + in, next, w, is_signed);
        widen_16(&acc[0], sum[0]);
        widen_16(&acc[1], sum[1]);
    }
}

/* ---- wide: int16 weights, products of two taps added in int32 ---- */

/* The bytes of two taps side by side: channels 0 … 7, 16 … 23; and the others. */
static inline __attribute__((always_inline)) halves pair_bytes(const uint8_t *a, const uint8_t *b,
                                                               const bool is_signed)
{
    __m256i x = load_x(a, is_signed), y = load_x(b, is_signed);
    KEEP(y);
    return interleave(x, y);
}

static inline __m256i wide_step(__m256i acc, __m256i words, __m256i w)
{
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(words, w));
    KEEP(acc);
    return acc;
}

static inline __attribute__((always_inline)) void
wide_two(const block_run *r, size_t in, size_t next, const bool is_signed, sums32 acc[2])
{
    const dw_block *block = r->block;
    const int8_t *w = block->weights;
    __m256i zero = _mm256_setzero_si256();
    acc[0] = acc[1] = bias_of(block->head);
    for (size_t i = 0; i < block->steps; i++, w += 4 * DW_LANES) {
        const uint8_t *a = r->from[2 * i] + in, *b = r->from[2 * i + 1] + in;
        halves p = pair_bytes(a, b, is_signed), q = pair_bytes(a + next, b + next, is_signed);
        __m256i v = keep_256(w);
        acc[0].v[0] = wide_step(acc[0].v[0], _mm256_unpacklo_epi8(p.low, zero), v);
        acc[1].v[0] = wide_step(acc[1].v[0], _mm256_unpacklo_epi8(q.low, zero), v);
        v = keep_256(w + 32);
        acc[0].v[1] = wide_step(acc[0].v[1], _mm256_unpackhi_epi8(p.low, zero), v);
        acc[1].v[1] = wide_step(acc[1].v[1], _mm256_unpackhi_epi8(q.low, zero), v);
        v = keep_256(w + 64);
        acc[0].v[2] = wide_step(acc[0].v[2], _mm256_unpacklo_epi8(p.high, zero), v);
        acc[1].v[2] = wide_step(acc[1].v[2], _mm256_unpacklo_epi8(q.high, zero), v);
        v = keep_256(w + 96);
        acc[0].v[3] = wide_step(acc[0].v[3], _mm256_unpackhi_epi8(p.high, zero), v);
        acc[1].v[3] = wide_step(acc[1].v[3], _mm256_unpackhi_epi8(q.high, zero), v);
    }
}

/* Two places at a time; an odd last one is computed as both. */
static inline __attribute__((always_inline)) void any_run(const block_run *r, const bool is_wide,
                                                          const bool is_signed, const store32 *to)
{
    const dw_head *head = r->block->head;
    size_t in = 0, next = r->in_step, out_step = r->out_step, size = r->size;
    for (uint8_t *y = r->y;; y += 2 * out_step, in += 2 * next, size -= 2 * out_step) {
        bool both = size > out_step;
        next = both ? next : 0;
        sums32 acc[2];
        if (is_wide)
            wide_two(r, in, next, is_signed, acc);
        else
            narrow_two(r, in, next, is_signed, acc);
        store_32(y, size, finish(&acc[0], head, to));
        if (!both)
            break;
        store_32(y + out_step, size - out_step, finish(&acc[1], head, to));
        if (size <= 2 * out_step)
            break;
    }
}

/* ---- 3x3 in one group: five steps ---- */

/* 16 results of each place as int16: quarters q and q + 1 of the block. */
static inline __attribute__((always_inline)) void
plain_half(const __m256i sums[2], const dw_head *head, size_t q, __m256i half[2])
{
    __m256i exponent = _mm256_set1_epi16(0x4b00);
    __m256i offset = keep_256(head->offset + 8 * q), scale = keep_256(head->scale + 8 * q);
    __m256i a = plain8(_mm256_unpacklo_epi16(sums[0], exponent), offset, scale);
    __m256i b = plain8(_mm256_unpacklo_epi16(sums[1], exponent), offset, scale);
    offset = keep_256(head->offset + 8 * q + 8);
    scale = keep_256(head->scale + 8 * q + 8);
    half[0] =
        _mm256_packs_epi32(a, plain8(_mm256_unpackhi_epi16(sums[0], exponent), offset, scale));
    half[1] =
        _mm256_packs_epi32(b, plain8(_mm256_unpackhi_epi16(sums[1], exponent), offset, scale));
}

static inline __attribute__((always_inline)) void
plain_two(const halves sum[2], const dw_head *head, const bool is_signed, __m256i bytes[2])
{
    __m256i low[2], high[2];
    plain_half((const __m256i[2]){ sum[0].low, sum[1].low }, head, 0, low);
    plain_half((const __m256i[2]){ sum[0].high, sum[1].high }, head, 2, high);
    for (int k = 0; k < 2; k++)
        bytes[k] = plain_bytes(low[k], high[k], is_signed);
}

/*
 * For blocks and outputs that are `plain`, two places at a time; an odd last one is computed as
 * both. What is read beside pixels lies at constant distances from the head.
 */
static inline __attribute__((always_inline)) void nine_run(const block_run *r, const bool is_signed)
{
    const dw_head *head = r->block->head;
    const uint16_t *starts = (const uint16_t *)(const void *)(head + 1);
    const int8_t *w = (const int8_t *)(starts + DW_LANES);
    const uint8_t *const *from = r->from;
    const uint8_t *a = from[0], *b = from[1], *c = from[2], *d = from[3], *e = from[4],
                  *f = from[5], *g = from[6], *h = from[7], *i = from[8], *j = from[9];
    size_t in = 0, next = r->in_step, out_step = r->out_step, size = r->size;
    for (uint8_t *y = r->y;; y += 2 * out_step, in += 2 * next, size -= 2 * out_step) {
        bool both = size > out_step;
        next = both ? next : 0;
        halves sum[2];
        sum[0] = sum[1] = start(starts);
        step_two(sum, a + in, b + in, next, w, is_signed);
        step_two(sum, c + in, d + in, next, w + 64, is_signed);
        step_two(sum, e + in, f + in, next, w + 128, is_signed);
        step_two(sum, g + in, h + in, next, w + 192, is_signed);
        step_two(sum, i + in, j + in, next, w + 256, is_signed);
        __m256i bytes[2];
        plain_two(sum, head, is_signed, bytes);
        store_32(y, size, bytes[0]);
        if (!both)
            break;
        store_32(y + out_step, size - out_step, bytes[1]);
        if (size <= 2 * out_step)
            break;
    }
}

static void one_block(const block_run *r, bool is_signed, const store32 *to)
{
    const dw_block *b = r->block;
    bool nine = b->groups == 1 && b->steps == 5 && b->plain;
    if (b->groups == 0 && is_signed)
        any_run(r, true, true, to);
    else if (b->groups == 0)
        any_run(r, true, false, to);
    else if (nine && is_signed)
        nine_run(r, true);
    else if (nine)
        nine_run(r, false);
    else if (is_signed)
        any_run(r, false, true, to);
    else
        any_run(r, false, false, to);
}

/*
 * Blocks read here and there, which no prefetcher foresees: asks for the next run of the lowest row
 * that is read. The others were read for the rows above.
 */
static void fetch(const depthwise_avx2 *s, const uint8_t *const *reads, size_t size)
{
    size_t span = size * (size_t)s->w.stride_w;
    const uint8_t *next = reads[s->taps - (size_t)s->w.filter_w] + span;
    for (size_t i = 0; i < span; i += 64)
        _mm_prefetch((const char *)next + i, _MM_HINT_T0);
}

/*
 * A run of output pixels of one row, from `out` on: neighbours, or at the distance of dilated taps
 * when sliding. `reads` is scratch memory.
 */
static void run_pixels(const depthwise_avx2 *s, const lab_task *task, pixel out, int32_t pixels,
                       const store32 *to)
{
    void *lists = (char *)task->scratch + s->lists_at;
    const uint8_t **reads = lists, **from = reads + s->taps;
    bool apart = s->slide && !s->twins;
    size_t size = apart ? (size_t)(pixels - 1) * s->out_step + s->n : (size_t)pixels * s->n;
    size_t row = (size_t)out.batch * (size_t)s->w.out_h + (size_t)out.y;
    uint8_t *y = (uint8_t *)task->out[0] + (row * (size_t)s->w.out_w + (size_t)out.x) * s->n;
    bool is_signed = q8_flip(task->node->in[0]) != 0;
    point(s, task->in[0], out, reads);
    if (!s->slide)
        fetch(s, reads, size);
    for (size_t k = 0; k < s->blocks; k++) {
        size_t b = k ? k - 1 : s->blocks - 1, at = b * DW_LANES;
        const dw_block *block = &s->program[b];
        if (at >= size)
            continue;
        block_run r = {
            block, from, y + at, size - at, s->in_step, s->out_step, s->n * (size_t)s->w.in_w
        };
        if (s->slide) {
            for (size_t i = 0; i < s->taps; i++)
                from[i] = reads[i] + at;
            r.in_step = out.x < s->inner_end ? s->in_step : 0;
            if (s->lists_at)
                slide_columns_of(&r, task->scratch, is_signed, to);
            else
                slide(&r, is_signed, to, s->slide);
            continue;
        }
        for (size_t i = 0; i < 2 * (size_t)block->steps; i++)
            from[i] = reads[block->taps[i]] + at;
        one_block(&r, is_signed, to);
    }
}

/* A row in runs of pixels that are a dilation apart; those that end outside by themselves. */
static void slide_row(const depthwise_avx2 *s, const lab_task *task, pixel out, const store32 *to)
{
    const window *w = &s->w;
    int32_t apart = w->dilation_w;
    while (out.x < w->out_w) {
        int32_t end = out.x < s->inner_end ? s->inner_end : w->out_w;
        int32_t span = limit(end - out.x, 1, s->run * apart);
        for (int32_t k = 0; k < apart && k < span; k++) {
            pixel first = { out.batch, out.y, out.x + k };
            run_pixels(s, task, first, (span - k + apart - 1) / apart, to);
        }
        out.x += span;
    }
}

static void run_row(const depthwise_avx2 *s, const lab_task *task, pixel out, const store32 *to)
{
    while (out.x < s->w.out_w) {
        bool inner = out.x >= s->inner && out.x < s->inner_end;
        int32_t pixels = inner ? limit(s->inner_end - out.x, 1, s->run) : 1;
        run_pixels(s, task, out, pixels, to);
        out.x += pixels;
    }
}

static void run(const lab_task *task)
{
    const depthwise_avx2 *s = task->state;
    store32 to = store32_of(task->node->out[0], task->node->attrs.activation);
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        pixel out = { (int32_t)(i / (size_t)s->w.out_h), (int32_t)(i % (size_t)s->w.out_h), 0 };
        if (s->slide && !s->twins)
            slide_row(s, task, out, &to);
        else
            run_row(s, task, out, &to);
    }
}

const lab_kernel x86_depthwise_conv_2d_q8_avx2 = {
    .name = "x86.depthwise_conv_2d.q8.avx2",
    .op = "depthwise_conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_depthwise,
    .run = run,
};
