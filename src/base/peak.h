/* How many multiply-adds a second these CPUs can do: what kernels are judged by. */
#ifndef LAB_BASE_PEAK_H
#define LAB_BASE_PEAK_H

#include "base/pool.h"

typedef struct lab_peak {
    double int8; /* multiply-adds of 8-bit values a second, all threads; widened to 16 bits */
    double f32;
    const char *isa; /* what they were measured with: "avx2" or "c" */
} lab_peak;

/*
 * Measures for some milliseconds with all threads of the pool at once, so that CPUs that share a
 * core count as what they are. Registers only: memory plays no part.
 *
 * int8 with AVX2 is vpmaddwd, the exact way without VNNI instructions; kernels that have those can
 * be above this figure.
 */
void lab_peak_measure(lab_pool *pool, lab_peak *peak);

#endif
