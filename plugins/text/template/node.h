/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a compiled template, and the two halves of its parser. */
#ifndef TPL_NODE_H
#define TPL_NODE_H

#include "lexer.h"

enum {
    /* expressions */
    TPL_N_CONST,    /* value */
    TPL_N_NAME,     /* text */
    TPL_N_ATTR,     /* a.text */
    TPL_N_ITEM,     /* a[b] */
    TPL_N_SLICE,    /* a[b:c:d]; each may be NULL */
    TPL_N_CALL,     /* a(b, ...) */
    TPL_N_FILTER,   /* a|text(b, ...); a NULL: of what a block wrote */
    TPL_N_TEST,     /* a is text(b, ...) */
    TPL_N_NEGATE,   /* -a */
    TPL_N_POSITIVE, /* +a */
    TPL_N_NOT,
    TPL_N_BINARY, /* a op b */
    TPL_N_CONCAT, /* a ~ ..., a list */
    TPL_N_AND,
    TPL_N_OR,
    TPL_N_COMPARE,  /* a, then b: a list of COMPARED */
    TPL_N_COMPARED, /* op a */
    TPL_N_IF_ELSE,  /* b if a else c; c may be NULL */
    TPL_N_LIST,     /* a: its items, a list */
    TPL_N_TUPLE,
    TPL_N_DICT,    /* a: a list of PAIR */
    TPL_N_PAIR,    /* a: b */
    TPL_N_KEYWORD, /* of a call: text=a */
    TPL_N_SPREAD,  /* of a call: *a */
    TPL_N_SPREAD2, /* of a call: **a */
    /* statements */
    TPL_N_DATA,       /* text */
    TPL_N_PRINT,      /* a */
    TPL_N_IF,         /* if a: b; op 0: elif c, an IF; op 1: else c, a body */
    TPL_N_FOR,        /* for a in b if d: c; else e. op 1: recursive */
    TPL_N_SET,        /* a = b */
    TPL_N_MEMBER,     /* as a target: the member text of the namespace named by a's text */
    TPL_N_SET_BLOCK,  /* a = what c writes, through the filters b */
    TPL_N_MACRO,      /* text, parameters b (NAME with the default as a), body c; op: TPL_USES_* */
    TPL_N_CALL_BLOCK, /* the call a, parameters b, body c; op: TPL_USES_* */
    TPL_N_FILTER_BLOCK, /* what c writes, through the filters b */
    TPL_N_WITH,         /* a: a list of SET; body c */
    TPL_N_SCOPE,        /* body c: generation */
    TPL_N_BLOCK,        /* text, body c; op: TPL_BLOCK_*; e: the block before it in the template */
    TPL_N_BREAK,
    TPL_N_CONTINUE
};
enum { TPL_BLOCK_SCOPED = 1, TPL_BLOCK_REQUIRED = 2 };
/* What a macro's body reads beside its parameters. */
enum { TPL_USES_VARARGS = 1, TPL_USES_KWARGS = 2, TPL_USES_CALLER = 4 };
enum { TPL_OP_IN = 1, TPL_OP_NOT_IN }; /* of COMPARED, beside the tokens' */

typedef struct tpl_node tpl_node;
struct tpl_node {
    uint32_t        kind, op, line, reserved;
    const tpl_text *text;
    tpl_value       value;
    tpl_node       *a, *b, *c, *d, *e;
    tpl_node       *next; /* in a list */
};

/* Of a macro or call that is being read: which of the special names (TPL_USES_*) its body has read
 * so far, and which it has given values to before. */
typedef struct tpl_special {
    uint32_t            read, own;
    struct tpl_special *around;
} tpl_special;

typedef struct tpl_parser {
    tpl_state *s;
    tpl_tokens tokens;
    uint64_t   at;
    uint32_t   loops;  /* how many for statements stand around this place in the same body */
    tpl_node  *blocks; /* the last one so far */

    tpl_special *special; /* of the innermost macro, or NULL */
} tpl_parser;

/* parse.c: the statements of a whole template. */
tpl_node *tpl_parse(tpl_parser *p);
/* Up to a tag of one of these names (a list that ends with NULL), which is not read; none: up to
 * the end of the template. */
tpl_node *tpl_parse_body(tpl_parser *p, const char *const *ends);
void      tpl_end_tag(tpl_parser *p); /* the %} of a statement */
/* A body whose break does not belong to a loop around it, and the tag `end` behind it. */
tpl_node *tpl_parse_own_body(tpl_parser *p, const char *end);
tpl_node *tpl_parse_block(tpl_parser *p); /* block.c: behind {% block */
/* macro.c: behind {% macro and {% call; a name that is read, or that gets a value. */
tpl_node *tpl_parse_macro(tpl_parser *p);
tpl_node *tpl_parse_call_block(tpl_parser *p);
void      tpl_see_name(tpl_parser *p, const tpl_text *name, bool read);

/* expression.c, primary.c. All give NULL after a failure. */
tpl_node *tpl_parse_expression(tpl_parser *p);
/* One expression or, with commas, a tuple; conditional false: an `if` behind it is not part of it.
 */
tpl_node *tpl_parse_tuple(tpl_parser *p, bool conditional);
tpl_node *tpl_parse_or(tpl_parser *p);
tpl_node *tpl_parse_unary(tpl_parser *p, bool filters);
tpl_node *tpl_parse_primary(tpl_parser *p);
tpl_node *tpl_parse_postfix(tpl_parser *p, tpl_node *of);
tpl_node *tpl_parse_filters(tpl_parser *p, tpl_node *of); /* |x, is x, (x) */
tpl_node *tpl_parse_filter_chain(tpl_parser *p);          /* name|name: behind {% filter */
tpl_node *tpl_parse_arguments(tpl_parser *p);             /* behind the opening bracket */

/* What both halves read tokens with. */
static inline const tpl_token *tpl_token_at(const tpl_parser *p, uint64_t ahead)
{
    const uint64_t at = p->at + ahead;
    return &p->tokens.at[at < p->tokens.n ? at : p->tokens.n - 1];
}
static inline bool tpl_at_op(const tpl_parser *p, uint32_t op)
{
    return tpl_token_at(p, 0)->type == TPL_T_OP && tpl_token_at(p, 0)->op == op;
}
static inline bool tpl_at_name(const tpl_parser *p, const char *name)
{
    return tpl_token_at(p, 0)->type == TPL_T_NAME && tpl_is(tpl_token_at(p, 0)->text, name);
}
void            tpl_next(tpl_parser *p);
bool            tpl_skip_op(tpl_parser *p, uint32_t op); /* whether it was there */
bool            tpl_skip_name(tpl_parser *p, const char *name);
void            tpl_expect_op(tpl_parser *p, uint32_t op);
const tpl_text *tpl_expect_name(tpl_parser *p);
tpl_node       *tpl_node_new(tpl_parser *p, uint32_t kind); /* NULL after a failure */
void            tpl_unexpected(tpl_parser *p, const char *wanted);
/* Puts node, which may be NULL, at the end of a list: **end is where the next one goes. */
void tpl_append(tpl_node ***end, tpl_node *node);

#endif
