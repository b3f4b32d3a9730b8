/* Colours for class ids that no label set names. */
#ifndef LAB_IMAGE_PALETTE_H
#define LAB_IMAGE_PALETTE_H

#include <stdint.h>

#include "tensor/labels.h"

/* The Pascal VOC colour of an id as 0xRRGGBB: its bits, dealt to red, green and blue in turn, from
 * the highest bit of each down. */
uint32_t lab_voc_color(uint32_t id);

/* The label set's colour; the VOC colour without a set (NULL) or for an id outside it. */
uint32_t lab_class_color(const lab_labels *labels, uint32_t id);

#endif
