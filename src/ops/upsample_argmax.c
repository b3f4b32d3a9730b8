/*
 * tensor.upsample_argmax: the class that wins at each pixel, without ever holding the logits of a
 * picture. Integer logits are compared by their exact interpolated values; on request rounded to
 * whole levels, as a quantised network's own resize does before its arg-max.
 *
 * A class that is below another at all four corners of a cell (or level with it and of higher id)
 * cannot win inside: interpolation and rounding keep the order, and a difference of one level at
 * every corner is one level inside. So a cell whose corners have one winner is filled, and in the
 * others few classes are left to compare.
 */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/upsample.h"

enum { ARGMAX_THRESHOLD = UPSAMPLE_PARAMS_END, ARGMAX_LEVELS };

typedef struct argmax_job {
    const upsample *up;
    const float *reals;     /* NULL: integer logits */
    const uint16_t *winner; /* of each grid position; not for one class */
    lab_tensor *out;
    int32_t half, shift; /* integers: (sum + half) >> shift is compared */
    int64_t threshold;   /* one class, integer: in units of 2^-22 levels */
    double real_threshold;
} argmax_job;

static inline int32_t level(const upsample *up, size_t i)
{
    return up->grid->dtype == LAB_I8 ? ((const int8_t *)up->grid->data)[i]
                                     : ((const uint8_t *)up->grid->data)[i];
}

/* ---- the winners of the grid itself ---- */

typedef struct winners_job {
    const upsample *up;
    const float *reals;
    uint16_t *winner;
} winners_job;

static void find_winners(void *user, uint32_t begin, uint32_t end)
{
    const winners_job *job = user;
    const upsample *up = job->up;
    for (size_t at = (size_t)begin * up->x.grid; at < (size_t)end * up->x.grid; at++) {
        size_t first = at * up->classes;
        uint32_t best = 0;
        if (job->reals) {
            float best_value = -INFINITY;
            for (uint32_t k = 0; k < up->classes; k++) {
                if (job->reals[first + k] > best_value) {
                    best_value = job->reals[first + k];
                    best = k;
                }
            }
        } else {
            for (uint32_t k = 1; k < up->classes; k++)
                if (level(up, first + k) > level(up, first + best))
                    best = k;
        }
        job->winner[at] = (uint16_t)best;
    }
}

/* ---- writing ids ---- */

static void fill_block(const argmax_job *job, const upsample_block *b, uint32_t id)
{
    size_t width = job->up->x.count;
    for (uint32_t y = b->y0; y < b->y1; y++) {
        if (job->out->dtype == LAB_U8) {
            memset((uint8_t *)job->out->data + y * width + b->x0, (int)id, b->x1 - b->x0);
        } else {
            uint16_t *row = (uint16_t *)job->out->data + y * width;
            for (uint32_t x = b->x0; x < b->x1; x++)
                row[x] = (uint16_t)id;
        }
    }
}

/* `ids` has the block's pixels, row after row. */
static void write_block(const argmax_job *job, const upsample_block *b, const int32_t *ids)
{
    size_t width = job->up->x.count;
    uint32_t n = b->x1 - b->x0;
    for (uint32_t y = b->y0; y < b->y1; y++, ids += n) {
        size_t at = y * width + b->x0;
        if (job->out->dtype == LAB_U8) {
            uint8_t *restrict row = (uint8_t *)job->out->data + at;
            for (uint32_t i = 0; i < n; i++)
                row[i] = (uint8_t)ids[i];
        } else {
            uint16_t *restrict row = (uint16_t *)job->out->data + at;
            for (uint32_t i = 0; i < n; i++)
                row[i] = (uint16_t)ids[i];
        }
    }
}

/* ---- integers ---- */

/* The class whose smallest corner is largest; the first on ties. */
static uint32_t strongest_int(const upsample *up, const size_t corner[4])
{
    uint32_t strongest = 0;
    int32_t most = INT32_MIN;
    for (uint32_t k = 0; k < up->classes; k++) {
        int32_t least = INT32_MAX;
        for (int c = 0; c < 4; c++) {
            int32_t v = level(up, corner[c] + k);
            least = v < least ? v : least;
        }
        if (least > most) {
            most = least;
            strongest = k;
        }
    }
    return strongest;
}

/* Whether class k can still win against `rival`, which it must then beat somewhere. */
static bool can_win_int(const upsample *up, const size_t corner[4], uint32_t k, uint32_t rival)
{
    if (k == rival)
        return true;
    for (int c = 0; c < 4; c++) {
        int32_t mine = level(up, corner[c] + k), its = level(up, corner[c] + rival);
        if (mine > its || (mine == its && k < rival))
            return true;
    }
    return false;
}

/* One row of one class: where it is above the best so far it takes over. */
static void contend_int(const argmax_job *job, const upsample_block *b, uint32_t y, uint32_t k,
                        int32_t *restrict best, int32_t *restrict ids)
{
    const upsample *up = job->up;
    int32_t wy = up->y.weight[y];
    int32_t left =
        level(up, b->corner[0] + k) * (UPSAMPLE_ONE - wy) + level(up, b->corner[2] + k) * wy;
    int32_t right =
        level(up, b->corner[1] + k) * (UPSAMPLE_ONE - wy) + level(up, b->corner[3] + k) * wy;
    const int32_t *wx = up->x.weight + b->x0;
    uint32_t n = b->x1 - b->x0;
    int32_t base = left * UPSAMPLE_ONE + job->half, slope = right - left;
    for (uint32_t x = 0; x < n; x++) {
        int32_t v = (base + slope * wx[x]) >> job->shift;
        ids[x] = v > best[x] ? (int32_t)k : ids[x];
        best[x] = v > best[x] ? v : best[x];
    }
}

static void argmax_block_int(void *user, const upsample_block *b)
{
    const argmax_job *job = user;
    const upsample *up = job->up;
    uint32_t first = job->winner[b->corner[0] / up->classes];
    bool same = true;
    for (int c = 1; c < 4; c++)
        same = same && job->winner[b->corner[c] / up->classes] == first;
    if (same) {
        fill_block(job, b, first);
        return;
    }
    int32_t best[UPSAMPLE_PIXELS] = { 0 }, ids[UPSAMPLE_PIXELS] = { 0 };
    for (uint32_t i = 0; i < upsample_pixels(b); i++)
        best[i] = INT32_MIN;

    uint32_t rival = strongest_int(up, b->corner);
    for (uint32_t k = 0; k < up->classes; k++) {
        if (!can_win_int(up, b->corner, k, rival))
            continue;
        for (uint32_t y = b->y0; y < b->y1; y++) {
            size_t row = (size_t)(y - b->y0) * (b->x1 - b->x0);
            contend_int(job, b, y, k, best + row, ids + row);
        }
    }
    write_block(job, b, ids);
}

/* One class: 1 where the interpolated (not rounded) value is above the threshold. */
static void threshold_block_int(void *user, const upsample_block *b)
{
    const argmax_job *job = user;
    const upsample *up = job->up;
    int32_t q[4], ids[UPSAMPLE_PIXELS] = { 0 };
    for (int c = 0; c < 4; c++)
        q[c] = level(up, b->corner[c]);
    for (uint32_t y = b->y0; y < b->y1; y++) {
        int32_t wy = up->y.weight[y];
        int32_t left = q[0] * (UPSAMPLE_ONE - wy) + q[2] * wy;
        int32_t right = q[1] * (UPSAMPLE_ONE - wy) + q[3] * wy;
        int32_t *row = ids + (size_t)(y - b->y0) * (b->x1 - b->x0);
        for (uint32_t x = b->x0; x < b->x1; x++) {
            int32_t sum = left * UPSAMPLE_ONE + (right - left) * up->x.weight[x];
            row[x - b->x0] = sum > job->threshold;
        }
    }
    write_block(job, b, ids);
}

/* ---- floats: the same with a fixed order of operations, left to right, top to bottom ---- */

static uint32_t strongest_real(const argmax_job *job, const size_t corner[4])
{
    uint32_t strongest = 0;
    float most = -INFINITY;
    for (uint32_t k = 0; k < job->up->classes; k++) {
        float least = INFINITY;
        for (int c = 0; c < 4; c++) {
            float v = job->reals[corner[c] + k];
            least = v >= least ? least : v; /* NaN stays */
        }
        if (least > most) {
            most = least;
            strongest = k;
        }
    }
    return strongest;
}

static bool can_win_real(const argmax_job *job, const size_t corner[4], uint32_t k, uint32_t rival)
{
    if (k == rival)
        return true;
    for (int c = 0; c < 4; c++) {
        float mine = job->reals[corner[c] + k], its = job->reals[corner[c] + rival];
        bool below = mine < its || (mine == its && k > rival);
        if (!below)
            return true;
    }
    return false;
}

/* The class's values along the left and right edge of the cell at row y. */
static inline void edges_real(const argmax_job *job, const upsample_block *b, uint32_t y,
                              uint32_t k, float *left, float *right)
{
    float fy = job->up->y.fraction[y];
    *left = job->reals[b->corner[0] + k] * (1.0f - fy) + job->reals[b->corner[2] + k] * fy;
    *right = job->reals[b->corner[1] + k] * (1.0f - fy) + job->reals[b->corner[3] + k] * fy;
}

static void contend_real(const argmax_job *job, const upsample_block *b, uint32_t y, uint32_t k,
                         float *restrict best, int32_t *restrict ids)
{
    float left, right;
    edges_real(job, b, y, k, &left, &right);
    const float *fx = job->up->x.fraction + b->x0;
    uint32_t n = b->x1 - b->x0;
    for (uint32_t x = 0; x < n; x++) {
        float v = left * (1.0f - fx[x]) + right * fx[x];
        ids[x] = v > best[x] ? (int32_t)k : ids[x];
        best[x] = v > best[x] ? v : best[x];
    }
}

static void argmax_block_real(void *user, const upsample_block *b)
{
    const argmax_job *job = user;
    const upsample *up = job->up;
    uint32_t first = job->winner[b->corner[0] / up->classes];
    bool same = true;
    for (int c = 1; c < 4; c++)
        same = same && job->winner[b->corner[c] / up->classes] == first;
    if (same) {
        fill_block(job, b, first);
        return;
    }
    float best[UPSAMPLE_PIXELS] = { 0 };
    int32_t ids[UPSAMPLE_PIXELS] = { 0 };
    for (uint32_t i = 0; i < upsample_pixels(b); i++)
        best[i] = -INFINITY;

    uint32_t rival = strongest_real(job, b->corner);
    for (uint32_t k = 0; k < up->classes; k++) {
        if (!can_win_real(job, b->corner, k, rival))
            continue;
        for (uint32_t y = b->y0; y < b->y1; y++) {
            size_t row = (size_t)(y - b->y0) * (b->x1 - b->x0);
            contend_real(job, b, y, k, best + row, ids + row);
        }
    }
    write_block(job, b, ids);
}

static void threshold_block_real(void *user, const upsample_block *b)
{
    const argmax_job *job = user;
    int32_t ids[UPSAMPLE_PIXELS] = { 0 };
    for (uint32_t y = b->y0; y < b->y1; y++) {
        float left, right;
        edges_real(job, b, y, 0, &left, &right);
        int32_t *row = ids + (size_t)(y - b->y0) * (b->x1 - b->x0);
        for (uint32_t x = b->x0; x < b->x1; x++) {
            float fx = job->up->x.fraction[x];
            row[x - b->x0] = left * (1.0f - fx) + right * fx > job->real_threshold;
        }
    }
    write_block(job, b, ids);
}

/* ---- the operator ---- */

/* The threshold in 2^-22 levels: real > t exactly where the interpolated sum > this. */
static lab_status integer_threshold(lab_call *call, argmax_job *job)
{
    const lab_quant *quant = &job->up->grid->quant;
    double scale = quant->count ? (double)lab_quant_scale(quant, 0) : 1.0;
    double zero = quant->count ? (double)lab_quant_zero(quant, 0) : 0.0;
    if (!(scale > 0.0) || !isfinite(scale))
        return lab_fail(call, LAB_E_INVALID, "the logits' scale must be positive, got %g", scale);
    double units = floor((job->real_threshold / scale + zero) * 4194304.0);
    double limit = 9.0e18;
    job->threshold = units > limit ? INT64_MAX : units < -limit ? INT64_MIN : (int64_t)units;
    return LAB_OK;
}

static lab_status upsample_argmax_run(lab_call *call)
{
    upsample up;
    lab_status status = upsample_begin(call, &up);
    if (status)
        return status;
    argmax_job job = { .up = &up, .real_threshold = lab_arg_float(call, ARGMAX_THRESHOLD) };
    if (lab_arg_int(call, ARGMAX_LEVELS)) {
        job.shift = 2 * UPSAMPLE_BITS;
        job.half = 1 << (job.shift - 1);
    }
    if (isnan(job.real_threshold))
        return lab_fail(call, LAB_E_INVALID, "threshold must be a number, got nan");
    /* With a scale for each class the levels of two classes cannot be compared. */
    bool integers = up.grid->dtype != LAB_F32 && up.grid->quant.count <= 1;
    if (!integers && (job.reals = upsample_reals(call, &up)) == NULL)
        return lab_call_status(call);
    int32_t shape[2] = { (int32_t)up.y.count, (int32_t)up.x.count };
    job.out = lab_result(call, LAB_LABELMAP, up.classes > 256 ? LAB_U16 : LAB_U8, 2, shape);
    if (!job.out)
        return lab_call_status(call);
    if (up.classes == 1) {
        status = integers ? integer_threshold(call, &job) : LAB_OK;
        return status ? status
                      : upsample_run_blocks(
                            call, &up, integers ? threshold_block_int : threshold_block_real, &job);
    }
    uint16_t *winner = lab_call_alloc(call, (size_t)up.x.grid * up.y.grid * sizeof *winner);
    if (!winner)
        return lab_call_status(call);
    winners_job winners = { &up, job.reals, winner };
    status = lab_parallel_for(call, up.y.grid, 4, find_winners, &winners);
    job.winner = winner;
    return status ? status
                  : upsample_run_blocks(call, &up, integers ? argmax_block_int : argmax_block_real,
                                        &job);
}

static const lab_param upsample_argmax_params[] = {
    UPSAMPLE_PARAMS,
    { .name = "threshold",
      .type = LAB_FLOAT,
      .doc = "for networks with one output channel: class 1 where the value is above it, else 0",
      .def = "0" },
    { .name = "levels",
      .type = LAB_BOOL,
      .doc = "8-bit logits: round interpolated values to whole levels before they are compared, as "
             "the network's own resize does",
      .def = "false" },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_upsample_argmax = {
    .name = "tensor.upsample_argmax",
    .summary = "a network's logits to a label map of any size",
    .doc = "Pixel (x, y) reads the grid at u = x_scale x + x_offset, v = y_scale y + y_offset, "
           "clamped to it, bilinearly between the four neighbours; the class with the largest "
           "value wins, the lowest id on ties. 8-bit logits: weights of 11 bits rounded half to "
           "even, exact sums: the same bytes everywhere. With levels, sums are rounded half up, "
           "which at the network's own size gives its own map; without, fewer classes tie. f32: "
           "left (1 - f) + right f in float32, columns first. Not a number never wins.",
    .in = LAB_TENSOR,
    .out = LAB_LABELMAP,
    .params = upsample_argmax_params,
    .run = upsample_argmax_run,
};
