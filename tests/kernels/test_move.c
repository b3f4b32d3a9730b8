/*
 * Nodes that move elements: concat, tile, reshape, pad, space_to_batch_nd, batch_to_space_nd. Each
 * output element is looked up by its coordinates.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "oracle.h"

static lab_dtype any_type(harness *h)
{
    return (lab_dtype)ONE_OF(h, LAB_U8, LAB_I8, LAB_I32, LAB_I64, LAB_F32);
}

static void fill_bytes(trial *t, uint32_t in)
{
    for (size_t i = 0; i < t->in[in]->size; i++)
        ((uint8_t *)t->data[in])[i] = (uint8_t)random_u32(t->h);
}

static void quantise_alike(trial *t, lab_dtype dtype)
{
    if (dtype != LAB_U8 && dtype != LAB_I8)
        return;
    int32_t zero = dtype == LAB_I8 ? ONE_OF(t->h, -128, -3, 0, 127) : ONE_OF(t->h, 0, 7, 128, 255);
    for (uint32_t i = 0; i < t->n_tensors; i++)
        if (t->tensors[i].dtype == dtype)
            set_quant(&t->tensors[i], 0.05f, zero);
}

/* Coordinates of element `i`, and back. */
static void coordinates(const lab_tensor *t, size_t i, int32_t at[LAB_MAX_RANK])
{
    for (uint32_t d = t->rank; d-- > 0; i /= (size_t)t->shape[d])
        at[d] = (int32_t)(i % (size_t)t->shape[d]);
}

static size_t element_at(const lab_tensor *t, const int32_t at[LAB_MAX_RANK])
{
    size_t i = 0;
    for (uint32_t d = 0; d < t->rank; d++)
        i = i * (size_t)t->shape[d] + (size_t)at[d];
    return i;
}

static void put(const trial *t, uint8_t *expected, size_t to, uint32_t in, size_t from)
{
    size_t size = lab_dtype_size(t->out[0]->dtype);
    memcpy(expected + to * size, (const uint8_t *)t->data[in] + from * size, size);
}

/* What padding adds: the zero point, or zero bytes. */
static void put_zero(const trial *t, uint8_t *expected, size_t to)
{
    size_t size = lab_dtype_size(t->out[0]->dtype);
    memset(expected + to * size, (uint8_t)(size == 1 ? t->out[0]->quant.zero_point : 0), size);
}

/* ---- concat ---- */

static int32_t rescaled(const lab_tensor *x, const lab_tensor *y, int32_t q)
{
    float inverse = (float)(1.0 / (double)y->quant.scale);
    float k = (float)((double)x->quant.scale * (double)inverse);
    float b = (float)(-(double)x->quant.zero_point * (double)k);
    float product = (float)((double)q * (double)k);
    float v = (float)((double)product + (double)b);
    int64_t out = round_half_away((double)v) + y->quant.zero_point;
    return (int32_t)(out < 0 ? 0 : out > 255 ? 255 : out);
}

static void concat_case(harness *h, lab_dtype dtype, bool rescale)
{
    trial t;
    trial_begin(&t, h, "concat");
    uint32_t rank = (uint32_t)random_in(h, 1, LAB_MAX_RANK);
    int32_t shape[LAB_MAX_RANK], axis = random_in(h, 0, (int32_t)rank - 1), total = 0;
    uint32_t n = (uint32_t)random_in(h, 1, 5);
    for (uint32_t d = 0; d < rank; d++)
        shape[d] = random_in(h, 1, 5);
    for (uint32_t i = 0; i < n; i++) {
        shape[axis] = random_in(h, 1, ONE_OF(h, 9, 9, 9, 80));
        total += shape[axis];
        trial_input(&t, false, dtype, rank, shape);
        fill_bytes(&t, i);
    }
    shape[axis] = total;
    trial_output(&t, dtype, rank, shape);
    t.node.attrs.axis = axis;
    quantise_alike(&t, dtype);
    for (uint32_t i = 0; rescale && i <= n; i++)
        set_quant(&t.tensors[i], ldexpf(random_real(h, 0.5f, 1.0f), random_in(h, -6, 0)),
                  random_in(h, 0, 255));
    uint8_t *expected = trial_alloc(&t, t.out[0]->size, 1);
    for (size_t i = 0; i < tensor_count(t.out[0]); i++) {
        int32_t at[LAB_MAX_RANK] = { 0 };
        uint32_t in = 0;
        coordinates(t.out[0], i, at);
        for (; at[axis] >= t.in[in]->shape[axis]; in++)
            at[axis] -= t.in[in]->shape[axis];
        size_t from = element_at(t.in[in], at);
        if (rescale)
            expected[i] = (uint8_t)rescaled(t.in[in], t.out[0], input_q8(&t, in, from));
        else
            put(&t, expected, i, in, from);
    }
    trial_describe(&t, "concat of %u, dtype %d, rank %u, axis %d, rescale %d", n, (int)dtype, rank,
                   axis, rescale);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_concat(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++)
        concat_case(&h, any_type(&h), false);
    harness_close(&h);
}

static void test_concat_rescaled(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++)
        concat_case(&h, LAB_U8, true);
    harness_close(&h);
}

/* Every byte, over scales and zero points: exact halves among them. */
static void test_concat_table(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 3000; i++) {
        trial t;
        trial_begin(&t, &h, "concat");
        float sy = random_real(&h, 0.01f, 0.1f);
        float ratio = i % 3 == 0 ? ldexpf(1.0f, random_in(&h, -4, 3)) : random_real(&h, 0.1f, 4.0f);
        lab_tensor *x = trial_input(&t, false, LAB_U8, 2, (const int32_t[]){ 1, 256 });
        set_quant(x, sy * ratio, i % 2 ? 0 : random_in(&h, 0, 255));
        lab_tensor *y = trial_output(&t, LAB_U8, 2, (const int32_t[]){ 1, 256 });
        set_quant(y, sy, i % 2 ? 0 : random_in(&h, 0, 255));
        t.node.attrs.axis = 1;
        uint8_t expected[256];
        for (int32_t q = 0; q < 256; q++) {
            ((uint8_t *)t.data[0])[q] = (uint8_t)q;
            bool same =
                x->quant.scale == y->quant.scale && x->quant.zero_point == y->quant.zero_point;
            expected[q] = (uint8_t)(same ? q : rescaled(x, y, q));
        }
        trial_describe(&t, "concat table, scales %a to %a, zeros %d to %d", (double)x->quant.scale,
                       (double)sy, x->quant.zero_point, y->quant.zero_point);
        trial_run(&t);
        expect_bytes(&t, expected);
        trial_end(&t);
    }
    harness_close(&h);
}

/* ---- tile ---- */

static void tile_case(harness *h, lab_dtype dtype)
{
    trial t;
    trial_begin(&t, h, "tile");
    int32_t rank = random_in(h, 0, LAB_MAX_RANK), x[LAB_MAX_RANK], y[LAB_MAX_RANK];
    int32_t times[LAB_MAX_RANK];
    for (int32_t d = 0; d < rank; d++) {
        x[d] = random_in(h, 1, 4);
        times[d] = random_in(h, 1, 4);
        y[d] = x[d] * times[d];
    }
    trial_input(&t, false, dtype, (uint32_t)rank, x);
    fill_bytes(&t, 0);
    trial_input(&t, true, LAB_I32, 1, (const int32_t[]){ rank ? rank : 1 });
    memcpy(t.data[1], times, (size_t)rank * sizeof *times);
    trial_output(&t, dtype, (uint32_t)rank, y);
    quantise_alike(&t, dtype);
    uint8_t *expected = trial_alloc(&t, t.out[0]->size, 1);
    for (size_t i = 0; i < tensor_count(t.out[0]); i++) {
        int32_t at[LAB_MAX_RANK] = { 0 };
        coordinates(t.out[0], i, at);
        for (int32_t d = 0; d < rank; d++)
            at[d] %= x[d];
        put(&t, expected, i, 0, element_at(t.in[0], at));
    }
    trial_describe(&t, "tile, dtype %d, rank %d", (int)dtype, rank);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_tile(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++)
        tile_case(&h, any_type(&h));
    harness_close(&h);
}

/* ---- pad ---- */

static void pad_case(harness *h, lab_dtype dtype)
{
    trial t;
    trial_begin(&t, h, "pad");
    int32_t rank = random_in(h, 1, LAB_MAX_RANK), x[LAB_MAX_RANK], y[LAB_MAX_RANK];
    int32_t pads[LAB_MAX_RANK][2];
    for (int32_t d = 0; d < rank; d++) {
        x[d] = random_in(h, 1, 4);
        pads[d][0] = random_in(h, 0, 3);
        pads[d][1] = random_in(h, 0, 3);
        y[d] = x[d] + pads[d][0] + pads[d][1];
    }
    trial_input(&t, false, dtype, (uint32_t)rank, x);
    fill_bytes(&t, 0);
    trial_input(&t, true, LAB_I32, 2, (const int32_t[]){ rank, 2 });
    memcpy(t.data[1], pads, (size_t)rank * sizeof *pads);
    trial_output(&t, dtype, (uint32_t)rank, y);
    quantise_alike(&t, dtype);
    uint8_t *expected = trial_alloc(&t, t.out[0]->size, 1);
    for (size_t i = 0; i < tensor_count(t.out[0]); i++) {
        int32_t at[LAB_MAX_RANK] = { 0 };
        bool inside = true;
        coordinates(t.out[0], i, at);
        for (int32_t d = 0; d < rank; d++) {
            at[d] -= pads[d][0];
            inside = inside && at[d] >= 0 && at[d] < x[d];
        }
        if (inside)
            put(&t, expected, i, 0, element_at(t.in[0], at));
        else
            put_zero(&t, expected, i);
    }
    trial_describe(&t, "pad, dtype %d, rank %d", (int)dtype, rank);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_pad(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 500; i++)
        pad_case(&h, any_type(&h));
    harness_close(&h);
}

/* ---- reshape ---- */

static void test_reshape(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 50; i++) {
        trial t;
        trial_begin(&t, &h, "reshape");
        lab_dtype dtype = any_type(&h);
        trial_input(&t, false, dtype, 4, (const int32_t[]){ 2, 3, 5, 7 });
        fill_bytes(&t, 0);
        trial_output(&t, dtype, 2, (const int32_t[]){ 6, 35 });
        quantise_alike(&t, dtype);
        trial_describe(&t, "reshape, dtype %d", (int)dtype);
        trial_run(&t);
        expect_bytes(&t, t.data[0]);
        trial_end(&t);
    }
    harness_close(&h);
}

/* ---- space_to_batch_nd and batch_to_space_nd ---- */

/*
 * The space side has shape s, the batch side b. Element (n, y, x, c) of the space side belongs at
 * batch (block row * bw + block column) * N + n.
 */
static void blocks_case(harness *h, lab_dtype dtype, bool to_batch)
{
    trial t;
    trial_begin(&t, h, to_batch ? "space_to_batch_nd" : "batch_to_space_nd");
    lab_attrs *a = &t.node.attrs;
    int32_t bh = random_in(h, 1, 4), bw = random_in(h, 1, 4);
    int32_t s[4] = { random_in(h, 1, 2), random_in(h, 1, 9), random_in(h, 1, 9),
                     random_in(h, 1, 5) };
    a->stride_h = bh;
    a->stride_w = bw;
    a->pad_top = random_in(h, 0, 3);
    a->pad_left = random_in(h, 0, 3);
    for (a->pad_bottom = 0; (s[1] + a->pad_top + a->pad_bottom) % bh; a->pad_bottom++)
        ;
    for (a->pad_right = 0; (s[2] + a->pad_left + a->pad_right) % bw; a->pad_right++)
        ;
    int32_t b[4] = { s[0] * bh * bw, (s[1] + a->pad_top + a->pad_bottom) / bh,
                     (s[2] + a->pad_left + a->pad_right) / bw, s[3] };
    trial_input(&t, false, dtype, 4, to_batch ? s : b);
    fill_bytes(&t, 0);
    trial_input(&t, true, LAB_I32, 1, (const int32_t[]){ 2 });
    memcpy(t.data[1], (const int32_t[]){ bh, bw }, 2 * sizeof(int32_t));
    trial_input(&t, true, LAB_I32, 2, (const int32_t[]){ 2, 2 });
    memcpy(t.data[2], (const int32_t[]){ a->pad_top, a->pad_bottom, a->pad_left, a->pad_right },
           4 * sizeof(int32_t));
    trial_output(&t, dtype, 4, to_batch ? b : s);
    quantise_alike(&t, dtype);
    uint8_t *expected = trial_alloc(&t, t.out[0]->size, 1);
    for (size_t i = 0; to_batch && i < tensor_count(t.out[0]); i++)
        put_zero(&t, expected, i);
    const lab_tensor *space = to_batch ? t.in[0] : t.out[0];
    const lab_tensor *batch = to_batch ? t.out[0] : t.in[0];
    for (size_t i = 0; i < tensor_count(space); i++) {
        int32_t at[LAB_MAX_RANK] = { 0 };
        coordinates(space, i, at);
        int32_t y = at[1] + a->pad_top, x = at[2] + a->pad_left;
        int32_t there[LAB_MAX_RANK] = { (y % bh * bw + x % bw) * s[0] + at[0], y / bh, x / bw,
                                        at[3] };
        size_t j = element_at(batch, there);
        put(&t, expected, to_batch ? j : i, 0, to_batch ? i : j);
    }
    trial_describe(&t, "%s, dtype %d, %dx%d, blocks %dx%d, pads %d %d", t.node.op, (int)dtype, s[1],
                   s[2], bh, bw, a->pad_top, a->pad_left);
    trial_run(&t);
    expect_bytes(&t, expected);
    trial_end(&t);
}

static void test_blocks(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 800; i++)
        blocks_case(&h, any_type(&h), i & 1);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concat),       cmocka_unit_test(test_concat_rescaled),
        cmocka_unit_test(test_concat_table), cmocka_unit_test(test_tile),
        cmocka_unit_test(test_pad),          cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests_name("kernels: moving elements", tests, NULL, NULL);
}
