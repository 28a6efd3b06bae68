/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of x made ready for a matrix product: rounded to the type that the weights' instruction
 * takes; and the epilogue of products that a library has made. */
#include "cuda/kernels/gemm.cuh"

/* Grid x is the row, grid y the part of it. Padding is 0. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_round_bf16(const wf_cuda_prepare_args a)
{
    const int64_t r = blockIdx.x, padded = wf_cuda_padded(WF_BF16, a.k);
    const int64_t end = wf_end_column(padded);
    uint16_t     *dst = (uint16_t *)a.dst + r * padded;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        dst[i] = i < a.k ? wf_to_bf16(a.x[r * a.x_stride + i]) : (uint16_t)0;
}

/* f16 reaches 65504, activations may go beyond: a row is multiplied by the power of two that brings
 * its greatest into [1024, 2048), which costs no bit. A row that is not finite, or of zeros, is
 * taken as it is. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_round_f16(const wf_cuda_prepare_args a)
{
    __shared__ float greatest[WF_CUDA_THREADS / 32];
    const int64_t    r = blockIdx.x, padded = wf_cuda_padded(WF_F16, a.k);
    const float     *x = a.x + r * a.x_stride;
    uint16_t        *dst = (uint16_t *)a.dst + r * padded;
    float            most = 0.0f;
    for (int64_t i = threadIdx.x; i < a.k; i += WF_CUDA_THREADS)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    most = wf_block_max(most, greatest);
    /* 2^(137 - e) with e the biased exponent of the greatest; both powers are normal numbers. */
    int exponent = (int)(wf_bits(most) >> 23);
    exponent = exponent < 24 ? 24 : exponent > 254 ? 137 : exponent;
    const float up = wf_float((uint32_t)(264 - exponent) << 23);
    for (int64_t i = threadIdx.x; i < padded; i += WF_CUDA_THREADS)
        dst[i] = i < a.k ? wf_to_f16(x[i] * up) : (uint16_t)0;
    if (threadIdx.x == 0)
        a.scale[r] = wf_float((uint32_t)(exponent - 10) << 23);
}

/* A warp a group, a lane an element (formula: wf_linear in core/ops/op.h). */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_round_q8(const wf_cuda_prepare_args a)
{
    const int64_t groups = wf_cuda_groups(a.k), g = wf_item() / 32;
    const int     lane = threadIdx.x % 32;
    if (g >= a.m * groups)
        return;
    const int64_t  r = g / groups, i = g % groups * WF_GROUP + lane;
    const float    x = i < a.k ? a.x[r * a.x_stride + i] : 0.0f;
    const uint32_t bits = wf_bits(x) & 0x7fffffffu;
    const uint32_t most = __reduce_max_sync(0xffffffffu, bits);
    const bool     small = most < 0x0d800000u, wild = most >= 0x7f800000u; /* 2^-100; infinity */
    const float    greatest = wf_float(small || wild ? 0x3f800000u : most);
    const float    rounded = (small || wild ? 0.0f : x) * (127.0f / greatest);
    const int8_t   q = (int8_t)(uint8_t)wf_bits(rounded + 12582912.0f);
    const int      sum = __reduce_add_sync(0xffffffffu, (int)q);
    ((int8_t *)a.dst)[g * WF_GROUP + lane] = q;
    if (lane == 0) {
        const float dx = small ? 0.0f : wild ? wf_float(0x7fc00000u) : greatest / 127.0f;
        a.scale[g] = dx;
        a.sum[g] = dx * (float)sum;
    }
}

/* The greatest dx of a row whose numbers are finite, as bits; all of a block get it. */
__device__ static uint32_t greatest_scale(const float *scale, int64_t groups)
{
    __shared__ uint32_t buffer[WF_CUDA_THREADS / 32];
    uint32_t            most = 0;
    for (int64_t g = threadIdx.x; g < groups; g += WF_CUDA_THREADS)
        most = wf_bits(scale[g]) > most ? wf_bits(scale[g]) : most;
    most = __reduce_max_sync(0xffffffffu, most);
    if (threadIdx.x % 32 == 0)
        buffer[threadIdx.x / 32] = most;
    __syncthreads();
    for (int i = 0; i < WF_CUDA_THREADS / 32; i++)
        most = buffer[i] > most ? buffer[i] : most;
    return most;
}

/* What rounding left of a wide group, a lane an element. */
__device__ static void store_rest(const wf_cuda_prepare_args &a, int64_t r, int64_t g,
                                  int64_t groups)
{
    const int      lane = threadIdx.x % 32;
    const int64_t  i = g * WF_GROUP + lane, at = r * groups + g;
    const float    x = i < a.k ? a.x[r * a.x_stride + i] : 0.0f;
    const uint32_t most = __reduce_max_sync(0xffffffffu, wf_bits(x) & 0x7fffffffu);
    const float    t = x * (127.0f / wf_float(most)), nearest = (t + 12582912.0f) - 12582912.0f;
    const int8_t   e = (int8_t)(uint8_t)wf_bits((t - nearest) * 254.0f + 12582912.0f);
    const int      sum = __reduce_add_sync(0xffffffffu, (int)e);
    a.rest[at * WF_GROUP + lane] = e;
    if (lane == 0) {
        const float de = a.scale[at] / 254.0f;
        a.rest_scale[at] = de;
        a.rest_sum[at] = de * (float)sum;
    }
}

/* A block a row, behind round_q8: which groups are wide, and their rests, a warp a group. Sums of
 * integers are exact in f64 in any order. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_round_rest(const wf_cuda_prepare_args a)
{
    __shared__ double buffer[WF_CUDA_THREADS / 32];
    const int64_t     groups = wf_cuda_groups(a.k), r = blockIdx.x;
    const float      *scale = a.scale + r * groups;
    const uint32_t    most = greatest_scale(scale, groups);
    const bool        any = most > 0 && most < 0x7f800000u;
    const float       up = any ? 65536.0f / wf_float(most) : 0.0f;
    double            sum = 0.0;
    for (int64_t g = threadIdx.x; any && g < groups; g += WF_CUDA_THREADS)
        sum += (double)(int32_t)(scale[g] * up);
    sum = wf_block_sum(sum, buffer);
    for (int64_t g = threadIdx.x / 32; g < groups; g += WF_CUDA_THREADS / 32) {
        const int64_t u = any ? (int32_t)(scale[g] * up) : 0;
        if (2 * groups * u > 3 * (int64_t)sum)
            store_rest(a, r, g, groups);
        else if (threadIdx.x % 32 == 0)
            a.rest_scale[r * groups + g] = 0.0f;
    }
}

/* g.x: sums [m, n]. Grid x is the row, grid y the part of it. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_finish(const wf_cuda_gemm_args g)
{
    const int64_t r = blockIdx.x, n = g.op.w.n, end = wf_end_column(n);
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        if (g.column_scale != NULL)
            wf_finish_fp8(&g, r, i, ((const float *)g.x)[r * n + i]);
        else
            wf_finish(&g, r, i, ((const float *)g.x)[r * n + i]);
}
