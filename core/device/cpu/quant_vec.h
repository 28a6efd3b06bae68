/* SPDX-License-Identifier: Apache-2.0 */
/* linear's kernels for q8 and q4 over vec.h: tiles of VQ_ROWS rows by VQ_VECTORS of columns. The
 * sums of a group stand in registers. Where there are 32 of those, so do the f32 sums, for all
 * groups of a tile; else they stand in memory, which a tile visits once a group.
 *
 * Included only by files built with ISA flags. */
#ifndef WF_QUANT_VEC_H
#define WF_QUANT_VEC_H

#include "core/device/cpu/quant_pack.h"
#include "core/device/cpu/quant_rows.h"
#include "core/device/cpu/vec_math.h"

#if VF_LANES == 16
#define VQ_ROWS 6
#define VQ_VECTORS 2
#elif defined(__aarch64__)
#define VQ_ROWS 8
#define VQ_VECTORS 1
#else
#define VQ_ROWS 4
#define VQ_VECTORS 2
#endif
#define VQ_COLUMNS (VQ_VECTORS * VF_LANES)

/* Four bytes in every lane. */
VF_INLINE vi vq_every(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vi_set1(four);
}

VF_INLINE vf vq_every_float(const uint8_t *p)
{
    return vf_of(vq_every(p));
}

/* ---- the integer sums of a group ---- */

/* One group of a panel against rows of x. */
typedef struct vq_group {
    const uint8_t *x;
    const uint8_t *w; /* the elements of the vectors' first columns */
} vq_group;

#define VQ_STEP (4 * WF_Q_PANEL) /* bytes from four elements to the next four */

#if defined(__aarch64__)
#include "core/device/cpu/quant_sum_neon.h"
#else
#include "core/device/cpu/quant_sum_x86.h"
#endif

/* ---- a group into the f32 sums ---- */

/* The f32 sum of row r and vector v of the tile's columns from `column` on. */
VF_INLINE float *vq_acc(const wf_quant_tile *t, const uint16_t *at, int64_t column, int r, int v)
{
    int row = at != NULL ? at[r] : r;
    return t->acc + row * WF_Q_PANEL + column + v * VF_LANES;
}

VF_INLINE vf vq_f16(const uint8_t *p)
{
    uint16_t h[VF_LANES];
    memcpy(h, p, sizeof h);
    return vf_from_f16x(h);
}

/* The sums of rows in the vectors' columns into the f32 sums. x: the group of all rows. */
VF_INLINE void vq_scale(vf acc[][VQ_VECTORS], const uint8_t *x, const uint8_t *scale,
                        vi sum[][VQ_VECTORS], const int rows, const int32_t format)
{
    VF_UNROLL
    for (int v = 0; v < VQ_VECTORS; v++) {
        vf d = vq_f16(scale + 2 * v * VF_LANES), m = vf_zero();
        if (format == WF_Q4)
            m = vq_f16(scale + 2 * (WF_Q_PANEL + v * VF_LANES));
        VF_UNROLL
        for (int r = 0; r < rows; r++) {
            vf dx = vq_every_float(x + wf_quant_dx_at(rows) + 4 * r);
            if (format == WF_Q4)
                acc[r][v] = vf_fma(m, vq_every_float(x + wf_quant_sum_at(rows) + 4 * r), acc[r][v]);
            acc[r][v] = vf_fma(vf_from_i32(sum[r][v]), vf_mul(dx, d), acc[r][v]);
        }
    }
}

/* at: t->at; or NULL as a literal, so that no row is looked up where none can lie apart. */
VF_INLINE void vq_load_acc(vf acc[][VQ_VECTORS], const wf_quant_tile *t, const uint16_t *at,
                           int64_t column, const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < VQ_VECTORS; v++)
            acc[r][v] = vf_load(vq_acc(t, at, column, r, v));
    }
}

VF_INLINE void vq_store_acc(const wf_quant_tile *t, const uint16_t *at, vf acc[][VQ_VECTORS],
                            int64_t column, const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < VQ_VECTORS; v++)
            vf_store(vq_acc(t, at, column, r, v), acc[r][v]);
    }
}

VF_INLINE void vq_sums(vi sum[][VQ_VECTORS], const uint8_t *x, const uint8_t *w, int64_t column,
                       const int rows, const int32_t format)
{
    vq_group k = {x, w + wf_quant_elements(format) + 4 * column};
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < VQ_VECTORS; v++)
            sum[r][v] = format == WF_Q8 ? vq_every(x + wf_quant_sum_at(rows) + 4 * r) : vi_set1(0);
    }
    if (format == WF_Q8)
        vq_sum_q8(&k, sum, rows);
    else
        vq_sum_q4(&k, sum, rows);
}

/* One group, with the f32 sums from memory and back. */
VF_INLINE void vq_tile_group(const wf_quant_tile *t, const uint16_t *at, const uint8_t *x,
                             const uint8_t *w, int64_t column, const int rows, const int32_t format)
{
    vi sum[VQ_ROWS][VQ_VECTORS];
    vf acc[VQ_ROWS][VQ_VECTORS];
    vq_sums(sum, x, w, column, rows, format);
    vq_load_acc(acc, t, at, column, rows);
    vq_scale(acc, x, w + 2 * column, sum, rows, format);
    vq_store_acc(t, at, acc, column, rows);
}

VF_INLINE void vq_fetch(const uint8_t *p, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + i);
}

#if VQ_COLUMNS == WF_Q_PANEL
VF_INLINE void vq_tile_rows(const wf_quant_tile *t, const int rows, const int32_t format)
{
    const uint8_t *x = t->x, *w = t->w, *fetch = t->fetch;
    vi             sum[VQ_ROWS][VQ_VECTORS];
    vf             acc[VQ_ROWS][VQ_VECTORS];
    vq_load_acc(acc, t, NULL, 0, rows);
    for (int64_t g = 0; g < t->groups; g++) {
        vq_fetch(fetch, t->fetch_bytes);
        vq_sums(sum, x, w, 0, rows, format);
        vq_scale(acc, x, w, sum, rows, format);
        x += rows * WF_Q_ROW;
        w += wf_quant_group(format);
        fetch += t->fetch_bytes;
    }
    vq_store_acc(t, NULL, acc, 0, rows);
}
#else
VF_INLINE void vq_tile_rows(const wf_quant_tile *t, const int rows, const int32_t format)
{
    const uint8_t *x = t->x, *w = t->w, *fetch = t->fetch;
    for (int64_t g = 0; g < t->groups; g++) {
        vq_fetch(fetch, t->fetch_bytes);
        for (int64_t column = 0; column < WF_Q_PANEL; column += VQ_COLUMNS)
            vq_tile_group(t, NULL, x, w, column, rows, format);
        x += rows * WF_Q_ROW;
        w += wf_quant_group(format);
        fetch += t->fetch_bytes;
    }
}
#endif

/* One instance per row count: it must be a constant for the sums to be registers. Other counts do
 * not occur: no tile is larger than VQ_ROWS. */
/* clang-format off */
#define VQ_CASE(f, n, format) case n: f(t, n, format); break;
#define VQ_CASES_4(f, format) \
    VQ_CASE(f, 1, format) VQ_CASE(f, 2, format) VQ_CASE(f, 3, format) VQ_CASE(f, 4, format)
#define VQ_CASES_6(f, format) VQ_CASES_4(f, format) VQ_CASE(f, 5, format) VQ_CASE(f, 6, format)
#define VQ_CASES_8(f, format) VQ_CASES_6(f, format) VQ_CASE(f, 7, format) VQ_CASE(f, 8, format)
#if defined(VF_ROLLED)
#define VQ_SWITCH(cases, f, format) f(t, t->rows, format)
#else
#define VQ_SWITCH(cases, f, format) switch (t->rows) { cases(f, format) default: break; }
#endif
#if VQ_ROWS == 6
#define VQ_EACH_COUNT(f, format) VQ_SWITCH(VQ_CASES_6, f, format)
#elif VQ_ROWS == 8
#define VQ_EACH_COUNT(f, format) VQ_SWITCH(VQ_CASES_8, f, format)
#else
#define VQ_EACH_COUNT(f, format) VQ_SWITCH(VQ_CASES_4, f, format)
#endif
/* clang-format on */

static void vq_tile_q8(const wf_quant_tile *t)
{
    VQ_EACH_COUNT(vq_tile_rows, WF_Q8);
}

static void vq_tile_q4(const wf_quant_tile *t)
{
    VQ_EACH_COUNT(vq_tile_rows, WF_Q4);
}

VF_INLINE void vq_rest_rows(const wf_quant_tile *t, const int rows, const int32_t format)
{
    for (int64_t column = 0; column < WF_Q_PANEL; column += VQ_COLUMNS)
        vq_tile_group(t, t->at, t->x, t->w, column, rows, format);
}

static void vq_rest_q8(const wf_quant_tile *t)
{
    VQ_EACH_COUNT(vq_rest_rows, WF_Q8);
}

static void vq_rest_q4(const wf_quant_tile *t)
{
    VQ_EACH_COUNT(vq_rest_rows, WF_Q4);
}

static void vq_rest_tile(const wf_quant_tile *t)
{
    if (t->format == WF_Q8)
        vq_rest_q8(t);
    else
        vq_rest_q4(t);
}

static void vq_tile(const wf_quant_tile *t)
{
    if (t->format == WF_Q8)
        vq_tile_q8(t);
    else
        vq_tile_q4(t);
}

/* The epilogue of one vector of outputs (order: core/ops/op.h), n of them real. */
VF_INLINE void vq_finish_vector(const wf_linear *a, vf value, int64_t r, int64_t c, int64_t n)
{
    if (a->bias != NULL)
        value = vf_add(value, vf_load_n(a->bias + c, n));
    value = vf_activate(value, a->act);
    if (a->residual != NULL)
        value = vf_add(vf_load_n(a->residual + r * a->residual_stride + c, n),
                       vf_mul(vf_set1(a->scale), value));
    vf_store_n(a->y + r * a->y_stride + c, value, n);
}

static void vq_finish(const wf_linear *a, const float *acc, const float *rest, int64_t row,
                      int64_t rows, int64_t column, int64_t columns)
{
    for (int64_t i = 0; i < rows * WF_Q_PANEL; i += WF_Q_PANEL) {
        for (int64_t c = 0; c < columns; c += VF_LANES) {
            vf value = vf_load(acc + i + c);
            if (rest != NULL)
                value = vf_add(value, vf_load(rest + i + c));
            vq_finish_vector(a, value, row + i / WF_Q_PANEL, column + c, columns - c);
        }
    }
}

/* A file that has another tile for many rows names it before it includes this one. */
#if !defined(VQ_TILE)
#define VQ_TILE vq_tile
#define VQ_TILE_ROWS VQ_ROWS
#endif

static const wf_quant_kernels vq_kernels = {
    .tile_rows = VQ_TILE_ROWS,
    .rest_rows = VQ_ROWS,
    .prepare = prepare_row,
    .prepare_rest = prepare_rest,
    .tile = VQ_TILE,
    .rest_tile = vq_rest_tile,
    .finish = vq_finish,
    .pack_panel = pack_panel,
    .host_panel = host_panel,
};

#endif
