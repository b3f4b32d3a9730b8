/* Label sets; see labels.h. One block holds the header, the colours, the name pointers and names.
 */
#include "tensor/labels.h"

#include <stdatomic.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

struct lab_labels {
    lab_context *ctx;
    atomic_size_t refs;
    uint32_t count;
    const char *set_name;
    const uint32_t *colors;
    const char **names;
};

static lab_status check_names(const char *name, uint32_t count, const char *const *names,
                              size_t *text_size, lab_error *error)
{
    if (count < 1 || count > LAB_LABELS_MAX)
        return lab_error_set(error, LAB_E_INVALID, "a label set has 1..%u classes, got %u",
                             LAB_LABELS_MAX, count);
    if (!name || !*name)
        return lab_error_set(error, LAB_E_INVALID, "a label set needs a name");
    *text_size = strlen(name) + 1;
    if (!lab_utf8_valid(name, strlen(name)))
        return lab_error_set(error, LAB_E_INVALID, "the label set's name is not UTF-8");
    for (uint32_t id = 0; id < count; id++) {
        if (!names[id] || !*names[id])
            return lab_error_set(error, LAB_E_INVALID, "label set %s: class %u has no name", name,
                                 id);
        size_t length = strlen(names[id]);
        if (!lab_utf8_valid(names[id], length))
            return lab_error_set(error, LAB_E_INVALID,
                                 "label set %s: the name of class %u is not UTF-8", name, id);
        if (!lab_add_size(*text_size, length + 1, text_size))
            return lab_error_set(error, LAB_E_LIMIT, "label set %s: the names are too long", name);
    }
    return LAB_OK;
}

/* Copies `text` to *at and moves *at behind it. */
static const char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    const char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

lab_status lab_labels_new(lab_context *ctx, const char *name, uint32_t count,
                          const char *const *names, const uint32_t *colors, lab_labels **out,
                          lab_error *error)
{
    *out = NULL;
    size_t text_size = 0;
    lab_status status = check_names(name, count, names, &text_size, error);
    if (status)
        return status;
    /* Pointers first: they have the strictest alignment. count is at most LAB_LABELS_MAX. */
    size_t names_at = sizeof(lab_labels);
    size_t colors_at = names_at + count * sizeof(char *);
    size_t text_at = colors_at + count * sizeof(uint32_t);
    size_t total;
    lab_labels *labels = lab_add_size(text_at, text_size, &total) ? lab_alloc(ctx, total) : NULL;
    if (!labels)
        return lab_error_nomem(error, text_size, "a label set");

    char *base = (char *)labels;
    char *at = base + text_at;
    labels->ctx = ctx;
    atomic_init(&labels->refs, 1);
    labels->count = count;
    labels->names = (const char **)(void *)(base + names_at);
    uint32_t *own_colors = (uint32_t *)(void *)(base + colors_at);
    labels->colors = own_colors;
    labels->set_name = put_text(&at, name);
    for (uint32_t id = 0; id < count; id++) {
        labels->names[id] = put_text(&at, names[id]);
        own_colors[id] = colors[id] & 0xffffffu;
    }
    *out = labels;
    return LAB_OK;
}

lab_labels *lab_labels_ref(lab_labels *labels)
{
    if (labels)
        atomic_fetch_add_explicit(&labels->refs, 1, memory_order_relaxed);
    return labels;
}

void lab_labels_unref(lab_labels *labels)
{
    if (labels && atomic_fetch_sub_explicit(&labels->refs, 1, memory_order_acq_rel) == 1)
        lab_free(labels->ctx, labels);
}

const char *lab_labels_set_name(const lab_labels *labels)
{
    return labels->set_name;
}

uint32_t lab_labels_count(const lab_labels *labels)
{
    return labels->count;
}

const char *lab_labels_name(const lab_labels *labels, uint32_t id)
{
    return id < labels->count ? labels->names[id] : NULL;
}

uint32_t lab_labels_color(const lab_labels *labels, uint32_t id)
{
    return id < labels->count ? labels->colors[id] : 0;
}

/* The first id from `from` on with this name; `count` when there is none. */
static uint32_t scan(const lab_labels *labels, const char *name, uint32_t from, bool exactly)
{
    for (uint32_t id = from; id < labels->count; id++) {
        if (exactly ? strcmp(labels->names[id], name) == 0 : lab_same_text(labels->names[id], name))
            return id;
    }
    return labels->count;
}

lab_status lab_labels_find(const lab_labels *labels, const char *name, uint32_t next, uint32_t *id,
                           lab_error *error)
{
    /* One exact match anywhere means that case matters for every further one. */
    bool exactly = scan(labels, name, 0, true) < labels->count;
    *id = scan(labels, name, next, exactly);
    if (*id < labels->count)
        return LAB_OK;
    if (next > 0)
        return lab_error_set(error, LAB_E_NOT_FOUND, "%s has no further label \"%s\"",
                             labels->set_name, name);
    const char *nearest = lab_nearest(name, labels->names, labels->count);
    if (nearest)
        return lab_error_set(error, LAB_E_NOT_FOUND, "%s has no label \"%s\"; did you mean \"%s\"?",
                             labels->set_name, name, nearest);
    return lab_error_set(error, LAB_E_NOT_FOUND, "%s has no label \"%s\" among its %u classes",
                         labels->set_name, name, labels->count);
}
