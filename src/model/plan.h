/*
 * The memory plan: where in one block each activation lives, so that those alive at the same time
 * do not overlap. Private to the model room (and its tests).
 */
#ifndef LAB_MODEL_PLAN_H
#define LAB_MODEL_PLAN_H

#include "base/error.h"
#include "base/context.h"

/* No plan is larger; what a picture-sized network needs is a few MB. */
#define LAB_PLAN_LIMIT ((size_t)1 << 33)

typedef struct lab_plan_item {
    size_t size;          /* bytes, > 0 */
    uint32_t first, last; /* steps during which it is alive, both included */
    size_t offset;        /* planned: a multiple of LAB_ALIGN */
} lab_plan_item;

/*
 * Sets the offsets: largest first, each in the smallest gap that fits among those already placed
 * whose lives overlap, else after the last of them. Each item is followed by LAB_TAIL bytes of its
 * own, so that reading past its end never meets another thread's writes. *total is the size of the
 * block.
 */
lab_status lab_plan(lab_context *ctx, lab_plan_item *items, uint32_t count, size_t *total,
                    lab_error *error);

#endif
