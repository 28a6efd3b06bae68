/* SPDX-License-Identifier: Apache-2.0 */
/* Statements. */
#include "run.h"

void tpl_write(tpl_run *r, const tpl_text *t)
{
    r->s.output += t->n;
    if (r->s.output > TPL_MAX_OUTPUT)
        tpl_fail(&r->s, WEFT_E_LIMIT, "the template writes more than the %llu MB it may write",
                 (unsigned long long)(TPL_MAX_OUTPUT >> 20));
    tpl_add_text(r->out, t);
}

const tpl_text *tpl_capture(tpl_run *r, const tpl_node *body)
{
    tpl_build  own = {.s = &r->s};
    tpl_build *before = r->out;
    r->out = &own;
    tpl_execute(r, body);
    r->out = before;
    return tpl_built(&own);
}

/* What a body with variables of its own writes. */
static const tpl_text *capture_apart(tpl_run *r, const tpl_node *body)
{
    tpl_scope      *before = tpl_scope_enter(r, r->scope);
    const tpl_text *t = tpl_capture(r, body);
    tpl_scope_leave(r, before);
    return t;
}

static void execute_data(tpl_run *r, const tpl_node *n)
{
    tpl_write(r, n->text);
}

static void execute_print(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    if (!tpl_failed(&r->s))
        tpl_write(r, tpl_print(&r->s, &v));
}

static void execute_if(tpl_run *r, const tpl_node *n)
{
    for (;; n = n->c) {
        const tpl_value test = tpl_eval(r, n->a);
        if (tpl_failed(&r->s))
            return;
        if (tpl_truth(&test) || n->op != 0) {
            tpl_execute(r, tpl_truth(&test) ? n->b : n->c);
            return;
        }
    }
}

static void execute_set(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->b);
    if (!tpl_failed(&r->s))
        tpl_assign(r, n->a, v);
}

static void execute_set_block(tpl_run *r, const tpl_node *n)
{
    tpl_value v = tpl_string(capture_apart(r, n->c));
    if (n->b != NULL && !tpl_failed(&r->s))
        v = tpl_eval_filters(r, n->b, v);
    if (!tpl_failed(&r->s))
        tpl_assign(r, n->a, v);
}

static const tpl_macro *macro_new(tpl_run *r, const tpl_node *n)
{
    tpl_macro *m = tpl_alloc(&r->s, sizeof *m);
    if (m != NULL)
        *m = (tpl_macro){n, r->scope};
    return m;
}

static void execute_macro(tpl_run *r, const tpl_node *n)
{
    const tpl_macro *m = macro_new(r, n);
    if (m != NULL)
        tpl_bind(r, n->text, (tpl_value){.type = TPL_MACRO, .u.macro = m});
}

static void execute_call_block(tpl_run *r, const tpl_node *n)
{
    const tpl_value callee = tpl_eval(r, n->a->a);
    const tpl_args  args = tpl_eval_args(r, n->a, macro_new(r, n));
    const tpl_value v = tpl_call(r, &callee, &args);
    if (!tpl_failed(&r->s))
        tpl_write(r, tpl_print(&r->s, &v));
}

static void execute_filter_block(tpl_run *r, const tpl_node *n)
{
    tpl_value v = tpl_string(capture_apart(r, n->c));
    if (!tpl_failed(&r->s))
        v = tpl_eval_filters(r, n->b, v);
    if (!tpl_failed(&r->s))
        tpl_write(r, tpl_print(&r->s, &v));
}

/* The values of `with` are computed before any of its names is there. */
static void execute_with(tpl_run *r, const tpl_node *n)
{
    tpl_list *values = tpl_list_new(&r->s);
    uint64_t  i = 0;
    for (const tpl_node *set = n->a; set != NULL && !tpl_failed(&r->s); set = set->next)
        tpl_push(&r->s, values, tpl_eval(r, set->b));
    tpl_scope *before = tpl_scope_enter(r, r->scope);
    for (const tpl_node *set = n->a; set != NULL && !tpl_failed(&r->s); set = set->next)
        tpl_assign(r, set->a, values->at[i++]);
    tpl_execute(r, n->c);
    tpl_scope_leave(r, before);
}

static void execute_scope(tpl_run *r, const tpl_node *n)
{
    tpl_scope *before = tpl_scope_enter(r, r->scope);
    tpl_execute(r, n->c);
    tpl_scope_leave(r, before);
}

static void execute_jump(tpl_run *r, const tpl_node *n)
{
    r->jump = n->kind == TPL_N_BREAK ? TPL_BREAKS : TPL_CONTINUES;
}

void tpl_execute(tpl_run *r, const tpl_node *body)
{
    static void (*const by_kind[])(tpl_run *, const tpl_node *) = {
        [TPL_N_DATA] = execute_data,
        [TPL_N_PRINT] = execute_print,
        [TPL_N_IF] = execute_if,
        [TPL_N_FOR] = tpl_execute_for,
        [TPL_N_SET] = execute_set,
        [TPL_N_SET_BLOCK] = execute_set_block,
        [TPL_N_MACRO] = execute_macro,
        [TPL_N_CALL_BLOCK] = execute_call_block,
        [TPL_N_FILTER_BLOCK] = execute_filter_block,
        [TPL_N_WITH] = execute_with,
        [TPL_N_SCOPE] = execute_scope,
        [TPL_N_BLOCK] = tpl_execute_block,
        [TPL_N_BREAK] = execute_jump,
        [TPL_N_CONTINUE] = execute_jump,
    };
    if (tpl_enter(&r->s))
        for (const tpl_node *n = body; n != NULL && r->jump == TPL_GOES_ON; n = n->next) {
            if (!tpl_work(&r->s, 1))
                break;
            r->s.line = n->line;
            by_kind[n->kind](r, n);
        }
    tpl_leave(&r->s);
}
