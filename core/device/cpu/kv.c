/* SPDX-License-Identifier: Apache-2.0 */
/* K and V rows into their pages: K with keys innermost, V with head_dim innermost. */
#include "core/device/cpu/internal.h"

static void store_row(const wf_kv_store *a, int64_t r)
{
    const wf_kv *kv = &a->kv;
    int64_t      hd = kv->head_dim, place = a->slot[r] % WF_PAGE_TOKENS;
    uint8_t     *page = (uint8_t *)kv->pages + a->slot[r] / WF_PAGE_TOKENS * kv->page_bytes;
    uint8_t     *v_page = page + WF_PAGE_TOKENS * kv->n_kv_heads * hd * wf_dtype_bytes(kv->dtype);
    const float *k = a->k + r * a->k_stride, *v = a->v + r * a->v_stride;
    for (int64_t h = 0; h < kv->n_kv_heads; h++) {
        int64_t v_row = (h * WF_PAGE_TOKENS + place) * hd;
        for (int64_t d = 0; d < hd; d++) {
            wf_store(page, (h * hd + d) * WF_PAGE_TOKENS + place, kv->dtype, k[h * hd + d]);
            wf_store(v_page, v_row + d, kv->dtype, v[h * hd + d]);
        }
    }
}

static void store_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_kv_store *a = ctx;
    for (int64_t r = begin; r < end; r++)
        store_row(a, r);
}

weft_status wf_kv_store_ref(wf_exec *ex, const wf_kv_store *a)
{
    wf_kv_store copy = *a;
    int64_t     n = (int64_t)a->kv.n_kv_heads * a->kv.head_dim;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(n * 4), store_rows, &copy);
    return WEFT_OK;
}
