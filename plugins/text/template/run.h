/* SPDX-License-Identifier: Apache-2.0 */
/* A template that runs. */
#ifndef TPL_RUN_H
#define TPL_RUN_H

#include "node.h"

struct tpl_template {
    tpl_state s; /* of compiling; afterwards only its memory is used */
    tpl_node *body, *blocks;
};

/* Variables. A scope belongs to a run of a body that has variables of its own: a loop's turn, a
 * macro, a block. What is not found there is looked for in the one around it. */
typedef struct tpl_binding {
    struct tpl_binding *next;
    const tpl_text     *name;
    tpl_value           value;
} tpl_binding;
typedef struct tpl_scope {
    struct tpl_scope *up;
    tpl_binding      *first;
} tpl_scope;

enum { TPL_GOES_ON, TPL_BREAKS, TPL_CONTINUES };

struct tpl_self {
    const tpl_node *blocks;
    tpl_scope      *scope; /* of the template itself, which blocks see */
};

typedef struct tpl_run {
    tpl_state              s;
    const tpl_run_request *rq;
    tpl_scope             *scope;
    tpl_self               self;
    tpl_build             *out;
    int                    jump;  /* TPL_BREAKS, TPL_CONTINUES: out of the bodies up to the loop */
    uint32_t               loops; /* for loop.depth */
    uint32_t               n_media; /* marks made so far */
} tpl_run;

struct tpl_macro {
    const tpl_node *node; /* MACRO or CALL_BLOCK: parameters b, body c; BLOCK: body c */
    tpl_scope      *scope;
};

struct tpl_loop {
    const tpl_node *node;
    const tpl_list *items;
    tpl_scope      *scope; /* around the loop */
    uint64_t        at;
    uint32_t        depth;
    bool            was_asked; /* changed(): `last` is set */
    tpl_value       last;
};

/* The arguments of a call, a filter or a test. */
typedef struct tpl_args {
    const tpl_list *list;
    const tpl_dict *named; /* by strings; what {% call %} gives is "caller" */
    const tpl_node *node;  /* the call itself */
} tpl_args;
/* args.c. Whether the arguments are those that `takes` names; fails where not, as Python does. A
 * list like "old new count?": ? marks what may be left out, _ what has no name, * and ** stand for
 * any more, without names and with. of: whose they are, for the message. */
bool tpl_args_fit(tpl_run *r, const char *of, const char *takes, const tpl_args *a);
/* The argument of that place or that name, or NULL. */
const tpl_value *tpl_arg(tpl_run *r, const tpl_args *a, uint32_t at, const char *name);
/* The same where it must be of a type, or its default; fails where it is of another. */
const tpl_text *tpl_arg_text(tpl_run *r, const tpl_args *a, uint32_t at, const char *name,
                             const char *dflt);
int64_t tpl_arg_int(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, int64_t dflt);
bool    tpl_arg_bool(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, bool dflt);
/* out[0] to out[1]: where among n to search, as the second and third argument of Python's find and
 * index have it; false: nowhere. */
bool tpl_arg_bounds(tpl_run *r, const tpl_args *a, int64_t n, int64_t out[3]);

/* eval.c */
tpl_value tpl_eval(tpl_run *r, const tpl_node *n);
/* caller: what {% call %} gives, or NULL. */
tpl_args  tpl_eval_args(tpl_run *r, const tpl_node *call, const tpl_macro *caller);
tpl_value tpl_eval_filters(tpl_run *r, const tpl_node *chain, tpl_value v);

/* scope.c */
tpl_scope       *tpl_scope_enter(tpl_run *r, tpl_scope *up); /* returns the one before, for leave */
void             tpl_scope_leave(tpl_run *r, tpl_scope *before);
void             tpl_bind(tpl_run *r, const tpl_text *name, tpl_value v); /* in the innermost one */
void             tpl_bind_str(tpl_run *r, const char *name, tpl_value v);
const tpl_value *tpl_lookup(tpl_run *r, const tpl_text *name); /* NULL: none */
/* To a name, a namespace's member, or each of a tuple's. */
void tpl_assign(tpl_run *r, const tpl_node *target, tpl_value v);

/* execute.c: statements. */
void            tpl_execute(tpl_run *r, const tpl_node *body);
const tpl_text *tpl_capture(tpl_run *r, const tpl_node *body); /* what it writes, as a text */
void            tpl_write(tpl_run *r, const tpl_text *t);

/* block.c; a block as a macro is what `self` has. */
void      tpl_execute_block(tpl_run *r, const tpl_node *n);
tpl_value tpl_call_block(tpl_run *r, const tpl_macro *block, const tpl_args *a);
void      tpl_bind_self(tpl_run *r);

/* loop.c */
void      tpl_execute_for(tpl_run *r, const tpl_node *n);
tpl_value tpl_loop_call(tpl_run *r, tpl_loop *l, const tpl_args *a); /* loop(items) */
tpl_value tpl_loop_method(tpl_run *r, tpl_loop *l, const tpl_text *name, const tpl_args *a);

/* call.c, macro.c */
tpl_value tpl_call(tpl_run *r, const tpl_value *callee, const tpl_args *a);
tpl_value tpl_call_macro(tpl_run *r, const tpl_macro *m, const tpl_args *a);
bool      tpl_function_find(const tpl_text *name, tpl_value *out); /* functions.c */
tpl_value tpl_function_call(tpl_run *r, uint32_t which, const tpl_args *a);
tpl_value tpl_strftime(tpl_run *r, const tpl_text *format); /* date.c */

/* methods.c; of strings: methods_str.c, format.c. */
tpl_value tpl_method_call(tpl_run *r, const tpl_method *m, const tpl_args *a);
tpl_value tpl_str_method(tpl_run *r, const tpl_method *m, const tpl_args *a);
/* "{}".format(a) */
tpl_value tpl_format(tpl_run *r, const tpl_text *t, bool markup, const tpl_args *a);

/* filters.c and its like; tests.c. Both fail where the name is not known. */
typedef tpl_value (*tpl_filter_fn)(tpl_run *r, tpl_value v, const tpl_args *a);
typedef struct tpl_filter_row {
    const char   *name;
    tpl_filter_fn filter;
    const char   *takes; /* for tpl_args_fit */
} tpl_filter_row;
extern const tpl_filter_row tpl_text_filters[], tpl_list_filters[], tpl_pick_filters[],
    tpl_more_filters[];
tpl_value tpl_filter(tpl_run *r, const tpl_text *name, tpl_value v, const tpl_args *a);
/* filters.c: Python's float(v); false: v is no number, and no text of one. Fails where v is
 * undefined. */
bool tpl_to_float(tpl_run *r, const tpl_value *v, double *f);
/* Whether there is a filter, or a test, of that name. */
bool tpl_is_filter(const tpl_text *name);
bool tpl_is_test(const tpl_text *name);
bool tpl_test(tpl_run *r, const tpl_text *name, const tpl_value *v, const tpl_args *a);
/* The attribute "a.b.0" of a value, as filters take it. */
tpl_value tpl_attribute_path(tpl_run *r, const tpl_value *v, const tpl_value *path);
/* Puts the items in order, those that are equal as they stood; keys[i] is what items->at[i] is
 * compared by. */
void tpl_sort(tpl_run *r, tpl_list *items, tpl_value *keys, bool falling);

#endif
