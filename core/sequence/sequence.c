/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences: fed, forked and cut. Their blocks are computed.c's. */
#include "core/sequence/sequence.h"

#include <string.h>

#include "core/base/mem.h"

weft_status wf_sequence_create(const wf_sequences *of, weft_sequence **out, weft_error *err)
{
    *out = NULL;
    weft_sequence *s = wf_zalloc(sizeof *s);
    if (s == NULL)
        return wf_fail_nomem(err, sizeof *s, "a sequence");
    s->of = of;
    *out = s;
    return WEFT_OK;
}

void weft_sequence_destroy(weft_sequence **seq)
{
    weft_sequence *s = *seq;
    if (s == NULL)
        return;
    for (int64_t i = 0; i < s->n_blocks; i++)
        wf_block_drop(s->of->blocks, s->blocks[i]);
    for (int32_t i = 0; i < s->n_items; i++)
        weft_item_release(&s->items[i].item);
    wf_free(s->toks);
    wf_free(s->blocks);
    wf_free(s->items);
    wf_free(s);
    *seq = NULL;
}

int64_t weft_sequence_length(const weft_sequence *s)
{
    return s->n;
}

weft_status wf_sequence_room(weft_sequence *s, int64_t n, weft_error *err)
{
    if (n > s->of->context - s->n)
        return wf_fail(err, WEFT_E_LIMIT,
                       "%lld tokens are over the context of %d (--context, up to the model's %d)",
                       (long long)n + (long long)s->n, s->of->context,
                       s->of->config->max_positions);
    if (s->n + n <= s->cap)
        return WEFT_OK;
    int64_t cap = s->cap * 2 > s->n + n ? s->cap * 2 : s->n + n + 64;
    wf_tok *t = wf_realloc(s->toks, (size_t)cap * sizeof *t);
    if (t == NULL)
        return wf_fail_nomem(err, (uint64_t)cap * sizeof *t, "a sequence's tokens");
    s->toks = t;
    s->cap = cap;
    return WEFT_OK;
}

weft_status weft_sequence_feed_ids(weft_sequence *s, const int32_t *ids, uint64_t n,
                                   weft_error *err)
{
    weft_status status = n <= INT32_MAX ? wf_sequence_room(s, (int64_t)n, err)
                                        : wf_fail(err, WEFT_E_LIMIT, "too many tokens");
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++)
        if (ids[i] < 0 || ids[i] >= s->of->config->vocab)
            status = wf_fail(err, WEFT_E_INVALID, "token %d is outside the vocabulary of %d",
                             ids[i], s->of->config->vocab);
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++)
        s->toks[s->n++] = (wf_tok){ids[i], -1, -1};
    return status;
}

static weft_status add_item(weft_sequence *s, weft_item *item, int32_t marker, weft_error *err)
{
    if (s->n_items == s->items_cap) {
        int32_t      cap = s->items_cap * 2 + 4;
        wf_seq_item *p = wf_realloc(s->items, (size_t)cap * sizeof *p);
        if (p == NULL)
            return wf_fail_nomem(err, (uint64_t)cap * sizeof *p, "a sequence's items");
        s->items = p;
        s->items_cap = cap;
    }
    wf_item_hold(item);
    s->items[s->n_items++] = (wf_seq_item){item, s->n, s->n, marker, 0};
    return WEFT_OK;
}

bool wf_sequence_is_updated(const weft_sequence *s)
{
    bool is = false;
    for (int32_t i = 0; s->of->update_stream >= 0 && i < s->n_items && !is; i++)
        is = wf_item_output(s->items[i].item, s->of->update_stream) >= 0;
    return is;
}

/* Keys and values were computed with the update, or without it, and are wrong now. */
static void switch_update(weft_sequence *s, bool was)
{
    if (wf_sequence_is_updated(s) != was)
        wf_sequence_yield(s, 0);
}

weft_status wf_sequence_feed_placeholders(weft_sequence *s, weft_item *item, int32_t marker,
                                          int64_t first, int64_t n, weft_error *err)
{
    const wf_marker *m = &s->of->sites->markers[marker];
    bool             soft = s->of->sites->streams[m->stream].soft != 0;
    if (item->of != s->of->items)
        return wf_fail(err, WEFT_E_INVALID, "the item belongs to another engine");
    if (soft && item->kv[0].n_rows < first + n)
        return wf_fail(err, WEFT_E_INTERNAL, "an item of %lld rows takes %lld places",
                       (long long)item->kv[0].n_rows, (long long)(first + n));
    bool        was = wf_sequence_is_updated(s);
    weft_status status = wf_sequence_room(s, n, err);
    if (status == WEFT_OK && first == 0)
        status = add_item(s, item, marker, err);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++)
        s->toks[s->n++] = (wf_tok){m->token_id, s->n_items - 1, soft ? (int32_t)(first + i) : -1};
    if (status == WEFT_OK)
        s->items[s->n_items - 1].end = s->n;
    switch_update(s, was);
    return status;
}

/* Does the n-th token stand within the soft tokens of an item, or in text between them? */
static bool is_within_item(const weft_sequence *s, int64_t n)
{
    for (int32_t i = 0; i < s->n_items; i++)
        if (s->items[i].pos < n && n < s->items[i].end && s->toks[s->items[i].pos].row >= 0)
            return true;
    return false;
}

/* The first n tokens stay. */
static void cut(weft_sequence *s, int64_t n)
{
    bool was = wf_sequence_is_updated(s);
    while (s->n_items > 0 && s->items[s->n_items - 1].pos >= n)
        weft_item_release(&s->items[--s->n_items].item);
    s->n = n;
    wf_sequence_forget(s, n);
    switch_update(s, was);
}

/* One of the special tokens that enclose placeholders; is_shared: not once more where it is the
 * last one already. */
static weft_status feed_special(weft_sequence *s, const wf_marker *m, const char *token, int32_t id,
                                bool is_shared, weft_error *err)
{
    if (token == NULL)
        return WEFT_OK;
    if (id < 0)
        return wf_marker_fail_without(m, token, err);
    if (is_shared && s->n > 0 && s->toks[s->n - 1].item < 0 && s->toks[s->n - 1].id == id)
        return WEFT_OK;
    return weft_sequence_feed_ids(s, &id, 1, err);
}

/* Ids and runs as they stand in the layout. */
static weft_status feed_layout(weft_sequence *s, weft_item *item, int32_t marker, weft_error *err)
{
    const wf_item_layout *l = &item->layout;
    weft_status           status = WEFT_OK;
    int64_t               row = 0;
    if (l->ids == NULL)
        return wf_fail(err, WEFT_E_STATE, "the item's layout was not looked up");
    for (int64_t i = 0; i < l->n && status == WEFT_OK; i++) {
        if (l->ids[i] >= 0) {
            status = weft_sequence_feed_ids(s, &l->ids[i], 1, err);
            continue;
        }
        status = wf_sequence_feed_placeholders(s, item, marker, row, l->run, err);
        row += l->run;
    }
    return status;
}

static weft_status feed_enclosed(weft_sequence *s, weft_item *item, int32_t marker, weft_error *err)
{
    const wf_marker *m = &s->of->sites->markers[marker];
    bool is_shared = m->before != NULL && m->after != NULL && strcmp(m->before, m->after) == 0;
    weft_status status = feed_special(s, m, m->before, m->before_id, is_shared, err);
    if (status == WEFT_OK)
        status = wf_sequence_feed_placeholders(s, item, marker, 0, item->plan.n_placeholders, err);
    return status == WEFT_OK ? feed_special(s, m, m->after, m->after_id, false, err) : status;
}

weft_status wf_sequence_feed_item(weft_sequence *s, weft_item *item, weft_error *err)
{
    int32_t marker = wf_item_marker(item);
    if (marker < 0)
        return wf_item_unread(item, err);
    int64_t     before = s->n;
    weft_status status = item->plan.layout[0] != '\0' ? feed_layout(s, item, marker, err)
                                                      : feed_enclosed(s, item, marker, err);
    if (status != WEFT_OK)
        cut(s, before);
    return status;
}

weft_status weft_sequence_truncate(weft_sequence *s, int64_t n, weft_error *err)
{
    if (n < 0 || n > s->n)
        return wf_fail(err, WEFT_E_INVALID, "a sequence of %lld tokens cannot be cut to %lld",
                       (long long)s->n, (long long)n);
    if (is_within_item(s, n))
        return wf_fail(err, WEFT_E_INVALID, "token %lld is within a media item", (long long)n);
    cut(s, n);
    return WEFT_OK;
}

static weft_status copy_lists(const weft_sequence *from, weft_sequence *to, weft_error *err)
{
    to->toks = wf_alloc((size_t)(from->n + 1) * sizeof *to->toks);
    to->blocks = wf_alloc((size_t)(from->n_blocks + 1) * sizeof *to->blocks);
    to->items = wf_alloc((size_t)(from->n_items + 1) * sizeof *to->items);
    if (to->toks == NULL || to->blocks == NULL || to->items == NULL)
        return wf_fail_nomem(err, (uint64_t)from->n * sizeof *to->toks, "a forked sequence");
    memcpy(to->toks, from->toks, (size_t)from->n * sizeof *to->toks);
    to->n = from->n;
    to->cap = from->n + 1;
    to->blocks_cap = from->n_blocks + 1;
    to->items_cap = from->n_items + 1;
    to->n_done = from->n_done;
    to->n_offered = from->n_offered;
    for (int64_t i = 0; i < from->n_blocks; i++) {
        wf_block_hold(from->blocks[i]);
        to->blocks[to->n_blocks++] = from->blocks[i];
    }
    for (int32_t i = 0; i < from->n_items; i++) {
        wf_item_hold(from->items[i].item);
        to->items[to->n_items++] = from->items[i];
    }
    return WEFT_OK;
}

weft_status weft_sequence_fork(weft_sequence *s, weft_sequence **out, weft_error *err)
{
    weft_status status = wf_sequence_create(s->of, out, err);
    if (status != WEFT_OK)
        return status;
    (*out)->no_cache = s->no_cache;
    status = s->n > 0 ? copy_lists(s, *out, err) : WEFT_OK;
    if (status != WEFT_OK)
        weft_sequence_destroy(out);
    return status;
}
