/* depthwise_program.c: pairs the taps of depthwise filters and packs their weights. */
#include "depthwise_program.h"

#include <stdlib.h>
#include <string.h>

#define STEP_MAX 128  /* of |sum of two weights of one sign| */
#define GROUP_MAX 257 /* of the sum of absolute weights: 65535 / 255 */
#define LOOK_AHEAD 32 /* pieces tried as partners of one */
#define DIGIT_MAX 127 /* of a digit's positive weights, and of its negative ones */
#define BASE_MAX 64   /* tried */

/* A tap, or what s8 holds of it, for all channels of a block. */
typedef struct piece {
    int16_t weight[32];
    uint16_t tap;
    uint16_t friends; /* pieces it could be paired with */
    bool taken;
} piece;

/* One vpmaddubsw for each half of the block. */
typedef struct step {
    const piece *first, *second; /* second: NULL when alone */
    uint32_t group;
} step;

/* Working memory, used for one block after the other. */
typedef struct packer {
    const lab_node *node;
    size_t n, taps;
    piece *pieces; /* at most three a tap */
    step *steps;
    uint16_t (*loads)[32]; /* of each group: sums of absolute weights */
    size_t n_pieces, n_steps, n_groups;
    const uint8_t (*pairs)[2]; /* of taps, for sliding */
    size_t n_pairs;
} packer;

static size_t channel_of(const packer *p, size_t block, size_t lane)
{
    return (block * DW_LANES + lane) % p->n;
}

static int32_t weight_of(const packer *p, size_t tap, size_t c)
{
    const lab_tensor *w = p->node->in[1];
    return q8_load(w->data, tap * p->n + c, w->dtype) - lab_quant_zero(&w->quant, (uint32_t)c);
}

/* Weights reach from -255 to 255: three pieces of s8 hold every one. Taps of zeros need none. */
static void cut_tap(packer *p, size_t block, size_t tap)
{
    int16_t rest[32];
    int any = 0;
    for (size_t l = 0; l < DW_LANES; l++) {
        rest[l] = (int16_t)weight_of(p, tap, channel_of(p, block, l));
        any |= rest[l];
    }
    while (any) {
        piece *to = &p->pieces[p->n_pieces++];
        *to = (piece){ .tap = (uint16_t)tap };
        any = 0;
        for (size_t l = 0; l < DW_LANES; l++) {
            int16_t part = rest[l];
            part = part > INT8_MAX ? INT8_MAX : part < INT8_MIN ? INT8_MIN : part;
            to->weight[l] = part;
            rest[l] = (int16_t)(rest[l] - part);
            any |= rest[l];
        }
    }
}

/* Weights of two signs bound each other; those of one sign must not exceed STEP_MAX together. */
static bool can_pair(const piece *a, const piece *b)
{
    int outside = 0;
    for (size_t l = 0; l < DW_LANES; l++) {
        int sum = a->weight[l] + b->weight[l];
        outside |= sum > STEP_MAX || sum < -STEP_MAX;
    }
    return !outside;
}

static void count_friends(packer *p)
{
    for (size_t i = 0; i < p->n_pieces; i++)
        for (size_t j = i + 1; j < p->n_pieces && j <= i + LOOK_AHEAD; j++)
            if (can_pair(&p->pieces[i], &p->pieces[j])) {
                p->pieces[i].friends++;
                p->pieces[j].friends++;
            }
}

static int by_friends(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->friends != y->friends)
        return x->friends < y->friends ? -1 : 1;
    return (x->tap > y->tap) - (x->tap < y->tap);
}

/* Those with the fewest choices choose first, among the others of few choices. */
static void pair_pieces(packer *p)
{
    count_friends(p);
    qsort(p->pieces, p->n_pieces, sizeof *p->pieces, by_friends);
    p->n_steps = 0;
    for (size_t i = 0; i < p->n_pieces; i++) {
        piece *a = &p->pieces[i], *b = NULL;
        if (a->taken)
            continue;
        for (size_t j = i + 1; j < p->n_pieces && j <= i + LOOK_AHEAD && !b; j++)
            if (!p->pieces[j].taken && can_pair(a, &p->pieces[j]))
                b = &p->pieces[j];
        if (b)
            b->taken = true;
        p->steps[p->n_steps++] = (step){ .first = a, .second = b };
    }
}

static uint16_t load_of(const step *s, size_t lane)
{
    return (uint16_t)(abs(s->first->weight[lane]) + (s->second ? abs(s->second->weight[lane]) : 0));
}

static bool fits(const packer *p, const step *s, size_t group)
{
    for (size_t l = 0; l < DW_LANES; l++)
        if (p->loads[group][l] + load_of(s, l) > GROUP_MAX)
            return false;
    return true;
}

/* Each step goes to the first group that has room for it: alone, it always fits. */
static void group_steps(packer *p)
{
    p->n_groups = 0;
    for (size_t i = 0; i < p->n_steps; i++) {
        step *s = &p->steps[i];
        size_t first = p->n_groups > LOOK_AHEAD ? p->n_groups - LOOK_AHEAD : 0, group = first;
        while (group < p->n_groups && !fits(p, s, group))
            group++;
        if (group == p->n_groups)
            memset(p->loads[p->n_groups++], 0, sizeof *p->loads);
        s->group = (uint32_t)group;
        for (size_t l = 0; l < DW_LANES; l++)
            p->loads[group][l] = (uint16_t)(p->loads[group][l] + load_of(s, l));
    }
}

/* Places of channel `c` of a block: among its 16-bit sums, and of its first byte in a step. */
static size_t sum_place(size_t c)
{
    return c % 16 / 8 * 16 + c / 16 * 8 + c % 8;
}

/* Writes one step; adds what the sums of its group can go below zero to `starts`. */
static void pack_step(const step *s, int8_t *weights, uint16_t *tap_of, uint16_t *starts)
{
    const piece *parts[2] = { s->first, s->second };
    uint16_t first_tap = s->first->tap;
    for (size_t k = 0; k < 2; k++) {
        const piece *part = parts[k];
        tap_of[k] = part ? part->tap : first_tap;
        for (size_t c = 0; part && c < DW_LANES; c++) {
            int16_t w = part->weight[c];
            weights[2 * sum_place(c) + k] = (int8_t)w;
            if (w < 0)
                starts[sum_place(c)] = (uint16_t)(starts[sum_place(c)] - 255 * w);
        }
    }
}

/* Bias less the zero points' share and the starts of the groups, modulo 2^32; and scales. */
static void pack_head(const packer *p, size_t block, dw_block *b)
{
    const lab_node *node = p->node;
    dw_head *to = b->head;
    const lab_tensor *bias = input_or_null(node, 2);
    for (size_t l = 0; l < DW_LANES; l++) {
        size_t c = channel_of(p, block, l);
        uint32_t start = bias ? (uint32_t)((const int32_t *)bias->data)[c] : 0;
        for (size_t t = 0; t < p->taps; t++)
            start -= (uint32_t)(q8_flipped_zero(node->in[0]) * weight_of(p, t, c));
        for (size_t g = 0; g < b->groups; g++)
            start -= b->starts[g * DW_LANES + sum_place(l)];
        to->bias[dw_lane(l)] = (int32_t)start;
        to->offset[dw_lane(l)] = 8388608.0f - (float)to->bias[dw_lane(l)];
        to->scale[dw_lane(l)] = q8_scale(node->in[0], node->in[1], node->out[0], (uint32_t)c);
    }
}

/*
 * Whether results need only be rounded and packed: sums and biases are small enough to be exact in
 * float, what is scaled stays within int32, and the clamp is that of the type.
 */
static bool is_plain(const lab_node *node, const dw_head *head)
{
    const lab_tensor *y = node->out[0];
    int32_t lo, hi;
    q8_activation(y, node->attrs.activation, &lo, &hi);
    if (lo != q8_min(y->dtype) || hi != q8_max(y->dtype) || q8_flipped_zero(y) != 0)
        return false;
    for (size_t l = 0; l < DW_LANES; l++)
        if (abs(head->bias[l] / 2) >= 1 << 21 || !(head->scale[l] < 128.0f))
            return false;
    return true;
}

static void pack_steps(const packer *p, dw_block *b)
{
    uint16_t *starts = b->starts, *ends = b->ends;
    uint16_t *tap_of = b->taps;
    int8_t *weights = b->weights;
    size_t at = 0;
    for (size_t g = 0; g < b->groups; g++) {
        for (size_t i = 0; i < p->n_steps; i++)
            if (p->steps[i].group == g) {
                pack_step(&p->steps[i], weights + at * 2 * DW_LANES, tap_of + 2 * at,
                          starts + g * DW_LANES);
                at++;
            }
        ends[g] = (uint16_t)at;
    }
    ends[b->groups - 1] = (uint16_t)b->steps;
}

/* Memory of a block: head, then `units` of 64 bytes; then its numbers. */
static bool new_block(lab_prepare *prepare, dw_block *b, size_t units, size_t numbers)
{
    uint8_t *data = prepare_array(prepare, sizeof(dw_head) / (2 * DW_LANES) + units, 2 * DW_LANES);
    uint16_t *taps_and_ends = prepare_array(prepare, numbers, sizeof *taps_and_ends);
    if (!data || !taps_and_ends)
        return false;
    void *head = data, *starts = data + sizeof(dw_head);
    b->head = head;
    b->starts = starts;
    b->weights = (int8_t *)starts + 2 * DW_LANES * b->groups;
    b->taps = taps_and_ends;
    b->ends = taps_and_ends + 2 * (size_t)b->steps;
    return true;
}

/*
 * Short programs are filled up with steps of zeros to one for two taps, so that most blocks of a
 * node have programs of one length.
 */
static bool emit_narrow(lab_prepare *prepare, const packer *p, dw_block *b)
{
    size_t least = (p->taps + 1) / 2;
    b->groups = p->n_groups ? (uint32_t)p->n_groups : 1;
    b->steps = (uint32_t)(p->n_steps > least ? p->n_steps : least);
    if (!new_block(prepare, b, b->groups + (size_t)b->steps, 2 * (size_t)b->steps + b->groups))
        return false;
    pack_steps(p, b);
    return true;
}

/* Pairs of taps as they come, as int16. */
static bool emit_wide(lab_prepare *prepare, const packer *p, size_t block, dw_block *b)
{
    b->groups = 0;
    b->steps = (uint32_t)((p->taps + 1) / 2);
    if (!new_block(prepare, b, 2 * (size_t)b->steps, 2 * (size_t)b->steps))
        return false;
    uint16_t *tap_of = b->taps;
    int16_t *weights = (int16_t *)(void *)b->weights;
    for (size_t t = 0; t < 2 * (size_t)b->steps; t++) {
        tap_of[t] = (uint16_t)(t < p->taps ? t : 0);
        int16_t *to = weights + t / 2 * 2 * DW_LANES + t % 2;
        for (size_t l = 0; t < p->taps && l < DW_LANES; l++)
            to[2 * dw_lane(l)] = (int16_t)weight_of(p, t, channel_of(p, block, l));
    }
    return true;
}

/* ---- 3x3 and 5x5 filters for sliding ---- */

#define NO_TAP UINT8_MAX

/* The pairs of taps of depthwise_slide_avx2.h … */
static const uint8_t pairs_3x3[][2] = { { 0, 3 }, { 1, 4 }, { 2, 5 }, { 6, 7 }, { NO_TAP, 8 } };

/* … and of depthwise_columns_avx2.h. */
static const uint8_t pairs_5x5[][2] = {
    { 0, 5 },   { 1, 6 },   { 2, 7 },   { 3, 8 },   { 4, 9 },   { 10, 15 },     { 11, 16 },
    { 12, 17 }, { 13, 18 }, { 14, 19 }, { 20, 21 }, { 22, 23 }, { NO_TAP, 24 },
};

static packer slide_packer(const lab_node *node)
{
    packer p = { .node = node, .n = (size_t)node->out[0]->shape[3] };
    p.taps = elements(node->in[1]) / p.n;
    p.pairs = p.taps == 9 ? pairs_3x3 : pairs_5x5;
    p.n_pairs = p.taps == 9 ? sizeof pairs_3x3 / 2 : sizeof pairs_5x5 / 2;
    return p;
}

static int32_t slide_weight(const packer *p, size_t block, size_t lane, size_t pair, size_t k)
{
    uint8_t tap = p->pairs[pair][k];
    return tap == NO_TAP ? 0 : weight_of(p, tap, channel_of(p, block, lane));
}

/* Whether one sum in int16 does, started so that its span is that of u16: 3x3 only. */
static bool one_digit(const packer *p, size_t block)
{
    if (p->taps != 9)
        return false;
    for (size_t l = 0; l < DW_LANES; l++) {
        int32_t load = 0;
        for (size_t i = 0; i < 5; i++) {
            int32_t a = slide_weight(p, block, l, i, 0), b = slide_weight(p, block, l, i, 1);
            if (a != (int8_t)a || b != (int8_t)b || abs(a + b) > STEP_MAX)
                return false;
            load += abs(a) + abs(b);
        }
        if (load > GROUP_MAX)
            return false;
    }
    return true;
}

/* The higher digit of a weight: the nearest. The lower one is from -base / 2 to base / 2. */
static int32_t high_digit(int32_t w, int32_t base)
{
    return base > 1 ? (w + (w < 0 ? -base / 2 : base / 2)) / base : 0;
}

static bool base_fits(const packer *p, size_t c, int32_t base)
{
    int32_t sums[4] = { 0 }; /* of either digit's positive and negative weights */
    for (size_t t = 0; t < p->taps; t++) {
        int32_t w = weight_of(p, t, c), high = high_digit(w, base), low = w - base * high;
        sums[high < 0] += abs(high);
        sums[2 + (low < 0)] += abs(low);
    }
    return sums[0] <= DIGIT_MAX && sums[1] <= DIGIT_MAX && sums[2] <= DIGIT_MAX &&
           sums[3] <= DIGIT_MAX;
}

/*
 * The least base with which no sum of either digit leaves int16; 1: the lower digit is enough; 0:
 * there is none. 20 fits all 3x3 filters: nine weights of 255 have higher digits of 13,
 * 9 * 13 = 117, and lower ones of at most 10.
 */
static int16_t base_of(const packer *p, size_t c)
{
    int32_t sums[2] = { 0 };
    for (size_t t = 0; t < p->taps; t++) {
        int32_t w = weight_of(p, t, c);
        sums[w < 0] += abs(w);
    }
    int32_t largest = sums[0] > sums[1] ? sums[0] : sums[1];
    if (largest <= DIGIT_MAX)
        return 1;
    /* Rounding takes at most 1/2 from each higher digit: smaller bases cannot fit. */
    int32_t least = 2 * largest / (2 * DIGIT_MAX + (int32_t)p->taps);
    for (int32_t base = least > 2 ? least : 2; base <= BASE_MAX; base++)
        if (base_fits(p, c, base))
            return (int16_t)base;
    return 0;
}

bool dw_slide_fits(const lab_node *node)
{
    packer p = slide_packer(node);
    for (size_t c = 0; c < p.n; c++)
        if (base_of(&p, c) == 0)
            return false;
    return true;
}

static bool emit_one_digit(lab_prepare *prepare, const packer *p, size_t block, dw_block *b)
{
    b->groups = 1;
    b->steps = 5;
    if (!new_block(prepare, b, 6, 11))
        return false;
    for (size_t i = 0; i < 10; i++)
        for (size_t l = 0; l < DW_LANES; l++) {
            int32_t w = slide_weight(p, block, l, i / 2, i % 2);
            b->weights[i / 2 * 64 + 2 * sum_place(l) + i % 2] = (int8_t)w;
            if (w < 0)
                b->starts[sum_place(l)] = (uint16_t)(b->starts[sum_place(l)] - 255 * w);
        }
    pack_head(p, block, b);
    b->plain = is_plain(p->node, b->head);
    return true;
}

static bool emit_two_digits(lab_prepare *prepare, const packer *p, size_t block, dw_block *b)
{
    b->groups = 0;
    b->steps = (uint32_t)p->n_pairs;
    if (!new_block(prepare, b, 2 * p->n_pairs + 2, 2 * p->n_pairs))
        return false;
    int16_t *bases = (int16_t *)(void *)(b->weights + 4 * p->n_pairs * DW_LANES);
    for (size_t l = 0; l < DW_LANES; l++) {
        int16_t base = base_of(p, channel_of(p, block, l));
        bases[2 * dw_lane(l)] = 1;
        bases[2 * dw_lane(l) + 1] = base;
        for (size_t i = 0; i < 2 * p->n_pairs; i++) {
            int32_t w = slide_weight(p, block, l, i / 2, i % 2), high = high_digit(w, base);
            int8_t *to = b->weights + i / 2 * 128 + 2 * sum_place(l) + i % 2;
            to[0] = (int8_t)(w - base * high);
            to[64] = (int8_t)high;
        }
    }
    pack_head(p, block, b);
    b->plain = is_plain(p->node, b->head);
    return true;
}

const dw_block *dw_slide_program(lab_prepare *prepare, const lab_node *node, size_t blocks)
{
    packer p = slide_packer(node);
    dw_block *out = prepare_array(prepare, blocks, sizeof *out);
    for (size_t b = 0; out && b < blocks; b++) {
        bool one = one_digit(&p, b);
        if (one && !emit_one_digit(prepare, &p, b, &out[b]))
            return NULL;
        if (!(one && out[b].plain) && !emit_two_digits(prepare, &p, b, &out[b]))
            return NULL;
    }
    return out;
}

/* ---- all others ---- */

/* Instructions beside those of the stores: 6 a narrow step, 8 a group, 14 a pair of wide taps. */
static bool emit(lab_prepare *prepare, const packer *p, size_t block, dw_block *b)
{
    bool wide = 6 * p->n_steps + 8 * p->n_groups > 14 * ((p->taps + 1) / 2);
    if (wide ? !emit_wide(prepare, p, block, b) : !emit_narrow(prepare, p, b))
        return false;
    pack_head(p, block, b);
    b->plain = is_plain(p->node, b->head);
    return true;
}

const dw_block *dw_program(lab_prepare *prepare, const lab_node *node, size_t blocks)
{
    packer p = { .node = node, .n = (size_t)node->out[0]->shape[3] };
    p.taps = elements(node->in[1]) / p.n;
    dw_block *out = prepare_array(prepare, blocks, sizeof *out);
    p.pieces = prepare_array(prepare, 3 * p.taps, sizeof *p.pieces);
    p.steps = prepare_array(prepare, 3 * p.taps, sizeof *p.steps);
    p.loads = prepare_array(prepare, 3 * p.taps, sizeof *p.loads);
    if (!out || !p.pieces || !p.steps || !p.loads)
        return NULL;
    for (size_t block = 0; block < blocks; block++) {
        p.n_pieces = 0;
        for (size_t t = 0; t < p.taps; t++)
            cut_tap(&p, block, t);
        pair_pieces(&p);
        group_steps(&p);
        if (!emit(prepare, &p, block, &out[block]))
            return NULL;
    }
    return out;
}
