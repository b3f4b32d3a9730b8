/*
 * The permutohedral lattice: Gaussian filtering in a space of five dimensions (x, y and colour) in
 * time proportional to the number of pixels.
 */
#ifndef REFINE_LATTICE_H
#define REFINE_LATTICE_H

#include "refine.h"

#define LATTICE_D 5 /* dimensions */
#define LATTICE_CORNERS (LATTICE_D + 1)

typedef struct lattice {
    size_t pixels;
    uint32_t points;      /* lattice points near any pixel */
    uint32_t *corners;    /* [pixels][6]: the points around each pixel ... */
    float *weights;       /* ... and its barycentric weights there */
    uint32_t *starts;     /* [points + 1]: where each point's entries begin in `entries` */
    uint32_t *entries;    /* indexes into `corners`, point by point, ascending */
    uint32_t *neighbours; /* [6][points][2]: along each axis; `points` where there is none */
    /* The table of points while it is built. */
    int32_t *keys; /* [room / 2][5] */
    uint32_t *slots;
    uint32_t room; /* slots; a power of two */
} lattice;

/* One pixel's place, in units of the kernel's standard deviations. */
typedef void lattice_place_fn(const void *user, size_t pixel, float place[LATTICE_D]);

/* LAB_OK or the status of the call, whose memory is used. */
lab_status refine_lattice_new(lab_call *call, size_t pixels, lattice_place_fn *place,
                              const void *user, lattice *out);

/*
 * dst = src filtered, up to a factor that is the same for all pixels: whoever wants means filters
 * ones as well and divides. [pixels][stride] floats; dst may be src. `a` and `b` have (points + 1)
 * * count floats, of which the last `stride` are 0.
 */
lab_status refine_lattice_filter(lab_call *call, const lattice *l, const float *src, float *a,
                                 float *b, float *dst, uint32_t stride);

#endif
