/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer in use: every call into it, through a visit (core/plugin/visit.h). */
#ifndef WF_TOKENS_H
#define WF_TOKENS_H

#include "core/plugin/registry.h"
#include "weft/tokenizer.h"

typedef struct wf_tokens {
    const weft_tokenizer *vt; /* NULL: none */
    void                 *self;
    wf_plugin            *plugin;
} wf_tokens;

/* Of the directory p, by this plugin's component. UNSUPPORTED and NOTFOUND: it is not for this
 * tokenizer, in the plugin's own words. On failure out->vt is NULL. [setup] */
weft_status wf_tokens_open(wf_tokens *out, const weft_tokenizer *vt, wf_plugin *plugin,
                           const weft_package *p, const char *directory, weft_error *err);
void        wf_tokens_close(wf_tokens *t); /* none is fine. [setup] */

/* As weft_tokenizer's functions of these names. *need is bounded: a count that no text can have is
 * the plugin's failure. [any] */
weft_status wf_tokens_encode(const wf_tokens *t, const char *text, uint64_t bytes, uint32_t flags,
                             int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_tokens_chat(const wf_tokens *t, const weft_message *m, uint32_t n, int32_t *ids,
                           uint64_t cap, uint64_t *need, weft_error *err);
/* UNSUPPORTED: this plugin's tokenizer knows no templates. */
weft_status wf_tokens_conversation_text(const wf_tokens *t, const weft_conversation *c, char *text,
                                        uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_tokens_conversation_ids(const wf_tokens *t, const weft_conversation *c, int32_t *ids,
                                       uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_tokens_decode(const wf_tokens *t, const int32_t *ids, uint64_t n, char *text,
                             uint64_t cap, uint64_t *need, weft_error *err);
/* What an answer shows of these tokens: as the plugin's answer, else as its decode says. */
weft_status wf_tokens_answer(const wf_tokens *t, const int32_t *ids, uint64_t n, char *text,
                             uint64_t cap, uint64_t *need, weft_error *err);
int32_t     wf_tokens_special(const wf_tokens *t, const char *token);
int32_t     wf_tokens_bos(const wf_tokens *t);
bool        wf_tokens_is_stop(const wf_tokens *t, int32_t id); /* none: false */

#endif
