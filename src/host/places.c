/*
 * Where the program, its scripts and its plugins are. An installed program looks beside itself:
 * PREFIX/bin/lualab, PREFIX/share/lualab, PREFIX/lib/lualab/plugins. A program that still lies in
 * the build folder it was made in uses the source folder and the plugins of that build.
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

static bool in_build_folder(const char *folder)
{
    char build[PATH_MAX];
    return realpath(LAB_BUILD_BIN_DIR, build) && strcmp(build, folder) == 0 &&
           is_dir(LAB_SOURCE_DIR "/scripts");
}

/* `out` = "folder/tail"; false when it does not fit. */
static bool join(char *out, const char *folder, const char *tail)
{
    int length = snprintf(out, PATH_MAX, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, tail);
    return length > 0 && length < PATH_MAX;
}

lab_status lab_places_find(lab_places *places, lab_error *error)
{
    char folder[PATH_MAX];
    lab_status status = find_exe(places->exe, error);
    if (status)
        return status;
    memcpy(folder, places->exe, sizeof folder);
    char *slash = strrchr(folder, '/');
    *slash = '\0'; /* realpath gives an absolute path */
    if (in_build_folder(folder) && join(places->data, LAB_SOURCE_DIR, "") &&
        join(places->plugins, LAB_BUILD_PLUGIN_DIR, ""))
        return LAB_OK;
    slash = strrchr(folder, '/');
    *(slash ? slash : folder) = '\0';
    char scripts[PATH_MAX];
    if (!join(places->data, folder, "/share/lualab") ||
        !join(scripts, folder, "/share/lualab/scripts") ||
        !join(places->plugins, folder, "/lib/lualab/plugins"))
        return lab_error_set(error, LAB_E_LIMIT, "%s: the path is too long", folder);
    if (!is_dir(scripts))
        return lab_error_set(error, LAB_E_NOT_FOUND,
                             "%s: there is no such folder; %s must stay where it was built or be "
                             "installed with its scripts (cmake --install)",
                             scripts, places->exe);
    return LAB_OK;
}
