/* The service "http": an HTTP server whose answers are the script's. */
#include "http.h"

static const lab_param params[] = {
    [HTTP_HOST] = { .name = "host",
                    .type = LAB_STRING,
                    .doc = "the address to listen on",
                    .def = "127.0.0.1" },
    [HTTP_PORT] = { .name = "port",
                    .type = LAB_INT,
                    .doc = "0: any that is free",
                    .def = "0",
                    .min = 0,
                    .max = 65535,
                    .flags = LAB_PARAM_MAIN },
    [HTTP_THREADS] = { .name = "threads",
                       .type = LAB_INT,
                       .doc = "that read and write; one serves hundreds of clients",
                       .def = "1",
                       .min = 1,
                       .max = 16 },
    [HTTP_CONNECTIONS] = { .name = "connections",
                           .type = LAB_INT,
                           .doc = "open at a time; more are closed at once",
                           .def = "256",
                           .min = 1,
                           .max = 10000 },
    [HTTP_PER_ADDRESS] = { .name = "connections_per_address",
                           .type = LAB_INT,
                           .doc = "of them from one address",
                           .def = "128",
                           .min = 1,
                           .max = 10000 },
    [HTTP_QUEUE] = { .name = "queue",
                     .type = LAB_INT,
                     .doc = "complete requests that wait for next; more get 503",
                     .def = "256",
                     .min = 1,
                     .max = 10000 },
    [HTTP_HEADER_BYTES] = { .name = "header_bytes",
                            .type = LAB_INT,
                            .doc = "of a request's target and headers; more gets 431",
                            .def = "16384",
                            .min = 1024,
                            .max = 1048576 },
    [HTTP_BODY_BYTES] = { .name = "body_bytes",
                          .type = LAB_INT,
                          .doc = "of one request's body; more gets 413",
                          .def = "67108864",
                          .min = 0,
                          .max = 1073741824 },
    [HTTP_MEMORY_BYTES] = { .name = "memory_bytes",
                            .type = LAB_INT,
                            .doc = "of all bodies that next has not given yet; more gets 503",
                            .def = "268435456",
                            .min = 0,
                            .max = 17179869184.0 },
    [HTTP_STREAM_BYTES] = { .name = "stream_bytes",
                            .type = LAB_INT,
                            .doc = "of a reply in pieces that its client may leave lying",
                            .def = "1048576",
                            .min = 1,
                            .max = 1073741824 },
    [HTTP_REQUEST_TIME] = { .name = "request_time",
                            .type = LAB_FLOAT,
                            .doc = "seconds from the first line of a request to its end; then 408",
                            .def = "60",
                            .min = 0.05,
                            .max = 86400 },
    [HTTP_IDLE_TIME] = { .name = "idle_time",
                         .type = LAB_FLOAT,
                         .doc = "seconds without a request until a connection is closed",
                         .def = "30",
                         .min = 0.05,
                         .max = 86400 },
    [HTTP_SEND_TIME] = { .name = "send_time",
                         .type = LAB_FLOAT,
                         .doc = "seconds a client may take to fetch a reply, or to take the next "
                                "piece of one",
                         .def = "120",
                         .min = 0.05,
                         .max = 86400 },
    LAB_PARAM_END,
};

static const lab_service http = {
    .name = "http",
    .summary = "an HTTP server whose answers are the script's",
    .doc =
        "By libmicrohttpd, whose threads read complete requests and write replies; next gives the "
        "script a request, reply answers it. Neither ever waits for the other.",
    .params = params,
    .open = http_open,
    .close = http_close,
    .methods = http_methods,
};
static const lab_service *const services[] = { &http, NULL };

static lab_status init(const lab_host_api *api, lab_error *error)
{
    return lab_need_minor(api, 2, error);
}

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,  .name = "http", .version = "1.0.0",   .summary = "an HTTP server for scripts",
    .licence = "MIT", .init = init,   .services = services,
};
LAB_PLUGIN_ENTRY(http, &plugin)
