/* The memory planner: nothing alive at the same time may overlap, and it should be frugal. */
#include <string.h>

#include "base/buffer.h"
#include "model/plan.h"
#include "support/cmocka_all.h"

static lab_context ctx;

static int open_context(void **state)
{
    (void)state;
    return lab_context_init(&ctx, NULL, 1, NULL) ? -1 : 0;
}

static int close_context(void **state)
{
    (void)state;
    lab_context_finish(&ctx);
    return 0;
}

static size_t plan(lab_plan_item *items, uint32_t count)
{
    size_t total;
    lab_error error;
    if (lab_plan(&ctx, items, count, &total, &error))
        fail_msg("%s", error.message);
    return total;
}

static void check(const lab_plan_item *items, uint32_t count, size_t total)
{
    for (uint32_t i = 0; i < count; i++) {
        const lab_plan_item *a = &items[i];
        assert_int_equal(a->offset % LAB_ALIGN, 0);
        assert_true(a->offset + a->size + LAB_TAIL <= total);
        for (uint32_t k = 0; k < i; k++) {
            const lab_plan_item *b = &items[k];
            bool together = a->first <= b->last && b->first <= a->last;
            bool apart = a->offset + a->size + LAB_TAIL <= b->offset ||
                         b->offset + b->size + LAB_TAIL <= a->offset;
            if (together && !apart)
                fail_msg("items %u and %u live together and overlap", i, k);
        }
    }
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(plan(NULL, 0), 0);
}

/* A chain needs room for its two largest neighbours only. */
static void test_chain(void **state)
{
    (void)state;
    lab_plan_item items[] = {
        { 960, 0, 0, 0 }, { 960, 0, 1, 0 }, { 960, 1, 2, 0 }, { 960, 2, 3, 0 }, { 448, 3, 4, 0 },
    };
    size_t total = plan(items, 5);
    check(items, 5, total);
    assert_int_equal(total, 2 * 1024);
}

/* The smallest gap that fits is taken, so that the large one stays for what needs it. */
static void test_gaps(void **state)
{
    (void)state;
    lab_plan_item items[] = {
        { 4096 - 64, 0, 9, 0 },                         /* at the bottom all the time */
        { 3072 - 64, 0, 1, 0 },                         /* becomes a gap of 3072 */
        { 2048 - 64, 0, 9, 0 }, { 1024 - 64, 0, 1, 0 }, /* becomes a gap of 1024 */
        { 512 - 64, 0, 9, 0 },  { 256 - 64, 2, 9, 0 },
    };
    size_t total = plan(items, 6);
    check(items, 6, total);
    assert_int_equal(items[5].offset, items[3].offset);
    assert_int_equal(total, 4096 + 3072 + 2048 + 1024 + 512);
}

static void test_random(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int round = 0; round < 200; round++) {
        lab_plan_item items[60];
        uint32_t count = 1 + (uint32_t)round % 60;
        size_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t first = random >> 8 & 31, life = random >> 16 & 7;
            items[i] = (lab_plan_item){ 1 + (random >> 20), first, first + life, 0 };
            sum += items[i].size + 2 * LAB_ALIGN;
        }
        size_t total = plan(items, count);
        check(items, count, total);
        assert_true(total <= sum);
    }
}

static void test_limit(void **state)
{
    (void)state;
    const size_t sizes[] = { LAB_PLAN_LIMIT, SIZE_MAX - 3, SIZE_MAX };
    for (int i = 0; i < 3; i++) {
        lab_plan_item item = { sizes[i], 0, 0, 0 };
        size_t total;
        lab_error error;
        assert_int_equal(lab_plan(&ctx, &item, 1, &total, &error), LAB_E_LIMIT);
        assert_non_null(strstr(error.message, "activations need more than"));
    }
    lab_plan_item three[3] = { { LAB_PLAN_LIMIT / 2, 0, 0, 0 },
                               { LAB_PLAN_LIMIT / 2, 0, 0, 0 },
                               { LAB_PLAN_LIMIT / 2, 0, 0, 0 } };
    size_t total;
    assert_int_equal(lab_plan(&ctx, three, 3, &total, NULL), LAB_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_chain), cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_random),  cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
