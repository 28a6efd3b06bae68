/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages and over packed rows, a block of threads for a tile of queries. Within a
 * tile, rows whose keys begin at the same place share their blocks; each such run goes through its
 * blocks in ascending order. Grid: tiles of rows, kv heads. */
#include "cuda/kernels/attend.cuh"

/* A run of rows within a tile, and the heads that share a kv head. Queries of the run are rows by
 * heads; more than QUERIES of them are taken in parts. */
struct run {
    int64_t row, rows;
    int     group, kv_head;
};

__device__ static void load_queries(const wf_tile &t, const run &u, int first, const float *q,
                                    int64_t stride)
{
    for (int e = threadIdx.x; e < t.n * t.head_dim; e += THREADS) {
        const int i = first + e / t.head_dim, head = u.kv_head * u.group + i % u.group;
        t.q[e] = q[(u.row + i / u.group) * stride + head * t.head_dim + e % t.head_dim];
    }
}

__device__ static void store_outputs(const wf_tile &t, const run &u, int first, float *out,
                                     int64_t stride)
{
    for (int e = threadIdx.x; e < t.n * t.head_dim; e += THREADS) {
        const int i = first + e / t.head_dim, head = u.kv_head * u.group + i % u.group;
        out[(u.row + i / u.group) * stride + head * t.head_dim + e % t.head_dim] =
            wf_tile_result(t, e / t.head_dim, e % t.head_dim);
    }
}

/* ---- pages ---- */

/* The most keys that a row of the run sees in a block. */
__device__ static int run_keys(const wf_attend_pages *a, const run &u, int64_t block)
{
    int most = 0;
    for (int64_t r = u.row; r < u.row + u.rows; r++) {
        const int n = wf_span_keys(a, r, block);
        most = n > most ? n : most;
    }
    return most;
}

__device__ static void attend_pages_part(wf_tile &t, const wf_attend_pages *a, const run &u,
                                         int first)
{
    const int64_t begin = a->row_begin[u.row];
    const int64_t head_bytes = (int64_t)KEYS * t.head_dim * (a->kv.dtype == WF_F32 ? 4 : 2);
    int64_t       blocks = 0;
    for (int64_t r = u.row; r < u.row + u.rows; r++)
        blocks = a->row_end[r] - begin > blocks ? a->row_end[r] - begin : blocks;
    t.n = (int)(u.rows * u.group) - first < QUERIES ? (int)(u.rows * u.group) - first : QUERIES;
    load_queries(t, u, first, a->q, a->q_stride);
    wf_tile_reset(t);
    for (int64_t b = 0; b < blocks; b++) {
        const uint8_t *k = wf_page_of(&a->kv, a->spans[begin + b].page) + u.kv_head * head_bytes;
        const int      n = run_keys(a, u, b);
        __syncthreads();
        wf_tile_keys(t, k, n, a->kv.dtype);
        for (int i = threadIdx.x; i < t.n; i += THREADS)
            t.n_keys[i] = wf_span_keys(a, u.row + (first + i) / u.group, b);
        __syncthreads();
        wf_tile_scores(t);
        __syncthreads();
        wf_tile_exponents<true>(t);
        wf_tile_values(t, k + a->kv.n_kv_heads * head_bytes, n, a->kv.dtype);
        __syncthreads();
        wf_tile_merge(t);
    }
    __syncthreads();
    store_outputs(t, u, first, a->out, a->out_stride);
    __syncthreads();
}

WF_KERNEL(WF_CUDA_ATTEND_THREADS) wf_cuda_attend_pages(const wf_cuda_pages_args g)
{
    extern __shared__ float shared[];
    const wf_attend_pages  *a = &g.op;
    wf_tile                 t = wf_tile_at(shared, a->kv.head_dim, a->scale);
    run                     u = {0, 0, a->n_heads / a->kv.n_kv_heads, (int)blockIdx.y};
    const int64_t           row = (int64_t)blockIdx.x * g.tile_rows;
    const int64_t           end = row + g.tile_rows < a->m ? row + g.tile_rows : a->m;
    for (u.row = row; u.row < end; u.row += u.rows) {
        u.rows = 1;
        while (u.row + u.rows < end && a->row_begin[u.row + u.rows] == a->row_begin[u.row])
            u.rows++;
        for (int first = 0; first < u.rows * u.group; first += QUERIES)
            attend_pages_part(t, a, u, first);
    }
}

/* ---- packed rows ---- */

/* Rows key.. of k or v into kv: transposed for keys, zeros past n. */
__device__ static void load_rows(const wf_tile &t, const float *p, int64_t stride, int64_t key,
                                 int n, bool transposed)
{
    for (int e = threadIdx.x; e < KEYS * t.head_dim; e += THREADS) {
        const int   i = e / t.head_dim, d = e % t.head_dim;
        const float x = i < n ? p[(key + i) * stride + d] : 0.0f;
        t.kv[transposed ? d * STRIDE + i : e] = x;
    }
}

__device__ static void attend_rows_part(wf_tile &t, const wf_attend *a, const run &u, int64_t begin,
                                        int64_t most, int first)
{
    t.n = (int)(u.rows * u.group) - first < QUERIES ? (int)(u.rows * u.group) - first : QUERIES;
    load_queries(t, u, first, a->q, a->q_stride);
    wf_tile_reset(t);
    for (int64_t at = 0; at < most; at += KEYS) {
        const int n = most - at < KEYS ? (int)(most - at) : KEYS;
        __syncthreads();
        load_rows(t, a->k + u.kv_head * t.head_dim, a->k_stride, begin + at, n, true);
        for (int i = threadIdx.x; i < t.n; i += THREADS) {
            const int64_t left = wf_key_range_of(a, u.row + (first + i) / u.group).n - at;
            t.n_keys[i] = left <= 0 ? 0 : left < KEYS ? (int)left : KEYS;
        }
        __syncthreads();
        wf_tile_scores(t);
        __syncthreads();
        wf_tile_exponents<true>(t);
        load_rows(t, a->v + u.kv_head * t.head_dim, a->v_stride, begin + at, n, false);
        __syncthreads();
        wf_tile_merge(t);
    }
    __syncthreads();
    store_outputs(t, u, first, a->out, a->out_stride);
    __syncthreads();
}

WF_KERNEL(WF_CUDA_ATTEND_THREADS) wf_cuda_attend_rows(const wf_cuda_rows_args g)
{
    extern __shared__ float shared[];
    const wf_attend        *a = &g.op;
    wf_tile                 t = wf_tile_at(shared, a->head_dim, a->scale);
    run                     u = {0, 0, a->n_heads / a->n_kv_heads, (int)blockIdx.y};
    const int64_t           row = (int64_t)blockIdx.x * g.tile_rows;
    const int64_t           end = row + g.tile_rows < a->m ? row + g.tile_rows : a->m;
    for (u.row = row; u.row < end; u.row += u.rows) {
        const wf_key_range mine = wf_key_range_of(a, u.row);
        int64_t            most = mine.n;
        for (u.rows = 1; u.row + u.rows < end; u.rows++) {
            const wf_key_range other = wf_key_range_of(a, u.row + u.rows);
            if (other.begin != mine.begin)
                break;
            most = other.n > most ? other.n : most;
        }
        for (int first = 0; first < u.rows * u.group; first += QUERIES)
            attend_rows_part(t, a, u, mine.begin, most, first);
    }
}
