/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of strings, as Python has them. */
#include "case.h"
#include "run.h"
#include "methods_str.h"
#include "strings.h"

static tpl_value strip(const tpl_str_call *c, int ends)
{
    const tpl_value *set = tpl_arg(c->r, c->a, 0, NULL);
    const bool       white = set == NULL || set->type == TPL_NONE;
    return tpl_markup(
        tpl_strip(c->s, c->t, white ? NULL : tpl_arg_text(c->r, c->a, 0, NULL, NULL), ends),
        c->markup);
}

static tpl_value m_strip(const tpl_str_call *c)
{
    return strip(c, TPL_LEFT | TPL_RIGHT);
}

static tpl_value m_lstrip(const tpl_str_call *c)
{
    return strip(c, TPL_LEFT);
}

static tpl_value m_rstrip(const tpl_str_call *c)
{
    return strip(c, TPL_RIGHT);
}

static const tpl_text *separator(const tpl_str_call *c)
{
    const tpl_value *by = tpl_arg(c->r, c->a, 0, "sep");
    return by == NULL || by->type == TPL_NONE ? NULL : tpl_arg_text(c->r, c->a, 0, "sep", NULL);
}

/* What a text was split into: marked as it was. */
static tpl_value pieces(const tpl_str_call *c, int type, tpl_list *l)
{
    for (uint64_t i = 0; c->markup && l != NULL && i < l->n; i++)
        l->at[i].markup = 1;
    return tpl_listed(type, l);
}

static tpl_value m_split(const tpl_str_call *c)
{
    return pieces(c, TPL_LIST,
                  tpl_split(c->s, c->t, separator(c), tpl_arg_int(c->r, c->a, 1, "maxsplit", -1)));
}

static tpl_value m_rsplit(const tpl_str_call *c)
{
    const tpl_text *by = separator(c);
    const int64_t   most = tpl_arg_int(c->r, c->a, 1, "maxsplit", -1);
    if (by == NULL && most >= 0)
        tpl_fail(c->s, WEFT_E_UNSUPPORTED, "rsplit by white space, some times, is not known here");
    return pieces(c, TPL_LIST,
                  by == NULL ? tpl_split(c->s, c->t, NULL, -1)
                             : tpl_split_last(c->s, c->t, by, most));
}

static tpl_value m_splitlines(const tpl_str_call *c)
{
    return pieces(c, TPL_LIST,
                  tpl_lines(c->s, c->t, tpl_arg_bool(c->r, c->a, 0, "keepends", false)));
}

/* The part of the text that the arguments behind the first one bound; NULL: there is none. before:
 * how many characters stand in front of it. */
static const tpl_text *searched(const tpl_str_call *c, int64_t *before)
{
    int64_t b[3] = {0, 0, 0};
    *before = 0;
    if (c->a->list->n < 2)
        return c->t;
    if (!tpl_work(c->s, c->t->n / 8) || !tpl_arg_bounds(c->r, c->a, (int64_t)tpl_length(c->t), b))
        return NULL;
    *before = b[0];
    return tpl_part(c->s, c->t, tpl_offset(c->t, (uint64_t)b[0]), tpl_offset(c->t, (uint64_t)b[1]));
}

static bool has_end(const tpl_str_call *c, const tpl_text *t, const tpl_text *end, bool last)
{
    return end->n <= t->n && tpl_work(c->s, 1 + end->n / 64) &&
           memcmp(t->p + (last ? t->n - end->n : 0), end->p, end->n) == 0;
}

/* startswith, endswith: one text, or a tuple of some of which any may stand there. */
static tpl_value at_end(const tpl_str_call *c, bool last)
{
    int64_t          before;
    const tpl_value *what = tpl_arg(c->r, c->a, 0, NULL);
    const tpl_text  *t = searched(c, &before);
    bool             is = false;
    if (what->type == TPL_TUPLE)
        for (uint64_t i = 0; t != NULL && i < what->u.list->n; i++)
            is |= what->u.list->at[i].type == TPL_STRING &&
                  has_end(c, t, what->u.list->at[i].u.text, last);
    else {
        const tpl_text *end = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
        is = t != NULL && has_end(c, t, end, last);
    }
    return tpl_bool(is, TPL_GIVEN);
}

static tpl_value m_startswith(const tpl_str_call *c)
{
    return at_end(c, false);
}

static tpl_value m_endswith(const tpl_str_call *c)
{
    return at_end(c, true);
}

static tpl_value m_replace(const tpl_str_call *c)
{
    const tpl_text  *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    const tpl_value *by = tpl_arg(c->r, c->a, 1, NULL);
    const tpl_text  *with = tpl_arg_text(c->r, c->a, 1, NULL, NULL);
    if (by != NULL)
        with = tpl_inserted(c->s, by, c->markup);
    return tpl_markup(tpl_replace(c->s, c->t, what, with, tpl_arg_int(c->r, c->a, 2, "count", -1)),
                      c->markup);
}

static tpl_value m_upper(const tpl_str_call *c)
{
    return tpl_markup(tpl_cased(c->s, c->t, TPL_UPPER), c->markup);
}

static tpl_value m_lower(const tpl_str_call *c)
{
    return tpl_markup(tpl_cased(c->s, c->t, TPL_LOWER), c->markup);
}

static tpl_value m_title(const tpl_str_call *c)
{
    return tpl_markup(tpl_titled(c->s, c->t), c->markup);
}

static tpl_value m_capitalize(const tpl_str_call *c)
{
    return tpl_markup(tpl_capitalized(c->s, c->t), c->markup);
}

/* find, rfind, index, rindex: the place in characters. */
static tpl_value found(const tpl_str_call *c, bool last, bool must)
{
    int64_t         before;
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL), *t = searched(c, &before);
    const uint64_t  at = t == NULL ? 0
                         : last    ? tpl_find_last(c->s, t, what, t->n)
                                   : tpl_find(c->s, t, what, 0);
    const bool      there = t != NULL && (at < t->n || what->n == 0);
    if (!there && must)
        tpl_fail(c->s, WEFT_E_INVALID, "a text is not in the other");
    if (!there || !tpl_work(c->s, at / 8))
        return tpl_int(-1, TPL_GIVEN);
    const tpl_text skipped = {t->p, t->origin, at};
    return tpl_int(before + (int64_t)tpl_length(&skipped), TPL_GIVEN);
}

static tpl_value m_find(const tpl_str_call *c)
{
    return found(c, false, false);
}

static tpl_value m_rfind(const tpl_str_call *c)
{
    return found(c, true, false);
}

static tpl_value m_index(const tpl_str_call *c)
{
    return found(c, false, true);
}

static tpl_value m_rindex(const tpl_str_call *c)
{
    return found(c, true, true);
}

static tpl_value m_count(const tpl_str_call *c)
{
    int64_t         n = 0, before;
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL), *t = searched(c, &before);
    if (t == NULL || !tpl_work(c->s, t->n / 8))
        return tpl_int(0, TPL_GIVEN);
    if (what->n == 0)
        return tpl_int((int64_t)tpl_length(t) + 1, TPL_GIVEN);
    for (uint64_t at = 0; !tpl_failed(c->s) && (at = tpl_find(c->s, t, what, at)) < t->n; n++)
        at += what->n;
    return tpl_int(n, TPL_GIVEN);
}

static tpl_value m_join(const tpl_str_call *c)
{
    const tpl_value *of = tpl_arg(c->r, c->a, 0, NULL);
    const tpl_list  *l = of != NULL ? tpl_items(c->s, of) : NULL;
    tpl_build        b = {.s = c->s};
    for (uint64_t i = 0; l != NULL && i < l->n && !tpl_failed(c->s); i++) {
        if (l->at[i].type != TPL_STRING && !c->markup) /* escaping makes a text of anything */
            tpl_fail(c->s, WEFT_E_INVALID, "join takes texts, and one is a %s",
                     tpl_type_name(&l->at[i]));
        if (i > 0)
            tpl_add_text(&b, c->t);
        tpl_add_text(&b, tpl_inserted(c->s, &l->at[i], c->markup));
    }
    return tpl_markup(tpl_built(&b), c->markup);
}

static tpl_value m_removeprefix(const tpl_str_call *c)
{
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    return tpl_markup(tpl_part(c->s, c->t, has_end(c, c->t, what, false) ? what->n : 0, c->t->n),
                      c->markup);
}

static tpl_value m_removesuffix(const tpl_str_call *c)
{
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    return tpl_markup(
        tpl_part(c->s, c->t, 0, has_end(c, c->t, what, true) ? c->t->n - what->n : c->t->n),
        c->markup);
}

static tpl_value partition(const tpl_str_call *c, bool last)
{
    const tpl_text *by = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    const uint64_t at = last ? tpl_find_last(c->s, c->t, by, c->t->n) : tpl_find(c->s, c->t, by, 0);
    const bool     there = at < c->t->n;
    tpl_list      *l = tpl_list_new(c->s);
    const tpl_text *whole = c->t, *empty = &tpl_empty;
    const uint64_t  after = there ? at + by->n : c->t->n;
    tpl_push(c->s, l, tpl_string(there ? tpl_part(c->s, whole, 0, at) : last ? empty : whole));
    tpl_push(c->s, l, tpl_string(there ? tpl_part(c->s, whole, at, after) : empty));
    tpl_push(c->s, l,
             tpl_string(there  ? tpl_part(c->s, whole, after, whole->n)
                        : last ? whole
                               : empty));
    return pieces(c, TPL_TUPLE, l);
}

static tpl_value m_partition(const tpl_str_call *c)
{
    return partition(c, false);
}

static tpl_value m_rpartition(const tpl_str_call *c)
{
    return partition(c, true);
}

static tpl_value m_format(const tpl_str_call *c)
{
    return tpl_format(c->r, c->t, c->markup, c->a);
}

tpl_value tpl_str_method(tpl_run *r, const tpl_method *m, const tpl_args *a)
{
    static const struct {
        const char *name;
        tpl_value (*call)(const tpl_str_call *c);
        const char *takes; /* for tpl_args_fit */
    } methods[] = {
        {"strip", m_strip, "_?"},
        {"lstrip", m_lstrip, "_?"},
        {"rstrip", m_rstrip, "_?"},
        {"split", m_split, "sep? maxsplit?"},
        {"rsplit", m_rsplit, "sep? maxsplit?"},
        {"splitlines", m_splitlines, "keepends?"},
        {"startswith", m_startswith, "_ _? _?"},
        {"endswith", m_endswith, "_ _? _?"},
        {"replace", m_replace, "_ _ count?"},
        {"upper", m_upper, ""},
        {"lower", m_lower, ""},
        {"title", m_title, ""},
        {"capitalize", m_capitalize, ""},
        {"find", m_find, "_ _? _?"},
        {"rfind", m_rfind, "_ _? _?"},
        {"index", m_index, "_ _? _?"},
        {"rindex", m_rindex, "_ _? _?"},
        {"count", m_count, "_ _? _?"},
        {"join", m_join, "_"},
        {"removeprefix", m_removeprefix, "_"},
        {"removesuffix", m_removesuffix, "_"},
        {"partition", m_partition, "_"},
        {"rpartition", m_rpartition, "_"},
        {"isdigit", tpl_str_isdigit, ""},
        {"isdecimal", tpl_str_isdigit, ""},
        {"isalpha", tpl_str_isalpha, ""},
        {"isalnum", tpl_str_isalnum, ""},
        {"isspace", tpl_str_isspace, ""},
        {"isupper", tpl_str_isupper, ""},
        {"islower", tpl_str_islower, ""},
        {"ljust", tpl_str_ljust, "_ _?"},
        {"rjust", tpl_str_rjust, "_ _?"},
        {"center", tpl_str_center, "_ _?"},
        {"format", m_format, "* **"},
    };
    const tpl_text    *name = m->name;
    const tpl_str_call c = {r, &r->s, m->of.u.text, a, m->of.markup != 0};
    for (uint32_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (tpl_is(name, methods[i].name))
            return tpl_args_fit(r, methods[i].name, methods[i].takes, a) ? methods[i].call(&c)
                                                                         : tpl_undefined();
    tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the method \"%.*s\" of a str is not known here",
             name->n < 32 ? (int)name->n : 32, (const char *)name->p);
    return tpl_undefined();
}
