/*
 * NumPy's .npy files (NEP 1; numpy.lib.format): "\x93NUMPY", the format's version, the length of a
 * header, the header (a Python dictionary as text), then the elements.
 */
#ifndef NPY_H
#define NPY_H

#include "lab_plugin.h"

#define NPY_MAGIC "\x93NUMPY"
#define NPY_MAGIC_SIZE ((size_t)6)

/* Of an element in the file. `code` is NumPy's: b (bool), u, i or f. */
typedef struct npy_header {
    char code;
    uint32_t item; /* bytes of an element */
    bool big_endian, fortran_order;
    uint32_t rank;
    int32_t shape[LAB_MAX_RANK];
    size_t data; /* offset of the elements */
} npy_header;

/* Checks and takes apart what comes before the elements; the call fails with the byte's offset. */
lab_status npy_parse(lab_call *call, const uint8_t *bytes, size_t size, npy_header *out);

extern const lab_reader npy_reader;
extern const lab_op npy_tensor_op, npy_image_op, npy_map_op, npy_mask_op;

#endif
