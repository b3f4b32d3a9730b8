/*
 * conv_avx2.c: the multiplication of conv_q8.h with AVX2: bytes with vpmaddubsw, 32 products an
 * instruction, whose saturation never happens thanks to quad_list.h. Two entries of a list cost
 * five instructions for 64 products, two vpmaddubsw, vpaddw, vpmaddwd with ones, vpaddd; an entry
 * alone costs three. Larger groups are widened once as well, but their sums take the registers, so
 * that accumulators are in memory: conv_runs_avx2.h, for panels where that is cheaper. Quads that
 * would be split are multiplied in 16 bits with vpmaddwd and vpaddd, four instructions for 32
 * products: less than two entries take.
 *
 * A wide panel is two vectors of eight filters: four rows of two accumulators, four vectors of
 * weights, two of values and the ones are as many registers as there are; in runs six rows. A
 * narrow panel is one vector: eight rows of one accumulator.
 *
 * Rows are multiplied in fours (sixes, eights); what is multiplied beyond the last row is not
 * stored.
 */
#include "conv_q8_ymm.h"
#include "conv_runs_avx2.h"
#include "kernels.h"

#define WIDE_ROWS ((size_t)4)

static int match(const lab_node *node)
{
    return conv_q8_node_match(node) ? 20 : 0;
}

/* Products of one entry, or of two, that fit in 16 bits. */
INLINE __m256i one(__m256i x, __m256i w)
{
    return _mm256_maddubs_epi16(x, w);
}

INLINE __m256i two(__m256i xa, __m256i wa, __m256i xb, __m256i wb)
{
    return _mm256_add_epi16(one(xa, wa), one(xb, wb));
}

INLINE __m256i accumulate(__m256i acc, __m256i sums)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)));
}

/*
 * acc + products of words. As intrinsics GCC 12 adds the sums of one step to those of the next
 * first and runs out of registers; an asm it leaves alone.
 */
INLINE __m256i accumulate_words(__m256i acc, __m256i x, __m256i w)
{
#ifdef __clang__
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
#else
    __m256i sums;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(acc), "=&x"(sums) : "x"(x), "x"(w));
    return acc;
#endif
}

/* Adds the products of the quads in 16 bits to acc[2 * row + half]. */
INLINE void multiply_words(const conv_q8_panel *p, const uint8_t *const *rows,
                           __m256i acc[2 * WIDE_ROWS])
{
    const int16_t *w = p->word_weights;
    for (size_t i = 0; i < p->words; i++)
        for (uint32_t half = 0; half < 2; half++, w += 2 * WIDE) {
            __m256i w0 = load(w), w1 = load(w + WIDE);
            for (size_t r = 0; r < WIDE_ROWS; r++) {
                __m256i x = quad_at(rows[r], p->word_offsets[i] + 4 * half);
                acc[2 * r] = accumulate_words(acc[2 * r], x, w0);
                acc[2 * r + 1] = accumulate_words(acc[2 * r + 1], x, w1);
            }
        }
}

/* acc[2 * row + half] */
INLINE void multiply_wide(const conv_q8_panel *p, const uint8_t *const *rows,
                          __m256i acc[2 * WIDE_ROWS])
{
    const int8_t *w = p->weights;
    const uint32_t *offsets = p->offsets;
    for (size_t r = 0; r < WIDE_ROWS; r++) {
        acc[2 * r] = load(p->bias);
        acc[2 * r + 1] = load(p->bias + WIDE / 2);
    }
    for (size_t i = 0; i < p->pairs; i++, w += 2 * WIDE * QUAD, offsets += 2) {
        __m256i a0 = load(w), a1 = load(w + 32), b0 = load(w + 64), b1 = load(w + 96);
        for (size_t r = 0; r < WIDE_ROWS; r++) {
            __m256i a = quad_at(rows[r], offsets[0]), b = quad_at(rows[r], offsets[1]);
            acc[2 * r] = accumulate(acc[2 * r], two(a, a0, b, b0));
            acc[2 * r + 1] = accumulate(acc[2 * r + 1], two(a, a1, b, b1));
        }
    }
    for (size_t i = 0; i < p->singles; i++, w += WIDE * QUAD, offsets++) {
        __m256i a0 = load(w), a1 = load(w + 32);
        for (size_t r = 0; r < WIDE_ROWS; r++) {
            __m256i a = quad_at(rows[r], offsets[0]);
            acc[2 * r] = accumulate(acc[2 * r], one(a, a0));
            acc[2 * r + 1] = accumulate(acc[2 * r + 1], one(a, a1));
        }
    }
}

INLINE void multiply_narrow(const conv_q8_panel *p, const uint8_t *const *rows,
                            __m256i acc[NARROW_ROWS])
{
    const int8_t *w = p->weights;
    const uint32_t *offsets = p->offsets;
    for (size_t r = 0; r < NARROW_ROWS; r++)
        acc[r] = load(p->bias);
    for (size_t i = 0; i < p->pairs; i++, w += 2 * NARROW * QUAD, offsets += 2) {
        __m256i wa = load(w), wb = load(w + 32);
        for (size_t r = 0; r < NARROW_ROWS; r++)
            acc[r] = accumulate(
                acc[r], two(quad_at(rows[r], offsets[0]), wa, quad_at(rows[r], offsets[1]), wb));
    }
    for (size_t i = 0; i < p->singles; i++, w += NARROW * QUAD, offsets++) {
        __m256i wa = load(w);
        for (size_t r = 0; r < NARROW_ROWS; r++)
            acc[r] = accumulate(acc[r], one(quad_at(rows[r], offsets[0]), wa));
    }
}

/* Not by kind of store: one copy of the loops is large enough. */
static void panel_in_runs(const conv_q8_panel *p, const conv_q8_rows *rows, size_t count,
                          uint8_t *y, size_t n, const store32 *store, store_kind kind)
{
    __m256i bias[2 * RUN_ROWS];
    for (size_t i = 0; i < 2 * RUN_ROWS; i++)
        bias[i] = load(p->bias + i % 2 * (WIDE / 2));
    for (size_t at = 0; at < count; at += RUN_ROWS) {
        __m256i acc[2 * RUN_ROWS];
        multiply_runs(p, rows->bytes + at, bias, acc);
        if (kind == STORE_BARE)
            store_wide(p, acc, RUN_ROWS, count - at, y + at * n, n, store, STORE_BARE);
        else if (kind == STORE_PLAIN)
            store_wide(p, acc, RUN_ROWS, count - at, y + at * n, n, store, STORE_PLAIN);
        else
            store_wide(p, acc, RUN_ROWS, count - at, y + at * n, n, store, STORE_ANY);
    }
}

/* Copies of the panel say that storing bytes does not change it. */
INLINE void wide_panel(const conv_q8_panel *panel, const conv_q8_rows *rows, size_t count,
                       uint8_t *y, size_t n, const store32 *store, const store_kind kind)
{
    const conv_q8_panel p = *panel;
    for (size_t at = 0; at < count; at += WIDE_ROWS) {
        __m256i acc[2 * WIDE_ROWS];
        multiply_wide(&p, rows->bytes + at, acc);
        multiply_words(&p, rows->words + at, acc);
        store_wide(&p, acc, WIDE_ROWS, count - at, y + at * n, n, store, kind);
    }
}

INLINE void narrow_panel(const conv_q8_panel *panel, const conv_q8_rows *rows, size_t count,
                         uint8_t *y, size_t n, const store32 *store, const store_kind kind)
{
    const conv_q8_panel p = *panel;
    for (size_t at = 0; at < count; at += NARROW_ROWS) {
        __m256i acc[NARROW_ROWS];
        multiply_narrow(&p, rows->bytes + at, acc);
        store_narrow(&p, acc, count - at, y + at * n, n, store, kind);
    }
}

INLINE void panel_in_twos(const conv_q8_panel *p, const conv_q8_rows *rows, size_t count,
                          uint8_t *y, size_t n, const store32 *store, const store_kind kind)
{
    if (p->lanes == WIDE)
        wide_panel(p, rows, count, y, n, store, kind);
    else
        narrow_panel(p, rows, count, y, n, store, kind);
}

static void multiply_block(const conv_q8 *s, const conv_q8_panel *panel, const conv_q8_rows *rows,
                           size_t count, uint8_t *y)
{
    store_kind kind = store_kind_of(s);
    store32 store = store32_for(s);
    y += panel->channel;
    if (panel->runs[0].count)
        panel_in_runs(panel, rows, count, y, s->n, &store, kind);
    else if (kind == STORE_BARE)
        panel_in_twos(panel, rows, count, y, s->n, &store, STORE_BARE);
    else if (kind == STORE_PLAIN)
        panel_in_twos(panel, rows, count, y, s->n, &store, STORE_PLAIN);
    else
        panel_in_twos(panel, rows, count, y, s->n, &store, STORE_ANY);
}

/* Costs are what entries took on a Zen 3, over long lists, in picoseconds. */
static const conv_q8_isa isa = {
    .lanes = WIDE,
    .narrow = NARROW,
    .rows = 24,
    .saturates = true,
    .cost_pair = 1170,
    .cost_single = 690,
    .cost_narrow_pair = 635,
    .cost_narrow_single = 380,
    .cost_words = 870,
    .cost_widen = 100,
    .cost_entry = 330,
    .cost_group = 650,
    .cost_run = 250,
    .lane = lane_of,
    .multiply = multiply_block,
};

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    return conv_q8_prepare(prepare, node, &isa);
}

const lab_kernel x86_conv_2d_q8_avx2 = {
    .name = "x86.conv_2d.q8.avx2",
    .op = "conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_conv,
    .run = conv_q8_run,
};
