/*
 * Single elements of values in Lua, and Lua's own operators on whole values. Several values may
 * share one buffer (views, results that changed nothing), so writing copies it first unless it is
 * the writer's alone.
 */
#include "lua/lua_util.h"

#include <string.h>

/* ---- reading ---- */

static void push_element(lua_State *L, const lab_tensor *tensor, size_t i)
{
    const void *data = tensor->data;
    switch (tensor->dtype) {
    case LAB_U8:
        lua_pushinteger(L, ((const uint8_t *)data)[i]);
        break;
    case LAB_I8:
        lua_pushinteger(L, ((const int8_t *)data)[i]);
        break;
    case LAB_U16:
        lua_pushinteger(L, ((const uint16_t *)data)[i]);
        break;
    case LAB_I16:
        lua_pushinteger(L, ((const int16_t *)data)[i]);
        break;
    case LAB_I32:
        lua_pushinteger(L, ((const int32_t *)data)[i]);
        break;
    case LAB_I64:
        lua_pushinteger(L, ((const int64_t *)data)[i]);
        break;
    case LAB_F16:
        lua_pushnumber(L, (lua_Number)lab_f16_to_f32(((const uint16_t *)data)[i]));
        break;
    case LAB_F32:
        lua_pushnumber(L, (lua_Number)((const float *)data)[i]);
        break;
    }
}

/*
 * The 0-based flat position that `count` arguments from index 2 on mean: one is a flat position,
 * one for each dimension is a place. False: outside.
 */
static bool read_position(lua_State *L, const lab_lua_value *value, int count, size_t *at)
{
    const lab_tensor *tensor = &value->tensor;
    if (count != 1 && count != (int)tensor->rank)
        luaL_error(L, "one position or %d are expected (a tensor of %d dimensions), got %d",
                   (int)tensor->rank, (int)tensor->rank, count);
    size_t flat = 0;
    bool within = true;
    for (int k = 0; k < count; k++) {
        lua_Integer i = luaL_checkinteger(L, 2 + k);
        size_t side =
            count == 1 ? lab_shape_count(tensor->rank, tensor->shape) : (size_t)tensor->shape[k];
        within = within && i >= 1 && (lua_Unsigned)i <= side;
        flat = within ? flat * side + (size_t)i - 1 : 0;
    }
    *at = flat;
    return within;
}

int lab_lua_value_get(lua_State *L)
{
    lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    size_t at;
    if (!read_position(L, value, lua_gettop(L) - 1, &at))
        return 0;
    push_element(L, &value->tensor, at);
    return 1;
}

int lab_lua_value_at(lua_State *L)
{
    lua_Integer x = luaL_checkinteger(L, 2);
    lua_Integer y = luaL_checkinteger(L, 3);
    const lab_tensor *tensor = lab_lua_check_plane(L);
    if (x < 0 || y < 0 || x >= tensor->shape[1] || y >= tensor->shape[0])
        return 0;
    int channels = tensor->rank == 3 ? (int)tensor->shape[2] : 1;
    size_t first = ((size_t)y * (size_t)tensor->shape[1] + (size_t)x) * (size_t)channels;
    for (int c = 0; c < channels; c++)
        push_element(L, tensor, first + (size_t)c);
    return channels;
}

/* ---- writing ---- */

/* Gives the value data of its own. */
static lab_status make_unique(lua_State *L, lab_lua_value *value, lab_error *error)
{
    if (lab_buffer_unique(value->tensor.buffer))
        return LAB_OK;
    lab_tensor shared = value->tensor, copy = { 0 };
    lab_status status = lab_tensor_new(lab_lua_binding(L)->ctx, shared.kind, shared.dtype,
                                       shared.rank, shared.shape, &copy, error);
    if (status)
        return status;
    memcpy(copy.data, shared.data, shared.size);
    copy.quant = shared.quant;
    lab_tensor_set_labels(&copy, shared.labels);
    value->tensor = copy;
    lab_tensor_clear(&shared);
    return LAB_OK;
}

static void store_real(lab_tensor *tensor, size_t i, double x)
{
    if (tensor->dtype == LAB_F16)
        ((uint16_t *)tensor->data)[i] = lab_f32_to_f16((float)x);
    else
        ((float *)tensor->data)[i] = (float)x;
}

static void store_integer(lab_tensor *tensor, size_t i, int64_t x)
{
    switch (tensor->dtype) {
    case LAB_U8:
        ((uint8_t *)tensor->data)[i] = (uint8_t)x;
        break;
    case LAB_I8:
        ((int8_t *)tensor->data)[i] = (int8_t)x;
        break;
    case LAB_U16:
        ((uint16_t *)tensor->data)[i] = (uint16_t)x;
        break;
    case LAB_I16:
        ((int16_t *)tensor->data)[i] = (int16_t)x;
        break;
    case LAB_I32:
        ((int32_t *)tensor->data)[i] = (int32_t)x;
        break;
    default:
        ((int64_t *)tensor->data)[i] = x;
    }
}

/* What an integer dtype holds. */
static void limits(lab_dtype dtype, int64_t *lo, int64_t *hi)
{
    bool is_signed = dtype == LAB_I8 || dtype == LAB_I16 || dtype == LAB_I32 || dtype == LAB_I64;
    unsigned bits = 8 * (unsigned)lab_dtype_size(dtype) - (is_signed ? 1 : 0);
    *hi = (int64_t)(UINT64_MAX >> (64 - bits));
    *lo = is_signed ? -*hi - 1 : 0;
}

int lab_lua_value_set(lua_State *L)
{
    lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    int top = lua_gettop(L);
    size_t at;
    luaL_argcheck(L, top >= 3, top + 1, "a position and a number are expected");
    lua_Number real = luaL_checknumber(L, top);
    bool whole = value->tensor.dtype != LAB_F16 && value->tensor.dtype != LAB_F32;
    lua_Integer integer = whole ? luaL_checkinteger(L, top) : 0;
    if (whole) {
        int64_t lo, hi;
        limits(value->tensor.dtype, &lo, &hi);
        if (integer < lo || integer > hi)
            return luaL_error(L, "an element of type %s must be %I..%I, got %I",
                              lab_dtype_name(value->tensor.dtype), (LUAI_UACINT)lo, (LUAI_UACINT)hi,
                              (LUAI_UACINT)integer);
    }
    if (!read_position(L, value, top - 2, &at))
        return luaL_error(L, "there is no such element: the value has %I",
                          (LUAI_UACINT)lab_shape_count(value->tensor.rank, value->tensor.shape));
    lab_error error;
    if (make_unique(L, value, &error))
        return luaL_error(L, "%s", error.message);
    if (whole)
        store_integer(&value->tensor, at, integer);
    else
        store_real(&value->tensor, at, real);
    return 0;
}

/* t[i] = x; a tensor's elements are all that can be assigned to. */
static int value_newindex(lua_State *L)
{
    const lab_lua_value *value = lab_lua_check_value(L, 1, LAB_NONE);
    if (value->kind != LAB_TENSOR || !lua_isinteger(L, 2))
        return luaL_error(L, "a %s has no field '%s' to assign to", lab_lua_class_name(value->kind),
                          luaL_tolstring(L, 2, NULL));
    return lab_lua_value_set(L);
}

/* ---- Lua's operators ---- */

/* Calls the method with the arguments above `base`; an expression has no room for a message, so
 * whatever fails raises. */
static int call_method(lua_State *L, int arguments)
{
    lua_call(L, arguments, 2);
    if (lua_isnil(L, -2))
        return luaL_error(L, "%s", luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
    return 1;
}

/* Upvalue: the operator's method. One of the two is a value; a number goes in as an option. */
static int binary_operator(lua_State *L)
{
    bool reversed = !lab_lua_test_value(L, 1);
    int self = reversed ? 2 : 1, other = reversed ? 1 : 2;
    const lab_lua_value *value = lab_lua_check_value(L, self, LAB_NONE);
    bool number = value->kind == LAB_TENSOR && lua_type(L, other) == LUA_TNUMBER;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_gettable(L, self);
    lua_pushvalue(L, self);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, other);
    lua_setfield(L, -2, number ? "number" : "with");
    if (reversed)
        lab_lua_set_bool(L, "reversed", true);
    return call_method(L, 2);
}

/* Upvalues: the operator's method, its main argument or nil. */
static int unary_operator(lua_State *L)
{
    lab_lua_check_value(L, 1, LAB_NONE);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_gettable(L, 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    return call_method(L, 2);
}

static const struct {
    lab_type kind;
    const char *event, *method, *argument;
    bool unary;
} operators[] = {
    { LAB_TENSOR, "__add", "add", NULL, false },
    { LAB_TENSOR, "__sub", "subtract", NULL, false },
    { LAB_TENSOR, "__mul", "multiply", NULL, false },
    { LAB_TENSOR, "__div", "divide", NULL, false },
    { LAB_TENSOR, "__unm", "apply", "negate", true },
    { LAB_MASK, "__band", "intersect", NULL, false },
    { LAB_MASK, "__bor", "unite", NULL, false },
    { LAB_MASK, "__sub", "subtract", NULL, false },
    { LAB_MASK, "__bnot", "invert", NULL, true },
};

void lab_lua_set_metamethods(lua_State *L, lab_type kind)
{
    lua_pushcfunction(L, value_newindex);
    lua_setfield(L, -2, "__newindex");
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].kind != kind)
            continue;
        lua_pushstring(L, operators[i].method);
        lua_pushstring(L, operators[i].argument); /* NULL: nil */
        lua_pushcclosure(L, operators[i].unary ? unary_operator : binary_operator, 2);
        lua_setfield(L, -2, operators[i].event);
    }
}
