/* Weight tables of separable filters: see axis.h. */
#include "image/axis.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "image/portable_math.h"

#define LANCZOS_LOBES 3

static lab_status axis_new(lab_context *ctx, uint32_t count, uint32_t taps, lab_axis *axis,
                           lab_error *error)
{
    memset(axis, 0, sizeof *axis);
    axis->count = count;
    axis->taps = taps;
    axis->first = lab_alloc_array(ctx, count, sizeof *axis->first);
    axis->used = lab_alloc_array(ctx, count, sizeof *axis->used);
    axis->weights = lab_alloc_array(ctx, (size_t)count * taps, sizeof *axis->weights);
    if (axis->first && axis->used && axis->weights)
        return LAB_OK;
    lab_axis_free(ctx, axis);
    lab_error_nomem(error, (size_t)count * taps * sizeof *axis->weights, "filter weights");
    return LAB_E_NOMEM;
}

void lab_axis_free(lab_context *ctx, lab_axis *axis)
{
    lab_free(ctx, axis->first);
    lab_free(ctx, axis->used);
    lab_free(ctx, axis->weights);
    memset(axis, 0, sizeof *axis);
}

/* Input position (2i + 1) in / (2 out) - 1/2 between its two neighbours, in integers. */
static void fill_bilinear(lab_axis *axis, uint32_t in, uint32_t out)
{
    for (uint32_t i = 0; i < out; i++) {
        int64_t unit = 2 * (int64_t)out;
        int64_t at = (2 * (int64_t)i + 1) * in - out;
        if (at < 0)
            at = 0;
        int64_t lo = at / unit;
        int64_t rest = at - lo * unit;
        int32_t weight = (int32_t)((rest * LAB_AXIS_ONE + out) / unit);
        int16_t *w = axis->weights + (size_t)i * axis->taps;
        axis->first[i] = (uint32_t)lo;
        axis->used[i] = 1;
        w[0] = LAB_AXIS_ONE;
        if (lo + 1 < in && weight > 0) {
            axis->used[i] = 2;
            w[0] = (int16_t)(LAB_AXIS_ONE - weight);
            w[1] = (int16_t)weight;
        }
    }
}

/*
 * Output position i covers [i in, (i + 1) in) in units of 1/out of an input pixel. Rounding the
 * running sum, not each weight, makes the weights add up.
 */
static void fill_area(lab_axis *axis, uint32_t in, uint32_t out)
{
    for (uint32_t i = 0; i < out; i++) {
        uint64_t begin = (uint64_t)i * in, end = begin + in;
        uint64_t first = begin / out, last = (end - 1) / out;
        int16_t *w = axis->weights + (size_t)i * axis->taps;
        uint64_t before = 0;
        for (uint64_t j = first; j <= last; j++) {
            uint64_t covered = ((j + 1) * out < end ? (j + 1) * out : end) - begin;
            uint64_t sum = (2 * covered * LAB_AXIS_ONE + in) / (2 * (uint64_t)in);
            w[j - first] = (int16_t)(sum - before);
            before = sum;
        }
        axis->first[i] = (uint32_t)first;
        axis->used[i] = (uint32_t)(last - first + 1);
    }
}

/* Rounds real weights to integers with the right sum; the largest takes what is left over. */
static void quantise(const double *real, uint32_t n, int16_t *weights)
{
    double sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += real[k];
    int32_t left = LAB_AXIS_ONE;
    uint32_t largest = 0;
    for (uint32_t k = 0; k < n; k++) {
        int32_t w = (int32_t)floor(real[k] / sum * LAB_AXIS_ONE + 0.5);
        weights[k] = (int16_t)w;
        left -= w;
        if (weights[k] > weights[largest])
            largest = k;
    }
    weights[largest] = (int16_t)(weights[largest] + left);
}

static double lanczos(double x)
{
    if (x == 0.0)
        return 1.0;
    if (x <= -LANCZOS_LOBES || x >= LANCZOS_LOBES)
        return 0.0;
    const double pi = 3.14159265358979323846;
    return LANCZOS_LOBES * lab_sin_pi(x) * lab_sin_pi(x / LANCZOS_LOBES) / (pi * pi * x * x);
}

/* Taps beyond an edge are left out and the others scaled up for them. */
static void fill_lanczos(lab_axis *axis, uint32_t in, uint32_t out, double *real)
{
    double ratio = (double)in / (double)out;
    double scale = ratio > 1.0 ? ratio : 1.0;
    for (uint32_t i = 0; i < out; i++) {
        double centre = ((double)i + 0.5) * ratio - 0.5;
        int64_t first = (int64_t)ceil(centre - LANCZOS_LOBES * scale);
        int64_t last = (int64_t)floor(centre + LANCZOS_LOBES * scale);
        first = first < 0 ? 0 : first;
        last = last > (int64_t)in - 1 ? (int64_t)in - 1 : last;
        uint32_t n = (uint32_t)(last - first + 1);
        for (uint32_t k = 0; k < n; k++)
            real[k] = lanczos(((double)(first + k) - centre) / scale);
        axis->first[i] = (uint32_t)first;
        axis->used[i] = n;
        quantise(real, n, axis->weights + (size_t)i * axis->taps);
    }
}

static lab_status lanczos_axis(lab_context *ctx, uint32_t in, uint32_t out, lab_axis *axis,
                               lab_error *error)
{
    double ratio = (double)in / (double)out;
    uint32_t taps = 2 * (uint32_t)ceil(LANCZOS_LOBES * (ratio > 1.0 ? ratio : 1.0)) + 1;
    taps = taps > in ? in : taps;
    double *real = lab_alloc_array(ctx, taps, sizeof *real);
    if (!real)
        return lab_error_nomem(error, taps * sizeof *real, "filter weights");
    lab_status status = axis_new(ctx, out, taps, axis, error);
    if (!status)
        fill_lanczos(axis, in, out, real);
    lab_free(ctx, real);
    return status;
}

lab_status lab_axis_resample(lab_context *ctx, uint32_t in, uint32_t out, lab_resample method,
                             lab_axis *axis, lab_error *error)
{
    if (method == LAB_RESAMPLE_LANCZOS && in != out)
        return lanczos_axis(ctx, in, out, axis, error);
    bool area = method == LAB_RESAMPLE_AREA && in > out;
    uint32_t taps = area ? in / out + 2 : 2;
    lab_status status = axis_new(ctx, out, taps, axis, error);
    if (status)
        return status;
    if (area)
        fill_area(axis, in, out);
    else
        fill_bilinear(axis, in, out);
    return LAB_OK;
}

/* The kernel's weights over 2 reach + 1 positions. */
static void gaussian_kernel(double sigma, int64_t reach, double *real, int16_t *kernel)
{
    for (int64_t k = -reach; k <= reach; k++) {
        double x = (double)k / sigma;
        real[k + reach] = lab_exp_negative(-0.5 * x * x);
    }
    quantise(real, (uint32_t)(2 * reach + 1), kernel);
}

static void fill_gaussian(lab_axis *axis, int64_t reach, const int16_t *kernel)
{
    int64_t size = axis->count;
    for (int64_t i = 0; i < size; i++) {
        int64_t first = i < reach ? 0 : i - reach;
        int64_t last = i + reach > size - 1 ? size - 1 : i + reach;
        int16_t *w = axis->weights + (size_t)i * axis->taps;
        for (int64_t k = -reach; k <= reach; k++) {
            int64_t j = i + k < first ? first : i + k > last ? last : i + k;
            w[j - first] = (int16_t)(w[j - first] + kernel[k + reach]);
        }
        axis->first[i] = (uint32_t)first;
        axis->used[i] = (uint32_t)(last - first + 1);
    }
}

lab_status lab_axis_gaussian(lab_context *ctx, uint32_t size, double sigma, lab_axis *axis,
                             lab_error *error)
{
    int64_t reach = (int64_t)ceil(3.0 * sigma);
    uint32_t n = (uint32_t)(2 * reach + 1);
    double *real = lab_alloc_array(ctx, n, sizeof *real);
    int16_t *kernel = lab_alloc_array(ctx, n, sizeof *kernel);
    lab_status status = LAB_E_NOMEM;
    if (real && kernel)
        status = axis_new(ctx, size, n < size ? n : size, axis, error);
    else
        lab_error_nomem(error, n * sizeof *real, "filter weights");
    if (!status) {
        gaussian_kernel(sigma, reach, real, kernel);
        fill_gaussian(axis, reach, kernel);
    }
    lab_free(ctx, real);
    lab_free(ctx, kernel);
    return status;
}
