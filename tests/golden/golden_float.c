/*
 * golden_float MODEL: runs a float model on every golden input and holds values, labels and logits
 * to the tolerances that come with them. 1, 2 and 3 threads must give the same bytes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static const char *const inputs[] = { "noise", "gradient", "astronaut" };

typedef struct float_case {
    lab_context *ctx;
    const cJSON *json;
    const char *name; /* "selfie, noise" */
    int32_t side;
    lab_buffer *input; /* floats */
} float_case;

/* byte / 127.5 - 1, or byte / 255 where the file's scaling says so; rounded once. */
static bool make_floats(float_case *c, const char *input)
{
    bool unit = strstr(golden_string(c->json, "input.scaling"), "/255") != NULL;
    lab_buffer *bytes =
        golden_input(c->ctx, input, c->side, golden_string(c->json, "input.sha256_bytes_u8"));
    if (!bytes)
        return false;
    size_t count = lab_buffer_size(bytes);
    c->input = lab_buffer_new(c->ctx, count * sizeof(float));
    float *x = c->input ? lab_buffer_data(c->input) : NULL;
    for (size_t i = 0; x && i < count; i++) {
        double byte = ((const uint8_t *)lab_buffer_data(bytes))[i];
        x[i] = (float)(unit ? byte / 255.0 : byte / 127.5 - 1.0);
    }
    lab_buffer_unref(bytes);
    return x && golden_sha256(x, count * sizeof *x,
                              golden_string(c->json, "input.sha256_float32_le"), input);
}

/* Compares output[y * step][x * step][*] with a stored array; every `step`-th row and column. */
static bool check_values(const float_case *c, const char *what, const lab_tensor *out, int32_t step,
                         double tolerance)
{
    char path[64];
    int32_t side = (c->side - 1) / step + 1, channels = out->shape[3];
    size_t count = (size_t)side * (size_t)side * (size_t)channels;
    snprintf(path, sizeof path, "files.%s", what);
    lab_buffer *stored = golden_gunzip(c->ctx, count * sizeof(float), "golden/float/%s",
                                       golden_string(c->json, path));
    if (!stored)
        return false;
    const float *expected = lab_buffer_data(stored);
    double worst = 0.0;
    for (size_t i = 0; i < count; i++) {
        size_t channel = i % (size_t)channels, pixel = i / (size_t)channels;
        size_t y = pixel / (size_t)side * (size_t)step, x = pixel % (size_t)side * (size_t)step;
        size_t at = (y * (size_t)c->side + x) * (size_t)channels + channel;
        double d = fabs((double)((const float *)out->data)[at] - (double)expected[i]);
        worst = d <= worst ? worst : d; /* a NaN stays */
    }
    lab_buffer_unref(stored);
    printf("%s: %s: largest difference %.3g (tolerance %g)\n", c->name, what, worst, tolerance);
    return worst <= tolerance ||
           golden_fail("%s: %s differs by %g, tolerance %g", c->name, what, worst, tolerance);
}

/* The two largest channels of a pixel: index of the first, distance to the second. */
static size_t best_channel(const float *pixel, size_t channels, double *margin)
{
    size_t best = 0;
    double second = -INFINITY;
    for (size_t k = 1; k < channels; k++)
        best = pixel[k] > pixel[best] ? k : best;
    for (size_t k = 0; k < channels; k++)
        if (k != best && (double)pixel[k] > second)
            second = (double)pixel[k];
    *margin = (double)pixel[best] - second;
    return best;
}

static bool check_labels(const float_case *c, const lab_tensor *out, double tolerance)
{
    size_t count = (size_t)c->side * (size_t)c->side, wrong = 0, left_out = 0;
    lab_buffer *stored =
        golden_gunzip(c->ctx, count, "golden/float/%s", golden_string(c->json, "files.labels"));
    if (!stored)
        return false;
    const uint8_t *expected = lab_buffer_data(stored);
    size_t channels = (size_t)out->shape[3];
    for (size_t i = 0; i < count; i++) {
        double margin;
        size_t best = best_channel((const float *)out->data + i * channels, channels, &margin);
        if (margin < 2.0 * tolerance)
            left_out++;
        else
            wrong += best != expected[i];
    }
    lab_buffer_unref(stored);
    printf("%s: %zu labels differ, %zu too close to call\n", c->name, wrong, left_out);
    /* The files say that at most 14 pixels have a margin this small. */
    return (wrong == 0 && left_out <= 28) ||
           golden_fail("%s: %zu labels differ, %zu left out", c->name, wrong, left_out);
}

static bool check_results(const float_case *c, const lab_model *model)
{
    const lab_tensor *out = lab_model_result(model, 0);
    const cJSON *tolerance = golden_member(c->json, "suggested_max_abs_diff");
    const cJSON *files = golden_member(c->json, "files");
    bool ok = out && out->dtype == LAB_F32 && out->rank == 4 && out->shape[1] == c->side &&
              out->shape[2] == c->side && cJSON_IsNumber(tolerance);
    if (!ok)
        return golden_fail("%s: the first output is not what the golden file describes", c->name);
    double t = tolerance->valuedouble;
    if (cJSON_HasObjectItem(files, "full"))
        ok = check_values(c, "full", out, 1, t) && ok;
    if (cJSON_HasObjectItem(files, "sample_every8"))
        ok = check_values(c, "sample_every8", out, 8, t) && ok;
    if (cJSON_HasObjectItem(files, "sample_every7"))
        ok = check_values(c, "sample_every7", out, 7, t) && ok;
    if (cJSON_HasObjectItem(files, "labels"))
        ok = check_labels(c, out, t) && ok;
    if (cJSON_HasObjectItem(files, "logits")) {
        const cJSON *limit = golden_member(c->json, "logits.suggested_max_abs_diff");
        const lab_tensor *logits = lab_model_logits(model);
        if (!limit || !logits || logits->size != out->size)
            return golden_fail("%s: there are no logits to compare", c->name);
        ok = check_values(c, "logits", logits, 1, limit->valuedouble) && ok;
    }
    return ok;
}

static bool run(lab_model *model, lab_buffer *input)
{
    lab_error error = { 0 };
    lab_tensor x = *lab_model_input(model, 0);
    const lab_tensor *in[] = { &x };
    unsigned want = LAB_WANT_OUTPUTS | (lab_model_head(model)->found ? LAB_WANT_LOGITS : 0u);
    x.data = lab_buffer_data(input);
    if (x.size != lab_buffer_size(input))
        return golden_fail("the model's input has %zu bytes, not %zu", x.size,
                           lab_buffer_size(input));
    return lab_model_run(model, in, 1, want, &error) == LAB_OK || golden_fail("%s", error.message);
}

/* The same input with other numbers of threads, compared byte by byte. */
static bool check_threads(const float_case *c, const lab_model *first)
{
    const lab_tensor *expected = lab_model_result(first, 0);
    bool ok = true;
    for (unsigned threads = 2; ok && threads <= 3; threads++) {
        lab_host *host = golden_host(threads);
        lab_model *model = host ? golden_model(host, golden_string(c->json, "model_file"), c->name,
                                               golden_string(c->json, "model_sha256"))
                                : NULL;
        ok = model && run(model, c->input);
        if (ok && memcmp(lab_model_result(model, 0)->data, expected->data, expected->size) != 0)
            ok = golden_fail("%s: %u threads give other bytes than one", c->name, threads);
        lab_model_free(model);
        lab_host_free(host);
    }
    return ok;
}

static bool run_case(lab_host *host, const char *model_name, const char *input)
{
    char name[64];
    snprintf(name, sizeof name, "%s, %s", model_name, input);
    float_case c = { .ctx = lab_host_context(host), .name = name };
    cJSON *json = golden_json(c.ctx, "golden/float/%s__%s.json", model_name, input);
    const cJSON *side = json ? cJSON_GetArrayItem(golden_member(json, "input.shape"), 1) : NULL;
    lab_model *model = NULL;
    bool ok = false;
    if (side) {
        c.json = json;
        c.side = side->valueint;
        model = golden_model(host, golden_string(json, "model_file"), model_name,
                             golden_string(json, "model_sha256"));
        ok = model && make_floats(&c, input) && run(model, c.input) && check_results(&c, model) &&
             check_threads(&c, model);
    }
    lab_model_free(model);
    lab_buffer_unref(c.input);
    cJSON_Delete(json);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        golden_fail("usage: golden_float MODEL");
        return 2;
    }
    if (!golden_available("golden/float/index.json", argv[1]) ||
        !golden_available("weights", argv[1]))
        return GOLDEN_SKIP;
    lab_host *host = golden_host(1);
    bool ok = host != NULL;
    for (size_t i = 0; host && i < sizeof inputs / sizeof *inputs; i++)
        ok = run_case(host, argv[1], inputs[i]) && ok;
    lab_host_free(host);
    return ok ? 0 : 1;
}
