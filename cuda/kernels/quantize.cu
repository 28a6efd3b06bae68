/* SPDX-License-Identifier: Apache-2.0 */
/* Plain weights to q8 and q4, a thread a group: the steps of core/device/cpu/quant_block.h in the
 * same order, so that the bytes are the CPU's. A group's 32 numbers lie in shared memory, element
 * by element over the threads. */
#include "cuda/kernels/common.cuh"

#define THREADS 128
#define NEAREST 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, to even of two */
#define F16_NAN 0x7e00
#define F16_MOST 0x7bff

__device__ static float round_f16(float x)
{
    uint32_t u = wf_bits(x), a = u & 0x7fffffffu;
    a = a < 0x477fe000u ? a : 0x477fe000u;
    uint32_t normal = (a + 0xfffu + ((a >> 13) & 1u)) & ~0x1fffu;
    uint32_t small = wf_bits((wf_float(a) + 0.5f) - 0.5f);
    return wf_float((u & 0x80000000u) | (a < 0x38800000u ? small : normal));
}

typedef struct group {
    float *w; /* element e at w[e * THREADS] */
    float  lo, hi;
    bool   bad;
} group;

/* Reads a group; what is not finite makes all of it 0 and is told. */
__device__ static void load(group *g, const wf_pack *a, int64_t row, int64_t first)
{
    g->bad = false;
    for (int e = 0; e < WF_GROUP; e++) {
        float x =
            first + e < a->w.k ? wf_element(a->src, row * a->w.k + first + e, a->src_dtype) : 0.0f;
        g->bad = g->bad || (wf_bits(x) & 0x7fffffffu) >= 0x7f800000u;
        g->w[e * THREADS] = x;
    }
    for (int e = 0; e < WF_GROUP; e++) {
        float x = g->bad ? 0.0f : g->w[e * THREADS];
        g->w[e * THREADS] = x;
        g->lo = e == 0 || x < g->lo ? x : g->lo;
        g->hi = e == 0 || x > g->hi ? x : g->hi;
    }
}

/* Where the thread's group goes: its bytes, scale and minimum. */
typedef struct place {
    uint8_t  *bytes;
    uint16_t *scale, *minimum;
} place;

__device__ static place place_of(const wf_pack *a, int64_t e)
{
    const int64_t groups = wf_cuda_groups(a->w.k), bytes = wf_cuda_group_bytes(a->w.format);
    const int64_t at = a->row0 * groups + e;
    uint8_t      *data = (uint8_t *)a->w.data;
    uint16_t     *scales = (uint16_t *)(data + a->w.n * groups * bytes);
    place         p = {data + at * bytes, scales + at, scales + a->w.n * groups + at};
    return p;
}

__device__ static float step_q8(float w, float inverse)
{
    float t = w * inverse;
    t = t > -127.0f ? t : -127.0f;
    t = t < 127.0f ? t : 127.0f;
    return (t + NEAREST) - NEAREST;
}

/* The scale of those tried that leaves the smallest sum of squared errors. */
__device__ static float search_q8(const group *g)
{
    const float exact = (-g->lo > g->hi ? -g->lo : g->hi) / 127.0f;
    uint16_t    h = wf_to_f16(round_f16(exact));
    h = (uint16_t)(ptx_from_f16(h) < exact && h < F16_MOST ? h + 1 : h);
    const float first = ptx_from_f16(h);
    float       best = first, least = INFINITY;
    for (int i = 0; i < 9; i++) {
        float d = round_f16(first * (1.0f + (float)i / 256.0f)), error = 0.0f;
        float inverse = d != 0.0f ? 1.0f / d : 0.0f;
        for (int e = 0; e < WF_GROUP; e++) {
            float w = g->w[e * THREADS], off = w - d * step_q8(w, inverse);
            error = error + off * off;
        }
        best = error < least ? d : best;
        least = error < least ? error : least;
    }
    return best;
}

WF_KERNEL(THREADS) wf_cuda_pack_q8(const wf_pack a)
{
    __shared__ float shared[WF_GROUP * THREADS];
    const int64_t    groups = wf_cuda_groups(a.w.k), i = wf_item();
    group            g = {shared + threadIdx.x, 0.0f, 0.0f, false};
    if (i >= a.rows * groups)
        return;
    place p = place_of(&a, i);
    load(&g, &a, i / groups, i % groups * WF_GROUP);
    float d = search_q8(&g), inverse = d != 0.0f ? 1.0f / d : 0.0f;
    *p.scale = g.bad ? (uint16_t)F16_NAN : wf_to_f16(d);
    for (int e = 0; e < WF_GROUP; e++)
        p.bytes[e] = (uint8_t)wf_bits(step_q8(g.w[e * THREADS], inverse) + NEAREST);
}

/* ---- q4 ---- */

typedef struct line {
    float d, m, error;
} line;

__device__ static float step_of(float w, float m, float inverse)
{
    float n = (w - m) * inverse;
    n = n > 0.0f ? n < 15.0f ? n : 15.0f : 0.0f;
    return (n + NEAREST) - NEAREST;
}

/* Rounds d and m to f16 and takes the error that they leave. */
__device__ static void try_line(const group *g, line *l)
{
    l->d = round_f16(l->d);
    l->m = round_f16(l->m);
    l->error = 0.0f;
    float inverse = l->d != 0.0f ? 1.0f / l->d : 0.0f;
    for (int e = 0; e < WF_GROUP; e++) {
        float w = g->w[e * THREADS], n = step_of(w, l->m, inverse);
        float off = w - (l->d * n + l->m);
        l->error = l->error + off * off;
    }
}

/* The line of least squares through (n, w), n the steps of size 1 / inverse above lo. */
__device__ static line fit(const group *g, float inverse, float sum_w)
{
    const float size = (float)WF_GROUP;
    float       n1 = 0.0f, n2 = 0.0f, nw = 0.0f;
    line        l;
    for (int e = 0; e < WF_GROUP; e++) {
        float w = g->w[e * THREADS], n = step_of(w, g->lo, inverse);
        n1 = n1 + n;
        n2 = n2 + n * n;
        nw = nw + n * w;
    }
    float det = size * n2 - n1 * n1;
    float d = (size * nw - n1 * sum_w) / (det > 0.0f ? det : 1.0f);
    l.d = det > 0.0f ? d : 0.0f;
    l.m = (sum_w - l.d * n1) / size;
    l.error = 0.0f;
    return l;
}

__device__ static line search(const group *g)
{
    const float range = g->hi - g->lo;
    float       sum_w = 0.0f;
    line        best = {range / 15.0f, g->lo, 0.0f};
    for (int e = 0; e < WF_GROUP; e++)
        sum_w = sum_w + g->w[e * THREADS];
    try_line(g, &best);
    for (int i = 0; i < 9; i++) { /* 14, 14.25, ... 16 steps */
        float inverse = range > 0.0f ? (14.0f + 0.25f * (float)i) / range : 0.0f;
        line  l = fit(g, inverse, sum_w);
        try_line(g, &l);
        if (l.error < best.error)
            best = l;
    }
    return best;
}

WF_KERNEL(THREADS) wf_cuda_pack_q4(const wf_pack a)
{
    __shared__ float shared[WF_GROUP * THREADS];
    const int64_t    groups = wf_cuda_groups(a.w.k), i = wf_item();
    group            g = {shared + threadIdx.x, 0.0f, 0.0f, false};
    if (i >= a.rows * groups)
        return;
    place p = place_of(&a, i);
    load(&g, &a, i / groups, i % groups * WF_GROUP);
    line  l = search(&g);
    float inverse = l.d != 0.0f ? 1.0f / l.d : 0.0f;
    *p.scale = g.bad ? (uint16_t)F16_NAN : wf_to_f16(l.d);
    *p.minimum = wf_to_f16(l.m);
    for (int e = 0; e < WF_GROUP / 2; e++) {
        uint32_t low = wf_bits(step_of(g.w[e * THREADS], l.m, inverse) + NEAREST);
        uint32_t high = wf_bits(step_of(g.w[(e + WF_GROUP / 2) * THREADS], l.m, inverse) + NEAREST);
        p.bytes[e] = (uint8_t)((low & 15u) | (high & 15u) << 4);
    }
}
