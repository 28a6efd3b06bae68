/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a packed weight as f32: token embedding, from the same copy that a tied head multiplies.
 */
#include "core/device/cpu/internal.h"

typedef struct embed_job {
    const wf_embed *a;
    int64_t         panel;
} embed_job;

static void embed_rows(void *ctx, int64_t begin, int64_t end)
{
    const embed_job *j = ctx;
    const wf_embed  *a = j->a;
    int32_t          dtype = a->w.format;
    int64_t          bytes = wf_panel_bytes(dtype, a->w.k, j->panel);
    for (int64_t r = begin; r < end; r++) {
        int64_t id = a->ids[r];
        if (id < 0 || id >= a->w.n)
            continue;
        const void *panel = (const uint8_t *)a->w.data + id / j->panel * bytes;
        float      *dst = a->dst + r * a->dst_stride;
        for (int64_t i = 0; i < a->w.k; i++)
            dst[i] = wf_load(panel, wf_panel_index(dtype, j->panel, id % j->panel, i), dtype);
    }
}

weft_status wf_panel_embed(wf_exec *ex, const wf_embed *a, int64_t panel)
{
    embed_job job = {a, panel};
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->w.k), embed_rows, &job);
    return WEFT_OK;
}

weft_status wf_embed_ref(wf_exec *ex, const wf_embed *a)
{
    return wf_panel_embed(ex, a, 1);
}
