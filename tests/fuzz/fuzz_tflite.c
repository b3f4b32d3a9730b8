/*
 * libFuzzer: any bytes as a TensorFlow Lite file, through loader, inference, kernels' preparation
 * and the memory plan, and what loads is run if it is small. Bounded memory and work, so that what
 * is found is a bug and not a large network.
 *
 *     fuzz_tflite -max_len=65536 CORPUS      (the corpus: make_corpus writes small models)
 */
#include <stdint.h>
#include <stdlib.h>

#include "support/model_host.h"

#define MEMORY ((size_t)64 << 20)
#define MOST_WORK 5000000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static lab_host *host;

static void *allocate(void *user, size_t size, size_t align)
{
    (void)user;
    return size > MEMORY ? NULL : lab_system_allocator.allocate(NULL, size, align);
}

static void release(void *user, void *ptr)
{
    (void)user;
    lab_system_allocator.release(NULL, ptr);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static const lab_allocator allocator = { .allocate = allocate, .release = release };
    lab_error error;
    host = model_host_open(1, &allocator, &error);
    if (!host) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return 0;
}

static void run(lab_model *model)
{
    lab_model_stats stats;
    lab_error error;
    lab_tensor input = { .kind = LAB_NONE };
    const lab_tensor *list[1] = { &input };
    const lab_graph *graph = lab_model_graph(model);
    lab_model_get_stats(model, &stats);
    uint64_t work = stats.macs;
    for (uint32_t v = 0; v < graph->n_values; v++)
        work += graph->values[v]->tensor.size;
    if (graph->n_inputs != 1 || work > MOST_WORK)
        return;
    if (!model_host_input(host, model, 0, &input, &error))
        lab_model_run(model, list, 1, LAB_WANT_OUTPUTS, &error);
    lab_tensor_clear(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lab_model *model;
    lab_error error;
    if (model_host_model(host, bytes, size, &model, &error))
        return 0;
    run(model);
    lab_model_free(model);
    return 0;
}
