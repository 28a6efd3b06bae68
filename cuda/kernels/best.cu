/* SPDX-License-Identifier: Apache-2.0 */
/* finite, and best: the k greatest of rows. A part of a row gives its k greatest in falling order,
 * then one block joins the parts of the row; the sum of exponentials goes part by part too, in an
 * order that hangs on the row's length alone.
 *
 * A score and its place are one number, so that the greatest of them is the greatest score and of
 * equals the first; 0 is none. */
#include "cuda/kernels/common.cuh"

#define inline inline __host__ __device__
#include "core/base/exponential.h"
#undef inline

#define PER_THREAD (WF_CUDA_BEST_PART / WF_CUDA_THREADS)

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_finite(const wf_finite a)
{
    __shared__ int64_t first[WF_CUDA_THREADS / 32];
    const float       *x = a.x + (int64_t)blockIdx.x * a.x_stride;
    int64_t            found = a.n;
    for (int64_t i = threadIdx.x; i < a.n && found == a.n; i += WF_CUDA_THREADS)
        found = isfinite(x[i]) ? found : i;
    for (int step = 16; step > 0; step >>= 1) {
        int64_t other = __shfl_xor_sync(0xffffffffu, (long long)found, step);
        found = other < found ? other : found;
    }
    if (threadIdx.x % 32 == 0)
        first[threadIdx.x / 32] = found;
    __syncthreads();
    if (threadIdx.x != 0)
        return;
    for (int i = 1; i < WF_CUDA_THREADS / 32; i++)
        found = first[i] < found ? first[i] : found;
    int64_t told = found == a.n ? 0 : isnan(x[found]) ? found + 1 : -(found + 1);
    a.out[(int64_t)blockIdx.x * a.out_stride] = told;
}

/* ---- best ---- */

__device__ static uint64_t key_of(float x, int64_t i)
{
    uint32_t u = wf_bits(x + 0.0f); /* both zeros are equal */
    u = (u & 0x80000000u) != 0 ? ~u : u | 0x80000000u;
    return x != x ? 0 : (uint64_t)u << 32 | (0xffffffffu - (uint32_t)i);
}

__device__ static uint64_t block_greatest(uint64_t x, uint64_t *buffer)
{
    for (int step = 16; step > 0; step >>= 1) {
        uint64_t other = __shfl_xor_sync(0xffffffffu, (unsigned long long)x, step);
        x = other > x ? other : x;
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        buffer[threadIdx.x / 32] = x;
    __syncthreads();
    for (int i = 0; i < WF_CUDA_THREADS / 32; i++)
        x = buffer[i] > x ? buffer[i] : x;
    return x;
}

/* Grid: parts, rows. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_best_part(const wf_cuda_best_args g)
{
    __shared__ uint64_t buffer[WF_CUDA_THREADS / 32];
    const wf_best      *a = &g.op;
    const float        *x = a->x + (int64_t)blockIdx.y * a->x_stride;
    const int64_t       first = (int64_t)blockIdx.x * WF_CUDA_BEST_PART;
    uint64_t           *out = g.keys + ((int64_t)blockIdx.y * g.parts + blockIdx.x) * a->k;
    uint64_t            keys[PER_THREAD];
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++) {
        const int64_t at = first + i * WF_CUDA_THREADS + threadIdx.x;
        keys[i] = at < a->n ? key_of(x[at], at) : 0;
    }
    uint64_t below = UINT64_MAX;
    for (int64_t k = 0; k < a->k; k++) {
        uint64_t most = 0;
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++)
            most = keys[i] < below && keys[i] > most ? keys[i] : most;
        below = block_greatest(most, buffer);
        if (threadIdx.x == 0)
            out[k] = below;
    }
}

/* Grid: rows. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_best_join(const wf_cuda_best_args g)
{
    __shared__ uint64_t buffer[WF_CUDA_THREADS / 32];
    const wf_best      *a = &g.op;
    const float        *x = a->x + (int64_t)blockIdx.x * a->x_stride;
    const int64_t       n = g.parts * a->k;
    const uint64_t     *keys = g.keys + (int64_t)blockIdx.x * n;
    uint64_t            below = UINT64_MAX;
    for (int64_t k = 0; k < a->k; k++) {
        uint64_t most = 0;
        for (int64_t i = threadIdx.x; i < n; i += WF_CUDA_THREADS)
            most = keys[i] < below && keys[i] > most ? keys[i] : most;
        below = block_greatest(most, buffer);
        if (threadIdx.x == 0) {
            const int32_t id = below == 0 ? -1 : (int32_t)(0xffffffffu - (uint32_t)below);
            wf_score      s = {id < 0 ? -INFINITY : x[id], id};
            a->best[(int64_t)blockIdx.x * a->best_stride + k] = s;
        }
    }
}

/* Grid: parts, rows; the row's best are known. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_exp_part(const wf_cuda_best_args g)
{
    __shared__ double sums[WF_CUDA_THREADS / 32];
    const wf_best    *a = &g.op;
    const float      *x = a->x + (int64_t)blockIdx.y * a->x_stride;
    const double      most = (double)a->best[(int64_t)blockIdx.y * a->best_stride].x;
    double            sum = 0.0;
    for (int i = 0; i < PER_THREAD; i++) {
        const int64_t at =
            (int64_t)blockIdx.x * WF_CUDA_BEST_PART + i * WF_CUDA_THREADS + threadIdx.x;
        if (at < a->n)
            sum += wf_exp_same((double)x[at] - most);
    }
    sum = wf_block_sum(sum, sums);
    if (threadIdx.x == 0)
        g.sums[(int64_t)blockIdx.y * g.parts + blockIdx.x] = sum;
}

/* A thread a row. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_exp_join(const wf_cuda_best_args g)
{
    const int64_t r = wf_item();
    double        sum = 0.0;
    if (r >= g.op.m)
        return;
    for (int64_t i = 0; i < g.parts; i++)
        sum += g.sums[r * g.parts + i];
    g.op.sum[r * g.op.sum_stride] = sum;
}
