/*
 * mask.rle: a mask as run lengths the way COCO has them: column by column from the left, each from
 * the top, a run going on into the next column; lengths of outside and inside in turn, starting
 * with outside (0 when the first pixel is inside).
 */
#include "ops/families.h"
#include "ops/support.h"

#define INSIDE 128

typedef struct runs {
    uint32_t count;
    int64_t pixels;  /* inside */
    int32_t *length; /* NULL: only counted */
} runs;

static void end_run(runs *r, bool inside, int64_t length)
{
    if (r->length)
        r->length[r->count] = (int32_t)length;
    r->pixels += inside ? length : 0;
    r->count++;
}

static lab_status find_runs(lab_call *call, const lab_tensor *mask, runs *r)
{
    const uint8_t *data = mask->data;
    size_t width = (size_t)ops_width(mask), height = (size_t)ops_height(mask);
    bool inside = false;
    int64_t length = 0;
    r->count = 0;
    r->pixels = 0;
    for (size_t x = 0; x < width; x++) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        for (size_t y = 0; y < height; y++) {
            if ((data[y * width + x] >= INSIDE) != inside) {
                end_run(r, inside, length);
                inside = !inside;
                length = 0;
            }
            length++;
        }
    }
    end_run(r, inside, length);
    return LAB_OK;
}

static lab_status rle_run(lab_call *call)
{
    const lab_tensor *mask = lab_input(call);
    runs r = { .length = NULL };
    if (mask->size > INT32_MAX)
        return lab_fail(call, LAB_E_LIMIT,
                        "a mask of %zu pixels is too large for run lengths of 32 bits (max %d): "
                        "crop or resize it first",
                        mask->size, INT32_MAX);
    lab_status status = find_runs(call, mask, &r);
    if (status)
        return status;
    r.length = lab_call_alloc(call, r.count * sizeof *r.length);
    if (!r.length)
        return lab_call_status(call);
    status = find_runs(call, mask, &r);
    if (status)
        return status;
    lab_record_begin(call);
    lab_record_int(call, "width", ops_width(mask));
    lab_record_int(call, "height", ops_height(mask));
    lab_record_int(call, "pixels", r.pixels);
    return lab_record_list(call, "counts", r.length, r.count);
}

const lab_op lab_op_mask_rle = {
    .name = "mask.rle",
    .summary = "a mask as COCO's run lengths, column by column",
    .doc = "Inside is from 128 on. One row: width, height, pixels (inside), counts {outside, "
           "inside, outside, …}: the pixels of one column after another, each from the top; the "
           "first count is 0 when the first pixel is inside.",
    .in = LAB_MASK,
    .out = LAB_RECORDS,
    .run = rle_run,
};
