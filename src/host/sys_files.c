/*
 * lab.sys: files and folders. What they contain is core.read_file's and core.write_file's matter.
 *
 *   sys.stat(path)        {type="file"|"dir"|"other", size, mtime, inode, device} (links followed)
 *   sys.list(folder)      entries in order of name: {name, type, link=true for symbolic links};
 *                         type is that of what a link points to, "broken" when it is nothing
 *   sys.real_path(path), sys.cwd()
 *   sys.tmp_dir([prefix]) a new folder of our own in TMPDIR or /tmp
 *   sys.remove(path)      a file or an empty folder
 *   sys.remove_tree(path) with everything in it: only what tmp_dir made
 *   sys.rename(from, to)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "lua/lua_util.h"

/* ---- stat and list ---- */

static const char *mode_name(mode_t mode)
{
    return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "dir" : "other";
}

static int sys_stat(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat info;
    if (stat(path, &info) != 0)
        return lab_sys_fail(L, path, errno);
    lua_newtable(L);
    lab_lua_set_string(L, "type", mode_name(info.st_mode));
    lab_lua_set_integer(L, "size", (lua_Integer)info.st_size);
    lab_lua_set_integer(L, "mtime", (lua_Integer)info.st_mtime);
    lab_lua_set_integer(L, "inode", (lua_Integer)info.st_ino);
    lab_lua_set_integer(L, "device", (lua_Integer)info.st_dev);
    return 1;
}

static void push_entry(lua_State *L, int folder, const char *name)
{
    struct stat info;
    bool link = fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
    bool there = fstatat(folder, name, &info, 0) == 0;
    lua_newtable(L);
    lab_lua_set_string(L, "name", name);
    lab_lua_set_string(L, "type", there ? mode_name(info.st_mode) : "broken");
    if (link)
        lab_lua_set_bool(L, "link", true);
}

static void release_dir(void *ptr)
{
    closedir(ptr);
}

/* By bytes, so that the order is the same in every locale. */
static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pushes an array, in order, that points into the list of names at `list`. */
static const char **sorted_names(lua_State *L, int list, size_t count)
{
    const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        names[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    qsort(names, count, sizeof *names, compare_names);
    return names;
}

static int sys_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lab_lua_guard *guard = lab_lua_new_guard(L, release_dir);
    DIR *dir = opendir(path);
    if (!dir)
        return lab_sys_fail(L, path, errno);
    guard->ptr = dir;
    lua_newtable(L); /* 3: names */
    struct dirent *entry;
    size_t count = 0;
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, 3, (lua_Integer)++count);
    }
    if (errno != 0)
        return lab_sys_fail(L, path, errno);
    const char **names = sorted_names(L, 3, count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_entry(L, dirfd(dir), names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- paths ---- */

static int sys_real_path(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char real[PATH_MAX];
    if (!realpath(path, real))
        return lab_sys_fail(L, path, errno);
    lua_pushstring(L, real);
    return 1;
}

static int sys_cwd(lua_State *L)
{
    char path[PATH_MAX];
    if (!getcwd(path, sizeof path))
        return lab_sys_fail(L, "the working folder", errno);
    lua_pushstring(L, path);
    return 1;
}

/* ---- changes ---- */

static int done(lua_State *L)
{
    lua_pushboolean(L, true);
    return 1;
}

static int sys_remove(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    return remove(path) == 0 ? done(L) : lab_sys_fail(L, path, errno);
}

static int sys_rename(lua_State *L)
{
    const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
    return rename(from, to) == 0 ? done(L) : lab_sys_fail(L, from, errno);
}

/* The set of folders that tmp_dir made, by path, in the registry. */
static const char tmp_key = 0;

static void push_tmp_dirs(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &tmp_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tmp_key);
}

static int sys_tmp_dir(lua_State *L)
{
    const char *prefix = luaL_optstring(L, 1, "lualab-");
    luaL_argcheck(L, !strchr(prefix, '/'), 1, "must not contain '/'");
    const char *parent = getenv("TMPDIR");
    if (!parent || *parent != '/')
        parent = "/tmp";
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%sXXXXXX", parent, prefix);
    if (length < 0 || length >= (int)sizeof path)
        return lab_sys_fail(L, parent, ENAMETOOLONG);
    push_tmp_dirs(L);
    if (!mkdtemp(path))
        return lab_sys_fail(L, parent, errno);
    lua_pushstring(L, path);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, true);
    lua_rawset(L, -4);
    return 1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path) == 0 ? 0 : errno;
}

static int sys_remove_tree(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    push_tmp_dirs(L);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TNIL)
        return luaL_error(L, "remove_tree: %s was not made by tmp_dir", path);
    int code = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (code != 0)
        return lab_sys_fail(L, path, code > 0 ? code : errno);
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, -3);
    return done(L);
}

const luaL_Reg lab_sys_file_functions[] = {
    { "stat", sys_stat },
    { "list", sys_list },
    { "real_path", sys_real_path },
    { "cwd", sys_cwd },
    { "remove", sys_remove },
    { "rename", sys_rename },
    { "tmp_dir", sys_tmp_dir },
    { "remove_tree", sys_remove_tree },
    { NULL, NULL },
};
