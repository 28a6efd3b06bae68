/* SPDX-License-Identifier: Apache-2.0 */
/* The calls into the tokenizer. */
#include "core/text/tokens.h"

#include "core/plugin/visit.h"

#define NEED_MAX ((uint64_t)1 << 32) /* ids or bytes of one answer */

weft_status wf_tokens_open(wf_tokens *out, const weft_tokenizer *vt, wf_plugin *plugin,
                           const weft_package *p, const char *directory, weft_error *err)
{
    wf_visit v;
    void    *self = NULL;
    *out = (wf_tokens){NULL, NULL, NULL};
    wf_visit_begin(&v, plugin, "create", directory, WF_VISIT_SETUP | WF_VISIT_ASKS);
    weft_status status = vt->create(wf_plugin_host(plugin), p, &self, &v.why);
    status = wf_visit_end(&v, status, err);
    if (status == WEFT_OK && self == NULL)
        status = wf_visit_wrong(&v, err, "OK and no tokenizer");
    if (status == WEFT_OK)
        *out = (wf_tokens){vt, self, plugin};
    return status;
}

void wf_tokens_close(wf_tokens *t)
{
    wf_visit v;
    if (t->vt == NULL)
        return;
    wf_visit_begin(&v, t->plugin, "destroy", NULL, WF_VISIT_SETUP);
    t->vt->destroy(t->self);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    *t = (wf_tokens){NULL, NULL, NULL};
}

static weft_status finish(wf_visit *v, weft_status status, uint64_t need, weft_error *err)
{
    status = wf_visit_end(v, status, err);
    if (status == WEFT_OK && need > NEED_MAX)
        status = wf_visit_wrong(v, err, "a count of %llu", (unsigned long long)need);
    return status;
}

weft_status wf_tokens_encode(const wf_tokens *t, const char *text, uint64_t bytes, uint32_t flags,
                             int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    *need = 0;
    wf_visit_begin(&v, t->plugin, "encode", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->encode(t->self, text, bytes, flags, ids, cap, need, &v.why), *need,
                  err);
}

weft_status wf_tokens_chat(const wf_tokens *t, const weft_message *m, uint32_t n, int32_t *ids,
                           uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    *need = 0;
    wf_visit_begin(&v, t->plugin, "chat", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->chat(t->self, m, n, ids, cap, need, &v.why), *need, err);
}

static weft_status without_templates(weft_error *err)
{
    return wf_fail(err, WEFT_E_UNSUPPORTED, "the model's tokenizer knows no chat templates");
}

weft_status wf_tokens_conversation_text(const wf_tokens *t, const weft_conversation *c, char *text,
                                        uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    *need = 0;
    if (!WEFT_HAS(t->vt, weft_tokenizer, conversation_text) || t->vt->conversation_text == NULL)
        return without_templates(err);
    wf_visit_begin(&v, t->plugin, "conversation_text", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->conversation_text(t->self, c, text, cap, need, &v.why), *need, err);
}

weft_status wf_tokens_conversation_ids(const wf_tokens *t, const weft_conversation *c, int32_t *ids,
                                       uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    *need = 0;
    if (!WEFT_HAS(t->vt, weft_tokenizer, conversation_ids) || t->vt->conversation_ids == NULL)
        return without_templates(err);
    wf_visit_begin(&v, t->plugin, "conversation_ids", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->conversation_ids(t->self, c, ids, cap, need, &v.why), *need, err);
}

weft_status wf_tokens_decode(const wf_tokens *t, const int32_t *ids, uint64_t n, char *text,
                             uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    *need = 0;
    wf_visit_begin(&v, t->plugin, "decode", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->decode(t->self, ids, n, text, cap, need, &v.why), *need, err);
}

weft_status wf_tokens_answer(const wf_tokens *t, const int32_t *ids, uint64_t n, char *text,
                             uint64_t cap, uint64_t *need, weft_error *err)
{
    wf_visit v;
    if (!WEFT_HAS(t->vt, weft_tokenizer, answer) || t->vt->answer == NULL)
        return wf_tokens_decode(t, ids, n, text, cap, need, err);
    *need = 0;
    wf_visit_begin(&v, t->plugin, "answer", NULL, WF_VISIT_QUICK);
    return finish(&v, t->vt->answer(t->self, ids, n, text, cap, need, &v.why), *need, err);
}

int32_t wf_tokens_special(const wf_tokens *t, const char *token)
{
    wf_visit v;
    wf_visit_begin(&v, t->plugin, "special", NULL, WF_VISIT_QUICK);
    int32_t id = t->vt->special(t->self, token);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return id;
}

int32_t wf_tokens_bos(const wf_tokens *t)
{
    wf_visit v;
    wf_visit_begin(&v, t->plugin, "bos", NULL, WF_VISIT_QUICK);
    int32_t id = t->vt->bos(t->self);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return id;
}

bool wf_tokens_is_stop(const wf_tokens *t, int32_t id)
{
    wf_visit v;
    if (t->vt == NULL)
        return false;
    wf_visit_begin(&v, t->plugin, "is_stop", NULL, WF_VISIT_QUICK);
    bool stop = t->vt->is_stop(t->self, id) != 0;
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return stop;
}
