/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in q8 and q4: their size, packing over threads, and rows of them as f32. */
#include "core/device/cpu/quant.h"

#include <stdatomic.h>

#include "core/device/cpu/internal.h"

uint64_t wf_quant_weight_bytes(int32_t format, int64_t n, int64_t k)
{
    /* 2^40 is past every matrix: below it nothing but the last product can overflow. */
    const int64_t most = (int64_t)1 << 40;
    uint64_t      bytes;
    if (n <= 0 || k <= 0 || n > most || k > most)
        return 0;
    uint64_t panels = (uint64_t)((n + WF_Q_PANEL - 1) / WF_Q_PANEL);
    if (!wf_mul(panels, (uint64_t)(wf_groups(k) * wf_quant_group(format)), &bytes))
        return 0;
    return bytes; /* groups of a panel are whole lines */
}

typedef struct pack_job {
    const wf_pack *a;
    void (*panel)(const wf_pack *a, int64_t p);
    int64_t         last, grain;
    _Atomic int64_t next; /* panel that nobody has begun */
} pack_job;

/* Threads take panels as they come: while a file is read, one of them shares its CPU with the
 * reader. */
static void take_panels(void *ctx, int32_t index, int32_t count)
{
    pack_job *j = ctx;
    int64_t   p;
    (void)index;
    (void)count;
    while ((p = atomic_fetch_add(&j->next, j->grain)) <= j->last)
        for (int64_t i = 0; i < j->grain && p + i <= j->last; i++)
            j->panel(j->a, p + i);
}

weft_status wf_quant_pack(wf_exec *ex, const wf_pack *a)
{
    if (a->rows <= 0)
        return WEFT_OK;
    int64_t  first = a->row0 / WF_Q_PANEL;
    pack_job job = {.a = a,
                    .panel = ex->ops->quant->pack_panel,
                    .last = (a->row0 + a->rows - 1) / WF_Q_PANEL,
                    .grain = wf_row_grain(WF_Q_PANEL * a->w.k)};
    atomic_init(&job.next, first);
    wf_pool_run(job.last - first < job.grain ? NULL : ex->pool, take_panels, &job);
    return WEFT_OK;
}

typedef struct host_job {
    const wf_pack *a;
    void (*panel)(const wf_pack *a, int64_t p, const float *by, uint8_t *dst);
    const float *by;
    uint8_t     *dst;
} host_job;

static void host_panels(void *ctx, int64_t begin, int64_t end)
{
    const host_job *j = ctx;
    for (int64_t p = begin; p < end; p++)
        j->panel(j->a, p, j->by, j->dst);
}

void wf_quantize_rows(const wf_ops *ops, wf_pool *pool, const wf_pack *a, const float *by,
                      uint8_t *dst)
{
    wf_exec  ex = {.pool = pool, .ops = ops};
    host_job job = {a, ops->quant->host_panel, by, dst};
    wf_range_run(&ex, (a->rows + WF_Q_PANEL - 1) / WF_Q_PANEL, 1, host_panels, &job);
}

/* Element e of a column of a group, as an integer. */
static int32_t element(const uint8_t *group, int32_t format, int64_t column, int64_t e)
{
    const uint8_t *at = group + wf_quant_elements(format) + column * 4;
    if (format == WF_Q8)
        return (int32_t)at[e / 4 * 4 * WF_Q_PANEL + e % 4] - 128;
    int64_t half = e % (WF_GROUP / 2);
    int32_t both = at[half / 4 * 4 * WF_Q_PANEL + half % 4];
    return e == half ? both & 15 : both >> 4;
}

static float scale_at(const uint8_t *group, int64_t i)
{
    uint16_t h;
    memcpy(&h, group + 2 * i, 2);
    return wf_from_f16(h);
}

static void embed_row(const wf_weight *w, int64_t row, float *dst)
{
    int64_t        each = wf_quant_group(w->format), c = row % WF_Q_PANEL;
    const uint8_t *group = (const uint8_t *)w->data + row / WF_Q_PANEL * wf_groups(w->k) * each;
    for (int64_t i = 0; i < w->k; i++) {
        int64_t e = i % WF_GROUP;
        group += i > 0 && e == 0 ? each : 0;
        dst[i] = scale_at(group, c) * (float)element(group, w->format, c, e);
        if (w->format == WF_Q4)
            dst[i] = dst[i] + scale_at(group, WF_Q_PANEL + c);
    }
}

static void embed_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_embed *a = ctx;
    for (int64_t r = begin; r < end; r++)
        if (a->ids[r] >= 0 && a->ids[r] < a->w.n)
            embed_row(&a->w, a->ids[r], a->dst + r * a->dst_stride);
}

weft_status wf_quant_embed(wf_exec *ex, const wf_embed *a)
{
    wf_embed copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->w.k), embed_rows, &copy);
    return WEFT_OK;
}
