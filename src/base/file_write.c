/*
 * Writing files whole: a hidden temporary file in the same folder, then rename, so that nobody ever
 * sees half a file under the final name; see file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

#define TEMPORARY_TRIES 100u

static lab_status write_failed(lab_error *error, const char *path)
{
    const char *advice = errno == ENOSPC || errno == EDQUOT ? "; make room and try again" : "";
    return lab_error_set(error, LAB_E_IO, "%s: cannot be written: %s%s", path, strerror(errno),
                         advice);
}

/* write() until everything is out: short writes and interruptions are normal. */
static bool write_fully(int fd, const void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0) {
            errno = ENOSPC;
            return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* A device or pipe: there is nothing to replace, so the bytes just go there. */
static lab_status write_in_place(const char *path, const void *bytes, size_t size, lab_error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return write_failed(error, path);
    int code = write_fully(fd, bytes, size) ? 0 : errno;
    if (close(fd) != 0 && code == 0)
        code = errno;
    if (code == 0)
        return LAB_OK;
    errno = code;
    return write_failed(error, path);
}

typedef struct target {
    char path[PATH_MAX]; /* symbolic links resolved: the link stays, its target changes */
    char folder[PATH_MAX];
    char temporary[PATH_MAX];
    mode_t mode; /* of the file that is replaced; 0 when there is none */
} target;

/* Where the bytes will go. `regular` is false for devices and pipes. */
static lab_status find_target(const char *path, target *t, bool *regular, lab_error *error)
{
    struct stat st;
    *regular = true;
    t->mode = 0;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return lab_error_set(error, LAB_E_IO, "%s: is a folder, not a file", path);
        *regular = S_ISREG(st.st_mode);
        t->mode = st.st_mode & 07777;
    }
    size_t length = strlen(path);
    if (length == 0)
        return lab_error_set(error, LAB_E_INVALID, "cannot write a file whose name is empty");
    /* Room for the temporary name beside it. */
    if (length + 64 > sizeof t->path)
        return lab_error_set(error, LAB_E_LIMIT, "%.60s...: the path is longer than %zu bytes",
                             path, sizeof t->path - 64);
    char resolved[PATH_MAX];
    struct stat link;
    bool follow = lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && realpath(path, resolved) &&
                  strlen(resolved) + 64 <= sizeof t->path;
    snprintf(t->path, sizeof t->path, "%s", follow ? resolved : path);
    const char *slash = strrchr(t->path, '/');
    if (!slash)
        snprintf(t->folder, sizeof t->folder, ".");
    else
        snprintf(t->folder, sizeof t->folder, "%.*s", slash == t->path ? 1 : (int)(slash - t->path),
                 t->path);
    return LAB_OK;
}

/* Creates a new file with a name that nobody has; -1 with errno. */
static int open_temporary(target *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long salt = (unsigned long)now.tv_nsec;
    for (unsigned i = 0; i < TEMPORARY_TRIES; i++) {
        int n = snprintf(t->temporary, sizeof t->temporary, "%s/.lualab-%ld-%lu.tmp", t->folder,
                         (long)getpid(), salt + i);
        if (n < 0 || (size_t)n >= sizeof t->temporary) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || (errno != EEXIST && errno != EINTR))
            return fd;
    }
    return -1;
}

/* Makes the new name itself survive a power cut. Some file systems cannot; that is no failure. */
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES; /* a folder may be writable without being readable */
    bool ok = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    close(fd);
    return ok;
}

static bool fill_temporary(int fd, const target *t, const void *bytes, size_t size, bool durable)
{
    bool ok = write_fully(fd, bytes, size);
    if (ok && t->mode != 0)
        ok = fchmod(fd, t->mode) == 0 || errno == EPERM;
    if (ok && durable)
        ok = fsync(fd) == 0;
    int code = errno;
    /* close reports what the system could not store later (network file systems, quotas). */
    if (close(fd) != 0 && ok) {
        ok = false;
        code = errno;
    }
    errno = code;
    return ok;
}

static lab_status replace_file(target *t, const char *path, const void *bytes, size_t size,
                               bool durable, lab_error *error)
{
    int fd = open_temporary(t);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return lab_error_set(error, LAB_E_NOT_FOUND, "%s: there is no folder %s to write it to",
                                 path, t->folder);
        return write_failed(error, path);
    }
    if (!fill_temporary(fd, t, bytes, size, durable) || rename(t->temporary, t->path) != 0) {
        lab_status status = write_failed(error, path);
        unlink(t->temporary);
        return status;
    }
    if (durable && !sync_folder(t->folder))
        return write_failed(error, path);
    return LAB_OK;
}

lab_status lab_file_write(lab_context *ctx, const char *path, const void *bytes, size_t size,
                          bool durable, lab_error *error)
{
    if (strcmp(path, "-") == 0)
        return write_fully(STDOUT_FILENO, bytes, size) ? LAB_OK
                                                       : write_failed(error, "standard output");
    target *t = lab_alloc(ctx, sizeof *t);
    if (!t)
        return lab_error_nomem(error, sizeof *t, path);
    bool regular;
    lab_status status = find_target(path, t, &regular, error);
    if (!status)
        status = regular ? replace_file(t, path, bytes, size, durable, error)
                         : write_in_place(path, bytes, size, error);
    lab_free(ctx, t);
    return status;
}

/* Makes one folder; one that is there already will do. */
static lab_status make_dir(const char *path, lab_error *error)
{
    if (mkdir(path, 0777) == 0)
        return LAB_OK;
    int code = errno;
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return LAB_OK;
        return lab_error_set(error, LAB_E_IO, "%s: is a file, so it cannot be a folder", path);
    }
    return lab_error_set(error, LAB_E_IO, "%s: the folder cannot be made: %s", path,
                         strerror(code));
}

/* The first `length` characters of `path` name the folder. */
static lab_status make_dirs(const char *path, size_t length, lab_error *error)
{
    char prefix[PATH_MAX];
    if (length >= sizeof prefix)
        return lab_error_set(error, LAB_E_LIMIT, "%.60s...: the path is longer than %zu bytes",
                             path, sizeof prefix - 1);
    memcpy(prefix, path, length);
    prefix[length] = '\0';
    for (size_t i = 1; i <= length; i++) {
        if ((prefix[i] != '/' && prefix[i] != '\0') || prefix[i - 1] == '/')
            continue;
        prefix[i] = '\0';
        lab_status status = make_dir(prefix, error);
        if (status)
            return status;
        if (i < length)
            prefix[i] = '/';
    }
    return LAB_OK;
}

lab_status lab_make_dirs(const char *path, lab_error *error)
{
    size_t length = strlen(path);
    if (length == 0)
        return lab_error_set(error, LAB_E_INVALID, "cannot make a folder whose name is empty");
    return make_dirs(path, length, error);
}

lab_status lab_make_parent(const char *path, lab_error *error)
{
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? make_dirs(path, (size_t)(slash - path), error) : LAB_OK;
}
