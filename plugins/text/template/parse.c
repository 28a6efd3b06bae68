/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of a template. Source: jinja2 parser.py; ext.py (loop controls); transformers
 * utils/chat_template_utils.py (generation). */
#include "node.h"

void tpl_end_tag(tpl_parser *p)
{
    if (tpl_token_at(p, 0)->type != TPL_T_BLOCK_END)
        tpl_unexpected(p, "the end of the tag");
    else
        tpl_next(p);
}

/* A body and the tag `end` behind it. */
static tpl_node *body_until(tpl_parser *p, const char *end)
{
    const char *const ends[] = {end, NULL};
    tpl_end_tag(p);
    tpl_node *body = tpl_parse_body(p, ends);
    tpl_next(p);
    tpl_end_tag(p);
    return body;
}

static tpl_node *parse_if(tpl_parser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    tpl_node                *first = NULL, *last = NULL, **link = &first;
    for (bool more = true; more && !tpl_failed(p->s);) {
        tpl_node *n = tpl_node_new(p, TPL_N_IF), *test = tpl_parse_tuple(p, true);
        tpl_end_tag(p);
        tpl_node *body = tpl_parse_body(p, ends);
        if (n == NULL)
            return NULL;
        n->a = test;
        n->b = body;
        *link = last = n;
        link = &n->c;
        more = tpl_skip_name(p, "elif");
    }
    if (tpl_failed(p->s))
        return NULL;
    last->op = 1;
    if (tpl_skip_name(p, "else"))
        *link = body_until(p, "endif");
    else {
        tpl_next(p);
        tpl_end_tag(p);
    }
    return first;
}

/* What a value is given to: a name, a member of a namespace (where that may be), or a tuple. */
static tpl_node *parse_one_target(tpl_parser *p, bool members)
{
    tpl_node *n = tpl_node_new(p, TPL_N_NAME);
    if (n == NULL)
        return NULL;
    if (tpl_skip_op(p, '(')) {
        tpl_node **end = &n->a;
        n->kind = TPL_N_TUPLE;
        while (!tpl_failed(p->s) && tpl_token_at(p, 0)->type == TPL_T_NAME) {
            tpl_append(&end, parse_one_target(p, members));
            if (!tpl_skip_op(p, ','))
                break;
        }
        tpl_expect_op(p, ')');
        return n;
    }
    n->text = tpl_expect_name(p);
    if (!members || !tpl_skip_op(p, '.')) {
        tpl_see_name(p, n->text, false);
        return n;
    }
    tpl_node *member = tpl_node_new(p, TPL_N_MEMBER);
    if (member != NULL) {
        member->a = n;
        member->text = tpl_expect_name(p);
    }
    return member;
}

static tpl_node *parse_target(tpl_parser *p, bool members)
{
    tpl_node *list = NULL, **end = &list;
    tpl_append(&end, parse_one_target(p, members));
    if (!tpl_at_op(p, ','))
        return list;
    while (!tpl_failed(p->s) && tpl_skip_op(p, ',') &&
           (tpl_token_at(p, 0)->type == TPL_T_NAME || tpl_at_op(p, '(')) && !tpl_at_name(p, "in"))
        tpl_append(&end, parse_one_target(p, members));
    tpl_node *n = tpl_node_new(p, TPL_N_TUPLE);
    if (n != NULL)
        n->a = list;
    return n;
}

static tpl_node *parse_for(tpl_parser *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    tpl_node                *n = tpl_node_new(p, TPL_N_FOR), none, *f = n != NULL ? n : &none;
    f->a = parse_target(p, false);
    if (!tpl_skip_name(p, "in"))
        tpl_unexpected(p, "\"in\"");
    f->b = tpl_parse_tuple(p, false);
    f->d = tpl_skip_name(p, "if") ? tpl_parse_expression(p) : NULL;
    f->op = tpl_skip_name(p, "recursive");
    tpl_end_tag(p);
    p->loops++;
    f->c = tpl_parse_body(p, ends);
    p->loops--;
    f->e = NULL;
    if (tpl_skip_name(p, "else"))
        f->e = body_until(p, "endfor");
    else {
        tpl_next(p);
        tpl_end_tag(p);
    }
    return n;
}

static tpl_node *parse_set(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_SET), none, *f = n != NULL ? n : &none;
    f->a = parse_target(p, true);
    if (tpl_skip_op(p, '=')) {
        f->b = tpl_parse_tuple(p, true);
        tpl_end_tag(p);
        return n;
    }
    f->kind = TPL_N_SET_BLOCK;
    f->b = tpl_skip_op(p, '|') ? tpl_parse_filter_chain(p) : NULL;
    f->c = body_until(p, "endset");
    return n;
}

tpl_node *tpl_parse_own_body(tpl_parser *p, const char *end)
{
    const uint32_t loops = p->loops;
    p->loops = 0;
    tpl_node *body = body_until(p, end);
    p->loops = loops;
    return body;
}

static tpl_node *parse_filter_block(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_FILTER_BLOCK), none, *f = n != NULL ? n : &none;
    f->b = tpl_parse_filter_chain(p);
    f->c = tpl_parse_own_body(p, "endfilter");
    return n;
}

static tpl_node *parse_with(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_WITH), none, *f = n != NULL ? n : &none;
    f->a = NULL;
    for (tpl_node **end = &f->a; !tpl_failed(p->s) && tpl_token_at(p, 0)->type == TPL_T_NAME;) {
        tpl_node *set = tpl_node_new(p, TPL_N_SET), *target = parse_target(p, false);
        tpl_expect_op(p, '=');
        tpl_node *value = tpl_parse_expression(p);
        if (set != NULL) {
            set->a = target;
            set->b = value;
        }
        tpl_append(&end, set);
        if (!tpl_skip_op(p, ','))
            break;
    }
    f->c = body_until(p, "endwith");
    return n;
}

static tpl_node *parse_generation(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_SCOPE), none, *f = n != NULL ? n : &none;
    f->c = tpl_parse_own_body(p, "endgeneration");
    return n;
}

static tpl_node *parse_jump(tpl_parser *p, uint32_t kind)
{
    if (p->loops == 0)
        tpl_fail(p->s, WEFT_E_CORRUPT, "break and continue stand in a loop only");
    tpl_end_tag(p);
    return tpl_node_new(p, kind);
}

static tpl_node *parse_break(tpl_parser *p)
{
    return parse_jump(p, TPL_N_BREAK);
}

static tpl_node *parse_continue(tpl_parser *p)
{
    return parse_jump(p, TPL_N_CONTINUE);
}

/* Behind {%. */
static tpl_node *parse_statement(tpl_parser *p)
{
    static const struct {
        const char *name;
        tpl_node *(*parse)(tpl_parser *p);
    } kinds[] = {
        {"if", parse_if},
        {"for", parse_for},
        {"set", parse_set},
        {"macro", tpl_parse_macro},
        {"call", tpl_parse_call_block},
        {"filter", parse_filter_block},
        {"with", parse_with},
        {"generation", parse_generation},
        {"block", tpl_parse_block},
        {"break", parse_break},
        {"continue", parse_continue},
    };
    const tpl_text *name = tpl_expect_name(p);
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tpl_is(name, kinds[i].name))
            return kinds[i].parse(p);
    tpl_fail(p->s, WEFT_E_UNSUPPORTED, "the statement \"%.*s\" is not known here",
             name->n < 32 ? (int)name->n : 32, (const char *)name->p);
    return NULL;
}

static bool at_end_tag(const tpl_parser *p, const char *const *ends)
{
    const tpl_token *name = tpl_token_at(p, 1);
    for (; ends != NULL && *ends != NULL && name->type == TPL_T_NAME; ends++)
        if (tpl_is(name->text, *ends))
            return true;
    return false;
}

static tpl_node *parse_print(tpl_parser *p)
{
    tpl_node *n = tpl_node_new(p, TPL_N_PRINT), *value = tpl_parse_tuple(p, true);
    if (n != NULL)
        n->a = value;
    if (tpl_token_at(p, 0)->type != TPL_T_PRINT_END)
        tpl_unexpected(p, "}}");
    tpl_next(p);
    return n;
}

static tpl_node *parse_piece(tpl_parser *p)
{
    const tpl_token *t = tpl_token_at(p, 0);
    tpl_next(p);
    if (t->type == TPL_T_BLOCK)
        return parse_statement(p);
    if (t->type == TPL_T_PRINT)
        return parse_print(p);
    tpl_node *n = tpl_node_new(p, TPL_N_DATA);
    if (n != NULL)
        n->text = t->text;
    return n;
}

tpl_node *tpl_parse_body(tpl_parser *p, const char *const *ends)
{
    tpl_node *list = NULL, **end = &list;
    if (tpl_enter(p->s))
        while (!tpl_failed(p->s)) {
            const tpl_token *t = tpl_token_at(p, 0);
            if (t->type == TPL_T_END) {
                if (ends != NULL)
                    tpl_fail(p->s, WEFT_E_CORRUPT, "the template ends before {%% %s %%}",
                             strcmp(ends[0], "elif") == 0   ? "endif"
                             : strcmp(ends[0], "else") == 0 ? "endfor"
                                                            : ends[0]);
                break;
            }
            if (t->type == TPL_T_BLOCK && at_end_tag(p, ends)) {
                tpl_next(p);
                break;
            }
            tpl_append(&end, parse_piece(p));
        }
    tpl_leave(p->s);
    return list;
}

tpl_node *tpl_parse(tpl_parser *p)
{
    return tpl_parse_body(p, NULL);
}
