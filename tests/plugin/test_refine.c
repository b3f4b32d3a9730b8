/* The refine plugin against slow computations of the same formulas, and on edges known by hand. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_cases.h"

lab_plugin_entry_fn lab_plugin_entry_refine;

static ops_host host;

static const int32_t sizes[][2] = {
    { 1, 1 }, { 1, 9 }, { 13, 1 }, { 2, 3 }, { 17, 11 }, { 70, 5 }
};
#define N_SIZES (sizeof sizes / sizeof *sizes)

/* ---- the guided filter, window by window ---- */

typedef struct oracle {
    const lab_tensor *image;
    const double *p;
    int width, height, radius;
    double eps;
} oracle;

static void color_at(const oracle *o, int x, int y, double c[3])
{
    int n = o->image->shape[2];
    const uint8_t *p = (const uint8_t *)o->image->data + (ptrdiff_t)(y * o->width + x) * n;
    for (int i = 0; i < 3; i++)
        c[i] = p[n >= 3 ? i : 0] / 255.0;
}

/* Solves m a = v by Gauss's elimination; m is positive definite. */
static void solve(double m[3][3], double v[3])
{
    for (int k = 0; k < 3; k++)
        for (int i = k + 1; i < 3; i++) {
            double f = m[i][k] / m[k][k];
            for (int j = k; j < 3; j++)
                m[i][j] -= f * m[k][j];
            v[i] -= f * v[k];
        }
    for (int k = 2; k >= 0; k--) {
        for (int j = k + 1; j < 3; j++)
            v[k] -= m[k][j] * v[j];
        v[k] /= m[k][k];
    }
}

/* (a, b) of the window around a pixel. */
static void window(const oracle *o, int cx, int cy, double ab[4])
{
    double n = 0, mean[3] = { 0 }, cross[3] = { 0 }, m[3][3] = { { 0 } }, p = 0, c[3];
    for (int y = 0; y < o->height; y++)
        for (int x = 0; x < o->width; x++) {
            if (abs(x - cx) > o->radius || abs(y - cy) > o->radius)
                continue;
            double v = o->p[y * o->width + x];
            color_at(o, x, y, c);
            n++;
            p += v;
            for (int i = 0; i < 3; i++) {
                mean[i] += c[i];
                cross[i] += c[i] * v;
                for (int j = 0; j < 3; j++)
                    m[i][j] += c[i] * c[j];
            }
        }
    for (int i = 0; i < 3; i++) {
        ab[i] = cross[i] / n - mean[i] / n * p / n;
        for (int j = 0; j < 3; j++)
            m[i][j] = m[i][j] / n - mean[i] / n * mean[j] / n + (i == j ? o->eps : 0);
    }
    solve(m, ab);
    ab[3] = p / n;
    for (int i = 0; i < 3; i++)
        ab[3] -= ab[i] * mean[i] / n;
}

static double guided(const oracle *o, int cx, int cy)
{
    double n = 0, sum[4] = { 0 }, ab[4], c[3];
    for (int y = 0; y < o->height; y++)
        for (int x = 0; x < o->width; x++) {
            if (abs(x - cx) > o->radius || abs(y - cy) > o->radius)
                continue;
            window(o, x, y, ab);
            n++;
            for (int i = 0; i < 4; i++)
                sum[i] += ab[i];
        }
    color_at(o, cx, cy, c);
    return (sum[0] * c[0] + sum[1] * c[1] + sum[2] * c[2] + sum[3]) / n;
}

static void check_mask(int32_t width, int32_t height, int32_t channels, int radius, double eps)
{
    lab_tensor image, mask, out;
    make_picture(&host.ctx, width, height, channels, &image);
    make_bytes(&host.ctx, LAB_MASK, width, height, 256, 5, &mask);
    op_tensor(&host, "mask.refine", &mask,
              ARGS(ARG_T("image", &image), ARG_I("radius", radius), ARG_F("eps", eps)), &out);
    double *p = malloc(mask.size * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < mask.size; i++)
        p[i] = ((const uint8_t *)mask.data)[i] / 255.0;
    oracle o = { &image, p, width, height, radius, (double)(float)eps };
    for (int i = 0; i < width * height; i++) {
        double q = 255 * guided(&o, i % width, i / width);
        q = q < 0 ? 0 : q > 255 ? 255 : q;
        if (fabs(q - ((const uint8_t *)out.data)[i]) > 0.6)
            fail_msg("%dx%dx%d radius %d, pixel %d: expected %.3f, got %d", width, height, channels,
                     radius, i, q, ((const uint8_t *)out.data)[i]);
    }
    free(p);
    lab_tensor_clear(&out);
    lab_tensor_clear(&mask);
    lab_tensor_clear(&image);
}

static void masks_equal_the_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        check_mask(sizes[i][0], sizes[i][1], 3, 1, 0.01);
        check_mask(sizes[i][0], sizes[i][1], 3, 4, 0.001);
        check_mask(sizes[i][0], sizes[i][1], 1, 2, 0.01);
    }
    check_mask(9, 7, 4, 2, 0.01);
    check_mask(9, 7, 3, 4096, 0.01);
}

/* The class with the highest filtered indicator; near ties may go either way. */
static void check_guided_map(int32_t width, int32_t height, bool wide)
{
    lab_tensor image, map, out;
    make_picture(&host.ctx, width, height, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, width, height, 3, 9, &map);
    if (wide) {
        const int32_t shape[2] = { height, width };
        lab_tensor other;
        assert_int_equal(lab_tensor_new(&host.ctx, LAB_LABELMAP, LAB_U16, 2, shape, &other, NULL),
                         LAB_OK);
        for (size_t i = 0; i < map.size; i++)
            ((uint16_t *)other.data)[i] = ((uint8_t *)map.data)[i];
        lab_tensor_clear(&map);
        map = other;
    }
    op_tensor(&host, "map.refine", &map,
              ARGS(ARG_T("image", &image), ARG_S("method", "guided"), ARG_I("radius", 2),
                   ARG_F("eps", 0.01)),
              &out);
    int n = width * height;
    double *p = malloc(3 * (size_t)n * sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < 3 * n; i++) {
        int id = wide ? ((uint16_t *)map.data)[i % n] : ((uint8_t *)map.data)[i % n];
        p[i] = id == i / n;
    }
    for (int i = 0; i < n; i++) {
        double best = -1, got = 0;
        int id = wide ? ((uint16_t *)out.data)[i] : ((uint8_t *)out.data)[i];
        for (int k = 0; k < 3; k++) {
            oracle o = { &image, p + (ptrdiff_t)k * n, width, height, 2, 0.01 };
            double q = guided(&o, i % width, i / width);
            best = q > best ? q : best;
            got = k == id ? q : got;
        }
        assert_true(best - got < 1e-4);
    }
    free(p);
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static void guided_maps_equal_the_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        check_guided_map(sizes[i][0], sizes[i][1], i % 2 == 1);
}

/* ---- the random field, every pixel with every other ---- */

typedef struct field {
    const lab_tensor *map, *image;
    int width, n, classes;
    double confidence, color_weight, color_sigma, color_range, smooth_weight, smooth_sigma;
} field;

static double kernel(const field *f, int i, int j, bool color)
{
    int rows = i / f->width - j / f->width;
    double dx = i % f->width - j % f->width, dy = rows;
    const uint8_t *a = (const uint8_t *)f->image->data + (ptrdiff_t)3 * i;
    const uint8_t *b = (const uint8_t *)f->image->data + (ptrdiff_t)3 * j;
    double place = dx * dx + dy * dy, tint = 0;
    for (int c = 0; c < 3; c++)
        tint += (a[c] - b[c]) * (a[c] - b[c]);
    if (!color)
        return exp(-place / (2 * f->smooth_sigma * f->smooth_sigma));
    return exp(-place / (2 * f->color_sigma * f->color_sigma) -
               tint / (2 * f->color_range * f->color_range));
}

static double norm(const field *f, int i, bool color)
{
    double sum = 0;
    for (int j = 0; j < f->n; j++)
        sum += kernel(f, i, j, color);
    return 1 / sqrt(sum);
}

static double prior(const field *f, int i, int k)
{
    return ((const uint8_t *)f->map->data)[i] == k ? f->confidence
                                                   : (1 - f->confidence) / (f->classes - 1);
}

static void mean_field(const field *f, int iterations, double *q)
{
    double *next = malloc((size_t)(f->n * f->classes) * sizeof *next);
    double *norms = malloc(2 * (size_t)f->n * sizeof *norms);
    assert_non_null(next);
    assert_non_null(norms);
    for (int i = 0; i < 2 * f->n; i++)
        norms[i] = norm(f, i / 2, i % 2);
    for (int i = 0; i < f->n * f->classes; i++)
        q[i] = prior(f, i / f->classes, i % f->classes);
    for (; iterations > 0; iterations--) {
        for (int i = 0; i < f->n; i++) {
            double sum = 0;
            for (int k = 0; k < f->classes; k++) {
                double message[2] = { 0, 0 };
                for (int j = 0; j < 2 * f->n; j++)
                    message[j % 2] +=
                        kernel(f, i, j / 2, j % 2) * norms[j] * q[j / 2 * f->classes + k];
                double e = f->smooth_weight * norms[(size_t)2 * (size_t)i] * message[0] +
                           f->color_weight * norms[2 * i + 1] * message[1];
                sum += next[i * f->classes + k] = prior(f, i, k) * exp(e);
            }
            for (int k = 0; k < f->classes; k++)
                next[i * f->classes + k] /= sum;
        }
        memcpy(q, next, (size_t)(f->n * f->classes) * sizeof *q);
    }
    free(norms);
    free(next);
}

/* How many labels differ from the oracle's although its best is ahead by `margin`. */
static int count_wrong(const field *f, double margin)
{
    lab_tensor out;
    op_tensor(&host, "map.refine", f->map,
              ARGS(ARG_T("image", f->image), ARG_S("method", "crf"), ARG_I("iterations", 3),
                   ARG_F("confidence", f->confidence), ARG_F("color_weight", f->color_weight),
                   ARG_F("color_sigma", f->color_sigma), ARG_F("color_range", f->color_range),
                   ARG_F("smooth_weight", f->smooth_weight),
                   ARG_F("smooth_sigma", f->smooth_sigma)),
              &out);
    double *q = malloc((size_t)(f->n * f->classes) * sizeof *q);
    assert_non_null(q);
    mean_field(f, 3, q);
    int wrong = 0;
    for (int i = 0; i < f->n; i++) {
        const double *p = q + (ptrdiff_t)i * f->classes;
        double best = 0;
        for (int k = 0; k < f->classes; k++)
            best = p[k] > best ? p[k] : best;
        wrong += best - p[((uint8_t *)out.data)[i]] > margin;
    }
    free(q);
    lab_tensor_clear(&out);
    return wrong;
}

/* The Gaussian is cut off at three sigma, which changes sums by about a percent. */
static void the_smooth_kernel_equals_the_formula(void **state)
{
    (void)state;
    lab_tensor image, map;
    make_picture(&host.ctx, 21, 14, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 21, 14, 3, 4, &map);
    field f = { &map, &image, 21, 21 * 14, 3, 0.6, 0, 1, 1, 6, 1.5 };
    assert_int_equal(count_wrong(&f, 0.02), 0);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

/* The lattice is an approximation: nothing that is clear may come out otherwise. */
static void the_color_kernel_follows_the_formula(void **state)
{
    (void)state;
    lab_tensor image, map;
    make_picture(&host.ctx, 23, 15, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 23, 15, 2, 4, &map);
    for (int y = 0; y < 15; y++)
        for (int x = 0; x < 23; x++) /* two areas, a third of whose pixels are wrong */
            ((uint8_t *)map.data)[y * 23 + x] = (uint8_t)((x > 10) != ((x * 7 + y * 5) % 3 == 0));
    field f = { &map, &image, 23, 23 * 15, 2, 0.7, 6, 4, 30, 0, 1 };
    int wrong = count_wrong(&f, 0.3);
    if (wrong > f.n / 100)
        fail_msg("%d of %d labels are clearly wrong", wrong, f.n);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

/* ---- what it is for ---- */

/* A map whose edge is two pixels off comes out with the picture's edge. */
static void edges_move_to_the_picture(void **state)
{
    (void)state;
    lab_tensor image, map, out;
    static const char *const methods[] = { "guided", "crf" };
    make_halves(&host.ctx, 64, 40, 32, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 64, 40, 1, 1, &map);
    for (int i = 0; i < 64 * 40; i++)
        ((uint8_t *)map.data)[i] = i % 64 < 34 ? 7 : 200;
    for (int m = 0; m < 2; m++) {
        op_tensor(&host, "map.refine", &map,
                  ARGS(ARG_T("image", &image), ARG_S("method", methods[m])), &out);
        for (int i = 0; i < 64 * 40; i++)
            assert_int_equal(((uint8_t *)out.data)[i], i % 64 < 32 ? 7 : 200);
        lab_tensor_clear(&out);
    }
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static void scores_are_used(void **state)
{
    (void)state;
    lab_tensor image, map, scores, out;
    make_halves(&host.ctx, 20, 10, 10, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 20, 10, 1, 1, &map);
    const int32_t shape[4] = { 1, 10, 20, 3 };
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, LAB_F32, 4, shape, &scores, NULL),
                     LAB_OK);
    for (int i = 0; i < 600; i++) /* 1 on the left, 2 on the right; one pixel is no number */
        ((float *)scores.data)[i] = i == 31 ? NAN : i / 3 % 20 < 10 ? i % 3 == 1 : i % 3 == 2;
    for (int m = 0; m < 2; m++) {
        op_tensor(&host, "map.refine", &map,
                  ARGS(ARG_T("image", &image), ARG_T("scores", &scores), ARG_I("radius", 2),
                       ARG_S("method", m ? "crf" : "guided")),
                  &out);
        for (int i = 0; i < 200; i++)
            assert_int_equal(((uint8_t *)out.data)[i], i % 20 < 10 ? 1 : 2);
        lab_tensor_clear(&out);
    }
    lab_tensor_clear(&scores);
    op_refused(&host, "map.refine", &map, ARGS(ARG_T("image", &image), ARG_T("scores", &map)),
               LAB_E_INVALID, "scores must be f32 probabilities [10, 20, classes]");
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static void what_has_one_class_stays(void **state)
{
    (void)state;
    lab_tensor image, map, out;
    make_picture(&host.ctx, 5, 4, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 5, 4, 1, 1, &map);
    memset(map.data, 9, map.size);
    op_tensor(&host, "map.refine", &map, ARGS(ARG_T("image", &image)), &out);
    assert_memory_equal(out.data, map.data, map.size);
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static void other_sizes_are_refused(void **state)
{
    (void)state;
    lab_tensor image, map, mask;
    make_picture(&host.ctx, 6, 5, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 5, 6, 3, 1, &map);
    make_bytes(&host.ctx, LAB_MASK, 6, 4, 3, 1, &mask);
    op_refused(&host, "map.refine", &map, ARGS(ARG_T("image", &image)), LAB_E_INVALID,
               "image is 6x5, but what is to be refined is 5x6");
    op_refused(&host, "mask.refine", &mask, ARGS(ARG_T("image", &image)), LAB_E_INVALID, "6x4");
    op_refused(&host, "map.refine", &map, ARGS(ARG_T("image", &image), ARG_F("eps", 0)),
               LAB_E_INVALID, "eps");
    lab_tensor_clear(&mask);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

/* ---- threads, memory, Ctrl-C ---- */

static void threads_memory_and_stops(void **state)
{
    (void)state;
    lab_tensor image, map, mask;
    make_picture(&host.ctx, 131, 67, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 131, 67, 6, 1, &map);
    make_bytes(&host.ctx, LAB_MASK, 131, 67, 256, 1, &mask);
    const op_arg crf[] = { ARG_T("image", &image), ARG_S("method", "crf"), NO_ARG };
    const op_arg guide[] = { ARG_T("image", &image), ARG_S("method", "guided"), NO_ARG };
    const op_arg alpha[] = { ARG_T("image", &image), NO_ARG };
    same_with_threads("map.refine", &map, crf);
    same_with_threads("map.refine", &map, guide);
    same_with_threads("mask.refine", &mask, alpha);
    sweep_op("map.refine", &map, crf);
    sweep_op("map.refine", &map, guide);
    sweep_op("mask.refine", &mask, alpha);
    stop_op("map.refine", &map, crf);
    stop_op("map.refine", &map, guide);
    stop_op("mask.refine", &mask, alpha);
    lab_tensor_clear(&mask);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static int begin(void **state)
{
    (void)state;
    ops_extra_plugin = lab_plugin_entry_refine(NULL);
    return ops_host_init(&host, NULL, 2, NULL);
}

static int end(void **state)
{
    (void)state;
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_equal_the_formula),
        cmocka_unit_test(guided_maps_equal_the_formula),
        cmocka_unit_test(the_smooth_kernel_equals_the_formula),
        cmocka_unit_test(the_color_kernel_follows_the_formula),
        cmocka_unit_test(edges_move_to_the_picture),
        cmocka_unit_test(scores_are_used),
        cmocka_unit_test(what_has_one_class_stays),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(threads_memory_and_stops),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
