/*
 * Objects of services: opening one is a call whose result is the object, a method is a call without
 * an input tensor that knows its object.
 */
#include "plugin/service.h"

#include <string.h>

#include "base/error.h"
#include "plugin/call_state.h"

static lab_status run_open(lab_call *call)
{
    return call->service->open(call, &call->object);
}

static lab_status new_call(lab_registry *registry, const lab_service *service, const lab_op *op,
                           lab_call **out, lab_error *error)
{
    const lab_tensor nothing = { 0 };
    lab_status status = lab_call_new(registry, op, &nothing, out, error);
    if (status)
        return status;
    (*out)->service = service;
    (*out)->descriptor = service;
    return LAB_OK;
}

lab_status lab_service_new(lab_registry *registry, const lab_service *service, lab_call **out,
                           lab_error *error)
{
    const lab_op opening = { .name = service->name,
                             .summary = service->summary,
                             .params = service->params,
                             .run = run_open };
    lab_status status = new_call(registry, service, &opening, out, error);
    if (status)
        return status;
    (*out)->opening = opening;
    (*out)->op = &(*out)->opening;
    return LAB_OK;
}

lab_status lab_service_open(lab_call *call, void **object, lab_error *error)
{
    *object = NULL;
    lab_status status = lab_call_run(call, error);
    if (status)
        return status;
    if (!call->object) {
        const lab_plugin *owner = lab_registry_owner(call->registry, call->descriptor);
        return lab_error_set(error, LAB_E_UNSUPPORTED, "%s: opened nothing (a bug in plugin %s)",
                             call->op->name, owner ? owner->name : "unknown");
    }
    *object = call->object;
    call->object = NULL;
    return LAB_OK;
}

const lab_op *lab_service_method(const lab_service *service, const char *method)
{
    size_t prefix = strlen(service->name) + 1;
    for (size_t i = 0; service->methods[i]; i++) {
        if (strcmp(service->methods[i]->name + prefix, method) == 0)
            return service->methods[i];
    }
    return NULL;
}

lab_status lab_service_call(lab_registry *registry, const lab_service *service,
                            const lab_op *method, lab_call **out, lab_error *error)
{
    return new_call(registry, service, method, out, error);
}

lab_status lab_service_run(lab_call *call, void *object, lab_error *error)
{
    call->object = object;
    return lab_call_run(call, error);
}

/* ---- the plugin's side ---- */

/* While opening, what open has written so far is not an object yet. */
static void *object(const lab_call *call)
{
    return call->op == &call->opening ? NULL : call->object;
}

static lab_context *context(const lab_call *call)
{
    return call->ctx;
}

static void interrupt(lab_context *ctx)
{
    atomic_store(&ctx->stop, true);
}

void lab_service_fill_api(lab_host_api *api)
{
    api->object = object;
    api->context = context;
    api->interrupt = interrupt;
}
