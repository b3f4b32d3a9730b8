/*
 * resize_argmax against what it stands for: resize_bilinear, then argmax of its result. Scores are
 * made so that whole cells have one winner, that classes tie, and that values are extreme.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

enum { MODE_PLAIN, MODE_ALIGNED, MODE_CENTRES, MODES };
enum { FILL_ANY, FILL_TIES, FILL_EXTREMES, FILL_REGIONS, FILLS };

typedef struct head_case {
    lab_dtype dtype, label;
    int32_t batch, in_h, in_w, out_h, out_w, classes;
    int mode, fill;
} head_case;

static int32_t score(harness *h, const head_case *c, size_t i)
{
    size_t k = i % (size_t)c->classes, place = i / (size_t)c->classes;
    switch (c->fill) {
    case FILL_TIES: /* three values, neighbours apart by 1 */
        return 100 + random_in(h, 0, 2);
    case FILL_EXTREMES:
        return random_in(h, 0, 1) ? 255 : random_in(h, 0, 3) ? 0 : 254;
    case FILL_REGIONS: { /* one class on each side of a slanted line, some noise */
        size_t x = place % (size_t)c->in_w, y = place / (size_t)c->in_w % (size_t)c->in_h;
        size_t winner = (2 * x + y > (size_t)c->in_w ? 1u : 2u) % (size_t)c->classes;
        return (k == winner ? 140 : 90) + random_in(h, 0, 30);
    }
    default:
        return random_in(h, 0, 255);
    }
}

static void fill_scores(trial *t, const head_case *c)
{
    for (size_t i = 0; i < tensor_count(t->in[0]); i++) {
        int32_t v = score(t->h, c, i);
        if (c->dtype == LAB_F32)
            ((float *)t->data[0])[i] = (float)(v - 100) * 0.37f;
        else
            ((uint8_t *)t->data[0])[i] = (uint8_t)(c->dtype == LAB_I8 ? v - 128 : v);
    }
}

static void begin_resize(trial *t, harness *h, const head_case *c, const char *op)
{
    trial_begin(t, h, op);
    lab_tensor *x = trial_input(t, false, c->dtype, 4,
                                (const int32_t[]){ c->batch, c->in_h, c->in_w, c->classes });
    trial_input(t, true, LAB_I32, 1, (const int32_t[]){ 2 });
    ((int32_t *)t->data[1])[0] = c->out_h;
    ((int32_t *)t->data[1])[1] = c->out_w;
    t->node.attrs.align_corners = c->mode == MODE_ALIGNED;
    t->node.attrs.half_pixel_centers = c->mode == MODE_CENTRES;
    if (c->dtype != LAB_F32)
        set_quant(x, 0.1f, c->dtype == LAB_I8 ? -20 : 108);
}

static void check(harness *h, const head_case *c)
{
    const int32_t full[] = { c->batch, c->out_h, c->out_w, c->classes };
    trial resize, argmax, head;
    begin_resize(&head, h, c, "resize_argmax");
    fill_scores(&head, c);
    trial_output(&head, c->label, 3, full);
    trial_describe(&head, "dtype %d, %dx%dx%d to %dx%d, %d classes, mode %d, fill %d",
                   (int)c->dtype, c->batch, c->in_h, c->in_w, c->out_h, c->out_w, c->classes,
                   c->mode, c->fill);
    trial_run(&head);

    begin_resize(&resize, h, c, "resize_bilinear");
    memcpy(resize.data[0], head.data[0], head.in[0]->size);
    trial_output(&resize, c->dtype, 4, full)->quant = resize.in[0]->quant;
    trial_run(&resize);

    trial_begin(&argmax, h, "argmax");
    trial_input(&argmax, false, c->dtype, 4, full)->quant = resize.in[0]->quant;
    trial_input(&argmax, true, LAB_I32, 0, full);
    ((int32_t *)argmax.data[1])[0] = argmax.node.attrs.axis = 3;
    memcpy(argmax.data[0], resize.result, resize.out[0]->size);
    trial_output(&argmax, c->label, 3, full);
    trial_run(&argmax);

    expect_bytes(&head, argmax.result);
    trial_end(&argmax);
    trial_end(&resize);
    trial_end(&head);
}

static lab_dtype random_label(harness *h)
{
    return (lab_dtype)ONE_OF(h, LAB_I32, LAB_I64);
}

/* Ratios as networks have them, each type, 1 to 40 classes. */
static void test_ratios(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int32_t classes = 1; classes <= 40; classes++) {
        for (int i = 0; i < 3 * FILLS; i++) {
            int32_t ratio = ONE_OF(&h, 1, 2, 4, 8, 16), side = random_in(&h, 1, 9);
            bool aligned = random_in(&h, 0, 1);
            head_case c = { .dtype = (lab_dtype)ONE_OF(&h, LAB_U8, LAB_I8),
                            .label = random_label(&h),
                            .batch = random_in(&h, 1, 2),
                            .in_h = side,
                            .in_w = side + 1,
                            .classes = classes,
                            .mode = aligned ? MODE_ALIGNED : MODE_PLAIN,
                            .fill = i % FILLS };
            c.out_h = aligned ? (c.in_h - 1) * ratio + 1 : c.in_h * ratio;
            c.out_w = aligned ? (c.in_w - 1) * ratio + 1 : c.in_w * ratio;
            check(&h, &c);
        }
    }
    harness_close(&h);
}

/* Any sizes, larger and smaller, with cells wider and higher than what is done at a time. */
static void test_any_size(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 1200; i++) {
        head_case c = { .dtype = (lab_dtype)ONE_OF(&h, LAB_U8, LAB_I8, LAB_F32),
                        .label = random_label(&h),
                        .batch = random_in(&h, 1, 2),
                        .in_h = random_in(&h, 1, 7),
                        .in_w = random_in(&h, 1, 7),
                        .out_h = ONE_OF(&h, 1, 2, 5, 17, 40, 75),
                        .out_w = ONE_OF(&h, 1, 3, 8, 31, 64, 65, 200),
                        .classes = ONE_OF(&h, 1, 2, 3, 19, 21, 32),
                        .mode = random_in(&h, 0, MODES - 1),
                        .fill = random_in(&h, 0, FILLS - 1) };
        check(&h, &c);
    }
    harness_close(&h);
}

/* NaN: argmax takes the first channel when nothing is larger. */
static void test_not_a_number(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 50; i++) {
        const int32_t classes = 5;
        trial t;
        head_case c = { .dtype = LAB_F32,
                        .batch = 1,
                        .in_h = 3,
                        .in_w = 3,
                        .out_h = 3,
                        .out_w = 3,
                        .classes = classes,
                        .mode = MODE_ALIGNED };
        begin_resize(&t, &h, &c, "resize_argmax");
        fill_scores(&t, &c);
        int32_t *expected = trial_alloc(&t, 9, sizeof *expected);
        for (int place = 0; place < 9; place++) {
            float *v = (float *)t.data[0] + place * classes;
            expected[place] = 0;
            v[0] = __builtin_nanf("");
        }
        trial_output(&t, LAB_I32, 3, (const int32_t[]){ 1, 3, 3 });
        trial_describe(&t, "first channel is no number");
        trial_run(&t);
        expect_bytes(&t, expected);
        trial_end(&t);
    }
    harness_close(&h);
}

/* What the kernels cannot do they must not take. */
static void test_refused(void **state)
{
    (void)state;
    harness h;
    harness_open(&h);
    for (int i = 0; i < 5; i++) {
        trial t;
        head_case c = {
            .dtype = LAB_U8, .batch = 1, .in_h = 2, .in_w = 2, .out_h = 4, .out_w = 4, .classes = 3
        };
        begin_resize(&t, &h, &c, "resize_argmax");
        trial_output(&t, i == 1 ? LAB_U8 : LAB_I32, 3, (const int32_t[]){ i == 2 ? 2 : 1, 4, 4 });
        if (i == 3)
            t.tensors[2].rank = 4;
        if (i == 4)
            t.tensors[0].dtype = LAB_I32;
        assert_true(trial_matches(&t) == (i == 0));
        trial_end(&t);
    }
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("kernels: resize_argmax", tests, NULL, NULL);
}
