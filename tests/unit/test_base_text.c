/* base/error.h, base/text.h, base/sha256.h, base/checked.h and base/cpu.h. */
#include "support/cmocka_all.h"

#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"

static void error_is_set_and_prefixed(void **state)
{
    (void)state;
    lab_error error;
    assert_int_equal(lab_error_set(&error, LAB_E_FORMAT, "op %d: %s", 17, "bad"), LAB_E_FORMAT);
    assert_string_equal(error.message, "op 17: bad");
    assert_int_equal(lab_error_prefix(&error, "%s", "x.tflite"), LAB_E_FORMAT);
    assert_string_equal(error.message, "x.tflite: op 17: bad");
    assert_int_equal(error.status, LAB_E_FORMAT);
    /* an argument may be the message itself */
    lab_error_set(&error, LAB_E_IO, "again: %s", error.message);
    assert_string_equal(error.message, "again: x.tflite: op 17: bad");
    assert_int_equal(lab_error_set(NULL, LAB_E_IO, "nobody listens"), LAB_E_IO);
    assert_int_equal(lab_error_nomem(&error, 1234, "a test"), LAB_E_NOMEM);
    assert_non_null(strstr(error.message, "1234 bytes for a test"));
}

static void long_message_is_cut_between_characters(void **state)
{
    (void)state;
    lab_error error;
    char text[LAB_MESSAGE_MAX + 10];
    /* "é" is two bytes: with one byte in front, the limit of 511 falls inside a character. */
    for (int lead = 0; lead < 2; lead++) {
        memset(text, 'a', (size_t)lead);
        size_t at = (size_t)lead;
        for (; at + 2 < sizeof text; at += 2)
            memcpy(text + at, "\xc3\xa9", 2);
        text[at] = '\0';
        lab_error_set(&error, LAB_E_IO, "%s", text);
        size_t length = strlen(error.message);
        assert_true(lab_utf8_valid(error.message, length));
        assert_int_equal(length, lead ? 511 : 510);
    }
    memset(text, 'x', LAB_MESSAGE_MAX - 1);
    text[LAB_MESSAGE_MAX - 1] = '\0';
    lab_error_set(&error, LAB_E_IO, "%s", text);
    assert_string_equal(error.message, text); /* exactly as long as fits */
}

static void every_status_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(lab_status_name(LAB_OK), "OK");
    for (int s = LAB_E_LIMIT; s < 0; s++)
        assert_string_not_equal(lab_status_name((lab_status)s), "UNKNOWN");
    assert_string_equal(lab_status_name((lab_status)-99), "UNKNOWN");
}

static void nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = { "width", "height", "method", "alpha" };
#define NEAREST(word) lab_nearest(word, words, 4)
    assert_string_equal(NEAREST("widht"), "width"); /* a swap counts once */
    assert_string_equal(NEAREST("WIDTH"), "width");
    assert_string_equal(NEAREST("heigt"), "height");
    assert_string_equal(NEAREST("alpah"), "alpha");
    assert_null(NEAREST("colour"));
    assert_null(NEAREST(""));
    assert_null(NEAREST("z"));
    assert_null(lab_nearest("x", (const char *const[]){ "y" }, 1)); /* nothing in common */
    char endless[500];
    memset(endless, 'w', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(NEAREST(endless));
    assert_null(lab_nearest("word", NULL, 0));
}

static void utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "plain", true },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true },
        { "\xc0\x80", false },
        { "\xe0\x80\x80", false },     /* overlong */
        { "\xed\xa0\x80", false },     /* surrogate */
        { "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xff", false },
        { "\xc3", false }, /* cut off */
        { "a\x80", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(lab_utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
    assert_int_equal(lab_utf8_cut("abc", 3, 8), 3);
    assert_int_equal(lab_utf8_cut("a\xe2\x82\xac"
                                  "b",
                                  5, 3),
                     1);
    assert_true(lab_same_text("Person", "pERSON"));
    assert_false(lab_same_text("person", "persons"));
    assert_false(lab_same_text("persons", "person"));
}

static void sha256_test_vectors(void **state)
{
    (void)state;
    char hex[LAB_SHA256_HEX];
    lab_sha256_hex("abc", 3, hex); /* FIPS 180-4 example */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    lab_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void checked_arithmetic(void **state)
{
    (void)state;
    size_t out;
    assert_true(lab_mul_size(3, 5, &out));
    assert_int_equal(out, 15);
    assert_false(lab_mul_size(SIZE_MAX, 2, &out));
    assert_false(lab_add_size(SIZE_MAX, 1, &out));
    assert_true(lab_round_up(65, 64, &out));
    assert_int_equal(out, 128);
    assert_false(lab_round_up(SIZE_MAX - 3, 64, &out));
}

static void cpu(void **state)
{
    (void)state;
    uint64_t features = lab_cpu_features();
    if (features & LAB_CPU_AVX512VNNI)
        assert_true(features & LAB_CPU_AVX512);
    if (features & LAB_CPU_AVX512)
        assert_true(features & LAB_CPU_AVX2);
    assert_true(features == lab_cpu_features());
    char name[8], longer[128];
    memset(name, 'x', sizeof name);
    lab_cpu_name(name, sizeof name); /* cut, and ended */
    assert_non_null(memchr(name, '\0', sizeof name));
    lab_cpu_name(longer, sizeof longer);
    assert_true(strlen(longer) > 0);
    print_message("CPU: %s, features %llx\n", longer, (unsigned long long)features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_is_set_and_prefixed),
        cmocka_unit_test(long_message_is_cut_between_characters),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(utf8),
        cmocka_unit_test(sha256_test_vectors),
        cmocka_unit_test(checked_arithmetic),
        cmocka_unit_test(cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
