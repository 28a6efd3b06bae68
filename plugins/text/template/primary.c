/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of expressions: literals, names, and what follows them: attributes, items, calls,
 * filters and tests. Source: jinja2 parser.py. */
#include "node.h"

static tpl_node *constant(tpl_parser *p, tpl_value v)
{
    tpl_node *n = tpl_node_new(p, TPL_N_CONST);
    if (n != NULL)
        n->value = v;
    return n;
}

static tpl_node *parse_name(tpl_parser *p)
{
    static const struct {
        const char *name;
        int         type, value;
    } words[] = {{"true", TPL_BOOL, 1},  {"True", TPL_BOOL, 1}, {"false", TPL_BOOL, 0},
                 {"False", TPL_BOOL, 0}, {"none", TPL_NONE, 0}, {"None", TPL_NONE, 0}};
    const tpl_text *name = tpl_expect_name(p);
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        if (tpl_is(name, words[i].name))
            return constant(p, words[i].type == TPL_NONE ? tpl_none()
                                                         : tpl_bool(words[i].value != 0, TPL_OWN));
    tpl_node *n = tpl_node_new(p, TPL_N_NAME);
    if (n != NULL)
        n->text = name;
    tpl_see_name(p, name, true);
    return n;
}

/* Strings beside each other are one. */
static tpl_node *parse_string(tpl_parser *p)
{
    tpl_build b = {.s = p->s};
    while (!tpl_failed(p->s) && tpl_token_at(p, 0)->type == TPL_T_STRING) {
        tpl_add_text(&b, tpl_token_at(p, 0)->text);
        tpl_next(p);
    }
    return constant(p, tpl_string(tpl_built(&b)));
}

static tpl_node *parse_list(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_LIST), **end = n != NULL ? &n->a : NULL;
    tpl_next(p);
    while (!tpl_failed(p->s) && !tpl_at_op(p, ']')) {
        tpl_append(&end, tpl_parse_expression(p));
        if (!tpl_skip_op(p, ','))
            break;
    }
    tpl_expect_op(p, ']');
    return n;
}

static tpl_node *parse_dict(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_DICT), **end = n != NULL ? &n->a : NULL;
    tpl_next(p);
    while (!tpl_failed(p->s) && !tpl_at_op(p, '}')) {
        tpl_node *pair = tpl_node_new(p, TPL_N_PAIR), *key = tpl_parse_expression(p);
        tpl_expect_op(p, ':');
        tpl_node *value = tpl_parse_expression(p);
        if (pair != NULL) {
            pair->a = key;
            pair->b = value;
        }
        tpl_append(&end, pair);
        if (!tpl_skip_op(p, ','))
            break;
    }
    tpl_expect_op(p, '}');
    return n;
}

static tpl_node *parse_brackets(tpl_parser *p)
{
    tpl_next(p);
    tpl_node *n = tpl_parse_tuple(p, true);
    tpl_expect_op(p, ')');
    return n;
}

tpl_node *tpl_parse_primary(tpl_parser *p)
{
    const tpl_token *t = tpl_token_at(p, 0);
    if (t->type == TPL_T_NAME)
        return parse_name(p);
    if (t->type == TPL_T_STRING)
        return parse_string(p);
    if (t->type == TPL_T_INT || t->type == TPL_T_FLOAT) {
        tpl_next(p);
        return constant(p,
                        t->type == TPL_T_INT ? tpl_int(t->i, TPL_OWN) : tpl_float(t->f, TPL_OWN));
    }
    if (tpl_at_op(p, '('))
        return parse_brackets(p);
    if (tpl_at_op(p, '['))
        return parse_list(p);
    if (tpl_at_op(p, '{'))
        return parse_dict(p);
    tpl_unexpected(p, "a value");
    return NULL;
}

/* Signs, innermost last; they bind closer than what follows the operand only for filters. */
tpl_node *tpl_parse_unary(tpl_parser *p, bool filters)
{
    tpl_node *n = NULL;
    if (!tpl_enter(p->s)) {
        tpl_leave(p->s);
        return NULL;
    }
    if (tpl_at_op(p, '-') || tpl_at_op(p, '+')) {
        n = tpl_node_new(p, tpl_at_op(p, '-') ? TPL_N_NEGATE : TPL_N_POSITIVE);
        tpl_next(p);
        tpl_node *of = tpl_parse_unary(p, false);
        if (n != NULL)
            n->a = of;
    } else
        n = tpl_parse_primary(p);
    n = tpl_parse_postfix(p, n);
    if (filters)
        n = tpl_parse_filters(p, n);
    tpl_leave(p->s);
    return tpl_failed(p->s) ? NULL : n;
}

tpl_node *tpl_parse_arguments(tpl_parser *p)
{
    tpl_node *list = NULL, **end = &list;
    while (!tpl_failed(p->s) && !tpl_at_op(p, ')')) {
        const tpl_token *after = tpl_token_at(p, 1);
        tpl_node        *n = NULL;
        if (tpl_at_op(p, '*') || tpl_at_op(p, TPL_OP2('*', '*'))) {
            n = tpl_node_new(p, tpl_at_op(p, '*') ? TPL_N_SPREAD : TPL_N_SPREAD2);
            tpl_next(p);
        } else if (tpl_token_at(p, 0)->type == TPL_T_NAME && after->type == TPL_T_OP &&
                   after->op == '=') {
            n = tpl_node_new(p, TPL_N_KEYWORD);
            if (n != NULL)
                n->text = tpl_expect_name(p);
            tpl_next(p);
        }
        tpl_node *value = tpl_parse_expression(p);
        if (n != NULL)
            n->a = value;
        tpl_append(&end, n != NULL ? n : value);
        if (!tpl_skip_op(p, ','))
            break;
    }
    tpl_expect_op(p, ')');
    return list;
}

static tpl_node *bound(tpl_parser *p)
{
    return tpl_at_op(p, ':') || tpl_at_op(p, ']') || tpl_at_op(p, ',') ? NULL
                                                                       : tpl_parse_expression(p);
}

/* Behind [. A key of several expressions is a tuple, and slices do not stand in one. */
static tpl_node *parse_subscript(tpl_parser *p, tpl_node *of)
{
    tpl_node *n = tpl_node_new(p, TPL_N_ITEM), *first = bound(p);
    if (n == NULL)
        return NULL;
    n->a = of;
    n->b = first;
    if (tpl_skip_op(p, ':')) {
        n->kind = TPL_N_SLICE;
        n->c = bound(p);
        if (tpl_skip_op(p, ':'))
            n->d = bound(p);
    } else if (tpl_at_op(p, ',')) {
        tpl_node *tuple = tpl_node_new(p, TPL_N_TUPLE), **end = tuple != NULL ? &tuple->a : NULL;
        if (tuple != NULL)
            tpl_append(&end, first);
        while (!tpl_failed(p->s) && tpl_skip_op(p, ','))
            tpl_append(&end, tpl_parse_expression(p));
        n->b = tuple;
    } else if (first == NULL)
        tpl_unexpected(p, "a key");
    tpl_expect_op(p, ']');
    return n;
}

static tpl_node *parse_member(tpl_parser *p, tpl_node *of)
{
    const tpl_token *t = tpl_token_at(p, 0);
    tpl_node        *n = tpl_node_new(p, t->type == TPL_T_INT ? TPL_N_ITEM : TPL_N_ATTR);
    if (n == NULL)
        return NULL;
    n->a = of;
    if (t->type == TPL_T_INT) {
        n->b = constant(p, tpl_int(t->i, TPL_OWN));
        tpl_next(p);
    } else
        n->text = tpl_expect_name(p);
    return n;
}

static tpl_node *parse_call(tpl_parser *p, tpl_node *of)
{
    tpl_node *n = tpl_node_new(p, TPL_N_CALL), *args;
    tpl_next(p);
    args = tpl_parse_arguments(p);
    if (n != NULL) {
        n->a = of;
        n->b = args;
    }
    return n;
}

tpl_node *tpl_parse_postfix(tpl_parser *p, tpl_node *of)
{
    while (!tpl_failed(p->s)) {
        if (tpl_skip_op(p, '.'))
            of = parse_member(p, of);
        else if (tpl_skip_op(p, '['))
            of = parse_subscript(p, of);
        else if (tpl_at_op(p, '('))
            of = parse_call(p, of);
        else
            break;
    }
    return of;
}

static const tpl_text *dotted_name(tpl_parser *p)
{
    const tpl_text *name = tpl_expect_name(p);
    if (tpl_at_op(p, '.'))
        tpl_fail(p->s, WEFT_E_UNSUPPORTED, "filters and tests with a dot are not known here");
    return name;
}

static tpl_node *parse_filter(tpl_parser *p, tpl_node *of)
{
    tpl_node *n = tpl_node_new(p, TPL_N_FILTER);
    if (n == NULL)
        return NULL;
    n->a = of;
    n->text = dotted_name(p);
    if (tpl_skip_op(p, '('))
        n->b = tpl_parse_arguments(p);
    return n;
}

/* Whether a test's one argument may begin here without brackets. */
static bool begins_argument(const tpl_parser *p)
{
    const tpl_token *t = tpl_token_at(p, 0);
    if (t->type == TPL_T_NAME)
        return !tpl_at_name(p, "else") && !tpl_at_name(p, "or") && !tpl_at_name(p, "and");
    return t->type == TPL_T_STRING || t->type == TPL_T_INT || t->type == TPL_T_FLOAT ||
           tpl_at_op(p, '[') || tpl_at_op(p, '{');
}

static tpl_node *parse_test(tpl_parser *p, tpl_node *of)
{
    const bool negated = tpl_skip_name(p, "not");
    tpl_node  *n = tpl_node_new(p, TPL_N_TEST), *outer;
    if (n == NULL)
        return NULL;
    n->a = of;
    n->text = dotted_name(p);
    if (tpl_skip_op(p, '('))
        n->b = tpl_parse_arguments(p);
    else if (begins_argument(p)) {
        if (tpl_at_name(p, "is"))
            tpl_fail(p->s, WEFT_E_CORRUPT, "tests cannot be chained with \"is\"");
        n->b = tpl_parse_postfix(p, tpl_parse_primary(p));
    }
    if (!negated)
        return n;
    outer = tpl_node_new(p, TPL_N_NOT);
    if (outer != NULL)
        outer->a = n;
    return outer;
}

tpl_node *tpl_parse_filters(tpl_parser *p, tpl_node *of)
{
    while (!tpl_failed(p->s)) {
        if (tpl_skip_op(p, '|'))
            of = parse_filter(p, of);
        else if (tpl_skip_name(p, "is"))
            of = parse_test(p, of);
        else if (tpl_at_op(p, '('))
            of = parse_call(p, of);
        else
            break;
    }
    return of;
}

tpl_node *tpl_parse_filter_chain(tpl_parser *p)
{
    tpl_node *n = parse_filter(p, NULL);
    while (!tpl_failed(p->s) && tpl_skip_op(p, '|'))
        n = parse_filter(p, n);
    return n;
}
