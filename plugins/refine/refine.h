/* What the files of this plugin share: what is refined, and small helpers. */
#ifndef REFINE_H
#define REFINE_H

#include "lab_plugin.h"

#include <string.h>

/* What is to be refined: a label map, or class scores of the same size with it. */
typedef struct refine_source {
    const lab_tensor *map;
    const float *scores; /* [pixels][count], or NULL: a label map says which class it is */
    const uint16_t *ids; /* class id of each class that takes part, ascending */
    uint32_t count;
} refine_source;

typedef struct guided_params {
    int32_t radius;
    float eps;
} guided_params;

typedef struct crf_params {
    uint32_t iterations;
    float confidence; /* of the label map, 0..1 */
    float smooth_weight, smooth_sigma;
    float color_weight, color_sigma, color_range;
} crf_params;

lab_status refine_map_guided(lab_call *call, const refine_source *source, const lab_tensor *image,
                             const guided_params *params, lab_tensor *out);
lab_status refine_mask_guided(lab_call *call, const lab_tensor *mask, const lab_tensor *image,
                              const guided_params *params, lab_tensor *out);
lab_status refine_map_crf(lab_call *call, const refine_source *source, const lab_tensor *image,
                          const crf_params *params, lab_tensor *out);

static inline size_t refine_pixels(const lab_tensor *tensor)
{
    return (size_t)tensor->shape[0] * (size_t)tensor->shape[1];
}

static inline uint32_t refine_id(const lab_tensor *map, size_t i)
{
    return map->dtype == LAB_U16 ? ((const uint16_t *)map->data)[i]
                                 : ((const uint8_t *)map->data)[i];
}

static inline void refine_set_id(lab_tensor *map, size_t i, uint32_t id)
{
    if (map->dtype == LAB_U16)
        ((uint16_t *)map->data)[i] = (uint16_t)id;
    else
        ((uint8_t *)map->data)[i] = (uint8_t)id;
}

/* A score as a probability: what is none (a negative, no number) counts as 0. */
static inline float refine_score(const refine_source *source, size_t pixel, uint32_t k)
{
    float score = source->scores[pixel * source->count + k];
    return score > 0 ? (score < 1 ? score : 1) : 0;
}

/* Zeroed memory for `count` things until the call ends; NULL: status set. */
static inline void *refine_alloc(lab_call *call, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) {
        lab_fail(call, LAB_E_LIMIT, "%zu items of %zu bytes are more than memory can hold", count,
                 size);
        return NULL;
    }
    return lab_call_alloc(call, count * size);
}

/* Planes of several classes keep the classes of a pixel together, in fours: see refine_add. */
static inline uint32_t refine_stride(uint32_t classes)
{
    return (classes + 3) & ~UINT32_C(3);
}

/* dst += weight * src; n is a multiple of four, so that compilers make vectors of it. */
static inline void refine_add(float *dst, const float *src, float weight, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        for (size_t k = i; k < i + 4; k++)
            dst[k] += weight * src[k];
    }
}

/*
 * e^x for x <= 0, to about 2 units in the last place. The C library's differs in its last bits from
 * system to system; this one is the same everywhere. Below -87 it is 0.
 */
static inline float refine_exp(float x)
{
    if (x < -87.0f)
        return 0;
    float k = (float)(int32_t)(x * 1.44269504f - 0.5f);    /* to the nearest: x is not positive */
    float f = (x - k * 0.693359375f) + k * 2.12194440e-4f; /* ln 2 in two parts */
    float p = 1.0f / 720;
    p = p * f + 1.0f / 120;
    p = p * f + 1.0f / 24;
    p = p * f + 1.0f / 6;
    p = p * f + 0.5f;
    p = p * f + 1;
    p = p * f + 1;
    uint32_t bits = (uint32_t)((int32_t)k + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#endif
