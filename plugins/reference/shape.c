/*
 * shape.c: concat, tile, reshape, pad, space_to_batch_nd, batch_to_space_nd. All but one case of
 * concat move elements as bytes, whatever their type.
 *
 * concat of u8 with another quantisation than the output's: a table of byte_tables.h.
 */
#include <string.h>

#include "byte_tables.h"
#include "concat.h"
#include "kernels.h"

/* ---- concat ---- */

typedef struct concat {
    tiling tiles; /* of output slices: everything inside the axis's outer dimensions */
    size_t slice; /* bytes of an output slice */
    size_t part[LAB_NODE_MAX_IN];          /* bytes of it from each input */
    const uint8_t *table[LAB_NODE_MAX_IN]; /* NULL: copied */
} concat;

static lab_status concat_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *y = node->out[0];
    uint32_t axis = (uint32_t)node->attrs.axis;
    concat *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    for (uint32_t i = 0; i < node->n_in; i++) {
        const lab_tensor *x = node->in[i];
        s->part[i] = inner_bytes(x, axis) * (size_t)x->shape[axis];
        s->slice += s->part[i];
        if (same_quant(x, y))
            continue;
        uint8_t *table = prepare_array(prepare, 256, 1);
        if (!table)
            return prepare_no_memory(prepare, node);
        rescale_table(table, x, y);
        s->table[i] = table;
    }
    s->tiles = tile_items(prepare, elements(y) * element_size(y) / s->slice, s->slice, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void concat_run(const lab_task *task)
{
    const concat *s = task->state;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        uint8_t *y = (uint8_t *)task->out[0] + i * s->slice;
        for (uint32_t k = 0; k < task->node->n_in; y += s->part[k++]) {
            const uint8_t *x = (const uint8_t *)task->in[k] + i * s->part[k];
            if (!s->table[k]) {
                memcpy(y, x, s->part[k]);
                continue;
            }
            for (size_t j = 0; j < s->part[k]; j++)
                y[j] = s->table[k][x[j]];
        }
    }
}

const lab_kernel reference_concat = {
    .name = "reference.concat",
    .op = "concat",
    .isa = "reference",
    .match = concat_match,
    .prepare = concat_prepare,
    .run = concat_run,
};

/* ---- tile and pad: rows of the last dimension, each from one input row or from none ---- */

typedef struct rows {
    tiling tiles;                                           /* of output rows */
    uint32_t outer;                                         /* dimensions outside the row */
    size_t in_shape[LAB_MAX_RANK], out_shape[LAB_MAX_RANK]; /* rank 0 counts as one dimension */
    size_t before[LAB_MAX_RANK];                            /* pad only */
    size_t size;                                            /* bytes of an element */
    uint8_t fill;                                           /* pad only: what added bytes are */
} rows;

static rows *rows_prepare(lab_prepare *prepare, const lab_tensor *x, const lab_tensor *y)
{
    rows *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return NULL;
    s->outer = y->rank ? y->rank - 1 : 0;
    for (uint32_t i = 0; i <= s->outer; i++) {
        s->in_shape[i] = y->rank ? (size_t)x->shape[i] : 1;
        s->out_shape[i] = y->rank ? (size_t)y->shape[i] : 1;
    }
    s->size = element_size(y);
    s->tiles = tile_items(prepare, elements(y) / s->out_shape[s->outer],
                          s->out_shape[s->outer] * s->size, 0);
    lab_prepare_state(prepare, s);
    return s;
}

static int tile_match(const lab_node *node)
{
    if (!moves_match(node, 2, 2) || node->in[0]->rank != node->out[0]->rank)
        return 0;
    for (uint32_t i = 0; i < node->in[0]->rank; i++)
        if (node->out[0]->shape[i] % node->in[0]->shape[i])
            return 0;
    return 1;
}

static lab_status tile_prepare(lab_prepare *prepare, const lab_node *node)
{
    return rows_prepare(prepare, node->in[0], node->out[0]) ? LAB_OK
                                                            : prepare_no_memory(prepare, node);
}

static void tile_run(const lab_task *task)
{
    const rows *s = task->state;
    size_t in_row = s->in_shape[s->outer] * s->size, out_row = s->out_shape[s->outer] * s->size;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t rest = i, from = 0, step = 1;
        for (uint32_t d = s->outer; d-- > 0; rest /= s->out_shape[d]) {
            from += rest % s->out_shape[d] % s->in_shape[d] * step;
            step *= s->in_shape[d];
        }
        const uint8_t *x = (const uint8_t *)task->in[0] + from * in_row;
        uint8_t *y = (uint8_t *)task->out[0] + i * out_row;
        for (size_t at = 0; at < out_row; at += in_row)
            memcpy(y + at, x, in_row);
    }
}

const lab_kernel reference_tile = {
    .name = "reference.tile",
    .op = "tile",
    .isa = "reference",
    .match = tile_match,
    .prepare = tile_prepare,
    .run = tile_run,
};

/* The byte that stands for 0: the zero point of 8-bit tensors, a zero byte of all others. */
static uint8_t zero_byte(const lab_tensor *t)
{
    return is_q8(t) ? (uint8_t)t->quant.zero_point : 0;
}

static int pad_match(const lab_node *node)
{
    if (!moves_match(node, 2, 2) || node->in[0]->rank != node->out[0]->rank ||
        !is_constant_ints(node->in[1]) || elements(node->in[1]) != (size_t)2 * node->in[0]->rank)
        return 0;
    for (uint32_t i = 0; i < node->in[0]->rank; i++) {
        int64_t before = constant_int(node->in[1], (size_t)2 * i), x = node->in[0]->shape[i];
        if (before < 0 || before + x > node->out[0]->shape[i])
            return 0;
    }
    return 1;
}

static lab_status pad_prepare(lab_prepare *prepare, const lab_node *node)
{
    rows *s = rows_prepare(prepare, node->in[0], node->out[0]);
    if (!s)
        return prepare_no_memory(prepare, node);
    for (uint32_t i = 0; i < node->in[0]->rank; i++)
        s->before[i] = (size_t)constant_int(node->in[1], (size_t)2 * i);
    s->fill = zero_byte(node->in[0]);
    return LAB_OK;
}

static void pad_run(const lab_task *task)
{
    const rows *s = task->state;
    size_t in_row = s->in_shape[s->outer] * s->size, out_row = s->out_shape[s->outer] * s->size;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        uint8_t *y = (uint8_t *)task->out[0] + i * out_row;
        size_t rest = i, from = 0, step = 1;
        bool inside = true;
        for (uint32_t d = s->outer; d-- > 0; rest /= s->out_shape[d]) {
            size_t at = rest % s->out_shape[d];
            inside = inside && at >= s->before[d] && at - s->before[d] < s->in_shape[d];
            from += (at - s->before[d]) * step; /* of no use, and unused, outside */
            step *= s->in_shape[d];
        }
        memset(y, s->fill, out_row);
        if (inside)
            memcpy(y + s->before[s->outer] * s->size, (const uint8_t *)task->in[0] + from * in_row,
                   in_row);
    }
}

const lab_kernel reference_pad = {
    .name = "reference.pad",
    .op = "pad",
    .isa = "reference",
    .match = pad_match,
    .prepare = pad_prepare,
    .run = pad_run,
};

/* ---- reshape ---- */

static int reshape_match(const lab_node *node)
{
    return moves_match(node, 1, 2) && elements(node->in[0]) == elements(node->out[0]);
}

static void reshape_run(const lab_task *task)
{
    const lab_tensor *y = task->node->out[0];
    if (task->out[0] != task->in[0])
        memcpy(task->out[0], task->in[0], elements(y) * element_size(y));
}

const lab_kernel reference_reshape = {
    .name = "reference.reshape",
    .op = "reshape",
    .isa = "reference",
    .match = reshape_match,
    .run = reshape_run,
};

/*
 * ---- space_to_batch_nd and batch_to_space_nd ----
 * Pixel (n, y, x) of the space side is pixel (dy * bw + dx) * N + n, Y, X of the batch side, where
 * y + pad_top = Y * bh + dy and x + pad_left = X * bw + dx. Both directions walk their output.
 */

typedef struct blocks {
    tiling tiles;                                        /* of output pixels */
    int32_t space_n, space_h, space_w, batch_h, batch_w; /* sizes of the two sides */
    int32_t block_h, block_w, top, left;
    size_t pixel; /* bytes */
    uint8_t fill;
} blocks;

static int blocks_match(const lab_node *node)
{
    return moves_match(node, 3, 3) && node->in[0]->rank == 4 && node->out[0]->rank == 4 &&
           node->attrs.stride_h >= 1 && node->attrs.stride_w >= 1 && node->attrs.pad_top >= 0 &&
           node->attrs.pad_left >= 0;
}

static lab_status blocks_prepare(lab_prepare *prepare, const lab_node *node,
                                 const lab_tensor *space, const lab_tensor *batch)
{
    blocks *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->space_n = space->shape[0];
    s->space_h = space->shape[1];
    s->space_w = space->shape[2];
    s->batch_h = batch->shape[1];
    s->batch_w = batch->shape[2];
    s->block_h = node->attrs.stride_h;
    s->block_w = node->attrs.stride_w;
    s->top = node->attrs.pad_top;
    s->left = node->attrs.pad_left;
    s->pixel = inner_bytes(space, 2);
    s->fill = zero_byte(space);
    s->tiles = tile_items(prepare, elements(node->out[0]) / (size_t)space->shape[3], s->pixel, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static lab_status space_to_batch_prepare(lab_prepare *prepare, const lab_node *node)
{
    return blocks_prepare(prepare, node, node->in[0], node->out[0]);
}

static lab_status batch_to_space_prepare(lab_prepare *prepare, const lab_node *node)
{
    return blocks_prepare(prepare, node, node->out[0], node->in[0]);
}

static void space_to_batch_run(const lab_task *task)
{
    const blocks *s = task->state;
    size_t end = tile_end(&s->tiles, task), h = (size_t)s->batch_h, w = (size_t)s->batch_w;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t batch = i / (h * w), n = batch % (size_t)s->space_n;
        int32_t block = (int32_t)(batch / (size_t)s->space_n);
        int64_t y = (int64_t)(i / w % h) * s->block_h + block / s->block_w - s->top;
        int64_t x = (int64_t)(i % w) * s->block_w + block % s->block_w - s->left;
        uint8_t *to = (uint8_t *)task->out[0] + i * s->pixel;
        if (y < 0 || y >= s->space_h || x < 0 || x >= s->space_w) {
            memset(to, s->fill, s->pixel);
            continue;
        }
        size_t from = (n * (size_t)s->space_h + (size_t)y) * (size_t)s->space_w + (size_t)x;
        memcpy(to, (const uint8_t *)task->in[0] + from * s->pixel, s->pixel);
    }
}

static void batch_to_space_run(const lab_task *task)
{
    const blocks *s = task->state;
    size_t end = tile_end(&s->tiles, task), h = (size_t)s->space_h, w = (size_t)s->space_w;
    size_t block_h = (size_t)s->block_h, block_w = (size_t)s->block_w;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t y = i / w % h + (size_t)s->top, x = i % w + (size_t)s->left;
        size_t block = y % block_h * block_w + x % block_w;
        size_t batch = block * (size_t)s->space_n + i / (h * w);
        size_t from = (batch * (size_t)s->batch_h + y / block_h) * (size_t)s->batch_w + x / block_w;
        memcpy((uint8_t *)task->out[0] + i * s->pixel,
               (const uint8_t *)task->in[0] + from * s->pixel, s->pixel);
    }
}

const lab_kernel reference_space_to_batch_nd = {
    .name = "reference.space_to_batch_nd",
    .op = "space_to_batch_nd",
    .isa = "reference",
    .match = blocks_match,
    .prepare = space_to_batch_prepare,
    .run = space_to_batch_run,
};

const lab_kernel reference_batch_to_space_nd = {
    .name = "reference.batch_to_space_nd",
    .op = "batch_to_space_nd",
    .isa = "reference",
    .match = blocks_match,
    .prepare = batch_to_space_prepare,
    .run = batch_to_space_run,
};
