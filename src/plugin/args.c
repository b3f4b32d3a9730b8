/*
 * Arguments of a call, set from the host's side with every check the descriptor asks for. How they
 * are completed and read is in args_read.c.
 */
#include "plugin/call_state.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plugin/param.h"

#define LIST_MAX ((uint32_t)1 << 24) /* items of one argument */

/* ---- shared by the setters ---- */

/* Puts "image.resize: " in front of what a check said. */
static lab_status named(const lab_call *call, lab_status status, lab_error *error)
{
    if (status)
        lab_error_prefix(error, "%s", call->op->name);
    return status;
}

static lab_status mismatch(const lab_call *call, uint32_t param, const char *got, lab_error *error)
{
    return named(call, lab_param_mismatch(&call->op->params[param], got, error), error);
}

/* The argument to set; NULL (and an error) when there is no such parameter or it is too late. */
static lab_arg *writable(lab_call *call, uint32_t param, lab_status *status, lab_error *error)
{
    *status = LAB_OK;
    if (param >= call->n_params)
        *status = lab_error_set(error, LAB_E_INVALID, "%s: has %u options, so none number %u",
                                call->op->name, call->n_params, param + 1);
    else if (call->ran)
        *status = lab_error_set(error, LAB_E_INVALID,
                                "%s: options cannot change once the call has run", call->op->name);
    return *status ? NULL : &call->args[param];
}

static lab_type type_of(const lab_call *call, uint32_t param)
{
    return call->op->params[param].type;
}

/* Makes room for one more item of `item` bytes in a list of the arena. */
static void *room_for(lab_call *call, lab_arg *arg, void *list, size_t item)
{
    if (arg->count < arg->room)
        return list;
    uint32_t larger = arg->room ? 2 * arg->room : 8;
    void *moved = larger <= LIST_MAX ? lab_arena_array(&call->arena, larger, item) : NULL;
    if (!moved)
        return NULL;
    if (arg->count > 0)
        memcpy(moved, list, arg->count * item);
    arg->room = larger;
    return moved;
}

static lab_status append_number(lab_call *call, lab_arg *arg, double value, lab_error *error)
{
    double *list = room_for(call, arg, arg->numbers, sizeof *list);
    if (!list)
        return lab_error_nomem(error, (size_t)arg->count * sizeof *list, call->op->name);
    arg->numbers = list;
    list[arg->count++] = value;
    arg->given = true;
    return LAB_OK;
}

/* Each id once, in the order in which they were named. */
static lab_status append_class(lab_call *call, lab_arg *arg, int32_t id, lab_error *error)
{
    for (uint32_t i = 0; i < arg->count; i++) {
        if (arg->classes[i] == id)
            return LAB_OK;
    }
    int32_t *list = room_for(call, arg, arg->classes, sizeof *list);
    if (!list)
        return lab_error_nomem(error, (size_t)arg->count * sizeof *list, call->op->name);
    arg->classes = list;
    list[arg->count++] = id;
    arg->given = true;
    return LAB_OK;
}

/* Every class of that name; digits that are no name are an id. */
static lab_status append_class_name(lab_call *call, uint32_t param, lab_arg *arg, const char *name,
                                    lab_error *error)
{
    lab_labels *labels = call->input.labels;
    lab_error why = { 0 };
    lab_status status = LAB_E_NOT_FOUND;
    uint32_t id;
    if (labels)
        status = lab_labels_find(labels, name, 0, &id, &why);
    if (status == LAB_E_NOT_FOUND) {
        int64_t number;
        int32_t class_id;
        if (lab_parse_int(name, &number)) {
            status =
                lab_param_check_class(&call->op->params[param], (double)number, &class_id, error);
            return status ? named(call, status, error) : append_class(call, arg, class_id, error);
        }
        if (!labels)
            return lab_error_set(error, LAB_E_INVALID,
                                 "%s: %s: the input has no label set to look \"%.60s\" up in; "
                                 "pass class ids",
                                 call->op->name, call->op->params[param].name, name);
        return lab_error_set(error, status, "%s: %s: %s", call->op->name,
                             call->op->params[param].name, why.message);
    }
    while (!status) {
        lab_status appended = append_class(call, arg, (int32_t)id, error);
        if (appended)
            return appended;
        status = lab_labels_find(labels, name, id + 1, &id, NULL);
    }
    return LAB_OK;
}

/* ---- setters ---- */

lab_status lab_call_param(const lab_call *call, const char *name, uint32_t *param, lab_error *error)
{
    const char *names[LAB_PARAMS_MAX];
    for (uint32_t i = 0; i < call->n_params; i++) {
        names[i] = call->op->params[i].name;
        if (strcmp(names[i], name) == 0) {
            *param = i;
            return LAB_OK;
        }
    }
    const char *nearest = lab_nearest(name, names, call->n_params);
    if (nearest)
        return lab_error_set(error, LAB_E_INVALID,
                             "%s: there is no option \"%.60s\"; did you mean \"%s\"?",
                             call->op->name, name, nearest);
    char list[256] = "it has none";
    size_t used = 0;
    for (uint32_t i = 0; i < call->n_params && used < sizeof list; i++) {
        int n =
            snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "options are ", names[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    return lab_error_set(error, LAB_E_INVALID, "%s: there is no option \"%.60s\"; %s",
                         call->op->name, name, list);
}

lab_status lab_call_set_bool(lab_call *call, uint32_t param, bool value, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    if (type_of(call, param) != LAB_BOOL)
        return mismatch(call, param, value ? "true" : "false", error);
    arg->integer = value;
    arg->given = true;
    return LAB_OK;
}

/* The types that take one number: into the value itself, or a list of one. */
static lab_status set_number(lab_call *call, uint32_t param, lab_arg *arg, double value,
                             lab_error *error)
{
    const lab_param *p = &call->op->params[param];
    lab_status status;
    int32_t id;
    switch (p->type) {
    case LAB_FLOAT:
        status = lab_param_check_number(p, value, error);
        if (status)
            return named(call, status, error);
        arg->number = value;
        arg->given = true;
        return LAB_OK;
    case LAB_FLOATS:
        status = lab_param_check_number(p, value, error);
        if (status)
            return named(call, status, error);
        arg->count = 0;
        return append_number(call, arg, value, error);
    default: /* LAB_CLASSES */
        status = lab_param_check_class(p, value, &id, error);
        if (status)
            return named(call, status, error);
        arg->count = 0;
        return append_class(call, arg, id, error);
    }
}

static bool takes_number(lab_type type)
{
    return type == LAB_FLOAT || type == LAB_FLOATS || type == LAB_CLASSES;
}

lab_status lab_call_set_int(lab_call *call, uint32_t param, int64_t value, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    lab_type type = type_of(call, param);
    if (takes_number(type))
        return set_number(call, param, arg, (double)value, error);
    if (type != LAB_INT) {
        char got[32];
        snprintf(got, sizeof got, "%" PRId64, value);
        return mismatch(call, param, got, error);
    }
    status = lab_param_check_int(&call->op->params[param], value, error);
    if (status)
        return named(call, status, error);
    arg->integer = value;
    arg->given = true;
    return LAB_OK;
}

lab_status lab_call_set_float(lab_call *call, uint32_t param, double value, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    lab_type type = type_of(call, param);
    if (takes_number(type))
        return set_number(call, param, arg, value, error);
    /* Within 2^53 a whole double is the integer it looks like; NaN fails both comparisons. */
    bool whole =
        value >= -9007199254740992.0 && value <= 9007199254740992.0 && value == floor(value);
    if (type == LAB_INT && whole)
        return lab_call_set_int(call, param, (int64_t)value, error);
    char got[40];
    snprintf(got, sizeof got, "%.15g", value);
    return mismatch(call, param, got, error);
}

/* Copies text into the arena, with a NUL behind it. */
static lab_status keep_text(lab_call *call, lab_arg *arg, const char *value, size_t size,
                            lab_error *error)
{
    char *copy = size < SIZE_MAX ? lab_arena_alloc(&call->arena, size + 1) : NULL;
    if (!copy)
        return lab_error_nomem(error, size, call->op->name);
    if (size > 0)
        memcpy(copy, value, size);
    arg->text = copy;
    arg->text_size = size;
    arg->given = true;
    return LAB_OK;
}

/* Text for a type that is not text itself; `text` ends with NUL. */
static lab_status convert_text(lab_call *call, uint32_t param, lab_arg *arg, const char *text,
                               lab_error *error)
{
    const lab_param *p = &call->op->params[param];
    lab_status status;
    uint32_t value;
    switch (p->type) {
    case LAB_ENUM:
    case LAB_COLOR:
        status = p->type == LAB_ENUM ? lab_param_check_choice(p, text, &value, error)
                                     : lab_param_check_color(p, text, &value, error);
        if (status)
            return named(call, status, error);
        arg->integer = value;
        arg->is_list = false;
        arg->given = true;
        return LAB_OK;
    default: { /* LAB_CLASSES */
        arg->count = 0;
        return append_class_name(call, param, arg, text, error);
    }
    }
}

lab_status lab_call_set_string(lab_call *call, uint32_t param, const char *value, size_t size,
                               lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    lab_type type = type_of(call, param);
    if (type == LAB_BYTES)
        return keep_text(call, arg, value, size, error);
    if (size > 0 && memchr(value, '\0', size))
        return mismatch(call, param, "text with a zero byte in it", error);
    if (!lab_utf8_valid(value, size))
        return mismatch(call, param, "bytes that are not UTF-8", error);
    if (type == LAB_STRING)
        return keep_text(call, arg, value, size, error);
    if (type != LAB_ENUM && type != LAB_COLOR && type != LAB_CLASSES) {
        char got[80];
        snprintf(got, sizeof got, "\"%.*s\"%s", (int)lab_utf8_cut(value, size, 60), value,
                 size > 60 ? "..." : "");
        return mismatch(call, param, got, error);
    }
    char *text = lab_arena_alloc(&call->arena, size + 1); /* zeroed, so it ends with NUL */
    if (!text)
        return lab_error_nomem(error, size, call->op->name);
    if (size > 0)
        memcpy(text, value, size);
    return convert_text(call, param, arg, text, error);
}

lab_status lab_call_set_tensor(lab_call *call, uint32_t param, const lab_tensor *value,
                               lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    lab_type type = type_of(call, param);
    /* Every kind is a tensor as well. */
    if (type < LAB_TENSOR || (type != LAB_TENSOR && type != value->kind)) {
        char got[160];
        lab_tensor_describe(value, got, sizeof got);
        return mismatch(call, param, got, error);
    }
    lab_tensor before = arg->tensor;
    lab_tensor_ref(&arg->tensor, value);
    lab_tensor_clear(&before);
    arg->given = true;
    return LAB_OK;
}

lab_status lab_call_add_number(lab_call *call, uint32_t param, double value, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    const lab_param *p = &call->op->params[param];
    int32_t id;
    char got[48];
    switch (p->type) {
    case LAB_FLOATS:
        status = lab_param_check_number(p, value, error);
        return status ? named(call, status, error) : append_number(call, arg, value, error);
    case LAB_CLASSES:
        status = lab_param_check_class(p, value, &id, error);
        return status ? named(call, status, error) : append_class(call, arg, id, error);
    case LAB_COLOR:
        snprintf(got, sizeof got, "{..., %.15g, ...}", value);
        if (!(value >= 0 && value <= 255 && value == floor(value)))
            return mismatch(call, param, got, error);
        if (!arg->is_list)
            arg->count = 0;
        arg->is_list = true;
        return append_number(call, arg, value, error);
    default:
        return mismatch(call, param, "a list", error);
    }
}

lab_status lab_call_add_name(lab_call *call, uint32_t param, const char *name, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    if (type_of(call, param) != LAB_CLASSES)
        return mismatch(call, param, "a list of names", error);
    return append_class_name(call, param, arg, name, error);
}

lab_status lab_call_set_empty(lab_call *call, uint32_t param, lab_error *error)
{
    lab_status status;
    lab_arg *arg = writable(call, param, &status, error);
    if (!arg)
        return status;
    lab_type type = type_of(call, param);
    if (type != LAB_FLOATS && type != LAB_CLASSES)
        return mismatch(call, param, "an empty list", error);
    arg->count = 0;
    arg->given = true;
    return LAB_OK;
}
