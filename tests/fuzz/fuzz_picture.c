/*
 * Any bytes as a picture and as a label map: decoded or refused with a sentence, everything given
 * back. The mutator repairs the checksums of PNG chunks, so that changes get past them.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

static void demand(bool truth)
{
    if (!truth)
        abort();
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (size < 8 || memcmp(bytes, "\x89PNG", 4) != 0 || seed % 8 == 0)
        return size;
    for (size_t at = 8; size - at >= 12;) {
        size_t length = be32(bytes + at);
        if (length > size - at - 12)
            break;
        uint32_t sum = (uint32_t)crc32(crc32(0, NULL, 0), bytes + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += length + 12;
    }
    return size;
}

/* A picture of a few kilobytes may legally be large; fuzzing those only costs time. */
static bool worth_decoding(const uint8_t *bytes, size_t size)
{
    lab_image_info info;
    lab_error error = { 0 };
    if (lab_image_probe(bytes, size, &info, &error))
        demand(error.status != LAB_OK && error.message[0]);
    else if ((int64_t)info.width * info.height > 1 << 20)
        return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lab_context ctx;
    lab_tensor out;
    lab_error error = { 0 };
    if (!worth_decoding(bytes, size) || lab_context_init(&ctx, NULL, 1, NULL))
        return 0;
    if (lab_image_decode(&ctx, bytes, size, true, &out, &error) == LAB_OK)
        lab_tensor_clear(&out);
    else
        demand(error.message[0]);
    uint32_t palette[256], n;
    error = (lab_error){ 0 };
    if (lab_labelmap_decode(&ctx, bytes, size, &out, palette, &n, &error) == LAB_OK)
        lab_tensor_clear(&out);
    else
        demand(error.message[0]);
    lab_context_finish(&ctx);
    return 0;
}
