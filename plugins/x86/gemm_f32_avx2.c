/*
 * gemm_f32_avx2.c: see gemm_f32_avx2.h. A panel is 16 filters; the inner loop keeps 6 rows x 16
 * sums, two vectors of weights and one value of x in the 16 registers. Two fused multiply-adds a
 * cycle of four cycles each need eight sums on their way; there are twelve.
 *
 * A panel's weights should stay in the 32 KB first-level cache while the rows of a tile pass, so
 * long rows are multiplied in blocks of k. Between blocks the sums wait in y, as floats, which they
 * are in the registers: blocks change no result.
 */
#include "gemm_f32_avx2.h"

#include "vector_f32_avx2.h"

#define PANEL (2 * LANES)
#define MAX_BLOCK ((size_t)320) /* 20 KB of weights, and 7.5 KB of six rows */
#define TILE_FLOATS 49152       /* of x: with a panel it stays in the second-level cache */

static size_t panels_of(size_t n)
{
    return (n + PANEL - 1) / PANEL;
}

bool gemm_f32_prepare(lab_prepare *prepare, gemm_f32 *g, size_t n, size_t k, const float *bias,
                      lab_activation activation)
{
    size_t panels = panels_of(n), blocks = (k + MAX_BLOCK - 1) / MAX_BLOCK;
    *g = (gemm_f32){ .k = k, .n = n, .runs = 1, .range = f32_activation(activation) };
    g->k_block = blocks ? (k + blocks - 1) / blocks : 1;
    g->weights = prepare_array(prepare, panels * PANEL, k * sizeof *g->weights);
    g->bias = prepare_array(prepare, panels * PANEL, sizeof *g->bias);
    if (!g->weights || !g->bias)
        return false;
    for (size_t c = 0; bias && c < n; c++)
        g->bias[c] = bias[c];
    return true;
}

bool gemm_f32_takes_runs(size_t k)
{
    return k > 0 && k <= MAX_BLOCK;
}

void gemm_f32_set(const gemm_f32 *g, size_t c, size_t i, float value)
{
    g->weights[(c / PANEL * g->k + i) * PANEL + c % PANEL] = value;
}

size_t gemm_f32_tile_rows(const gemm_f32 *g)
{
    size_t groups = TILE_FLOATS / (GEMM_ROWS * (g->k ? g->k : 1));
    return GEMM_ROWS * (groups < 4 ? 4 : groups > 16 ? 16 : groups);
}

/* One block of k of one panel: what stays the same from group to group of rows. */
typedef struct block {
    const float *weights; /* [k][PANEL] */
    const float *bias;
    size_t k; /* of each run */
    size_t runs, run_step;
    size_t x_step, y_step;
    size_t width;     /* filters of the panel that are there */
    bool first;       /* block of k: starts with the bias, others with the sums in y */
    clamp_avx2 clamp; /* holds nothing back before the last block */
} block;

#define UNROLL 4 /* of k */

/*
 * One of k for six rows x 16, with offsets from x and w in bytes. Sums are operands 0 to 11, three
 * and five times `step` are in r10 and r11.
 */
/* clang-format off */
#define STEP(x, w)                                                                                 \
    "vmovaps " #w "(%[w]), %%ymm12\n\t"                                                            \
    "vmovaps 32+" #w "(%[w]), %%ymm13\n\t"                                                         \
    STEP_ROW(#x "(%[x])", "%%ymm14", "%0", "%1")                                                   \
    STEP_ROW(#x "(%[x],%[step])", "%%ymm15", "%2", "%3")                                           \
    STEP_ROW(#x "(%[x],%[step],2)", "%%ymm14", "%4", "%5")                                         \
    STEP_ROW(#x "(%[x],%%r10)", "%%ymm15", "%6", "%7")                                             \
    STEP_ROW(#x "(%[x],%[step],4)", "%%ymm14", "%8", "%9")                                         \
    STEP_ROW(#x "(%[x],%%r11)", "%%ymm15", "%10", "%11")

#define STEP_ROW(x, value, sum0, sum1)                                                             \
    "vbroadcastss " x ", " value "\n\t"                                                            \
    "vfmadd231ps %%ymm12, " value ", " sum0 "\n\t"                                                 \
    "vfmadd231ps %%ymm13, " value ", " sum1 "\n\t"

/*
 * `count` steps of six rows x 16, a multiple of UNROLL and not 0. As asm: compilers copy and spill
 * sums where they unroll this loop, and not unrolled it takes 26 instructions a step instead of 21.
 * While another program runs on the core's other hardware thread, which takes half of the decoders,
 * that is what bounds it: a fifth of the time.
 */
static inline __attribute__((always_inline)) void
multiply_six(const float *x, size_t x_step, const float *w, size_t count, __m256 (*sum)[2])
{
    __asm__("lea (%[step],%[step],2), %%r10\n\t"
            "lea (%[step],%[step],4), %%r11\n"
            "1:\n\t"
            STEP(0, 0)
            STEP(4, 64)
            STEP(8, 128)
            STEP(12, 192)
            "add $256, %[w]\n\t"
            "add $16, %[x]\n\t"
            "cmp %[end], %[x]\n\t"
            "jne 1b"
            : "+x"(sum[0][0]), "+x"(sum[0][1]), "+x"(sum[1][0]), "+x"(sum[1][1]), "+x"(sum[2][0]),
              "+x"(sum[2][1]), "+x"(sum[3][0]), "+x"(sum[3][1]), "+x"(sum[4][0]), "+x"(sum[4][1]),
              "+x"(sum[5][0]), "+x"(sum[5][1]), [x] "+r"(x), [w] "+r"(w)
            : [step] "r"(x_step * sizeof *x), [end] "r"(x + count)
            : "r10", "r11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}
/* clang-format on */

/*
 * `rows`, `vectors` and `whole` (all lanes count) are constants where this is inlined. Loops over
 * the sums must stay so short that GCC unrolls them early: sums that are indexed at run time live
 * in memory.
 */
static inline __attribute__((always_inline)) void multiply(const block *b, const float *restrict x,
                                                           float *restrict y, const size_t rows,
                                                           const size_t vectors, const bool whole)
{
    __m256 sum[GEMM_ROWS][2];
    for (size_t r = 0; r < rows; r++)
        for (size_t v = 0; v < vectors; v++)
            sum[r][v] = _mm256_load_ps(b->bias + v * LANES);
    for (size_t r = 0; r < rows && !b->first; r++)
        for (size_t v = 0; v < vectors; v++)
            sum[r][v] = whole ? _mm256_loadu_ps(y + r * b->y_step + v * LANES)
                              : load_first(y + r * b->y_step + v * LANES, b->width - v * LANES);
    const float *w = b->weights;
    for (size_t run = 0; run < b->runs; run++, x += b->run_step) {
        size_t i = 0;
        if (rows == GEMM_ROWS && vectors > 1 && b->k >= UNROLL) {
            i = b->k / UNROLL * UNROLL;
            multiply_six(x, b->x_step, w, i, sum);
            w += i * PANEL;
        }
        for (; i < b->k; i++, w += PANEL) {
            __m256 w0 = _mm256_load_ps(w), w1 = vectors > 1 ? _mm256_load_ps(w + LANES) : w0;
            for (size_t r = 0; r < rows; r++) {
                __m256 value = _mm256_broadcast_ss(x + r * b->x_step + i);
                sum[r][0] = _mm256_fmadd_ps(value, w0, sum[r][0]);
                if (vectors > 1)
                    sum[r][1] = _mm256_fmadd_ps(value, w1, sum[r][1]);
            }
        }
    }
    __m256 last[GEMM_ROWS];
    for (size_t r = 0; r < rows; r++) {
        last[r] = clamp8(sum[r][vectors - 1], b->clamp);
        if (vectors > 1)
            _mm256_storeu_ps(y + r * b->y_step, clamp8(sum[r][0], b->clamp));
        if (whole)
            _mm256_storeu_ps(y + r * b->y_step + (vectors - 1) * LANES, last[r]);
    }
    for (size_t r = 0; r < rows && !whole; r++)
        store_first(y + r * b->y_step + (vectors - 1) * LANES, last[r],
                    b->width - (vectors - 1) * LANES);
}

/* Six rows, or the one to five that are left at the end. */
static inline __attribute__((always_inline)) void multiply_rows(const block *b, const float *x,
                                                                float *y, size_t rows,
                                                                const size_t vectors,
                                                                const bool whole)
{
    size_t r = 0;
    for (; r + GEMM_ROWS <= rows; r += GEMM_ROWS)
        multiply(b, x + r * b->x_step, y + r * b->y_step, GEMM_ROWS, vectors, whole);
    x += r * b->x_step;
    y += r * b->y_step;
    switch (rows - r) {
    case 5:
        multiply(b, x, y, 5, vectors, whole);
        break;
    case 4:
        multiply(b, x, y, 4, vectors, whole);
        break;
    case 3:
        multiply(b, x, y, 3, vectors, whole);
        break;
    case 2:
        multiply(b, x, y, 2, vectors, whole);
        break;
    case 1:
        multiply(b, x, y, 1, vectors, whole);
        break;
    default:
        break;
    }
}

void gemm_f32_run(const gemm_f32 *g, const float *x, size_t x_step, size_t rows, float *y,
                  size_t y_step)
{
    block b = { .x_step = x_step, .y_step = y_step, .runs = g->runs, .run_step = g->run_step };
    size_t begin = 0;
    do { /* once even where k is 0: the bias alone */
        size_t k = g->k - begin < g->k_block ? g->k - begin : g->k_block;
        b.k = k / g->runs;
        b.first = begin == 0;
        b.clamp = clamp_of(begin + k == g->k ? g->range : f32_activation(LAB_ACT_NONE));
        for (size_t c = 0; c < g->n; c += PANEL) {
            b.weights = g->weights + c * g->k + begin * PANEL;
            b.bias = g->bias + c;
            b.width = g->n - c < PANEL ? g->n - c : PANEL;
            if (b.width == PANEL)
                multiply_rows(&b, x + begin, y + c, rows, 2, true);
            else if (b.width > LANES)
                multiply_rows(&b, x + begin, y + c, rows, 2, false);
            else
                multiply_rows(&b, x + begin, y + c, rows, 1, b.width == LANES);
        }
        begin += k;
    } while (begin < g->k);
}
