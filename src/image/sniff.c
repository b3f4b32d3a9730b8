/* Recognises a picture by its first bytes and says what a file is when it is not one. */
#include <string.h>

#include "image/container.h"

typedef struct magic {
    const char *bytes;
    uint8_t size;
    uint8_t at; /* offset in the file */
    const char *name;
} magic;

/* Formats people do have and stb_image (or this program) does not read. */
static const magic unreadable[] = {
    { "WEBP", 4, 8, "WebP" },
    { "ftypheic", 8, 4, "HEIC" },
    { "ftypheix", 8, 4, "HEIC" },
    { "ftypmif1", 8, 4, "HEIF" },
    { "ftypavif", 8, 4, "AVIF" },
    { "II*\0", 4, 0, "TIFF" },
    { "MM\0*", 4, 0, "TIFF" },
    { "8BPS", 4, 0, "Photoshop" },
    { "\xff\x0a", 2, 0, "JPEG XL" },
    { "\0\0\0\x0cJXL ", 8, 0, "JPEG XL" },
    { "\0\0\0\x0cjP  ", 8, 0, "JPEG 2000" },
    { "qoif", 4, 0, "QOI" },
    { "#?RADIANCE", 10, 0, "Radiance HDR" },
    { "\x76\x2f\x31\x01", 4, 0, "OpenEXR" },
    { "%PDF-", 5, 0, "PDF" },
    { "<svg", 4, 0, "SVG" },
    { "\0\0\1\0", 4, 0, "Windows icon" },
};

static bool has(const uint8_t *bytes, size_t size, size_t at, const char *magic_bytes, size_t n)
{
    return size >= at + n && memcmp(bytes + at, magic_bytes, n) == 0;
}

/* "BM" alone begins many texts: a header size that exists must follow. */
static bool is_bmp(const uint8_t *bytes, size_t size)
{
    if (size < 18 || bytes[0] != 'B' || bytes[1] != 'M')
        return false;
    uint32_t header = lab_le32(bytes + 14);
    return header == 12 || header == 40 || header == 52 || header == 56 || header == 64 ||
           header == 108 || header == 124;
}

static bool is_pnm(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
           (bytes[2] == ' ' || bytes[2] == '\t' || bytes[2] == '\n' || bytes[2] == '\r');
}

/* Describes bytes that are no picture: the beginning of a text, or the first bytes in hex. */
static lab_status not_a_picture(const uint8_t *bytes, size_t size, lab_error *error)
{
    if (size == 0)
        return lab_error_set(error, LAB_E_FORMAT, "not a picture: the file is empty");
    char shown[40];
    size_t n = 0;
    size_t seen = size < 24 ? size : 24;
    for (size_t i = 0; i < seen; i++) {
        bool space = bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t';
        if (!space && (bytes[i] < 0x20 || bytes[i] == 0x7f)) {
            n = 0;
            break;
        }
        /* Bytes above ASCII could be cut in the middle of a character. */
        shown[n++] = space ? ' ' : bytes[i] < 0x80 && bytes[i] != '"' ? (char)bytes[i] : '?';
    }
    shown[n] = '\0';
    if (n)
        return lab_error_set(error, LAB_E_FORMAT, "not a picture: begins with the text \"%s%s\"",
                             shown, size > seen ? "…" : "");
    for (size_t i = 0; i < size && i < 8; i++)
        n += (size_t)snprintf(shown + n, sizeof shown - n, "%s%02x", i ? " " : "", bytes[i]);
    return lab_error_set(error, LAB_E_FORMAT,
                         "not a picture: begins with the bytes %s (JPEG, PNG, BMP, GIF, PGM and "
                         "PPM are read)",
                         shown);
}

lab_status lab_sniff(const uint8_t *bytes, size_t size, lab_container *out, lab_error *error)
{
    if (has(bytes, size, 0, "\xff\xd8\xff", 3)) {
        *out = LAB_CONTAINER_JPEG;
        return LAB_OK;
    }
    if (has(bytes, size, 0, "\x89PNG\r\n\x1a\n", 8)) {
        *out = LAB_CONTAINER_PNG;
        return LAB_OK;
    }
    if (has(bytes, size, 0, "GIF87a", 6) || has(bytes, size, 0, "GIF89a", 6)) {
        *out = LAB_CONTAINER_GIF;
        return LAB_OK;
    }
    if (is_bmp(bytes, size)) {
        *out = LAB_CONTAINER_BMP;
        return LAB_OK;
    }
    if (is_pnm(bytes, size)) {
        *out = LAB_CONTAINER_PNM;
        return LAB_OK;
    }
    const char *name = NULL;
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0] && !name; i++)
        if (has(bytes, size, unreadable[i].at, unreadable[i].bytes, unreadable[i].size))
            name = unreadable[i].name;
    /* TGA has no magic at its start, only a footer in its second version. */
    if (!name && size >= 44 && memcmp(bytes + size - 18, "TRUEVISION-XFILE.", 18) == 0)
        name = "TGA";
    if (name)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "%s pictures are not read: convert it to PNG or JPEG first", name);
    return not_a_picture(bytes, size, error);
}

void lab_container_broken(lab_container_info *info, lab_status status, const char *fmt, ...)
{
    if (info->complete)
        return;
    info->complete = status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(info->reason, sizeof info->reason, fmt, args);
    va_end(args);
}
