/* SPDX-License-Identifier: Apache-2.0 */
/* Variables and what is given to them. */
#include "run.h"

tpl_scope *tpl_scope_enter(tpl_run *r, tpl_scope *up)
{
    tpl_scope *before = r->scope, *own = tpl_alloc(&r->s, sizeof *own);
    if (own != NULL) {
        own->up = up;
        r->scope = own;
    }
    return before;
}

void tpl_scope_leave(tpl_run *r, tpl_scope *before)
{
    r->scope = before;
}

void tpl_bind(tpl_run *r, const tpl_text *name, tpl_value v)
{
    uint64_t passed = 0;
    for (tpl_binding *b = r->scope->first; b != NULL; b = b->next, passed++)
        if (tpl_same(b->name, name)) {
            b->value = v;
            (void)tpl_work(&r->s, passed / 8);
            return;
        }
    if (!tpl_work(&r->s, passed / 8))
        return;
    tpl_binding *b = tpl_alloc(&r->s, sizeof *b);
    if (b == NULL)
        return;
    *b = (tpl_binding){r->scope->first, name, v};
    r->scope->first = b;
}

void tpl_bind_str(tpl_run *r, const char *name, tpl_value v)
{
    tpl_bind(r, tpl_str(&r->s, name), v);
}

const tpl_value *tpl_lookup(tpl_run *r, const tpl_text *name)
{
    uint64_t passed = 0;
    for (const tpl_scope *scope = r->scope; scope != NULL; scope = scope->up, passed++)
        for (const tpl_binding *b = scope->first; b != NULL; b = b->next, passed++)
            if (tpl_same(b->name, name))
                return tpl_work(&r->s, passed / 8) ? &b->value : NULL;
    (void)tpl_work(&r->s, passed / 8);
    return NULL;
}

static void assign_member(tpl_run *r, const tpl_node *target, tpl_value v)
{
    const tpl_value *of = tpl_lookup(r, target->a->text);
    if (of == NULL || of->type != TPL_NAMESPACE)
        tpl_fail(&r->s, WEFT_E_INVALID, "\"%.*s\" is no namespace, so it has no members to set",
                 target->a->text->n < 32 ? (int)target->a->text->n : 32,
                 (const char *)target->a->text->p);
    else
        tpl_set(&r->s, of->u.dict, tpl_string(target->text), v);
}

static void assign_each(tpl_run *r, const tpl_node *target, const tpl_value *v)
{
    const tpl_list *l = tpl_items(&r->s, v);
    uint64_t        n = 0;
    for (const tpl_node *t = target->a; t != NULL; t = t->next)
        n++;
    if (l->n != n && !tpl_failed(&r->s))
        tpl_fail(&r->s, WEFT_E_INVALID, "%llu values are given to %llu names",
                 (unsigned long long)l->n, (unsigned long long)n);
    n = 0;
    for (const tpl_node *t = target->a; t != NULL && !tpl_failed(&r->s); t = t->next)
        tpl_assign(r, t, l->at[n++]);
}

void tpl_assign(tpl_run *r, const tpl_node *target, tpl_value v)
{
    if (target->kind == TPL_N_TUPLE)
        assign_each(r, target, &v);
    else if (target->kind == TPL_N_MEMBER)
        assign_member(r, target, v);
    else
        tpl_bind(r, target->text, v);
}
