/*
 * Text on a canvas: outlines of a TrueType font, or, without one, the strokes of a small built-in
 * ASCII font.
 */
#ifndef LAB_OPS_TEXT_H
#define LAB_OPS_TEXT_H

#include "lab_plugin.h"
#include "ops/canvas.h"
#include "ops/font_check.h"
#include "ops/stb_text.h"

typedef struct text_face {
    lab_call *call;
    bool builtin;
    float scale;           /* pixels a font unit */
    float ascent, descent; /* pixels above and (positive) below the baseline */
    float cap_height;      /* of capital letters, for centring */
    font_tables tables;
    stbtt_fontinfo info;
} text_face;

/*
 * A face of `size` pixels a line. `font` NULL: the built-in one. A damaged font fails the call.
 * Memory is the call's.
 */
lab_status text_open(lab_call *call, const uint8_t *font, size_t font_size, float size,
                     text_face *face);

/* Pixels from the start to the end of UTF-8 text. */
float text_width(const text_face *face, const char *text);

/* How many bytes of the text fit in so many pixels, never cutting a character. */
size_t text_fit(const text_face *face, const char *text, float width);

/* Draws with the baseline at y, beginning at x. */
void text_draw(const text_face *face, canvas *c, float x, float y, const uint8_t rgb[3],
               const char *text);

#endif
