/* SPDX-License-Identifier: Apache-2.0 */
/* {% macro %} and {% call %}. What is given beyond a macro's parameters goes to `varargs`, `kwargs`
 * and `caller`, and is an error where its body does not read these. Source: jinja2 compiler.py
 * (macro_body, find_undeclared), runtime.py (Macro). */
#include "run.h"

/* ---- parsing ---- */

static uint32_t special_of(const tpl_text *name)
{
    return tpl_is(name, "varargs")  ? TPL_USES_VARARGS
           : tpl_is(name, "kwargs") ? TPL_USES_KWARGS
           : tpl_is(name, "caller") ? TPL_USES_CALLER
                                    : 0;
}

void tpl_see_name(tpl_parser *p, const tpl_text *name, bool read)
{
    const uint32_t which = p->special != NULL ? special_of(name) : 0;
    for (tpl_special *m = which != 0 ? p->special : NULL; m != NULL; m = m->around)
        if (read)
            m->read |= which & ~m->own;
        else
            m->own |= which;
}

/* Parameters in brackets: names with defaults. */
static tpl_node *parse_parameters(tpl_parser *p)
{
    tpl_node *list = NULL, **end = &list;
    tpl_expect_op(p, '(');
    while (!tpl_failed(p->s) && !tpl_at_op(p, ')')) {
        tpl_node *n = tpl_node_new(p, TPL_N_NAME);
        if (n == NULL)
            break;
        n->text = tpl_expect_name(p);
        tpl_see_name(p, n->text, false);
        n->a = tpl_skip_op(p, '=') ? tpl_parse_expression(p) : NULL;
        tpl_append(&end, n);
        if (!tpl_skip_op(p, ','))
            break;
    }
    tpl_expect_op(p, ')');
    return list;
}

/* The body, and what it reads of the special names that are no parameters. */
static void parse_macro_body(tpl_parser *p, tpl_node *n, const char *end)
{
    tpl_special own = {0, 0, p->special};
    p->special = &own;
    n->c = tpl_parse_own_body(p, end);
    p->special = own.around;
    n->op = own.read;
    for (const tpl_node *param = n->b; param != NULL; param = param->next) {
        const uint32_t which = special_of(param->text);
        if (which == TPL_USES_CALLER && (own.read & which) != 0 && param->a == NULL)
            tpl_fail(p->s, WEFT_E_CORRUPT, "a macro's parameter \"caller\" has no default");
        n->op &= ~which;
    }
}

tpl_node *tpl_parse_macro(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_MACRO), none = {0}, *f = n != NULL ? n : &none;
    f->text = tpl_expect_name(p);
    f->b = parse_parameters(p);
    parse_macro_body(p, f, "endmacro");
    return n;
}

tpl_node *tpl_parse_call_block(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_CALL_BLOCK), none = {0}, *f = n != NULL ? n : &none;
    f->b = tpl_at_op(p, '(') ? parse_parameters(p) : NULL;
    f->a = tpl_parse_expression(p);
    if (f->a != NULL && f->a->kind != TPL_N_CALL)
        tpl_unexpected(p, "a call");
    parse_macro_body(p, f, "endcall");
    return n;
}

/* ---- running ---- */

static const tpl_value *given(tpl_run *r, const tpl_args *a, uint64_t at, const tpl_node *parameter)
{
    const tpl_value key = tpl_string(parameter->text);
    return at < a->list->n ? &a->list->at[at] : tpl_get(&r->s, a->named, &key);
}

/* Names of parameters to values: by place, by name; then by default, which may read the others. */
static void bind_parameters(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    uint64_t at = 0;
    for (const tpl_node *p = m->node->b; p != NULL && !tpl_failed(&r->s); p = p->next, at++) {
        const tpl_value *v = given(r, a, at, p);
        tpl_bind(r, p->text, v != NULL ? *v : tpl_missing(TPL_UNDEFINED, p->text));
    }
    at = 0;
    for (const tpl_node *p = m->node->b; p != NULL && !tpl_failed(&r->s); p = p->next, at++)
        if (p->a != NULL && given(r, a, at, p) == NULL)
            tpl_bind(r, p->text, tpl_eval(r, p->a));
}

/* Whether a named argument is a parameter's that none gave a value to by its place, or the caller
 * that the body reads. */
static bool is_taken(tpl_run *r, const tpl_node *macro, const tpl_args *a, const tpl_text *name)
{
    uint64_t at = 0;
    bool     taken = (macro->op & TPL_USES_CALLER) != 0 && tpl_is(name, "caller");
    for (const tpl_node *p = macro->b; p != NULL && tpl_work(&r->s, 1); p = p->next, at++)
        taken |= at >= a->list->n && tpl_same(p->text, name);
    return taken;
}

/* What was given beyond the parameters. */
static void bind_rest(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    tpl_list *varargs = tpl_list_new(&r->s);
    tpl_dict *kwargs = tpl_dict_new(&r->s);
    uint64_t  n = 0;
    for (const tpl_node *p = m->node->b; p != NULL; p = p->next)
        n++;
    for (uint64_t i = n; i < a->list->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, varargs, a->list->at[i]);
    for (uint64_t i = 0; i < a->named->n && !tpl_failed(&r->s); i++)
        if (!is_taken(r, m->node, a, a->named->keys[i].u.text))
            tpl_set(&r->s, kwargs, a->named->keys[i], a->named->values[i]);
    if (tpl_failed(&r->s))
        return;
    if ((m->node->op & TPL_USES_VARARGS) != 0)
        tpl_bind_str(r, "varargs", tpl_listed(TPL_TUPLE, varargs));
    else if (varargs->n > 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "a macro takes at most %llu arguments, and %llu are given",
                 (unsigned long long)n, (unsigned long long)a->list->n);
    if ((m->node->op & TPL_USES_KWARGS) != 0)
        tpl_bind_str(r, "kwargs", (tpl_value){.type = TPL_DICT, .u.dict = kwargs});
    else if (kwargs->n > 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "a macro has no argument \"%.*s\"",
                 kwargs->keys[0].u.text->n < 32 ? (int)kwargs->keys[0].u.text->n : 32,
                 (const char *)kwargs->keys[0].u.text->p);
}

static void bind_caller(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    const tpl_value *caller = tpl_get_str(&r->s, a->named, "caller");
    if ((m->node->op & TPL_USES_CALLER) == 0)
        return;
    tpl_bind_str(r, "caller",
                 caller != NULL && caller->type != TPL_NONE
                     ? *caller
                     : tpl_missing(TPL_UNDEFINED, tpl_str(&r->s, "caller")));
}

tpl_value tpl_call_macro(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    if (m->node->kind == TPL_N_BLOCK)
        return tpl_call_block(r, m, a);
    const int  jump = r->jump;
    tpl_scope *before = tpl_scope_enter(r, m->scope);
    bind_rest(r, m, a);
    bind_caller(r, m, a);
    bind_parameters(r, m, a);
    r->jump = TPL_GOES_ON;
    const tpl_text *t = tpl_capture(r, m->node->c);
    r->jump = jump;
    tpl_scope_leave(r, before);
    return tpl_string(t);
}
