/* SHA-256 of bytes in memory; see sha256.h. */
#include "base/sha256.h"

#include <nettle/sha2.h>

void lab_sha256_hex(const void *bytes, size_t size, char out[LAB_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&hash);
    if (size > 0)
        sha256_update(&hash, size, bytes);
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * sizeof digest] = '\0';
}
