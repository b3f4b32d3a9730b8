/* Drawing: see canvas.h. */
#include "ops/canvas.h"

#include <math.h>
#include <string.h>

#include "ops/support.h"

void canvas_fill(canvas *c, const uint8_t rgba[4])
{
    size_t pixels = (size_t)c->width * (size_t)c->height;
    for (size_t i = 0; i < pixels; i++)
        memcpy(c->pixels + i * c->channels, rgba, c->channels);
}

void canvas_blend(canvas *c, int32_t x, int32_t y, const uint8_t rgb[3], uint32_t coverage)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height || coverage == 0)
        return;
    uint8_t *p = c->pixels + ((size_t)y * (size_t)c->width + (size_t)x) * c->channels;
    uint32_t below = c->channels == 4 ? ops_div255(p[3] * (255 - coverage)) : 255 - coverage;
    uint32_t alpha = coverage + below;
    for (int i = 0; i < 3; i++)
        p[i] = (uint8_t)((rgb[i] * coverage + p[i] * below + alpha / 2) / alpha);
    if (c->channels == 4)
        p[3] = (uint8_t)alpha;
}

/* How much of pixel i lies between two coordinates, 0..1. */
static float overlap(int32_t i, float from, float to)
{
    float a = from > (float)i ? from : (float)i;
    float b = to < (float)(i + 1) ? to : (float)(i + 1);
    return b > a ? b - a : 0.0f;
}

void canvas_rect(canvas *c, float x0, float y0, float x1, float y1, const uint8_t rgb[3])
{
    for (int32_t y = (int32_t)floorf(y0); (float)y < y1; y++)
        for (int32_t x = (int32_t)floorf(x0); (float)x < x1; x++)
            canvas_blend(c, x, y, rgb,
                         (uint32_t)(overlap(x, x0, x1) * overlap(y, y0, y1) * 255.0f + 0.5f));
}

/* Of 8 x 8 points in the pixel, how many are inside the rounded square (0 .. side), of 255. */
static uint32_t round_square_coverage(int32_t px, int32_t py, int32_t side, float radius)
{
    enum { POINTS = 8 };
    uint32_t inside = 0;
    for (int j = 0; j < POINTS; j++) {
        for (int i = 0; i < POINTS; i++) {
            float x = (float)px + ((float)i + 0.5f) / POINTS;
            float y = (float)py + ((float)j + 0.5f) / POINTS;
            float dx = fmaxf(fmaxf(radius - x, x - ((float)side - radius)), 0.0f);
            float dy = fmaxf(fmaxf(radius - y, y - ((float)side - radius)), 0.0f);
            inside += dx * dx + dy * dy <= radius * radius;
        }
    }
    return inside * 255 / (POINTS * POINTS);
}

void canvas_round_square(canvas *c, int32_t x, int32_t y, int32_t side, float radius,
                         const uint8_t rgb[3])
{
    for (int32_t py = 0; py < side; py++)
        for (int32_t px = 0; px < side; px++)
            canvas_blend(c, x + px, y + py, rgb, round_square_coverage(px, py, side, radius));
}
