/* Opening libmicrohttpd; see library.h. */
#include "library.h"

#ifdef LAB_PLUGIN_STATIC

http_library http_mhd = {
#define HTTP_LINKED(name) .name = MHD_##name,
    HTTP_LIBRARY(HTTP_LINKED)
};

lab_status http_need_library(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

#else

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

http_library http_mhd;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *missing; /* what could not be had; NULL: nothing */

/* dlsym gives an object pointer, which ISO C does not convert to one to a function; POSIX does. */
static bool find(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        missing = name;
        return false;
    }
    memcpy(function, &symbol, size);
    return true;
}

/* The library stays open: threads of its own end with their servers, at the latest at the end. */
static void open_library(void)
{
    void *library = dlopen(HTTP_LIBRARY_FILE, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        missing = HTTP_LIBRARY_FILE;
        return;
    }
#define HTTP_FIND(name)                                                                            \
    if (!find(library, "MHD_" #name, (void *)&http_mhd.name, sizeof http_mhd.name))                \
        return;
    HTTP_LIBRARY(HTTP_FIND)
}

lab_status http_need_library(lab_call *call)
{
    pthread_once(&once, open_library);
    if (missing)
        return lab_fail(call, LAB_E_UNSUPPORTED,
                        "the server needs libmicrohttpd 0.9.75 or later: %s is not there", missing);
    return LAB_OK;
}

#endif
