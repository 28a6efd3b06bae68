/* SPDX-License-Identifier: Apache-2.0 */
/* Areas of the ops that find their way by arrays on the device: pages, rows, sequences. The layout
 * of a page is the CPU's (core/device/cpu/dispatch.h), whose bodies the test device runs. */
#include "core/base/mem.h"
#include "core/device/cpu/dispatch.h"
#include "core/device/test/areas_walk.h"

/* The keys and values of the first n places from `place` on of a page; keys lie innermost. */
static bool page(const wf_walk *w, const wf_kv *kv, int32_t access, int64_t number, int64_t place,
                 int64_t n)
{
    int64_t pool = number / kv->pool_pages, at = number % kv->pool_pages + kv->first;
    int64_t each = wf_cpu_kv_element(kv->dtype), hd = kv->head_dim, tokens = kv->page_tokens;
    if (number < 0) {
        wf_area bad = {"a page's number", NULL, {1, 1, 1, 1}, {0}, 1, access, 0};
        return w->fn(w->ctx, &bad);
    }
    if (!wf_walk_list(w, "the table of pools", WF_READS, kv->pools + pool, 1, sizeof(void *)))
        return false;
    const uint8_t *k = (const uint8_t *)kv->pools[pool] + at * kv->page_bytes;
    const uint8_t *v = k + tokens * kv->n_kv_heads * hd * each;
    if (kv->dtype == WF_Q8 &&
        (!wf_walk_rows(w, "the scales of a page's keys", access,
                       k + wf_cpu_k_scales_at(kv) + place * 4, kv->n_kv_heads, n, tokens, 4) ||
         !wf_walk_rows(w, "the scales of a page's values", access,
                       k + wf_cpu_v_scales_at(kv) + place * 4, kv->n_kv_heads, n, tokens, 4)))
        return false;
    return wf_walk_rows(w, "a page's keys", access, k + place * each, kv->n_kv_heads * hd, n,
                        tokens, each) &&
           wf_walk_rows(w, "a page's values", access, v + place * hd * each, kv->n_kv_heads, n * hd,
                        tokens * hd, each);
}

bool wf_areas_kv_store(const wf_walk *w, const wf_kv_store *a)
{
    int64_t n = (int64_t)a->kv.n_kv_heads * a->kv.head_dim;
    if (!wf_walk_list(w, "slot", WF_READS, a->slot, a->m, sizeof *a->slot) ||
        !wf_walk_rows(w, "k", WF_READS, a->k, a->m, n, a->k_stride, WF_F4) ||
        !wf_walk_rows(w, "v", WF_READS, a->v, a->m, n, a->v_stride, WF_F4))
        return false;
    for (int64_t r = 0; r < a->m; r++)
        if (a->slot[r] >= 0 && !page(w, &a->kv, WF_WRITES, a->slot[r] / a->kv.page_tokens,
                                     a->slot[r] % a->kv.page_tokens, 1))
            return false;
    return true;
}

/* The pages that row r sees, but for those that the row before it has shown already. */
static bool row_pages(const wf_walk *w, const wf_attend_pages *a, int64_t r)
{
    int64_t begin = a->row_begin[r], end = a->row_end[r];
    for (int64_t s = begin; s < end; s++) {
        int32_t n = s == end - 1 && a->row_last[r] < a->spans[s].n_keys ? a->row_last[r]
                                                                        : a->spans[s].n_keys;
        bool    seen = r > 0 && a->row_begin[r - 1] <= s && s < a->row_end[r - 1] - 1;
        if (!seen && !page(w, &a->kv, WF_READS, a->spans[s].page, 0, n))
            return false;
    }
    return true;
}

bool wf_areas_attend_pages(const wf_walk *w, const wf_attend_pages *a)
{
    int64_t n = (int64_t)a->n_heads * a->kv.head_dim, spans = 0;
    if (!wf_walk_list(w, "row_begin", WF_READS, a->row_begin, a->m, sizeof(int32_t)) ||
        !wf_walk_list(w, "row_end", WF_READS, a->row_end, a->m, sizeof(int32_t)) ||
        !wf_walk_list(w, "row_last", WF_READS, a->row_last, a->m, sizeof(int32_t)) ||
        !wf_walk_rows(w, "q", WF_READS, a->q, a->m, n, a->q_stride, WF_F4))
        return false;
    for (int64_t r = 0; r < a->m; r++)
        spans = a->row_end[r] > spans ? a->row_end[r] : spans;
    if (!wf_walk_list(w, "spans", WF_READS, a->spans, spans, sizeof *a->spans))
        return false;
    for (int64_t r = 0; r < a->m; r++)
        if (!row_pages(w, a, r))
            return false;
    return wf_walk_rows(w, "out", WF_WRITES, a->out, a->m, n, a->out_stride, WF_F4);
}

/* Rows first..last-1 of at most `rows`. */
static bool some_rows(const wf_walk *w, const char *name, const float *p, int64_t first,
                      int64_t last, int64_t rows, int64_t n, int64_t stride)
{
    first = first > 0 ? first : 0;
    last = last < rows ? last : rows;
    return last <= first ||
           wf_walk_rows(w, name, WF_READS, p + first * stride, last - first, n, stride, WF_F4);
}

bool wf_areas_attend(const wf_walk *w, const wf_attend *a)
{
    int64_t q = (int64_t)a->n_heads * a->head_dim, kv = (int64_t)a->n_kv_heads * a->head_dim;
    int64_t seqs = a->n_seqs;
    if (a->m <= 0)
        return true;
    if (!wf_walk_list(w, "q_begin", WF_READS, a->q_begin, seqs + 1, sizeof(int32_t)) ||
        !wf_walk_list(w, "k_begin", WF_READS, a->k_begin, seqs + 1, sizeof(int32_t)) ||
        !wf_walk_maybe(w, "row_k_begin", a->row_k_begin, a->m, sizeof(int32_t)) ||
        !wf_walk_maybe(w, "row_k_end", a->row_k_end, a->m, sizeof(int32_t)))
        return false;
    int64_t k_first = a->k_begin[0], k_last = a->k_begin[seqs];
    return some_rows(w, "q", a->q, a->q_begin[0], a->q_begin[seqs], a->m, q, a->q_stride) &&
           some_rows(w, "k", a->k, k_first, k_last, a->keys, kv, a->k_stride) &&
           some_rows(w, "v", a->v, k_first, k_last, a->keys, kv, a->v_stride) &&
           wf_walk_rows(w, "out", WF_WRITES, a->out, a->m, q, a->out_stride, WF_F4);
}

bool wf_areas_rows(const wf_walk *w, const wf_rows *a)
{
    if (!wf_walk_maybe(w, "dst_index", a->dst_index, a->m, sizeof(int32_t)) ||
        !wf_walk_maybe(w, "src_index", a->src_index, a->m, sizeof(int32_t)))
        return false;
    for (int64_t i = 0; i < a->m; i++) {
        int64_t to = a->dst_index != NULL ? a->dst_index[i] : i;
        int64_t from = a->src_index != NULL ? a->src_index[i] : i;
        if (to >= 0 && from >= 0 &&
            !wf_walk_list(w, "src", WF_READS, a->src + from * a->src_stride, a->n, WF_F4))
            return false;
        if (to >= 0 && !wf_walk_list(w, "dst", WF_WRITES, a->dst + to * a->dst_stride, a->n, WF_F4))
            return false;
    }
    return true;
}

bool wf_areas_gather(const wf_walk *w, const wf_gather *a)
{
    if (!wf_walk_list(w, "index", WF_READS, a->index, a->m, sizeof(int32_t)))
        return false;
    for (int64_t i = 0; i < a->m; i++)
        if (a->index[i] >= 0 && a->index[i] < a->src_rows &&
            !wf_walk_list(w, "src", WF_READS, a->src + a->index[i] * a->src_stride, a->n, WF_F4))
            return false;
    return wf_walk_rows(w, "dst", WF_WRITES, a->dst, a->m, a->n, a->dst_stride, WF_F4);
}

bool wf_areas_embed(const wf_walk *w, const wf_embed *a)
{
    if (!wf_walk_list(w, "ids", WF_READS, a->ids, a->m, sizeof(int32_t)))
        return false;
    for (int64_t r = 0; r < a->m; r++)
        if (a->ids[r] >= 0 && a->ids[r] < a->w.n &&
            !wf_walk_list(w, "dst", WF_WRITES, a->dst + r * a->dst_stride, a->w.k, WF_F4))
            return false;
    return true;
}
