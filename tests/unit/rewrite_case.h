/*
 * Small networks for tests of rewrites: built operator by operator, shown as text before and after,
 * and run both as they are in the file and rewritten.
 */
#ifndef TEST_UNIT_REWRITE_CASE_H
#define TEST_UNIT_REWRITE_CASE_H

#include "model/model.h"
#include "support/cmocka_all.h"
#include "support/tflite_writer.h"

enum { SIDE = 6, CHANNELS = 3 };

/* Group fixtures: a host with this build's plugins. */
int rewrite_open(void **state);
int rewrite_close(void **state);

/* What a network is made of. scale 0: floats. */
typedef struct net {
    tflw *w;
    lab_dtype dtype;
    float scale;
    int32_t zero;
    bool all_outputs; /* nothing may be rewritten */
} net;

net net_new(lab_dtype dtype, bool all_outputs);
/* The network's input, or a value, of [1, SIDE, SIDE, CHANNELS] … */
int32_t net_input(net *n);
int32_t net_value(net *n, const char *name);
/* … or of another shape. */
int32_t net_input_of(net *n, const int32_t shape[4]);
int32_t net_value_of(net *n, const char *name, const int32_t shape[4]);

/* Operators; each gives its output. */
int32_t net_unary(net *n, int32_t code, const char *name, int32_t in);
int32_t net_add(net *n, const char *name, int32_t a, int32_t b, lab_activation activation);
/* Aligned corners. `shape` NULL: to the size it has already. */
int32_t net_resize(net *n, const char *name, int32_t in, const int32_t shape[4]);
/* 1x1, CHANNELS to CHANNELS. */
int32_t net_conv(net *n, const char *name, int32_t in, bool depthwise, lab_activation activation);
/* Any filter: `filter` is its shape, `shape` that of the output. */
int32_t net_filter(net *n, const char *name, int32_t in, bool depthwise, const int32_t filter[4],
                   const int32_t shape[4], const lab_attrs *attrs);

/*
 * The graph of the network whose last value is `output`, before and after; "conv_2d+relu(x) y" with
 * the constants left out. Then what both compute, which must be the same bytes (`tolerance` 0) or
 * floats as close. Frees the writer.
 */
void net_check(net *n, int32_t output, const char *before, const char *after, uint32_t removed,
               float tolerance);

/* Runs a model that model_host_model or lab_model_load_with made; the output borrowed from it. */
const lab_tensor *net_run(lab_model *model, uint32_t output);
/* The model of a finished network. `as_in_file`: not rewritten. */
lab_model *net_model(net *n, bool as_in_file);

#endif
