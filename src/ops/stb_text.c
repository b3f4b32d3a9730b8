/* The bodies of stb_truetype and stb_easy_font. Compiled without our warnings. */
#define STB_TRUETYPE_IMPLEMENTATION
#include "ops/stb_text.h"

#include <math.h>
#include <string.h>

#include "stb_easy_font.h"

int text_builtin_quads(char *ascii, text_quad quads[TEXT_QUADS])
{
    float vertices[TEXT_QUADS][4][4]; /* x, y, z, colour of four corners */
    int n = stb_easy_font_print(0, 0, ascii, NULL, vertices, sizeof vertices);
    for (int i = 0; i < n; i++)
        quads[i] = (text_quad){ vertices[i][0][0], vertices[i][0][1], vertices[i][2][0],
                                vertices[i][2][1] };
    return n;
}

int text_builtin_width(char *ascii)
{
    return stb_easy_font_width(ascii);
}
