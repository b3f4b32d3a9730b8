/* SHA-256 (FIPS 180-4), by nettle. */
#ifndef LAB_BASE_SHA256_H
#define LAB_BASE_SHA256_H

#include <stddef.h>

#define LAB_SHA256_HEX 65 /* 64 lower-case digits and NUL */

void lab_sha256_hex(const void *bytes, size_t size, char out[LAB_SHA256_HEX]);

#endif
