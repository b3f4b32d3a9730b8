/* What only built-in operators may use of a call: its context, and results made with it. */
#include "plugin/call_state.h"

lab_context *lab_call_context(const lab_call *call)
{
    return call->ctx;
}

lab_status lab_call_give(lab_call *call, lab_tensor *tensor)
{
    lab_tensor given = *tensor;
    *tensor = (lab_tensor){ 0 };
    if (given.kind != call->op->out || call->has_result) {
        lab_status status = lab_call_fail(call, LAB_E_UNSUPPORTED, "cannot give a %s as result",
                                          lab_type_name(given.kind));
        lab_tensor_clear(&given);
        return status;
    }
    call->result = given;
    call->pristine = given;
    call->has_result = true;
    return LAB_OK;
}
