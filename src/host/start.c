/*
 * What the program and the Lua module begin with: a host with its plugins, and a Lua state that
 * finds our scripts.
 */
#include <lualib.h>
#include <stdio.h>
#include <unistd.h>

#include "host/host.h"
#include "plugin/static_plugins.h"

static void log_to_stderr(void *user, lab_log_level level, const char *message)
{
    (void)user;
    fprintf(stderr, "lualab: %s%s\n", level == LAB_LOG_WARNING ? "warning: " : "", message);
}

lab_status lab_start_host(const lab_options *options, const lab_places *places, lab_host **out,
                          lab_error *error)
{
    lab_host_options host_options = {
        .threads = options->threads,
        .kernels = options->kernels,
        .log = log_to_stderr,
        .log_level = (lab_log_level)options->verbose,
    };
    lab_status status = lab_host_new(&host_options, out, error);
    if (status)
        return status;
    for (int i = 0; i < options->n_plugins; i++) {
        /* The sentence starts with the path; work goes on, as with a folder's plugins. */
        if (lab_plugins_load(lab_host_plugins(*out), options->plugins[i], error))
            lab_log(lab_host_context(*out), LAB_LOG_WARNING, "%s", error->message);
    }
    const char *folder = places->plugins;
    if (lab_static_plugins[0].name && access(folder, F_OK) != 0)
        folder = NULL; /* everything is linked in: there need not be a folder */
    return lab_host_load_plugins(*out, folder, error);
}

void lab_set_package_path(lua_State *L, const lab_places *places)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/scripts/?.lua;%s/scripts/?/init.lua;%s", places->data, places->data,
                    lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 2);
}
