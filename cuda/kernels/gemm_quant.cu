/* SPDX-License-Identifier: Apache-2.0 */
/* linear with q8 and q4 weights. One instruction multiplies a whole group of 32, so its sum is the
 * group's integer; then one fused multiply-add a group, in q4 one more for the minimum, ascending:
 * the bytes of wf_linear in core/ops/op.h, which are the CPU's. Rests are few: a warp reads those
 * of its rows from global memory, and multiplies where one of them is wide in the group.
 *
 * Blocks and stages as in gemm.cu: a stage is four groups, 128 bytes of a row of x and 128 (q8) or
 * 64 (q4) of a row of weights. */
#include "cuda/kernels/gemm.cuh"

#define GROUPS 4 /* of a stage */

/* Places of 16-byte pieces in rows of PIECES of them: eight rows of one piece lie in eight
 * different places of the 128 bytes that the banks hold side by side. */
template <int PIECES> __device__ static int place_of(int row, int piece)
{
    return row * PIECES + (PIECES == 8 ? piece ^ row % 8 : piece ^ row / 2 % 4);
}

template <int ROWS, int PIECES>
__device__ static void copy_rows(uint4 *to, const void *from, int64_t row0, int64_t rows,
                                 int64_t row_bytes, int64_t at0)
{
    static_assert(ROWS * PIECES % WF_CUDA_GEMM_THREADS == 0, "a thread has whole pieces");
#pragma unroll 2 /* all of a narrow stage's; the wide kernels have no registers for more */
    for (int n = 0; n < ROWS * PIECES / WF_CUDA_GEMM_THREADS; n++) {
        const int      e = n * WF_CUDA_GEMM_THREADS + threadIdx.x, r = e / PIECES, i = e % PIECES;
        const int64_t  at = at0 + i * 16;
        const bool     is_there = row0 + r < rows && at < row_bytes;
        const uint8_t *p = (const uint8_t *)from + (is_there ? (row0 + r) * row_bytes + at : 0);
        ptx_copy16(to + place_of<PIECES>(r, i), p, is_there ? 16 : 0);
    }
}

/* 16 rows from r on, the two pieces from `piece` on. */
template <int PIECES>
__device__ static void load_fragment(uint32_t f[4], const uint4 *rows, int r, int piece)
{
    const int lane = threadIdx.x % 32;
    ptx_load_matrices(f, rows + place_of<PIECES>(r + lane % 16, piece + lane / 16));
}

/* Of an array [rows, groups]: row's number of a group; 0 where there is no such row. */
__device__ static float half_at(const uint16_t *p, int64_t row, int64_t rows, int64_t groups,
                                int64_t g)
{
    return row < rows ? ptx_from_f16(p[row * groups + g]) : 0.0f;
}

__device__ static float float_at(const float *p, int64_t row, int64_t rows, int64_t groups,
                                 int64_t g)
{
    return row < rows ? p[row * groups + g] : 0.0f;
}

/* Adds the group's sums of 16 rows by 8 columns. */
template <bool Q4>
__device__ static void add_group(float acc[4], const int32_t sum[4], const float dx[2],
                                 const float product[2], const float d[2], const float m[2])
{
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (Q4)
            acc[i] = fmaf(m[i % 2], product[i / 2], acc[i]);
        acc[i] = fmaf((float)sum[i], dx[i / 2] * d[i % 2], acc[i]);
    }
}

/* The rests of 16 rows in a group, as ptx_mma_s8 takes them: the lane's two rows. */
struct rests {
    uint32_t a[4];
    float    de[2], product[2];
    bool     any; /* of the warp's rows; the same in all lanes */
};

__device__ static void load_rests(rests *out, const wf_cuda_gemm_args *g, int64_t row,
                                  int64_t groups, int64_t group)
{
#pragma unroll
    for (int h = 0; h < 2; h++)
        out->de[h] = float_at(g->rest_scale, row + 8 * h, g->op.m, groups, group);
    out->any = __any_sync(0xffffffffu, out->de[0] != 0.0f || out->de[1] != 0.0f);
    if (!out->any)
        return;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int64_t   at = (row + 8 * h) * groups + group;
        const uint32_t *p = (const uint32_t *)(g->rest + at * WF_GROUP) + threadIdx.x % 4;
        const bool      is_wide = out->de[h] != 0.0f;
        out->a[h] = is_wide ? p[0] : 0;
        out->a[2 + h] = is_wide ? p[4] : 0;
        out->product[h] = is_wide ? g->rest_sum[at] : 0.0f;
    }
}

/* As add_group; rows in which the group is not wide are left alone. */
template <bool Q4>
__device__ static void add_rests(float rest[4], const rests &x, uint32_t b0, uint32_t b1,
                                 const float d[2], const float m[2])
{
    int32_t sum[4];
    float   next[4] = {rest[0], rest[1], rest[2], rest[3]};
    ptx_mma_s8(sum, x.a, b0, b1);
    add_group<Q4>(next, sum, x.de, x.product, d, m);
#pragma unroll
    for (int i = 0; i < 4; i++)
        rest[i] = x.de[i / 2] != 0.0f ? next[i] : rest[i];
}

/* What one warp works on. */
struct tile {
    const wf_cuda_gemm_args *g;
    const uint16_t          *d, *m;
    int64_t                  row, column, groups; /* the lane's first row and column */
    int                      r0, c0;
};

/* Group `group` of all, number i of the stage. */
template <bool Q4, int WR, int WC>
__device__ static void multiply_group(float acc[WR][WC][2][4], float rest[WR][WC][2][4],
                                      const tile &t, const uint4 *x, const uint4 *w, int i,
                                      int64_t group)
{
    const wf_linear *op = &t.g->op;
    uint32_t         a[WR][4];
    float            dx[WR][2], product[WR][2];
    rests            left[WR];
#pragma unroll
    for (int r = 0; r < WR; r++) {
        load_rests(&left[r], t.g, t.row + 16 * r, t.groups, group);
        load_fragment<8>(a[r], x, t.r0 + 16 * r, 2 * i);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const int64_t row = t.row + 16 * r + 8 * h;
            dx[r][h] = float_at(t.g->group_scale, row, op->m, t.groups, group);
            product[r][h] = Q4 ? float_at(t.g->group_sum, row, op->m, t.groups, group) : 0.0f;
        }
    }
#pragma unroll
    for (int c = 0; c < WC; c++) {
        uint32_t b[4];
        load_fragment<Q4 ? 4 : 8>(b, w, t.c0 + 16 * c, Q4 ? i / 2 * 2 : 2 * i);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const int64_t  column = t.column + 16 * c + 8 * h;
            const uint32_t both = i % 2 == 0 ? b[h] : b[2 + h];
            const uint32_t b0 = Q4 ? both & 0x0f0f0f0fu : b[h];
            const uint32_t b1 = Q4 ? (both >> 4) & 0x0f0f0f0fu : b[2 + h];
            float          d[2], m[2];
#pragma unroll
            for (int k = 0; k < 2; k++) {
                d[k] = half_at(t.d, column + k, op->w.n, t.groups, group);
                m[k] = Q4 ? half_at(t.m, column + k, op->w.n, t.groups, group) : 0.0f;
            }
#pragma unroll
            for (int r = 0; r < WR; r++) {
                int32_t sum[4];
                ptx_mma_s8(sum, a[r], b0, b1);
                add_group<Q4>(acc[r][c][h], sum, dx[r], product[r], d, m);
                if (left[r].any)
                    add_rests<Q4>(rest[r][c][h], left[r], b0, b1, d, m);
            }
        }
    }
}

template <bool Q4, int ROWS, int COLUMNS, int STAGES, int WR, int WC>
__device__ static void gemm(const wf_cuda_gemm_args &g)
{
    constexpr int    PIECES = Q4 ? 4 : 8;
    __shared__ uint4 x[STAGES][ROWS * 8], w[STAGES][COLUMNS * PIECES];
    const wf_linear *a = &g.op;
    const int64_t    row0 = (int64_t)blockIdx.y * ROWS, column0 = (int64_t)blockIdx.x * COLUMNS;
    const int64_t    groups = wf_cuda_groups(a->w.k), bytes = groups * (Q4 ? 16 : 32);
    const int        steps = (int)((groups + GROUPS - 1) / GROUPS), warp = threadIdx.x / 32;
    const int        across = COLUMNS / (16 * WC), lane = threadIdx.x % 32;
    const uint16_t  *d = (const uint16_t *)((const uint8_t *)a->w.data + a->w.n * bytes);
    tile             t = {&g, d,      d + a->w.n * groups,     0,
                          0,  groups, warp / across * 16 * WR, warp % across * 16 * WC};
    float            acc[WR][WC][2][4] = {{{{0.0f}}}}, rest[WR][WC][2][4] = {{{{0.0f}}}};
    t.row = row0 + t.r0 + lane / 4;
    t.column = column0 + t.c0 + lane % 4 * 2;
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < steps) {
            copy_rows<ROWS, 8>(x[s], g.x, row0, a->m, groups * 32, (int64_t)s * 128);
            copy_rows<COLUMNS, PIECES>(w[s], a->w.data, column0, a->w.n, bytes,
                                       (int64_t)s * PIECES * 16);
        }
        ptx_copies_end();
    }
    for (int s = 0; s < steps; s++) {
        const int next = s + STAGES - 1;
        ptx_copies_wait<STAGES - 2>();
        __syncthreads(); /* stage s is there for all, and nobody reads stage s - 1 any more */
        if (next < steps) {
            copy_rows<ROWS, 8>(x[next % STAGES], g.x, row0, a->m, groups * 32, (int64_t)next * 128);
            copy_rows<COLUMNS, PIECES>(w[next % STAGES], a->w.data, column0, a->w.n, bytes,
                                       (int64_t)next * PIECES * 16);
        }
        ptx_copies_end();
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            const int64_t group = (int64_t)s * GROUPS + i;
            if (t.r0 < ROWS && group < groups)
                multiply_group<Q4, WR, WC>(acc, rest, t, x[s % STAGES], w[s % STAGES], i, group);
        }
    }
    ptx_copies_wait<0>();
#pragma unroll
    for (int r = 0; r < WR; r++)
#pragma unroll
        for (int c = 0; c < WC; c++)
#pragma unroll
            for (int i = 0; i < 8; i++)
                if (t.r0 < ROWS)
                    wf_finish(&g, t.row + 16 * r + i % 4 / 2 * 8,
                              t.column + 16 * c + i / 4 * 8 + i % 2,
                              acc[r][c][i / 4][i % 4] + rest[r][c][i / 4][i % 4]);
}

/* A stage of q4 has half of q8's bytes, so its ring is longer. */
#define NARROW_Q8 WF_CUDA_NARROW_ROWS, WF_CUDA_NARROW_COLUMNS, 8, 1, 1
#define NARROW_Q4 WF_CUDA_NARROW_ROWS, WF_CUDA_NARROW_COLUMNS, 12, 1, 1
#define WIDE WF_CUDA_WIDE_ROWS, WF_CUDA_WIDE_COLUMNS, 3, 2, 2

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_q8_narrow(const wf_cuda_gemm_args g)
{
    gemm<false, NARROW_Q8>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_q8_wide(const wf_cuda_gemm_args g)
{
    gemm<false, WIDE>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_q4_narrow(const wf_cuda_gemm_args g)
{
    gemm<true, NARROW_Q4>(g);
}

WF_KERNEL(WF_CUDA_GEMM_THREADS) wf_cuda_gemm_q4_wide(const wf_cuda_gemm_args g)
{
    gemm<true, WIDE>(g);
}
