/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations in JSON to text and ids, by the chat template alone. */
#include "text.h"

/* The template's variables with the date of this call in place of the options'. */
static weft_status use_date(const txt_templates *own, const char *text, tpl_variable *variables,
                            char shown[32], tpl_run_request *rq, weft_error *err)
{
    uint32_t n = 0;
    if (!txt_date_read(text, &rq->date))
        return weft_fail(err, WEFT_E_INVALID, "\"%.32s\" is no date: write it as 2026-11-30", text);
    txt_date_write(&rq->date, shown);
    for (uint32_t i = 0; i < own->n_variables; i++)
        if (strcmp(own->variables[i].name, "date_string") != 0)
            variables[n++] = own->variables[i];
    variables[n++] = (tpl_variable){"date_string", shown};
    rq->variables = variables;
    rq->n_variables = n;
    return WEFT_OK;
}

static weft_status converse(const txt_tokenizer *t, const weft_conversation *c, tpl_result *r,
                            weft_error *err)
{
    const txt_templates *own = &t->templates;
    char                 shown[32];
    tpl_variable         variables[TXT_MAX_VARIABLES];
    tpl_run_request      rq = {.messages = {c->messages_name, c->messages, c->messages_bytes},
                               .tools = {c->tools_name, c->tools, c->tools_bytes},
                               .variables = own->variables,
                               .n_variables = own->n_variables,
                               .date = own->date};
    weft_status          s = txt_templates_usable(own, err);
    if (s == WEFT_OK && c->date != NULL)
        s = use_date(own, c->date, variables, shown, &rq, err);
    if (s != WEFT_OK)
        return s;
    return tpl_render(own->tools != NULL && c->tools != NULL ? own->tools : own->usual, &rq, r,
                      err);
}

weft_status txt_conversation_text(void *self, const weft_conversation *c, char *text, uint64_t cap,
                                  uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    tpl_result           r = {.text.host = t->host, .origin.host = t->host};
    weft_status          s = converse(t, c, &r, err);
    *need = r.text.n;
    if (s == WEFT_OK && cap != 0 && r.text.n != 0)
        memcpy(text, r.text.p, r.text.n < cap ? r.text.n : cap);
    txt_buf_free(&r.text);
    txt_buf_free(&r.origin);
    return s;
}

weft_status txt_conversation_ids(void *self, const weft_conversation *c, int32_t *ids, uint64_t cap,
                                 uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    tpl_result           r = {.text.host = t->host, .origin.host = t->host};
    txt_sink             out = {ids, cap, 0};
    weft_status          s = converse(t, c, &r, err);
    if (s == WEFT_OK)
        s = txt_result_encode(t, &r, NULL, &out, err);
    *need = out.n;
    txt_buf_free(&r.text);
    txt_buf_free(&r.origin);
    return s;
}
