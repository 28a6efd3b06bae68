/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a step's tables. */
#include <string.h>

#include "core/base/mem.h"
#include "core/sequence/layout.h"

/* Steps of up to so many rows have sizes of powers of two, others multiples of it. */
#define FINE_ROWS 16

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
static void fill_padding(const wf_layout *l)
{
    int32_t *ids = wf_tables_host(l->t, l->ids), *pos = wf_tables_host(l->t, l->pos);
    int32_t *begin = wf_tables_host(l->t, l->self.begin), *end = wf_tables_host(l->t, l->self.end),
            *last = wf_tables_host(l->t, l->self.last);
    int64_t *slot = wf_tables_host(l->t, l->slot);
    for (int64_t r = l->m - l->n_padding; r < l->m; r++) {
        ids[r] = pos[r] = begin[r] = end[r] = last[r] = 0;
        slot[r] = -1;
    }
}

static void fill_rows(const wf_layout *l)
{
    int32_t *ids = wf_tables_host(l->t, l->ids), *pos = wf_tables_host(l->t, l->pos);
    int32_t *out = wf_tables_host(l->t, l->out);
    int64_t *slot = wf_tables_host(l->t, l->slot), r = 0, whole = 0, best = l->n_logits;
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

static int64_t most_spans(const wf_tables *t, const wf_seen_at *s, int64_t n)
{
    const int32_t *begin = wf_tables_host(t, s->begin), *end = wf_tables_host(t, s->end);
    int64_t        most = 1;
    for (int64_t r = 0; r < n; r++)
        while (most < end[r] - begin[r])
            most *= 2;
    return most;
}

static wf_seen seen_of(const wf_tables *t, const wf_seen_at *s, int64_t n, int64_t n_padding)
{
    return (wf_seen){n,
                     wf_tables_device(t, s->index),
                     wf_tables_device(t, s->begin),
                     wf_tables_device(t, s->end),
                     wf_tables_device(t, s->last),
                     wf_tables_device(t, s->spans),
                     most_spans(t, s, n),
                     n_padding};
}

/* Each row sees its sequence's blocks up to its own place. Returns how many spans there are. */
static int64_t fill_self(const wf_layout *l)
{
    int32_t *begin = wf_tables_host(l->t, l->self.begin), *end = wf_tables_host(l->t, l->self.end),
            *last = wf_tables_host(l->t, l->self.last);
    wf_kv_span *spans = wf_tables_host(l->t, l->self.spans);
    int64_t     r = 0, n = 0;
    for (int32_t i = 0; i < l->n_parts; i++) {
        const weft_sequence *s = l->parts[i]->seq;
        int64_t              blocks = wf_part_blocks(l->parts[i]), first = n;
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
static int64_t fill_stream(const wf_layout *l, int32_t stream, const wf_seen_at *at, wf_seen *seen)
{
    filling f = {wf_tables_host(l->t, at->index),
                 wf_tables_host(l->t, at->begin),
                 wf_tables_host(l->t, at->end),
                 wf_tables_host(l->t, at->last),
                 wf_tables_host(l->t, at->spans),
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
static wf_soft_rows soft_rows(const wf_layout *l, const weft_sequence *s, int32_t k,
                              const wf_step_part *part, int64_t shift, int64_t *used)
{
    const wf_seq_item *it = &s->items[k];
    size_t             src_at = l->soft + (size_t)*used * sizeof(int32_t);
    size_t             dst_at = src_at + (size_t)l->m * sizeof(int32_t);
    int32_t           *src = wf_tables_host(l->t, src_at), *dst = wf_tables_host(l->t, dst_at);
    const wf_marker   *mk = &l->t->sites->markers[it->marker];
    bool               soft = s->toks[it->pos].row >= 0;
    int64_t            from = s->n_done, to = s->n_done + part->n_rows, n = 0;
    const float       *rows = soft ? it->item->output[0] : mk->embedding;
    to = to < it->end ? to : it->end;
    for (int64_t p = it->pos > from ? it->pos : from; rows != NULL && p < to; p++) {
        if (s->toks[p].item != k) /* text of the item's wf_layout */
            continue;
        src[n] = soft ? s->toks[p].row : 0;
        dst[n++] = (int32_t)(p + shift);
    }
    *used += n;
    return (wf_soft_rows){.src = rows,
                          .src_index = wf_tables_device(l->t, src_at),
                          .dst_index = wf_tables_device(l->t, dst_at),
                          .n = n};
}

/* A list for each item that has rows in the step; an item that has none leaves no trace, so that
 * steps that only go on are alike whatever their items are. Returns how many lists there are. */
static int64_t fill_soft(const wf_layout *l, wf_soft_rows *soft, int64_t d_model)
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
static int64_t fill_updated(const wf_layout *l, wf_row_range *out)
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

static weft_status fill_lists(const wf_layout *l, weft_queue *q, wf_tables_use *use,
                              weft_error *err)
{
    size_t      end = l->end, each = sizeof(wf_kv_span);
    int64_t     n = fill_self(l);
    weft_status status = upload(l->t, q, l->self.spans, (size_t)n * each, err);
    for (int32_t i = 0; i < l->t->sites->n_streams; i++) {
        wf_seen_at at = wf_layout_stream(l->t, &end, l->m, i);
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
    wf_layout l = {.t = t, .parts = parts, .n_parts = n};
    int32_t   n_best = 1;
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
    wf_layout_make(&l);
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
    use->batch.ids = wf_tables_device(t, l.ids);
    use->batch.pos = wf_tables_device(t, l.pos);
    use->batch.slot = wf_tables_device(t, l.slot);
    use->batch.out_index = wf_tables_device(t, l.out);
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
