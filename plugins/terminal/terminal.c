/*
 * image.terminal: a picture as the bytes that make a terminal show it, by libchafa: kitty's and
 * iTerm2's graphics, sixels, or half blocks of two pixels a character. Which of them the terminal
 * understands is taken from the environment (TERM, COLORTERM and those of the terminals' own).
 *
 * GLib, below libchafa, ends the process when memory runs out; pictures larger than a terminal can
 * show are refused, so that what it needs stays small.
 */
#include <chafa.h>
#include <string.h>

#include "lab_plugin.h"

#define MAX_CELLS 1000     /* columns and rows */
#define MAX_PIXELS 4000000 /* of the picture */
#define CELL_WIDTH 8       /* pixels of a character: what terminals do not tell */
#define CELL_HEIGHT 16

enum { PARAM_COLUMNS, PARAM_ROWS, PARAM_MODE, PARAM_COLORS };
enum { MODE_AUTO, MODE_KITTY, MODE_ITERM, MODE_SIXEL, MODE_BLOCKS }; /* in the order of choices */
enum { COLORS_AUTO, COLORS_TRUE, COLORS_256 };

/* What the terminal understands, or all there is when a mode is asked for by name. */
static ChafaTermInfo *terminal_of(int64_t mode)
{
    ChafaTermDb *db = chafa_term_db_get_default();
    gchar **environment = g_get_environ();
    ChafaTermInfo *info = chafa_term_db_detect(db, environment);
    g_strfreev(environment);
    if (mode != MODE_AUTO) {
        ChafaTermInfo *all = chafa_term_db_get_fallback_info(db);
        chafa_term_info_supplement(info, all);
        chafa_term_info_unref(all);
    }
    return info;
}

static ChafaPixelMode pixel_mode(const ChafaTermInfo *info, int64_t mode)
{
    static const struct {
        ChafaTermSeq seq;
        ChafaPixelMode pixels;
    } modes[] = { { CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1, CHAFA_PIXEL_MODE_KITTY },
                  { CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE, CHAFA_PIXEL_MODE_ITERM2 },
                  { CHAFA_TERM_SEQ_BEGIN_SIXELS, CHAFA_PIXEL_MODE_SIXELS } };
    for (int i = 0; i < 3; i++)
        if (mode == MODE_KITTY + i ||
            (mode == MODE_AUTO && chafa_term_info_have_seq(info, modes[i].seq)))
            return modes[i].pixels;
    return CHAFA_PIXEL_MODE_SYMBOLS;
}

static ChafaCanvasMode color_mode(const ChafaTermInfo *info, int64_t colors)
{
    bool direct = chafa_term_info_have_seq(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT);
    if (colors == COLORS_TRUE || (colors == COLORS_AUTO && direct))
        return CHAFA_CANVAS_MODE_TRUECOLOR;
    return CHAFA_CANVAS_MODE_INDEXED_256;
}

/* Four bytes a pixel whatever the picture has; memory of the call. */
static const uint8_t *as_rgba(lab_call *call, const lab_tensor *in)
{
    size_t pixels = (size_t)in->shape[0] * (size_t)in->shape[1];
    size_t channels = (size_t)in->shape[2];
    uint8_t *rgba = lab_call_alloc(call, pixels * 4);
    const uint8_t *src = in->data;
    for (size_t i = 0; rgba && i < pixels; i++, src += channels) {
        rgba[i * 4] = src[0];
        rgba[i * 4 + 1] = src[channels > 1 ? 1 : 0];
        rgba[i * 4 + 2] = src[channels > 1 ? 2 : 0];
        rgba[i * 4 + 3] = channels == 4 ? src[3] : 255;
    }
    return rgba;
}

/* The size in cells within what is given, with the picture's aspect ratio. */
static ChafaCanvasConfig *configure(const lab_call *call, const lab_tensor *in,
                                    const ChafaTermInfo *info)
{
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    ChafaSymbolMap *symbols = chafa_symbol_map_new();
    gint columns = (gint)lab_arg_int(call, PARAM_COLUMNS),
         rows = (gint)lab_arg_int(call, PARAM_ROWS);
    chafa_calc_canvas_geometry(in->shape[1], in->shape[0], &columns, &rows,
                               (gfloat)CELL_WIDTH / CELL_HEIGHT, TRUE, FALSE);
    chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_VHALF | CHAFA_SYMBOL_TAG_SPACE);
    chafa_canvas_config_set_symbol_map(config, symbols);
    chafa_canvas_config_set_geometry(config, columns > 0 ? columns : 1, rows > 0 ? rows : 1);
    chafa_canvas_config_set_cell_geometry(config, CELL_WIDTH, CELL_HEIGHT);
    chafa_canvas_config_set_pixel_mode(config, pixel_mode(info, lab_arg_int(call, PARAM_MODE)));
    chafa_canvas_config_set_canvas_mode(config, color_mode(info, lab_arg_int(call, PARAM_COLORS)));
    chafa_symbol_map_unref(symbols);
    return config;
}

static lab_status terminal_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    if ((int64_t)in->shape[0] * in->shape[1] > MAX_PIXELS)
        return lab_fail(call, LAB_E_LIMIT,
                        "the picture of %dx%d is larger than any terminal: resize it first (at "
                        "most %d pixels)",
                        in->shape[1], in->shape[0], MAX_PIXELS);
    const uint8_t *pixels = as_rgba(call, in);
    if (!pixels)
        return lab_call_status(call);
    ChafaTermInfo *info = terminal_of(lab_arg_int(call, PARAM_MODE));
    ChafaCanvasConfig *config = configure(call, in, info);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, pixels, in->shape[1],
                                 in->shape[0], in->shape[1] * 4);
    GString *text = chafa_canvas_print(canvas, info);
    uint8_t *out = lab_result_bytes(call, text->len);
    if (out)
        memcpy(out, text->str, text->len);
    g_string_free(text, TRUE);
    chafa_canvas_unref(canvas);
    chafa_canvas_config_unref(config);
    chafa_term_info_unref(info);
    return lab_call_status(call);
}

static const lab_param terminal_params[] = {
    { .name = "columns",
      .type = LAB_INT,
      .doc = "characters a line, at most; the aspect ratio is kept",
      .def = "80",
      .min = 1,
      .max = MAX_CELLS,
      .flags = LAB_PARAM_MAIN },
    { .name = "rows",
      .type = LAB_INT,
      .doc = "lines, at most",
      .def = "24",
      .min = 1,
      .max = MAX_CELLS },
    { .name = "mode",
      .type = LAB_ENUM,
      .doc = "auto: the best the terminal says it can; kitty, iterm, sixel: pixels in that "
             "protocol; blocks: two pixels a character",
      .def = "auto",
      .choices = "auto|kitty|iterm|sixel|blocks" },
    { .name = "colors",
      .type = LAB_ENUM,
      .doc = "of blocks; auto: what the terminal says it can",
      .def = "auto",
      .choices = "auto|true|256" },
    LAB_PARAM_END,
};

static const lab_op image_terminal = {
    .name = "image.terminal",
    .summary = "a picture as the bytes that make a terminal show it",
    .doc = "By libchafa, which tells the terminal from the environment. Pictures of more than 4 "
           "megapixels are refused: resize them first.",
    .in = LAB_IMAGE,
    .out = LAB_BYTES,
    .params = terminal_params,
    .run = terminal_run,
};
static const lab_op *const ops[] = { &image_terminal, NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "terminal",
    .version = "0.1.0", .summary = "pictures on terminals, by libchafa",
    .licence = "MIT",   .ops = ops,
};
LAB_PLUGIN_ENTRY(terminal, &plugin)
