/* SPDX-License-Identifier: Apache-2.0 */
/* linear with f32 weights: one accumulator per output, one fused multiply-add per k, ascending: the
 * CPU's bytes. A block gives 64 x 64 outputs, a thread 4 x 4 of them. */
#include "cuda/kernels/gemm.cuh"

#define SIDE 64
#define DEPTH 16
#define OWN 4

/* Elements k0.. of SIDE rows from row0 on, k by k: tile[i][row]; 0 where there are none. */
__device__ static void load_tile(float tile[DEPTH][SIDE + 4], const float *p, int64_t row0,
                                 int64_t rows, int64_t stride, int64_t k0, int64_t k)
{
    for (int e = threadIdx.x; e < SIDE * DEPTH; e += WF_CUDA_THREADS) {
        const int     i = e % DEPTH, r = e / DEPTH;
        const int64_t row = row0 + r, at = k0 + i;
        tile[i][r] = row < rows && at < k ? p[row * stride + at] : 0.0f;
    }
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_gemm_f32(const wf_cuda_gemm_args g)
{
    __shared__ float x[DEPTH][SIDE + 4], w[DEPTH][SIDE + 4];
    const wf_linear *a = &g.op;
    const int64_t    row0 = (int64_t)blockIdx.y * SIDE, column0 = (int64_t)blockIdx.x * SIDE;
    const int        r0 = threadIdx.x / 16 * OWN, c0 = threadIdx.x % 16 * OWN;
    float            acc[OWN][OWN] = {{0.0f}};
    for (int64_t k0 = 0; k0 < a->w.k; k0 += DEPTH) {
        const int64_t left = a->w.k - k0;
        load_tile(x, a->x, row0, a->m, a->x_stride, k0, a->w.k);
        load_tile(w, (const float *)a->w.data, column0, a->w.n, wf_cuda_padded(WF_F32, a->w.k), k0,
                  a->w.k);
        __syncthreads();
        for (int i = 0; i < DEPTH && i < left; i++)
#pragma unroll
            for (int r = 0; r < OWN; r++)
#pragma unroll
                for (int c = 0; c < OWN; c++)
                    acc[r][c] = fmaf(x[i][r0 + r], w[i][c0 + c], acc[r][c]);
        __syncthreads();
    }
#pragma unroll
    for (int r = 0; r < OWN; r++)
#pragma unroll
        for (int c = 0; c < OWN; c++)
            wf_finish(&g, row0 + r0 + r, column0 + c0 + c, acc[r][c]);
}
