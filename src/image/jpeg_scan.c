/*
 * Walks the segments of a JPEG (ITU T.81 Annex B) without decoding: which process it uses, its
 * size and number of components, its EXIF block, and whether an end-of-image marker follows the
 * last scan. A file that was cut short has none outside its entropy-coded data.
 */
#include <string.h>

#include "image/container.h"

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1, TEM = 0x01, DHT = 0xc4, JPG = 0xc8 };
enum { DAC = 0xcc };

static bool is_sof(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != DHT && marker != JPG && marker != DAC;
}

static bool has_length(int marker)
{
    return !(marker == TEM || (marker >= 0xd0 && marker <= EOI));
}

/* What the frame header says; only what the decoder can do passes. */
static lab_status read_frame(int marker, const uint8_t *body, size_t size, lab_container_info *info,
                             lab_error *error)
{
    if (size < 6)
        return lab_error_set(error, LAB_E_FORMAT, "damaged JPEG: frame header of %zu bytes", size);
    if (marker > 0xc2)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this JPEG is %s coded (frame type 0x%02x), only baseline and "
                             "progressive ones are read: save it again as an ordinary JPEG or PNG",
                             marker >= 0xc9 ? "arithmetic" : "lossless or hierarchically", marker);
    if (body[0] != 8)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this JPEG has %d bits a sample, only 8 are read: save it again "
                             "with 8 bits or as PNG",
                             body[0]);
    int components = body[5];
    if (components == 4)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this JPEG is CMYK (4 components), which cannot be shown faithfully "
                             "without its colour profile: convert it to RGB first");
    if (components != 1 && components != 3)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this JPEG has %d components, only grey (1) and colour (3) are read",
                             components);
    if (size < 6 + 3 * (size_t)components)
        return lab_error_set(error, LAB_E_FORMAT, "damaged JPEG: frame header of %zu bytes", size);
    info->height = lab_be16(body + 1);
    info->width = lab_be16(body + 3);
    uint32_t h_max = 1, v_max = 1;
    for (int i = 0; i < components; i++) {
        uint32_t sampling = body[6 + 3 * i + 1];
        h_max = sampling >> 4 > h_max ? sampling >> 4 : h_max;
        v_max = (sampling & 15) > v_max ? sampling & 15 : v_max;
    }
    /* A Huffman code has at least one bit, and each component at least one code a unit (MCU). */
    uint64_t mcus = (uint64_t)((info->width + 8 * h_max - 1) / (8 * h_max)) *
                    ((info->height + 8 * v_max - 1) / (8 * v_max));
    info->least_payload = mcus * (uint32_t)components / 8;
    return LAB_OK;
}

/* The position of the next marker's code after entropy-coded data; `size` when there is none. */
static size_t skip_entropy(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size) {
        const uint8_t *ff = memchr(bytes + at, 0xff, size - at);
        if (!ff)
            return size;
        at = (size_t)(ff - bytes) + 1;
        while (at < size && bytes[at] == 0xff)
            at++;
        bool stuffed = at < size && (bytes[at] == 0 || (bytes[at] >= 0xd0 && bytes[at] <= 0xd7));
        if (!stuffed)
            return at;
    }
    return size;
}

static void note_exif(const uint8_t *body, size_t size, lab_container_info *info)
{
    if (info->exif || size < 6 || memcmp(body, "Exif\0\0", 6) != 0)
        return;
    info->exif = body + 6;
    info->exif_size = size - 6;
}

lab_status lab_scan_jpeg(const uint8_t *bytes, size_t size, lab_container_info *info,
                         lab_error *error)
{
    bool frame = false, scan = false;
    size_t at = 2; /* after SOI */
    while (at < size) {
        const uint8_t *ff = memchr(bytes + at, 0xff, size - at);
        at = ff ? (size_t)(ff - bytes) : size;
        while (at < size && bytes[at] == 0xff)
            at++;
    next_marker:
        if (at >= size)
            break;
        int marker = bytes[at++];
        if (marker == EOI) {
            if (!scan)
                break;
            if (info->payload < info->least_payload)
                lab_container_broken(info, LAB_E_FORMAT,
                                     "damaged JPEG: %zu bytes cannot hold %ux%u pixels",
                                     info->payload, info->width, info->height);
            return LAB_OK;
        }
        if (!has_length(marker) || marker == 0)
            continue;
        if (size - at < 2 || lab_be16(bytes + at) < 2 || size - at < lab_be16(bytes + at))
            break;
        size_t length = lab_be16(bytes + at) - 2;
        const uint8_t *body = bytes + at + 2;
        at += length + 2;
        if (marker == APP1)
            note_exif(body, length, info);
        if (is_sof(marker) && !frame) {
            lab_status status = read_frame(marker, body, length, info, error);
            if (status)
                return status;
            frame = true;
        }
        if (marker == SOS) {
            size_t start = at;
            at = skip_entropy(bytes, size, at);
            info->payload += at - start;
            scan = true;
            goto next_marker;
        }
    }
    if (!frame)
        return lab_error_set(error, LAB_E_FORMAT, "damaged JPEG: %zu bytes without a frame header",
                             size);
    lab_container_broken(info, LAB_E_FORMAT,
                         "the JPEG is cut short: no end-of-image marker in its %zu bytes", size);
    return LAB_OK;
}
