/*
 * sRGB to CIELAB under D65 (IEC 61966-2-1; CIE 15): the space in which SLIC measures colour. Roots
 * are taken by Newton's method rather than by the C library's pow, whose last bit differs between
 * systems: the same picture has the same superpixels everywhere.
 */
#include "superpixels.h"

#include <math.h>

/* The positive n-th root of 0 < x <= 1.1, from above: the steps never overshoot. */
static double root(double x, int n, int steps)
{
    double y = (x + n - 1) / n;
    for (int i = 0; i < steps; i++) {
        double power = y;
        for (int k = 2; k < n; k++)
            power *= y;
        y = ((n - 1) * y + x / power) / n;
    }
    return y;
}

/* Light intensity 0..1 of an 8-bit sRGB value; x^2.4 as x^2 * (x^2)^(1/5). */
static double linear(int value)
{
    double c = value / 255.0;
    if (c <= 0.04045)
        return c / 12.92;
    double x = (c + 0.055) / 1.055;
    return x * x * root(x * x, 5, 40);
}

/* The curve of lightness, cube root with a straight foot. Eight steps reach full precision. */
static double curve(double t)
{
    const double foot = 216.0 / 24389.0;
    return t > foot ? root(t, 3, 9) : (24389.0 / 27.0 * t + 16) / 116;
}

typedef struct color_job {
    const uint8_t *src;
    float *dst;
    uint32_t channels;
    size_t width;
    double linear[256];
} color_job;

static void convert_pixel(const color_job *job, const uint8_t *p, float *lab)
{
    double r = job->linear[p[0]];
    double g = job->linear[p[job->channels >= 3 ? 1 : 0]];
    double b = job->linear[p[job->channels >= 3 ? 2 : 0]];
    double x = curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    double y = curve(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    double z = curve((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    lab[0] = (float)(116 * y - 16);
    lab[1] = job->channels >= 3 ? (float)(500 * (x - y)) : 0;
    lab[2] = job->channels >= 3 ? (float)(200 * (y - z)) : 0;
}

static void convert_rows(void *user, uint32_t begin, uint32_t end)
{
    const color_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++)
        convert_pixel(job, job->src + i * job->channels, job->dst + 3 * i);
}

lab_status superpixels_to_lab(lab_call *call, const lab_tensor *image, float *lab)
{
    color_job job = { image->data, lab, (uint32_t)image->shape[2], (size_t)image->shape[1], { 0 } };
    for (int v = 0; v < 256; v++)
        job.linear[v] = linear(v);
    return lab_parallel_for(call, (uint32_t)image->shape[0], 8, convert_rows, &job);
}
