/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by matrix instructions for tiles of 64 queries, a warp for 16 of them, a block of 64
 * keys at a time. Queries and weights are split into two numbers of 16 bits, hi + lo, and so are
 * keys and values that are f32: the products keep 16 bits and more, and sums are f32.
 *
 * Sums go in another order than the canonical one of core/ops/op.h: where bytes must not depend on
 * the number of rows, attend.cu is used. */
#ifndef WF_CUDA_ATTEND_MMA_CUH
#define WF_CUDA_ATTEND_MMA_CUH

#include "cuda/kernels/attend.cuh"

#define PART 32 /* keys of a block whose scores are in registers at a time */
#define PAD 8   /* elements behind a row in shared memory: eight rows then lie in different banks */

template <bool BF16> __device__ inline uint32_t wf_pack2(float a, float b)
{
    return BF16 ? ptx_pack_bf16(a, b) : ptx_pack_f16(a, b);
}

template <bool BF16> __device__ inline float wf_unpack(uint32_t half)
{
    return BF16 ? wf_from_bf16((uint16_t)half) : ptx_from_f16((uint16_t)half);
}

/* (a, b) as hi + lo. */
template <bool BF16> __device__ inline void wf_split(float a, float b, uint32_t *hi, uint32_t *lo)
{
    *hi = wf_pack2<BF16>(a, b);
    *lo = wf_pack2<BF16>(a - wf_unpack<BF16>(*hi & 0xffffu), b - wf_unpack<BF16>(*hi >> 16));
}

template <bool BF16>
__device__ inline void wf_mma(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    if (BF16)
        ptx_mma_bf16(d, a, b0, b1);
    else
        ptx_mma_f16(d, a, b0, b1);
}

/* What a lane has of 16 queries of up to D dimensions: rows lane / 4 and lane / 4 + 8. */
template <int D> struct wf_queries {
    uint32_t hi[D / 16][4], lo[D / 16][4];
    float    o[D / 8][4];
    float    m[2], l[2];
    int      n_keys[2]; /* that each row sees of the block */
    float    up[2];     /* what scores are multiplied with: queries are stored smaller by as much */
};

/* Fragments of 16 keys from key on, dimensions 16 step..; keys lie [D][64 + PAD] (transposed) or
 * [64][D + PAD]. b: of keys 0-7 both halves of k, then of keys 8-15. */
template <int D, bool TRANSPOSED>
__device__ inline void wf_key_fragment(uint32_t b[4], const uint16_t *k, int key, int step)
{
    const int lane = threadIdx.x % 32;
    if (TRANSPOSED) {
        ptx_load_matrices_t(b, k + (16 * step + lane % 16) * (KEYS + PAD) + key + lane / 16 * 8);
        return;
    }
    uint32_t r[4];
    ptx_load_matrices(r, k + (key + lane % 16) * (D + PAD) + 16 * step + lane / 16 * 8);
    b[0] = r[0];
    b[1] = r[2];
    b[2] = r[1];
    b[3] = r[3];
}

/* Scores of 16 keys by all dimensions. k_lo NULL: keys have no second part. */
template <int D, bool BF16, bool TRANSPOSED>
__device__ inline void wf_mma_scores(float s[2][4], const wf_queries<D> &q, const uint16_t *k,
                                     const uint16_t *k_lo, int key)
{
#pragma unroll
    for (int i = 0; i < 8; i++)
        s[i / 4][i % 4] = 0.0f;
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
        uint32_t b[4];
        wf_key_fragment<D, TRANSPOSED>(b, k, key, step);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            wf_mma<BF16>(s[i], q.hi[step], b[2 * i], b[2 * i + 1]);
            wf_mma<BF16>(s[i], q.lo[step], b[2 * i], b[2 * i + 1]);
        }
        if (k_lo == NULL)
            continue;
        wf_key_fragment<D, TRANSPOSED>(b, k_lo, key, step);
#pragma unroll
        for (int i = 0; i < 2; i++)
            wf_mma<BF16>(s[i], q.hi[step], b[2 * i], b[2 * i + 1]);
    }
}

/* The greatest of a row's scores over its four lanes. */
__device__ inline float wf_row_max(float x)
{
    for (int step = 1; step < 4; step *= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, x, step);
        x = other > x ? other : x;
    }
    return x;
}

/* A power of two that brings a row within f16's range, and its inverse: 1 and 1 where it is there.
 * most: the row's greatest magnitude. */
__device__ inline float wf_row_down(float most, float *up)
{
    const int exponent = (int)(__float_as_uint(most) >> 23) - 127 - 13;
    if (!(most >= 16384.0f))
        return *up = 1.0f;
    *up = __uint_as_float((uint32_t)(127 + exponent) << 23);
    return __uint_as_float((uint32_t)(127 - exponent) << 23);
}

/* Scores of keys from `first` on to exp(score - greatest), 0 past what a row sees; the state goes
 * over to the new greatest. */
template <int D>
__device__ inline void wf_mma_exponents(wf_queries<D> &q, float s[PART / 8][4], int first)
{
    const int column = first + threadIdx.x % 4 * 2;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float most = q.m[h];
#pragma unroll
        for (int i = 0; i < PART / 4; i++) {
            float *x = &s[i / 2][2 * h + i % 2];
            *x = i / 2 * 8 + column + i % 2 < q.n_keys[h] ? *x * q.up[h] : -INFINITY;
            most = *x > most ? *x : most;
        }
        most = wf_row_max(most);
        const float from = most == -INFINITY ? 0.0f : most, before = wf_expf(q.m[h] - from);
        float       sum = 0.0f;
#pragma unroll
        for (int i = 0; i < PART / 4; i++) {
            float *x = &s[i / 2][2 * h + i % 2];
            *x = wf_expf(*x - from);
            sum += *x;
        }
        q.m[h] = most;
        q.l[h] = q.l[h] * before + sum;
#pragma unroll
        for (int i = 0; i < D / 8; i++) {
            q.o[i][2 * h] *= before;
            q.o[i][2 * h + 1] *= before;
        }
    }
}

/* o += p v of keys from `first` on: values lie [64][D + PAD]. */
template <int D, bool BF16>
__device__ inline void wf_mma_values(wf_queries<D> &q, float p[PART / 8][4], const uint16_t *v,
                                     const uint16_t *v_lo, int first)
{
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int j = 0; j < PART / 16; j++) {
        uint32_t hi[4], lo[4], b[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            wf_split<BF16>(p[2 * j + i / 2][i % 2 * 2], p[2 * j + i / 2][i % 2 * 2 + 1], &hi[i],
                           &lo[i]);
        const int at = (first + 16 * j + lane % 16) * (D + PAD) + lane / 16 * 8;
#pragma unroll
        for (int d = 0; d < D / 16; d++) {
            ptx_load_matrices_t(b, v + at + 16 * d);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                wf_mma<BF16>(q.o[2 * d + i], hi, b[2 * i], b[2 * i + 1]);
                wf_mma<BF16>(q.o[2 * d + i], lo, b[2 * i], b[2 * i + 1]);
            }
            if (v_lo == NULL)
                continue;
            ptx_load_matrices_t(b, v_lo + at + 16 * d);
#pragma unroll
            for (int i = 0; i < 2; i++)
                wf_mma<BF16>(q.o[2 * d + i], hi, b[2 * i], b[2 * i + 1]);
        }
    }
}

/* One block of keys, which lies in shared memory for all. */
template <int D, bool BF16, bool TRANSPOSED>
__device__ inline void wf_mma_block(wf_queries<D> &q, const uint16_t *k, const uint16_t *k_lo,
                                    const uint16_t *v, const uint16_t *v_lo)
{
#pragma unroll 1
    for (int first = 0; first < KEYS; first += PART) {
        float s[PART / 8][4];
#pragma unroll
        for (int i = 0; i < PART / 16; i++)
            wf_mma_scores<D, BF16, TRANSPOSED>(s + 2 * i, q, k, k_lo, first + 16 * i);
        wf_mma_exponents<D>(q, s, first);
        wf_mma_values<D, BF16>(q, s, v, v_lo, first);
    }
}

/* The greatest magnitude of a query times scale, by the four lanes that share it; NULL: 0. */
__device__ inline float wf_query_most(const float *row, int head_dim, float scale)
{
    float most = 0.0f;
    for (int d = threadIdx.x % 4; row != NULL && d < head_dim; d += 4) {
        const float x = fabsf(row[d] * scale);
        most = x > most ? x : most;
    }
    return wf_row_max(most);
}

/* Where the lane's queries stand: rows[h] NULL: there is none. */
template <int D, bool BF16>
__device__ inline void wf_mma_load(wf_queries<D> &q, const float *const rows[2], int head_dim,
                                   float scale)
{
    const int column = threadIdx.x % 4 * 2;
    float     down[2] = {scale, scale};
    q.up[0] = q.up[1] = 1.0f;
    for (int h = 0; h < 2 && !BF16; h++)
        down[h] *= wf_row_down(wf_query_most(rows[h], head_dim, scale), &q.up[h]);
#pragma unroll
    for (int i = 0; i < D / 16 * 4; i++) {
        const float *row = rows[i % 2];
        const int    d = i / 4 * 16 + i % 4 / 2 * 8 + column;
        const float  a = row != NULL && d < head_dim ? row[d] * down[i % 2] : 0.0f;
        const float  b = row != NULL && d + 1 < head_dim ? row[d + 1] * down[i % 2] : 0.0f;
        wf_split<BF16>(a, b, &q.hi[i / 4][i % 4], &q.lo[i / 4][i % 4]);
    }
#pragma unroll
    for (int i = 0; i < D / 2; i++)
        q.o[i / 4][i % 4] = 0.0f;
    q.m[0] = q.m[1] = -INFINITY;
    q.l[0] = q.l[1] = 0.0f;
}

template <int D>
__device__ inline void wf_mma_store(const wf_queries<D> &q, float *const rows[2], int head_dim)
{
    const int column = threadIdx.x % 4 * 2;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float l = q.l[h];
        l += __shfl_xor_sync(0xffffffffu, l, 1);
        l += __shfl_xor_sync(0xffffffffu, l, 2);
        const bool empty = l == 0.0f && q.m[h] == -INFINITY;
#pragma unroll
        for (int i = 0; i < D / 8 * 2; i++) {
            const int d = i / 2 * 8 + column + i % 2;
            if (rows[h] != NULL && d < head_dim)
                rows[h][d] = empty ? 0.0f : q.o[i / 2][2 * h + i % 2] / l;
        }
    }
}

#endif
