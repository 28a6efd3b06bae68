/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of texts. What is no text is printed first, as jinja2's soft_str does it. Source: jinja2
 * filters.py. */
#include "case.h"
#include "run.h"
#include "strings.h"

static tpl_value f_upper(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_cased(&r->s, tpl_print(&r->s, &v), TPL_UPPER), v.markup != 0);
}

static tpl_value f_lower(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_cased(&r->s, tpl_print(&r->s, &v), TPL_LOWER), v.markup != 0);
}

static tpl_value f_capitalize(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_capitalized(&r->s, tpl_print(&r->s, &v)), v.markup != 0);
}

/* To jinja2 a word begins behind white space and - ( { [ <, and nowhere else. */
static tpl_value f_title(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_text *t = tpl_print(&r->s, &v);
    tpl_build       b = {.s = &r->s};
    uint32_t        bytes;
    bool            begins = true;
    (void)a;
    for (uint64_t at = 0; at < t->n && tpl_work(&r->s, 1); at += bytes) {
        const uint32_t cp = tpl_char(t, at, &bytes);
        if (cp == TXT_NONE)
            tpl_add_part(&b, t, at, at + 1);
        else
            tpl_add_cased(&b, cp, begins ? TPL_UPPER : TPL_LOWER, t->origin[at]);
        begins = tpl_is_space(cp) || (cp < 0x80 && cp != 0 && strchr("-({[<", (int)cp) != NULL);
    }
    return tpl_string(tpl_built(&b));
}

static tpl_value f_trim(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *set = tpl_arg(r, a, 0, "chars");
    const bool       white = set == NULL || set->type == TPL_NONE;
    return tpl_markup(tpl_strip(&r->s, tpl_print(&r->s, &v),
                                white ? NULL : tpl_arg_text(r, a, 0, "chars", NULL),
                                TPL_LEFT | TPL_RIGHT),
                      v.markup != 0);
}

static tpl_value f_replace(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *count = tpl_arg(r, a, 2, "count");
    const bool       all = count == NULL || count->type == TPL_NONE;
    return tpl_string(tpl_replace(
        &r->s, tpl_print(&r->s, &v), tpl_print(&r->s, tpl_arg(r, a, 0, "old")),
        tpl_print(&r->s, tpl_arg(r, a, 1, "new")), all ? -1 : tpl_arg_int(r, a, 2, "count", -1)));
}

static tpl_value f_escape(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return v.markup != 0 ? v : tpl_markup(tpl_escaped(&r->s, tpl_print(&r->s, &v)), true);
}

static tpl_value f_forceescape(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_escaped(&r->s, tpl_print(&r->s, &v)), true);
}

static const tpl_text *indention(tpl_run *r, const tpl_args *a)
{
    const tpl_value *width = tpl_arg(r, a, 0, "width");
    const int64_t    n =
        width != NULL && width->type == TPL_STRING ? 0 : tpl_arg_int(r, a, 0, "width", 4);
    tpl_build b = {.s = &r->s};
    if (width != NULL && width->type == TPL_STRING)
        return width->u.text;
    for (int64_t i = 0; i < n && tpl_work(&r->s, 1); i++)
        tpl_add_str(&b, " ", TPL_OWN);
    return tpl_built(&b);
}

static tpl_value f_indent(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_text *in = indention(r, a), *t = tpl_print(&r->s, &v);
    const bool      first = tpl_arg_bool(r, a, 1, "first", false);
    const bool      blank = tpl_arg_bool(r, a, 2, "blank", false);
    tpl_build       b = {.s = &r->s};
    tpl_add_text(&b, t);
    tpl_add_str(&b, "\n", TPL_OWN);
    const tpl_list *lines = tpl_lines(&r->s, tpl_built(&b), false);
    tpl_build       out = {.s = &r->s};
    for (uint64_t i = 0; lines != NULL && i < lines->n && !tpl_failed(&r->s); i++) {
        const tpl_text *line = lines->at[i].u.text;
        tpl_add_str(&out, i > 0 ? "\n" : "", TPL_OWN);
        if (i == 0 ? first : blank || line->n > 0)
            tpl_add_text(&out, in);
        tpl_add_text(&out, line);
    }
    return tpl_markup(tpl_built(&out), v.markup != 0);
}

static tpl_value f_join(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *d = tpl_arg(r, a, 0, "d"), *path = tpl_arg(r, a, 1, "attribute");
    const tpl_text  *between = d != NULL ? tpl_print(&r->s, d) : &tpl_empty;
    const tpl_list  *l = tpl_items(&r->s, &v);
    tpl_build        b = {.s = &r->s};
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
        const tpl_value item = path != NULL && path->type != TPL_NONE
                                   ? tpl_attribute_path(r, &l->at[i], path)
                                   : l->at[i];
        if (i > 0)
            tpl_add_text(&b, between);
        tpl_add_text(&b, tpl_print(&r->s, &item));
    }
    return tpl_string(tpl_built(&b));
}

/* "%s, %s"|format(a, b); named arguments are one value, a dictionary. */
static tpl_value f_format(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value t = tpl_markup(tpl_print(&r->s, &v), v.markup != 0);
    const tpl_value named = {.type = TPL_DICT, .u.dict = (tpl_dict *)(uintptr_t)a->named};
    tpl_list       *l = tpl_list_new(&r->s);
    if (a->named->n > 0 && a->list->n > 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "format takes arguments with names or without, not both");
    for (uint64_t i = 0; i < a->list->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, l, a->list->at[i]);
    const tpl_value given = tpl_listed(TPL_TUPLE, l);
    if (tpl_failed(&r->s))
        return tpl_undefined();
    return tpl_percent(&r->s, &t, a->named->n > 0 ? &named : &given);
}

static tpl_value f_wordcount(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_list *words = tpl_split(&r->s, tpl_print(&r->s, &v), NULL, -1);
    (void)a;
    return tpl_int(words != NULL ? (int64_t)words->n : 0, TPL_GIVEN);
}

const tpl_filter_row tpl_text_filters[] = {
    {"upper", f_upper, ""},
    {"lower", f_lower, ""},
    {"capitalize", f_capitalize, ""},
    {"title", f_title, ""},
    {"trim", f_trim, "chars?"},
    {"replace", f_replace, "old new count?"},
    {"escape", f_escape, ""},
    {"e", f_escape, ""},
    {"forceescape", f_forceescape, ""},
    {"indent", f_indent, "width? first? blank?"},
    {"join", f_join, "d? attribute?"},
    {"format", f_format, "* **"},
    {"wordcount", f_wordcount, ""},
    {NULL, NULL, NULL},
};
