/* A call of an operator from beginning to end; arguments are in args.c, results in result.c. */
#include "plugin/call.h"

#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "plugin/call_state.h"
#include "plugin/param.h"

lab_status lab_call_new(lab_registry *registry, const lab_op *op, const lab_tensor *input,
                        lab_call **out, lab_error *error)
{
    *out = NULL;
    if (input->kind != op->in) {
        char text[160];
        lab_tensor_describe(input, text, sizeof text);
        return lab_error_set(error, LAB_E_INVALID, "%s: the input must be of kind %s, got %s",
                             op->name, lab_type_name(op->in), text);
    }
    lab_context *ctx = lab_registry_context(registry);
    lab_call *call = lab_alloc_zero(ctx, sizeof *call);
    if (!call)
        return lab_error_nomem(error, sizeof *call, op->name);
    call->api = lab_registry_api(registry);
    call->registry = registry;
    call->ctx = ctx;
    call->op = op;
    call->descriptor = op;
    call->n_params = lab_param_count(op->params);
    atomic_init(&call->status, LAB_OK);
    lab_arena_init(&call->arena, ctx);
    call->args = lab_arena_array(&call->arena, call->n_params, sizeof *call->args);
    if (!call->args) {
        lab_arena_reset(&call->arena);
        lab_free(ctx, call);
        return lab_error_nomem(error, sizeof *call->args, op->name);
    }
    lab_tensor_ref(&call->input, input);
    *out = call;
    return LAB_OK;
}

void lab_call_free(lab_call *call)
{
    if (!call)
        return;
    lab_call_clear_args(call);
    lab_call_clear_result(call);
    lab_tensor_clear(&call->input);
    lab_arena_reset(&call->arena);
    lab_free(call->ctx, call);
}

/* ---- failing ---- */

/* A plugin may return anything: what is no status of ours becomes one. */
static lab_status known_status(lab_status status)
{
    return status < LAB_OK && status >= LAB_E_LIMIT ? status : LAB_E_UNSUPPORTED;
}

static lab_status call_vfail(lab_call *call, lab_status status, const char *fmt, va_list args)
{
    status = known_status(status);
    int none = LAB_OK;
    if (atomic_compare_exchange_strong(&call->status, &none, (int)status))
        lab_error_vset(&call->error, status, fmt, args);
    return status;
}

lab_status lab_call_fail(lab_call *call, lab_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    status = call_vfail(call, status, fmt, args);
    va_end(args);
    return status;
}

static lab_status call_status(const lab_call *call)
{
    return (lab_status)atomic_load(&call->status);
}

/* ---- running ---- */

/* What came of run: its status, the call's own, and whether the promised result is there. */
static lab_status outcome(lab_call *call, lab_status returned, lab_error *error)
{
    lab_status failed = call_status(call);
    if (failed)
        return lab_error_set(error, failed, "%s: %s", call->op->name, call->error.message);
    if (returned == LAB_OK)
        return lab_call_check_result(call, error);
    const lab_plugin *owner = lab_registry_owner(call->registry, call->descriptor);
    return lab_error_set(error, known_status(returned),
                         "%s: failed without saying why (it returned %d; a bug in plugin %s)",
                         call->op->name, (int)returned, owner ? owner->name : "unknown");
}

lab_status lab_call_run(lab_call *call, lab_error *error)
{
    if (call->ran)
        return lab_error_set(error, LAB_E_INVALID, "%s: this call has been run already",
                             call->op->name);
    lab_status status = lab_call_finish_args(call, error);
    if (status)
        return status;
    if (!call->service && lab_stopped(call->ctx))
        return lab_error_set(error, LAB_E_INTERRUPTED, "%s: stopped on request", call->op->name);
    call->ran = true;
    status = outcome(call, call->op->run(call), error);
    call->ok = status == LAB_OK;
    return status;
}

typedef struct ranges {
    lab_range_fn *fn;
    void *user;
} ranges;

static void run_range(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    (void)thread;
    const ranges *r = user;
    r->fn(r->user, begin, end);
}

static lab_status call_parallel(lab_call *call, uint32_t count, uint32_t grain, lab_range_fn *fn,
                                void *user)
{
    ranges r = { fn, user };
    if (!lab_pool_run(call->ctx->pool, count, grain, run_range, &r, &call->ctx->stop))
        lab_call_fail(call, LAB_E_INTERRUPTED, "stopped on request");
    return call_status(call);
}

static void *call_alloc(lab_call *call, size_t size)
{
    void *ptr = lab_arena_alloc(&call->arena, size);
    if (!ptr)
        lab_call_fail(call, LAB_E_NOMEM, "out of memory: %zu bytes", size);
    return ptr;
}

static bool call_should_stop(const lab_call *call)
{
    return lab_stopped(call->ctx);
}

static const lab_tensor *call_input(const lab_call *call)
{
    return &call->input;
}

/* ---- label sets: operators may ask about one that is not there ---- */

static uint32_t label_count(const lab_labels *labels)
{
    return labels ? lab_labels_count(labels) : 0;
}

static const char *label_name(const lab_labels *labels, uint32_t id)
{
    return labels ? lab_labels_name(labels, id) : NULL;
}

static uint32_t label_color(const lab_labels *labels, uint32_t id)
{
    return labels ? lab_labels_color(labels, id) : 0;
}

void lab_call_fill_api(lab_host_api *api)
{
    api->input = call_input;
    api->call_alloc = call_alloc;
    api->call_parallel = call_parallel;
    api->call_should_stop = call_should_stop;
    api->call_status = call_status;
    api->call_vfail = call_vfail;
    api->label_count = label_count;
    api->label_name = label_name;
    api->label_color = label_color;
    lab_args_fill_api(api);
    lab_result_fill_api(api);
    lab_service_fill_api(api);
}
