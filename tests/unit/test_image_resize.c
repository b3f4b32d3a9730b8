/* Resizing and blurring against the same filters in double precision. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "picture_bytes.h"
#include "support/fail_alloc.h"

static lab_context ctx;

/* ---- the oracle: weights of one output position, by definition ---- */

static double lanczos3(double x)
{
    const double pi = acos(-1.0);
    if (x == 0.0)
        return 1.0;
    return fabs(x) >= 3.0 ? 0.0 : 3.0 * sin(pi * x) * sin(pi * x / 3.0) / (pi * pi * x * x);
}

static void oracle_weights(int in, int out, int i, lab_resample method, double *w)
{
    double ratio = (double)in / out;
    memset(w, 0, (size_t)in * sizeof *w);
    if (method == LAB_RESAMPLE_AREA && in > out) {
        for (int j = 0; j < in; j++) {
            double from = fmax(j, i * ratio), to = fmin(j + 1, (i + 1) * ratio);
            w[j] = to > from ? (to - from) / ratio : 0.0;
        }
        return;
    }
    double centre = (i + 0.5) * ratio - 0.5;
    if (method == LAB_RESAMPLE_LANCZOS && in != out) {
        double scale = fmax(1.0, ratio), sum = 0.0;
        for (int j = 0; j < in; j++)
            sum += w[j] = lanczos3((j - centre) / scale);
        for (int j = 0; j < in; j++)
            w[j] /= sum;
        return;
    }
    centre = fmin(fmax(centre, 0.0), in - 1.0);
    int lo = (int)floor(centre), hi = lo + 1 < in ? lo + 1 : lo;
    w[lo] += 1.0 - (centre - lo);
    w[hi] += centre - lo;
}

/* One output sample; with alpha, premultiplied and divided again. */
static void oracle_pixel(const lab_tensor *in, const double *wx, const double *wy, double *pixel)
{
    int h = in->shape[0], w = in->shape[1], channels = in->rank == 3 ? in->shape[2] : 1;
    double sum[4] = { 0 };
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const uint8_t *p = (const uint8_t *)in->data + ((size_t)y * w + x) * (size_t)channels;
            double alpha = channels == 4 ? p[3] / 255.0 : 1.0, weight = wx[x] * wy[y];
            for (int c = 0; c < channels; c++)
                sum[c] += weight * p[c] * (c < 3 ? alpha : 1.0);
        }
    }
    for (int c = 0; c < channels; c++) {
        pixel[c] = sum[c];
        if (channels == 4 && c < 3)
            pixel[c] = sum[3] > 0.5 ? sum[c] / (sum[3] / 255.0) : -1.0; /* invisible */
        if (pixel[c] >= 0.0 || channels < 4)
            pixel[c] = fmin(fmax(pixel[c], 0.0), 255.0);
    }
}

static void compare_with_oracle(int w, int h, int channels, int ow, int oh, lab_resample method)
{
    lab_tensor in, out;
    lab_error error = { 0 };
    make_picture(&ctx, w, h, channels, &in);
    assert_ok(lab_image_resize(&ctx, &in, ow, oh, method, &out, &error), &error);
    assert_int_equal(out.shape[0], oh);
    assert_int_equal(out.shape[1], ow);
    double *wx = malloc((size_t)w * sizeof *wx), *wy = malloc((size_t)h * sizeof *wy);
    for (int y = 0; y < oh; y++) {
        oracle_weights(h, oh, y, method, wy);
        for (int x = 0; x < ow; x++) {
            double pixel[4];
            oracle_weights(w, ow, x, method, wx);
            oracle_pixel(&in, wx, wy, pixel);
            for (int c = 0; c < channels; c++) {
                int got = ((uint8_t *)out.data)[((size_t)y * ow + x) * (size_t)channels + c];
                /* Colours of nearly transparent pixels are coarse by nature. */
                bool faint = channels == 4 && c < 3 && pixel[3] < 24.0;
                if (!faint && fabs(got - pixel[c]) > 1.0)
                    fail_msg("method %d, %dx%dx%d to %dx%d at %d,%d,%d: %d, oracle %g", method, w,
                             h, channels, ow, oh, x, y, c, got, pixel[c]);
            }
        }
    }
    free(wx);
    free(wy);
    lab_tensor_clear(&in);
    lab_tensor_clear(&out);
}

static void within_one_level_of_the_oracle(void **state)
{
    (void)state;
    static const int sizes[][4] = { { 17, 13, 40, 29 }, { 40, 29, 17, 13 }, { 31, 9, 8, 30 },
                                    { 9, 31, 30, 8 },   { 25, 25, 1, 1 },   { 1, 1, 7, 5 },
                                    { 2, 3, 9, 2 },     { 64, 4, 3, 4 },    { 16, 16, 16, 8 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1)
            for (int method = LAB_RESAMPLE_AREA; method <= LAB_RESAMPLE_LANCZOS; method++)
                if (method != LAB_RESAMPLE_NEAREST)
                    compare_with_oracle(sizes[i][0], sizes[i][1], channels, sizes[i][2],
                                        sizes[i][3], (lab_resample)method);
}

static void nearest_takes_the_pixel_under_the_centre(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&ctx, 11, 7, 3, &in);
    for (int size = 1; size < 30; size++) {
        assert_int_equal(
            lab_image_resize(&ctx, &in, size, 31 - size, LAB_RESAMPLE_NEAREST, &out, NULL), LAB_OK);
        for (int y = 0; y < 31 - size; y++)
            for (int x = 0; x < size; x++) {
                int sx = (int)floor((x + 0.5) * 11 / size),
                    sy = (int)floor((y + 0.5) * 7 / (31 - size));
                assert_memory_equal((uint8_t *)out.data + (y * size + x) * 3,
                                    (uint8_t *)in.data + (sy * 11 + sx) * 3, 3);
            }
        lab_tensor_clear(&out);
    }
    lab_tensor_clear(&in);
}

static void identity_shares_the_data(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&ctx, 9, 7, 4, &in);
    for (int method = 0; method <= LAB_RESAMPLE_LANCZOS; method++) {
        assert_int_equal(lab_image_resize(&ctx, &in, 9, 7, (lab_resample)method, &out, NULL),
                         LAB_OK);
        assert_ptr_equal(out.data, in.data);
        lab_tensor_clear(&out);
    }
    lab_tensor_clear(&in);
}

/* One colour stays that colour, to the level, at every size. */
static void constants_are_kept(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        lab_tensor in, out;
        make_picture(&ctx, 37, 23, channels, &in);
        for (int value = 0; value <= 255; value += 15) {
            memset(in.data, value, in.size);
            for (size_t i = 3; channels == 4 && i < in.size; i += 4)
                ((uint8_t *)in.data)[i] = 255;
            for (int method = 0; method <= LAB_RESAMPLE_LANCZOS; method++) {
                int w = 5 + value % 60, h = 61 - value % 60;
                assert_int_equal(
                    lab_image_resize(&ctx, &in, w, h, (lab_resample)method, &out, NULL), LAB_OK);
                for (size_t i = 0; i < out.size; i++) {
                    int want = channels == 4 && i % 4 == 3 ? 255 : value;
                    assert_int_equal(((uint8_t *)out.data)[i], want);
                }
                lab_tensor_clear(&out);
            }
        }
        lab_tensor_clear(&in);
    }
}

/* Halving by area is the mean of four, rounded half up (twice: at most one level off). */
static void area_keeps_the_mean(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&ctx, 64, 48, 1, &in);
    assert_int_equal(lab_image_resize(&ctx, &in, 32, 24, LAB_RESAMPLE_AREA, &out, NULL), LAB_OK);
    const uint8_t *p = in.data, *q = out.data;
    for (int y = 0; y < 24; y++)
        for (int x = 0; x < 32; x++) {
            int sum = p[2 * y * 64 + 2 * x] + p[2 * y * 64 + 2 * x + 1] +
                      p[(2 * y + 1) * 64 + 2 * x] + p[(2 * y + 1) * 64 + 2 * x + 1];
            assert_int_equal(q[y * 32 + x], (sum + 2) / 4);
        }
    lab_tensor_clear(&in);
    lab_tensor_clear(&out);
}

/* What is transparent lends no colour to its neighbours. */
static void hidden_colours_do_not_bleed(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&ctx, 8, 8, 4, &in);
    uint8_t *p = in.data;
    for (int i = 0; i < 64; i++) {
        bool visible = i % 8 < 4;
        p[4 * i] = visible ? 200 : 0;
        p[4 * i + 1] = visible ? 10 : 255;
        p[4 * i + 2] = 30;
        p[4 * i + 3] = visible ? 255 : 0;
    }
    assert_int_equal(lab_image_resize(&ctx, &in, 21, 5, LAB_RESAMPLE_BILINEAR, &out, NULL), LAB_OK);
    const uint8_t *q = out.data;
    for (size_t i = 0; i < out.size; i += 4) {
        if (q[i + 3] < 8)
            continue;
        assert_in_range(q[i], 197, 203);
        assert_in_range(q[i + 1], 7, 13);
    }
    lab_tensor_clear(&in);
    lab_tensor_clear(&out);
}

static void same_bytes_with_any_threads(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 301, 199, 3, &in);
    for (int method = 0; method <= LAB_RESAMPLE_LANCZOS; method++) {
        lab_tensor first = { 0 };
        for (unsigned threads = 1; threads <= 3; threads++) {
            lab_context many;
            lab_tensor out;
            assert_int_equal(lab_context_init(&many, NULL, threads, NULL), LAB_OK);
            assert_int_equal(
                lab_image_resize(&many, &in, 129, 317, (lab_resample)method, &out, NULL), LAB_OK);
            if (threads == 1)
                assert_int_equal(
                    lab_image_resize(&ctx, &in, 129, 317, (lab_resample)method, &first, NULL),
                    LAB_OK);
            assert_memory_equal(out.data, first.data, first.size);
            lab_tensor_clear(&out);
            lab_context_finish(&many);
        }
        lab_tensor_clear(&first);
    }
    lab_tensor_clear(&in);
}

static void maps_and_refusals(void **state)
{
    (void)state;
    lab_tensor map, out;
    lab_error error = { 0 };
    const int32_t shape[2] = { 3, 5 };
    assert_int_equal(lab_tensor_new(&ctx, LAB_LABELMAP, LAB_U16, 2, shape, &map, NULL), LAB_OK);
    for (int i = 0; i < 15; i++)
        ((uint16_t *)map.data)[i] = (uint16_t)(i * 4000);
    assert_int_equal(lab_image_resize(&ctx, &map, 10, 6, LAB_RESAMPLE_AREA, &out, &error),
                     LAB_E_INVALID);
    assert_non_null(strstr(error.message, "nearest"));
    assert_int_equal(lab_image_resize(&ctx, &map, 10, 6, LAB_RESAMPLE_NEAREST, &out, NULL), LAB_OK);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 10; x++)
            assert_int_equal(((uint16_t *)out.data)[y * 10 + x],
                             ((uint16_t *)map.data)[y / 2 * 5 + x / 2]);
    lab_tensor_clear(&out);
    assert_int_equal(lab_image_resize(&ctx, &map, 0, 6, LAB_RESAMPLE_NEAREST, &out, &error),
                     LAB_E_LIMIT);
    assert_int_equal(lab_image_resize(&ctx, &map, 60000, 60000, LAB_RESAMPLE_NEAREST, &out, &error),
                     LAB_E_LIMIT);
    assert_non_null(strstr(error.message, "60000x60000"));
    lab_tensor_clear(&map);
}

/* ---- blur ---- */

static void blur_is_a_gaussian(void **state)
{
    (void)state;
    lab_tensor in, out;
    const int32_t shape[2] = { 31, 41 };
    assert_int_equal(lab_tensor_new(&ctx, LAB_MASK, LAB_U8, 2, shape, &in, NULL), LAB_OK);
    for (size_t i = 0; i < in.size; i++)
        ((uint8_t *)in.data)[i] = i % 41 >= 20 && i / 41 >= 11 ? 255 : 0;
    for (double sigma = 0.3; sigma < 9.0; sigma *= 1.7) {
        assert_int_equal(lab_image_blur(&ctx, &in, sigma, &out, NULL), LAB_OK);
        int reach = (int)ceil(3 * sigma);
        for (int y = 0; y < 31; y += 3) {
            for (int x = 0; x < 41; x++) {
                double sum = 0, all = 0;
                for (int dy = -reach; dy <= reach; dy++)
                    for (int dx = -reach; dx <= reach; dx++) {
                        int sx = x + dx < 0 ? 0 : x + dx > 40 ? 40 : x + dx;
                        int sy = y + dy < 0 ? 0 : y + dy > 30 ? 30 : y + dy;
                        double w = exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
                        sum += w * ((uint8_t *)in.data)[sy * 41 + sx];
                        all += w;
                    }
                if (fabs(((uint8_t *)out.data)[y * 41 + x] - sum / all) > 1.0)
                    fail_msg("sigma %g at %d,%d: %d, oracle %g", sigma, x, y,
                             ((uint8_t *)out.data)[y * 41 + x], sum / all);
            }
        }
        lab_tensor_clear(&out);
    }
    assert_int_equal(lab_image_blur(&ctx, &in, 0.0, &out, NULL), LAB_OK);
    assert_ptr_equal(out.data, in.data);
    lab_tensor_clear(&out);
    assert_int_equal(lab_image_blur(&ctx, &in, -1.0, &out, NULL), LAB_E_LIMIT);
    assert_int_equal(lab_image_blur(&ctx, &in, (double)NAN, &out, NULL), LAB_E_LIMIT);
    lab_tensor_clear(&in);
}

/* ---- memory ---- */

typedef struct work {
    const lab_tensor *in;
    lab_resample method;
    double sigma;
} work;

static lab_status work_and_free(lab_context *c, void *user, lab_error *error)
{
    const work *w = user;
    lab_tensor out;
    lab_status status = w->sigma > 0 ? lab_image_blur(c, w->in, w->sigma, &out, error)
                                     : lab_image_resize(c, w->in, 30, 11, w->method, &out, error);
    if (!status)
        lab_tensor_clear(&out);
    return status;
}

static void allocation_failures(void **state)
{
    (void)state;
    lab_tensor in;
    make_picture(&ctx, 20, 14, 4, &in);
    for (int method = 0; method <= LAB_RESAMPLE_LANCZOS; method++)
        assert_true(fail_alloc_sweep(work_and_free, &(work){ &in, (lab_resample)method, 0 }) > 2);
    assert_true(fail_alloc_sweep(work_and_free, &(work){ &in, LAB_RESAMPLE_AREA, 2.0 }) > 2);
    lab_tensor_clear(&in);
}

static int begin(void **state)
{
    (void)state;
    return lab_context_init(&ctx, NULL, 2, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_context_finish(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_one_level_of_the_oracle),
        cmocka_unit_test(nearest_takes_the_pixel_under_the_centre),
        cmocka_unit_test(identity_shares_the_data),
        cmocka_unit_test(constants_are_kept),
        cmocka_unit_test(area_keeps_the_mean),
        cmocka_unit_test(hidden_colours_do_not_bleed),
        cmocka_unit_test(same_bytes_with_any_threads),
        cmocka_unit_test(maps_and_refusals),
        cmocka_unit_test(blur_is_a_gaussian),
        cmocka_unit_test(allocation_failures),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
