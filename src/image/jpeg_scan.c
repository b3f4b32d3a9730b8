/*
 * Walks the segments of a JPEG (ITU T.81 Annex B) without decoding: which process it uses, its
 * size and number of components, its EXIF block, whether every scan has the tables it needs
 * (stb_image would decode with whatever is in memory), and whether an end-of-image marker follows
 * the last scan. A file that was cut short has none outside its entropy-coded data.
 */
#include <string.h>

#include "image/container.h"

enum { EOI = 0xd9, SOS = 0xda, DQT = 0xdb, APP1 = 0xe1, TEM = 0x01 };
enum { SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc };

typedef struct jpeg {
    lab_container_info *info;
    lab_error *error;
    bool frame, progressive, scanned;
    int components;
    uint8_t id[3], quant[3];       /* of the components: name, quantisation table */
    unsigned dc, ac, quant_tables; /* a bit for each table defined so far */
} jpeg;

static bool is_sof(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != DHT && marker != JPG && marker != DAC;
}

static bool has_length(int marker)
{
    return !(marker == 0 || marker == TEM || (marker >= 0xd0 && marker <= EOI));
}

static void broken(jpeg *j, const char *what)
{
    lab_container_broken(j->info, LAB_E_FORMAT, "damaged JPEG: %s", what);
}

/* ---- SOF: the frame header ---- */

/* Only what the decoder can do passes. */
static lab_status check_process(const jpeg *j, int marker, int precision, int components)
{
    if (marker > SOF2)
        return lab_error_set(j->error, LAB_E_UNSUPPORTED,
                             "this JPEG is %s coded (frame type 0x%02x), only baseline and "
                             "progressive ones are read: save it again as an ordinary JPEG or PNG",
                             marker >= 0xc9 ? "arithmetic" : "lossless or hierarchically", marker);
    if (precision != 8)
        return lab_error_set(j->error, LAB_E_UNSUPPORTED,
                             "this JPEG has %d bits a sample, only 8 are read: save it again "
                             "with 8 bits or as PNG",
                             precision);
    if (components == 4)
        return lab_error_set(j->error, LAB_E_UNSUPPORTED,
                             "this JPEG is CMYK (4 components), which cannot be shown faithfully "
                             "without its colour profile: convert it to RGB first");
    if (components != 1 && components != 3)
        return lab_error_set(j->error, LAB_E_UNSUPPORTED,
                             "this JPEG has %d components, only grey (1) and colour (3) are read",
                             components);
    return LAB_OK;
}

static lab_status read_frame(jpeg *j, int marker, const uint8_t *body, size_t size)
{
    if (size < 6)
        return lab_error_set(j->error, LAB_E_FORMAT, "damaged JPEG: frame header of %zu bytes",
                             size);
    lab_status status = check_process(j, marker, body[0], body[5]);
    if (status)
        return status;
    j->components = body[5];
    if (size < 6 + 3 * (size_t)j->components)
        return lab_error_set(j->error, LAB_E_FORMAT, "damaged JPEG: frame header of %zu bytes",
                             size);
    j->progressive = marker == SOF2;
    j->info->height = lab_be16(body + 1);
    j->info->width = lab_be16(body + 3);
    uint32_t across = 1, down = 1;
    for (int i = 0; i < j->components; i++) {
        const uint8_t *component = body + 6 + 3 * (ptrdiff_t)i;
        j->id[i] = component[0];
        j->quant[i] = component[2];
        across = component[1] >> 4 > (int)across ? component[1] >> 4 : across;
        down = (component[1] & 15) > (int)down ? component[1] & 15 : down;
    }
    /* A Huffman code has at least one bit, and each component at least one code a unit (MCU). */
    uint64_t units = (uint64_t)((j->info->width + 8 * across - 1) / (8 * across)) *
                     ((j->info->height + 8 * down - 1) / (8 * down));
    j->info->least_payload = units * (uint32_t)j->components / 8;
    j->frame = true;
    return LAB_OK;
}

/* ---- DHT, DQT: tables ---- */

/* Whether the counts of codes by length (1..16) make a prefix code; *total is their sum. */
static bool is_prefix_code(const uint8_t counts[16], uint32_t *total)
{
    uint32_t codes = 0;
    *total = 0;
    for (uint32_t length = 1; length <= 16; length++) {
        codes = 2 * codes + counts[length - 1];
        *total += counts[length - 1];
        if (codes > UINT32_C(1) << length)
            return false;
    }
    return *total <= 256;
}

static void read_huffman_tables(jpeg *j, const uint8_t *body, size_t size)
{
    while (size > 0) {
        uint32_t total;
        if (size < 17 || body[0] >> 4 > 1 || (body[0] & 15) > 3 ||
            !is_prefix_code(body + 1, &total) || total > size - 17) {
            broken(j, "a Huffman table is none");
            return;
        }
        unsigned bit = 1u << (body[0] & 15);
        if (body[0] >> 4)
            j->ac |= bit;
        else
            j->dc |= bit;
        body += 17 + total;
        size -= 17 + total;
    }
}

static void read_quantisation_tables(jpeg *j, const uint8_t *body, size_t size)
{
    while (size > 0) {
        size_t length = body[0] >> 4 ? 129 : 65;
        if (body[0] >> 4 > 1 || (body[0] & 15) > 3 || size < length) {
            broken(j, "a quantisation table is none");
            return;
        }
        j->quant_tables |= 1u << (body[0] & 15);
        body += length;
        size -= length;
    }
}

/* ---- SOS: a scan ---- */

/* The tables that one component of a scan names are there. */
static bool has_tables(const jpeg *j, uint8_t id, uint8_t tables, const uint8_t *spectrum)
{
    bool dc = !j->progressive || (spectrum[0] == 0 && spectrum[2] >> 4 == 0);
    bool ac = !j->progressive || spectrum[0] > 0;
    for (int i = 0; i < j->components; i++)
        if (j->id[i] == id)
            return j->quant[i] <= 3 && j->quant_tables >> j->quant[i] & 1 &&
                   (!dc || (tables >> 4 <= 3 && j->dc >> (tables >> 4) & 1)) &&
                   (!ac || ((tables & 15) <= 3 && j->ac >> (tables & 15) & 1));
    return false;
}

static void read_scan(jpeg *j, const uint8_t *body, size_t size)
{
    size_t n = size > 0 ? body[0] : 0;
    if (!j->frame || n < 1 || n > (size_t)j->components || size < 1 + 2 * n + 3) {
        broken(j, "a scan does not fit its frame");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!has_tables(j, body[1 + 2 * i], body[2 + 2 * i], body + 1 + 2 * n))
            broken(j, "a scan uses a table or component that is not there");
    j->scanned = true;
}

/* Where the next marker begins after entropy-coded data; `size` when there is none. */
static size_t skip_entropy(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size) {
        const uint8_t *ff = memchr(bytes + at, 0xff, size - at);
        if (!ff || ff + 1 == bytes + size)
            return size;
        at = (size_t)(ff - bytes);
        if (ff[1] != 0 && ff[1] != 0xff && (ff[1] < 0xd0 || ff[1] > 0xd7))
            return at;
        at += ff[1] == 0xff ? 1 : 2;
    }
    return size;
}

/* ---- the walk ---- */

static void note_exif(const uint8_t *body, size_t size, lab_container_info *info)
{
    if (info->exif || size < 6 || memcmp(body, "Exif\0\0", 6) != 0)
        return;
    info->exif = body + 6;
    info->exif_size = size - 6;
}

static lab_status read_segment(jpeg *j, int marker, const uint8_t *body, size_t size)
{
    if (is_sof(marker) && j->frame)
        broken(j, "it has two frames");
    else if (is_sof(marker))
        return read_frame(j, marker, body, size);
    else if (marker == APP1)
        note_exif(body, size, j->info);
    else if (marker == DHT)
        read_huffman_tables(j, body, size);
    else if (marker == DQT)
        read_quantisation_tables(j, body, size);
    else if (marker == SOS)
        read_scan(j, body, size);
    return LAB_OK;
}

/* What can be said once the walk is over. */
static lab_status conclude(jpeg *j, bool ended, size_t size)
{
    if (!j->frame)
        return lab_error_set(j->error, LAB_E_FORMAT,
                             "damaged JPEG: %zu bytes without a frame header", size);
    if (!ended || !j->scanned)
        lab_container_broken(j->info, LAB_E_FORMAT,
                             "the JPEG is cut short: no end-of-image marker in its %zu bytes",
                             size);
    if (j->info->payload < j->info->least_payload)
        lab_container_broken(j->info, LAB_E_FORMAT,
                             "damaged JPEG: %zu bytes cannot hold %ux%u pixels", j->info->payload,
                             j->info->width, j->info->height);
    return LAB_OK;
}

lab_status lab_scan_jpeg(const uint8_t *bytes, size_t size, lab_container_info *info,
                         lab_error *error)
{
    jpeg j = { .info = info, .error = error };
    bool ended = false;
    size_t at = 2; /* after the start-of-image marker */
    while (!ended && at < size) {
        const uint8_t *ff = memchr(bytes + at, 0xff, size - at);
        at = ff ? (size_t)(ff - bytes) : size;
        while (at < size && bytes[at] == 0xff)
            at++;
        if (at == size)
            break;
        int marker = bytes[at++];
        ended = marker == EOI;
        if (!has_length(marker))
            continue;
        if (size - at < 2 || lab_be16(bytes + at) < 2 || size - at < lab_be16(bytes + at))
            break;
        size_t length = lab_be16(bytes + at);
        lab_status status = read_segment(&j, marker, bytes + at + 2, length - 2);
        if (status)
            return status;
        at += length;
        if (marker == SOS) {
            size_t start = at;
            at = skip_entropy(bytes, size, at);
            info->payload += at - start;
        }
    }
    return conclude(&j, ended, size);
}
