/*
 * map.draw_legend: the legend as a picture. One line a class, largest first: a swatch of its
 * colour, its name, and its share at the right edge.
 */
#include <math.h>
#include <string.h>

#include "image/palette.h"
#include "ops/families.h"
#include "ops/legend.h"
#include "ops/text.h"

enum { LEGEND_WIDTH, LEGEND_FONT, LEGEND_SIZE, LEGEND_PERCENT, LEGEND_BACKGROUND };

#define NAME_BYTES 200
#define ELLIPSIS "\xe2\x80\xa6"

/* Everything in pixels, in proportion to the size of the text. */
typedef struct layout {
    text_face face;
    int32_t padding;                 /* around all */
    int32_t line;                    /* from line to line */
    int32_t swatch;                  /* side of the square */
    float gap;                       /* swatch to name */
    float column_gap;                /* name to share, at least */
    float names, shares;             /* widths of the columns */
    uint8_t ink[3], dim[3], edge[3]; /* names, shares, outline of the swatches */
    bool percent;
} layout;

static void share_text(const lab_tensor *map, const legend_entry *e, char text[16])
{
    double percent = 100.0 * (double)e->pixels / (double)ops_width(map) / (double)ops_height(map);
    if (percent < 0.05)
        snprintf(text, 16, "< 0.1 %%");
    else
        snprintf(text, 16, "%.1f %%", percent);
}

/* Dark on light backgrounds and light on dark ones; a transparent one counts as white. */
static void choose_inks(layout *l, const uint8_t background[4])
{
    uint32_t back[3];
    for (int c = 0; c < 3; c++)
        back[c] =
            ops_div255((uint32_t)background[c] * background[3] + 255u * (255u - background[3]));
    static const uint8_t dark[3] = { 0x1c, 0x20, 0x26 }, light[3] = { 0xf4, 0xf5, 0xf7 };
    const uint8_t *ink = ops_luma(back[0], back[1], back[2]) >= 128 ? dark : light;
    for (int c = 0; c < 3; c++) {
        l->ink[c] = ink[c];
        l->dim[c] = (uint8_t)((ink[c] * 65u + back[c] * 35u) / 100u);
        l->edge[c] = (uint8_t)((ink[c] * 35u + back[c] * 65u) / 100u);
    }
}

static lab_status begin_layout(lab_call *call, layout *l)
{
    size_t font_size = 0;
    const char *font = lab_arg_string(call, LEGEND_FONT, &font_size);
    float size = (float)lab_arg_int(call, LEGEND_SIZE);
    uint8_t background[4];
    ops_arg_color(call, LEGEND_BACKGROUND, background);
    l->percent = lab_arg_int(call, LEGEND_PERCENT) != 0;
    l->padding = (int32_t)lroundf(size * 0.8f);
    l->line = (int32_t)lroundf(size * 1.5f);
    l->swatch = (int32_t)lroundf(size * 0.95f);
    l->gap = size * 0.6f;
    l->column_gap = size * 1.4f;
    choose_inks(l, background);
    return text_open(call, (const uint8_t *)font, font_size, size, &l->face);
}

static void measure(layout *l, const lab_tensor *map, const legend_entry *entries, uint32_t count)
{
    char spare[32], share[16];
    for (uint32_t i = 0; i < count; i++) {
        const char *name = legend_name(map, entries[i].id, spare, sizeof spare);
        l->names = fmaxf(l->names, text_width(&l->face, name));
        share_text(map, &entries[i], share);
        if (l->percent)
            l->shares = fmaxf(l->shares, l->column_gap + text_width(&l->face, share));
    }
}

/* Width and height of the picture; a given width moves the end of the names. */
static lab_status settle(lab_call *call, layout *l, uint32_t count, int32_t shape[2])
{
    float fixed = (float)(2 * l->padding + l->swatch) + l->gap + l->shares;
    int64_t width = lab_arg_int(call, LEGEND_WIDTH);
    int64_t height = 2 * (int64_t)l->padding + (int64_t)l->line * count;
    if (width == 0)
        width = (int64_t)ceilf(fixed + l->names);
    float least = fixed + text_width(&l->face, ELLIPSIS);
    if ((float)width < fixed + l->names && (float)width < least)
        return lab_fail(call, LAB_E_INVALID,
                        "width must be at least %d for text of this size, got "
                        "%lld",
                        (int)ceilf(least), (long long)width);
    if (width > OPS_MAX_SIDE || height > OPS_MAX_SIDE)
        return lab_fail(call, LAB_E_LIMIT,
                        "%u classes make a legend of %lldx%lld pixels, sides are at most %d", count,
                        (long long)width, (long long)height, OPS_MAX_SIDE);
    l->names = (float)width - fixed;
    shape[0] = (int32_t)height;
    shape[1] = (int32_t)width;
    return LAB_OK;
}

static void draw_name(const layout *l, canvas *c, float x, float y, const char *name)
{
    char cut[NAME_BYTES + sizeof ELLIPSIS];
    if (text_width(&l->face, name) > l->names + 0.01f) {
        size_t fits = text_fit(&l->face, name, l->names - text_width(&l->face, ELLIPSIS));
        while (fits > NAME_BYTES || (fits && ((uint8_t)name[fits] & 0xc0) == 0x80))
            fits--;
        memcpy(cut, name, fits);
        memcpy(cut + fits, ELLIPSIS, sizeof ELLIPSIS);
        name = cut;
    }
    text_draw(&l->face, c, x, y, l->ink, name);
}

static void draw_line(const layout *l, canvas *c, const lab_tensor *map, const legend_entry *e,
                      int32_t top)
{
    char spare[32], share[16];
    uint32_t color = lab_class_color(map->labels, e->id);
    const uint8_t rgb[3] = { (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color };
    int32_t square_top = top + (l->line - l->swatch) / 2;
    float radius = (float)l->swatch * 0.22f;
    float baseline = (float)top + ((float)l->line + l->face.cap_height) / 2.0f;
    /* The outline keeps a swatch of the background's own colour visible. */
    canvas_round_square(c, l->padding, square_top, l->swatch, radius, l->edge);
    canvas_round_square(c, l->padding + 1, square_top + 1, l->swatch - 2,
                        fmaxf(radius - 1.0f, 0.0f), rgb);
    draw_name(l, c, (float)(l->padding + l->swatch) + l->gap, baseline,
              legend_name(map, e->id, spare, sizeof spare));
    if (!l->percent)
        return;
    share_text(map, e, share);
    float x = (float)(c->width - l->padding) - text_width(&l->face, share);
    text_draw(&l->face, c, x, baseline, l->dim, share);
}

static lab_status draw_legend_run(lab_call *call)
{
    const lab_tensor *map = lab_input(call);
    legend_entry *entries = NULL;
    uint32_t count = 0;
    lab_status status = legend_collect(call, map, &entries, &count);
    layout *l = status ? NULL : lab_call_alloc(call, sizeof *l);
    if (!l)
        return lab_call_status(call);
    status = begin_layout(call, l);
    int32_t shape[3] = { 0, 0, 3 };
    if (!status) {
        measure(l, map, entries, count);
        status = settle(call, l, count, shape);
    }
    if (status)
        return status;
    uint8_t background[4];
    ops_arg_color(call, LEGEND_BACKGROUND, background);
    shape[2] = background[3] == 255 ? 3 : 4;
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    canvas c = { out->data, shape[1], shape[0], (uint32_t)shape[2] };
    canvas_fill(&c, background);
    for (uint32_t i = 0; i < count && !lab_should_stop(call); i++)
        draw_line(l, &c, map, &entries[i], l->padding + (int32_t)i * l->line);
    if (lab_should_stop(call))
        return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
    return lab_call_status(call);
}

static const lab_param draw_legend_params[] = {
    { .name = "width",
      .type = LAB_INT,
      .doc = "pixels; 0 as wide as the content. Names that do not fit end in an ellipsis",
      .def = "0",
      .min = 0,
      .max = OPS_MAX_SIDE },
    { .name = "font",
      .type = LAB_BYTES,
      .doc = "the bytes of a TrueType font; without one a built-in font of dots is used: ASCII "
             "only, its height in steps of 12 pixels",
      .flags = LAB_PARAM_OPTIONAL },
    { .name = "size",
      .type = LAB_INT,
      .doc = "height of the text in pixels, from the highest to the lowest letter",
      .def = "18",
      .min = 6,
      .max = 400 },
    { .name = "percent", .type = LAB_BOOL, .doc = "show the share of each class", .def = "true" },
    { .name = "background",
      .type = LAB_COLOR,
      .doc = "behind all; text is dark on light colours and light on dark ones. With alpha below "
             "255 the picture has alpha, too",
      .def = "#fff" },
    LAB_PARAM_END,
};

const lab_op lab_op_map_draw_legend = {
    .name = "map.draw_legend",
    .summary = "a picture of the legend: colours, names and shares, largest first",
    .doc = "One line a class that occurs. The picture is as high as its lines; with width 0 it is "
           "as wide as they need.",
    .in = LAB_LABELMAP,
    .out = LAB_IMAGE,
    .params = draw_legend_params,
    .run = draw_legend_run,
};
