/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer in use: the first of the tokenizer plugins that takes the model's directory. */
#ifndef WF_TEXT_H
#define WF_TEXT_H

#include "core/model/directory.h"
#include "core/text/tokens.h"

typedef struct wf_text {
    wf_registry  *registry; /* borrowed */
    weft_package *package;  /* of the model; borrowed */
    wf_tokens     tokens;   /* vt NULL: not opened yet, or there is none */
} wf_text;

/* Opens it at the first need. NOTFOUND (stage MODEL) says what is missing. */
weft_status wf_text_open(wf_text *t, weft_error *err);
void        wf_text_close(wf_text *t); /* safe on zeroed memory */

/* The rest needs an open one. Sizes: *need gets the whole count; at most cap are written. */

/* special: special-token strings in the text are parsed. LIMIT: more than a prompt may have. */
weft_status wf_text_encode(const wf_text *t, const char *text, uint64_t bytes, bool special,
                           int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_text_decode(const wf_text *t, const int32_t *ids, uint64_t n, char *text,
                           uint64_t cap, uint64_t *need, weft_error *err);
/* The text of what the model wrote, in which special tokens may be shown. */
weft_status wf_text_answer(const wf_text *t, const int32_t *ids, uint64_t n, char *text,
                           uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_text_chat(const wf_text *t, const weft_message *m, uint32_t n, int32_t *ids,
                         uint64_t cap, uint64_t *need, weft_error *err);
/* LIMIT: the JSON is longer than a prompt may be. */
weft_status wf_text_conversation_text(const wf_text *t, const weft_conversation *c, char *text,
                                      uint64_t cap, uint64_t *need, weft_error *err);
weft_status wf_text_conversation_ids(const wf_text *t, const weft_conversation *c, int32_t *ids,
                                     uint64_t cap, uint64_t *need, weft_error *err);
int32_t     wf_text_special(const wf_text *t, const char *token); /* id or -1 */
int32_t     wf_text_bos(const wf_text *t);                        /* id or -1 */
/* Of a tokenizer that is not open no token is one that stops. */
bool wf_text_is_stop(const wf_text *t, int32_t id);

#endif
