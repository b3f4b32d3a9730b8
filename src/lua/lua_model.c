/*
 * Models in Lua. Everything a run needs from Lua (the copies that take its results) is made before
 * it, so that nothing of Lua happens between the network's start and the last copied byte.
 */
#include "lua/lua_util.h"

#include <string.h>

#include "base/sha256.h"

#define MODEL "lab.Model"
/* Model files are mapped, not read; no segmentation network is near this. */
#define MODEL_LIMIT ((size_t)UINT32_MAX)
#define MAX_TENSORS 16

typedef struct lua_model {
    lab_model *model; /* NULL: closed */
    size_t held;
    char sha256[LAB_SHA256_HEX]; /* of the file */
} lua_model;

static lua_model *check_box(lua_State *L)
{
    lua_model *box = luaL_checkudata(L, 1, MODEL);
    if (!box->model)
        luaL_error(L, "attempt to use a closed model");
    return box;
}

static lab_model *check_model(lua_State *L)
{
    return check_box(L)->model;
}

/* ---- life ---- */

typedef struct digest {
    lab_buffer *file;
    char *sha256;
} digest;

static void make_digest(void *user)
{
    const digest *d = user;
    lab_sha256_hex(lab_buffer_data(d->file), lab_buffer_size(d->file), d->sha256);
}

/*
 * Loads while another thread, if there is one, finds out which file it is: of the same bytes.
 * Nothing of Lua happens between start and wait.
 */
static lab_status load_and_digest(lua_State *L, lab_buffer *file, const char *name, lua_model *box,
                                  lab_error *error)
{
    digest d = { file, box->sha256 };
    lab_job job = { .fn = make_digest, .user = &d };
    lab_registry *registry = lab_lua_binding(L)->registry;
    lab_jobs *jobs = lab_lua_jobs(L);
    if (jobs)
        lab_job_start(jobs, &job);
    lab_status status = lab_model_load(registry, file, name, &box->model, error);
    if (jobs)
        lab_job_wait(jobs, &job);
    else
        lab_job_do(&job);
    return status;
}

/* `file` is borrowed; the name at index `name` becomes the model's user value. */
static int load(lua_State *L, lab_buffer *file, int name)
{
    lua_model *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (lua_model){ NULL, 0, "" };
    luaL_setmetatable(L, MODEL);
    lua_pushvalue(L, name);
    lua_setiuservalue(L, -2, 1);
    lab_error error;
    if (load_and_digest(L, file, lua_tostring(L, name), box, &error)) {
        box->model = NULL;
        /* A malformed file is the world's fault, whatever the status says. */
        if (error.status == LAB_E_INVALID)
            error.status = LAB_E_FORMAT;
        return lab_lua_fail(L, &error);
    }
    lab_model_stats stats;
    lab_model_get_stats(box->model, &stats);
    box->held = stats.constant_bytes + stats.packed_bytes + stats.arena_bytes + stats.scratch_bytes;
    lab_lua_hold(L, box->held);
    return 1;
}

int lab_lua_load_model(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        const char *slash = strrchr(path, '/');
        lua_pushstring(L, slash && slash[1] ? slash + 1 : path);
        lua_replace(L, 2);
    }
    luaL_checkstring(L, 2);
    lab_lua_guard *guard = lab_lua_new_buffer_guard(L);
    lab_buffer *file;
    lab_error error;
    if (lab_file_map(lab_lua_binding(L)->ctx, path, MODEL_LIMIT, &file, &error))
        return lab_lua_fail(L, &error);
    guard->ptr = file;
    return load(L, file, 2);
}

int lab_lua_load_model_bytes(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lab_lua_guard *guard = lab_lua_new_buffer_guard(L);
    lab_buffer *file = lab_buffer_new(lab_lua_binding(L)->ctx, size);
    if (!file) {
        lab_error error;
        lab_error_nomem(&error, size, "the model's bytes");
        return lab_lua_fail(L, &error);
    }
    guard->ptr = file;
    memcpy(lab_buffer_data(file), bytes, size);
    return load(L, file, 2);
}

static int model_close(lua_State *L)
{
    lua_model *box = luaL_checkudata(L, 1, MODEL);
    lab_model *model = box->model;
    size_t held = box->held;
    *box = (lua_model){ NULL, 0, "" };
    lab_model_free(model);
    lab_lua_drop(L, held);
    return 0;
}

static int model_tostring(lua_State *L)
{
    lua_model *box = luaL_checkudata(L, 1, MODEL);
    lua_getiuservalue(L, 1, 1);
    if (box->model)
        lua_pushfstring(L, "model %s (%s)", lua_tostring(L, -1),
                        lab_model_graph(box->model)->format);
    else
        lua_pushliteral(L, "model (closed)");
    return 1;
}

/* ---- what a model is ---- */

static int model_name(lua_State *L)
{
    check_model(L);
    lua_getiuservalue(L, 1, 1);
    return 1;
}

static int model_format(lua_State *L)
{
    lua_pushstring(L, lab_model_graph(check_model(L))->format);
    return 1;
}

static int model_sha256(lua_State *L)
{
    lua_pushstring(L, check_box(L)->sha256);
    return 1;
}

static int push_layout(lua_State *L, const lab_tensor *(*get)(const lab_model *model, uint32_t i))
{
    lua_Integer i = luaL_optinteger(L, 2, 1);
    const lab_tensor *tensor =
        i >= 1 && i <= INT32_MAX ? get(check_model(L), (uint32_t)i - 1) : NULL;
    if (!tensor)
        return 0;
    lab_tensor copy = *tensor;
    lua_newtable(L);
    lab_lua_set_layout(L, &copy);
    return 1;
}

static int model_input(lua_State *L)
{
    check_model(L);
    return push_layout(L, lab_model_input);
}

static int model_output(lua_State *L)
{
    check_model(L);
    return push_layout(L, lab_model_output);
}

static const char *activation_name(lab_head_activation activation)
{
    switch (activation) {
    case LAB_HEAD_SOFTMAX:
        return "softmax";
    case LAB_HEAD_LOGISTIC:
        return "logistic";
    case LAB_HEAD_NONE:
        break;
    }
    return "none";
}

static int model_head(lua_State *L)
{
    const lab_head head = *lab_model_head(check_model(L));
    if (!head.found)
        return 0;
    lua_newtable(L);
    lab_lua_set_integer(L, "channels", head.channels);
    lab_lua_set_integer(L, "logits_w", head.logits_w);
    lab_lua_set_integer(L, "logits_h", head.logits_h);
    lab_lua_set_integer(L, "out_w", head.out_w);
    lab_lua_set_integer(L, "out_h", head.out_h);
    lab_lua_set_bool(L, "align_corners", head.align_corners);
    lab_lua_set_bool(L, "half_pixel_centers", head.half_pixel_centers);
    lab_lua_set_bool(L, "resized", head.resized);
    lab_lua_set_bool(L, "argmax", head.argmax);
    lab_lua_set_string(L, "activation", activation_name(head.activation));
    return 1;
}

static int model_stats(lua_State *L)
{
    lab_model_stats stats;
    lab_model_get_stats(check_model(L), &stats);
    lua_newtable(L);
    lab_lua_set_integer(L, "nodes", stats.nodes);
    lab_lua_set_integer(L, "folded", stats.folded);
    lab_lua_set_integer(L, "removed", stats.removed);
    lab_lua_set_integer(L, "macs", (lua_Integer)stats.macs);
    lab_lua_set_integer(L, "constant_bytes", (lua_Integer)stats.constant_bytes);
    lab_lua_set_integer(L, "packed_bytes", (lua_Integer)stats.packed_bytes);
    lab_lua_set_integer(L, "arena_bytes", (lua_Integer)stats.arena_bytes);
    lab_lua_set_integer(L, "scratch_bytes", (lua_Integer)stats.scratch_bytes);
    lab_lua_set_integer(L, "operators", lab_model_graph(check_model(L))->n_operators);
    lab_lua_set_integer(L, "peak_bytes", (lua_Integer)stats.peak_bytes);
    if (stats.peak_node) {
        lab_lua_set_integer(L, "peak_index", stats.peak_node->node.index);
        lab_lua_set_string(L, "peak_label", stats.peak_node->label);
    }
    return 1;
}

static const char *kernel_name(const lab_model *model, uint32_t i)
{
    const lab_kernel *kernel = lab_model_kernel(model, i);
    return kernel ? kernel->name : "folded";
}

/* The model is asked for again at each step: a finaliser may close it while tables are made. */
static void push_node(lua_State *L, uint32_t i)
{
    lua_createtable(L, 0, 8);
    lab_lua_set_integer(L, "index", lab_model_graph(check_model(L))->nodes[i]->node.index);
    lab_lua_set_string(L, "op", lab_model_graph(check_model(L))->nodes[i]->node.op);
    lab_lua_set_string(L, "label", lab_model_graph(check_model(L))->nodes[i]->label);
    lab_lua_set_string(L, "name", lab_model_graph(check_model(L))->nodes[i]->node.name);
    lab_lua_set_string(L, "kernel", kernel_name(check_model(L), i));
    lab_lua_set_integer(L, "macs", (lua_Integer)lab_model_macs(check_model(L), i));
    const lab_node *node = &lab_model_graph(check_model(L))->nodes[i]->node;
    if (node->n_out > 0 && node->out[0]) {
        lab_tensor copy = *node->out[0];
        lab_lua_set_layout(L, &copy);
    }
}

static int model_nodes(lua_State *L)
{
    lua_settop(L, 1);
    check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(check_model(L))->n_nodes; i++) {
        push_node(L, i);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

/* What the file has, whatever became of it: {index, op, label, name, shape, dtype, …}. */
static int model_operators(lua_State *L)
{
    lua_settop(L, 1);
    check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(check_model(L))->n_operators; i++) {
        lua_createtable(L, 0, 6);
        lab_operator op = lab_model_graph(check_model(L))->operators[i];
        lab_lua_set_integer(L, "index", op.node->node.index);
        op = lab_model_graph(check_model(L))->operators[i];
        lab_lua_set_string(L, "op", op.node->node.op);
        op = lab_model_graph(check_model(L))->operators[i];
        lab_lua_set_string(L, "label", op.node->label);
        const lab_value *value = lab_model_graph(check_model(L))->values[op.out];
        lab_tensor copy = value->tensor;
        lab_lua_set_string(L, "name", value->name);
        lab_lua_set_layout(L, &copy);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

/* The nodes that rewrites took out: {index, op, label, name, reason}, and `into`, the index of the
 * node that does their work, where there is one. */
static int model_removed(lua_State *L)
{
    lua_settop(L, 1);
    check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(check_model(L))->n_removed; i++) {
        lua_createtable(L, 0, 6);
        const lab_removed gone = lab_model_graph(check_model(L))->removed[i];
        lua_Integer index = gone.node->node.index, into = -1;
        if (gone.into)
            into = gone.into->node.index;
        lab_lua_set_string(L, "reason", gone.reason);
        lab_lua_set_integer(L, "index", index);
        if (into >= 0)
            lab_lua_set_integer(L, "into", into);
        const lab_graph *graph = lab_model_graph(check_model(L));
        lab_lua_set_string(L, "op", graph->removed[i].node->node.op);
        graph = lab_model_graph(check_model(L));
        lab_lua_set_string(L, "label", graph->removed[i].node->label);
        graph = lab_model_graph(check_model(L));
        lab_lua_set_string(L, "name", graph->removed[i].node->node.name);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- running ---- */

typedef struct inputs {
    const lab_tensor *tensors[MAX_TENSORS];
    uint32_t count;
} inputs;

/* Argument 2: a value, or a list of them. Allocates nothing: called last before a run. */
static void get_inputs(lua_State *L, inputs *in)
{
    in->count = 0;
    if (!lua_istable(L, 2)) {
        in->tensors[in->count++] = &lab_lua_check_value(L, 2, LAB_NONE)->tensor;
        return;
    }
    lua_Unsigned count = lua_rawlen(L, 2);
    luaL_argcheck(L, count <= MAX_TENSORS, 2, "too many inputs");
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i);
        lab_lua_value *value = lab_lua_test_value(L, -1);
        if (!value)
            luaL_error(L, "inputs[%I] must be a tensor, got a %s", (LUAI_UACINT)i,
                       luaL_typename(L, -1));
        in->tensors[in->count++] = &value->tensor;
        lua_pop(L, 1);
    }
}

static unsigned get_want(lua_State *L)
{
    static const char *const options[] = { "want", NULL };
    static const char what[] = "model:run";
    if (!lab_lua_check_options(L, 3, what, options, true))
        return LAB_WANT_OUTPUTS;
    const char *want = lab_lua_field_string(L, 3, what, "want", "outputs", NULL);
    if (strcmp(want, "outputs") == 0)
        return LAB_WANT_OUTPUTS;
    if (strcmp(want, "logits") != 0)
        luaL_error(L, "%s: want must be \"outputs\" or \"logits\", got \"%s\"", what, want);
    if (!lab_model_head(check_model(L))->found)
        luaL_error(L, "%s: this network has no logits to give: its output is no score map", what);
    return LAB_WANT_LOGITS;
}

/* The layout of result `i`, NULL past the last. */
static const lab_tensor *result_layout(const lab_model *model, unsigned want, uint32_t i)
{
    if (want == LAB_WANT_OUTPUTS)
        return lab_model_output(model, i);
    const lab_graph *graph = lab_model_graph(model);
    return i == 0 ? &graph->values[lab_model_head(model)->logits]->tensor : NULL;
}

static lab_status copy_result(lab_tensor *out, const lab_tensor *result, lab_error *error)
{
    if (!result || result->size != out->size)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "the network gave %zu bytes where its shape says %zu",
                             result ? result->size : 0, out->size);
    memcpy(out->data, result->data, out->size);
    return LAB_OK;
}

/* Puts closed values for the results in the list at `list`; allocated, not filled. */
static int make_results(lua_State *L, int list, unsigned want, lab_lua_value **out, int *count)
{
    *count = 0;
    while (*count < MAX_TENSORS) {
        uint32_t i = (uint32_t)*count;
        if (!result_layout(check_model(L), want, i))
            break;
        lab_lua_value *value = lab_lua_push_value(L, LAB_TENSOR);
        lua_rawseti(L, list, (lua_Integer)i + 1);
        const lab_tensor *layout = result_layout(check_model(L), want, i);
        lab_error error;
        if (lab_tensor_new(lab_lua_binding(L)->ctx, LAB_TENSOR, layout->dtype, layout->rank,
                           layout->shape, &value->tensor, &error))
            return lab_lua_fail(L, &error);
        if (layout->quant.count == 1) { /* lists of scales would have to be copied too */
            value->tensor.quant = layout->quant;
            value->tensor.quant.scales = NULL;
            value->tensor.quant.zero_points = NULL;
        }
        out[(*count)++] = value;
    }
    return 0;
}

static int model_run(lua_State *L)
{
    lua_settop(L, 3);
    check_model(L);
    unsigned want = get_want(L);
    lab_lua_value *results[MAX_TENSORS];
    int count;
    lua_newtable(L);
    int failed = make_results(L, 4, want, results, &count);
    if (failed)
        return failed;
    inputs in;
    get_inputs(L, &in);
    lab_model *model = check_model(L);
    lab_error error;
    lab_status status = lab_model_run(model, in.tensors, in.count, want, &error);
    for (int i = 0; !status && i < count; i++) {
        const lab_tensor *result = want == LAB_WANT_LOGITS ? lab_model_logits(model)
                                                           : lab_model_result(model, (uint32_t)i);
        status = copy_result(&results[i]->tensor, result, &error);
    }
    if (status)
        return lab_lua_fail(L, &error);
    for (int i = 0; i < count; i++)
        lab_lua_value_opened(L, results[i]);
    return 1;
}

/* ---- profile ---- */

typedef struct profile {
    const lab_graph *graph;
    uint64_t *best; /* nanoseconds by position in graph->nodes; UINT64_MAX: did not run */
    uint32_t next;  /* nodes run in order: where to look for the one reported */
} profile;

static void observe(void *user, const lab_graph_node *node, const lab_tensor *outputs,
                    uint64_t nanoseconds)
{
    profile *p = user;
    (void)outputs;
    for (uint32_t n = 0; n < p->graph->n_nodes; n++) {
        uint32_t i = (p->next + n) % p->graph->n_nodes;
        if (p->graph->nodes[i] != node)
            continue;
        if (nanoseconds < p->best[i])
            p->best[i] = nanoseconds;
        p->next = i + 1;
        return;
    }
}

static int push_profile(lua_State *L, const uint64_t *best)
{
    lua_newtable(L);
    lua_Integer n = 0;
    for (uint32_t i = 0; i < lab_model_graph(check_model(L))->n_nodes; i++) {
        if (best[i] == UINT64_MAX)
            continue;
        lua_createtable(L, 0, 4);
        lab_lua_set_integer(L, "index", lab_model_graph(check_model(L))->nodes[i]->node.index);
        lab_lua_set_string(L, "op", lab_model_graph(check_model(L))->nodes[i]->node.op);
        lab_lua_set_string(L, "kernel", kernel_name(check_model(L), i));
        lab_lua_set_number(L, "ms", (lua_Number)best[i] / 1e6);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* m:profile(tensor [, runs=3]): each node's fastest time. */
static int model_profile(lua_State *L)
{
    lua_Integer runs = luaL_optinteger(L, 3, 3);
    luaL_argcheck(L, runs >= 1 && runs <= 10000, 3, "runs must be 1..10000");
    uint32_t n_nodes = lab_model_graph(check_model(L))->n_nodes;
    uint64_t *best = lua_newuserdatauv(L, ((size_t)n_nodes + 1) * sizeof *best, 0);
    memset(best, 0xFF, ((size_t)n_nodes + 1) * sizeof *best);
    inputs in;
    get_inputs(L, &in);
    lab_model *model = check_model(L);
    profile p = { lab_model_graph(model), best, 0 };
    lab_error error;
    lab_status status = LAB_OK;
    lab_model_observe(model, observe, &p);
    for (lua_Integer i = 0; !status && i < runs; i++)
        status = lab_model_run(model, in.tensors, in.count, LAB_WANT_OUTPUTS, &error);
    lab_model_observe(model, NULL, NULL);
    if (status)
        return lab_lua_fail(L, &error);
    return push_profile(L, best);
}

void lab_lua_open_models(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__tostring", model_tostring }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "name", model_name },
        { "format", model_format },
        { "input", model_input },
        { "output", model_output },
        { "head", model_head },
        { "stats", model_stats },
        { "nodes", model_nodes },
        { "removed", model_removed },
        { "operators", model_operators },
        { "run", model_run },
        { "profile", model_profile },
        { "sha256", model_sha256 },
        { NULL, NULL },
    };
    lab_lua_new_class(L, MODEL, model_close, meta, methods);
    lua_pop(L, 1);
}
