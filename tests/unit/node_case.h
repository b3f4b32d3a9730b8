/*
 * A model of one operator, for tests of its inference rule: inputs and options go in, and either
 * the shape it arrives at or the sentence it is refused with is looked at. The output has no shape
 * in the file, so what comes out is the rule's.
 */
#ifndef TESTS_UNIT_NODE_CASE_H
#define TESTS_UNIT_NODE_CASE_H

#include "support/model_host.h"
#include "support/tflite_writer.h"

/* The two arguments `rank, shape`. */
#define SHAPE(...)                                                                                 \
    (sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t)), (int32_t[])                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

typedef struct one {
    tflw *w;
    int32_t in[4], out;
    uint32_t n_in;
    lab_attrs attrs;
} one;

/* For cmocka: the host of all cases. */
int node_case_open(void **state);
int node_case_close(void **state);

/* A model with SAME padding, strides and dilation of 1. */
one begin(void);
/* The next input of the operator: one of the model's, a constant of zeros, a vector of i32. */
void input(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale, int32_t zero);
void constant(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale,
              int32_t zero);
void ints(one *o, uint32_t count, const int32_t *values);
void output(one *o, lab_dtype dtype, float scale, int64_t zero);

/* Each uses the case up. The graph, which must have arrived at this shape; free it. */
lab_graph *gives(one *o, int32_t code, uint32_t rank, const int32_t *shape);
void gives_shape(one *o, int32_t code, uint32_t rank, const int32_t *shape);
/* It must be refused with these words. */
void refuses(one *o, int32_t code, const char *words);
/* A graph from a whole file that must load. Frees the bytes. */
lab_graph *node_case_load(uint8_t *bytes, size_t size);

#endif
