/* A host with the built-in node types, the loader and the plugins of this build, for tests. */
#ifndef TESTS_SUPPORT_MODEL_HOST_H
#define TESTS_SUPPORT_MODEL_HOST_H

#include "lab.h"

/* allocator NULL: the system's. NULL and `error` filled when it cannot be had. */
lab_host *model_host_open(unsigned threads, const lab_allocator *allocator, lab_error *error);

/* A buffer that ends where the bytes end, so that reading past them is seen; NULL: no memory. */
lab_buffer *model_host_bytes(lab_host *host, const uint8_t *bytes, size_t size);

/* Loads the bytes under the name "model.tflite"; they are copied. */
lab_status model_host_graph(lab_host *host, const uint8_t *bytes, size_t size, lab_graph **out,
                            lab_error *error);
lab_status model_host_model(lab_host *host, const uint8_t *bytes, size_t size, lab_model **out,
                            lab_error *error);

/* A tensor like the model's input `i`, filled with pseudo-random values; clear it after use. */
lab_status model_host_input(lab_host *host, const lab_model *model, uint32_t i, lab_tensor *out,
                            lab_error *error);

#endif
