/*
 * Turning and mirroring by EXIF orientation. Every case is a walk through the source with a
 * constant step along an output row and another from row to row.
 */
#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "image/image.h"

typedef struct turn {
    const uint8_t *origin; /* the source pixel of the output's top left one */
    uint8_t *out;
    ptrdiff_t step_x, step_y; /* bytes in the source for one pixel right or down in the output */
    uint32_t width;           /* of the output */
    size_t pixel;             /* bytes */
} turn;

/* Small copies of a size known at compile time become single moves. */
static inline void copy_row(uint8_t *dst, const uint8_t *src, ptrdiff_t step, uint32_t width,
                            size_t pixel)
{
    for (uint32_t x = 0; x < width; x++, src += step, dst += pixel)
        memcpy(dst, src, pixel);
}

static void turn_rows(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    const turn *t = user;
    for (uint32_t y = begin; y < end; y++) {
        const uint8_t *src = t->origin + (ptrdiff_t)y * t->step_y;
        uint8_t *dst = t->out + (size_t)y * t->width * t->pixel;
        if (t->step_x == (ptrdiff_t)t->pixel)
            memcpy(dst, src, t->width * t->pixel);
        else if (t->pixel == 1)
            copy_row(dst, src, t->step_x, t->width, 1);
        else if (t->pixel == 3)
            copy_row(dst, src, t->step_x, t->width, 3);
        else if (t->pixel == 4)
            copy_row(dst, src, t->step_x, t->width, 4);
        else
            copy_row(dst, src, t->step_x, t->width, t->pixel);
    }
}

lab_status lab_image_orient(lab_context *ctx, const lab_tensor *in, int orientation,
                            lab_tensor *out, lab_error *error)
{
    if (orientation < 1 || orientation > 8)
        return lab_error_set(error, LAB_E_INVALID, "orientation must be 1..8, got %d", orientation);
    if (in->rank < 2 || in->rank > 3)
        return lab_error_set(error, LAB_E_INVALID, "a tensor of rank %u cannot be turned",
                             in->rank);
    if (orientation == 1) {
        lab_tensor_ref(out, in);
        return LAB_OK;
    }
    /* Which source axis runs along the output's rows, and whether either runs backwards. */
    bool swap = orientation >= 5;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int32_t height = in->shape[0], width = in->shape[1];
    int32_t shape[3] = { swap ? width : height, swap ? height : width, in->shape[2] };
    lab_status status = lab_tensor_new(ctx, in->kind, in->dtype, in->rank, shape, out, error);
    if (status)
        return status;
    if (in->labels)
        lab_tensor_set_labels(out, in->labels);
    size_t pixel = lab_dtype_size(in->dtype) * (in->rank == 3 ? (size_t)in->shape[2] : 1);
    ptrdiff_t right = (ptrdiff_t)pixel, down = (ptrdiff_t)pixel * width;
    turn t = { .out = out->data, .width = (uint32_t)shape[1], .pixel = pixel };
    t.origin = in->data;
    if (from_right) {
        t.origin += right * (width - 1);
        right = -right;
    }
    if (from_bottom) {
        t.origin += down * (height - 1);
        down = -down;
    }
    t.step_x = swap ? down : right;
    t.step_y = swap ? right : down;
    if (lab_pool_run(ctx->pool, (uint32_t)shape[0], 16, turn_rows, &t, &ctx->stop))
        return LAB_OK;
    lab_tensor_clear(out);
    return lab_error_set(error, LAB_E_INTERRUPTED, "stopped while turning a picture");
}
