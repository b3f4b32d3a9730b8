/*
 * Tests of threads in a build whose library has none (LAB_NO_THREADS): what they may expect of it.
 * Such a library is called by one thread at a time: tests with threads of their own are skipped.
 */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include "support/cmocka_all.h"

#ifdef LAB_NO_THREADS
#define HAVE_THREADS false
#else
#define HAVE_THREADS true
#endif

/* Ends a test that is about what only threads do. */
static inline void needs_threads(void)
{
    if (!HAVE_THREADS)
        skip();
}

#endif
