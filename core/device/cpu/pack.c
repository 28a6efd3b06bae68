/* SPDX-License-Identifier: Apache-2.0 */
/* Weights into panels (layout: core/device/cpu/internal.h), and their size. The same for every
 * panel width; what an instruction set does better is whole panels of four-byte words. */
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant.h"

#include <stdatomic.h>

typedef struct pack_job {
    const wf_pack  *a;
    wf_pack_words   words;              /* NULL: row by row */
    int64_t         panel, first, last; /* panels touched: first..last */
    int64_t         grain;
    _Atomic int64_t next; /* panel that nobody has begun */
} pack_job;

/* Column c of the panel at dst from word `from` of a row on: a row of the panel's own type, by
 * whole groups of four bytes while they last. A group that the row does not fill is filled with
 * zeros. */
static void copy_row(const pack_job *j, uint8_t *dst, int64_t c, const uint8_t *src, int64_t from)
{
    int32_t dtype = j->a->w.format;
    int64_t k = j->a->w.k, size = wf_dtype_bytes(dtype), step = wf_group(dtype), i = from * step;
    if (j->panel == 1) { /* plain rows */
        memcpy(dst, src, (size_t)(k * size));
        i = k;
    }
    for (; step * size == 4 && i + step <= k; i += step)
        memcpy(dst + (i / step * j->panel + c) * 4, src + i * size, 4);
    for (; i < k; i++)
        memcpy(dst + wf_panel_index(dtype, j->panel, c, i) * 2, src + i * 2, 2);
    for (; i < wf_padded_k(dtype, k); i++)
        memset(dst + wf_panel_index(dtype, j->panel, c, i) * 2, 0, 2);
}

static void convert_row(const pack_job *j, uint8_t *dst, int64_t c, const uint8_t *src)
{
    int32_t to = j->a->w.format, from = j->a->src_dtype;
    int64_t i = 0;
    for (; i < j->a->w.k; i++)
        wf_store(dst, wf_panel_index(to, j->panel, c, i), to, wf_load(src, i, from));
    for (; i < wf_padded_k(to, j->a->w.k); i++)
        wf_store(dst, wf_panel_index(to, j->panel, c, i), to, 0.0f);
}

/* Rows begin..end-1 of src, which lie within panel p. */
static void pack_rows(const pack_job *j, int64_t p, int64_t begin, int64_t end)
{
    const wf_pack *a = j->a;
    int32_t        to = a->w.format;
    int64_t        src_step = a->w.k * wf_dtype_bytes(a->src_dtype), done = 0;
    int64_t        c0 = a->row0 + begin - p * j->panel;
    const uint8_t *src = (const uint8_t *)a->src + begin * src_step;
    uint8_t       *dst = (uint8_t *)a->w.data + p * wf_panel_bytes(to, a->w.k, j->panel);
    bool           same = a->src_dtype == to;
    if (same && j->words != NULL && end - begin == j->panel && to != WF_F16)
        done = j->words(dst, src, src_step, a->w.k / wf_group(to));
    for (int64_t r = 0; r < end - begin; r++) {
        if (same)
            copy_row(j, dst, c0 + r, src + r * src_step, done);
        else
            convert_row(j, dst, c0 + r, src + r * src_step);
    }
}

/* Zeros behind the last row: the columns of the last panel that no row fills, and what rounds the
 * memory up. */
static void pad_end(const pack_job *j)
{
    const wf_weight *w = &j->a->w;
    int64_t          bytes = wf_panel_bytes(w->format, w->k, j->panel), p = (w->n - 1) / j->panel;
    int64_t  each = wf_group(w->format) * wf_dtype_bytes(w->format), used = w->n - p * j->panel;
    uint64_t all = wf_panel_weight_bytes(w->format, w->n, w->k, j->panel);
    uint8_t *dst = (uint8_t *)w->data + p * bytes, *end = dst + bytes;
    for (; used < j->panel && dst < end; dst += j->panel * each)
        memset(dst + used * each, 0, (size_t)((j->panel - used) * each));
    memset(end, 0, (size_t)((uint8_t *)w->data + all - end));
}

static void pack_panel(const pack_job *j, int64_t p)
{
    const wf_pack *a = j->a;
    int64_t        begin = p * j->panel - a->row0, end = begin + j->panel;
    pack_rows(j, p, begin > 0 ? begin : 0, end < a->rows ? end : a->rows);
    if (p == j->last && a->row0 + a->rows == a->w.n)
        pad_end(j);
}

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
            pack_panel(j, p + i);
}

weft_status wf_panel_pack(wf_exec *ex, const wf_pack *a, int64_t panel, wf_pack_words words)
{
    if (a->rows <= 0)
        return WEFT_OK;
    pack_job job = {.a = a,
                    .words = words,
                    .panel = panel,
                    .first = a->row0 / panel,
                    .last = (a->row0 + a->rows - 1) / panel,
                    .grain = wf_row_grain(panel * a->w.k)};
    atomic_init(&job.next, job.first);
    wf_pool_run(job.last - job.first < job.grain ? NULL : ex->pool, take_panels, &job);
    return WEFT_OK;
}

uint64_t wf_panel_weight_bytes(int32_t format, int64_t n, int64_t k, int64_t panel)
{
    /* 2^40 is past every matrix: below it nothing but the last product can overflow. */
    const int64_t most = (int64_t)1 << 40;
    uint64_t      bytes;
    if (wf_is_grouped(format))
        return wf_quant_weight_bytes(format, n, k);
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
    return wf_panel_pack(ex, a, 1, NULL);
}

static uint64_t weight_bytes16(int32_t format, int64_t n, int64_t k)
{
    return wf_panel_weight_bytes(format, n, k, 16);
}

static weft_status embed16(wf_exec *ex, const wf_embed *a)
{
    return wf_panel_embed(ex, a, 16);
}

static uint64_t weight_bytes32(int32_t format, int64_t n, int64_t k)
{
    return wf_panel_weight_bytes(format, n, k, 32);
}

static weft_status embed32(wf_exec *ex, const wf_embed *a)
{
    return wf_panel_embed(ex, a, 32);
}

void wf_ops_use_panel16(wf_ops *ops)
{
    ops->weight_bytes = weight_bytes16;
    ops->embed = embed16;
}

void wf_ops_use_panel32(wf_ops *ops)
{
    ops->weight_bytes = weight_bytes32;
    ops->embed = embed32;
}
