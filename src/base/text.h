/* Text without a locale: ASCII letters have case, everything else is bytes of UTF-8. */
#ifndef LAB_BASE_TEXT_H
#define LAB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

static inline char lab_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal when ASCII case is ignored. */
bool lab_same_text(const char *a, const char *b);

/* True for well-formed UTF-8 (no overlong forms, surrogates or code points above U+10FFFF). */
bool lab_utf8_valid(const char *text, size_t size);

/* The most bytes, at most `limit`, that can be kept of `text` without cutting a character. */
size_t lab_utf8_cut(const char *text, size_t size, size_t limit);

#endif
