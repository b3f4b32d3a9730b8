/* A host for tests of models: see model_host.h. */
#include "support/model_host.h"

#include <stdlib.h>
#include <string.h>

lab_host *model_host_open(unsigned threads, const lab_allocator *allocator, lab_error *error)
{
    lab_host *host;
    if (lab_host_new(&(lab_host_options){ .threads = threads, .allocator = allocator }, &host,
                     error))
        return NULL;
    if (lab_host_load_plugins(host, TEST_PLUGIN_DIR, error)) {
        lab_host_free(host);
        return NULL;
    }
    return host;
}

static void release(void *user, void *data)
{
    (void)user;
    free(data);
}

lab_buffer *model_host_bytes(lab_host *host, const uint8_t *bytes, size_t size)
{
    void *exact = malloc(size ? size : 1);
    if (!exact)
        return NULL;
    memcpy(exact, bytes, size);
    lab_buffer *buffer = lab_buffer_wrap(lab_host_context(host), exact, size, release, NULL);
    if (!buffer)
        free(exact);
    return buffer;
}

lab_status model_host_graph(lab_host *host, const uint8_t *bytes, size_t size, lab_graph **out,
                            lab_error *error)
{
    lab_buffer *file = model_host_bytes(host, bytes, size);
    if (!file)
        return lab_error_nomem(error, size, "a test model");
    lab_status status = lab_graph_load(lab_host_registry(host), file, "model.tflite", out, error);
    lab_buffer_unref(file);
    return status;
}

lab_status model_host_model(lab_host *host, const uint8_t *bytes, size_t size, lab_model **out,
                            lab_error *error)
{
    lab_buffer *file = model_host_bytes(host, bytes, size);
    if (!file)
        return lab_error_nomem(error, size, "a test model");
    lab_status status = lab_model_load(lab_host_registry(host), file, "model.tflite", out, error);
    lab_buffer_unref(file);
    return status;
}

lab_status model_host_input(lab_host *host, const lab_model *model, uint32_t i, lab_tensor *out,
                            lab_error *error)
{
    const lab_tensor *like = lab_model_input(model, i);
    lab_status status = lab_tensor_new(lab_host_context(host), LAB_TENSOR, like->dtype, like->rank,
                                       like->shape, out, error);
    if (status)
        return status;
    uint32_t random = 12345;
    for (size_t k = 0; k < lab_shape_count(like->rank, like->shape); k++) {
        random = random * 1664525u + 1013904223u;
        uint8_t byte = (uint8_t)(random >> 24);
        if (like->dtype == LAB_F32)
            ((float *)out->data)[k] = (float)byte / 127.5f - 1.0f;
        else if (k < out->size)
            ((uint8_t *)out->data)[k] = byte;
    }
    return LAB_OK;
}
