/*
 * What the files of the binding share: the state behind the module, objects that are created
 * closed, guards for C resources across Lua errors, and argument checks.
 *
 * A Lua error is a longjmp and any allocation may run finalisers, which are user code. So here:
 *  - a C resource is owned by a userdata (an object or a guard) before the next Lua call;
 *  - a pointer into an object is fetched after the last Lua allocation that precedes its use.
 */
#ifndef LAB_LUA_LUA_UTIL_H
#define LAB_LUA_LUA_UTIL_H

#include <lauxlib.h>
#include <lua.h>

#include "base/jobs.h"
#include "lua/lab_lua.h"

/* ---- the state behind the module ---- */

/* What objects hold beside the few bytes that Lua sees of them. */
typedef enum lab_held {
    LAB_HELD_VALUES, /* tensors, pictures, maps, masks: come and go */
    LAB_HELD_MODELS, /* stay for long */
    LAB_HELD_KINDS
} lab_held;

typedef struct lab_lua_budget {
    size_t held;       /* bytes of the open ones of a kind */
    size_t collect_at; /* the collector is run when `held` passes this */
} lab_lua_budget;

typedef struct lab_binding {
    lab_host *host;
    lab_jobs *jobs;              /* NULL until the first is started */
    lua_State *volatile running; /* the coroutine that core.running_in named; NULL: none */
    lab_context *ctx;
    lab_registry *registry;
    lab_lua_budget budgets[LAB_HELD_KINDS];
} lab_binding;

lab_binding *lab_lua_binding(lua_State *L);
/* The queue of jobs; NULL when there is no memory for it. */
lab_jobs *lab_lua_jobs(lua_State *L);
/* Makes the state and what this file needs; called once, first. */
void lab_lua_open_util(lua_State *L, lab_host *host);

/*
 * Lua sees only a few bytes of an object that may hold megabytes. Adds `bytes` to what its kind
 * holds and runs the collector when that has grown by half, or some megabytes, since its last run,
 * so that garbage stays in proportion: that of pictures to pictures, however large a model is. The
 * object must be reachable from the stack.
 */
void lab_lua_hold(lua_State *L, lab_held kind, size_t bytes);
void lab_lua_drop(lua_State *L, lab_held kind, size_t bytes);
/* Bytes that open objects of all kinds hold. */
size_t lab_lua_held(lua_State *L);

/* ---- errors ---- */

/* LAB_E_INVALID raises with the caller's position; anything else pushes nil, message, code. */
int lab_lua_fail(lua_State *L, const lab_error *error);

/* Raises 'WHAT "word"; did you mean "…"?' with the nearest string of the table at `names`. */
int lab_lua_unknown(lua_State *L, const char *what, const char *word, int names);

/* Pushes the string of the table at `names` that is nearest to `word`, or nil. */
void lab_lua_push_nearest(lua_State *L, const char *word, int names);

/* ---- guards ---- */

typedef struct lab_lua_guard {
    void (*release)(void *ptr);
    void *ptr; /* released when the C function that made the guard is left, however it is left */
} lab_lua_guard;

lab_lua_guard *lab_lua_new_guard(lua_State *L, void (*release)(void *ptr));
/* A guard that drops a reference to a lab_buffer. */
lab_lua_guard *lab_lua_new_buffer_guard(lua_State *L);

/* ---- classes ---- */

/*
 * Makes the metatable `name`: `methods` as a table in __index (left on the stack, on top), `close`
 * as "close", __gc and __close, `meta` besides, hidden from getmetatable.
 */
void lab_lua_new_class(lua_State *L, const char *name, lua_CFunction close, const luaL_Reg *meta,
                       const luaL_Reg *methods);

/* ---- values: tensors, pictures, label maps, masks ---- */

typedef struct lab_lua_value {
    lab_tensor tensor;
    lab_type kind;
    bool open;
    size_t held;
} lab_lua_value;

/* "lab.Image", … */
const char *lab_lua_class_name(lab_type kind);
/* Pushes a closed value: fill `tensor`, then call lab_lua_value_opened. */
lab_lua_value *lab_lua_push_value(lua_State *L, lab_type kind);
void lab_lua_value_opened(lua_State *L, lab_lua_value *value);
/* NULL when there is no value of any kind at `at`. Raises when it is closed. */
lab_lua_value *lab_lua_test_value(lua_State *L, int at);
/* An open value of one kind; LAB_NONE: of any. Raises. */
lab_lua_value *lab_lua_check_value(lua_State *L, int at, lab_type kind);

/* A picture, label map or mask at 1: things with a width. Raises. */
const lab_tensor *lab_lua_check_plane(lua_State *L);

/* Methods: v:get(…), v:set(…), v:at(x, y). */
int lab_lua_value_get(lua_State *L);
int lab_lua_value_set(lua_State *L);
int lab_lua_value_at(lua_State *L);
/* Sets __newindex and the operators of Lua (t + u, a & b) in the metatable on top. */
void lab_lua_set_metamethods(lua_State *L, lab_type kind);

/* Pushes the table {1, 2, 3}. */
void lab_lua_push_shape(lua_State *L, const lab_tensor *tensor);
/* Sets dtype, shape, scale and zero_point in the table on top. */
void lab_lua_set_layout(lua_State *L, const lab_tensor *tensor);

/* Pushes the label set of the value at `at`, or nil. */
void lab_lua_push_labels_of(lua_State *L, int at);
/* NULL for nil or none; raises for anything but an open label set. Borrowed. */
lab_labels *lab_lua_opt_labels(lua_State *L, int at);

/* Pushes the function that calls `op`. */
void lab_lua_push_op(lua_State *L, const lab_op *op);
int lab_lua_op_name(lua_State *L); /* core.op_name(f) */

/*
 * The parts of a call, for methods of services: arguments from the stack, 2 to `top`; the userdata
 * that a tensor will be put in, made before the run (NULL: `op` gives something else); the result.
 * The call is owned by a guard.
 */
lab_lua_guard *lab_lua_new_call_guard(lua_State *L);
void lab_lua_set_arguments(lua_State *L, lab_call *call, const lab_op *op, int top);
lab_lua_value *lab_lua_push_out(lua_State *L, const lab_op *op);
int lab_lua_push_result(lua_State *L, lab_call *call, const lab_op *op, lab_lua_value *out);
int lab_lua_call_failed(lua_State *L, const lab_op *op, const lab_error *error);
/* What a method of a service is; upvalues: the lab_op, the lab_service. */
int lab_lua_run_method(lua_State *L);
/*
 * A call of `op` on the value at 1 with the options of the table at `options` (nothing else: none),
 * whose texts it borrows. *call must be owned by an object: misuse raises. Returns 0, or what a
 * failure pushed.
 */
int lab_lua_new_call(lua_State *L, const lab_op *op, lab_call **call, int options);

/* ---- tables of options ---- */

/* Raises unless the argument at `at` is a table whose keys are all in `names` (NULL at the end);
 * nil and none are allowed when `optional`, and false is returned. */
bool lab_lua_check_options(lua_State *L, int at, const char *what, const char *const *names,
                           bool optional);

/*
 * Fields of the table at `at`, read raw: what they give stays alive as long as the table keeps it.
 * Each raises when the type is wrong; absent (nil) gives the default.
 */
const char *lab_lua_field_string(lua_State *L, int at, const char *what, const char *name,
                                 const char *def, size_t *size);
lua_Integer lab_lua_field_integer(lua_State *L, int at, const char *what, const char *name,
                                  lua_Integer def);
lua_Number lab_lua_field_number(lua_State *L, int at, const char *what, const char *name,
                                lua_Number def);
bool lab_lua_field_bool(lua_State *L, int at, const char *what, const char *name, bool def);
/* Raises "WHAT: NAME is missing" unless the field is there. */
void lab_lua_need_field(lua_State *L, int at, const char *what, const char *name);
/* Pushes the field raw and returns its type. */
int lab_lua_push_field(lua_State *L, int at, const char *name);

/* `field = value` in the table on top. */
void lab_lua_set_string(lua_State *L, const char *field, const char *value); /* NULL: nothing */
void lab_lua_set_integer(lua_State *L, const char *field, lua_Integer value);
void lab_lua_set_number(lua_State *L, const char *field, lua_Number value);
void lab_lua_set_bool(lua_State *L, const char *field, bool value);

/* An argument within bounds; raises "NAME must be MIN..MAX, got VALUE". */
int32_t lab_lua_check_int32(lua_State *L, int at, const char *name, int32_t min, int32_t max);

/* ---- the parts of the module; each registers its functions in the table on top ---- */

void lab_lua_open_values(lua_State *L, int module);
void lab_lua_open_labels(lua_State *L);
void lab_lua_open_models(lua_State *L);
void lab_lua_open_catalogs(lua_State *L);
void lab_lua_open_statements(lua_State *L);
void lab_lua_open_jobs(lua_State *L);
void lab_lua_open_services(lua_State *L);

extern const luaL_Reg lab_lua_make_functions[];    /* decode, image, tensor, … */
extern const luaL_Reg lab_lua_listing_functions[]; /* ops, plugins, kernels, … */
extern const luaL_Reg lab_lua_job_functions[];     /* read_picture, save, … */
extern const luaL_Reg lab_lua_service_functions[]; /* service */

int lab_lua_load_model(lua_State *L);       /* core.load_model(path [, name]) */
int lab_lua_load_model_bytes(lua_State *L); /* core.load_model_bytes(bytes, name) */
int lab_lua_new_labels(lua_State *L);       /* core.labels{…} */
int lab_lua_open_catalog(lua_State *L);     /* core.catalog(path, mode) */
int lab_lua_prepare(lua_State *L);          /* db:prepare(sql) */

/* The open catalog at `at`; raises when it is closed or something else. */
lab_catalog *lab_lua_check_catalog(lua_State *L, int at);

#endif
