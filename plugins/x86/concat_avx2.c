/*
 * concat_avx2.c: concat of u8 where an input has another quantisation than the output: its bytes go
 * through byte_map_avx2.h, the others are copied. Where all are copied, reference does no less.
 */
#include "../reference/concat.h"
#include "byte_map_avx2.h"
#include "kernels.h"

typedef struct concat_avx2 {
    tiling tiles;                         /* of output slices: all inside the dimensions outside */
    size_t slice;                         /* bytes of an output slice */
    size_t part[LAB_NODE_MAX_IN];         /* bytes of it from each input */
    const byte_map *map[LAB_NODE_MAX_IN]; /* NULL: copied */
} concat_avx2;

static int match(const lab_node *node)
{
    if (!concat_match(node))
        return 0;
    for (uint32_t i = 0; i < node->n_in; i++)
        if (!same_quant(node->in[i], node->out[0]))
            return 20;
    return 0;
}

static lab_status prepare_concat(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *y = node->out[0];
    uint32_t axis = (uint32_t)node->attrs.axis;
    concat_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    for (uint32_t i = 0; i < node->n_in; i++) {
        const lab_tensor *x = node->in[i];
        uint8_t table[256];
        s->part[i] = inner_bytes(x, axis) * (size_t)x->shape[axis];
        s->slice += s->part[i];
        if (same_quant(x, y))
            continue;
        byte_map *map = prepare_array(prepare, 1, sizeof *map);
        if (!map)
            return prepare_no_memory(prepare, node);
        rescale_table(table, x, y);
        byte_map_rescaling(map, table, x, y, x->quant.scale / y->quant.scale);
        s->map[i] = map;
    }
    s->tiles = tile_items(prepare, elements(y) / s->slice, s->slice / 4, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void run(const lab_task *task)
{
    const concat_avx2 *s = task->state;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        uint8_t *y = (uint8_t *)task->out[0] + i * s->slice;
        for (uint32_t k = 0; k < task->node->n_in; y += s->part[k++]) {
            const uint8_t *x = (const uint8_t *)task->in[k] + i * s->part[k];
            if (s->map[k])
                byte_map_run(s->map[k], x, y, s->part[k]);
            else
                memcpy(y, x, s->part[k]);
        }
    }
}

const lab_kernel x86_concat_q8_avx2 = {
    .name = "x86.concat.q8.avx2",
    .op = "concat",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_concat,
    .run = run,
};
