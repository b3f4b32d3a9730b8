/* A picture being drawn on: filled shapes and coverage, anti-aliased. */
#ifndef LAB_OPS_CANVAS_H
#define LAB_OPS_CANVAS_H

#include <stdint.h>

typedef struct canvas {
    uint8_t *pixels; /* [height][width][channels] */
    int32_t width, height;
    uint32_t channels; /* 3, or 4 with straight alpha */
} canvas;

void canvas_fill(canvas *c, const uint8_t rgba[4]);
/* Puts a colour over pixel (x, y) as if `coverage` of 255 of it were painted. Outside: nothing. */
void canvas_blend(canvas *c, int32_t x, int32_t y, const uint8_t rgb[3], uint32_t coverage);
/* A filled rectangle with fractional edges. */
void canvas_rect(canvas *c, float x0, float y0, float x1, float y1, const uint8_t rgb[3]);
/* A filled square of whole pixels with round corners. */
void canvas_round_square(canvas *c, int32_t x, int32_t y, int32_t side, float radius,
                         const uint8_t rgb[3]);

#endif
