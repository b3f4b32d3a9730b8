/* Where a server listens: a socket of our own, so that what goes wrong can be told in a sentence.
 */
#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128             /* connections that the system keeps until they are accepted */
#define SEND_BUFFER (512 << 10) /* bytes: most replies go to the system in one piece */

static int open_socket(const struct addrinfo *info)
{
    int one = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);
    if (fd < 0)
        return -1;
    /* Accepted sockets inherit both; the system may allow less, and nothing depends on them. */
    int buffer = SEND_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* A server that was ended may start again while its old connections fade. */
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              (info->ai_family != AF_INET6 ||
               setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
              bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (ok)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* The address and port that it got, as numbers. */
static bool name_socket(int fd, http_server *server)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    char port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
        getnameinfo((struct sockaddr *)&at, size, server->address, sizeof server->address, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    server->port = (int)strtol(port, NULL, 10);
    return true;
}

static lab_status cannot_listen(lab_call *call, const char *host, int port)
{
    const char *hint = errno == EADDRINUSE      ? "; choose another port, or 0 for any that is free"
                       : errno == EACCES        ? "; ports below 1024 are for the administrator"
                       : errno == EADDRNOTAVAIL ? "; this machine has no such address"
                                                : "";
    return lab_fail(call, LAB_E_IO, "cannot listen on %s, port %d: %s%s", host, port,
                    strerror(errno), hint);
}

lab_status http_listen(lab_call *call, const char *host, int port, http_server *server, int *fd)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found;
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    int failure = getaddrinfo(host, service, &hints, &found);
    if (failure)
        return lab_fail(call, LAB_E_IO, "the address \"%s\" to listen on is unknown: %s", host,
                        gai_strerror(failure));
    *fd = -1;
    for (const struct addrinfo *info = found; info && *fd < 0; info = info->ai_next)
        *fd = open_socket(info);
    int why = errno;
    freeaddrinfo(found);
    errno = why;
    if (*fd < 0)
        return cannot_listen(call, host, port);
    if (name_socket(*fd, server))
        return LAB_OK;
    close(*fd);
    return lab_fail(call, LAB_E_IO, "the address of the listening socket cannot be told");
}
