/* SPDX-License-Identifier: Apache-2.0 */
/* linear with bf16, f16 and fp8 weights by matrix instructions. An output has one accumulator that
 * takes 16 elements of k at a time, ascending, whatever the shape of the block: so a row's outputs
 * do not depend on how many rows there are.
 *
 * A block goes along k through a ring of stages that are copied to shared memory ahead of their use
 * (cp.async): narrow (up to 16 rows) keeps 8 stages of 4 KiB of weights under way, which is what
 * hides the latency of memory where weights are all there is to read; wide (64 x 64) is for many
 * rows. Rows of a stage are 128 bytes; the 16-byte pieces of row r stand at place i ^ (r % 8), so
 * that eight rows of a column lie in different banks.
 *
 * E4M3 goes through as bytes, and becomes f16 in registers, smaller by 2^8: its bits with a shift,
 * which is exact. A lane has four neighbours along k of a row, and the same four of the other side;
 * the instruction takes them as two and two that are eight apart, which changes nothing but the
 * order within 16 elements. */
#include "cuda/kernels/gemm.cuh"

#define PIECES 8 /* of a row of 128 bytes: 64 elements of k in a stage, or 128 of one byte */

enum kind { BF16, F16, E4M3 };

template <kind KIND> struct type_of {
    static const int     bytes = KIND == E4M3 ? 1 : 2, piece = 16 / bytes, depth = 128 / bytes;
    static const int32_t format = KIND == E4M3 ? WF_FP8 : WF_BF16;
};

/* ROWS and COLUMNS of outputs; warps stand ROWS / WARP_ROWS by COLUMNS / WARP_COLUMNS. */
template <int ROWS, int COLUMNS, int STAGES> struct stage {
    uint4 x[STAGES][ROWS * PIECES];
    uint4 w[STAGES][COLUMNS * PIECES];
};

/* Pieces of `rows` rows from row0 on, a stage's elements from k0 on; zeros where there are none. */
template <kind KIND, int ROWS>
__device__ static void copy_rows(uint4 *to, const void *from, int64_t row0, int64_t rows,
                                 int64_t padded, int64_t k0)
{
    static_assert(ROWS * PIECES % WF_CUDA_GEMM_THREADS == 0, "a thread has whole pieces");
#pragma unroll
    for (int n = 0; n < ROWS * PIECES / WF_CUDA_GEMM_THREADS; n++) {
        const int      e = n * WF_CUDA_GEMM_THREADS + threadIdx.x, r = e / PIECES, i = e % PIECES;
        const int64_t  at = k0 + i * type_of<KIND>::piece;
        const bool     is_there = row0 + r < rows && at < padded;
        const int64_t  element = is_there ? (row0 + r) * padded + at : 0;
        const uint8_t *p = (const uint8_t *)from + element * type_of<KIND>::bytes;
        ptx_copy16(to + r * PIECES + (i ^ r % PIECES), p, is_there ? 16 : 0);
    }
}

/* The matrices of 16 rows from r on, bytes 32 step.. of k, as ldmatrix hands them out: a lane
 * gives the address of row lane % 16, of the piece 2 step + lane / 16. */
__device__ static void load_fragment(uint32_t f[4], const uint4 *rows, int r, int step)
{
    const int lane = threadIdx.x % 32, row = r + lane % 16;
    ptx_load_matrices(f, rows + row * PIECES + ((2 * step + lane / 16) ^ row % PIECES));
}

template <kind KIND>
__device__ static void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    if (KIND == BF16)
        ptx_mma_bf16(d, a, b0, b1);
    else
        ptx_mma_f16(d, a, b0, b1);
}

/* Two E4M3, in the high byte of each half, as f16 times 2^-8. */
__device__ static uint32_t widen(uint32_t halves)
{
    return (halves & 0x80008000u) | ((halves & 0x7f007f00u) >> 1);
}

/* Half h of 16 rows' fragment of 32 E4M3, as that of 16 f16. */
__device__ static void widen_half(uint32_t to[4], const uint32_t f[4], int h)
{
    to[0] = widen(__byte_perm(f[2 * h], 0, 0x1404));
    to[1] = widen(__byte_perm(f[2 * h + 1], 0, 0x1404));
    to[2] = widen(__byte_perm(f[2 * h], 0, 0x3424));
    to[3] = widen(__byte_perm(f[2 * h + 1], 0, 0x3424));
}

/* 16 rows by 16 columns, 32 bytes of k. b: columns 0-7 and 8-15, first half of k, then the second.
 */
template <kind KIND>
__device__ static void multiply_both(float acc[2][4], const uint32_t a[4], const uint32_t b[4])
{
    if constexpr (KIND == E4M3) {
        uint32_t wide_a[4], wide_b[4];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            widen_half(wide_a, a, h);
            widen_half(wide_b, b, h);
            multiply_both<F16>(acc, wide_a, wide_b);
        }
    } else {
        multiply<KIND>(acc[0], a, b[0], b[2]);
        multiply<KIND>(acc[1], a, b[1], b[3]);
    }
}

/* One stage: WR x 16 rows of the warp by WC x 16 columns. */
template <kind KIND, int WR, int WC>
__device__ static void multiply_stage(float acc[WR][WC][2][4], const uint4 *x, const uint4 *w,
                                      int r0, int c0)
{
#pragma unroll
    for (int step = 0; step < PIECES / 2; step++) {
        uint32_t a[WR][4];
#pragma unroll
        for (int r = 0; r < WR; r++)
            load_fragment(a[r], x, r0 + 16 * r, step);
#pragma unroll
        for (int c = 0; c < WC; c++) {
            uint32_t b[4];
            load_fragment(b, w, c0 + 16 * c, step);
#pragma unroll
            for (int r = 0; r < WR; r++)
                multiply_both<KIND>(acc[r][c], a[r], b);
        }
    }
}

template <kind KIND, int WR, int WC>
__device__ static void finish(const wf_cuda_gemm_args *g, float acc[WR][WC][2][4], int64_t row,
                              int64_t column)
{
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < WR; r++)
#pragma unroll
        for (int c = 0; c < WC; c++)
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const int64_t to_row = row + 16 * r + lane / 4 + i % 4 / 2 * 8;
                const int64_t to_column = column + 16 * c + i / 4 * 8 + lane % 4 * 2 + i % 2;
                const float   value = acc[r][c][i / 4][i % 4];
                if (KIND == E4M3)
                    wf_finish_fp8(g, to_row, to_column, value * 65536.0f);
                else
                    wf_finish(g, to_row, to_column, value);
            }
}

/* SPLIT: warps that share the rows; the others share the columns. */
template <kind KIND, int ROWS, int COLUMNS, int STAGES, int WR, int WC>
__device__ static void gemm(const wf_cuda_gemm_args &g)
{
    __shared__ stage<ROWS, COLUMNS, STAGES> s;
    const wf_linear                        *a = &g.op;
    const int64_t row0 = (int64_t)blockIdx.y * ROWS, column0 = (int64_t)blockIdx.x * COLUMNS;
    const int64_t padded = wf_cuda_padded(type_of<KIND>::format, a->w.k);
    const int64_t depth = type_of<KIND>::depth;
    const int     steps = (int)((padded + depth - 1) / depth), warp = threadIdx.x / 32;
    const int     across = COLUMNS / (16 * WC);
    const int     r0 = warp / across * 16 * WR, c0 = warp % across * 16 * WC;
    float         acc[WR][WC][2][4] = {{{{0.0f}}}};
    for (int t = 0; t < STAGES - 1; t++) {
        if (t < steps) {
            copy_rows<KIND, ROWS>(s.x[t], g.x, row0, a->m, padded, t * depth);
            copy_rows<KIND, COLUMNS>(s.w[t], a->w.data, column0, a->w.n, padded, t * depth);
        }
        ptx_copies_end();
    }
    for (int t = 0; t < steps; t++) {
        const int next = t + STAGES - 1;
        ptx_copies_wait<STAGES - 2>();
        __syncthreads(); /* stage t is there for all, and nobody reads stage t - 1 any more */
        if (next < steps) {
            copy_rows<KIND, ROWS>(s.x[next % STAGES], g.x, row0, a->m, padded, next * depth);
            copy_rows<KIND, COLUMNS>(s.w[next % STAGES], a->w.data, column0, a->w.n, padded,
                                     next * depth);
        }
        ptx_copies_end();
        if (r0 < ROWS)
            multiply_stage<KIND, WR, WC>(acc, s.x[t % STAGES], s.w[t % STAGES], r0, c0);
    }
    ptx_copies_wait<0>();
    if (r0 < ROWS)
        finish<KIND, WR, WC>(&g, acc, row0 + r0, column0 + c0);
}

#define NARROW WF_CUDA_NARROW_ROWS, WF_CUDA_NARROW_COLUMNS, 8, 1, 1
#define WIDE WF_CUDA_WIDE_ROWS, WF_CUDA_WIDE_COLUMNS, 3, 2, 2

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_bf16_narrow(const wf_cuda_gemm_args g)
{
    gemm<BF16, NARROW>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_bf16_wide(const wf_cuda_gemm_args g)
{
    gemm<BF16, WIDE>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_f16_narrow(const wf_cuda_gemm_args g)
{
    gemm<F16, NARROW>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_f16_wide(const wf_cuda_gemm_args g)
{
    gemm<F16, WIDE>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_fp8_narrow(const wf_cuda_gemm_args g)
{
    gemm<E4M3, NARROW>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_fp8_wide(const wf_cuda_gemm_args g)
{
    gemm<E4M3, WIDE>(g);
}
