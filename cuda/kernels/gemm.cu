/* SPDX-License-Identifier: Apache-2.0 */
/* linear with bf16 and f16 weights by matrix instructions. An output has one accumulator that takes
 * 16 elements of k at a time, ascending, whatever the shape of the block: so a row's outputs do not
 * depend on how many rows there are.
 *
 * A block goes along k through a ring of stages that are copied to shared memory ahead of their use
 * (cp.async): narrow (up to 16 rows) keeps 8 stages of 4 KiB of weights under way, which is what
 * hides the latency of memory where weights are all there is to read; wide (64 x 64) is for many
 * rows. Rows of a stage are 128 bytes; the 16-byte pieces of row r stand at place i ^ (r % 8), so
 * that eight rows of a column lie in different banks. */
#include "cuda/kernels/gemm.cuh"

#define DEPTH 64 /* elements of k in a stage: rows of 128 bytes */
#define PIECES 8 /* of a row */

/* ROWS and COLUMNS of outputs; warps stand ROWS / WARP_ROWS by COLUMNS / WARP_COLUMNS. */
template <int ROWS, int COLUMNS, int STAGES> struct stage {
    uint4 x[STAGES][ROWS * PIECES];
    uint4 w[STAGES][COLUMNS * PIECES];
};

/* Pieces of `rows` rows from row0 on, 64 elements from k0 on; zeros where there are none. */
template <int ROWS>
__device__ static void copy_rows(uint4 *to, const void *from, int64_t row0, int64_t rows,
                                 int64_t padded, int64_t k0)
{
    for (int e = threadIdx.x; e < ROWS * PIECES; e += WF_CUDA_GEMM_THREADS) {
        const int       r = e / PIECES, i = e % PIECES;
        const int64_t   at = k0 + i * 8;
        const bool      is_there = row0 + r < rows && at < padded;
        const uint16_t *p = (const uint16_t *)from + (is_there ? (row0 + r) * padded + at : 0);
        ptx_copy16(to + r * PIECES + (i ^ r % PIECES), p, is_there ? 16 : 0);
    }
}

/* The matrices of 16 rows from r on, elements 16 step.. of k, as ldmatrix hands them out: a lane
 * gives the address of row lane % 16, of the piece 2 step + lane / 16. */
__device__ static void load_fragment(uint32_t f[4], const uint4 *rows, int r, int step)
{
    const int lane = threadIdx.x % 32, row = r + lane % 16;
    ptx_load_matrices(f, rows + row * PIECES + ((2 * step + lane / 16) ^ row % PIECES));
}

template <bool BF16>
__device__ static void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    if (BF16)
        ptx_mma_bf16(d, a, b0, b1);
    else
        ptx_mma_f16(d, a, b0, b1);
}

/* One stage: WR x 16 rows of the warp by WC x 16 columns. */
template <bool BF16, int WR, int WC>
__device__ static void multiply_stage(float acc[WR][WC][2][4], const uint4 *x, const uint4 *w,
                                      int r0, int c0)
{
#pragma unroll
    for (int step = 0; step < DEPTH / 16; step++) {
        uint32_t a[WR][4];
#pragma unroll
        for (int r = 0; r < WR; r++)
            load_fragment(a[r], x, r0 + 16 * r, step);
#pragma unroll
        for (int c = 0; c < WC; c++) {
            uint32_t b[4]; /* columns 0-7 and 8-15, first half of k, then the second */
            load_fragment(b, w, c0 + 16 * c, step);
#pragma unroll
            for (int r = 0; r < WR; r++) {
                multiply<BF16>(acc[r][c][0], a[r], b[0], b[2]);
                multiply<BF16>(acc[r][c][1], a[r], b[1], b[3]);
            }
        }
    }
}

template <int WR, int WC>
__device__ static void finish(const wf_cuda_gemm_args *g, float acc[WR][WC][2][4], int64_t row,
                              int64_t column)
{
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < WR; r++)
#pragma unroll
        for (int c = 0; c < WC; c++)
#pragma unroll
            for (int i = 0; i < 8; i++)
                wf_finish(g, row + 16 * r + lane / 4 + i % 4 / 2 * 8,
                          column + 16 * c + i / 4 * 8 + lane % 4 * 2 + i % 2,
                          acc[r][c][i / 4][i % 4]);
}

/* SPLIT: warps that share the rows; the others share the columns. */
template <bool BF16, int ROWS, int COLUMNS, int STAGES, int WR, int WC>
__device__ static void gemm(const wf_cuda_gemm_args &g)
{
    __shared__ stage<ROWS, COLUMNS, STAGES> s;
    const wf_linear                        *a = &g.op;
    const int64_t row0 = (int64_t)blockIdx.y * ROWS, column0 = (int64_t)blockIdx.x * COLUMNS;
    const int64_t padded = wf_cuda_padded(WF_BF16, a->w.k);
    const int     steps = (int)((padded + DEPTH - 1) / DEPTH), warp = threadIdx.x / 32;
    const int     across = COLUMNS / (16 * WC);
    const int     r0 = warp / across * 16 * WR, c0 = warp % across * 16 * WC;
    float         acc[WR][WC][2][4] = {{{{0.0f}}}};
    for (int t = 0; t < STAGES - 1; t++) {
        if (t < steps) {
            copy_rows<ROWS>(s.x[t], g.x, row0, a->m, padded, (int64_t)t * DEPTH);
            copy_rows<COLUMNS>(s.w[t], a->w.data, column0, a->w.n, padded, (int64_t)t * DEPTH);
        }
        ptx_copies_end();
    }
    for (int t = 0; t < steps; t++) {
        const int next = t + STAGES - 1;
        ptx_copies_wait<STAGES - 2>();
        __syncthreads(); /* stage t is there for all, and nobody reads stage t - 1 any more */
        if (next < steps) {
            copy_rows<ROWS>(s.x[next % STAGES], g.x, row0, a->m, padded, (int64_t)next * DEPTH);
            copy_rows<COLUMNS>(s.w[next % STAGES], a->w.data, column0, a->w.n, padded,
                               (int64_t)next * DEPTH);
        }
        ptx_copies_end();
        if (r0 < ROWS)
            multiply_stage<BF16, WR, WC>(acc, s.x[t % STAGES], s.w[t % STAGES], r0, c0);
    }
    ptx_copies_wait<0>();
    if (r0 < ROWS)
        finish<WR, WC>(&g, acc, row0 + r0, column0 + c0);
}

#define NARROW WF_CUDA_NARROW_ROWS, WF_CUDA_NARROW_COLUMNS, 8, 1, 1
#define WIDE WF_CUDA_WIDE_ROWS, WF_CUDA_WIDE_COLUMNS, 3, 2, 2

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_bf16_narrow(const wf_cuda_gemm_args g)
{
    gemm<true, NARROW>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_bf16_wide(const wf_cuda_gemm_args g)
{
    gemm<true, WIDE>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_f16_narrow(const wf_cuda_gemm_args g)
{
    gemm<false, NARROW>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_f16_wide(const wf_cuda_gemm_args g)
{
    gemm<false, WIDE>(g);
}
