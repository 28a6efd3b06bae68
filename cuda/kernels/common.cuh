/* SPDX-License-Identifier: Apache-2.0 */
/* What every kernel starts from: the ops' structs, the CPU's own formulas compiled for the GPU, and
 * sums over a block. Kernels are built with -fmad=false, as C is with -ffp-contract=off: a fused
 * multiply-add stands where one is written, so that what an op computes element by element has the
 * CPU's bytes. */
#ifndef WF_CUDA_COMMON_CUH
#define WF_CUDA_COMMON_CUH

#include <math.h>
#include <stdint.h>
#include <string.h>

#define _Alignas(n) alignas(n)
#include "core/ops/op.h"
#undef _Alignas
#include "cuda/kernels/args.h"
#include "cuda/kernels/ptx.cuh"

/* The functions of these headers are plain C without state; here they are the GPU's too. */
#define inline inline __host__ __device__
#include "core/device/cpu/fp8.h"
#include "core/device/cpu/math.h"
#undef inline

#define WF_KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
/* One block of a multiprocessor is enough: the kernel may take all registers that a thread can
 * have.
 */
#define WF_KERNEL_LARGE(threads) extern "C" __global__ void __launch_bounds__(threads, 1)

__device__ inline float wf_activated(float x, int32_t act)
{
    switch (act) {
    case WF_ACT_GELU:
        return wf_geluf(x);
    case WF_ACT_SILU:
        return wf_siluf(x);
    case WF_ACT_RELU:
        return wf_reluf(x);
    case WF_ACT_QUICK_GELU:
        return wf_quick_geluf(x);
    case WF_ACT_TANH_GELU:
        return wf_tanh_geluf(x);
    default:
        return x;
    }
}

/* Element i of plain elements. */
__device__ inline float wf_element(const void *p, int64_t i, int32_t dtype)
{
    if (dtype == WF_F32)
        return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return dtype == WF_BF16 ? wf_from_bf16(h) : ptx_from_f16(h);
}

__device__ inline void wf_put_element(void *p, int64_t i, int32_t dtype, float f)
{
    if (dtype == WF_F32)
        ((float *)p)[i] = f;
    else
        ((uint16_t *)p)[i] = dtype == WF_BF16 ? wf_to_bf16(f) : wf_to_f16(f);
}

/* The part of a row of n that block blockIdx.y has. */
__device__ inline int64_t wf_first_column(void)
{
    return (int64_t)blockIdx.y * WF_CUDA_COLUMNS + threadIdx.x;
}

__device__ inline int64_t wf_end_column(int64_t n)
{
    int64_t end = ((int64_t)blockIdx.y + 1) * WF_CUDA_COLUMNS;
    return end < n ? end : n;
}

/* The thread's own number among those of the whole grid, along x. */
__device__ inline int64_t wf_item(void)
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline double wf_warp_sum(double x)
{
    for (int step = 16; step > 0; step >>= 1)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

__device__ inline float wf_warp_max(float x)
{
    for (int step = 16; step > 0; step >>= 1) {
        float other = __shfl_xor_sync(0xffffffffu, x, step);
        x = other > x ? other : x;
    }
    return x;
}

/* Sum over a block of WF_CUDA_THREADS; every thread has it. buffer: shared, of a value a warp. */
__device__ inline double wf_block_sum(double x, double *buffer)
{
    double sum = 0.0;
    x = wf_warp_sum(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        buffer[threadIdx.x / 32] = x;
    __syncthreads();
    for (int i = 0; i < WF_CUDA_THREADS / 32; i++)
        sum += buffer[i];
    return sum;
}

__device__ inline float wf_block_max(float x, float *buffer)
{
    x = wf_warp_max(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        buffer[threadIdx.x / 32] = x;
    __syncthreads();
    for (int i = 0; i < WF_CUDA_THREADS / 32; i++)
        x = buffer[i] > x ? buffer[i] : x;
    return x;
}

#endif
