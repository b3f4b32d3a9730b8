/* A registry with the built-in operators, and calls of them in one line. */
#ifndef TEST_UNIT_OPS_FIXTURE_H
#define TEST_UNIT_OPS_FIXTURE_H

#include "picture_bytes.h"
#include "plugin/call.h"

typedef struct ops_host {
    lab_context ctx;
    lab_host_api api;
    lab_registry *registry;
} ops_host;

/* A plugin that every host gets from now on; NULL: none but what is built in. */
extern const lab_plugin *ops_extra_plugin;

lab_status ops_host_init(ops_host *host, const lab_allocator *allocator, unsigned threads,
                         lab_error *error);
void ops_host_finish(ops_host *host);

/* One argument; lists end with NO_ARG. */
typedef struct op_arg {
    const char *name;
    enum { ARG_INT, ARG_FLOAT, ARG_TEXT, ARG_BYTES, ARG_TENSOR, ARG_CLASSES, ARG_BOOL } type;
    double number;
    const char *text;
    size_t size;
    const lab_tensor *tensor;
    const int *ids;
} op_arg;

#define ARG_I(n, v)                                                                                \
    {                                                                                              \
        .name = (n), .type = ARG_INT, .number = (double)(v)                                        \
    }
#define ARG_L(n, v)                                                                                \
    {                                                                                              \
        .name = (n), .type = ARG_BOOL, .number = (v)                                               \
    }
#define ARG_F(n, v)                                                                                \
    {                                                                                              \
        .name = (n), .type = ARG_FLOAT, .number = (v)                                              \
    }
#define ARG_S(n, v)                                                                                \
    {                                                                                              \
        .name = (n), .type = ARG_TEXT, .text = (v)                                                 \
    }
#define ARG_B(n, v, s)                                                                             \
    {                                                                                              \
        .name = (n), .type = ARG_BYTES, .text = (const char *)(v), .size = (s)                     \
    }
#define ARG_T(n, v)                                                                                \
    {                                                                                              \
        .name = (n), .type = ARG_TENSOR, .tensor = (v)                                             \
    }
#define ARG_C(n, ...)                                                                              \
    {                                                                                              \
        .name = (n), .type = ARG_CLASSES, .ids = (const int[])                                     \
        {                                                                                          \
            __VA_ARGS__, -1                                                                        \
        }                                                                                          \
    }
#define NO_ARG                                                                                     \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define ARGS(...) ((const op_arg[]){ __VA_ARGS__, NO_ARG })

/* Runs an operator; *call is to be freed also on failure (it may be NULL). */
lab_status op_run(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
                  lab_call **call, lab_error *error);

/* Runs an operator whose result is a tensor; asserts success. */
void op_tensor(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
               lab_tensor *out);

/* Runs an operator that must fail with this status and a sentence with these words. */
void op_refused(ops_host *host, const char *op, const lab_tensor *in, const op_arg *args,
                lab_status status, const char *words);

/* The field of a row; asserts that it is there. */
const lab_field *record_field(const lab_record *record, const char *name);

/* Tensors of random bytes below `limit`. */
void make_bytes(lab_context *ctx, lab_type kind, int32_t width, int32_t height, uint32_t limit,
                uint32_t seed, lab_tensor *out);

/* The allocation-failure sweep over one operator: `args` as above. */
typedef struct op_sweep {
    const char *op;
    const lab_tensor *in;
    const op_arg *args;
} op_sweep;

void sweep_op(const char *op, const lab_tensor *in, const op_arg *args);

/* Runs the operator with 1, 2 and 3 threads and asserts equal bytes. */
void same_with_threads(const char *op, const lab_tensor *in, const op_arg *args);

#endif
