/*
 * conv_bias.c: conv_bias, 8 bits. For each filter the bias plus the sum of (x - zx)(w - zw) over
 * one pixel; added as uint32, like the accumulators of a convolution (matmul.c).
 */
#include "kernels.h"
#include "layers.h"

typedef struct conv_bias {
    tiling tiles; /* of filters */
    size_t k;
    const uint8_t *weights; /* [n][k], of the node */
    const int32_t *bias;    /* [n], of the node; NULL: none */
    const int32_t *zeros;   /* [n]: of the weights read as u8 */
    int32_t zero;           /* of the input read as u8 */
    uint8_t flip;
} conv_bias;

static int match(const lab_node *node)
{
    if (!has_arity(node, 2, 3) || !has_dtype(node->out[0], LAB_I32))
        return 0;
    const lab_tensor *x = node->in[0], *w = node->in[1], *bias = input_or_null(node, 2);
    if (!is_q8(x) || w->dtype != x->dtype || w->rank != 4 || !is_q8_weights(w, 0, w->shape[0]))
        return 0;
    size_t n = (size_t)w->shape[0];
    return elements(w) == n * elements(x) && elements(node->out[0]) == n &&
           (!bias || (has_dtype(bias, LAB_I32) && bias->data && elements(bias) == n));
}

static lab_status prepare_bias(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *w = node->in[1], *bias = input_or_null(node, 2);
    size_t n = (size_t)w->shape[0];
    conv_bias *s = prepare_array(prepare, 1, sizeof *s);
    int32_t *zeros = prepare_array(prepare, n, sizeof *zeros);
    if (!s || !zeros)
        return prepare_no_memory(prepare, node);
    for (size_t c = 0; c < n; c++)
        zeros[c] = lab_quant_zero(&w->quant, (uint32_t)c) - q8_min(w->dtype);
    *s = (conv_bias){ .k = elements(x),
                      .weights = w->data,
                      .bias = bias ? bias->data : NULL,
                      .zeros = zeros,
                      .zero = q8_flipped_zero(x),
                      .flip = q8_flip(x) };
    s->tiles = tile_items(prepare, n, s->k / 4 + 1, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* A product fits 17 bits and a sign. */
static uint32_t dot(const conv_bias *s, const uint8_t *x, const uint8_t *w, int32_t zero)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < s->k; i++)
        sum += (uint32_t)(((x[i] ^ s->flip) - s->zero) * ((w[i] ^ s->flip) - zero));
    return sum;
}

static void run(const lab_task *task)
{
    const conv_bias *s = task->state;
    int32_t *out = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t c = tile_begin(&s->tiles, task); c < end; c++) {
        uint32_t start = s->bias ? (uint32_t)s->bias[c] : 0;
        out[c] = (int32_t)(start + dot(s, task->in[0], s->weights + c * s->k, s->zeros[c]));
    }
}

const lab_kernel reference_conv_bias_q8 = {
    .name = "reference.conv_bias.q8",
    .op = "conv_bias",
    .isa = "reference",
    .match = match,
    .prepare = prepare_bias,
    .run = run,
};
