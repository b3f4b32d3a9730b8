/*
 * Refcounted memory, shared by tensors and views. 64-byte aligned with LAB_TAIL readable bytes
 * after the end, so that kernels may read whole vectors.
 */
#ifndef LAB_BASE_BUFFER_H
#define LAB_BASE_BUFFER_H

#include "base/context.h"

#define LAB_ALIGN 64u
#define LAB_TAIL 64u

/* A new buffer of `size` bytes (the tail zeroed, the rest not) with one reference; NULL when there
 * is no memory. */
lab_buffer *lab_buffer_new(lab_context *ctx, size_t size);

/* Wraps foreign memory: `release(user, data)` is called with the last reference. No tail is
 * promised. On failure (NULL) the memory stays the caller's. */
lab_buffer *lab_buffer_wrap(lab_context *ctx, void *data, size_t size,
                            void (*release)(void *user, void *data), void *user);

lab_buffer *lab_buffer_ref(lab_buffer *buffer); /* returns its argument; NULL is allowed */
void lab_buffer_unref(lab_buffer *buffer);      /* NULL is allowed */
void *lab_buffer_data(lab_buffer *buffer);
size_t lab_buffer_size(const lab_buffer *buffer);
/* Whether these are wrapped data that `release` gives back. */
bool lab_buffer_released_by(const lab_buffer *buffer, void (*release)(void *user, void *data));
/* True when the caller's is the only reference: the contents may be changed in place. */
bool lab_buffer_unique(const lab_buffer *buffer);

#endif
