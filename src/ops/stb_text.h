/* The stb text libraries, whose bodies stb_text.c holds. */
#ifndef LAB_OPS_STB_TEXT_H
#define LAB_OPS_STB_TEXT_H

#include <stddef.h>

/* stb_truetype's memory: that of the call (`user` is a lab_call), given back when the call ends. */
void *text_malloc(size_t size, void *user);

#define STBTT_malloc(size, user) text_malloc(size, user)
#define STBTT_free(ptr, user) ((void)(ptr), (void)(user))
/* Its assertions are about rounding, not memory: fonts were checked before (font_check.h). */
#define STBTT_assert(x) ((void)0)
#include "stb_truetype.h"

typedef struct text_quad {
    float x0, y0, x1, y1;
} text_quad;

#define TEXT_QUADS 256 /* of one piece of text in the built-in font */

/* The built-in font, 12 units a line: printable ASCII to rectangles; gives their number. */
int text_builtin_quads(char *ascii, text_quad quads[TEXT_QUADS]);
int text_builtin_width(char *ascii);

#endif
