/*
 * golden.h: what the tests against ../shared/golden share: finding files, unpacking them, making
 * the inputs they were computed from. Everything that fails prints a sentence to stderr.
 */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <cjson/cJSON.h>

#include "lab.h"

#define GOLDEN_SKIP 77 /* CTest: skipped */
#define GOLDEN_PATH 1024

/* Prints the sentence and gives false. */
LAB_PRINTF(1, 2)
bool golden_fail(const char *fmt, ...);

/* Whether TEST_SHARED_DIR has the file; if not says what is skipped and why. */
bool golden_available(const char *file, const char *what);

/*
 * A host with this build's plugins; NULL when it fails. Ends the program as skipped where the CPU
 * lacks what LUALAB_KERNELS asks for.
 */
lab_host *golden_host(unsigned threads);
/* Loads a model of TEST_SHARED_DIR/weights and checks its sha256. */
lab_model *golden_model(lab_host *host, const char *file, const char *name, const char *sha256);
/* The same with lab_model_load_with. */
lab_model *golden_model_with(lab_host *host, const char *file, const char *name, const char *sha256,
                             const lab_model_options *options);

/* Files below TEST_SHARED_DIR. A buffer is the caller's to unref; NULL when it fails. */
LAB_PRINTF(2, 3)
lab_buffer *golden_file(lab_context *ctx, const char *fmt, ...);
/* The unpacked bytes of a gzip file: exactly `size` of them. */
LAB_PRINTF(3, 4)
lab_buffer *golden_gunzip(lab_context *ctx, size_t size, const char *fmt, ...);
/* The caller deletes it; NULL when it fails. */
LAB_PRINTF(2, 3)
cJSON *golden_json(lab_context *ctx, const char *fmt, ...);

/* A member by path, "input.shape"; a failure names it. NULL when it is not there. */
const cJSON *golden_member(const cJSON *json, const char *path);
const char *golden_string(const cJSON *json, const char *path);

/*
 * side * side * 3 bytes of a named input ("noise", "bird_513", …; "_513" and "_512" at the end say
 * nothing about the content), checked against a sha256. NULL when it fails.
 */
lab_buffer *golden_input(lab_context *ctx, const char *name, int32_t side, const char *sha256);

/* Whether the sha256 of the bytes is the expected one; `what` is for the sentence. */
bool golden_sha256(const void *bytes, size_t size, const char *expected, const char *what);

#endif
