/* See plugin_cases.h. */
#include "support/cmocka_all.h"

#include "plugin_cases.h"
#include "support/fail_alloc.h"

typedef struct stopper {
    fail_alloc memory;
    lab_allocator allocator;
    lab_context *ctx;
    long stop_at;
} stopper;

static void *stop_allocate(void *user, size_t size, size_t align)
{
    stopper *s = user;
    void *ptr = fail_alloc_allocate(&s->memory, size, align);
    if (s->ctx && atomic_load(&s->memory.calls) == s->stop_at)
        atomic_store(&s->ctx->stop, true);
    return ptr;
}

static void stop_release(void *user, void *ptr)
{
    fail_alloc_release(&((stopper *)user)->memory, ptr);
}

/* True when the stop came before the operator had ended. */
static bool stop_once(long after, const char *op, const lab_tensor *in, const op_arg *args)
{
    stopper s = { .stop_at = 0 };
    fail_alloc_init(&s.memory, 0);
    s.allocator = (lab_allocator){ stop_allocate, stop_release, &s };
    ops_host host;
    lab_error error = { 0 };
    assert_ok(ops_host_init(&host, &s.allocator, 2, &error), &error);
    s.stop_at = atomic_load(&s.memory.calls) + after;
    s.ctx = &host.ctx;
    lab_call *call;
    lab_status status = op_run(&host, op, in, args, &call, &error);
    bool stopped = atomic_load(&host.ctx.stop);
    if (status && status != LAB_E_INTERRUPTED)
        fail_msg("stopped at allocation %ld: %s", after, error.message);
    if (!stopped)
        assert_int_equal(status, LAB_OK);
    lab_call_free(call);
    s.ctx = NULL;
    ops_host_finish(&host);
    assert_int_equal(atomic_load(&s.memory.live), 0);
    return status == LAB_E_INTERRUPTED;
}

void stop_op(const char *op, const lab_tensor *in, const op_arg *args)
{
    long interrupted = 0;
    for (long after = 1; after <= 12; after++)
        interrupted += stop_once(after, op, in, args);
    assert_true(interrupted > 2);
}

void make_halves(lab_context *ctx, int32_t width, int32_t height, int32_t edge, lab_tensor *out)
{
    const int32_t shape[3] = { height, width, 3 };
    lab_error error = { 0 };
    assert_ok(lab_tensor_new(ctx, LAB_IMAGE, LAB_U8, 3, shape, out, &error), &error);
    uint32_t seed = 77;
    uint8_t *p = out->data;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++, p += 3) {
            uint8_t noise = (uint8_t)(random_next(&seed) % 8);
            p[0] = (uint8_t)((x < edge ? 200 : 30) + noise);
            p[1] = (uint8_t)(40 + noise);
            p[2] = (uint8_t)((x < edge ? 30 : 200) + noise);
        }
    }
}
