/* Results of a call: what an operator allocates or lists, and what its caller takes. */
#include "plugin/call_state.h"

#include <string.h>

#include "base/error.h"

/* Whose bug it is when a result is not what the descriptor promises. */
static const char *owner_name(const lab_call *call)
{
    const lab_plugin *owner = lab_registry_owner(call->registry, call->descriptor);
    return owner ? owner->name : "unknown";
}

static bool is_tensor(lab_type type)
{
    return type >= LAB_TENSOR && type <= LAB_MASK;
}

/* Whether the result is of tensor data: a reader decides the kind when it knows the file. */
static bool gives_tensor(const lab_call *call)
{
    return call->reader || is_tensor(call->op->out);
}

/* True when the operator promises `type`; else the call fails. */
static bool promised(lab_call *call, lab_type type)
{
    if (call->reader ? is_tensor(type) : call->op->out == type)
        return true;
    lab_call_fail(call, LAB_E_UNSUPPORTED,
                  "gave a result of kind %s, but promises %s (a bug in plugin %s)",
                  lab_type_name(type), lab_type_name(call->reader ? LAB_TENSOR : call->op->out),
                  owner_name(call));
    return false;
}

static lab_tensor *result(lab_call *call, lab_type kind, lab_dtype dtype, uint32_t rank,
                          const int32_t *shape)
{
    if (!promised(call, kind))
        return NULL;
    if (call->has_result) {
        lab_call_fail(call, LAB_E_UNSUPPORTED, "asked for its result twice (a bug in plugin %s)",
                      owner_name(call));
        return NULL;
    }
    lab_error error = { 0 };
    if (lab_tensor_new(call->ctx, kind, dtype, rank, shape, &call->result, &error)) {
        lab_call_fail(call, error.status, "the result: %s", error.message);
        return NULL;
    }
    call->has_result = true;
    call->pristine = call->result;
    return &call->result;
}

static void result_labels(lab_call *call, const lab_tensor *from)
{
    if (!call->has_result || call->result.kind != LAB_LABELMAP) {
        lab_call_fail(call, LAB_E_UNSUPPORTED,
                      "gave labels to a result that is no label map (a bug in plugin %s)",
                      owner_name(call));
        return;
    }
    lab_tensor_set_labels(&call->pristine, from ? from->labels : NULL);
    call->result.labels = call->pristine.labels;
}

static uint8_t *result_bytes(lab_call *call, size_t size)
{
    if (!promised(call, LAB_BYTES))
        return NULL;
    if (call->bytes) {
        lab_call_fail(call, LAB_E_UNSUPPORTED, "asked for its result twice (a bug in plugin %s)",
                      owner_name(call));
        return NULL;
    }
    if (size > LAB_TENSOR_LIMIT) {
        lab_call_fail(call, LAB_E_LIMIT, "the result: %zu bytes are more than the limit of %zu",
                      size, LAB_TENSOR_LIMIT);
        return NULL;
    }
    call->bytes = lab_buffer_new(call->ctx, size);
    if (!call->bytes) {
        lab_call_fail(call, LAB_E_NOMEM, "out of memory: %zu bytes for the result", size);
        return NULL;
    }
    return lab_buffer_data(call->bytes);
}

/* ---- records ---- */

static lab_status record_begin(lab_call *call)
{
    bool one = call->op->out == LAB_RECORD;
    if (!promised(call, one ? LAB_RECORD : LAB_RECORDS))
        return LAB_E_UNSUPPORTED;
    if (one && call->records)
        return lab_call_fail(call, LAB_E_UNSUPPORTED,
                             "gave a second row, but promises one (a bug in plugin %s)",
                             owner_name(call));
    lab_record *record = lab_arena_alloc(&call->arena, sizeof *record);
    if (!record)
        return lab_call_fail(call, LAB_E_NOMEM, "out of memory: a row of the result");
    if (call->last_record)
        call->last_record->next = record;
    else
        call->records = record;
    call->last_record = record;
    call->last_field = NULL;
    return LAB_OK;
}

/* Adds a field to the current row; NULL when the call has failed. */
static lab_field *new_field(lab_call *call, const char *name, lab_type type)
{
    if (!call->last_record || !name || !*name) {
        lab_call_fail(call, LAB_E_UNSUPPORTED,
                      "added a field without a row or a name (a bug in plugin %s)",
                      owner_name(call));
        return NULL;
    }
    lab_field *field = lab_arena_alloc(&call->arena, sizeof *field);
    char *copy = lab_arena_strdup(&call->arena, name);
    if (!field || !copy) {
        lab_call_fail(call, LAB_E_NOMEM, "out of memory: field %s of the result", name);
        return NULL;
    }
    field->name = copy;
    field->type = type;
    if (call->last_field)
        call->last_field->next = field;
    else
        call->last_record->fields = field;
    call->last_field = field;
    return field;
}

static lab_status status_of(const lab_call *call)
{
    return (lab_status)atomic_load(&call->status);
}

static lab_status record_int(lab_call *call, const char *name, int64_t value)
{
    lab_field *field = new_field(call, name, LAB_INT);
    if (!field)
        return status_of(call);
    field->integer = value;
    return LAB_OK;
}

static lab_status record_float(lab_call *call, const char *name, double value)
{
    lab_field *field = new_field(call, name, LAB_FLOAT);
    if (!field)
        return status_of(call);
    field->number = value;
    return LAB_OK;
}

static lab_status record_string(lab_call *call, const char *name, const char *value)
{
    lab_field *field = new_field(call, name, LAB_STRING);
    if (!field)
        return status_of(call);
    field->string = lab_arena_strdup(&call->arena, value ? value : "");
    if (!field->string)
        return lab_call_fail(call, LAB_E_NOMEM, "out of memory: field %s of the result", name);
    return LAB_OK;
}

static lab_status record_bytes(lab_call *call, const char *name, const void *bytes, size_t size)
{
    lab_field *field = new_field(call, name, LAB_BYTES);
    if (!field)
        return status_of(call);
    char *copy = lab_arena_alloc(&call->arena, size);
    if (!copy)
        return lab_call_fail(call, LAB_E_NOMEM, "out of memory: %zu bytes for field %s", size,
                             name);
    if (size > 0)
        memcpy(copy, bytes, size);
    field->string = copy;
    field->size = size;
    return LAB_OK;
}

static lab_status record_list(lab_call *call, const char *name, const int32_t *values,
                              uint32_t count)
{
    lab_field *field = new_field(call, name, LAB_FLOATS);
    if (!field)
        return status_of(call);
    int32_t *copy = lab_arena_array(&call->arena, count, sizeof *copy);
    if (!copy)
        return lab_call_fail(call, LAB_E_NOMEM, "out of memory: field %s of the result", name);
    if (count > 0)
        memcpy(copy, values, count * sizeof *copy);
    field->list = copy;
    field->count = count;
    return LAB_OK;
}

/* ---- single values, of services' methods ---- */

/* The place for a value of one of two types that the method promises; NULL when it does not. */
static lab_field *new_value(lab_call *call, lab_type type, lab_type or_type)
{
    lab_type out = call->op->out == or_type ? or_type : type;
    if (!promised(call, out))
        return NULL;
    if (call->value.type != LAB_NONE) {
        lab_call_fail(call, LAB_E_UNSUPPORTED, "gave its result twice (a bug in plugin %s)",
                      owner_name(call));
        return NULL;
    }
    call->value.type = out;
    return &call->value;
}

static lab_status result_int(lab_call *call, int64_t value)
{
    lab_field *field = new_value(call, LAB_INT, LAB_BOOL);
    if (!field)
        return status_of(call);
    field->integer = value;
    return LAB_OK;
}

static lab_status result_float(lab_call *call, double value)
{
    lab_field *field = new_value(call, LAB_FLOAT, LAB_FLOAT);
    if (!field)
        return status_of(call);
    field->number = value;
    return LAB_OK;
}

static lab_status result_string(lab_call *call, const char *value)
{
    lab_field *field = new_value(call, LAB_STRING, LAB_STRING);
    if (!field)
        return status_of(call);
    field->string = lab_arena_strdup(&call->arena, value ? value : "");
    return field->string ? LAB_OK
                         : lab_call_fail(call, LAB_E_NOMEM, "out of memory: a text as result");
}

/* ---- the caller's side ---- */

static bool is_value(lab_type type)
{
    return type == LAB_BOOL || type == LAB_INT || type == LAB_FLOAT || type == LAB_STRING;
}

lab_status lab_call_check_result(const lab_call *call, lab_error *error)
{
    bool there = gives_tensor(call)           ? call->has_result
                 : call->op->out == LAB_BYTES ? call->bytes != NULL
                 : is_value(call->op->out)    ? call->value.type == call->op->out
                                              : true; /* no rows are a result too */
    if (there)
        return LAB_OK;
    return lab_error_set(
        error, LAB_E_UNSUPPORTED, "%s: gave no result, but promises %s (a bug in plugin %s)",
        call->op->name, lab_type_name(call->reader ? LAB_TENSOR : call->op->out), owner_name(call));
}

void lab_call_clear_result(lab_call *call)
{
    lab_tensor_clear(&call->pristine);
    call->result = (lab_tensor){ 0 };
    call->has_result = false;
    lab_buffer_unref(call->bytes);
    call->bytes = NULL;
}

lab_status lab_call_take_tensor(lab_call *call, lab_tensor *out, lab_error *error)
{
    *out = (lab_tensor){ 0 };
    if (!call->ok || !call->has_result)
        return lab_error_set(error, LAB_E_INVALID, "%s: there is no %s to take", call->op->name,
                             gives_tensor(call) ? "result" : "tensor");
    /* Of what the operator left in the descriptor only one pair of quantisation values counts:
     * longer lists would have to outlive the call. */
    *out = call->pristine;
    if (call->result.quant.count == 1)
        out->quant = call->result.quant;
    out->quant.scales = NULL;
    out->quant.zero_points = NULL;
    call->pristine = (lab_tensor){ 0 };
    call->has_result = false;
    return LAB_OK;
}

const lab_record *lab_call_records(const lab_call *call)
{
    return call->ok ? call->records : NULL;
}

const lab_field *lab_call_value(const lab_call *call)
{
    return call->ok && call->value.type != LAB_NONE ? &call->value : NULL;
}

const uint8_t *lab_call_bytes(const lab_call *call, size_t *size)
{
    bool there = call->ok && call->bytes;
    *size = there ? lab_buffer_size(call->bytes) : 0;
    return there ? lab_buffer_data(call->bytes) : NULL;
}

void lab_result_fill_api(lab_host_api *api)
{
    api->result = result;
    api->result_labels = result_labels;
    api->result_bytes = result_bytes;
    api->record_begin = record_begin;
    api->record_int = record_int;
    api->record_float = record_float;
    api->record_string = record_string;
    api->record_list = record_list;
    api->record_bytes = record_bytes;
    api->result_int = result_int;
    api->result_float = result_float;
    api->result_string = result_string;
}
