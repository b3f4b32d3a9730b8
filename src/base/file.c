/* Reading files whole; see file.h. Writing is in file_write.c. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define FIRST_CHUNK ((size_t)1 << 16)

static lab_status too_large(lab_error *error, const char *path, size_t limit)
{
    return lab_error_set(error, LAB_E_LIMIT, "%s: larger than the limit of %zu bytes", path, limit);
}

/* read() until `size` bytes or the end of the file; -1 with errno on failure. */
static ssize_t read_fully(int fd, void *bytes, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, (char *)bytes + got, size - got);
        if (n == 0)
            break;
        if (n > 0)
            got += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)got;
}

static lab_status read_failed(lab_error *error, const char *path)
{
    return lab_error_set(error, LAB_E_IO, "%s: cannot be read: %s", path, strerror(errno));
}

/* Doubles the room for a stream, within `limit` plus the one byte that shows it is exceeded. */
static lab_status grow(lab_context *ctx, char **bytes, size_t used, size_t *room, size_t limit,
                       lab_error *error)
{
    size_t larger = *room ? *room > SIZE_MAX / 2 ? SIZE_MAX : *room * 2 : FIRST_CHUNK;
    if (limit < SIZE_MAX && larger > limit + 1)
        larger = limit + 1;
    char *moved = lab_alloc(ctx, larger);
    if (!moved)
        return lab_error_nomem(error, larger, "reading a stream");
    if (used > 0)
        memcpy(moved, *bytes, used);
    lab_free(ctx, *bytes);
    *bytes = moved;
    *room = larger;
    return LAB_OK;
}

/* Standard input, and files of the system whose size is not known before they are read. */
static lab_status read_stream(lab_context *ctx, int fd, const char *path, size_t limit,
                              lab_buffer **out, lab_error *error)
{
    char *bytes = NULL;
    size_t used = 0, room = 0;
    lab_status status = LAB_OK;
    for (;;) {
        if (used == room && (status = grow(ctx, &bytes, used, &room, limit, error)) != LAB_OK)
            break;
        ssize_t n = read_fully(fd, bytes + used, room - used);
        if (n < 0) {
            status = read_failed(error, path);
            break;
        }
        used += (size_t)n;
        if (used > limit) {
            status = too_large(error, path, limit);
            break;
        }
        if (used < room) {
            *out = lab_buffer_new(ctx, used);
            if (*out)
                memcpy(lab_buffer_data(*out), bytes, used);
            else
                status = lab_error_nomem(error, used, path);
            break;
        }
    }
    lab_free(ctx, bytes);
    return status;
}

static lab_status read_sized(lab_context *ctx, int fd, const char *path, size_t size,
                             lab_buffer **out, lab_error *error)
{
    lab_buffer *buffer = lab_buffer_new(ctx, size);
    if (!buffer)
        return lab_error_nomem(error, size, path);
    ssize_t n = read_fully(fd, lab_buffer_data(buffer), size);
    if (n == (ssize_t)size) {
        *out = buffer;
        return LAB_OK;
    }
    lab_buffer_unref(buffer);
    if (n < 0)
        return read_failed(error, path);
    return lab_error_set(error, LAB_E_IO, "%s: became shorter while it was read (%zu of %zu bytes)",
                         path, (size_t)n, size);
}

/* Opens a regular file of at most `limit` bytes. O_NONBLOCK: opening a pipe must not wait. */
static lab_status open_regular(const char *path, size_t limit, int *fd, size_t *size,
                               lab_error *error)
{
    do {
        *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return lab_error_set(error, LAB_E_NOT_FOUND, "%s: there is no such file", path);
        return lab_error_set(error, LAB_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct stat st;
    lab_status status = LAB_OK;
    if (fstat(*fd, &st) != 0)
        status = read_failed(error, path);
    else if (S_ISDIR(st.st_mode))
        status = lab_error_set(error, LAB_E_IO, "%s: is a folder, not a file", path);
    else if (!S_ISREG(st.st_mode))
        status = lab_error_set(error, LAB_E_IO,
                               "%s: is not a regular file; to read a pipe, redirect it to standard "
                               "input and pass \"-\"",
                               path);
    else if ((uintmax_t)st.st_size > limit)
        status = too_large(error, path, limit);
    else
        *size = (size_t)st.st_size;
    if (status)
        close(*fd);
    return status;
}

/* A regular file that says it is empty may be one of /proc, which has more to say. */
static lab_status read_open_file(lab_context *ctx, int fd, const char *path, size_t size,
                                 size_t limit, lab_buffer **out, lab_error *error)
{
    return size > 0 ? read_sized(ctx, fd, path, size, out, error)
                    : read_stream(ctx, fd, path, limit, out, error);
}

lab_status lab_file_read(lab_context *ctx, const char *path, size_t limit, lab_buffer **out,
                         lab_error *error)
{
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return read_stream(ctx, STDIN_FILENO, "standard input", limit, out, error);
    int fd = -1;
    size_t size = 0;
    lab_status status = open_regular(path, limit, &fd, &size, error);
    if (status)
        return status;
    status = read_open_file(ctx, fd, path, size, limit, out, error);
    close(fd);
    return status;
}

/* `user` is the end of the mapping. */
static void unmap(void *user, void *data)
{
    munmap(data, (size_t)((char *)user - (char *)data));
}

void lab_file_rest(lab_buffer *file)
{
#ifdef MADV_DONTNEED
    if (lab_buffer_released_by(file, unmap))
        (void)madvise(lab_buffer_data(file), lab_buffer_size(file), MADV_DONTNEED);
#else
    (void)file;
#endif
}

/* True when LAB_TAIL bytes after the end lie in the file's last page, where they read as zero. */
static bool tail_is_readable(size_t size)
{
    long page = sysconf(_SC_PAGESIZE);
    if (page <= 0)
        return false;
    size_t used = size % (size_t)page;
    return used > 0 && (size_t)page - used >= LAB_TAIL;
}

lab_status lab_file_map(lab_context *ctx, const char *path, size_t limit, lab_buffer **out,
                        lab_error *error)
{
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return lab_file_read(ctx, path, limit, out, error);
    int fd = -1;
    size_t size = 0;
    lab_status status = open_regular(path, limit, &fd, &size, error);
    if (status)
        return status;
    void *data = MAP_FAILED;
    if (tail_is_readable(size))
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        status = read_open_file(ctx, fd, path, size, limit, out, error);
    } else {
        *out = lab_buffer_wrap(ctx, data, size, unmap, (char *)data + size);
        if (!*out) {
            munmap(data, size);
            status = lab_error_nomem(error, size, path);
        }
    }
    close(fd);
    return status;
}
