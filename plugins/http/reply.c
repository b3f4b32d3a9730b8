/*
 * Replies: those of the transport itself (JSON, in the form that the API's errors have), their
 * headers, and those that must be sent past libmicrohttpd since it takes none while it reads.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define PROBLEM_MAX 512

/* {"error": {…}}; the texts are ours and need no escapes. */
static int write_problem(char *text, size_t size, const http_problem *problem)
{
    return snprintf(text, size,
                    "{\"error\": {\"status\": %u, \"code\": \"%s\", \"message\": \"%s\"}}\n",
                    problem->status, problem->code, problem->message);
}

/* After a problem the connection ends: what follows on it could be the rest of the body. */
static const char *const problem_headers[][2] = { { "Content-Type", "application/json" },
                                                  { "X-Content-Type-Options", "nosniff" },
                                                  { "Cache-Control", "no-store" },
                                                  { "Connection", "close" } };
#define N_PROBLEM_HEADERS (sizeof problem_headers / sizeof problem_headers[0])

struct MHD_Response *http_problem_response(const http_problem *problem)
{
    char text[PROBLEM_MAX];
    int size = write_problem(text, sizeof text, problem);
    struct MHD_Response *response =
        http_mhd.create_response_from_buffer((size_t)size, text, MHD_RESPMEM_MUST_COPY);
    bool ok = response != NULL;
    for (size_t i = 0; ok && i < N_PROBLEM_HEADERS; i++)
        ok = http_mhd.add_response_header(response, problem_headers[i][0], problem_headers[i][1]) ==
             MHD_YES;
    if (ok && problem->status == 503)
        ok = http_mhd.add_response_header(response, "Retry-After", "1") == MHD_YES;
    if (!ok && response) {
        http_mhd.destroy_response(response);
        response = NULL;
    }
    return response;
}

void http_cut(const http_peer *peer, const http_problem *problem)
{
    char body[PROBLEM_MAX], text[2 * PROBLEM_MAX];
    int size = write_problem(body, sizeof body, problem);
    const char *reason = http_mhd.get_reason_phrase_for(problem->status);
    size_t used = (size_t)snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nContent-Length: %d\r\n",
                                   problem->status, reason, size);
    for (size_t i = 0; i < N_PROBLEM_HEADERS; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s: %s\r\n",
                                 problem_headers[i][0], problem_headers[i][1]);
    if (problem->status == 503)
        used += (size_t)snprintf(text + used, sizeof text - used, "Retry-After: 1\r\n");
    used += (size_t)snprintf(text + used, sizeof text - used, "\r\n%s", body);
    /* A client that cannot even take this gets less of it. */
    send(peer->fd, text, used, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(peer->fd, SHUT_WR);
}

/* ---- headers of the script ---- */

/* Headers that the transport sets, or whose values it must know. */
static const char *const ours[] = { "Content-Length", "Transfer-Encoding", "Date", "Upgrade",
                                    "Trailer" };

static bool is_ours(const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    }
    return strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") != 0;
}

static bool is_clean(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* One "Name: value", whose colon is overwritten. */
static lab_status add_header(lab_call *call, struct MHD_Response *response, char *line)
{
    if (!is_clean(line))
        return lab_fail(call, LAB_E_INVALID,
                        "headers: \"%.*s\" has a line break or another control character in its "
                        "value",
                        (int)strcspn(line, ": \r\n"), line);
    char *colon = strchr(line, ':');
    if (!colon || colon == line || strcspn(line, " \t\"(),/;<=>?@[\\]{}") < (size_t)(colon - line))
        return lab_fail(call, LAB_E_INVALID, "headers: \"%.60s\" must be NAME: VALUE", line);
    *colon = '\0';
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (is_ours(line, value))
        return lab_fail(call, LAB_E_INVALID, "headers: %s is set by the server itself", line);
    if (*value && http_mhd.add_response_header(response, line, value) != MHD_YES)
        return lab_fail(call, LAB_E_NOMEM, "out of memory, or a header that cannot be sent: %.60s",
                        line);
    return LAB_OK;
}

lab_status http_add_headers(lab_call *call, struct MHD_Response *response, const char *headers,
                            size_t size)
{
    if (size > 0 && headers[size - 1] != '\0')
        return lab_fail(call, LAB_E_INVALID,
                        "headers: each \"Name: value\" must end with a zero byte");
    char *copy = lab_call_alloc(call, size + 1);
    if (!copy)
        return lab_call_status(call);
    if (size > 0)
        memcpy(copy, headers, size);
    for (size_t at = 0, next; at < size; at = next) {
        next = at + strlen(copy + at) + 1;
        lab_status status = add_header(call, response, copy + at);
        if (status)
            return status;
    }
    return LAB_OK;
}
