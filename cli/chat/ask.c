/* SPDX-License-Identifier: Apache-2.0 */
/* One question and its answer. The sequence goes on from turn to turn: the library runs what it
 * does not hold yet (weft_sequence_feed_turns). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"
#include "command/answer.h"
#include "exit.h"
#include "input/interrupt.h"
#include "output/say.h"
#include "output/terminal.h"

/* Of a context that is full: the share that the conversation keeps, so that not every question
 * makes the model read all of it again. */
#define KEEP_OF 4
#define KEEP 3

/* What was fed for an answer. */
typedef struct fed {
    weft_turns_info info;
    int32_t         n_dropped; /* questions that left, with their answers */
} fed;

static weft_status no_memory(weft_error *err, const char *what)
{
    err->code = WEFT_E_NOMEM;
    snprintf(err->message, sizeof err->message, "out of memory: %s", what);
    return err->code;
}

/* The conversation from turn `first` on, as the library takes it: turns, and the items of all of
 * them one behind the other. The caller frees both. */
static bool list_turns(const cli_chat *h, uint32_t first, weft_turn **turns, weft_item ***items,
                       uint32_t *n)
{
    uint32_t n_items = 0, at = 0;
    for (uint32_t i = first; i < h->turns.n; i++)
        n_items += h->turns.v[i].media.n;
    *n = 0;
    *turns = malloc((h->turns.n + 1) * sizeof **turns);
    *items = malloc((n_items + 1) * sizeof(weft_item *));
    if (*turns == NULL || *items == NULL)
        return false;
    if (h->system != NULL)
        (*turns)[(*n)++] = (weft_turn){WEFT_HDR(weft_turn), "system", h->system, 0, NULL, 0, 0};
    for (uint32_t i = first; i < h->turns.n; i++) {
        const cli_turn *t = &h->turns.v[i];
        (*turns)[(*n)++] = (weft_turn){WEFT_HDR(weft_turn), t->role,    t->text, t->bytes,
                                       *items + at,         t->media.n, 0};
        for (uint32_t k = 0; k < t->media.n; k++)
            (*items)[at++] = t->media.v[k].item;
    }
    return true;
}

static weft_status feed(const cli_chat *h, uint32_t first, weft_turns_info *info, weft_error *err)
{
    weft_turn  *turns;
    weft_item **items;
    uint32_t    n;
    *err = (weft_error)CLI_ERROR_INIT;
    *info = (weft_turns_info){.hdr = WEFT_HDR(weft_turns_info)};
    weft_status st = list_turns(h, first, &turns, &items, &n)
                         ? weft_sequence_feed_turns(h->sequence, turns, n, info, err)
                         : no_memory(err, "a conversation");
    free(turns);
    free(items);
    return st;
}

/* The next question behind turn i. */
static uint32_t next_question(const cli_turns *t, uint32_t i)
{
    do
        i++;
    while (i < t->n && strcmp(t->v[i].role, "user") != 0);
    return i;
}

static void tell_dropped(int32_t n, int64_t context)
{
    if (n > 0)
        cli_log(NULL, WEFT_LOG_WARN,
                n == 1 ? "the context is full: the oldest question left the "
                         "conversation, with its answer"
                       : "the context is full: the oldest questions left the "
                         "conversation, with their answers");
    if (n > 0 && cli_verbose() > 0)
        cli_chat_note("%d questions left; the context has %lld tokens", (int)n, (long long)context);
}

/* Feeds the conversation. Where it leaves too little room for an answer the oldest questions leave,
 * as many as bring it down to a share of the context; the system message and the last question
 * stay. Nothing leaves for a question that would not fit alone. */
static weft_status fit(cli_chat *h, fed *f, weft_error *err)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_status      st = weft_engine_describe(h->e, &d, err);
    uint32_t         first = 0;
    if (st == WEFT_OK)
        st = feed(h, first, &f->info, err);
    int64_t room = weft_settings_i64(h->c->settings, "max_new_tokens");
    int64_t keep = d.context / KEEP_OF * KEEP;
    room = room < d.context - keep ? room : d.context - keep;
    if (st == WEFT_OK && f->info.n_tokens + room <= d.context)
        return st;
    while (first + 1 < h->turns.n &&
           (st == WEFT_E_LIMIT || (st == WEFT_OK && f->info.n_tokens > keep))) {
        first = next_question(&h->turns, first);
        st = feed(h, first, &f->info, err);
        f->n_dropped++;
    }
    if (st != WEFT_OK) {
        f->n_dropped = 0;
        return st;
    }
    for (int32_t i = 0; i < f->n_dropped; i++)
        cli_turns_drop_oldest(&h->turns);
    tell_dropped(f->n_dropped, d.context);
    return st;
}

static void add_times(cli_answer *a, const cli_media *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
        if (weft_item_describe(m->v[i].item, &d, NULL) != WEFT_OK)
            continue;
        a->decode_s += d.decode_s;
        a->encode_s += d.encode_s;
    }
}

static int32_t print_json(const cli_chat *h, const cli_answer *a, const fed *f)
{
    json_t *v = cli_answer_json(a, h->e), *tokens = json_object_get(v, "tokens");
    int64_t prefilled = a->run.n_prompt > 0 ? a->run.n_prompt - f->info.n_kept : 0;
    if (json_object_set_new(tokens, "prefilled", json_integer((json_int_t)prefilled)) != 0 ||
        json_object_set_new(v, "dropped", json_integer((json_int_t)f->n_dropped)) != 0) {
        json_decref(v);
        v = NULL;
    }
    return cli_json_print(NULL, v) ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
}

/* What was answered before Ctrl-C is a part of the conversation, a failure is not. */
static int32_t settle(cli_chat *h, cli_answer *a, int32_t code)
{
    bool stopped = code == CLI_EXIT_INTERRUPTED;
    bool stays = code == CLI_EXIT_OK || (stopped && a->text_bytes > 0);
    if (stays && !cli_turns_add(&h->turns, "assistant", a->text, a->text_bytes, NULL)) {
        no_memory(&a->err, "an answer");
        code = CLI_EXIT_MEMORY;
        stopped = stays = false;
    }
    if (!stays)
        cli_turns_take_back(&h->turns, stopped ? &h->waiting : NULL);
    if (stopped)
        cli_chat_note(stays ? "stopped" : "stopped; the question is no part of the conversation");
    else if (!stays)
        cli_say_error(&a->err);
    return stopped && h->person ? CLI_EXIT_OK : code;
}

/* Behind an answer, so that the next one, or the person's turn, stands apart. */
static void end_answer(const cli_answer *a)
{
    if (!a->begun)
        return;
    cli_place_put(NULL, "\n", 1);
    cli_place_flush(NULL);
}

int32_t cli_chat_ask(cli_chat *h, const char *text, size_t bytes)
{
    cli_answer a;
    fed        f = {.n_dropped = 0};
    cli_answer_init(&a, h->c, h->json ? CLI_FORM_KEEP : CLI_FORM_STREAM, NULL, NULL);
    a.lent = a.after_space = true;
    a.sequence = h->sequence;
    if (!cli_turns_add(&h->turns, "user", text, bytes, &h->waiting)) {
        no_memory(&a.err, "a question");
        return cli_say_error(&a.err);
    }
    a.status = fit(h, &f, &a.err);
    cli_answer_finish(&a, h->c);
    add_times(&a, &h->turns.v[h->turns.n - 1].media);
    int32_t code = cli_answer_code(&a), printed = CLI_EXIT_OK;
    if (h->json)
        printed = print_json(h, &a, &f);
    end_answer(&a);
    code = settle(h, &a, code);
    if (code == CLI_EXIT_OK && cli_verbose() > 0)
        cli_summary(&a.run, a.decode_s, a.encode_s);
    cli_answer_deinit(&a);
    return cli_worse(code, printed);
}
