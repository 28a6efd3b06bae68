/* SPDX-License-Identifier: Apache-2.0 */
/* Attention's kernels over vec.h: scores as vectors over keys, outputs as vectors over head_dim, up
 * to four queries at a time so that a key is loaded once for them. Each lane does the reference's
 * steps. */
#ifndef WF_ATTEND_VEC_H
#define WF_ATTEND_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec_math.h"

#define VF_QUERIES 4 /* at a time; with VF_CHUNK vectors each they fill the registers */
#if VF_LANES == 16
#define VF_CHUNK 4
#else
#define VF_CHUNK 2
#endif

static void to_f32(float *dst, const void *src, int64_t n, int32_t dtype)
{
    const uint16_t *half = src;
    int64_t         i = 0;
    if (dtype == WF_F32) {
        memcpy(dst, src, (size_t)n * 4);
        return;
    }
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(dst + i, dtype == WF_BF16 ? vf_from_bf16x(half + i) : vf_from_f16x(half + i));
    for (; i < n; i++)
        dst[i] = wf_load(src, i, dtype);
}

/* Four keys by four dimensions. */
VF_INLINE void transpose4(float *kt, const float *k, int64_t k_stride)
{
    __m128 a = _mm_loadu_ps(k), b = _mm_loadu_ps(k + k_stride);
    __m128 c = _mm_loadu_ps(k + 2 * k_stride), d = _mm_loadu_ps(k + 3 * k_stride);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(kt, a);
    _mm_storeu_ps(kt + WF_KEY_BLOCK, b);
    _mm_storeu_ps(kt + 2 * WF_KEY_BLOCK, c);
    _mm_storeu_ps(kt + 3 * WF_KEY_BLOCK, d);
}

static void transpose(float *kt, const float *k, int64_t k_stride, int64_t n_keys, int64_t head_dim)
{
    int64_t whole_keys = n_keys / 4 * 4, whole_dims = head_dim / 4 * 4;
    for (int64_t i = 0; i < whole_keys; i += 4) {
        for (int64_t d = 0; d < whole_dims; d += 4)
            transpose4(kt + d * WF_KEY_BLOCK + i, k + i * k_stride + d, k_stride);
    }
    for (int64_t d = 0; d < head_dim; d++) {
        for (int64_t i = d < whole_dims ? whole_keys : 0; i < WF_KEY_BLOCK; i++)
            kt[d * WF_KEY_BLOCK + i] = i < n_keys ? k[i * k_stride + d] : 0.0f;
    }
}

/* Scores of queries first..first+rows-1 for the VF_CHUNK vectors of keys from key on. */
VF_INLINE void score_chunk(const wf_key_block *b, int64_t first, int64_t key,
                           float p[][WF_KEY_BLOCK], const int rows)
{
    vf           acc[VF_QUERIES][VF_CHUNK];
    const float *q = b->q + first * b->stride, *kt = b->kt + key;
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < VF_CHUNK; v++)
            acc[r][v] = vf_zero();
    }
    for (int64_t d = 0; d < b->head_dim; d++, kt += WF_KEY_BLOCK) {
        VF_UNROLL
        for (int v = 0; v < VF_CHUNK; v++) {
            vf k = vf_load(kt + v * VF_LANES);
            VF_UNROLL
            for (int r = 0; r < rows; r++)
                acc[r][v] = vf_fma(vf_set1(q[r * b->stride + d]), k, acc[r][v]);
        }
    }
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < VF_CHUNK; v++)
            vf_store(p[r] + key + v * VF_LANES, vf_mul(acc[r][v], vf_set1(b->scale)));
    }
}

/* p: scores to exp(score - maximum); keys past n count as minus infinity. Returns the maximum. */
VF_INLINE float exponents(float *p, int32_t n)
{
    for (int32_t i = n; i < WF_KEY_BLOCK; i++)
        p[i] = -INFINITY;
    vf most = vf_set1(-INFINITY);
    for (int i = 0; i < WF_KEY_BLOCK; i += VF_LANES)
        most = vf_max(vf_load(p + i), most);
    float m = vf_reduce_max(most);
    for (int i = 0; i < WF_KEY_BLOCK; i += VF_LANES)
        vf_store(p + i, vf_exp(vf_sub(vf_load(p + i), vf_set1(m))));
    return m;
}

/* Adds keys from..to-1 to nv vectors of o at column c. */
VF_INLINE void value_chunk(const wf_key_block *b, float *o, float p[][WF_KEY_BLOCK], int64_t c,
                           int32_t from, int32_t to, const int rows, const int nv)
{
    vf           acc[VF_QUERIES][VF_CHUNK];
    const float *value = b->v + from * b->stride + c;
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++)
            acc[r][v] = vf_load(o + r * b->stride + c + v * VF_LANES);
    }
    for (int32_t j = from; j < to; j++, value += b->stride) {
        VF_UNROLL
        for (int v = 0; v < nv; v++) {
            vf x = vf_load(value + v * VF_LANES);
            VF_UNROLL
            for (int r = 0; r < rows; r++)
                acc[r][v] = vf_fma(vf_set1(p[r][j]), x, acc[r][v]);
        }
    }
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++)
            vf_store(o + r * b->stride + c + v * VF_LANES, acc[r][v]);
    }
}

VF_INLINE void values(const wf_key_block *b, float *o, float p[][WF_KEY_BLOCK], int32_t from,
                      int32_t to, const int rows)
{
    int64_t c = 0;
    for (; c + VF_CHUNK * VF_LANES <= b->stride; c += VF_CHUNK * VF_LANES)
        value_chunk(b, o, p, c, from, to, rows, VF_CHUNK);
    for (; c < b->stride; c += VF_LANES)
        value_chunk(b, o, p, c, from, to, rows, 1);
}

/* l is a plain sum, ascending: the chains of the queries run side by side. */
VF_INLINE void sums(const wf_key_block *b, int64_t first, float p[][WF_KEY_BLOCK], int32_t n,
                    const int rows)
{
    float l[VF_QUERIES] = {0};
    for (int32_t j = 0; j < n; j++) {
        VF_UNROLL
        for (int r = 0; r < rows; r++)
            l[r] += p[r][j];
    }
    for (int r = 0; r < rows; r++) {
        for (int32_t j = n; j < b->n_keys[first + r]; j++)
            l[r] += p[r][j];
        b->l[first + r] = l[r];
    }
}

/* Keys that all of the queries see are taken together, what is left one query at a time: a key past
 * a query's end must not even be multiplied by zero. */
VF_INLINE void block_rows(const wf_key_block *b, int64_t first, const int rows)
{
    _Alignas(64) float p[VF_QUERIES][WF_KEY_BLOCK];
    float             *o = b->o + first * b->stride;
    int32_t            least = WF_KEY_BLOCK, most = 0;
    for (int r = 0; r < rows; r++) {
        int32_t n = b->n_keys[first + r];
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (most == 0)
        return;
    for (int64_t key = 0; key < most; key += VF_CHUNK * VF_LANES)
        score_chunk(b, first, key, p, rows);
    for (int r = 0; r < rows; r++)
        b->m[first + r] = exponents(p[r], b->n_keys[first + r]);
    sums(b, first, p, least, rows);
    memset(o, 0, (size_t)(rows * b->stride) * 4);
    values(b, o, p, 0, least, rows);
    for (int r = 0; r < rows; r++) {
        if (b->n_keys[first + r] > least)
            values(b, o + r * b->stride, p + r, least, b->n_keys[first + r], 1);
    }
}

static void block(const wf_key_block *b)
{
    int64_t i = 0;
    for (; i + 4 <= b->nq; i += 4)
        block_rows(b, i, 4);
    if (b->nq - i == 3)
        block_rows(b, i, 3);
    else if (b->nq - i == 2)
        block_rows(b, i, 2);
    else if (b->nq - i == 1)
        block_rows(b, i, 1);
}

static void merge(wf_attend_state *s, const wf_key_block *b)
{
    for (int32_t i = 0; i < b->nq; i++) {
        if (b->n_keys[i] == 0)
            continue;
        float        m = b->m[i] > s->m[i] ? b->m[i] : s->m[i];
        float        before = wf_expf(s->m[i] - m), now = wf_expf(b->m[i] - m);
        float       *sum = s->o + i * b->stride;
        const float *o = b->o + i * b->stride;
        s->m[i] = m;
        s->l[i] = fmaf(b->l[i], now, s->l[i] * before);
        for (int64_t d = 0; d < b->stride; d += VF_LANES)
            vf_store(sum + d, vf_fma(vf_load(o + d), vf_set1(now),
                                     vf_mul(vf_load(sum + d), vf_set1(before))));
    }
}

static const wf_attend_kernels attend_kernels = {to_f32, transpose, block, merge};

static weft_status attend_pages(wf_exec *ex, const wf_attend_pages *a)
{
    return wf_attend_pages_run(ex, a, &attend_kernels);
}

static weft_status attend(wf_exec *ex, const wf_attend *a)
{
    return wf_attend_run(ex, a, &attend_kernels);
}

#endif
