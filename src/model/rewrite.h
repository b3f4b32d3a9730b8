/*
 * Rewrites: nodes that cost time and change nothing are taken out of the graph between loading and
 * preparing it. Every value that is still computed has the bytes it had before.
 *
 *   resize_bilinear to the same size, same quantisation   x -> resize -> y    becomes  x
 *   quantize to the same type and quantisation              x -> quantize -> y  becomes  x
 *   relu, relu6 after conv_2d, depthwise_conv_2d or add   x -> conv -> relu   becomes  conv
 */
#ifndef LAB_MODEL_REWRITE_H
#define LAB_MODEL_REWRITE_H

#include "model/graph.h"

/*
 * Rewrites the graph in place and lists in graph->removed what is gone. Inputs and outputs stay
 * what and where they were: a node that writes an output of the graph is never bypassed.
 */
lab_status lab_graph_rewrite(lab_graph *graph, lab_error *error);

#endif
