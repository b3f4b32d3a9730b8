/*
 * The thread pool. A job is open while its caller works on it; workers that are awake join it,
 * take pieces by an atomic counter and leave. The caller takes pieces as well, closes the job when
 * none are left and waits for those who joined. A worker that wakes too late finds the job closed
 * and goes back to sleep, so a short job does not wait for slow wakers.
 *
 * Between jobs a worker looks for the next one for a while, then sleeps on a condition variable:
 * the nodes of a network follow each other within microseconds, waking takes many, a sleeping
 * system costs nothing. The while is short where threads are more than CPUs, since the one that is
 * waited for may want this one's.
 *
 * The threads that call are counted while they are at work, and workers join only as far as there
 * are threads that nobody keeps busy: a job that waits for a worker which the system has put aside
 * takes longer than one that is done alone. So several networks at once run one on each thread,
 * and a single one on all. When a caller becomes idle, workers may join the job that is open then.
 */
#include "base/pool.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#ifndef LAB_NO_THREADS
#include <pthread.h>
#include <signal.h>
#endif

/* Pieces a thread gets on average: enough that an unlucky last piece hardly shows. */
#define PIECES_PER_THREAD 16u
#define SPIN_NS 200000 /* longer than the last piece of most nodes takes */
#define SHORT_SPIN_NS 20000

typedef struct job {
    lab_pool_fn *fn;
    void *user;
    const atomic_bool *stop;
    uint32_t count;
    uint32_t pieces;
    atomic_uint next;    /* piece */
    atomic_bool skipped; /* a piece was left out because of `stop` */
} job;

/* What the current thread is running in, innermost first: how a nested call is recognised. */
typedef struct frame {
    const lab_pool *pool;
    bool piece;      /* a piece of a job; false: work that lab_pool_occupy counts */
    unsigned thread; /* of the piece */
    struct frame *outer;
} frame;

#ifdef LAB_NO_THREADS
static frame *current_frame;
#else
static _Thread_local frame *current_frame;

typedef struct worker {
    lab_pool *pool;
    unsigned index; /* 1 .. threads-1; the caller of a job is 0 */
    pthread_t thread;
} worker;
#endif

struct lab_pool {
    lab_context *ctx;
    unsigned threads;
    job job;
#ifndef LAB_NO_THREADS
    int64_t spin_ns;
    atomic_uint busy;     /* threads that call, or that lab_pool_occupy counts */
    pthread_mutex_t turn; /* held by the caller whose job this is */
    pthread_mutex_t lock; /* of what follows, and of writing `job` */
    pthread_cond_t wake;  /* a job was opened, or quit */
    pthread_cond_t done;  /* the last worker left a closed job */
    bool open;
    bool quit;
    unsigned sleeping;
    atomic_uint active;     /* workers in the job; changed under `lock` */
    atomic_uint generation; /* of what a worker may find; changed under `lock` */
    worker *workers;        /* threads - 1 */
#endif
};

static bool stopped(const atomic_bool *stop)
{
    return stop && atomic_load_explicit(stop, memory_order_relaxed);
}

static uint32_t pieces_of(const lab_pool *pool, uint32_t count, uint32_t grain)
{
    uint32_t most = count / (grain ? grain : 1);
    uint32_t wanted = pool->threads * PIECES_PER_THREAD;
    return most < 1 ? 1 : most < wanted ? most : wanted;
}

/* On the calling thread alone, whose pieces have the number `thread`. */
static bool run_in_place(const lab_pool *pool, uint32_t count, uint32_t pieces, lab_pool_fn *fn,
                         void *user, const atomic_bool *stop, unsigned thread)
{
    frame here = { pool, true, thread, current_frame };
    bool complete = true;
    current_frame = &here;
    for (uint32_t piece = 0; piece < pieces && complete; piece++) {
        if (stopped(stop))
            complete = false;
        else
            fn(user, (uint32_t)((uint64_t)piece * count / pieces),
               (uint32_t)((uint64_t)(piece + 1) * count / pieces), thread);
    }
    current_frame = here.outer;
    return complete;
}

#ifndef LAB_NO_THREADS

/* Takes pieces until there are none or the job is stopped. Pieces differ by at most one item. */
static void work(lab_pool *pool, unsigned thread)
{
    job *j = &pool->job;
    frame here = { pool, true, thread, current_frame };
    current_frame = &here;
    for (;;) {
        uint32_t piece = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (piece >= j->pieces)
            break;
        if (stopped(j->stop)) {
            atomic_store_explicit(&j->skipped, true, memory_order_relaxed);
            break;
        }
        uint32_t begin = (uint32_t)((uint64_t)piece * j->count / j->pieces);
        uint32_t end = (uint32_t)((uint64_t)(piece + 1) * j->count / j->pieces);
        j->fn(j->user, begin, end, thread);
    }
    current_frame = here.outer;
}

static void set_job(job *j, uint32_t count, uint32_t pieces, lab_pool_fn *fn, void *user,
                    const atomic_bool *stop)
{
    j->fn = fn;
    j->user = user;
    j->stop = stop;
    j->count = count;
    j->pieces = pieces;
    atomic_store_explicit(&j->next, 0, memory_order_relaxed);
    atomic_store_explicit(&j->skipped, false, memory_order_relaxed);
}

#endif

static lab_status check_threads(unsigned threads, lab_error *error)
{
    if (threads >= 1 && threads <= LAB_MAX_THREADS)
        return LAB_OK;
    return lab_error_set(error, LAB_E_INVALID, "threads must be 1..%u, got %u", LAB_MAX_THREADS,
                         threads);
}

#ifdef LAB_NO_THREADS

lab_status lab_pool_new(lab_context *ctx, unsigned threads, unsigned cpus, lab_pool **pool,
                        lab_error *error)
{
    (void)cpus;
    *pool = NULL;
    lab_status status = check_threads(threads, error);
    if (status)
        return status;
    *pool = lab_alloc_zero(ctx, sizeof **pool);
    if (!*pool)
        return lab_error_nomem(error, sizeof **pool, "the thread pool");
    (*pool)->ctx = ctx;
    (*pool)->threads = 1;
    return LAB_OK;
}

void lab_pool_free(lab_pool *pool)
{
    if (pool)
        lab_free(pool->ctx, pool);
}

static void enter(lab_pool *pool)
{
    (void)pool;
}

static void leave(lab_pool *pool)
{
    (void)pool;
}

static bool run_job(lab_pool *pool, uint32_t count, uint32_t pieces, lab_pool_fn *fn, void *user,
                    const atomic_bool *stop)
{
    return run_in_place(pool, count, pieces, fn, user, stop, 0);
}

#else

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Looks at `value` for up to spin_ns until it differs from `old` (or, with `equal`, is it). */
static void spin(const lab_pool *pool, const atomic_uint *value, unsigned old, bool equal)
{
    int64_t until = lab_now_ns() + pool->spin_ns;
    do {
        for (int i = 0; i < 32; i++) {
            if ((atomic_load_explicit(value, memory_order_acquire) == old) == equal)
                return;
            relax();
        }
    } while (lab_now_ns() < until);
}

/* Workers that may help now. */
static unsigned room(const lab_pool *pool)
{
    unsigned busy = atomic_load_explicit(&pool->busy, memory_order_relaxed);
    return busy < pool->threads ? pool->threads - busy : 0;
}

static void enter(lab_pool *pool)
{
    atomic_fetch_add_explicit(&pool->busy, 1, memory_order_relaxed);
}

/* The thread's place is free: for a worker, if the job of another caller is open. */
static void leave(lab_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_relaxed);
    if (pool->open && room(pool) > atomic_load_explicit(&pool->active, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
    worker *self = arg;
    lab_pool *pool = self->pool;
    unsigned seen = 0; /* generation of the last look at a job */

    pthread_mutex_lock(&pool->lock);
    while (!pool->quit) {
        unsigned generation = atomic_load_explicit(&pool->generation, memory_order_relaxed);
        if (generation == seen) {
            pthread_mutex_unlock(&pool->lock);
            spin(pool, &pool->generation, seen, false);
            pthread_mutex_lock(&pool->lock);
            while (!pool->quit &&
                   atomic_load_explicit(&pool->generation, memory_order_relaxed) == seen) {
                pool->sleeping++;
                pthread_cond_wait(&pool->wake, &pool->lock);
                pool->sleeping--;
            }
            continue;
        }
        seen = generation;
        if (!pool->open || atomic_load_explicit(&pool->active, memory_order_relaxed) >= room(pool))
            continue;
        atomic_fetch_add_explicit(&pool->active, 1, memory_order_relaxed);
        pthread_mutex_unlock(&pool->lock);
        work(pool, self->index);
        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub_explicit(&pool->active, 1, memory_order_release) == 1 && !pool->open)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Ends the first `started` workers. */
static void stop_workers(lab_pool *pool, unsigned started)
{
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    /* Also ends the spinning of those who are awake. */
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < started; i++)
        pthread_join(pool->workers[i].thread, NULL);
}

static void destroy(lab_pool *pool)
{
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    lab_free(pool->ctx, pool->workers);
    lab_free(pool->ctx, pool);
}

/* Workers take no signals: Ctrl-C and the like go to the thread that the program began with. */
static lab_status start_workers(lab_pool *pool, lab_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    unsigned started = 0;
    int code = 0;
    for (; started + 1 < pool->threads; started++) {
        worker *w = &pool->workers[started];
        *w = (worker){ .pool = pool, .index = started + 1 };
        code = pthread_create(&w->thread, NULL, worker_main, w);
        if (code != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        return LAB_OK;
    stop_workers(pool, started);
    return lab_error_set(error, LAB_E_IO,
                         "cannot start thread %u of %u: %s; ask for fewer (LUALAB_THREADS)",
                         started + 2, pool->threads, strerror(code));
}

lab_status lab_pool_new(lab_context *ctx, unsigned threads, unsigned cpus, lab_pool **out,
                        lab_error *error)
{
    *out = NULL;
    lab_status status = check_threads(threads, error);
    if (status)
        return status;
    lab_pool *pool = lab_alloc_zero(ctx, sizeof *pool);
    worker *workers = lab_alloc_array(ctx, threads, sizeof *workers);
    if (!pool || !workers) {
        lab_free(ctx, workers);
        lab_free(ctx, pool);
        return lab_error_nomem(error, sizeof *pool + threads * sizeof *workers, "the thread pool");
    }
    pool->ctx = ctx;
    pool->threads = threads;
    pool->spin_ns = threads <= cpus ? SPIN_NS : SHORT_SPIN_NS;
    pool->workers = workers;
    atomic_init(&pool->job.next, 0);
    atomic_init(&pool->job.skipped, false);
    atomic_init(&pool->busy, 0);
    atomic_init(&pool->active, 0);
    atomic_init(&pool->generation, 0);
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    status = start_workers(pool, error);
    if (status) {
        destroy(pool);
        return status;
    }
    *out = pool;
    return LAB_OK;
}

void lab_pool_free(lab_pool *pool)
{
    if (!pool)
        return;
    stop_workers(pool, pool->threads - 1);
    destroy(pool);
}

/* Opens the job and wakes as many sleepers as can help, at most `most`. */
static void open_job(lab_pool *pool, unsigned most)
{
    unsigned helpers = room(pool) < most ? room(pool) : most;
    pool->open = true;
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    if (pool->sleeping > helpers) {
        for (unsigned i = 0; i < helpers; i++)
            pthread_cond_signal(&pool->wake);
    } else if (pool->sleeping > 0) {
        pthread_cond_broadcast(&pool->wake);
    }
}

/* With the workers there is room for, now or later; alone while the workers help another. */
static bool run_job(lab_pool *pool, uint32_t count, uint32_t pieces, lab_pool_fn *fn, void *user,
                    const atomic_bool *stop)
{
    if (pieces == 1 || pool->threads == 1 || pthread_mutex_trylock(&pool->turn) != 0)
        return run_in_place(pool, count, pieces, fn, user, stop, 0);
    pthread_mutex_lock(&pool->lock);
    set_job(&pool->job, count, pieces, fn, user, stop);
    open_job(pool, pieces - 1);
    pthread_mutex_unlock(&pool->lock);

    work(pool, 0);

    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    if (atomic_load_explicit(&pool->active, memory_order_acquire) > 0) {
        pthread_mutex_unlock(&pool->lock);
        spin(pool, &pool->active, 0, true);
        pthread_mutex_lock(&pool->lock);
        while (atomic_load_explicit(&pool->active, memory_order_acquire) > 0)
            pthread_cond_wait(&pool->done, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    bool complete = !atomic_load_explicit(&pool->job.skipped, memory_order_relaxed);
    pthread_mutex_unlock(&pool->turn);
    return complete;
}

#endif

unsigned lab_pool_threads(const lab_pool *pool)
{
    return pool->threads;
}

static const frame *innermost(const lab_pool *pool)
{
    const frame *f = current_frame;
    while (f && f->pool != pool)
        f = f->outer;
    return f;
}

bool lab_pool_run(lab_pool *pool, uint32_t count, uint32_t grain, lab_pool_fn *fn, void *user,
                  const atomic_bool *stop)
{
    if (stopped(stop))
        return false;
    if (count == 0)
        return true;
    uint32_t pieces = pieces_of(pool, count, grain);
    const frame *f = innermost(pool);
    if (f && f->piece) /* the outer call's thread number keeps it apart from its neighbours */
        return run_in_place(pool, count, pieces, fn, user, stop, f->thread);
    if (f)
        return run_job(pool, count, pieces, fn, user, stop);
    enter(pool);
    bool complete = run_job(pool, count, pieces, fn, user, stop);
    leave(pool);
    return complete;
}

void lab_pool_occupy(lab_pool *pool, void (*fn)(void *user), void *user)
{
    if (innermost(pool)) {
        fn(user);
        return;
    }
    frame here = { pool, false, 0, current_frame };
    enter(pool);
    current_frame = &here;
    fn(user);
    current_frame = here.outer;
    leave(pool);
}
