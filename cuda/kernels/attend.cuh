/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in the canonical sums of core/ops/op.h, for tiles of up to WF_CUDA_QUERIES queries and
 * one block of keys at a time: the CPU's bytes.
 *
 * In shared memory lie a block's keys [head_dim][64] or values [64][head_dim] as f32 (one after the
 * other in the same place), the queries, the block's weights p, and the state (m, l, o) of each
 * query. */
#ifndef WF_CUDA_ATTEND_CUH
#define WF_CUDA_ATTEND_CUH

#include "cuda/kernels/common.cuh"

#define KEYS WF_KEY_BLOCK
#define QUERIES WF_CUDA_QUERIES
#define THREADS WF_CUDA_ATTEND_THREADS

#define STRIDE (KEYS + 1) /* of keys in shared memory: a column of them lies in different banks */

struct wf_tile {
    float *kv;           /* keys [head_dim][STRIDE] or values [64][head_dim] */
    float *q;            /* [QUERIES][head_dim] */
    float *p;            /* [QUERIES][64] */
    float *o;            /* [QUERIES][head_dim] */
    float *m, *l;        /* [QUERIES] the state's */
    float *bm, *bl;      /* the block's */
    float *before, *now; /* what the state and the block are multiplied with as they join */
    int   *n_keys;       /* that each query sees of the block; 0: none */
    int    n, head_dim;
    float  scale;
};

/* Parts of the shared memory at base; the host asks for as much (run_attend.c). */
__device__ inline wf_tile wf_tile_at(float *base, int head_dim, float scale)
{
    wf_tile t;
    t.kv = base;
    t.q = t.kv + STRIDE * head_dim;
    t.p = t.q + QUERIES * head_dim;
    t.o = t.p + QUERIES * KEYS;
    t.m = t.o + QUERIES * head_dim;
    t.l = t.m + QUERIES;
    t.bm = t.l + QUERIES;
    t.bl = t.bm + QUERIES;
    t.before = t.bl + QUERIES;
    t.now = t.before + QUERIES;
    t.n_keys = (int *)(t.now + QUERIES);
    t.n = 0;
    t.head_dim = head_dim;
    t.scale = scale;
    return t;
}

/* Nothing is seen so far. */
__device__ inline void wf_tile_reset(const wf_tile &t)
{
    for (int i = threadIdx.x; i < t.n * t.head_dim; i += THREADS)
        t.o[i] = 0.0f;
    for (int i = threadIdx.x; i < t.n; i += THREADS) {
        t.m[i] = -INFINITY;
        t.l[i] = 0.0f;
    }
}

/* The first n keys of a page's head, or its values: what is behind them was perhaps never written.
 */
__device__ inline void wf_tile_keys(const wf_tile &t, const void *src, int n, int32_t dtype)
{
    for (int i = threadIdx.x; i < KEYS * t.head_dim; i += THREADS) {
        const int d = i / KEYS, key = i % KEYS;
        t.kv[d * STRIDE + key] = key < n ? wf_element(src, i, dtype) : 0.0f;
    }
}

__device__ inline void wf_tile_values(const wf_tile &t, const void *src, int n, int32_t dtype)
{
    for (int i = threadIdx.x; i < n * t.head_dim; i += THREADS)
        t.kv[i] = wf_element(src, i, dtype);
}

/* Scores into p: fma over head_dim ascending, times scale. A thread has one key and eight queries,
 * so that a key is read once for them. */
__device__ inline void wf_tile_scores(const wf_tile &t)
{
    const int key = threadIdx.x % KEYS, first = threadIdx.x / KEYS * (QUERIES / 2);
    float     acc[QUERIES / 2] = {0.0f};
    if (first >= t.n)
        return;
    for (int d = 0; d < t.head_dim; d++) {
        const float k = t.kv[d * STRIDE + key];
#pragma unroll
        for (int i = 0; i < QUERIES / 2; i++)
            acc[i] = fmaf(first + i < t.n ? t.q[(first + i) * t.head_dim + d] : 0.0f, k, acc[i]);
    }
#pragma unroll
    for (int i = 0; i < QUERIES / 2; i++)
        if (first + i < t.n)
            t.p[(first + i) * KEYS + key] = acc[i] * t.scale;
}

/* The block's (m, l) of query i join the state's, and say how o joins. */
__device__ inline void wf_tile_join(const wf_tile &t, int i)
{
    const float m = t.bm[i] > t.m[i] ? t.bm[i] : t.m[i];
    t.before[i] = wf_expf(t.m[i] - m);
    t.now[i] = wf_expf(t.bm[i] - m);
    t.l[i] = fmaf(t.bl[i], t.now[i], t.l[i] * t.before[i]);
    t.m[i] = m;
}

/* p: scores to exp(score - the greatest), 0 past what a query sees; the greatest and the sum, which
 * goes key by key. A warp a query. JOINS: there is a state. */
template <bool JOINS> __device__ inline void wf_tile_exponents(const wf_tile &t)
{
    const int lane = threadIdx.x % 32;
    for (int i = threadIdx.x / 32; i < t.n; i += THREADS / 32) {
        const int n = t.n_keys[i];
        float    *p = t.p + i * KEYS;
        float     low = lane < n ? p[lane] : -INFINITY;
        float     high = lane + 32 < n ? p[lane + 32] : -INFINITY;
        float     m = low > -INFINITY ? low : -INFINITY, l = 0.0f;
        m = wf_warp_max(high > m ? high : m);
        low = lane < n ? wf_expf(low - m) : 0.0f;
        high = lane + 32 < n ? wf_expf(high - m) : 0.0f;
        p[lane] = low;
        p[lane + 32] = high;
        for (int k = 0; k < n; k++)
            l = l + __shfl_sync(0xffffffffu, k < 32 ? low : high, k % 32);
        if (lane == 0 && n > 0) {
            t.bm[i] = m;
            t.bl[i] = l;
            if (JOINS)
                wf_tile_join(t, i);
        }
    }
}

/* o of the block for query i and dimension d: sum of p v by fma, keys ascending. */
__device__ inline float wf_tile_output(const wf_tile &t, int i, int d)
{
    const float *p = t.p + i * KEYS;
    float        sum = 0.0f;
    for (int k = 0; k < t.n_keys[i]; k++)
        sum = fmaf(p[k], t.kv[k * t.head_dim + d], sum);
    return sum;
}

/* The block's o joins the state's. */
__device__ inline void wf_tile_merge(const wf_tile &t)
{
    for (int e = threadIdx.x; e < t.n * t.head_dim; e += THREADS) {
        const int i = e / t.head_dim, d = e % t.head_dim;
        if (t.n_keys[i] > 0)
            t.o[e] = fmaf(wf_tile_output(t, i, d), t.now[i], t.o[e] * t.before[i]);
    }
}

/* Output (i, d) of the state: a query that has seen no key gives 0. */
__device__ inline float wf_tile_result(const wf_tile &t, int i, int d)
{
    const bool empty = t.l[i] == 0.0f && t.m[i] == -INFINITY;
    return empty ? 0.0f : t.o[i * t.head_dim + d] / t.l[i];
}

/* Where a page lies, as a layer sees it. */
__device__ inline const uint8_t *wf_page_of(const wf_kv *kv, int32_t page)
{
    return (const uint8_t *)kv->pools[page / kv->pool_pages] +
           (int64_t)(page % kv->pool_pages + kv->first) * kv->page_bytes;
}

/* Keys that row r sees in the block-th of its n spans. */
__device__ inline int wf_span_keys(const wf_attend_pages *a, int64_t r, int64_t block)
{
    const int64_t begin = a->row_begin[r], n = a->row_end[r] - begin;
    if (block >= n)
        return 0;
    const int keys = a->spans[begin + block].n_keys, last = a->row_last[r];
    return block == n - 1 && last < keys ? last : keys;
}

/* Of packed rows: where a row's keys begin, and how many they are. */
struct wf_key_range {
    int64_t begin, n;
};

__device__ inline wf_key_range wf_key_range_of(const wf_attend *a, int64_t row)
{
    int low = 0, high = a->n_seqs; /* the last s with q_begin[s] <= row */
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (a->q_begin[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    int64_t begin = a->k_begin[low], end = a->k_begin[low + 1];
    if (a->causal) {
        const int64_t queries = (int64_t)a->q_begin[low + 1] - a->q_begin[low];
        const int64_t last = row - a->q_begin[low] + (end - begin) - queries;
        end = begin + last + 1 < end ? begin + last + 1 : end;
    }
    if (a->row_k_begin != NULL) {
        begin = a->row_k_begin[row];
        end = !a->causal || a->row_k_end[row] < end ? a->row_k_end[row] : end;
    }
    begin = begin > 0 ? begin : 0;
    end = end < a->keys ? end : a->keys;
    wf_key_range r = {begin, end > begin ? end - begin : 0};
    return r;
}

#endif
