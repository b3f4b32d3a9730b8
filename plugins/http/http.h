/*
 * What the files of the HTTP transport share: the server, its connections and its requests.
 *
 * Threads. libmicrohttpd's poll the sockets, read requests and write replies, and call into
 * connection.c and stream.c. The thread of the script calls the methods (methods.c). One more, the
 * watcher (watch.c), looks after clients that left and clients that are slow. None of them ever
 * waits for another: a complete request is queued and its connection suspended; a reply resumes it.
 *
 * Locking. `lock` guards all that is not said to belong to one thread. Under it only connections
 * are suspended and resumed: a callback holds no lock of libmicrohttpd's that these take. The
 * callback of a stream holds its response's, so that replies are handed over and dropped without
 * `lock`.
 */
#ifndef LUALAB_HTTP_H
#define LUALAB_HTTP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* POLLRDHUP, SOCK_CLOEXEC */
#endif

#include <netdb.h>
#include <pthread.h>

#include "lab_plugin.h"
#include "library.h"

/* What `open` was told; times in milliseconds. */
typedef struct http_limits {
    unsigned threads, connections, per_address;
    size_t queue;        /* requests that wait for the script */
    size_t header_bytes; /* of a request, its first line included */
    size_t body_bytes;   /* of one request */
    size_t memory_bytes; /* of the bodies of all requests together */
    size_t stream_bytes; /* of one reply in pieces, not yet fetched by its client */
    int64_t request_time, idle_time, send_time;
} http_limits;

typedef enum http_state {
    HTTP_READING,  /* head or body are still coming */
    HTTP_QUEUED,   /* complete, waits for the script */
    HTTP_TAKEN,    /* the script has it */
    HTTP_REPLIED,  /* there is a reply, which libmicrohttpd has not got yet */
    HTTP_SENDING,  /* a whole reply is on its way */
    HTTP_STREAMING /* a reply in pieces is on its way */
} http_state;

typedef struct http_server http_server;
typedef struct http_peer http_peer;

/* What a request consists of; all from malloc. */
typedef struct http_parts {
    char method[16];
    char *path; /* decoded, without zero bytes */
    char *query;
    char *headers; /* "name: value\n" … */
    uint8_t *body;
    size_t body_size;
} http_parts;

/* A request, from its first line until libmicrohttpd has done with it. */
typedef struct http_request {
    http_server *server;
    http_peer *peer;
    struct MHD_Connection *connection;
    int64_t id;   /* 0 until it is queued */
    bool is_head; /* the method */
    http_state state;
    http_parts parts;

    /* While it is read: of libmicrohttpd's thread alone. */
    char *target; /* as sent */
    size_t target_size;
    bool head_seen, expects; /* expects: 100 Continue before it sends its body */
    bool refused;            /* an answer was written by http_cut: the rest is ignored */
    size_t headers_size, headers_room;
    size_t body_room; /* counted in server->bytes */

    bool suspended, gone, stream;
    struct MHD_Response *response;
    unsigned status;

    /* Streams: what is to be sent is pieces[begin .. end). */
    uint8_t *pieces;
    size_t begin, end, room;
    bool more;

    struct http_request *next, *before; /* all requests of the server */
    struct http_request *queued;        /* the next in the queue */
} http_request;

/* A connection. */
struct http_peer {
    http_server *server;
    int fd;                /* valid while the peer is in the server's list */
    http_request *request; /* NULL: between two */
    int64_t since;         /* when it began to do what it does */
    bool ended;            /* by the watcher */
    bool drained;          /* when the watcher last looked */
    char address[NI_MAXHOST], port[NI_MAXSERV];
    http_peer *next, *before;
};

#define HTTP_LEFT_MAX 1024 /* clients that left which the script has not asked about */

struct http_server {
    http_limits limits;
    const lab_host_api *api;
    lab_context *context;
    struct MHD_Daemon *daemon;
    char address[NI_MAXHOST];
    int port;

    pthread_mutex_t lock;
    pthread_cond_t came;  /* a request was queued, or somebody left */
    pthread_cond_t watch; /* the watcher has something to look at */
    pthread_t watcher;
    bool watching, closing;

    http_peer *peers;
    http_request *requests;
    http_request *first, *last; /* the queue */
    size_t queued, n_peers, n_requests;
    size_t bytes; /* of bodies that the script has not got yet */
    int64_t last_id, answered, n_refused;

    int64_t left[HTTP_LEFT_MAX]; /* a ring of ids */
    size_t left_first, left_count;
    bool somebody_left; /* since next last said so */

    int64_t watched; /* 0: nobody */
    bool raised;     /* the stop flag, for the watched one */
};

/* ---- watch.c: time ---- */

#ifdef __APPLE__
#define HTTP_COND_CLOCK CLOCK_REALTIME /* all that conditions know there */
#else
#define HTTP_COND_CLOCK CLOCK_MONOTONIC
#endif

int64_t http_now(void); /* milliseconds of the monotonic clock */
/* Waits at most `ms`; false when nobody signalled. */
bool http_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

/* ---- address.c ---- */

/* A listening socket, and where it listens. The call's status on failure. */
lab_status http_listen(lab_call *call, const char *host, int port, http_server *server, int *fd);

/* ---- head.c: what is wrong with a request ---- */

typedef struct http_problem {
    unsigned status; /* 0: nothing */
    const char *code;
    const char *message;
} http_problem;

/* Splits and decodes the target. */
http_problem http_read_target(http_request *r);
/* Checks and keeps the fields; `length` is the body's as declared, or -1. */
http_problem http_read_fields(http_request *r, const char *version, int64_t *length);

/* ---- reply.c ---- */

/* NULL when there is no memory. Owned by the caller. */
struct MHD_Response *http_problem_response(const http_problem *problem);
/* Adds "Name: value\0…" to a response; LAB_E_INVALID (of `call`) when something is not allowed. */
lab_status http_add_headers(lab_call *call, struct MHD_Response *response, const char *headers,
                            size_t size);
/* An answer written past libmicrohttpd, while a request is still being read: no more comes. */
void http_cut(const http_peer *peer, const http_problem *problem);

/* ---- connection.c: callbacks of libmicrohttpd ---- */

void *http_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **request);
void http_completed(void *cls, struct MHD_Connection *connection, void **request,
                    enum MHD_RequestTerminationCode why);
void http_connected(void *cls, struct MHD_Connection *connection, void **peer,
                    enum MHD_ConnectionNotificationCode what);

/* ---- stream.c; the lock is held ---- */

struct MHD_Response *http_stream_response(http_request *r);
/* False when there is no memory. */
bool http_stream_append(http_request *r, const void *bytes, size_t size);

/* ---- request.c; the lock is held ---- */

http_request *http_find(const http_server *server, int64_t id);
void http_suspend(http_request *r);
void http_resume(http_request *r);
/* Whether the client has closed its side, which libmicrohttpd does not see while it is suspended.
 */
bool http_has_left(const http_request *r);
/* Whether the client has closed its side and all it sent has been read. */
bool http_is_drained(const http_peer *peer);
/* Notes that the client has left: for leaving, watch and next; lets libmicrohttpd end it. */
void http_leave(http_request *r);
void http_free_parts(http_parts *parts);

/* ---- watch.c: the watcher ---- */

bool http_watch_start(http_server *server);
void http_watch_stop(http_server *server);

/* ---- server.c, methods.c ---- */

lab_status http_open(lab_call *call, void **object);
void http_close(void *object);
extern const lab_op *const http_methods[];

/* Options of open, by position in http_params (plugin.c). */
enum {
    HTTP_HOST,
    HTTP_PORT,
    HTTP_THREADS,
    HTTP_CONNECTIONS,
    HTTP_PER_ADDRESS,
    HTTP_QUEUE,
    HTTP_HEADER_BYTES,
    HTTP_BODY_BYTES,
    HTTP_MEMORY_BYTES,
    HTTP_STREAM_BYTES,
    HTTP_REQUEST_TIME,
    HTTP_IDLE_TIME,
    HTTP_SEND_TIME
};

#endif
