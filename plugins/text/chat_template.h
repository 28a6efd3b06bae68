/* SPDX-License-Identifier: Apache-2.0 */
/* The chat template of a directory, and what conversations become by it. */
#ifndef TXT_CHAT_TEMPLATE_H
#define TXT_CHAT_TEMPLATE_H

#include "model.h"
#include "template/template.h"

#define TXT_MAX_VARIABLES 8u

/* Filled at set-up and afterwards only read. */
typedef struct txt_templates {
    bool          is_there;
    tpl_template *usual, *tools;  /* tools: the one for conversations with tools, or NULL */
    bool          strings, lists; /* the forms of content that `usual` reads */
    weft_error    why;            /* usual is NULL: why the template cannot be used */
    tpl_variable  variables[TXT_MAX_VARIABLES];
    uint32_t      n_variables;
    tpl_date      date; /* month 0: unknown */
    char          date_text[32];
} txt_templates;

struct txt_tokenizer;
/* chat_template.c: reads the template of p, if there is one, and compiles it. One that cannot be
 * compiled is kept as a reason: only what needs it fails. */
weft_status txt_templates_read(struct txt_tokenizer *t, const weft_package *p, weft_error *err);
void        txt_templates_free(txt_templates *t);
/* Whether `usual` is there; else fails with the reason why not. */
weft_status txt_templates_usable(const txt_templates *t, weft_error *err);
/* "2024-07-26" or "26 Jul 2024". False: neither. */
bool txt_date_read(const char *text, tpl_date *out);
void txt_date_write(const tpl_date *d, char dst[32]); /* "26 Jul 2024" */

/* chat_run.c: what messages become by the template. */
weft_status txt_template_chat(const struct txt_tokenizer *t, const weft_message *m, uint32_t n,
                              int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);
/* The ids of what a template wrote. media: int32_t, what the marks stand for; NULL: there are none.
 */
weft_status txt_result_encode(const struct txt_tokenizer *t, const tpl_result *r,
                              const txt_buf *media, txt_sink *out, weft_error *err);

/* conversation.c: weft_tokenizer's functions of these names. */
weft_status txt_conversation_text(void *self, const weft_conversation *c, char *text, uint64_t cap,
                                  uint64_t *need, weft_error *err);
weft_status txt_conversation_ids(void *self, const weft_conversation *c, int32_t *ids, uint64_t cap,
                                 uint64_t *need, weft_error *err);

#endif
