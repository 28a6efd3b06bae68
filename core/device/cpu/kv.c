/* SPDX-License-Identifier: Apache-2.0 */
/* K and V rows into their pages: K with keys innermost, V with head_dim innermost. */
#include "core/device/cpu/internal.h"

static void store_row(const wf_kv_store *a, int64_t r)
{
    const wf_kv *kv = &a->kv;
    int64_t      hd = kv->head_dim, tokens = kv->page_tokens, place = a->slot[r] % tokens;
    uint8_t     *page = wf_page_at(kv, a->slot[r] / tokens);
    uint8_t     *v_page = page + tokens * kv->n_kv_heads * hd * wf_dtype_bytes(kv->dtype);
    const float *k = a->k + r * a->k_stride, *v = a->v + r * a->v_stride;
    for (int64_t h = 0; h < kv->n_kv_heads; h++) {
        int64_t v_row = (h * tokens + place) * hd;
        for (int64_t d = 0; d < hd; d++) {
            wf_store(page, (h * hd + d) * tokens + place, kv->dtype, k[h * hd + d]);
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

int64_t wf_cpu_page_bytes(int32_t dtype, int32_t page_tokens, int32_t n_kv_heads, int32_t head_dim)
{
    uint64_t bytes = 2 * WF_KEY_BLOCK * (uint64_t)wf_dtype_bytes(dtype);
    if (dtype < WF_F32 || dtype > WF_F16 || page_tokens != WF_KEY_BLOCK || n_kv_heads < 1 ||
        head_dim < 1 || !wf_mul(bytes, (uint64_t)n_kv_heads, &bytes) ||
        !wf_mul(bytes, (uint64_t)head_dim, &bytes) || bytes > INT64_MAX - WF_ALIGN)
        return 0;
    return (int64_t)((bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN);
}
