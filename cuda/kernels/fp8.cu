/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to E4M3 with a scale each: of weights and of x (formula: wf_linear in core/ops/op.h), and
 * back. */
#include "cuda/kernels/common.cuh"

/* The greatest magnitude of a row as bits, which has no order to lose: past 0x7f7fffff one is no
 * finite number. Every thread has it. */
__device__ static uint32_t greatest(const void *x, int64_t at, int64_t k, int32_t dtype)
{
    __shared__ uint32_t of_warp[WF_CUDA_THREADS / 32];
    uint32_t            most = 0;
    for (int64_t i = threadIdx.x; i < k; i += WF_CUDA_THREADS) {
        const uint32_t a = wf_bits(wf_element(x, at + i, dtype)) & 0x7fffffffu;
        most = a > most ? a : most;
    }
    most = __reduce_max_sync(0xffffffffu, most);
    if (threadIdx.x % 32 == 0)
        of_warp[threadIdx.x / 32] = most;
    __syncthreads();
    for (int i = 0; i < WF_CUDA_THREADS / 32; i++)
        most = of_warp[i] > most ? of_warp[i] : most;
    return most;
}

/* Row x of k elements from `at` on as E4M3, zeros behind; *scale by the first thread. */
__device__ static void round_row(uint8_t *dst, float *scale, const void *x, int64_t at, int64_t k,
                                 int32_t dtype, float bound)
{
    const uint32_t most = greatest(x, at, k, dtype);
    const bool     wild = most >= 0x7f800000u;
    const float    a = wf_float(wild ? 0 : most), s = wf_fp8_scale(a < bound ? a : bound);
    const int64_t  padded = wf_cuda_padded(WF_FP8, k);
    for (int64_t i = threadIdx.x; i < padded; i += WF_CUDA_THREADS)
        dst[i] = i < k && !wild ? wf_to_e4m3(wf_element(x, at + i, dtype) / s) : (uint8_t)0;
    if (threadIdx.x == 0)
        *scale = wild ? wf_float(0x7fc00000u) : s;
}

/* Grid: rows. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_pack_fp8(const wf_pack a)
{
    const int64_t r = a.row0 + blockIdx.x;
    round_row((uint8_t *)a.w.data + r * wf_cuda_padded(WF_FP8, a.w.k), wf_cuda_fp8_scales(&a.w) + r,
              a.src, blockIdx.x * a.w.k, a.w.k, a.src_dtype, INFINITY);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_round_fp8(const wf_cuda_prepare_args a)
{
    const int64_t r = blockIdx.x;
    round_row((uint8_t *)a.dst + r * wf_cuda_padded(WF_FP8, a.k), a.scale + r, a.x, r * a.x_stride,
              a.k, WF_F32, WF_FP8_BOUND);
}

/* Grid x is the row, grid y the part of it. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_embed_fp8(const wf_embed a)
{
    const int64_t  r = blockIdx.x, id = a.ids[r], end = wf_end_column(a.w.k);
    const uint8_t *from = (const uint8_t *)a.w.data + id * wf_cuda_padded(WF_FP8, a.w.k);
    if (id < 0 || id >= a.w.n)
        return;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.dst[r * a.dst_stride + i] = wf_from_e4m3(from[i]) * wf_cuda_fp8_scales(&a.w)[id];
}
