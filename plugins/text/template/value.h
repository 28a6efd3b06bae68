/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a running template, the memory they are in, and the state of a run. Values never change
 * once they are made, those of a namespace and the rest of an iterator apart.
 *
 * Failures are sticky: the first one is kept in the run, every function may be called after it and
 * does nothing, and what it returns is then of no meaning. So the code reads as its formulas do,
 * and loops ask tpl_failed(). */
#ifndef TPL_VALUE_H
#define TPL_VALUE_H

#include "template.h"

/* ---- memory ---- */

typedef struct tpl_block {
    struct tpl_block *next;
    uint64_t          n, cap; /* bytes in use and there, behind this struct */
} tpl_block;

/* What compiling and running have in common. */
typedef struct tpl_state {
    const weft_host *host;
    weft_error      *err;
    weft_status      status;
    const char      *from;
    uint32_t         line; /* of what is being compiled or run */
    uint32_t         depth;
    tpl_block       *blocks;
    uint64_t         memory, steps, output;
} tpl_state;

static inline bool tpl_failed(const tpl_state *s)
{
    return s->status != WEFT_OK;
}
/* Keeps the first failure; its message is "FROM, line N: ...". */
__attribute__((format(printf, 3, 4))) void tpl_fail(tpl_state *s, weft_status status,
                                                    const char *fmt, ...);
/* Zeroed memory that lives until tpl_release; NULL after a failure. */
void *tpl_alloc(tpl_state *s, uint64_t n);
void  tpl_release(tpl_state *s);
/* Counts work; false: it is too much, or something failed before. */
bool tpl_work(tpl_state *s, uint64_t steps);
bool tpl_enter(tpl_state *s); /* one level deeper, until tpl_leave; false: too deep */
void tpl_leave(tpl_state *s);

/* ---- texts ---- */

typedef struct tpl_text {
    const uint8_t *p, *origin; /* [n] each */
    uint64_t       n;
} tpl_text;
/* A text under construction, in the run's memory. */
typedef struct tpl_build {
    tpl_state *s;
    uint8_t   *p, *origin;
    uint64_t   n, cap;
} tpl_build;
void tpl_add(tpl_build *b, const void *p, uint64_t n, uint8_t origin);
void tpl_add_text(tpl_build *b, const tpl_text *t);
void tpl_add_part(tpl_build *b, const tpl_text *t, uint64_t from, uint64_t to);
void tpl_add_str(tpl_build *b, const char *literal, uint8_t origin);
void tpl_add_char(tpl_build *b, uint32_t cp, uint8_t origin);

const tpl_text *tpl_built(const tpl_build *b); /* never NULL: an empty one after a failure */
const tpl_text *tpl_text_of(tpl_state *s, const void *p, uint64_t n, uint8_t origin); /* a copy */
const tpl_text *tpl_str(tpl_state *s, const char *literal); /* a copy, TPL_OWN */
const tpl_text *tpl_part(tpl_state *s, const tpl_text *t, uint64_t from, uint64_t to);
bool            tpl_is(const tpl_text *t, const char *literal);
bool            tpl_same(const tpl_text *a, const tpl_text *b);
extern const tpl_text tpl_empty;
/* Characters as Python has them: a byte that is no UTF-8 is one. */
uint64_t tpl_length(const tpl_text *t);
uint64_t tpl_offset(const tpl_text *t, uint64_t chars);             /* of that character, or n */
uint32_t tpl_char(const tpl_text *t, uint64_t at, uint32_t *bytes); /* TXT_NONE: a bare byte */
bool     tpl_is_space(uint32_t cp); /* str.isspace(): with U+001C to U+001F */
/* The first `what` in t from `at` on, or t->n; the last one that ends at most at `end`, or t->n. */
uint64_t tpl_find(tpl_state *s, const tpl_text *t, const tpl_text *what, uint64_t at);
uint64_t tpl_find_last(tpl_state *s, const tpl_text *t, const tpl_text *what, uint64_t end);

/* ---- values ---- */

enum {
    TPL_UNDEFINED, /* text: the name, or NULL; number: of what (tpl_missing) */
    TPL_NONE,
    TPL_BOOL,
    TPL_INT,
    TPL_FLOAT,
    TPL_STRING,
    TPL_LIST,
    TPL_TUPLE,
    TPL_ITER, /* a generator: true even if empty, and gives each item once */
    TPL_DICT,
    TPL_NAMESPACE,
    TPL_MACRO,
    TPL_FUNCTION, /* number: which of tpl_functions */
    TPL_METHOD,   /* of a value */
    TPL_LOOP,
    TPL_SELF /* its attributes are the template's blocks */
};

enum {
    TPL_GROUPED = 1, /* a pair of groupby's: its items have the names grouper and list */
    TPL_KEYS,        /* what the methods of a dictionary give, which is written with their names */
    TPL_VALUES,
    TPL_ITEMS
};

typedef struct tpl_value  tpl_value;
typedef struct tpl_list   tpl_list;
typedef struct tpl_dict   tpl_dict;
typedef struct tpl_macro  tpl_macro;
typedef struct tpl_method tpl_method;
typedef struct tpl_loop   tpl_loop;
typedef struct tpl_self   tpl_self;
struct tpl_value {
    uint8_t  type;
    uint8_t  origin; /* of none, bools and numbers: TPL_OWN or TPL_GIVEN */
    uint16_t markup; /* of strings: 1: marked as safe HTML (tpl_markup) */
    uint32_t number; /* of tuples and lists: TPL_GROUPED and so on, or 0 */
    union {
        int64_t           i; /* bools too */
        double            f;
        const tpl_text   *text;
        tpl_list         *list;
        tpl_dict         *dict; /* namespaces too */
        const tpl_macro  *macro;
        const tpl_method *method;
        tpl_loop         *loop;
        const tpl_self   *self;
    } u;
};
struct tpl_list {
    tpl_value *at;
    uint64_t   n, cap, next; /* next: of an iterator, the first item that is left */
};
struct tpl_dict {
    tpl_value *keys, *values;
    uint64_t   n, cap;
};
struct tpl_method {
    tpl_value       of;
    const tpl_text *name;
};

static inline tpl_value tpl_undefined(void)
{
    return (tpl_value){.type = TPL_UNDEFINED};
}
static inline tpl_value tpl_none(void)
{
    return (tpl_value){.type = TPL_NONE};
}
static inline tpl_value tpl_bool(bool b, uint8_t origin)
{
    return (tpl_value){.type = TPL_BOOL, .origin = origin, .u.i = b};
}
static inline tpl_value tpl_int(int64_t i, uint8_t origin)
{
    return (tpl_value){.type = TPL_INT, .origin = origin, .u.i = i};
}
static inline tpl_value tpl_float(double f, uint8_t origin)
{
    return (tpl_value){.type = TPL_FLOAT, .origin = origin, .u.f = f};
}
static inline tpl_value tpl_string(const tpl_text *t)
{
    return (tpl_value){.type = TPL_STRING, .u.text = t};
}
/* A string that `safe` or `escape` gave, or what its methods and operators make of it: what is
 * added to it is escaped for HTML, although nothing else is. Source: markupsafe (Markup). */
static inline tpl_value tpl_markup(const tpl_text *t, bool markup)
{
    return (tpl_value){.type = TPL_STRING, .markup = markup, .u.text = t};
}
static inline tpl_value tpl_listed(int type, tpl_list *l)
{
    return (tpl_value){.type = (uint8_t)type, .u.list = l};
}
static inline bool tpl_is_list(const tpl_value *v)
{
    return v->type == TPL_LIST || v->type == TPL_TUPLE || v->type == TPL_ITER;
}
static inline bool tpl_is_int(const tpl_value *v) /* to Python a bool is one too */
{
    return v->type == TPL_INT || v->type == TPL_BOOL;
}
static inline bool tpl_is_number(const tpl_value *v)
{
    return tpl_is_int(v) || v->type == TPL_FLOAT;
}
static inline double tpl_as_float(const tpl_value *v)
{
    return v->type == TPL_FLOAT ? v->u.f : (double)v->u.i;
}
/* The origin of what is computed from v. A string is looked at no further: what is computed from
 * one counts as the conversation's. */
static inline uint8_t tpl_origin(const tpl_value *v)
{
    return v->type == TPL_STRING ? TPL_GIVEN : v->origin;
}

tpl_list  *tpl_list_new(tpl_state *s);
void       tpl_push(tpl_state *s, tpl_list *l, tpl_value v);
tpl_dict  *tpl_dict_new(tpl_state *s);
void       tpl_set(tpl_state *s, tpl_dict *d, tpl_value key, tpl_value v);
tpl_value *tpl_get(tpl_state *s, const tpl_dict *d, const tpl_value *key); /* NULL: not there */
tpl_value *tpl_get_str(tpl_state *s, const tpl_dict *d, const char *key);
/* What there is not: a variable (of TPL_UNDEFINED), or an attribute or item of a value of that
 * type.
 */
tpl_value tpl_missing(int of, const tpl_text *name);
void      tpl_fail_missing(tpl_state *s, const tpl_value *v); /* it cannot be used */

/* ---- print.c, number.c, tojson.c ---- */

const char     *tpl_type_name(const tpl_value *v);           /* "dict", "str", as Python calls it */
const tpl_text *tpl_print(tpl_state *s, const tpl_value *v); /* str() */
const tpl_text *tpl_repr(tpl_state *s, const tpl_value *v);
uint32_t        tpl_float_repr(double f, char dst[40]);
/* A number by its digits, in the C locale: strtod of [n] bytes. */
double tpl_float_read(const char *s);
/* A text that is a number as Python's float() takes it, "-1_000.5e3" or "inf"; false: it is none.
 * whole: int() takes it too, and *i is its value. */
bool tpl_number_read(const tpl_text *t, double *f, int64_t *i, bool *whole);

typedef struct tpl_json_style {
    bool            ascii, sorted, spaced; /* spaced: indented by `indent` */
    const tpl_text *indent;
    const tpl_text *item, *key; /* the separators */
} tpl_json_style;
const tpl_text *tpl_tojson(tpl_state *s, const tpl_value *v, const tpl_json_style *style);

/* json_in.c: a document as a value, all of it TPL_GIVEN. Fails with CORRUPT and the place. */
tpl_value tpl_json_read(tpl_state *s, const tpl_json *json);

/* ---- operate.c, sequence.c: Python's operators ---- */

bool tpl_truth(const tpl_value *v);
bool tpl_equal(tpl_state *s, const tpl_value *a, const tpl_value *b);
/* -1, 0, 1. Fails where Python has no order for the two. */
int       tpl_order(tpl_state *s, const tpl_value *a, const tpl_value *b);
bool      tpl_contains(tpl_state *s, const tpl_value *item, const tpl_value *in);
tpl_value tpl_arithmetic(tpl_state *s, uint32_t op, const tpl_value *a, const tpl_value *b);
/* Of texts and lists: v many times; a and b, of one type, joined. */
tpl_value tpl_repeated(tpl_state *s, const tpl_value *v, int64_t times);
tpl_value tpl_joined(tpl_state *s, const tpl_value *a, const tpl_value *b);
tpl_value tpl_negate(tpl_state *s, const tpl_value *v);
/* "%s" % v, where format is a string. */
tpl_value tpl_percent(tpl_state *s, const tpl_value *format, const tpl_value *v);

/* ---- items.c: attributes, items and slices, and what a loop goes over ---- */

/* The items of what may be looped over, as a list that is not to be changed. Takes what an iterator
 * has left. Fails where Python would: numbers, none. */
const tpl_list *tpl_items(tpl_state *s, const tpl_value *v);
tpl_value       tpl_attribute(tpl_state *s, const tpl_value *v, const tpl_text *name);
tpl_value       tpl_item(tpl_state *s, const tpl_value *v, const tpl_value *key);
tpl_value tpl_slice(tpl_state *s, const tpl_value *v, const tpl_value bounds[3]); /* none: open */
/* Python's bounds of a slice of n items: first, the first not taken, and the step. */
bool tpl_slice_bounds(tpl_state *s, const tpl_value b[3], int64_t n, int64_t out[3]);

/* loop.c, block.c: what `loop.name` and `self.name` are; false: there is no such attribute. */
bool tpl_loop_attribute(tpl_state *s, const tpl_loop *l, const tpl_text *name, tpl_value *out);
bool tpl_self_attribute(tpl_state *s, const tpl_self *self, const tpl_text *name, tpl_value *out);

#endif
