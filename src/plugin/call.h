/*
 * One call of an operator from the host's side: arguments are set by position, checked against the
 * descriptor, run; then the result is taken. The Lua binding and C embedders share this.
 */
#ifndef LAB_PLUGIN_CALL_H
#define LAB_PLUGIN_CALL_H

#include "base/arena.h"
#include "plugin/registry.h"
#include "tensor/tensor.h"

/* A field of a LAB_RECORDS row. */
typedef struct lab_field {
    const char *name;
    lab_type type; /* LAB_INT, LAB_FLOAT, LAB_STRING, LAB_BYTES or LAB_FLOATS (integers in `list`);
                      of a method's own result also LAB_BOOL */
    int64_t integer;
    double number;
    const char *string; /* LAB_STRING, LAB_BYTES */
    size_t size;        /* of LAB_BYTES */
    const int32_t *list;
    uint32_t count;
    struct lab_field *next; /* of the same row */
} lab_field;

typedef struct lab_record {
    lab_field *fields;
    struct lab_record *next;
} lab_record;

/* Fills the operator part of a host's table of services. */
void lab_call_fill_api(lab_host_api *api);

/*
 * Begins a call of `op` on `input` (its kind is checked; references are taken). On success free it
 * with lab_call_free.
 */
lab_status lab_call_new(lab_registry *registry, const lab_op *op, const lab_tensor *input,
                        lab_call **out, lab_error *error);
void lab_call_free(lab_call *call);

/* The position of a parameter; LAB_E_INVALID names the nearest one. */
lab_status lab_call_param(const lab_call *call, const char *name, uint32_t *param,
                          lab_error *error);

/*
 * Setters check type and range: "image.resize: width must be 1..65535, got 0". Conversions that
 * make sense are made: LAB_INT to LAB_FLOAT, an integral double to LAB_INT, text to LAB_ENUM,
 * LAB_COLOR and LAB_CLASSES (label names are looked up in the input's label set, all classes of
 * that name are meant; digits that are no label are an id). Every kind is a LAB_TENSOR as well.
 */
lab_status lab_call_set_bool(lab_call *call, uint32_t param, bool value, lab_error *error);
lab_status lab_call_set_int(lab_call *call, uint32_t param, int64_t value, lab_error *error);
lab_status lab_call_set_float(lab_call *call, uint32_t param, double value, lab_error *error);
lab_status lab_call_set_string(lab_call *call, uint32_t param, const char *value, size_t size,
                               lab_error *error);
lab_status lab_call_set_tensor(lab_call *call, uint32_t param, const lab_tensor *value,
                               lab_error *error);
/* LAB_FLOATS and LAB_COLOR ({r,g,b[,a]}, 0..255) take numbers; LAB_CLASSES takes ids and names. */
lab_status lab_call_add_number(lab_call *call, uint32_t param, double value, lab_error *error);
lab_status lab_call_add_name(lab_call *call, uint32_t param, const char *name, lab_error *error);
/* An empty list: given, with nothing in it. */
lab_status lab_call_set_empty(lab_call *call, uint32_t param, lab_error *error);

/*
 * Fills in defaults, checks that nothing required is missing, runs. A LAB_E_INVALID failure is
 * misuse by the caller; others are about the world.
 */
lab_status lab_call_run(lab_call *call, lab_error *error);

/*
 * For built-in operators, which stand on the rooms below: the context a call runs in, and a result
 * made with it. lab_call_give moves `tensor`, also when it fails (another kind than op->out).
 */
lab_context *lab_call_context(const lab_call *call);
lab_status lab_call_give(lab_call *call, lab_tensor *tensor);

/*
 * After a successful run, by op->out. The tensor is moved to `out` (clear it); of the quantisation
 * that the operator set, one pair of values is kept.
 */
lab_status lab_call_take_tensor(lab_call *call, lab_tensor *out, lab_error *error);
/*
 * Reads a file's bytes with the reader that is surest of them. `filename` has no folder and may be
 * ""; sentences start with the reader's name. LAB_E_UNSUPPORTED names the readers there are when
 * none knows the bytes. Clear `out`.
 */
lab_status lab_call_read(lab_registry *registry, const uint8_t *bytes, size_t size,
                         const char *filename, lab_tensor *out, lab_error *error);

const lab_record *lab_call_records(const lab_call *call);
/* What a method gave by lab_result_int and its like; NULL when it gives something else. */
const lab_field *lab_call_value(const lab_call *call);
const uint8_t *lab_call_bytes(const lab_call *call, size_t *size);

#endif
