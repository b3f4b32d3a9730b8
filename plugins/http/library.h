/*
 * libmicrohttpd's functions, by pointer: the library is opened when the first server is. It brings
 * a dozen others with it (TLS among them), which a program that segments a photo need not load: at
 * each start that would be some 3 ms and 2.6 MB.
 *
 * Linked into the host (LAB_PLUGIN_STATIC) there is nothing to open.
 */
#ifndef LUALAB_HTTP_LIBRARY_H
#define LUALAB_HTTP_LIBRARY_H

#include <microhttpd.h>

#include "lab_plugin.h"

#define HTTP_LIBRARY(F)                                                                            \
    F(add_response_header)                                                                         \
    F(create_response_from_buffer)                                                                 \
    F(create_response_from_callback)                                                               \
    F(destroy_response)                                                                            \
    F(get_connection_info)                                                                         \
    F(get_connection_values_n)                                                                     \
    F(get_reason_phrase_for)                                                                       \
    F(queue_response)                                                                              \
    F(quiesce_daemon)                                                                              \
    F(resume_connection)                                                                           \
    F(start_daemon)                                                                                \
    F(stop_daemon)                                                                                 \
    F(suspend_connection)

typedef struct http_library {
#define HTTP_MEMBER(name) __typeof__(&MHD_##name) name;
    HTTP_LIBRARY(HTTP_MEMBER)
#undef HTTP_MEMBER
} http_library;

/* Filled once, before there is a server, and from then on only read. */
extern http_library http_mhd;

/* Sees to it that http_mhd is filled. LAB_E_UNSUPPORTED: the library is not there any more. */
lab_status http_need_library(lab_call *call);

#endif
