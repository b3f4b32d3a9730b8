/* Models of one operator: see node_case.h. */
#include "unit/node_case.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

static lab_host *host;

int node_case_open(void **state)
{
    (void)state;
    lab_error error;
    host = model_host_open(1, NULL, &error);
    return host ? 0 : -1;
}

int node_case_close(void **state)
{
    (void)state;
    lab_host_free(host);
    return 0;
}

one begin(void)
{
    return (one){ .w = tflw_new(),
                  .attrs = { .padding = LAB_PAD_SAME,
                             .stride_h = 1,
                             .stride_w = 1,
                             .dilation_h = 1,
                             .dilation_w = 1,
                             .beta = 1 } };
}

void input(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale, int32_t zero)
{
    int32_t id = tflw_value(o->w, "in", dtype, rank, shape, scale, zero);
    tflw_input(o->w, id);
    o->in[o->n_in++] = id;
}

void constant(one *o, lab_dtype dtype, uint32_t rank, const int32_t *shape, float scale,
              int32_t zero)
{
    static const uint8_t zeros[1 << 16];
    o->in[o->n_in++] = tflw_const(o->w, "const", dtype, rank, shape, zeros, scale, zero);
}

void ints(one *o, uint32_t count, const int32_t *values)
{
    o->in[o->n_in++] = tflw_ints(o->w, "ints", count, values);
}

void output(one *o, lab_dtype dtype, float scale, int64_t zero)
{
    o->out = tflw_add(o->w, &(tflw_tensor){ .name = "out",
                                            .dtype = dtype,
                                            .no_shape = true,
                                            .n_scales = scale != 0.0f,
                                            .scales = &scale,
                                            .zero_points = &zero });
}

static lab_status build(one *o, int32_t code, lab_graph **graph, lab_error *error)
{
    tflw_op(o->w, code, o->in, o->n_in, &o->out, 1, &o->attrs);
    tflw_output(o->w, o->out);
    size_t size;
    uint8_t *bytes = tflw_finish(o->w, &size);
    lab_status status = model_host_graph(host, bytes, size, graph, error);
    free(bytes);
    return status;
}

lab_graph *gives(one *o, int32_t code, uint32_t rank, const int32_t *shape)
{
    lab_graph *graph = NULL;
    lab_error error;
    if (build(o, code, &graph, &error))
        fail_msg("%s", error.message);
    const lab_tensor *out = graph->nodes[0]->node.out[0];
    assert_int_equal(out->rank, rank);
    assert_memory_equal(out->shape, shape, rank * sizeof *shape);
    return graph;
}

void gives_shape(one *o, int32_t code, uint32_t rank, const int32_t *shape)
{
    lab_graph_free(gives(o, code, rank, shape));
}

void refuses(one *o, int32_t code, const char *words)
{
    lab_graph *graph = NULL;
    lab_error error = { LAB_OK, "" };
    if (!build(o, code, &graph, &error))
        fail_msg("accepted, although: %s", words);
    if (!strstr(error.message, words))
        fail_msg("expected \"%s\", got: %s", words, error.message);
    assert_memory_equal(error.message, "model.tflite: op 0 ", 19);
}

lab_graph *node_case_load(uint8_t *bytes, size_t size)
{
    lab_graph *graph = NULL;
    lab_error error;
    if (model_host_graph(host, bytes, size, &graph, &error))
        fail_msg("%s", error.message);
    free(bytes);
    return graph;
}
