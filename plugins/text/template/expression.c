/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions, from the operators that bind least to those that bind most. Source: jinja2
 * parser.py. */
#include "node.h"

void tpl_next(tpl_parser *p)
{
    if (p->at + 1 < p->tokens.n)
        p->at++;
    p->s->line = tpl_token_at(p, 0)->line;
}

bool tpl_skip_op(tpl_parser *p, uint32_t op)
{
    const bool is = tpl_at_op(p, op);
    if (is)
        tpl_next(p);
    return is;
}

bool tpl_skip_name(tpl_parser *p, const char *name)
{
    const bool is = tpl_at_name(p, name);
    if (is)
        tpl_next(p);
    return is;
}

void tpl_unexpected(tpl_parser *p, const char *wanted)
{
    const tpl_token *t = tpl_token_at(p, 0);
    char             op[3] = {(char)(t->op > 0xff ? t->op >> 8 : t->op),
                  t->op > 0xff ? (char)(t->op & 0xff) : '\0', '\0'};
    if (t->type == TPL_T_NAME || t->type == TPL_T_STRING)
        tpl_fail(p->s, WEFT_E_CORRUPT, "%s is expected before \"%.*s\"", wanted,
                 t->text->n < 32 ? (int)t->text->n : 32, (const char *)t->text->p);
    else
        tpl_fail(p->s, WEFT_E_CORRUPT, "%s is expected before %s", wanted,
                 t->type == TPL_T_OP                              ? op
                 : t->type == TPL_T_INT || t->type == TPL_T_FLOAT ? "a number"
                 : t->type == TPL_T_END                           ? "the template's end"
                                                                  : "the end of the tag");
}

void tpl_expect_op(tpl_parser *p, uint32_t op)
{
    const char wanted[2] = {(char)op, '\0'};
    if (!tpl_skip_op(p, op))
        tpl_unexpected(p, wanted);
}

const tpl_text *tpl_expect_name(tpl_parser *p)
{
    const tpl_token *t = tpl_token_at(p, 0);
    if (t->type != TPL_T_NAME) {
        tpl_unexpected(p, "a name");
        return &tpl_empty;
    }
    tpl_next(p);
    return t->text;
}

tpl_node *tpl_node_new(tpl_parser *p, uint32_t kind)
{
    tpl_node *n = tpl_alloc(p->s, sizeof *n);
    if (n != NULL) {
        n->kind = kind;
        n->line = p->s->line;
    }
    return n;
}

void tpl_append(tpl_node ***end, tpl_node *node)
{
    if (node == NULL)
        return;
    **end = node;
    *end = &node->next;
}

static tpl_node *two(tpl_parser *p, uint32_t kind, uint32_t op, tpl_node *a, tpl_node *b)
{
    tpl_node *n = tpl_node_new(p, kind);
    if (n == NULL)
        return NULL;
    n->op = op;
    n->a = a;
    n->b = b;
    return n;
}

static tpl_node *parse_power(tpl_parser *p)
{
    tpl_node *left = tpl_parse_unary(p, true);
    while (!tpl_failed(p->s) && tpl_skip_op(p, TPL_OP2('*', '*')))
        left = two(p, TPL_N_BINARY, TPL_OP2('*', '*'), left, tpl_parse_unary(p, true));
    return left;
}

static tpl_node *parse_product(tpl_parser *p)
{
    static const uint32_t ops[] = {'*', '/', TPL_OP2('/', '/'), '%'};
    tpl_node             *left = parse_power(p);
    for (uint32_t i = 0; i < 4 && !tpl_failed(p->s); i++)
        if (tpl_skip_op(p, ops[i])) {
            left = two(p, TPL_N_BINARY, ops[i], left, parse_power(p));
            i = UINT32_MAX; /* look for all of them again */
        }
    return left;
}

static tpl_node *parse_concat(tpl_parser *p)
{
    tpl_node *first = parse_product(p);
    if (!tpl_at_op(p, '~') || tpl_failed(p->s))
        return first;
    tpl_node *n = two(p, TPL_N_CONCAT, 0, NULL, NULL), **end = n != NULL ? &n->a : NULL;
    if (n == NULL)
        return NULL;
    tpl_append(&end, first);
    while (!tpl_failed(p->s) && tpl_skip_op(p, '~'))
        tpl_append(&end, parse_product(p));
    return n;
}

static tpl_node *parse_sum(tpl_parser *p)
{
    tpl_node *left = parse_concat(p);
    while (!tpl_failed(p->s) && (tpl_at_op(p, '+') || tpl_at_op(p, '-'))) {
        const uint32_t op = tpl_token_at(p, 0)->op;
        tpl_next(p);
        left = two(p, TPL_N_BINARY, op, left, parse_concat(p));
    }
    return left;
}

/* The comparison that stands here, behind which the parser goes; 0: none. */
static uint32_t comparison(tpl_parser *p)
{
    static const uint32_t ops[] = {
        TPL_OP2('=', '='), TPL_OP2('!', '='), TPL_OP2('>', '='), TPL_OP2('<', '='), '<', '>'};
    const tpl_token *after = tpl_token_at(p, 1);
    for (uint32_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (tpl_skip_op(p, ops[i]))
            return ops[i];
    if (tpl_skip_name(p, "in"))
        return TPL_OP_IN;
    if (!tpl_at_name(p, "not") || after->type != TPL_T_NAME || !tpl_is(after->text, "in"))
        return 0;
    tpl_next(p);
    tpl_next(p);
    return TPL_OP_NOT_IN;
}

static tpl_node *parse_compare(tpl_parser *p)
{
    tpl_node *first = parse_sum(p), *list = NULL, **end = &list;
    for (uint32_t op; !tpl_failed(p->s) && (op = comparison(p)) != 0;)
        tpl_append(&end, two(p, TPL_N_COMPARED, op, parse_sum(p), NULL));
    return list != NULL ? two(p, TPL_N_COMPARE, 0, first, list) : first;
}

static tpl_node *parse_not(tpl_parser *p)
{
    uint32_t nots = 0;
    while (tpl_skip_name(p, "not") && !tpl_failed(p->s))
        nots++;
    tpl_node *n = parse_compare(p);
    if (nots == 0)
        return n;
    n = two(p, TPL_N_NOT, 0, n, NULL);
    return nots % 2 == 1 ? n : two(p, TPL_N_NOT, 0, n, NULL);
}

static tpl_node *parse_and(tpl_parser *p)
{
    tpl_node *left = parse_not(p);
    while (!tpl_failed(p->s) && tpl_skip_name(p, "and"))
        left = two(p, TPL_N_AND, 0, left, parse_not(p));
    return left;
}

tpl_node *tpl_parse_or(tpl_parser *p)
{
    tpl_node *left = parse_and(p);
    while (!tpl_failed(p->s) && tpl_skip_name(p, "or"))
        left = two(p, TPL_N_OR, 0, left, parse_and(p));
    return left;
}

tpl_node *tpl_parse_expression(tpl_parser *p)
{
    if (!tpl_enter(p->s)) {
        tpl_leave(p->s);
        return NULL;
    }
    tpl_node *n = tpl_parse_or(p);
    while (!tpl_failed(p->s) && tpl_skip_name(p, "if")) {
        tpl_node *choice = two(p, TPL_N_IF_ELSE, 0, tpl_parse_or(p), n);
        if (choice != NULL && tpl_skip_name(p, "else"))
            choice->c = tpl_parse_expression(p);
        n = choice;
    }
    tpl_leave(p->s);
    return tpl_failed(p->s) ? NULL : n;
}

static bool tuple_ends(const tpl_parser *p)
{
    const tpl_token *t = tpl_token_at(p, 0);
    return t->type == TPL_T_PRINT_END || t->type == TPL_T_BLOCK_END || tpl_at_op(p, ')') ||
           tpl_at_name(p, "in") || tpl_at_name(p, "recursive");
}

tpl_node *tpl_parse_tuple(tpl_parser *p, bool conditional)
{
    tpl_node *list = NULL, **end = &list;
    bool      comma = false;
    while (!tpl_failed(p->s) && !tuple_ends(p)) {
        tpl_append(&end, conditional ? tpl_parse_expression(p) : tpl_parse_or(p));
        if (!tpl_skip_op(p, ','))
            break;
        comma = true;
    }
    if (list == NULL && !tpl_at_op(p, ')'))
        tpl_unexpected(p, "an expression");
    if (tpl_failed(p->s) || (list != NULL && !comma))
        return list;
    return two(p, TPL_N_TUPLE, 0, list, NULL);
}
