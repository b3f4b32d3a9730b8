/* Greedy memory planning by size: see plan.h. */
#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"

typedef struct placed {
    lab_plan_item *item;
    size_t size; /* with tail, rounded up */
} placed;

/* Largest first; the order of equals is the order they came in, so that plans are reproducible. */
static int by_size(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static bool alive_together(const lab_plan_item *a, const lab_plan_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The offset for `want` among `count` placed ones, which are sorted by offset. */
static size_t find_gap(const placed *list, uint32_t count, const placed *want)
{
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (!alive_together(list[i].item, want->item))
            continue;
        size_t start = list[i].item->offset;
        if (start > end && start - end >= want->size && start - end < best_gap) {
            best = end;
            best_gap = start - end;
        }
        size_t stop = start + list[i].size;
        end = stop > end ? stop : end;
    }
    return best != SIZE_MAX ? best : end;
}

static void insert_by_offset(placed *list, uint32_t count, placed added)
{
    uint32_t at = count;
    while (at > 0 && list[at - 1].item->offset > added.item->offset)
        at--;
    memmove(list + at + 1, list + at, (count - at) * sizeof *list);
    list[at] = added;
}

lab_status lab_plan(lab_context *ctx, lab_plan_item *items, uint32_t count, size_t *total,
                    lab_error *error)
{
    *total = 0;
    if (count == 0)
        return LAB_OK;
    placed *order = lab_alloc_array(ctx, 2 * (size_t)count, sizeof *order);
    if (!order)
        return lab_error_nomem(error, 2 * (size_t)count * sizeof *order, "the memory plan");
    placed *list = order + count;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = items[i].size;
        if (size > LAB_PLAN_LIMIT || !lab_add_size(size, LAB_TAIL, &size) ||
            !lab_round_up(size, LAB_ALIGN, &size))
            size = LAB_PLAN_LIMIT + 1;
        order[i] = (placed){ .item = &items[i], .size = size };
    }
    qsort(order, count, sizeof *order, by_size);
    for (uint32_t i = 0; i < count && *total <= LAB_PLAN_LIMIT; i++) {
        order[i].item->offset = find_gap(list, i, &order[i]);
        insert_by_offset(list, i, order[i]);
        size_t end = order[i].item->offset + order[i].size;
        *total = end > *total ? end : *total;
    }
    lab_free(ctx, order);
    if (*total > LAB_PLAN_LIMIT)
        return lab_error_set(error, LAB_E_LIMIT,
                             "the network's activations need more than %zu bytes at once",
                             LAB_PLAN_LIMIT);
    return LAB_OK;
}
