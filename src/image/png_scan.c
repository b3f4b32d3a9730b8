/*
 * Walks the chunks of a PNG: lengths, order, checksums of the critical ones (stb_image does not
 * look at them), the end chunk, and the eXIf block.
 */
#include <string.h>
#include <zlib.h>

#include "image/container.h"

#define CHUNK(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define DEFLATE_RATIO 1032u /* no deflate stream expands further */

static lab_status read_header(const uint8_t *body, lab_container_info *info, lab_error *error)
{
    uint32_t width = lab_be32(body), height = lab_be32(body + 4);
    uint32_t depth = body[8], type = body[9];
    static const uint8_t samples[7] = { 1, 0, 3, 1, 2, 0, 4 };
    bool depth_known = depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    if (type > 6 || !samples[type] || !depth_known)
        return lab_error_set(error, LAB_E_FORMAT,
                             "damaged PNG: colour type %u with %u bits a sample does not exist",
                             type, depth);
    info->width = width;
    info->height = height;
    /* Bytes of the filtered rows, with headroom in 64 bits: 2^32 * 2^32 / 8 * 64 wraps, so the
       smaller bound of the sides is taken first; larger sides are refused anyway. */
    uint64_t w = width < UINT32_C(1) << 24 ? width : UINT32_C(1) << 24;
    uint64_t h = height < UINT32_C(1) << 24 ? height : UINT32_C(1) << 24;
    info->least_payload = ((w * samples[type] * depth + 7) / 8 + 1) * h / DEFLATE_RATIO;
    return LAB_OK;
}

/* One chunk after IHDR. True when it is the last. */
static bool take_chunk(uint32_t type, const uint8_t *body, uint32_t length, bool sound,
                       lab_container_info *info)
{
    bool critical = !(type & CHUNK(0x20, 0, 0, 0));
    if (!sound && critical) {
        lab_container_broken(info, LAB_E_FORMAT,
                             "damaged PNG: wrong checksum in its %c%c%c%c chunk", type >> 24,
                             type >> 16 & 255, type >> 8 & 255, type & 255);
        return true;
    }
    if (type == CHUNK('I', 'D', 'A', 'T'))
        info->payload += length;
    if (type == CHUNK('e', 'X', 'I', 'f') && sound && !info->exif) {
        info->exif = body;
        info->exif_size = length;
    }
    return type == CHUNK('I', 'E', 'N', 'D');
}

lab_status lab_scan_png(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error)
{
    size_t at = 8;
    bool first = true, ended = false;
    while (!ended && size - at >= 12) {
        uint32_t length = lab_be32(bytes + at);
        uint32_t type = lab_be32(bytes + at + 4);
        const uint8_t *body = bytes + at + 8;
        bool whole = length <= size - at - 12;
        if (first && (type != CHUNK('I', 'H', 'D', 'R') || length != 13 || !whole))
            return lab_error_set(error, LAB_E_FORMAT,
                                 "damaged PNG: the first chunk is not a header of 13 bytes");
        if (!whole)
            break;
        uint32_t sum = (uint32_t)crc32(crc32(0, NULL, 0), bytes + at + 4, length + 4);
        bool sound = sum == lab_be32(body + length);
        if (first) {
            lab_status status = read_header(body, info, error);
            if (status)
                return status;
            first = false;
        }
        ended = take_chunk(type, body, length, sound, info);
        at += (size_t)length + 12;
    }
    if (first)
        return lab_error_set(error, LAB_E_FORMAT,
                             "the PNG is cut short: %zu bytes, within its header", size);
    if (!ended)
        lab_container_broken(info, LAB_E_FORMAT,
                             "the PNG is cut short: no end chunk in its %zu bytes", size);
    if (info->payload == 0)
        lab_container_broken(info, LAB_E_FORMAT, "damaged PNG: it has no pixel data");
    if (info->payload < info->least_payload)
        lab_container_broken(info, LAB_E_FORMAT, "damaged PNG: %zu bytes cannot hold %ux%u pixels",
                             info->payload, info->width, info->height);
    return LAB_OK;
}
