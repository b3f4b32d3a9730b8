/*
 * A file read by a plugin's reader: a call without input and arguments, whose result may be of any
 * kind that holds data.
 */
#include <string.h>

#include "base/error.h"
#include "plugin/call_state.h"

/* "npy (npy|npz), nrrd (nrrd)"; a list that is too long is cut off. */
static void list_readers(const lab_registry *registry, char *text, size_t size)
{
    const lab_reader *reader;
    size_t used = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; used < size && (reader = lab_registry_reader_at(registry, i)); i++) {
        int n = snprintf(text + used, size - used, "%s%s (%s)", used ? ", " : "", reader->name,
                         reader->extensions);
        used += n > 0 ? (size_t)n : 0;
    }
}

static lab_status run_reader(lab_call *call)
{
    return call->reader->read(call, call->file, call->file_size);
}

lab_status lab_call_read(lab_registry *registry, const uint8_t *bytes, size_t size,
                         const char *filename, lab_tensor *out, lab_error *error)
{
    *out = (lab_tensor){ 0 };
    const lab_reader *reader = lab_registry_probe_reader(registry, bytes, size, filename);
    if (!reader) {
        char readers[256];
        list_readers(registry, readers, sizeof readers);
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "no reader knows this file; there are: %s; pictures are opened with "
                             "lab.open",
                             readers);
    }
    const lab_op op = { .name = reader->name, .summary = reader->summary, .run = run_reader };
    const lab_tensor nothing = { 0 };
    lab_call *call;
    lab_status status = lab_call_new(registry, &op, &nothing, &call, error);
    if (status)
        return status;
    call->descriptor = reader;
    call->reader = reader;
    call->file = bytes;
    call->file_size = size;
    status = lab_call_run(call, error);
    if (!status)
        status = lab_call_take_tensor(call, out, error);
    lab_call_free(call);
    return status;
}
