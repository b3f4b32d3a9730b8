/* The superpixels plugin: cases known by hand, what every result must be, and votes counted anew.
 */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "plugin_cases.h"

lab_plugin_entry_fn lab_plugin_entry_superpixels;

static ops_host host;

static void cut(const lab_tensor *image, int count, double compactness, lab_tensor *out)
{
    op_tensor(&host, "image.superpixels", image,
              ARGS(ARG_I("count", count), ARG_F("compactness", compactness)), out);
    assert_int_equal(out->dtype, LAB_U16);
    assert_int_equal(out->shape[0], image->shape[0]);
    assert_int_equal(out->shape[1], image->shape[1]);
}

/* Four flat quarters and four centres: the quarters, numbered by rows. */
static void quarters_are_found(void **state)
{
    (void)state;
    static const uint8_t colors[4] = { 0, 90, 170, 255 };
    lab_tensor image, out;
    make_picture(&host.ctx, 40, 24, 1, &image);
    for (int i = 0; i < 40 * 24; i++)
        ((uint8_t *)image.data)[i] = colors[(i / 40 >= 12) * 2 + (i % 40 >= 20)];
    cut(&image, 4, 10, &out);
    for (int i = 0; i < 40 * 24; i++)
        assert_int_equal(((uint16_t *)out.data)[i], (i / 40 >= 12) * 2 + (i % 40 >= 20));
    lab_tensor_clear(&out);
    lab_tensor_clear(&image);
}

/* A flat picture has nothing but place: squares. */
static void flat_pictures_give_squares(void **state)
{
    (void)state;
    lab_tensor image, out;
    make_picture(&host.ctx, 36, 27, 4, &image);
    memset(image.data, 128, image.size);
    cut(&image, 12, 10, &out);
    for (int i = 0; i < 36 * 27; i++)
        assert_int_equal(((uint16_t *)out.data)[i], i / 36 / 9 * 4 + i % 36 / 9);
    lab_tensor_clear(&out);
    lab_tensor_clear(&image);
}

/* An edge that no grid line meets is still followed. */
static void edges_are_followed(void **state)
{
    (void)state;
    lab_tensor image, out;
    make_halves(&host.ctx, 60, 40, 23, &image);
    cut(&image, 24, 10, &out);
    uint8_t side[65536] = { 0 };
    for (int i = 0; i < 60 * 40; i++)
        side[((uint16_t *)out.data)[i]] |= i % 60 < 23 ? 1 : 2;
    for (int id = 0; id < 65536; id++)
        assert_int_not_equal(side[id], 3);
    lab_tensor_clear(&out);
    lab_tensor_clear(&image);
}

/* ---- what always holds ---- */

static int flood(const uint16_t *ids, int width, int n, int start, uint8_t *seen, int *stack)
{
    int size = 0, top = 0;
    stack[top++] = start;
    seen[start] = 1;
    while (top > 0) {
        int i = stack[--top], x = i % width;
        int around[4] = { x > 0 ? i - 1 : -1, x + 1 < width ? i + 1 : -1, i - width, i + width };
        size++;
        for (int k = 0; k < 4; k++) {
            int j = around[k];
            if (j >= 0 && j < n && !seen[j] && ids[j] == ids[start]) {
                seen[j] = 1;
                stack[top++] = j;
            }
        }
    }
    return size;
}

/* Each id is one connected piece, they are numbered as a scan meets them, and none is tiny. */
static void check_pieces(const lab_tensor *out, int count)
{
    int width = out->shape[1], n = width * out->shape[0], next = 0, centers = count < n ? count : n;
    const uint16_t *ids = out->data;
    uint8_t *seen = calloc((size_t)n, 1);
    int *stack = malloc((size_t)n * sizeof *stack);
    assert_non_null(seen);
    assert_non_null(stack);
    for (int i = 0; i < n; i++) {
        if (seen[i])
            continue;
        assert_int_equal(ids[i], next);
        int size = flood(ids, width, n, i, seen, stack);
        if (size * 4 < n / centers)
            fail_msg("piece %d has %d of %d pixels", next, size, n);
        next++;
    }
    assert_true(next <= 4 * centers);
    free(stack);
    free(seen);
}

static void pieces_are_connected(void **state)
{
    (void)state;
    static const int32_t sizes[][2] = { { 1, 1 },   { 1, 50 },  { 50, 1 },   { 3, 2 },
                                        { 37, 53 }, { 200, 3 }, { 129, 127 } };
    static const int counts[] = { 1, 2, 7, 60, 16383 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            lab_tensor image, out;
            make_picture(&host.ctx, sizes[s][0], sizes[s][1], c % 2 ? 3 : 1, &image);
            uint32_t seed = 5;
            for (size_t i = 0; i < image.size && c != 3; i++) /* worst of all: nothing but noise */
                ((uint8_t *)image.data)[i] = (uint8_t)random_next(&seed);
            cut(&image, counts[c], c == 2 ? 0.01 : 10, &out);
            check_pieces(&out, counts[c]);
            lab_tensor_clear(&out);
            lab_tensor_clear(&image);
        }
}

/* ---- votes ---- */

static void check_votes(const lab_tensor *map, const lab_tensor *regions, const lab_tensor *out)
{
    int n = map->shape[0] * map->shape[1];
    bool wide = map->dtype == LAB_U16;
    for (int i = 0; i < n; i++) {
        int votes[300] = { 0 }, best = 0;
        for (int j = 0; j < n; j++) {
            if (((uint8_t *)regions->data)[j] == ((uint8_t *)regions->data)[i])
                votes[wide ? ((uint16_t *)map->data)[j] : ((uint8_t *)map->data)[j]]++;
        }
        for (int k = 1; k < 300; k++)
            best = votes[k] > votes[best] ? k : best;
        assert_int_equal(wide ? ((uint16_t *)out->data)[i] : ((uint8_t *)out->data)[i], best);
    }
}

static void votes_are_counted(void **state)
{
    (void)state;
    for (int n_regions = 1; n_regions < 40; n_regions += 9) {
        lab_tensor map, regions, wide, out;
        make_bytes(&host.ctx, LAB_LABELMAP, 19, 13, 4, 3, &map);
        make_bytes(&host.ctx, LAB_LABELMAP, 19, 13, (uint32_t)n_regions, 8, &regions);
        op_tensor(&host, "map.vote", &map, ARGS(ARG_T("regions", &regions)), &out);
        check_votes(&map, &regions, &out);
        lab_tensor_clear(&out);
        assert_int_equal(
            lab_tensor_new(&host.ctx, LAB_LABELMAP, LAB_U16, 2, map.shape, &wide, NULL), LAB_OK);
        for (size_t i = 0; i < map.size; i++)
            ((uint16_t *)wide.data)[i] = (uint16_t)(((uint8_t *)map.data)[i] * 70);
        op_tensor(&host, "map.vote", &wide, ARGS(ARG_T("regions", &regions)), &out);
        check_votes(&wide, &regions, &out);
        lab_tensor_clear(&out);
        lab_tensor_clear(&wide);
        lab_tensor_clear(&regions);
        lab_tensor_clear(&map);
    }
}

/* By hand: a tie goes to the lower id, whoever came first. */
static void ties_go_to_the_lowest_id(void **state)
{
    (void)state;
    lab_tensor map, regions, out;
    make_bytes(&host.ctx, LAB_LABELMAP, 6, 1, 1, 1, &map);
    make_bytes(&host.ctx, LAB_LABELMAP, 6, 1, 1, 1, &regions);
    memcpy(map.data, "\5\2\5\2\11\3", 6);
    memcpy(regions.data, "\0\0\0\0\1\1", 6);
    op_tensor(&host, "map.vote", &map, ARGS(ARG_T("regions", &regions)), &out);
    assert_memory_equal(out.data, "\2\2\2\2\3\3", 6);
    lab_tensor_clear(&out);
    lab_tensor_clear(&map);
    make_bytes(&host.ctx, LAB_LABELMAP, 3, 2, 1, 1, &map);
    op_refused(&host, "map.vote", &map, ARGS(ARG_T("regions", &regions)), LAB_E_INVALID,
               "regions is 6x1, but the map is 3x2");
    lab_tensor_clear(&map);
    lab_tensor_clear(&regions);
}

static void threads_memory_and_stops(void **state)
{
    (void)state;
    lab_tensor image, map, regions;
    make_picture(&host.ctx, 211, 157, 3, &image);
    make_bytes(&host.ctx, LAB_LABELMAP, 211, 157, 6, 1, &map);
    const op_arg few[] = { ARG_I("count", 150), NO_ARG };
    same_with_threads("image.superpixels", &image, few);
    same_with_threads("image.superpixels", &image, NULL);
    sweep_op("image.superpixels", &image, few);
    stop_op("image.superpixels", &image, few);
    cut(&image, 150, 10, &regions);
    const op_arg args[] = { ARG_T("regions", &regions), NO_ARG };
    same_with_threads("map.vote", &map, args);
    sweep_op("map.vote", &map, args);
    lab_tensor_clear(&regions);
    lab_tensor_clear(&map);
    lab_tensor_clear(&image);
}

static int begin(void **state)
{
    (void)state;
    ops_extra_plugin = lab_plugin_entry_superpixels(NULL);
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
        cmocka_unit_test(quarters_are_found),       cmocka_unit_test(flat_pictures_give_squares),
        cmocka_unit_test(edges_are_followed),       cmocka_unit_test(pieces_are_connected),
        cmocka_unit_test(votes_are_counted),        cmocka_unit_test(ties_go_to_the_lowest_id),
        cmocka_unit_test(threads_memory_and_stops),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
