/*
 * From a network's coarse grid of logits to the picture's size: the walk that arg-max and score
 * share. The grid is cut into cells between four neighbouring positions; the picture falls into
 * blocks that lie within one cell each, so whatever holds for a cell is found out once a block.
 */
#ifndef LAB_OPS_UPSAMPLE_H
#define LAB_OPS_UPSAMPLE_H

#include "ops/support.h"

#define UPSAMPLE_BITS 11 /* of a weight in integer interpolation */
#define UPSAMPLE_ONE (1 << UPSAMPLE_BITS)
#define UPSAMPLE_ROWS 16 /* most rows and columns of a block */
#define UPSAMPLE_COLUMNS 64
#define UPSAMPLE_PIXELS (UPSAMPLE_ROWS * UPSAMPLE_COLUMNS)

/* Output positions along one axis that lie in the same cell. */
typedef struct upsample_run {
    uint32_t begin, end;
    uint32_t low; /* the cell is between grid positions low and low + 1 */
} upsample_run;

typedef struct upsample_axis {
    uint32_t grid;   /* positions of the grid */
    uint32_t count;  /* of the output */
    int32_t *weight; /* of the upper neighbour, 0..UPSAMPLE_ONE */
    float *fraction; /* the same as a float, 0..1 */
    upsample_run *runs;
    uint32_t n_runs;
} upsample_axis;

typedef struct upsample {
    const lab_tensor *grid; /* [1, h, w, classes] */
    uint32_t classes;
    upsample_axis x, y;
} upsample;

typedef struct upsample_block {
    uint32_t x0, x1, y0, y1; /* output pixels x0 <= x < x1, … */
    size_t corner[4]; /* element of class 0: top left, top right, bottom left, bottom right */
} upsample_block;

static inline uint32_t upsample_pixels(const upsample_block *b)
{
    return (b->x1 - b->x0) * (b->y1 - b->y0);
}

typedef void upsample_block_fn(void *user, const upsample_block *block);

/* The parameters every such operator begins with. */
enum {
    UPSAMPLE_WIDTH,
    UPSAMPLE_HEIGHT,
    UPSAMPLE_X_SCALE,
    UPSAMPLE_X_OFFSET,
    UPSAMPLE_Y_SCALE,
    UPSAMPLE_Y_OFFSET,
    UPSAMPLE_PARAMS_END
};

#define UPSAMPLE_PARAMS                                                                            \
    { .name = "width", .type = LAB_INT, .doc = "pixels of the result", .min = 1, .max = 65535 },   \
        { .name = "height",                                                                        \
          .type = LAB_INT,                                                                         \
          .doc = "pixels of the result",                                                           \
          .min = 1,                                                                                \
          .max = 65535 },                                                                          \
        { .name = "x_scale",                                                                       \
          .type = LAB_FLOAT,                                                                       \
          .doc = "grid positions a pixel: pixel x reads the grid at x_scale x + x_offset",         \
          .def = "1" },                                                                            \
        { .name = "x_offset", .type = LAB_FLOAT, .doc = "grid position of pixel 0", .def = "0" },  \
        { .name = "y_scale", .type = LAB_FLOAT, .doc = "as x_scale, downwards", .def = "1" },      \
    {                                                                                              \
        .name = "y_offset", .type = LAB_FLOAT, .doc = "as x_offset, downwards", .def = "0"         \
    }

/* Reads the parameters and checks the grid; memory lasts as long as the call. */
lab_status upsample_begin(lab_call *call, upsample *up);

/* Calls fn for every block of the output, in parallel. */
lab_status upsample_run_blocks(lab_call *call, const upsample *up, upsample_block_fn *fn,
                               void *user);

/* The grid as real numbers: its own data when f32, else a dequantised copy; NULL: status set. */
const float *upsample_reals(lab_call *call, const upsample *up);

#endif
