/* What the files about models share: the object, and the methods that run it. */
#ifndef LAB_LUA_LUA_MODEL_H
#define LAB_LUA_LUA_MODEL_H

#include "base/sha256.h"
#include "lua/lua_util.h"

#define LAB_LUA_MODEL "lab.Model"

typedef struct lab_lua_model {
    lab_model *model;            /* a reference; NULL: closed */
    size_t held;                 /* what the collector was told: all of it … */
    size_t held_workspaces;      /* … and what of it is for runs at the same time */
    char sha256[LAB_SHA256_HEX]; /* of the file */
} lab_lua_model;

/* The open model at 1; raises. */
lab_model *lab_lua_check_model(lua_State *L);
/* The kernel of node `i`, "folded" for one that has none. */
const char *lab_lua_kernel_name(const lab_model *model, uint32_t i);

int lab_lua_model_run(lua_State *L);     /* m:run(tensor [, {want=}]) */
int lab_lua_model_start(lua_State *L);   /* m:start(tensor [, {want=}]) */
int lab_lua_model_profile(lua_State *L); /* m:profile(tensor [, runs]) */

#endif
