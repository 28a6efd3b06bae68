/* SPDX-License-Identifier: Apache-2.0 */
/* Loops, and what `loop` tells within one. Source: jinja2 runtime.py (LoopContext). */
#include "run.h"

/* Those of the items that the loop's own `if` keeps. */
static const tpl_list *kept(tpl_run *r, const tpl_node *n, const tpl_list *items)
{
    tpl_list *l = tpl_list_new(&r->s);
    for (uint64_t i = 0; i < items->n && !tpl_failed(&r->s); i++) {
        tpl_scope *before = tpl_scope_enter(r, r->scope);
        tpl_assign(r, n->a, items->at[i]);
        const tpl_value test = tpl_eval(r, n->d);
        tpl_scope_leave(r, before);
        if (tpl_truth(&test))
            tpl_push(&r->s, l, items->at[i]);
    }
    return l != NULL ? l : items;
}

static const uint8_t  loop_origin[4] = {TPL_OWN};
static const tpl_text loop_name = {(const uint8_t *)"loop", loop_origin, 4};

static void turn(tpl_run *r, tpl_loop *l)
{
    tpl_scope *before = tpl_scope_enter(r, l->scope);
    tpl_bind(r, &loop_name, (tpl_value){.type = TPL_LOOP, .u.loop = l});
    tpl_assign(r, l->node->a, l->items->at[l->at]);
    tpl_execute(r, l->node->c);
    tpl_scope_leave(r, before);
}

static void run_loop(tpl_run *r, const tpl_node *n, const tpl_value *over, tpl_scope *scope)
{
    const tpl_list *items = tpl_items(&r->s, over);
    tpl_loop       *l = tpl_alloc(&r->s, sizeof *l);
    if (n->d != NULL)
        items = kept(r, n, items);
    if (l == NULL || tpl_failed(&r->s))
        return;
    *l = (tpl_loop){.node = n, .items = items, .scope = scope, .depth = ++r->loops};
    for (; l->at < items->n && !tpl_failed(&r->s); l->at++) {
        turn(r, l);
        const int jump = r->jump;
        r->jump = TPL_GOES_ON;
        if (jump == TPL_BREAKS)
            break;
    }
    r->loops--;
    if (items->n == 0 && n->e != NULL) {
        tpl_scope *before = tpl_scope_enter(r, scope);
        tpl_execute(r, n->e);
        tpl_scope_leave(r, before);
    }
}

void tpl_execute_for(tpl_run *r, const tpl_node *n)
{
    const tpl_value over = tpl_eval(r, n->b);
    const uint32_t  loops = r->loops;
    if (tpl_failed(&r->s))
        return;
    r->loops = 0;
    run_loop(r, n, &over, r->scope);
    r->loops = loops;
}

tpl_value tpl_loop_call(tpl_run *r, tpl_loop *l, const tpl_args *a)
{
    const tpl_value *over = tpl_arg(r, a, 0, "iterable");
    tpl_build        own = {.s = &r->s}, *before = r->out;
    const uint32_t   loops = r->loops;
    if (l->node->op == 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "this loop is not declared recursive");
    if (!tpl_args_fit(r, "loop", "iterable", a))
        return tpl_undefined();
    r->out = &own;
    r->loops = l->depth;
    run_loop(r, l->node, over, l->scope);
    r->loops = loops;
    r->out = before;
    return tpl_string(tpl_built(&own));
}

bool tpl_loop_attribute(tpl_state *s, const tpl_loop *l, const tpl_text *name, tpl_value *out)
{
    static const char *const names[] = {"index", "index0", "revindex", "revindex0", "length",
                                        "depth", "depth0", "first",    "last",      NULL};
    const int64_t            at = (int64_t)l->at, n = (int64_t)l->items->n, depth = l->depth;
    const int64_t            values[] = {at + 1, at,        n - at,  n - at - 1, n,
                                         depth,  depth - 1, at == 0, at == n - 1};
    (void)s;
    for (uint32_t i = 0; names[i] != NULL; i++)
        if (tpl_is(name, names[i])) {
            *out = i < 7 ? tpl_int(values[i], TPL_OWN) : tpl_bool(values[i] != 0, TPL_OWN);
            return true;
        }
    const bool before = tpl_is(name, "previtem"), after = tpl_is(name, "nextitem");
    if (before)
        *out = at > 0 ? l->items->at[at - 1] : tpl_missing(TPL_UNDEFINED, NULL);
    if (after)
        *out = at + 1 < n ? l->items->at[at + 1] : tpl_missing(TPL_UNDEFINED, NULL);
    return before || after;
}

tpl_value tpl_loop_method(tpl_run *r, tpl_loop *l, const tpl_text *name, const tpl_args *a)
{
    if (!tpl_args_fit(r, "this method of loop", "*", a))
        return tpl_undefined();
    if (tpl_is(name, "cycle")) {
        if (a->list->n == 0)
            tpl_fail(&r->s, WEFT_E_INVALID, "loop.cycle has nothing to choose from");
        return tpl_failed(&r->s) ? tpl_undefined() : a->list->at[l->at % a->list->n];
    }
    /* changed(): whether the arguments are others than in the turn before */
    tpl_list *copy = tpl_list_new(&r->s);
    for (uint64_t i = 0; i < a->list->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, copy, a->list->at[i]);
    const tpl_value now = tpl_listed(TPL_TUPLE, copy);
    const bool changed = !tpl_failed(&r->s) && (!l->was_asked || !tpl_equal(&r->s, &now, &l->last));
    l->was_asked = true;
    l->last = now;
    return tpl_bool(changed, TPL_OWN);
}
