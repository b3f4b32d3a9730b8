/*
 * Running models: at once, or as a job beside the script; and how long each node takes. Everything
 * that a run needs of Lua (the tensors that take its results) is made before it, so that nothing of
 * Lua happens between the network's start and the last copied byte.
 */
#include "lua/lua_model.h"

#include <string.h>

#include "lua/lua_job.h"

#define MAX_TENSORS 16

/* ---- arguments and results ---- */

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

/* The kind of result that the options at 3 ask for; `what` is the method. */
static unsigned get_want(lua_State *L, const char *what)
{
    static const char *const options[] = { "want", NULL };
    if (!lab_lua_check_options(L, 3, what, options, true))
        return LAB_WANT_OUTPUTS;
    const char *want = lab_lua_field_string(L, 3, what, "want", "outputs", NULL);
    if (strcmp(want, "outputs") == 0)
        return LAB_WANT_OUTPUTS;
    if (strcmp(want, "logits") != 0)
        luaL_error(L, "%s: want must be \"outputs\" or \"logits\", got \"%s\"", what, want);
    if (!lab_model_head(lab_lua_check_model(L))->found)
        luaL_error(L, "%s: this network has no logits to give: its output is no score map", what);
    return LAB_WANT_LOGITS;
}

static lab_status new_result(lab_context *ctx, const lab_tensor *layout, lab_tensor *out,
                             lab_error *error)
{
    lab_status status =
        lab_tensor_new(ctx, LAB_TENSOR, layout->dtype, layout->rank, layout->shape, out, error);
    if (!status && layout->quant.count == 1) { /* lists of scales would have to be copied too */
        out->quant = layout->quant;
        out->quant.scales = NULL;
        out->quant.zero_points = NULL;
    }
    return status;
}

/* ---- at once ---- */

/* Puts closed values for the results in the list at `list`; allocated, not filled. */
static int make_results(lua_State *L, int list, unsigned want, lab_lua_value **out, uint32_t *count)
{
    for (*count = 0; *count < MAX_TENSORS; (*count)++) {
        if (!lab_model_result_layout(lab_lua_check_model(L), want, *count))
            break;
        lab_lua_value *value = lab_lua_push_value(L, LAB_TENSOR);
        lua_rawseti(L, list, (lua_Integer)*count + 1);
        lab_error error;
        if (new_result(lab_lua_binding(L)->ctx,
                       lab_model_result_layout(lab_lua_check_model(L), want, *count),
                       &value->tensor, &error))
            return lab_lua_fail(L, &error);
        out[*count] = value;
    }
    return 0;
}

int lab_lua_model_run(lua_State *L)
{
    lua_settop(L, 3);
    lab_lua_check_model(L);
    unsigned want = get_want(L, "model:run");
    lab_lua_value *values[MAX_TENSORS];
    lab_tensor *results[MAX_TENSORS];
    uint32_t count;
    lua_newtable(L);
    int failed = make_results(L, 4, want, values, &count);
    if (failed)
        return failed;
    for (uint32_t i = 0; i < count; i++)
        results[i] = &values[i]->tensor;
    inputs in;
    get_inputs(L, &in);
    lab_model *model = lab_lua_check_model(L);
    lab_error error;
    lab_status status = lab_model_run(model, in.tensors, in.count, want, &error);
    if (!status)
        status = lab_model_copy_results(model, want, results, count, &error);
    if (status)
        return lab_lua_fail(L, &error);
    for (uint32_t i = 0; i < count; i++)
        lab_lua_value_opened(L, values[i]);
    return 1;
}

/* ---- as a job ---- */

typedef struct run_state {
    lab_lua_job_head head;
    lab_model *model; /* a reference: the script may close its own meanwhile */
    unsigned want;
    uint32_t n_inputs, n_results;
    lab_tensor inputs[MAX_TENSORS], results[MAX_TENSORS];
} run_state;

static void run_job(void *user)
{
    run_state *s = user;
    const lab_tensor *in[MAX_TENSORS];
    lab_tensor *out[MAX_TENSORS];
    for (uint32_t i = 0; i < s->n_inputs; i++)
        in[i] = &s->inputs[i];
    for (uint32_t i = 0; i < s->n_results; i++)
        out[i] = &s->results[i];
    s->head.status =
        lab_model_run_apart(s->model, in, s->n_inputs, s->want, out, s->n_results, &s->head.error);
}

static int push_results(lua_State *L, void *state)
{
    run_state *s = state;
    lua_createtable(L, (int)s->n_results, 0);
    for (uint32_t i = 0; i < s->n_results; i++) {
        lab_lua_value *value = lab_lua_push_value(L, LAB_TENSOR);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
        value->tensor = s->results[i];
        memset(&s->results[i], 0, sizeof s->results[i]);
        lab_lua_value_opened(L, value);
    }
    return 1;
}

static void release_run(void *state)
{
    run_state *s = state;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        lab_tensor_clear(&s->inputs[i]);
    for (uint32_t i = 0; i < s->n_results; i++)
        lab_tensor_clear(&s->results[i]);
    lab_model_free(s->model);
}

/* References to the inputs and room for the results. 0, or what a failure pushed. */
static int fill_state(lua_State *L, run_state *s, const inputs *in)
{
    lab_error error;
    lab_context *ctx = lab_lua_binding(L)->ctx;
    const lab_tensor *layout;
    if (lab_model_check_run(s->model, in->tensors, in->count, s->want, &error))
        return lab_lua_fail(L, &error);
    for (; s->n_inputs < in->count; s->n_inputs++)
        lab_tensor_ref(&s->inputs[s->n_inputs], in->tensors[s->n_inputs]);
    while (s->n_results < MAX_TENSORS &&
           (layout = lab_model_result_layout(s->model, s->want, s->n_results))) {
        if (new_result(ctx, layout, &s->results[s->n_results], &error))
            return lab_lua_fail(L, &error);
        s->n_results++;
    }
    return 0;
}

/* Runs at the same time need memory of their own, which the model keeps: the collector hears of it
 * with the next start. */
static void hold_workspaces(lua_State *L)
{
    lab_lua_model *box = luaL_checkudata(L, 1, LAB_LUA_MODEL);
    size_t now = lab_model_workspace_bytes(box->model);
    if (now <= box->held_workspaces)
        return;
    size_t more = now - box->held_workspaces;
    box->held_workspaces = now;
    box->held += more;
    lab_lua_hold(L, LAB_HELD_MODELS, more);
}

int lab_lua_model_start(lua_State *L)
{
    static const lab_lua_job_kind kind = { run_job, push_results, release_run };
    lua_settop(L, 3);
    lab_lua_check_model(L);
    hold_workspaces(L);
    lab_lua_check_model(L);
    unsigned want = get_want(L, "model:start");
    lua_getiuservalue(L, 1, 1); /* 4: its name, for messages */
    run_state *s = lab_lua_push_job(L, &kind, sizeof *s, lua_tostring(L, 4)); /* at 5 */
    inputs in;
    get_inputs(L, &in);
    s->want = want;
    s->model = lab_lua_check_model(L);
    lab_model_ref(s->model);
    int failed = fill_state(L, s, &in);
    if (failed)
        return failed;
    lab_lua_start_job(L, 5);
    lua_settop(L, 5);
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
    for (uint32_t i = 0; i < lab_model_graph(lab_lua_check_model(L))->n_nodes; i++) {
        if (best[i] == UINT64_MAX)
            continue;
        lua_createtable(L, 0, 4);
        lab_lua_set_integer(L, "index",
                            lab_model_graph(lab_lua_check_model(L))->nodes[i]->node.index);
        lab_lua_set_string(L, "op", lab_model_graph(lab_lua_check_model(L))->nodes[i]->node.op);
        lab_lua_set_string(L, "kernel", lab_lua_kernel_name(lab_lua_check_model(L), i));
        lab_lua_set_number(L, "ms", (lua_Number)best[i] / 1e6);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* m:profile(tensor [, runs=3]): each node's fastest time. */
int lab_lua_model_profile(lua_State *L)
{
    lua_Integer runs = luaL_optinteger(L, 3, 3);
    luaL_argcheck(L, runs >= 1 && runs <= 10000, 3, "runs must be 1..10000");
    uint32_t n_nodes = lab_model_graph(lab_lua_check_model(L))->n_nodes;
    uint64_t *best = lua_newuserdatauv(L, ((size_t)n_nodes + 1) * sizeof *best, 0);
    memset(best, 0xFF, ((size_t)n_nodes + 1) * sizeof *best);
    inputs in;
    get_inputs(L, &in);
    lab_model *model = lab_lua_check_model(L);
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
