/* SPDX-License-Identifier: Apache-2.0 */
/* What the instructions of AMX do to their tiles, in plain C, bit for bit as the manual says (see
 * tile.h). Tests run kernels over it: they include it by WF_TILE_EMULATED, or carry out with it the
 * instructions that the CPU at hand does not know. A step that a CPU would refuse is refused here
 * too: functions then return false and change nothing. */
#ifndef WF_CPU_TILE_EMULATED_H
#define WF_CPU_TILE_EMULATED_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/half.h"
#include "core/device/cpu/tile.h"

#define WF_TILES 8

typedef struct wf_tiles {
    wf_tile_config config; /* palette 0: none is in force */
    uint8_t        data[WF_TILES][WF_TILE_ROWS][WF_TILE_BYTES];
} wf_tiles;

/* ---- shapes ---- */

static inline bool wf_tiles_shape_is_sound(const wf_tile_config *c, int t)
{
    if (t >= WF_TILES)
        return c->rows[t] == 0 && c->row_bytes[t] == 0;
    return c->rows[t] <= WF_TILE_ROWS && c->row_bytes[t] <= WF_TILE_BYTES &&
           (c->rows[t] == 0) == (c->row_bytes[t] == 0);
}

/* ldtilecfg; palette 0 is tilerelease. */
static inline bool wf_tiles_configure(wf_tiles *s, const wf_tile_config *c)
{
    static const uint8_t none[14];
    if (c->palette > 1 || c->start_row != 0 || memcmp(c->reserved, none, sizeof none) != 0)
        return false;
    for (int t = 0; t < 16; t++)
        if (!wf_tiles_shape_is_sound(c, t))
            return false;
    memset(s, 0, sizeof *s);
    if (c->palette == 1)
        s->config = *c;
    return true;
}

static inline bool wf_tiles_has(const wf_tiles *s, int t)
{
    return s->config.palette == 1 && t < WF_TILES && s->config.rows[t] > 0;
}

/* c [m, n], a [m, k], b [k, n], all of four-byte elements, and three tiles. */
static inline bool wf_tiles_fit(const wf_tiles *s, int c, int a, int b)
{
    const wf_tile_config *k = &s->config;
    return wf_tiles_has(s, c) && wf_tiles_has(s, a) && wf_tiles_has(s, b) && a != b && a != c &&
           b != c && k->rows[c] == k->rows[a] && k->row_bytes[a] == 4 * k->rows[b] &&
           k->row_bytes[b] == k->row_bytes[c] && k->row_bytes[c] % 4 == 0;
}

/* ---- memory ---- */

static inline bool wf_tiles_zero(wf_tiles *s, int t)
{
    if (!wf_tiles_has(s, t))
        return false;
    memset(s->data[t], 0, sizeof s->data[t]);
    return true;
}

static inline bool wf_tiles_load(wf_tiles *s, int t, const void *p, int64_t stride)
{
    if (!wf_tiles_zero(s, t))
        return false;
    for (int r = 0; r < s->config.rows[t]; r++)
        memcpy(s->data[t][r], (const uint8_t *)p + r * stride, s->config.row_bytes[t]);
    return true;
}

static inline bool wf_tiles_store(const wf_tiles *s, int t, void *p, int64_t stride)
{
    if (!wf_tiles_has(s, t))
        return false;
    for (int r = 0; r < s->config.rows[t]; r++)
        memcpy((uint8_t *)p + r * stride, s->data[t][r], s->config.row_bytes[t]);
    return true;
}

static inline uint32_t wf_tiles_word(const wf_tiles *s, int t, int row, int column)
{
    uint32_t w;
    memcpy(&w, s->data[t][row] + 4 * column, 4);
    return w;
}

static inline void wf_tiles_set(wf_tiles *s, int t, int row, int column, uint32_t w)
{
    memcpy(s->data[t][row] + 4 * column, &w, 4);
}

/* ---- products of bf16 ---- */

static inline float wf_tiles_flushed(float f)
{
    return fabsf(f) < FLT_MIN ? copysignf(0.0f, f) : f;
}

/* The fused multiply-add with denormal inputs and outputs as zero. Whether an output is denormal is
 * decided after it was rounded to 24 bits, with any exponent: what fmaf rounds up to the least
 * normal number, having fewer bits there, may be below it and is then rounded once more, 2^64 times
 * as large. */
static inline float wf_tiles_fma(float a, float b, float c)
{
    a = wf_tiles_flushed(a);
    b = wf_tiles_flushed(b);
    c = wf_tiles_flushed(c);
    float r = fmaf(a, b, c);
    if (fabsf(r) == FLT_MIN) {
        float less = fabsf(a) < fabsf(b) ? a : b, more = fabsf(a) < fabsf(b) ? b : a;
        if (fabsf(fmaf(less * 0x1p64f, more, c * 0x1p64f)) < FLT_MIN * 0x1p64f)
            return copysignf(0.0f, r);
    }
    return wf_tiles_flushed(r);
}

static inline float wf_tiles_add(float a, float b)
{
    return wf_tiles_flushed(wf_tiles_flushed(a) + wf_tiles_flushed(b));
}

/* One element of tdpbf16ps: even and odd halves of the pairs add up apart, from zero, k ascending;
 * the two are added, and that to c. */
static inline uint32_t wf_tiles_bf16_at(const wf_tiles *s, int c, int a, int b, int m, int n)
{
    float even = 0.0f, odd = 0.0f;
    for (int k = 0; k < s->config.rows[b]; k++) {
        uint32_t x = wf_tiles_word(s, a, m, k), w = wf_tiles_word(s, b, k, n);
        even = wf_tiles_fma(wf_float(x << 16), wf_float(w << 16), even);
        odd = wf_tiles_fma(wf_float(x & 0xffff0000u), wf_float(w & 0xffff0000u), odd);
    }
    return wf_bits(wf_tiles_add(wf_float(wf_tiles_word(s, c, m, n)), wf_tiles_add(even, odd)));
}

static inline bool wf_tiles_bf16(wf_tiles *s, int c, int a, int b)
{
    if (!wf_tiles_fit(s, c, a, b))
        return false;
    for (int m = 0; m < s->config.rows[c]; m++)
        for (int n = 0; n < s->config.row_bytes[c] / 4; n++)
            wf_tiles_set(s, c, m, n, wf_tiles_bf16_at(s, c, a, b, m, n));
    return true;
}

/* ---- products of bytes ---- */

/* One element of tdpbsud. The sum wraps, which no sum of weft's does. */
static inline uint32_t wf_tiles_su8_at(const wf_tiles *s, int c, int a, int b, int m, int n)
{
    uint32_t sum = wf_tiles_word(s, c, m, n);
    for (int k = 0; k < s->config.row_bytes[a]; k++) {
        int32_t x = (int8_t)s->data[a][m][k], w = s->data[b][k / 4][4 * n + k % 4];
        sum += (uint32_t)(x * w);
    }
    return sum;
}

static inline bool wf_tiles_su8(wf_tiles *s, int c, int a, int b)
{
    if (!wf_tiles_fit(s, c, a, b))
        return false;
    for (int m = 0; m < s->config.rows[c]; m++)
        for (int n = 0; n < s->config.row_bytes[c] / 4; n++)
            wf_tiles_set(s, c, m, n, wf_tiles_su8_at(s, c, a, b, m, n));
    return true;
}

/* ---- the operations of tile.h ---- */

#if defined(WF_TILE_EMULATED)
static _Thread_local wf_tiles wf_tiles_here;

/* A kernel that asks for what no CPU does is wrong: there is nothing to go on with. */
static inline void wf_tiles_must(bool done)
{
    if (!done)
        abort();
}

#define WF_TILE_CONFIGURE(c) wf_tiles_must(wf_tiles_configure(&wf_tiles_here, &(c)))
#define WF_TILE_RELEASE() wf_tiles_must(wf_tiles_configure(&wf_tiles_here, &(wf_tile_config){0}))
#define WF_TILE_ZERO(t) wf_tiles_must(wf_tiles_zero(&wf_tiles_here, t))
#define WF_TILE_LOAD(t, p, stride) wf_tiles_must(wf_tiles_load(&wf_tiles_here, t, p, stride))
#define WF_TILE_STORE(t, p, stride) wf_tiles_must(wf_tiles_store(&wf_tiles_here, t, p, stride))
#define WF_TILE_BF16(c, a, b) wf_tiles_must(wf_tiles_bf16(&wf_tiles_here, c, a, b))
#define WF_TILE_SU8(c, a, b) wf_tiles_must(wf_tiles_su8(&wf_tiles_here, c, a, b))
#endif
#endif
