/* The context: the allocator's front door, the log, the pool; see context.h. */
#include "base/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/pool.h"

/*
 * Blocks come from malloc, `align` bytes larger: what malloc gave is noted in front of the aligned
 * address. glibc's aligned_alloc takes more than it keeps and gives the ends back, small objects
 * settle there, and a freed block is too small for the next of its size: a process that works on
 * one picture after the other grows to twice its need. AddressSanitizer sees every byte beyond a
 * block only when the block is its own.
 */
#if defined(__SANITIZE_ADDRESS__)
#define OWN_ALIGNMENT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_ALIGNMENT 0
#endif
#endif
#ifndef OWN_ALIGNMENT
#define OWN_ALIGNMENT 1
#endif

#if OWN_ALIGNMENT

/*
 * Large blocks, above all a network's activations, are touched from end to end at once: with huge
 * pages the first run takes some faults instead of some thousand. Only whole huge pages are asked
 * for, so that no more memory is used than before.
 */
#define HUGE_PAGE ((size_t)2 << 20)

static void *raw_block(size_t size)
{
#ifdef MADV_HUGEPAGE
    size_t rounded; /* aligned_alloc wants a multiple of the alignment */
    if (size >= HUGE_PAGE) {
        void *raw =
            lab_round_up(size, HUGE_PAGE, &rounded) ? aligned_alloc(HUGE_PAGE, rounded) : NULL;
        if (raw)
            madvise(raw, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* a hint: may be refused */
        return raw;
    }
#endif
    return malloc(size);
}

static void *system_allocate(void *user, size_t size, size_t align)
{
    (void)user;
    size_t total;
    if (align < 2 * sizeof(void *))
        align = 2 * sizeof(void *); /* malloc's own: there is room for a pointer in front */
    char *raw = lab_add_size(size, align, &total) ? raw_block(total) : NULL;
    if (!raw)
        return NULL;
    void **block = (void **)(raw + align - (uintptr_t)raw % align);
    block[-1] = raw;
    return block;
}

static void system_release(void *user, void *ptr)
{
    (void)user;
    free(((void **)ptr)[-1]);
}

#else

static void *system_allocate(void *user, size_t size, size_t align)
{
    (void)user;
    size_t rounded; /* aligned_alloc wants a multiple of the alignment */
    if (size > PTRDIFF_MAX || !lab_round_up(size, align, &rounded))
        return NULL; /* what can never be had is no mistake that a sanitizer should report */
    return aligned_alloc(align, rounded);
}

static void system_release(void *user, void *ptr)
{
    (void)user;
    free(ptr);
}

#endif

const lab_allocator lab_system_allocator = {
    .allocate = system_allocate,
    .release = system_release,
    .user = NULL,
};

lab_status lab_context_init(lab_context *ctx, const lab_allocator *allocator, unsigned threads,
                            lab_error *error)
{
    memset(ctx, 0, sizeof *ctx);
    ctx->allocator = allocator ? *allocator : lab_system_allocator;
    atomic_init(&ctx->stop, false);
    unsigned cpus = lab_usable_cpus(); /* asked once: some files are read for it */
    return lab_pool_new(ctx, threads ? threads : lab_default_threads(cpus), cpus, &ctx->pool,
                        error);
}

void lab_context_finish(lab_context *ctx)
{
    lab_pool_free(ctx->pool);
    ctx->pool = NULL;
}

void *lab_alloc(lab_context *ctx, size_t size)
{
    return ctx->allocator.allocate(ctx->allocator.user, size ? size : 1, LAB_ALIGN);
}

void *lab_alloc_zero(lab_context *ctx, size_t size)
{
    void *ptr = lab_alloc(ctx, size);
    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

void *lab_alloc_array(lab_context *ctx, size_t count, size_t item)
{
    size_t size;
    return lab_mul_size(count, item, &size) ? lab_alloc_zero(ctx, size) : NULL;
}

char *lab_strdup(lab_context *ctx, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lab_alloc(ctx, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void lab_free(lab_context *ctx, void *ptr)
{
    if (ptr)
        ctx->allocator.release(ctx->allocator.user, ptr);
}

void lab_log(lab_context *ctx, lab_log_level level, const char *fmt, ...)
{
    if (!ctx->log || level > ctx->log_level)
        return;
    char message[2 * LAB_MESSAGE_MAX]; /* a path in front of a whole error still fits */
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    ctx->log(ctx->log_user, level, message);
}
