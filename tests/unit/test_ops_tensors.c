/* Arithmetic, functions, shapes and reductions of tensors. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

static ops_host host;

static void make(lab_dtype dtype, uint32_t rank, const int32_t *shape, uint32_t seed,
                 lab_tensor *out)
{
    assert_int_equal(lab_tensor_new(&host.ctx, LAB_TENSOR, dtype, rank, shape, out, NULL), LAB_OK);
    if (dtype == LAB_F32) {
        for (size_t i = 0; i < out->size / 4; i++)
            ((float *)out->data)[i] = (float)(int)(random_next(&seed) % 2001) / 37.0f - 20.0f;
        return;
    }
    for (size_t i = 0; i < out->size; i++)
        ((uint8_t *)out->data)[i] = (uint8_t)random_next(&seed);
}

static double stored(const lab_tensor *t, size_t i)
{
    switch (t->dtype) {
    case LAB_U8:
        return ((uint8_t *)t->data)[i];
    case LAB_I8:
        return ((int8_t *)t->data)[i];
    case LAB_U16:
        return ((uint16_t *)t->data)[i];
    case LAB_I16:
        return ((int16_t *)t->data)[i];
    case LAB_I32:
        return ((int32_t *)t->data)[i];
    case LAB_I64:
        return (double)((int64_t *)t->data)[i];
    case LAB_F16:
        return (double)lab_f16_to_f32(((uint16_t *)t->data)[i]);
    default:
        return (double)((float *)t->data)[i];
    }
}

static double real(const lab_tensor *t, size_t i)
{
    double v = stored(t, i);
    return t->quant.count == 1 ? (double)t->quant.scale * (v - t->quant.zero_point) : v;
}

static double expected_of(int op, double a, double b)
{
    const double results[] = { a + b, a - b, a * b, a / b, a < b ? a : b, a > b ? a : b };
    return results[op];
}

static const char *const arithmetic[] = { "tensor.add",    "tensor.subtract", "tensor.multiply",
                                          "tensor.divide", "tensor.minimum",  "tensor.maximum" };

/* Operands of one shape, and the last dimensions of another. */
static void with_tensors(void **state)
{
    (void)state;
    static const lab_dtype dtypes[] = { LAB_U8, LAB_I8, LAB_U16, LAB_I16, LAB_I32, LAB_F32 };
    static const int32_t shape[4] = { 2, 7, 11, 13 };
    lab_tensor a, b, out;
    for (int x = 0; x < 6; x++)
        for (int y = 0; y < 6; y++)
            for (uint32_t skip = 0; skip < 4; skip++)
                for (int op = 0; op < 6; op++) {
                    make(dtypes[x], 4, shape, 3, &a);
                    make(dtypes[y], 4 - skip, shape + skip, 4, &b);
                    size_t n = lab_shape_count(b.rank, b.shape);
                    op_tensor(&host, arithmetic[op], &a, ARGS(ARG_T("with", &b)), &out);
                    bool whole = x < 5 && y < 5 && op != 3;
                    assert_int_equal(out.dtype, whole ? LAB_I32 : LAB_F32);
                    for (size_t i = 0; i < 2002; i++) {
                        double e = expected_of(op, stored(&a, i), stored(&b, i % n));
                        if (whole)
                            e = fmax(fmin(e, INT32_MAX), INT32_MIN);
                        else
                            e = (double)(float)e;
                        if (!isnan(e))
                            assert_true(stored(&out, i) == e);
                    }
                    lab_tensor_clear(&out);
                    lab_tensor_clear(&a);
                    lab_tensor_clear(&b);
                }
}

static void with_numbers(void **state)
{
    (void)state;
    static const int32_t shape[2] = { 30, 11 };
    static const double numbers[] = { 0, 1, -3, 2.5, 1e10, -0.125 };
    lab_tensor a, out;
    for (int n = 0; n < 6; n++)
        for (int op = 0; op < 6; op++)
            for (int reversed = 0; reversed < 2; reversed++) {
                make(LAB_I16, 2, shape, 3, &a);
                op_tensor(&host, arithmetic[op], &a,
                          ARGS(ARG_F("number", numbers[n]), ARG_L("reversed", reversed)), &out);
                for (size_t i = 0; i < 330; i++) {
                    double v = stored(&a, i), e = reversed ? expected_of(op, numbers[n], v)
                                                           : expected_of(op, v, numbers[n]);
                    if (out.dtype == LAB_F32)
                        e = (double)(float)e;
                    if (!isnan(e))
                        assert_true(stored(&out, i) == e);
                }
                lab_tensor_clear(&out);
                lab_tensor_clear(&a);
            }
    make(LAB_I16, 2, shape, 3, &a);
    op_refused(&host, "tensor.add", &a, NULL, LAB_E_INVALID, "either");
    op_refused(&host, "tensor.add", &a, ARGS(ARG_T("with", &a), ARG_F("number", 1)), LAB_E_INVALID,
               "either");
    lab_tensor b;
    make(LAB_U8, 1, (const int32_t[]){ 30 }, 3, &b);
    op_refused(&host, "tensor.add", &a, ARGS(ARG_T("with", &b)), LAB_E_INVALID, "shapes");
    same_with_threads("tensor.multiply", &a, ARGS(ARG_F("number", 0.3)));
    sweep_op("tensor.multiply", &a, ARGS(ARG_F("number", 0.3)));
    lab_tensor_clear(&a);
    lab_tensor_clear(&b);
}

/* 64-bit whole numbers stay exact and stop at the ends. */
static void long_integers(void **state)
{
    (void)state;
    static const int64_t values[] = { 0, 1, -1, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1 };
    static const int32_t shape[1] = { 6 };
    lab_tensor a, out;
    make(LAB_I64, 1, shape, 3, &a);
    memcpy(a.data, values, sizeof values);
    op_tensor(&host, "tensor.add", &a, ARGS(ARG_I("number", 1)), &out);
    const int64_t *sums = out.data;
    assert_true(sums[0] == 1 && sums[2] == 0 && sums[3] == INT64_MAX && sums[4] == INT64_MIN + 1);
    assert_true(sums[5] == (INT64_C(1) << 53) + 2);
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.multiply", &a, ARGS(ARG_I("number", -2)), &out);
    const int64_t *products = out.data;
    assert_true(products[1] == -2 && products[3] == INT64_MIN && products[4] == INT64_MAX);
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.subtract", &a, ARGS(ARG_I("number", 0), ARG_L("reversed", 1)), &out);
    const int64_t *negated = out.data;
    assert_true(negated[4] == INT64_MAX && negated[3] == -INT64_MAX);
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.sum", &a, NULL, &out);
    assert_int_equal(out.rank, 0);
    /* INT64_MAX + INT64_MIN is -1, and nothing before it overflows but by going through the end */
    assert_true(((int64_t *)out.data)[0] == (INT64_C(1) << 53));
    lab_tensor_clear(&out);
    lab_tensor_clear(&a);
}

static void quantised(void **state)
{
    (void)state;
    static const int32_t shape[2] = { 16, 16 };
    lab_tensor a, out;
    make(LAB_U8, 2, shape, 3, &a);
    a.quant = (lab_quant){ .count = 1, .scale = 0.25f, .zero_point = 100 };
    op_tensor(&host, "tensor.dequantize", &a, NULL, &out);
    for (size_t i = 0; i < 256; i++)
        assert_true(stored(&out, i) == 0.25 * (((uint8_t *)a.data)[i] - 100.0));
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.add", &a, ARGS(ARG_I("number", 1)), &out);
    for (size_t i = 0; i < 256; i++)
        assert_true(stored(&out, i) == real(&a, i) + 1);
    lab_tensor_clear(&out);
    op_tensor(&host, "tensor.slice", &a, ARGS(ARG_I("axis", 1), ARG_I("from", -1)), &out);
    assert_true(out.quant.count == 1 && out.quant.zero_point == 100);
    lab_tensor_clear(&out);
    float scales[16];
    int32_t zeros[16];
    for (int i = 0; i < 16; i++) {
        scales[i] = (float)(i + 1);
        zeros[i] = 3 * i;
    }
    for (int axis = 0; axis < 2; axis++) {
        a.quant = (lab_quant){ .count = 16, .axis = axis, .scales = scales, .zero_points = zeros };
        op_tensor(&host, "tensor.dequantize", &a, NULL, &out);
        for (int i = 0; i < 256; i++) {
            int k = axis == 0 ? i / 16 : i % 16;
            assert_true(stored(&out, i) == (k + 1.0) * (((uint8_t *)a.data)[i] - 3.0 * k));
        }
        lab_tensor_clear(&out);
        op_refused(&host, "tensor.sum", &a, NULL, LAB_E_UNSUPPORTED, "dequantize");
    }
    a.quant = (lab_quant){ 0 };
    lab_tensor_clear(&a);
}

static void functions(void **state)
{
    (void)state;
    static const char *const names[] = { "abs",      "negate", "square", "sqrt",  "exp",  "log",
                                         "logistic", "relu",   "round",  "floor", "ceil", "sign" };
    static const int32_t shape[1] = { 500 };
    lab_tensor a, out;
    make(LAB_F32, 1, shape, 3, &a);
    ((float *)a.data)[0] = 0;
    for (int f = 0; f < 12; f++) {
        op_tensor(&host, "tensor.apply", &a, ARGS(ARG_S("function", names[f])), &out);
        for (size_t i = 0; i < 500; i++) {
            double x = stored(&a, i), y = stored(&out, i);
            const double expected[] = { fabs(x),
                                        -x,
                                        x * x,
                                        sqrt(x),
                                        exp(x),
                                        log(x),
                                        1 / (1 + exp(-x)),
                                        x > 0 ? x : 0,
                                        floor(x + 0.5),
                                        floor(x),
                                        ceil(x),
                                        (x > 0) - (x < 0) };
            if (isnan(expected[f]))
                assert_true(isnan(y));
            else if (isinf(expected[f]))
                assert_true(y == expected[f]);
            else
                assert_true(fabs(y - expected[f]) <= 1e-7 * fabs(expected[f]));
        }
        lab_tensor_clear(&out);
    }
    op_tensor(&host, "tensor.clamp", &a, ARGS(ARG_F("min", -3), ARG_F("max", 4.5)), &out);
    for (size_t i = 0; i < 500; i++)
        assert_true(stored(&out, i) == fmax(-3, fmin(4.5, stored(&a, i))));
    lab_tensor_clear(&out);
    op_refused(&host, "tensor.clamp", &a, ARGS(ARG_F("min", 3), ARG_F("max", 2)), LAB_E_INVALID,
               "min is above max");
    sweep_op("tensor.apply", &a, ARGS(ARG_S("function", "exp")));
    lab_tensor_clear(&a);
}

static void casts(void **state)
{
    (void)state;
    static const float values[] = { 0.5f,    1.5f,  2.5f,   -0.5f, -1.5f,    300.0f,
                                    -300.0f, 1e20f, -1e20f, NAN,   65504.0f, 127.5f };
    static const int32_t shape[1] = { 12 };
    static const struct {
        const char *dtype;
        double expected[12];
    } cases[] = {
        { "u8", { 0, 2, 2, 0, 0, 255, 0, 255, 0, 0, 255, 128 } },
        { "i8", { 0, 2, 2, 0, -2, 127, -128, 127, -128, 0, 127, 127 } },
        { "u16", { 0, 2, 2, 0, 0, 300, 0, 65535, 0, 0, 65504, 128 } },
        { "i16", { 0, 2, 2, 0, -2, 300, -300, 32767, -32768, 0, 32767, 128 } },
        { "i32", { 0, 2, 2, 0, -2, 300, -300, 2147483647, -2147483648.0, 0, 65504, 128 } },
        { "i64", { 0, 2, 2, 0, -2, 300, -300, 0x1p63, -0x1p63, 0, 65504, 128 } },
    };
    lab_tensor a, out;
    make(LAB_F32, 1, shape, 3, &a);
    memcpy(a.data, values, sizeof values);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        op_tensor(&host, "tensor.cast", &a, ARGS(ARG_S("dtype", cases[c].dtype)), &out);
        for (size_t i = 0; i < 12; i++)
            assert_true(stored(&out, i) == cases[c].expected[i]);
        lab_tensor_clear(&out);
    }
    op_tensor(&host, "tensor.cast", &a, ARGS(ARG_S("dtype", "f16")), &out);
    assert_true(stored(&out, 5) == 300 && stored(&out, 10) == 65504 && isnan(stored(&out, 9)));
    lab_tensor_clear(&out);
    lab_tensor_clear(&a);
}

static void softmax(void **state)
{
    (void)state;
    static const int32_t shape[3] = { 3, 5, 7 };
    lab_tensor a, out;
    make(LAB_F32, 3, shape, 3, &a);
    for (int axis = 1; axis <= 3; axis++) {
        op_tensor(&host, "tensor.softmax", &a, ARGS(ARG_I("axis", axis)), &out);
        size_t inner = axis == 1 ? 35 : axis == 2 ? 7 : 1, n = (size_t)shape[axis - 1];
        for (size_t i = 0; i < 105; i++) {
            size_t first = i / (inner * n) * inner * n + i % inner;
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += exp(stored(&a, first + k * inner) - stored(&a, i));
            assert_true(fabs(stored(&out, i) - 1 / sum) < 1e-7);
        }
        lab_tensor_clear(&out);
    }
    ((float *)a.data)[0] = INFINITY;
    ((float *)a.data)[8] = NAN;
    op_tensor(&host, "tensor.softmax", &a, NULL, &out);
    assert_true(stored(&out, 0) == 1 && stored(&out, 1) == 0 && isnan(stored(&out, 8)));
    lab_tensor_clear(&out);
    op_refused(&host, "tensor.softmax", &a, ARGS(ARG_I("axis", 4)), LAB_E_INVALID, "axis");
    op_refused(&host, "tensor.softmax", &a, ARGS(ARG_I("axis", 0)), LAB_E_INVALID, "axis");
    sweep_op("tensor.softmax", &a, NULL);
    lab_tensor_clear(&a);
}

/* ---- reductions ---- */

static void reductions(void **state)
{
    (void)state;
    static const char *const ops[] = { "tensor.sum", "tensor.mean", "tensor.min", "tensor.max",
                                       "tensor.position_of_max" };
    static const lab_dtype dtypes[] = { LAB_I16, LAB_F32 };
    static const int32_t shape[3] = { 4, 5, 6 };
    lab_tensor a, out;
    for (int t = 0; t < 2; t++)
        for (int op = 0; op < 5; op++)
            for (int axis = 1; axis <= 3; axis++) {
                make(dtypes[t], 3, shape, 9, &a);
                op_tensor(&host, ops[op], &a, ARGS(ARG_I("axis", axis)), &out);
                size_t inner = axis == 1 ? 30 : axis == 2 ? 6 : 1, n = (size_t)shape[axis - 1];
                assert_int_equal(out.rank, 2);
                assert_int_equal(lab_shape_count(2, out.shape), 120 / n);
                for (size_t i = 0; i < 120 / n; i++) {
                    size_t first = i / inner * inner * n + i % inner, at = 0;
                    double sum = 0, least = INFINITY, most = -INFINITY;
                    for (size_t k = 0; k < n; k++) {
                        double v = stored(&a, first + k * inner);
                        sum += v;
                        least = fmin(least, v);
                        at = v > most ? k : at;
                        most = fmax(most, v);
                    }
                    const double e[] = { sum, sum / (double)n, least, most, (double)at + 1 };
                    assert_true(stored(&out, i) ==
                                (out.dtype == LAB_F32 ? (double)(float)e[op] : e[op]));
                }
                lab_tensor_clear(&out);
                lab_tensor_clear(&a);
            }
    make(LAB_F32, 3, shape, 9, &a);
    op_tensor(&host, "tensor.max", &a, ARGS(ARG_I("axis", -1), ARG_L("keep", 1)), &out);
    assert_true(out.rank == 3 && out.shape[0] == 4 && out.shape[1] == 5 && out.shape[2] == 1);
    lab_tensor_clear(&out);
    same_with_threads("tensor.sum", &a, ARGS(ARG_I("axis", 2)));
    sweep_op("tensor.sum", &a, ARGS(ARG_I("axis", 2)));
    lab_tensor_clear(&a);
}

/* ---- shapes ---- */

/* LAB_FLOATS arguments are not in the fixture's list of argument kinds. */
static void with_list(const char *op, const lab_tensor *in, const char *name, const double *list,
                      int count, lab_tensor *out, const char *refused)
{
    lab_call *call;
    uint32_t param;
    lab_error error = { 0 };
    assert_ok(lab_call_new(host.registry, lab_registry_op(host.registry, op), in, &call, &error),
              &error);
    assert_ok(lab_call_param(call, name, &param, &error), &error);
    lab_status status = LAB_OK;
    for (int i = 0; i < count && !status; i++)
        status = lab_call_add_number(call, param, list[i], &error);
    if (!status)
        status = lab_call_run(call, &error);
    if (refused) {
        assert_int_equal(status, LAB_E_INVALID);
        assert_non_null(strstr(error.message, refused));
    } else {
        assert_ok(status, &error);
        assert_ok(lab_call_take_tensor(call, out, &error), &error);
    }
    lab_call_free(call);
}

#define LIST(...) (const double[]){ __VA_ARGS__ }, (int)(sizeof(double[]){ __VA_ARGS__ } / 8)

static void shapes(void **state)
{
    (void)state;
    static const int32_t shape[3] = { 4, 5, 6 };
    lab_tensor a, out;
    make(LAB_I16, 3, shape, 9, &a);
    with_list("tensor.reshape", &a, "shape", LIST(2, -1, 3), &out, NULL);
    assert_true(out.rank == 3 && out.shape[0] == 2 && out.shape[1] == 20 && out.shape[2] == 3);
    assert_memory_equal(out.data, a.data, a.size);
    lab_tensor_clear(&out);
    with_list("tensor.reshape", &a, "shape", LIST(7, -1), NULL, "120 elements");
    with_list("tensor.reshape", &a, "shape", LIST(-1, -1), NULL, "shape[2]");
    with_list("tensor.reshape", &a, "shape", LIST(0, 120), NULL, "shape[1]");
    with_list("tensor.reshape", &a, "shape", LIST(1.5), NULL, "shape[1]");
    with_list("tensor.reshape", &a, "shape", LIST(2147483647, 2147483647, 4, -1), NULL, "elements");
    with_list("tensor.transpose", &a, "axes", LIST(3, 1, 2), &out, NULL);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 6; k++)
                assert_true(stored(&out, (size_t)(k * 20 + i * 5 + j)) ==
                            stored(&a, (size_t)(i * 30 + j * 6 + k)));
    assert_true(out.shape[0] == 6 && out.shape[1] == 4 && out.shape[2] == 5);
    lab_tensor_clear(&out);
    with_list("tensor.transpose", &a, "axes", LIST(1, 2), NULL, "each of the 3");
    with_list("tensor.transpose", &a, "axes", LIST(1, 1, 2), NULL, "axes[2]");
    with_list("tensor.transpose", &a, "axes", LIST(1, 2, 4), NULL, "axes[3]");
    sweep_op("tensor.transpose", &a, NULL);
    lab_tensor_clear(&a);
}

static void slices(void **state)
{
    (void)state;
    static const int32_t shape[3] = { 4, 5, 6 };
    lab_tensor a, b, out;
    make(LAB_I16, 3, shape, 9, &a);
    for (int axis = 1; axis <= 3; axis++)
        for (int from = 1; from <= shape[axis - 1]; from++)
            for (int to = from; to <= shape[axis - 1]; to++) {
                int end = to - shape[axis - 1] - 1; /* counted from the end */
                op_tensor(&host, "tensor.slice", &a,
                          ARGS(ARG_I("axis", axis - 4), ARG_I("from", from), ARG_I("to", end)),
                          &out);
                size_t n = 0;
                for (int i = 0; i < 120; i++) {
                    const int at[3] = { i / 30, i / 6 % 5, i % 6 };
                    if (at[axis - 1] >= from - 1 && at[axis - 1] < to)
                        assert_true(stored(&out, n++) == stored(&a, (size_t)i));
                }
                assert_int_equal(n, lab_shape_count(3, out.shape));
                if (to < shape[axis - 1]) { /* with the rest it is the whole again */
                    op_tensor(&host, "tensor.slice", &a,
                              ARGS(ARG_I("axis", axis), ARG_I("from", 1), ARG_I("to", to)), &b);
                    lab_tensor rest, whole;
                    op_tensor(&host, "tensor.slice", &a,
                              ARGS(ARG_I("axis", axis), ARG_I("from", to + 1), ARG_I("to", -1)),
                              &rest);
                    op_tensor(&host, "tensor.concat", &b,
                              ARGS(ARG_T("with", &rest), ARG_I("axis", axis)), &whole);
                    assert_memory_equal(whole.data, a.data, a.size);
                    lab_tensor_clear(&rest);
                    lab_tensor_clear(&whole);
                    lab_tensor_clear(&b);
                }
                lab_tensor_clear(&out);
            }
    op_refused(&host, "tensor.slice", &a, ARGS(ARG_I("axis", 1), ARG_I("from", 5)), LAB_E_INVALID,
               "nothing from 5 to 5");
    op_refused(&host, "tensor.slice", &a, ARGS(ARG_I("axis", 1), ARG_I("from", -5)), LAB_E_INVALID,
               "dimension 1 has 4");
    make(LAB_U8, 3, shape, 9, &b);
    op_refused(&host, "tensor.concat", &a, ARGS(ARG_T("with", &b)), LAB_E_INVALID, "same type");
    sweep_op("tensor.slice", &a, ARGS(ARG_I("axis", 1), ARG_I("from", 2)));
    sweep_op("tensor.concat", &a, ARGS(ARG_T("with", &a)));
    lab_tensor_clear(&a);
    lab_tensor_clear(&b);
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
        cmocka_unit_test(with_tensors),  cmocka_unit_test(with_numbers),
        cmocka_unit_test(long_integers), cmocka_unit_test(quantised),
        cmocka_unit_test(functions),     cmocka_unit_test(casts),
        cmocka_unit_test(softmax),       cmocka_unit_test(reductions),
        cmocka_unit_test(shapes),        cmocka_unit_test(slices),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
