/*
 * One persistent pool of threads. The caller of lab_pool_run takes part; idle workers sleep.
 * A pool of one thread starts none, so that everything works where there are no threads
 * (LAB_NO_THREADS).
 */
#ifndef LAB_BASE_POOL_H
#define LAB_BASE_POOL_H

#include "base/context.h"

#define LAB_MAX_THREADS 256u

/* CPUs this process may use: by its affinity and its cgroups' quotas; at least 1. */
unsigned lab_usable_cpus(void);

/* What LUALAB_THREADS (1 .. LAB_MAX_THREADS) says, else one for each of the usable CPUs. */
unsigned lab_default_threads(unsigned cpus);

/* threads: 1 .. LAB_MAX_THREADS, the caller included; cpus: those they have. */
lab_status lab_pool_new(lab_context *ctx, unsigned threads, unsigned cpus, lab_pool **pool,
                        lab_error *error);
void lab_pool_free(lab_pool *pool);
unsigned lab_pool_threads(const lab_pool *pool);

/* `thread` is 0 .. threads-1 and unique among the pieces of a call that run at the same time. */
typedef void lab_pool_fn(void *user, uint32_t begin, uint32_t end, unsigned thread);

/*
 * Runs fn over 0 .. count-1 in pieces of at least `grain` (>= 1) items; returns when all are done.
 * `stop` (may be NULL) is looked at before each piece: once set the rest is skipped and false is
 * returned. Allocates nothing. Of calls from several threads at once one gets the workers, as far
 * as the callers leave any idle, and the others run on their own thread; so does a call from within
 * fn.
 */
bool lab_pool_run(lab_pool *pool, uint32_t count, uint32_t grain, lab_pool_fn *fn, void *user,
                  const atomic_bool *stop);

/*
 * Runs fn on the calling thread, which counts as busy meanwhile: for as long work outside the pool,
 * so that calls of others do not ask for a worker where no processor is free.
 */
void lab_pool_occupy(lab_pool *pool, void (*fn)(void *user), void *user);

#endif
