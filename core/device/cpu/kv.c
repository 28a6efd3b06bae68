/* SPDX-License-Identifier: Apache-2.0 */
/* K and V rows into their pages: K with keys innermost, V with head_dim innermost. */
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant_block.h"

/* hd elements of x in their place: element d at dst[d * step]. */
static void store_plain(void *dst, int64_t at, int64_t step, const float *x, int64_t hd,
                        int32_t dtype)
{
    for (int64_t d = 0; d < hd; d++)
        wf_store(dst, at + d * step, dtype, x[d]);
}

/* The same as integers; returns their scale (wf_kv in core/ops/op.h). */
static float store_q8(int8_t *dst, int64_t step, const float *x, int64_t hd)
{
    uint32_t most = 0; /* bits of numbers without a sign stand in their order, NaN above all */
    for (int64_t d = 0; d < hd; d++) {
        uint32_t a = wf_bits(x[d]) & 0x7fffffffu;
        most = a > most ? a : most;
    }
    bool  none = most < 0x0d800000u || most >= 0x7f800000u; /* 2^-100; infinity */
    float r = none ? 0.0f : 127.0f / wf_float(most);
    for (int64_t d = 0; d < hd; d++) /* what is not finite must not be multiplied */
        dst[d * step] = none ? 0 : (int8_t)(uint8_t)wf_bits(x[d] * r + WF_NEAREST);
    return most >= 0x7f800000u ? wf_float(0x7fc00000u) : none ? 0.0f : wf_float(most) / 127.0f;
}

static void store_row(const wf_kv_store *a, int64_t r)
{
    const wf_kv *kv = &a->kv;
    if (a->slot[r] < 0)
        return;
    int64_t      hd = kv->head_dim, tokens = kv->page_tokens, place = a->slot[r] % tokens;
    uint8_t     *page = wf_page_at(kv, a->slot[r] / tokens), *v_page = page + wf_cpu_values_at(kv);
    float       *k_scale = (float *)(void *)(page + wf_cpu_k_scales_at(kv));
    float       *v_scale = (float *)(void *)(page + wf_cpu_v_scales_at(kv));
    const float *k = a->k + r * a->k_stride, *v = a->v + r * a->v_stride;
    for (int64_t h = 0; h < kv->n_kv_heads; h++, k += hd, v += hd) {
        int64_t k_at = h * hd * tokens + place, v_at = (h * tokens + place) * hd;
        if (kv->dtype == WF_Q8) {
            k_scale[h * tokens + place] = store_q8((int8_t *)page + k_at, tokens, k, hd);
            v_scale[h * tokens + place] = store_q8((int8_t *)v_page + v_at, 1, v, hd);
        } else {
            store_plain(page, k_at, tokens, k, hd, kv->dtype);
            store_plain(v_page, v_at, 1, v, hd, kv->dtype);
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
    uint64_t bytes = 2 * WF_KEY_BLOCK;
    if (((dtype < WF_F32 || dtype > WF_F16) && dtype != WF_Q8) || page_tokens != WF_KEY_BLOCK ||
        n_kv_heads < 1 || head_dim < 1)
        return 0;
    uint64_t row = (uint64_t)head_dim * (uint64_t)wf_cpu_kv_element(dtype);
    row += dtype == WF_Q8 ? 4 : 0; /* its scale */
    if (!wf_mul(bytes, (uint64_t)n_kv_heads, &bytes) || !wf_mul(bytes, row, &bytes) ||
        bytes > INT64_MAX - WF_ALIGN)
        return 0;
    return (int64_t)((bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN);
}
