/* Label maps as bytes: nothing is lost, little is stored, and hostile bytes are refused. */
#include "catalog/map_codec.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "db/db_support.h"
#include "image/image.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Encodes, decodes and compares; returns the encoded size. */
static size_t round_trip(lab_context *ctx, const lab_tensor *map)
{
    lab_error error;
    lab_buffer *bytes;
    lab_tensor back;
    assert_ok(lab_map_encode(ctx, map, &bytes, &error));
    size_t size = lab_buffer_size(bytes);
    assert_ok(lab_map_decode(ctx, lab_buffer_data(bytes), size, &back, &error));
    assert_int_equal(back.kind, LAB_LABELMAP);
    assert_int_equal(back.dtype, map->dtype);
    assert_int_equal(back.shape[0], map->shape[0]);
    assert_int_equal(back.shape[1], map->shape[1]);
    assert_memory_equal(back.data, map->data, map->size);
    assert_true(size <= map->size + 14);
    lab_tensor_clear(&back);
    lab_buffer_unref(bytes);
    return size;
}

static void new_map(lab_context *ctx, lab_dtype dtype, int32_t width, int32_t height,
                    lab_tensor *out)
{
    lab_error error;
    int32_t shape[2] = { height, width };
    assert_ok(lab_tensor_new(ctx, LAB_LABELMAP, dtype, 2, shape, out, &error));
    memset(out->data, 0, out->size);
}

static void test_sizes_and_noise(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    static const int32_t sides[] = { 1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 129 };
    uint64_t noise = 1;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        for (size_t j = 0; j < sizeof sides / sizeof *sides; j++) {
            for (uint32_t density = 0; density < 12; density++) {
                lab_dtype dtype = density % 2 ? LAB_U16 : LAB_U8;
                lab_tensor map;
                new_map(ctx, dtype, sides[i], sides[j], &map);
                /* Speckle from none to everywhere, over ever more classes. */
                for (size_t k = 0; k < map.size; k++)
                    if (db_random(&noise) % 12 < density)
                        ((uint8_t *)map.data)[k] = (uint8_t)(db_random(&noise) % (2u << density));
                round_trip(ctx, &map);
                lab_tensor_clear(&map);
            }
        }
    }
}

/* Diagonals, single pixels, stripes that come and go: what rows predicted from rows find hard. */
static void test_patterns(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    for (int32_t pattern = 0; pattern < 40; pattern++) {
        lab_tensor map;
        new_map(ctx, pattern % 2 ? LAB_U16 : LAB_U8, 101, 67, &map);
        for (int32_t y = 0; y < 67; y++) {
            for (int32_t x = 0; x < 101; x++) {
                int32_t id = (x + y * (pattern - 20)) / (1 + pattern % 7) % (2 + pattern % 5);
                id = id < 0 ? -id : id;
                if (pattern % 3 == 0 && (x ^ y) % 11 == 0)
                    id = 200;
                size_t at = (size_t)y * 101 + (size_t)x;
                if (map.dtype == LAB_U8)
                    ((uint8_t *)map.data)[at] = (uint8_t)id;
                else
                    ((uint16_t *)map.data)[at] = (uint16_t)(id * 300);
            }
        }
        round_trip(ctx, &map);
        lab_tensor_clear(&map);
    }
}

static void test_compact(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    lab_error error;
    lab_tensor map;
    new_map(ctx, LAB_U8, 4000, 3000, &map);
    assert_true(round_trip(ctx, &map) < 16); /* one colour: a header and a count */
    lab_tensor_clear(&map);
    for (int k = 0; k < 2; k++) {
        assert_ok(db_scene(ctx, k ? LAB_U16 : LAB_U8, 500, 375, 12, NULL, &map, &error));
        size_t size = round_trip(ctx, &map);
        print_message("12 discs, 500x375 %s: %zu bytes, %.2f %% of raw\n", k ? "u16" : "u8", size,
                      100.0 * (double)size / (double)map.size);
        assert_true(size * 50 <= map.size);
        lab_tensor_clear(&map);
    }
}

static void test_speed(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    lab_error error;
    lab_tensor map, back;
    lab_buffer *bytes = NULL;
    int rounds = 20;
    assert_ok(db_scene(ctx, LAB_U8, 2000, 1500, 12, NULL, &map, &error));
    double start = now();
    for (int i = 0; i < rounds; i++) {
        lab_buffer_unref(bytes);
        assert_ok(lab_map_encode(ctx, &map, &bytes, &error));
    }
    double encoded = now();
    for (int i = 0; i < rounds; i++) {
        assert_ok(
            lab_map_decode(ctx, lab_buffer_data(bytes), lab_buffer_size(bytes), &back, &error));
        lab_tensor_clear(&back);
    }
    double decoded = now(), megabytes = rounds * (double)map.size * 1e-6;
    print_message("2000x1500: %zu bytes; encode %.0f MB/s, decode %.0f MB/s of raw map\n",
                  lab_buffer_size(bytes), megabytes / (encoded - start),
                  megabytes / (decoded - encoded));
    lab_buffer_unref(bytes);
    lab_tensor_clear(&map);
}

/* One truth map of voc-mini; false when the file is not a map we can read. */
static bool voc_map(lab_context *ctx, const char *name, size_t *raw, size_t *stored,
                    double *seconds)
{
    char path[1024];
    lab_error error;
    lab_buffer *file, *bytes;
    lab_tensor map, back;
    snprintf(path, sizeof path, TEST_SHARED_DIR "/voc-mini/truth/%s", name);
    assert_ok(lab_file_read(ctx, path, 1 << 24, &file, &error));
    assert_ok(lab_labelmap_decode(ctx, lab_buffer_data(file), lab_buffer_size(file), &map, NULL,
                                  NULL, &error));
    lab_buffer_unref(file);
    *stored += round_trip(ctx, &map);
    *raw += map.size;
    double start = now();
    assert_ok(lab_map_encode(ctx, &map, &bytes, &error));
    double middle = now();
    assert_ok(lab_map_decode(ctx, lab_buffer_data(bytes), lab_buffer_size(bytes), &back, &error));
    seconds[0] += middle - start;
    seconds[1] += now() - middle;
    lab_buffer_unref(bytes);
    lab_tensor_clear(&back);
    lab_tensor_clear(&map);
    return true;
}

static void test_voc(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    DIR *folder = opendir(TEST_SHARED_DIR "/voc-mini/truth");
    if (!folder) {
        print_message("skipped: " TEST_SHARED_DIR "/voc-mini is not there\n");
        skip();
        return;
    }
    size_t raw = 0, stored = 0;
    double seconds[2] = { 0, 0 };
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strstr(entry->d_name, ".png"))
            n += voc_map(ctx, entry->d_name, &raw, &stored, seconds);
    closedir(folder);
    print_message("%d truth maps: %zu of %zu bytes, %.2f %%; encode %.0f MB/s, decode %.0f MB/s\n",
                  n, stored, raw, 100.0 * (double)stored / (double)raw,
                  (double)raw * 1e-6 / seconds[0], (double)raw * 1e-6 / seconds[1]);
    assert_true(n > 0 && stored * 50 <= raw);
}

/* The example of db/MAP_FORMAT.md, byte for byte, in both directions. */
static void test_documented(void **state)
{
    static const uint8_t ids[] = { 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 0, 0,
                                   0, 5, 5, 5, 0, 0, 0, 5, 5, 5, 0, 0 };
    static const uint8_t expected[] = { 0x4c, 0x4d, 0x01, 0x01, 0x06, 0x04,
                                        0x82, 0xe2, 0x05, 0xf2, 0x27, 0x85 };
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    lab_error error;
    lab_tensor map, back;
    lab_buffer *bytes;
    new_map(ctx, LAB_U8, 6, 4, &map);
    memcpy(map.data, ids, sizeof ids);
    assert_ok(lab_map_encode(ctx, &map, &bytes, &error));
    assert_int_equal(lab_buffer_size(bytes), sizeof expected);
    assert_memory_equal(lab_buffer_data(bytes), expected, sizeof expected);
    assert_ok(lab_map_decode(ctx, expected, sizeof expected, &back, &error));
    assert_memory_equal(back.data, ids, sizeof ids);
    lab_tensor_clear(&back);
    lab_tensor_clear(&map);
    lab_buffer_unref(bytes);
}

static void test_refused(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    lab_error error;
    lab_tensor out, image;
    lab_buffer *bytes;
    static const struct {
        const char *bytes;
        size_t size;
        lab_status status;
        const char *text;
    } cases[] = {
        { "", 0, LAB_E_FORMAT, "byte 0" },
        { "LM\1\1\1", 5, LAB_E_FORMAT, "not an encoded label map" },
        { "\x89PNG\r\n\x1a\n", 8, LAB_E_FORMAT, "not an encoded label map" },
        { "LM\2\1\1\1\x80", 7, LAB_E_UNSUPPORTED, "version 2" },
        { "LM\1\3\1\1\x80", 7, LAB_E_FORMAT, "byte 3" },
        { "LM\1\x41\1\1\x80", 7, LAB_E_FORMAT, "byte 3" },
        { "LM\1\1\0\1\x80", 7, LAB_E_FORMAT, "0x1 pixels" },
        { "LM\1\1\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f", 14, LAB_E_FORMAT,
          "4294967295x4294967295" },
        { "LM\1\1\xff\xff\xff\xff\xff\x0f\1", 11, LAB_E_FORMAT, "byte 4" },
        { "LM\1\x11\2\2abc", 9, LAB_E_FORMAT, "2x2 plain" },
        { "LM\1\1\2\2", 6, LAB_E_FORMAT, "end too early" },
        { "LM\1\1\2\2\x80", 7, LAB_E_FORMAT, "end too early" },
        { "LM\1\1\2\2\x85", 7, LAB_E_FORMAT, "more rows" },
        { "LM\1\1\2\2\x83\x83", 8, LAB_E_FORMAT, "more rows" },
        { "LM\1\1\2\2\xc1", 7, LAB_E_FORMAT, "skipped" },
        { "LM\1\1\2\2\xc0\x80", 8, LAB_E_FORMAT, "without a run" },
        { "LM\1\1\2\2\x08", 7, LAB_E_FORMAT, "before the one to its left" },
        { "LM\1\1\2\2\x18", 7, LAB_E_FORMAT, "end of a row cannot move" },
        { "LM\1\1\2\2\xe2\5", 8, LAB_E_FORMAT, "before the one to its left" },
        { "LM\1\1\2\2\x80\xe2\5", 9, LAB_E_FORMAT, "beyond the row" },
        { "LM\1\1\2\2\xe1\xac\2", 9, LAB_E_FORMAT, "class id" },
        { "LM\1\1\2\2\xf1", 7, LAB_E_FORMAT, "two runs to the left" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(lab_map_decode(ctx, cases[i].bytes, cases[i].size, &out, &error),
                     cases[i].status, cases[i].text);
    int32_t shape[3] = { 4, 4, 3 };
    assert_ok(lab_tensor_new(ctx, LAB_IMAGE, LAB_U8, 3, shape, &image, &error));
    assert_fails(lab_map_encode(ctx, &image, &bytes, &error), LAB_E_INVALID, "image 4x4x3");
    lab_tensor_clear(&image);
}

/* Changed, cut and made-up bytes: a map or a sentence, whatever they are. */
static void test_mutations(void **state)
{
    lab_context *ctx = &((db_fixture *)*state)->ctx;
    lab_error error;
    uint64_t noise = 7;
    int maps = 0, refused = 0;
    for (int kind = 0; kind < 4; kind++) {
        lab_tensor map, out;
        lab_buffer *good;
        assert_ok(db_scene(ctx, kind % 2 ? LAB_U16 : LAB_U8, 90, 60, 9, NULL, &map, &error));
        for (size_t k = 0; kind >= 2 && k < map.size; k += 1 + db_random(&noise) % 30)
            ((uint8_t *)map.data)[k] = (uint8_t)db_random(&noise);
        assert_ok(lab_map_encode(ctx, &map, &good, &error));
        size_t size = lab_buffer_size(good);
        uint8_t *bytes = malloc(size); /* exactly as large: reading beyond it is seen */
        for (int round = 0; round < 20000; round++) {
            memcpy(bytes, lab_buffer_data(good), size);
            for (uint32_t k = db_random(&noise) % 4 + 1; k; k--)
                bytes[(round % 2 ? 4 : 8) + db_random(&noise) % (size - 8)] =
                    (uint8_t)db_random(&noise);
            size_t cut = round % 3 ? size : db_random(&noise) % size;
            uint8_t *exact = malloc(cut ? cut : 1);
            memcpy(exact, bytes, cut);
            lab_status status = lab_map_decode(ctx, exact, cut, &out, &error);
            assert_true(status == LAB_OK || status == LAB_E_FORMAT);
            maps += status == LAB_OK;
            refused += status != LAB_OK;
            lab_tensor_clear(&out);
            free(exact);
        }
        free(bytes);
        lab_buffer_unref(good);
        lab_tensor_clear(&map);
    }
    print_message("mutations: %d decoded, %d refused\n", maps, refused);
    assert_true(maps > 0 && refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_and_noise),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_voc),
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("map codec", tests, db_setup, db_teardown);
}
