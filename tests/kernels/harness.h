/*
 * harness.h: one node at a time through the kernel that the registry chooses for it, with hostile
 * surroundings: inputs, outputs and scratch memory end at a page that nobody may touch (inputs with
 * the 64 readable bytes that lab_plugin.h promises); outputs and scratch memory lie between guard
 * bytes and start out poisoned; work is handed out in uneven pieces, in any order.
 *
 * The instruction set under test is that of LUALAB_KERNELS ("reference" when unset), so that one
 * sweep serves every kernel plugin there is.
 */
#ifndef TEST_KERNELS_HARNESS_H
#define TEST_KERNELS_HARNESS_H

#include "base/arena.h"
#include "plugin/loader.h"

#define TRIAL_TEXT 256

typedef struct harness {
    lab_context ctx;
    lab_host_api api;
    lab_registry *registry;
    lab_plugins *plugins;
    const char *isa;
    uint64_t random;
} harness;

/* Fails the running test with the reason when something is missing. */
void harness_open(harness *h);
void harness_close(harness *h);

/* Deterministic: the same numbers in every run. */
uint32_t random_u32(harness *h);
int32_t random_in(harness *h, int32_t lo, int32_t hi); /* both included */
float random_real(harness *h, float lo, float hi);
/* One of the values listed. */
#define ONE_OF(h, ...)                                                                             \
    ((const int32_t[]){ __VA_ARGS__ })[random_in(                                                  \
        (h), 0, (int32_t)(sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t)) - 1)]

/* Memory that ends at a page nobody may touch; one more such page lies before it. */
typedef struct fenced {
    uint8_t *map;
    size_t length; /* fences included */
} fenced;

#define TRIAL_FENCED (LAB_NODE_MAX_IN + 8)

/* A node and its data. Everything lives until trial_end. */
typedef struct trial {
    harness *h;
    lab_arena arena;
    fenced fences[TRIAL_FENCED];
    uint32_t n_fences;
    lab_node node;
    lab_tensor tensors[LAB_NODE_MAX_IN + 1];
    uint32_t n_tensors;
    const lab_tensor *in[LAB_NODE_MAX_IN], *out[1];
    void *data[LAB_NODE_MAX_IN]; /* of the inputs */
    void *result;                /* of the output, after trial_run */
    const char *kernel;          /* name of the one that ran */
    char text[TRIAL_TEXT];       /* the parameters, printed on failure */
} trial;

void trial_begin(trial *t, harness *h, const char *op);
void trial_end(trial *t);

LAB_PRINTF(2, 3)
void trial_describe(trial *t, const char *fmt, ...);

/*
 * Adds the next input (memory at t->data[i], zeroed) and returns its tensor. `constant`: kernels
 * see the data when they prepare. A NULL tensor is added by trial_absent.
 */
lab_tensor *trial_input(trial *t, bool constant, lab_dtype dtype, uint32_t rank,
                        const int32_t *shape);
void trial_absent(trial *t);
lab_tensor *trial_output(trial *t, lab_dtype dtype, uint32_t rank, const int32_t *shape);
/* One scale and zero point; per channel where `scales` is given (zero points 0). */
void set_quant(lab_tensor *tensor, float scale, int32_t zero);
void set_channel_quant(lab_tensor *tensor, int32_t axis, const float *scales, const int32_t *zeros,
                       uint32_t count);

/* Memory until trial_end; never NULL. */
void *trial_alloc(trial *t, size_t count, size_t size);

size_t tensor_count(const lab_tensor *tensor);
/* Value of 8-bit element `i` of input `in`. */
int32_t input_q8(const trial *t, uint32_t in, size_t i);
float input_f32(const trial *t, uint32_t in, size_t i);

/* Fills an 8-bit input: random, or all lowest, or all highest, or a mixture of extremes. */
void fill_q8(trial *t, uint32_t in);
void fill_f32(trial *t, uint32_t in, float lo, float hi);

/* Matches, prepares, runs; fails the test when no kernel takes the node or a guard byte changed. */
void trial_run(trial *t);
/* True when some kernel takes the node. */
bool trial_matches(trial *t);

/* Compare the result with what an oracle says, element by element. */
void expect_q8(const trial *t, const int32_t *expected);
void expect_bytes(const trial *t, const void *expected);
/* |difference| <= tolerance * (1 + |expected|) */
void expect_f32(const trial *t, const double *expected, double tolerance);

#endif
