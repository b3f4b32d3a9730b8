/* What the tests of our own plugins' operators share. Include after cmocka. */
#ifndef TEST_PLUGIN_PLUGIN_CASES_H
#define TEST_PLUGIN_PLUGIN_CASES_H

#include "../unit/ops_fixture.h"

/*
 * Asks for a stop at the 1st, 2nd, … allocation of an operator until it ends before: each time it
 * must be LAB_E_INTERRUPTED (or, when nothing was left to do, a result) and leave nothing.
 */
void stop_op(const char *op, const lab_tensor *in, const op_arg *args);

/* A picture of a left and a right half, red and blue, with a little noise; 3 channels. */
void make_halves(lab_context *ctx, int32_t width, int32_t height, int32_t edge, lab_tensor *out);

#endif
