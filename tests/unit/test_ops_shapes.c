/* Masks as sets and shapes, and the regions of label maps, against definitions written out. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops_fixture.h"

enum { W = 45, H = 31 };

static ops_host host;

static const uint8_t *bytes(const lab_tensor *t)
{
    return t->data;
}

/* A mask of blobs: noise that has been blurred, so that regions, holes and levels are mixed. */
static void make_blobs(uint32_t seed, lab_tensor *out)
{
    lab_tensor noise;
    make_bytes(&host.ctx, LAB_MASK, W, H, 256, seed, &noise);
    op_tensor(&host, "mask.feather", &noise, ARGS(ARG_F("radius", 2.5)), out);
    uint8_t *p = out->data;
    for (int i = 0; i < W * H; i++) {
        int v = (p[i] - 128) * 5 + 128;
        p[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    lab_tensor_clear(&noise);
}

static void set_algebra(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        int kind;
    } cases[] = { { "mask.intersect", 0 }, { "mask.unite", 1 }, { "mask.subtract", 2 } };
    lab_tensor a, b, other, out;
    make_bytes(&host.ctx, LAB_MASK, W, H, 256, 3, &a);
    make_bytes(&host.ctx, LAB_MASK, W, H, 256, 4, &b);
    make_bytes(&host.ctx, LAB_MASK, H, W, 256, 4, &other);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        op_tensor(&host, cases[c].op, &a, ARGS(ARG_T("with", &b)), &out);
        for (int i = 0; i < W * H; i++) {
            int x = bytes(&a)[i], y = cases[c].kind == 2 ? 255 - bytes(&b)[i] : bytes(&b)[i];
            int expected = (cases[c].kind == 1) == (x > y) ? x : y;
            assert_int_equal(bytes(&out)[i], expected);
        }
        lab_tensor_clear(&out);
        op_refused(&host, cases[c].op, &a, ARGS(ARG_T("with", &other)), LAB_E_INVALID, "31x45");
        same_with_threads(cases[c].op, &a, ARGS(ARG_T("with", &b)));
        sweep_op(cases[c].op, &a, ARGS(ARG_T("with", &b)));
    }
    lab_tensor_clear(&a);
    lab_tensor_clear(&b);
    lab_tensor_clear(&other);
}

/* ---- morphology ---- */

/* The largest (smallest) value within the radius, looked for everywhere. */
static void oracle(const uint8_t *src, uint8_t *dst, int radius, bool disc, bool smallest)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int best = smallest ? 255 : 0;
            for (int v = 0; v < H; v++)
                for (int u = 0; u < W; u++) {
                    int dx = abs(u - x), dy = abs(v - y), value = src[v * W + u];
                    bool within =
                        disc ? dx * dx + dy * dy <= radius * radius : dx <= radius && dy <= radius;
                    if (within && (smallest ? value < best : value > best))
                        best = value;
                }
            dst[y * W + x] = (uint8_t)best;
        }
}

static void morphology(void **state)
{
    (void)state;
    static const int radii[] = { 0, 1, 2, 3, 7, 22, 60, 1024 };
    lab_tensor mask, out;
    uint8_t grown[W * H], shrunk[W * H], opened[W * H], closed[W * H];
    make_blobs(9, &mask);
    for (size_t r = 0; r < sizeof radii / sizeof *radii; r++)
        for (int disc = 0; disc < 2; disc++) {
            const op_arg *args =
                ARGS(ARG_I("radius", radii[r]), ARG_S("shape", disc ? "disc" : "square"));
            oracle(mask.data, grown, radii[r], disc, false);
            oracle(mask.data, shrunk, radii[r], disc, true);
            oracle(shrunk, opened, radii[r], disc, false);
            oracle(grown, closed, radii[r], disc, true);
            const struct {
                const char *op;
                const uint8_t *expected;
            } cases[] = { { "mask.dilate", grown },
                          { "mask.erode", shrunk },
                          { "mask.opening", opened },
                          { "mask.closing", closed } };
            for (int c = 0; c < 4; c++) {
                op_tensor(&host, cases[c].op, &mask, args, &out);
                assert_memory_equal(out.data, cases[c].expected, W * H);
                lab_tensor_clear(&out);
            }
        }
    same_with_threads("mask.dilate", &mask, ARGS(ARG_I("radius", 4)));
    same_with_threads("mask.opening", &mask, ARGS(ARG_I("radius", 4), ARG_S("shape", "square")));
    sweep_op("mask.closing", &mask, ARGS(ARG_I("radius", 3)));
    sweep_op("mask.erode", &mask, ARGS(ARG_I("radius", 3), ARG_S("shape", "square")));
    op_refused(&host, "mask.dilate", &mask, ARGS(ARG_I("radius", -1)), LAB_E_INVALID, "radius");
    lab_tensor_clear(&mask);
}

/* ---- regions, by flooding ---- */

/* Numbers the regions of equal values from 1 on; `diagonal` by value: of 0 and of others. */
static int flood(const uint8_t *v, const bool diagonal[2], int *number)
{
    static int stack[W * H];
    int count = 0;
    memset(number, 0, W * H * sizeof *number);
    for (int i = 0; i < W * H; i++) {
        if (number[i])
            continue;
        int top = 0;
        stack[top++] = i;
        number[i] = ++count;
        while (top > 0) {
            int at = stack[--top], x = at % W, y = at / W;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    int u = x + dx, w = y + dy, next = w * W + u;
                    if (u < 0 || w < 0 || u >= W || w >= H || number[next] || v[next] != v[i])
                        continue;
                    if (dx && dy && !diagonal[v[i] != 0])
                        continue;
                    number[next] = count;
                    stack[top++] = next;
                }
        }
    }
    return count;
}

typedef struct facts {
    int pixels, x0, y0, x1, y1, first;
    double sum_x, sum_y;
} facts;

static facts facts_of(const int *number, int n)
{
    facts f = { .x0 = W, .y0 = H, .x1 = -1, .y1 = -1, .first = -1 };
    for (int i = 0; i < W * H; i++) {
        if (number[i] != n)
            continue;
        int x = i % W, y = i / W;
        f.first = f.first < 0 ? i : f.first;
        f.pixels++;
        f.sum_x += x;
        f.sum_y += y;
        f.x0 = x < f.x0 ? x : f.x0;
        f.x1 = x > f.x1 ? x : f.x1;
        f.y0 = y < f.y0 ? y : f.y0;
        f.y1 = y > f.y1 ? y : f.y1;
    }
    return f;
}

static void map_regions(void **state)
{
    (void)state;
    static int number[W * H];
    lab_tensor map;
    make_bytes(&host.ctx, LAB_LABELMAP, W, H, 3, 5, &map);
    for (int eight = 0; eight < 2; eight++) {
        int count = flood(map.data, (const bool[2]){ eight, eight }, number), rows = 0;
        int64_t last = INT64_MAX, covered = 0;
        lab_call *call;
        lab_error error = { 0 };
        assert_ok(op_run(&host, "map.regions", &map, ARGS(ARG_S("connectivity", eight ? "8" : "4")),
                         &call, &error),
                  &error);
        for (const lab_record *r = lab_call_records(call); r; r = r->next, rows++) {
            int x = (int)record_field(r, "x")->integer, y = (int)record_field(r, "y")->integer;
            facts f = facts_of(number, number[y * W + x]);
            const int32_t *box = record_field(r, "box")->list;
            assert_int_equal(f.first, y * W + x);
            assert_int_equal(record_field(r, "id")->integer, bytes(&map)[y * W + x]);
            assert_int_equal(record_field(r, "pixels")->integer, f.pixels);
            assert_true(box[0] == f.x0 && box[1] == f.y0);
            assert_true(box[2] == f.x1 - f.x0 + 1 && box[3] == f.y1 - f.y0 + 1);
            assert_true(fabs(record_field(r, "centroid_x")->number - f.sum_x / f.pixels) < 1e-9);
            assert_true(fabs(record_field(r, "centroid_y")->number - f.sum_y / f.pixels) < 1e-9);
            assert_true(f.pixels <= last);
            last = f.pixels;
            covered += f.pixels;
        }
        assert_int_equal(rows, count);
        assert_int_equal(covered, W * H);
        lab_call_free(call);
        op_run(&host, "map.regions", &map, ARGS(ARG_C("classes", 1), ARG_I("min_pixels", 5)), &call,
               &error);
        for (const lab_record *r = lab_call_records(call); r; r = r->next)
            assert_true(record_field(r, "id")->integer == 1 &&
                        record_field(r, "pixels")->integer >= 5);
        lab_call_free(call);
    }
    sweep_op("map.regions", &map, ARGS(ARG_I("min_pixels", 3)));
    lab_tensor_clear(&map);
}

static void binary_of(const lab_tensor *mask, uint8_t *binary)
{
    for (int i = 0; i < W * H; i++)
        binary[i] = bytes(mask)[i] >= 128;
}

static void holes(void **state)
{
    (void)state;
    static int number[W * H];
    uint8_t binary[W * H];
    lab_tensor mask, out;
    for (uint32_t seed = 1; seed < 6; seed++)
        for (int eight = 0; eight < 2; eight++)
            for (int most = 0; most < 40; most += 13) {
                make_blobs(seed, &mask);
                binary_of(&mask, binary);
                flood(binary, (const bool[2]){ !eight, eight }, number);
                const op_arg limited[] = { ARG_S("connectivity", eight ? "8" : "4"),
                                           ARG_I("max_pixels", most), NO_ARG };
                const op_arg all[] = { limited[0], NO_ARG };
                op_tensor(&host, "mask.fill_holes", &mask, most ? limited : all, &out);
                for (int i = 0; i < W * H; i++) {
                    facts f = facts_of(number, number[i]);
                    bool hole = !binary[i] && f.x0 > 0 && f.y0 > 0 && f.x1 < W - 1 &&
                                f.y1 < H - 1 && (most == 0 || f.pixels <= most);
                    assert_int_equal(bytes(&out)[i], hole ? 255 : bytes(&mask)[i]);
                }
                lab_tensor_clear(&out);
                lab_tensor_clear(&mask);
            }
    make_blobs(1, &mask);
    sweep_op("mask.fill_holes", &mask, NULL);
    sweep_op("mask.largest_region", &mask, NULL);
    sweep_op("mask.region", &mask, ARGS(ARG_I("x", 1), ARG_I("y", 1)));
    lab_tensor_clear(&mask);
}

static void single_regions(void **state)
{
    (void)state;
    static int number[W * H];
    uint8_t binary[W * H];
    lab_tensor mask, out;
    make_blobs(12, &mask);
    binary_of(&mask, binary);
    int count = flood(binary, (const bool[2]){ false, true }, number), best = 0;
    for (int n = 1; n <= count; n++) {
        facts f = facts_of(number, n);
        if (binary[f.first] && (best == 0 || f.pixels > facts_of(number, best).pixels))
            best = n;
    }
    op_tensor(&host, "mask.largest_region", &mask, NULL, &out);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(bytes(&out)[i], number[i] == best ? bytes(&mask)[i] : 0);
    lab_tensor_clear(&out);
    for (int at = 0; at < W * H; at += 97) {
        op_tensor(&host, "mask.region", &mask, ARGS(ARG_I("x", at % W), ARG_I("y", at / W)), &out);
        for (int i = 0; i < W * H; i++)
            assert_int_equal(bytes(&out)[i],
                             binary[at] && number[i] == number[at] ? bytes(&mask)[i] : 0);
        lab_tensor_clear(&out);
    }
    op_refused(&host, "mask.region", &mask, ARGS(ARG_I("x", W), ARG_I("y", 0)), LAB_E_INVALID,
               "outside");
    memset(mask.data, 0, mask.size);
    op_tensor(&host, "mask.largest_region", &mask, NULL, &out);
    assert_memory_equal(out.data, mask.data, mask.size);
    lab_tensor_clear(&out);
    lab_tensor_clear(&mask);
}

static void measured(void **state)
{
    (void)state;
    lab_tensor mask;
    lab_call *call;
    lab_error error = { 0 };
    make_bytes(&host.ctx, LAB_MASK, W, H, 1, 3, &mask);
    ((uint8_t *)mask.data)[2 * W + 3] = 255;
    ((uint8_t *)mask.data)[5 * W + 9] = 128;
    ((uint8_t *)mask.data)[7 * W + 11] = 127;
    assert_ok(op_run(&host, "mask.measure", &mask, NULL, &call, &error), &error);
    const lab_record *r = lab_call_records(call);
    const int32_t *box = record_field(r, "box")->list;
    assert_int_equal(record_field(r, "pixels")->integer, 2);
    assert_true(fabs(record_field(r, "area")->number - 2.0) < 1e-9);
    assert_true(box[0] == 3 && box[1] == 2 && box[2] == 7 && box[3] == 4);
    assert_true(fabs(record_field(r, "centroid_x")->number - 6.0) < 1e-9);
    assert_true(fabs(record_field(r, "centroid_y")->number - 3.5) < 1e-9);
    lab_call_free(call);
    sweep_op("mask.measure", &mask, NULL);
    lab_tensor_clear(&mask);
}

/* ---- outlines ---- */

/* Whether the centre of a pixel is inside the polygons by the even-odd rule. */
static bool even_odd(const lab_record *rows, int px, int py)
{
    bool in = false;
    for (const lab_record *r = rows; r; r = r->next) {
        const lab_field *points = record_field(r, "points");
        uint32_t n = points->count / 2;
        for (uint32_t i = 0; i < n; i++) {
            const int32_t *a = points->list + 2 * i, *b = points->list + 2 * ((i + 1) % n);
            if (a[0] == b[0] && (a[1] <= py) != (b[1] <= py) && a[0] <= px)
                in = !in;
        }
    }
    return in;
}

/* Twice the signed area. */
static int64_t area2(const lab_field *points)
{
    int64_t sum = 0;
    uint32_t n = points->count / 2;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t *a = points->list + 2 * i, *b = points->list + 2 * ((i + 1) % n);
        sum += (int64_t)a[0] * b[1] - (int64_t)b[0] * a[1];
    }
    return sum;
}

/* Drawn again the polygons give the mask; there is one for each region and each hole. */
static void outlines_are_exact(void **state)
{
    (void)state;
    static int number[W * H];
    uint8_t binary[W * H];
    lab_tensor mask;
    lab_error error = { 0 };
    for (uint32_t seed = 1; seed < 8; seed++)
        for (int eight = 0; eight < 2; eight++) {
            lab_call *call;
            if (seed < 5)
                make_blobs(seed, &mask);
            else
                make_bytes(&host.ctx, LAB_MASK, W, H, 256, seed, &mask); /* noise: many corners */
            binary_of(&mask, binary);
            int count = flood(binary, (const bool[2]){ !eight, eight }, number), borders = 0;
            for (int n = 1; n <= count; n++) {
                facts f = facts_of(number, n);
                bool hole = f.x0 > 0 && f.y0 > 0 && f.x1 < W - 1 && f.y1 < H - 1;
                borders += binary[f.first] || hole;
            }
            const op_arg *args = ARGS(ARG_S("connectivity", eight ? "8" : "4"));
            assert_ok(op_run(&host, "mask.outline", &mask, args, &call, &error), &error);
            const lab_record *rows = lab_call_records(call);
            for (const lab_record *r = rows; r; r = r->next, borders--) {
                int64_t twice = area2(record_field(r, "points"));
                assert_int_equal(twice < 0, record_field(r, "hole")->integer);
                assert_int_equal(llabs(twice) / 2, record_field(r, "pixels")->integer);
            }
            assert_int_equal(borders, 0);
            for (int i = 0; i < W * H; i++)
                assert_int_equal(even_odd(rows, i % W, i / W), binary[i]);
            lab_call_free(call);
            lab_tensor_clear(&mask);
        }
}

static double to_segment(const int32_t *p, const int32_t *a, const int32_t *b)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
    double t = length > 0 ? ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

/* No corner of the exact border is farther from the simplified one than was allowed. */
static void outlines_keep_the_tolerance(void **state)
{
    (void)state;
    lab_tensor mask;
    lab_error error = { 0 };
    make_blobs(3, &mask);
    for (double tolerance = 0.5; tolerance < 10; tolerance *= 2) {
        lab_call *exact, *simple;
        op_run(&host, "mask.outline", &mask, NULL, &exact, &error);
        op_run(&host, "mask.outline", &mask, ARGS(ARG_F("tolerance", tolerance)), &simple, &error);
        const lab_record *a = lab_call_records(exact), *b = lab_call_records(simple);
        for (; a && b; a = a->next, b = b->next) {
            const lab_field *p = record_field(a, "points"), *q = record_field(b, "points");
            assert_true(q->count <= p->count && q->count >= 6);
            for (uint32_t i = 0; i < p->count; i += 2) {
                double nearest = INFINITY;
                for (uint32_t k = 0; k < q->count; k += 2)
                    nearest = fmin(nearest, to_segment(p->list + i, q->list + k,
                                                       q->list + (k + 2) % q->count));
                assert_true(nearest <= tolerance + 1e-9);
            }
        }
        assert_true(!a && !b);
        lab_call_free(exact);
        lab_call_free(simple);
    }
    sweep_op("mask.outline", &mask, ARGS(ARG_F("tolerance", 1.5), ARG_I("min_pixels", 4)));
    lab_tensor_clear(&mask);
}

static int set_up(void **state)
{
    (void)state;
    lab_error error = { 0 };
    return ops_host_init(&host, NULL, 2, &error) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ops_host_finish(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_algebra),        cmocka_unit_test(morphology),
        cmocka_unit_test(map_regions),        cmocka_unit_test(holes),
        cmocka_unit_test(single_regions),     cmocka_unit_test(measured),
        cmocka_unit_test(outlines_are_exact), cmocka_unit_test(outlines_keep_the_tolerance),
    };
    return cmocka_run_group_tests_name("ops_shapes", tests, set_up, tear_down);
}
