/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer in use. Every call into it is made here. */
#include "core/text/text.h"

#include <string.h>

#define PROMPT_MAX_BYTES ((uint64_t)16 << 20)

static weft_status try_tokenizer(wf_text *t, const weft_tokenizer *vt, wf_plugin *owner,
                                 weft_error *err)
{
    void       *self = NULL;
    const char *before = wf_plugin_enter(owner);
    weft_status status = vt->create(wf_plugin_host(owner), t->package, &self, err);
    wf_plugin_leave(before);
    if (status != WEFT_OK)
        return status;
    t->vt = vt;
    t->self = self;
    t->plugin = owner;
    return WEFT_OK;
}

weft_status wf_text_open(wf_text *t, weft_error *err)
{
    weft_error            why = WF_ERROR_INIT;
    const weft_tokenizer *vt;
    wf_plugin            *owner;
    weft_status           status;
    const char           *dir = wf_package_dir(t->package);
    if (t->vt != NULL)
        return WEFT_OK;
    if ((status = wf_registry_load_kind(t->registry, WEFT_C_TOKENIZER, err)) != WEFT_OK)
        return status;
    status = wf_fail(&why, WEFT_E_NOTFOUND, "%s: no tokenizer plugin is loaded", dir);
    for (size_t i = 0;
         (vt = wf_registry_component(t->registry, WEFT_C_TOKENIZER, i, &owner)) != NULL; i++) {
        status = try_tokenizer(t, vt, owner, &why);
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
    if (t->vt != NULL) {
        const char *before = wf_plugin_enter(t->plugin);
        t->vt->destroy(t->self);
        wf_plugin_leave(before);
    }
    t->vt = NULL;
}

weft_status wf_text_encode(const wf_text *t, const char *text, uint64_t bytes, bool special,
                           int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    if (bytes > PROMPT_MAX_BYTES)
        return wf_fail(err, WEFT_E_LIMIT, "%llu bytes of text are over the %llu of a prompt",
                       (unsigned long long)bytes, (unsigned long long)PROMPT_MAX_BYTES);
    const char *before = wf_plugin_enter(t->plugin);
    weft_status status =
        t->vt->encode(t->self, text, bytes, special ? WEFT_TOK_SPECIAL : 0, ids, cap, need, err);
    wf_plugin_leave(before);
    return status;
}

weft_status wf_text_decode(const wf_text *t, const int32_t *ids, uint64_t n, char *text,
                           uint64_t cap, uint64_t *need, weft_error *err)
{
    const char *before = wf_plugin_enter(t->plugin);
    weft_status status = t->vt->decode(t->self, ids, n, text, cap, need, err);
    wf_plugin_leave(before);
    return status;
}

weft_status wf_text_chat(const wf_text *t, const weft_message *m, uint32_t n, int32_t *ids,
                         uint64_t cap, uint64_t *need, weft_error *err)
{
    const char *before = wf_plugin_enter(t->plugin);
    weft_status status = t->vt->chat(t->self, m, n, ids, cap, need, err);
    wf_plugin_leave(before);
    return status;
}

int32_t wf_text_special(const wf_text *t, const char *token)
{
    const char *before = wf_plugin_enter(t->plugin);
    int32_t     id = t->vt->special(t->self, token);
    wf_plugin_leave(before);
    return id;
}

int32_t wf_text_bos(const wf_text *t)
{
    const char *before = wf_plugin_enter(t->plugin);
    int32_t     id = t->vt->bos(t->self);
    wf_plugin_leave(before);
    return id;
}

bool wf_text_is_stop(const wf_text *t, int32_t id)
{
    if (t->vt == NULL)
        return false;
    const char *before = wf_plugin_enter(t->plugin);
    bool        stop = t->vt->is_stop(t->self, id) != 0;
    wf_plugin_leave(before);
    return stop;
}
