/* tensor/tensor.h: shapes, kinds, references, descriptions, half floats. */
#include "support/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "support/fail_alloc.h"
#include "tensor/tensor.h"

static lab_context ctx;

#define SHAPE(...) ((const int32_t[]){ __VA_ARGS__ })

static void shape_size(void **state)
{
    (void)state;
    size_t size = 0;
    lab_error error;
    assert_int_equal(lab_shape_size(LAB_F32, 4, SHAPE(1, 33, 33, 21), &size, &error), LAB_OK);
    assert_int_equal(size, 33 * 33 * 21 * 4);
    assert_int_equal(lab_shape_size(LAB_I64, 0, NULL, &size, &error), LAB_OK);
    assert_int_equal(size, 8);
    assert_int_equal(lab_shape_count(4, SHAPE(1, 33, 33, 21)), 33 * 33 * 21);
    assert_int_equal(lab_shape_count(0, NULL), 1);

    assert_int_equal(lab_shape_size(LAB_U8, 2, SHAPE(3, 0), &size, &error), LAB_E_INVALID);
    assert_non_null(strstr(error.message, "shape 3x0"));
    assert_int_equal(lab_shape_size(LAB_U8, 1, SHAPE(-5), &size, &error), LAB_E_INVALID);
    assert_int_equal(lab_shape_size(LAB_U8, 6, SHAPE(1, 1, 1, 1, 1, 1), &size, &error),
                     LAB_E_INVALID);
    assert_int_equal(lab_shape_size((lab_dtype)77, 1, SHAPE(1), &size, &error), LAB_E_INVALID);
    assert_int_equal(lab_shape_size(LAB_U8, 1, SHAPE(INT32_MAX), &size, &error), LAB_OK);
    assert_int_equal(lab_shape_size(LAB_U8, 2, SHAPE(INT32_MAX, 2), &size, &error), LAB_E_LIMIT);
    assert_int_equal(lab_shape_size(LAB_I64, 5,
                                    SHAPE(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX),
                                    &size, &error),
                     LAB_E_LIMIT);
    assert_non_null(strstr(error.message, "2147483647x2147483647"));
}

static void kinds_have_rules(void **state)
{
    (void)state;
    static const struct {
        lab_type kind;
        lab_dtype dtype;
        uint32_t rank;
        int32_t shape[3];
        lab_status status;
    } cases[] = {
        { LAB_IMAGE, LAB_U8, 3, { 4, 5, 1 }, LAB_OK },
        { LAB_IMAGE, LAB_U8, 3, { 4, 5, 4 }, LAB_OK },
        { LAB_IMAGE, LAB_U8, 3, { 4, 5, 2 }, LAB_E_INVALID },
        { LAB_IMAGE, LAB_U8, 2, { 4, 5 }, LAB_E_INVALID },
        { LAB_IMAGE, LAB_F32, 3, { 4, 5, 3 }, LAB_E_INVALID },
        { LAB_LABELMAP, LAB_U8, 2, { 4, 5 }, LAB_OK },
        { LAB_LABELMAP, LAB_U16, 2, { 4, 5 }, LAB_OK },
        { LAB_LABELMAP, LAB_I16, 2, { 4, 5 }, LAB_E_INVALID },
        { LAB_LABELMAP, LAB_U8, 3, { 4, 5, 1 }, LAB_E_INVALID },
        { LAB_MASK, LAB_U8, 2, { 4, 5 }, LAB_OK },
        { LAB_MASK, LAB_U16, 2, { 4, 5 }, LAB_E_INVALID },
        { LAB_TENSOR, LAB_F16, 1, { 4 }, LAB_OK },
        { LAB_STRING, LAB_U8, 1, { 4 }, LAB_E_INVALID },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_tensor t;
        lab_error error = { LAB_OK, "" };
        assert_int_equal(lab_tensor_new(&ctx, cases[i].kind, cases[i].dtype, cases[i].rank,
                                        cases[i].shape, &t, &error),
                         cases[i].status);
        assert_int_equal(t.buffer != NULL, cases[i].status == LAB_OK);
        assert_int_equal(error.message[0] == '\0', cases[i].status == LAB_OK);
        lab_tensor_clear(&t);
    }
}

static lab_labels *two_labels(void)
{
    lab_labels *labels;
    assert_int_equal(lab_labels_new(&ctx, "pair", 2, (const char *const[]){ "no", "yes" },
                                    (const uint32_t[]){ 0, 0xff0000 }, &labels, NULL),
                     LAB_OK);
    return labels;
}

static void references_share_data(void **state)
{
    (void)state;
    lab_tensor a, b;
    lab_error error;
    lab_labels *labels = two_labels();
    assert_int_equal(lab_tensor_new(&ctx, LAB_LABELMAP, LAB_U8, 2, SHAPE(3, 4), &a, &error),
                     LAB_OK);
    lab_tensor_set_labels(&a, labels);
    lab_tensor_set_labels(&a, labels); /* again: no reference is lost or doubled */
    lab_labels_unref(labels);
    lab_tensor_ref(&b, &a);
    assert_ptr_equal(a.data, b.data);
    assert_false(lab_buffer_unique(a.buffer));
    lab_tensor_clear(&a);
    assert_null(a.data);
    lab_tensor_clear(&a); /* an empty tensor may be cleared */
    assert_true(lab_buffer_unique(b.buffer));
    assert_string_equal(lab_labels_name(b.labels, 1), "yes");

    assert_int_equal(lab_tensor_set_kind(&b, LAB_IMAGE, &error), LAB_E_INVALID);
    assert_int_equal(b.kind, LAB_LABELMAP);
    assert_non_null(b.labels);
    assert_int_equal(lab_tensor_set_kind(&b, LAB_MASK, &error), LAB_OK);
    assert_null(b.labels);
    lab_tensor_clear(&b);
}

static void expect_description(lab_tensor *t, const char *text)
{
    char got[160];
    lab_tensor_describe(t, got, sizeof got);
    assert_string_equal(got, text);
    lab_tensor_clear(t);
}

static void descriptions(void **state)
{
    (void)state;
    lab_tensor t;
    assert_int_equal(lab_tensor_new(&ctx, LAB_IMAGE, LAB_U8, 3, SHAPE(480, 640, 3), &t, NULL), 0);
    expect_description(&t, "image 640x480x3 u8");
    assert_int_equal(lab_tensor_new(&ctx, LAB_TENSOR, LAB_U8, 4, SHAPE(1, 33, 33, 21), &t, NULL),
                     0);
    t.quant = (lab_quant){ .count = 1, .scale = 0.5f, .zero_point = 128 };
    expect_description(&t, "tensor 1x33x33x21 u8, scale 0.5, zero point 128");
    assert_int_equal(lab_tensor_new(&ctx, LAB_TENSOR, LAB_F32, 0, NULL, &t, NULL), 0);
    expect_description(&t, "tensor scalar f32");
    lab_labels *labels = two_labels();
    assert_int_equal(lab_tensor_new(&ctx, LAB_LABELMAP, LAB_U16, 2, SHAPE(2, 7), &t, NULL), 0);
    lab_tensor_set_labels(&t, labels);
    lab_labels_unref(labels);
    char tiny[9];
    lab_tensor_describe(&t, tiny, sizeof tiny);
    assert_string_equal(tiny, "labelmap");
    expect_description(&t, "labelmap 7x2 u16, labels pair");
    assert_string_equal(lab_type_name((lab_type)99), "no type");
    assert_string_equal(lab_dtype_name((lab_dtype)0), "no dtype");
}

static void every_half_comes_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float f = lab_f16_to_f32((uint16_t)h);
        bool nan = (h & 0x7c00) == 0x7c00 && (h & 0x3ff);
        assert_int_equal(isnan(f) != 0, nan);
        uint16_t back = lab_f32_to_f16(f);
        if (nan)
            assert_true((back & 0x7c00) == 0x7c00 && (back & 0x3ff));
        else
            assert_int_equal(back, h);
    }
}

static void halves_round_to_nearest_even(void **state)
{
    (void)state;
    static const struct {
        float f;
        uint16_t h;
    } cases[] = {
        { 1.0f, 0x3c00 },           { -2.0f, 0xc000 },        { 65504.0f, 0x7bff },
        { 65519.996f, 0x7bff },     { 65520.0f, 0x7c00 },     { 1e30f, 0x7c00 },
        { 1.00048828125f, 0x3c00 }, /* half way, to even (down) */
        { 1.00146484375f, 0x3c02 }, /* half way, to even (up) */
        { 0x1p-24f, 0x0001 },       { 0x1p-25f, 0x0000 },     { 0x1.000002p-25f, 0x0001 },
        { 0x1.8p-24f, 0x0002 },     { 0x1.ff8p-15f, 0x03ff }, { 0x1.ffcp-15f, 0x0400 },
        { -0.0f, 0x8000 },          { 0x1p-126f, 0x0000 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lab_f32_to_f16(cases[i].f), cases[i].h);
    assert_true(lab_f16_to_f32(0x3555) == 0.333251953125f);
    assert_true(lab_f16_to_f32(0x0001) == 0x1p-24f);
}

static lab_status make_tensors(lab_context *c, void *user, lab_error *error)
{
    (void)user;
    lab_tensor t = { 0 };
    lab_labels *labels = NULL;
    lab_status status = lab_tensor_new(c, LAB_LABELMAP, LAB_U8, 2, SHAPE(9, 9), &t, error);
    if (!status)
        status = lab_labels_new(c, "one", 1, (const char *const[]){ "only" },
                                (const uint32_t[]){ 1 }, &labels, error);
    if (!status)
        lab_tensor_set_labels(&t, labels);
    lab_labels_unref(labels);
    lab_tensor_clear(&t);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(make_tensors, NULL) >= 3);
}

static int begin(void **state)
{
    (void)state;
    return lab_context_init(&ctx, NULL, 1, NULL);
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
        cmocka_unit_test(shape_size),
        cmocka_unit_test(kinds_have_rules),
        cmocka_unit_test(references_share_data),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(every_half_comes_back),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
