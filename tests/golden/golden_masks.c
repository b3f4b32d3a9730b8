/*
 * golden_masks: pascal-float on the test pictures of ../shared/golden/tflite-support against the
 * masks published with them (pixel = class * 10): fewer than 1 % of the pixels may differ. The
 * pictures have the network's size, so nothing is resized; input is byte / 127.5 - 1. The third
 * mask there (…_yuv) belongs to a picture in YUV, which is not there.
 */
#include <string.h>

#include "golden.h"

#define FOLDER "golden/tflite-support/"
#define MODEL_FILE "deeplabv3_257_mv_gpu.tflite"
#define MODEL_SHA256 "68a539782c2c6a72f8aac3724600124a85ed977162b44e84cbae5db717c933c6"

typedef struct pair {
    const char *picture, *mask;
    int orientation; /* EXIF; makes both upright, as the network sees them */
} pair;

static const pair pairs[] = {
    { "segmentation_input_rotation0.jpg", "segmentation_golden_rotation0.png", 1 },
    { "segmentation_input_rotation90_flop.jpg", "segmentation_golden_rotation90_flop.png", 7 },
};

static bool decode(lab_context *ctx, const char *name, int32_t channels, int orientation,
                   lab_tensor *out)
{
    lab_error error = { 0 };
    lab_tensor stored = { 0 };
    lab_buffer *file = golden_file(ctx, FOLDER "%s", name);
    if (!file)
        return false;
    lab_status status =
        lab_image_decode(ctx, lab_buffer_data(file), lab_buffer_size(file), false, &stored, &error);
    lab_buffer_unref(file);
    if (!status)
        status = lab_image_orient(ctx, &stored, orientation, out, &error);
    lab_tensor_clear(&stored);
    if (status)
        return golden_fail("%s: %s", name, error.message);
    return out->shape[2] == channels ||
           golden_fail("%s has %d channels, expected %d", name, out->shape[2], channels);
}

static bool segment(lab_context *ctx, lab_model *model, const lab_tensor *picture)
{
    lab_error error = { 0 };
    lab_tensor x = *lab_model_input(model, 0);
    const lab_tensor *in[] = { &x };
    if (x.size != picture->size * sizeof(float))
        return golden_fail("the picture has not the network's size");
    lab_buffer *floats = lab_buffer_new(ctx, x.size);
    if (!floats)
        return golden_fail("no memory");
    x.data = lab_buffer_data(floats);
    for (size_t i = 0; i < picture->size; i++)
        ((float *)x.data)[i] = (float)(((const uint8_t *)picture->data)[i] / 127.5 - 1.0);
    bool ok = lab_model_run(model, in, 1, LAB_WANT_OUTPUTS, &error) == LAB_OK ||
              golden_fail("%s", error.message);
    lab_buffer_unref(floats);
    return ok;
}

static size_t count_different(const lab_tensor *logits, const lab_tensor *mask)
{
    size_t channels = (size_t)logits->shape[3], different = 0;
    for (size_t i = 0; i < mask->size; i++) {
        const float *pixel = (const float *)logits->data + i * channels;
        size_t best = 0;
        for (size_t k = 1; k < channels; k++)
            best = pixel[k] > pixel[best] ? k : best;
        different += best * 10 != ((const uint8_t *)mask->data)[i];
    }
    return different;
}

static bool check_pair(lab_context *ctx, lab_model *model, const pair *p)
{
    lab_tensor picture = { 0 }, mask = { 0 };
    bool ok = decode(ctx, p->picture, 3, p->orientation, &picture) &&
              decode(ctx, p->mask, 1, p->orientation, &mask) && segment(ctx, model, &picture);
    if (ok) {
        const lab_tensor *logits = lab_model_result(model, 0);
        ok = mask.size * (size_t)logits->shape[3] * sizeof(float) == logits->size ||
             golden_fail("%s has not the network's size", p->mask);
        size_t different = ok ? count_different(logits, &mask) : 0;
        printf("%s: %zu of %zu pixels differ (%.3f %%)\n", p->mask, different, mask.size,
               100.0 * (double)different / (double)mask.size);
        if (different * 100 >= mask.size)
            ok = golden_fail("%s: 1 %% or more of the pixels differ", p->mask);
    }
    lab_tensor_clear(&picture);
    lab_tensor_clear(&mask);
    return ok;
}

int main(void)
{
    if (!golden_available(FOLDER "segmentation_input_rotation0.jpg", "golden_masks") ||
        !golden_available("weights/" MODEL_FILE, "golden_masks"))
        return GOLDEN_SKIP;
    lab_host *host = golden_host(2);
    lab_model *model = host ? golden_model(host, MODEL_FILE, "pascal-float", MODEL_SHA256) : NULL;
    bool ok = model != NULL;
    for (size_t i = 0; model && i < sizeof pairs / sizeof *pairs; i++)
        ok = check_pair(lab_host_context(host), model, &pairs[i]) && ok;
    lab_model_free(model);
    lab_host_free(host);
    return ok ? 0 : 1;
}
