/*
 * The header of a .npy file: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. Only what
 * NumPy writes is read: three keys in any order, strings in either quotes, no other Python.
 */
#include "npy.h"

#include <string.h>

typedef struct parser {
    lab_call *call;
    const uint8_t *bytes;
    size_t at, end;
    bool seen[3]; /* descr, fortran_order, shape */
} parser;

static lab_status expected(parser *p, const char *what)
{
    return lab_fail(p->call, LAB_E_FORMAT, "header: expected %s at byte %zu", what, p->at);
}

static void skip_space(parser *p)
{
    while (p->at < p->end && (p->bytes[p->at] == ' ' || p->bytes[p->at] == '\n'))
        p->at++;
}

/* Takes a character if it is the next one that is no space. */
static bool take(parser *p, char c)
{
    skip_space(p);
    if (p->at >= p->end || p->bytes[p->at] != (uint8_t)c)
        return false;
    p->at++;
    return true;
}

static bool take_word(parser *p, const char *word)
{
    size_t length = strlen(word);
    skip_space(p);
    if (p->end - p->at < length || memcmp(p->bytes + p->at, word, length) != 0)
        return false;
    p->at += length;
    return true;
}

/* A quoted string of fewer than `size` bytes, copied with a NUL. */
static bool take_string(parser *p, char *out, size_t size)
{
    char quote = take(p, '\'') ? '\'' : take(p, '"') ? '"' : 0;
    size_t n = 0;
    while (quote && p->at < p->end && p->bytes[p->at] != (uint8_t)quote && n + 1 < size)
        out[n++] = (char)p->bytes[p->at++];
    out[n] = '\0';
    return quote && take(p, quote);
}

static lab_status parse_descr(parser *p, npy_header *out)
{
    char text[8];
    if (!take_string(p, text, sizeof text))
        return expected(p, "the elements' type, such as '<f4' (records are not read)");
    static const char *const known[] = { "b1", "u1", "i1", "u2", "i2", "i4", "i8", "f2", "f4" };
    bool order = text[0] && strchr("<>|=", text[0]);
    for (size_t i = 0; order && i < sizeof known / sizeof *known; i++) {
        if (strcmp(text + 1, known[i]) == 0) {
            out->code = text[1];
            out->item = (uint32_t)(text[2] - '0');
            out->big_endian = text[0] == '>';
            return LAB_OK;
        }
    }
    return lab_fail(p->call, LAB_E_UNSUPPORTED,
                    "elements of type '%s' are not read; save the array as uint8, int8, uint16, "
                    "int16, int32, int64, float16 or float32, or a bool",
                    text);
}

static lab_status parse_order(parser *p, npy_header *out)
{
    out->fortran_order = take_word(p, "True");
    return out->fortran_order || take_word(p, "False") ? LAB_OK : expected(p, "True or False");
}

/* A dimension: 1 .. INT32_MAX. */
static lab_status parse_side(parser *p, int32_t *out)
{
    int64_t value = 0;
    size_t first = p->at;
    for (; p->at < p->end && p->bytes[p->at] >= '0' && p->bytes[p->at] <= '9'; p->at++) {
        value = 10 * value + (p->bytes[p->at] - '0');
        if (value > INT32_MAX)
            return lab_fail(p->call, LAB_E_LIMIT, "header: the dimension at byte %zu is above %d",
                            first, INT32_MAX);
    }
    if (p->at == first)
        return expected(p, "a dimension");
    if (value == 0)
        return lab_fail(p->call, LAB_E_UNSUPPORTED, "the array is empty: a dimension is 0");
    *out = (int32_t)value;
    return LAB_OK;
}

static lab_status parse_shape(parser *p, npy_header *out)
{
    if (!take(p, '('))
        return expected(p, "the shape, such as (3, 4)");
    while (!take(p, ')')) {
        if (out->rank == LAB_MAX_RANK)
            return lab_fail(p->call, LAB_E_LIMIT, "the array has more than %d dimensions",
                            LAB_MAX_RANK);
        lab_status status = parse_side(p, &out->shape[out->rank]);
        if (status)
            return status;
        out->rank++;
        if (!take(p, ',') && (p->at >= p->end || p->bytes[p->at] != ')'))
            return expected(p, "',' or ')'");
    }
    return LAB_OK;
}

static lab_status parse_entry(parser *p, npy_header *out)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    static lab_status (*const parsers[])(parser *, npy_header *) = { parse_descr, parse_order,
                                                                     parse_shape };
    char key[16];
    size_t at = p->at;
    if (!take_string(p, key, sizeof key))
        return expected(p, "a key in quotes");
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(key, keys[i]) != 0 || p->seen[i])
            continue;
        p->seen[i] = true;
        return take(p, ':') ? parsers[i](p, out) : expected(p, "':'");
    }
    return lab_fail(p->call, LAB_E_FORMAT, "header: the key '%s' at byte %zu is %s", key, at,
                    "unknown or there twice");
}

static lab_status parse_dictionary(parser *p, npy_header *out)
{
    if (!take(p, '{'))
        return expected(p, "'{'");
    while (!take(p, '}')) {
        lab_status status = parse_entry(p, out);
        if (status)
            return status;
        if (!take(p, ',') && (p->at >= p->end || p->bytes[p->at] != '}'))
            return expected(p, "',' or '}'");
    }
    skip_space(p);
    if (p->at != p->end)
        return expected(p, "nothing more");
    for (int i = 0; i < 3; i++) {
        if (!p->seen[i])
            return lab_fail(p->call, LAB_E_FORMAT,
                            "header: descr, fortran_order or shape is missing");
    }
    return LAB_OK;
}

lab_status npy_parse(lab_call *call, const uint8_t *bytes, size_t size, npy_header *out)
{
    *out = (npy_header){ 0 };
    size_t start = NPY_MAGIC_SIZE + 4;
    if (size < start || memcmp(bytes, NPY_MAGIC, NPY_MAGIC_SIZE) != 0)
        return lab_fail(call, LAB_E_FORMAT, "it does not begin like a NumPy file");
    uint32_t version = bytes[NPY_MAGIC_SIZE];
    if (version < 1 || version > 3)
        return lab_fail(call, LAB_E_UNSUPPORTED, "version %u of the format is not known", version);
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1) { /* four bytes of length instead of two */
        if (size < start + 2)
            return lab_fail(call, LAB_E_FORMAT, "it ends within its header, at byte %zu", size);
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        start += 2;
    }
    if (length > size - start)
        return lab_fail(call, LAB_E_FORMAT, "the header has %zu bytes, but the file only %zu more",
                        length, size - start);
    parser p = { call, bytes, start, start + length, { false } };
    out->data = start + length;
    return parse_dictionary(&p, out);
}
