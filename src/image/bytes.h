/* Bytes that grow while an encoder writes them. */
#ifndef LAB_IMAGE_BYTES_H
#define LAB_IMAGE_BYTES_H

#include "base/buffer.h"

typedef struct lab_bytes {
    lab_context *ctx;
    uint8_t *data;
    size_t size, room;
    size_t refused; /* the allocation that failed; 0: none. Writes after it do nothing. */
} lab_bytes;

void lab_bytes_add(lab_bytes *bytes, const void *data, size_t size);
/* Moves what was written into a buffer, or frees it when something was refused. */
lab_status lab_bytes_take(lab_bytes *bytes, lab_buffer **out, lab_error *error);
void lab_bytes_free(lab_bytes *bytes);

#endif
