/* The functions of lab.core that make values from bytes and sizes. */
#include "lua/lua_util.h"

#include <string.h>

/* ---- from files' bytes ---- */

static const uint8_t *check_bytes(lua_State *L, int at, size_t *size)
{
    return (const uint8_t *)luaL_checklstring(L, at, size);
}

static int make_decode(lua_State *L)
{
    static const char *const options[] = { "orient", NULL };
    static const char what[] = "core.decode";
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    bool orient = !lab_lua_check_options(L, 2, what, options, true) ||
                  lab_lua_field_bool(L, 2, what, "orient", true);
    lab_lua_value *out = lab_lua_push_value(L, LAB_IMAGE);
    lab_error error;
    if (lab_image_decode(lab_lua_binding(L)->ctx, bytes, size, orient, &out->tensor, &error))
        return lab_lua_fail(L, &error);
    lab_lua_value_opened(L, out);
    return 1;
}

static int make_probe(lua_State *L)
{
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    lab_image_info info;
    lab_error error;
    if (lab_image_probe(bytes, size, &info, &error))
        return lab_lua_fail(L, &error);
    lua_newtable(L);
    lab_lua_set_integer(L, "width", info.width);
    lab_lua_set_integer(L, "height", info.height);
    lab_lua_set_integer(L, "channels", info.channels);
    lab_lua_set_integer(L, "orientation", info.orientation);
    lab_lua_set_string(L, "format", info.format);
    lab_lua_set_bool(L, "sixteen_bit", info.sixteen_bit);
    return 1;
}

static void push_palette(lua_State *L, const uint32_t *palette, uint32_t count)
{
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushinteger(L, palette[i]);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
}

static int make_decode_map(lua_State *L)
{
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    lua_settop(L, 2);
    lab_lua_opt_labels(L, 2);
    lab_lua_value *out = lab_lua_push_value(L, LAB_LABELMAP);
    uint32_t palette[256], n_palette = 0;
    lab_error error;
    if (lab_labelmap_decode(lab_lua_binding(L)->ctx, bytes, size, &out->tensor, palette, &n_palette,
                            &error))
        return lab_lua_fail(L, &error);
    lab_tensor_set_labels(&out->tensor, lab_lua_opt_labels(L, 2));
    lab_lua_value_opened(L, out);
    if (n_palette == 0)
        return 1;
    push_palette(L, palette, n_palette);
    return 2;
}

/* core.read(bytes, filename): by the reader of a plugin; the value's kind is the file's. */
static int make_read(lua_State *L)
{
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    const char *filename = luaL_optstring(L, 2, "");
    lab_lua_value *out = lab_lua_push_value(L, LAB_TENSOR);
    lab_error error;
    if (lab_call_read(lab_lua_binding(L)->registry, bytes, size, filename, &out->tensor, &error))
        return lab_lua_fail(L, &error);
    lab_lua_value_opened(L, out);
    return 1;
}

/* ---- from sizes ---- */

/* Allocates the value on top and fills it with `bytes` (NULL: zeros). */
static int fill_new(lua_State *L, lab_lua_value *out, lab_dtype dtype, uint32_t rank,
                    const int32_t *shape, const char *bytes)
{
    lab_error error;
    if (lab_tensor_new(lab_lua_binding(L)->ctx, out->kind, dtype, rank, shape, &out->tensor,
                       &error))
        return lab_lua_fail(L, &error);
    if (bytes)
        memcpy(out->tensor.data, bytes, out->tensor.size);
    else
        memset(out->tensor.data, 0, out->tensor.size);
    lab_lua_value_opened(L, out);
    return 1;
}

static void check_size(lua_State *L, const char *what, size_t got, size_t expected)
{
    if (got != expected)
        luaL_error(L, "%s: expected %I bytes, got %I", what, (LUAI_UACINT)expected,
                   (LUAI_UACINT)got);
}

static void check_sides(lua_State *L, int32_t shape[2])
{
    shape[1] = lab_lua_check_int32(L, 1, "width", 1, LAB_IMAGE_MAX_SIDE);
    shape[0] = lab_lua_check_int32(L, 2, "height", 1, LAB_IMAGE_MAX_SIDE);
}

static int make_image(lua_State *L)
{
    int32_t shape[3];
    check_sides(L, shape);
    shape[2] = lab_lua_check_int32(L, 3, "channels", 1, 4);
    luaL_argcheck(L, shape[2] != 2, 3, "channels must be 1, 3 or 4");
    size_t size;
    const char *bytes = luaL_optlstring(L, 4, NULL, &size);
    if (bytes)
        check_size(L, "core.image", size, (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2]);
    return fill_new(L, lab_lua_push_value(L, LAB_IMAGE), LAB_U8, 3, shape, bytes);
}

static int make_mask(lua_State *L)
{
    int32_t shape[2];
    check_sides(L, shape);
    size_t size;
    const char *bytes = luaL_optlstring(L, 3, NULL, &size);
    if (bytes)
        check_size(L, "core.mask", size, (size_t)shape[0] * (size_t)shape[1]);
    return fill_new(L, lab_lua_push_value(L, LAB_MASK), LAB_U8, 2, shape, bytes);
}

static int make_labelmap(lua_State *L)
{
    int32_t shape[2];
    check_sides(L, shape);
    size_t pixels = (size_t)shape[0] * (size_t)shape[1];
    size_t size;
    const char *bytes = luaL_optlstring(L, 3, NULL, &size);
    lab_dtype dtype = bytes && size == 2 * pixels ? LAB_U16 : LAB_U8;
    if (bytes && dtype == LAB_U8 && size != pixels)
        return luaL_error(L, "core.labelmap: expected %I bytes (or twice that), got %I",
                          (LUAI_UACINT)pixels, (LUAI_UACINT)size);
    lua_settop(L, 4);
    lab_lua_opt_labels(L, 4);
    lab_lua_value *out = lab_lua_push_value(L, LAB_LABELMAP);
    int results = fill_new(L, out, dtype, 2, shape, bytes);
    if (results == 1)
        lab_tensor_set_labels(&out->tensor, lab_lua_opt_labels(L, 4));
    return results;
}

static lab_dtype check_dtype(lua_State *L, const char *name)
{
    for (int dtype = LAB_U8; dtype <= LAB_F32; dtype++) {
        if (strcmp(lab_dtype_name((lab_dtype)dtype), name) == 0)
            return (lab_dtype)dtype;
    }
    return (lab_dtype)luaL_error(
        L, "core.tensor: dtype must be u8, i8, u16, i16, i32, i64, f16 or f32, got '%s'", name);
}

static uint32_t check_shape(lua_State *L, int32_t *shape)
{
    if (lab_lua_push_field(L, 1, "shape") != LUA_TTABLE)
        luaL_error(L, "core.tensor: shape must be a list, got %s", luaL_tolstring(L, -1, NULL));
    lua_Unsigned rank = lua_rawlen(L, -1);
    if (rank > LAB_MAX_RANK)
        luaL_error(L, "core.tensor: shape has %I dimensions (max %d)", (LUAI_UACINT)rank,
                   LAB_MAX_RANK);
    for (lua_Unsigned i = 0; i < rank; i++) {
        int exact;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        lua_Integer side = lua_tointegerx(L, -1, &exact);
        if (!exact || side < 1 || side > INT32_MAX)
            luaL_error(L, "core.tensor: shape[%I] must be 1..%d, got %s", (LUAI_UACINT)i + 1,
                       (int)INT32_MAX, luaL_tolstring(L, -1, NULL));
        shape[i] = (int32_t)side;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return (uint32_t)rank;
}

static int make_tensor(lua_State *L)
{
    static const char *const options[] = { "dtype", "shape", "data", NULL };
    static const char what[] = "core.tensor";
    lab_lua_check_options(L, 1, what, options, false);
    lab_lua_need_field(L, 1, what, "dtype");
    lab_dtype dtype = check_dtype(L, lab_lua_field_string(L, 1, what, "dtype", NULL, NULL));
    int32_t shape[LAB_MAX_RANK];
    uint32_t rank = check_shape(L, shape);
    size_t size, expected;
    const char *bytes = lab_lua_field_string(L, 1, what, "data", NULL, &size);
    lab_error error;
    if (lab_shape_size(dtype, rank, shape, &expected, &error))
        return lab_lua_fail(L, &error);
    if (bytes)
        check_size(L, what, size, expected);
    return fill_new(L, lab_lua_push_value(L, LAB_TENSOR), dtype, rank, shape, bytes);
}

const luaL_Reg lab_lua_make_functions[] = {
    { "decode", make_decode }, { "probe", make_probe },   { "decode_map", make_decode_map },
    { "read", make_read },     { "image", make_image },   { "labelmap", make_labelmap },
    { "mask", make_mask },     { "tensor", make_tensor }, { NULL, NULL },
};
