/*
 * Where the program, its scripts and its plugins are. An installed program looks beside itself:
 * PREFIX/bin/lualab, PREFIX/share/lualab, PREFIX/lib/lualab/plugins. A program that still lies in
 * the build folder it was made in uses the source folder and the plugins of that build. The Lua
 * module does the same from PREFIX/lib/lua/5.4; package managers move it elsewhere, so it falls
 * back to the prefix it was built for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include "host/host.h"

static lab_status find_exe(char *exe, lab_error *error)
{
#if defined(__APPLE__)
    char raw[PATH_MAX];
    uint32_t size = sizeof raw;
    if (_NSGetExecutablePath(raw, &size) != 0 || !realpath(raw, exe))
        return lab_error_set(error, LAB_E_IO, "the program's own path cannot be found");
    return LAB_OK;
#else
    if (!realpath("/proc/self/exe", exe))
        return lab_error_set(error, LAB_E_IO, "/proc/self/exe: %s: the program cannot find itself",
                             strerror(errno));
    return LAB_OK;
#endif
}

static bool is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_build_folder(const char *folder, const char *build_folder)
{
    char build[PATH_MAX];
    return realpath(build_folder, build) && strcmp(build, folder) == 0 &&
           is_dir(LAB_SOURCE_DIR "/scripts");
}

/* `out` = "folder/tail"; false when it does not fit. */
static bool join(char *out, const char *folder, const char *tail)
{
    int length = snprintf(out, PATH_MAX, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, tail);
    return length > 0 && length < PATH_MAX;
}

static bool use_build(lab_places *places)
{
    return join(places->data, LAB_SOURCE_DIR, "") &&
           join(places->plugins, LAB_BUILD_PLUGIN_DIR, "");
}

/* False when the paths do not fit or there are no scripts; `scripts` is where they were looked for.
 */
static bool use_prefix(lab_places *places, const char *prefix, char *scripts)
{
    return join(places->data, prefix, "/share/lualab") &&
           join(places->plugins, prefix, "/lib/lualab/plugins") &&
           join(scripts, prefix, "/share/lualab/scripts") && is_dir(scripts);
}

/* Takes the last `levels` names off an absolute path. */
static void go_up(char *path, int levels)
{
    for (; levels > 0; levels--) {
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
}

lab_status lab_places_find(lab_places *places, lab_error *error)
{
    char folder[PATH_MAX], scripts[PATH_MAX] = "share/lualab/scripts";
    lab_status status = find_exe(places->exe, error);
    if (status)
        return status;
    memcpy(folder, places->exe, sizeof folder);
    go_up(folder, 1); /* the program's name */
    if (is_build_folder(folder, LAB_BUILD_BIN_DIR) && use_build(places))
        return LAB_OK;
    go_up(folder, 1);
    if (use_prefix(places, folder, scripts))
        return LAB_OK;
    return lab_error_set(error, LAB_E_NOT_FOUND,
                         "%s: there is no such folder; %s must stay where it was built or be "
                         "installed with its scripts (cmake --install)",
                         scripts, places->exe);
}

lab_status lab_places_find_module(const char *file, lab_places *places, lab_error *error)
{
    char module[PATH_MAX], folder[PATH_MAX], scripts[PATH_MAX] = "share/lualab/scripts";
    if (!realpath(file, module))
        return lab_error_set(error, LAB_E_IO, "%s: %s: the module cannot find itself", file,
                             strerror(errno));
    memcpy(folder, module, sizeof folder);
    go_up(folder, 1);
    if (is_build_folder(folder, LAB_BUILD_MODULE_DIR) && use_build(places))
        return join(places->exe, LAB_BUILD_BIN_DIR, "/lualab")
                   ? LAB_OK
                   : lab_error_set(error, LAB_E_LIMIT, "%s: the path is too long", file);
    go_up(folder, LAB_MODULE_DEPTH);
    if ((use_prefix(places, folder, scripts) && join(places->exe, folder, "/bin/lualab")) ||
        (use_prefix(places, LAB_INSTALL_PREFIX, scripts) &&
         join(places->exe, LAB_INSTALL_PREFIX, "/bin/lualab")))
        return LAB_OK;
    return lab_error_set(error, LAB_E_NOT_FOUND,
                         "%s: there is no such folder; %s must stay where it was built or be "
                         "installed with the scripts (cmake --install)",
                         scripts, module);
}
