/*
 * quad_list.h: whatever the weights, the layers of a panel add up to them, and no sum that
 * vpmaddubsw or a 16-bit addition forms leaves int16, for any values of the other factor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/x86/quad_list.h"

#define LANES_MAX ((size_t)64)
#define QUADS_MAX ((size_t)300) /* lists longer than GROUP_TRIES, too */
#define VALUES (LANES_MAX * QUAD)

typedef struct panel {
    size_t lanes, quads;
    int16_t w[QUADS_MAX][VALUES];
    int32_t sums[QUADS_MAX][VALUES]; /* of the layers */
    quad_list list;
} panel;

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Weights less a zero point: -255 .. 255. The kinds are those that need no, few and many layers. */
static int16_t weight(uint32_t *state, int kind)
{
    static const int16_t extremes[] = { -255, -254, -128, -127, 0, 1, 127, 128, 129, 255 };
    uint32_t r = next(state);
    if (kind == 0)
        return (int16_t)(r % 41) - 20;
    if (kind == 1)
        return (int16_t)(r % 511) - 255;
    if (kind == 2)
        return extremes[r % 10];
    return r % 50 ? (int16_t)(r / 64 % 61) - 30 : extremes[r / 64 % 10];
}

static void fill(panel *p, uint32_t *state, int kind)
{
    for (size_t q = 0; q < p->quads; q++)
        for (size_t i = 0; i < p->lanes * QUAD; i++)
            p->w[q][i] = weight(state, kind);
}

static void build(panel *p, bool saturates, size_t most)
{
    quad_list_clear(&p->list, p->lanes);
    memset(p->sums, 0, sizeof p->sums);
    for (size_t q = 0; q < p->quads; q++) {
        uint32_t w[VALUES / 2];
        memcpy(w, p->w[q], sizeof w);
        quad_list_add(&p->list, q, w);
        for (size_t i = 0; i < p->lanes * QUAD / 2; i++)
            assert_int_equal(w[i], 0);
    }
    quad_list_group(&p->list, most);
    assert_true(p->list.count >= p->quads && p->list.count <= MAX_LAYERS * p->quads);
    assert_true(p->list.saturates == saturates);
}

/*
 * The largest and the smallest sum of 255 times some of the weights of the pairs at `at` of
 * entries first .. end - 1 of the order.
 */
static void expect_int16(const panel *p, size_t first, size_t end, size_t at)
{
    const quad_list *list = &p->list;
    int32_t high = 0, low = 0;
    for (size_t e = first; e < end; e++) {
        const int8_t *w = (const int8_t *)list->weights + list->order[e] * p->lanes * QUAD + at;
        for (int i = 0; i < 2; i++) {
            high += w[i] > 0 ? 255 * w[i] : 0;
            low += w[i] < 0 ? 255 * w[i] : 0;
        }
    }
    if (high > INT16_MAX || low < INT16_MIN)
        fail_msg("%zu entries from %zu, value %zu of %zu lanes: %d .. %d", end - first, first, at,
                 p->lanes, low, high);
}

/* Each entry is in the order once, and the layers of a quad add up to its weights. */
static void expect_sums(panel *p)
{
    const quad_list *list = &p->list;
    char seen[MAX_LAYERS * QUADS_MAX] = { 0 };
    for (size_t e = 0; e < list->count; e++) {
        uint32_t entry = list->order[e];
        assert_true(entry < list->count && !seen[entry]);
        seen[entry] = 1;
        for (size_t i = 0; i < p->lanes * QUAD; i++)
            p->sums[list->quads[entry]][i] +=
                ((const int8_t *)list->weights)[entry * p->lanes * QUAD + i];
    }
    for (size_t q = 0; q < p->quads; q++)
        for (size_t i = 0; i < p->lanes * QUAD; i++)
            assert_int_equal(p->sums[q][i], p->w[q][i]);
}

static void check(panel *p, bool saturates, size_t most)
{
    assert_true(quad_list_open(&p->list, p->quads, p->lanes, saturates));
    build(p, saturates, most);
    expect_sums(p);
    size_t first = 0;
    for (const quad_run *run = p->list.runs; run->count; run++) {
        assert_true(run->size >= 1 && run->size <= most);
        assert_true(run == p->list.runs || run->size < run[-1].size);
        for (size_t g = 0; g < run->count; g++, first += run->size) {
            assert_true(first + run->size <= p->list.count);
            for (size_t at = 0; saturates && at < p->lanes * QUAD; at += 2)
                expect_int16(p, first, first + run->size, at);
        }
    }
    assert_int_equal(first, p->list.count);
    quad_list_close(&p->list);
}

static void test_layers(void **unused)
{
    (void)unused;
    static panel p;
    uint32_t state = 2463534242u;
    for (int i = 0; i < 240; i++) {
        p.lanes = (size_t)8 << next(&state) % 4;
        p.quads = 1 + next(&state) % QUADS_MAX;
        fill(&p, &state, i % 4);
        bool saturates = i / 4 % 2 == 0;
        check(&p, saturates, saturates ? 1 + next(&state) % MAX_GROUP : 1);
    }
}

/* Weights within 20 of 0: no layer more than there are quads, and three in a group at least. */
static void test_small_weights_group(void **unused)
{
    (void)unused;
    static panel p;
    uint32_t state = 88675123u;
    p.lanes = 16;
    p.quads = 33;
    fill(&p, &state, 0);
    assert_true(quad_list_open(&p.list, p.quads, p.lanes, true));
    build(&p, true, MAX_GROUP);
    assert_int_equal(p.list.count, 33);
    uint32_t groups = 0;
    for (const quad_run *run = p.list.runs; run->count; run++)
        groups += run->count;
    assert_true(groups <= 11);
    quad_list_close(&p.list);
}

/* The worst there is: every weight 255, and 128 + 128 + 128 + 126 for each pair. */
static void test_worst_case(void **unused)
{
    (void)unused;
    static panel p;
    p.lanes = 8;
    p.quads = 5;
    for (size_t q = 0; q < p.quads; q++)
        for (size_t i = 0; i < p.lanes * QUAD; i++)
            p.w[q][i] = q % 2 ? 255 : -255;
    check(&p, true, MAX_GROUP);
    assert_true(quad_list_open(&p.list, p.quads, p.lanes, true));
    build(&p, true, MAX_GROUP);
    assert_int_equal(p.list.count, MAX_LAYERS * p.quads);
    quad_list_close(&p.list);
}

static void test_too_large(void **unused)
{
    (void)unused;
    quad_list list;
    assert_false(quad_list_open(&list, SIZE_MAX / 2, 16, true));
    quad_list_close(&list);
    assert_false(quad_list_open(&list, SIZE_MAX / 8, 16, true));
    quad_list_close(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_small_weights_group),
        cmocka_unit_test(test_worst_case),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests_name("kernels: quad lists", tests, NULL, NULL);
}
