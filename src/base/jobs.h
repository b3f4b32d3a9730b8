/*
 * Jobs: work that goes on beside the thread that asked for it, such as decoding the next picture
 * and encoding the last one while a network runs, or running several networks at once. Threads of
 * their own take jobs in the order they were started; a thread is begun when a job finds none idle.
 * Who waits for a job that nobody has taken yet does it himself. So without threads
 * (LAB_NO_THREADS, or none asked for) the same program works, each job being done when it is waited
 * for.
 *
 * A job counts as busy in the pool (lab_pool_occupy): as long as there are jobs for all threads,
 * each runs on its own.
 */
#ifndef LAB_BASE_JOBS_H
#define LAB_BASE_JOBS_H

#include "base/pool.h"

typedef struct lab_jobs lab_jobs;

/* May allocate and fail into `user`; polls the context's stop flag if it takes long. */
typedef void lab_job_fn(void *user);

typedef enum lab_job_state {
    LAB_JOB_NEW = 0,
    LAB_JOB_QUEUED,
    LAB_JOB_RUNNING,
    LAB_JOB_DONE,
    LAB_JOB_CANCELLED
} lab_job_state;

/* Owned by the caller, at one address from lab_job_start until it is done or cancelled. */
typedef struct lab_job {
    lab_job_fn *fn; /* set by the caller, the rest is zero */
    void *user;
    lab_job_state state; /* under the lock of lab_jobs once started */
    int64_t nanoseconds; /* how long fn took; valid when done */
    struct lab_job *next, *prev;
} lab_job;

/* As many threads as the pool has, at most 32: who waits for jobs sleeps. None for a pool of one.
 */
unsigned lab_jobs_default_threads(unsigned pool_threads);

/* threads: at most so many, 0 .. LAB_MAX_THREADS. None is begun yet; when the system refuses one,
 * those there are do the work. */
lab_status lab_jobs_new(lab_context *ctx, unsigned threads, lab_jobs **jobs, lab_error *error);
/* No job may be queued or running. NULL is allowed. */
void lab_jobs_free(lab_jobs *jobs);
/* How many there may be. */
unsigned lab_jobs_threads(lab_jobs *jobs);

/* Does a new job here and now. */
void lab_job_do(lab_job *job);
/* Queues a new job; allocates nothing. */
void lab_job_start(lab_jobs *jobs, lab_job *job);
/* Whether the job has been done: lab_job_wait would return at once. */
bool lab_job_is_done(lab_jobs *jobs, lab_job *job);
/* Returns when the job is done. Not for a cancelled one. */
void lab_job_wait(lab_jobs *jobs, lab_job *job);
/* Returns when one of `count` jobs (at least one; started, not cancelled) is done; which, the
 * caller finds out. Without threads it does the first of them that is queued. */
void lab_job_wait_any(lab_jobs *jobs, lab_job *const *list, size_t count);
/* Sees to it that fn is not running and will not: a job that nobody has taken is never done. */
void lab_job_cancel(lab_jobs *jobs, lab_job *job);

#endif
