/*
 * How the network ends. Segmentation networks differ in what they leave to the caller: some end in
 * a label map, some in scores at full size, some in scores that still need a resize. Knowing the
 * small score tensor and what is done to it lets the caller do that at any size.
 */
#include <string.h>

#include "model/model_parts.h"

/* The node that writes a value, if it is of this type. */
static const lab_graph_node *made_by(const lab_graph *graph, uint32_t value, const char *op)
{
    uint32_t producer = graph->values[value]->producer;
    if (producer == UINT32_MAX)
        return NULL;
    const lab_graph_node *node = graph->nodes[producer];
    return strcmp(node->node.op, op) ? NULL : node;
}

/* [1, h, w, C] */
static bool is_scores(const lab_tensor *tensor)
{
    return tensor->rank == 4 && tensor->shape[0] == 1;
}

/* Steps over resizes that change no size: bilinear interpolation is the identity then. */
static uint32_t skip_same_size(const lab_graph *graph, uint32_t value)
{
    const lab_graph_node *node;
    while ((node = made_by(graph, value, "resize_bilinear")) &&
           !memcmp(node->node.in[0]->shape, node->node.out[0]->shape, 4 * sizeof(int32_t)))
        value = node->in[0];
    return value;
}

/* Steps over an arg-max across the channels of [1, h, w, C]. False: some other arg-max. */
static bool step_argmax(const lab_graph *graph, uint32_t *value, lab_head *head)
{
    const lab_graph_node *node = made_by(graph, *value, "argmax");
    if (!node)
        return true;
    head->argmax = true;
    *value = node->in[0];
    return is_scores(node->node.in[0]) && node->node.attrs.axis == 3;
}

static void step_activation(const lab_graph *graph, uint32_t *value, lab_head *head)
{
    const lab_graph_node *node;
    if ((node = made_by(graph, *value, "softmax")))
        head->activation = LAB_HEAD_SOFTMAX;
    else if ((node = made_by(graph, *value, "logistic")))
        head->activation = LAB_HEAD_LOGISTIC;
    if (node)
        *value = node->in[0];
}

static void take_resize(const lab_graph *graph, const lab_graph_node *node, uint32_t *value,
                        lab_head *head)
{
    head->resized = true;
    head->align_corners = node->node.attrs.align_corners;
    head->half_pixel_centers = node->node.attrs.half_pixel_centers;
    *value = skip_same_size(graph, node->in[0]);
}

static void step_resize(const lab_graph *graph, uint32_t *value, lab_head *head)
{
    *value = skip_same_size(graph, *value);
    const lab_graph_node *node = made_by(graph, *value, "resize_bilinear");
    if (node)
        take_resize(graph, node, value, head);
}

/* A rewrite made one node of resize and arg-max (rewrite_head.c). False: it is not there. */
static bool step_resize_argmax(const lab_graph *graph, uint32_t *value, lab_head *head)
{
    const lab_graph_node *node = made_by(graph, *value, "resize_argmax");
    if (!node || node->node.in[0]->shape[0] != 1)
        return false;
    head->argmax = true;
    head->out_h = node->node.out[0]->shape[1];
    head->out_w = node->node.out[0]->shape[2];
    take_resize(graph, node, value, head);
    return true;
}

/* From the output to the logits, one kind of node at a time. False: no scores are found. */
static bool step_back(const lab_graph *graph, uint32_t *value, lab_head *head)
{
    if (step_resize_argmax(graph, value, head))
        return true;
    if (!step_argmax(graph, value, head))
        return false;
    const lab_tensor *full = &graph->values[*value]->tensor;
    if (!is_scores(full))
        return false;
    head->out_h = full->shape[1];
    head->out_w = full->shape[2];
    step_activation(graph, value, head);
    step_resize(graph, value, head);
    return true;
}

void lab_model_find_head(lab_model *model)
{
    const lab_graph *graph = model->graph;
    uint32_t value = graph->outputs[0];
    lab_head head = { .found = false };
    if (!step_back(graph, &value, &head))
        return;
    const lab_value *logits = graph->values[value];
    if (logits->producer == UINT32_MAX) /* an input: no network computed it */
        return;
    head.found = true;
    head.logits = value;
    head.channels = (uint32_t)logits->tensor.shape[3];
    head.logits_h = logits->tensor.shape[1];
    head.logits_w = logits->tensor.shape[2];
    model->head = head;
}
