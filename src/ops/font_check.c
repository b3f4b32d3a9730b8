/* Checks of TrueType files: see font_check.h. */
#include "ops/font_check.h"

#include <string.h>

#include "image/container.h"

#define MAX_POINTS 8192 /* of a simple glyph */
#define MAX_CONTOURS 1024
#define MAX_PARTS 64 /* of a composite glyph, all levels together */
#define MAX_DEPTH 6

typedef struct table {
    uint32_t at, size;
} table;

/* Finds a table; all tables were checked to lie inside the file. */
static bool find_table(const uint8_t *font, const char *tag, uint32_t least, table *out)
{
    uint32_t n = lab_be16(font + 4);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *entry = font + 12 + 16 * (size_t)i;
        if (memcmp(entry, tag, 4) == 0) {
            *out = (table){ lab_be32(entry + 8), lab_be32(entry + 12) };
            return out->size >= least;
        }
    }
    return false;
}

static const char *check_directory(const uint8_t *font, size_t size)
{
    if (size < 12 || size > UINT32_MAX / 2)
        return "it is no TrueType font";
    if (memcmp(font, "OTTO", 4) == 0)
        return "it has PostScript outlines; only TrueType outlines are drawn";
    if (memcmp(font, "ttcf", 4) == 0)
        return "it is a collection of fonts; give one font";
    if (lab_be32(font) != 0x00010000 && memcmp(font, "true", 4) != 0)
        return "it is no TrueType font";
    uint32_t n = lab_be16(font + 4);
    if (n > 256 || 12 + 16 * (size_t)n > size)
        return "its list of tables is damaged";
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *entry = font + 12 + 16 * (size_t)i;
        uint32_t at = lab_be32(entry + 8), length = lab_be32(entry + 12);
        if (at > size || length > size - at)
            return "it is cut short: a table lies beyond its end";
    }
    return NULL;
}

/* Where characters are looked up: subtables inside, and the one with 32-bit counts whole. */
static const char *check_cmap(const uint8_t *font, table cmap)
{
    const uint8_t *at = font + cmap.at;
    uint32_t n = lab_be16(at + 2);
    if (4 + 8 * n > cmap.size)
        return "its character map is damaged";
    for (uint32_t i = 0; i < n; i++) {
        uint32_t offset = lab_be32(at + 4 + 8 * (size_t)i + 4);
        if (offset > cmap.size || cmap.size - offset < 16)
            return "its character map is damaged";
        uint32_t format = lab_be16(at + offset);
        bool groups = format == 12 || format == 13;
        if (groups && lab_be32(at + offset + 12) > (cmap.size - offset - 16) / 12)
            return "its character map is damaged";
    }
    return NULL;
}

static uint32_t glyph_offset(const font_tables *t, uint32_t glyph)
{
    return t->long_loca ? lab_be32(t->font + t->loca + 4 * (size_t)glyph)
                        : 2 * lab_be16(t->font + t->loca + 2 * (size_t)glyph);
}

/* Sizes that make scaled outlines absurdly large or small would cost memory without limit. */
static const char *check_metrics(const uint8_t *font, table head, table hhea)
{
    int32_t units = (int32_t)lab_be16(font + head.at + 18);
    int32_t ascent = (int16_t)lab_be16(font + hhea.at + 4);
    int32_t descent = (int16_t)lab_be16(font + hhea.at + 6);
    if (units < 16 || units > 16384 || ascent - descent < units / 4 || ascent - descent > units * 8)
        return "its metrics are damaged";
    return NULL;
}

const char *font_check(const uint8_t *font, size_t size, font_tables *t)
{
    const char *problem = check_directory(font, size);
    if (problem)
        return problem;
    table cmap, head, hhea, hmtx, maxp, loca, glyf;
    if (!find_table(font, "cmap", 4, &cmap) || !find_table(font, "head", 54, &head) ||
        !find_table(font, "hhea", 36, &hhea) || !find_table(font, "hmtx", 4, &hmtx) ||
        !find_table(font, "maxp", 6, &maxp) || !find_table(font, "loca", 2, &loca) ||
        !find_table(font, "glyf", 0, &glyf))
        return "it lacks a table that a TrueType font has";
    *t = (font_tables){ .font = font, .glyf = glyf.at, .glyf_size = glyf.size, .loca = loca.at };
    t->long_loca = lab_be16(font + head.at + 50) != 0;
    t->glyphs = lab_be16(font + maxp.at + 4);
    uint32_t metrics = lab_be16(font + hhea.at + 34);
    if (lab_be16(font + head.at + 50) > 1 || t->glyphs == 0 || metrics == 0 ||
        hmtx.size < 4 * metrics || loca.size < (t->glyphs + 1) * (t->long_loca ? 4 : 2))
        return "its tables contradict each other";
    for (uint32_t i = 0; i <= t->glyphs; i++)
        if (glyph_offset(t, i) > glyf.size)
            return "a glyph lies beyond its end";
    problem = check_metrics(font, head, hhea);
    return problem ? problem : check_cmap(font, cmap);
}

/* Bytes of a composite's part record after flags and glyph, by its flags. */
static uint32_t part_size(uint32_t flags)
{
    uint32_t size = flags & 1 ? 4 : 2;
    return size + (flags & 8 ? 2u : flags & 0x40 ? 4u : flags & 0x80 ? 8u : 0u);
}

static bool usable(const font_tables *t, uint32_t glyph, int depth, uint32_t *parts)
{
    if (glyph >= t->glyphs || depth > MAX_DEPTH)
        return false;
    uint32_t offset = glyph_offset(t, glyph);
    if (offset >= glyph_offset(t, glyph + 1))
        return true; /* nothing to draw */
    const uint8_t *at = t->font + t->glyf + offset;
    int32_t contours = (int16_t)lab_be16(at);
    if (contours >= 0)
        return contours == 0 || (contours <= MAX_CONTOURS &&
                                 lab_be16(at + 10 + 2 * (ptrdiff_t)(contours - 1)) < MAX_POINTS);
    const uint8_t *end = t->font + t->glyf + t->glyf_size;
    uint32_t flags = 0x20;
    for (at += 10; flags & 0x20; at += 4 + part_size(flags)) {
        if (at >= end || ++*parts > MAX_PARTS)
            return false;
        flags = lab_be16(at);
        if (!usable(t, lab_be16(at + 2), depth + 1, parts))
            return false;
    }
    return true;
}

bool font_glyph_usable(const font_tables *tables, uint32_t glyph)
{
    uint32_t parts = 0;
    return usable(tables, glyph, 0, &parts);
}
