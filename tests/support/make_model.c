/*
 * make_model KIND FILE: writes a segmentation network that is small enough to understand by eye, so
 * that the command line can be tested where there are no published weights.
 *
 *   colors  u8 [1, 65, 65, 3] -> every second pixel -> 4 scores -> enlarged, corners aligned ->
 *           arg-max, i64 [1, 65, 65]. Class 1 is red, 2 green, 3 blue, 0 what is none of them.
 *   glow    f32 [1, 32, 32, 3], bytes / 255 -> one score, 8 * (brightness - 0.5) -> logistic.
 */
#include <stdlib.h>
#include <string.h>

#include "support/tflite_writer.h"

enum { SIDE = 65, GRID = 33, CLASSES = 4, GLOW = 32 };

/* 1x1 convolution with stride 2: score = 1 * own colour - 0.5 * each other; background 60. */
static int32_t add_scores(tflw *w, int32_t photo)
{
    static const uint8_t weights[CLASSES * 3] = {
        128, 128, 128, /* 0 */
        192, 96,  96,  /* red: 64ths around 128 */
        96,  192, 96,  96, 96, 192,
    };
    static const int32_t bias[CLASSES] = { 60 * 64, 0, 0, 0 };
    const lab_attrs attrs = {
        .padding = LAB_PAD_VALID, .stride_h = 2, .stride_w = 2, .dilation_h = 1, .dilation_w = 1
    };
    const int32_t weight_shape[] = { CLASSES, 1, 1, 3 }, bias_shape[] = { CLASSES };
    const int32_t shape[] = { 1, GRID, GRID, CLASSES };
    int32_t in[3] = {
        photo,
        tflw_const(w, "weights", LAB_U8, 4, weight_shape, weights, 1.0F / 64, 128),
        tflw_const(w, "bias", LAB_I32, 1, bias_shape, bias, 1.0F / 64, 0),
    };
    int32_t scores = tflw_value(w, "scores", LAB_U8, 4, shape, 2, 128);
    tflw_op(w, TFLW_CONV_2D, in, 3, &scores, 1, &attrs);
    return scores;
}

static void make_colors(tflw *w)
{
    const int32_t photo_shape[] = { 1, SIDE, SIDE, 3 }, map_shape[] = { 1, SIDE, SIDE };
    const int32_t large_shape[] = { 1, SIDE, SIDE, CLASSES };
    int32_t photo = tflw_value(w, "photo", LAB_U8, 4, photo_shape, 1, 0);
    int32_t scores = add_scores(w, photo);
    int32_t resize[2] = { scores, tflw_ints(w, "size", 2, (const int32_t[]){ SIDE, SIDE }) };
    int32_t large = tflw_value(w, "large", LAB_U8, 4, large_shape, 2, 128);
    tflw_op(w, TFLW_RESIZE_BILINEAR, resize, 2, &large, 1,
            &(const lab_attrs){ .align_corners = true });
    int32_t arg_max[2] = { large, tflw_ints(w, "axis", 1, (const int32_t[]){ 3 }) };
    int32_t map = tflw_value(w, "map", LAB_I64, 3, map_shape, 0, 0);
    tflw_op(w, TFLW_ARG_MAX, arg_max, 2, &map, 1, &(const lab_attrs){ .axis = 3 });
    tflw_input(w, photo);
    tflw_output(w, map);
}

static void make_glow(tflw *w)
{
    static const float weights[3] = { 8.0F / 3, 8.0F / 3, 8.0F / 3 }, bias[1] = { -4 };
    const int32_t photo_shape[] = { 1, GLOW, GLOW, 3 }, shape[] = { 1, GLOW, GLOW, 1 };
    const lab_attrs attrs = {
        .padding = LAB_PAD_SAME, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1
    };
    int32_t photo = tflw_value(w, "photo", LAB_F32, 4, photo_shape, 0, 0);
    int32_t in[3] = {
        photo,
        tflw_const(w, "weights", LAB_F32, 4, (const int32_t[]){ 1, 1, 1, 3 }, weights, 0, 0),
        tflw_const(w, "bias", LAB_F32, 1, (const int32_t[]){ 1 }, bias, 0, 0),
    };
    int32_t score = tflw_value(w, "score", LAB_F32, 4, shape, 0, 0);
    int32_t share = tflw_value(w, "share", LAB_F32, 4, shape, 0, 0);
    tflw_op(w, TFLW_CONV_2D, in, 3, &score, 1, &attrs);
    tflw_op(w, TFLW_LOGISTIC, &score, 1, &share, 1, NULL);
    tflw_input(w, photo);
    tflw_output(w, share);
}

int main(int argc, char **argv)
{
    bool colors = argc == 3 && strcmp(argv[1], "colors") == 0;
    if (!colors && !(argc == 3 && strcmp(argv[1], "glow") == 0)) {
        fputs("make_model colors|glow FILE\n", stderr);
        return 2;
    }
    tflw *w = tflw_new();
    if (colors)
        make_colors(w);
    else
        make_glow(w);
    size_t size;
    uint8_t *bytes = tflw_finish(w, &size);
    FILE *file = fopen(argv[2], "wb");
    bool written = file && fwrite(bytes, 1, size, file) == size;
    if (file && fclose(file) != 0)
        written = false;
    free(bytes);
    if (!written)
        perror(argv[2]);
    return written ? 0 : 1;
}
