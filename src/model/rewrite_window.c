/*
 * Rewrites of nodes that move pixels around for a convolution, which does without: padding becomes
 * its own, and a convolution on every block of pixels becomes one with dilation. What is added
 * around the picture is the zero point, which is what a convolution takes taps outside it for.
 */
#include "model/rewriter.h"

static bool is_convolution(const lab_graph_node *node)
{
    return lab_node_is(node, "conv_2d") || lab_node_is(node, "depthwise_conv_2d");
}

/* Pixels that a filter reaches over. */
static int64_t extent(int32_t filter, int32_t dilation)
{
    return (int64_t)(filter - 1) * dilation + 1;
}

static bool is_padding(int64_t pad, int64_t eff)
{
    return pad >= 0 && pad < eff;
}

/*
 * Gives the convolution at `n` other attributes (explicit padding) and another input when that
 * input's padding is legal and a kernel computes it as well as it did before.
 */
static bool change(lab_rewriter *r, uint32_t n, uint32_t input, const int64_t pads[4],
                   int32_t dilation_h, int32_t dilation_w)
{
    lab_graph_node *node = r->graph->nodes[n];
    const lab_tensor *filter = node->node.in[1];
    int64_t high = extent(filter->shape[1], dilation_h),
            wide = extent(filter->shape[2], dilation_w);
    if (!is_padding(pads[0], high) || !is_padding(pads[1], high) || !is_padding(pads[2], wide) ||
        !is_padding(pads[3], wide))
        return false;
    int before = lab_rewrite_score(r, node);
    lab_attrs old = node->node.attrs, *a = &node->node.attrs;
    uint32_t old_input = node->in[0];
    a->padding = LAB_PAD_EXPLICIT;
    a->pad_top = (int32_t)pads[0];
    a->pad_bottom = (int32_t)pads[1];
    a->pad_left = (int32_t)pads[2];
    a->pad_right = (int32_t)pads[3];
    a->dilation_h = dilation_h;
    a->dilation_w = dilation_w;
    lab_rewrite_set_inputs(r, node, &input, 1);
    if (lab_rewrite_score(r, node) >= before)
        return true;
    *a = old;
    lab_rewrite_set_inputs(r, node, &old_input, 1);
    return false;
}

/* ---- pad ---- */

/* {rank, 2} paddings of a constant: of height and width only, {top, bottom, left, right}. */
static bool read_paddings(const lab_node *pad, int64_t out[4])
{
    const lab_tensor *list = pad->in[1];
    if (pad->in[0]->rank != 4 || !list || !list->data || list->dtype != LAB_I32)
        return false;
    const int32_t *v = list->data;
    for (int i = 0; i < 4; i++)
        out[i] = v[2 + i];
    return v[0] == 0 && v[1] == 0 && v[6] == 0 && v[7] == 0;
}

bool lab_rewrite_pad(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *node = graph->nodes[n];
    if (!is_convolution(node))
        return false;
    uint32_t m = graph->values[node->in[0]]->producer;
    int64_t pads[4];
    if (m == UINT32_MAX || !lab_node_is(graph->nodes[m], "pad"))
        return false;
    const lab_graph_node *pad = graph->nodes[m];
    if (!read_paddings(&pad->node, pads) || !lab_same_numbers(pad->node.in[0], pad->node.out[0]))
        return false;
    const lab_attrs *a = &node->node.attrs;
    pads[0] += a->pad_top;
    pads[1] += a->pad_bottom;
    pads[2] += a->pad_left;
    pads[3] += a->pad_right;
    uint32_t padded = node->in[0];
    if (!change(r, n, pad->in[0], pads, a->dilation_h, a->dilation_w))
        return false;
    if (r->readers[padded] == 0)
        lab_rewrite_remove(r, m, node, "is padding of the convolution after it");
    return true;
}

/* ---- space_to_batch_nd, convolution, batch_to_space_nd ---- */

static bool same_blocks(const lab_attrs *a, const lab_attrs *b)
{
    return a->stride_h == b->stride_h && a->stride_w == b->stride_w;
}

static bool steps_by_one(const lab_attrs *a)
{
    return a->stride_h == 1 && a->stride_w == 1;
}

/*
 * Pixel (y, x) of block image (i, j) is pixel (y * block + i, x * block + j) of the picture: one
 * pixel of distance there is `block` pixels here, in taps and in the convolution's own padding.
 * What space_to_batch_nd adds at the edges is padding; what batch_to_space_nd crops is not
 * computed.
 */
bool lab_rewrite_batches(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *join = graph->nodes[n];
    if (!lab_node_is(join, "batch_to_space_nd"))
        return false;
    uint32_t c = lab_rewrite_sole_producer(r, join->in[0]);
    if (c == UINT32_MAX || !is_convolution(graph->nodes[c]))
        return false;
    const lab_graph_node *conv = graph->nodes[c];
    uint32_t s = lab_rewrite_sole_producer(r, conv->in[0]);
    if (s == UINT32_MAX || !lab_node_is(graph->nodes[s], "space_to_batch_nd"))
        return false;
    const lab_graph_node *split = graph->nodes[s];
    const lab_attrs *in = &split->node.attrs, *a = &conv->node.attrs, *out = &join->node.attrs;
    int64_t high = (int64_t)a->dilation_h * in->stride_h;
    int64_t wide = (int64_t)a->dilation_w * in->stride_w;
    if (!same_blocks(in, out) || !steps_by_one(a) || high > INT16_MAX || wide > INT16_MAX ||
        !lab_same_numbers(split->node.in[0], split->node.out[0]) ||
        !lab_same_numbers(join->node.in[0], join->node.out[0]))
        return false;
    const int64_t pads[4] = {
        in->pad_top + (int64_t)a->pad_top * in->stride_h - out->pad_top,
        in->pad_bottom + (int64_t)a->pad_bottom * in->stride_h - out->pad_bottom,
        in->pad_left + (int64_t)a->pad_left * in->stride_w - out->pad_left,
        in->pad_right + (int64_t)a->pad_right * in->stride_w - out->pad_right,
    };
    uint32_t result = join->out[0];
    lab_tensor blocks = *conv->node.out[0];
    /* Kernels compare shapes: let them see the node as it would be. */
    graph->values[conv->out[0]]->tensor.rank = join->node.out[0]->rank;
    for (int i = 0; i < 4; i++)
        graph->values[conv->out[0]]->tensor.shape[i] = join->node.out[0]->shape[i];
    if (!change(r, c, split->in[0], pads, (int32_t)high, (int32_t)wide)) {
        graph->values[conv->out[0]]->tensor = blocks;
        return false;
    }
    lab_rewrite_remove(r, s, conv, "is dilation of the convolution after it");
    lab_rewrite_remove(r, n, conv, "is dilation of the convolution before it");
    lab_rewrite_take_output(r, c, result);
    return true;
}
