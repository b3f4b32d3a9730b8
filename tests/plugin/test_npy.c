/* The npy plugin: files as NumPy writes them, byte by byte, and files that nobody should write. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "plugin_cases.h"
#include "support/fail_alloc.h"

lab_plugin_entry_fn lab_plugin_entry_npy;

static ops_host host;

/* A file of version 1 with this header and these elements; malloc. */
static uint8_t *make_file(const char *header, const void *data, size_t n_data, size_t *size)
{
    size_t length = strlen(header);
    *size = 10 + length + n_data;
    uint8_t *file = malloc(*size); /* exactly: sanitizers see a read beyond the end */
    assert_non_null(file);
    memcpy(file, "\x93NUMPY\1", 8);
    file[8] = (uint8_t)length;
    file[9] = (uint8_t)(length >> 8);
    for (size_t i = 0; i < length; i++)
        file[10 + i] = (uint8_t)header[i];
    if (n_data)
        memcpy(file + 10 + length, data, n_data);
    return file;
}

static lab_status read_file(const char *header, const void *data, size_t n_data, lab_tensor *out,
                            lab_error *error)
{
    size_t size;
    uint8_t *file = make_file(header, data, n_data, &size);
    lab_status status = lab_call_read(host.registry, file, size, "a.npy", out, error);
    free(file);
    return status;
}

static void expect(const char *header, const void *data, size_t n_data, const char *description,
                   const void *result)
{
    lab_tensor out;
    lab_error error = { 0 };
    char text[160];
    assert_ok(read_file(header, data, n_data, &out, &error), &error);
    lab_tensor_describe(&out, text, sizeof text);
    assert_string_equal(text, description);
    assert_memory_equal(out.data, result, out.size);
    lab_tensor_clear(&out);
}

static void refuse(const char *header, size_t n_data, lab_status status, const char *words)
{
    static const uint8_t zeros[64];
    lab_tensor out;
    lab_error error = { 0 };
    lab_status got = read_file(header, zeros, n_data, &out, &error);
    if (got != status || strncmp(error.message, "npy: ", 5) != 0 || !strstr(error.message, words))
        fail_msg("%s: expected \"%s\", got %s: %s", header, words, lab_status_name(got),
                 error.message);
}

static void kinds_and_types(void **state)
{
    (void)state;
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }   \n", "\1\2\3\4\5\6", 6,
           "labelmap 3x2 u8", "\1\2\3\4\5\6");
    expect("{'descr': '<u2', 'fortran_order': False, 'shape': (1, 2), }", "\1\2\3\4", 4,
           "labelmap 2x1 u16", "\1\2\3\4");
    expect("{'descr': '|b1', 'fortran_order': False, 'shape': (1, 3), }", "\0\1\2", 3,
           "mask 3x1 u8", "\0\377\377");
    expect("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\0\1\2", 3, "tensor 3 u8",
           "\0\1\1");
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 3), }", "abc", 3,
           "image 1x1x3 u8", "abc");
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2), }", "ab", 2,
           "tensor 1x1x2 u8", "ab");
    expect("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", "abcdefgh", 8,
           "tensor 2x1 f32", "abcdefgh");
    expect("{\"shape\": (1,), \"descr\": \"<i8\", \"fortran_order\": False}", "abcdefgh", 8,
           "tensor 1 i64", "abcdefgh");
}

/* Big-endian elements are turned round; columns first become rows first. */
static void orders(void **state)
{
    (void)state;
    const uint16_t one = 1;
    if (*(const uint8_t *)&one == 0)
        skip();
    expect("{'descr': '>u2', 'fortran_order': False, 'shape': (1, 2), }", "\1\2\3\4", 4,
           "labelmap 2x1 u16", "\2\1\4\3");
    expect("{'descr': '>i8', 'fortran_order': False, 'shape': (1,), }", "abcdefgh", 8,
           "tensor 1 i64", "hgfedcba");
    expect("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", "\1\2\3\4\5\6", 6,
           "labelmap 3x2 u8", "\1\3\5\2\4\6");
    uint8_t src[24], dst[24];
    for (int i = 0; i < 24; i++) /* [2][3][4]: element (a, b, c) lies at a + 2 b + 6 c */
        src[i] = (uint8_t)i;
    for (int i = 0; i < 24; i++)
        dst[i] = (uint8_t)(i / 12 + 2 * (i / 4 % 3) + 6 * (i % 4));
    expect("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3, 4), }", src, 24,
           "tensor 2x3x4 i8", dst);
}

static void malformed_files(void **state)
{
    (void)state;
    refuse("", 0, LAB_E_FORMAT, "expected '{' at byte 10");
    refuse("{}", 0, LAB_E_FORMAT, "is missing");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", 5, LAB_E_FORMAT,
           "promises 6 elements of 1 bytes, but 5 bytes follow");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", 7, LAB_E_FORMAT,
           "promises 6 elements");
    refuse("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 8, LAB_E_UNSUPPORTED,
           "elements of type '<f8' are not read");
    refuse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, LAB_E_FORMAT,
           "records are not read");
    refuse("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, LAB_E_UNSUPPORTED,
           "'|O'");
    refuse("{'descr': 'toolongtobetrue', 'shape': (1,)}", 0, LAB_E_FORMAT, "the elements' type");
    refuse("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,), }", 1, LAB_E_FORMAT,
           "expected True or False");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (1, x), }", 1, LAB_E_FORMAT,
           "expected a dimension");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 4), }", 0, LAB_E_UNSUPPORTED,
           "empty");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", 0, LAB_E_FORMAT,
           "expected a dimension");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1)}", 1, LAB_E_LIMIT,
           "more than 5 dimensions");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", 1,
           LAB_E_LIMIT, "is above 2147483647");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, "
           "2147483647)}",
           4, LAB_E_LIMIT, "more than memory can hold");
    refuse("{'descr': '|u1', 'descr': '|u1'}", 1, LAB_E_FORMAT, "unknown or there twice");
    refuse("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", 1, LAB_E_FORMAT,
           "expected nothing more");
    refuse("{'descr': '|u1' 'shape': (1,)}", 1, LAB_E_FORMAT, "expected ',' or '}'");
}

/* Every prefix of a good file, and every byte of its header replaced by others. */
static void damaged_files(void **state)
{
    (void)state;
    size_t size;
    lab_tensor out;
    uint8_t *file = make_file("{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3), }",
                              "abcdefghijkl", 12, &size);
    for (size_t n = 0; n < size; n++) {
        lab_error error = { 0 };
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, file, n);
        assert_int_not_equal(lab_call_read(host.registry, cut, n, "", &out, &error), LAB_OK);
        assert_true(error.message[0]);
        free(cut);
    }
    for (size_t i = 6; i < size - 12; i++) {
        for (int v = 0; v < 256; v++) {
            lab_error error = { 0 };
            uint8_t kept = file[i];
            file[i] = (uint8_t)v;
            if (lab_call_read(host.registry, file, size, "", &out, &error) == LAB_OK)
                lab_tensor_clear(&out);
            else
                assert_true(error.message[0]);
            file[i] = kept;
        }
    }
    free(file);
}

/* What is written is read again, and begins where NumPy wants it. */
static void there_and_back(void **state)
{
    (void)state;
    static const lab_dtype types[] = { LAB_U8,  LAB_I8,  LAB_U16, LAB_I16,
                                       LAB_I32, LAB_I64, LAB_F16, LAB_F32 };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (uint32_t rank = 0; rank <= LAB_MAX_RANK; rank++) {
            const int32_t shape[LAB_MAX_RANK] = { 3, 2, 5, 1, 7 };
            lab_tensor in, out;
            lab_call *call;
            lab_error error = { 0 };
            assert_ok(lab_tensor_new(&host.ctx, LAB_TENSOR, types[i], rank, shape, &in, &error),
                      &error);
            for (size_t k = 0; k < in.size; k++)
                ((uint8_t *)in.data)[k] = (uint8_t)(k * 7);
            assert_ok(op_run(&host, "tensor.npy", &in, NULL, &call, &error), &error);
            size_t size;
            const uint8_t *bytes = lab_call_bytes(call, &size);
            assert_int_equal((size - in.size) % 64, 0);
            assert_int_equal(bytes[size - in.size - 1], '\n');
            assert_ok(lab_call_read(host.registry, bytes, size, "", &out, &error), &error);
            assert_int_equal(out.dtype, types[i]);
            assert_int_equal(out.rank, rank);
            assert_memory_equal(out.shape, in.shape, rank * sizeof *shape);
            assert_memory_equal(out.data, in.data, in.size);
            lab_tensor_clear(&out);
            lab_call_free(call);
            lab_tensor_clear(&in);
        }
}

static lab_status read_once(const lab_allocator *allocator, void *user, lab_error *error)
{
    ops_host other;
    lab_tensor out;
    size_t size;
    (void)user;
    uint8_t *file = make_file("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }",
                              "abcdef", 6, &size);
    lab_status status = ops_host_init(&other, allocator, 1, error);
    if (!status) {
        status = lab_call_read(other.registry, file, size, "", &out, error);
        lab_tensor_clear(&out);
        ops_host_finish(&other);
    }
    free(file);
    return status;
}

static void memory(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep_whole(read_once, NULL) > 0);
    lab_tensor map;
    make_bytes(&host.ctx, LAB_LABELMAP, 13, 7, 6, 1, &map);
    sweep_op("map.npy", &map, NULL);
    lab_tensor_clear(&map);
}

static int begin(void **state)
{
    (void)state;
    ops_extra_plugin = lab_plugin_entry_npy(NULL);
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
        cmocka_unit_test(kinds_and_types), cmocka_unit_test(orders),
        cmocka_unit_test(malformed_files), cmocka_unit_test(damaged_files),
        cmocka_unit_test(there_and_back),  cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
