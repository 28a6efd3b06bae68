/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages for few rows that see many keys: each block of keys is a block of threads of
 * its own, and what they give is merged in ascending order. The same sums as attend.cu's, so the
 * same bytes. */
#include "cuda/kernels/attend.cuh"

/* (row, head, block)'s part: o [head_dim], m, l. */
__device__ static float *part_at(const wf_cuda_split_args &g, int64_t row, int head, int64_t block)
{
    return g.part + ((row * g.op.n_heads + head) * g.most + block) * (g.op.kv.head_dim + 2);
}

/* Grid: blocks of keys, rows by kv heads. */
WF_KERNEL(WF_CUDA_ATTEND_THREADS) wf_cuda_attend_block(const wf_cuda_split_args g)
{
    extern __shared__ float shared[];
    const wf_attend_pages  *a = &g.op;
    const int               n_kv = a->kv.n_kv_heads, group = a->n_heads / n_kv;
    const int               kv_head = (int)blockIdx.y % n_kv;
    const int64_t           row = (int)blockIdx.y / n_kv, block = blockIdx.x;
    const int               n_keys = wf_span_keys(a, row, block), hd = a->kv.head_dim;
    const int64_t           head_bytes = (int64_t)KEYS * hd * (a->kv.dtype == WF_F32 ? 4 : 2);
    wf_tile                 t = wf_tile_at(shared, hd, a->scale);
    if (n_keys == 0)
        return;
    const int32_t  page = a->spans[a->row_begin[row] + block].page;
    const uint8_t *k = wf_page_of(&a->kv, page) + kv_head * head_bytes;
    for (int first = 0; first < group; first += QUERIES) {
        t.n = group - first < QUERIES ? group - first : QUERIES;
        __syncthreads();
        for (int e = threadIdx.x; e < t.n * hd; e += THREADS)
            t.q[e] = a->q[row * a->q_stride + (kv_head * group + first) * hd + e];
        for (int i = threadIdx.x; i < t.n; i += THREADS)
            t.n_keys[i] = n_keys;
        wf_tile_keys(t, k, n_keys, a->kv.dtype);
        __syncthreads();
        wf_tile_scores(t);
        __syncthreads();
        wf_tile_exponents<false>(t);
        wf_tile_values(t, k + n_kv * head_bytes, n_keys, a->kv.dtype);
        __syncthreads();
        for (int e = threadIdx.x; e < t.n * hd; e += THREADS) {
            float *part = part_at(g, row, kv_head * group + first + e / hd, block);
            part[e % hd] = wf_tile_output(t, e / hd, e % hd);
            if (e % hd == 0) {
                part[hd] = t.bm[e / hd];
                part[hd + 1] = t.bl[e / hd];
            }
        }
    }
}

/* Grid: rows, heads. A thread has some dimensions; every thread merges m and l for itself. */
WF_KERNEL(WF_CUDA_ATTEND_THREADS) wf_cuda_attend_merge(const wf_cuda_split_args g)
{
    const wf_attend_pages *a = &g.op;
    const int64_t          row = blockIdx.x, blocks = a->row_end[row] - a->row_begin[row];
    const int              head = blockIdx.y, hd = a->kv.head_dim;
    for (int d = threadIdx.x; d < hd; d += THREADS) {
        float m = -INFINITY, l = 0.0f, o = 0.0f;
        for (int64_t b = 0; b < blocks; b++) {
            const float *part = part_at(g, row, head, b);
            if (wf_span_keys(a, row, b) == 0)
                continue;
            const float most = part[hd] > m ? part[hd] : m;
            const float before = wf_expf(m - most), now = wf_expf(part[hd] - most);
            m = most;
            l = fmaf(part[hd + 1], now, l * before);
            o = fmaf(part[d], now, o * before);
        }
        const bool empty = l == 0.0f && m == -INFINITY;
        a->out[row * a->out_stride + head * hd + d] = empty ? 0.0f : o / l;
    }
}
