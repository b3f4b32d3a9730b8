/* Errors as sentences, and the nearest name for the sentence to offer; see error.h. */
#include "base/error.h"

#include <string.h>

#include "base/text.h"

lab_status lab_error_vset(lab_error *error, lab_status status, const char *fmt, va_list args)
{
    if (!error)
        return status;
    /* Into a copy first: an argument may be the message that is there. One byte more than fits, so
     * that a cut can be seen and moved back to the start of a character. */
    char text[LAB_MESSAGE_MAX + 1];
    int length = vsnprintf(text, sizeof text, fmt, args);
    size_t size = length < 0 ? 0 : strnlen(text, sizeof text - 1);
    size = lab_utf8_cut(text, size, LAB_MESSAGE_MAX - 1);
    memcpy(error->message, text, size);
    error->message[size] = '\0';
    error->status = status;
    return status;
}

lab_status lab_error_set(lab_error *error, lab_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    lab_error_vset(error, status, fmt, args);
    va_end(args);
    return status;
}

lab_status lab_error_prefix(lab_error *error, const char *fmt, ...)
{
    if (!error)
        return LAB_E_INVALID;
    char prefix[LAB_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    return lab_error_set(error, error->status, "%s: %s", prefix, error->message);
}

lab_status lab_error_nomem(lab_error *error, size_t size, const char *what)
{
    return lab_error_set(error, LAB_E_NOMEM, "out of memory: %zu bytes for %s", size, what);
}

const char *lab_status_name(lab_status status)
{
    switch (status) {
    case LAB_OK:
        return "OK";
    case LAB_E_INVALID:
        return "INVALID";
    case LAB_E_NOMEM:
        return "NOMEM";
    case LAB_E_IO:
        return "IO";
    case LAB_E_FORMAT:
        return "FORMAT";
    case LAB_E_UNSUPPORTED:
        return "UNSUPPORTED";
    case LAB_E_ABI:
        return "ABI";
    case LAB_E_DB:
        return "DB";
    case LAB_E_INTERRUPTED:
        return "INTERRUPTED";
    case LAB_E_NOT_FOUND:
        return "NOT_FOUND";
    case LAB_E_LIMIT:
        return "LIMIT";
    }
    return "UNKNOWN";
}

#define WORD_MAX 64u /* longer words are not mistyped names */

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions,
 * deletions, substitutions and swaps of neighbours cost 1; ASCII case costs nothing. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        char ca = lab_lower(a[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            char cb = lab_lower(b[j - 1]);
            size_t best = min_of(min_of(above[j], row[j - 1]) + 1, above[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == lab_lower(b[j - 2]) && cb == lab_lower(a[i - 2]))
                best = min_of(best, before[j - 2] + 1);
            row[j] = best;
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[nb];
}

const char *lab_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strnlen(word, WORD_MAX + 1);
    if (length == 0 || length > WORD_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t limit = 1 + length / 3; /* the distance still accepted: shrinks as better ones are met */
    for (size_t i = 0; i < count; i++) {
        size_t other = strnlen(candidates[i], WORD_MAX + 1);
        if (other > WORD_MAX || (other > length ? other - length : length - other) > limit)
            continue;
        size_t distance = edit_distance(word, length, candidates[i], other);
        bool nothing_shared = distance >= (other > length ? other : length);
        if (distance > limit || nothing_shared)
            continue;
        if (distance == 0)
            return candidates[i];
        nearest = candidates[i];
        limit = distance - 1;
    }
    return nearest;
}
