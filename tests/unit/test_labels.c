/* tensor/labels.h: names by id, ids by name. */
#include "support/cmocka_all.h"

#include <string.h>

#include "tensor/labels.h"

static lab_context ctx;

static const char *const names[] = { "wall", "screen", "Person", "person", "screen", "TV" };
static const uint32_t colors[] = { 0x010203, 0xff00ff, 3, 0xff123456, 5, 6 };

static lab_labels *six(void)
{
    lab_labels *labels;
    assert_int_equal(lab_labels_new(&ctx, "rooms", 6, names, colors, &labels, NULL), LAB_OK);
    return labels;
}

static void by_id(void **state)
{
    (void)state;
    lab_labels *l = six();
    assert_string_equal(lab_labels_set_name(l), "rooms");
    assert_int_equal(lab_labels_count(l), 6);
    assert_string_equal(lab_labels_name(l, 5), "TV");
    assert_ptr_not_equal(lab_labels_name(l, 5), names[5]); /* a copy */
    assert_null(lab_labels_name(l, 6));
    assert_int_equal(lab_labels_color(l, 1), 0xff00ff);
    assert_int_equal(lab_labels_color(l, 3), 0x123456); /* 24 bits */
    assert_int_equal(lab_labels_color(l, 6), 0);
    assert_ptr_equal(lab_labels_ref(l), l);
    lab_labels_unref(l);
    assert_string_equal(lab_labels_name(l, 0), "wall");
    lab_labels_unref(l);
    lab_labels_unref(NULL);
    assert_null(lab_labels_ref(NULL));
}

static void by_name(void **state)
{
    (void)state;
    lab_labels *l = six();
    lab_error error;
    uint32_t id;
    assert_int_equal(lab_labels_find(l, "wall", 0, &id, &error), LAB_OK);
    assert_int_equal(id, 0);
    assert_int_equal(lab_labels_find(l, "person", 0, &id, &error), LAB_OK);
    assert_int_equal(id, 3); /* exactly, before ignoring case */
    assert_int_equal(lab_labels_find(l, "person", 4, &id, &error), LAB_E_NOT_FOUND);
    assert_int_equal(lab_labels_find(l, "PERSON", 0, &id, &error), LAB_OK);
    assert_int_equal(id, 2); /* ignoring case: both */
    assert_int_equal(lab_labels_find(l, "PERSON", 3, &id, &error), LAB_OK);
    assert_int_equal(id, 3);
    assert_int_equal(lab_labels_find(l, "tv", 0, &id, &error), LAB_OK);
    assert_int_equal(id, 5);

    assert_int_equal(lab_labels_find(l, "screen", 0, &id, &error), LAB_OK);
    assert_int_equal(id, 1);
    assert_int_equal(lab_labels_find(l, "screen", 2, &id, &error), LAB_OK);
    assert_int_equal(id, 4);
    assert_int_equal(lab_labels_find(l, "screen", 5, &id, &error), LAB_E_NOT_FOUND);

    assert_int_equal(lab_labels_find(l, "wlal", 0, &id, &error), LAB_E_NOT_FOUND);
    assert_string_equal(error.message, "rooms has no label \"wlal\"; did you mean \"wall\"?");
    assert_int_equal(lab_labels_find(l, "bicycle", 0, &id, &error), LAB_E_NOT_FOUND);
    assert_string_equal(error.message, "rooms has no label \"bicycle\" among its 6 classes");
    lab_labels_unref(l);
}

static void refused_sets(void **state)
{
    (void)state;
    lab_labels *l;
    lab_error error;
    assert_int_equal(lab_labels_new(&ctx, "x", 0, names, colors, &l, &error), LAB_E_INVALID);
    assert_int_equal(lab_labels_new(&ctx, "x", LAB_LABELS_MAX + 1, names, colors, &l, &error),
                     LAB_E_INVALID);
    assert_int_equal(lab_labels_new(&ctx, "", 1, names, colors, &l, &error), LAB_E_INVALID);
    assert_int_equal(lab_labels_new(&ctx, NULL, 1, names, colors, &l, &error), LAB_E_INVALID);
    const char *const empty[] = { "a", "" };
    assert_int_equal(lab_labels_new(&ctx, "x", 2, empty, colors, &l, &error), LAB_E_INVALID);
    assert_string_equal(error.message, "label set x: class 1 has no name");
    const char *const broken[] = { "a\xff" };
    assert_int_equal(lab_labels_new(&ctx, "x", 1, broken, colors, &l, &error), LAB_E_INVALID);
    assert_non_null(strstr(error.message, "not UTF-8"));
    assert_null(l);
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
        cmocka_unit_test(by_id),
        cmocka_unit_test(by_name),
        cmocka_unit_test(refused_sets),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
