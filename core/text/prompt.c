/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts in which media stand. */
#include "core/text/prompt.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/media/calls.h"
#include "core/text/conversation.h"
#include "core/text/layout.h"
#include "core/text/places.h"
#include "weft/languages.h"

#define LANGUAGE "{language}"
#define CODE "{code}"
#define DEFAULT_LANGUAGE "English" /* as weft_prompt says */

typedef struct text_ctx {
    const wf_text   *text;
    const weft_part *part;
    bool             special; /* strings of special tokens are these tokens */
} text_ctx;

static weft_status text_ids(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    text_ctx *c = ctx;
    return wf_text_encode(c->text, c->part->text, c->part->bytes, c->special, ids, cap, need, err);
}

/* Room for the whole prompt, so that one which is too long is told with all of its tokens. */
static weft_status reserve(weft_sequence *s, const wf_places *c, uint64_t text_tokens,
                           weft_error *err)
{
    int64_t n = text_tokens < INT32_MAX ? (int64_t)text_tokens : INT32_MAX;
    for (uint32_t i = 0; i < c->n_items; i++)
        n += wf_item_tokens(c->items[i]);
    return wf_sequence_room(s, n, err);
}

static weft_status reserve_raw(const wf_text *t, weft_sequence *s, const wf_places *c, bool special,
                               weft_error *err)
{
    uint64_t    sum = 0;
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < c->n && status == WEFT_OK; i++) {
        text_ctx ctx = {t, &c->parts[i], special};
        uint64_t n = 0;
        if (c->parts[i].id < 0)
            status = text_ids(&ctx, NULL, 0, &n, err);
        sum += n;
    }
    return status == WEFT_OK ? reserve(s, c, sum, err) : status;
}

static weft_status feed_cut(const wf_text *t, weft_sequence *s, const wf_places *c, bool special,
                            weft_error *err)
{
    int32_t     bos = wf_text_bos(t);
    uint32_t    item = 0;
    weft_status status = bos >= 0 ? weft_sequence_feed_ids(s, &bos, 1, err) : WEFT_OK;
    if (status == WEFT_OK)
        status = reserve_raw(t, s, c, special, err);
    for (uint32_t i = 0; i < c->n && status == WEFT_OK; i++) {
        text_ctx ctx = {t, &c->parts[i], special};
        int32_t *ids = NULL;
        uint64_t n = 0;
        if (c->parts[i].id >= 0) {
            status = wf_sequence_feed_item(s, c->items[c->order[item++]], err);
            continue;
        }
        status = wf_ids_collect(text_ids, &ctx, &ids, &n, err);
        if (status == WEFT_OK)
            status = weft_sequence_feed_ids(s, ids, n, err);
        wf_free(ids);
    }
    return status;
}

/* A modality's words for a task of a kind of media, which may be NULL; *user stays NULL where it
 * has none. */
static weft_status words_of(const wf_modality *m, const char *kind, const char *task,
                            const char **system, const char **user, weft_error *err)
{
    char        of_kind[128];
    weft_status status = WEFT_OK;
    if (kind != NULL && m->vt->kinds[1] != NULL && WEFT_HAS(m->vt, weft_modality, whole_prompt)) {
        snprintf(of_kind, sizeof of_kind, "%s %s", task, kind);
        status = wf_modality_prompt(m, of_kind, system, user, err);
    }
    if (status == WEFT_OK && *user == NULL)
        status = wf_modality_prompt(m, task, system, user, err);
    return status;
}

static weft_status default_prompt(const weft_prompt *p, const char **system, const char **user,
                                  weft_error *err)
{
    if (p->n_items == 0)
        return wf_fail(err, WEFT_E_INVALID, "there is nothing to ask: give a prompt");
    const weft_item *first = p->items[0];
    weft_status      status = words_of(first->modality, first->info.kind,
                                  p->task != NULL ? p->task : "describe", system, user, err);
    if (status == WEFT_OK && *user == NULL)
        *user = "";
    return status;
}

const char *wf_prompt_language(const wf_modality *m, const char *kind, const char *task)
{
    const char *whole = NULL, *system = NULL, *user = NULL;
    if (wf_modality_whole_prompt(m, task, false, &whole, NULL) != WEFT_OK || whole != NULL ||
        words_of(m, kind, task, &system, &user, NULL) != WEFT_OK)
        return NULL;
    const bool named = (user != NULL && strstr(user, LANGUAGE) != NULL) ||
                       (system != NULL && strstr(system, LANGUAGE) != NULL);
    return named ? DEFAULT_LANGUAGE : NULL;
}

/* prompt with every slot ("{language}") replaced by a word; the caller's to free. */
static weft_status with_word(const char *prompt, const char *slot, const char *word, char **out,
                             weft_error *err)
{
    size_t n = strlen(word), length = strlen(slot), at = 0, slots = 0;
    for (const char *p = prompt; (p = strstr(p, slot)) != NULL; p += length)
        slots++;
    char *text = wf_alloc(strlen(prompt) + slots * n + 1);
    if (text == NULL)
        return wf_fail_nomem(err, strlen(prompt) + slots * n, "a prompt");
    for (const char *p = prompt; *p != '\0';) {
        bool here = strncmp(p, slot, length) == 0;
        if (here)
            memcpy(text + at, word, n);
        else
            text[at] = *p;
        at += here ? n : 1;
        p += here ? length : 1;
    }
    text[at] = '\0';
    *out = text;
    return WEFT_OK;
}

/* The modality's own words for the task, with the language filled in; the caller frees both. */
static weft_status own_prompt(weft_prompt *p, char **system, char **user, weft_error *err)
{
    const char *s = NULL, *u = NULL,
               *language = p->language != NULL ? p->language : DEFAULT_LANGUAGE;
    weft_status status = default_prompt(p, &s, &u, err);
    if (status == WEFT_OK)
        status = with_word(u, LANGUAGE, language, user, err);
    if (status == WEFT_OK && s != NULL && p->system == NULL)
        status = with_word(s, LANGUAGE, language, system, err);
    p->user = *user;
    p->user_bytes = 0;
    if (*system != NULL)
        p->system = *system;
    return status;
}

/* The modality's whole prompt, which the caller frees, for a task that it was trained on so; *whole
 * stays NULL where there is none, or where the user's own words go into the chat format. */
static weft_status whole_prompt(const weft_prompt *p, char **whole, weft_error *err)
{
    const weft_language *l = p->language != NULL ? weft_language_find(p->language) : NULL;
    const char          *text = NULL, *task = p->task != NULL ? p->task : "describe";
    if (p->n_items == 0 || p->user != NULL || p->system != NULL)
        return WEFT_OK;
    weft_status status =
        wf_modality_whole_prompt(p->items[0]->modality, task, l != NULL, &text, err);
    if (status != WEFT_OK || text == NULL)
        return status;
    if (p->language != NULL && l == NULL)
        return wf_fail(err, WEFT_E_INVALID,
                       "%.60s is no language that is known here: give its English name or its code",
                       p->language);
    return with_word(text, CODE, l != NULL ? l->code : "", whole, err);
}

/* special: the text is a modality's own, and strings of special tokens in it are these tokens. */
static weft_status feed_raw(const wf_text *t, weft_sequence *s, const weft_prompt *p, bool special,
                            weft_error *err)
{
    wf_places c = {
        .sites = s->of->sites, .items = p->items, .n_items = p->n_items, .is_own = special};
    uint64_t    bytes = p->user_bytes != 0 ? p->user_bytes : strlen(p->user);
    weft_status status = wf_places_cut(&c, p->user, bytes, err);
    if (status == WEFT_OK)
        status = feed_cut(t, s, &c, special, err);
    wf_places_free(&c);
    return status;
}

static weft_status feed_chat(const wf_text *t, weft_sequence *s, const weft_prompt *p,
                             weft_error *err)
{
    weft_turn turns[2] = {
        {WEFT_HDR(weft_turn), "system", p->system, 0, NULL, 0, 0},
        {WEFT_HDR(weft_turn), "user", p->user, p->user_bytes, p->items, p->n_items, 0}};
    return p->system != NULL ? wf_turns_append(t, s, turns, 2, NULL, err)
                             : wf_turns_append(t, s, turns + 1, 1, NULL, err);
}

weft_status wf_prompt_feed(const wf_text *t, weft_sequence *s, const weft_prompt *prompt,
                           weft_error *err)
{
    WF_TAKE(weft_prompt, p, prompt);
    char       *system = NULL, *user = NULL, *whole = NULL;
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < p.n_items && status == WEFT_OK; i++)
        status = wf_item_marker(p.items[i]) < 0 ? wf_item_unread(p.items[i], err)
                                                : wf_text_lay_out(t, p.items[i], err);
    if (status == WEFT_OK)
        status = whole_prompt(&p, &whole, err);
    if (whole != NULL) {
        p.user = whole;
        p.user_bytes = 0;
    }
    if (status == WEFT_OK && p.user == NULL)
        status = own_prompt(&p, &system, &user, err);
    if (status == WEFT_OK && whole == NULL && (p.flags & WEFT_PROMPT_CHAT) != 0)
        status = feed_chat(t, s, &p, err);
    else if (status == WEFT_OK)
        status = feed_raw(t, s, &p, whole != NULL, err);
    wf_free(whole);
    wf_free(system);
    wf_free(user);
    return status;
}
