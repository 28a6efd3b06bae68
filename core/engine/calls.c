/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of weft.h that hand an engine's rooms to the room that does the work. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/engine/engine.h"
#include "core/text/conversation.h"
#include "core/text/layout.h"
#include "core/text/prompt.h"
#include "core/verify/verify.h"

weft_status weft_tokenize(weft_engine *e, const char *text, uint64_t bytes, int32_t special,
                          int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    weft_status status = wf_engine_text(e, err);
    return status == WEFT_OK
               ? wf_text_encode(&e->text, text, bytes, special != 0, ids, cap, need, err)
               : status;
}

weft_status weft_detokenize(weft_engine *e, const int32_t *ids, uint64_t n, char *text,
                            uint64_t cap, uint64_t *need, weft_error *err)
{
    weft_status status = wf_engine_text(e, err);
    return status == WEFT_OK ? wf_text_decode(&e->text, ids, n, text, cap, need, err) : status;
}

/* The program's request as the tokenizer gets it. */
static weft_status conversation(const weft_chat *chat, weft_conversation *out, weft_error *err)
{
    WF_TAKE(weft_chat, c, chat);
    if (c.messages == NULL)
        return wf_fail(err, WEFT_E_INVALID, "there are no messages");
    *out = (weft_conversation){WEFT_HDR(weft_conversation),
                               c.messages,
                               c.messages_name != NULL ? c.messages_name : "messages",
                               c.messages_bytes,
                               c.tools,
                               c.tools_name != NULL ? c.tools_name : "tools",
                               c.tools_bytes,
                               c.date};
    return WEFT_OK;
}

weft_status weft_chat_text(weft_engine *e, const weft_chat *chat, char *text, uint64_t cap,
                           uint64_t *need, weft_error *err)
{
    weft_conversation c;
    weft_status       status = wf_engine_text(e, err);
    if (status == WEFT_OK)
        status = conversation(chat, &c, err);
    return status == WEFT_OK ? wf_text_conversation_text(&e->text, &c, text, cap, need, err)
                             : status;
}

weft_status weft_chat_ids(weft_engine *e, const weft_chat *chat, int32_t *ids, uint64_t cap,
                          uint64_t *need, weft_error *err)
{
    weft_conversation c;
    weft_status       status = wf_engine_text(e, err);
    if (status == WEFT_OK)
        status = conversation(chat, &c, err);
    return status == WEFT_OK ? wf_text_conversation_ids(&e->text, &c, ids, cap, need, err) : status;
}

weft_status weft_item_open(weft_engine *e, const weft_item_request *rq, weft_item **out,
                           weft_error *err)
{
    *out = NULL;
    weft_status status = wf_engine_wants_media(e, err);
    if (status != WEFT_OK)
        return status;
    wf_mark before = wf_scope_begin(&e->scope);
    status = wf_item_open(&e->items, &e->media, rq, out, err);
    wf_scope_end(&e->scope, &before);
    /* Where there is no tokenizer that is said when the item is fed: its sizes can do without. */
    if (status == WEFT_OK && (*out)->plan.layout[0] != '\0' && wf_engine_text(e, NULL) == WEFT_OK)
        status = wf_text_lay_out(&e->text, *out, err);
    if (status != WEFT_OK)
        weft_item_release(out);
    return status;
}

weft_status weft_sequence_create(weft_engine *e, weft_sequence **out, weft_error *err)
{
    *out = NULL;
    if (e->model == NULL)
        return wf_fail(err, WEFT_E_STATE, "the engine was opened without weights");
    return wf_sequence_create(&e->sequences, out, err);
}

/* Looks up the ids of the tokens around the item and in its layout; a tokenizer that is not there
 * says so only when it is needed. */
static weft_status look_up(weft_engine *e, weft_item *item, weft_error *err)
{
    int32_t marker = wf_item_marker(item);
    bool    has_layout = item->plan.layout[0] != '\0';
    if (marker < 0 || (!has_layout && e->hooks.markers[marker].before == NULL &&
                       e->hooks.markers[marker].after == NULL))
        return WEFT_OK;
    weft_status status = wf_engine_text(e, err);
    return status == WEFT_OK ? wf_text_lay_out(&e->text, item, err) : status;
}

typedef struct end_text {
    const wf_text *text;
    const char    *bytes;
    uint64_t       n;
} end_text;

static weft_status end_ids(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    const end_text *t = ctx;
    return wf_text_encode(t->text, t->bytes, t->n, false, ids, cap, need, err);
}

/* The plain text at one end of an item's layout, by itself: nothing is known here of a text beside
 * the item with which it would be one. */
static weft_status feed_end(weft_sequence *s, const char *bytes, uint64_t n, weft_error *err)
{
    end_text t = {&s->of->engine->text, bytes, n};
    int32_t *ids = NULL;
    uint64_t n_ids = 0;
    if (n == 0)
        return WEFT_OK;
    weft_status status = wf_ids_collect(end_ids, &t, &ids, &n_ids, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_ids(s, ids, n_ids, err);
    wf_free(ids);
    return status;
}

static weft_status feed_with_ends(weft_sequence *s, weft_item *item, weft_error *err)
{
    const weft_plan *p = &item->plan;
    const int64_t    before = s->n;
    weft_status      status = feed_end(s, p->layout, p->lead_bytes, err);
    if (status == WEFT_OK)
        status = wf_sequence_feed_item(s, item, err);
    if (status == WEFT_OK)
        status = feed_end(s, p->layout + strlen(p->layout) - p->trail_bytes, p->trail_bytes, err);
    if (status != WEFT_OK)
        (void)weft_sequence_truncate(s, before, NULL);
    return status;
}

weft_status weft_sequence_feed_item(weft_sequence *s, weft_item *item, weft_error *err)
{
    weft_status status = look_up(s->of->engine, item, err);
    if (status != WEFT_OK)
        return status;
    return wf_item_marker(item) >= 0 ? feed_with_ends(s, item, err)
                                     : wf_sequence_feed_item(s, item, err);
}

weft_status weft_sequence_feed_prompt(weft_sequence *s, const weft_prompt *prompt, weft_error *err)
{
    weft_engine *e = s->of->engine;
    weft_status  status = wf_engine_text(e, err);
    return status == WEFT_OK ? wf_prompt_feed(&e->text, s, prompt, err) : status;
}

weft_status weft_sequence_feed_turns(weft_sequence *s, const weft_turn *turns, uint32_t n,
                                     weft_turns_info *info, weft_error *err)
{
    weft_engine *e = s->of->engine;
    weft_status  status = wf_engine_text(e, err);
    return status == WEFT_OK ? wf_turns_feed(&e->text, s, turns, n, info, err) : status;
}

/* Whether what a weight is multiplied with is rounded too: to bf16 beside bf16, to 8 bits beside q8
 * and q4. K and V that are kept in fewer bits are another such rounding. */
static bool rounds_inputs(const wf_model *m)
{
    const int32_t table = m->embed.format, linear = m->layers[0].o.format;
    return table == WF_BF16 || wf_is_grouped(table) || wf_is_grouped(linear);
}

weft_status weft_verify(weft_engine *e, const weft_verify_request *rq, int32_t *passed,
                        weft_error *err)
{
    wf_verify_env env = {.package = e->package,
                         .modalities = &e->modalities,
                         .items = &e->items,
                         .sequences = &e->sequences,
                         .stepper = &e->stepper,
                         .scope = &e->scope,
                         .has_core = e->has_core,
                         .prefill_chunk = e->prefill_chunk,
                         .bf16 = e->model != NULL &&
                                 (rounds_inputs(e->model) || wf_engine_kv_dtype(e) != WF_F32)};
    *passed = 0;
    if ((e->flags & (WEFT_OPEN_CONFIG | WEFT_OPEN_TOKENIZER)) != 0)
        return wf_fail(err, WEFT_E_STATE, "the engine was opened without weights");
    wf_mark     before = wf_scope_begin(&e->scope);
    weft_status status = wf_verify_run(&env, rq, passed, err);
    wf_scope_end(&e->scope, &before);
    return status;
}
