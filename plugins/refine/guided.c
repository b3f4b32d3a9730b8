/*
 * The guided filter of He, Sun and Tang ("Guided Image Filtering", ECCV 2010 and PAMI 2013) with a
 * colour guide: in each window what is filtered is taken for a linear function of the picture's
 * colour, a . I + b, and each pixel gets the mean of what its windows say. With
 *
 *     a = (Sigma + eps E)^-1 (mean(I p) - mean(I) mean(p))     b = mean(p) - a . mean(I)
 *
 * edges of the picture become edges of the result wherever the window contains one of p's edges.
 * Colours are 0..1; Sigma is the covariance of the colours in the window.
 */
#include "box.h"

typedef struct guide {
    const lab_tensor *image;
    int32_t width, height, radius;
    float eps;
    quad *mean;    /* of r, g, b */
    quad *inverse; /* of Sigma + eps E: rr, rg, rb, gg */
    quad *rest;    /* gb, bb */
    quad *work, *tmp;
} guide;

static void read_color(const lab_tensor *image, size_t i, float color[3])
{
    uint32_t channels = (uint32_t)image->shape[2];
    const uint8_t *p = (const uint8_t *)image->data + i * channels;
    for (uint32_t c = 0; c < 3; c++)
        color[c] = (float)p[channels >= 3 ? c : 0] / 255.0f;
}

/* ---- what depends on the picture alone ---- */

static void products(void *user, uint32_t begin, uint32_t end)
{
    const guide *g = user;
    for (size_t i = begin * (size_t)g->width; i < end * (size_t)g->width; i++) {
        float c[3];
        read_color(g->image, i, c);
        g->mean[i] = (quad){ { c[0], c[1], c[2], 0 } };
        g->inverse[i] = (quad){ { c[0] * c[0], c[0] * c[1], c[0] * c[2], c[1] * c[1] } };
        g->rest[i] = (quad){ { c[1] * c[2], c[2] * c[2], 0, 0 } };
    }
}

/* From means of products to the inverse of the covariance, by cofactors, in double. */
static void invert(void *user, uint32_t begin, uint32_t end)
{
    const guide *g = user;
    for (size_t i = begin * (size_t)g->width; i < end * (size_t)g->width; i++) {
        const float *m = g->mean[i].v, *s = g->inverse[i].v, *t = g->rest[i].v;
        double eps = (double)g->eps, r = (double)m[0], gr = (double)m[1], b = (double)m[2];
        double rr = (double)s[0] - r * r + eps, rg = (double)s[1] - r * gr;
        double rb = (double)s[2] - r * b, gg = (double)s[3] - gr * gr + eps;
        double gb = (double)t[0] - gr * b, bb = (double)t[1] - b * b + eps;
        double c0 = gg * bb - gb * gb, c1 = rb * gb - rg * bb, c2 = rg * gb - rb * gg;
        double scale = 1 / (rr * c0 + rg * c1 + rb * c2);
        g->inverse[i] = (quad){ { (float)(c0 * scale), (float)(c1 * scale), (float)(c2 * scale),
                                  (float)((rr * bb - rb * rb) * scale) } };
        g->rest[i] = (quad){ { (float)((rg * rb - rr * gb) * scale),
                               (float)((rr * gg - rg * rg) * scale), 0, 0 } };
    }
}

static lab_status box(lab_call *call, const guide *g, quad *plane)
{
    return refine_box(call, plane, g->tmp, plane, g->width, g->height, g->radius);
}

static lab_status prepare(lab_call *call, guide *g, const lab_tensor *image,
                          const guided_params *params)
{
    size_t n = refine_pixels(image);
    *g = (guide){ .image = image,
                  .width = image->shape[1],
                  .height = image->shape[0],
                  .radius = params->radius,
                  .eps = params->eps };
    quad **const planes[] = { &g->mean, &g->inverse, &g->rest, &g->work, &g->tmp };
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++) {
        *planes[i] = refine_alloc(call, n, sizeof(quad));
        if (!*planes[i])
            return lab_call_status(call);
    }
    lab_status status = lab_parallel_for(call, (uint32_t)g->height, 8, products, g);
    if (!status)
        status = box(call, g, g->mean);
    if (!status)
        status = box(call, g, g->inverse);
    if (!status)
        status = box(call, g, g->rest);
    return status ? status : lab_parallel_for(call, (uint32_t)g->height, 8, invert, g);
}

/* ---- one plane ---- */

/* What is filtered: a mask, or one class of a source. */
typedef struct plane_job {
    const guide *g;
    const uint8_t *mask;
    const refine_source *source;
    uint32_t class_index;
} plane_job;

static float value_at(const plane_job *job, size_t i)
{
    if (job->mask)
        return (float)job->mask[i] / 255.0f;
    const refine_source *s = job->source;
    if (s->scores)
        return refine_score(s, i, job->class_index);
    return refine_id(s->map, i) == s->ids[job->class_index] ? 1.0f : 0.0f;
}

static void weigh(void *user, uint32_t begin, uint32_t end)
{
    const plane_job *job = user;
    const guide *g = job->g;
    for (size_t i = begin * (size_t)g->width; i < end * (size_t)g->width; i++) {
        float c[3], p = value_at(job, i);
        read_color(g->image, i, c);
        g->work[i] = (quad){ { c[0] * p, c[1] * p, c[2] * p, p } };
    }
}

/* Means of (I p, p) become (a, b). */
static void solve(void *user, uint32_t begin, uint32_t end)
{
    const plane_job *job = user;
    const guide *g = job->g;
    for (size_t i = begin * (size_t)g->width; i < end * (size_t)g->width; i++) {
        const float *m = g->mean[i].v, *s = g->inverse[i].v, *t = g->rest[i].v;
        float *w = g->work[i].v, p = w[3];
        float r = w[0] - m[0] * p, gr = w[1] - m[1] * p, b = w[2] - m[2] * p;
        w[0] = s[0] * r + s[1] * gr + s[2] * b;
        w[1] = s[1] * r + s[3] * gr + t[0] * b;
        w[2] = s[2] * r + t[0] * gr + t[1] * b;
        w[3] = p - w[0] * m[0] - w[1] * m[1] - w[2] * m[2];
    }
}

/* Leaves the mean of (a, b) in g->work. */
static lab_status filter(lab_call *call, plane_job *job)
{
    uint32_t height = (uint32_t)job->g->height;
    lab_status status = lab_parallel_for(call, height, 8, weigh, job);
    if (!status)
        status = box(call, job->g, job->g->work);
    if (!status)
        status = lab_parallel_for(call, height, 8, solve, job);
    return status ? status : box(call, job->g, job->g->work);
}

static float filtered(const guide *g, size_t i)
{
    float c[3];
    read_color(g->image, i, c);
    const float *w = g->work[i].v;
    return w[0] * c[0] + w[1] * c[1] + w[2] * c[2] + w[3];
}

/* ---- masks ---- */

typedef struct mask_job {
    const guide *g;
    uint8_t *dst;
} mask_job;

static void write_mask(void *user, uint32_t begin, uint32_t end)
{
    const mask_job *job = user;
    size_t width = (size_t)job->g->width;
    for (size_t i = begin * width; i < end * width; i++) {
        float q = filtered(job->g, i) * 255.0f + 0.5f;
        job->dst[i] = q >= 255 ? 255 : q > 0 ? (uint8_t)q : 0;
    }
}

lab_status refine_mask_guided(lab_call *call, const lab_tensor *mask, const lab_tensor *image,
                              const guided_params *params, lab_tensor *out)
{
    guide g;
    lab_status status = prepare(call, &g, image, params);
    if (status)
        return status;
    plane_job plane = { &g, mask->data, NULL, 0 };
    status = filter(call, &plane);
    mask_job job = { &g, out->data };
    return status ? status : lab_parallel_for(call, (uint32_t)g.height, 8, write_mask, &job);
}

/* ---- label maps ---- */

typedef struct winner_job {
    const guide *g;
    lab_tensor *out;
    float *best;
    uint32_t id;
    bool first;
} winner_job;

static void keep_winners(void *user, uint32_t begin, uint32_t end)
{
    const winner_job *job = user;
    size_t width = (size_t)job->g->width;
    for (size_t i = begin * width; i < end * width; i++) {
        float q = filtered(job->g, i);
        if (job->first || q > job->best[i]) {
            job->best[i] = q;
            refine_set_id(job->out, i, job->id);
        }
    }
}

lab_status refine_map_guided(lab_call *call, const refine_source *source, const lab_tensor *image,
                             const guided_params *params, lab_tensor *out)
{
    guide g;
    lab_status status = prepare(call, &g, image, params);
    float *best = status ? NULL : refine_alloc(call, refine_pixels(image), sizeof *best);
    if (!best)
        return lab_call_status(call);
    for (uint32_t k = 0; k < source->count && !status; k++) {
        plane_job plane = { &g, NULL, source, k };
        status = filter(call, &plane);
        winner_job job = { &g, out, best, source->ids[k], k == 0 };
        if (!status)
            status = lab_parallel_for(call, (uint32_t)g.height, 8, keep_winners, &job);
    }
    return status;
}
