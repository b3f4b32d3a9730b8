/* What the files of the program share. */
#ifndef LAB_HOST_HOST_H
#define LAB_HOST_HOST_H

#include <lauxlib.h>
#include <limits.h>
#include <lua.h>

#include "lab.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* ---- options.c: what C understands of the command line ---- */

#define LAB_OPTIONS_MAX_PLUGINS 32

/* Strings are borrowed from argv. */
typedef struct lab_options {
    unsigned threads;    /* 0: not given */
    int verbose;         /* 0, 1 (-v), 2 (-vv) */
    const char *kernels; /* NULL: not given */
    const char *plugins[LAB_OPTIONS_MAX_PLUGINS];
    int n_plugins;
    const char *script; /* --script FILE: run this instead of the command line program */
    int argc;           /* the rest, argv[0] (the program) first */
    char **argv;
} lab_options;

/* Takes the options out of argv, which is rearranged in place. */
lab_status lab_options_parse(int argc, char **argv, lab_options *options, lab_error *error);

/* ---- places.c: where things are ---- */

typedef struct lab_places {
    char exe[PATH_MAX];     /* the program's file */
    char data[PATH_MAX];    /* the folder of scripts/, weights/ and db/ */
    char plugins[PATH_MAX]; /* the build's or the installation's plugins */
} lab_places;

lab_status lab_places_find(lab_places *places, lab_error *error);

/* The same for the Lua module, whose file this is; `exe` is the program installed with it. */
lab_status lab_places_find_module(const char *file, lab_places *places, lab_error *error);

/* ---- start.c: what the program and the Lua module begin with ---- */

/* A host with its plugins, which logs to standard error. */
lab_status lab_start_host(const lab_options *options, const lab_places *places, lab_host **out,
                          lab_error *error);

/* Lets `require` look for our scripts before everything else. */
void lab_set_package_path(lua_State *L, const lab_places *places);

/* ---- sys.c: module "lab.sys" ---- */

/* Puts "lab.sys" in package.loaded. `places` and `options` must outlive the state. */
void lab_sys_open(lua_State *L, const lab_places *places, const lab_options *options);

extern const luaL_Reg lab_sys_file_functions[];
extern const luaL_Reg lab_sys_process_functions[];
extern const luaL_Reg lab_sys_line_functions[];

/* Pushes nil, "WHAT: strerror(code)", status name; returns 3. */
int lab_sys_fail(lua_State *L, const char *what, int code);

#endif
