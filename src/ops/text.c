/* Text on a canvas: see text.h. */
#include "ops/text.h"

#include <math.h>
#include <string.h>

#include "ops/support.h"

#define BUILTIN_LINE 12.0f /* units of the built-in font */
#define BUILTIN_BASE 8.0f  /* from the top of the line to the baseline */
#define BUILTIN_CAPS 7.0f
#define STRIP 64 /* columns rasterised at a time: up to here the rasteriser takes no memory */

void *text_malloc(size_t size, void *user)
{
    return lab_call_alloc(user, size);
}

static lab_status open_builtin(float size, text_face *face)
{
    face->builtin = true;
    /* Whole pixels a unit: strokes one pixel and a half wide would be a blur. */
    face->scale = fmaxf(1.0f, floorf(size / BUILTIN_LINE + 0.5f));
    face->ascent = BUILTIN_BASE * face->scale;
    face->descent = (BUILTIN_LINE - BUILTIN_BASE) * face->scale;
    face->cap_height = BUILTIN_CAPS * face->scale;
    return LAB_OK;
}

/* The next character's code point; U+FFFD for what is not UTF-8. */
static uint32_t next_char(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    uint32_t more = p[0] < 0x80 ? 0 : (p[0] & 0xe0) == 0xc0 ? 1 : (p[0] & 0xf0) == 0xe0 ? 2 : 3;
    uint32_t code = more == 0 ? p[0] : p[0] & (0x3fu >> more);
    if (p[0] >= 0xf8 || (p[0] & 0xc0) == 0x80) {
        ++*text;
        return 0xfffd;
    }
    for (uint32_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *text += i;
            return 0xfffd;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    *text += more + 1;
    return code;
}

/* 0, the font's "missing" sign, for what it does not have. */
static uint32_t glyph_of(const text_face *face, uint32_t code)
{
    uint32_t glyph = (uint32_t)stbtt_FindGlyphIndex(&face->info, (int)code);
    return glyph < face->tables.glyphs ? glyph : 0;
}

static float advance_of(const text_face *face, uint32_t glyph)
{
    int advance, bearing;
    stbtt_GetGlyphHMetrics(&face->info, (int)glyph, &advance, &bearing);
    return (float)advance * face->scale;
}

lab_status text_open(lab_call *call, const uint8_t *font, size_t font_size, float size,
                     text_face *face)
{
    memset(face, 0, sizeof *face);
    face->call = call;
    if (!font)
        return open_builtin(size, face);
    uint8_t *copy = lab_call_alloc(call, font_size + FONT_TAIL);
    if (!copy)
        return lab_call_status(call);
    memcpy(copy, font, font_size);
    const char *problem = font_check(copy, font_size, &face->tables);
    if (!problem && !stbtt_InitFont(&face->info, copy, 0))
        problem = "it has no character map for Unicode";
    if (problem)
        return lab_fail(call, LAB_E_FORMAT, "the font cannot be used: %s", problem);
    face->info.userdata = call;
    face->info.kern = 0; /* not needed for labels, and not checked */
    face->info.gpos = 0;
    int ascent, descent, gap, x0, y0, x1, y1 = 0;
    stbtt_GetFontVMetrics(&face->info, &ascent, &descent, &gap);
    face->scale = stbtt_ScaleForPixelHeight(&face->info, size);
    face->ascent = (float)ascent * face->scale;
    face->descent = (float)-descent * face->scale;
    if (!stbtt_GetGlyphBox(&face->info, (int)glyph_of(face, 'H'), &x0, &y0, &x1, &y1) || y1 <= 0)
        y1 = ascent * 7 / 10;
    face->cap_height = (float)y1 * face->scale;
    return LAB_OK;
}

/* One character of the built-in font as a string of its own. */
static void builtin_char(uint32_t code, char out[2])
{
    out[0] = code >= ' ' && code <= '~' ? (char)code : code == 0x2026 ? '.' : '?';
    out[1] = '\0';
}

static float char_width(const text_face *face, uint32_t code)
{
    if (!face->builtin)
        return advance_of(face, glyph_of(face, code));
    char one[2];
    builtin_char(code, one);
    return (float)text_builtin_width(one) * face->scale;
}

float text_width(const text_face *face, const char *text)
{
    float width = 0.0f;
    while (*text)
        width += char_width(face, next_char(&text));
    return width;
}

size_t text_fit(const text_face *face, const char *text, float width)
{
    const char *at = text;
    while (*at) {
        const char *next = at;
        width -= char_width(face, next_char(&next));
        if (width < 0.0f)
            break;
        at = next;
    }
    return (size_t)(at - text);
}

static void draw_builtin(const text_face *face, canvas *c, float x, float y, const uint8_t rgb[3],
                         uint32_t code)
{
    text_quad quads[TEXT_QUADS];
    char one[2];
    builtin_char(code, one);
    int n = text_builtin_quads(one, quads);
    x = floorf(x + 0.5f);
    y = floorf(y - face->ascent + 0.5f);
    for (int i = 0; i < n; i++)
        canvas_rect(c, x + quads[i].x0 * face->scale, y + quads[i].y0 * face->scale,
                    x + quads[i].x1 * face->scale, y + quads[i].y1 * face->scale, rgb);
}

static void draw_glyph(const text_face *face, canvas *c, float x, float y, const uint8_t rgb[3],
                       uint32_t glyph)
{
    if (!font_glyph_usable(&face->tables, glyph))
        return;
    int left = (int)floorf(x), baseline = (int)floorf(y + 0.5f);
    float shift = x - (float)left;
    int x0, y0, x1, y1;
    stbtt_GetGlyphBitmapBoxSubpixel(&face->info, (int)glyph, face->scale, face->scale, shift, 0.0f,
                                    &x0, &y0, &x1, &y1);
    int most = 8 * (int)(face->ascent + face->descent + 1.0f);
    if (x1 <= x0 || y1 <= y0 || x1 - x0 > most || y1 - y0 > most)
        return;
    stbtt_vertex *vertices = NULL;
    int n = stbtt_GetGlyphShape(&face->info, (int)glyph, &vertices);
    uint8_t *pixels = n > 0 ? lab_call_alloc(face->call, (size_t)STRIP * (size_t)(y1 - y0)) : NULL;
    if (!pixels)
        return; /* nothing to draw, or the call has failed by now */
    for (int strip = x0; strip < x1; strip += STRIP) {
        stbtt__bitmap bitmap = { .w = x1 - strip < STRIP ? x1 - strip : STRIP,
                                 .h = y1 - y0,
                                 .stride = STRIP,
                                 .pixels = pixels };
        memset(pixels, 0, (size_t)STRIP * (size_t)(y1 - y0));
        stbtt_Rasterize(&bitmap, 0.35f, vertices, n, face->scale, face->scale, shift, 0.0f, strip,
                        y0, 1, face->call);
        for (int j = 0; j < bitmap.h; j++)
            for (int i = 0; i < bitmap.w; i++)
                canvas_blend(c, left + strip + i, baseline + y0 + j, rgb, pixels[j * STRIP + i]);
    }
}

void text_draw(const text_face *face, canvas *c, float x, float y, const uint8_t rgb[3],
               const char *text)
{
    while (*text) {
        uint32_t code = next_char(&text);
        if (face->builtin)
            draw_builtin(face, c, x, y, rgb, code);
        else
            draw_glyph(face, c, x, y, rgb, glyph_of(face, code));
        x += char_width(face, code);
    }
}
