/*
 * A service as it should be, and methods that misbehave: an object that counts. Ending the plugin
 * while objects are open aborts.
 */
#include "lab_plugin.h"

#include <stdlib.h>

typedef struct counter {
    int64_t value, step;
} counter;

static int open_now;

enum { OPEN_START, OPEN_STEP, OPEN_HOW };
enum { HOW_WELL, HOW_REFUSED, HOW_NOTHING, HOW_SILENT };

static lab_status counter_open(lab_call *call, void **object)
{
    int64_t how = lab_arg_int(call, OPEN_HOW);
    if (lab_object(call))
        return lab_fail(call, LAB_E_UNSUPPORTED, "there is an object before it was opened");
    if (how == HOW_REFUSED)
        return lab_fail(call, LAB_E_IO, "the device is busy");
    if (how != HOW_WELL)
        return how == HOW_NOTHING ? LAB_OK : LAB_E_IO;
    counter *c = calloc(1, sizeof *c);
    if (!c)
        return lab_fail(call, LAB_E_NOMEM, "out of memory: a counter");
    c->value = lab_arg_int(call, OPEN_START);
    c->step = lab_arg_int(call, OPEN_STEP);
    open_now++;
    *object = c;
    return LAB_OK;
}

static void counter_close(void *object)
{
    free(object);
    open_now--;
}

static lab_status add_run(lab_call *call)
{
    counter *c = lab_object(call);
    c->value += lab_given(call, 0) ? lab_arg_int(call, 0) : c->step;
    return lab_result_int(call, c->value);
}

static lab_status reset_run(lab_call *call)
{
    counter *c = lab_object(call);
    c->value = 0;
    return LAB_OK;
}

static lab_status is_odd_run(lab_call *call)
{
    const counter *c = lab_object(call);
    return lab_result_int(call, c->value & 1);
}

static lab_status half_run(lab_call *call)
{
    const counter *c = lab_object(call);
    return lab_result_float(call, (double)c->value / 2);
}

static lab_status text_run(lab_call *call)
{
    char text[32];
    const counter *c = lab_object(call);
    snprintf(text, sizeof text, "%lld", (long long)c->value);
    return lab_result_string(call, text);
}

/* A row with bytes in it; none at zero. */
static lab_status row_run(lab_call *call)
{
    const counter *c = lab_object(call);
    if (c->value == 0)
        return LAB_OK;
    lab_record_begin(call);
    lab_record_int(call, "value", c->value);
    lab_record_bytes(call, "bytes", "a\0b\xff", 4);
    lab_record_bytes(call, "nothing", NULL, 0);
    return lab_call_status(call);
}

static lab_status rows_run(lab_call *call)
{
    const counter *c = lab_object(call);
    for (int64_t i = 1; i <= c->value && !lab_record_begin(call); i++)
        lab_record_int(call, "i", i);
    return lab_call_status(call);
}

static lab_status tensor_run(lab_call *call)
{
    const counter *c = lab_object(call);
    const int32_t shape[] = { 1 };
    lab_tensor *out = lab_result(call, LAB_TENSOR, LAB_I64, 1, shape);
    if (out)
        *(int64_t *)out->data = c->value;
    return lab_call_status(call);
}

static lab_status bytes_run(lab_call *call)
{
    uint8_t *out = lab_result_bytes(call, 2);
    if (out)
        out[0] = out[1] = '\0';
    return lab_call_status(call);
}

static lab_status wait_run(lab_call *call)
{
    return lab_should_stop(call) ? lab_fail(call, LAB_E_INTERRUPTED, "stopped on request") : LAB_OK;
}

static lab_status interrupt_run(lab_call *call)
{
    lab_interrupt(LAB_API_OF(call), lab_context_of(call));
    return LAB_OK;
}

static lab_status open_run(lab_call *call)
{
    return lab_result_int(call, open_now);
}

/* ---- what a host must not believe ---- */

static lab_status silent_run(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

static lab_status twice_run(lab_call *call)
{
    lab_result_int(call, 1);
    return lab_result_int(call, 2);
}

static lab_status two_rows_run(lab_call *call)
{
    lab_record_begin(call);
    return lab_record_begin(call);
}

static const lab_param open_params[] = {
    { .name = "start",
      .type = LAB_INT,
      .doc = "the first value",
      .def = "0",
      .min = -1000,
      .max = 1000,
      .flags = LAB_PARAM_MAIN },
    { .name = "step", .type = LAB_INT, .doc = "what add adds", .def = "1", .min = 0, .max = 9 },
    { .name = "how",
      .type = LAB_ENUM,
      .doc = "how to open",
      .def = "well",
      .choices = "well|refused|nothing|silent" },
    LAB_PARAM_END,
};

static const lab_param add_params[] = {
    { .name = "number",
      .type = LAB_INT,
      .doc = "to add",
      .min = -9,
      .max = 9,
      .flags = LAB_PARAM_MAIN | LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

#define METHOD(id, type, function)                                                                 \
    static const lab_op id = {                                                                     \
        .name = "counter." #id, .summary = "a test", .out = type, .run = function                  \
    }
static const lab_op add = { .name = "counter.add",
                            .summary = "adds a number, or the step",
                            .out = LAB_INT,
                            .params = add_params,
                            .run = add_run };
METHOD(reset, LAB_NONE, reset_run);
METHOD(is_odd, LAB_BOOL, is_odd_run);
METHOD(half, LAB_FLOAT, half_run);
METHOD(text, LAB_STRING, text_run);
METHOD(row, LAB_RECORD, row_run);
METHOD(rows, LAB_RECORDS, rows_run);
METHOD(tensor, LAB_TENSOR, tensor_run);
METHOD(bytes, LAB_BYTES, bytes_run);
METHOD(wait, LAB_NONE, wait_run);
METHOD(interrupt, LAB_NONE, interrupt_run);
METHOD(open, LAB_INT, open_run);
METHOD(silent, LAB_INT, silent_run);
METHOD(twice, LAB_INT, twice_run);
METHOD(wrong, LAB_STRING, twice_run);
METHOD(two_rows, LAB_RECORD, two_rows_run);

static const lab_op *const methods[] = { &add,   &reset, &is_odd,   &half,      &text, &row,
                                         &rows,  &bytes, &tensor,   &wait,      &open, &silent,
                                         &twice, &wrong, &two_rows, &interrupt, NULL };

static const lab_service counter_service = { .name = "counter",
                                             .summary = "counts",
                                             .params = open_params,
                                             .open = counter_open,
                                             .close = counter_close,
                                             .methods = methods };
static const lab_service *const services[] = { &counter_service, NULL };

/* Everything that was opened must have been closed by now. */
static void fini(void)
{
    if (open_now != 0)
        abort();
}

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,  .name = "counter", .version = "1",       .summary = "a service for tests",
    .licence = "MIT", .fini = fini,      .services = services,
};
LAB_PLUGIN_ENTRY(counter, &plugin)
