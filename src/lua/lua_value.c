/*
 * Tensors, pictures, label maps and masks in Lua: userdata that hold a lab_tensor. A method that
 * the kind's own table lacks is an operator of the registry (lua_call.c).
 */
#include "lua/lua_util.h"

#include <string.h>

static const lab_type kinds[] = { LAB_TENSOR, LAB_IMAGE, LAB_LABELMAP, LAB_MASK };
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* Marks the metatables of values: one look-up tells a value of any kind from other userdata. */
static const char value_mark = 0;

const char *lab_lua_class_name(lab_type kind)
{
    switch (kind) {
    case LAB_IMAGE:
        return "lab.Image";
    case LAB_LABELMAP:
        return "lab.LabelMap";
    case LAB_MASK:
        return "lab.Mask";
    default:
        return "lab.Tensor";
    }
}

/* ---- making and finding ---- */

lab_lua_value *lab_lua_push_value(lua_State *L, lab_type kind)
{
    lab_lua_value *value = lua_newuserdatauv(L, sizeof *value, 0);
    memset(value, 0, sizeof *value);
    value->kind = kind;
    luaL_setmetatable(L, lab_lua_class_name(kind));
    return value;
}

void lab_lua_value_opened(lua_State *L, lab_lua_value *value)
{
    value->open = true;
    value->held = value->tensor.size;
    if (value->kind != value->tensor.kind) {
        value->kind = value->tensor.kind;
        luaL_setmetatable(L, lab_lua_class_name(value->kind));
    }
    lab_lua_hold(L, LAB_HELD_VALUES, value->held);
}

static lab_lua_value *to_value(lua_State *L, int at)
{
    lab_lua_value *value = lua_touserdata(L, at);
    if (!value || !lua_getmetatable(L, at))
        return NULL;
    lua_rawgetp(L, -1, &value_mark);
    bool marked = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return marked ? value : NULL;
}

static void check_open(lua_State *L, const lab_lua_value *value)
{
    if (!value->open)
        luaL_error(L, "attempt to use a closed %s", lab_type_name(value->kind));
}

lab_lua_value *lab_lua_test_value(lua_State *L, int at)
{
    lab_lua_value *value = to_value(L, at);
    if (value)
        check_open(L, value);
    return value;
}

lab_lua_value *lab_lua_check_value(lua_State *L, int at, lab_type kind)
{
    lab_lua_value *value = to_value(L, at);
    if (!value || (kind != LAB_NONE && value->kind != kind))
        luaL_typeerror(
            L, at, kind == LAB_NONE ? "tensor, image, labelmap or mask" : lab_lua_class_name(kind));
    check_open(L, value);
    return value;
}

const lab_tensor *lab_lua_check_plane(lua_State *L)
{
    lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    luaL_argexpected(L, value->kind != LAB_TENSOR, 1, "image, labelmap or mask");
    return &value->tensor;
}

static const lab_tensor *check_tensor(lua_State *L)
{
    return &lab_lua_check_value(L, 1, LAB_NONE)->tensor;
}

/* ---- life ---- */

static int value_close(lua_State *L)
{
    lab_lua_value *value = to_value(L, 1);
    luaL_argexpected(L, value, 1, "tensor, image, labelmap or mask");
    lab_tensor tensor = value->tensor; /* may be there although the value never opened */
    size_t held = value->held;
    memset(&value->tensor, 0, sizeof value->tensor);
    value->open = false;
    value->held = 0;
    lab_tensor_clear(&tensor);
    lab_lua_drop(L, LAB_HELD_VALUES, held);
    return 0;
}

static int value_tostring(lua_State *L)
{
    lab_lua_value *value = to_value(L, 1);
    luaL_argexpected(L, value, 1, "tensor, image, labelmap or mask");
    if (!value->open) {
        lua_pushfstring(L, "%s (closed)", lab_type_name(value->kind));
        return 1;
    }
    char text[256];
    lab_tensor_describe(&value->tensor, text, sizeof text);
    const char *set = value->tensor.labels ? lab_labels_set_name(value->tensor.labels) : "";
    /* lab_tensor_describe may name the label set itself. */
    if (*set && !strstr(text, set))
        lua_pushfstring(L, "%s %s", text, set);
    else
        lua_pushstring(L, text);
    return 1;
}

/* ---- what a value is ---- */

static int value_kind(lua_State *L)
{
    lua_pushstring(L, lab_type_name(lab_lua_check_value(L, 1, LAB_NONE)->kind));
    return 1;
}

static int value_dtype(lua_State *L)
{
    lua_pushstring(L, lab_dtype_name(check_tensor(L)->dtype));
    return 1;
}

void lab_lua_push_shape(lua_State *L, const lab_tensor *tensor)
{
    int32_t shape[LAB_MAX_RANK];
    uint32_t rank = tensor->rank <= LAB_MAX_RANK ? tensor->rank : 0;
    memcpy(shape, tensor->shape, sizeof shape);
    lua_createtable(L, (int)rank, 0);
    for (uint32_t i = 0; i < rank; i++) {
        lua_pushinteger(L, shape[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int value_shape(lua_State *L)
{
    lab_lua_push_shape(L, check_tensor(L));
    return 1;
}

void lab_lua_set_layout(lua_State *L, const lab_tensor *tensor)
{
    lab_tensor copy = *tensor; /* scalars only are read from it */
    lab_lua_push_shape(L, &copy);
    lua_setfield(L, -2, "shape");
    lab_lua_set_string(L, "dtype", lab_dtype_name(copy.dtype));
    if (copy.quant.count == 1) {
        lab_lua_set_number(L, "scale", (lua_Number)copy.quant.scale);
        lab_lua_set_integer(L, "zero_point", copy.quant.zero_point);
    }
}

static int value_length(lua_State *L)
{
    const lab_tensor *tensor = check_tensor(L);
    lua_pushinteger(L, (lua_Integer)lab_shape_count(tensor->rank, tensor->shape));
    return 1;
}

static int value_bytes(lua_State *L)
{
    const lab_tensor *tensor = check_tensor(L);
    lua_pushlstring(L, tensor->data, tensor->size);
    return 1;
}

static int value_labels(lua_State *L)
{
    lab_lua_push_labels_of(L, 1);
    return 1;
}

static int value_width(lua_State *L)
{
    lua_pushinteger(L, lab_lua_check_plane(L)->shape[1]);
    return 1;
}

static int value_height(lua_State *L)
{
    lua_pushinteger(L, lab_lua_check_plane(L)->shape[0]);
    return 1;
}

static int value_channels(lua_State *L)
{
    const lab_tensor *tensor = lab_lua_check_plane(L);
    lua_pushinteger(L, tensor->rank == 3 ? tensor->shape[2] : 1);
    return 1;
}

/* scale, zero_point; lists and the axis when there is a pair for each channel. */
static int value_quant(lua_State *L)
{
    lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    uint32_t count = value->tensor.quant.count;
    if (count == 0)
        return 0;
    if (count == 1) {
        lua_pushnumber(L, (lua_Number)value->tensor.quant.scale);
        lua_pushinteger(L, value->tensor.quant.zero_point);
        return 2;
    }
    lua_newtable(L);
    lua_newtable(L);
    for (uint32_t i = 0; i < count; i++) {
        check_open(L, value);
        lua_pushnumber(L, (lua_Number)lab_quant_scale(&value->tensor.quant, i));
        lua_rawseti(L, -3, (lua_Integer)i + 1);
        check_open(L, value);
        lua_pushinteger(L, lab_quant_zero(&value->tensor.quant, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    check_open(L, value);
    lua_pushinteger(L, value->tensor.quant.axis + 1);
    return 3;
}

/* ---- comparison ---- */

static int value_eq(lua_State *L)
{
    const lab_lua_value *a = to_value(L, 1), *b = to_value(L, 2);
    bool equal = a && b && a->open && b->open && a->kind == b->kind &&
                 a->tensor.dtype == b->tensor.dtype && a->tensor.rank == b->tensor.rank &&
                 a->tensor.size == b->tensor.size;
    for (uint32_t i = 0; equal && i < a->tensor.rank; i++)
        equal = a->tensor.shape[i] == b->tensor.shape[i];
    lua_pushboolean(L, equal && memcmp(a->tensor.data, b->tensor.data, a->tensor.size) == 0);
    return 1;
}

/* ---- the same data as something else ---- */

static int value_as(lua_State *L)
{
    static const char *const names[] = { "tensor", "image", "labelmap", "mask", NULL };
    lab_type kind = kinds[luaL_checkoption(L, 2, NULL, names)];
    check_tensor(L);
    lab_error error;
    lab_lua_value *out = lab_lua_push_value(L, kind);
    lab_tensor_ref(&out->tensor, check_tensor(L));
    lab_status status = lab_tensor_set_kind(&out->tensor, kind, &error);
    if (status) {
        lab_tensor_clear(&out->tensor);
        return lab_lua_fail(L, &error);
    }
    lab_lua_value_opened(L, out);
    return 1;
}

static int map_with_labels(lua_State *L)
{
    lab_lua_check_value(L, 1, LAB_LABELMAP);
    lua_settop(L, 2);
    lab_lua_opt_labels(L, 2);
    lab_lua_value *out = lab_lua_push_value(L, LAB_LABELMAP);
    lab_tensor_ref(&out->tensor, &lab_lua_check_value(L, 1, LAB_LABELMAP)->tensor);
    lab_lua_value_opened(L, out);
    lab_tensor_set_labels(&out->tensor, lab_lua_opt_labels(L, 2));
    return 1;
}

/* ---- methods ---- */

static void push_method_names(lua_State *L, lab_type kind)
{
    lua_newtable(L);
    lua_Integer n = 0;
    lua_pushnil(L);
    while (lua_next(L, lua_upvalueindex(1))) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++n);
    }
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_op *op;
    for (size_t i = 0; (op = lab_registry_op_at(registry, i)); i++) {
        const char *dot = strchr(op->name, '.');
        if (op->in != kind || !dot)
            continue;
        lua_pushstring(L, dot + 1);
        lua_rawseti(L, -2, ++n);
    }
}

/* Upvalues: the kind's own methods; the operators met so far; the kind. */
static int value_index(lua_State *L)
{
    lua_settop(L, 2);
    lab_type kind = (lab_type)lua_tointeger(L, lua_upvalueindex(3));
    if (kind == LAB_TENSOR && lua_isinteger(L, 2))
        return lab_lua_value_get(L);
    lua_pushvalue(L, 2);
    if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
        return 1;
    const char *name = lua_tostring(L, 2);
    const lab_op *op = lab_registry_method(lab_lua_binding(L)->registry, kind, name);
    if (op) {
        lab_lua_push_op(L, op);
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, lua_upvalueindex(2));
        return 1;
    }
    const char *what = lua_pushfstring(L, "%s has no method", lab_lua_class_name(kind));
    push_method_names(L, kind);
    return lab_lua_unknown(L, what, name, -1);
}

static const luaL_Reg value_meta[] = {
    { "__tostring", value_tostring }, { "__len", value_length },  { "__eq", value_eq },
    { "__gc", value_close },          { "__close", value_close }, { NULL, NULL },
};

static const luaL_Reg any_methods[] = {
    { "kind", value_kind },
    { "dtype", value_dtype },
    { "shape", value_shape },
    { "bytes", value_bytes },
    { "labels", value_labels },
    { "quant", value_quant },
    { "as", value_as },
    { "close", value_close },
    { "get", lab_lua_value_get },
    { "set", lab_lua_value_set },
    { NULL, NULL },
};

static const luaL_Reg plane_methods[] = {
    { "width", value_width },
    { "height", value_height },
    { "channels", value_channels },
    { "at", lab_lua_value_at },
    { NULL, NULL },
};

static const luaL_Reg map_methods[] = { { "with_labels", map_with_labels }, { NULL, NULL } };

void lab_lua_open_values(lua_State *L, int module)
{
    module = lua_absindex(L, module);
    lua_newtable(L); /* core.methods */
    for (size_t i = 0; i < N_KINDS; i++) {
        luaL_newmetatable(L, lab_lua_class_name(kinds[i]));
        luaL_setfuncs(L, value_meta, 0);
        lua_pushboolean(L, true);
        lua_rawsetp(L, -2, &value_mark);
        lua_pushboolean(L, false);
        lua_setfield(L, -2, "__metatable");
        lua_newtable(L);
        luaL_setfuncs(L, any_methods, 0);
        if (kinds[i] != LAB_TENSOR)
            luaL_setfuncs(L, plane_methods, 0);
        if (kinds[i] == LAB_LABELMAP)
            luaL_setfuncs(L, map_methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -4, lab_type_name(kinds[i]));
        lua_newtable(L);
        lua_pushinteger(L, (lua_Integer)kinds[i]);
        lua_pushcclosure(L, value_index, 3);
        lua_setfield(L, -2, "__index");
        lab_lua_set_metamethods(L, kinds[i]);
        lua_pop(L, 1);
    }
    lua_setfield(L, module, "methods");
}
