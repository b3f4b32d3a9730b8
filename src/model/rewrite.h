/*
 * Rewrites: nodes that cost time and change nothing are taken out of the graph between loading and
 * preparing it, and some that belong together become one. Every value of the file that is still
 * computed has the bytes it had before; float convolutions that swallow another node keep theirs
 * within the tolerance of float kernels.
 *
 *   resize_bilinear to the same size, quantize to the same numbers, tile by 1, reshape to the same
 *   shape, pad by nothing, concat of one value:
 *                      x -> node -> y                       becomes  x
 *   relu, relu6        x -> conv -> relu -> y               becomes  x -> conv -> y
 *   pad                x -> pad -> conv -> y                becomes  x -> conv -> y
 *   blocks             x -> space_to_batch_nd -> conv -> batch_to_space_nd -> y
 *                                                           becomes  x -> conv (dilated) -> y
 *   the head           x -> resize_bilinear -> argmax -> y  becomes  x -> resize_argmax -> y
 *   one pixel p resized or tiled to the size of the picture ("spread"):
 *                      p -> spread -> quantize -> y         becomes  p -> quantize -> spread -> y
 *                      (x, p -> spread) -> concat -> 1x1 conv -> y
 *                                              becomes  (x, p -> conv_bias) -> 1x1 conv -> y
 *   nodes whose values nobody reads are gone
 */
#ifndef LAB_MODEL_REWRITE_H
#define LAB_MODEL_REWRITE_H

#include "model/graph.h"

/*
 * Rewrites the graph in place and lists in graph->removed what is gone. Inputs and outputs stay
 * what and where they were: a node that writes an output of the graph is never bypassed. A rewrite
 * that asks for another kernel happens only where `registry` has one as good as the one before.
 */
lab_status lab_graph_rewrite(lab_graph *graph, lab_registry *registry, lab_error *error);

#endif
