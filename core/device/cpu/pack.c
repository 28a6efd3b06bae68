/* SPDX-License-Identifier: Apache-2.0 */
/* Weights into panels (layout: core/device/cpu/internal.h), and their size. One function for every
 * panel width: packing happens once per weight and reads at the speed of the file. */
#include "core/device/cpu/internal.h"

typedef struct pack_job {
    const wf_pack *a;
    int64_t        panel, first_panel;
} pack_job;

/* A row of the panel's own type, by whole groups of four bytes (f32, pairs of bf16) while they
 * last. */
static void copy_row(const pack_job *j, uint8_t *dst, int64_t c, const uint8_t *src)
{
    int64_t k = j->a->w.k, size = wf_dtype_bytes(j->a->w.format);
    int32_t dtype = j->a->w.format;
    int64_t i = 0;
    for (int64_t step = wf_group(dtype); step * size == 4 && i + step <= k; i += step)
        memcpy(dst + (i / step * j->panel + c) * 4, src + i * size, 4);
    for (; i < k; i++)
        memcpy(dst + wf_panel_index(dtype, j->panel, c, i) * 2, src + i * 2, 2);
}

/* Row r of src, k elements, as column c of the panel at dst. */
static void pack_row(const pack_job *j, uint8_t *dst, int64_t c, int64_t r)
{
    const wf_pack *a = j->a;
    int32_t        to = a->w.format, from = a->src_dtype;
    const uint8_t *src = (const uint8_t *)a->src + r * a->w.k * wf_dtype_bytes(from);
    if (from == to) {
        copy_row(j, dst, c, src);
        return;
    }
    for (int64_t i = 0; i < a->w.k; i++)
        wf_store(dst, wf_panel_index(to, j->panel, c, i), to, wf_load(src, i, from));
}

static void panels(void *ctx, int64_t begin, int64_t end)
{
    const pack_job *j = ctx;
    const wf_pack  *a = j->a;
    int64_t         bytes = wf_panel_bytes(a->w.format, a->w.k, j->panel);
    for (int64_t p = begin + j->first_panel; p < end + j->first_panel; p++) {
        int64_t first = p * j->panel > a->row0 ? p * j->panel : a->row0;
        int64_t last = (p + 1) * j->panel;
        last = last < a->row0 + a->rows ? last : a->row0 + a->rows;
        for (int64_t row = first; row < last; row++)
            pack_row(j, (uint8_t *)a->w.data + p * bytes, row - p * j->panel, row - a->row0);
    }
}

weft_status wf_panel_pack(wf_exec *ex, const wf_pack *a, int64_t panel)
{
    if (a->rows <= 0)
        return WEFT_OK;
    pack_job job = {a, panel, a->row0 / panel};
    int64_t  n = (a->row0 + a->rows - 1) / panel - job.first_panel + 1;
    wf_range_run(ex, n, wf_row_grain(panel * a->w.k), panels, &job);
    return WEFT_OK;
}

uint64_t wf_panel_weight_bytes(int32_t format, int64_t n, int64_t k, int64_t panel)
{
    /* 2^40 is past every matrix: below it nothing but the last product can overflow. */
    const int64_t most = (int64_t)1 << 40;
    uint64_t      bytes;
    if (format < WF_F32 || format > WF_F16 || n <= 0 || k <= 0 || n > most || k > most)
        return 0;
    uint64_t count = (uint64_t)((n + panel - 1) / panel);
    if (!wf_mul(count, (uint64_t)wf_panel_bytes(format, k, panel), &bytes) ||
        !wf_add(bytes, WF_ALIGN - 1, &bytes))
        return 0;
    return bytes / WF_ALIGN * WF_ALIGN;
}

uint64_t wf_weight_bytes_ref(int32_t format, int64_t n, int64_t k)
{
    return wf_panel_weight_bytes(format, n, k, 1);
}

weft_status wf_pack_ref(wf_exec *ex, const wf_pack *a)
{
    return wf_panel_pack(ex, a, 1);
}

static uint64_t weight_bytes16(int32_t format, int64_t n, int64_t k)
{
    return wf_panel_weight_bytes(format, n, k, 16);
}

static weft_status pack16(wf_exec *ex, const wf_pack *a)
{
    return wf_panel_pack(ex, a, 16);
}

static weft_status embed16(wf_exec *ex, const wf_embed *a)
{
    return wf_panel_embed(ex, a, 16);
}

static uint64_t weight_bytes32(int32_t format, int64_t n, int64_t k)
{
    return wf_panel_weight_bytes(format, n, k, 32);
}

static weft_status pack32(wf_exec *ex, const wf_pack *a)
{
    return wf_panel_pack(ex, a, 32);
}

static weft_status embed32(wf_exec *ex, const wf_embed *a)
{
    return wf_panel_embed(ex, a, 32);
}

void wf_ops_use_panel16(wf_ops *ops)
{
    ops->weight_bytes = weight_bytes16;
    ops->pack = pack16;
    ops->embed = embed16;
}

void wf_ops_use_panel32(wf_ops *ops)
{
    ops->weight_bytes = weight_bytes32;
    ops->pack = pack32;
    ops->embed = embed32;
}
