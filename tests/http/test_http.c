/*
 * The transport without Lua: the plugin's sources linked in, their memory refused one allocation
 * after the other. Each time the server must open or say why not, the client must get an answer or
 * a closed connection, and nothing may be left.
 */
#include "support/cmocka_all.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugin/service.h"

const lab_plugin *lab_plugin_entry_http(const lab_host_api *api);

/* ---- the plugin's memory: its sources are compiled with malloc = plugin_malloc and so on ---- */

static atomic_long calls, fail_at;

static bool refused(void)
{
    long n = atomic_fetch_add(&calls, 1) + 1;
    return n == atomic_load(&fail_at);
}

void *plugin_malloc(size_t size);
void *plugin_malloc(size_t size)
{
    return refused() ? NULL : malloc(size);
}

void *plugin_calloc(size_t count, size_t size);
void *plugin_calloc(size_t count, size_t size)
{
    return refused() ? NULL : calloc(count, size);
}

void *plugin_realloc(void *ptr, size_t size);
void *plugin_realloc(void *ptr, size_t size)
{
    return refused() ? NULL : realloc(ptr, size);
}

/* ---- a host and a server ---- */

static lab_context ctx;
static lab_host_api api;
static lab_registry *registry;
static const lab_service *http;
static lab_error error;

static lab_status open_server(void **server)
{
    lab_call *call;
    assert_int_equal(lab_service_new(registry, http, &call, &error), LAB_OK);
    lab_status status = lab_service_open(call, server, &error);
    lab_call_free(call);
    return status;
}

/* A call of a method with `id` if there is one; free it. */
static lab_call *begin(const char *name, int64_t id)
{
    lab_call *call;
    uint32_t param;
    const lab_op *method = lab_service_method(http, name);
    assert_non_null(method);
    assert_int_equal(lab_service_call(registry, http, method, &call, &error), LAB_OK);
    if (id > 0) {
        assert_int_equal(lab_call_param(call, "id", &param, &error), LAB_OK);
        assert_int_equal(lab_call_set_int(call, param, id, &error), LAB_OK);
    }
    return call;
}

static void set_text(lab_call *call, const char *name, const char *text)
{
    uint32_t param;
    assert_int_equal(lab_call_param(call, name, &param, &error), LAB_OK);
    assert_int_equal(lab_call_set_string(call, param, text, strlen(text), &error), LAB_OK);
}

static int connect_to(void *server)
{
    lab_call *call = begin("port", 0);
    assert_int_equal(lab_service_run(call, server, &error), LAB_OK);
    struct sockaddr_in at = { .sin_family = AF_INET };
    at.sin_port = htons((uint16_t)lab_call_value(call)->integer);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    lab_call_free(call);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    struct timeval patience = { .tv_sec = 20 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    /* The server may have closed already. */
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* All that comes until the server closes; fails when it does not. */
static void hear(int fd, char *text, size_t size)
{
    size_t used = 0;
    ssize_t n;
    while ((n = recv(fd, text + used, size - 1 - used, 0)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    if (n < 0 && errno == EAGAIN)
        fail_msg("the connection was left open after \"%s\"", text);
}

/* The next request's id; 0 when none came in `seconds`. */
static int64_t next_id(void *server, double seconds)
{
    lab_call *call = begin("next", 0);
    assert_int_equal(lab_call_set_float(call, 0, seconds, &error), LAB_OK);
    int64_t id = 0;
    if (!lab_service_run(call, server, &error) && lab_call_records(call))
        id = lab_call_records(call)->fields->integer;
    lab_call_free(call);
    return id;
}

/* ---- the tests ---- */

static const char request[] = "POST /a%20b?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                              "Content-Length: 5\r\n\r\nhello";

static lab_status answer(void *server, int64_t id)
{
    lab_call *call = begin("reply", id);
    uint32_t more;
    set_text(call, "body", "first ");
    assert_int_equal(lab_call_param(call, "more", &more, &error), LAB_OK);
    assert_int_equal(lab_call_set_bool(call, more, true, &error), LAB_OK);
    lab_status status = lab_service_run(call, server, &error);
    lab_call_free(call);
    if (status)
        return status;
    call = begin("send", id);
    set_text(call, "body", "second");
    assert_int_equal(lab_call_param(call, "more", &more, &error), LAB_OK);
    assert_int_equal(lab_call_set_bool(call, more, false, &error), LAB_OK);
    status = lab_service_run(call, server, &error);
    lab_call_free(call);
    return status;
}

static void whatever_is_refused(void **state)
{
    (void)state;
    long k = 0;
    bool through = false;
    while (!through) {
        atomic_store(&calls, 0);
        atomic_store(&fail_at, ++k);
        void *server;
        char text[2048] = "";
        lab_status status = open_server(&server);
        if (status) {
            assert_int_equal(status, LAB_E_NOMEM);
            continue;
        }
        int fd = connect_to(server);
        say(fd, request);
        int64_t id = next_id(server, 0.25);
        if (id > 0)
            status = answer(server, id);
        if (!status && id > 0)
            hear(fd, text, sizeof text);
        through = atomic_load(&calls) < k;
        http->close(server);
        if (!*text)
            hear(fd, text, sizeof text);
        close(fd);
        if (through && !strstr(text, "second"))
            fail_msg("nothing was refused, but the answer is \"%s\"", text);
        if (*text && strncmp(text, "HTTP/1.1 ", 9) != 0)
            fail_msg("allocation %ld refused: \"%s\"", k, text);
    }
    assert_true(k > 8);
}

/* Clients in every state when the server ends. */
static void the_end_with_clients(void **state)
{
    (void)state;
    void *server;
    char text[2048];
    atomic_store(&fail_at, 0);
    assert_int_equal(open_server(&server), LAB_OK);
    int idle = connect_to(server), half = connect_to(server), queued, taken = connect_to(server);
    say(half, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    say(taken, request);
    assert_int_equal(next_id(server, 10), 1);
    queued = connect_to(server);
    say(queued, request);
    usleep(500000); /* the server has read what was sent */
    http->close(server);
    hear(taken, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 503 "));
    assert_non_null(strstr(text, "\"code\": \"ending\""));
    hear(queued, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 503 "));
    hear(idle, text, sizeof text);
    hear(half, text, sizeof text);
    assert_string_equal(text, "");
    close(idle);
    close(half);
    close(taken);
    close(queued);
}

/* A client that is gone when its reply is written must not end the process. */
static void no_signal_ends_us(void **state)
{
    (void)state;
    void *server;
    atomic_store(&fail_at, 0);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(open_server(&server), LAB_OK);
    for (int64_t i = 1; i <= 20; i++) {
        int fd = connect_to(server);
        const struct linger reset = { .l_onoff = 1 };
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        say(fd, request);
        int64_t id = next_id(server, 10);
        close(fd);
        if (i & 1)
            usleep(2000);
        if (id > 0)
            answer(server, id);
    }
    http->close(server);
}

static int set_up(void **state)
{
    (void)state;
    api = (lab_host_api){ .abi = LAB_ABI_VERSION, .size = sizeof api };
    lab_call_fill_api(&api);
    if (lab_context_init(&ctx, NULL, 1, NULL) || lab_registry_new(&ctx, &api, &registry, NULL) ||
        lab_registry_add(registry, lab_plugin_entry_http(&api), "here", NULL))
        return -1;
    http = lab_registry_service(registry, "http");
    return http ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lab_registry_free(registry);
    lab_context_finish(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_refused),
        cmocka_unit_test(the_end_with_clients),
        cmocka_unit_test(no_signal_ends_us),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
