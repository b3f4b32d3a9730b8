/*
 * Jobs in Lua: work that may go on beside the script (base/jobs.h), which itself stays on one
 * thread. A job is made from values and paths, does nothing but C on its own state, and what came
 * of it becomes Lua values when it is waited for.
 *
 *     local job = core.read_picture("next.jpg"):start()
 *     …
 *     local image, file = job:wait()
 */
#include "lua/lua_job.h"

#include <string.h>

#include "base/file.h"
#include "base/sha256.h"

#define JOB "lab.Job"
#define PICTURE_LIMIT ((lua_Integer)1 << 30) /* bytes of a file */

typedef struct lua_job {
    lab_job job;
    const lab_lua_job_kind *kind; /* NULL: closed */
    lab_lua_job_head *head;       /* NULL: nothing to release yet */
    lab_jobs *jobs;               /* NULL: not started */
} lua_job;

static lua_job *check_job(lua_State *L)
{
    lua_job *job = luaL_checkudata(L, 1, JOB);
    if (!job->kind)
        luaL_error(L, "attempt to use a job that is closed or has been waited for");
    return job;
}

void *lab_lua_push_job(lua_State *L, const lab_lua_job_kind *kind, size_t size, const char *path)
{
    lab_context *ctx = lab_lua_binding(L)->ctx;
    lua_job *job = lua_newuserdatauv(L, sizeof *job, 1);
    memset(job, 0, sizeof *job);
    luaL_setmetatable(L, JOB);
    job->head = lab_alloc_zero(ctx, size);
    if (job->head) {
        job->kind = kind;
        job->head->ctx = ctx;
        job->head->path = lab_strdup(ctx, path);
    }
    if (!job->head || !job->head->path)
        luaL_error(L, "out of memory: a job for %s", path);
    job->job.fn = kind->run;
    job->job.user = job->head;
    return job->head;
}

static void release_state(lua_job *job)
{
    lab_lua_job_head *head = job->head;
    const lab_lua_job_kind *kind = job->kind;
    job->head = NULL;
    job->kind = NULL;
    if (!head)
        return;
    kind->release(head);
    lab_free(head->ctx, head->path);
    lab_free(head->ctx, head);
}

/* What has begun is waited for; what has not will not be done. */
static int job_close(lua_State *L)
{
    lua_job *job = luaL_checkudata(L, 1, JOB);
    if (job->jobs)
        lab_job_cancel(job->jobs, &job->job);
    job->jobs = NULL;
    release_state(job);
    return 0;
}

/* ---- methods ---- */

void lab_lua_start_job(lua_State *L, int at)
{
    lua_job *job = luaL_checkudata(L, at, JOB);
    lab_jobs *jobs = lab_lua_jobs(L); /* NULL: no memory; waiting for the job does it then */
    if (jobs && !job->jobs) {
        job->jobs = jobs;
        lab_job_start(jobs, &job->job);
    }
}

static int job_start(lua_State *L)
{
    check_job(L);
    lab_lua_start_job(L, 1);
    lua_settop(L, 1);
    return 1;
}

static int job_done(lua_State *L)
{
    lua_job *job = check_job(L);
    lua_pushboolean(L, job->jobs && lab_job_is_done(job->jobs, &job->job));
    return 1;
}

/* The results, or nil, message, code. The user value, until then what the job needs of Lua, becomes
 * the milliseconds that the work took. */
static int job_wait(lua_State *L)
{
    lua_job *job = check_job(L);
    if (job->jobs)
        lab_job_wait(job->jobs, &job->job);
    else
        lab_job_do(&job->job);
    job->jobs = NULL;
    lua_settop(L, 1);
    lua_pushnumber(L, (lua_Number)job->job.nanoseconds / 1e6);
    lua_setiuservalue(L, 1, 1);
    if (job->head->status) {
        lab_error error = job->head->error;
        release_state(job);
        return lab_lua_fail(L, &error);
    }
    int results = job->kind->push(L, job->head);
    release_state(job);
    return results;
}

/* Milliseconds the work took, once it has been waited for. */
static int job_ms(lua_State *L)
{
    luaL_checkudata(L, 1, JOB);
    if (lua_getiuservalue(L, 1, 1) != LUA_TNUMBER)
        lua_pushnumber(L, 0);
    return 1;
}

/* ---- reading a picture ---- */

typedef struct read_state {
    lab_lua_job_head head;
    size_t limit;
    bool digest;
    const uint8_t *given; /* the file's bytes where they are in memory already; borrowed */
    size_t given_size;
    lab_tensor image;
    lab_image_info info;
    size_t bytes;
    char sha256[LAB_SHA256_HEX];
} read_state;

/* Decodes the bytes of a file and says what there is to say about it. */
static lab_status read_bytes(read_state *s, const uint8_t *bytes, const char *name)
{
    if (s->bytes == 0)
        return lab_error_set(&s->head.error, LAB_E_FORMAT, "%s: the file is empty", name);
    lab_status status = lab_image_probe(bytes, s->bytes, &s->info, &s->head.error);
    if (!status)
        status = lab_image_decode(s->head.ctx, bytes, s->bytes, true, &s->image, &s->head.error);
    if (status)
        return lab_error_prefix(&s->head.error, "%s", name);
    if (s->digest)
        lab_sha256_hex(bytes, s->bytes, s->sha256);
    return LAB_OK;
}

static lab_status read_picture(read_state *s, lab_buffer **file)
{
    const char *path = s->head.path;
    const char *name = strcmp(path, "-") == 0 && !s->given ? "standard input" : path;
    if (s->given) {
        s->bytes = s->given_size;
        return read_bytes(s, s->given, name);
    }
    lab_status status = lab_file_read(s->head.ctx, path, s->limit, file, &s->head.error);
    if (status)
        return status;
    s->bytes = lab_buffer_size(*file);
    return read_bytes(s, lab_buffer_data(*file), name);
}

static void read_run(void *user)
{
    read_state *s = user;
    lab_buffer *file = NULL;
    s->head.status = read_picture(s, &file);
    lab_buffer_unref(file);
}

static int read_push(lua_State *L, void *state)
{
    read_state *s = state;
    lua_createtable(L, 0, 3);
    lab_lua_set_string(L, "format", s->info.format);
    lab_lua_set_integer(L, "bytes", (lua_Integer)s->bytes);
    if (s->digest)
        lab_lua_set_string(L, "sha256", s->sha256);
    lab_lua_value *image = lab_lua_push_value(L, LAB_IMAGE);
    image->tensor = s->image;
    memset(&s->image, 0, sizeof s->image);
    lab_lua_value_opened(L, image);
    lua_insert(L, -2);
    return 2;
}

static void read_release(void *state)
{
    lab_tensor_clear(&((read_state *)state)->image);
}

static int new_read(lua_State *L)
{
    static const lab_lua_job_kind kind = { read_run, read_push, read_release };
    static const char *const options[] = { "limit", "sha256", "bytes", NULL };
    static const char what[] = "core.read_picture";
    const char *path = luaL_checkstring(L, 1);
    lua_Integer limit = PICTURE_LIMIT;
    bool digest = false;
    size_t size = 0;
    const char *bytes = NULL;
    lua_settop(L, 2);
    lua_pushnil(L); /* 3: the bytes, if any */
    if (lab_lua_check_options(L, 2, what, options, true)) {
        limit = lab_lua_field_integer(L, 2, what, "limit", limit);
        digest = lab_lua_field_bool(L, 2, what, "sha256", false);
        (void)lab_lua_field_string(L, 2, what, "bytes", NULL, NULL);
        lab_lua_push_field(L, 2, "bytes");
        lua_replace(L, 3);
        bytes = lua_tolstring(L, 3, &size);
    }
    luaL_argcheck(L, limit >= 0, 2, "limit must not be negative");
    read_state *s = lab_lua_push_job(L, &kind, sizeof *s, path); /* at 4 */
    s->limit = (size_t)limit;
    s->digest = digest;
    s->given = (const uint8_t *)bytes;
    s->given_size = size;
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 4, 1); /* the job reads them: they stay until it is done */
    return 1;
}

/* ---- saving a value ---- */

typedef struct save_state {
    lab_lua_job_head head;
    lab_call *call; /* of the kind's operator `encode` */
} save_state;

static void save_run(void *user)
{
    save_state *s = user;
    const char *path = s->head.path;
    lab_error *error = &s->head.error;
    s->head.status = lab_call_run(s->call, error);
    if (s->head.status) {
        lab_error_prefix(error, "%s", path);
        return;
    }
    size_t size;
    const uint8_t *bytes = lab_call_bytes(s->call, &size);
    s->head.status = lab_make_parent(path, error);
    if (!s->head.status)
        s->head.status =
            lab_file_write(s->head.ctx, path, bytes ? (const void *)bytes : "", size, false, error);
}

static int save_push(lua_State *L, void *state)
{
    (void)state;
    lua_pushboolean(L, true);
    return 1;
}

static void save_release(void *state)
{
    lab_call_free(((save_state *)state)->call);
}

/* A job with a call of the operator that encodes the value at 1; a path or name is at 2, the
 * operator's options are at 3. `what` is the function. */
static int push_encoder(lua_State *L, const lab_lua_job_kind *kind, const char *what)
{
    lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    const char *path = luaL_checkstring(L, 2);
    lua_settop(L, 3);
    const lab_op *op = lab_registry_method(lab_lua_binding(L)->registry, value->kind, "encode");
    if (!op || op->out != LAB_BYTES)
        return luaL_error(L, "%s: a %s cannot be encoded", what, lab_type_name(value->kind));
    if (!lua_isnil(L, 3))
        luaL_checktype(L, 3, LUA_TTABLE);
    save_state *s = lab_lua_push_job(L, kind, sizeof *s, path); /* at 4 */
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 4, 1); /* texts of the call's arguments are borrowed from there */
    int failed = lab_lua_new_call(L, op, &s->call, 3);
    if (failed)
        return failed;
    lua_settop(L, 4);
    return 1;
}

/* core.save(value, path [, options of the operator encode]) */
static int new_save(lua_State *L)
{
    static const lab_lua_job_kind kind = { save_run, save_push, save_release };
    return push_encoder(L, &kind, "core.save");
}

/* ---- encoding a value ---- */

static void encode_run(void *user)
{
    save_state *s = user;
    s->head.status = lab_call_run(s->call, &s->head.error);
}

static int encode_push(lua_State *L, void *state)
{
    size_t size;
    const uint8_t *bytes = lab_call_bytes(((save_state *)state)->call, &size);
    lua_pushlstring(L, bytes ? (const char *)bytes : "", size);
    return 1;
}

/* core.encode(value [, options of the operator encode]) */
static int new_encode(lua_State *L)
{
    static const lab_lua_job_kind kind = { encode_run, encode_push, save_release };
    lua_settop(L, 2);
    lua_pushliteral(L, "a picture"); /* where save has its path */
    lua_insert(L, 2);
    return push_encoder(L, &kind, "core.encode");
}

/* ---- the module's part ---- */

/* How many threads there are for jobs; with none, a job is done when it is waited for. */
static int job_threads(lua_State *L)
{
    unsigned pool = lab_pool_threads(lab_lua_binding(L)->ctx->pool);
    lua_pushinteger(L, lab_jobs_default_threads(pool));
    return 1;
}

/* core.wait_any{jobs}: returns when one of them is done. One that was never started counts as done:
 * waiting for it takes as long as the work. */
static int wait_any(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t count = (size_t)luaL_len(L, 1);
    lab_job **list = lua_newuserdatauv(L, (count + 1) * sizeof(void *), 0);
    lab_jobs *jobs = NULL;
    bool waits = count > 0;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        lua_job *job = luaL_testudata(L, -1, JOB);
        if (!job || !job->kind)
            return luaL_error(L, "core.wait_any: item %I is no job that can be waited for",
                              (LUAI_UACINT)i + 1);
        lua_pop(L, 1);
        waits = waits && job->jobs;
        jobs = job->jobs;
        list[i] = &job->job;
    }
    if (waits)
        lab_job_wait_any(jobs, list, count);
    return 0;
}

const luaL_Reg lab_lua_job_functions[] = {
    { "read_picture", new_read },   { "save", new_save },     { "encode", new_encode },
    { "job_threads", job_threads }, { "wait_any", wait_any }, { NULL, NULL },
};

void lab_lua_open_jobs(lua_State *L)
{
    static const luaL_Reg meta[] = { { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "start", job_start }, { "done", job_done }, { "wait", job_wait },
        { "ms", job_ms },       { NULL, NULL },
    };
    lab_lua_new_class(L, JOB, job_close, meta, methods);
    lua_pop(L, 1);
}
