/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions to values. */
#include "run.h"

static tpl_value eval_name(tpl_run *r, const tpl_node *n)
{
    const tpl_value *v = tpl_lookup(r, n->text);
    tpl_value        function;
    if (v != NULL)
        return *v;
    return tpl_function_find(n->text, &function) ? function : tpl_missing(TPL_UNDEFINED, n->text);
}

static tpl_value eval_attr(tpl_run *r, const tpl_node *n)
{
    const tpl_value of = tpl_eval(r, n->a);
    return tpl_attribute(&r->s, &of, n->text);
}

static tpl_value eval_item(tpl_run *r, const tpl_node *n)
{
    const tpl_value of = tpl_eval(r, n->a), key = tpl_eval(r, n->b);
    return tpl_item(&r->s, &of, &key);
}

static tpl_value eval_slice(tpl_run *r, const tpl_node *n)
{
    const tpl_value of = tpl_eval(r, n->a);
    const tpl_value bounds[3] = {n->b != NULL ? tpl_eval(r, n->b) : tpl_none(),
                                 n->c != NULL ? tpl_eval(r, n->c) : tpl_none(),
                                 n->d != NULL ? tpl_eval(r, n->d) : tpl_none()};
    return tpl_slice(&r->s, &of, bounds);
}

static void name_argument(tpl_run *r, tpl_dict *named, tpl_value name, tpl_value v)
{
    if (name.type != TPL_STRING)
        tpl_fail(&r->s, WEFT_E_INVALID, "the name of an argument is a %s", tpl_type_name(&name));
    else if (named != NULL && tpl_get(&r->s, named, &name) != NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "the argument \"%.*s\" is given twice",
                 name.u.text->n < 32 ? (int)name.u.text->n : 32, (const char *)name.u.text->p);
    tpl_set(&r->s, named, name, v);
}

static void spread(tpl_run *r, tpl_list *list, tpl_dict *named, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    if (n->kind == TPL_N_SPREAD) {
        const tpl_list *l = tpl_items(&r->s, &v);
        for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++)
            tpl_push(&r->s, list, l->at[i]);
    } else if (v.type != TPL_DICT)
        tpl_fail(&r->s, WEFT_E_INVALID, "a %s is no list of named arguments", tpl_type_name(&v));
    else
        for (uint64_t i = 0; i < v.u.dict->n && !tpl_failed(&r->s); i++)
            name_argument(r, named, v.u.dict->keys[i], v.u.dict->values[i]);
}

tpl_args tpl_eval_args(tpl_run *r, const tpl_node *call, const tpl_macro *caller)
{
    static const tpl_list no_list;
    static const tpl_dict no_dict;
    tpl_args              a = {&no_list, &no_dict, call};
    if (call->b == NULL && caller == NULL)
        return a;
    tpl_list *list = tpl_list_new(&r->s);
    tpl_dict *named = tpl_dict_new(&r->s);
    for (const tpl_node *n = call->b; n != NULL && !tpl_failed(&r->s); n = n->next)
        if (n->kind == TPL_N_SPREAD || n->kind == TPL_N_SPREAD2)
            spread(r, list, named, n);
        else if (n->kind == TPL_N_KEYWORD)
            name_argument(r, named, tpl_string(n->text), tpl_eval(r, n->a));
        else
            tpl_push(&r->s, list, tpl_eval(r, n));
    if (caller != NULL)
        name_argument(r, named, tpl_string(tpl_str(&r->s, "caller")),
                      (tpl_value){.type = TPL_MACRO, .u.macro = caller});
    if (list != NULL && named != NULL) {
        a.list = list;
        a.named = named;
    }
    return a;
}

static tpl_value eval_call(tpl_run *r, const tpl_node *n)
{
    const tpl_value callee = tpl_eval(r, n->a);
    const tpl_args  args = tpl_eval_args(r, n, NULL);
    return tpl_call(r, &callee, &args);
}

static tpl_value eval_filter(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    const tpl_args  args = tpl_eval_args(r, n, NULL);
    r->s.line = n->line;
    return tpl_filter(r, n->text, v, &args);
}

/* The filters behind a block: the innermost of the chain has no operand of its own. */
tpl_value tpl_eval_filters(tpl_run *r, const tpl_node *chain, tpl_value v)
{
    if (!tpl_enter(&r->s)) {
        tpl_leave(&r->s);
        return v;
    }
    if (chain->a != NULL)
        v = tpl_eval_filters(r, chain->a, v);
    const tpl_args args = tpl_eval_args(r, chain, NULL);
    v = tpl_filter(r, chain->text, v, &args);
    tpl_leave(&r->s);
    return v;
}

static tpl_value eval_test(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    const tpl_args  args = tpl_eval_args(r, n, NULL);
    return tpl_bool(tpl_test(r, n->text, &v, &args), tpl_origin(&v));
}

static tpl_value eval_negate(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    return tpl_negate(&r->s, &v);
}

static tpl_value eval_positive(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a), zero = tpl_int(0, TPL_OWN);
    return v.type == TPL_FLOAT ? v : tpl_arithmetic(&r->s, '+', &zero, &v);
}

static tpl_value eval_not(tpl_run *r, const tpl_node *n)
{
    const tpl_value v = tpl_eval(r, n->a);
    return tpl_bool(!tpl_truth(&v), tpl_origin(&v));
}

static tpl_value eval_binary(tpl_run *r, const tpl_node *n)
{
    const tpl_value a = tpl_eval(r, n->a), b = tpl_eval(r, n->b);
    r->s.line = n->line;
    return tpl_failed(&r->s) ? tpl_undefined() : tpl_arithmetic(&r->s, n->op, &a, &b);
}

static tpl_value eval_concat(tpl_run *r, const tpl_node *n)
{
    tpl_build b = {.s = &r->s};
    for (const tpl_node *part = n->a; part != NULL && !tpl_failed(&r->s); part = part->next) {
        const tpl_value v = tpl_eval(r, part);
        tpl_add_text(&b, tpl_print(&r->s, &v));
    }
    return tpl_string(tpl_built(&b));
}

static tpl_value eval_and(tpl_run *r, const tpl_node *n)
{
    const tpl_value a = tpl_eval(r, n->a);
    return tpl_truth(&a) ? tpl_eval(r, n->b) : a;
}

static tpl_value eval_or(tpl_run *r, const tpl_node *n)
{
    const tpl_value a = tpl_eval(r, n->a);
    return tpl_truth(&a) ? a : tpl_eval(r, n->b);
}

static bool compare(tpl_run *r, uint32_t op, const tpl_value *a, const tpl_value *b)
{
    switch (op) {
    case TPL_OP2('=', '='):
        return tpl_equal(&r->s, a, b);
    case TPL_OP2('!', '='):
        return !tpl_equal(&r->s, a, b);
    case TPL_OP_IN:
        return tpl_contains(&r->s, a, b);
    case TPL_OP_NOT_IN:
        return !tpl_contains(&r->s, a, b);
    case '<':
        return tpl_order(&r->s, a, b) < 0;
    case '>':
        return tpl_order(&r->s, a, b) > 0;
    case TPL_OP2('<', '='):
        return tpl_order(&r->s, a, b) <= 0;
    default:
        return tpl_order(&r->s, a, b) >= 0;
    }
}

static tpl_value eval_compare(tpl_run *r, const tpl_node *n)
{
    tpl_value left = tpl_eval(r, n->a);
    uint8_t   origin = tpl_origin(&left);
    for (const tpl_node *c = n->b; c != NULL && !tpl_failed(&r->s); c = c->next) {
        const tpl_value right = tpl_eval(r, c->a);
        r->s.line = c->line;
        origin |= tpl_origin(&right);
        if (!compare(r, c->op, &left, &right))
            return tpl_bool(false, origin);
        left = right;
    }
    return tpl_bool(true, origin);
}

static tpl_value eval_if_else(tpl_run *r, const tpl_node *n)
{
    const tpl_value test = tpl_eval(r, n->a);
    if (tpl_truth(&test))
        return tpl_eval(r, n->b);
    return n->c != NULL ? tpl_eval(r, n->c) : tpl_missing(TPL_UNDEFINED, NULL);
}

static tpl_value eval_list(tpl_run *r, const tpl_node *n)
{
    tpl_list *l = tpl_list_new(&r->s);
    for (const tpl_node *item = n->a; item != NULL && !tpl_failed(&r->s); item = item->next)
        tpl_push(&r->s, l, tpl_eval(r, item));
    return tpl_listed(n->kind == TPL_N_LIST ? TPL_LIST : TPL_TUPLE, l);
}

static tpl_value eval_dict(tpl_run *r, const tpl_node *n)
{
    tpl_dict *d = tpl_dict_new(&r->s);
    for (const tpl_node *pair = n->a; pair != NULL && !tpl_failed(&r->s); pair = pair->next) {
        const tpl_value key = tpl_eval(r, pair->a);
        tpl_set(&r->s, d, key, tpl_eval(r, pair->b));
    }
    return (tpl_value){.type = TPL_DICT, .u.dict = d};
}

static tpl_value eval_const(tpl_run *r, const tpl_node *n)
{
    (void)r;
    return n->value;
}

tpl_value tpl_eval(tpl_run *r, const tpl_node *n)
{
    static tpl_value (*const by_kind[])(tpl_run *, const tpl_node *) = {
        [TPL_N_CONST] = eval_const,     [TPL_N_NAME] = eval_name,
        [TPL_N_ATTR] = eval_attr,       [TPL_N_ITEM] = eval_item,
        [TPL_N_SLICE] = eval_slice,     [TPL_N_CALL] = eval_call,
        [TPL_N_FILTER] = eval_filter,   [TPL_N_TEST] = eval_test,
        [TPL_N_NEGATE] = eval_negate,   [TPL_N_POSITIVE] = eval_positive,
        [TPL_N_NOT] = eval_not,         [TPL_N_BINARY] = eval_binary,
        [TPL_N_CONCAT] = eval_concat,   [TPL_N_AND] = eval_and,
        [TPL_N_OR] = eval_or,           [TPL_N_COMPARE] = eval_compare,
        [TPL_N_IF_ELSE] = eval_if_else, [TPL_N_LIST] = eval_list,
        [TPL_N_TUPLE] = eval_list,      [TPL_N_DICT] = eval_dict,
    };
    tpl_value v = tpl_undefined();
    if (tpl_enter(&r->s) && tpl_work(&r->s, 1)) {
        r->s.line = n->line;
        v = by_kind[n->kind](r, n);
    }
    tpl_leave(&r->s);
    return tpl_failed(&r->s) ? tpl_undefined() : v;
}
