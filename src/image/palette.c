/* Colours for class ids: see palette.h. */
#include "image/palette.h"

uint32_t lab_voc_color(uint32_t id)
{
    uint32_t color = 0;
    for (uint32_t bit = 0; bit < 24; bit++) {
        uint32_t channel = bit % 3, level = 7 - bit / 3;
        color |= (id >> bit & 1) << (level + 8 * (2 - channel));
    }
    return color;
}

uint32_t lab_class_color(const lab_labels *labels, uint32_t id)
{
    return labels && id < lab_labels_count(labels) ? lab_labels_color(labels, id)
                                                   : lab_voc_color(id);
}
