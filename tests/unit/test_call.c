/* plugin/call.h: arguments: what each type takes and refuses, defaults, label names. */
#include "call_fixture.h"

#include "support/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "support/fail_alloc.h"

static fixture fix;
static lab_call *call;
static lab_error error;

static void expect_message(lab_status got, lab_status status, const char *message)
{
    assert_int_equal(got, status);
    assert_string_equal(error.message, message);
}

#define REFUSED(setter, message) expect_message(setter, LAB_E_INVALID, message)
#define TAKEN(setter) assert_int_equal(setter, LAB_OK)
#define SET_STRING(param, text) lab_call_set_string(call, param, text, strlen(text), &error)

static void whole_numbers(void **state)
{
    (void)state;
    TAKEN(lab_call_set_int(call, P_COUNT, 10, &error));
    assert_int_equal(lab_arg_int(call, P_COUNT), 10);
    TAKEN(lab_call_set_float(call, P_COUNT, 3.0, &error));
    assert_int_equal(lab_arg_int(call, P_COUNT), 3);
    REFUSED(lab_call_set_int(call, P_COUNT, 0, &error), "map.all: count must be 1..10, got 0");
    REFUSED(lab_call_set_int(call, P_COUNT, INT64_MAX, &error),
            "map.all: count must be 1..10, got 9223372036854775807");
    REFUSED(lab_call_set_float(call, P_COUNT, 2.5, &error),
            "map.all: count must be a whole number, got 2.5");
    REFUSED(lab_call_set_float(call, P_COUNT, (double)NAN, &error),
            "map.all: count must be a whole number, got nan");
    REFUSED(lab_call_set_float(call, P_COUNT, 1e300, &error),
            "map.all: count must be a whole number, got 1e+300");
    REFUSED(SET_STRING(P_COUNT, "3"), "map.all: count must be a whole number, got \"3\"");
    REFUSED(lab_call_set_bool(call, P_COUNT, true, &error),
            "map.all: count must be a whole number, got true");
    REFUSED(lab_call_add_number(call, P_COUNT, 1, &error),
            "map.all: count must be a whole number, got a list");
    REFUSED(lab_call_set_empty(call, P_COUNT, &error),
            "map.all: count must be a whole number, got an empty list");
    REFUSED(lab_call_set_tensor(call, P_COUNT, &fix.map, &error),
            "map.all: count must be a whole number, got labelmap 3x2 u8, labels set");
    assert_int_equal(lab_arg_int(call, P_COUNT), 3); /* a refusal changes nothing */
    REFUSED(lab_call_set_int(call, 99, 1, &error), "map.all: has 12 options, so none number 100");
}

static void numbers_and_flags(void **state)
{
    (void)state;
    TAKEN(lab_call_set_float(call, P_RATIO, 0.25, &error));
    assert_true(lab_arg_float(call, P_RATIO) == 0.25);
    TAKEN(lab_call_set_int(call, P_RATIO, 1, &error));
    assert_true(lab_arg_float(call, P_RATIO) == 1.0);
    REFUSED(lab_call_set_float(call, P_RATIO, 1.5, &error), "map.all: ratio must be 0..1, got 1.5");
    REFUSED(lab_call_set_float(call, P_RATIO, (double)NAN, &error),
            "map.all: ratio must be a number, got nan");
    REFUSED(lab_call_set_float(call, P_RATIO, (double)INFINITY, &error),
            "map.all: ratio must be a number, got inf");
    assert_false(lab_given(call, P_FLAG));
    TAKEN(lab_call_set_bool(call, P_FLAG, true, &error));
    assert_true(lab_given(call, P_FLAG));
    assert_int_equal(lab_arg_int(call, P_FLAG), 1);
    REFUSED(lab_call_set_int(call, P_FLAG, 1, &error),
            "map.all: flag must be true or false, got 1");
}

static void choices_and_text(void **state)
{
    (void)state;
    TAKEN(SET_STRING(P_METHOD, "nearest"));
    assert_int_equal(lab_arg_int(call, P_METHOD), 2);
    REFUSED(SET_STRING(P_METHOD, "bilinaer"),
            "map.all: method must be one of area, bilinear, nearest, got \"bilinaer\"; did you "
            "mean \"bilinear\"?");
    REFUSED(SET_STRING(P_METHOD, "spline"),
            "map.all: method must be one of area, bilinear, nearest, got \"spline\"");
    REFUSED(lab_call_set_int(call, P_METHOD, 1, &error),
            "map.all: method must be one of area, bilinear, nearest, got 1");
    size_t size = 0;
    TAKEN(SET_STRING(P_TEXT, "h\xc3\xa9llo"));
    assert_string_equal(lab_arg_string(call, P_TEXT, &size), "h\xc3\xa9llo");
    assert_int_equal(size, 6);
    REFUSED(lab_call_set_string(call, P_TEXT, "a\0b", 3, &error),
            "map.all: text must be text in UTF-8, got text with a zero byte in it");
    REFUSED(SET_STRING(P_TEXT, "\xff"),
            "map.all: text must be text in UTF-8, got bytes that are not UTF-8");
    TAKEN(lab_call_set_string(call, P_BYTES, "a\0\xff", 3, &error));
    assert_memory_equal(lab_arg_string(call, P_BYTES, &size), "a\0\xff", 3);
    assert_int_equal(size, 3);
    assert_string_equal(lab_arg_string(call, P_TEXT, NULL), "h\xc3\xa9llo");
}

static void expect_color(const char *text, int64_t rgba)
{
    TAKEN(SET_STRING(P_COLOR, text));
    assert_int_equal(lab_arg_int(call, P_COLOR), rgba);
}

static void colors(void **state)
{
    (void)state;
    expect_color("#f80", 0xff8800ff);
    expect_color("#12aB9f", 0x12ab9fff);
    expect_color("#12345678", 0x12345678);
    expect_color("Red", 0xff0000ff);
    expect_color("transparent", 0);
    static const char *const wrong[] = {
        "", "#", "#12", "#12345", "#ggg", "123456", "#1234567890"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(SET_STRING(P_COLOR, wrong[i]), LAB_E_INVALID);
    REFUSED(SET_STRING(P_COLOR, "yelow"),
            "map.all: color must be a colour (\"#rgb\", \"#rrggbb\", \"#rrggbbaa\", a CSS name or "
            "{r, g, b[, a]} of 0..255), got \"yelow\"; did you mean \"yellow\"?");
    assert_int_equal(lab_call_set_int(call, P_COLOR, 0xff, &error), LAB_E_INVALID);
    assert_int_equal(lab_call_add_number(call, P_COLOR, 256, &error), LAB_E_INVALID);
    assert_int_equal(lab_call_add_number(call, P_COLOR, 0.5, &error), LAB_E_INVALID);
    assert_int_equal(lab_call_add_number(call, P_COLOR, (double)NAN, &error), LAB_E_INVALID);
    for (int i = 1; i <= 3; i++)
        TAKEN(lab_call_add_number(call, P_COLOR, i, &error));
    TAKEN(lab_call_run(call, &error));
    assert_int_equal(lab_arg_int(call, P_COLOR), 0x010203ff);
}

static void color_lists_have_three_or_four(void **state)
{
    (void)state;
    for (int i = 1; i <= 2; i++)
        TAKEN(lab_call_add_number(call, P_COLOR, i, &error));
    assert_int_equal(lab_call_run(call, &error), LAB_E_INVALID);
    assert_non_null(strstr(error.message, "got a list of 2"));
    for (int i = 3; i <= 4; i++)
        TAKEN(lab_call_add_number(call, P_COLOR, i, &error));
    TAKEN(lab_call_run(call, &error));
    assert_int_equal(lab_arg_int(call, P_COLOR), 0x01020304);
}

static void expect_classes(uint32_t n, const int32_t *ids)
{
    uint32_t count;
    const int32_t *got = lab_arg_classes(call, P_CLASSES, &count);
    assert_int_equal(count, n);
    if (n > 0)
        assert_memory_equal(got, ids, n * sizeof *ids);
}

#define CLASSES(...)                                                                               \
    expect_classes(sizeof((int32_t[]){ __VA_ARGS__ }) / 4, (const int32_t[]){ __VA_ARGS__ })

static void classes(void **state)
{
    (void)state;
    expect_classes(0, NULL);
    assert_false(lab_given(call, P_CLASSES));
    TAKEN(SET_STRING(P_CLASSES, "screen"));
    CLASSES(1, 3); /* every class of that name */
    TAKEN(lab_call_add_name(call, P_CLASSES, "Person", &error));
    TAKEN(lab_call_add_number(call, P_CLASSES, 3, &error));
    TAKEN(lab_call_add_number(call, P_CLASSES, 65535, &error));
    CLASSES(1, 3, 2, 65535); /* each at most once */
    TAKEN(lab_call_set_int(call, P_CLASSES, 2, &error));
    CLASSES(2);
    TAKEN(SET_STRING(P_CLASSES, "255")); /* digits that are no label */
    CLASSES(255);
    for (int i = 0; i < 100; i++)
        TAKEN(lab_call_add_number(call, P_CLASSES, i, &error));
    uint32_t count;
    assert_int_equal(lab_arg_classes(call, P_CLASSES, &count)[100], 99);
    assert_int_equal(count, 101);
    TAKEN(lab_call_set_empty(call, P_CLASSES, &error));
    expect_classes(0, NULL);
    assert_true(lab_given(call, P_CLASSES));
    expect_message(SET_STRING(P_CLASSES, "persn"), LAB_E_NOT_FOUND,
                   "map.all: classes: set has no label \"persn\"; did you mean \"person\"?");
    REFUSED(lab_call_add_number(call, P_CLASSES, 1.5, &error),
            "map.all: classes must be class ids (0..65535) or label names, or a list of them, "
            "got 1.5");
    assert_int_equal(lab_call_set_int(call, P_CLASSES, -1, &error), LAB_E_INVALID);
    assert_int_equal(lab_call_set_int(call, P_CLASSES, 65536, &error), LAB_E_INVALID);
    assert_int_equal(SET_STRING(P_CLASSES, "65536"), LAB_E_INVALID);
    assert_int_equal(lab_call_add_name(call, P_TEXT, "person", &error), LAB_E_INVALID);
}

static void class_names_need_a_label_set(void **state)
{
    (void)state;
    lab_tensor bare;
    lab_call *other;
    lab_tensor_ref(&bare, &fix.map);
    lab_tensor_set_labels(&bare, NULL);
    TAKEN(lab_call_new(fix.registry, lab_registry_op(fix.registry, "map.all"), &bare, &other,
                       &error));
    REFUSED(lab_call_add_name(other, P_CLASSES, "person", &error),
            "map.all: classes: the input has no label set to look \"person\" up in; pass class "
            "ids");
    TAKEN(lab_call_add_name(other, P_CLASSES, "15", &error));
    lab_call_free(other);
    lab_tensor_clear(&bare);
}

static void lists_of_numbers(void **state)
{
    (void)state;
    uint32_t count;
    assert_null(lab_arg_floats(call, P_WEIGHTS, &count));
    for (int i = 0; i < 50; i++)
        TAKEN(lab_call_add_number(call, P_WEIGHTS, i / 50.0, &error));
    const double *list = lab_arg_floats(call, P_WEIGHTS, &count);
    assert_int_equal(count, 50);
    for (int i = 0; i < 50; i++)
        assert_true(list[i] == i / 50.0);
    REFUSED(lab_call_add_number(call, P_WEIGHTS, 2, &error),
            "map.all: weights must be -1..1, got 2");
    TAKEN(lab_call_set_float(call, P_WEIGHTS, 0.5, &error)); /* one number is a list of one */
    list = lab_arg_floats(call, P_WEIGHTS, &count);
    assert_true(count == 1 && list[0] == 0.5);
    TAKEN(lab_call_set_empty(call, P_WEIGHTS, &error));
    lab_arg_floats(call, P_WEIGHTS, &count);
    assert_int_equal(count, 0);
}

static void tensors(void **state)
{
    (void)state;
    lab_tensor mask;
    const int32_t shape[] = { 2, 2 };
    TAKEN(lab_tensor_new(&fix.ctx, LAB_MASK, LAB_U8, 2, shape, &mask, &error));
    assert_null(lab_arg_tensor(call, P_MASK));
    TAKEN(lab_call_set_tensor(call, P_MASK, &mask, &error));
    TAKEN(lab_call_set_tensor(call, P_MASK, &mask, &error));      /* again: references stay right */
    TAKEN(lab_call_set_tensor(call, P_TENSOR, &fix.map, &error)); /* every kind is a tensor */
    REFUSED(lab_call_set_tensor(call, P_MASK, &fix.map, &error),
            "map.all: mask must be a mask, got labelmap 3x2 u8, labels set");
    void *data = mask.data;
    lab_tensor_clear(&mask); /* the call keeps its own reference */
    assert_ptr_equal(lab_arg_tensor(call, P_MASK)->data, data);
    assert_int_equal(lab_arg_tensor(call, P_TENSOR)->kind, LAB_LABELMAP);
}

static void wrong_reads_are_harmless(void **state)
{
    (void)state;
    uint32_t count = 7;
    size_t size = 7;
    assert_false(lab_given(call, 1000));
    assert_int_equal(lab_arg_int(call, 1000), 0);
    assert_null(lab_arg_string(call, 1000, &size));
    assert_int_equal(size, 0);
    TAKEN(lab_call_add_number(call, P_WEIGHTS, 1, &error));
    assert_null(lab_arg_classes(call, P_WEIGHTS, &count));
    assert_int_equal(count, 0);
    assert_null(lab_arg_floats(call, 1000, &count));
    assert_null(lab_arg_tensor(call, P_WEIGHTS));
}

static void names_of_options(void **state)
{
    (void)state;
    uint32_t param;
    TAKEN(lab_call_param(call, "color", &param, &error));
    assert_int_equal(param, P_COLOR);
    REFUSED(lab_call_param(call, "colour", &param, &error),
            "map.all: there is no option \"colour\"; did you mean \"color\"?");
    lab_call *other = fixture_call(&fix, "map.needs");
    REFUSED(lab_call_param(other, "transparency", &param, &error),
            "map.needs: there is no option \"transparency\"; options are width");
    lab_call_free(other);
}

static void defaults_and_missing(void **state)
{
    (void)state;
    assert_false(lab_given(call, P_DEFAULTED));
    TAKEN(lab_call_run(call, &error));
    assert_true(lab_given(call, P_DEFAULTED));
    assert_int_equal(lab_arg_int(call, P_DEFAULTED), 4);
    assert_false(lab_given(call, P_COUNT));
    REFUSED(lab_call_set_int(call, P_COUNT, 1, &error),
            "map.all: options cannot change once the call has run");
    REFUSED(lab_call_run(call, &error), "map.all: this call has been run already");

    lab_call *other = fixture_call(&fix, "map.needs");
    REFUSED(lab_call_run(other, &error), "map.needs: width is missing (pixels)");
    TAKEN(lab_call_set_int(other, 0, 5, &error)); /* and can then be given */
    TAKEN(lab_call_run(other, &error));
    lab_call_free(other);
}

static lab_status read_defaults(lab_call *c)
{
    uint32_t count;
    if (lab_arg_int(c, 0) != -3 || lab_arg_float(c, 1) != 1e-3 || lab_arg_int(c, 2) != 1 ||
        lab_arg_int(c, 3) != 0x000080ff || lab_arg_int(c, 6) != 1)
        return lab_fail(c, LAB_E_FORMAT, "scalars");
    const double *numbers = lab_arg_floats(c, 4, &count);
    if (count != 2 || numbers[0] != 0.5 || numbers[1] != -2)
        return lab_fail(c, LAB_E_FORMAT, "floats");
    const int32_t *ids = lab_arg_classes(c, 5, &count);
    if (count != 3 || ids[0] != 0 || ids[1] != 1 || ids[2] != 3)
        return lab_fail(c, LAB_E_FORMAT, "classes");
    if (strcmp(lab_arg_string(c, 7, NULL), "a, b") != 0)
        return lab_fail(c, LAB_E_FORMAT, "string");
    return lab_result_like(c, lab_input(c)) ? LAB_OK : lab_call_status(c);
}

static void defaults_of_every_type(void **state)
{
    (void)state;
    static const lab_param params[] = {
        { .name = "i", .type = LAB_INT, .doc = "d", .def = "-3" },
        { .name = "f", .type = LAB_FLOAT, .doc = "d", .def = "1e-3" },
        { .name = "e", .type = LAB_ENUM, .doc = "d", .choices = "one|two", .def = "two" },
        { .name = "c", .type = LAB_COLOR, .doc = "d", .def = "navy" },
        { .name = "l", .type = LAB_FLOATS, .doc = "d", .def = "0.5, -2" },
        { .name = "k", .type = LAB_CLASSES, .doc = "d", .def = "0, screen" },
        { .name = "b", .type = LAB_BOOL, .doc = "d", .def = "true" },
        { .name = "s", .type = LAB_STRING, .doc = "d", .def = "a, b" },
        LAB_PARAM_END,
    };
    static const lab_op op = { .name = "map.defaults",
                               .summary = "s",
                               .in = LAB_LABELMAP,
                               .out = LAB_LABELMAP,
                               .params = params,
                               .run = read_defaults };
    fixture_add(&fix, &op);
    lab_call *other = fixture_call(&fix, "map.defaults");
    lab_status status = lab_call_run(other, &error);
    lab_call_free(other);
    if (status)
        fail_msg("%s", error.message);
}

static void the_input_is_checked(void **state)
{
    (void)state;
    lab_tensor mask;
    lab_call *other;
    const int32_t shape[] = { 2, 2 };
    TAKEN(lab_tensor_new(&fix.ctx, LAB_MASK, LAB_U8, 2, shape, &mask, &error));
    REFUSED(
        lab_call_new(fix.registry, lab_registry_op(fix.registry, "map.all"), &mask, &other, &error),
        "map.all: the input must be of kind labelmap, got mask 2x2 u8");
    assert_null(other);
    lab_tensor_clear(&mask);
    lab_call_free(NULL);
}

static lab_status use_every_setter(const lab_allocator *allocator, void *user, lab_error *e)
{
    (void)user;
    fixture f;
    lab_status status = fixture_init(&f, allocator, 1, e);
    if (status)
        return status;
    lab_call *c = NULL;
    lab_tensor out = { 0 };
    status = lab_call_new(f.registry, lab_registry_op(f.registry, "map.all"), &f.map, &c, e);
    for (int i = 0; !status && i < 40; i++)
        status = lab_call_add_number(c, P_WEIGHTS, i / 40.0, e);
    for (int i = 0; !status && i < 40; i++)
        status = lab_call_add_number(c, P_CLASSES, i, e);
    if (!status)
        status = lab_call_set_string(c, P_TEXT, "some text", 9, e);
    if (!status)
        status = lab_call_set_string(c, P_METHOD, "area", 4, e);
    if (!status)
        status = lab_call_set_tensor(c, P_TENSOR, &f.map, e);
    if (!status)
        status = lab_call_run(c, e);
    if (!status)
        status = lab_call_take_tensor(c, &out, e);
    lab_tensor_clear(&out);
    lab_call_free(c);
    fixture_finish(&f);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep_whole(use_every_setter, NULL) > 10);
}

static int begin(void **state)
{
    (void)state;
    memset(&error, 0, sizeof error);
    lab_status status = fixture_init(&fix, NULL, 1, NULL);
    if (!status)
        call = fixture_call(&fix, "map.all");
    return status;
}

static int end(void **state)
{
    (void)state;
    lab_call_free(call);
    fixture_finish(&fix);
    return 0;
}

#define IN_CALL(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CALL(whole_numbers),
        IN_CALL(numbers_and_flags),
        IN_CALL(choices_and_text),
        IN_CALL(colors),
        IN_CALL(color_lists_have_three_or_four),
        IN_CALL(classes),
        IN_CALL(class_names_need_a_label_set),
        IN_CALL(lists_of_numbers),
        IN_CALL(tensors),
        IN_CALL(wrong_reads_are_harmless),
        IN_CALL(names_of_options),
        IN_CALL(defaults_and_missing),
        IN_CALL(defaults_of_every_type),
        IN_CALL(the_input_is_checked),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
