/* BMP, GIF and PNM: sizes from their headers, and whether all pixels are there. */
#include <string.h>

#include "image/container.h"

lab_status lab_scan_bmp(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error)
{
    uint32_t header = lab_le32(bytes + 14);
    if (size < (size_t)14 + header)
        return lab_error_set(error, LAB_E_FORMAT, "the BMP is cut short: %zu bytes, in its header",
                             size);
    uint32_t offset = lab_le32(bytes + 10), bits, compression = 0;
    if (header == 12) {
        info->width = lab_le16(bytes + 18);
        info->height = lab_le16(bytes + 20);
        bits = lab_le16(bytes + 24);
    } else {
        int32_t height = (int32_t)lab_le32(bytes + 22);
        info->width = lab_le32(bytes + 18);
        info->height = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
        bits = lab_le16(bytes + 28);
        compression = lab_le32(bytes + 30);
    }
    if (compression != 0 && compression != 3)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this BMP is compressed (type %u): save it without compression or as "
                             "PNG",
                             compression);
    if (bits == 0 || bits > 32 || info->width == 0 || info->height == 0)
        return lab_error_set(error, LAB_E_FORMAT, "damaged BMP: %ux%u pixels of %u bits",
                             info->width, info->height, bits);
    /* Rows are padded to 4 bytes; some writers leave the padding of the last one away. */
    uint64_t row = (uint64_t)info->width * bits;
    uint64_t need = offset + (row + 31) / 32 * 4 * (info->height - 1) + (row + 7) / 8;
    if (need > size)
        lab_container_broken(info, LAB_E_FORMAT,
                             "the BMP is cut short: %zu of %llu bytes are there", size,
                             (unsigned long long)need);
    return LAB_OK;
}

/* After a chain of sub-blocks; 0 when the chain is cut. Adds up their bytes. */
static size_t skip_sub_blocks(const uint8_t *bytes, size_t size, size_t at, size_t *total)
{
    while (at < size && bytes[at]) {
        *total += bytes[at];
        at += (size_t)bytes[at] + 1;
    }
    return at < size ? at + 1 : 0;
}

static size_t color_table_size(uint8_t flags)
{
    return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* The first frame's data are whole: the chain of sub-blocks ends with an empty one. */
static bool gif_frame_whole(const uint8_t *bytes, size_t size, lab_container_info *info)
{
    size_t at = 13 + color_table_size(bytes[10]);
    while (at < size) {
        size_t ignored = 0;
        if (bytes[at] == 0x21) { /* an extension: introducer, label, sub-blocks */
            at = at + 2 < size ? skip_sub_blocks(bytes, size, at + 2, &ignored) : 0;
            if (!at)
                return false;
        } else if (bytes[at] == 0x2c && size - at > 10) { /* an image */
            uint64_t pixels = (uint64_t)lab_le16(bytes + at + 5) * lab_le16(bytes + at + 7);
            /* A code of at least 3 bits stands for at most 4096 pixels. */
            info->least_payload = pixels * 3 / 8 / 4096;
            at += 10 + color_table_size(bytes[at + 9]) + 1; /* + minimum code size */
            return at < size && skip_sub_blocks(bytes, size, at, &info->payload) != 0;
        } else {
            return false;
        }
    }
    return false;
}

lab_status lab_scan_gif(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error)
{
    if (size < 13)
        return lab_error_set(error, LAB_E_FORMAT, "the GIF is cut short: %zu bytes", size);
    info->width = lab_le16(bytes + 6);
    info->height = lab_le16(bytes + 8);
    if (!gif_frame_whole(bytes, size, info))
        lab_container_broken(info, LAB_E_FORMAT,
                             "the GIF is cut short: its %zu bytes hold no whole frame", size);
    if (info->payload < info->least_payload)
        lab_container_broken(info, LAB_E_FORMAT, "damaged GIF: %zu bytes cannot hold %ux%u pixels",
                             info->payload, info->width, info->height);
    return LAB_OK;
}

/* A decimal number after white space and '#' comments; false when there is none or it is large. */
static bool pnm_number(const uint8_t *bytes, size_t size, size_t *at, uint32_t *value)
{
    while (*at < size) {
        uint8_t c = bytes[*at];
        if (c == '#')
            while (*at < size && bytes[*at] != '\n' && bytes[*at] != '\r')
                ++*at;
        else if (c == ' ' || (c >= '\t' && c <= '\r'))
            ++*at;
        else
            break;
    }
    size_t start = *at;
    *value = 0;
    while (*at < size && bytes[*at] >= '0' && bytes[*at] <= '9' && *at - start < 7)
        *value = *value * 10 + (uint32_t)(bytes[(*at)++] - '0');
    return *at > start && *at < size;
}

lab_status lab_scan_pnm(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error)
{
    if (bytes[1] != '5' && bytes[1] != '6')
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "P%c files are not read, only binary PGM (P5) and PPM (P6): convert "
                             "it to PNG first",
                             bytes[1]);
    size_t at = 2;
    if (!pnm_number(bytes, size, &at, &info->width) ||
        !pnm_number(bytes, size, &at, &info->height) ||
        !pnm_number(bytes, size, &at, &info->maxval))
        return lab_error_set(error, LAB_E_FORMAT,
                             "damaged P%c file: width, height or maximum is "
                             "missing",
                             bytes[1]);
    if (info->maxval == 0 || info->maxval > 65535)
        return lab_error_set(error, LAB_E_FORMAT, "damaged P%c file: maximum %u", bytes[1],
                             info->maxval);
    if (info->maxval > 255) /* stb_image reads two-byte samples in the wrong order */
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this P%c file has samples of two bytes (maximum %u), only one is "
                             "read: convert it to PNG first",
                             bytes[1], info->maxval);
    uint64_t need = (uint64_t)info->width * info->height * (bytes[1] == '6' ? 3 : 1);
    if (size - at - 1 < need)
        lab_container_broken(info, LAB_E_FORMAT,
                             "the P%c file is cut short: %zu of %llu bytes of pixels are there",
                             bytes[1], size - at - 1, (unsigned long long)need);
    return LAB_OK;
}
