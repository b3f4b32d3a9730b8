/*
 * What every room is handed instead of globals: the allocator, the thread pool, the stop flag and
 * the log. A host owns one; objects keep a pointer to it and must not outlive it.
 */
#ifndef LAB_BASE_CONTEXT_H
#define LAB_BASE_CONTEXT_H

#include <stdarg.h>
#include <stdatomic.h>

#include "lab_plugin.h"

/*
 * The one hook all memory of lualab goes through, so that tests can count and refuse.
 * allocate: `size` > 0 bytes aligned to `align` (a power of two), or NULL.
 * release: `ptr` from allocate, never NULL.
 */
typedef struct lab_allocator {
    void *(*allocate)(void *user, size_t size, size_t align);
    void (*release)(void *user, void *ptr);
    void *user;
} lab_allocator;

typedef enum lab_log_level {
    LAB_LOG_WARNING = 0, /* something is wrong but work goes on */
    LAB_LOG_INFO = 1,    /* -v: where everything came from */
    LAB_LOG_DEBUG = 2    /* -vv */
} lab_log_level;

typedef void lab_log_fn(void *user, lab_log_level level, const char *message);

typedef struct lab_pool lab_pool;

struct lab_context {
    lab_allocator allocator;
    lab_pool *pool;   /* never NULL once initialised */
    atomic_bool stop; /* set from any thread or a signal handler: ask running work to end */
    lab_log_fn *log;  /* NULL: silent */
    void *log_user;
    lab_log_level log_level; /* messages above it are dropped */
};

/* The allocator over malloc and free. */
extern const lab_allocator lab_system_allocator;

/*
 * Fills `ctx`. allocator NULL: the system's. threads 0: lab_default_threads. On failure nothing
 * is left to finish.
 */
lab_status lab_context_init(lab_context *ctx, const lab_allocator *allocator, unsigned threads,
                            lab_error *error);
void lab_context_finish(lab_context *ctx);

/* Uninitialised memory aligned to 64 bytes; NULL when there is none. size 0 gives a valid pointer.
 */
void *lab_alloc(lab_context *ctx, size_t size);
void *lab_alloc_zero(lab_context *ctx, size_t size);
/* `count` zeroed items; NULL also when count * item overflows. */
void *lab_alloc_array(lab_context *ctx, size_t count, size_t item);
/* A copy of a string; NULL when there is no memory. */
char *lab_strdup(lab_context *ctx, const char *text);
/* NULL is allowed. */
void lab_free(lab_context *ctx, void *ptr);

LAB_PRINTF(3, 4)
void lab_log(lab_context *ctx, lab_log_level level, const char *fmt, ...);

static inline bool lab_stopped(const lab_context *ctx)
{
    return atomic_load_explicit(&ctx->stop, memory_order_relaxed);
}

#endif
