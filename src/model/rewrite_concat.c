/*
 * Rewrites of values that are alike at every place of a picture: what a network computes from the
 * mean of everything, spread over the picture to be joined with the rest. They stay one pixel as
 * long as they can, and a 1x1 convolution takes them in as a bias.
 */
#include <string.h>

#include "model/rewriter.h"

/* A node that gives every place of the picture the one pixel it reads. */
static bool is_broadcast(const lab_graph_node *node)
{
    const lab_tensor *in = node->node.in[0], *out = node->node.out[0];
    if (!lab_node_is(node, "resize_bilinear") && !lab_node_is(node, "tile"))
        return false;
    return in && in->rank == 4 && in->shape[0] == 1 && in->shape[1] == 1 && in->shape[2] == 1 &&
           out->rank == 4 && out->shape[0] == 1 && out->shape[3] == in->shape[3] &&
           lab_same_numbers(in, out);
}

static lab_value_desc value_like(const lab_value *value)
{
    lab_value_desc desc = { .name = value->name,
                            .dtype = value->tensor.dtype,
                            .rank = value->tensor.rank,
                            .quant = value->tensor.quant };
    memcpy(desc.shape, value->tensor.shape, sizeof desc.shape);
    return desc;
}

/* ---- x -> broadcast -> quantize   becomes   x -> quantize -> broadcast ---- */

static bool is_function(const lab_graph_node *node)
{
    static const char *const ops[] = { "quantize", "relu", "relu6", "hard_swish", "logistic" };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (lab_node_is(node, ops[i]))
            return true;
    return false;
}

/* One pixel with the numbers that `function` gives. */
static uint32_t add_pixel(lab_rewriter *r, const lab_graph_node *function)
{
    lab_value_desc desc = value_like(r->graph->values[function->out[0]]);
    desc.shape[1] = desc.shape[2] = 1;
    return lab_rewrite_add_value(r, &desc);
}

static lab_node_desc desc_of(const lab_graph_node *node, const uint32_t *in, const uint32_t *out)
{
    return (lab_node_desc){ .op = node->node.op,
                            .label = node->label,
                            .index = node->node.index,
                            .in = in,
                            .n_in = node->node.n_in,
                            .out = out,
                            .n_out = 1,
                            .attrs = node->node.attrs };
}

bool lab_rewrite_function(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    lab_graph_node *function = graph->nodes[n];
    if (!is_function(function))
        return false;
    uint32_t m = lab_rewrite_sole_producer(r, function->in[0]);
    /* Resizing an infinity gives no number: with floats the order would matter. */
    if (m == UINT32_MAX || !is_broadcast(graph->nodes[m]) || function->node.in[0]->dtype == LAB_F32)
        return false;
    lab_graph_node *broadcast = graph->nodes[m];
    uint32_t pixel = add_pixel(r, function), out = function->out[0];
    if (pixel == LAB_VALUE_NONE)
        return false;
    lab_node_desc first = desc_of(function, &broadcast->in[0], &pixel);
    lab_graph_node *early = lab_rewrite_make_node(r, &first);
    if (!early)
        return false;
    uint32_t in[2] = { pixel, broadcast->in[1] };
    graph->values[pixel]->producer = m;
    graph->values[out]->producer = UINT32_MAX;
    lab_node_desc second = desc_of(broadcast, in, &out);
    lab_graph_node *late = lab_rewrite_make_node(r, &second);
    graph->values[out]->producer = n;
    if (!late)
        return false;
    lab_rewrite_drop(r, n);
    lab_rewrite_drop(r, m);
    lab_rewrite_place(r, m, early);
    lab_rewrite_place(r, n, late);
    return true;
}

/* ---- (x, broadcast) -> concat -> 1x1 conv   becomes   (x, conv_bias) -> conv ---- */

/* What the rule needs to know about a convolution that fits. */
typedef struct join {
    uint32_t concat, broadcast;   /* nodes */
    uint32_t x;                   /* the value that differs from place to place */
    int32_t x_first, pixel_first; /* first input channel of the filter that belongs to each */
    int32_t x_count, pixel_count;
} join;

static bool is_pixelwise(const lab_graph_node *conv)
{
    const lab_node *node = &conv->node;
    const lab_attrs *a = &node->attrs;
    return lab_node_is(conv, "conv_2d") && node->n_in == 3 && node->in[0]->dtype != LAB_F32 &&
           node->in[0]->shape[0] == 1 && node->in[1]->data && node->in[1]->shape[1] == 1 &&
           node->in[1]->shape[2] == 1 && (!node->in[2] || node->in[2]->data) && a->pad_top == 0 &&
           a->pad_bottom == 0 && a->pad_left == 0 && a->pad_right == 0;
}

/* Two values along the channels, one of them broadcast, both with the numbers of the result. */
static bool find_join(const lab_rewriter *r, const lab_graph_node *conv, join *j)
{
    const lab_graph *graph = r->graph;
    j->concat = lab_rewrite_sole_producer(r, conv->in[0]);
    if (j->concat == UINT32_MAX || !lab_node_is(graph->nodes[j->concat], "concat"))
        return false;
    const lab_graph_node *concat = graph->nodes[j->concat];
    if (concat->node.n_in != 2 || concat->node.attrs.axis != 3)
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        const lab_tensor *pixel = concat->node.in[i], *x = concat->node.in[1 - i];
        j->broadcast = lab_rewrite_sole_producer(r, concat->in[i]);
        if (j->broadcast == UINT32_MAX || !is_broadcast(graph->nodes[j->broadcast]) || x->data ||
            !lab_same_numbers(x, concat->node.out[0]))
            continue;
        j->x = concat->in[1 - i];
        j->x_count = x->shape[3];
        j->pixel_count = pixel->shape[3];
        j->x_first = i == 0 ? j->pixel_count : 0;
        j->pixel_first = i == 0 ? 0 : j->x_count;
        return true;
    }
    return false;
}

/* Input channels first … first + count - 1 of a 1x1 filter as a filter of their own. */
static uint32_t add_filter(lab_rewriter *r, uint32_t filter, int32_t first, int32_t count)
{
    const lab_value *value = r->graph->values[filter];
    lab_value_desc desc = value_like(value);
    size_t outputs = (size_t)desc.shape[0], row = (size_t)desc.shape[3];
    uint8_t *part = lab_builder_take(&r->builder, outputs * (size_t)count);
    if (!part)
        return LAB_VALUE_NONE;
    for (size_t o = 0; o < outputs; o++)
        memcpy(part + o * (size_t)count,
               (const uint8_t *)value->tensor.data + o * row + (size_t)first, (size_t)count);
    desc.shape[3] = count;
    desc.data = part;
    desc.size = outputs * (size_t)count;
    return lab_rewrite_add_value(r, &desc);
}

/* The pixel with the numbers of the concat: a concat of it alone rescales it as the concat would.
 * `node` is NULL when it has them. */
static uint32_t add_rescaled(lab_rewriter *r, const join *j, lab_graph_node **node)
{
    const lab_graph_node *concat = r->graph->nodes[j->concat];
    const lab_graph_node *broadcast = r->graph->nodes[j->broadcast];
    *node = NULL;
    if (lab_same_numbers(broadcast->node.in[0], concat->node.out[0]))
        return broadcast->in[0];
    lab_value_desc desc = value_like(r->graph->values[concat->out[0]]);
    desc.shape[1] = desc.shape[2] = 1;
    desc.shape[3] = j->pixel_count;
    uint32_t out = lab_rewrite_add_value(r, &desc);
    if (out == LAB_VALUE_NONE)
        return out;
    lab_node_desc rescale = desc_of(concat, &broadcast->in[0], &out);
    rescale.n_in = 1;
    *node = lab_rewrite_make_node(r, &rescale);
    if (*node)
        r->graph->values[out]->producer = j->broadcast;
    return *node ? out : LAB_VALUE_NONE;
}

/* The bias of the picture; the node is NULL when it cannot be had. */
static lab_graph_node *make_bias(lab_rewriter *r, const lab_graph_node *conv, const join *j,
                                 uint32_t pixel)
{
    lab_value_desc desc = { .name = conv->node.name, .dtype = LAB_I32, .rank = 1 };
    desc.shape[0] = conv->node.in[1]->shape[0];
    uint32_t filter = add_filter(r, conv->in[1], j->pixel_first, j->pixel_count);
    uint32_t out = lab_rewrite_add_value(r, &desc);
    if (filter == LAB_VALUE_NONE || out == LAB_VALUE_NONE)
        return NULL;
    const uint32_t in[3] = { pixel, filter, conv->in[2] };
    return lab_rewrite_make_node(r, &(lab_node_desc){ .op = "conv_bias",
                                                      .label = "bias of CONV_2D",
                                                      .index = conv->node.index,
                                                      .in = in,
                                                      .n_in = 3,
                                                      .out = &out,
                                                      .n_out = 1 });
}

/* Whether a kernel computes the convolution as well with a bias that is computed. Asked before
 * anything is made for it. */
static bool takes_bias(const lab_rewriter *r, lab_graph_node *conv)
{
    const lab_tensor *constant = conv->tensors[2];
    lab_tensor computed = { .kind = LAB_TENSOR, .dtype = LAB_I32, .rank = 1 };
    computed.shape[0] = conv->node.in[1]->shape[0];
    computed.size = (size_t)computed.shape[0] * sizeof(int32_t);
    int before = lab_rewrite_score(r, conv);
    conv->tensors[2] = &computed;
    int after = lab_rewrite_score(r, conv);
    conv->tensors[2] = constant;
    return after >= before;
}

/* The same with all its new inputs, which it has then. */
static bool fits(lab_rewriter *r, lab_graph_node *conv, const uint32_t in[3])
{
    uint32_t old[3] = { conv->in[0], conv->in[1], conv->in[2] };
    int before = lab_rewrite_score(r, conv);
    lab_rewrite_set_inputs(r, conv, in, 3);
    if (lab_rewrite_score(r, conv) >= before)
        return true;
    lab_rewrite_set_inputs(r, conv, old, 3);
    return false;
}

bool lab_rewrite_concat(lab_rewriter *r, uint32_t n)
{
    lab_graph_node *conv = r->graph->nodes[n], *rescale;
    join j;
    if (!is_pixelwise(conv) || !find_join(r, conv, &j) || !takes_bias(r, conv))
        return false;
    uint32_t pixel = add_rescaled(r, &j, &rescale);
    uint32_t filter = add_filter(r, conv->in[1], j.x_first, j.x_count);
    if (pixel == LAB_VALUE_NONE || filter == LAB_VALUE_NONE)
        return false;
    lab_graph_node *bias = make_bias(r, conv, &j, pixel);
    if (!bias || !lab_rewrite_score(r, bias))
        return false;
    const uint32_t in[3] = { j.x, filter, bias->out[0] };
    if (!fits(r, conv, in))
        return false;
    lab_rewrite_remove(r, j.concat, conv, "joins one value with what is a bias now");
    lab_rewrite_remove(r, j.broadcast, bias, "gives every place the same, which is a bias");
    if (rescale)
        lab_rewrite_place(r, j.broadcast, rescale);
    lab_rewrite_place(r, j.concat, bias);
    return true;
}
