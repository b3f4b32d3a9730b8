/*
 * An allocator that refuses one allocation and counts what is alive, and a sweep over it: run
 * something with the 1st, 2nd, … allocation failing until it gets through. Each failure must be
 * LAB_E_NOMEM and leave nothing allocated.
 *
 *     static lab_status load(lab_context *ctx, void *user, lab_error *error) { … frees all … }
 *     fail_alloc_sweep(load, &file);
 *
 * Include after cmocka.h. Header only, so that any test folder can use it.
 */
#ifndef TEST_SUPPORT_FAIL_ALLOC_H
#define TEST_SUPPORT_FAIL_ALLOC_H

#include <stdatomic.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/error.h"

typedef struct fail_alloc {
    lab_allocator allocator; /* pass its address to lab_context_init or lab_host_new */
    atomic_long calls;       /* allocations asked for */
    atomic_long live;        /* blocks not yet released */
    long fail_at;            /* which call is refused, from 1; 0: none */
} fail_alloc;

static inline void *fail_alloc_allocate(void *user, size_t size, size_t align)
{
    fail_alloc *f = user;
    if (atomic_fetch_add(&f->calls, 1) + 1 == f->fail_at)
        return NULL;
    void *ptr = lab_system_allocator.allocate(NULL, size, align);
    if (ptr)
        atomic_fetch_add(&f->live, 1);
    return ptr;
}

static inline void fail_alloc_release(void *user, void *ptr)
{
    fail_alloc *f = user;
    atomic_fetch_sub(&f->live, 1);
    lab_system_allocator.release(NULL, ptr);
}

static inline void fail_alloc_init(fail_alloc *f, long fail_at)
{
    f->allocator.allocate = fail_alloc_allocate;
    f->allocator.release = fail_alloc_release;
    f->allocator.user = f;
    atomic_init(&f->calls, 0);
    atomic_init(&f->live, 0);
    f->fail_at = fail_at;
}

/* Does something on `ctx`, frees what it made, returns the first failure. */
typedef lab_status fail_alloc_fn(lab_context *ctx, void *user, lab_error *error);

#define FAIL_ALLOC_MOST 100000

/* As fail_alloc_sweep, for what needs more than a context (a host, a Lua state, …): `fn` makes
 * everything from the allocator and frees everything again. Returns how many calls it took. */
typedef lab_status fail_alloc_whole_fn(const lab_allocator *allocator, void *user,
                                       lab_error *error);

static inline long fail_alloc_sweep_whole(fail_alloc_whole_fn *fn, void *user)
{
    for (long k = 1; k < FAIL_ALLOC_MOST; k++) {
        fail_alloc f;
        lab_error error = { LAB_OK, "" };
        fail_alloc_init(&f, k);
        lab_status status = fn(&f.allocator, user, &error);
        long live = atomic_load(&f.live);
        if (live != 0)
            fail_msg("allocation %ld refused: %ld blocks were not released", k, live);
        if (atomic_load(&f.calls) < k) { /* got through without reaching the k-th */
            if (status != LAB_OK)
                fail_msg("nothing refused, yet it failed: %s", error.message);
            return k - 1;
        }
        if (status != LAB_E_NOMEM)
            fail_msg("allocation %ld refused: expected NOMEM, got %s (%s)", k,
                     lab_status_name(status), error.message);
    }
    fail_msg("more than %d allocations", FAIL_ALLOC_MOST);
    return 0;
}

typedef struct fail_alloc_inner {
    fail_alloc_fn *fn;
    void *user;
} fail_alloc_inner;

static inline lab_status fail_alloc_in_context(const lab_allocator *allocator, void *user,
                                               lab_error *error)
{
    const fail_alloc_inner *inner = user;
    lab_context ctx;
    lab_status status = lab_context_init(&ctx, allocator, 1, error);
    if (status)
        return status;
    status = inner->fn(&ctx, inner->user, error);
    lab_context_finish(&ctx);
    return status;
}

static inline long fail_alloc_sweep(fail_alloc_fn *fn, void *user)
{
    fail_alloc_inner inner = { fn, user };
    return fail_alloc_sweep_whole(fail_alloc_in_context, &inner);
}

#endif
