/*
 * mask.outline: the borders of a mask as polygons. A border runs along the sides of pixels, so its
 * corners have whole coordinates (pixel x covers x .. x + 1) and areas are exact. Borders are
 * followed with the inside on the right hand: outer ones clockwise as seen on the screen, those of
 * holes anticlockwise. Every border has a side that is followed to the right, above an inside
 * pixel: the ones not yet walked along tell where the next border starts.
 */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

enum { OUTLINE_TOLERANCE, OUTLINE_MIN_PIXELS, OUTLINE_CONNECTIVITY };

#define INSIDE 128

typedef struct point {
    int32_t x, y;
} point;

/* A list that grows in memory of the call; what it outgrows is freed with the call. */
typedef struct ring {
    point *points;
    uint32_t count, room;
} ring;

typedef struct outline_job {
    const lab_tensor *mask;
    uint8_t *walked; /* [height][width]: the side above the pixel has been walked along */
    bool diagonal;
    double tolerance;
    ring ring;
    bool *kept;      /* by point of the ring, while it is simplified */
    uint32_t *stack; /* pairs of points between which to simplify */
    uint32_t room;   /* of both */
} outline_job;

static bool inside(const outline_job *job, int32_t x, int32_t y)
{
    if (x < 0 || y < 0 || x >= ops_width(job->mask) || y >= ops_height(job->mask))
        return false;
    const uint8_t *data = job->mask->data;
    return data[(size_t)y * (size_t)ops_width(job->mask) + (size_t)x] >= INSIDE;
}

static bool append(lab_call *call, ring *r, point p)
{
    if (r->count == r->room) {
        uint32_t room = r->room ? 2 * r->room : 256;
        point *points = lab_call_alloc(call, room * sizeof *points);
        if (!points)
            return false;
        if (r->count)
            memcpy(points, r->points, r->count * sizeof *points);
        r->points = points;
        r->room = room;
    }
    r->points[r->count++] = p;
    return true;
}

/* Directions, clockwise: right, down, left, up. */
static const int32_t step_x[4] = { 1, 0, -1, 0 };
static const int32_t step_y[4] = { 0, 1, 0, -1 };

/*
 * Where to go on at corner (x, y) having come in direction d. Of the two pixels ahead the right one
 * decides first: it is the one that goes on being on the right hand.
 */
static int turn(const outline_job *job, int32_t x, int32_t y, int d)
{
    /* The pixel ahead on the right: below and right of the corner when going right, … */
    static const int32_t right_x[4] = { 0, -1, -1, 0 }, right_y[4] = { 0, 0, -1, -1 };
    int left = (d + 3) % 4;
    bool ahead_right = inside(job, x + right_x[d], y + right_y[d]);
    bool ahead_left = inside(job, x + right_x[left], y + right_y[left]);
    if (ahead_left && (ahead_right || job->diagonal))
        return left;
    return ahead_right ? d : (d + 1) % 4;
}

/* Follows the border that starts along the top of pixel (x0, y0); false: no memory. */
static bool follow(lab_call *call, outline_job *job, int32_t x0, int32_t y0)
{
    int32_t x = x0, y = y0;
    int d = 0;
    job->ring.count = 0;
    do {
        if (d == 0)
            job->walked[(size_t)y * (size_t)ops_width(job->mask) + (size_t)x] = 1;
        x += step_x[d];
        y += step_y[d];
        int next = turn(job, x, y, d);
        if (next != d && !append(call, &job->ring, (point){ x, y }))
            return false;
        d = next;
    } while (x != x0 || y != y0 || d != 0);
    return true;
}

/* Twice the area; negative for holes. */
static int64_t area2(const ring *r)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        point a = r->points[i], b = r->points[i + 1 < r->count ? i + 1 : 0];
        sum += (int64_t)a.x * b.y - (int64_t)b.x * a.y;
    }
    return sum;
}

/* ---- simplification: Ramer, Douglas & Peucker ---- */

static double distance(point p, point a, point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, px = p.x - a.x, py = p.y - a.y;
    double length = dx * dx + dy * dy;
    double along = length > 0 ? (px * dx + py * dy) / length : 0;
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    px -= along * dx;
    py -= along * dy;
    return sqrt(px * px + py * py);
}

/* Point i of the closed ring: `count` is the first again. */
static point at(const ring *r, uint32_t i)
{
    return r->points[i < r->count ? i : i - r->count];
}

/* Of the points strictly between two the farthest from the line between them; 0: none is farther
 * than `least`. */
static uint32_t farthest(const ring *r, uint32_t from, uint32_t to, double least)
{
    uint32_t best = 0;
    for (uint32_t i = from + 1; i < to; i++) {
        double d = distance(at(r, i), at(r, from), at(r, to));
        if (d > least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static bool make_room(lab_call *call, outline_job *job)
{
    if (job->room >= job->ring.count)
        return true;
    job->room = job->ring.room;
    job->kept = lab_call_alloc(call, job->room);
    job->stack = lab_call_alloc(call, (2 * (size_t)job->room + 4) * sizeof *job->stack);
    return job->kept && job->stack;
}

/* Leaves the points that tell the border to within the tolerance, at least three. */
static bool simplify(lab_call *call, outline_job *job)
{
    ring *r = &job->ring;
    if (job->tolerance <= 0 || r->count <= 4)
        return true;
    if (!make_room(call, job))
        return false;
    memset(job->kept, 0, r->count);
    uint32_t opposite = farthest(r, 0, r->count, -1), top = 0, kept = 2;
    job->kept[0] = job->kept[opposite] = true;
    const uint32_t halves[4] = { 0, opposite, opposite, r->count };
    memcpy(job->stack, halves, sizeof halves);
    for (top = 4; top > 0;) {
        if (lab_should_stop(call)) {
            lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
            return false;
        }
        uint32_t to = job->stack[--top], from = job->stack[--top];
        uint32_t split = farthest(r, from, to, job->tolerance);
        if (split == 0)
            continue;
        job->kept[split] = true;
        kept++;
        const uint32_t parts[4] = { from, split, split, to };
        memcpy(job->stack + top, parts, sizeof parts);
        top += 4;
    }
    if (kept < 3)
        return true;
    kept = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (job->kept[i])
            r->points[kept++] = r->points[i];
    r->count = kept;
    return true;
}

/* ---- the operator ---- */

static lab_status add_ring(lab_call *call, outline_job *job)
{
    int64_t twice = area2(&job->ring);
    int64_t pixels = (twice < 0 ? -twice : twice) / 2;
    if (pixels < lab_arg_int(call, OUTLINE_MIN_PIXELS))
        return LAB_OK;
    if (!simplify(call, job))
        return lab_call_status(call);
    lab_record_begin(call);
    lab_record_int(call, "hole", twice < 0);
    lab_record_int(call, "pixels", pixels);
    return lab_record_list(call, "points", &job->ring.points->x, 2 * job->ring.count);
}

static lab_status outline_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    outline_job job = { .mask = in,
                        .diagonal = lab_arg_int(call, OUTLINE_CONNECTIVITY) == 0,
                        .tolerance = lab_arg_float(call, OUTLINE_TOLERANCE) };
    job.walked = lab_call_alloc(call, in->size);
    for (int32_t y = 0; job.walked && y < ops_height(in); y++) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        for (int32_t x = 0; x < ops_width(in); x++) {
            if (!inside(&job, x, y) || inside(&job, x, y - 1) ||
                job.walked[(size_t)y * (size_t)ops_width(in) + (size_t)x])
                continue;
            if (!follow(call, &job, x, y) || add_ring(call, &job))
                return lab_call_status(call);
        }
    }
    return lab_call_status(call);
}

static const lab_param outline_params[] = {
    { .name = "tolerance",
      .type = LAB_FLOAT,
      .doc = "pixels that a polygon may be away from the border (Ramer, Douglas & Peucker); 0: "
             "every corner is kept",
      .def = "0",
      .min = 0,
      .max = OPS_MAX_SIDE,
      .flags = LAB_PARAM_MAIN },
    { .name = "min_pixels",
      .type = LAB_INT,
      .doc = "borders around fewer pixels are left out, those of holes, too",
      .def = "1",
      .min = 1,
      .max = 2147483647 },
    { .name = "connectivity",
      .type = LAB_ENUM,
      .doc = "8: pixels that touch at a corner share a border; 4: they do not",
      .def = "8",
      .choices = "8|4" },
    LAB_PARAM_END,
};

const lab_op lab_op_mask_outline = {
    .name = "mask.outline",
    .summary = "the borders of a mask as polygons, with those of its holes",
    .doc = "Inside is from 128 on. One row a border: hole (0 or 1), pixels (the area around which "
           "it goes, before simplification), points {x1, y1, x2, y2, …}. Points are corners of "
           "pixels: pixel x goes from x to x + 1. Outer borders run clockwise on the screen, those "
           "of holes anticlockwise. Drawn with the even-odd rule they give the mask again.",
    .in = LAB_MASK,
    .out = LAB_RECORDS,
    .params = outline_params,
    .run = outline_run,
};
