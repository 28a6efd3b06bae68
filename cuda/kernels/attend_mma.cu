/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by matrix instructions (attend_mma.cuh) over pages and over packed rows. A block of
 * threads takes tile_rows rows of one kv head, 64 queries at most; rows whose keys begin at the
 * same place share their blocks. Grid: tiles of rows, kv heads. */
#include "cuda/kernels/attend_mma.cuh"

/* A run of rows within a tile, and the lane's two queries of it. */
struct mma_run {
    int64_t row, rows;
    int     group, kv_head;
    int64_t own[2]; /* the row of each of the lane's queries; -1: there is none */
    int     head[2];
};

__device__ static void find_own(mma_run &u)
{
    for (int h = 0; h < 2; h++) {
        const int i = (int)threadIdx.x / 32 * 16 + (int)threadIdx.x % 32 / 4 + 8 * h;
        u.own[h] = i < u.rows * u.group ? u.row + i / u.group : -1;
        u.head[h] = u.kv_head * u.group + i % u.group;
    }
}

template <int D, bool BF16>
__device__ static void load_queries(wf_queries<D> &q, const mma_run &u, const float *from,
                                    int64_t stride, int head_dim, float scale)
{
    const float *rows[2];
    for (int h = 0; h < 2; h++)
        rows[h] = u.own[h] >= 0 ? from + u.own[h] * stride + u.head[h] * head_dim : NULL;
    wf_mma_load<D, BF16>(q, rows, head_dim, scale);
}

template <int D>
__device__ static void store_outputs(const wf_queries<D> &q, const mma_run &u, float *to,
                                     int64_t stride, int head_dim)
{
    float *rows[2];
    for (int h = 0; h < 2; h++)
        rows[h] = u.own[h] >= 0 ? to + u.own[h] * stride + u.head[h] * head_dim : NULL;
    wf_mma_store<D>(q, rows, head_dim);
}

/* ---- pages ---- */

/* The first n keys of a page's head and their values, zeros behind. */
template <int D>
__device__ static void copy_page(uint16_t *k, uint16_t *v, const uint8_t *keys,
                                 const uint8_t *values, int n, int head_dim)
{
    static_assert(D * KEYS / 8 % THREADS == 0, "a thread has whole pieces");
#pragma unroll 4
    for (int i = 0; i < D * KEYS / 8 / THREADS; i++) {
        const int  e = i * THREADS + threadIdx.x, d = e / (KEYS / 8), key = e % (KEYS / 8) * 8;
        const int  left = d < head_dim ? n - key : 0;
        const bool is_there = left > 0;
        ptx_copy16(k + d * (KEYS + PAD) + key, keys + (is_there ? (d * KEYS + key) * 2 : 0),
                   left >= 8  ? 16
                   : is_there ? left * 2
                              : 0);
    }
#pragma unroll 4
    for (int i = 0; i < KEYS * D / 8 / THREADS; i++) {
        const int  e = i * THREADS + threadIdx.x, key = e / (D / 8), d = e % (D / 8) * 8;
        const bool is_there = key < n && d < head_dim;
        ptx_copy16(v + key * (D + PAD) + d, values + (is_there ? (key * head_dim + d) * 2 : 0),
                   is_there ? 16 : 0);
    }
    ptx_copies_end();
}

template <int D, bool BF16>
__device__ static void attend_pages_run(const wf_attend_pages *a, const mma_run &u, uint16_t *k,
                                        uint16_t *v)
{
    wf_queries<D> q;
    const int     hd = a->kv.head_dim, begin = a->row_begin[u.row];
    const int64_t head_bytes = (int64_t)KEYS * hd * 2;
    int           blocks = 0;
    for (int64_t r = u.row; r < u.row + u.rows; r++)
        blocks = a->row_end[r] - begin > blocks ? a->row_end[r] - begin : blocks;
    load_queries<D, BF16>(q, u, a->q, a->q_stride, hd, a->scale);
    for (int b = 0; b < blocks; b++) {
        const uint8_t *page = wf_page_of(&a->kv, a->spans[begin + b].page) + u.kv_head * head_bytes;
        int            n = 0;
        for (int64_t r = u.row; r < u.row + u.rows; r++) {
            const int seen = wf_span_keys(a, r, b);
            n = seen > n ? seen : n;
        }
        __syncthreads(); /* nobody reads the block before any more */
        copy_page<D>(k, v, page, page + a->kv.n_kv_heads * head_bytes, n, hd);
        for (int h = 0; h < 2; h++)
            q.n_keys[h] = u.own[h] >= 0 ? wf_span_keys(a, u.own[h], b) : 0;
        ptx_copies_wait<0>();
        __syncthreads();
        wf_mma_block<D, BF16, true>(q, k, NULL, v, NULL);
    }
    store_outputs<D>(q, u, a->out, a->out_stride, hd);
}

template <int D, bool BF16> __device__ static void attend_pages(const wf_cuda_pages_args &g)
{
    extern __shared__ uint4 shared[];
    const wf_attend_pages  *a = &g.op;
    uint16_t               *k = (uint16_t *)shared, *v = k + D * (KEYS + PAD);
    const int64_t           row = (int64_t)blockIdx.x * g.tile_rows;
    const int64_t           end = row + g.tile_rows < a->m ? row + g.tile_rows : a->m;
    mma_run                 u = {0, 0, a->n_heads / a->kv.n_kv_heads, (int)blockIdx.y};
    for (u.row = row; u.row < end; u.row += u.rows) {
        u.rows = 1;
        while (u.row + u.rows < end && a->row_begin[u.row + u.rows] == a->row_begin[u.row])
            u.rows++;
        find_own(u);
        attend_pages_run<D, BF16>(a, u, k, v);
    }
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_pages_bf16_64(const wf_cuda_pages_args g)
{
    attend_pages<64, true>(g);
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_pages_bf16_128(const wf_cuda_pages_args g)
{
    attend_pages<128, true>(g);
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_pages_f16_64(const wf_cuda_pages_args g)
{
    attend_pages<64, false>(g);
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_pages_f16_128(const wf_cuda_pages_args g)
{
    attend_pages<128, false>(g);
}

/* ---- packed rows ---- */

#define AHEAD 8 /* pairs of f32 */

/* Rows key.. of k or v as hi and lo [64][D + PAD]; zeros past n and past head_dim. They become
 * other numbers on the way, so registers hold those that are asked for ahead. */
template <int D>
__device__ static void load_rows(uint16_t *hi, uint16_t *lo, const float *p, int64_t stride,
                                 int64_t key, int n, int head_dim)
{
    static_assert(KEYS * D / 2 % (AHEAD * THREADS) == 0, "a thread has whole rounds");
#pragma unroll 1
    for (int e0 = threadIdx.x; e0 < KEYS * D / 2; e0 += AHEAD * THREADS) {
        float a[AHEAD], b[AHEAD];
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            const int    e = e0 + j * THREADS, i = e / (D / 2), d = e % (D / 2) * 2;
            const float *from = p + (key + i) * stride + d;
            a[j] = i < n && d < head_dim ? from[0] : 0.0f;
            b[j] = i < n && d + 1 < head_dim ? from[1] : 0.0f;
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            const int e = e0 + j * THREADS, at = e / (D / 2) * (D + PAD) + e % (D / 2) * 2;
            uint32_t  high, low;
            wf_split<true>(a[j], b[j], &high, &low);
            *(uint32_t *)(hi + at) = high;
            *(uint32_t *)(lo + at) = low;
        }
    }
}

template <int D>
__device__ static void attend_rows_run(const wf_attend *a, const mma_run &u, int64_t begin,
                                       int64_t most, uint16_t *shared)
{
    wf_queries<D> q;
    const int     hd = a->head_dim, size = KEYS * (D + PAD);
    const int64_t column = (int64_t)u.kv_head * hd;
    int64_t       n_own[2];
    for (int h = 0; h < 2; h++)
        n_own[h] = u.own[h] >= 0 ? wf_key_range_of(a, u.own[h]).n : 0;
    load_queries<D, true>(q, u, a->q, a->q_stride, hd, a->scale);
    for (int64_t at = 0; at < most; at += KEYS) {
        const int n = most - at < KEYS ? (int)(most - at) : KEYS;
        __syncthreads();
        load_rows<D>(shared, shared + size, a->k + column, a->k_stride, begin + at, n, hd);
        load_rows<D>(shared + 2 * size, shared + 3 * size, a->v + column, a->v_stride, begin + at,
                     n, hd);
        for (int h = 0; h < 2; h++) {
            const int64_t left = n_own[h] - at;
            q.n_keys[h] = left <= 0 ? 0 : left < KEYS ? (int)left : KEYS;
        }
        __syncthreads();
        wf_mma_block<D, true, false>(q, shared, shared + size, shared + 2 * size,
                                     shared + 3 * size);
    }
    store_outputs<D>(q, u, a->out, a->out_stride, hd);
}

template <int D> __device__ static void attend_rows(const wf_cuda_rows_args &g)
{
    extern __shared__ uint4 shared[];
    const wf_attend        *a = &g.op;
    const int64_t           row = (int64_t)blockIdx.x * g.tile_rows;
    const int64_t           end = row + g.tile_rows < a->m ? row + g.tile_rows : a->m;
    mma_run                 u = {0, 0, a->n_heads / a->n_kv_heads, (int)blockIdx.y};
    for (u.row = row; u.row < end; u.row += u.rows) {
        const wf_key_range mine = wf_key_range_of(a, u.row);
        int64_t            most = mine.n;
        for (u.rows = 1; u.row + u.rows < end; u.rows++) {
            const wf_key_range other = wf_key_range_of(a, u.row + u.rows);
            if (other.begin != mine.begin)
                break;
            most = other.n > most ? other.n : most;
        }
        find_own(u);
        attend_rows_run<D>(a, u, mine.begin, most, (uint16_t *)shared);
    }
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_rows_64(const wf_cuda_rows_args g)
{
    attend_rows<64>(g);
}

WF_KERNEL_LARGE(WF_CUDA_ATTEND_THREADS) wf_cuda_mma_rows_128(const wf_cuda_rows_args g)
{
    attend_rows<128>(g);
}
