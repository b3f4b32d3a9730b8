/* What a call consists of, for the files that make it. */
#ifndef LAB_PLUGIN_CALL_STATE_H
#define LAB_PLUGIN_CALL_STATE_H

#include "plugin/call.h"

typedef struct lab_arg {
    bool given;
    int64_t integer;  /* LAB_INT, LAB_BOOL, LAB_ENUM, LAB_COLOR */
    double number;    /* LAB_FLOAT */
    const char *text; /* LAB_STRING, LAB_BYTES */
    size_t text_size;
    double *numbers;  /* LAB_FLOATS; the components of a LAB_COLOR given as a list */
    int32_t *classes; /* LAB_CLASSES */
    uint32_t count;   /* of the list in use */
    uint32_t room;
    bool is_list;      /* LAB_COLOR: `numbers` are still to be put together */
    lab_tensor tensor; /* a reference */
} lab_arg;

struct lab_call {
    const lab_host_api *api; /* first: see LAB_API_OF */
    lab_registry *registry;
    lab_context *ctx;
    const lab_op *op;
    const void *descriptor;   /* for naming its plugin: the operator, the reader or the service */
    const lab_reader *reader; /* NULL for operators */
    const uint8_t *file;      /* what it reads */
    size_t file_size;
    const lab_service *service; /* NULL for operators and readers */
    lab_op opening;             /* what `op` is while a service is opened */
    void *object;               /* of the service */
    lab_tensor input;
    lab_arena arena;
    lab_arg *args;
    uint32_t n_params;
    bool ran, ok;

    /* The first failure wins: workers may fail at the same time. The message is read only after
     * the pieces of work have been waited for. */
    atomic_int status;
    lab_error error;

    bool has_result;
    lab_tensor result;   /* what the operator sees and fills */
    lab_tensor pristine; /* as it was handed out: an operator may not change what it describes */
    lab_buffer *bytes;
    lab_record *records, *last_record;
    lab_field *last_field;
    lab_field value; /* of a method that gives one; its type is LAB_NONE before */
};

/* Sets the call's error unless it has one; returns `status`. */
LAB_PRINTF(3, 4)
lab_status lab_call_fail(lab_call *call, lab_status status, const char *fmt, ...);

/* ---- args.c ---- */

/* Fills in defaults and checks that nothing is missing. */
lab_status lab_call_finish_args(lab_call *call, lab_error *error);
void lab_call_clear_args(lab_call *call);
void lab_args_fill_api(lab_host_api *api);

/* ---- result.c ---- */

/* Whether there is the result that the operator promises. */
lab_status lab_call_check_result(const lab_call *call, lab_error *error);
void lab_call_clear_result(lab_call *call);
void lab_result_fill_api(lab_host_api *api);

/* ---- service.c ---- */

void lab_service_fill_api(lab_host_api *api);

#endif
