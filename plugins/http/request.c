/* Requests between the two sides: found, suspended, resumed, left. The lock is held throughout. */
#include "http.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

http_request *http_find(const http_server *server, int64_t id)
{
    for (http_request *r = server->requests; r; r = r->next) {
        if (r->id == id)
            return r;
    }
    return NULL;
}

void http_suspend(http_request *r)
{
    r->suspended = true;
    http_mhd.suspend_connection(r->connection);
    pthread_cond_signal(&r->server->watch);
}

void http_resume(http_request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    http_mhd.resume_connection(r->connection);
}

bool http_is_drained(const http_peer *peer)
{
    char byte;
    return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * A client that closes sends a FIN, which POLLRDHUP shows even behind bytes that nobody has read;
 * where the system has no such event, only a socket that was read to its end tells.
 */
bool http_has_left(const http_request *r)
{
    struct pollfd at = { .fd = r->peer->fd, .events = POLLIN | POLLRDHUP };
    if (r->gone)
        return true;
    if (poll(&at, 1, 0) <= 0)
        return false;
    if (at.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))
        return true;
    return (at.revents & POLLIN) && http_is_drained(r->peer);
}

/* The script hears of requests that it has, and the oldest of too many are forgotten. */
static void note_left(http_server *server, int64_t id)
{
    if (server->left_count == HTTP_LEFT_MAX) {
        server->left_first = (server->left_first + 1) % HTTP_LEFT_MAX;
        server->left_count--;
    }
    server->left[(server->left_first + server->left_count++) % HTTP_LEFT_MAX] = id;
    server->somebody_left = true;
    pthread_cond_signal(&server->came);
    if (server->watched == id && !server->raised && !server->closing) {
        server->raised = true;
        lab_interrupt(server->api, server->context);
    }
}

void http_leave(http_request *r)
{
    if (r->gone)
        return;
    r->gone = true;
    if (r->state == HTTP_TAKEN || (r->state == HTTP_STREAMING && r->more))
        note_left(r->server, r->id);
    http_resume(r);
}

void http_free_parts(http_parts *parts)
{
    free(parts->path);
    free(parts->query);
    free(parts->headers);
    free(parts->body);
    *parts = (http_parts){ 0 };
}
