/*
 * The methods: what the script does with a server, on its own thread. Only next waits, and looks at
 * the stop flag while it does.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20               /* how soon next sees that a stop was asked for */
#define MOST_ID 9007199254740991 /* 2^53 - 1 */

/* ---- where it listens ---- */

static lab_status port_run(lab_call *call)
{
    const http_server *server = lab_object(call);
    return lab_result_int(call, server->port);
}

static const lab_op http_port = {
    .name = "http.port", .summary = "the port it listens on", .out = LAB_INT, .run = port_run
};

static lab_status address_run(lab_call *call)
{
    const http_server *server = lab_object(call);
    return lab_result_string(call, server->address);
}

static const lab_op http_address = { .name = "http.address",
                                     .summary = "the address it listens on, as a number",
                                     .out = LAB_STRING,
                                     .run = address_run };

/* ---- next ---- */

/* Waits until there is a request or something to look at; the lock is held. */
static lab_status wait_for_request(lab_call *call, http_server *server, int64_t ms)
{
    int64_t now = http_now(), until = now + ms;
    for (;;) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        if (server->first || server->somebody_left || now >= until)
            break;
        http_wait(&server->came, &server->lock, until - now < LOOK_MS ? until - now : LOOK_MS);
        now = http_now();
    }
    server->somebody_left = false;
    return LAB_OK;
}

/* The first of the queue becomes the script's; NULL when there is none. The lock is held. */
static http_request *take_first(http_server *server, http_parts *parts)
{
    http_request *r = server->first;
    if (!r)
        return NULL;
    server->first = r->queued;
    if (!server->first)
        server->last = NULL;
    server->queued--;
    r->state = HTTP_TAKEN;
    *parts = r->parts;
    r->parts = (http_parts){ 0 };
    server->bytes -= r->body_room;
    r->body_room = 0;
    return r;
}

static void give_request(lab_call *call, int64_t id, const http_parts *parts, const char *client,
                         const char *address)
{
    lab_record_begin(call);
    lab_record_int(call, "id", id);
    lab_record_string(call, "method", parts->method);
    lab_record_bytes(call, "path", parts->path, strlen(parts->path));
    lab_record_bytes(call, "query", parts->query, strlen(parts->query));
    lab_record_bytes(call, "headers", parts->headers, strlen(parts->headers));
    lab_record_bytes(call, "body", parts->body, parts->body_size);
    lab_record_string(call, "client", client);
    lab_record_string(call, "client_key", address);
}

/* A request that could not be handed over is answered, or its client would wait for ever. */
static void answer_failure(http_server *server, int64_t id)
{
    static const http_problem failed = { 500, "internal", "the server is out of memory" };
    struct MHD_Response *response = http_problem_response(&failed);
    pthread_mutex_lock(&server->lock);
    http_request *r = http_find(server, id);
    if (r && response) {
        r->status = failed.status;
        r->response = response;
        r->state = HTTP_REPLIED;
        response = NULL;
        http_resume(r);
    } else if (r) {
        http_leave(r);
    }
    pthread_mutex_unlock(&server->lock);
    if (response)
        http_mhd.destroy_response(response);
}

static lab_status next_run(lab_call *call)
{
    http_server *server = lab_object(call);
    http_parts parts;
    char address[NI_MAXHOST], client[NI_MAXHOST + NI_MAXSERV + 4];
    int64_t id = 0;
    pthread_mutex_lock(&server->lock);
    lab_status status = wait_for_request(call, server, (int64_t)(lab_arg_float(call, 0) * 1000));
    const http_request *r = status ? NULL : take_first(server, &parts);
    if (r) {
        bool v6 = strchr(r->peer->address, ':') != NULL;
        id = r->id;
        memcpy(address, r->peer->address, sizeof address);
        snprintf(client, sizeof client, v6 ? "[%s]:%s" : "%s:%s", address, r->peer->port);
    }
    pthread_mutex_unlock(&server->lock);
    if (!r)
        return status;
    give_request(call, id, &parts, client, address);
    http_free_parts(&parts);
    if (lab_call_status(call))
        answer_failure(server, id);
    return lab_call_status(call);
}

static const lab_param next_params[] = {
    { .name = "wait",
      .type = LAB_FLOAT,
      .doc = "seconds to wait for one; 0: not at all",
      .def = "0",
      .min = 0,
      .max = 3600,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

static const lab_op http_next = {
    .name = "http.next",
    .summary = "the next request, or nil when none came in time",
    .doc = "A request is {id, method, path, query, headers, body, client, client_key}: the path "
           "decoded, the query as sent, headers as lines \"name: value\" with names in lower case. "
           "Also gives nil, once, when a client has left (see leaving), and after Ctrl-C nil, a "
           "message and the code INTERRUPTED.",
    .out = LAB_RECORD,
    .params = next_params,
    .run = next_run,
};

/* ---- reply and send ---- */

enum { REPLY_ID, REPLY_STATUS, REPLY_HEADERS, REPLY_BODY, REPLY_MORE };

#define PARAM_ID(text)                                                                             \
    {                                                                                              \
        .name = "id", .type = LAB_INT, .doc = (text), .min = 1, .max = (double)MOST_ID             \
    }

static lab_status never_was(lab_call *call, int64_t id)
{
    return lab_fail(call, LAB_E_INVALID, "there was no request %lld", (long long)id);
}

/* A response of libmicrohttpd with the body of the call; NULL: no memory. The lock is held. */
static struct MHD_Response *make_response(const lab_call *call, http_request *r)
{
    size_t size;
    const char *body = lab_arg_string(call, REPLY_BODY, &size);
    if (lab_arg_int(call, REPLY_MORE))
        return http_stream_append(r, body, size) ? http_stream_response(r) : NULL;
    return http_mhd.create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
}

/* The answer to a request that waits for one; the lock is held. */
static lab_status set_reply(lab_call *call, http_request *r)
{
    size_t size;
    const char *headers = lab_arg_string(call, REPLY_HEADERS, &size);
    int64_t code = lab_arg_int(call, REPLY_STATUS);
    bool more = lab_arg_int(call, REPLY_MORE) != 0;
    if (r->state != HTTP_TAKEN)
        return lab_fail(call, LAB_E_INVALID, "request %lld has been answered already",
                        (long long)r->id);
    if (more && (code == 204 || code == 304))
        return lab_fail(call, LAB_E_INVALID, "a reply with status %d has no body", (int)code);
    struct MHD_Response *response = make_response(call, r);
    lab_status status = response
                            ? http_add_headers(call, response, headers, size)
                            : lab_fail(call, LAB_E_NOMEM, "out of memory: the body of a reply");
    if (status) {
        if (response)
            http_mhd.destroy_response(response);
        r->begin = r->end = 0;
        return status;
    }
    r->response = response;
    r->status = (unsigned)code;
    r->stream = r->more = more;
    r->state = HTTP_REPLIED;
    http_resume(r);
    return LAB_OK;
}

static lab_status reply_run(lab_call *call)
{
    http_server *server = lab_object(call);
    int64_t id = lab_arg_int(call, REPLY_ID);
    lab_status status = LAB_OK;
    pthread_mutex_lock(&server->lock);
    bool known = id <= server->last_id;
    http_request *r = known ? http_find(server, id) : NULL;
    bool there = r && !r->gone;
    if (there)
        status = set_reply(call, r);
    pthread_mutex_unlock(&server->lock);
    if (!known)
        return never_was(call, id);
    return status ? status : lab_result_int(call, there);
}

static const lab_param reply_params[] = {
    PARAM_ID("of the request"),
    { .name = "status", .type = LAB_INT, .doc = "of HTTP", .def = "200", .min = 200, .max = 599 },
    { .name = "headers",
      .type = LAB_BYTES,
      .doc = "\"Name: value\", each with a zero byte behind it",
      .def = "" },
    { .name = "body", .type = LAB_BYTES, .doc = "all of it, or its first piece", .def = "" },
    { .name = "more",
      .type = LAB_BOOL,
      .doc = "the body goes on with what send is given",
      .def = "false" },
    LAB_PARAM_END,
};

static const lab_op http_reply = {
    .name = "http.reply",
    .summary = "answers a request; false when its client has left",
    .doc =
        "Content-Length, Transfer-Encoding and Date are set by the server, which also leaves the "
        "body out for HEAD. A line break in a value is refused.",
    .out = LAB_BOOL,
    .params = reply_params,
    .run = reply_run,
};

enum { SEND_ID, SEND_BODY, SEND_MORE };

/* Adds a piece; false when the client does not read and was cut off. The lock is held. */
static lab_status add_piece(lab_call *call, http_request *r, bool *there)
{
    size_t size;
    const char *body = lab_arg_string(call, SEND_BODY, &size);
    if (!r->stream || !r->more)
        return lab_fail(call, LAB_E_INVALID, "request %lld has no reply that goes on (more = true)",
                        (long long)r->id);
    if (r->end - r->begin > r->server->limits.stream_bytes) {
        http_leave(r);
        *there = false;
        return LAB_OK;
    }
    if (!http_stream_append(r, body, size))
        return lab_fail(call, LAB_E_NOMEM, "out of memory: %zu bytes of a reply", size);
    r->more = lab_arg_int(call, SEND_MORE) != 0;
    if (r->state == HTTP_STREAMING)
        http_resume(r);
    return LAB_OK;
}

static lab_status send_run(lab_call *call)
{
    http_server *server = lab_object(call);
    int64_t id = lab_arg_int(call, SEND_ID);
    lab_status status = LAB_OK;
    pthread_mutex_lock(&server->lock);
    bool known = id <= server->last_id;
    http_request *r = known ? http_find(server, id) : NULL;
    bool there = r && !r->gone;
    if (there)
        status = add_piece(call, r, &there);
    pthread_mutex_unlock(&server->lock);
    if (!known)
        return never_was(call, id);
    return status ? status : lab_result_int(call, there);
}

static const lab_param send_params[] = {
    PARAM_ID("of the request"),
    { .name = "body", .type = LAB_BYTES, .doc = "the next piece", .def = "" },
    { .name = "more", .type = LAB_BOOL, .doc = "false: that was the last", .def = "true" },
    LAB_PARAM_END,
};

static const lab_op http_send = {
    .name = "http.send",
    .summary = "a further piece of a reply; false when the client has left",
    .doc = "Never waits: pieces are kept until the client fetches them. One that leaves more than "
           "stream_bytes lying is cut off.",
    .out = LAB_BOOL,
    .params = send_params,
    .run = send_run,
};

/* ---- clients that left ---- */

static lab_status gone_run(lab_call *call)
{
    http_server *server = lab_object(call);
    int64_t id = lab_arg_int(call, 0);
    pthread_mutex_lock(&server->lock);
    bool known = id <= server->last_id;
    http_request *r = known ? http_find(server, id) : NULL;
    if (r && r->suspended && http_has_left(r))
        http_leave(r);
    bool gone = !r || r->gone;
    pthread_mutex_unlock(&server->lock);
    return known ? lab_result_int(call, gone) : never_was(call, id);
}

static const lab_param gone_params[] = {
    { .name = "id",
      .type = LAB_INT,
      .doc = "of the request",
      .min = 1,
      .max = (double)MOST_ID,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

static const lab_op http_gone = {
    .name = "http.gone",
    .summary = "whether a request's client has left, or has its whole answer",
    .doc = "Looks at the socket itself. A client that closed its sending side alone counts as one "
           "that left.",
    .out = LAB_BOOL,
    .params = gone_params,
    .run = gone_run,
};

static lab_status leaving_run(lab_call *call)
{
    http_server *server = lab_object(call);
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->left_count; i++) {
        lab_record_begin(call);
        lab_record_int(call, "id", server->left[(server->left_first + i) % HTTP_LEFT_MAX]);
    }
    server->left_count = 0;
    pthread_mutex_unlock(&server->lock);
    return lab_call_status(call);
}

static const lab_op http_leaving = {
    .name = "http.leaving",
    .summary = "the requests whose clients left before they had their whole answer, each once",
    .doc = "Rows {id}, of requests that next has given; the last 1024 since it was last asked.",
    .out = LAB_RECORDS,
    .run = leaving_run,
};

static lab_status watch_run(lab_call *call)
{
    http_server *server = lab_object(call);
    int64_t id = lab_given(call, 0) ? lab_arg_int(call, 0) : 0;
    pthread_mutex_lock(&server->lock);
    bool known = id <= server->last_id;
    const http_request *r = id && known ? http_find(server, id) : NULL;
    bool result = id ? r && !r->gone : server->raised;
    server->watched = result && id ? id : 0;
    server->raised = false;
    pthread_mutex_unlock(&server->lock);
    return known ? lab_result_int(call, result) : never_was(call, id);
}

static const lab_param watch_params[] = {
    { .name = "id",
      .type = LAB_INT,
      .doc = "of the request; without it: no longer",
      .min = 1,
      .max = (double)MOST_ID,
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

static const lab_op http_watch = {
    .name = "http.watch",
    .summary = "raises the stop flag when this client leaves, until told otherwise",
    .doc =
        "With an id: whether the client is there, and so is watched. Without: whether the flag was "
        "raised for the one that was watched; the script then answers with core.clear_stop(). The "
        "flag stops all work of the process, as Ctrl-C does.",
    .out = LAB_BOOL,
    .params = watch_params,
    .run = watch_run,
};

/* ---- figures ---- */

static lab_status stats_run(lab_call *call)
{
    http_server *server = lab_object(call);
    pthread_mutex_lock(&server->lock);
    lab_record_begin(call);
    lab_record_int(call, "connections", (int64_t)server->n_peers);
    lab_record_int(call, "requests", (int64_t)server->n_requests);
    lab_record_int(call, "waiting", (int64_t)server->queued);
    lab_record_int(call, "bytes", (int64_t)server->bytes);
    lab_record_int(call, "answered", server->answered);
    lab_record_int(call, "refused", server->n_refused);
    pthread_mutex_unlock(&server->lock);
    return lab_call_status(call);
}

static const lab_op http_stats = {
    .name = "http.stats",
    .summary = "figures: connections, requests, waiting, bytes, answered, refused",
    .doc = "connections and requests that there are, of these waiting for next, bytes of their "
           "bodies; requests answered by the script and refused by the server so far.",
    .out = LAB_RECORD,
    .run = stats_run,
};

const lab_op *const http_methods[] = { &http_next,    &http_reply, &http_send, &http_gone,
                                       &http_leaving, &http_watch, &http_port, &http_address,
                                       &http_stats,   NULL };
