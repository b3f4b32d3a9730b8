/* base/context.h, base/buffer.h and base/arena.h. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/arena.h"
#include "base/buffer.h"
#include "support/fail_alloc.h"

static bool aligned(const void *ptr)
{
    return (uintptr_t)ptr % LAB_ALIGN == 0;
}

static bool all_zero(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (((const unsigned char *)bytes)[i])
            return false;
    }
    return true;
}

static void allocation(void **state)
{
    (void)state;
    fail_alloc f;
    lab_context ctx;
    lab_error error;
    fail_alloc_init(&f, 0);
    assert_int_equal(lab_context_init(&ctx, &f.allocator, 1, &error), LAB_OK);
    long before = atomic_load(&f.live);
    void *none = lab_alloc(&ctx, 0);
    void *some = lab_alloc_zero(&ctx, 1000);
    char *text = lab_strdup(&ctx, "text");
    assert_non_null(none);
    assert_true(aligned(none) && aligned(some) && aligned(text));
    assert_true(all_zero(some, 1000));
    assert_string_equal(text, "text");
    assert_null(lab_alloc_array(&ctx, SIZE_MAX / 2, 3));
    assert_null(lab_alloc(&ctx, SIZE_MAX - 8));
    assert_int_equal(atomic_load(&f.live), before + 3);
    lab_free(&ctx, none);
    lab_free(&ctx, some);
    lab_free(&ctx, text);
    lab_free(&ctx, NULL);
    assert_int_equal(atomic_load(&f.live), before);
    lab_context_finish(&ctx);
    assert_int_equal(atomic_load(&f.live), 0);
}

static void system_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        1, 63, 64, 65, 100000, ((size_t)2 << 20) - 64, 2 << 20, (2 << 20) + 1, 9 << 20
    };
    static const size_t aligns[] = { 1, 16, LAB_ALIGN, 4096 };
    const lab_allocator *a = &lab_system_allocator;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof aligns / sizeof *aligns; j++) {
            void *block = a->allocate(a->user, sizes[i], aligns[j]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % aligns[j], 0);
            memset(block, 0xA5, sizes[i]); /* valgrind and AddressSanitizer watch */
            a->release(a->user, block);
        }
    }
    assert_null(a->allocate(a->user, SIZE_MAX, 1));
    assert_null(a->allocate(a->user, SIZE_MAX - LAB_ALIGN, LAB_ALIGN));
}

/* Blocks of a picture's size come and go while small ones settle between them, and the process does
 * not grow by more than the small ones. */
static void freed_blocks_serve_again(void **state)
{
    (void)state;
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    enum { PICTURES = 400, IN_FLIGHT = 4, SIZE = 100000 };
    static void *small[PICTURES], *large[IN_FLIGHT];
    const lab_allocator *a = &lab_system_allocator;
    struct mallinfo2 before = { 0 };
    for (size_t i = 0; i < PICTURES; i++) {
        if (i == IN_FLIGHT)
            before = mallinfo2();
        if (large[i % IN_FLIGHT])
            a->release(a->user, large[i % IN_FLIGHT]);
        small[i] = malloc(24);
        large[i % IN_FLIGHT] = a->allocate(a->user, SIZE, LAB_ALIGN);
        assert_true(small[i] && large[i % IN_FLIGHT]);
    }
    struct mallinfo2 after = mallinfo2();
    for (size_t i = 0; i < PICTURES; i++)
        free(small[i]);
    for (size_t i = 0; i < IN_FLIGHT; i++)
        a->release(a->user, large[i]);
    print_message("%zu bytes of heap, before %zu\n", after.arena, before.arena);
    assert_true(after.arena <= before.arena + 2 * SIZE);
#else
    skip();
#endif
}

typedef struct heard {
    int count;
    char last[256];
} heard;

static void listen(void *user, lab_log_level level, const char *message)
{
    (void)level;
    heard *h = user;
    h->count++;
    snprintf(h->last, sizeof h->last, "%s", message);
}

static void log_levels(void **state)
{
    (void)state;
    lab_context ctx;
    heard h = { 0, "" };
    assert_int_equal(lab_context_init(&ctx, NULL, 1, NULL), LAB_OK);
    lab_log(&ctx, LAB_LOG_WARNING, "nobody listens");
    ctx.log = listen;
    ctx.log_user = &h;
    ctx.log_level = LAB_LOG_INFO;
    lab_log(&ctx, LAB_LOG_INFO, "weights from %s", "here");
    lab_log(&ctx, LAB_LOG_DEBUG, "dropped");
    assert_int_equal(h.count, 1);
    assert_string_equal(h.last, "weights from here");
    lab_context_finish(&ctx);
}

static void buffers_count_references(void **state)
{
    lab_context *ctx = *state;
    lab_buffer *b = lab_buffer_new(ctx, 100);
    assert_true(aligned(lab_buffer_data(b)));
    assert_int_equal(lab_buffer_size(b), 100);
    assert_true(all_zero((char *)lab_buffer_data(b) + 100, LAB_TAIL));
    assert_true(lab_buffer_unique(b));
    assert_ptr_equal(lab_buffer_ref(b), b);
    assert_false(lab_buffer_unique(b));
    lab_buffer_unref(b);
    assert_true(lab_buffer_unique(b));
    memset(lab_buffer_data(b), 1, 100);
    lab_buffer_unref(b);
    lab_buffer_unref(NULL);
    assert_null(lab_buffer_ref(NULL));
    assert_null(lab_buffer_new(ctx, SIZE_MAX - 10));
    lab_buffer *empty = lab_buffer_new(ctx, 0);
    assert_non_null(lab_buffer_data(empty));
    lab_buffer_unref(empty);
}

static void release_foreign(void *user, void *data)
{
    assert_string_equal(data, "foreign");
    ++*(int *)user;
}

static void buffers_wrap_foreign_memory(void **state)
{
    lab_context *ctx = *state;
    char memory[] = "foreign";
    int released = 0;
    lab_buffer *b = lab_buffer_wrap(ctx, memory, sizeof memory, release_foreign, &released);
    lab_buffer_ref(b);
    lab_buffer_unref(b);
    assert_int_equal(released, 0);
    assert_ptr_equal(lab_buffer_data(b), memory);
    lab_buffer_unref(b);
    assert_int_equal(released, 1);
}

static void arena_hands_out_zeroed_memory(void **state)
{
    lab_arena arena;
    lab_arena_init(&arena, *state);
    unsigned char *before[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = (i * 37) % 900;
        unsigned char *p = lab_arena_alloc(&arena, size);
        assert_non_null(p);
        assert_true(aligned(p));
        assert_true(all_zero(p, size + LAB_TAIL));
        before[i] = p;
    }
    for (size_t i = 0; i < 200; i++) /* nobody's memory overlaps another's */
        memset(before[i], (int)i, (i * 37) % 900);
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < (i * 37) % 900; j++)
            assert_int_equal(before[i][j], i);
    }
    char *large = lab_arena_alloc(&arena, (size_t)3 << 20);
    assert_true(all_zero(large, ((size_t)3 << 20) + LAB_TAIL));
    assert_string_equal(lab_arena_strdup(&arena, "copy"), "copy");
    assert_null(lab_arena_array(&arena, SIZE_MAX / 4, 8));
    assert_null(lab_arena_alloc(&arena, SIZE_MAX - 40));
    assert_true(arena.total > (size_t)3 << 20);
    lab_arena_reset(&arena);
    assert_int_equal(arena.total, 0);
    assert_non_null(lab_arena_alloc(&arena, 1));
    lab_arena_reset(&arena);
}

static lab_status use_memory(lab_context *ctx, void *user, lab_error *error)
{
    (void)user;
    lab_arena arena;
    lab_arena_init(&arena, ctx);
    lab_buffer *buffer = lab_buffer_new(ctx, 100);
    bool ok = buffer != NULL;
    for (int i = 0; ok && i < 40; i++)
        ok = lab_arena_alloc(&arena, 300) != NULL;
    lab_arena_reset(&arena);
    lab_buffer_unref(buffer);
    return ok ? LAB_OK : lab_error_nomem(error, 300, "a test");
}

static void refused_allocations_leave_nothing(void **state)
{
    (void)state;
    assert_true(fail_alloc_sweep(use_memory, NULL) > 4);
}

static int begin(void **state)
{
    static lab_context ctx;
    *state = &ctx;
    return lab_context_init(&ctx, NULL, 1, NULL);
}

static int end(void **state)
{
    lab_context_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocation),
        cmocka_unit_test(system_blocks),
        cmocka_unit_test(freed_blocks_serve_again),
        cmocka_unit_test(log_levels),
        cmocka_unit_test_setup_teardown(buffers_count_references, begin, end),
        cmocka_unit_test_setup_teardown(buffers_wrap_foreign_memory, begin, end),
        cmocka_unit_test_setup_teardown(arena_hands_out_zeroed_memory, begin, end),
        cmocka_unit_test(refused_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
