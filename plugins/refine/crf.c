/*
 * A fully connected random field, by mean field: Krähenbühl and Koltun, "Efficient Inference in
 * Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011. Every pixel talks to every other,
 * louder to those that are near (smooth) and to those that are near and of like colour (colour):
 *
 *     Q_i(c)  <-  u_i(c) exp(sum over kernels of  w n_i sum_j k(i, j) n_j Q_j(c)) / Z_i
 *
 * u is what the label map or the scores say of the pixel alone; Potts compatibility: agreeing is
 * what counts. n = 1 / sqrt(sum_j k(i, j)) makes the sums means (the symmetric normalisation of the
 * authors' code; it leaves the pixel itself in the sum). Steps per pixel and class, so a picture
 * with few classes is quick.
 */
#include "gauss.h"
#include "lattice.h"

#include <math.h>

/* The lattice's entries are numbered in 32 bits, and memory is some hundred bytes a pixel. */
#define CRF_MAX_PIXELS ((size_t)1 << 25)

typedef struct crf {
    const refine_source *source;
    const lab_tensor *image;
    const crf_params *params;
    int32_t width, height;
    size_t pixels;
    uint32_t count, stride;          /* classes, and room for each pixel's */
    float *q;                        /* [pixels][stride] */
    float *smooth, *color, *tmp;     /* messages, the same */
    float *smooth_norm, *color_norm; /* n of each pixel */
    float *points_a, *points_b;      /* [points + 1][stride] */
    gauss gauss;
    lattice lattice;
} crf;

/* What is known of a pixel by itself; never 0, so that nothing is beyond doubt. */
static float unary(const crf *f, size_t pixel, uint32_t k)
{
    const refine_source *s = f->source;
    if (s->scores) {
        float score = refine_score(s, pixel, k);
        return score > 1e-6f ? score : 1e-6f;
    }
    float sure = f->params->confidence;
    return refine_id(s->map, pixel) == s->ids[k] ? sure : (1 - sure) / (float)(f->count - 1);
}

/* ---- messages ---- */

typedef struct scale_job {
    const float *src, *norm;
    float *dst;
    size_t stride;
} scale_job;

static void scale(void *user, uint32_t begin, uint32_t end)
{
    const scale_job *job = user;
    for (size_t i = begin; i < end; i++) {
        for (size_t k = i * job->stride; k < (i + 1) * job->stride; k++)
            job->dst[k] = job->norm[i] * job->src[k];
    }
}

static lab_status scale_by(lab_call *call, const crf *f, const float *norm, float *dst)
{
    scale_job job = { f->q, norm, dst, f->stride };
    return lab_parallel_for(call, (uint32_t)f->pixels, 8192, scale, &job);
}

static lab_status send_messages(lab_call *call, crf *f)
{
    lab_status status = LAB_OK;
    if (f->smooth) {
        status = scale_by(call, f, f->smooth_norm, f->smooth);
        if (!status)
            status = refine_gauss(call, &f->gauss, f->smooth, f->tmp, f->smooth, f->width,
                                  f->height, f->stride);
    }
    if (!status && f->color) {
        status = scale_by(call, f, f->color_norm, f->color);
        if (!status)
            status = refine_lattice_filter(call, &f->lattice, f->color, f->points_a, f->points_b,
                                           f->color, f->stride);
    }
    return status;
}

/* ---- beliefs ---- */

static float message(const crf *f, size_t pixel, uint32_t k)
{
    float sum = 0;
    size_t at = pixel * f->stride + k;
    if (f->smooth)
        sum += f->params->smooth_weight * f->smooth_norm[pixel] * f->smooth[at];
    if (f->color)
        sum += f->params->color_weight * f->color_norm[pixel] * f->color[at];
    return sum;
}

static void believe(void *user, uint32_t begin, uint32_t end)
{
    const crf *f = user;
    for (size_t i = begin; i < end; i++) {
        float *q = f->q + i * f->stride, most = 0, sum = 0;
        for (uint32_t k = 0; k < f->count; k++) {
            q[k] = message(f, i, k);
            most = q[k] > most ? q[k] : most;
        }
        for (uint32_t k = 0; k < f->count; k++) {
            q[k] = unary(f, i, k) * refine_exp(q[k] - most);
            sum += q[k];
        }
        for (uint32_t k = 0; k < f->count; k++)
            q[k] /= sum;
    }
}

/* Before anybody has said anything. */
static void begin_beliefs(void *user, uint32_t begin, uint32_t end)
{
    const crf *f = user;
    for (size_t i = begin; i < end; i++) {
        float *q = f->q + i * f->stride, sum = 0;
        for (uint32_t k = 0; k < f->count; k++) {
            q[k] = unary(f, i, k);
            sum += q[k];
        }
        for (uint32_t k = 0; k < f->count; k++)
            q[k] /= sum;
    }
}

/* ---- preparing ---- */

static void place_pixel(const void *user, size_t pixel, float place[LATTICE_D])
{
    const crf *f = user;
    uint32_t channels = (uint32_t)f->image->shape[2];
    const uint8_t *p = (const uint8_t *)f->image->data + pixel * channels;
    size_t y = pixel / (size_t)f->width, x = pixel - y * (size_t)f->width;
    place[0] = (float)x / f->params->color_sigma;
    place[1] = (float)y / f->params->color_sigma;
    for (uint32_t c = 0; c < 3; c++)
        place[2 + c] = (float)p[channels >= 3 ? c : 0] / f->params->color_range;
}

/* Ones in the first place of each pixel: what filtering makes of them is how much is summed up. */
static void set_ones(const crf *f, float *plane)
{
    for (size_t i = 0; i < f->pixels; i++)
        plane[i * f->stride] = 1;
}

static void read_norms(const crf *f, const float *plane, float *norms)
{
    for (size_t i = 0; i < f->pixels; i++)
        norms[i] = 1 / sqrtf(plane[i * f->stride] + 1e-20f);
}

static lab_status prepare_smooth(lab_call *call, crf *f)
{
    size_t row = f->stride * sizeof(float);
    lab_status status = refine_gauss_new(call, f->params->smooth_sigma, &f->gauss);
    f->smooth_norm = status ? NULL : refine_alloc(call, f->pixels, sizeof(float));
    f->smooth = f->smooth_norm ? refine_alloc(call, f->pixels, row) : NULL;
    f->tmp = f->smooth ? refine_alloc(call, f->pixels, row) : NULL;
    if (!f->tmp)
        return lab_call_status(call);
    set_ones(f, f->smooth);
    status =
        refine_gauss(call, &f->gauss, f->smooth, f->tmp, f->smooth, f->width, f->height, f->stride);
    if (!status)
        read_norms(f, f->smooth, f->smooth_norm);
    return status;
}

static lab_status prepare_color(lab_call *call, crf *f)
{
    lab_status status = refine_lattice_new(call, f->pixels, place_pixel, f, &f->lattice);
    if (status)
        return status;
    size_t row = f->stride * sizeof(float), rows = (size_t)f->lattice.points + 1;
    f->color_norm = refine_alloc(call, f->pixels, sizeof(float));
    f->color = f->color_norm ? refine_alloc(call, f->pixels, row) : NULL;
    f->points_a = f->color ? refine_alloc(call, rows, row) : NULL;
    f->points_b = f->points_a ? refine_alloc(call, rows, row) : NULL;
    if (!f->points_b)
        return lab_call_status(call);
    set_ones(f, f->color);
    status = refine_lattice_filter(call, &f->lattice, f->color, f->points_a, f->points_b, f->color,
                                   f->stride);
    if (!status)
        read_norms(f, f->color, f->color_norm);
    return status;
}

static lab_status prepare(lab_call *call, crf *f)
{
    if (f->pixels > CRF_MAX_PIXELS)
        return lab_fail(call, LAB_E_LIMIT,
                        "%dx%d is more than the %zu pixels that method \"crf\" takes; resize, or "
                        "use method \"guided\"",
                        f->width, f->height, CRF_MAX_PIXELS);
    f->q = refine_alloc(call, f->pixels, f->stride * sizeof(float));
    if (!f->q)
        return lab_call_status(call);
    lab_status status = LAB_OK;
    if (f->params->smooth_weight > 0)
        status = prepare_smooth(call, f);
    if (!status && f->params->color_weight > 0)
        status = prepare_color(call, f);
    return status;
}

typedef struct decide_job {
    const crf *f;
    lab_tensor *out;
} decide_job;

static void decide(void *user, uint32_t begin, uint32_t end)
{
    const decide_job *job = user;
    const crf *f = job->f;
    for (size_t i = begin; i < end; i++) {
        const float *q = f->q + i * f->stride;
        uint32_t best = 0;
        for (uint32_t k = 1; k < f->count; k++)
            best = q[k] > q[best] ? k : best;
        refine_set_id(job->out, i, f->source->ids[best]);
    }
}

lab_status refine_map_crf(lab_call *call, const refine_source *source, const lab_tensor *image,
                          const crf_params *params, lab_tensor *out)
{
    crf f = { .source = source,
              .image = image,
              .params = params,
              .width = image->shape[1],
              .height = image->shape[0],
              .pixels = refine_pixels(image),
              .count = source->count,
              .stride = refine_stride(source->count) };
    lab_status status = prepare(call, &f);
    if (!status)
        status = lab_parallel_for(call, (uint32_t)f.pixels, 4096, begin_beliefs, &f);
    for (uint32_t i = 0; i < params->iterations && !status; i++) {
        status = send_messages(call, &f);
        if (!status)
            status = lab_parallel_for(call, (uint32_t)f.pixels, 4096, believe, &f);
    }
    decide_job job = { &f, out };
    return status ? status : lab_parallel_for(call, (uint32_t)f.pixels, 8192, decide, &job);
}
