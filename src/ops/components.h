/* Connected regions of label maps and masks, as runs of rows joined with union-find. */
#ifndef LAB_OPS_COMPONENTS_H
#define LAB_OPS_COMPONENTS_H

#include "ops/support.h"

/* Columns begin <= x < end of one row that have the same id. */
typedef struct component_run {
    uint16_t begin, end;
    uint16_t id;
} component_run;

typedef struct components {
    const lab_tensor *in;
    uint32_t *first;     /* [height + 1]: the first run of each row, and the number of runs */
    component_run *runs; /* row by row, from left to right */
    uint32_t *root;      /* by run: the first run of its region, which is its own root */
} components;

/* How a plane is cut into regions. */
typedef struct component_rules {
    uint32_t level; /* 0: regions of equal values; else of values below it (id 0) and others (1) */
    bool diagonal;  /* neighbours touch at corners, too; with a level: inside (id 1) they do and
                       outside they do not, or the other way round */
} component_rules;

/* Finds all regions of a label map or mask. Memory of the call: about 10 bytes a run. */
lab_status components_find(lab_call *call, const lab_tensor *in, component_rules rules,
                           components *out);

static inline uint32_t components_runs(const components *c)
{
    return c->first[ops_height(c->in)];
}

/* What is known of a region; in memory of the call, at the index of its root. */
typedef struct component_stats {
    int64_t pixels, sum_x2, sum_y; /* sums of 2x and of y */
    int32_t x0, y0, x1, y1;        /* x0 <= x <= x1 */
} component_stats;

/* Measures every region; NULL when there is no memory (status set). Indexed by root. */
component_stats *components_measure(lab_call *call, const components *c);

/* The centre of gravity, pixel centres at whole numbers. */
static inline double component_x(const component_stats *s)
{
    return (double)s->sum_x2 / 2.0 / (double)s->pixels;
}
static inline double component_y(const component_stats *s)
{
    return (double)s->sum_y / (double)s->pixels;
}

/* The "connectivity" parameter that operators on regions share, and its reading. */
#define COMPONENTS_CONNECTIVITY                                                                    \
    {                                                                                              \
        .name = "connectivity", .type = LAB_ENUM,                                                  \
        .doc =                                                                                     \
            "8: pixels that touch at a corner belong together; 4: only those that share a side",   \
        .def = "8", .choices = "8|4"                                                               \
    }
static inline bool components_arg_diagonal(const lab_call *call, uint32_t param)
{
    return lab_arg_int(call, param) == 0;
}

#endif
