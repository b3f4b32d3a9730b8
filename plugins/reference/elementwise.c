/*
 * elementwise.c: add and mul, with broadcasting and a fused activation.
 *
 * add, 8 bits: the formula of add.h as two 256-entry tables and one arithmetic shift.
 *
 * mul, 8 bits: acc = (x1 - z1)(x2 - z2), k = (s1 * s2) / sy, requantised like a convolution
 * (XNNPACK's rule).
 */
#include "add.h"
#include "kernels.h"

#define PIECE 8192u /* elements of a long row that make one item of work */

/*
 * The output as rows: neighbouring dimensions that both inputs walk (or repeat) alike are merged,
 * so that equal shapes become one long row.
 */
typedef struct broadcast {
    uint32_t rank; /* >= 1; the last dimension is the row */
    size_t shape[LAB_MAX_RANK];
    size_t step[2][LAB_MAX_RANK]; /* of each input, in elements; 0 where it is repeated */
    size_t pieces;                /* of a row */
    tiling tiles;                 /* of pieces of all rows */
} broadcast;

static int32_t dim_from_end(const lab_tensor *t, uint32_t i)
{
    return i < t->rank ? t->shape[t->rank - 1 - i] : 1;
}

static bool broadcast_match(const lab_node *node)
{
    if (!has_arity(node, 2, 2))
        return false;
    const lab_tensor *a = node->in[0], *b = node->in[1], *y = node->out[0];
    if (a->rank > y->rank || b->rank > y->rank)
        return false;
    for (uint32_t i = 0; i < y->rank; i++) {
        int32_t da = dim_from_end(a, i), db = dim_from_end(b, i);
        if ((da != db && da != 1 && db != 1) || dim_from_end(y, i) != (da > db ? da : db))
            return false;
    }
    return true;
}

static void broadcast_plan(broadcast *plan, const lab_tensor *const in[2], const lab_tensor *y)
{
    size_t walked[2] = { 1, 1 }; /* elements of the inputs in the dimensions done so far */
    bool repeats[2] = { false, false };
    size_t shape[LAB_MAX_RANK], step[2][LAB_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < y->rank; i++) { /* from the last dimension outwards */
        size_t n = (size_t)dim_from_end(y, i);
        bool repeat[2];
        for (int k = 0; k < 2; k++)
            repeat[k] = dim_from_end(in[k], i) == 1;
        if (n == 1)
            continue;
        if (rank > 0 && repeat[0] == repeats[0] && repeat[1] == repeats[1]) {
            shape[rank - 1] *= n;
        } else {
            shape[rank] = n;
            for (int k = 0; k < 2; k++)
                step[k][rank] = repeat[k] ? 0 : walked[k];
            rank++;
        }
        for (int k = 0; k < 2; k++) {
            walked[k] *= repeat[k] ? 1 : n;
            repeats[k] = repeat[k];
        }
    }
    plan->rank = rank ? rank : 1;
    plan->shape[0] = 1; /* a single element */
    plan->step[0][0] = plan->step[1][0] = 0;
    for (uint32_t i = 0; i < rank; i++) {
        plan->shape[i] = shape[rank - 1 - i];
        for (int k = 0; k < 2; k++)
            plan->step[k][i] = step[k][rank - 1 - i];
    }
}

static void broadcast_tiles(lab_prepare *prepare, broadcast *plan)
{
    size_t row = plan->shape[plan->rank - 1], rows = 1;
    for (uint32_t i = 0; i + 1 < plan->rank; i++)
        rows *= plan->shape[i];
    plan->pieces = (row + PIECE - 1) / PIECE;
    plan->tiles = tile_items(prepare, rows * plan->pieces, row < PIECE ? row : PIECE, 0);
}

/* A run of `n` output elements from element `out` on; in[k] starts at `at[k]`, by step[k]. */
typedef struct span {
    size_t out, n, at[2], step[2];
} span;

static span span_at(const broadcast *plan, size_t item)
{
    uint32_t last = plan->rank - 1;
    size_t length = plan->shape[last], row = item / plan->pieces;
    size_t first = item % plan->pieces * PIECE;
    span s = { .out = row * length + first, .n = length - first < PIECE ? length - first : PIECE };
    for (int k = 0; k < 2; k++) {
        size_t rest = row;
        s.step[k] = plan->step[k][last];
        s.at[k] = first * s.step[k];
        for (uint32_t i = last; i-- > 0; rest /= plan->shape[i])
            s.at[k] += rest % plan->shape[i] * plan->step[k][i];
    }
    return s;
}

/* ---- add, 8 bits ---- */

typedef struct add_q8 {
    broadcast plan;
    int32_t table[2][256]; /* by byte: (x - z) * m, half of 2^shift added to the first */
    int32_t shift;
    int32_t lo, hi, zero;
} add_q8;

static int q8_match(const lab_node *node)
{
    return broadcast_match(node) && q8_pair_match(node);
}

static int add_q8_match(const lab_node *node)
{
    return q8_match(node) && add_q8_scales_match(node);
}

static void add_q8_tables(add_q8 *s, const lab_node *node)
{
    const lab_tensor *const *in = node->in;
    s->shift = add_q8_shift(node);
    for (int k = 0; k < 2; k++) {
        int32_t m = add_q8_factor(node, k, s->shift);
        for (size_t b = 0; b < 256; b++) {
            uint8_t byte = (uint8_t)b;
            int32_t x = q8_load(&byte, 0, in[k]->dtype) - in[k]->quant.zero_point;
            s->table[k][b] = x * m + (k == 0 ? 1 << (s->shift - 1) : 0);
        }
    }
}

static lab_status add_q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *y = node->out[0];
    add_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    add_q8_tables(s, node);
    q8_activation(y, node->attrs.activation, &s->lo, &s->hi);
    s->zero = y->quant.zero_point;
    broadcast_plan(&s->plan, node->in, y);
    broadcast_tiles(prepare, &s->plan);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static uint8_t add_q8_pair(const add_q8 *s, uint8_t a, uint8_t b)
{
    int32_t v = ((s->table[0][a] + s->table[1][b]) >> s->shift) + s->zero;
    return (uint8_t)(v < s->lo ? s->lo : v > s->hi ? s->hi : v);
}

static void add_q8_run(const lab_task *task)
{
    const add_q8 *s = task->state;
    size_t end = tile_end(&s->plan.tiles, task);
    for (size_t item = tile_begin(&s->plan.tiles, task); item < end; item++) {
        span r = span_at(&s->plan, item);
        const uint8_t *a = (const uint8_t *)task->in[0] + r.at[0];
        const uint8_t *b = (const uint8_t *)task->in[1] + r.at[1];
        uint8_t *y = (uint8_t *)task->out[0] + r.out;
        for (size_t i = 0; i < r.n; i++)
            y[i] = add_q8_pair(s, a[i * r.step[0]], b[i * r.step[1]]);
    }
}

const lab_kernel reference_add_q8 = {
    .name = "reference.add.q8",
    .op = "add",
    .isa = "reference",
    .match = add_q8_match,
    .prepare = add_q8_prepare,
    .run = add_q8_run,
};

/* ---- mul, 8 bits ---- */

typedef struct mul_q8 {
    broadcast plan;
    float k;
    q8_range range;
    uint8_t flip;
    int16_t zero[2];
} mul_q8;

static lab_status mul_q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *y = node->out[0];
    mul_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->k = node->in[0]->quant.scale * node->in[1]->quant.scale / y->quant.scale;
    s->range = q8_output_range(y, node->attrs.activation);
    s->flip = q8_flip(y);
    for (int k = 0; k < 2; k++)
        s->zero[k] = q8_flipped_zero(node->in[k]);
    broadcast_plan(&s->plan, node->in, y);
    broadcast_tiles(prepare, &s->plan);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void mul_q8_run(const lab_task *task)
{
    const mul_q8 *s = task->state;
    size_t end = tile_end(&s->plan.tiles, task);
    for (size_t item = tile_begin(&s->plan.tiles, task); item < end; item++) {
        span r = span_at(&s->plan, item);
        const uint8_t *a = (const uint8_t *)task->in[0] + r.at[0];
        const uint8_t *b = (const uint8_t *)task->in[1] + r.at[1];
        uint8_t *y = (uint8_t *)task->out[0] + r.out;
        for (size_t i = 0; i < r.n; i++) {
            int32_t acc = ((a[i * r.step[0]] ^ s->flip) - s->zero[0]) *
                          ((b[i * r.step[1]] ^ s->flip) - s->zero[1]);
            y[i] = requantize(acc, s->k, &s->range);
        }
    }
}

const lab_kernel reference_mul_q8 = {
    .name = "reference.mul.q8",
    .op = "mul",
    .isa = "reference",
    .match = q8_match,
    .prepare = mul_q8_prepare,
    .run = mul_q8_run,
};

/* ---- float ---- */

typedef struct binary_f32 {
    broadcast plan;
    f32_range range;
} binary_f32;

static int f32_match(const lab_node *node)
{
    return broadcast_match(node) && has_dtype(node->in[0], LAB_F32) &&
           has_dtype(node->in[1], LAB_F32) && has_dtype(node->out[0], LAB_F32);
}

static lab_status f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    binary_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->range = f32_activation(node->attrs.activation);
    broadcast_plan(&s->plan, node->in, node->out[0]);
    broadcast_tiles(prepare, &s->plan);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void add_f32_run(const lab_task *task)
{
    const binary_f32 *s = task->state;
    size_t end = tile_end(&s->plan.tiles, task);
    for (size_t item = tile_begin(&s->plan.tiles, task); item < end; item++) {
        span r = span_at(&s->plan, item);
        const float *a = (const float *)task->in[0] + r.at[0];
        const float *b = (const float *)task->in[1] + r.at[1];
        float *y = (float *)task->out[0] + r.out;
        for (size_t i = 0; i < r.n; i++)
            y[i] = f32_clamp(a[i * r.step[0]] + b[i * r.step[1]], s->range);
    }
}

static void mul_f32_run(const lab_task *task)
{
    const binary_f32 *s = task->state;
    size_t end = tile_end(&s->plan.tiles, task);
    for (size_t item = tile_begin(&s->plan.tiles, task); item < end; item++) {
        span r = span_at(&s->plan, item);
        const float *a = (const float *)task->in[0] + r.at[0];
        const float *b = (const float *)task->in[1] + r.at[1];
        float *y = (float *)task->out[0] + r.out;
        for (size_t i = 0; i < r.n; i++)
            y[i] = f32_clamp(a[i * r.step[0]] * b[i * r.step[1]], s->range);
    }
}

const lab_kernel reference_add_f32 = {
    .name = "reference.add.f32",
    .op = "add",
    .isa = "reference",
    .match = f32_match,
    .prepare = f32_prepare,
    .run = add_f32_run,
};

const lab_kernel reference_mul_f32 = {
    .name = "reference.mul.f32",
    .op = "mul",
    .isa = "reference",
    .match = f32_match,
    .prepare = f32_prepare,
    .run = mul_f32_run,
};
