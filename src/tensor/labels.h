/*
 * Label sets: what class ids mean in one dataset. Immutable and refcounted. Ids are data: 0-based,
 * equal to pixel values and to the catalog's keys.
 */
#ifndef LAB_TENSOR_LABELS_H
#define LAB_TENSOR_LABELS_H

#include "base/context.h"

#define LAB_LABELS_MAX 65536u

/*
 * `count` names (UTF-8, non-empty; need not be unique) and colours (0xRRGGBB) by class id. Names
 * are copied. `name` is the dataset's ("pascal").
 */
lab_status lab_labels_new(lab_context *ctx, const char *name, uint32_t count,
                          const char *const *names, const uint32_t *colors, lab_labels **out,
                          lab_error *error);
lab_labels *lab_labels_ref(lab_labels *labels);
void lab_labels_unref(lab_labels *labels);

const char *lab_labels_set_name(const lab_labels *labels);
uint32_t lab_labels_count(const lab_labels *labels);
/* NULL for an id outside the set. */
const char *lab_labels_name(const lab_labels *labels, uint32_t id);
/* 0xRRGGBB; black outside the set. */
uint32_t lab_labels_color(const lab_labels *labels, uint32_t id);

/*
 * The lowest id with this name: exactly, else ignoring case. LAB_E_NOT_FOUND names the nearest
 * label. `next` > 0 gives later ids with the same name (ADE20K has three "screen"): pass the last
 * id + 1; LAB_E_NOT_FOUND when there is no further one.
 */
lab_status lab_labels_find(const lab_labels *labels, const char *name, uint32_t next, uint32_t *id,
                           lab_error *error);

#endif
