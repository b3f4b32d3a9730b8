/* harness.c: see harness.h. Serves the kernel part of the host's table itself. */
#include "harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/static_plugins.h"

#define SKIPPED 77 /* CTest: skipped */
#define GUARD ((size_t)64)
#define GUARD_BYTE 0xA5
#define POISON_BYTE 0x5A

/* What kernels see as lab_prepare. The first member is what LAB_API_OF reads. */
struct lab_prepare {
    const lab_host_api *api;
    trial *t;
    const void *state;
    uint32_t tiles;
    size_t scratch_size;
    char message[LAB_MESSAGE_MAX];
};

static void *prepare_alloc(lab_prepare *prepare, size_t size)
{
    return lab_arena_alloc(&prepare->t->arena, size);
}

static void prepare_state(lab_prepare *prepare, const void *state)
{
    prepare->state = state;
}

static void prepare_tiles(lab_prepare *prepare, uint32_t tiles, size_t scratch_size)
{
    prepare->tiles = tiles;
    prepare->scratch_size = scratch_size;
}

LAB_PRINTF(3, 0)
static lab_status prepare_vfail(lab_prepare *prepare, lab_status status, const char *fmt,
                                va_list args)
{
    vsnprintf(prepare->message, sizeof prepare->message, fmt, args);
    return status;
}

static lab_status load_kernels(harness *h, lab_error *error)
{
#ifdef LAB_PLUGIN_STATIC
    lab_status status = LAB_OK;
    for (const lab_static_plugin *p = lab_static_plugins; p->name && !status; p++)
        status = lab_registry_add(h->registry, p->entry(&h->api), "built in", error);
    return status;
#else
    const char *more = getenv("LUALAB_PLUGIN_PATH");
    if (more && *more && lab_plugins_load_folder(h->plugins, more, error))
        return error->status;
    return lab_plugins_load_folder(h->plugins, TEST_PLUGIN_DIR, error);
#endif
}

void harness_open(harness *h)
{
    lab_error error = { 0 };
    memset(h, 0, sizeof *h);
    h->random = 88172645463325252u;
    h->api = (lab_host_api){
        .abi = LAB_ABI_VERSION,
        .size = sizeof(lab_host_api),
        .version = "test",
        .prepare_alloc = prepare_alloc,
        .prepare_state = prepare_state,
        .prepare_tiles = prepare_tiles,
        .prepare_vfail = prepare_vfail,
    };
    h->isa = getenv("LUALAB_KERNELS");
    if (!h->isa || !*h->isa)
        h->isa = "reference";
    if (lab_context_init(&h->ctx, NULL, 1, &error) ||
        lab_registry_new(&h->ctx, &h->api, &h->registry, &error) ||
        lab_plugins_new(h->registry, &h->plugins, &error) || load_kernels(h, &error))
        fail_msg("%s", error.message);
    lab_status status = lab_registry_force_isa(h->registry, h->isa, &error);
    if (status == LAB_E_UNSUPPORTED) {
        printf("skipped: %s\n", error.message);
        exit(SKIPPED);
    }
    if (status)
        fail_msg("%s", error.message);
}

void harness_close(harness *h)
{
    lab_plugins_free(h->plugins);
    lab_registry_free(h->registry);
    lab_context_finish(&h->ctx);
}

/* xorshift64* */
uint32_t random_u32(harness *h)
{
    h->random ^= h->random >> 12;
    h->random ^= h->random << 25;
    h->random ^= h->random >> 27;
    return (uint32_t)((h->random * 2685821657736338717u) >> 32);
}

int32_t random_in(harness *h, int32_t lo, int32_t hi)
{
    uint64_t span = (uint64_t)((int64_t)hi - lo) + 1;
    return (int32_t)(lo + (int64_t)(random_u32(h) % span));
}

float random_real(harness *h, float lo, float hi)
{
    return lo + (hi - lo) * ((float)(random_u32(h) >> 8) * 0x1p-24f);
}

void trial_begin(trial *t, harness *h, const char *op)
{
    memset(t, 0, sizeof *t);
    t->h = h;
    lab_arena_init(&t->arena, &h->ctx);
    t->node.op = op;
    t->node.name = "test";
    t->node.in = t->in;
    t->node.out = t->out;
    t->node.n_out = 1;
    t->node.attrs = (lab_attrs){ .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .depth_multiplier = 1,
                                 .beta = 1.0f };
}

void trial_end(trial *t)
{
    for (uint32_t i = 0; i < t->n_fences; i++)
        munmap(t->fences[i].map, t->fences[i].length);
    lab_arena_reset(&t->arena);
}

void trial_describe(trial *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(t->text, sizeof t->text, fmt, args);
    va_end(args);
}

void *trial_alloc(trial *t, size_t count, size_t size)
{
    void *memory = lab_arena_array(&t->arena, count, size);
    if (!memory)
        fail_msg("no memory for %zu x %zu bytes", count, size);
    return memory;
}

/*
 * `size` bytes, 64-byte aligned, whose last 64-byte line is the last before a page without access;
 * at least GUARD bytes before them may be written.
 */
static uint8_t *fenced_alloc(trial *t, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), lines = (size + GUARD - 1) / GUARD * GUARD;
    size_t inside = (lines + GUARD + page - 1) / page * page;
    if (t->n_fences == TRIAL_FENCED)
        fail_msg("more than %d pieces of fenced memory", TRIAL_FENCED);
    fenced *f = &t->fences[t->n_fences];
    f->length = inside + 2 * page;
    f->map = mmap(NULL, f->length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->map == MAP_FAILED || mprotect(f->map + page, inside, PROT_READ | PROT_WRITE))
        fail_msg("no memory for %zu bytes between fences", size);
    t->n_fences++;
    return f->map + page + inside - lines;
}

static lab_tensor *new_tensor(trial *t, lab_dtype dtype, uint32_t rank, const int32_t *shape)
{
    lab_tensor *tensor = &t->tensors[t->n_tensors++];
    *tensor = (lab_tensor){ .kind = LAB_TENSOR, .dtype = dtype, .rank = rank };
    memcpy(tensor->shape, shape, rank * sizeof *shape);
    tensor->size = tensor_count(tensor) * lab_dtype_size(dtype);
    return tensor;
}

lab_tensor *trial_input(trial *t, bool constant, lab_dtype dtype, uint32_t rank,
                        const int32_t *shape)
{
    lab_tensor *tensor = new_tensor(t, dtype, rank, shape);
    uint32_t i = t->node.n_in++;
    t->in[i] = tensor;
    t->data[i] = fenced_alloc(t, tensor->size + GUARD);
    /* The bytes that may be read after a tensor but must not count: NaN as floats. */
    memset((uint8_t *)t->data[i] + tensor->size, 0xff, GUARD);
    tensor->data = constant ? t->data[i] : NULL;
    return tensor;
}

void trial_absent(trial *t)
{
    t->in[t->node.n_in++] = NULL;
}

lab_tensor *trial_output(trial *t, lab_dtype dtype, uint32_t rank, const int32_t *shape)
{
    lab_tensor *tensor = new_tensor(t, dtype, rank, shape);
    t->out[0] = tensor;
    return tensor;
}

void set_quant(lab_tensor *tensor, float scale, int32_t zero)
{
    tensor->quant = (lab_quant){ .count = 1, .scale = scale, .zero_point = zero };
}

void set_channel_quant(lab_tensor *tensor, int32_t axis, const float *scales, const int32_t *zeros,
                       uint32_t count)
{
    tensor->quant = (lab_quant){ .count = count,
                                 .axis = axis,
                                 .scale = scales[0],
                                 .zero_point = zeros[0],
                                 .scales = scales,
                                 .zero_points = zeros };
}

size_t tensor_count(const lab_tensor *tensor)
{
    size_t n = 1;
    for (uint32_t i = 0; i < tensor->rank; i++)
        n *= (size_t)tensor->shape[i];
    return n;
}

int32_t input_q8(const trial *t, uint32_t in, size_t i)
{
    return t->in[in]->dtype == LAB_I8 ? ((const int8_t *)t->data[in])[i]
                                      : ((const uint8_t *)t->data[in])[i];
}

float input_f32(const trial *t, uint32_t in, size_t i)
{
    return ((const float *)t->data[in])[i];
}

void fill_q8(trial *t, uint32_t in)
{
    static const uint8_t extremes[] = { 0x00, 0xff, 0x7f, 0x80, 0x01 };
    uint8_t *data = t->data[in];
    int32_t kind = random_in(t->h, 0, 7);
    for (size_t i = 0; i < t->in[in]->size; i++) {
        uint32_t r = random_u32(t->h);
        if (kind == 0)
            data[i] = t->in[in]->dtype == LAB_I8 ? 0x80 : 0x00; /* the lowest value */
        else if (kind == 1)
            data[i] = t->in[in]->dtype == LAB_I8 ? 0x7f : 0xff; /* the highest */
        else if (kind == 2)
            data[i] = extremes[r % sizeof extremes];
        else
            data[i] = (uint8_t)(r >> 8);
    }
}

void fill_f32(trial *t, uint32_t in, float lo, float hi)
{
    float *data = t->data[in];
    for (size_t i = 0; i < tensor_count(t->in[in]); i++)
        data[i] = random_real(t->h, lo, hi);
}

bool trial_matches(trial *t)
{
    return lab_registry_match(t->h->registry, &t->node) != NULL;
}

/* What is left of the last line of `size` bytes: after it comes the fence. */
static size_t slack(size_t size)
{
    return (GUARD - size % GUARD) % GUARD;
}

/* Memory with guard bytes on both sides, the inside poisoned. */
static uint8_t *guarded(trial *t, size_t size)
{
    uint8_t *memory = fenced_alloc(t, size);
    memset(memory - GUARD, GUARD_BYTE, GUARD);
    memset(memory, POISON_BYTE, size);
    memset(memory + size, GUARD_BYTE, slack(size));
    return memory;
}

static void check_guards(const trial *t, const uint8_t *memory, size_t size, const char *what)
{
    bool whole = true;
    for (size_t i = 0; i < GUARD; i++)
        whole = whole && memory[-1 - (ptrdiff_t)i] == GUARD_BYTE;
    for (size_t i = 0; i < slack(size); i++)
        whole = whole && memory[size + i] == GUARD_BYTE;
    if (!whole)
        fail_msg("%s wrote outside its %s of %zu bytes (%s)", t->kernel, what, size, t->text);
}

/* Runs every tile once: pieces of random size, from the front and the back by turns. */
static void run_pieces(trial *t, const lab_kernel *kernel, lab_task *task, uint32_t tiles)
{
    uint32_t first = 0, last = tiles;
    while (first < last) {
        uint32_t n = 1 + random_u32(t->h) % (last - first);
        bool front = random_u32(t->h) & 1;
        task->begin = front ? first : last - n;
        task->end = task->begin + n;
        first += front ? n : 0;
        last -= front ? 0 : n;
        kernel->run(task);
    }
}

void trial_run(trial *t)
{
    const lab_kernel *kernel = lab_registry_match(t->h->registry, &t->node);
    if (!kernel) {
        fail_msg("no kernel for %s (%s)", t->node.op, t->text);
        return;
    }
    t->kernel = kernel->name;
    lab_prepare prepare = { .api = &t->h->api, .t = t, .tiles = 1 };
    if (kernel->prepare && kernel->prepare(&prepare, &t->node))
        fail_msg("%s: prepare: %s (%s)", kernel->name, prepare.message, t->text);
    assert_true(prepare.tiles >= 1);
    size_t size = t->out[0]->size;
    uint8_t *out = guarded(t, size), *scratch = guarded(t, prepare.scratch_size);
    void *outs[1] = { out };
    lab_task task = { .node = &t->node,
                      .state = prepare.state,
                      .in = (const void *const *)t->data,
                      .out = outs,
                      .scratch = scratch };
    run_pieces(t, kernel, &task, prepare.tiles);
    check_guards(t, out, size, "output");
    check_guards(t, scratch, prepare.scratch_size, "scratch memory");
    t->result = out;
}

void expect_q8(const trial *t, const int32_t *expected)
{
    bool is_i8 = t->out[0]->dtype == LAB_I8;
    for (size_t i = 0; i < t->out[0]->size; i++) {
        int32_t got = is_i8 ? ((const int8_t *)t->result)[i] : ((const uint8_t *)t->result)[i];
        if (got != expected[i])
            fail_msg("%s: element %zu is %d, expected %d (%s)", t->kernel, i, got, expected[i],
                     t->text);
    }
}

void expect_bytes(const trial *t, const void *expected)
{
    for (size_t i = 0; i < t->out[0]->size; i++) {
        uint8_t got = ((const uint8_t *)t->result)[i], want = ((const uint8_t *)expected)[i];
        if (got != want)
            fail_msg("%s: byte %zu is 0x%02x, expected 0x%02x (%s)", t->kernel, i, got, want,
                     t->text);
    }
}

void expect_f32(const trial *t, const double *expected, double tolerance)
{
    for (size_t i = 0; i < tensor_count(t->out[0]); i++) {
        double got = (double)((const float *)t->result)[i];
        if (!(fabs(got - expected[i]) <= tolerance * (1.0 + fabs(expected[i]))))
            fail_msg("%s: element %zu is %.9g, expected %.9g (%s)", t->kernel, i, got, expected[i],
                     t->text);
    }
}
