/*
 * Small models with bytes changed at random (the same ones every time): each must load and run, or
 * be refused with a sentence. Meant for the sanitizers; tests/fuzz goes on without end.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/model_host.h"
#include "support/small_models.h"

#define MUTANTS 2000
#define MEMORY ((size_t)64 << 20) /* what one block may have: a mutant's wishes have no limits */
#define MOST_MACS 20000000u       /* nor have its loops; the good models have 0.2 million */

static void *allocate(void *user, size_t size, size_t align)
{
    (void)user;
    return size > MEMORY ? NULL : lab_system_allocator.allocate(NULL, size, align);
}

static void release(void *user, void *ptr)
{
    (void)user;
    lab_system_allocator.release(NULL, ptr);
}

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(random_state >> 8) * limit >> 24);
}

static void mutate(uint8_t *bytes, size_t size)
{
    static const uint32_t words[] = { 0,          1,          2,          4,          5,
                                      0x7f,       0xff,       0xffff,     0x10000,    0x7fffffff,
                                      0x80000000, 0xfffffffe, 0xffffffff, 0x7f800000, 0x7fc00000 };
    for (uint32_t n = 1 + random_below(3); n > 0; n--) {
        uint32_t at = random_below((uint32_t)size), word = words[random_below(15)];
        switch (random_below(4)) {
        case 0:
            bytes[at] = (uint8_t)(bytes[at] ^ 1u << random_below(8));
            break;
        case 1:
            bytes[at] = (uint8_t)random_below(256);
            break;
        case 2:
            at &= ~3u;
            memcpy(bytes + at, &word, at + 4 <= size ? 4 : size - at);
            break;
        default: /* near what is there: offsets and sizes that are a little off */
            bytes[at] = (uint8_t)(bytes[at] + random_below(9) - 4);
        }
    }
}

static uint64_t elements_of(const lab_model *model)
{
    uint64_t sum = 0;
    const lab_graph *graph = lab_model_graph(model);
    for (uint32_t v = 0; v < graph->n_values; v++)
        sum += graph->values[v]->tensor.size;
    return sum;
}

/* Whether it ran: a mutant that loads has shapes and types that fit, whatever its weights are. */
static bool run(lab_host *host, lab_model *model)
{
    lab_model_stats stats;
    lab_error error;
    lab_tensor inputs[4];
    const lab_tensor *list[4];
    uint32_t n = lab_model_graph(model)->n_inputs;
    lab_model_get_stats(model, &stats);
    if (n > 4 || stats.macs > MOST_MACS || elements_of(model) > MOST_MACS)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(model_host_input(host, model, i, &inputs[i], &error), LAB_OK);
        list[i] = &inputs[i];
    }
    if (lab_model_run(model, list, n, LAB_WANT_OUTPUTS, &error))
        fail_msg("%s", error.message);
    for (uint32_t i = 0; i < n; i++)
        lab_tensor_clear(&inputs[i]);
    return true;
}

/* Takes the bytes. */
static void try_mutants(const char *name, uint8_t *good, size_t size)
{
    const lab_allocator allocator = { .allocate = allocate, .release = release };
    lab_error error = { LAB_OK, "" };
    lab_host *host = model_host_open(1, &allocator, &error);
    assert_non_null(host);
    uint8_t *bad = malloc(size);
    unsigned loaded = 0, ran = 0;
    random_state = 1;
    for (int i = 0; i < MUTANTS; i++) {
        lab_model *model = NULL;
        memcpy(bad, good, size);
        mutate(bad, size);
        error = (lab_error){ LAB_OK, "" };
        lab_status status = model_host_model(host, bad, size, &model, &error);
        if (status) {
            assert_int_equal(error.status, status);
            assert_true(strlen(error.message) > 20);
            continue;
        }
        loaded++;
        ran += run(host, model);
        lab_model_free(model);
    }
    print_message("%s: %u of %d mutants load, %u run\n", name, loaded, MUTANTS, ran);
    assert_true(ran > 100); /* else nothing but the first checks was looked at */
    assert_true(loaded < MUTANTS);
    free(good);
    free(bad);
    lab_host_free(host);
}

static void test_deeplabs(void **state)
{
    (void)state;
    static const lab_dtype dtypes[3] = { LAB_U8, LAB_I8, LAB_F32 };
    for (int i = 0; i < 3; i++) {
        size_t size;
        uint8_t *good = small_deeplab(dtypes[i], &size);
        try_mutants(lab_dtype_name(dtypes[i]), good, size);
    }
}

static void test_zoo(void **state)
{
    (void)state;
    size_t size;
    uint8_t *good = small_zoo(&size);
    try_mutants("zoo", good, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deeplabs),
        cmocka_unit_test(test_zoo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
