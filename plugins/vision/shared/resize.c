/* SPDX-License-Identifier: Apache-2.0 */
/* Pillow's antialiased resizing of u8 pixels: weights are computed for each output, then each axis
 * takes one pass. */
#include "resize.h"

#include <math.h>
#include <string.h>

#define BITS 22    /* fraction bits of a weight: 32, less 8 for the pixel and 2 to spare */
#define ROWS 16    /* of a piece of work */
#define STRIP 1024 /* values of a row that are summed at a time */
#define WIDEST 3.0 /* support of the widest kernel */
#define PI 3.14159265358979323846

/* The weights of one axis: output i is the sum over k < count[i] of pixel[first[i] + k] times
 * weight[i * per_output + k]. */
typedef struct axis {
    int32_t *first, *count;
    int32_t *weight;
    int32_t  per_output;
} axis;

/* A kernel: its value at a distance, and the distance from which on that is 0. */
typedef struct filter {
    double (*at)(double d);
    double support;
} filter;

static int32_t axis_width(int32_t in, int32_t out, double support)
{
    double scale = (double)in / (double)out;
    return (int32_t)ceil(support * (scale > 1.0 ? scale : 1.0)) * 2 + 1;
}

static uint64_t align16(uint64_t n)
{
    return (n + 15u) & ~(uint64_t)15u;
}

static uint64_t axis_bytes(int32_t in, int32_t out, double support)
{
    uint64_t n = (uint64_t)out;
    return 2u * align16(4u * n) + align16(4u * n * (uint64_t)axis_width(in, out, support));
}

static int side_ok(int32_t side)
{
    return side >= 1 && side <= VIS_RESIZE_MAX_SIDE;
}

uint64_t vis_resize_scratch(int32_t src_w, int32_t src_h, int32_t dst_w, int32_t dst_h)
{
    if (!side_ok(src_w) || !side_ok(src_h) || !side_ok(dst_w) || !side_ok(dst_h))
        return 0;
    uint64_t row = 4u * (uint64_t)dst_w;
    return axis_bytes(src_w, dst_w, WIDEST) + axis_bytes(src_h, dst_h, WIDEST) +
           align16(row * (uint64_t)src_h) + align16(4u * row);
}

/* The height at distance d of a triangle of base 2. */
static double triangle(double d)
{
    d = fabs(d);
    return d < 1.0 ? 1.0 - d : 0.0;
}

/* Keys' cubic convolution with a = -0.5, in the order of Pillow's operations. */
static double cubic(double d)
{
    const double a = -0.5;
    d = fabs(d);
    if (d < 1.0)
        return ((a + 2.0) * d - (a + 3.0)) * d * d + 1;
    return d < 2.0 ? (((d - 5) * d + 8) * d - 4) * a : 0.0;
}

static double sinc(double d)
{
    d *= PI;
    return d == 0.0 ? 1.0 : sin(d) / d;
}

/* A sinc within three lobes of another, three times as wide. */
static double lanczos(double d)
{
    return d >= -3.0 && d < 3.0 ? sinc(d) * sinc(d / 3) : 0.0;
}

static const filter filters[] = {
    [VIS_BILINEAR] = {triangle, 1.0}, [VIS_BICUBIC] = {cubic, 2.0}, [VIS_LANCZOS] = {lanczos, 3.0}};

/* One output's weights: doubles that are divided by their sum, then rounded half away from zero. */
static void output_weights(const filter *f, int32_t first, int32_t n, double center, double inv,
                           int32_t *weight)
{
    double sum = 0.0;
    for (int32_t k = 0; k < n; k++)
        sum += f->at(((double)(k + first) - center + 0.5) * inv);
    for (int32_t k = 0; k < n; k++) {
        double w = f->at(((double)(k + first) - center + 0.5) * inv);
        if (sum != 0.0)
            w /= sum;
        weight[k] = (int32_t)((w < 0.0 ? -0.5 : 0.5) + w * (double)(1 << BITS));
    }
}

/* Lays the axis out in *p, moves *p past it and computes it. */
static axis axis_make(const filter *f, int32_t in, int32_t out, uint8_t **p)
{
    axis   a;
    double scale = (double)in / (double)out;
    double filterscale = scale > 1.0 ? scale : 1.0, support = f->support * filterscale;
    a.per_output = axis_width(in, out, f->support);
    a.first = (int32_t *)(void *)*p;
    a.count = (int32_t *)(void *)(*p + align16(4u * (uint64_t)out));
    a.weight = (int32_t *)(void *)(*p + 2u * align16(4u * (uint64_t)out));
    *p += axis_bytes(in, out, f->support);
    for (int32_t i = 0; i < out; i++) {
        double  center = ((double)i + 0.5) * scale;
        int32_t lo = (int32_t)(center - support + 0.5);
        int32_t hi = (int32_t)(center + support + 0.5);
        lo = lo < 0 ? 0 : lo;
        hi = hi > in ? in : hi;
        a.first[i] = lo;
        a.count[i] = hi - lo;
        output_weights(f, lo, hi - lo, center, 1.0 / filterscale,
                       a.weight + (int64_t)i * a.per_output);
    }
    return a;
}

/* Rounds and narrows a sum, which may be below 0 where weights are. */
static uint8_t narrow(int32_t sum)
{
    int32_t v = sum < 0 ? 0 : sum >> BITS;
    return (uint8_t)(v > 255 ? 255 : v);
}

/* src [src_w, 4] to dst [dst_w, 4]: one row. */
static void row_pass4(const axis *a, const uint8_t *restrict src, uint8_t *restrict dst,
                      int32_t     dst_w)
{
    for (int32_t x = 0; x < dst_w; x++) {
        const uint8_t *p = src + 4 * (int64_t)a->first[x];
        const int32_t *w = a->weight + (int64_t)x * a->per_output;
        int32_t sum[4] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
        for (int32_t k = 0; k < a->count[x]; k++)
            for (int c = 0; c < 4; c++)
                sum[c] += w[k] * p[4 * k + c];
        for (int c = 0; c < 4; c++)
            dst[4 * (int64_t)x + c] = narrow(sum[c]);
    }
}

/* src [src_w, 3] to dst [dst_w, 3]: one row. */
static void row_pass(const axis *a, const uint8_t *restrict src, uint8_t *restrict dst,
                     int32_t     dst_w)
{
    for (int32_t x = 0; x < dst_w; x++) {
        const uint8_t *p = src + 3 * (int64_t)a->first[x];
        const int32_t *w = a->weight + (int64_t)x * a->per_output;
        int32_t        r = 1 << (BITS - 1), g = r, b = r;
        for (int32_t k = 0; k < a->count[x]; k++) {
            r += w[k] * p[3 * k];
            g += w[k] * p[3 * k + 1];
            b += w[k] * p[3 * k + 2];
        }
        dst[3 * (int64_t)x] = narrow(r);
        dst[3 * (int64_t)x + 1] = narrow(g);
        dst[3 * (int64_t)x + 2] = narrow(b);
    }
}

/* Computes output row y of src [src_h, n] into dst [n], a strip of it after the other, so that its
 * sums stay small; within a strip the inner loop walks memory in order. */
static void column_pass(const axis *a, int32_t         y, const uint8_t *restrict src,
                        uint8_t *restrict dst, int64_t n)
{
    const int32_t *w = a->weight + (int64_t)y * a->per_output;
    int32_t        sum[STRIP];
    for (int64_t x = 0; x < n; x += STRIP) {
        const int64_t m = n - x < STRIP ? n - x : STRIP;
        for (int64_t i = 0; i < m; i++)
            sum[i] = 1 << (BITS - 1);
        for (int32_t k = 0; k < a->count[y]; k++) {
            const uint8_t *row = src + (a->first[y] + k) * n + x;
            for (int64_t i = 0; i < m; i++)
                sum[i] += w[k] * row[i];
        }
        for (int64_t i = 0; i < m; i++)
            dst[x + i] = narrow(sum[i]);
    }
}

/* One pass, seen by every thread. */
typedef struct pass {
    const axis    *a;
    const uint8_t *src;
    uint8_t       *dst;
    int32_t        src_w, dst_w, channels;
} pass;

static void some_rows(void *ctx, int64_t begin, int64_t end)
{
    const pass *p = ctx;
    for (int64_t y = begin; y < end; y++) {
        const uint8_t *src = p->src + y * p->channels * p->src_w;
        uint8_t       *dst = p->dst + y * p->channels * p->dst_w;
        if (p->channels == 3)
            row_pass(p->a, src, dst, p->dst_w);
        else
            row_pass4(p->a, src, dst, p->dst_w);
    }
}

static void some_columns(void *ctx, int64_t begin, int64_t end)
{
    const pass *p = ctx;
    int64_t     n = p->channels * (int64_t)p->dst_w;
    for (int64_t y = begin; y < end; y++)
        column_pass(p->a, (int32_t)y, p->src, p->dst + y * n, n);
}

void vis_resize(const plg_pool *pool, vis_filter how, int32_t channels, const uint8_t *src,
                int32_t src_w, int32_t src_h, uint8_t *dst, int32_t dst_w, int32_t dst_h,
                void *scratch)
{
    const filter *f = &filters[how];
    uint8_t      *p = scratch;
    int64_t       n = channels * (int64_t)dst_w;
    if (src_w != dst_w) {
        axis     a = axis_make(f, src_w, dst_w, &p);
        uint8_t *out = dst;
        if (src_h != dst_h) {
            out = p;
            p += align16((uint64_t)n * (uint64_t)src_h);
        }
        pass rows = {&a, src, out, src_w, dst_w, channels};
        plg_pool_run(pool, src_h, ROWS, some_rows, &rows);
        src = out;
    }
    if (src_h != dst_h) {
        axis a = axis_make(f, src_h, dst_h, &p);
        pass columns = {&a, src, dst, dst_w, dst_w, channels};
        plg_pool_run(pool, dst_h, ROWS, some_columns, &columns);
    } else if (src_w == dst_w) {
        memcpy(dst, src, (size_t)n * (size_t)src_h);
    }
}

/* round(x / 255) of a product of two bytes, as Pillow computes it. */
static uint8_t of_255(uint32_t x)
{
    x += 128;
    return (uint8_t)(((x >> 8) + x) >> 8);
}

void vis_premultiply(uint8_t *px, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++, px += 4)
        for (int c = 0; c < 3; c++)
            px[c] = of_255((uint32_t)px[c] * px[3]);
}

void vis_unpremultiply(uint8_t *px, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++, px += 4)
        for (int c = 0; c < 3 && px[3] != 0 && px[3] != 255; c++) {
            uint32_t v = 255u * px[c] / px[3];
            px[c] = (uint8_t)(v > 255 ? 255 : v);
        }
}
