/* The walk from a grid of logits to a picture's pixels: see upsample.h. */
#include "ops/upsample.h"

#include <math.h>

/* The C library's rint follows the rounding mode of the process; this does not. */
static int32_t round_half_even(double value)
{
    double below = floor(value), rest = value - below;
    bool up = rest > 0.5 || (rest == 0.5 && fmod(below, 2.0) != 0.0);
    return (int32_t)below + (up ? 1 : 0);
}

static lab_status axis_begin(lab_call *call, upsample_axis *axis, uint32_t scale_param)
{
    double scale = lab_arg_float(call, scale_param);
    double offset = lab_arg_float(call, scale_param + 1);
    if (!isfinite(scale) || !isfinite(offset))
        return lab_fail(call, LAB_E_INVALID, "scales and offsets must be finite, got %g and %g",
                        scale, offset);
    axis->weight = lab_call_alloc(call, axis->count * sizeof *axis->weight);
    axis->fraction = lab_call_alloc(call, axis->count * sizeof *axis->fraction);
    axis->runs = lab_call_alloc(call, axis->count * sizeof *axis->runs);
    if (!axis->weight || !axis->fraction || !axis->runs)
        return lab_call_status(call);
    for (uint32_t i = 0; i < axis->count; i++) {
        double last = (double)(axis->grid - 1);
        double u = scale * (double)i + offset;
        u = u < 0.0 ? 0.0 : u > last ? last : u;
        double low = floor(u);
        axis->weight[i] = round_half_even((u - low) * UPSAMPLE_ONE);
        axis->fraction[i] = (float)(u - low);
        upsample_run *run = axis->n_runs ? &axis->runs[axis->n_runs - 1] : NULL;
        if (run && run->low == (uint32_t)low)
            run->end = i + 1;
        else
            axis->runs[axis->n_runs++] = (upsample_run){ i, i + 1, (uint32_t)low };
    }
    return LAB_OK;
}

lab_status upsample_begin(lab_call *call, upsample *up)
{
    const lab_tensor *in = lab_input(call);
    char text[160];
    lab_tensor_describe(in, text, sizeof text);
    if (in->rank != 4 || in->shape[0] != 1)
        return lab_fail(call, LAB_E_INVALID,
                        "the input must be [1, height, width, classes], got %s", text);
    if (in->dtype != LAB_U8 && in->dtype != LAB_I8 && in->dtype != LAB_F32)
        return lab_fail(call, LAB_E_UNSUPPORTED, "the input must be u8, i8 or f32, got %s", text);
    *up = (upsample){ .grid = in, .classes = (uint32_t)in->shape[3] };
    if (up->classes > 65536)
        return lab_fail(call, LAB_E_LIMIT, "at most 65536 classes, got %u", up->classes);
    up->x = (upsample_axis){ .grid = (uint32_t)in->shape[2],
                             .count = (uint32_t)lab_arg_int(call, UPSAMPLE_WIDTH) };
    up->y = (upsample_axis){ .grid = (uint32_t)in->shape[1],
                             .count = (uint32_t)lab_arg_int(call, UPSAMPLE_HEIGHT) };
    lab_status status = axis_begin(call, &up->x, UPSAMPLE_X_SCALE);
    return status ? status : axis_begin(call, &up->y, UPSAMPLE_Y_SCALE);
}

typedef struct walk {
    const upsample *up;
    upsample_block_fn *fn;
    void *user;
    const upsample_run *bands; /* the y runs, none higher than a block */
} walk;

static void walk_band(const walk *w, const upsample_run *band)
{
    const upsample *up = w->up;
    size_t right_end = up->x.grid - 1, bottom_end = up->y.grid - 1;
    size_t top = band->low, bottom = top < bottom_end ? top + 1 : bottom_end;
    for (uint32_t i = 0; i < up->x.n_runs; i++) {
        const upsample_run *run = &up->x.runs[i];
        size_t left = run->low, right = left < right_end ? left + 1 : right_end;
        upsample_block block = { .y0 = band->begin,
                                 .y1 = band->end,
                                 .corner = { (top * up->x.grid + left) * up->classes,
                                             (top * up->x.grid + right) * up->classes,
                                             (bottom * up->x.grid + left) * up->classes,
                                             (bottom * up->x.grid + right) * up->classes } };
        for (block.x0 = run->begin; block.x0 < run->end; block.x0 = block.x1) {
            uint32_t left_over = run->end - block.x0;
            block.x1 = block.x0 + (left_over < UPSAMPLE_COLUMNS ? left_over : UPSAMPLE_COLUMNS);
            w->fn(w->user, &block);
        }
    }
}

static void walk_bands(void *user, uint32_t begin, uint32_t end)
{
    const walk *w = user;
    for (uint32_t i = begin; i < end; i++)
        walk_band(w, &w->bands[i]);
}

lab_status upsample_run_blocks(lab_call *call, const upsample *up, upsample_block_fn *fn,
                               void *user)
{
    upsample_run *bands = lab_call_alloc(call, up->y.count * sizeof *bands);
    if (!bands)
        return lab_call_status(call);
    uint32_t n = 0;
    for (uint32_t i = 0; i < up->y.n_runs; i++) {
        upsample_run run = up->y.runs[i];
        while (run.end - run.begin > UPSAMPLE_ROWS) {
            bands[n++] = (upsample_run){ run.begin, run.begin + UPSAMPLE_ROWS, run.low };
            run.begin += UPSAMPLE_ROWS;
        }
        bands[n++] = run;
    }
    walk w = { up, fn, user, bands };
    return lab_parallel_for(call, n, 1, walk_bands, &w);
}

const float *upsample_reals(lab_call *call, const upsample *up)
{
    const lab_tensor *grid = up->grid;
    if (grid->dtype == LAB_F32)
        return grid->data;
    const lab_quant *quant = &grid->quant;
    if (quant->count > 1 && (quant->axis != 3 || quant->count != up->classes)) {
        lab_fail(call, LAB_E_UNSUPPORTED, "logits can be quantised by class only, not by axis %d",
                 quant->axis);
        return NULL;
    }
    float *reals = lab_call_alloc(call, grid->size * sizeof *reals);
    if (!reals)
        return NULL;
    for (size_t i = 0; i < grid->size; i++) {
        uint32_t class_id = (uint32_t)(i % up->classes);
        float scale = quant->count ? lab_quant_scale(quant, class_id) : 1.0f;
        int32_t zero = quant->count ? lab_quant_zero(quant, class_id) : 0;
        int32_t q = grid->dtype == LAB_I8 ? ((const int8_t *)grid->data)[i]
                                          : ((const uint8_t *)grid->data)[i];
        reals[i] = scale * (float)(q - zero);
    }
    return reals;
}
