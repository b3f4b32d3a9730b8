/* The queue of jobs and its threads; see jobs.h. */
#include "base/jobs.h"

#include "base/clock.h"
#include "base/error.h"

#ifndef LAB_NO_THREADS
#include <pthread.h>
#include <signal.h>
#endif

#define MOST_JOB_THREADS 32u

struct lab_jobs {
    lab_context *ctx;
    unsigned threads; /* at most; fewer once the system has refused one */
    lab_job *first, *last;
    unsigned waiting; /* in the queue */
#ifndef LAB_NO_THREADS
    pthread_mutex_t lock;   /* of everything here */
    pthread_cond_t queued;  /* a job was queued, or quit */
    pthread_cond_t changed; /* a job was done: for those who wait */
    bool quit;
    unsigned started, idle; /* threads */
    pthread_t *workers;     /* `started` of them */
#endif
};

unsigned lab_jobs_default_threads(unsigned pool_threads)
{
    if (pool_threads < 2)
        return 0;
    return pool_threads < MOST_JOB_THREADS ? pool_threads : MOST_JOB_THREADS;
}

/* ---- the parts that differ without threads ---- */

#ifdef LAB_NO_THREADS

static void lock(lab_jobs *jobs)
{
    (void)jobs;
}

static void unlock(lab_jobs *jobs)
{
    (void)jobs;
}

static void find_thread(lab_jobs *jobs)
{
    (void)jobs;
}

static void tell_done(lab_jobs *jobs)
{
    (void)jobs;
}

/* Never reached: nobody else can be running the job that is waited for. */
static void sleep_until_changed(lab_jobs *jobs)
{
    (void)jobs;
}

#else

static void *worker_main(void *arg);

static void lock(lab_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
}

static void unlock(lab_jobs *jobs)
{
    pthread_mutex_unlock(&jobs->lock);
}

/* They take no signals, as the pool's: Ctrl-C goes to the thread that the program began with. */
static void start_thread(lab_jobs *jobs)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&jobs->workers[jobs->started], NULL, worker_main, jobs) == 0)
        jobs->started++;
    else
        jobs->threads = jobs->started;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* For a job that was queued: one that is idle, else a new one. */
static void find_thread(lab_jobs *jobs)
{
    if (jobs->idle < jobs->waiting && jobs->started < jobs->threads)
        start_thread(jobs);
    pthread_cond_signal(&jobs->queued);
}

static void tell_done(lab_jobs *jobs)
{
    pthread_cond_broadcast(&jobs->changed);
}

static void sleep_until_changed(lab_jobs *jobs)
{
    pthread_cond_wait(&jobs->changed, &jobs->lock);
}

#endif

/* ---- the queue; with the lock held ---- */

static void append(lab_jobs *jobs, lab_job *job)
{
    job->next = NULL;
    job->prev = jobs->last;
    if (jobs->last)
        jobs->last->next = job;
    else
        jobs->first = job;
    jobs->last = job;
    jobs->waiting++;
    job->state = LAB_JOB_QUEUED;
}

static void take_out(lab_jobs *jobs, lab_job *job)
{
    if (job->prev)
        job->prev->next = job->next;
    else
        jobs->first = job->next;
    if (job->next)
        job->next->prev = job->prev;
    else
        jobs->last = job->prev;
    job->next = job->prev = NULL;
    jobs->waiting--;
}

unsigned lab_jobs_threads(lab_jobs *jobs)
{
    lock(jobs);
    unsigned threads = jobs->threads;
    unlock(jobs);
    return threads;
}

void lab_job_do(lab_job *job)
{
    int64_t start = lab_now_ns();
    job->fn(job->user);
    job->nanoseconds = lab_now_ns() - start;
    job->state = LAB_JOB_DONE;
}

/* Does a job of the queue; the lock is let go meanwhile. */
static void perform(lab_jobs *jobs, lab_job *job)
{
    take_out(jobs, job);
    job->state = LAB_JOB_RUNNING;
    unlock(jobs);
    lab_job mine = { .fn = job->fn, .user = job->user };
    lab_job_do(&mine);
    lock(jobs);
    job->nanoseconds = mine.nanoseconds;
    job->state = LAB_JOB_DONE;
    tell_done(jobs);
}

void lab_job_start(lab_jobs *jobs, lab_job *job)
{
    lock(jobs);
    if (job->state == LAB_JOB_NEW) {
        append(jobs, job);
        find_thread(jobs);
    }
    unlock(jobs);
}

bool lab_job_is_done(lab_jobs *jobs, lab_job *job)
{
    lock(jobs);
    bool done = job->state == LAB_JOB_DONE;
    unlock(jobs);
    return done;
}

void lab_job_wait(lab_jobs *jobs, lab_job *job)
{
    lock(jobs);
    while (job->state == LAB_JOB_QUEUED || job->state == LAB_JOB_RUNNING) {
        if (job->state == LAB_JOB_QUEUED)
            perform(jobs, job);
        else
            sleep_until_changed(jobs);
    }
    unlock(jobs);
}

/* The first of a list that is in `state`. */
static lab_job *find(lab_job *const *list, size_t count, lab_job_state state)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->state == state)
            return list[i];
    return NULL;
}

void lab_job_wait_any(lab_jobs *jobs, lab_job *const *list, size_t count)
{
    lock(jobs);
    while (!find(list, count, LAB_JOB_DONE)) {
        lab_job *queued = find(list, count, LAB_JOB_QUEUED);
        if (queued && jobs->threads == 0)
            perform(jobs, queued);
        else
            sleep_until_changed(jobs);
    }
    unlock(jobs);
}

void lab_job_cancel(lab_jobs *jobs, lab_job *job)
{
    lock(jobs);
    if (job->state == LAB_JOB_QUEUED)
        take_out(jobs, job);
    while (job->state == LAB_JOB_RUNNING)
        sleep_until_changed(jobs);
    job->state = LAB_JOB_CANCELLED;
    unlock(jobs);
}

/* ---- the threads ---- */

static lab_status check_threads(unsigned threads, lab_error *error)
{
    if (threads <= LAB_MAX_THREADS)
        return LAB_OK;
    return lab_error_set(error, LAB_E_INVALID, "threads of jobs must be 0..%u, got %u",
                         LAB_MAX_THREADS, threads);
}

#ifdef LAB_NO_THREADS

lab_status lab_jobs_new(lab_context *ctx, unsigned threads, lab_jobs **out, lab_error *error)
{
    *out = NULL;
    lab_status status = check_threads(threads, error);
    if (status)
        return status;
    *out = lab_alloc_zero(ctx, sizeof **out);
    if (!*out)
        return lab_error_nomem(error, sizeof **out, "the queue of jobs");
    (*out)->ctx = ctx;
    return LAB_OK;
}

void lab_jobs_free(lab_jobs *jobs)
{
    if (jobs)
        lab_free(jobs->ctx, jobs);
}

#else

static void perform_all(void *user)
{
    lab_jobs *jobs = user;
    lock(jobs);
    while (jobs->first)
        perform(jobs, jobs->first);
    unlock(jobs);
}

static void *worker_main(void *arg)
{
    lab_jobs *jobs = arg;
    lock(jobs);
    while (jobs->first || !jobs->quit) {
        if (jobs->first) {
            unlock(jobs);
            lab_pool_occupy(jobs->ctx->pool, perform_all, jobs);
            lock(jobs);
            continue;
        }
        jobs->idle++;
        pthread_cond_wait(&jobs->queued, &jobs->lock);
        jobs->idle--;
    }
    unlock(jobs);
    return NULL;
}

lab_status lab_jobs_new(lab_context *ctx, unsigned threads, lab_jobs **out, lab_error *error)
{
    *out = NULL;
    lab_status status = check_threads(threads, error);
    if (status)
        return status;
    lab_jobs *jobs = lab_alloc_zero(ctx, sizeof *jobs);
    pthread_t *workers = lab_alloc_array(ctx, threads, sizeof *workers);
    if (!jobs || !workers) {
        lab_free(ctx, workers);
        lab_free(ctx, jobs);
        return lab_error_nomem(error, sizeof *jobs + threads * sizeof *workers,
                               "the queue of jobs");
    }
    jobs->ctx = ctx;
    jobs->threads = threads;
    jobs->workers = workers;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->queued, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    *out = jobs;
    return LAB_OK;
}

void lab_jobs_free(lab_jobs *jobs)
{
    if (!jobs)
        return;
    lock(jobs);
    jobs->quit = true;
    pthread_cond_broadcast(&jobs->queued);
    unlock(jobs);
    for (unsigned i = 0; i < jobs->started; i++)
        pthread_join(jobs->workers[i], NULL);
    pthread_cond_destroy(&jobs->changed);
    pthread_cond_destroy(&jobs->queued);
    pthread_mutex_destroy(&jobs->lock);
    lab_free(jobs->ctx, jobs->workers);
    lab_free(jobs->ctx, jobs);
}

#endif
