/* make_corpus FOLDER: writes the small models there, for a fuzzer to start from. */
#include <stdio.h>
#include <stdlib.h>

#include "support/small_models.h"

int main(int argc, char **argv)
{
    static const struct {
        lab_dtype dtype;
        const char *name;
    } list[] = { { LAB_U8, "u8" }, { LAB_I8, "i8" }, { LAB_F32, "f32" } };
    for (int i = 0; argc == 2 && i < 3; i++) {
        char path[4096];
        size_t size;
        uint8_t *bytes = small_deeplab(list[i].dtype, &size);
        snprintf(path, sizeof path, "%s/small_%s.tflite", argv[1], list[i].name);
        FILE *file = fopen(path, "wb");
        bool written = file && fwrite(bytes, 1, size, file) == size;
        written = file && fclose(file) == 0 && written;
        free(bytes);
        if (!written) {
            perror(path);
            return 1;
        }
    }
    return argc == 2 ? 0 : 2;
}
