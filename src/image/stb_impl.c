/*
 * The bodies of stb_image and stb_image_write, with only the formats whose completeness we can
 * check, on our memory. Compiled without our warnings.
 */
#include "image/stb_memory.h"

#define STBI_ASSERT(x) ((x) ? (void)0 : lab_stb_assertion_failed())
#define STBI_MALLOC(size) lab_stb_malloc(size)
#define STBI_REALLOC_SIZED(ptr, old_size, size) lab_stb_realloc(ptr, old_size, size)
#define STBI_FREE(ptr) lab_stb_free(ptr)
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_IMPLEMENTATION
#include "stb_image.h"

#define STBIW_ASSERT(x) ((x) ? (void)0 : lab_stb_assertion_failed())
#define STBIW_MALLOC(size) lab_stb_malloc(size)
#define STBIW_REALLOC_SIZED(ptr, old_size, size) lab_stb_realloc(ptr, old_size, size)
#define STBIW_FREE(ptr) lab_stb_free(ptr)
#define STBIW_ZLIB_COMPRESS lab_stb_zlib
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "stb_image_write.h"
