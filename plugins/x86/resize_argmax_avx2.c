/*
 * resize_argmax_avx2.c: resize_argmax of 8-bit scores. The loops of ../reference/resize_argmax.h
 * are written for the vectoriser; AVX2 gives them 32-bit multiplication and maximum.
 */
#include "../reference/resize_argmax.h"
#include "kernels.h"

static int match(const lab_node *node)
{
    return resize_argmax_q8_match(node) ? 20 : 0;
}

const lab_kernel x86_resize_argmax_q8_avx2 = {
    .name = "x86.resize_argmax.q8.avx2",
    .op = "resize_argmax",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = resize_argmax_q8_prepare,
    .run = resize_argmax_q8_run,
};
