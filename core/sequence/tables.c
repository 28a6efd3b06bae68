/* SPDX-License-Identifier: Apache-2.0 */
/* A step's tables: where each stands, and how large it can become. */
#include "core/sequence/layout.h"

#include <string.h>

#define TABLE_ALIGN 16u
/* Sequences in one step that each have room for a whole context, or for all pages that media can
 * take. A step that needs more runs in several passes. */
#define WHOLE_CONTEXTS 64
#define WHOLE_MEDIA 4

static size_t carve(size_t *end, int64_t n, size_t each)
{
    size_t at = *end;
    *end += ((size_t)n * each + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
    return at;
}

/* The most key blocks that the items of a stream can have. Each block of 64 rows takes a page at
 * every site that reads the stream. */
static int64_t stream_most(const wf_tables *t, int32_t stream)
{
    int32_t n = t->sites->streams[stream].n_sites;
    return n > 0 ? WHOLE_MEDIA * (t->pages / n + 1) : 0;
}

/* The lists of key blocks stand first: that of the text itself (stream -1), then one a stream.
 * Returns the offset of a stream's list; for stream n_streams that of what follows the lists. */
static size_t spans_at(const wf_tables *t, int32_t stream)
{
    size_t end = 0;
    if (stream >= 0)
        (void)carve(&end, t->self, sizeof(wf_kv_span));
    for (int32_t i = 0; i < stream; i++)
        (void)carve(&end, stream_most(t, i), sizeof(wf_kv_span));
    return end;
}

wf_seen_at wf_layout_stream(const wf_tables *t, size_t *end, int64_t m, int32_t stream)
{
    wf_seen_at s;
    s.index = carve(end, m, sizeof(int32_t));
    s.begin = carve(end, m, sizeof(int32_t));
    s.end = carve(end, m, sizeof(int32_t));
    s.last = carve(end, m, sizeof(int32_t));
    s.spans = spans_at(t, stream);
    return s;
}

void wf_layout_make(wf_layout *l)
{
    l->end = spans_at(l->t, l->t->sites->n_streams);
    l->ids = carve(&l->end, l->m, sizeof(int32_t));
    l->pos = carve(&l->end, l->m, sizeof(int32_t));
    l->slot = carve(&l->end, l->m, sizeof(int64_t));
    l->out = carve(&l->end, l->m, sizeof(int32_t));
    l->soft =
        carve(&l->end, 2 * l->m, sizeof(int32_t)); /* two arrays; a row is replaced once at most */
    l->self = wf_layout_stream(l->t, &l->end, l->m, -1);
}

static size_t all_bytes(const wf_tables *t)
{
    wf_layout l = {.t = t, .m = t->rows};
    wf_layout_make(&l);
    size_t end = l.end;
    for (int32_t i = 0; i < t->sites->n_streams; i++)
        (void)wf_layout_stream(t, &end, t->rows, i);
    return end;
}

weft_status wf_tables_reserve(wf_tables *t, wf_device *d, const wf_hooks *sites, int64_t rows,
                              int64_t context, int64_t pages, weft_error *err)
{
    void   *host, *data = NULL, *best = NULL;
    int64_t whole = rows < WHOLE_CONTEXTS ? rows : WHOLE_CONTEXTS;
    if (t->data != NULL)
        return WEFT_OK;
    *t = (wf_tables){.device = d, .sites = sites, .rows = rows, .pages = pages};
    t->self = whole * ((context + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS);
    t->bytes = all_bytes(t);
    weft_status status = wf_device_host_alloc(d, t->bytes, &host, err);
    if (status != WEFT_OK)
        return status;
    status = wf_device_host_alloc(d, (uint64_t)rows * WF_ROW_BEST_BYTES(WF_BEST_MOST), &best, err);
    if (status == WEFT_OK)
        status = wf_device_alloc(d, t->bytes, &data, err);
    if (status != WEFT_OK) {
        wf_device_host_free(d, host);
        wf_device_host_free(d, best);
        return status;
    }
    t->host = host;
    t->best = best;
    t->data = data;
    /* Arrays of rows go up whole, their unused ends too. */
    size_t rows_at = spans_at(t, sites->n_streams);
    memset(t->host + rows_at, 0, t->bytes - rows_at);
    return WEFT_OK;
}

void wf_tables_free(wf_tables *t)
{
    if (t->device != NULL) {
        wf_device_free(t->device, t->data);
        wf_device_host_free(t->device, t->host);
        wf_device_host_free(t->device, t->best);
    }
    memset(t, 0, sizeof *t);
}

/* The key blocks that a part can list for a stream: all items of its sequence, each listed once. */
static int64_t media_blocks(const wf_step_part *p, int32_t stream)
{
    int64_t n = 0;
    for (int32_t i = 0; i < p->seq->n_items; i++) {
        const weft_item *item = p->seq->items[i].item;
        int32_t          o = wf_item_output(item, stream);
        n += o >= 0 ? item->kv[o].n_runs : 0;
    }
    return n;
}

static bool stream_fits(const wf_tables *t, wf_step_part *const *parts, int32_t n, int32_t stream)
{
    int64_t blocks = 0;
    for (int32_t i = 0; i < n; i++)
        blocks += media_blocks(parts[i], stream);
    return t->sites->streams[stream].n_sites == 0 || blocks <= stream_most(t, stream);
}

int32_t wf_tables_fit(const wf_tables *t, wf_step_part *const *parts, int32_t n)
{
    int64_t blocks = 0;
    int32_t fit = 0;
    while (fit < n && blocks + wf_part_blocks(parts[fit]) <= t->self)
        blocks += wf_part_blocks(parts[fit++]);
    for (int32_t s = 0; s < t->sites->n_streams; s++)
        while (fit > 0 && !stream_fits(t, parts, fit, s))
            fit--;
    return fit;
}
