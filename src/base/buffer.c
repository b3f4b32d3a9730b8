/* Refcounted memory; see buffer.h. Header and data are one block, the data on the next boundary. */
#include "base/buffer.h"

#include <string.h>

#include "base/checked.h"

struct lab_buffer {
    lab_context *ctx;
    void *data;
    size_t size;
    void (*release)(void *user, void *data); /* NULL: the data follow this header */
    void *user;
    atomic_size_t refs;
};

#define HEADER_SIZE ((sizeof(lab_buffer) + LAB_ALIGN - 1) / LAB_ALIGN * LAB_ALIGN)

lab_buffer *lab_buffer_new(lab_context *ctx, size_t size)
{
    size_t total;
    if (!lab_add_size(size, HEADER_SIZE + LAB_TAIL, &total))
        return NULL;
    lab_buffer *buffer = lab_alloc(ctx, total);
    if (!buffer)
        return NULL;
    *buffer = (lab_buffer){ .ctx = ctx, .data = (char *)buffer + HEADER_SIZE, .size = size };
    atomic_init(&buffer->refs, 1);
    memset((char *)buffer->data + size, 0, LAB_TAIL);
    return buffer;
}

lab_buffer *lab_buffer_wrap(lab_context *ctx, void *data, size_t size,
                            void (*release)(void *user, void *data), void *user)
{
    lab_buffer *buffer = lab_alloc(ctx, sizeof *buffer);
    if (!buffer)
        return NULL;
    *buffer =
        (lab_buffer){ .ctx = ctx, .data = data, .size = size, .release = release, .user = user };
    atomic_init(&buffer->refs, 1);
    return buffer;
}

lab_buffer *lab_buffer_ref(lab_buffer *buffer)
{
    if (buffer)
        atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void lab_buffer_unref(lab_buffer *buffer)
{
    /* Release on every drop and acquire on the last: what other owners did happens before the
     * memory goes. One acq_rel operation says both and is understood by ThreadSanitizer. */
    if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (buffer->release)
        buffer->release(buffer->user, buffer->data);
    lab_free(buffer->ctx, buffer);
}

void *lab_buffer_data(lab_buffer *buffer)
{
    return buffer->data;
}

size_t lab_buffer_size(const lab_buffer *buffer)
{
    return buffer->size;
}

bool lab_buffer_released_by(const lab_buffer *buffer, void (*release)(void *user, void *data))
{
    return buffer->release == release;
}

bool lab_buffer_unique(const lab_buffer *buffer)
{
    return atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1;
}
