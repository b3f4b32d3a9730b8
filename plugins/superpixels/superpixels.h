/* What the files of this plugin share. */
#ifndef SUPERPIXELS_H
#define SUPERPIXELS_H

#include "lab_plugin.h"

/*
 * Most superpixels that can be asked for: enforcing connectivity leaves at most four times as many
 * pieces as there are centres, and their numbers must fit in u16.
 */
#define SUPERPIXELS_MAX 16383

extern const lab_op superpixels_op, vote_op;

/* Zeroed memory for `count` things until the call ends; NULL: status set. */
static inline void *superpixels_alloc(lab_call *call, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) {
        lab_fail(call, LAB_E_LIMIT, "%zu items of %zu bytes are more than memory can hold", count,
                 size);
        return NULL;
    }
    return lab_call_alloc(call, count * size);
}

/*
 * CIELAB (D65) of every pixel, three floats each. Alpha is ignored; grey has a = b = 0. LAB_OK or
 * the status of the call.
 */
lab_status superpixels_to_lab(lab_call *call, const lab_tensor *image, float *lab);

typedef struct slic_params {
    uint32_t count;     /* wanted */
    double compactness; /* m of the paper: how many units of colour a grid step is worth */
    uint32_t iterations;
} slic_params;

/*
 * Assigns each pixel to a centre: `labels` has one entry a pixel. `*n_centers` is how many centres
 * there are, at most `count` and at most the number of pixels.
 */
lab_status superpixels_slic(lab_call *call, const float *lab, int32_t width, int32_t height,
                            const slic_params *params, uint32_t *labels, uint32_t *n_centers);

/*
 * Numbers the 4-connected pieces of `labels` in the order in which a scan by rows meets them; a
 * piece of less than a quarter of the mean size joins the neighbour it was reached from.
 */
lab_status superpixels_connect(lab_call *call, const uint32_t *labels, int32_t width,
                               int32_t height, uint32_t n_centers, uint16_t *out);

#endif
