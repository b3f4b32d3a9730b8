/*
 * window.h: where a filter's taps fall. Convolution, depthwise convolution and pooling share it;
 * padding, stride and dilation live nowhere else.
 */
#ifndef REFERENCE_WINDOW_H
#define REFERENCE_WINDOW_H

#include "common.h"

typedef struct window {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w;
    int32_t filter_h, filter_w;
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
} window;

static inline window window_of(const lab_attrs *a, const lab_tensor *x, const lab_tensor *y,
                               int32_t filter_h, int32_t filter_w)
{
    return (window){
        .in_h = x->shape[1],
        .in_w = x->shape[2],
        .in_c = x->shape[3],
        .out_h = y->shape[1],
        .out_w = y->shape[2],
        .filter_h = filter_h,
        .filter_w = filter_w,
        .stride_h = a->stride_h,
        .stride_w = a->stride_w,
        .dilation_h = a->dilation_h,
        .dilation_w = a->dilation_w,
        .pad_top = a->pad_top,
        .pad_left = a->pad_left,
    };
}

/* Tensors of rank 4 with the same batch, sensible steps. */
static inline bool window_match(const lab_attrs *a, const lab_tensor *x, const lab_tensor *y)
{
    return x->rank == 4 && y->rank == 4 && x->shape[0] == y->shape[0] && a->stride_h >= 1 &&
           a->stride_w >= 1 && a->dilation_h >= 1 && a->dilation_w >= 1;
}

/* A 1x1 window that visits every input pixel once: output pixel i reads input pixel i. */
static inline bool window_is_pixel(const window *w)
{
    return w->filter_h == 1 && w->filter_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
           w->pad_top == 0 && w->pad_left == 0 && w->in_h == w->out_h && w->in_w == w->out_w;
}

/*
 * The taps begin <= t < end of one direction that lie inside the image, for output position `out`:
 * tap t reads input position first + t * dilation.
 */
typedef struct taps {
    int32_t begin, end;
    int64_t first;
} taps;

static inline taps taps_inside(int32_t out, int32_t stride, int32_t pad, int32_t dilation,
                               int32_t filter, int32_t in)
{
    taps t = { 0, filter, (int64_t)out * stride - pad };
    if (t.first < 0) {
        int64_t skip = (-t.first + dilation - 1) / dilation;
        t.begin = skip < filter ? (int32_t)skip : filter;
    }
    int64_t reach = t.first >= in ? 0 : ((int64_t)in - 1 - t.first) / dilation + 1;
    t.end = reach < filter ? (int32_t)reach : filter;
    if (t.end < t.begin)
        t.end = t.begin;
    return t;
}

static inline taps taps_y(const window *w, int32_t out)
{
    return taps_inside(out, w->stride_h, w->pad_top, w->dilation_h, w->filter_h, w->in_h);
}

static inline taps taps_x(const window *w, int32_t out)
{
    return taps_inside(out, w->stride_w, w->pad_left, w->dilation_w, w->filter_w, w->in_w);
}

/* Index of the input pixel under tap (ty, tx). */
static inline size_t tap_pixel(const window *w, int32_t batch, const taps *ys, int32_t ty,
                               const taps *xs, int32_t tx)
{
    int64_t y = ys->first + (int64_t)ty * w->dilation_h;
    int64_t x = xs->first + (int64_t)tx * w->dilation_w;
    return (size_t)(((int64_t)batch * w->in_h + y) * w->in_w + x);
}

/* Output pixels are numbered over batch, rows and columns. */
typedef struct pixel {
    int32_t batch, y, x;
} pixel;

static inline pixel pixel_at(size_t index, int32_t h, int32_t w)
{
    size_t row = index / (size_t)w;
    return (pixel){ (int32_t)(row / (size_t)h), (int32_t)(row % (size_t)h),
                    (int32_t)(index % (size_t)w) };
}

/* The pixel after p, without the divisions of pixel_at. */
static inline pixel pixel_after(pixel p, int32_t h, int32_t w)
{
    if (++p.x < w)
        return p;
    p.x = 0;
    if (++p.y == h) {
        p.y = 0;
        p.batch++;
    }
    return p;
}

#endif
