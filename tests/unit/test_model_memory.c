/*
 * Memory: nothing is allocated between the start and the end of a run, neither through lualab's
 * allocator nor, in builds without a sanitizer, through malloc by anybody in the process, plugins
 * and thread pool included. And every allocation of a load may fail.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/fail_alloc.h"
#include "support/model_host.h"
#include "support/small_models.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define COUNT_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNT_MALLOC 0
#else
#define COUNT_MALLOC 1
#endif
#else
#define COUNT_MALLOC 1
#endif

static atomic_ulong mallocs;

#if COUNT_MALLOC
/* The program's own malloc family, which every library in the process then uses: glibc's own under
 * the names it keeps for that, and a counter. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t align, size_t size);

LAB_EXPORT void *malloc(size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_malloc(size);
}

LAB_EXPORT void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_calloc(count, size);
}

LAB_EXPORT void *realloc(void *ptr, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_realloc(ptr, size);
}

LAB_EXPORT void *aligned_alloc(size_t align, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_memalign(align, size);
}

LAB_EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}
#endif

static void run_counted(const uint8_t *bytes, size_t size, unsigned threads)
{
    fail_alloc counter;
    lab_error error;
    fail_alloc_init(&counter, 0);
    lab_host *host = model_host_open(threads, &counter.allocator, &error);
    assert_non_null(host);
    lab_model *model = NULL;
    unsigned long at_start = atomic_load(&mallocs);
    if (model_host_model(host, bytes, size, &model, &error))
        fail_msg("%s", error.message);
#if COUNT_MALLOC
    assert_true(atomic_load(&mallocs) > at_start); /* the counter counts */
#else
    (void)at_start;
#endif
    lab_tensor input;
    assert_int_equal(model_host_input(host, model, 0, &input, &error), LAB_OK);
    const lab_tensor *list[1] = { &input };
    unsigned long mallocs_before = atomic_load(&mallocs);
    long calls_before = atomic_load(&counter.calls), live_before = atomic_load(&counter.live);
    lab_status status = LAB_OK;
    for (int i = 0; i < 5 && !status; i++) /* the first run is not special */
        status = lab_model_run(model, list, 1, LAB_WANT_OUTPUTS | LAB_WANT_LOGITS, &error);
    unsigned long mallocs_after = atomic_load(&mallocs);
    assert_int_equal(status, LAB_OK);
    assert_int_equal(mallocs_after, mallocs_before);
    assert_int_equal(atomic_load(&counter.calls), calls_before);
    assert_int_equal(atomic_load(&counter.live), live_before);
    lab_tensor_clear(&input);
    lab_model_free(model);
    lab_host_free(host);
    assert_int_equal(atomic_load(&counter.live), 0);
}

/* The small models by number; NULL past the end. */
static uint8_t *small_model(int i, size_t *size)
{
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    if (i < 3)
        return small_deeplab(dtypes[i], size);
    return i == 3 ? small_zoo(size) : NULL;
}

static void test_run_allocates_nothing(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t size;
    for (int i = 0; (bytes = small_model(i, &size)); i++) {
        for (unsigned threads = 1; threads <= 3; threads++)
            run_counted(bytes, size, threads);
        free(bytes);
    }
}

typedef struct model_file {
    uint8_t *bytes;
    size_t size;
} model_file;

static lab_status load_and_free(const lab_allocator *allocator, void *user, lab_error *error)
{
    const model_file *file = user;
    lab_host *host = model_host_open(1, allocator, error);
    if (!host)
        return error->status;
    lab_model *model = NULL;
    lab_status status = model_host_model(host, file->bytes, file->size, &model, error);
    if (!status)
        lab_model_free(model);
    lab_host_free(host);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    model_file file;
    for (int i = 0; (file.bytes = small_model(i, &file.size)); i++) {
        long calls = fail_alloc_sweep_whole(load_and_free, &file);
        print_message("model %d: %ld allocations from host to model\n", i, calls);
        assert_true(calls > 30);
        free(file.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_allocates_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
