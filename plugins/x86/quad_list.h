/*
 * quad_list.h: the weights of a panel of filters as a list of quads, four neighbouring k of every
 * filter, such that the 8-bit multiplications of an instruction set are exact.
 *
 * vpmaddubsw multiplies bytes of x (0 .. 255) with signed bytes of w and adds two neighbours in 16
 * bits that saturate. It is exact for every x where, in each pair of neighbours, the positive
 * weights sum up to at most 128 and the negative ones to at least -128: 255 * 128 = 32640. A quad
 * that violates this is split into layers that do not, w = w_a + w_b + …, each an entry of the
 * list. Weights less their zero point are small but for a few, so the list is a few per cent
 * longer than the panel.
 *
 * Two entries whose bounds together stay within 128 can be added in 16 bits before they are widened
 * to 32: they need not be neighbours, nor of the same layer, since a list names the quad of each
 * entry. Nearly all entries find such a mate.
 */
#ifndef X86_QUAD_LIST_H
#define X86_QUAD_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define QUAD ((size_t)4)
#define PAIR_BOUND 128
/* 255 + 255, the worst pair, is 128 + 128 + 128 + 126. */
#define MAX_LAYERS ((size_t)4)
#define PAIR_TRIES ((size_t)96)

typedef struct quad_list {
    size_t lanes, capacity;
    bool saturates;    /* layers are for vpmaddubsw; else for a byte each */
    size_t count;      /* entries … */
    size_t pairs;      /* … and after quad_list_pair how many twos of them begin `order` */
    uint16_t *weights; /* [count][lanes][QUAD / 2]: pairs of int8, low one first */
    uint16_t *bounds;  /* the same shape: for both pairs of a lane the two sums that are bounded */
    uint8_t *peaks;    /* [count]: the largest of them */
    uint32_t *quads;   /* [count]: which quad of the panel */
    uint32_t *order;   /* [count] */
    uint32_t *sorted;  /* [count]: work space, as is … */
    uint32_t *next;    /* [count + 1]: itself, or where to look on if the place is taken */
} quad_list;

static inline void quad_list_close(quad_list *list)
{
    free(list->weights);
    free(list->bounds);
    free(list->peaks);
    free(list->quads);
    free(list->order);
    free(list->sorted);
    free(list->next);
    *list = (quad_list){ 0 };
}

/* Room for panels of up to `quads` quads of `lanes` filters. False: no memory; close it anyway. */
static inline bool quad_list_open(quad_list *list, size_t quads, size_t lanes, bool saturates)
{
    size_t capacity = quads * MAX_LAYERS, bytes = lanes * QUAD;
    *list = (quad_list){ .lanes = lanes, .capacity = capacity, .saturates = saturates };
    if (capacity / MAX_LAYERS != quads || (bytes && capacity > SIZE_MAX / bytes))
        return false;
    list->weights = malloc(capacity * bytes);
    list->bounds = malloc(capacity * bytes);
    list->peaks = malloc(capacity);
    list->quads = malloc(capacity * sizeof *list->quads);
    list->order = malloc(capacity * sizeof *list->order);
    list->sorted = malloc(capacity * sizeof *list->sorted);
    list->next = malloc((capacity + 1) * sizeof *list->next);
    return list->weights && list->bounds && list->peaks && list->quads && list->order &&
           list->sorted && list->next;
}

/* For the next panel, of `lanes` filters: not more than it was opened with. */
static inline void quad_list_clear(quad_list *list, size_t lanes)
{
    list->lanes = lanes;
    list->count = list->pairs = 0;
}

static inline int32_t clamp_to(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/*
 * One layer of `pairs` pairs of neighbouring weights: what a layer can hold is taken from `w` into
 * `layer`. `bounds` gets the sum of a pair's positive weights and that of its negative ones without
 * its sign. A pair is two int16 in a word, low one first, so that compilers see plain vectors;
 * where both weights have a sign in common and are too much, the smaller one waits for the next
 * layer. Returns whether anything is left; *peak is the largest bound.
 */
static inline bool take_layer(uint32_t *w, uint16_t *layer, uint16_t *bounds, size_t pairs,
                              bool saturates, uint8_t *peak)
{
    const int32_t limit = saturates ? PAIR_BOUND : 2 * PAIR_BOUND;
    uint32_t left = 0;
    int32_t top = 0;
    for (size_t i = 0; i < pairs; i++) {
        int32_t low = (int16_t)w[i], high = (int32_t)w[i] >> 16;
        int32_t a = clamp_to(low, INT8_MIN, INT8_MAX), b = clamp_to(high, INT8_MIN, INT8_MAX);
        int32_t over = a + b - clamp_to(a + b, -limit, limit);
        bool from_a = abs(a) < abs(b);
        a -= from_a ? over : 0;
        b -= from_a ? 0 : over;
        int32_t up = (a > 0 ? a : 0) + (b > 0 ? b : 0), down = up - a - b;
        w[i] = ((uint32_t)(low - a) & 0xffff) | (uint32_t)(high - b) << 16;
        layer[i] = (uint16_t)((a & 0xff) | (b & 0xff) << 8);
        bounds[i] = (uint16_t)((up & 0xff) | (down & 0xff) << 8);
        left |= w[i];
        top = up > top ? up : top;
        top = down > top ? down : top;
    }
    *peak = (uint8_t)(top < UINT8_MAX ? top : UINT8_MAX);
    return left != 0;
}

/*
 * Appends the layers of one quad, at least one: w is [lanes][QUAD] of int16 within -255 .. 255, two
 * to a word, and zero afterwards.
 */
static inline void quad_list_add(quad_list *list, size_t quad, uint32_t *w)
{
    size_t pairs = list->lanes * QUAD / 2;
    for (bool more = true; more && list->count < list->capacity;) {
        size_t at = list->count++;
        more = take_layer(w, list->weights + at * pairs, list->bounds + at * pairs, pairs,
                          list->saturates, &list->peaks[at]);
        list->quads[at] = (uint32_t)quad;
    }
}

/* Entries by falling peak into `sorted`, equal ones in the order they have. */
static inline void sort_by_peak(quad_list *list)
{
    size_t starts[257] = { 0 };
    for (size_t i = 0; i < list->count; i++)
        starts[255 - list->peaks[i] + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < list->count; i++)
        list->sorted[starts[255 - list->peaks[i]]++] = (uint32_t)i;
}

static inline bool quads_fit(const quad_list *list, uint32_t i, uint32_t j)
{
    if (list->peaks[i] + list->peaks[j] <= PAIR_BOUND)
        return true;
    size_t values = list->lanes * QUAD;
    const uint8_t *a = (const uint8_t *)list->bounds + i * values;
    const uint8_t *b = (const uint8_t *)list->bounds + j * values;
    for (size_t at = 0; at < values; at += 8 * QUAD) {
        uint8_t over = 0;
        for (size_t k = at; k < at + 8 * QUAD; k++)
            over |= a[k] > (uint8_t)(PAIR_BOUND - b[k]);
        if (over)
            return false;
    }
    return true;
}

/* The first place from `at` on that is not taken; list->count: none. Halves the ways it goes. */
static inline size_t next_free(quad_list *list, size_t at)
{
    while (list->next[at] != at)
        at = list->next[at] = list->next[list->next[at]];
    return at;
}

static inline uint32_t take(quad_list *list, size_t at)
{
    list->next[at] = (uint32_t)at + 1;
    return list->sorted[at];
}

/*
 * The mate of `entry` among the places from `at` on; list->count: none. From `sure` on all peaks
 * are small enough.
 */
static inline size_t find_mate(quad_list *list, uint32_t entry, size_t at, size_t sure)
{
    at = next_free(list, at);
    for (size_t tries = 0; at < sure && tries < PAIR_TRIES; tries++) {
        if (quads_fit(list, entry, list->sorted[at]))
            return at;
        at = next_free(list, at + 1);
    }
    return next_free(list, at < sure ? sure : at);
}

/*
 * Finds mates, from the entry with the largest peak down, each time the largest that fits (of the
 * PAIR_TRIES next, or else of those that fit for sure: time must not grow with the square of the
 * list). `order` becomes the twos, then those left alone. Call it once a panel is complete; without
 * `pair` every entry stays alone.
 */
static inline void quad_list_pair(quad_list *list, bool pair)
{
    size_t n = list->count, sure = n, alone = 0;
    sort_by_peak(list);
    for (size_t i = 0; i <= n; i++)
        list->next[i] = (uint32_t)i;
    for (size_t i = next_free(list, 0); i < n; i = next_free(list, i)) {
        uint32_t first = take(list, i);
        while (sure > i && list->peaks[first] + list->peaks[list->sorted[sure - 1]] <= PAIR_BOUND)
            sure--;
        size_t mate = pair ? find_mate(list, first, i, sure) : n;
        if (mate < n) {
            list->order[2 * list->pairs] = first;
            list->order[2 * list->pairs++ + 1] = take(list, mate);
        } else {
            list->order[n - 1 - alone++] = first;
        }
    }
}

#endif
