/*
 * argmax.c: argmax along any axis, to i32 or i64. The lowest index wins a tie. In float a NaN is
 * never larger, so it is chosen only when it is the first.
 */
#include "kernels.h"
#include "common.h"

typedef struct argmax {
    tiling tiles;    /* of output elements */
    size_t n, inner; /* extent of the axis; elements inside it */
} argmax;

static bool argmax_shapes_match(const lab_node *node)
{
    return has_arity(node, 1, 2) && node->attrs.axis >= 0 &&
           (uint32_t)node->attrs.axis < node->in[0]->rank &&
           (has_dtype(node->out[0], LAB_I32) || has_dtype(node->out[0], LAB_I64));
}

static int argmax_q8_match(const lab_node *node)
{
    return argmax_shapes_match(node) && is_8bit(node->in[0]);
}

static int argmax_f32_match(const lab_node *node)
{
    return argmax_shapes_match(node) && has_dtype(node->in[0], LAB_F32);
}

static lab_status argmax_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0];
    argmax *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)x->shape[node->attrs.axis];
    s->inner = 1;
    for (uint32_t i = (uint32_t)node->attrs.axis + 1; i < x->rank; i++)
        s->inner *= (size_t)x->shape[i];
    s->tiles = tile_items(prepare, elements(node->out[0]), s->n, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void store_index(const lab_task *task, size_t i, size_t index)
{
    if (task->node->out[0]->dtype == LAB_I64)
        ((int64_t *)task->out[0])[i] = (int64_t)index;
    else
        ((int32_t *)task->out[0])[i] = (int32_t)index;
}

/* First element along the axis for output element `i`. */
static size_t axis_start(const argmax *s, size_t i)
{
    return i / s->inner * s->n * s->inner + i % s->inner;
}

static void argmax_q8_run(const lab_task *task)
{
    const argmax *s = task->state;
    uint8_t flip = task->node->in[0]->dtype == LAB_I8 ? 0x80 : 0;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        const uint8_t *x = (const uint8_t *)task->in[0] + axis_start(s, i);
        int best = x[0] ^ flip;
        size_t index = 0;
        for (size_t k = 1; k < s->n; k++) {
            int value = x[k * s->inner] ^ flip;
            index = value > best ? k : index;
            best = value > best ? value : best;
        }
        store_index(task, i, index);
    }
}

static void argmax_f32_run(const lab_task *task)
{
    const argmax *s = task->state;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        const float *x = (const float *)task->in[0] + axis_start(s, i);
        float best = x[0];
        size_t index = 0;
        for (size_t k = 1; k < s->n; k++) {
            float value = x[k * s->inner];
            index = value > best ? k : index;
            best = value > best ? value : best;
        }
        store_index(task, i, index);
    }
}

const lab_kernel reference_argmax_q8 = {
    .name = "reference.argmax.q8",
    .op = "argmax",
    .isa = "reference",
    .match = argmax_q8_match,
    .prepare = argmax_prepare,
    .run = argmax_q8_run,
};

const lab_kernel reference_argmax_f32 = {
    .name = "reference.argmax.f32",
    .op = "argmax",
    .isa = "reference",
    .match = argmax_f32_match,
    .prepare = argmax_prepare,
    .run = argmax_f32_run,
};
