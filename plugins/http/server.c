/* A server from its opening to its end. */
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL_LEAST                                                                                 \
    ((size_t)64 << 10) /* memory of a connection: its heads, and bytes on their way */
#define ENDING_MS 500  /* what clients have at the end to fetch their last answer */

/* libmicrohttpd's own reports would go to standard error; the script hears what matters. */
static void ignore_report(void *cls, const char *format, va_list args)
{
    (void)cls;
    (void)format;
    (void)args;
}

static int64_t milliseconds(const lab_call *call, uint32_t param)
{
    return (int64_t)(lab_arg_float(call, param) * 1000);
}

static void read_limits(const lab_call *call, http_limits *limits)
{
    *limits = (http_limits){
        .threads = (unsigned)lab_arg_int(call, HTTP_THREADS),
        .connections = (unsigned)lab_arg_int(call, HTTP_CONNECTIONS),
        .per_address = (unsigned)lab_arg_int(call, HTTP_PER_ADDRESS),
        .queue = (size_t)lab_arg_int(call, HTTP_QUEUE),
        .header_bytes = (size_t)lab_arg_int(call, HTTP_HEADER_BYTES),
        .body_bytes = (size_t)lab_arg_int(call, HTTP_BODY_BYTES),
        .memory_bytes = (size_t)lab_arg_int(call, HTTP_MEMORY_BYTES),
        .stream_bytes = (size_t)lab_arg_int(call, HTTP_STREAM_BYTES),
        .request_time = milliseconds(call, HTTP_REQUEST_TIME),
        .idle_time = milliseconds(call, HTTP_IDLE_TIME),
        .send_time = milliseconds(call, HTTP_SEND_TIME),
    };
}

/* Conditions that time out by a clock that nobody sets. */
static bool init_conditions(http_server *server)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool ok = true;
#if !defined(__APPLE__)
    ok = pthread_condattr_setclock(&attributes, HTTP_COND_CLOCK) == 0;
#endif
    ok = ok && pthread_cond_init(&server->came, &attributes) == 0;
    if (ok && pthread_cond_init(&server->watch, &attributes) != 0) {
        pthread_cond_destroy(&server->came);
        ok = false;
    }
    pthread_condattr_destroy(&attributes);
    return ok;
}

static http_server *new_server(const lab_call *call)
{
    http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    if (pthread_mutex_init(&server->lock, NULL) != 0) {
        free(server);
        return NULL;
    }
    if (!init_conditions(server)) {
        pthread_mutex_destroy(&server->lock);
        free(server);
        return NULL;
    }
    read_limits(call, &server->limits);
    server->api = LAB_API_OF(call);
    server->context = lab_context_of(call);
    return server;
}

static void free_server(http_server *server)
{
    pthread_cond_destroy(&server->watch);
    pthread_cond_destroy(&server->came);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

/* A connection that is silent for so many seconds is libmicrohttpd's to end; the watcher is
 * stricter. */
static unsigned silence(const http_limits *limits)
{
    int64_t most =
        limits->idle_time > limits->request_time ? limits->idle_time : limits->request_time;
    most = most > limits->send_time ? most : limits->send_time;
    return (unsigned)(most / 1000 + 2);
}

static struct MHD_Daemon *start_daemon(http_server *server, int fd)
{
    const http_limits *limits = &server->limits;
    size_t pool = 4 * limits->header_bytes > POOL_LEAST ? 4 * limits->header_bytes : POOL_LEAST;
    struct MHD_OptionItem more[] = {
        { MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)limits->threads, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    if (limits->threads == 1)
        more[0] = more[1];
    return http_mhd.start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        http_answer, server, MHD_OPTION_EXTERNAL_LOGGER, ignore_report, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, limits->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits->per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        pool, MHD_OPTION_CONNECTION_TIMEOUT, silence(limits), MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_URI_LOG_CALLBACK, http_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_completed, server, MHD_OPTION_NOTIFY_CONNECTION, http_connected, server,
        MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

/* Starts all threads. They take no signals: Ctrl-C is for the thread of the script. */
static bool start_threads(http_server *server, int fd)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    server->daemon = start_daemon(server, fd);
    bool ok = server->daemon && http_watch_start(server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        return true;
    if (server->daemon)
        http_mhd.stop_daemon(server->daemon); /* closes the socket */
    else
        close(fd);
    return false;
}

lab_status http_open(lab_call *call, void **object)
{
    const char *host = lab_arg_string(call, HTTP_HOST, NULL);
    int fd;
    lab_status status = http_need_library(call);
    if (status)
        return status;
    http_server *server = new_server(call);
    if (!server)
        return lab_fail(call, LAB_E_NOMEM, "out of memory: a server");
    status = http_listen(call, host, (int)lab_arg_int(call, HTTP_PORT), server, &fd);
    if (!status && !start_threads(server, fd))
        status = lab_fail(call, LAB_E_IO, "the server's threads cannot be started on %s, port %d",
                          server->address, server->port);
    if (status) {
        free_server(server);
        return status;
    }
    *object = server;
    return LAB_OK;
}

/* ---- the end ---- */

/* Whether a client still waits for an answer, or fetches one. The lock is held. */
static bool is_busy(const http_server *server)
{
    for (const http_request *r = server->requests; r; r = r->next) {
        if (r->state != HTTP_READING)
            return true;
    }
    return false;
}

/*
 * Who waits is told that the server ends, who listens to a stream hears its end; then all
 * connections are closed. libmicrohttpd must not be stopped with suspended ones.
 */
void http_close(void *object)
{
    http_server *server = object;
    int listening = http_mhd.quiesce_daemon(server->daemon);
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    for (http_request *r = server->requests; r; r = r->next)
        http_resume(r);
    int64_t now = http_now(), until = now + ENDING_MS;
    while (is_busy(server) && now < until) {
        http_wait(&server->came, &server->lock, until - now);
        now = http_now();
    }
    pthread_mutex_unlock(&server->lock);
    http_watch_stop(server);
    http_mhd.stop_daemon(server->daemon);
    if (listening >= 0)
        close(listening);
    free_server(server);
}
