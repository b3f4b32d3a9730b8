/* base/pool.h: every item once, threads kept apart, nesting, stopping, several callers. */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "support/fail_alloc.h"
#include "support/threads.h"

#define MOST 5000

typedef struct tally {
    atomic_uchar seen[MOST];
    atomic_bool busy[LAB_MAX_THREADS];
    atomic_uint pieces;
    atomic_uint too_small;
    atomic_uint collisions;
    uint32_t grain, count;
    unsigned threads;
} tally;

static void count_items(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    tally *t = user;
    if (thread >= t->threads || atomic_exchange(&t->busy[thread], true))
        atomic_fetch_add(&t->collisions, 1);
    if (end - begin < t->grain && t->count >= t->grain)
        atomic_fetch_add(&t->too_small, 1);
    for (uint32_t i = begin; i < end; i++)
        atomic_fetch_add(&t->seen[i], 1);
    atomic_fetch_add(&t->pieces, 1);
    atomic_store(&t->busy[thread], false);
}

static void check_run(lab_pool *pool, uint32_t count, uint32_t grain)
{
    tally *t = calloc(1, sizeof *t);
    t->grain = grain;
    t->count = count;
    t->threads = lab_pool_threads(pool);
    assert_true(lab_pool_run(pool, count, grain, count_items, t, NULL));
    for (uint32_t i = 0; i < MOST; i++)
        assert_int_equal(atomic_load(&t->seen[i]), i < count);
    assert_int_equal(atomic_load(&t->collisions), 0);
    assert_int_equal(atomic_load(&t->too_small), 0);
    free(t);
}

static void every_item_once(void **state)
{
    lab_context *ctx = *state;
    static const uint32_t counts[] = { 0, 1, 2, 3, 7, 64, 1000, MOST };
    static const uint32_t grains[] = { 1, 3, 64, 5000 };
    for (unsigned threads = 1; threads <= 5; threads++) {
        lab_pool *pool;
        assert_int_equal(lab_pool_new(ctx, threads, lab_usable_cpus(), &pool, NULL), LAB_OK);
        assert_int_equal(lab_pool_threads(pool), HAVE_THREADS ? threads : 1);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++)
                check_run(pool, counts[c], grains[g]);
        }
        lab_pool_free(pool);
    }
}

/* Many short jobs, some after a pause long enough for the workers to fall asleep. */
static void many_short_jobs(void **state)
{
    lab_pool *pool;
    assert_int_equal(lab_pool_new(*state, 3, lab_usable_cpus(), &pool, NULL), LAB_OK);
    for (int i = 0; i < 2000; i++) {
        if (i % 100 == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 300000 }, NULL);
        tally *t = calloc(1, sizeof *t);
        t->threads = 3;
        lab_pool_run(pool, 16, 1, count_items, t, NULL);
        for (uint32_t j = 0; j < 16; j++)
            assert_int_equal(atomic_load(&t->seen[j]), 1);
        free(t); /* a worker that still used it would show under a sanitizer */
    }
    lab_pool_free(pool);
}

typedef struct nest {
    lab_pool *pool;
    atomic_uint inner_items;
    atomic_uint strangers; /* inner pieces that ran on another thread */
} nest;

typedef struct nest_call {
    nest *nest;
    unsigned thread;
    pthread_t self;
} nest_call;

static void inner(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    nest_call *c = user;
    if (thread != c->thread || !pthread_equal(pthread_self(), c->self))
        atomic_fetch_add(&c->nest->strangers, 1);
    atomic_fetch_add(&c->nest->inner_items, end - begin);
}

static void outer(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    nest *n = user;
    nest_call c = { n, thread, pthread_self() };
    for (uint32_t i = begin; i < end; i++)
        lab_pool_run(n->pool, 10, 1, inner, &c, NULL);
}

static void nested_calls_run_in_place(void **state)
{
    lab_pool *pool;
    assert_int_equal(lab_pool_new(*state, 4, lab_usable_cpus(), &pool, NULL), LAB_OK);
    nest n = { .pool = pool };
    assert_true(lab_pool_run(pool, 200, 1, outer, &n, NULL));
    assert_int_equal(atomic_load(&n.inner_items), 2000);
    assert_int_equal(atomic_load(&n.strangers), 0);
    lab_pool_free(pool);
}

typedef struct stopping {
    atomic_bool stop;
    atomic_uint items;
} stopping;

static void stop_soon(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    stopping *s = user;
    atomic_fetch_add(&s->items, end - begin);
    atomic_store(&s->stop, true);
}

static void stop_skips_the_rest(void **state)
{
    lab_context *ctx = *state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        lab_pool *pool;
        assert_int_equal(lab_pool_new(ctx, threads, lab_usable_cpus(), &pool, NULL), LAB_OK);
        stopping s;
        atomic_init(&s.stop, false);
        atomic_init(&s.items, 0);
        assert_false(lab_pool_run(pool, 1000, 1, stop_soon, &s, &s.stop));
        assert_in_range(atomic_load(&s.items), 1, 999);
        atomic_store(&s.items, 0);
        assert_false(lab_pool_run(pool, 1000, 1, stop_soon, &s, &s.stop)); /* set before */
        assert_int_equal(atomic_load(&s.items), 0);
        atomic_store(&s.stop, false);
        assert_true(lab_pool_run(pool, 1, 1, stop_soon, &s, &s.stop)); /* nothing was skipped */
        lab_pool_free(pool);
    }
}

static void *caller(void *arg)
{
    for (int i = 0; i < 200; i++)
        check_run(arg, 97, 2);
    return NULL;
}

static void several_callers_at_once(void **state)
{
    needs_threads();
    lab_pool *pool;
    assert_int_equal(lab_pool_new(*state, 3, lab_usable_cpus(), &pool, NULL), LAB_OK);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, caller, pool), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    lab_pool_free(pool);
}

typedef struct who {
    lab_pool *pool;
    pthread_t caller;
    atomic_uint others;       /* pieces that another thread than the caller's did */
    atomic_bool *other_begun; /* the first piece waits for it; NULL: none waits */
} who;

static void note_thread(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)end;
    who *w = user;
    if (!pthread_equal(pthread_self(), w->caller)) {
        atomic_fetch_add(&w->others, 1);
        assert_int_not_equal(thread, 0);
        if (w->other_begun)
            atomic_store(w->other_begun, true);
    } else if (w->other_begun && begin == 0) {
        while (!atomic_load(w->other_begun))
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
}

typedef struct occupant {
    lab_pool *pool;
    atomic_bool begun, leave;
} occupant;

static void wait_to_leave(void *user)
{
    occupant *o = user;
    atomic_store(&o->begun, true);
    while (!atomic_load(&o->leave))
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void *occupy(void *arg)
{
    occupant *o = arg;
    lab_pool_occupy(o->pool, wait_to_leave, o);
    return NULL;
}

/* Of two threads one is busy elsewhere: the caller works alone, without waiting for a worker. Of
 * three, one worker is left to help, and joins late when its place becomes free late. */
static void busy_threads_leave_less_help(void **state)
{
    needs_threads();
    for (unsigned threads = 2; threads <= 3; threads++) {
        lab_pool *pool;
        assert_int_equal(lab_pool_new(*state, threads, lab_usable_cpus(), &pool, NULL), LAB_OK);
        occupant o[2] = { { .pool = pool }, { .pool = pool } };
        pthread_t busy[2];
        for (unsigned i = 0; i + 1 < threads; i++) {
            assert_int_equal(pthread_create(&busy[i], NULL, occupy, &o[i]), 0);
            while (!atomic_load(&o[i].begun))
                nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
        }
        who w = { .pool = pool, .caller = pthread_self() };
        for (int i = 0; i < 50; i++)
            assert_true(lab_pool_run(pool, 1000, 1, note_thread, &w, NULL));
        assert_int_equal(atomic_load(&w.others), 0);
        if (threads == 3) {
            atomic_bool helped = false;
            atomic_store(&o[0].leave, true);
            pthread_join(busy[0], NULL);
            w.other_begun = &helped; /* hangs here if no worker ever helps */
            assert_true(lab_pool_run(pool, 1000, 1, note_thread, &w, NULL));
            assert_true(atomic_load(&w.others) > 0);
        }
        atomic_store(&o[threads - 2].leave, true);
        pthread_join(busy[threads - 2], NULL);
        lab_pool_free(pool);
    }
}

typedef struct gathering {
    occupant *busy;
    unsigned threads;
    atomic_bool here[3];
} gathering;

/* The first piece ends what occupies a thread; no piece ends before every thread is in the job. */
static void gather(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)end;
    gathering *g = user;
    atomic_store(&g->here[thread], true);
    if (begin == 0)
        atomic_store(&g->busy->leave, true);
    for (unsigned i = 0; i < g->threads; i++)
        while (!atomic_load(&g->here[i]))
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void a_place_that_becomes_free_is_taken(void **state)
{
    needs_threads();
    for (int i = 0; i < 20; i++) {
        lab_pool *pool;
        unsigned threads = i % 2 ? 2 : 3;
        assert_int_equal(lab_pool_new(*state, threads, lab_usable_cpus(), &pool, NULL), LAB_OK);
        occupant o = { .pool = pool };
        pthread_t busy;
        assert_int_equal(pthread_create(&busy, NULL, occupy, &o), 0);
        while (!atomic_load(&o.begun))
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
        gathering g = { .busy = &o, .threads = threads };
        assert_true(lab_pool_run(pool, 1000, 1, gather, &g, NULL)); /* hangs if none joins */
        pthread_join(busy, NULL);
        lab_pool_free(pool);
    }
}

static void idle_workers_sleep(void **state)
{
    lab_pool *pool;
    assert_int_equal(lab_pool_new(*state, 4, lab_usable_cpus(), &pool, NULL), LAB_OK);
    check_run(pool, 1000, 1);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double used =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
    assert_true(used < 0.02); /* of 0.2 s and four threads */
    lab_pool_free(pool);
}

static void running_allocates_nothing(void **state)
{
    (void)state;
    fail_alloc f;
    lab_context ctx;
    fail_alloc_init(&f, 0);
    assert_int_equal(lab_context_init(&ctx, &f.allocator, 3, NULL), LAB_OK);
    long before = atomic_load(&f.calls);
    check_run(ctx.pool, 1000, 1);
    assert_int_equal(atomic_load(&f.calls), before);
    lab_context_finish(&ctx);
    assert_int_equal(atomic_load(&f.live), 0);
}

static void wrong_numbers_of_threads(void **state)
{
    lab_pool *pool;
    lab_error error;
    assert_int_equal(lab_pool_new(*state, 0, lab_usable_cpus(), &pool, &error), LAB_E_INVALID);
    assert_int_equal(lab_pool_new(*state, LAB_MAX_THREADS + 1, lab_usable_cpus(), &pool, &error),
                     LAB_E_INVALID);
    assert_string_equal(error.message, "threads must be 1..256, got 257");
}

static void default_threads(void **state)
{
    (void)state;
    needs_threads();
    setenv("LUALAB_THREADS", "7", 1);
    assert_int_equal(lab_default_threads(lab_usable_cpus()), 7);
    static const char *const wrong[] = { "0", "257", "many", "2x", "-1", "" };
    unsetenv("LUALAB_THREADS");
    unsigned cpus = lab_default_threads(lab_usable_cpus());
    assert_in_range(cpus, 1, LAB_MAX_THREADS);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("LUALAB_THREADS", wrong[i], 1);
        assert_int_equal(lab_default_threads(lab_usable_cpus()), cpus);
    }
    unsetenv("LUALAB_THREADS");
}

static lab_status start_pool(lab_context *ctx, void *user, lab_error *error)
{
    (void)user;
    lab_pool *pool;
    lab_status status = lab_pool_new(ctx, 3, lab_usable_cpus(), &pool, error);
    if (!status)
        lab_pool_free(pool);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(start_pool, NULL) >= (HAVE_THREADS ? 2 : 1));
}

static int begin(void **state)
{
    static lab_context ctx;
    *state = &ctx;
    return lab_context_init(&ctx, NULL, 1, NULL);
}

static int end(void **state)
{
    lab_context_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_once),
        cmocka_unit_test(many_short_jobs),
        cmocka_unit_test(nested_calls_run_in_place),
        cmocka_unit_test(stop_skips_the_rest),
        cmocka_unit_test(several_callers_at_once),
        cmocka_unit_test(busy_threads_leave_less_help),
        cmocka_unit_test(a_place_that_becomes_free_is_taken),
        cmocka_unit_test(idle_workers_sleep),
        cmocka_unit_test(running_allocates_nothing),
        cmocka_unit_test(wrong_numbers_of_threads),
        cmocka_unit_test(default_threads),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
