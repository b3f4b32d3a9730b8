/*
 * What a picture file is made of, found out before any decoder touches it: the format by its
 * magic number, whether all of it is there, and where its EXIF block lies. stb_image fills what is
 * missing with zeros; these checks are why lualab never shows a half-grey picture.
 */
#ifndef LAB_IMAGE_CONTAINER_H
#define LAB_IMAGE_CONTAINER_H

#include "base/context.h"
#include "base/error.h"

typedef enum lab_container {
    LAB_CONTAINER_JPEG,
    LAB_CONTAINER_PNG,
    LAB_CONTAINER_BMP,
    LAB_CONTAINER_GIF,
    LAB_CONTAINER_PNM
} lab_container;

typedef struct lab_container_info {
    lab_container container;
    const char *name; /* "JPEG", "PNG", … */
    uint32_t width, height;
    uint32_t maxval;     /* PNM: the sample value of white; else 255 */
    const uint8_t *exif; /* a TIFF block within the file's bytes; NULL: none */
    size_t exif_size;
    size_t payload;         /* bytes of compressed pixels; 0 where they are not compressed */
    uint64_t least_payload; /* no complete picture of this size is smaller */
    lab_status complete;    /* LAB_OK, or why decoding it would be wrong: see `reason` */
    char reason[160];
} lab_container_info;

/*
 * Which container the bytes are. LAB_E_UNSUPPORTED names a known format that is not read here,
 * LAB_E_FORMAT says what the bytes look like instead of a picture.
 */
lab_status lab_sniff(const uint8_t *bytes, size_t size, lab_container *out, lab_error *error);

/*
 * Walk one container. They fail when the header cannot be used at all; what is wrong further on
 * goes to `complete` and `reason`, so that a header can be read on its own.
 */
lab_status lab_scan_jpeg(const uint8_t *bytes, size_t size, lab_container_info *info,
                         lab_error *error);
lab_status lab_scan_png(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error);
lab_status lab_scan_bmp(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error);
lab_status lab_scan_gif(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error);
lab_status lab_scan_pnm(const uint8_t *bytes, size_t size, lab_container_info *info,
                        lab_error *error);

/* Sets `complete` and `reason`; the first call counts. */
LAB_PRINTF(3, 4)
void lab_container_broken(lab_container_info *info, lab_status status, const char *fmt, ...);

/* Orientation 1..8 from a TIFF block; 1 when it has none or an impossible one. */
int lab_exif_orientation(const uint8_t *tiff, size_t size);

static inline uint32_t lab_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t lab_be32(const uint8_t *p)
{
    return lab_be16(p) << 16 | lab_be16(p + 2);
}
static inline uint32_t lab_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}
static inline uint32_t lab_le32(const uint8_t *p)
{
    return lab_le16(p + 2) << 16 | lab_le16(p);
}

#endif
