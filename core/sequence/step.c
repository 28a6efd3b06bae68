/* SPDX-License-Identifier: Apache-2.0 */
/* A step: rows of many sequences become the tables of one batch, one upload, one forward pass. */
#include "core/sequence/step.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

#define TABLE_ALIGN 16u

/* Where the tables lie in the blob, as offsets: the blob may move while it grows. */
typedef struct seen_at {
    size_t  index, begin, end, last, spans;
    int64_t n, n_spans;
} seen_at;

typedef struct tables {
    wf_stepper    *st;
    wf_step_part **parts; /* those that run */
    int32_t        n_parts, n_streams;
    int64_t        m, n_out;
    size_t         bytes;
    size_t         ids, pos, slot, out;
    seen_at        self, *streams;
    wf_soft_rows  *soft;
    size_t        *soft_at; /* offset of each soft[]'s two index lists */
    int64_t        n_soft;
} tables;

static size_t carve(tables *t, int64_t n, size_t each)
{
    size_t at = t->bytes;
    t->bytes += ((size_t)n * each + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
    return at;
}

static void *host_at(const tables *t, size_t offset)
{
    return (uint8_t *)t->st->blob + offset;
}

static void *device_at(const tables *t, size_t offset)
{
    return (uint8_t *)t->st->device_blob + offset;
}

static void carve_seen(tables *t, seen_at *s, int64_t n_spans)
{
    s->index = carve(t, t->m, sizeof(int32_t));
    s->begin = carve(t, t->m, sizeof(int32_t));
    s->end = carve(t, t->m, sizeof(int32_t));
    s->last = carve(t, t->m, sizeof(int32_t));
    s->spans = carve(t, n_spans, sizeof(wf_kv_span));
}

/* Every list at its largest: items of a sequence stand in a stream's spans at most once. */
static void carve_all(tables *t)
{
    int64_t self = 0, items = 0;
    for (int32_t i = 0; i < t->n_parts; i++) {
        const weft_sequence *s = t->parts[i]->seq;
        self += (s->n_done + t->parts[i]->n_rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
        for (int32_t k = 0; k < s->n_items; k++)
            for (uint32_t o = 0; o < s->items[k].item->plan.n_outputs; o++)
                items += s->items[k].item->kv[o].n_runs;
    }
    t->ids = carve(t, t->m, sizeof(int32_t));
    t->pos = carve(t, t->m, sizeof(int32_t));
    t->slot = carve(t, t->m, sizeof(int64_t));
    t->out = carve(t, t->n_out, sizeof(int32_t));
    carve_seen(t, &t->self, self);
    for (int32_t i = 0; i < t->n_streams; i++)
        carve_seen(t, &t->streams[i], items);
    for (int64_t i = 0; i < t->n_soft; i++)
        t->soft_at[i] = carve(t, 2 * t->m, sizeof(int32_t));
}

static weft_status blob_reserve(wf_stepper *st, size_t bytes, weft_error *err)
{
    if (bytes > st->blob_cap) {
        void *p = wf_realloc(st->blob, bytes * 2);
        if (p == NULL)
            return wf_fail_nomem(err, bytes * 2, "a step's tables");
        st->blob = p;
        st->blob_cap = bytes * 2;
    }
    if (bytes <= st->device_blob_cap)
        return WEFT_OK;
    void       *p;
    weft_status status = wf_device_alloc(st->device, bytes * 2, &p, err);
    if (status != WEFT_OK)
        return status;
    wf_device_free(st->device, st->device_blob); /* every step ends with a wait */
    st->device_blob = p;
    st->device_blob_cap = bytes * 2;
    return WEFT_OK;
}

static void fill_rows(tables *t)
{
    int32_t *ids = host_at(t, t->ids), *pos = host_at(t, t->pos), *out = host_at(t, t->out);
    int64_t *slot = host_at(t, t->slot), r = 0, o = 0;
    for (int32_t i = 0; i < t->n_parts; i++) {
        const weft_sequence *s = t->parts[i]->seq;
        for (int64_t k = 0; k < t->parts[i]->n_rows; k++, r++) {
            int64_t          p = s->n_done + k;
            const wf_tok    *tok = &s->toks[p];
            const wf_marker *mk =
                tok->item >= 0 ? &t->st->sites->markers[s->items[tok->item].marker] : NULL;
            bool elsewhere = mk != NULL && (tok->row >= 0 || mk->embedding != NULL);
            ids[r] = elsewhere ? -1 : tok->id;
            pos[r] = (int32_t)p;
            slot[r] =
                (int64_t)s->blocks[p / WF_PAGE_TOKENS]->page * WF_PAGE_TOKENS + p % WF_PAGE_TOKENS;
            if (k >= t->parts[i]->n_rows - t->parts[i]->n_out)
                out[o++] = (int32_t)r;
        }
    }
}

/* Each row sees its sequence's blocks up to its own place. */
static void fill_self(tables *t)
{
    int32_t *begin = host_at(t, t->self.begin), *end = host_at(t, t->self.end),
            *last = host_at(t, t->self.last);
    wf_kv_span *spans = host_at(t, t->self.spans);
    int64_t     r = 0, n = 0;
    for (int32_t i = 0; i < t->n_parts; i++) {
        const weft_sequence *s = t->parts[i]->seq;
        int64_t              total = s->n_done + t->parts[i]->n_rows, first = n;
        for (int64_t b = 0; b * WF_PAGE_TOKENS < total; b++)
            spans[n++] = (wf_kv_span){s->blocks[b]->page, WF_PAGE_TOKENS};
        for (int64_t k = 0; k < t->parts[i]->n_rows; k++, r++) {
            int64_t p = s->n_done + k;
            begin[r] = (int32_t)first;
            end[r] = (int32_t)(first + p / WF_PAGE_TOKENS + 1);
            last[r] = (int32_t)(p % WF_PAGE_TOKENS) + 1;
        }
    }
    t->self.n = t->m;
    t->self.n_spans = n;
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

/* The rows of one part that see items of a stream. A group's spans are written once and grow item
 * by item: a row sees a prefix of them. */
static int64_t fill_part(tables *t, const wf_step_part *part, int32_t stream, int64_t row0,
                         int64_t n_spans)
{
    seen_at *s = &t->streams[stream];
    int32_t *index = host_at(t, s->index), *begin = host_at(t, s->begin), *end = host_at(t, s->end);
    int32_t *last = host_at(t, s->last), group = -1, upto = 0;
    wf_kv_span *spans = host_at(t, s->spans);
    int64_t     group_at = n_spans;
    for (int64_t k = 0; k < part->n_rows; k++) {
        int32_t a, b;
        wf_sequence_visible(part->seq, stream, part->seq->n_done + k, &a, &b);
        if (a == b)
            continue;
        if (a != group) {
            group = upto = a;
            group_at = n_spans;
        }
        for (; upto < b; upto++) {
            int32_t o = wf_item_output(part->seq->items[upto].item, stream);
            if (o >= 0)
                n_spans = add_spans(spans, n_spans, &part->seq->items[upto].item->kv[o]);
        }
        index[s->n] = (int32_t)(row0 + k);
        begin[s->n] = (int32_t)group_at;
        end[s->n] = (int32_t)n_spans;
        last[s->n++] = WF_PAGE_TOKENS;
    }
    return n_spans;
}

static void fill_stream(tables *t, int32_t stream)
{
    int64_t row = 0, n_spans = 0;
    for (int32_t i = 0; i < t->n_parts; i++) {
        if (t->st->sites->streams[stream].n_sites > 0 && t->parts[i]->seq->n_items > 0)
            n_spans = fill_part(t, t->parts[i], stream, row, n_spans);
        row += t->parts[i]->n_rows;
    }
    t->streams[stream].n_spans = n_spans;
}

/* One list per item that has rows in the step: its soft rows, or its marker's embedding. */
static void fill_soft(tables *t)
{
    int64_t row = 0, n = 0;
    for (int32_t i = 0; i < t->n_parts; row += t->parts[i++]->n_rows) {
        const weft_sequence *s = t->parts[i]->seq;
        int64_t              from = s->n_done, to = s->n_done + t->parts[i]->n_rows;
        for (int32_t k = 0; k < s->n_items; k++, n++) {
            const wf_seq_item *it = &s->items[k];
            const wf_marker   *mk = &t->st->sites->markers[it->marker];
            int32_t           *src = host_at(t, t->soft_at[n]), *dst = src + t->m;
            wf_soft_rows      *list = &t->soft[n];
            bool               soft = s->toks[it->pos].row >= 0;
            list->n = 0;
            list->src = soft ? it->item->output[0] : mk->embedding;
            list->src_stride = t->st->config->d_model;
            for (int64_t p = it->pos;
                 list->src != NULL && p < it->pos + it->item->plan.n_placeholders; p++) {
                if (p < from || p >= to)
                    continue;
                src[list->n] = soft ? s->toks[p].row : 0;
                dst[list->n++] = (int32_t)(row + p - from);
            }
            list->src_index = device_at(t, t->soft_at[n]);
            list->dst_index = (const int32_t *)device_at(t, t->soft_at[n]) + t->m;
        }
    }
}

static wf_seen seen_of(const tables *t, const seen_at *s)
{
    wf_seen seen = {s->n,
                    device_at(t, s->index),
                    device_at(t, s->begin),
                    device_at(t, s->end),
                    device_at(t, s->last),
                    device_at(t, s->spans)};
    return seen;
}

static weft_status run_batch(tables *t, wf_seen *streams, float *logits, float *hidden,
                             weft_error *err)
{
    wf_stepper *st = t->st;
    wf_batch    b = {.m = t->m,
                     .n_out = t->n_out,
                     .n_soft = t->n_soft,
                     .ids = device_at(t, t->ids),
                     .pos = device_at(t, t->pos),
                     .slot = device_at(t, t->slot),
                     .self = seen_of(t, &t->self),
                     .streams = streams,
                     .soft = t->soft,
                     .out_index = device_at(t, t->out),
                     .logits = logits,
                     .hidden = hidden};
    for (int32_t i = 0; i < t->n_streams; i++)
        streams[i] = seen_of(t, &t->streams[i]);
    weft_status status = wf_queue_upload(st->queue, st->device_blob, st->blob, t->bytes, err);
    if (status == WEFT_OK)
        status = wf_decoder_run(st->decoder, &b, err);
    weft_status waited = wf_queue_wait(st->queue, status == WEFT_OK ? err : NULL);
    return status == WEFT_OK ? waited : status;
}

static weft_status tables_run(tables *t, wf_seen *streams, float *logits, float *hidden,
                              weft_error *err)
{
    carve_all(t);
    weft_status status = blob_reserve(t->st, t->bytes, err);
    if (status != WEFT_OK)
        return status;
    fill_rows(t);
    fill_self(t);
    for (int32_t i = 0; i < t->n_streams; i++)
        fill_stream(t, i);
    fill_soft(t);
    return run_batch(t, streams, logits, hidden, err);
}

/* K/V of every item that some row of the part sees, and blocks for the rows. */
static weft_status prepare_part(const wf_step_part *part, weft_error *err)
{
    weft_sequence *s = part->seq;
    int64_t        end = s->n_done + part->n_rows;
    weft_status    status = WEFT_OK;
    for (int32_t k = 0; k < s->n_items && s->items[k].pos < end && status == WEFT_OK; k++) {
        status = wf_item_encode(s->items[k].item, NULL, err);
        if (status == WEFT_OK)
            status = wf_item_project(s->items[k].item, err);
    }
    return status == WEFT_OK ? wf_sequence_reserve(s, end, err) : status;
}

/* Adds the items that a part's rows see and that have not been encoded. Returns how many list has.
 */
static uint32_t add_waiting(const wf_step_part *part, weft_item **list, uint32_t n)
{
    const weft_sequence *s = part->seq;
    int64_t              end = s->n_done + part->n_rows;
    for (int32_t k = 0; k < s->n_items && s->items[k].pos < end && n < WF_ENCODE_BATCH; k++) {
        bool known = s->items[k].item->encoded != 0;
        for (uint32_t i = 0; i < n && !known; i++)
            known = list[i] == s->items[k].item;
        if (!known)
            list[n++] = s->items[k].item;
    }
    return n;
}

/* Encoders take what waits in all parts together. */
static void encode_waiting(const wf_step_part *parts, int32_t n_parts)
{
    weft_item *list[WF_ENCODE_BATCH];
    uint32_t   n = 0;
    for (int32_t i = 0; i < n_parts; i++)
        n = add_waiting(&parts[i], list, n);
    wf_items_encode_ahead(list, n);
}

/* Gives every part its status so far; ready gets those that can run. Returns how many they are. */
static int32_t prepare(wf_stepper *st, wf_step_part *parts, int32_t n_parts, wf_step_part **ready)
{
    int32_t  n = 0;
    uint64_t now = wf_kv_tick(st->budget);
    for (int32_t i = 0; i < n_parts; i++)
        for (int32_t k = 0; k < parts[i].seq->n_items; k++)
            parts[i].seq->items[k].item->last_use = now;
    encode_waiting(parts, n_parts);
    for (int32_t i = 0; i < n_parts; i++) {
        wf_step_part *p = &parts[i];
        p->why = (weft_error)WF_ERROR_INIT;
        p->status = prepare_part(p, &p->why);
        if (p->status == WEFT_OK)
            ready[n++] = p;
        else
            wf_sequence_trim(p->seq); /* others may need the pages */
    }
    return n;
}

/* Of the n logits at v: the model's weights are damaged where one is no number. */
static weft_status check_logits(const wf_stepper *st, const float *v, int64_t n, weft_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return wf_fail(err, WEFT_E_NUMERIC,
                           "%s: the logits hold %s: the model's weights are damaged", st->model,
                           isnan(v[i]) ? "NaN" : "infinity");
    return WEFT_OK;
}

/* The part's rows are there: taken where they are sound. Rows without logits are proven by a later
 * row that sees them. */
static void finish_part(const wf_stepper *st, wf_step_part *p, const float *logits)
{
    int64_t vocab = st->config->vocab;
    if (p->n_out > 0)
        p->status = check_logits(st, logits + p->first_out * vocab, p->n_out * vocab, &p->why);
    if (p->status != WEFT_OK) {
        wf_sequence_trim(p->seq);
        return;
    }
    wf_sequence_advance(p->seq, p->seq->n_done + p->n_rows);
    if (p->n_out > 0)
        wf_sequence_offer(p->seq);
}

static weft_status run_ready(tables *t, float *logits, float *hidden, weft_error *err)
{
    for (int32_t i = 0; i < t->n_parts; i++) {
        t->parts[i]->first_out = t->n_out;
        t->m += t->parts[i]->n_rows;
        t->n_out += t->parts[i]->n_out;
        t->n_soft += t->parts[i]->seq->n_items;
    }
    size_t   n_soft = (size_t)t->n_soft, n_streams = (size_t)t->n_streams;
    uint8_t *lists = wf_zalloc(n_soft * (sizeof *t->soft + sizeof *t->soft_at) +
                               n_streams * (sizeof *t->streams + sizeof(wf_seen)) + 1);
    if (lists == NULL)
        return wf_fail_nomem(err, n_soft * sizeof *t->soft, "a step's lists");
    t->soft = (wf_soft_rows *)(void *)lists;
    t->soft_at = (size_t *)(void *)(t->soft + n_soft);
    t->streams = (seen_at *)(void *)(t->soft_at + n_soft);
    weft_status status =
        tables_run(t, (wf_seen *)(void *)(t->streams + n_streams), logits, hidden, err);
    wf_free(lists);
    return status;
}

weft_status wf_step_run(wf_stepper *st, wf_step_part *parts, int32_t n_parts, float *logits,
                        float *hidden, weft_error *err)
{
    wf_step_part **ready = wf_zalloc_n((size_t)n_parts, sizeof(*ready));
    if (ready == NULL)
        return wf_fail_nomem(err, (uint64_t)n_parts * sizeof(*ready), "a step's parts");
    tables t = {.st = st, .parts = ready, .n_streams = st->sites->n_streams};
    t.n_parts = prepare(st, parts, n_parts, ready);
    weft_status status = t.n_parts > 0 ? run_ready(&t, logits, hidden, err) : WEFT_OK;
    for (int32_t i = 0; i < t.n_parts && status == WEFT_OK; i++)
        finish_part(st, ready[i], logits);
    for (int32_t i = 0; i < t.n_parts && status != WEFT_OK; i++)
        wf_sequence_trim(ready[i]->seq);
    wf_free(ready);
    return status;
}

weft_status wf_step_one(wf_stepper *st, weft_sequence *seq, int64_t n_rows, int64_t n_out,
                        float *logits, float *hidden, weft_error *err)
{
    wf_step_part part = {.seq = seq, .n_rows = n_rows, .n_out = n_out};
    weft_status  status = wf_step_run(st, &part, 1, logits, hidden, err);
    if (status != WEFT_OK || part.status == WEFT_OK)
        return status;
    wf_fail(err, part.status, "%s", part.why.message);
    return wf_fail_stage(err, part.status, part.why.stage);
}

void wf_stepper_free(wf_stepper *st)
{
    if (st->device != NULL)
        wf_device_free(st->device, st->device_blob);
    wf_free(st->blob);
    memset(st, 0, sizeof *st);
}
