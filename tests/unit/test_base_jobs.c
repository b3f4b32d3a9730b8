/* base/jobs.h: each job once, whoever does it; cancelling; waiting for any; the pool and jobs. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/jobs.h"
#include "support/fail_alloc.h"
#include "support/threads.h"

#define JOBS 200

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static lab_jobs *new_jobs(lab_context *ctx, unsigned threads)
{
    lab_jobs *jobs;
    lab_error error;
    if (lab_jobs_new(ctx, threads, &jobs, &error))
        fail_msg("%s", error.message);
    assert_int_equal(lab_jobs_threads(jobs), HAVE_THREADS ? threads : 0);
    return jobs;
}

static void count(void *user)
{
    atomic_fetch_add((atomic_int *)user, 1);
}

static void each_job_once(void **state)
{
    for (unsigned threads = 0; threads <= 4; threads++) {
        lab_jobs *jobs = new_jobs(*state, threads);
        atomic_int counts[JOBS];
        lab_job list[JOBS] = { 0 };
        for (int i = 0; i < JOBS; i++) {
            atomic_init(&counts[i], 0);
            list[i] = (lab_job){ .fn = count, .user = &counts[i] };
            if (i % 3 != 0) /* the others are never started */
                lab_job_start(jobs, &list[i]);
        }
        for (int i = JOBS - 1; i >= 0; i--) {
            if (i % 3 == 0) {
                lab_job_do(&list[i]);
            } else {
                lab_job_wait(jobs, &list[i]);
                assert_true(lab_job_is_done(jobs, &list[i]));
                lab_job_wait(jobs, &list[i]); /* again: returns at once */
            }
            assert_int_equal(atomic_load(&counts[i]), 1);
            assert_true(list[i].nanoseconds >= 0);
        }
        lab_jobs_free(jobs);
    }
}

static void without_threads_waiting_does_it(void **state)
{
    lab_jobs *jobs = new_jobs(*state, 0);
    atomic_int a = 0, b = 0;
    lab_job first = { .fn = count, .user = &a }, second = { .fn = count, .user = &b };
    lab_job_start(jobs, &first);
    lab_job_start(jobs, &second);
    pause_ms(2);
    assert_int_equal(atomic_load(&a) + atomic_load(&b), 0);
    assert_false(lab_job_is_done(jobs, &second));
    lab_job_wait(jobs, &second);
    assert_int_equal(atomic_load(&b), 1);
    lab_job_cancel(jobs, &first);
    assert_int_equal(atomic_load(&a), 0);
    lab_jobs_free(jobs);
}

typedef struct slow {
    atomic_bool begun, finished;
    atomic_bool *until; /* NULL: for some milliseconds */
} slow;

static void be_slow(void *user)
{
    slow *s = user;
    atomic_store(&s->begun, true);
    if (s->until) {
        while (!atomic_load(s->until))
            pause_ms(1);
    } else {
        pause_ms(20);
    }
    atomic_store(&s->finished, true);
}

static void wait_for(atomic_bool *flag)
{
    while (!atomic_load(flag))
        pause_ms(1);
}

static void cancel_waits_for_what_runs(void **state)
{
    needs_threads();
    lab_jobs *jobs = new_jobs(*state, 1);
    slow s = { false, false, NULL };
    atomic_int behind = 0;
    lab_job running = { .fn = be_slow, .user = &s }, queued = { .fn = count, .user = &behind };
    lab_job_start(jobs, &running);
    wait_for(&s.begun);
    lab_job_start(jobs, &queued);
    lab_job_cancel(jobs, &queued);
    lab_job_cancel(jobs, &running);
    assert_true(atomic_load(&s.finished));
    assert_int_equal(atomic_load(&behind), 0);
    lab_jobs_free(jobs);
}

/* One is done while the other still runs: who waits for any goes on, and finds out which. */
static void any_of_several(void **state)
{
    needs_threads();
    lab_jobs *jobs = new_jobs(*state, 2);
    atomic_bool flag = false;
    atomic_int counted = 0;
    slow s = { false, false, &flag };
    lab_job busy = { .fn = be_slow, .user = &s }, other = { .fn = count, .user = &counted };
    lab_job *both[] = { &busy, &other };
    lab_job_start(jobs, &busy);
    wait_for(&s.begun);
    lab_job_start(jobs, &other);
    lab_job_wait_any(jobs, both, 2);
    assert_true(lab_job_is_done(jobs, &other));
    assert_false(lab_job_is_done(jobs, &busy));
    lab_job_wait_any(jobs, both, 2); /* again: returns at once */
    atomic_store(&flag, true);
    lab_job_wait_any(jobs, both, 1);
    assert_true(lab_job_is_done(jobs, &busy));
    lab_jobs_free(jobs);
}

static void without_threads_waiting_for_any_does_one(void **state)
{
    lab_jobs *jobs = new_jobs(*state, 0);
    atomic_int a = 0, b = 0;
    lab_job first = { .fn = count, .user = &a }, second = { .fn = count, .user = &b };
    lab_job *both[] = { &first, &second };
    lab_job_start(jobs, &first);
    lab_job_start(jobs, &second);
    lab_job_wait_any(jobs, both, 2);
    assert_int_equal(atomic_load(&a), 1);
    assert_int_equal(atomic_load(&b), 0);
    lab_job_wait(jobs, &second);
    lab_jobs_free(jobs);
}

/* Jobs that each wait for the other to begin need as many threads at once. */
static void threads_are_begun_as_jobs_come(void **state)
{
    needs_threads();
    lab_jobs *jobs = new_jobs(*state, 3);
    atomic_bool go = false;
    slow s[3];
    lab_job list[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        s[i] = (slow){ .until = &go };
        list[i] = (lab_job){ .fn = be_slow, .user = &s[i] };
        lab_job_start(jobs, &list[i]);
    }
    for (int i = 0; i < 3; i++)
        wait_for(&s[i].begun);
    atomic_store(&go, true);
    for (int i = 0; i < 3; i++)
        lab_job_wait(jobs, &list[i]);
    lab_jobs_free(jobs);
}

typedef struct pool_user {
    lab_pool *pool;
    atomic_uint items;
    atomic_bool done;
} pool_user;

static void count_items(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    pool_user *u = user;
    assert_int_equal(thread, 0);
    atomic_fetch_add(&u->items, end - begin);
}

static void use_pool(void *user)
{
    pool_user *u = user;
    assert_true(lab_pool_run(u->pool, 100, 1, count_items, u, NULL));
    atomic_store(&u->done, true);
}

static void wait_for_pool_user(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)begin;
    (void)end;
    (void)thread;
    wait_for(&((pool_user *)user)->done);
}

/* While the pool is held by another caller, a job's own use of it must not wait for its turn. */
static void pool_runs_in_place(void **state)
{
    needs_threads();
    lab_context *ctx = *state;
    lab_jobs *jobs = new_jobs(ctx, 1);
    pool_user u = { .pool = ctx->pool };
    lab_job job = { .fn = use_pool, .user = &u };
    lab_job_start(jobs, &job);
    assert_true(lab_pool_run(ctx->pool, 1, 1, wait_for_pool_user, &u, NULL));
    lab_job_wait(jobs, &job);
    assert_int_equal(atomic_load(&u.items), 100);
    lab_jobs_free(jobs);
}

static void number_of_threads(void **state)
{
    lab_error error;
    lab_jobs *jobs;
    assert_int_equal(lab_jobs_default_threads(1), 0);
    assert_int_equal(lab_jobs_default_threads(2), 2);
    assert_int_equal(lab_jobs_default_threads(7), 7);
    assert_int_equal(lab_jobs_default_threads(LAB_MAX_THREADS), 32);
    assert_int_equal(lab_jobs_new(*state, LAB_MAX_THREADS + 1, &jobs, &error), LAB_E_INVALID);
    assert_non_null(strstr(error.message, "0..256, got 257"));
    lab_jobs_free(NULL);
}

static lab_status make_and_free(lab_context *ctx, void *user, lab_error *error)
{
    (void)user;
    lab_jobs *jobs;
    lab_status status = lab_jobs_new(ctx, 2, &jobs, error);
    if (!status)
        lab_jobs_free(jobs);
    return status;
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(make_and_free, NULL) >= (HAVE_THREADS ? 3 : 1));
}

static int set_up(void **state)
{
    static lab_context ctx;
    lab_error error;
    *state = &ctx;
    return lab_context_init(&ctx, NULL, 2, &error);
}

static int tear_down(void **state)
{
    lab_context_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_once),
        cmocka_unit_test(without_threads_waiting_does_it),
        cmocka_unit_test(cancel_waits_for_what_runs),
        cmocka_unit_test(any_of_several),
        cmocka_unit_test(without_threads_waiting_for_any_does_one),
        cmocka_unit_test(threads_are_begun_as_jobs_come),
        cmocka_unit_test(pool_runs_in_place),
        cmocka_unit_test(number_of_threads),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("jobs", tests, set_up, tear_down);
}
