/* SPDX-License-Identifier: Apache-2.0 */
/* Markers meet the tokenizer here, and nowhere else: the other rooms see ids. */
#include "core/engine/engine.h"

static bool id_is_taken(const wf_hooks *h, int32_t id)
{
    for (int32_t i = 0; i < h->n_markers; i++)
        if (h->markers[i].token_id == id)
            return true;
    return false;
}

/* The marker before the i-th that has its id; NULL: none. */
static const wf_marker *same_id(const wf_hooks *h, int32_t i)
{
    for (int32_t k = 0; k < i; k++)
        if (h->markers[k].token_id == h->markers[i].token_id)
            return &h->markers[k];
    return NULL;
}

static int32_t enclosing_id(const wf_text *t, const char *token)
{
    return token != NULL ? wf_text_special(t, token) : -1;
}

weft_status wf_engine_text(weft_engine *e, weft_error *err)
{
    if (e->text.tokens.vt != NULL)
        return WEFT_OK;
    weft_status status = wf_text_open(&e->text, err);
    for (int32_t i = 0; i < e->hooks.n_markers && status == WEFT_OK; i++) {
        wf_marker *m = &e->hooks.markers[i];
        m->before_id = enclosing_id(&e->text, m->before);
        m->after_id = enclosing_id(&e->text, m->after);
    }
    return status;
}

/* Does some marker need the tokenizer for its id? The tokens around it are looked up when a
 * tokenizer is opened for the first text. */
static bool asks_tokenizer(const wf_hooks *h)
{
    for (int32_t i = 0; i < h->n_markers; i++)
        if (h->markers[i].token_id < 0)
            return true;
    return false;
}

weft_status wf_engine_resolve_markers(weft_engine *e, weft_error *err)
{
    bool has_text = asks_tokenizer(&e->hooks) && wf_engine_text(e, NULL) == WEFT_OK;
    for (int32_t i = 0; i < e->hooks.n_markers; i++) {
        wf_marker *m = &e->hooks.markers[i];
        if (m->token_id < 0 && has_text)
            m->token_id = wf_text_special(&e->text, m->token);
        for (int32_t id = e->config.vocab; m->token_id < 0; id++)
            if (!id_is_taken(&e->hooks, id))
                m->token_id = id;
        const wf_marker *other = same_id(&e->hooks, i);
        if (other != NULL)
            return wf_fail(err, WEFT_E_CONFLICT, "markers %s (%s) and %s (%s) are both token %d",
                           other->token, other->owner, m->token, m->owner, m->token_id);
        bool needs_row = m->token_id >= e->config.vocab && !e->hooks.streams[m->stream].soft;
        if (needs_row && m->embedding_weight == NULL)
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: marker %s is token %d, beyond the vocabulary, without an embedding",
                           m->owner, m->token, m->token_id);
    }
    return WEFT_OK;
}
