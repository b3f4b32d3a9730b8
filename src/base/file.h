/*
 * Files, read whole and written whole. Rooms below host take bytes; these are for those who were
 * handed a path by a user.
 */
#ifndef LAB_BASE_FILE_H
#define LAB_BASE_FILE_H

#include "base/buffer.h"

/*
 * Reads a regular file (or "-": standard input) of at most `limit` bytes. *out has one reference.
 * LAB_E_NOT_FOUND, LAB_E_IO or LAB_E_LIMIT with a sentence that names the path.
 */
lab_status lab_file_read(lab_context *ctx, const char *path, size_t limit, lab_buffer **out,
                         lab_error *error);

/*
 * Maps a regular file read-only where the system can and LAB_TAIL bytes after its end are readable,
 * else reads it.
 */
lab_status lab_file_map(lab_context *ctx, const char *path, size_t limit, lab_buffer **out,
                        lab_error *error);

/*
 * What has been read of a mapped file leaves memory and comes back when it is read again. Any other
 * buffer stays as it is.
 */
void lab_file_rest(lab_buffer *file);

/*
 * Writes `size` bytes so that `path` has either its old contents or all the new: a temporary file
 * beside it, fsync when `durable`, rename. "-" is standard output. Nothing is left behind on
 * failure. A file that is replaced keeps its permissions; behind a symbolic link its target is
 * replaced; devices and pipes are written to.
 */
lab_status lab_file_write(lab_context *ctx, const char *path, const void *bytes, size_t size,
                          bool durable, lab_error *error);

/* Makes a folder and its parents; one that exists is success. */
lab_status lab_make_dirs(const char *path, lab_error *error);
/* Makes the folder that a file's path is in. */
lab_status lab_make_parent(const char *path, lab_error *error);

#endif
