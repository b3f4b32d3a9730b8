/*
 * Any bytes as a NumPy file, by way of the reader of the npy plugin: a value of a kind whose rules
 * hold, or a sentence; everything given back.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
lab_plugin_entry_fn lab_plugin_entry_npy;

static void demand(bool truth)
{
    if (!truth)
        abort();
}

/* All bytes of a value are there to be read. */
static uint32_t sum(const lab_tensor *value)
{
    uint32_t total = 0;
    for (size_t i = 0; i < value->size; i++)
        total += ((const uint8_t *)value->data)[i];
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lab_context ctx;
    lab_registry *registry;
    lab_tensor out;
    lab_error error = { 0 };
    lab_host_api api = { .abi = LAB_ABI_VERSION, .size = sizeof api };
    lab_call_fill_api(&api);
    if (lab_context_init(&ctx, NULL, 1, NULL))
        return 0;
    demand(lab_registry_new(&ctx, &api, &registry, NULL) == LAB_OK);
    demand(lab_registry_add(registry, lab_plugin_entry_npy(&api), "linked in", NULL) == LAB_OK);
    if (lab_call_read(registry, bytes, size, "", &out, &error) == LAB_OK) {
        /* Nothing comes from nowhere: the elements are those of the file. */
        demand(out.size <= size && sum(&out) <= 255 * size);
        lab_tensor_clear(&out);
    } else {
        demand(error.status != LAB_OK && error.message[0]);
    }
    lab_registry_free(registry);
    lab_context_finish(&ctx);
    return 0;
}
