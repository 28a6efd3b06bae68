/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts in which media stand. */
#include "core/text/prompt.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/media/calls.h"
#include "core/text/layout.h"

/* A prompt cut into text and places for items. */
typedef struct pieces {
    const wf_text     *text;
    const wf_hooks    *sites;
    const weft_prompt *p;
    weft_part         *parts; /* id >= 0: a marker */
    uint32_t          *order; /* items in the order of their places */
    uint8_t           *placed;
    uint32_t           n, cap, n_order, reserved;
} pieces;

static weft_status add_part(pieces *c, const char *text, uint64_t bytes, int32_t id,
                            weft_error *err)
{
    if (id < 0 && bytes == 0)
        return WEFT_OK;
    if (c->n == c->cap) {
        uint32_t   cap = c->cap * 2 + 8;
        weft_part *p = wf_realloc(c->parts, cap * sizeof *p);
        if (p == NULL)
            return wf_fail_nomem(err, cap * sizeof *p, "a prompt");
        c->parts = p;
        c->cap = cap;
    }
    c->parts[c->n++] = (weft_part){WEFT_HDR(weft_part), text, bytes, id, 0};
    return WEFT_OK;
}

static const wf_marker *marker_of(const pieces *c, uint32_t item)
{
    int32_t m = wf_item_marker(c->p->items[item]);
    return m >= 0 ? &c->sites->markers[m] : NULL;
}

static bool goes_last(const pieces *c, uint32_t item)
{
    return (marker_of(c, item)->flags & WEFT_MARKER_LAST) != 0;
}

static weft_status place(pieces *c, uint32_t item, weft_error *err)
{
    c->placed[item] = 1;
    c->order[c->n_order++] = item;
    return add_part(c, NULL, 0, marker_of(c, item)->token_id, err);
}

/* The first item without a place whose marker string starts at text; n_items: none. */
static uint32_t item_at(const pieces *c, const char *text, uint64_t left)
{
    for (uint32_t i = 0; i < c->p->n_items; i++) {
        const char *token = marker_of(c, i)->token;
        size_t      n = strlen(token);
        if (!c->placed[i] && n <= left && memcmp(text, token, n) == 0)
            return i;
    }
    return c->p->n_items;
}

/* How often a marker's token stands in the text. */
static uint32_t count_token(const char *token, const char *text, uint64_t bytes)
{
    size_t   len = strlen(token);
    uint32_t n = 0;
    for (uint64_t i = 0; i + len <= bytes; i++)
        n += memcmp(text + i, token, len) == 0;
    return n;
}

/* Does the text have no place for item? Of several of one marker the last ones take the places. */
static bool is_missing(const pieces *c, uint32_t item, const char *text, uint64_t bytes)
{
    uint32_t same_after = 0;
    for (uint32_t i = item + 1; i < c->p->n_items; i++)
        same_after += marker_of(c, i) == marker_of(c, item);
    return same_after >= count_token(marker_of(c, item)->token, text, bytes);
}

/* Says so where the text has places for another number of items than there are. A text without any
 * is no mistake: its items then stand where their markers say. */
static void tell_counts(const pieces *c, const char *text, uint64_t bytes)
{
    for (int32_t k = 0; k < c->sites->n_markers; k++) {
        const wf_marker *m = &c->sites->markers[k];
        uint32_t         places = count_token(m->token, text, bytes), items = 0;
        for (uint32_t i = 0; i < c->p->n_items; i++)
            items += marker_of(c, i) == m;
        if (places == 0 || places == items)
            continue;
        wf_log(WEFT_LOG_WARN, "the prompt has %u times %s and %u items for it: %s", places,
               m->token, items,
               places > items                       ? "the further ones are read as text"
               : (m->flags & WEFT_MARKER_LAST) != 0 ? "the first items stand behind the text"
                                                    : "the first items stand before the text");
    }
}

/* Items without a place, before the text or after it as their markers say. */
static weft_status place_missing(pieces *c, bool last, const char *text, uint64_t bytes,
                                 weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < c->p->n_items && status == WEFT_OK; i++)
        if (!c->placed[i] && goes_last(c, i) == last && is_missing(c, i, text, bytes))
            status = place(c, i, err);
    return status;
}

/* A marker string beyond the last item is text. */
static weft_status cut(pieces *c, const char *text, uint64_t bytes, weft_error *err)
{
    uint64_t    from = 0;
    weft_status status = place_missing(c, false, text, bytes, err);
    for (uint32_t i = 0; i < c->p->n_items;
         i++) /* those that go last must not take a place before */
        c->placed[i] |= goes_last(c, i) && is_missing(c, i, text, bytes);
    for (uint64_t i = 0; i < bytes && status == WEFT_OK;) {
        uint32_t item = item_at(c, text + i, bytes - i);
        if (item == c->p->n_items) {
            i++;
            continue;
        }
        status = add_part(c, text + from, i - from, -1, err);
        i += strlen(marker_of(c, item)->token);
        from = i;
        if (status == WEFT_OK)
            status = place(c, item, err);
    }
    if (status == WEFT_OK)
        status = add_part(c, text + from, bytes - from, -1, err);
    for (uint32_t i = 0; i < c->p->n_items; i++)
        c->placed[i] &= !goes_last(c, i) || !is_missing(c, i, text, bytes);
    return status == WEFT_OK ? place_missing(c, true, text, bytes, err) : status;
}

/* Ids from the tokenizer by its grow-and-call-again protocol; *ids is the caller's to free. */
typedef weft_status (*ids_fn)(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need,
                              weft_error *err);
static weft_status collect(ids_fn fn, void *ctx, int32_t **ids, uint64_t *n, weft_error *err)
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

typedef struct chat_ctx {
    const wf_text *text;
    weft_message   m[2];
    uint32_t       n;
} chat_ctx;

static weft_status chat_ids(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    chat_ctx *c = ctx;
    return wf_text_chat(c->text, c->m, c->n, ids, cap, need, err);
}

typedef struct text_ctx {
    const wf_text   *text;
    const weft_part *part;
} text_ctx;

static weft_status text_ids(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    text_ctx *c = ctx;
    return wf_text_encode(c->text, c->part->text, c->part->bytes, false, ids, cap, need, err);
}

/* Feeds ids; a marker's id is the next item. The tokenizer parses no special strings, so a marker's
 * id can only be one of ours. */
static weft_status feed_with_items(weft_sequence *s, const pieces *c, const int32_t *ids,
                                   uint64_t n, weft_error *err)
{
    uint32_t    next = 0;
    weft_status status = WEFT_OK;
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++) {
        if (next < c->n_order && ids[i] == marker_of(c, c->order[next])->token_id)
            status = wf_sequence_feed_item(s, c->p->items[c->order[next++]], err);
        else
            status = weft_sequence_feed_ids(s, &ids[i], 1, err);
    }
    return status;
}

/* Room for the whole prompt, so that one which is too long is told with all of its tokens. */
static weft_status reserve(weft_sequence *s, const pieces *c, uint64_t text_tokens, weft_error *err)
{
    int64_t n = text_tokens < INT32_MAX ? (int64_t)text_tokens : INT32_MAX;
    for (uint32_t i = 0; i < c->p->n_items; i++)
        n += wf_item_tokens(c->p->items[i]);
    return wf_sequence_room(s, n, err);
}

static weft_status reserve_raw(weft_sequence *s, const pieces *c, weft_error *err)
{
    uint64_t    sum = 0;
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < c->n && status == WEFT_OK; i++) {
        text_ctx ctx = {c->text, &c->parts[i]};
        uint64_t n = 0;
        if (c->parts[i].id < 0)
            status = text_ids(&ctx, NULL, 0, &n, err);
        sum += n;
    }
    return status == WEFT_OK ? reserve(s, c, sum, err) : status;
}

static weft_status feed_chat(weft_sequence *s, const pieces *c, weft_error *err)
{
    weft_part system = {WEFT_HDR(weft_part), c->p->system,
                        c->p->system != NULL ? strlen(c->p->system) : 0, -1, 0};
    chat_ctx  ctx = {.text = c->text};
    int32_t  *ids;
    uint64_t  n = 0;
    if (c->p->system != NULL)
        ctx.m[ctx.n++] = (weft_message){WEFT_HDR(weft_message), "system", &system, 1, 0};
    ctx.m[ctx.n++] = (weft_message){WEFT_HDR(weft_message), "user", c->parts, c->n, 0};
    weft_status status = collect(chat_ids, &ctx, &ids, &n, err);
    if (status == WEFT_OK) /* a marker's id stands for its item */
        status = reserve(s, c, n - c->n_order, err);
    if (status == WEFT_OK)
        status = feed_with_items(s, c, ids, n, err);
    wf_free(ids);
    return status;
}

static weft_status feed_raw(weft_sequence *s, const pieces *c, weft_error *err)
{
    int32_t     bos = wf_text_bos(c->text);
    uint32_t    item = 0;
    weft_status status = bos >= 0 ? weft_sequence_feed_ids(s, &bos, 1, err) : WEFT_OK;
    if (status == WEFT_OK)
        status = reserve_raw(s, c, err);
    for (uint32_t i = 0; i < c->n && status == WEFT_OK; i++) {
        text_ctx ctx = {c->text, &c->parts[i]};
        int32_t *ids = NULL;
        uint64_t n = 0;
        if (c->parts[i].id >= 0) {
            status = wf_sequence_feed_item(s, c->p->items[c->order[item++]], err);
            continue;
        }
        status = collect(text_ids, &ctx, &ids, &n, err);
        if (status == WEFT_OK)
            status = weft_sequence_feed_ids(s, ids, n, err);
        wf_free(ids);
    }
    return status;
}

static weft_status default_prompt(const weft_prompt *p, const char **system, const char **user,
                                  weft_error *err)
{
    if (p->n_items == 0)
        return wf_fail(err, WEFT_E_INVALID, "there is nothing to ask: give a prompt");
    const wf_modality *m = p->items[0]->modality;
    weft_status        status =
        wf_modality_prompt(m, p->task != NULL ? p->task : "describe", system, user, err);
    if (status == WEFT_OK && *user == NULL)
        *user = "";
    return status;
}

static weft_status check_items(const wf_text *t, const weft_prompt *p, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < p->n_items && status == WEFT_OK; i++)
        status = wf_item_marker(p->items[i]) < 0 ? wf_item_unread(p->items[i], err)
                                                 : wf_text_lay_out(t, p->items[i], err);
    return status;
}

/* prompt with every "{language}" replaced; the caller's to free. */
static weft_status with_language(const char *prompt, const char *language, char **out,
                                 weft_error *err)
{
    static const char slot[] = "{language}";
    size_t            n = strlen(language), at = 0, slots = 0;
    for (const char *p = prompt; (p = strstr(p, slot)) != NULL; p += sizeof slot - 1)
        slots++;
    char *text = wf_alloc(strlen(prompt) + slots * n + 1);
    if (text == NULL)
        return wf_fail_nomem(err, strlen(prompt) + slots * n, "a prompt");
    for (const char *p = prompt; *p != '\0';) {
        bool here = strncmp(p, slot, sizeof slot - 1) == 0;
        if (here)
            memcpy(text + at, language, n);
        else
            text[at] = *p;
        at += here ? n : 1;
        p += here ? sizeof slot - 1 : 1;
    }
    text[at] = '\0';
    *out = text;
    return WEFT_OK;
}

/* The modality's own words for the task, with the language filled in; the caller frees both. */
static weft_status own_prompt(weft_prompt *p, char **system, char **user, weft_error *err)
{
    const char *s = NULL, *u = NULL, *language = p->language != NULL ? p->language : "English";
    weft_status status = default_prompt(p, &s, &u, err);
    if (status == WEFT_OK)
        status = with_language(u, language, user, err);
    if (status == WEFT_OK && s != NULL && p->system == NULL)
        status = with_language(s, language, system, err);
    p->user = *user;
    p->user_bytes = 0;
    if (*system != NULL)
        p->system = *system;
    return status;
}

static weft_status feed_pieces(const wf_text *t, weft_sequence *s, const weft_prompt *p,
                               weft_error *err)
{
    pieces c = {.text = t, .sites = s->of->sites, .p = p};
    c.order = wf_zalloc_n(p->n_items + 1u, sizeof *c.order);
    c.placed = wf_zalloc(p->n_items + 1u);
    weft_status status = c.order != NULL && c.placed != NULL
                             ? WEFT_OK
                             : wf_fail_nomem(err, p->n_items, "a prompt's items");
    uint64_t    bytes = p->user_bytes != 0 ? p->user_bytes : strlen(p->user);
    if (status == WEFT_OK) {
        tell_counts(&c, p->user, bytes);
        status = cut(&c, p->user, bytes, err);
    }
    if (status == WEFT_OK)
        status = (p->flags & WEFT_PROMPT_CHAT) != 0 ? feed_chat(s, &c, err) : feed_raw(s, &c, err);
    wf_free(c.parts);
    wf_free(c.order);
    wf_free(c.placed);
    return status;
}

weft_status wf_prompt_feed(const wf_text *t, weft_sequence *s, const weft_prompt *prompt,
                           weft_error *err)
{
    WF_TAKE(weft_prompt, p, prompt);
    char       *system = NULL, *user = NULL;
    weft_status status = check_items(t, &p, err);
    if (status == WEFT_OK && p.user == NULL)
        status = own_prompt(&p, &system, &user, err);
    if (status == WEFT_OK)
        status = feed_pieces(t, s, &p, err);
    wf_free(system);
    wf_free(user);
    return status;
}
