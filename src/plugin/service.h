/*
 * Services from the host's side: an object is opened by a call, and its methods are calls as well,
 * with all that call.h has for setting arguments and taking results. The Lua binding and C
 * embedders share this.
 */
#ifndef LAB_PLUGIN_SERVICE_H
#define LAB_PLUGIN_SERVICE_H

#include "plugin/call.h"

/*
 * Begins the opening of an object: set the options with lab_call_set_…, then lab_service_open. On
 * success free the call with lab_call_free.
 */
lab_status lab_service_new(lab_registry *registry, const lab_service *service, lab_call **out,
                           lab_error *error);
/* The object is the caller's to close with service->close; *object is NULL on failure. */
lab_status lab_service_open(lab_call *call, void **object, lab_error *error);

/* The method of that name without the service's; NULL when there is none. */
const lab_op *lab_service_method(const lab_service *service, const char *method);

/* Begins a call of a method; lab_service_run runs it on an object of that service. */
lab_status lab_service_call(lab_registry *registry, const lab_service *service,
                            const lab_op *method, lab_call **out, lab_error *error);
lab_status lab_service_run(lab_call *call, void *object, lab_error *error);

#endif
