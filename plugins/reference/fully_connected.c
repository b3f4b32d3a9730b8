/*
 * fully_connected.c: fully_connected. Inputs x [..] of B * K values, filter [O, K], optional bias:
 * each run of K values is a patch. Requantisation is that of a convolution.
 */
#include <string.h>

#include "kernels.h"
#include "matmul.h"

static bool shapes_match(const lab_node *node)
{
    if (!has_arity(node, 2, 3) || node->in[1]->rank != 2)
        return false;
    size_t n = (size_t)node->in[1]->shape[0], k = (size_t)node->in[1]->shape[1];
    size_t values = elements(node->in[0]);
    return values % k == 0 && elements(node->out[0]) % n == 0 &&
           values / k == elements(node->out[0]) / n;
}

typedef struct fully_connected {
    patch_groups groups; /* of rows of x */
    matmul_q8 q8;
    matmul_f32 f32;
    uint8_t flip;
    int16_t zero;
} fully_connected;

/* ---- 8 bits ---- */

static int q8_match(const lab_node *node)
{
    return shapes_match(node) &&
           matmul_q8_match(node->in[0], node->in[1], input_or_null(node, 2), node->out[0]);
}

static lab_status q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0];
    fully_connected *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !matmul_q8_prepare(prepare, &s->q8, x, node->in[1], input_or_null(node, 2),
                                 node->out[0], node->attrs.activation))
        return prepare_no_memory(prepare, node);
    s->flip = q8_flip(x);
    s->zero = q8_flipped_zero(x);
    s->groups = tile_patches(prepare, elements(x) / (size_t)s->q8.k, s->q8.k, s->q8.n,
                             matmul_q8_scratch(&s->q8));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void q8_run(const lab_task *task)
{
    const fully_connected *s = task->state;
    const uint8_t *x = task->in[0];
    int16_t *patches = matmul_q8_patches(task->scratch);
    size_t stride = (size_t)s->q8.k_padded, k = (size_t)s->q8.k,
           end = tile_end(&s->groups.tiles, task);
    memset(patches, 0, PATCHES * stride * sizeof *patches);
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        for (int p = 0; p < count; p++)
            widen(x + (first + (size_t)p) * k, s->flip, s->zero, patches + (size_t)p * stride, k);
        matmul_q8_run(&s->q8, task->scratch, count,
                      (uint8_t *)task->out[0] + first * (size_t)s->q8.n);
    }
}

const lab_kernel reference_fully_connected_q8 = {
    .name = "reference.fully_connected.q8",
    .op = "fully_connected",
    .isa = "reference",
    .match = q8_match,
    .prepare = q8_prepare,
    .run = q8_run,
};

/* ---- float ---- */

static int f32_match(const lab_node *node)
{
    return shapes_match(node) &&
           matmul_f32_match(node->in[0], node->in[1], input_or_null(node, 2), node->out[0]);
}

static lab_status f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    fully_connected *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !matmul_f32_prepare(prepare, &s->f32, node->in[1], input_or_null(node, 2),
                                  node->attrs.activation))
        return prepare_no_memory(prepare, node);
    s->groups =
        tile_patches(prepare, elements(node->in[0]) / (size_t)s->f32.k, s->f32.k, s->f32.n, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void f32_run(const lab_task *task)
{
    const fully_connected *s = task->state;
    const float *x = task->in[0];
    size_t k = (size_t)s->f32.k, end = tile_end(&s->groups.tiles, task);
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        const float *rows[PATCHES];
        /* Past the end the last row stands in; its results are not kept. */
        for (int p = 0; p < PATCHES; p++)
            rows[p] = x + (first + (size_t)(p < count ? p : count - 1)) * k;
        matmul_f32_run(&s->f32, rows, count, (float *)task->out[0] + first * (size_t)s->f32.n);
    }
}

const lab_kernel reference_fully_connected_f32 = {
    .name = "reference.fully_connected.f32",
    .op = "fully_connected",
    .isa = "reference",
    .match = f32_match,
    .prepare = f32_prepare,
    .run = f32_run,
};
