/* SPDX-License-Identifier: Apache-2.0 */
/* A text cut at the places of its items. */
#include "core/text/places.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define LIKE_MAX 64 /* bytes of a word that may be meant as a marker */

static weft_status add_part(wf_places *c, const char *text, uint64_t bytes, int32_t id,
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

const wf_marker *wf_places_marker(const wf_places *c, uint32_t item)
{
    int32_t m = wf_item_marker(c->items[item]);
    return m >= 0 ? &c->sites->markers[m] : NULL;
}

static bool goes_last(const wf_places *c, uint32_t item)
{
    return (wf_places_marker(c, item)->flags & WEFT_MARKER_LAST) != 0;
}

/* The item, between the texts of its layout's ends. */
static weft_status place(wf_places *c, uint32_t item, weft_error *err)
{
    const weft_plan *p = &c->items[item]->plan;
    const char      *end = p->layout + strlen(p->layout) - p->trail_bytes;
    c->placed[item] = 1;
    c->order[c->n_order++] = item;
    weft_status status = add_part(c, p->layout, p->lead_bytes, -1, err);
    if (status == WEFT_OK)
        status = add_part(c, NULL, 0, wf_places_marker(c, item)->token_id, err);
    return status == WEFT_OK ? add_part(c, end, p->trail_bytes, -1, err) : status;
}

/* Texts beside each other become one: a tokenizer makes other tokens of two. */
static weft_status join(wf_places *c, weft_error *err)
{
    uint64_t bytes = 0, at = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        bytes += c->parts[i].bytes;
    if ((c->joined = wf_alloc(bytes + 1)) == NULL)
        return wf_fail_nomem(err, bytes, "a prompt");
    for (uint32_t i = 0; i < c->n; i++) {
        const weft_part part = c->parts[i];
        char           *text = c->joined + at;
        if (part.bytes > 0)
            memcpy(text, part.text, part.bytes);
        at += part.bytes;
        if (part.id < 0 && n > 0 && c->parts[n - 1].id < 0) {
            c->parts[n - 1].bytes += part.bytes;
            continue;
        }
        c->parts[n] = part;
        c->parts[n++].text = part.id < 0 ? text : NULL;
    }
    c->n = n;
    return WEFT_OK;
}

static bool brings_text(const wf_places *c)
{
    for (uint32_t i = 0; i < c->n_items; i++)
        if (c->items[i]->plan.lead_bytes + c->items[i]->plan.trail_bytes > 0)
            return true;
    return false;
}

/* The first item without a place whose marker string starts at text; n_items: none. */
static uint32_t item_at(const wf_places *c, const char *text, uint64_t left)
{
    for (uint32_t i = 0; i < c->n_items; i++) {
        const char *token = wf_places_marker(c, i)->token;
        size_t      n = strlen(token);
        if (!c->placed[i] && n <= left && memcmp(text, token, n) == 0)
            return i;
    }
    return c->n_items;
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
static bool is_missing(const wf_places *c, uint32_t item, const char *text, uint64_t bytes)
{
    uint32_t same_after = 0;
    for (uint32_t i = item + 1; i < c->n_items; i++)
        same_after += wf_places_marker(c, i) == wf_places_marker(c, item);
    return same_after >= count_token(wf_places_marker(c, item)->token, text, bytes);
}

/* Says so where the text has places for another number of items than there are. A text without any
 * is no mistake: its items then stand where their markers say. */
static void tell_counts(const wf_places *c, const char *text, uint64_t bytes)
{
    for (int32_t k = 0; k < c->sites->n_markers; k++) {
        const wf_marker *m = &c->sites->markers[k];
        uint32_t         places = count_token(m->token, text, bytes), items = 0;
        for (uint32_t i = 0; i < c->n_items; i++)
            items += wf_places_marker(c, i) == m;
        if (places == 0 || places == items)
            continue;
        wf_log(WEFT_LOG_WARN, "the prompt has %u time%s %s and %u item%s for it: %s", places,
               places == 1 ? "" : "s", m->token, items, items == 1 ? "" : "s",
               places > items                       ? "the further ones are read as text"
               : (m->flags & WEFT_MARKER_LAST) != 0 ? "the first items stand behind the text"
                                                    : "the first items stand before the text");
    }
}

/* The length of "<|name|>" at text; 0: there is none. */
static size_t marker_like(const char *text, uint64_t left)
{
    size_t n = 2;
    if (left < 5 || memcmp(text, "<|", 2) != 0)
        return 0;
    while (n < left && n < LIKE_MAX &&
           (text[n] == '_' || (text[n] >= '0' && text[n] <= '9') ||
            (text[n] >= 'a' && text[n] <= 'z')))
        n++;
    return n > 2 && n + 2 <= left && memcmp(text + n, "|>", 2) == 0 ? n + 2 : 0;
}

static bool is_marker(const wf_hooks *s, const char *token, size_t n)
{
    for (int32_t k = 0; k < s->n_markers; k++)
        if (strlen(s->markers[k].token) == n && memcmp(s->markers[k].token, token, n) == 0)
            return true;
    return false;
}

/* Says so where the text has a word of a marker's form that is none of this model's. */
static void tell_stranger(const wf_places *c, const char *text, uint64_t bytes)
{
    char   known[200] = "none";
    size_t at = 0;
    for (int32_t k = 0; k < c->sites->n_markers && at < sizeof known; k++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", k > 0 ? ", " : "",
                               c->sites->markers[k].token);
    for (uint64_t i = 0; i < bytes; i++) {
        size_t n = marker_like(text + i, bytes - i);
        if (n == 0 || is_marker(c->sites, text + i, n))
            continue;
        wf_log(WEFT_LOG_WARN,
               "the prompt has %.*s, which is no marker of this model (%s): it is read as text",
               (int)n, text + i, known);
        return;
    }
}

/* Items without a place, before the text or after it as their markers say. */
static weft_status place_missing(wf_places *c, bool last, const char *text, uint64_t bytes,
                                 weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < c->n_items && status == WEFT_OK; i++)
        if (!c->placed[i] && goes_last(c, i) == last && is_missing(c, i, text, bytes))
            status = place(c, i, err);
    return status;
}

/* A marker string beyond the last item is text. */
static weft_status cut(wf_places *c, const char *text, uint64_t bytes, weft_error *err)
{
    uint64_t    from = 0;
    weft_status status = place_missing(c, false, text, bytes, err);
    for (uint32_t i = 0; i < c->n_items; i++) /* those that go last must not take a place before */
        c->placed[i] |= goes_last(c, i) && is_missing(c, i, text, bytes);
    for (uint64_t i = 0; i < bytes && status == WEFT_OK;) {
        uint32_t item = item_at(c, text + i, bytes - i);
        if (item == c->n_items) {
            i++;
            continue;
        }
        status = add_part(c, text + from, i - from, -1, err);
        i += strlen(wf_places_marker(c, item)->token);
        from = i;
        if (status == WEFT_OK)
            status = place(c, item, err);
    }
    if (status == WEFT_OK)
        status = add_part(c, text + from, bytes - from, -1, err);
    for (uint32_t i = 0; i < c->n_items; i++)
        c->placed[i] &= !goes_last(c, i) || !is_missing(c, i, text, bytes);
    return status == WEFT_OK ? place_missing(c, true, text, bytes, err) : status;
}

weft_status wf_places_cut(wf_places *c, const char *text, uint64_t bytes, weft_error *err)
{
    for (uint32_t i = 0; i < c->n_items; i++)
        if (wf_item_marker(c->items[i]) < 0)
            return wf_item_unread(c->items[i], err);
    c->order = wf_zalloc_n(c->n_items + 1u, sizeof *c->order);
    c->placed = wf_zalloc(c->n_items + 1u);
    if (c->order == NULL || c->placed == NULL)
        return wf_fail_nomem(err, c->n_items, "a prompt's items");
    if (!c->quiet) {
        tell_counts(c, text, bytes);
        if (!c->is_own)
            tell_stranger(c, text, bytes);
    }
    weft_status status = cut(c, text, bytes, err);
    return status == WEFT_OK && brings_text(c) ? join(c, err) : status;
}

void wf_places_free(wf_places *c)
{
    wf_free(c->parts);
    wf_free(c->order);
    wf_free(c->placed);
    wf_free(c->joined);
    c->parts = NULL;
    c->order = NULL;
    c->placed = NULL;
    c->joined = NULL;
}
