/* Operators on pictures against their formulas, pixel by pixel. */
#include "support/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "ops_fixture.h"

static ops_host host;

static const uint8_t *at(const lab_tensor *t, int x, int y)
{
    size_t channels = t->rank == 3 ? (size_t)t->shape[2] : 1;
    return (const uint8_t *)t->data + ((size_t)y * (size_t)t->shape[1] + (size_t)x) * channels;
}

static void resize_sides(void **state)
{
    (void)state;
    static const struct {
        int w, h, width, height, out_w, out_h;
    } cases[] = {
        { 30, 20, 15, 0, 15, 10 }, { 30, 20, 0, 5, 8, 5 },   { 30, 20, 7, 9, 7, 9 },
        { 3, 2, 1, 0, 1, 1 },      { 100, 1, 10, 0, 10, 1 }, { 1, 100, 0, 10, 1, 10 },
        { 33, 20, 10, 0, 10, 6 },  { 40, 25, 20, 0, 20, 13 } /* 12.5 rounds up */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lab_tensor in, out;
        make_picture(&host.ctx, cases[i].w, cases[i].h, 3, &in);
        op_arg args[3] = { 0 };
        int n = 0;
        if (cases[i].width)
            args[n++] = (op_arg)ARG_I("width", cases[i].width);
        if (cases[i].height)
            args[n++] = (op_arg)ARG_I("height", cases[i].height);
        op_tensor(&host, "image.resize", &in, args, &out);
        assert_int_equal(out.shape[1], cases[i].out_w);
        assert_int_equal(out.shape[0], cases[i].out_h);
        lab_tensor_clear(&in);
        lab_tensor_clear(&out);
    }
    lab_tensor in;
    make_picture(&host.ctx, 4, 4, 3, &in);
    op_refused(&host, "image.resize", &in, NULL, LAB_E_INVALID, "width, height or both");
    op_refused(&host, "image.resize", &in, ARGS(ARG_I("width", 65536)), LAB_E_INVALID, "65535");
    op_refused(&host, "image.resize", &in, ARGS(ARG_I("width", 60000)), LAB_E_LIMIT, "60000x60000");
    lab_tensor_clear(&in);
}

static void crop_and_pad(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        lab_tensor in, part, padded, all;
        make_picture(&host.ctx, 13, 9, channels, &in);
        op_tensor(&host, "image.crop", &in,
                  ARGS(ARG_I("x", 3), ARG_I("y", 2), ARG_I("width", 5), ARG_I("height", 4)), &part);
        for (int y = 0; y < 4; y++)
            assert_memory_equal(at(&part, 0, y), at(&in, 3, y + 2), (size_t)(5 * channels));
        op_tensor(&host, "image.pad", &part,
                  ARGS(ARG_I("left", 3), ARG_I("top", 2), ARG_I("right", 5), ARG_I("bottom", 3),
                       ARG_S("color", "#10203040")),
                  &padded);
        assert_int_equal(padded.shape[1], 13);
        assert_int_equal(padded.shape[0], 9);
        const uint8_t color[4] = { 0x10, 0x20, 0x30, 0x40 };
        const uint8_t grey = (77 * 0x10 + 150 * 0x20 + 29 * 0x30 + 128) >> 8;
        for (int y = 0; y < 9; y++)
            for (int x = 0; x < 13; x++) {
                bool inside = x >= 3 && x < 8 && y >= 2 && y < 6;
                const uint8_t *want = inside ? at(&in, x, y) : channels == 1 ? &grey : color;
                assert_memory_equal(at(&padded, x, y), want, (size_t)channels);
            }
        op_tensor(&host, "image.crop", &in, ARGS(ARG_I("x", 1)), &all); /* to the edges */
        assert_int_equal(all.shape[1], 12);
        assert_int_equal(all.shape[0], 9);
        lab_tensor_clear(&all);
        op_refused(&host, "image.crop", &in, ARGS(ARG_I("x", 9), ARG_I("width", 5)), LAB_E_INVALID,
                   "13x9");
        op_refused(&host, "image.crop", &in, ARGS(ARG_I("y", 9)), LAB_E_INVALID, "inside");
        op_refused(&host, "image.pad", &in, ARGS(ARG_I("left", 65535)), LAB_E_LIMIT, "65548x9");
        lab_tensor_clear(&in);
        lab_tensor_clear(&part);
        lab_tensor_clear(&padded);
    }
}

static void orient(void **state)
{
    (void)state;
    lab_tensor in, out;
    make_picture(&host.ctx, 5, 3, 3, &in);
    op_tensor(&host, "image.orient", &in, ARGS(ARG_I("orientation", 6)), &out);
    assert_int_equal(out.shape[0], 5);
    assert_memory_equal(at(&out, 2, 0), at(&in, 0, 0), 3); /* top left goes to the top right */
    assert_memory_equal(at(&out, 0, 0), at(&in, 0, 2), 3);
    lab_tensor_clear(&out);
    op_refused(&host, "image.orient", &in, ARGS(ARG_I("orientation", 9)), LAB_E_INVALID, "1..8");
    op_refused(&host, "image.orient", &in, NULL, LAB_E_INVALID, "orientation");
    lab_tensor_clear(&in);
}

static void convert(void **state)
{
    (void)state;
    for (int from = 1; from <= 4; from += from == 1 ? 2 : 1) {
        for (int to = 1; to <= 4; to += to == 1 ? 2 : 1) {
            lab_tensor in, out;
            make_picture(&host.ctx, 19, 11, from, &in);
            op_tensor(&host, "image.convert", &in, ARGS(ARG_I("channels", to)), &out);
            assert_int_equal(out.shape[2], to);
            for (int i = 0; i < 19 * 11; i++) {
                const uint8_t *p = (uint8_t *)in.data + i * from, *q = (uint8_t *)out.data + i * to;
                const uint8_t rgb[3] = { p[0], p[from > 1 ? 1 : 0], p[from > 1 ? 2 : 0] };
                if (to == 1 && from > 1)
                    assert_int_equal(*q, (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
                else
                    assert_memory_equal(q, rgb, to == 1 ? 1 : 3);
                if (to == 4)
                    assert_int_equal(q[3], from == 4 ? p[3] : 255);
            }
            lab_tensor_clear(&in);
            lab_tensor_clear(&out);
        }
    }
    lab_tensor in;
    make_picture(&host.ctx, 2, 2, 3, &in);
    op_refused(&host, "image.convert", &in, ARGS(ARG_I("channels", 2)), LAB_E_INVALID, "1, 3 or 4");
    lab_tensor_clear(&in);
}

static void normalize(void **state)
{
    (void)state;
    static const struct {
        double scale, offset;
    } cases[] = { { 1, 0 }, { 1.0 / 127.5, -1 }, { 0.5, 0.25 }, { -2, 300 }, { 1, -128 } };
    static const char *const dtypes[] = { "u8", "i8", "f32" };
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        lab_tensor in, out;
        make_picture(&host.ctx, 17, 9, channels, &in);
        for (size_t k = 0; k < sizeof cases / sizeof cases[0] * 3; k++) {
            double scale = cases[k / 3].scale, offset = cases[k / 3].offset;
            op_tensor(
                &host, "image.normalize", &in,
                ARGS(ARG_S("dtype", dtypes[k % 3]), ARG_F("scale", scale), ARG_F("offset", offset)),
                &out);
            assert_int_equal(out.kind, LAB_TENSOR);
            assert_int_equal(out.rank, 4);
            assert_int_equal(out.shape[0], 1);
            assert_int_equal(out.shape[1], 9);
            assert_int_equal(out.shape[2], 17);
            assert_int_equal(out.shape[3], 3);
            for (int i = 0; i < 17 * 9 * 3; i++) {
                int c = channels == 1 ? 0 : i % 3;
                double v = ((uint8_t *)in.data)[i / 3 * channels + c] * scale + offset;
                if (k % 3 == 2)
                    assert_true(((float *)out.data)[i] == (float)v);
                else if (k % 3 == 1)
                    assert_int_equal(((int8_t *)out.data)[i], lrint(fmin(fmax(v, -128), 127)));
                else
                    assert_int_equal(((uint8_t *)out.data)[i], lrint(fmin(fmax(v, 0), 255)));
            }
            lab_tensor_clear(&out);
        }
        lab_tensor_clear(&in);
    }
}

static int div255(int v)
{
    return (int)floor(v / 255.0 + 0.5);
}

static void blend(void **state)
{
    (void)state;
    for (int a = 1; a <= 4; a += a == 1 ? 2 : 1) {
        for (int b = 1; b <= 4; b += b == 1 ? 2 : 1) {
            lab_tensor in, with, mask, out;
            make_picture(&host.ctx, 21, 8, a, &in);
            make_picture(&host.ctx, 21, 8, b, &with);
            make_bytes(&host.ctx, LAB_MASK, 21, 8, 256, 5, &mask);
            op_tensor(&host, "image.blend", &in,
                      ARGS(ARG_T("with", &with), ARG_F("alpha", 0.6), ARG_T("mask", &mask)), &out);
            int channels = a == 1 && b > 1 ? 3 : a;
            assert_int_equal(out.shape[2], channels);
            for (int i = 0; i < 21 * 8; i++) {
                const uint8_t *p = (uint8_t *)in.data + i * a, *q = (uint8_t *)with.data + i * b;
                int weight = div255(153 * (b == 4 ? q[3] : 255));
                weight = div255(weight * ((uint8_t *)mask.data)[i]);
                for (int c = 0; c < (channels == 1 ? 1 : 3); c++) {
                    int under = p[a > 1 ? c : 0], over = q[b > 1 ? c : 0];
                    assert_int_equal(((uint8_t *)out.data)[i * channels + c],
                                     div255(under * (255 - weight) + over * weight));
                }
                if (channels == 4)
                    assert_int_equal(((uint8_t *)out.data)[i * 4 + 3], p[3]);
            }
            lab_tensor_clear(&out);
            if (b != 4) { /* the ends are exact */
                op_tensor(&host, "image.blend", &in,
                          ARGS(ARG_T("with", &with), ARG_F("alpha", 0.0)), &out);
                if (channels == a)
                    assert_memory_equal(out.data, in.data, in.size);
                lab_tensor_clear(&out);
                op_tensor(&host, "image.blend", &in,
                          ARGS(ARG_T("with", &with), ARG_F("alpha", 1.0)), &out);
                if (channels == b)
                    assert_memory_equal(out.data, with.data, with.size);
                lab_tensor_clear(&out);
            }
            lab_tensor_clear(&in);
            lab_tensor_clear(&with);
            lab_tensor_clear(&mask);
        }
    }
    lab_tensor in, other;
    make_picture(&host.ctx, 6, 5, 3, &in);
    make_picture(&host.ctx, 5, 6, 3, &other);
    op_refused(&host, "image.blend", &in, ARGS(ARG_T("with", &other)), LAB_E_INVALID, "6x5");
    op_refused(&host, "image.blend", &in, NULL, LAB_E_INVALID, "with");
    lab_tensor_clear(&in);
    lab_tensor_clear(&other);
}

static void cutout_and_composite(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        lab_tensor in, mask, cut, same, behind, out;
        make_picture(&host.ctx, 15, 12, channels, &in);
        make_picture(&host.ctx, 15, 12, 3, &behind);
        make_bytes(&host.ctx, LAB_MASK, 15, 12, 256, 77, &mask);
        op_tensor(&host, "image.cutout", &in, ARGS(ARG_T("mask", &mask)), &cut);
        op_tensor(&host, "mask.cutout", &mask, ARGS(ARG_T("image", &in)), &same);
        assert_int_equal(cut.shape[2], 4);
        assert_memory_equal(cut.data, same.data, cut.size);
        op_tensor(&host, "image.composite", &cut, ARGS(ARG_S("color", "#0a64c8")), &out);
        lab_tensor over;
        op_tensor(&host, "image.composite", &cut, ARGS(ARG_T("picture", &behind)), &over);
        assert_int_equal(out.shape[2], 3);
        const int color[3] = { 0x0a, 0x64, 0xc8 };
        for (int i = 0; i < 15 * 12; i++) {
            const uint8_t *p = (uint8_t *)in.data + i * channels, *q = (uint8_t *)cut.data + i * 4;
            int m = ((uint8_t *)mask.data)[i];
            assert_int_equal(q[3], channels == 4 ? div255(p[3] * m) : m);
            for (int c = 0; c < 3; c++) {
                int front = p[channels > 1 ? c : 0], back = ((uint8_t *)behind.data)[i * 3 + c];
                assert_int_equal(q[c], front);
                assert_int_equal(((uint8_t *)out.data)[i * 3 + c],
                                 div255(color[c] * (255 - q[3]) + front * q[3]));
                assert_int_equal(((uint8_t *)over.data)[i * 3 + c],
                                 div255(back * (255 - q[3]) + front * q[3]));
            }
        }
        lab_tensor_clear(&in);
        lab_tensor_clear(&mask);
        lab_tensor_clear(&cut);
        lab_tensor_clear(&same);
        lab_tensor_clear(&behind);
        lab_tensor_clear(&out);
        lab_tensor_clear(&over);
    }
}

static void encode(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int channels;
        const char *magic;
    } cases[] = { { "png", 4, "\x89PNG" }, { "jpeg", 3, "\xff\xd8\xff" }, { "bmp", 3, "BM" } };
    for (size_t i = 0; i < 3; i++) {
        lab_tensor in, out;
        lab_call *call;
        lab_error error = { 0 };
        make_picture(&host.ctx, 22, 14, cases[i].channels, &in);
        assert_ok(op_run(&host, "image.encode", &in, ARGS(ARG_S("format", cases[i].format)), &call,
                         &error),
                  &error);
        size_t size;
        const uint8_t *bytes = lab_call_bytes(call, &size);
        assert_memory_equal(bytes, cases[i].magic, strlen(cases[i].magic));
        assert_ok(lab_image_decode(&host.ctx, bytes, size, true, &out, &error), &error);
        if (i != 1)
            assert_memory_equal(out.data, in.data, in.size);
        lab_tensor_clear(&out);
        lab_call_free(call);
        lab_tensor_clear(&in);
    }
    lab_tensor rgba;
    make_picture(&host.ctx, 3, 3, 4, &rgba);
    op_refused(&host, "image.encode", &rgba, ARGS(ARG_S("format", "jpeg")), LAB_E_UNSUPPORTED,
               "composite");
    lab_tensor_clear(&rgba);
}

static void threads_and_memory(void **state)
{
    (void)state;
    lab_tensor in, with, mask;
    make_picture(&host.ctx, 133, 97, 4, &in);
    make_picture(&host.ctx, 133, 97, 3, &with);
    make_bytes(&host.ctx, LAB_MASK, 133, 97, 256, 5, &mask);
    const struct {
        const char *op;
        const op_arg *args;
    } cases[] = {
        { "image.resize", ARGS(ARG_I("width", 55), ARG_S("method", "lanczos")) },
        { "image.crop", ARGS(ARG_I("width", 50)) },
        { "image.pad", ARGS(ARG_I("right", 9), ARG_S("color", "red")) },
        { "image.orient", ARGS(ARG_I("orientation", 7)) },
        { "image.convert", ARGS(ARG_I("channels", 1)) },
        { "image.normalize", ARGS(ARG_S("dtype", "f32"), ARG_F("scale", 0.01)) },
        { "image.blend", ARGS(ARG_T("with", &with), ARG_T("mask", &mask)) },
        { "image.composite", ARGS(ARG_T("picture", &with)) },
        { "image.cutout", ARGS(ARG_T("mask", &mask)) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        same_with_threads(cases[i].op, &in, cases[i].args);
        sweep_op(cases[i].op, &in, cases[i].args);
    }
    sweep_op("image.encode", &in, NULL);
    sweep_op("image.encode", &with, ARGS(ARG_S("format", "jpeg")));
    sweep_op("mask.cutout", &mask, ARGS(ARG_T("image", &in)));
    lab_tensor_clear(&in);
    lab_tensor_clear(&with);
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
        cmocka_unit_test(resize_sides),
        cmocka_unit_test(crop_and_pad),
        cmocka_unit_test(orient),
        cmocka_unit_test(convert),
        cmocka_unit_test(normalize),
        cmocka_unit_test(blend),
        cmocka_unit_test(cutout_and_composite),
        cmocka_unit_test(encode),
        cmocka_unit_test(threads_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
