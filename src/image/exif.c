/* The one EXIF tag that changes what is seen: 0x0112, orientation (CIPA DC-008). */
#include <libexif/exif-data.h>
#include <string.h>

#include "image/container.h"

/* An EXIF block is at most one JPEG segment; what is longer is not worth parsing for one tag. */
#define EXIF_LIMIT 65535u

static const uint8_t exif_head[6] = "Exif\0";

int lab_exif_orientation(const uint8_t *tiff, size_t size)
{
    uint8_t block[6 + EXIF_LIMIT];
    if (!tiff || size < 8)
        return 1;
    size_t used = size < EXIF_LIMIT ? size : EXIF_LIMIT;
    memcpy(block, exif_head, 6);
    memcpy(block + 6, tiff, used);
    ExifData *data = exif_data_new();
    if (!data)
        return 1;
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(data, block, (unsigned)(used + 6));
    int orientation = 1;
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (entry && entry->format == EXIF_FORMAT_SHORT && entry->components >= 1 && entry->size >= 2)
        orientation = exif_get_short(entry->data, exif_data_get_byte_order(data));
    exif_data_unref(data);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
