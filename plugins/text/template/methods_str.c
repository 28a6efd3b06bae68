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

static bool has_end(const tpl_str_call *c, const tpl_text *end, bool last)
{
    const tpl_text *t = c->t;
    return end->n <= t->n && tpl_work(c->s, 1 + end->n / 64) &&
           memcmp(t->p + (last ? t->n - end->n : 0), end->p, end->n) == 0;
}

/* startswith, endswith: one text, or a tuple of some of which any may stand there. */
static tpl_value at_end(const tpl_str_call *c, bool last)
{
    const tpl_value *what = tpl_arg(c->r, c->a, 0, NULL);
    bool             is = false;
    if (what != NULL && what->type == TPL_TUPLE) {
        for (uint64_t i = 0; i < what->u.list->n; i++)
            is |= what->u.list->at[i].type == TPL_STRING &&
                  has_end(c, what->u.list->at[i].u.text, last);
    } else
        is = has_end(c, tpl_arg_text(c->r, c->a, 0, NULL, NULL), last);
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
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    if (c->a->list->n > 1)
        tpl_fail(c->s, WEFT_E_UNSUPPORTED, "find with bounds is not known here");
    const uint64_t at =
        last ? tpl_find_last(c->s, c->t, what, c->t->n) : tpl_find(c->s, c->t, what, 0);
    const bool there = at < c->t->n || what->n == 0;
    if (!there && must)
        tpl_fail(c->s, WEFT_E_INVALID, "a text is not in the other");
    const tpl_text before = {c->t->p, c->t->origin, at};
    return tpl_int(there && tpl_work(c->s, at / 8) ? (int64_t)tpl_length(&before) : -1, TPL_GIVEN);
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
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    int64_t         n = 0;
    if (what->n == 0 && tpl_work(c->s, c->t->n / 8))
        return tpl_int((int64_t)tpl_length(c->t) + 1, TPL_GIVEN);
    if (what->n == 0)
        return tpl_undefined();
    for (uint64_t at = 0; !tpl_failed(c->s) && (at = tpl_find(c->s, c->t, what, at)) < c->t->n; n++)
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
    return tpl_markup(tpl_part(c->s, c->t, has_end(c, what, false) ? what->n : 0, c->t->n),
                      c->markup);
}

static tpl_value m_removesuffix(const tpl_str_call *c)
{
    const tpl_text *what = tpl_arg_text(c->r, c->a, 0, NULL, NULL);
    return tpl_markup(tpl_part(c->s, c->t, 0, has_end(c, what, true) ? c->t->n - what->n : c->t->n),
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
    } methods[] = {
        {"strip", m_strip},
        {"lstrip", m_lstrip},
        {"rstrip", m_rstrip},
        {"split", m_split},
        {"rsplit", m_rsplit},
        {"splitlines", m_splitlines},
        {"startswith", m_startswith},
        {"endswith", m_endswith},
        {"replace", m_replace},
        {"upper", m_upper},
        {"lower", m_lower},
        {"title", m_title},
        {"capitalize", m_capitalize},
        {"find", m_find},
        {"rfind", m_rfind},
        {"index", m_index},
        {"rindex", m_rindex},
        {"count", m_count},
        {"join", m_join},
        {"removeprefix", m_removeprefix},
        {"removesuffix", m_removesuffix},
        {"partition", m_partition},
        {"rpartition", m_rpartition},
        {"isdigit", tpl_str_isdigit},
        {"isdecimal", tpl_str_isdigit},
        {"isalpha", tpl_str_isalpha},
        {"isalnum", tpl_str_isalnum},
        {"isspace", tpl_str_isspace},
        {"isupper", tpl_str_isupper},
        {"islower", tpl_str_islower},
        {"ljust", tpl_str_ljust},
        {"rjust", tpl_str_rjust},
        {"center", tpl_str_center},
        {"format", m_format},
    };
    const tpl_text    *name = m->name;
    const tpl_str_call c = {r, &r->s, m->of.u.text, a, m->of.markup != 0};
    for (uint32_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (tpl_is(name, methods[i].name))
            return methods[i].call(&c);
    tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the method \"%.*s\" of a str is not known here",
             name->n < 32 ? (int)name->n : 32, (const char *)name->p);
    return tpl_undefined();
}
