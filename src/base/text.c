/* Text without a locale; see text.h. */
#include "base/text.h"

#include <stdint.h>

bool lab_same_text(const char *a, const char *b)
{
    while (*a && lab_lower(*a) == lab_lower(*b)) {
        a++;
        b++;
    }
    return lab_lower(*a) == lab_lower(*b);
}

/* Bytes of the character that starts at `p` (RFC 3629, table of well-formed sequences); 0 when it
 * is malformed or cut off. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n == 0 || p[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

bool lab_utf8_valid(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0;
    while (at < size) {
        size_t n = utf8_length(p + at, size - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

size_t lab_utf8_cut(const char *text, size_t size, size_t limit)
{
    if (size <= limit)
        return size;
    /* At most three continuation bytes belong to one character; more is not UTF-8 anyway. */
    size_t at = limit;
    for (int back = 0; back < 3 && at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80; back++)
        at--;
    return ((unsigned char)text[at] & 0xc0) == 0x80 ? limit : at;
}
