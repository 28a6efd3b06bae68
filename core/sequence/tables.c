/* SPDX-License-Identifier: Apache-2.0 */
/* A step's tables: where each stands, how large it can become, and what is in it. */
#include "core/sequence/tables.h"

#include <string.h>

#include "core/base/mem.h"

#define TABLE_ALIGN 16u
/* Sequences in one step that each have room for a whole context, or for all pages that media can
 * take. A step that needs more runs in several passes. */
#define WHOLE_CONTEXTS 64
#define WHOLE_MEDIA 4
/* Steps of up to so many rows have sizes of powers of two, others multiples of it. */
#define FINE_ROWS 16

/* Where arrays stand, as offsets. */
typedef struct seen_at {
    size_t index, begin, end, last, spans;
} seen_at;

typedef struct layout {
    const wf_tables     *t;
    wf_step_part *const *parts;
    int32_t              n_parts, reserved;
    int64_t              m, n_out, n_logits, n_padding;
    size_t               end, ids, pos, slot, out, soft;
    seen_at              self;
} layout;

static size_t carve(size_t *end, int64_t n, size_t each)
{
    size_t at = *end;
    *end += ((size_t)n * each + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
    return at;
}

static void *host_at(const wf_tables *t, size_t offset)
{
    return t->host + offset;
}

static void *device_at(const wf_tables *t, size_t offset)
{
    return t->data + offset;
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

static seen_at carve_seen(const wf_tables *t, size_t *end, int64_t m, int32_t stream)
{
    seen_at s;
    s.index = carve(end, m, sizeof(int32_t));
    s.begin = carve(end, m, sizeof(int32_t));
    s.end = carve(end, m, sizeof(int32_t));
    s.last = carve(end, m, sizeof(int32_t));
    s.spans = spans_at(t, stream);
    return s;
}

/* The arrays of one entry a row, but for those of streams, which follow one another from l->end
 * on. */
static void lay_out(layout *l)
{
    l->end = spans_at(l->t, l->t->sites->n_streams);
    l->ids = carve(&l->end, l->m, sizeof(int32_t));
    l->pos = carve(&l->end, l->m, sizeof(int32_t));
    l->slot = carve(&l->end, l->m, sizeof(int64_t));
    l->out = carve(&l->end, l->m, sizeof(int32_t));
    l->soft =
        carve(&l->end, 2 * l->m, sizeof(int32_t)); /* two arrays; a row is replaced once at most */
    l->self = carve_seen(l->t, &l->end, l->m, -1);
}

static size_t all_bytes(const wf_tables *t)
{
    layout l = {.t = t, .m = t->rows};
    lay_out(&l);
    size_t end = l.end;
    for (int32_t i = 0; i < t->sites->n_streams; i++)
        (void)carve_seen(t, &end, t->rows, i);
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

static int64_t text_blocks(const wf_step_part *p)
{
    return (p->seq->n_done + p->n_rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
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
    while (fit < n && blocks + text_blocks(parts[fit]) <= t->self)
        blocks += text_blocks(parts[fit++]);
    for (int32_t s = 0; s < t->sites->n_streams; s++)
        while (fit > 0 && !stream_fits(t, parts, fit, s))
            fit--;
    return fit;
}

/* So many rows a step has for n of them, most at most: on a device that keeps lists of ops there
 * are few sizes, so that a size comes again soon. */
static int64_t size_for(const wf_tables *t, int64_t n, int64_t most)
{
    int64_t size = n > FINE_ROWS ? (n + FINE_ROWS - 1) / FINE_ROWS * FINE_ROWS : 1;
    while (size < n)
        size *= 2;
    return !t->device->keeps_lists || n == 0 ? n : size < most ? size : most;
}

/* The last rows, which are nobody's: they see nothing and are kept nowhere. */
static void fill_padding(const layout *l)
{
    int32_t *ids = host_at(l->t, l->ids), *pos = host_at(l->t, l->pos);
    int32_t *begin = host_at(l->t, l->self.begin), *end = host_at(l->t, l->self.end),
            *last = host_at(l->t, l->self.last);
    int64_t *slot = host_at(l->t, l->slot);
    for (int64_t r = l->m - l->n_padding; r < l->m; r++) {
        ids[r] = pos[r] = begin[r] = end[r] = last[r] = 0;
        slot[r] = -1;
    }
}

static void fill_rows(const layout *l)
{
    int32_t *ids = host_at(l->t, l->ids), *pos = host_at(l->t, l->pos);
    int32_t *out = host_at(l->t, l->out);
    int64_t *slot = host_at(l->t, l->slot), r = 0, whole = 0, best = l->n_logits;
    memset(out, 0, (size_t)l->n_out * sizeof *out);
    for (int32_t i = 0; i < l->n_parts; i++) {
        const weft_sequence *s = l->parts[i]->seq;
        for (int64_t k = 0; k < l->parts[i]->n_rows; k++, r++) {
            int64_t          p = s->n_done + k;
            const wf_tok    *tok = &s->toks[p];
            const wf_marker *mk =
                tok->item >= 0 ? &l->t->sites->markers[s->items[tok->item].marker] : NULL;
            bool elsewhere = mk != NULL && (tok->row >= 0 || mk->embedding != NULL);
            ids[r] = elsewhere ? -1 : tok->id;
            pos[r] = (int32_t)p;
            slot[r] =
                (int64_t)s->blocks[p / WF_PAGE_TOKENS]->page * WF_PAGE_TOKENS + p % WF_PAGE_TOKENS;
            if (k >= l->parts[i]->n_rows - l->parts[i]->n_out)
                out[wf_part_is_whole(l->parts[i]) ? whole++ : best++] = (int32_t)r;
        }
    }
}

static int64_t most_spans(const wf_tables *t, const seen_at *s, int64_t n)
{
    const int32_t *begin = host_at(t, s->begin), *end = host_at(t, s->end);
    int64_t        most = 1;
    for (int64_t r = 0; r < n; r++)
        while (most < end[r] - begin[r])
            most *= 2;
    return most;
}

static wf_seen seen_of(const wf_tables *t, const seen_at *s, int64_t n, int64_t n_padding)
{
    return (wf_seen){n,
                     device_at(t, s->index),
                     device_at(t, s->begin),
                     device_at(t, s->end),
                     device_at(t, s->last),
                     device_at(t, s->spans),
                     most_spans(t, s, n),
                     n_padding};
}

/* Each row sees its sequence's blocks up to its own place. Returns how many spans there are. */
static int64_t fill_self(const layout *l)
{
    int32_t *begin = host_at(l->t, l->self.begin), *end = host_at(l->t, l->self.end),
            *last = host_at(l->t, l->self.last);
    wf_kv_span *spans = host_at(l->t, l->self.spans);
    int64_t     r = 0, n = 0;
    for (int32_t i = 0; i < l->n_parts; i++) {
        const weft_sequence *s = l->parts[i]->seq;
        int64_t              blocks = text_blocks(l->parts[i]), first = n;
        for (int64_t b = 0; b < blocks; b++)
            spans[n++] = (wf_kv_span){s->blocks[b]->page, WF_PAGE_TOKENS};
        for (int64_t k = 0; k < l->parts[i]->n_rows; k++, r++) {
            int64_t p = s->n_done + k;
            begin[r] = (int32_t)first;
            end[r] = (int32_t)(first + p / WF_PAGE_TOKENS + 1);
            last[r] = (int32_t)(p % WF_PAGE_TOKENS) + 1;
        }
    }
    return n;
}

static int64_t add_spans(wf_kv_span *spans, int64_t n, const wf_item_kv *kv)
{
    for (int32_t r = 0; r < kv->n_runs; r++) {
        int64_t left = kv->n_rows - (int64_t)r * WF_PAGE_TOKENS;
        spans[n++] =
            (wf_kv_span){kv->runs[r], left < WF_PAGE_TOKENS ? (int32_t)left : WF_PAGE_TOKENS};
    }
    return n;
}

/* A stream's arrays while they are filled: n rows that see an item, and the n_spans key blocks that
 * they look at. */
typedef struct filling {
    int32_t    *index, *begin, *end, *last;
    wf_kv_span *spans;
    int64_t     n, n_spans;
} filling;

/* Adds the rows of one part that see items of a stream. Rows whose first visible item is the same
 * share one list of key blocks: a later row sees more items, so the list grows, and each row sees
 * the blocks up to where the list ended when the row came. */
static void fill_part(filling *f, const wf_step_part *part, int32_t stream, int64_t row0)
{
    int32_t group = -1, upto = 0;
    int64_t group_at = f->n_spans;
    for (int64_t k = 0; k < part->n_rows; k++) {
        int32_t a, b;
        wf_sequence_visible(part->seq, stream, part->seq->n_done + k, &a, &b);
        if (a == b)
            continue;
        if (a != group) {
            group = upto = a;
            group_at = f->n_spans;
        }
        for (; upto < b; upto++) {
            int32_t o = wf_item_output(part->seq->items[upto].item, stream);
            if (o >= 0)
                f->n_spans = add_spans(f->spans, f->n_spans, &part->seq->items[upto].item->kv[o]);
        }
        f->index[f->n] = (int32_t)(row0 + k);
        f->begin[f->n] = (int32_t)group_at;
        f->end[f->n] = (int32_t)f->n_spans;
        f->last[f->n++] = WF_PAGE_TOKENS;
    }
}

/* Fills a stream's arrays with the rows of all parts. Returns the number of key blocks; *seen gets
 * the arrays' addresses on the device. */
static int64_t fill_stream(const layout *l, int32_t stream, const seen_at *at, wf_seen *seen)
{
    filling f = {host_at(l->t, at->index),
                 host_at(l->t, at->begin),
                 host_at(l->t, at->end),
                 host_at(l->t, at->last),
                 host_at(l->t, at->spans),
                 0,
                 0};
    int64_t row = 0;
    for (int32_t i = 0; i < l->n_parts; i++) {
        if (l->t->sites->streams[stream].n_sites > 0 && l->parts[i]->seq->n_items > 0)
            fill_part(&f, l->parts[i], stream, row);
        row += l->parts[i]->n_rows;
    }
    const int64_t n = size_for(l->t, f.n, l->m);
    for (int64_t r = f.n; r < n; r++) { /* rows that are nobody's, and see nothing */
        f.index[r] = -1;
        f.begin[r] = f.end[r] = f.last[r] = 0;
    }
    *seen = seen_of(l->t, at, n, n - f.n);
    return f.n_spans;
}

/* What takes the place of embeddings for one item: its soft rows that are in this step, or the
 * embedding of its marker. Its entries stand behind the *used ones of earlier items. shift is what
 * is added to a position for the row of the step. */
static wf_soft_rows soft_rows(const layout *l, const weft_sequence *s, int32_t k,
                              const wf_step_part *part, int64_t shift, int64_t *used)
{
    const wf_seq_item *it = &s->items[k];
    size_t             src_at = l->soft + (size_t)*used * sizeof(int32_t);
    size_t             dst_at = src_at + (size_t)l->m * sizeof(int32_t);
    int32_t           *src = host_at(l->t, src_at), *dst = host_at(l->t, dst_at);
    const wf_marker   *mk = &l->t->sites->markers[it->marker];
    bool               soft = s->toks[it->pos].row >= 0;
    int64_t            from = s->n_done, to = s->n_done + part->n_rows, n = 0;
    const float       *rows = soft ? it->item->output[0] : mk->embedding;
    to = to < it->end ? to : it->end;
    for (int64_t p = it->pos > from ? it->pos : from; rows != NULL && p < to; p++) {
        if (s->toks[p].item != k) /* text of the item's layout */
            continue;
        src[n] = soft ? s->toks[p].row : 0;
        dst[n++] = (int32_t)(p + shift);
    }
    *used += n;
    return (wf_soft_rows){.src = rows,
                          .src_index = device_at(l->t, src_at),
                          .dst_index = device_at(l->t, dst_at),
                          .n = n};
}

/* A list for each item that has rows in the step; an item that has none leaves no trace, so that
 * steps that only go on are alike whatever their items are. Returns how many lists there are. */
static int64_t fill_soft(const layout *l, wf_soft_rows *soft, int64_t d_model)
{
    int64_t row = 0, n = 0, used = 0;
    for (int32_t i = 0; i < l->n_parts; row += l->parts[i++]->n_rows) {
        const weft_sequence *s = l->parts[i]->seq;
        for (int32_t k = 0; k < s->n_items; k++) {
            soft[n] = soft_rows(l, s, k, l->parts[i], row - s->n_done, &used);
            soft[n].src_stride = d_model;
            n += soft[n].n > 0;
        }
    }
    return n;
}

/* The rows of sequences with the low-rank update; neighbours are one range. Returns how many there
 * are. */
static int64_t fill_updated(const layout *l, wf_row_range *out)
{
    int64_t row = 0, n = 0;
    for (int32_t i = 0; i < l->n_parts; row += l->parts[i++]->n_rows) {
        if (!wf_sequence_is_updated(l->parts[i]->seq) || l->parts[i]->n_rows == 0)
            continue;
        if (n > 0 && out[n - 1].first + out[n - 1].n == row)
            out[n - 1].n += l->parts[i]->n_rows;
        else
            out[n++] = (wf_row_range){row, l->parts[i]->n_rows};
    }
    return n;
}

static weft_status upload(const wf_tables *t, weft_queue *q, size_t at, size_t bytes,
                          weft_error *err)
{
    return wf_queue_upload(q, t->data + at, t->host + at, bytes, err);
}

static weft_status fill_lists(const layout *l, weft_queue *q, wf_tables_use *use, weft_error *err)
{
    size_t      end = l->end, each = sizeof(wf_kv_span);
    int64_t     n = fill_self(l);
    weft_status status = upload(l->t, q, l->self.spans, (size_t)n * each, err);
    for (int32_t i = 0; i < l->t->sites->n_streams; i++) {
        seen_at at = carve_seen(l->t, &end, l->m, i);
        n = fill_stream(l, i, &at, &use->streams[i]);
        if (status == WEFT_OK)
            status = upload(l->t, q, at.spans, (size_t)n * each, err);
    }
    use->row_bytes = end - l->ids;
    return status;
}

static weft_status make_lists(const wf_tables *t, int32_t n_parts, wf_tables_use *use,
                              weft_error *err)
{
    size_t n = (size_t)use->batch.n_soft;
    use->soft = wf_zalloc_n(n + 1, sizeof *use->soft);
    use->streams = wf_zalloc_n((size_t)t->sites->n_streams + 1, sizeof *use->streams);
    use->updated = wf_zalloc_n((size_t)n_parts, sizeof *use->updated);
    use->batch.soft = use->soft;
    use->batch.streams = use->streams;
    use->batch.updated = use->updated;
    return use->soft != NULL && use->streams != NULL && use->updated != NULL
               ? WEFT_OK
               : wf_fail_nomem(err, n * sizeof *use->soft, "a step's lists");
}

weft_status wf_tables_fill(wf_tables *t, wf_step_part *const *parts, int32_t n, int64_t d_model,
                           weft_queue *q, wf_tables_use *use, weft_error *err)
{
    layout  l = {.t = t, .parts = parts, .n_parts = n};
    int32_t n_best = 1;
    *use = (wf_tables_use){.row_bytes = 0};
    for (int32_t i = 0; i < n; i++) {
        l.m += parts[i]->n_rows;
        l.n_out += parts[i]->n_out;
        l.n_logits += wf_part_is_whole(parts[i]) ? parts[i]->n_out : 0;
        n_best = parts[i]->likeliest == NULL && parts[i]->tokens != NULL ? WF_BEST_MOST : n_best;
        use->batch.n_soft += parts[i]->seq->n_items;
    }
    const int64_t rows = l.m, outs = l.n_out;
    l.m = size_for(t, rows, t->rows);
    l.n_out = size_for(t, outs, t->rows);
    l.n_padding = l.m - rows;
    lay_out(&l);
    weft_status status = make_lists(t, n, use, err);
    if (status == WEFT_OK)
        status = fill_lists(&l, q, use, err);
    if (status == WEFT_OK) {
        fill_rows(&l);
        fill_padding(&l);
        use->batch.n_soft = fill_soft(&l, use->soft, d_model);
        use->batch.n_updated = fill_updated(&l, use->updated);
        status = upload(t, q, l.ids, use->row_bytes, err);
    }
    use->batch.m = l.m;
    use->batch.n_padding = l.n_padding;
    use->batch.n_out = l.n_out;
    use->batch.n_logits = l.n_logits;
    use->batch.best = t->best;
    use->batch.n_best = n_best;
    use->batch.ids = device_at(t, l.ids);
    use->batch.pos = device_at(t, l.pos);
    use->batch.slot = device_at(t, l.slot);
    use->batch.out_index = device_at(t, l.out);
    use->batch.self = seen_of(t, &l.self, l.m, 0);
    if (status != WEFT_OK)
        wf_tables_done(use);
    return status;
}

void wf_tables_done(wf_tables_use *use)
{
    wf_free(use->soft);
    wf_free(use->streams);
    wf_free(use->updated);
    use->updated = NULL;
    use->soft = NULL;
    use->streams = NULL;
}
