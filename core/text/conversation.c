/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation is written anew for every answer, as the chat format wants it, and compared with
 * what the sequence holds; only what differs is run. */
#include "core/text/conversation.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/sequence/same.h"
#include "core/text/layout.h"
#include "core/text/places.h"

weft_status wf_ids_collect(wf_ids_fn fn, void *ctx, int32_t **ids, uint64_t *n, weft_error *err)
{
    uint64_t need = 0;
    *ids = NULL;
    weft_status status = fn(ctx, NULL, 0, &need, err);
    if (status != WEFT_OK)
        return status;
    *ids = wf_alloc((size_t)(need + 1) * sizeof **ids);
    if (*ids == NULL)
        return wf_fail_nomem(err, need * sizeof **ids, "a prompt's tokens");
    status = fn(ctx, *ids, need, n, err);
    if (status == WEFT_OK && *n != need)
        status = wf_fail(err, WEFT_E_INTERNAL, "the tokenizer gave another count the second time");
    return status;
}

/* Turns as the tokenizer gets them. */
typedef struct written {
    const wf_text *text;
    wf_places     *places;   /* [n] */
    weft_message  *messages; /* [n] */
    uint32_t       n, reserved;
} written;

static void written_free(written *w)
{
    for (uint32_t i = 0; w->places != NULL && i < w->n; i++)
        wf_places_free(&w->places[i]);
    wf_free(w->places);
    wf_free(w->messages);
}

static weft_status write_turn(written *w, const wf_hooks *sites, const weft_turn *turn, uint32_t i,
                              weft_error *err)
{
    WF_TAKE(weft_turn, t, turn);
    wf_places *c = &w->places[i];
    c->sites = sites;
    c->items = t.items;
    c->n_items = t.n_items;
    c->quiet = i + 1 < w->n; /* told when it was the last one */
    if (t.role == NULL || (t.text == NULL && t.bytes > 0))
        return wf_fail(err, WEFT_E_INVALID, "turn %u lacks its role or its text", i);
    const char *text = t.text != NULL ? t.text : "";
    weft_status status = WEFT_OK;
    for (uint32_t k = 0; k < t.n_items && status == WEFT_OK; k++)
        status = wf_text_lay_out(w->text, t.items[k], err);
    if (status != WEFT_OK)
        return status;
    status = wf_places_cut(c, text, t.bytes != 0 ? t.bytes : strlen(text), err);
    w->messages[i] = (weft_message){WEFT_HDR(weft_message), t.role, c->parts, c->n, 0};
    return status;
}

/* written_free() is due on failure too. */
static weft_status write_turns(written *w, const wf_hooks *sites, const weft_turn *turns,
                               uint32_t n, weft_error *err)
{
    weft_status status = WEFT_OK;
    w->n = n;
    w->places = wf_zalloc_n(n + 1u, sizeof *w->places);
    w->messages = wf_zalloc_n(n + 1u, sizeof *w->messages);
    if (w->places == NULL || w->messages == NULL)
        return wf_fail_nomem(err, n * (sizeof *w->places + sizeof *w->messages), "a conversation");
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++)
        status = write_turn(w, sites, WEFT_AT(turns, i), i, err);
    return status;
}

static weft_status chat_ids(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    const written *w = ctx;
    return wf_text_chat(w->text, w->messages, w->n, ids, cap, need, err);
}

/* Where in the conversation's items feeding is. */
typedef struct next_item {
    uint32_t turn, at; /* the next one is the at-th of the turn */
} next_item;

/* NULL: all were fed. */
static weft_item *item_due(const written *w, next_item *k, int32_t *token_id)
{
    while (k->turn < w->n && k->at == w->places[k->turn].n_order) {
        k->turn++;
        k->at = 0;
    }
    if (k->turn == w->n)
        return NULL;
    const wf_places *c = &w->places[k->turn];
    *token_id = wf_places_marker(c, c->order[k->at])->token_id;
    return c->items[c->order[k->at]];
}

/* Feeds ids; a marker's id is the next item. No text of a message becomes a special token, so a
 * marker's id can only be one of ours. */
static weft_status feed_with_items(weft_sequence *s, const written *w, const int32_t *ids,
                                   uint64_t n, weft_error *err)
{
    next_item   next = {0, 0};
    weft_status status = WEFT_OK;
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++) {
        int32_t    marker = -1;
        weft_item *item = item_due(w, &next, &marker);
        if (item == NULL || ids[i] != marker) {
            status = weft_sequence_feed_ids(s, &ids[i], 1, err);
            continue;
        }
        status = wf_sequence_feed_item(s, item, err);
        next.at++;
    }
    int32_t marker;
    if (status == WEFT_OK && item_due(w, &next, &marker) != NULL)
        status = wf_fail(err, WEFT_E_INTERNAL, "the chat format lost the place of an item");
    return status;
}

/* Tokens of the whole: a marker's id stands for its item. */
static int64_t count_tokens(const written *w, uint64_t n_ids)
{
    int64_t n = n_ids < INT32_MAX ? (int64_t)n_ids : INT32_MAX;
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = 0; k < w->places[i].n_order; k++)
            n += wf_item_tokens(w->places[i].items[k]) - 1;
    return n;
}

weft_status wf_turns_append(const wf_text *t, weft_sequence *s, const weft_turn *turns, uint32_t n,
                            int64_t *n_tokens, weft_error *err)
{
    written     w = {.text = t};
    int32_t    *ids = NULL;
    uint64_t    n_ids = 0;
    weft_status status = write_turns(&w, s->of->sites, turns, n, err);
    if (status == WEFT_OK)
        status = wf_ids_collect(chat_ids, &w, &ids, &n_ids, err);
    if (status == WEFT_OK) { /* room first, so that one which is too long is told whole */
        int64_t whole = count_tokens(&w, n_ids);
        if (n_tokens != NULL)
            *n_tokens = whole;
        status = wf_sequence_room(s, whole, err);
    }
    if (status == WEFT_OK)
        status = feed_with_items(s, &w, ids, n_ids, err);
    wf_free(ids);
    written_free(&w);
    return status;
}

weft_status wf_turns_possible(const wf_text *t, weft_error *err)
{
    const weft_part    part = {WEFT_HDR(weft_part), "a", 1, -1, 0};
    const weft_message user = {WEFT_HDR(weft_message), "user", &part, 1, 0};
    uint64_t           need = 0;
    return wf_text_chat(t, &user, 1, NULL, 0, &need, err);
}

/* The text of one token of a sequence. An item or a token without a text has none. */
typedef struct token_text {
    char    *p; /* of cap bytes */
    uint64_t n, cap;
} token_text;

static bool read_token(const wf_text *t, const weft_sequence *s, int64_t pos, token_text *out)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status status;
    if (s->toks[pos].item >= 0)
        return false;
    status = wf_text_decode(t, &s->toks[pos].id, 1, out->p, out->cap, &out->n, &why);
    if (status == WEFT_OK && out->n > out->cap) {
        char *grown = wf_realloc(out->p, (size_t)out->n);
        if (grown == NULL)
            return false;
        out->p = grown;
        out->cap = out->n;
        status = wf_text_decode(t, &s->toks[pos].id, 1, out->p, out->cap, &out->n, &why);
    }
    return status == WEFT_OK && out->n > 0 && out->n <= out->cap;
}

/* Whether the rest of s from `at` on is plain text that `all` has there too, in other tokens: an
 * answer is not always cut as its text would be. *end: where in `all` that text ends. */
static bool is_same_text(const wf_text *t, const weft_sequence *s, const weft_sequence *all,
                         int64_t at, int64_t *end)
{
    token_text mine = {NULL, 0, 0}, theirs = {NULL, 0, 0};
    uint64_t   used = 0; /* of theirs */
    bool       same = true;
    *end = at;
    for (int64_t i = at; same && i < s->n; i++) {
        same = read_token(t, s, i, &mine);
        for (uint64_t k = 0; same && k < mine.n; k++) {
            if (used == theirs.n) {
                same = *end < all->n && read_token(t, all, (*end)++, &theirs);
                used = 0;
            }
            same = same && mine.p[k] == theirs.p[used++];
        }
    }
    same = same && used == theirs.n;
    wf_free(mine.p);
    wf_free(theirs.p);
    return same;
}

/* s, which holds a part of the conversation `all`, becomes it. */
static weft_status take_over(const wf_text *t, weft_sequence *s, const weft_sequence *all,
                             int64_t *kept, weft_error *err)
{
    int64_t     same = wf_sequence_same(s, all), end = same;
    weft_status status = WEFT_OK;
    if (same == s->n || !is_same_text(t, s, all, same, &end) || end == all->n) {
        same = same < all->n ? same : wf_sequence_cut(all, all->n - 1); /* something is to run */
        status = weft_sequence_truncate(s, same, err);
        end = same;
    }
    *kept = s->n_done;
    return status == WEFT_OK ? wf_sequence_append(s, all, end, err) : status;
}

weft_status wf_turns_feed(const wf_text *t, weft_sequence *s, const weft_turn *turns, uint32_t n,
                          weft_turns_info *info, weft_error *err)
{
    weft_turns_info got = {.hdr = WEFT_HDR(weft_turns_info)};
    weft_sequence  *all;
    if (s->busy)
        return wf_fail(err, WEFT_E_INVALID, "the sequence is a request's until that is done");
    weft_status status = wf_sequence_create(s->of, &all, err);
    if (status != WEFT_OK)
        return status;
    status = wf_turns_append(t, all, turns, n, &got.n_tokens, err);
    if (status == WEFT_OK && all->n == 0)
        status =
            wf_fail_stage(err,
                          wf_fail(err, WEFT_E_UNSUPPORTED,
                                  "the model's chat format writes nothing for this conversation"),
                          WEFT_STAGE_MODEL);
    if (status == WEFT_OK)
        status = take_over(t, s, all, &got.n_kept, err);
    if (status == WEFT_OK)
        got.n_tokens = s->n;
    weft_sequence_destroy(&all);
    wf_give_sized(info, &got, sizeof got);
    return status;
}
