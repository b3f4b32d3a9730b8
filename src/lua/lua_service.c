/*
 * Services from Lua: core.service "NAME" gives the function that opens an object, whose methods are
 * called as operators are (lua_call.c). An object is closed by close(), <close> or the collector;
 * after that its methods raise.
 */
#include "lua/lua_util.h"

#include <string.h>

#define SERVICE "lab.Service"

typedef struct service_box {
    const lab_service *service;
    void *object; /* NULL: not open yet, or closed */
} service_box;

static service_box *check_box(lua_State *L, int at)
{
    return luaL_checkudata(L, at, SERVICE);
}

/* Raises when it is closed, or of a service that `method` does not belong to. */
static service_box *check_open(lua_State *L, const lab_service *service, const lab_op *method)
{
    service_box *box = check_box(L, 1);
    if (box->service != service)
        luaL_error(L, "%s: is no method of a service %s", method->name, box->service->name);
    if (!box->object)
        luaL_error(L, "%s: this service is closed", method->name);
    return box;
}

static int service_close(lua_State *L)
{
    service_box *box = check_box(L, 1);
    void *object = box->object;
    box->object = NULL;
    if (object)
        box->service->close(object);
    return 0;
}

static int service_tostring(lua_State *L)
{
    const service_box *box = check_box(L, 1);
    lua_pushfstring(L, "service %s%s", box->service->name, box->object ? "" : " (closed)");
    return 1;
}

/* ---- methods ---- */

int lab_lua_run_method(lua_State *L)
{
    const lab_op *method = lua_touserdata(L, lua_upvalueindex(1));
    const lab_service *service = lua_touserdata(L, lua_upvalueindex(2));
    int top = lua_gettop(L);
    lab_call *call;
    lab_error error;
    check_open(L, service, method);
    lab_lua_guard *guard = lab_lua_new_call_guard(L);
    if (lab_service_call(lab_lua_binding(L)->registry, service, method, &call, &error))
        return lab_lua_call_failed(L, method, &error);
    guard->ptr = call;
    lab_lua_set_arguments(L, call, method, top);
    lab_lua_value *out = lab_lua_push_out(L, method);
    /* Only now: until here a finaliser may have closed it. */
    if (lab_service_run(call, check_open(L, service, method)->object, &error))
        return lab_lua_call_failed(L, method, &error);
    return lab_lua_push_result(L, call, method, out);
}

static void push_method_names(lua_State *L, const lab_service *service)
{
    lua_newtable(L);
    lua_pushliteral(L, "close");
    lua_rawseti(L, -2, 1);
    for (lua_Integer i = 0; service->methods[i]; i++) {
        lua_pushstring(L, service->methods[i]->name + strlen(service->name) + 1);
        lua_rawseti(L, -2, i + 2);
    }
}

static int service_index(lua_State *L)
{
    const lab_service *service = check_box(L, 1)->service;
    const char *name = luaL_checkstring(L, 2);
    const lab_op *method = lab_service_method(service, name);
    if (method) {
        lua_pushlightuserdata(L, (void *)method);
        lua_pushlightuserdata(L, (void *)service);
        lua_pushcclosure(L, lab_lua_run_method, 2);
    } else if (strcmp(name, "close") == 0) {
        lua_pushcfunction(L, service_close);
    } else {
        const char *what = lua_pushfstring(L, "service %s has no method", service->name);
        push_method_names(L, service);
        return lab_lua_unknown(L, what, name, -1);
    }
    return 1;
}

/* ---- opening ---- */

/* Upvalue: the service. Argument: the table of options, or the main one alone. */
static int open_service(lua_State *L)
{
    const lab_service *service = lua_touserdata(L, lua_upvalueindex(1));
    /* What messages and arguments go by; the call has one of its own. */
    const lab_op opening = { .name = service->name, .params = service->params };
    lab_call *call;
    lab_error error;
    lua_pushnil(L); /* where a method has its object */
    lua_insert(L, 1);
    int top = lua_gettop(L);
    lab_lua_guard *guard = lab_lua_new_call_guard(L);
    if (lab_service_new(lab_lua_binding(L)->registry, service, &call, &error))
        return lab_lua_call_failed(L, &opening, &error);
    guard->ptr = call;
    lab_lua_set_arguments(L, call, &opening, top);
    service_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (service_box){ .service = service };
    luaL_setmetatable(L, SERVICE);
    if (lab_service_open(call, &box->object, &error))
        return lab_lua_call_failed(L, &opening, &error);
    return 1;
}

static int core_service(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_service *service = lab_registry_service(registry, name);
    if (service) {
        lua_pushlightuserdata(L, (void *)service);
        lua_pushcclosure(L, open_service, 1);
        return 1;
    }
    const char *known = "none";
    for (size_t i = 0; (service = lab_registry_service_at(registry, i)); i++)
        known = i ? lua_pushfstring(L, "%s, %s", known, service->name) : service->name;
    luaL_pushfail(L);
    lua_pushfstring(L,
                    "there is no service \"%s\": no plugin that was loaded has it; there are: %s",
                    name, known);
    lua_pushstring(L, lab_status_name(LAB_E_NOT_FOUND));
    return 3;
}

const luaL_Reg lab_lua_service_functions[] = { { "service", core_service }, { NULL, NULL } };

void lab_lua_open_services(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__index", service_index },
                                     { "__tostring", service_tostring },
                                     { "__gc", service_close },
                                     { "__close", service_close },
                                     { NULL, NULL } };
    luaL_newmetatable(L, SERVICE);
    luaL_setfuncs(L, meta, 0);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
