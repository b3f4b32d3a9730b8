/* Size arithmetic that cannot wrap: false when the result does not fit. */
#ifndef LAB_BASE_CHECKED_H
#define LAB_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool lab_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool lab_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Rounds up to a multiple of `to` (a power of two). */
static inline bool lab_round_up(size_t a, size_t to, size_t *out)
{
    return lab_add_size(a, to - 1, out) && ((*out &= ~(to - 1)), true);
}

#endif
