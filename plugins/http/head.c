/*
 * The head of a request: is it one that only has one meaning? What two programs could read in two
 * ways is refused (RFC 9112, section 11.2), since such requests are how one gets past a proxy.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const http_problem fine;
static const http_problem no_memory = { 503, "busy", "the server is out of memory; try again" };

static http_problem bad(const char *message)
{
    return (http_problem){ 400, "bad_request", message };
}

/* ---- the target ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding in place; false for what is none, and for a zero byte. */
static bool decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *out++ = (char)(high << 4 | low);
        in += 2;
    }
    *out = '\0';
    return true;
}

http_problem http_read_target(http_request *r)
{
    if (r->target_size > r->server->limits.header_bytes)
        return (http_problem){ 414, "too_long", "the address of the request is too long" };
    if (r->target[0] != '/')
        return bad("the target of a request must begin with a slash");
    for (size_t i = 0; i < r->target_size; i++) {
        unsigned char c = (unsigned char)r->target[i];
        if (c <= ' ' || c == 0x7f || c == '#')
            return bad("the target of a request has a character that must be percent-encoded");
    }
    size_t length = strcspn(r->target, "?");
    const char *query = r->target + length + (length < r->target_size);
    r->parts.path = malloc(length + 1);
    r->parts.query = malloc(strlen(query) + 1);
    if (!r->parts.path || !r->parts.query)
        return no_memory;
    memcpy(r->parts.path, r->target, length);
    r->parts.path[length] = '\0';
    memcpy(r->parts.query, query, strlen(query) + 1);
    if (!decode(r->parts.path))
        return bad("the path has a % that two hexadecimal digits (not 00) do not follow");
    return fine;
}

/* ---- the fields ---- */

typedef struct fields {
    http_request *request;
    http_problem problem;
    unsigned hosts, lengths, encodings;
    int64_t length;
    bool chunked, expects;
} fields;

/* A character of a name: RFC 9110, section 5.6.2. */
static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i], low = (char)(c | 0x20);
        bool plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return size > 0;
}

static bool is_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* At most 18 digits: what no body can have would overflow. -1: no length. */
static int64_t parse_length(const char *text, size_t size)
{
    int64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 18)
            return -1;
        length = length * 10 + (text[i] - '0');
    }
    return size > 0 ? length : -1;
}

/* "name: value\n" behind what there is. */
static bool append(http_request *r, const char *name, size_t name_size, const char *value,
                   size_t size)
{
    size_t more = name_size + size + 3;
    if (more >= r->headers_room - r->headers_size) {
        size_t room = 2 * r->headers_room + more + 1024;
        char *moved = realloc(r->parts.headers, room);
        if (!moved)
            return false;
        r->parts.headers = moved;
        r->headers_room = room;
    }
    char *out = r->parts.headers + r->headers_size;
    for (size_t i = 0; i < name_size; i++) {
        char c = name[i];
        *out++ = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    *out++ = ':';
    *out++ = ' ';
    if (size > 0)
        memcpy(out, value, size);
    out[size] = '\n';
    out[size + 1] = '\0';
    r->headers_size += more;
    return true;
}

static bool is_called(const char *name, size_t size, const char *what)
{
    return size == strlen(what) && strncasecmp(name, what, size) == 0;
}

/* What the fields mean that say where a request ends. */
static void note_framing(fields *f, const char *name, size_t name_size, const char *value,
                         size_t size)
{
    if (is_called(name, name_size, "host")) {
        f->hosts++;
    } else if (is_called(name, name_size, "content-length")) {
        f->lengths++;
        f->length = parse_length(value, size);
        if (f->length < 0)
            f->problem = bad("Content-Length is not a number of bytes");
    } else if (is_called(name, name_size, "transfer-encoding")) {
        f->encodings++;
        f->chunked = is_called(value, size, "chunked");
    } else if (is_called(name, name_size, "expect")) {
        f->expects = true;
        if (!is_called(value, size, "100-continue"))
            f->problem = (http_problem){ 417, "expectation", "only 100-continue can be expected" };
    }
}

static enum MHD_Result take_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t size)
{
    (void)kind;
    fields *f = cls;
    http_request *r = f->request;
    if (!value)
        size = 0;
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        size--;
    if (!is_token(name, name_size))
        f->problem = bad("a header has a name that is none");
    else if (!is_value(value, size))
        f->problem = bad("a header has a control character in its value");
    else
        note_framing(f, name, name_size, value, size);
    if (f->problem.status)
        return MHD_NO;
    size_t used = r->target_size + r->headers_size + name_size + size;
    if (used > r->server->limits.header_bytes)
        f->problem =
            (http_problem){ 431, "headers_too_large", "the headers of the request are too large" };
    else if (!append(r, name, name_size, value, size))
        f->problem = no_memory;
    return f->problem.status ? MHD_NO : MHD_YES;
}

static http_problem framing_problem(const fields *f, bool http_1_1)
{
    if (f->hosts > 1 || (http_1_1 && f->hosts == 0))
        return bad("a request must have one Host header");
    if (f->lengths > 1)
        return bad("a request has two Content-Length headers");
    if (f->encodings > 0 && f->lengths > 0)
        return bad("a request has both Content-Length and Transfer-Encoding");
    if (f->encodings > 0 && !http_1_1)
        return bad("HTTP/1.0 has no Transfer-Encoding");
    if (f->encodings > 1 || (f->encodings == 1 && !f->chunked))
        return (http_problem){ 501, "not_implemented",
                               "the only Transfer-Encoding there is here is chunked" };
    return fine;
}

http_problem http_read_fields(http_request *r, const char *version, int64_t *length)
{
    bool http_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    fields f = { .request = r, .length = -1 };
    if (!http_1_1 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return (http_problem){ 505, "version", "only HTTP/1.0 and HTTP/1.1 are spoken here" };
    if (!append(r, "", 0, "", 0))
        return no_memory;
    r->headers_size = 0; /* the buffer is there, and empty */
    r->parts.headers[0] = '\0';
    http_mhd.get_connection_values_n(r->connection, MHD_HEADER_KIND, take_field, &f);
    *length = f.length;
    r->expects = f.expects;
    return f.problem.status ? f.problem : framing_problem(&f, http_1_1);
}
