/*
 * Built with a later lab_plugin.h: the descriptor goes on behind what this one's ends with. It has
 * an operator and a reader, which work, and something that this host cannot know.
 */
#include "lab_plugin.h"

#include <string.h>

static lab_status run(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_op op = {
    .name = "image.newer", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op *const ops[] = { &op, NULL };

static int probe(const uint8_t *bytes, size_t size, const char *filename)
{
    (void)filename;
    return size >= 4 && memcmp(bytes, "dots", 4) == 0 ? 100 : 0;
}

/* "dots#..#": a label map of one row; "dots?" and "dots!" misbehave. */
static lab_status read_dots(lab_call *call, const uint8_t *bytes, size_t size)
{
    if (size == 4)
        return lab_fail(call, LAB_E_FORMAT, "there are no dots");
    if (bytes[4] == '?')
        return LAB_OK;
    if (bytes[4] == '!')
        return lab_record_begin(call);
    int32_t shape[2] = { 1, (int32_t)size - 4 };
    lab_tensor *out = lab_result(call, LAB_LABELMAP, LAB_U8, 2, shape);
    if (!out)
        return lab_call_status(call);
    for (size_t i = 4; i < size; i++)
        ((uint8_t *)out->data)[i - 4] = bytes[i] == '#';
    return LAB_OK;
}

static const lab_reader dots = {
    .name = "dots", .summary = "s", .extensions = "dot", .probe = probe, .read = read_dots
};
static const lab_reader *const readers[] = { &dots, NULL };

static const struct newer_plugin {
    lab_plugin known;
    const void *const *wonders;
} plugin = {
    { .abi = LAB_ABI_VERSION + 1,
      .size = (uint32_t)sizeof(struct newer_plugin),
      .name = "newer",
      .version = "1",
      .summary = "s",
      .licence = "MIT",
      .ops = ops,
      .readers = readers },
    (const void *const *)ops,
};
LAB_PLUGIN_ENTRY(newer_minor, &plugin.known)
