/* Operators on masks. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

static ops_host host;

static void invert_and_threshold(void **state)
{
    (void)state;
    lab_tensor mask, out;
    make_bytes(&host.ctx, LAB_MASK, 40, 30, 256, 3, &mask);
    op_tensor(&host, "mask.invert", &mask, NULL, &out);
    for (size_t i = 0; i < out.size; i++)
        assert_int_equal(((uint8_t *)out.data)[i], 255 - ((uint8_t *)mask.data)[i]);
    lab_tensor_clear(&out);
    for (int level = 0; level <= 255; level += 85) {
        op_tensor(&host, "mask.threshold", &mask, ARGS(ARG_I("level", level)), &out);
        for (size_t i = 0; i < out.size; i++)
            assert_int_equal(((uint8_t *)out.data)[i],
                             ((uint8_t *)mask.data)[i] >= level ? 255 : 0);
        lab_tensor_clear(&out);
    }
    op_tensor(&host, "mask.threshold", &mask, NULL, &out);
    assert_int_equal(((uint8_t *)out.data)[0], ((uint8_t *)mask.data)[0] >= 128 ? 255 : 0);
    lab_tensor_clear(&out);
    lab_tensor_clear(&mask);
}

/* A square in the middle stays symmetric: exactly when mirrored, to a level when transposed. */
static void feather_is_symmetric(void **state)
{
    (void)state;
    lab_tensor mask, out;
    make_bytes(&host.ctx, LAB_MASK, 41, 41, 1, 3, &mask);
    for (int y = 14; y < 27; y++)
        for (int x = 14; x < 27; x++)
            ((uint8_t *)mask.data)[y * 41 + x] = 255;
    for (double radius = 0.5; radius < 20; radius *= 2) {
        op_tensor(&host, "mask.feather", &mask, ARGS(ARG_F("radius", radius)), &out);
        const uint8_t *p = out.data;
        for (int y = 0; y < 41; y++)
            for (int x = 0; x < 41; x++) {
                assert_in_range(p[y * 41 + x] - p[x * 41 + y] + 1, 0, 2); /* two roundings */
                assert_int_equal(p[y * 41 + x], p[(40 - y) * 41 + x]);
                assert_int_equal(p[y * 41 + x], p[y * 41 + 40 - x]);
            }
        lab_tensor_clear(&out);
    }
    lab_tensor_clear(&mask);
}

/* Far from an edge nothing changes; along an edge it falls steadily and half way at the edge. */
static void feather_fades_over_its_radius(void **state)
{
    (void)state;
    lab_tensor mask, out;
    make_bytes(&host.ctx, LAB_MASK, 60, 12, 1, 3, &mask);
    for (int i = 0; i < 60 * 12; i++)
        ((uint8_t *)mask.data)[i] = i % 60 < 30 ? 255 : 0;
    op_tensor(&host, "mask.feather", &mask, ARGS(ARG_F("radius", 8)), &out);
    const uint8_t *row = (uint8_t *)out.data + 5 * 60;
    for (int x = 1; x < 60; x++)
        assert_true(row[x] <= row[x - 1]);
    assert_int_equal(row[10], 255);
    assert_int_equal(row[50], 0);
    assert_true(row[29] > 127 && row[30] < 128);
    assert_true(row[29 + 8] < 13); /* within 5 % at the radius */
    assert_memory_equal(row, out.data, 60);
    lab_tensor_clear(&out);
    op_tensor(&host, "mask.feather", &mask, ARGS(ARG_F("radius", 0)), &out);
    assert_memory_equal(out.data, mask.data, mask.size);
    lab_tensor_clear(&out);
    op_refused(&host, "mask.feather", &mask, ARGS(ARG_F("radius", -1)), LAB_E_INVALID, "radius");
    op_refused(&host, "mask.feather", &mask, NULL, LAB_E_INVALID, "radius");
    op_tensor(&host, "mask.feather", &mask, ARGS(ARG_F("radius", 1024)), &out); /* wider than all */
    lab_tensor_clear(&out);
    lab_tensor_clear(&mask);
}

static void resize_crop_encode(void **state)
{
    (void)state;
    lab_tensor mask, out;
    make_bytes(&host.ctx, LAB_MASK, 24, 10, 256, 3, &mask);
    op_tensor(&host, "mask.resize", &mask, ARGS(ARG_I("width", 48)), &out);
    assert_int_equal(out.kind, LAB_MASK);
    assert_int_equal(out.shape[0], 20);
    assert_int_equal(((uint8_t *)out.data)[0], ((uint8_t *)mask.data)[0]);
    lab_tensor_clear(&out);
    op_tensor(&host, "mask.crop", &mask, ARGS(ARG_I("y", 4), ARG_I("height", 2)), &out);
    assert_memory_equal(out.data, (uint8_t *)mask.data + 4 * 24, 48);
    lab_tensor_clear(&out);
    lab_call *call;
    lab_error error = { 0 };
    size_t size;
    assert_ok(op_run(&host, "mask.encode", &mask, ARGS(ARG_I("level", 9)), &call, &error), &error);
    const uint8_t *bytes = lab_call_bytes(call, &size);
    assert_ok(lab_image_decode(&host.ctx, bytes, size, true, &out, &error), &error);
    assert_int_equal(out.shape[2], 1);
    assert_memory_equal(out.data, mask.data, mask.size);
    lab_tensor_clear(&out);
    lab_call_free(call);
    lab_tensor_clear(&mask);
}

static void threads_and_memory(void **state)
{
    (void)state;
    lab_tensor mask;
    make_bytes(&host.ctx, LAB_MASK, 150, 120, 256, 3, &mask);
    const op_arg *feather = ARGS(ARG_F("radius", 5));
    const op_arg *resize = ARGS(ARG_I("width", 90), ARG_S("method", "area"));
    same_with_threads("mask.feather", &mask, feather);
    same_with_threads("mask.resize", &mask, resize);
    same_with_threads("mask.invert", &mask, NULL);
    same_with_threads("mask.threshold", &mask, NULL);
    sweep_op("mask.feather", &mask, feather);
    sweep_op("mask.resize", &mask, resize);
    sweep_op("mask.invert", &mask, NULL);
    sweep_op("mask.crop", &mask, NULL);
    sweep_op("mask.encode", &mask, NULL);
    lab_tensor_clear(&mask);
}

static int begin(void **state)
{
    (void)state;
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
        cmocka_unit_test(invert_and_threshold),
        cmocka_unit_test(feather_is_symmetric),
        cmocka_unit_test(feather_fades_over_its_radius),
        cmocka_unit_test(resize_crop_encode),
        cmocka_unit_test(threads_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
