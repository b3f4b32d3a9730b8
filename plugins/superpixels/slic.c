/*
 * SLIC: Achanta, Shaji, Smith, Lucchi, Fua, Süsstrunk, "SLIC Superpixels Compared to State-of-the-
 * Art Superpixel Methods", PAMI 34 (2012). K-means in colour and place, in which a centre looks
 * only at pixels within a grid step S of itself: D^2 = dc^2 + (m / S)^2 ds^2.
 *
 * A pixel meets the centres in order of their number and keeps the first of equally near ones, so
 * the result does not depend on how rows are spread over threads; the centres' new places are
 * summed in one order by one thread.
 */
#include "superpixels.h"

#include <float.h>
#include <math.h>

typedef struct center {
    float color[3];
    float x, y; /* pixels */
} center;

typedef struct sum {
    double color[3], x, y;
    uint32_t count;
} sum;

typedef struct slic {
    const float *lab;
    int32_t width, height;
    int32_t columns, rows; /* of the grid of centres */
    uint32_t n;
    int32_t reach; /* S, rounded up: how far a centre looks */
    float weight;  /* (m / S)^2 */
    center *centers;
    sum *sums;
    float *distances;
    uint32_t *labels;
} slic;

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static const float *color_at(const slic *s, int32_t x, int32_t y)
{
    x = clamp(x, 0, s->width - 1);
    y = clamp(y, 0, s->height - 1);
    return s->lab + 3 * ((size_t)y * (size_t)s->width + (size_t)x);
}

static float squared(const float *a, const float *b)
{
    float total = 0;
    for (int c = 0; c < 3; c++)
        total += (a[c] - b[c]) * (a[c] - b[c]);
    return total;
}

static float gradient(const slic *s, int32_t x, int32_t y)
{
    return squared(color_at(s, x + 1, y), color_at(s, x - 1, y)) +
           squared(color_at(s, x, y + 1), color_at(s, x, y - 1));
}

/* A centre starts at the flattest of the nine pixels around its place, not on an edge. */
static void place_center(const slic *s, center *c, int32_t x, int32_t y)
{
    int32_t best_x = x, best_y = y;
    float best = gradient(s, x, y);
    for (int32_t v = y > 0 ? y - 1 : y; v <= y + 1 && v < s->height; v++) {
        for (int32_t u = x > 0 ? x - 1 : x; u <= x + 1 && u < s->width; u++) {
            float g = gradient(s, u, v);
            if (g < best) {
                best = g;
                best_x = u;
                best_y = v;
            }
        }
    }
    const float *color = color_at(s, best_x, best_y);
    *c = (center){ { color[0], color[1], color[2] }, (float)best_x, (float)best_y };
}

/* Centre `i` of `n` along a side of `size` pixels. */
static int32_t grid_place(int32_t i, int32_t n, int32_t size)
{
    return (int32_t)((2 * (int64_t)i + 1) * size / (2 * (int64_t)n));
}

/* Columns times rows is at most `count`, with cells as square as that allows. */
static void choose_grid(slic *s, const slic_params *params)
{
    double pixels = (double)s->width * s->height;
    double count = params->count < pixels ? params->count : pixels;
    double step = sqrt(pixels / count);
    s->rows = clamp((int32_t)(s->height / step + 0.5), 1, s->height);
    if (s->rows > count)
        s->rows = (int32_t)count;
    s->columns = clamp((int32_t)(count / s->rows), 1, s->width);
    s->n = (uint32_t)s->columns * (uint32_t)s->rows;
    step = sqrt(pixels / s->n);
    s->reach = (int32_t)ceil(step);
    double weight = params->compactness / step;
    s->weight = (float)(weight * weight);
}

/* Every pixel starts in its cell: in long narrow pictures some lie beyond every centre's reach. */
static void start(slic *s)
{
    for (int32_t j = 0; j < s->rows; j++)
        for (int32_t i = 0; i < s->columns; i++)
            place_center(s, &s->centers[j * s->columns + i], grid_place(i, s->columns, s->width),
                         grid_place(j, s->rows, s->height));
    for (int32_t y = 0; y < s->height; y++) {
        uint32_t *row = s->labels + (size_t)y * (size_t)s->width;
        int32_t j = (int32_t)((int64_t)y * s->rows / s->height);
        for (int32_t x = 0; x < s->width; x++)
            row[x] = (uint32_t)(j * s->columns + (int32_t)((int64_t)x * s->columns / s->width));
    }
}

/* Offers the pixels of row `y` to a centre. */
static void offer_row(slic *s, uint32_t k, int32_t y)
{
    const center *c = &s->centers[k];
    int32_t left = clamp((int32_t)c->x - s->reach, 0, s->width - 1);
    int32_t right = clamp((int32_t)c->x + s->reach, 0, s->width - 1);
    size_t row = (size_t)y * (size_t)s->width;
    float dy = (float)y - c->y;
    for (int32_t x = left; x <= right; x++) {
        size_t i = row + (size_t)x;
        float dx = (float)x - c->x;
        float distance = squared(s->lab + 3 * i, c->color) + s->weight * (dx * dx + dy * dy);
        if (distance < s->distances[i]) {
            s->distances[i] = distance;
            s->labels[i] = k;
        }
    }
}

static void assign_rows(void *user, uint32_t begin, uint32_t end)
{
    slic *s = user;
    for (size_t i = begin * (size_t)s->width; i < end * (size_t)s->width; i++)
        s->distances[i] = FLT_MAX;
    for (uint32_t k = 0; k < s->n; k++) {
        int32_t top = clamp((int32_t)s->centers[k].y - s->reach, (int32_t)begin, (int32_t)end);
        int32_t bottom =
            clamp((int32_t)s->centers[k].y + s->reach + 1, (int32_t)begin, (int32_t)end);
        for (int32_t y = top; y < bottom; y++)
            offer_row(s, k, y);
    }
}

static void move_centers(slic *s)
{
    for (uint32_t k = 0; k < s->n; k++)
        s->sums[k] = (sum){ { 0 }, 0, 0, 0 };
    size_t i = 0;
    for (int32_t y = 0; y < s->height; y++) {
        for (int32_t x = 0; x < s->width; x++, i++) {
            sum *t = &s->sums[s->labels[i]];
            for (int c = 0; c < 3; c++)
                t->color[c] += s->lab[3 * i + (size_t)c];
            t->x += x;
            t->y += y;
            t->count++;
        }
    }
    for (uint32_t k = 0; k < s->n; k++) {
        const sum *t = &s->sums[k];
        center *to = &s->centers[k];
        if (t->count == 0)
            continue; /* nobody's: it stays where it was */
        for (int c = 0; c < 3; c++)
            to->color[c] = (float)(t->color[c] / t->count);
        to->x = (float)(t->x / t->count);
        to->y = (float)(t->y / t->count);
    }
}

lab_status superpixels_slic(lab_call *call, const float *lab, int32_t width, int32_t height,
                            const slic_params *params, uint32_t *labels, uint32_t *n_centers)
{
    slic s = { .lab = lab, .width = width, .height = height, .labels = labels };
    size_t pixels = (size_t)width * (size_t)height;
    choose_grid(&s, params);
    *n_centers = s.n;
    s.centers = superpixels_alloc(call, s.n, sizeof *s.centers);
    s.sums = superpixels_alloc(call, s.n, sizeof *s.sums);
    s.distances = superpixels_alloc(call, pixels, sizeof *s.distances);
    if (!s.centers || !s.sums || !s.distances)
        return lab_call_status(call);
    start(&s);
    for (uint32_t i = 0; i < params->iterations; i++) {
        /* Pieces of a few grid steps: each looks through the list of centres once. */
        lab_status status =
            lab_parallel_for(call, (uint32_t)height, 2 * (uint32_t)s.reach + 1, assign_rows, &s);
        if (status)
            return status;
        move_centers(&s);
    }
    return LAB_OK;
}
