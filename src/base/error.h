/* Errors: a status and a sentence, owned by the caller (lab_error in lab_plugin.h). */
#ifndef LAB_BASE_ERROR_H
#define LAB_BASE_ERROR_H

#include <stdarg.h>

#include "lab_plugin.h"

/* Fills `error` (NULL is allowed) and returns `status`, so that it can be returned at once.
 * A message that does not fit is cut at a UTF-8 boundary. */
LAB_PRINTF(3, 4)
lab_status lab_error_set(lab_error *error, lab_status status, const char *fmt, ...);
lab_status lab_error_vset(lab_error *error, lab_status status, const char *fmt, va_list args);

/* Puts "prefix: " in front of the message that is there; returns error->status. */
LAB_PRINTF(2, 3)
lab_status lab_error_prefix(lab_error *error, const char *fmt, ...);

/* The usual sentence for a failed allocation of `size` bytes for `what`. */
lab_status lab_error_nomem(lab_error *error, size_t size, const char *what);

/* "IO", "FORMAT", …: the short name that Lua receives as the third result. */
const char *lab_status_name(lab_status status);

/*
 * The candidate nearest to `word` by edit distance, or NULL when none is near enough to be worth
 * suggesting (distance at most 1 + length / 3, something in common). A swap of neighbours counts
 * once, ASCII case not at all. Candidates: `count` strings; the first of equals.
 */
const char *lab_nearest(const char *word, const char *const *candidates, size_t count);

#endif
