/* What several operators need: forwarding errors and results of the rooms below, sizes, rounding.
 */
#ifndef LAB_OPS_SUPPORT_H
#define LAB_OPS_SUPPORT_H

#include "image/image.h"
#include "plugin/call.h"

/* Most sides of pictures, masks and maps. */
#define OPS_MAX_SIDE 65535

/*
 * Ends an operator whose result a room below made: on success `out` becomes the result, else the
 * error becomes the call's.
 */
lab_status ops_finish(lab_call *call, lab_status status, lab_tensor *out, const lab_error *error);

static inline int32_t ops_height(const lab_tensor *tensor)
{
    return tensor->shape[0];
}
static inline int32_t ops_width(const lab_tensor *tensor)
{
    return tensor->shape[1];
}
/* Samples of a pixel: 1 for masks and label maps. */
static inline uint32_t ops_channels(const lab_tensor *tensor)
{
    return tensor->rank == 3 ? (uint32_t)tensor->shape[2] : 1;
}

/* Refuses two inputs of different width or height; `what` names the second. */
lab_status ops_same_size(lab_call *call, const lab_tensor *a, const lab_tensor *b,
                         const char *what);

/* v / 255 to the nearest, for 0 <= v <= 255 * 255; there are no halves. */
static inline uint32_t ops_div255(uint32_t v)
{
    v += 128;
    return (v + (v >> 8)) >> 8;
}

/* Luma of ITU-R BT.601 with weights of 1/256: (77 r + 150 g + 29 b) rounded. */
static inline uint8_t ops_luma(uint32_t r, uint32_t g, uint32_t b)
{
    return (uint8_t)((77 * r + 150 * g + 29 * b + 128) >> 8);
}

/* A pixel's colour, whatever its channels: grey is repeated, a missing alpha is 255. */
static inline void ops_read_pixel(const uint8_t *pixel, uint32_t channels, uint8_t rgba[4])
{
    rgba[0] = pixel[0];
    rgba[1] = pixel[channels >= 3 ? 1 : 0];
    rgba[2] = pixel[channels >= 3 ? 2 : 0];
    rgba[3] = channels == 4 ? pixel[3] : 255;
}

/* A LAB_COLOR argument taken apart. */
static inline void ops_arg_color(const lab_call *call, uint32_t param, uint8_t rgba[4])
{
    uint32_t color = (uint32_t)lab_arg_int(call, param);
    for (int i = 0; i < 4; i++)
        rgba[i] = (uint8_t)(color >> (24 - 8 * i));
}

/* The id of an element of a u8 or u16 label map. */
static inline uint32_t ops_id(const lab_tensor *map, size_t i)
{
    return map->dtype == LAB_U16 ? ((const uint16_t *)map->data)[i]
                                 : ((const uint8_t *)map->data)[i];
}

/* Copies the elements of `in` to a result that is like it. */
void ops_copy(lab_tensor *out, const lab_tensor *in);

/* The highest id in the map. */
uint32_t ops_max_id(const lab_tensor *map);

#endif
