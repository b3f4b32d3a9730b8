/* golden.c: see golden.h. */
#include "golden.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/sha256.h"

bool golden_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

bool golden_available(const char *file, const char *what)
{
    char path[GOLDEN_PATH];
    snprintf(path, sizeof path, "%s/%s", TEST_SHARED_DIR, file);
    if (access(path, R_OK) == 0)
        return true;
    printf("skipped: %s needs %s, which is not there\n", what, path);
    return false;
}

static void warn(void *user, lab_log_level level, const char *message)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%s\n", message);
}

lab_host *golden_host(unsigned threads)
{
    lab_error error = { 0 };
    lab_host *host = NULL;
    const lab_host_options options = { .threads = threads, .log = warn };
    if (lab_host_new(&options, &host, &error) ||
        lab_host_load_plugins(host, TEST_PLUGIN_DIR, &error)) {
        if (error.status == LAB_E_UNSUPPORTED) {
            printf("skipped: %s\n", error.message);
            exit(GOLDEN_SKIP);
        }
        golden_fail("%s", error.message);
        lab_host_free(host);
        return NULL;
    }
    return host;
}

lab_model *golden_model(lab_host *host, const char *file, const char *name, const char *sha256)
{
    return golden_model_with(host, file, name, sha256, NULL);
}

lab_model *golden_model_with(lab_host *host, const char *file, const char *name, const char *sha256,
                             const lab_model_options *options)
{
    lab_error error = { 0 };
    lab_buffer *bytes = golden_file(lab_host_context(host), "weights/%s", file);
    lab_model *model = NULL;
    if (!bytes)
        return NULL;
    if (golden_sha256(lab_buffer_data(bytes), lab_buffer_size(bytes), sha256, file) &&
        lab_model_load_with(lab_host_registry(host), bytes, name, options, &model, &error))
        golden_fail("%s", error.message);
    lab_buffer_unref(bytes);
    return model;
}

LAB_PRINTF(2, 0)
static bool make_path(char path[GOLDEN_PATH], const char *fmt, va_list args)
{
    int n = snprintf(path, GOLDEN_PATH, "%s/", TEST_SHARED_DIR);
    int m =
        n < 0 || n >= GOLDEN_PATH ? -1 : vsnprintf(path + n, (size_t)(GOLDEN_PATH - n), fmt, args);
    return m >= 0 && n + m < GOLDEN_PATH;
}

static lab_buffer *read_path(lab_context *ctx, const char *path)
{
    lab_error error = { 0 };
    lab_buffer *buffer = NULL;
    if (lab_file_read(ctx, path, (size_t)1 << 28, &buffer, &error)) {
        golden_fail("%s", error.message);
        return NULL;
    }
    return buffer;
}

lab_buffer *golden_file(lab_context *ctx, const char *fmt, ...)
{
    char path[GOLDEN_PATH];
    va_list args;
    va_start(args, fmt);
    bool fits = make_path(path, fmt, args);
    va_end(args);
    return fits ? read_path(ctx, path) : NULL;
}

lab_buffer *golden_gunzip(lab_context *ctx, size_t size, const char *fmt, ...)
{
    char path[GOLDEN_PATH], more;
    va_list args;
    va_start(args, fmt);
    bool fits = make_path(path, fmt, args);
    va_end(args);
    gzFile file = fits ? gzopen(path, "rb") : NULL;
    lab_buffer *buffer = lab_buffer_new(ctx, size);
    bool ok = file && buffer && size <= INT32_MAX &&
              gzread(file, lab_buffer_data(buffer), (unsigned)size) == (int)size &&
              gzread(file, &more, 1) == 0;
    if (file)
        gzclose(file);
    if (ok)
        return buffer;
    golden_fail("%s: not a gzip file of %zu bytes", path, size);
    lab_buffer_unref(buffer);
    return NULL;
}

cJSON *golden_json(lab_context *ctx, const char *fmt, ...)
{
    char path[GOLDEN_PATH];
    va_list args;
    va_start(args, fmt);
    bool fits = make_path(path, fmt, args);
    va_end(args);
    lab_buffer *text = fits ? read_path(ctx, path) : NULL;
    if (!text)
        return NULL;
    cJSON *json = cJSON_ParseWithLength(lab_buffer_data(text), lab_buffer_size(text));
    if (!json)
        golden_fail("%s: not JSON", path);
    lab_buffer_unref(text);
    return json;
}

const cJSON *golden_member(const cJSON *json, const char *path)
{
    char name[64];
    const cJSON *at = json;
    for (const char *from = path; at && *from;) {
        size_t n = strcspn(from, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, from);
        at = cJSON_GetObjectItemCaseSensitive(at, name);
        from += n + (from[n] == '.');
    }
    if (!at)
        golden_fail("the JSON file has no %s", path);
    return at;
}

const char *golden_string(const cJSON *json, const char *path)
{
    const cJSON *at = golden_member(json, path);
    return cJSON_IsString(at) ? at->valuestring : "";
}

bool golden_sha256(const void *bytes, size_t size, const char *expected, const char *what)
{
    char hex[LAB_SHA256_HEX];
    lab_sha256_hex(bytes, size, hex);
    return strcmp(hex, expected) == 0 ||
           golden_fail("%s has sha256 %s, expected %s", what, hex, expected);
}

/* ---- inputs ---- */

static void make_noise(uint8_t *bytes, size_t size)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

static void make_gradient(uint8_t *bytes, int32_t side)
{
    for (int32_t i = 0; i < side * side; i++)
        for (int32_t c = 0; c < 3; c++)
            *bytes++ = (uint8_t)(3 * (i % side) + 5 * (i / side) + 85 * c);
}

/* How a sample picture becomes an input. */
typedef struct sample {
    const char *input, *file;
    bool scale; /* nearest pixel; else its top left corner on a canvas of 128 */
} sample;

static const sample samples[] = {
    { "bird_513", "bird_segmentation.bmp", false },
    { "birdcrop_512", "bird_segmentation.bmp", false },
    { "cityscapes_513", "cityscapes_segmentation.bmp", false },
    { "cityscapescrop_512", "cityscapes_segmentation.bmp", false },
    { "dogcanvas_513", "dog_segmentation_256.bmp", false },
    { "astronaut", "astronaut.png", true },
};

static void place(const lab_tensor *picture, bool scale, int32_t side, uint8_t *bytes)
{
    int32_t h = picture->shape[0], w = picture->shape[1];
    memset(bytes, 128, (size_t)side * (size_t)side * 3);
    for (int32_t y = 0; y < side; y++)
        for (int32_t x = 0; x < side; x++) {
            int32_t from_y = scale ? y * h / side : y, from_x = scale ? x * w / side : x;
            if (from_y < h && from_x < w)
                memcpy(bytes + ((size_t)y * (size_t)side + (size_t)x) * 3,
                       (const uint8_t *)picture->data +
                           ((size_t)from_y * (size_t)w + (size_t)from_x) * 3,
                       3);
        }
}

static bool make_sample(lab_context *ctx, const sample *s, int32_t side, uint8_t *bytes)
{
    lab_error error = { 0 };
    lab_tensor picture = { 0 };
    lab_buffer *file = golden_file(ctx, "samples/%s", s->file);
    if (!file)
        return false;
    bool ok = lab_image_decode(ctx, lab_buffer_data(file), lab_buffer_size(file), false, &picture,
                               &error) == LAB_OK;
    if (!ok)
        golden_fail("%s: %s", s->file, error.message);
    else if (picture.shape[2] != 3)
        ok = golden_fail("%s has %d channels, expected 3", s->file, picture.shape[2]);
    else
        place(&picture, s->scale, side, bytes);
    lab_tensor_clear(&picture);
    lab_buffer_unref(file);
    return ok;
}

static bool make_input(lab_context *ctx, const char *name, int32_t side, uint8_t *bytes)
{
    if (strncmp(name, "noise", 5) == 0) {
        make_noise(bytes, (size_t)side * (size_t)side * 3);
        return true;
    }
    if (strncmp(name, "gradient", 8) == 0) {
        make_gradient(bytes, side);
        return true;
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (strcmp(name, samples[i].input) == 0)
            return make_sample(ctx, &samples[i], side, bytes);
    return golden_fail("no rule makes the input %s", name);
}

lab_buffer *golden_input(lab_context *ctx, const char *name, int32_t side, const char *sha256)
{
    size_t size = (size_t)side * (size_t)side * 3;
    lab_buffer *buffer = lab_buffer_new(ctx, size);
    if (buffer && make_input(ctx, name, side, lab_buffer_data(buffer)) &&
        golden_sha256(lab_buffer_data(buffer), size, sha256, name))
        return buffer;
    lab_buffer_unref(buffer);
    return NULL;
}
