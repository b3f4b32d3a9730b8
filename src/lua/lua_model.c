/* Models in Lua: loading, closing, and what a model is. Running them is in lua_model_run.c. */
#include "lua/lua_model.h"

#include <string.h>

/* Model files are mapped, not read; no segmentation network is near this. */
#define MODEL_LIMIT ((size_t)UINT32_MAX)

static lab_lua_model *check_box(lua_State *L)
{
    lab_lua_model *box = luaL_checkudata(L, 1, LAB_LUA_MODEL);
    if (!box->model)
        luaL_error(L, "attempt to use a closed model");
    return box;
}

lab_model *lab_lua_check_model(lua_State *L)
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
static lab_status load_and_digest(lua_State *L, lab_buffer *file, const char *name,
                                  lab_lua_model *box, lab_error *error)
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
    lab_lua_model *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (lab_lua_model){ 0 };
    luaL_setmetatable(L, LAB_LUA_MODEL);
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
    lab_file_rest(file); /* the weights are packed, and the digest is made */
    lab_model_stats stats;
    lab_model_get_stats(box->model, &stats);
    box->held = stats.constant_bytes + stats.packed_bytes + stats.arena_bytes + stats.scratch_bytes;
    lab_lua_hold(L, LAB_HELD_MODELS, box->held);
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
    lab_lua_model *box = luaL_checkudata(L, 1, LAB_LUA_MODEL);
    lab_model *model = box->model;
    size_t held = box->held;
    *box = (lab_lua_model){ 0 };
    lab_model_free(model);
    lab_lua_drop(L, LAB_HELD_MODELS, held);
    return 0;
}

static int model_tostring(lua_State *L)
{
    lab_lua_model *box = luaL_checkudata(L, 1, LAB_LUA_MODEL);
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
    lab_lua_check_model(L);
    lua_getiuservalue(L, 1, 1);
    return 1;
}

static int model_format(lua_State *L)
{
    lua_pushstring(L, lab_model_graph(lab_lua_check_model(L))->format);
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
        i >= 1 && i <= INT32_MAX ? get(lab_lua_check_model(L), (uint32_t)i - 1) : NULL;
    if (!tensor)
        return 0;
    lab_tensor copy = *tensor;
    lua_newtable(L);
    lab_lua_set_layout(L, &copy);
    return 1;
}

static int model_input(lua_State *L)
{
    lab_lua_check_model(L);
    return push_layout(L, lab_model_input);
}

static int model_output(lua_State *L)
{
    lab_lua_check_model(L);
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
    const lab_head head = *lab_model_head(lab_lua_check_model(L));
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
    lab_model_get_stats(lab_lua_check_model(L), &stats);
    lua_newtable(L);
    lab_lua_set_integer(L, "nodes", stats.nodes);
    lab_lua_set_integer(L, "folded", stats.folded);
    lab_lua_set_integer(L, "removed", stats.removed);
    lab_lua_set_integer(L, "macs", (lua_Integer)stats.macs);
    lab_lua_set_integer(L, "constant_bytes", (lua_Integer)stats.constant_bytes);
    lab_lua_set_integer(L, "packed_bytes", (lua_Integer)stats.packed_bytes);
    lab_lua_set_integer(L, "arena_bytes", (lua_Integer)stats.arena_bytes);
    lab_lua_set_integer(L, "scratch_bytes", (lua_Integer)stats.scratch_bytes);
    lab_lua_set_integer(L, "workspace_bytes",
                        (lua_Integer)lab_model_workspace_bytes(lab_lua_check_model(L)));
    lab_lua_set_integer(L, "operators", lab_model_graph(lab_lua_check_model(L))->n_operators);
    lab_lua_set_integer(L, "peak_bytes", (lua_Integer)stats.peak_bytes);
    if (stats.peak_node) {
        lab_lua_set_integer(L, "peak_index", stats.peak_node->node.index);
        lab_lua_set_string(L, "peak_label", stats.peak_node->label);
    }
    return 1;
}

const char *lab_lua_kernel_name(const lab_model *model, uint32_t i)
{
    const lab_kernel *kernel = lab_model_kernel(model, i);
    return kernel ? kernel->name : "folded";
}

/* The model is asked for again at each step: a finaliser may close it while tables are made. */
static void push_node(lua_State *L, uint32_t i)
{
    lua_createtable(L, 0, 8);
    lab_lua_set_integer(L, "index", lab_model_graph(lab_lua_check_model(L))->nodes[i]->node.index);
    lab_lua_set_string(L, "op", lab_model_graph(lab_lua_check_model(L))->nodes[i]->node.op);
    lab_lua_set_string(L, "label", lab_model_graph(lab_lua_check_model(L))->nodes[i]->label);
    lab_lua_set_string(L, "name", lab_model_graph(lab_lua_check_model(L))->nodes[i]->node.name);
    lab_lua_set_string(L, "kernel", lab_lua_kernel_name(lab_lua_check_model(L), i));
    lab_lua_set_integer(L, "macs", (lua_Integer)lab_model_macs(lab_lua_check_model(L), i));
    const lab_node *node = &lab_model_graph(lab_lua_check_model(L))->nodes[i]->node;
    if (node->n_out > 0 && node->out[0]) {
        lab_tensor copy = *node->out[0];
        lab_lua_set_layout(L, &copy);
    }
}

static int model_nodes(lua_State *L)
{
    lua_settop(L, 1);
    lab_lua_check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(lab_lua_check_model(L))->n_nodes; i++) {
        push_node(L, i);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

/* What the file has, whatever became of it: {index, op, label, name, shape, dtype, …}. */
static int model_operators(lua_State *L)
{
    lua_settop(L, 1);
    lab_lua_check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(lab_lua_check_model(L))->n_operators; i++) {
        lua_createtable(L, 0, 6);
        lab_operator op = lab_model_graph(lab_lua_check_model(L))->operators[i];
        lab_lua_set_integer(L, "index", op.node->node.index);
        op = lab_model_graph(lab_lua_check_model(L))->operators[i];
        lab_lua_set_string(L, "op", op.node->node.op);
        op = lab_model_graph(lab_lua_check_model(L))->operators[i];
        lab_lua_set_string(L, "label", op.node->label);
        const lab_value *value = lab_model_graph(lab_lua_check_model(L))->values[op.out];
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
    lab_lua_check_model(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < lab_model_graph(lab_lua_check_model(L))->n_removed; i++) {
        lua_createtable(L, 0, 6);
        const lab_removed gone = lab_model_graph(lab_lua_check_model(L))->removed[i];
        lua_Integer index = gone.node->node.index, into = -1;
        if (gone.into)
            into = gone.into->node.index;
        lab_lua_set_string(L, "reason", gone.reason);
        lab_lua_set_integer(L, "index", index);
        if (into >= 0)
            lab_lua_set_integer(L, "into", into);
        const lab_graph *graph = lab_model_graph(lab_lua_check_model(L));
        lab_lua_set_string(L, "op", graph->removed[i].node->node.op);
        graph = lab_model_graph(lab_lua_check_model(L));
        lab_lua_set_string(L, "label", graph->removed[i].node->label);
        graph = lab_model_graph(lab_lua_check_model(L));
        lab_lua_set_string(L, "name", graph->removed[i].node->node.name);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

void lab_lua_open_models(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__tostring", model_tostring }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "name", model_name },           { "format", model_format },
        { "input", model_input },         { "output", model_output },
        { "head", model_head },           { "stats", model_stats },
        { "nodes", model_nodes },         { "removed", model_removed },
        { "operators", model_operators }, { "run", lab_lua_model_run },
        { "start", lab_lua_model_start }, { "profile", lab_lua_model_profile },
        { "sha256", model_sha256 },       { NULL, NULL },
    };
    lab_lua_new_class(L, LAB_LUA_MODEL, model_close, meta, methods);
    lua_pop(L, 1);
}
