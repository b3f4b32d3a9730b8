/* Calls of the built-in operators; see ops_fixture.h. */
#include "ops_fixture.h"

#include "support/cmocka_all.h"

#include <string.h>

#include "base/error.h"
#include "ops/ops.h"
#include "support/fail_alloc.h"

const lab_plugin *ops_extra_plugin;

lab_status ops_host_init(ops_host *host, const lab_allocator *allocator, unsigned threads,
                         lab_error *error)
{
    memset(host, 0, sizeof *host);
    lab_status status = lab_context_init(&host->ctx, allocator, threads, error);
    if (status)
        return status;
    host->api.abi = LAB_ABI_VERSION;
    host->api.size = sizeof host->api;
    lab_call_fill_api(&host->api);
    status = lab_registry_new(&host->ctx, &host->api, &host->registry, error);
    if (!status)
        status = lab_registry_add(host->registry, &lab_builtin_ops, "built in", error);
    if (!status && ops_extra_plugin)
        status = lab_registry_add(host->registry, ops_extra_plugin, "linked in", error);
    if (status)
        ops_host_finish(host);
    return status;
}

void ops_host_finish(ops_host *host)
{
    lab_registry_free(host->registry);
    lab_context_finish(&host->ctx);
}

static lab_status set_arg(lab_call *call, const op_arg *arg, lab_error *error)
{
    uint32_t param;
    lab_status status = lab_call_param(call, arg->name, &param, error);
    if (status)
        return status;
    switch (arg->type) {
    case ARG_INT:
        return lab_call_set_int(call, param, (int64_t)arg->number, error);
    case ARG_FLOAT:
        return lab_call_set_float(call, param, arg->number, error);
    case ARG_TEXT:
        return lab_call_set_string(call, param, arg->text, strlen(arg->text), error);
    case ARG_BYTES:
        return lab_call_set_string(call, param, arg->text, arg->size, error);
    case ARG_TENSOR:
        return lab_call_set_tensor(call, param, arg->tensor, error);
    case ARG_BOOL:
        return lab_call_set_bool(call, param, arg->number != 0, error);
    case ARG_CLASSES:
        for (const int *id = arg->ids; *id >= 0 && !status; id++)
            status = lab_call_add_number(call, param, *id, error);
        return status;
    }
    return LAB_E_INVALID;
}

lab_status op_run(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
                  lab_call **call, lab_error *error)
{
    *call = NULL;
    const lab_op *found = lab_registry_op(host->registry, op);
    if (!found)
        return lab_error_set(error, LAB_E_NOT_FOUND, "no operator %s", op);
    lab_status status = lab_call_new(host->registry, found, in, call, error);
    for (; args && args->name && !status; args++)
        status = set_arg(*call, args, error);
    return status ? status : lab_call_run(*call, error);
}

void op_tensor(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
               lab_tensor *out)
{
    lab_call *call;
    lab_error error = { 0 };
    assert_ok(op_run(host, op, in, args, &call, &error), &error);
    assert_ok(lab_call_take_tensor(call, out, &error), &error);
    lab_call_free(call);
}

void op_refused(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
                lab_status status, const char *words)
{
    lab_call *call;
    lab_error error = { 0 };
    lab_status got = op_run(host, op, in, args, &call, &error);
    if (got != status || !strstr(error.message, words))
        fail_msg("expected %s with \"%s\", got %s: %s", lab_status_name(status), words,
                 lab_status_name(got), error.message);
    lab_call_free(call);
}

const lab_field *record_field(const lab_record *record, const char *name)
{
    for (const lab_field *f = record->fields; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f;
    fail_msg("no field %s", name);
    return NULL;
}

void make_bytes(lab_context *ctx, lab_type kind, int32_t width, int32_t height, uint32_t limit,
                uint32_t seed, lab_tensor *out)
{
    const int32_t shape[2] = { height, width };
    assert_int_equal(lab_tensor_new(ctx, kind, LAB_U8, 2, shape, out, NULL), LAB_OK);
    for (size_t i = 0; i < out->size; i++)
        ((uint8_t *)out->data)[i] = (uint8_t)(random_next(&seed) % limit);
}

static lab_status sweep_once(const lab_allocator *allocator, void *user, lab_error *error)
{
    const op_sweep *sweep = user;
    ops_host host;
    lab_call *call;
    lab_status status = ops_host_init(&host, allocator, 1, error);
    if (status)
        return status;
    status = op_run(&host, sweep->op, sweep->in, sweep->args, &call, error);
    lab_tensor out = { 0 };
    if (!status && call && lab_registry_op(host.registry, sweep->op)->out >= LAB_TENSOR)
        status = lab_call_take_tensor(call, &out, error);
    lab_tensor_clear(&out);
    lab_call_free(call);
    ops_host_finish(&host);
    return status;
}

void sweep_op(const char *op, const lab_tensor *in, const op_arg *args)
{
    op_sweep sweep = { op, in, args };
    assert_true(fail_alloc_sweep_whole(sweep_once, &sweep) > 0);
}

void same_with_threads(const char *op, const lab_tensor *in, const op_arg *args)
{
    ops_host one, many;
    lab_tensor first, other;
    assert_int_equal(ops_host_init(&one, NULL, 1, NULL), LAB_OK);
    op_tensor(&one, op, in, args, &first);
    for (unsigned threads = 2; threads <= 3; threads++) {
        assert_int_equal(ops_host_init(&many, NULL, threads, NULL), LAB_OK);
        op_tensor(&many, op, in, args, &other);
        assert_int_equal(other.size, first.size);
        assert_memory_equal(other.data, first.data, first.size);
        lab_tensor_clear(&other);
        ops_host_finish(&many);
    }
    lab_tensor_clear(&first);
    ops_host_finish(&one);
}
