/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer in use. Every call into it is made here. */
#include "core/text/text.h"

#include <string.h>

#define PROMPT_MAX_BYTES ((uint64_t)16 << 20)

weft_status wf_text_open(wf_text *t, weft_error *err)
{
    weft_error            why = WF_ERROR_INIT;
    char                  hint[WF_REGISTRY_HINT_CAP];
    const weft_tokenizer *vt;
    wf_plugin            *owner;
    weft_status           status;
    const char           *dir = wf_package_dir(t->package);
    if (t->tokens.vt != NULL)
        return WEFT_OK;
    if ((status = wf_registry_load_kind(t->registry, WEFT_C_TOKENIZER, err)) != WEFT_OK)
        return status;
    wf_registry_hint(t->registry, hint);
    status = wf_fail(&why, WEFT_E_NOTFOUND, "%s: no tokenizer plugin is loaded%s", dir, hint);
    for (size_t i = 0;
         (vt = wf_registry_component(t->registry, WEFT_C_TOKENIZER, i, &owner)) != NULL; i++) {
        status = wf_tokens_open(&t->tokens, vt, owner, t->package, dir, &why);
        if (status != WEFT_E_UNSUPPORTED && status != WEFT_E_NOTFOUND)
            break;
    }
    if (status == WEFT_OK)
        return status;
    if (strncmp(why.message, dir, strlen(dir)) == 0)
        wf_fail(err, status, "%s", why.message);
    else
        wf_fail(err, status, "%s: %s", dir, why.message);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

void wf_text_close(wf_text *t)
{
    wf_tokens_close(&t->tokens);
}

weft_status wf_text_encode(const wf_text *t, const char *text, uint64_t bytes, bool special,
                           int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    if (bytes > PROMPT_MAX_BYTES)
        return wf_fail(err, WEFT_E_LIMIT, "%llu bytes of text are over the %llu of a prompt",
                       (unsigned long long)bytes, (unsigned long long)PROMPT_MAX_BYTES);
    return wf_tokens_encode(&t->tokens, text, bytes, special ? WEFT_TOK_SPECIAL : 0, ids, cap, need,
                            err);
}

weft_status wf_text_decode(const wf_text *t, const int32_t *ids, uint64_t n, char *text,
                           uint64_t cap, uint64_t *need, weft_error *err)
{
    return wf_tokens_decode(&t->tokens, ids, n, text, cap, need, err);
}

weft_status wf_text_answer(const wf_text *t, const int32_t *ids, uint64_t n, char *text,
                           uint64_t cap, uint64_t *need, weft_error *err)
{
    return wf_tokens_answer(&t->tokens, ids, n, text, cap, need, err);
}

/* A format that cannot be had is the model's matter, damaged JSON that of the input. */
static weft_status staged(weft_status status, weft_error *err)
{
    if (status == WEFT_E_UNSUPPORTED)
        return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
    return status == WEFT_E_CORRUPT ? wf_fail_stage(err, status, WEFT_STAGE_MEDIA) : status;
}

weft_status wf_text_chat(const wf_text *t, const weft_message *m, uint32_t n, int32_t *ids,
                         uint64_t cap, uint64_t *need, weft_error *err)
{
    return staged(wf_tokens_chat(&t->tokens, m, n, ids, cap, need, err), err);
}

static weft_status check_size(const char *name, uint64_t bytes, weft_error *err)
{
    if (bytes <= PROMPT_MAX_BYTES)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_LIMIT, "%s has %llu bytes, over the %llu of a prompt", name,
                   (unsigned long long)bytes, (unsigned long long)PROMPT_MAX_BYTES);
}

static weft_status check_sizes(const weft_conversation *c, weft_error *err)
{
    weft_status status = check_size(c->messages_name, c->messages_bytes, err);
    if (status == WEFT_OK && c->tools != NULL)
        status = check_size(c->tools_name, c->tools_bytes, err);
    return status;
}

weft_status wf_text_conversation_text(const wf_text *t, const weft_conversation *c, char *text,
                                      uint64_t cap, uint64_t *need, weft_error *err)
{
    weft_status status = check_sizes(c, err);
    if (status != WEFT_OK)
        return status;
    return staged(wf_tokens_conversation_text(&t->tokens, c, text, cap, need, err), err);
}

weft_status wf_text_conversation_ids(const wf_text *t, const weft_conversation *c, int32_t *ids,
                                     uint64_t cap, uint64_t *need, weft_error *err)
{
    weft_status status = check_sizes(c, err);
    if (status != WEFT_OK)
        return status;
    return staged(wf_tokens_conversation_ids(&t->tokens, c, ids, cap, need, err), err);
}

int32_t wf_text_special(const wf_text *t, const char *token)
{
    return wf_tokens_special(&t->tokens, token);
}

int32_t wf_text_bos(const wf_text *t)
{
    return wf_tokens_bos(&t->tokens);
}

bool wf_text_is_stop(const wf_text *t, int32_t id)
{
    return wf_tokens_is_stop(&t->tokens, id);
}
