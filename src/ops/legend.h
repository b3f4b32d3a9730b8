/* What a label map shows, class by class: shared by map.legend and map.draw_legend. */
#ifndef LAB_OPS_LEGEND_H
#define LAB_OPS_LEGEND_H

#include "ops/support.h"

typedef struct legend_entry {
    uint32_t id;
    int64_t pixels;
    int32_t x0, y0, x1, y1;        /* the box: x0 <= x <= x1 */
    double centroid_x, centroid_y; /* means of the pixels' columns and rows, 0-based */
} legend_entry;

/* The classes that occur, largest first, the lower id first on ties. Memory of the call. */
lab_status legend_collect(lab_call *call, const lab_tensor *map, legend_entry **entries,
                          uint32_t *count);

/* The label's name, or "class ID" (written to `spare`) where there is none. */
const char *legend_name(const lab_tensor *map, uint32_t id, char *spare, size_t size);

/* How many 8-connected regions each of the `n_ids` classes has; `regions` starts as zeros. */
lab_status legend_regions(lab_call *call, const lab_tensor *map, uint32_t *regions);

#endif
