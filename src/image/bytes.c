/* Bytes that grow while an encoder writes them: see bytes.h. */
#include "image/bytes.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"

void lab_bytes_add(lab_bytes *bytes, const void *data, size_t size)
{
    size_t need;
    if (bytes->refused || !size)
        return;
    if (!lab_add_size(bytes->size, size, &need)) {
        bytes->refused = SIZE_MAX;
        return;
    }
    if (need > bytes->room) {
        size_t room = need + need / 2 + 4096;
        uint8_t *grown = lab_alloc(bytes->ctx, room);
        if (!grown) {
            bytes->refused = room;
            return;
        }
        if (bytes->size)
            memcpy(grown, bytes->data, bytes->size);
        lab_free(bytes->ctx, bytes->data);
        bytes->data = grown;
        bytes->room = room;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size = need;
}

static void release(void *user, void *data)
{
    lab_free(user, data);
}

lab_status lab_bytes_take(lab_bytes *bytes, lab_buffer **out, lab_error *error)
{
    lab_buffer *buffer = NULL;
    if (!bytes->refused) {
        buffer = lab_buffer_wrap(bytes->ctx, bytes->data, bytes->size, release, bytes->ctx);
        if (!buffer)
            bytes->refused = bytes->size;
    }
    if (!buffer) {
        lab_status status = lab_error_nomem(error, bytes->refused, "an encoded picture");
        lab_bytes_free(bytes);
        return status;
    }
    *out = buffer;
    memset(bytes, 0, sizeof *bytes);
    return LAB_OK;
}

void lab_bytes_free(lab_bytes *bytes)
{
    lab_free(bytes->ctx, bytes->data);
    memset(bytes, 0, sizeof *bytes);
}
