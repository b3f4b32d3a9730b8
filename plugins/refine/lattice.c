/*
 * Adams, Baek, Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice",
 * Eurographics 2010. A place is lifted into the hyperplane of R^6 whose coordinates sum to 0; the
 * six lattice points around it share its value by barycentric weights (splat); values spread to
 * neighbours along the six axes with weights 1/2, 1, 1/2 (blur); and pixels read them back with the
 * same weights (slice).
 *
 * The splat is done from the points' side: each adds up its pixels in the order of the picture, so
 * the sums do not depend on how points are spread over threads.
 */
#include "lattice.h"

#include <math.h>

#define FIRST_ROOM (UINT32_C(1) << 14)
#define NONE UINT32_MAX

/* ---- the table of points ---- */

static uint32_t hash(const int32_t key[LATTICE_D])
{
    uint32_t h = 0;
    for (int i = 0; i < LATTICE_D; i++)
        h = (h ^ (uint32_t)key[i]) * UINT32_C(0x9e3779b1);
    return h ^ h >> 15;
}

/* The slot of a key, or the free slot where it belongs. */
static uint32_t find_slot(const lattice *l, const int32_t key[LATTICE_D])
{
    uint32_t slot = hash(key) & (l->room - 1);
    while (l->slots[slot] != NONE &&
           memcmp(l->keys + (size_t)l->slots[slot] * LATTICE_D, key, LATTICE_D * sizeof *key) != 0)
        slot = (slot + 1) & (l->room - 1);
    return slot;
}

/* Makes a table of `room` slots, half of which may be used, and moves the points to it. */
static bool set_room(lab_call *call, lattice *l, uint32_t room)
{
    int32_t *keys = refine_alloc(call, room / 2, LATTICE_D * sizeof *keys);
    uint32_t *slots = refine_alloc(call, room, sizeof *slots);
    if (!keys || !slots)
        return false;
    if (l->points > 0)
        memcpy(keys, l->keys, (size_t)l->points * LATTICE_D * sizeof *keys);
    memset(slots, 0xff, room * sizeof *slots);
    l->keys = keys;
    l->slots = slots;
    l->room = room;
    for (uint32_t i = 0; i < l->points; i++)
        slots[find_slot(l, keys + (size_t)i * LATTICE_D)] = i;
    return true;
}

/* The point of this key, which is added if it is new; NONE: status set. */
static uint32_t get_point(lab_call *call, lattice *l, const int32_t key[LATTICE_D])
{
    uint32_t slot = find_slot(l, key);
    if (l->slots[slot] != NONE)
        return l->slots[slot];
    if (l->points == l->room / 2) {
        if (!set_room(call, l, 2 * l->room))
            return NONE;
        slot = find_slot(l, key);
    }
    memcpy(l->keys + (size_t)l->points * LATTICE_D, key, LATTICE_D * sizeof *key);
    l->slots[slot] = l->points;
    return l->points++;
}

/* ---- where a pixel is ---- */

typedef struct simplex {
    int32_t base[LATTICE_CORNERS]; /* the nearest point whose coordinates are multiples of 6 */
    int32_t rank[LATTICE_CORNERS]; /* order of the distances from it, largest first */
    float weights[LATTICE_CORNERS];
} simplex;

/* Onto the hyperplane; axis i is scaled so that the blur's deviation becomes 1. */
static void elevate(const float place[LATTICE_D], float lifted[LATTICE_CORNERS])
{
    const float spread = LATTICE_CORNERS * 0.81649658f; /* 6 sqrt(2/3) */
    float sum = 0;
    for (int i = LATTICE_D; i > 0; i--) {
        float c = place[i - 1] * spread / sqrtf((float)(i * (i + 1)));
        lifted[i] = sum - (float)i * c;
        sum += c;
    }
    lifted[0] = sum;
}

/* Rounds to a lattice point, whose coordinates must sum to 0. */
static void find_base(const float lifted[LATTICE_CORNERS], simplex *s)
{
    int32_t excess = 0;
    for (int i = 0; i < LATTICE_CORNERS; i++) {
        int32_t cell = (int32_t)floorf(lifted[i] / LATTICE_CORNERS + 0.5f);
        s->base[i] = cell * LATTICE_CORNERS;
        s->rank[i] = 0;
        excess += cell;
    }
    for (int i = 0; i < LATTICE_CORNERS; i++) {
        for (int j = i + 1; j < LATTICE_CORNERS; j++) {
            bool less = lifted[i] - (float)s->base[i] < lifted[j] - (float)s->base[j];
            s->rank[less ? i : j]++;
        }
    }
    for (int i = 0; i < LATTICE_CORNERS; i++) {
        s->rank[i] += excess;
        if (s->rank[i] < 0) {
            s->rank[i] += LATTICE_CORNERS;
            s->base[i] += LATTICE_CORNERS;
        } else if (s->rank[i] > LATTICE_D) {
            s->rank[i] -= LATTICE_CORNERS;
            s->base[i] -= LATTICE_CORNERS;
        }
    }
}

static void locate(const float place[LATTICE_D], simplex *s)
{
    float lifted[LATTICE_CORNERS], bary[LATTICE_CORNERS + 1] = { 0 };
    elevate(place, lifted);
    find_base(lifted, s);
    for (int i = 0; i < LATTICE_CORNERS; i++) {
        float delta = (lifted[i] - (float)s->base[i]) / LATTICE_CORNERS;
        bary[LATTICE_D - s->rank[i]] += delta;
        bary[LATTICE_CORNERS - s->rank[i]] -= delta;
    }
    bary[0] += 1 + bary[LATTICE_CORNERS];
    memcpy(s->weights, bary, sizeof s->weights);
}

/* Corner `c` of the simplex: five of six coordinates, the last follows from them. */
static void corner_key(const simplex *s, int c, int32_t key[LATTICE_D])
{
    for (int i = 0; i < LATTICE_D; i++)
        key[i] = s->base[i] + (s->rank[i] <= LATTICE_D - c ? c : c - LATTICE_CORNERS);
}

/* ---- building ---- */

static lab_status add_pixels(lab_call *call, lattice *l, lattice_place_fn *place, const void *user)
{
    for (size_t i = 0; i < l->pixels; i++) {
        float at[LATTICE_D];
        simplex s;
        place(user, i, at);
        locate(at, &s);
        for (int c = 0; c < LATTICE_CORNERS; c++) {
            int32_t key[LATTICE_D];
            corner_key(&s, c, key);
            uint32_t point = get_point(call, l, key);
            if (point == NONE)
                return lab_call_status(call);
            l->corners[i * LATTICE_CORNERS + (size_t)c] = point;
            l->weights[i * LATTICE_CORNERS + (size_t)c] = s.weights[c];
        }
        if (i % 65536 == 0 && lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
    }
    return LAB_OK;
}

/* A counting sort of the entries by point. */
static lab_status sort_entries(lab_call *call, lattice *l)
{
    size_t n = l->pixels * LATTICE_CORNERS;
    l->starts = refine_alloc(call, (size_t)l->points + 2, sizeof *l->starts);
    l->entries = refine_alloc(call, n, sizeof *l->entries);
    if (!l->starts || !l->entries)
        return lab_call_status(call);
    /* Shifted by two: while entries are placed, starts[p + 1] is point p's next free place. */
    for (size_t e = 0; e < n; e++)
        l->starts[l->corners[e] + 2]++;
    for (uint32_t p = 0; p < l->points; p++)
        l->starts[p + 2] += l->starts[p + 1];
    for (size_t e = 0; e < n; e++)
        l->entries[l->starts[l->corners[e] + 1]++] = (uint32_t)e;
    return LAB_OK;
}

static void find_neighbours(void *user, uint32_t begin, uint32_t end)
{
    const lattice *l = user;
    for (uint32_t p = begin; p < end; p++) {
        const int32_t *key = l->keys + (size_t)p * LATTICE_D;
        for (int axis = 0; axis < LATTICE_CORNERS; axis++) {
            uint32_t *to = l->neighbours + 2 * ((size_t)axis * l->points + p);
            for (int side = 0; side < 2; side++) {
                int32_t other[LATTICE_D], sign = side ? 1 : -1;
                for (int i = 0; i < LATTICE_D; i++)
                    other[i] = key[i] + (i == axis ? -sign * LATTICE_D : sign);
                uint32_t found = l->slots[find_slot(l, other)];
                to[side] = found == NONE ? l->points : found;
            }
        }
    }
}

lab_status refine_lattice_new(lab_call *call, size_t pixels, lattice_place_fn *place,
                              const void *user, lattice *out)
{
    lattice *l = out;
    *l = (lattice){ .pixels = pixels };
    l->corners = refine_alloc(call, pixels, LATTICE_CORNERS * sizeof *l->corners);
    l->weights = refine_alloc(call, pixels, LATTICE_CORNERS * sizeof *l->weights);
    if (!l->corners || !l->weights || !set_room(call, l, FIRST_ROOM))
        return lab_call_status(call);
    lab_status status = add_pixels(call, l, place, user);
    if (!status)
        status = sort_entries(call, l);
    if (status)
        return status;
    l->neighbours = refine_alloc(call, l->points, sizeof(uint32_t[LATTICE_CORNERS][2]));
    if (!l->neighbours)
        return lab_call_status(call);
    return lab_parallel_for(call, l->points, 1024, find_neighbours, l);
}

/* ---- filtering ---- */

typedef struct filter_job {
    const lattice *l;
    const float *src;
    float *dst;
    uint32_t stride;
    int axis;
} filter_job;

static void splat(void *user, uint32_t begin, uint32_t end)
{
    const filter_job *job = user;
    const lattice *l = job->l;
    for (uint32_t p = begin; p < end; p++) {
        float *dst = job->dst + (size_t)p * job->stride;
        memset(dst, 0, job->stride * sizeof *dst);
        for (uint32_t k = l->starts[p]; k < l->starts[p + 1]; k++) {
            uint32_t e = l->entries[k];
            const float *src = job->src + (size_t)(e / LATTICE_CORNERS) * job->stride;
            float weight = l->weights[e];
            refine_add(dst, src, weight, job->stride);
        }
    }
}

static void blur(void *user, uint32_t begin, uint32_t end)
{
    const filter_job *job = user;
    const uint32_t *beside = job->l->neighbours + 2 * (size_t)job->axis * job->l->points;
    for (uint32_t p = begin; p < end; p++) {
        const float *src = job->src + (size_t)p * job->stride;
        const float *left = job->src + (size_t)beside[2 * (size_t)p] * job->stride;
        const float *right = job->src + (size_t)beside[2 * (size_t)p + 1] * job->stride;
        float *dst = job->dst + (size_t)p * job->stride;
        for (uint32_t c = 0; c < job->stride; c += 4) {
            for (uint32_t k = c; k < c + 4; k++)
                dst[k] = src[k] + 0.5f * (left[k] + right[k]);
        }
    }
}

static void slice(void *user, uint32_t begin, uint32_t end)
{
    const filter_job *job = user;
    const lattice *l = job->l;
    for (size_t i = begin; i < end; i++) {
        float *dst = job->dst + i * job->stride;
        memset(dst, 0, job->stride * sizeof *dst);
        for (size_t e = i * LATTICE_CORNERS; e < (i + 1) * LATTICE_CORNERS; e++) {
            const float *src = job->src + (size_t)l->corners[e] * job->stride;
            float weight = l->weights[e];
            refine_add(dst, src, weight, job->stride);
        }
    }
}

lab_status refine_lattice_filter(lab_call *call, const lattice *l, const float *src, float *a,
                                 float *b, float *dst, uint32_t stride)
{
    filter_job job = { l, src, a, stride, 0 };
    lab_status status = lab_parallel_for(call, l->points, 512, splat, &job);
    for (int axis = 0; axis < LATTICE_CORNERS && !status; axis++) {
        job = (filter_job){ l, a, b, stride, axis };
        status = lab_parallel_for(call, l->points, 1024, blur, &job);
        float *swap = a;
        a = b;
        b = swap;
    }
    if (status)
        return status;
    job = (filter_job){ l, a, dst, stride, 0 };
    return lab_parallel_for(call, (uint32_t)l->pixels, 4096, slice, &job);
}
