/*
 * The watcher: libmicrohttpd does not look at suspended connections, so somebody must see that
 * their clients have left; and its time limits count silence only, so somebody must end those that
 * send their request, or fetch their reply, byte by byte.
 */
#include "http.h"

#include <sys/socket.h>
#include <time.h>

#define WAITING_MS 50  /* how soon it is seen that a client has left */
#define RESTING_MS 250 /* with connections of which none waits */

static const http_problem too_slow = { 408, "timeout",
                                       "the request did not arrive in the time it may take" };

int64_t http_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool http_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
    struct timespec until;
    clock_gettime(HTTP_COND_CLOCK, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(cond, lock, &until) == 0;
}

/* Ends a connection under libmicrohttpd, which sees it as one that its client has closed. */
static void end_peer(http_peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    peer->ended = true;
}

/*
 * A connection of which more is to be read. libmicrohttpd waits for the edges of epoll, and one
 * that ends with the bytes it has just read makes no more: what has been drained twice will not go
 * on.
 */
static bool look_at_reading(http_peer *peer, int64_t took)
{
    const http_limits *limits = &peer->server->limits;
    const http_request *r = peer->request; /* NULL: between two */
    bool drained = http_is_drained(peer);
    if (took > (r ? limits->request_time : limits->idle_time)) {
        if (r && !r->refused)
            http_cut(peer, &too_slow);
        end_peer(peer);
    } else if (drained && peer->drained) {
        end_peer(peer);
    }
    peer->drained = drained;
    return drained;
}

/* Looks at one connection; true when it must be looked at again soon. */
static bool look_at(http_peer *peer, int64_t now)
{
    const http_limits *limits = &peer->server->limits;
    http_request *r = peer->request;
    int64_t took = now - peer->since;
    if (peer->ended)
        return false;
    if (!r)
        return look_at_reading(peer, took);
    switch (r->state) {
    case HTTP_READING:
        return look_at_reading(peer, took);
    case HTTP_SENDING:
        if (took > limits->send_time)
            end_peer(peer);
        return false;
    case HTTP_STREAMING:
        if (!r->suspended && took > limits->send_time)
            end_peer(peer);
        break;
    case HTTP_QUEUED:
    case HTTP_TAKEN:
    case HTTP_REPLIED:
        break;
    }
    if (r->suspended && http_has_left(r))
        http_leave(r);
    return true;
}

static void *watch(void *cls)
{
    http_server *server = cls;
    pthread_mutex_lock(&server->lock);
    while (server->watching) {
        bool soon = false;
        int64_t now = http_now();
        for (http_peer *peer = server->peers; peer; peer = peer->next)
            soon = look_at(peer, now) || soon;
        if (server->peers) {
            int64_t until = now + (soon ? WAITING_MS : RESTING_MS);
            /* Signals come with every request; a look a while later is soon enough for all. */
            while (server->watching && now < until) {
                bool told = http_wait(&server->watch, &server->lock, until - now);
                now = http_now();
                if (told && until > now + WAITING_MS)
                    until = now + WAITING_MS;
            }
        } else {
            pthread_cond_wait(&server->watch, &server->lock);
        }
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

bool http_watch_start(http_server *server)
{
    server->watching = true;
    if (pthread_create(&server->watcher, NULL, watch, server) == 0)
        return true;
    server->watching = false;
    return false;
}

void http_watch_stop(http_server *server)
{
    if (!server->watching)
        return;
    pthread_mutex_lock(&server->lock);
    server->watching = false;
    pthread_cond_signal(&server->watch);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->watcher, NULL);
}
