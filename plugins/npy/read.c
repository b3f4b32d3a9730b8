/*
 * A .npy file as a value. Two dimensions of whole numbers without a sign in 8 or 16 bits are a
 * label map, of bools a mask (255 where true); bytes of [height, width, 1 | 3 | 4] are a picture;
 * everything else is a tensor. v:as(kind) makes another kind of it where that fits.
 */
#include "npy.h"

#include <string.h>

static lab_dtype dtype_of(const npy_header *h)
{
    switch (h->code) {
    case 'f':
        return h->item == 2 ? LAB_F16 : LAB_F32;
    case 'i':
        return h->item == 1 ? LAB_I8 : h->item == 2 ? LAB_I16 : h->item == 4 ? LAB_I32 : LAB_I64;
    default:
        return h->item == 1 ? LAB_U8 : LAB_U16;
    }
}

static lab_type kind_of(const npy_header *h)
{
    /* A side that no picture may have is no picture's. */
    bool plane = h->rank >= 2 && h->shape[0] <= 65535 && h->shape[1] <= 65535;
    if (plane && h->rank == 2 && h->code == 'b')
        return LAB_MASK;
    if (plane && h->rank == 2 && h->code == 'u')
        return LAB_LABELMAP;
    bool channels = h->rank == 3 && (h->shape[2] == 1 || h->shape[2] == 3 || h->shape[2] == 4);
    return plane && channels && h->code == 'u' && h->item == 1 ? LAB_IMAGE : LAB_TENSOR;
}

/* The file must have the elements that the header promises, and nothing behind them. */
static lab_status check_size(lab_call *call, const npy_header *h, size_t size, size_t *count)
{
    size_t there = (size - h->data) / h->item;
    *count = 1;
    for (uint32_t i = 0; i < h->rank; i++) {
        if ((size_t)h->shape[i] > SIZE_MAX / *count)
            return lab_fail(call, LAB_E_LIMIT, "its shape is more than memory can hold");
        *count *= (size_t)h->shape[i];
    }
    if (*count != there || (size - h->data) % h->item != 0)
        return lab_fail(call, LAB_E_FORMAT,
                        "the header promises %zu elements of %u bytes, but %zu bytes follow it; is "
                        "the file cut off?",
                        *count, h->item, size - h->data);
    return LAB_OK;
}

/* An element, its bytes put into the machine's order. */
static void copy_item(uint8_t *dst, const uint8_t *src, uint32_t item, bool swap)
{
    for (uint32_t i = 0; i < item; i++)
        dst[i] = src[swap ? item - 1 - i : i];
}

static bool machine_is_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* Steps, in elements, from one index to the next of each dimension in the file. */
static void find_steps(const npy_header *h, size_t steps[LAB_MAX_RANK])
{
    size_t step = 1;
    for (uint32_t i = 0; i < h->rank; i++) {
        uint32_t d = h->fortran_order ? i : h->rank - 1 - i;
        steps[d] = step;
        step *= (size_t)h->shape[d];
    }
}

/* Visits the elements in our order and takes each from its place in the file. */
static lab_status copy_all(lab_call *call, const npy_header *h, const uint8_t *src, size_t count,
                           uint8_t *dst)
{
    size_t steps[LAB_MAX_RANK] = { 0 }, from = 0;
    int32_t at[LAB_MAX_RANK] = { 0 };
    bool swap = h->big_endian != machine_is_big_endian();
    find_steps(h, steps);
    for (size_t i = 0; i < count; i++) {
        copy_item(dst + i * h->item, src + from * h->item, h->item, swap);
        for (uint32_t d = h->rank; d-- > 0;) {
            from += steps[d];
            if (++at[d] < h->shape[d])
                break;
            from -= (size_t)at[d] * steps[d];
            at[d] = 0;
        }
        if (i % 1048576 == 0 && lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
    }
    return LAB_OK;
}

static lab_status read_npy(lab_call *call, const uint8_t *bytes, size_t size)
{
    npy_header h;
    size_t count;
    lab_status status = npy_parse(call, bytes, size, &h);
    if (!status)
        status = check_size(call, &h, size, &count);
    if (status)
        return status;
    lab_tensor *out = lab_result(call, kind_of(&h), dtype_of(&h), h.rank, h.shape);
    if (!out)
        return lab_call_status(call);
    status = copy_all(call, &h, bytes + h.data, count, out->data);
    if (h.code == 'b') { /* true is any byte but 0 */
        uint8_t *values = out->data;
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] ? (out->kind == LAB_MASK ? 255 : 1) : 0;
    }
    return status;
}

static int probe(const uint8_t *bytes, size_t size, const char *filename)
{
    (void)filename;
    return size >= NPY_MAGIC_SIZE && memcmp(bytes, NPY_MAGIC, NPY_MAGIC_SIZE) == 0 ? 100 : 0;
}

const lab_reader npy_reader = {
    .name = "npy",
    .summary = "a NumPy array (numpy.save)",
    .extensions = "npy",
    .probe = probe,
    .read = read_npy,
};
