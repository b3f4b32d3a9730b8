/* base/file.h: whole files in and out, and what must never happen on the way. */
#include "support/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "support/fail_alloc.h"

static lab_context ctx;
static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Files of the folder, hidden ones (temporary files) included. */
static int count_files(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return -1;
    for (struct dirent *d; (d = readdir(dir));)
        n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void expect_file(const char *path, const void *bytes, size_t size)
{
    lab_buffer *b;
    lab_error error;
    lab_status (*const readers[])(lab_context *, const char *, size_t, lab_buffer **,
                                  lab_error *) = { lab_file_read, lab_file_map };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(readers[i](&ctx, path, SIZE_MAX, &b, &error), LAB_OK);
        assert_int_equal(lab_buffer_size(b), size);
        if (size > 0)
            assert_memory_equal(lab_buffer_data(b), bytes, size);
        for (size_t j = 0; j < LAB_TAIL; j++) /* the tail is readable, also behind a mapping */
            assert_int_equal(((unsigned char *)lab_buffer_data(b))[size + j], 0);
        lab_buffer_unref(b);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 4031, 4032, 4033, 4096, 4097, 100000 };
    unsigned char *bytes = malloc(100000);
    for (size_t i = 0; i < 100000; i++)
        bytes[i] = (unsigned char)(i * 31);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *path = in_folder("data");
        assert_int_equal(lab_file_write(&ctx, path, bytes, sizes[i], i % 2 == 0, NULL), LAB_OK);
        expect_file(path, bytes, sizes[i]);
        assert_int_equal(count_files(), 1);
    }
    free(bytes);
}

static void read_failures_name_the_path(void **state)
{
    (void)state;
    lab_buffer *b;
    lab_error error;
    const char *path = in_folder("absent.jpg");
    assert_int_equal(lab_file_read(&ctx, path, SIZE_MAX, &b, &error), LAB_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "absent.jpg: there is no such file"));
    assert_null(b);
    assert_int_equal(lab_file_read(&ctx, folder, SIZE_MAX, &b, &error), LAB_E_IO);
    assert_non_null(strstr(error.message, "is a folder"));
    path = in_folder("small");
    assert_int_equal(lab_file_write(&ctx, path, "12345", 5, false, NULL), LAB_OK);
    assert_int_equal(lab_file_read(&ctx, path, 4, &b, &error), LAB_E_LIMIT);
    assert_non_null(strstr(error.message, "larger than the limit of 4 bytes"));
    assert_int_equal(lab_file_map(&ctx, path, 4, &b, &error), LAB_E_LIMIT);
    assert_int_equal(lab_file_read(&ctx, path, 5, &b, &error), LAB_OK);
    lab_buffer_unref(b);
    path = in_folder("small/inside");
    assert_int_equal(lab_file_read(&ctx, path, 5, &b, &error), LAB_E_NOT_FOUND);
    path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(lab_file_read(&ctx, path, 5, &b, &error), LAB_E_IO); /* does not wait */
    assert_non_null(strstr(error.message, "not a regular file"));
}

static void system_files_without_a_size(void **state)
{
    (void)state;
    lab_buffer *b;
    if (access("/proc/self/cmdline", R_OK) != 0)
        skip();
    assert_int_equal(lab_file_read(&ctx, "/proc/self/cmdline", 65536, &b, NULL), LAB_OK);
    assert_true(lab_buffer_size(b) > 0);
    lab_buffer_unref(b);
    lab_error error;
    assert_int_equal(lab_file_read(&ctx, "/proc/self/cmdline", 3, &b, &error), LAB_E_LIMIT);
}

/* Runs `lab_file_read("-")` with a pipe that is filled in small pieces. */
static void standard_input(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (int i = 0; i < 30000; i++) {
            if (write(ends[1], "0123456789", 10) != 10)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    lab_buffer *b = NULL;
    lab_status status = lab_file_read(&ctx, "-", 300000, &b, NULL);
    dup2(saved, STDIN_FILENO);
    close(saved);
    int code;
    waitpid(child, &code, 0);
    assert_int_equal(status, LAB_OK);
    assert_int_equal(lab_buffer_size(b), 300000);
    for (size_t i = 0; i < 300000; i++)
        assert_int_equal(((char *)lab_buffer_data(b))[i], '0' + i % 10);
    lab_buffer_unref(b);
}

static void write_keeps_mode_and_links(void **state)
{
    (void)state;
    char path[300], link[300];
    snprintf(path, sizeof path, "%s/target", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(lab_file_write(&ctx, path, "old", 3, false, NULL), LAB_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("target", link), 0);
    assert_int_equal(lab_file_write(&ctx, link, "new!", 4, true, NULL), LAB_OK);
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    expect_file(path, "new!", 4);
    assert_int_equal(count_files(), 2);
}

static void write_failures_leave_nothing(void **state)
{
    (void)state;
    lab_error error;
    assert_int_equal(lab_file_write(&ctx, in_folder("no/such/x.png"), "x", 1, false, &error),
                     LAB_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "there is no folder"));
    assert_int_equal(lab_file_write(&ctx, folder, "x", 1, false, &error), LAB_E_IO);
    assert_non_null(strstr(error.message, "is a folder"));
    assert_int_equal(lab_file_write(&ctx, "", "x", 1, false, &error), LAB_E_INVALID);
    char longer[6000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(lab_file_write(&ctx, longer, "x", 1, false, &error), LAB_E_LIMIT);
    assert_int_equal(lab_make_dirs(longer, &error), LAB_E_LIMIT);
    char name[301]; /* longer than any file's name may be: found out by rename */
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(lab_file_write(&ctx, in_folder(name), "x", 1, false, &error), LAB_E_IO);
    assert_int_equal(count_files(), 0);
    /* devices are written to, not replaced */
    assert_int_equal(lab_file_write(&ctx, "/dev/null", "x", 1, false, &error), LAB_OK);
    struct stat st;
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(lab_file_write(&ctx, "/dev/full", "x", 1, false, &error), LAB_E_IO);
        assert_non_null(strstr(error.message, "No space left"));
    }
}

/* A limit on file sizes stands in for a full disk: write() stops in the middle. */
static void full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    const char *path = in_folder("precious");
    assert_int_equal(lab_file_write(&ctx, path, "old", 3, false, NULL), LAB_OK);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1000;
    char bytes[5000] = { 0 };
    lab_error error = { LAB_OK, "" };
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    lab_status status = lab_file_write(&ctx, path, bytes, sizeof bytes, true, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, LAB_E_IO);
    assert_non_null(strstr(error.message, "precious: cannot be written"));
    expect_file(path, "old", 3);
    assert_int_equal(count_files(), 1);
}

static void folders(void **state)
{
    (void)state;
    lab_error error;
    assert_int_equal(lab_make_dirs(in_folder("a/b//c/"), &error), LAB_OK);
    assert_int_equal(lab_make_dirs(in_folder("a/b//c/"), &error), LAB_OK);
    assert_int_equal(lab_make_dirs("/", &error), LAB_OK);
    assert_int_equal(lab_make_dirs(".", &error), LAB_OK);
    struct stat st;
    assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
    assert_int_equal(lab_file_write(&ctx, in_folder("a/file"), "x", 1, false, NULL), LAB_OK);
    assert_int_equal(lab_make_dirs(in_folder("a/file/d"), &error), LAB_E_IO);
    assert_non_null(strstr(error.message, "a/file: is a file"));
    assert_int_equal(lab_make_dirs("", &error), LAB_E_INVALID);
}

static lab_status read_and_write(lab_context *c, void *user, lab_error *error)
{
    const char *path = user;
    lab_buffer *b = NULL;
    lab_status status = lab_file_write(c, path, "some bytes", 10, false, error);
    if (!status)
        status = lab_file_read(c, path, 100, &b, error);
    lab_buffer_unref(b);
    b = NULL;
    if (!status)
        status = lab_file_map(c, path, 100, &b, error);
    lab_buffer_unref(b);
    b = NULL;
    if (!status)
        status = lab_file_read(c, "/proc/self/cmdline", 65536, &b, error);
    lab_buffer_unref(b);
    return status;
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/swept", folder);
    assert_true(fail_alloc_sweep(read_and_write, path) >= 4);
}

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "./test-base-file-XXXXXX"); /* in CTest's folder */
    if (!mkdtemp(folder))
        return -1;
    return lab_context_init(&ctx, NULL, 1, NULL);
}

static int end(void **state)
{
    (void)state;
    lab_context_finish(&ctx);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_is_read),           IN_FOLDER(read_failures_name_the_path),
        IN_FOLDER(system_files_without_a_size),       IN_FOLDER(standard_input),
        IN_FOLDER(write_keeps_mode_and_links),        IN_FOLDER(write_failures_leave_nothing),
        IN_FOLDER(full_disk_keeps_the_old_file),      IN_FOLDER(folders),
        IN_FOLDER(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
