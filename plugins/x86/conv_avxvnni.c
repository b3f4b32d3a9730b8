/*
 * conv_avxvnni.c: the multiplication of conv_q8.h with vpdpbusd of AVX-VNNI, 32 products an
 * instruction, added in int32 without saturation: a panel's list has an entry for each quad, and a
 * second one only where a weight less its zero point does not fit in a byte.
 *
 * A wide panel is two vectors of eight filters, six rows of them at a time: 12 accumulators in
 * flight hide the latency of vpdpbusd, and with two vectors of weights and one of values they are
 * 15 of 16 registers. A narrow panel is one vector: eight rows of it.
 *
 * Rows are multiplied in sixes (eights); what is multiplied beyond the last row is not stored.
 */
#include "conv_q8_ymm.h"
#include "kernels.h"

#ifdef X86_EMULATED
#define CPU 0
#define ISA "emulatedvnni"
#else
#define CPU (LAB_CPU_AVX2 | LAB_CPU_AVXVNNI)
#define ISA "avxvnni"
#endif

#define WIDE_ROWS ((size_t)6)

_Static_assert(WIDE_ROWS - 1 <= CONV_EXTRA_ROWS, "rows that may be read beyond a block");

static int match(const lab_node *node)
{
    return conv_q8_node_match(node) ? 30 : 0;
}

/*
 * acc + the products of four bytes of x, unsigned, and of w, signed, in each lane: exact in int32.
 * The asm is for GCC 12, which copies accumulators around the intrinsic in loops.
 */
INLINE __m256i dot_add(__m256i acc, __m256i x, __m256i w)
{
#ifdef X86_EMULATED
    return _mm256_dpbusd_epi32(acc, x, w);
#elif defined(__clang__)
    return _mm256_dpbusd_avx_epi32(acc, x, w);
#else
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w));
    return acc;
#endif
}

/* acc[2 * row + half] */
INLINE void multiply_wide(const conv_q8_panel *p, const uint8_t *const *rows,
                          __m256i acc[2 * WIDE_ROWS])
{
    const int8_t *w = p->weights;
    for (size_t r = 0; r < WIDE_ROWS; r++) {
        acc[2 * r] = load(p->bias);
        acc[2 * r + 1] = load(p->bias + WIDE / 2);
    }
    for (size_t i = 0; i < p->singles; i++, w += WIDE * QUAD) {
        __m256i w0 = load(w), w1 = load(w + 32);
        for (size_t r = 0; r < WIDE_ROWS; r++) {
            __m256i x = quad_at(rows[r], p->offsets[i]);
            acc[2 * r] = dot_add(acc[2 * r], x, w0);
            acc[2 * r + 1] = dot_add(acc[2 * r + 1], x, w1);
        }
    }
}

INLINE void multiply_narrow(const conv_q8_panel *p, const uint8_t *const *rows,
                            __m256i acc[NARROW_ROWS])
{
    const int8_t *w = p->weights;
    for (size_t r = 0; r < NARROW_ROWS; r++)
        acc[r] = load(p->bias);
    for (size_t i = 0; i < p->singles; i++, w += NARROW * QUAD) {
        __m256i weights = load(w);
        for (size_t r = 0; r < NARROW_ROWS; r++)
            acc[r] = dot_add(acc[r], quad_at(rows[r], p->offsets[i]), weights);
    }
}

INLINE void any_panel(const conv_q8 *s, const conv_q8_panel *panel, const conv_q8_rows *rows,
                      size_t count, uint8_t *y, const store_kind kind)
{
    const store32 store = store32_for(s);
    const conv_q8_panel p = *panel;
    const size_t n = s->n, step = p.lanes == WIDE ? WIDE_ROWS : NARROW_ROWS;
    y += p.channel;
    for (size_t at = 0; at < count; at += step) {
        __m256i acc[2 * WIDE_ROWS];
        if (p.lanes == WIDE) {
            multiply_wide(&p, rows->bytes + at, acc);
            store_wide(&p, acc, WIDE_ROWS, count - at, y + at * n, n, &store, kind);
        } else {
            multiply_narrow(&p, rows->bytes + at, acc);
            store_narrow(&p, acc, count - at, y + at * n, n, &store, kind);
        }
    }
}

static void multiply_block(const conv_q8 *s, const conv_q8_panel *panel, const conv_q8_rows *rows,
                           size_t count, uint8_t *y)
{
    store_kind kind = store_kind_of(s);
    if (kind == STORE_BARE)
        any_panel(s, panel, rows, count, y, STORE_BARE);
    else if (kind == STORE_PLAIN)
        any_panel(s, panel, rows, count, y, STORE_PLAIN);
    else
        any_panel(s, panel, rows, count, y, STORE_ANY);
}

/* Costs are instructions a row; no two entries are added before they are widened. */
static const conv_q8_isa isa = {
    .lanes = WIDE,
    .narrow = NARROW,
    .rows = 24,
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

const lab_kernel x86_conv_2d_q8_avxvnni = {
    .name = "x86.conv_2d.q8." ISA,
    .op = "conv_2d",
    .isa = ISA,
    .cpu = CPU,
    .match = match,
    .prepare = prepare_conv,
    .run = conv_q8_run,
};
