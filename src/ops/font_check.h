/*
 * Checks of TrueType files before stb_truetype reads them: it trusts every offset and count it
 * finds. A font that passes is read with FONT_TAIL zero bytes behind it, which makes all that is
 * counted in 16 bits harmless; what is not (tables, glyph offsets, cmap groups, composite glyphs)
 * is checked here.
 */
#ifndef LAB_OPS_FONT_CHECK_H
#define LAB_OPS_FONT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FONT_TAIL ((size_t)1 << 20)

typedef struct font_tables {
    const uint8_t *font; /* with its tail */
    uint32_t glyf, glyf_size, loca;
    bool long_loca;
    uint32_t glyphs;
} font_tables;

/* NULL when the font can be used, else what is wrong with it. */
const char *font_check(const uint8_t *font, size_t size, font_tables *tables);

/* Whether a glyph's outline is of a reasonable size and its parts do not contain each other. */
bool font_glyph_usable(const font_tables *tables, uint32_t glyph);

#endif
