/*
 * Arguments of a call before and while it runs: defaults for those that were not set, and what the
 * operator reads.
 */
#include "plugin/call_state.h"

#include <string.h>

#include "base/error.h"
#include "plugin/param.h"

static lab_type type_of(const lab_call *call, uint32_t param)
{
    return call->op->params[param].type;
}

static lab_status set_default_list(lab_call *call, uint32_t param, const char *text,
                                   lab_error *error)
{
    const char *at = text, *item;
    size_t size;
    lab_status status = lab_call_set_empty(call, param, error);
    while (!status && lab_next_item(&at, &item, &size)) {
        double number;
        char *copy = lab_arena_alloc(&call->arena, size + 1);
        if (!copy)
            return lab_error_nomem(error, size, call->op->name);
        memcpy(copy, item, size);
        if (lab_parse_float(copy, &number))
            status = lab_call_add_number(call, param, number, error);
        else
            status = lab_call_add_name(call, param, copy, error);
    }
    return status;
}

/* The registry has checked that a default parses; only names of classes can still fail. */
static lab_status set_default(lab_call *call, uint32_t param, lab_error *error)
{
    const char *text = call->op->params[param].def;
    int64_t integer = 0;
    double number = 0;
    switch (type_of(call, param)) {
    case LAB_BOOL:
        return lab_call_set_bool(call, param, strcmp(text, "true") == 0, error);
    case LAB_INT:
        lab_parse_int(text, &integer);
        return lab_call_set_int(call, param, integer, error);
    case LAB_FLOAT:
        lab_parse_float(text, &number);
        return lab_call_set_float(call, param, number, error);
    case LAB_FLOATS:
    case LAB_CLASSES:
        return set_default_list(call, param, text, error);
    default:
        return lab_call_set_string(call, param, text, strlen(text), error);
    }
}

/* {r, g, b[, a]} to 0xRRGGBBAA. */
static lab_status finish_color(lab_call *call, uint32_t param, lab_error *error)
{
    lab_arg *arg = &call->args[param];
    if (arg->count != 3 && arg->count != 4) {
        char got[48];
        snprintf(got, sizeof got, "a list of %u", arg->count);
        lab_status status = lab_param_mismatch(&call->op->params[param], got, error);
        if (error)
            lab_error_prefix(error, "%s", call->op->name);
        return status;
    }
    uint32_t rgba = 0;
    for (uint32_t i = 0; i < 4; i++)
        rgba = rgba << 8 | (i < arg->count ? (uint32_t)arg->numbers[i] : 255u);
    arg->integer = rgba;
    return LAB_OK;
}

lab_status lab_call_finish_args(lab_call *call, lab_error *error)
{
    for (uint32_t i = 0; i < call->n_params; i++) {
        const lab_param *p = &call->op->params[i];
        const lab_arg *arg = &call->args[i];
        lab_status status = LAB_OK;
        if (!arg->given && p->def)
            status = set_default(call, i, error);
        else if (!arg->given && !(p->flags & LAB_PARAM_OPTIONAL))
            status = lab_error_set(error, LAB_E_INVALID, "%s: %s is missing (%s)", call->op->name,
                                   p->name, p->doc);
        else if (arg->given && arg->is_list)
            status = finish_color(call, i, error);
        if (status)
            return status;
    }
    return LAB_OK;
}

void lab_call_clear_args(lab_call *call)
{
    for (uint32_t i = 0; i < call->n_params; i++)
        lab_tensor_clear(&call->args[i].tensor);
}

/* ---- reading, from the operator's side: a wrong number or type reads as nothing ---- */

static const lab_arg nothing;

static const lab_arg *readable(const lab_call *call, uint32_t param)
{
    return param < call->n_params && call->args[param].given ? &call->args[param] : &nothing;
}

static bool given(const lab_call *call, uint32_t param)
{
    return readable(call, param)->given;
}

static int64_t arg_int(const lab_call *call, uint32_t param)
{
    return readable(call, param)->integer;
}

static double arg_float(const lab_call *call, uint32_t param)
{
    return readable(call, param)->number;
}

static const char *arg_string(const lab_call *call, uint32_t param, size_t *size)
{
    const lab_arg *arg = readable(call, param);
    if (size)
        *size = arg->text_size;
    return arg->text;
}

static const double *arg_floats(const lab_call *call, uint32_t param, uint32_t *count)
{
    const lab_arg *arg = readable(call, param);
    bool is_floats = arg->given && type_of(call, param) == LAB_FLOATS;
    *count = is_floats ? arg->count : 0;
    return is_floats ? arg->numbers : NULL;
}

static const int32_t *arg_classes(const lab_call *call, uint32_t param, uint32_t *count)
{
    const lab_arg *arg = readable(call, param);
    bool is_classes = arg->given && type_of(call, param) == LAB_CLASSES;
    *count = is_classes ? arg->count : 0;
    return is_classes ? arg->classes : NULL;
}

static const lab_tensor *arg_tensor(const lab_call *call, uint32_t param)
{
    const lab_arg *arg = readable(call, param);
    return arg->tensor.buffer ? &arg->tensor : NULL;
}

void lab_args_fill_api(lab_host_api *api)
{
    api->given = given;
    api->arg_int = arg_int;
    api->arg_float = arg_float;
    api->arg_string = arg_string;
    api->arg_floats = arg_floats;
    api->arg_classes = arg_classes;
    api->arg_tensor = arg_tensor;
}
