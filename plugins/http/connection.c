/*
 * What libmicrohttpd calls, on its own threads: a connection came or went, a request began, its
 * head is there, more of its body is there, it is complete, it is over. Nothing here waits.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BODY ((size_t)64 << 10) /* bytes a body first gets; then it doubles */

static const http_problem too_large = {
    413, "too_large", "the body of the request is larger than this server takes"
};
static const http_problem no_room = { 503, "busy",
                                      "the server has no memory for this request now; try again" };
static const http_problem too_many = { 503, "busy",
                                       "too many requests wait at this server; try again" };
static const http_problem ending = { 503, "ending", "the server is being ended" };

/* ---- connections ---- */

static http_peer *new_peer(http_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *fd =
        http_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        http_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    http_peer *peer = fd && address ? calloc(1, sizeof *peer) : NULL;
    if (!peer)
        return NULL;
    peer->server = server;
    peer->fd = fd->connect_fd;
    peer->since = http_now();
    const struct sockaddr *a = address->client_addr;
    socklen_t size =
        a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(a, size, peer->address, sizeof peer->address, peer->port, sizeof peer->port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(peer->address, sizeof peer->address, "unknown");
    return peer;
}

static void add_peer(http_server *server, http_peer *peer)
{
    pthread_mutex_lock(&server->lock);
    peer->next = server->peers;
    if (peer->next)
        peer->next->before = peer;
    server->peers = peer;
    server->n_peers++;
    pthread_cond_signal(&server->watch);
    pthread_mutex_unlock(&server->lock);
}

static void drop_peer(http_server *server, http_peer *peer)
{
    pthread_mutex_lock(&server->lock);
    if (peer->next)
        peer->next->before = peer->before;
    if (peer->before)
        peer->before->next = peer->next;
    else
        server->peers = peer->next;
    server->n_peers--;
    pthread_mutex_unlock(&server->lock);
    free(peer);
}

void http_connected(void *cls, struct MHD_Connection *connection, void **peer,
                    enum MHD_ConnectionNotificationCode what)
{
    http_server *server = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *peer = new_peer(server, connection);
        if (*peer)
            add_peer(server, *peer);
    } else if (*peer) {
        drop_peer(server, *peer);
        *peer = NULL;
    }
}

/* ---- a request begins and ends ---- */

void *http_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    http_server *server = cls;
    const union MHD_ConnectionInfo *info =
        http_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    http_peer *peer = info ? info->socket_context : NULL;
    http_request *r = peer ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    r->server = server;
    r->peer = peer;
    r->connection = connection;
    r->target_size = strlen(uri);
    r->target = malloc(r->target_size + 1);
    if (!r->target) {
        free(r);
        return NULL;
    }
    memcpy(r->target, uri, r->target_size + 1);
    pthread_mutex_lock(&server->lock);
    r->next = server->requests;
    if (r->next)
        r->next->before = r;
    server->requests = r;
    server->n_requests++;
    peer->request = r;
    peer->since = http_now();
    pthread_mutex_unlock(&server->lock);
    return r;
}

/* Takes a request that was not fetched yet out of the queue. */
static void unqueue(http_server *server, const http_request *r)
{
    http_request **link = &server->first, *before = NULL;
    while (*link && *link != r) {
        before = *link;
        link = &before->queued;
    }
    if (!*link)
        return;
    *link = r->queued;
    if (server->last == r)
        server->last = before;
    server->queued--;
}

void http_completed(void *cls, struct MHD_Connection *connection, void **request,
                    enum MHD_RequestTerminationCode why)
{
    (void)connection;
    http_server *server = cls;
    http_request *r = *request;
    *request = NULL;
    if (!r)
        return;
    pthread_mutex_lock(&server->lock);
    r->suspended = false; /* libmicrohttpd has resumed it to end it */
    if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        http_leave(r);
    if (r->state == HTTP_QUEUED)
        unqueue(server, r);
    if (r->next)
        r->next->before = r->before;
    if (r->before)
        r->before->next = r->next;
    else
        server->requests = r->next;
    server->n_requests--;
    server->bytes -= r->body_room;
    r->peer->request = NULL;
    r->peer->since = http_now();
    if (server->closing)
        pthread_cond_signal(&server->came);
    pthread_mutex_unlock(&server->lock);
    if (r->response)
        http_mhd.destroy_response(r->response);
    http_free_parts(&r->parts);
    free(r->target);
    free(r->pieces);
    free(r);
}

/* ---- answers of the transport ---- */

static void now_sending(http_request *r, http_state state)
{
    r->state = state;
    r->peer->since = http_now();
    pthread_cond_signal(&r->server->watch);
}

/* Hands libmicrohttpd a problem as the answer. `r` may be NULL. The lock is not held. */
static enum MHD_Result refuse(http_server *server, http_request *r,
                              struct MHD_Connection *connection, const http_problem *problem)
{
    struct MHD_Response *response = http_problem_response(problem);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = http_mhd.queue_response(connection, problem->status, response);
    http_mhd.destroy_response(response);
    pthread_mutex_lock(&server->lock);
    server->n_refused++;
    if (r)
        now_sending(r, HTTP_SENDING);
    pthread_mutex_unlock(&server->lock);
    return result;
}

/* The same while the body is on its way: it is read and forgotten until the client has done. */
static void cut(http_request *r, const http_problem *problem)
{
    http_server *server = r->server;
    r->refused = true;
    http_cut(r->peer, problem);
    free(r->parts.body);
    r->parts.body = NULL;
    pthread_mutex_lock(&server->lock);
    server->bytes -= r->body_room;
    server->n_refused++;
    pthread_mutex_unlock(&server->lock);
    r->body_room = 0;
}

/* ---- a request is read ---- */

static enum MHD_Result take_head(http_request *r, const char *method, const char *version)
{
    http_server *server = r->server;
    const http_limits *limits = &server->limits;
    int64_t length = -1;
    http_problem problem = { 0 };
    size_t letters = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    r->head_seen = true;
    if (letters == 0 || method[letters] || letters >= sizeof r->parts.method)
        problem = (http_problem){ 501, "not_implemented", "there is no such method" };
    if (!problem.status)
        problem = http_read_target(r);
    if (!problem.status)
        problem = http_read_fields(r, version, &length);
    if (problem.status)
        return refuse(server, r, r->connection, &problem);
    memcpy(r->parts.method, method, letters + 1);
    r->is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    pthread_mutex_lock(&server->lock);
    size_t left = limits->memory_bytes > server->bytes ? limits->memory_bytes - server->bytes : 0;
    pthread_mutex_unlock(&server->lock);
    if (length > 0 && (uint64_t)length > limits->body_bytes)
        problem = too_large;
    else if (length > 0 && (uint64_t)length > left)
        problem = no_room;
    if (!problem.status)
        return MHD_YES;
    /* A client that waits for 100 Continue has sent nothing; another sends whatever we say. */
    if (r->expects)
        return refuse(server, r, r->connection, &problem);
    cut(r, &problem);
    return MHD_YES;
}

/* Room for `size` more bytes of the body; false when there is none. */
static bool grow(http_request *r, size_t size)
{
    http_server *server = r->server;
    if (size <= r->body_room - r->parts.body_size)
        return true;
    size_t room = 2 * r->body_room > FIRST_BODY ? 2 * r->body_room : FIRST_BODY;
    if (room < r->parts.body_size + size)
        room = r->parts.body_size + size;
    if (room > server->limits.body_bytes)
        room = server->limits.body_bytes;
    size_t more = room - r->body_room;
    pthread_mutex_lock(&server->lock);
    bool ok = server->bytes <= server->limits.memory_bytes &&
              more <= server->limits.memory_bytes - server->bytes;
    if (ok)
        server->bytes += more;
    pthread_mutex_unlock(&server->lock);
    if (!ok)
        return false;
    r->body_room = room;
    uint8_t *moved = realloc(r->parts.body, room);
    if (!moved)
        return false;
    r->parts.body = moved;
    return true;
}

static void take_body(http_request *r, const char *data, size_t size)
{
    if (r->refused)
        return;
    if (size > r->server->limits.body_bytes - r->parts.body_size) {
        cut(r, &too_large);
    } else if (!grow(r, size)) {
        cut(r, &no_room);
    } else {
        memcpy(r->parts.body + r->parts.body_size, data, size);
        r->parts.body_size += size;
    }
}

/* ---- a request is complete ---- */

/* Queues it; the lock is held. What is wrong when it cannot be. */
static const http_problem *queue(http_request *r)
{
    http_server *server = r->server;
    if (server->closing)
        return &ending;
    if (server->queued >= server->limits.queue)
        return &too_many;
    r->id = ++server->last_id;
    r->state = HTTP_QUEUED;
    if (server->last)
        server->last->queued = r;
    else
        server->first = r;
    server->last = r;
    server->queued++;
    http_suspend(r);
    pthread_cond_signal(&server->came);
    return NULL;
}

/* The reply of the script, to be given to libmicrohttpd. The lock is held. */
static struct MHD_Response *take_reply(http_request *r)
{
    struct MHD_Response *response = r->response;
    r->response = NULL;
    now_sending(r, r->stream ? HTTP_STREAMING : HTTP_SENDING);
    r->server->answered++;
    return response;
}

/* Called when all has been read, and again each time the connection was resumed. */
static enum MHD_Result step(http_request *r)
{
    http_server *server = r->server;
    const http_problem *problem = NULL;
    struct MHD_Response *reply = NULL;
    enum MHD_Result result = MHD_YES;
    pthread_mutex_lock(&server->lock);
    if (r->gone || r->refused) {
        result = MHD_NO;
    } else if (r->state == HTTP_READING) {
        problem = queue(r);
    } else if (r->state == HTTP_REPLIED) {
        reply = take_reply(r);
    } else if (r->state == HTTP_QUEUED || r->state == HTTP_TAKEN) {
        if (!server->closing)
            http_suspend(r);
        else
            problem = &ending;
        if (problem && r->state == HTTP_QUEUED)
            unqueue(server, r);
    }
    pthread_mutex_unlock(&server->lock);
    if (reply) { /* not under our lock: libmicrohttpd has one for each response */
        result = http_mhd.queue_response(r->connection, r->status, reply);
        http_mhd.destroy_response(reply);
    }
    return problem ? refuse(server, r, r->connection, problem) : result;
}

enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **request)
{
    (void)url; /* the target as it was sent says more */
    http_request *r = *request;
    if (!r)
        return refuse(cls, NULL, connection, &no_room);
    if (!r->head_seen)
        return take_head(r, method, version);
    if (*size > 0) {
        take_body(r, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return step(r);
}
