/*
 * tensor.upsample_score: how sure the network is of some classes, as a mask of any size. Logits are
 * interpolated first and made probabilities then, so edges stay as sharp as the network has them.
 */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/upsample.h"

enum { SCORE_CLASSES = UPSAMPLE_PARAMS_END, SCORE_ACTIVATION };
enum { SOFTMAX, LOGISTIC, NONE }; /* in the order of the choices */

/* A class this far below another in a whole cell has less than 1.2e-7 of its probability. */
#define NEGLIGIBLE 16.0f

/* A probability of at most this is 0 of 255, one of at least 1 - this is 255: half a level is
 * 1/510, and the rest is room for the rounding of floats. */
#define SETTLED (1.0f / 600.0f)

/* Pixels of a block in which looking for another leader costs less than computing them. */
#define WORTH_A_SEARCH 128

typedef struct score_job {
    const upsample *up;
    const float *reals;
    const bool *chosen; /* by class */
    uint32_t *sure[2];  /* softmax, by grid position: see find_sure */
    bool inverted;      /* one channel, class 0 asked for: 1 - p */
    bool both;          /* one channel, both classes: all of it */
    int activation;
    uint8_t *out;
} score_job;

/* Where e^x is as good as 0; NaN too. */
static inline float above_underflow(float x)
{
    return x > -87.0f ? x : -87.0f;
}

/*
 * e^x for -87 <= x <= 0 to 2e-7, with additions and multiplications alone: the same everywhere.
 * Bounding x is left to a loop before: compilers would make a branch of it here, and no vectors.
 */
static inline float exp_bounded(float x)
{
    int32_t n = (int32_t)(x * 1.44269504f - 0.5f);
    float r = (x - (float)n * 0.693359375f) + (float)n * 2.12194440e-4f;
    float p = 1.0f + r * (1.0f / 7.0f);
    p = 1.0f + r * (1.0f / 6.0f) * p;
    p = 1.0f + r * (1.0f / 5.0f) * p;
    p = 1.0f + r * (1.0f / 4.0f) * p;
    p = 1.0f + r * (1.0f / 3.0f) * p;
    p = 1.0f + r * (1.0f / 2.0f) * p;
    p = 1.0f + r * p;
    union {
        int32_t bits;
        float value;
    } power = { .bits = (n + 127) * (1 << 23) };
    return p * power.value;
}

static inline float exp_negative(float x)
{
    return exp_bounded(above_underflow(x));
}

static inline float logistic(float v)
{
    float e = exp_negative(v < 0.0f ? v : -v);
    return v < 0.0f ? e / (1.0f + e) : 1.0f / (1.0f + e);
}

/* The values of class k over the block, row after row. */
static void interpolate(const score_job *job, const upsample_block *b, uint32_t k,
                        float *restrict values)
{
    const upsample *up = job->up;
    const float *q = job->reals + k;
    uint32_t n = b->x1 - b->x0;
    const float *fx = up->x.fraction + b->x0;
    for (uint32_t y = b->y0; y < b->y1; y++, values += n) {
        float fy = up->y.fraction[y];
        float left = q[b->corner[0]] * (1.0f - fy) + q[b->corner[2]] * fy;
        float right = q[b->corner[1]] * (1.0f - fy) + q[b->corner[3]] * fy;
        for (uint32_t x = 0; x < n; x++)
            values[x] = left * (1.0f - fx[x]) + right * fx[x];
    }
}

static void write_scores(const score_job *job, const upsample_block *b, const float *p)
{
    size_t width = job->up->x.count;
    for (uint32_t y = b->y0; y < b->y1; y++, p += b->x1 - b->x0) {
        uint8_t *row = job->out + y * width;
        for (uint32_t x = b->x0; x < b->x1; x++) {
            float v = p[x - b->x0];
            v = job->inverted ? 1.0f - v : v;
            v = v > 0.0f ? v : 0.0f; /* NaN too */
            row[x] = (uint8_t)((v < 1.0f ? v : 1.0f) * 255.0f + 0.5f);
        }
    }
}

static float corner_bound(const score_job *job, const upsample_block *b, uint32_t k, bool upper)
{
    float bound = job->reals[b->corner[0] + k];
    for (int c = 1; c < 4; c++) {
        float v = job->reals[b->corner[c] + k];
        if (upper ? v > bound : v < bound)
            bound = v;
    }
    return bound;
}

/* The class, among those that are chosen or those that are not, whose smallest corner is largest.
 */
static uint32_t leading_class(const score_job *job, const upsample_block *b, bool chosen)
{
    uint32_t leader = UINT32_MAX;
    float most = -INFINITY;
    for (uint32_t k = 0; k < job->up->classes; k++) {
        float least = corner_bound(job, b, k, false);
        if (job->chosen[k] == chosen && least > most) {
            most = least;
            leader = k;
        }
    }
    return leader;
}

/*
 * Whether the classes of the other side together have next to nothing against `leader` at a grid
 * position, whose class 0 is at `q`.
 */
static bool leads_at(const score_job *job, const float *q, uint32_t leader, bool chosen)
{
    float sum = 0.0f;
    if (leader == UINT32_MAX || !isfinite(q[leader]))
        return false;
    for (uint32_t k = 0; k < job->up->classes && sum <= SETTLED; k++) {
        float below = q[k] - q[leader];
        if (job->chosen[k] != chosen)
            sum += below > 0.0f ? 1.0f : exp_negative(below);
    }
    return sum <= SETTLED;
}

/*
 * For each grid position and side (0: classes that are not chosen, 1: those that are) the largest
 * class of the side if it leads there, else UINT32_MAX: then no class of the side leads.
 */
static void find_sure(void *user, uint32_t begin, uint32_t end)
{
    const score_job *job = user;
    uint32_t classes = job->up->classes, width = job->up->x.grid;
    for (size_t at = (size_t)begin * width; at < (size_t)end * width; at++) {
        const float *q = job->reals + at * classes;
        uint32_t best[2] = { UINT32_MAX, UINT32_MAX };
        for (uint32_t k = 0; k < classes; k++) {
            uint32_t *side = &best[job->chosen[k]];
            if (*side == UINT32_MAX || q[k] > q[*side])
                *side = k;
        }
        for (int side = 0; side < 2; side++)
            job->sure[side][at] = leads_at(job, q, best[side], side) ? best[side] : UINT32_MAX;
    }
}

/*
 * Whether one class of the side leads at all four corners. Then it does inside: values there are
 * weighted means of the corners', and the sum of e^(other - leader) is a convex function of values.
 */
static bool leads(const score_job *job, const upsample_block *b, bool chosen)
{
    const uint32_t *sure = job->sure[chosen];
    uint32_t classes = job->up->classes, leader = sure[b->corner[0] / classes];
    bool same = true;
    for (int c = 0; c < 4; c++) {
        uint32_t other = sure[b->corner[c] / classes];
        if (other == UINT32_MAX)
            return false;
        same = same && other == leader;
    }
    if (same || upsample_pixels(b) < WORTH_A_SEARCH)
        return same;
    leader = leading_class(job, b, chosen);
    for (int c = 0; c < 4; c++)
        if (!leads_at(job, job->reals + b->corner[c], leader, chosen))
            return false;
    return true;
}

static void fill_scores(const score_job *job, const upsample_block *b, uint8_t value)
{
    for (uint32_t y = b->y0; y < b->y1; y++)
        memset(job->out + (size_t)y * job->up->x.count + b->x0, value, b->x1 - b->x0);
}

/* Fills cells where the answer is plain. */
static bool settle_block(const score_job *job, const upsample_block *b)
{
    for (int chosen = 0; chosen < 2; chosen++) {
        if (!leads(job, b, chosen))
            continue;
        fill_scores(job, b, chosen ? 255 : 0);
        return true;
    }
    return false;
}

static void softmax_block(void *user, const upsample_block *b)
{
    const score_job *job = user;
    if (settle_block(job, b))
        return;
    float values[UPSAMPLE_PIXELS] = { 0 }, most[UPSAMPLE_PIXELS] = { 0 };
    float sum[UPSAMPLE_PIXELS] = { 0 }, part[UPSAMPLE_PIXELS] = { 0 };
    uint32_t n = upsample_pixels(b);
    for (uint32_t i = 0; i < n; i++)
        most[i] = -INFINITY;
    float floor_value = -INFINITY;
    for (uint32_t k = 0; k < job->up->classes; k++) {
        float least = corner_bound(job, b, k, false);
        floor_value = least > floor_value ? least : floor_value;
    }
    floor_value -= NEGLIGIBLE;
    for (uint32_t k = 0; k < job->up->classes; k++) {
        if (corner_bound(job, b, k, true) < floor_value)
            continue;
        interpolate(job, b, k, values);
        for (uint32_t i = 0; i < n; i++)
            most[i] = values[i] > most[i] ? values[i] : most[i];
    }
    for (uint32_t k = 0; k < job->up->classes; k++) {
        if (corner_bound(job, b, k, true) < floor_value)
            continue;
        interpolate(job, b, k, values);
        float counts = job->chosen[k] ? 1.0f : 0.0f;
        for (uint32_t i = 0; i < n; i++)
            values[i] = above_underflow(values[i] - most[i]);
        for (uint32_t i = 0; i < n; i++) {
            float e = exp_bounded(values[i]);
            sum[i] += e;
            part[i] += e * counts;
        }
    }
    for (uint32_t i = 0; i < n; i++)
        part[i] = part[i] / sum[i];
    write_scores(job, b, part);
}

/* Logistic and none: each channel is a probability of its own, and they are added up. */
static void sum_block(void *user, const upsample_block *b)
{
    const score_job *job = user;
    float values[UPSAMPLE_PIXELS] = { 0 }, part[UPSAMPLE_PIXELS] = { 0 };
    uint32_t n = upsample_pixels(b);
    for (uint32_t k = 0; k < job->up->classes; k++) {
        if (job->up->classes > 1 && !job->chosen[k])
            continue;
        interpolate(job, b, k, values);
        for (uint32_t i = 0; i < n; i++)
            part[i] += job->activation == LOGISTIC ? logistic(values[i]) : values[i];
    }
    for (uint32_t i = 0; job->both && i < n; i++)
        part[i] = 1.0f;
    write_scores(job, b, part);
}

/* Which classes count. One channel stands for class 1, and what is left for class 0. */
static lab_status choose(lab_call *call, score_job *job)
{
    uint32_t count, classes = job->up->classes < 2 ? 2 : job->up->classes;
    const int32_t *ids = lab_arg_classes(call, SCORE_CLASSES, &count);
    bool *chosen = lab_call_alloc(call, classes * sizeof *chosen);
    if (!chosen)
        return lab_call_status(call);
    for (uint32_t i = 0; i < count; i++) {
        if ((uint32_t)ids[i] >= classes)
            return lab_fail(call, LAB_E_INVALID, "class %d: the network has classes 0..%u", ids[i],
                            classes - 1);
        chosen[ids[i]] = true;
    }
    job->chosen = chosen;
    job->inverted = job->up->classes == 1 && chosen[0] && !chosen[1];
    job->both = job->up->classes == 1 && chosen[0] && chosen[1];
    if (count == 0)
        return lab_fail(call, LAB_E_INVALID, "classes must name at least one class");
    return LAB_OK;
}

static lab_status upsample_score_run(lab_call *call)
{
    upsample up;
    lab_status status = upsample_begin(call, &up);
    if (status)
        return status;
    score_job job = { .up = &up, .activation = (int)lab_arg_int(call, SCORE_ACTIVATION) };
    if (job.activation == SOFTMAX && up.classes == 1)
        return lab_fail(call, LAB_E_INVALID,
                        "softmax over one channel is always 1: use activation \"logistic\"");
    status = choose(call, &job);
    if (status)
        return status;
    job.reals = upsample_reals(call, &up);
    int32_t shape[2] = { (int32_t)up.y.count, (int32_t)up.x.count };
    lab_tensor *out = job.reals ? lab_result(call, LAB_MASK, LAB_U8, 2, shape) : NULL;
    if (!out)
        return lab_call_status(call);
    job.out = out->data;
    if (job.activation != SOFTMAX)
        return upsample_run_blocks(call, &up, sum_block, &job);
    size_t positions = (size_t)up.x.grid * up.y.grid;
    for (int side = 0; side < 2; side++)
        if (!(job.sure[side] = lab_call_alloc(call, positions * sizeof(uint32_t))))
            return lab_call_status(call);
    status = lab_parallel_for(call, up.y.grid, 4, find_sure, &job);
    return status ? status : upsample_run_blocks(call, &up, softmax_block, &job);
}

static const lab_param upsample_score_params[] = {
    UPSAMPLE_PARAMS,
    { .name = "classes",
      .type = LAB_CLASSES,
      .doc = "whose probabilities are added up; a network with one channel has 1 (its value) and "
             "0 (the rest)" },
    { .name = "activation",
      .type = LAB_ENUM,
      .doc = "what makes logits probabilities: softmax over the classes, logistic for each "
             "channel, none when they are probabilities already",
      .def = "softmax",
      .choices = "softmax|logistic|none" },
    LAB_PARAM_END,
};

const lab_op lab_op_tensor_upsample_score = {
    .name = "tensor.upsample_score",
    .summary = "a network's logits to a soft mask of some classes, of any size",
    .doc = "Coordinates as in tensor.upsample_argmax. Quantised logits are made real numbers, "
           "interpolated in float32, then activated; the mask is 255 times the sum of the "
           "probabilities of the classes, rounded. Classes that are more than 16 below another in "
           "a whole cell are left out of the softmax.",
    .in = LAB_TENSOR,
    .out = LAB_MASK,
    .params = upsample_score_params,
    .run = upsample_score_run,
};
