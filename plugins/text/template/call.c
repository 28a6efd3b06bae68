/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: of macros, functions, methods and loops, and the arguments of all of them. Source: jinja2
 * runtime.py (Macro). */
#include "run.h"

const tpl_value *tpl_arg(tpl_run *r, const tpl_args *a, uint32_t at, const char *name)
{
    if (at < a->list->n)
        return &a->list->at[at];
    return name != NULL ? tpl_get_str(&r->s, a->named, name) : NULL;
}

const tpl_text *tpl_arg_text(tpl_run *r, const tpl_args *a, uint32_t at, const char *name,
                             const char *dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    if (v != NULL && v->type == TPL_STRING)
        return v->u.text;
    if (v != NULL || dflt == NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "an argument is %s, and a str is needed",
                 v == NULL ? "missing" : tpl_type_name(v));
    return tpl_str(&r->s, dflt != NULL ? dflt : "");
}

int64_t tpl_arg_int(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, int64_t dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    if (v == NULL)
        return dflt;
    if (!tpl_is_int(v))
        tpl_fail(&r->s, WEFT_E_INVALID, "an argument is a %s, and an int is needed",
                 tpl_type_name(v));
    return tpl_is_int(v) ? v->u.i : dflt;
}

bool tpl_arg_bool(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, bool dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    return v != NULL ? tpl_truth(v) : dflt;
}

/* Names of parameters to values: by place, by name, by default. */
static void bind_parameters(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    uint64_t at = 0;
    for (const tpl_node *p = m->node->b; p != NULL && !tpl_failed(&r->s); p = p->next, at++) {
        const tpl_value  key = tpl_string(p->text);
        const tpl_value *given = at < a->list->n ? &a->list->at[at] : NULL;
        if (given == NULL)
            given = tpl_get(&r->s, a->named, &key);
        tpl_bind(r, p->text,
                 given != NULL  ? *given
                 : p->a != NULL ? tpl_eval(r, p->a)
                                : tpl_missing(TPL_UNDEFINED, p->text));
    }
}

/* What was given beyond the parameters: `varargs` and `kwargs` in the body. */
static void bind_rest(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    tpl_list *varargs = tpl_list_new(&r->s);
    tpl_dict *kwargs = tpl_dict_new(&r->s);
    uint64_t  n = 0;
    for (const tpl_node *p = m->node->b; p != NULL; p = p->next)
        n++;
    for (uint64_t i = n; i < a->list->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, varargs, a->list->at[i]);
    for (uint64_t i = 0; i < a->named->n && !tpl_failed(&r->s); i++) {
        bool known = tpl_is(a->named->keys[i].u.text, "caller");
        for (const tpl_node *p = m->node->b; p != NULL; p = p->next)
            known |= tpl_same(p->text, a->named->keys[i].u.text);
        if (!known)
            tpl_set(&r->s, kwargs, a->named->keys[i], a->named->values[i]);
    }
    tpl_bind_str(r, "varargs", tpl_listed(TPL_TUPLE, varargs));
    tpl_bind_str(r, "kwargs", (tpl_value){.type = TPL_DICT, .u.dict = kwargs});
}

tpl_value tpl_call_macro(tpl_run *r, const tpl_macro *m, const tpl_args *a)
{
    if (m->node->kind == TPL_N_BLOCK)
        return tpl_call_block(r, m, a);
    const int  jump = r->jump;
    tpl_scope *before = tpl_scope_enter(r, m->scope);
    bind_rest(r, m, a);
    bind_parameters(r, m, a);
    if (m->node->kind == TPL_N_MACRO)
        tpl_bind_str(r, "caller",
                     a->caller != NULL ? (tpl_value){.type = TPL_MACRO, .u.macro = a->caller}
                                       : tpl_missing(TPL_UNDEFINED, tpl_str(&r->s, "caller")));
    r->jump = TPL_GOES_ON;
    const tpl_text *t = tpl_capture(r, m->node->c);
    r->jump = jump;
    tpl_scope_leave(r, before);
    return tpl_string(t);
}

tpl_value tpl_call(tpl_run *r, const tpl_value *callee, const tpl_args *a)
{
    if (tpl_failed(&r->s))
        return tpl_undefined();
    if (a->node != NULL)
        r->s.line = a->node->line;
    switch (callee->type) {
    case TPL_MACRO:
        return tpl_call_macro(r, callee->u.macro, a);
    case TPL_FUNCTION:
        return tpl_function_call(r, callee->number, a);
    case TPL_METHOD:
        return tpl_method_call(r, callee->u.method, a);
    case TPL_LOOP:
        return tpl_loop_call(r, callee->u.loop, a);
    case TPL_UNDEFINED:
        tpl_fail_missing(&r->s, callee);
        break;
    default:
        tpl_fail(&r->s, WEFT_E_INVALID, "a %s cannot be called", tpl_type_name(callee));
    }
    return tpl_undefined();
}
