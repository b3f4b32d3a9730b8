/*
 * conv_avx512vnni.c: the multiplication of conv_q8.h with vpdpbusd, 64 products an instruction,
 * added in int32 without saturation: a panel's list has an entry for each quad, and a second one
 * only where a weight less its zero point does not fit in a byte.
 *
 * A wide panel is two vectors of sixteen filters, eight rows of them at a time: 16 accumulators in
 * flight hide the latency of vpdpbusd, and with two vectors of weights and one of values they leave
 * registers over. (Twelve rows would fit, but compilers spill them.) A narrow panel is one vector:
 * sixteen rows of it. Values are broadcast by the load, which costs no arithmetic.
 *
 * Rows are multiplied in eights (sixteens); what is multiplied beyond the last row is not stored.
 */
#include "avx512.h"
#include "conv_q8_pack.h"
#include "conv_q8_run.h"
#include "kernels.h"

#define WIDE ((size_t)32)
#define WIDE_ROWS ((size_t)8)
#define NARROW ((size_t)16)
#define NARROW_ROWS ((size_t)16)

_Static_assert(NARROW_ROWS - 1 <= CONV_EXTRA_ROWS, "rows that may be read beyond a block");

#define INLINE static inline __attribute__((always_inline))

static int match(const lab_node *node)
{
    return conv_q8_node_match(node) ? 40 : 0;
}

/* Lanes have the order of the filters: store64 puts them right for good. */
static size_t lane_of(size_t channel, size_t lanes)
{
    (void)lanes;
    return channel;
}

/* Four values of a row, in every lane. */
INLINE __m512i quad_at(const uint8_t *row, uint32_t offset)
{
    int32_t quad;
    memcpy(&quad, row + offset, sizeof quad);
    return _mm512_set1_epi32(quad);
}

/* acc[2 * row + half] */
INLINE void multiply_wide(const conv_q8_panel *p, const uint8_t *const *rows,
                          __m512i acc[2 * WIDE_ROWS])
{
    const int8_t *w = p->weights;
    for (size_t r = 0; r < WIDE_ROWS; r++) {
        acc[2 * r] = _mm512_load_si512(p->bias);
        acc[2 * r + 1] = _mm512_load_si512(p->bias + WIDE / 2);
    }
    for (size_t i = 0; i < p->singles; i++, w += WIDE * QUAD) {
        __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
        for (size_t r = 0; r < WIDE_ROWS; r++) {
            __m512i x = quad_at(rows[r], p->offsets[i]);
            acc[2 * r] = dot_add(acc[2 * r], x, w0);
            acc[2 * r + 1] = dot_add(acc[2 * r + 1], x, w1);
        }
    }
}

INLINE void multiply_narrow(const conv_q8_panel *p, const uint8_t *const *rows,
                            __m512i acc[NARROW_ROWS])
{
    const int8_t *w = p->weights;
    for (size_t r = 0; r < NARROW_ROWS; r++)
        acc[r] = _mm512_load_si512(p->bias);
    for (size_t i = 0; i < p->singles; i++, w += NARROW * QUAD) {
        __m512i weights = _mm512_load_si512(w);
        for (size_t r = 0; r < NARROW_ROWS; r++)
            acc[r] = dot_add(acc[r], quad_at(rows[r], p->offsets[i]), weights);
    }
}

/* The first `rows` rows of p->lanes bytes each, p->used of them. */
static __attribute__((noinline)) void store_part(const conv_q8_panel *p, __m512i bytes, size_t rows,
                                                 uint8_t *y, size_t n)
{
    uint8_t part[64];
    _mm512_storeu_si512((void *)part, bytes);
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * n, part + r * p->lanes, p->used);
}

INLINE void store_two(__m512i bytes, uint8_t *y, size_t n)
{
    _mm256_storeu_si256((void *)y, _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256((void *)(y + n), _mm512_extracti64x4_epi64(bytes, 1));
}

INLINE void store_four(__m512i bytes, uint8_t *y, size_t n)
{
    __m256i low = _mm512_castsi512_si256(bytes), high = _mm512_extracti64x4_epi64(bytes, 1);
    _mm_storeu_si128((void *)y, _mm256_castsi256_si128(low));
    _mm_storeu_si128((void *)(y + n), _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128((void *)(y + 2 * n), _mm256_castsi256_si128(high));
    _mm_storeu_si128((void *)(y + 3 * n), _mm256_extracti128_si256(high, 1));
}

INLINE void wide_panel(const conv_q8_panel *p, const conv_q8_rows *rows, size_t count, uint8_t *y,
                       size_t n, const store64 *store)
{
    for (size_t at = 0; at < count; at += WIDE_ROWS, y += WIDE_ROWS * n) {
        __m512i acc[2 * WIDE_ROWS];
        multiply_wide(p, rows->bytes + at, acc);
        for (size_t r = 0; r < WIDE_ROWS && at + r < count; r += 2) {
            __m512i bytes = requant64(acc + 2 * r, p->scale, store);
            if (p->used == WIDE && at + r + 2 <= count)
                store_two(bytes, y + r * n, n);
            else
                store_part(p, bytes, count - at - r < 2 ? 1 : 2, y + r * n, n);
        }
    }
}

INLINE void narrow_panel(const conv_q8_panel *p, const conv_q8_rows *rows, size_t count, uint8_t *y,
                         size_t n, const store64 *store)
{
    for (size_t at = 0; at < count; at += NARROW_ROWS, y += NARROW_ROWS * n) {
        __m512i acc[NARROW_ROWS];
        multiply_narrow(p, rows->bytes + at, acc);
        for (size_t r = 0; r < NARROW_ROWS && at + r < count; r += 4) {
            __m512i bytes = requant64(acc + r, p->scale, store);
            size_t left = count - at - r;
            if (p->used == NARROW && left >= 4)
                store_four(bytes, y + r * n, n);
            else
                store_part(p, bytes, left < 4 ? left : 4, y + r * n, n);
        }
    }
}

static void multiply_block(const conv_q8 *s, const conv_q8_panel *panel, const conv_q8_rows *rows,
                           size_t count, uint8_t *y)
{
    store64 store = store64_of(s->out_zero, s->out_lo, s->out_hi, s->flip);
    y += panel->channel;
    if (panel->lanes == WIDE)
        wide_panel(panel, rows, count, y, s->n, &store);
    else
        narrow_panel(panel, rows, count, y, s->n, &store);
}

/* Costs are instructions a row; no two entries are added before they are widened. */
static const conv_q8_isa isa = {
    .lanes = WIDE,
    .narrow = NARROW,
    .rows = 16,
    .saturates = false,
    .cost_pair = 4,
    .cost_single = 2,
    .cost_narrow_pair = 2,
    .cost_narrow_single = 1,
    .lane = lane_of,
    .multiply = multiply_block,
};

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    return conv_q8_prepare(prepare, node, &isa);
}

const lab_kernel x86_conv_2d_q8_avx512vnni = {
    .name = "x86.conv_2d.q8." X86_ISA_AVX512VNNI,
    .op = "conv_2d",
    .isa = X86_ISA_AVX512VNNI,
    .cpu = X86_CPU_AVX512VNNI,
    .match = match,
    .prepare = prepare_conv,
    .run = conv_q8_run,
};
