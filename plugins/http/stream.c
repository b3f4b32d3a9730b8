/*
 * Replies in pieces: what the script sends lies in a buffer until libmicrohttpd fetches it; while
 * there is nothing the connection is suspended.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)32 << 10) /* bytes fetched at a time */

/* Called by libmicrohttpd when the client can take more. */
static ssize_t fetch(void *cls, uint64_t position, char *out, size_t most)
{
    (void)position;
    http_request *r = cls;
    http_server *server = r->server;
    ssize_t result = 0;
    pthread_mutex_lock(&server->lock);
    size_t there = r->end - r->begin;
    if (r->gone) {
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (there > 0) {
        size_t size = there < most ? there : most;
        memcpy(out, r->pieces + r->begin, size);
        r->begin += size;
        result = (ssize_t)size;
        r->peer->since = http_now();
    } else if (!r->more || server->closing) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        http_suspend(r);
    }
    pthread_mutex_unlock(&server->lock);
    return result;
}

struct MHD_Response *http_stream_response(http_request *r)
{
    struct MHD_Response *response =
        http_mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, fetch, r, NULL);
    /* libmicrohttpd 0.9.75 sends the last chunk of nothing for HEAD as well: nothing may follow. */
    if (response && r->is_head)
        http_mhd.add_response_header(response, "Connection", "close");
    return response;
}

bool http_stream_append(http_request *r, const void *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (r->begin > 0) { /* what was fetched makes room */
        memmove(r->pieces, r->pieces + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    if (size > r->room - r->end) {
        if (size > SIZE_MAX / 2 - r->end)
            return false;
        size_t room = r->end + size;
        uint8_t *moved = realloc(r->pieces, room);
        if (!moved)
            return false;
        r->pieces = moved;
        r->room = room;
    }
    memcpy(r->pieces + r->end, bytes, size);
    r->end += size;
    return true;
}
