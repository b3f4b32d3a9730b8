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
 * Entries whose bounds together stay within 128 are a group: their products can be added in 16
 * bits, and are widened to 32 once. They need not be neighbours, nor of the same layer, since a
 * list names the quad of each entry. Groups of three to eight are usual; larger ones are not made.
 */
#ifndef X86_QUAD_LIST_H
#define X86_QUAD_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define QUAD ((size_t)4)
#define MAX_QUAD_LANES ((size_t)64)
#define GROUP_BOUND 128
/* 255 + 255, the worst pair, is 128 + 128 + 128 + 126. */
#define MAX_LAYERS ((size_t)4)
#define MAX_GROUP ((size_t)8)
#define GROUP_TRIES ((size_t)96)

/* Groups of one size, neighbours in a list. Runs end with one of 0 groups. */
typedef struct quad_run {
    uint32_t size, count;
} quad_run;

typedef struct quad_list {
    size_t lanes, capacity;
    bool saturates;               /* layers are for vpmaddubsw; else for a byte each */
    size_t count;                 /* entries */
    quad_run runs[MAX_GROUP + 1]; /* after quad_list_group: the largest groups first */
    uint16_t *weights;            /* [count][lanes][QUAD / 2]: pairs of int8, low one first */
    uint16_t *bounds; /* the same shape: for both pairs of a lane the two sums that are bounded */
    uint8_t *peaks;   /* [count]: the largest of them */
    uint32_t *quads;  /* [count]: which quad of the panel */
    uint32_t *order;  /* [count]: the largest groups first */
    /* Work space, [count] each. */
    uint32_t *made, *sizes; /* groups one after the other, as they are made; how large they are */
    uint32_t *sorted;       /* entries by falling peak: places */
    uint32_t *next;         /* [count + 1]: a place itself, or where to look on if it is taken */
} quad_list;

static inline void quad_list_close(quad_list *list)
{
    free(list->weights);
    free(list->bounds);
    free(list->peaks);
    free(list->quads);
    free(list->order);
    free(list->made);
    free(list->sizes);
    free(list->sorted);
    free(list->next);
    *list = (quad_list){ 0 };
}

/*
 * Room for panels of up to `quads` quads of `lanes` filters, at most MAX_QUAD_LANES. False: no
 * memory; close it anyway.
 */
static inline bool quad_list_open(quad_list *list, size_t quads, size_t lanes, bool saturates)
{
    size_t capacity = quads * MAX_LAYERS, bytes = lanes * QUAD;
    *list = (quad_list){ .lanes = lanes, .capacity = capacity, .saturates = saturates };
    if (lanes > MAX_QUAD_LANES || capacity / MAX_LAYERS != quads ||
        (bytes && capacity > SIZE_MAX / bytes))
        return false;
    list->weights = malloc(capacity * bytes);
    list->bounds = malloc(capacity * bytes);
    list->peaks = malloc(capacity);
    list->quads = malloc(capacity * sizeof *list->quads);
    list->order = malloc(capacity * sizeof *list->order);
    list->made = malloc(capacity * sizeof *list->made);
    list->sizes = malloc(capacity * sizeof *list->sizes);
    list->sorted = malloc(capacity * sizeof *list->sorted);
    list->next = malloc((capacity + 1) * sizeof *list->next);
    return list->weights && list->bounds && list->peaks && list->quads && list->order &&
           list->made && list->sizes && list->sorted && list->next;
}

/* For the next panel, of `lanes` filters: not more than it was opened with. */
static inline void quad_list_clear(quad_list *list, size_t lanes)
{
    list->lanes = lanes;
    list->count = 0;
    list->runs[0].count = 0;
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
    const int32_t limit = saturates ? GROUP_BOUND : 2 * GROUP_BOUND;
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

/*
 * Entries by falling peak into `sorted`, equal ones in the order they have; those with a peak of at
 * most p begin at starts[255 - p].
 */
static inline void sort_by_peak(quad_list *list, size_t starts[257])
{
    size_t at[256];
    memset(starts, 0, 257 * sizeof *starts);
    for (size_t i = 0; i < list->count; i++)
        starts[255 - list->peaks[i] + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    memcpy(at, starts, sizeof at);
    for (size_t i = 0; i < list->count; i++)
        list->sorted[at[255 - list->peaks[i]]++] = (uint32_t)i;
}

/* A group that grows: the bounds of its entries' sums. */
typedef struct quad_group {
    uint8_t bounds[MAX_QUAD_LANES * QUAD];
    uint8_t peak;
} quad_group;

static inline const uint8_t *entry_bounds(const quad_list *list, uint32_t entry)
{
    return (const uint8_t *)list->bounds + entry * list->lanes * QUAD;
}

static inline bool group_takes(const quad_list *list, const quad_group *group, uint32_t entry)
{
    const uint8_t *b = entry_bounds(list, entry);
    if (group->peak + list->peaks[entry] <= GROUP_BOUND)
        return true;
    for (size_t at = 0; at < list->lanes * QUAD; at += 8 * QUAD) {
        uint8_t over = 0;
        for (size_t k = at; k < at + 8 * QUAD; k++)
            over |= group->bounds[k] > (uint8_t)(GROUP_BOUND - b[k]);
        if (over)
            return false;
    }
    return true;
}

static inline void group_add(const quad_list *list, quad_group *group, uint32_t entry)
{
    const uint8_t *b = entry_bounds(list, entry);
    uint8_t peak = 0;
    for (size_t k = 0; k < list->lanes * QUAD; k++) {
        group->bounds[k] = (uint8_t)(group->bounds[k] + b[k]);
        peak = group->bounds[k] > peak ? group->bounds[k] : peak;
    }
    group->peak = peak;
}

/* The first place from `at` on that is not taken; list->count: none. Halves the ways it goes. */
static inline size_t next_free(quad_list *list, size_t at)
{
    while (list->next[at] != at)
        at = list->next[at] = list->next[list->next[at]];
    return at;
}

/*
 * The entries of a group, beginning with that at place `at`; how many there are. What does not fit
 * now will not fit later, so places are gone through once: the GROUP_TRIES next, then those with
 * peaks so small that they fit for sure.
 */
static inline size_t make_group(quad_list *list, const size_t starts[257], size_t at, size_t most,
                                uint32_t *entries)
{
    quad_group group = { .peak = 0 };
    size_t tries = GROUP_TRIES, count = 0;
    while (at < list->count && count < most) {
        uint32_t entry = list->sorted[at];
        if (count == 0 || group_takes(list, &group, entry)) {
            group_add(list, &group, entry);
            list->next[at] = (uint32_t)at + 1;
            entries[count++] = entry;
        }
        size_t sure =
            group.peak < GROUP_BOUND ? starts[255 - (GROUP_BOUND - group.peak)] : list->count;
        at++;
        if (tries == 0 && at < sure)
            at = sure;
        tries -= tries > 0;
        at = next_free(list, at);
    }
    return count;
}

/* `order` and `runs` from the groups as they were made. */
static inline void order_groups(quad_list *list, size_t groups)
{
    size_t at[MAX_GROUP], next = 0;
    uint32_t counts[MAX_GROUP] = { 0 };
    quad_run *run = list->runs;
    for (size_t g = 0; g < groups; g++)
        counts[list->sizes[g] - 1]++;
    for (size_t size = MAX_GROUP; size > 0; size--) {
        at[size - 1] = next;
        next += counts[size - 1] * size;
        if (counts[size - 1])
            *run++ = (quad_run){ (uint32_t)size, counts[size - 1] };
    }
    *run = (quad_run){ 0, 0 };
    const uint32_t *from = list->made;
    for (size_t g = 0; g < groups; from += list->sizes[g], g++) {
        size_t *to = &at[list->sizes[g] - 1];
        memcpy(list->order + *to, from, list->sizes[g] * sizeof *from);
        *to += list->sizes[g];
    }
}

/*
 * Forms groups of at most `most` entries, 1 … MAX_GROUP, from the entry with the largest peak down,
 * each time taking the largest that fit (in time that does not grow with the square of the list).
 * Call it once a panel is complete; it may be called again with another `most`.
 */
static inline void quad_list_group(quad_list *list, size_t most)
{
    size_t starts[257], groups = 0, done = 0;
    sort_by_peak(list, starts);
    for (size_t i = 0; i <= list->count; i++)
        list->next[i] = (uint32_t)i;
    for (size_t i = next_free(list, 0); i < list->count; i = next_free(list, i)) {
        size_t size = make_group(list, starts, i, most, list->made + done);
        list->sizes[groups++] = (uint32_t)size;
        done += size;
    }
    order_groups(list, groups);
}

/* Groups of `size` entries. */
static inline size_t quad_list_groups(const quad_list *list, size_t size)
{
    const quad_run *run = list->runs;
    while (run->count && run->size != size)
        run++;
    return run->count;
}

#endif
