/*
 * binary_f32_avx2.c: add and mul of floats, with the bytes of reference: of equal shapes, and with
 * one input that repeats the same row of at least eight values (a value for each channel, the usual
 * gate or offset). Other broadcasts are left to reference.
 */
#include "kernels.h"
#include "vector_f32_avx2.h"

#define PIECE ((size_t)4096) /* values of a tile: three of them stay in the first-level cache */

typedef struct binary_f32 {
    uint32_t whole, other; /* positions of the inputs: as large as the output; the repeated one */
    bool repeats;
    size_t row;   /* values of a row: of `other` if it repeats, else of a tile */
    size_t count; /* of the output */
    f32_range range;
    tiling tiles; /* of rows */
} binary_f32;

/* Values of a repeated row: the last dimensions of y, the others being 1. 0: another broadcast. */
static size_t repeated_row(const lab_tensor *t, const lab_tensor *y)
{
    size_t row = 1;
    bool outer = false; /* all further dimensions must be 1 */
    for (uint32_t i = 0; i < y->rank; i++) {
        int32_t size = y->shape[y->rank - 1 - i];
        int32_t own = i < t->rank ? t->shape[t->rank - 1 - i] : 1;
        outer = outer || own != size;
        if (outer && own != 1)
            return 0;
        row *= (size_t)own;
    }
    return row;
}

static bool plan(const lab_node *node, binary_f32 *s)
{
    const lab_tensor *y = node->out[0];
    for (uint32_t k = 0; k < 2; k++) {
        if (node->in[k]->rank > y->rank || !same_shape(node->in[1 - k], y))
            continue;
        s->whole = 1 - k;
        s->other = k;
        s->count = elements(y);
        s->row = repeated_row(node->in[k], y);
        s->repeats = s->row < s->count;
        return s->row >= LANES || s->row == s->count;
    }
    return false;
}

static int match(const lab_node *node)
{
    binary_f32 unused;
    return has_arity(node, 2, 2) && has_dtype(node->in[0], LAB_F32) &&
                   has_dtype(node->in[1], LAB_F32) && has_dtype(node->out[0], LAB_F32) &&
                   plan(node, &unused)
               ? 20
               : 0;
}

static lab_status prepare_binary(lab_prepare *prepare, const lab_node *node)
{
    binary_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    if (!plan(node, s))
        return lab_prepare_fail(prepare, LAB_E_INVALID, "%s: match refuses this node", node->op);
    s->range = f32_activation(node->attrs.activation);
    if (!s->repeats)
        s->row = PIECE;
    size_t rows = (s->count + s->row - 1) / s->row, per_tile = PIECE / s->row;
    s->tiles = (tiling){ rows, per_tile ? per_tile : 1 };
    lab_prepare_tiles(prepare, (uint32_t)((rows + s->tiles.per_tile - 1) / s->tiles.per_tile), 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static inline __attribute__((always_inline)) __m256 combine(__m256 a, __m256 b, const bool multiply,
                                                            clamp_avx2 clamp)
{
    return clamp8(multiply ? _mm256_mul_ps(a, b) : _mm256_add_ps(a, b), clamp);
}

/* `multiply` is constant where this is inlined. */
static inline __attribute__((always_inline)) void run_with(const lab_task *task,
                                                           const bool multiply)
{
    const binary_f32 *s = task->state;
    clamp_avx2 clamp = clamp_of(s->range);
    size_t end = tile_end(&s->tiles, task);
    for (size_t r = tile_begin(&s->tiles, task); r < end; r++) {
        size_t first = r * s->row, left = s->count - first, i = 0;
        size_t n = left < s->row ? left : s->row;
        const float *a = (const float *)task->in[s->whole] + first;
        const float *b = (const float *)task->in[s->other] + (s->repeats ? 0 : first);
        float *y = (float *)task->out[0] + first;
        for (; i + LANES <= n; i += LANES)
            _mm256_storeu_ps(
                y + i, combine(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), multiply, clamp));
        if (i < n)
            store_first(
                y + i, combine(load_first(a + i, n - i), load_first(b + i, n - i), multiply, clamp),
                n - i);
    }
}

static void run_add(const lab_task *task)
{
    run_with(task, false);
}

static void run_mul(const lab_task *task)
{
    run_with(task, true);
}

const lab_kernel x86_add_f32_avx2 = {
    .name = "x86.add.f32.avx2",
    .op = "add",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_binary,
    .run = run_add,
};

const lab_kernel x86_mul_f32_avx2 = {
    .name = "x86.mul.f32.avx2",
    .op = "mul",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_binary,
    .run = run_mul,
};
