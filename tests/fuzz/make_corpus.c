/* make_corpus FOLDER: writes the small models there, for a fuzzer to start from. */
#include <stdio.h>
#include <stdlib.h>

#include "support/small_models.h"

static bool write_file(const char *folder, const char *name, uint8_t *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.tflite", folder, name);
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(bytes, 1, size, file) == size;
    written = file && fclose(file) == 0 && written;
    if (!written)
        perror(path);
    free(bytes);
    return written;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_corpus FOLDER\n");
        return 2;
    }
    size_t u8, i8, f32, zoo;
    uint8_t *deeplab_u8 = small_deeplab(LAB_U8, &u8), *deeplab_i8 = small_deeplab(LAB_I8, &i8);
    uint8_t *deeplab_f32 = small_deeplab(LAB_F32, &f32), *other = small_zoo(&zoo);
    bool all = write_file(argv[1], "deeplab_u8", deeplab_u8, u8);
    all = write_file(argv[1], "deeplab_i8", deeplab_i8, i8) && all;
    all = write_file(argv[1], "deeplab_f32", deeplab_f32, f32) && all;
    all = write_file(argv[1], "zoo", other, zoo) && all;
    return all ? 0 : 1;
}
