/*
 * unary_q8_avx2.c: quantize, relu, relu6, hard_swish and logistic from 8 bits to 8 bits: the tables
 * of ../reference/byte_tables.h by way of byte_map_avx2.h.
 */
#include "byte_map_avx2.h"
#include "kernels.h"

#define CACHE_LINE ((size_t)64) /* items of work, so that no two threads write to one */

typedef struct unary_q8 {
    tiling tiles; /* of cache lines */
    size_t n;
    byte_map map;
} unary_q8;

static int match(const lab_node *node)
{
    return q8_match(node) ? 20 : 0;
}

static int match_quantize(const lab_node *node)
{
    return quantize_q8_match(node) ? 20 : 0;
}

/* `ratio`: by how much values are rescaled; 0: the table does something else. */
static lab_status prepare_table(lab_prepare *prepare, const lab_node *node, table_fn *fn,
                                float ratio)
{
    uint8_t table[256];
    unary_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    fill_table(table, node, fn);
    byte_map_rescaling(&s->map, table, node->in[0], node->out[0], ratio);
    s->n = elements(node->out[0]);
    s->tiles = tile_items(prepare, (s->n + CACHE_LINE - 1) / CACHE_LINE, CACHE_LINE / 4, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static float ratio_of(const lab_node *node)
{
    return node->in[0]->quant.scale / node->out[0]->quant.scale;
}

/* The factor of quantize is a whole number of 1/256. */
static lab_status prepare_quantize(lab_prepare *prepare, const lab_node *node)
{
    return prepare_table(prepare, node, quantize_value, rintf(256.0f * ratio_of(node)) / 256.0f);
}

static lab_status prepare_relu(lab_prepare *prepare, const lab_node *node)
{
    return prepare_table(prepare, node, relu_value, ratio_of(node));
}

static lab_status prepare_relu6(lab_prepare *prepare, const lab_node *node)
{
    return prepare_table(prepare, node, relu6_value, ratio_of(node));
}

static lab_status prepare_hard_swish(lab_prepare *prepare, const lab_node *node)
{
    return prepare_table(prepare, node, hard_swish_value, 0.0f);
}

static lab_status prepare_logistic(lab_prepare *prepare, const lab_node *node)
{
    return prepare_table(prepare, node, logistic_value, 0.0f);
}

static void run(const lab_task *task)
{
    const unary_q8 *s = task->state;
    size_t begin = tile_begin(&s->tiles, task) * CACHE_LINE;
    size_t end = tile_end(&s->tiles, task) * CACHE_LINE;
    end = end < s->n ? end : s->n;
    byte_map_run(&s->map, (const uint8_t *)task->in[0] + begin, (uint8_t *)task->out[0] + begin,
                 end - begin);
}

#define KERNEL(symbol, op_name, match_fn, prepare_fn)                                              \
    const lab_kernel symbol = { .name = "x86." op_name ".q8.avx2",                                 \
                                .op = (op_name),                                                   \
                                .isa = "avx2",                                                     \
                                .cpu = LAB_CPU_AVX2,                                               \
                                .match = (match_fn),                                               \
                                .prepare = (prepare_fn),                                           \
                                .run = run }

KERNEL(x86_quantize_q8_avx2, "quantize", match_quantize, prepare_quantize);
KERNEL(x86_relu_q8_avx2, "relu", match, prepare_relu);
KERNEL(x86_relu6_q8_avx2, "relu6", match, prepare_relu6);
KERNEL(x86_hard_swish_q8_avx2, "hard_swish", match, prepare_hard_swish);
KERNEL(x86_logistic_q8_avx2, "logistic", match, prepare_logistic);
