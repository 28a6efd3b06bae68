/* SPDX-License-Identifier: Apache-2.0 */
/* Templates as a whole: compiling and running them. */
#include "messages.h"

weft_status tpl_compile(const weft_host *h, const char *from, const uint8_t *source, uint64_t n,
                        tpl_template **out, weft_error *err)
{
    const size_t  name = strlen(from) + 1;
    tpl_template *t = h->alloc(h, sizeof *t + name, 16);
    *out = NULL;
    if (t == NULL)
        return txt_fail_nomem(err, sizeof *t + name);
    memset(t, 0, sizeof *t);
    memcpy(t + 1, from, name);
    t->s = (tpl_state){.host = h, .err = err, .from = (const char *)(t + 1)};
    tpl_parser p = {.s = &t->s};
    tpl_lex(&t->s, source, n, &p.tokens);
    if (!tpl_failed(&t->s)) {
        t->s.line = 1;
        t->body = tpl_parse(&p);
        t->blocks = p.blocks;
    }
    const weft_status s = t->s.status;
    t->s.err = NULL;
    if (s != WEFT_OK)
        tpl_free(t);
    else
        *out = t;
    return s;
}

void tpl_free(tpl_template *t)
{
    if (t == NULL)
        return;
    tpl_release(&t->s);
    t->s.host->free(t->s.host, t);
}

/* What the reference gives every template. A member of the document takes the place of any. */
static void bind_standard(tpl_run *r)
{
    for (uint32_t i = 0; i < r->rq->n_variables; i++)
        tpl_bind_str(r, r->rq->variables[i].name,
                     tpl_string(tpl_str(&r->s, r->rq->variables[i].value)));
    tpl_bind_str(r, "documents", tpl_none());
    tpl_bind_str(r, "tools", tpl_none());
    tpl_bind_str(r, "add_generation_prompt", tpl_bool(true, TPL_OWN));
}

static void bind_document(tpl_run *r)
{
    const tpl_value v = tpl_json_read(&r->s, &r->rq->messages);
    if (tpl_failed(&r->s))
        return;
    if (v.type == TPL_DICT)
        for (uint64_t i = 0; i < v.u.dict->n && !tpl_failed(&r->s); i++)
            tpl_bind(r, v.u.dict->keys[i].u.text, v.u.dict->values[i]);
    else
        tpl_bind_str(r, "messages", v);
    const tpl_value *messages = tpl_lookup(r, tpl_str(&r->s, "messages"));
    if (messages == NULL || messages->type != TPL_LIST)
        r->s.status =
            weft_fail(r->s.err, WEFT_E_CORRUPT,
                      "%s holds neither a list of messages nor an object with \"messages\"",
                      r->rq->messages.name);
}

static void bind_all(tpl_run *r)
{
    bind_standard(r);
    if (r->rq->m != NULL)
        tpl_bind_str(r, "messages", tpl_messages(r));
    else
        bind_document(r);
    if (r->rq->tools.text != NULL)
        tpl_bind_str(r, "tools", tpl_json_read(&r->s, &r->rq->tools));
}

weft_status tpl_render(const tpl_template *t, const tpl_run_request *rq, tpl_result *out,
                       weft_error *err)
{
    tpl_run   r = {.s = {.host = t->s.host, .err = err, .from = t->s.from}, .rq = rq};
    tpl_build b = {.s = &r.s};
    r.out = &b;
    if (tpl_scope_enter(&r, NULL) == NULL && r.scope != NULL) {
        r.self = (tpl_self){t->blocks, r.scope};
        bind_all(&r);
        tpl_bind_self(&r);
        r.s.line = 1;
        tpl_execute(&r, t->body);
    }
    weft_status s = r.s.status;
    if (s == WEFT_OK)
        s = txt_buf_add(&out->text, b.p, b.n, err);
    if (s == WEFT_OK)
        s = txt_buf_add(&out->origin, b.origin, b.n, err);
    tpl_release(&r.s);
    return s;
}
