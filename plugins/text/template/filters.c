/* SPDX-License-Identifier: Apache-2.0 */
/* Filters are found by their names; here are those that take a value of any kind. Source: jinja2
 * filters.py; tojson: transformers utils/chat_template_utils.py. */
#include <math.h>

#include "run.h"
#include "strings.h"

static tpl_value f_default(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *dflt = tpl_arg(r, a, 0, "default_value");
    if (v.type != TPL_UNDEFINED && (tpl_truth(&v) || !tpl_arg_bool(r, a, 1, "boolean", false)))
        return v;
    return dflt != NULL ? *dflt : tpl_string(&tpl_empty);
}

static tpl_value f_length(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    if (v.type == TPL_STRING)
        return tpl_work(&r->s, v.u.text->n / 8)
                   ? tpl_int((int64_t)tpl_length(v.u.text), tpl_origin(&v))
                   : tpl_undefined();
    if (v.type == TPL_LIST || v.type == TPL_TUPLE)
        return tpl_int((int64_t)v.u.list->n, TPL_GIVEN);
    if (v.type == TPL_DICT)
        return tpl_int((int64_t)v.u.dict->n, TPL_GIVEN);
    if (v.type != TPL_UNDEFINED)
        tpl_fail(&r->s, WEFT_E_INVALID, "a %s has no length", tpl_type_name(&v));
    return tpl_int(0, TPL_OWN);
}

static tpl_value f_string(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_print(&r->s, &v), v.markup != 0);
}

static tpl_value f_safe(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_markup(tpl_print(&r->s, &v), true);
}

static const tpl_text *spaces(tpl_run *r, int64_t n)
{
    tpl_build b = {.s = &r->s};
    for (int64_t i = 0; i < n && tpl_work(&r->s, 1); i++)
        tpl_add_str(&b, " ", TPL_OWN);
    return tpl_built(&b);
}

/* separators=(item, key), where it is given. */
static void take_separators(tpl_run *r, const tpl_args *a, tpl_json_style *style)
{
    const tpl_value *pair = tpl_arg(r, a, 2, "separators");
    if (pair == NULL || pair->type == TPL_NONE)
        return;
    const tpl_list *l = tpl_items(&r->s, pair);
    if (l->n != 2 || l->at[0].type != TPL_STRING || l->at[1].type != TPL_STRING) {
        tpl_fail(&r->s, WEFT_E_INVALID, "tojson's separators are two texts");
        return;
    }
    style->item = l->at[0].u.text;
    style->key = l->at[1].u.text;
}

static tpl_value f_tojson(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *indent = tpl_arg(r, a, 1, "indent");
    tpl_json_style   style = {.ascii = tpl_arg_bool(r, a, 0, "ensure_ascii", false),
                              .sorted = tpl_arg_bool(r, a, 3, "sort_keys", false),
                              .indent = &tpl_empty};
    style.spaced = indent != NULL && indent->type != TPL_NONE;
    style.item = tpl_str(&r->s, style.spaced ? "," : ", ");
    style.key = tpl_str(&r->s, ": ");
    if (style.spaced)
        style.indent = indent->type == TPL_STRING ? indent->u.text
                                                  : spaces(r, tpl_arg_int(r, a, 1, "indent", 0));
    take_separators(r, a, &style);
    return tpl_string(tpl_tojson(&r->s, &v, &style));
}

static tpl_value f_attr(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_text *name = tpl_arg_text(r, a, 0, "name", NULL);
    return v.type == TPL_DICT ? tpl_missing(TPL_DICT, name) : tpl_attribute(&r->s, &v, name);
}

static tpl_value f_abs(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    if (v.type == TPL_FLOAT)
        return tpl_float(v.u.f < 0 ? -v.u.f : v.u.f, v.origin);
    if (tpl_is_int(&v) && v.u.i >= 0)
        return tpl_int(v.u.i, v.origin);
    return tpl_negate(&r->s, &v);
}

/* Of a text with white space around the number. */
static bool number_of(tpl_run *r, const tpl_text *t, double *f, int64_t *i, bool *whole)
{
    return tpl_number_read(tpl_strip(&r->s, t, NULL, TPL_LEFT | TPL_RIGHT), f, i, whole);
}

static tpl_value f_int(tpl_run *r, tpl_value v, const tpl_args *a)
{
    double           f = 0;
    int64_t          i = 0;
    bool             whole = false;
    const tpl_value *dflt = tpl_arg(r, a, 0, "default");
    if (tpl_is_int(&v))
        return tpl_int(v.u.i, v.origin);
    if (v.type == TPL_UNDEFINED)
        tpl_fail_missing(&r->s, &v);
    if (v.type == TPL_STRING && tpl_arg_int(r, a, 1, "base", 10) != 10)
        tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "int is known for the base 10 only here");
    if (v.type == TPL_FLOAT && !isnan(v.u.f))
        f = v.u.f;
    else if (v.type != TPL_STRING || !number_of(r, v.u.text, &f, &i, &whole) || !isfinite(f))
        return dflt != NULL ? *dflt : tpl_int(0, TPL_OWN);
    if (!whole && !(f > -9e18 && f < 9e18))
        tpl_fail(&r->s, WEFT_E_UNSUPPORTED,
                 "whole numbers of more than 64 bits are not known here");
    return tpl_int(whole || tpl_failed(&r->s) ? i : (int64_t)f, tpl_origin(&v));
}

bool tpl_to_float(tpl_run *r, const tpl_value *v, double *f)
{
    int64_t i;
    bool    whole;
    if (v->type == TPL_UNDEFINED)
        tpl_fail_missing(&r->s, v);
    if (!tpl_is_number(v))
        return v->type == TPL_STRING && number_of(r, v->u.text, f, &i, &whole);
    *f = tpl_as_float(v);
    return true;
}

static tpl_value f_float(tpl_run *r, tpl_value v, const tpl_args *a)
{
    double           f = 0;
    const tpl_value *dflt = tpl_arg(r, a, 0, "default");
    if (tpl_to_float(r, &v, &f))
        return tpl_float(f, tpl_origin(&v));
    return dflt != NULL ? *dflt : tpl_float(0, TPL_OWN);
}

/* Python's ceil and floor give ints, which have no infinity and no -0, and dividing them gives a
 * float again. */
static tpl_value round_to_side(tpl_run *r, const tpl_value *v, int64_t precision, bool up)
{
    const double by = pow(10, (double)precision), at = tpl_as_float(v) * by;
    if (tpl_is_int(v))
        return tpl_float(tpl_as_float(v), v->origin);
    if (!isfinite(at))
        tpl_fail(&r->s, WEFT_E_INVALID, "a number that is not finite has no ceil and no floor");
    return tpl_float((up ? ceil(at) : floor(at)) / by + 0.0, v->origin);
}

static tpl_value f_round(tpl_run *r, tpl_value v, const tpl_args *a)
{
    char            text[400];
    const int64_t   precision = tpl_arg_int(r, a, 0, "precision", 0);
    const tpl_text *method = tpl_arg_text(r, a, 1, "method", "common");
    const bool      up = tpl_is(method, "ceil"), down = tpl_is(method, "floor");
    if (!tpl_is(method, "common") && !up && !down)
        tpl_fail(&r->s, WEFT_E_INVALID, "round's method is common, ceil or floor");
    if (!tpl_is_number(&v) || precision < 0 || precision > 20)
        tpl_fail(&r->s, WEFT_E_UNSUPPORTED,
                 "round is known for numbers and up to 20 places only here");
    if (!tpl_failed(&r->s) && (up || down))
        return round_to_side(r, &v, precision, up);
    if (tpl_failed(&r->s) || v.type != TPL_FLOAT)
        return tpl_is_int(&v) ? tpl_int(v.u.i, v.origin) : tpl_undefined();
    snprintf(text, sizeof text, "%.*f", (int)precision, v.u.f);
    for (char *c = text; *c != '\0'; c++) /* the program's locale may write a comma */
        *c = *c == ',' ? '.' : *c;
    return tpl_float(tpl_float_read(text), v.origin);
}

static const tpl_filter_row general[] = {
    {"default", f_default, "default_value? boolean?"},
    {"d", f_default, "default_value? boolean?"},
    {"length", f_length, ""},
    {"count", f_length, ""},
    {"string", f_string, ""},
    {"safe", f_safe, ""},
    {"tojson", f_tojson, "ensure_ascii? indent? separators? sort_keys?"},
    {"attr", f_attr, "name"},
    {"abs", f_abs, ""},
    {"int", f_int, "default? base?"},
    {"float", f_float, "default?"},
    {"round", f_round, "precision? method?"},
    {NULL, NULL, NULL},
};

static const tpl_filter_row *row_of(const tpl_text *name)
{
    const tpl_filter_row *const tables[] = {general, tpl_text_filters, tpl_list_filters,
                                            tpl_pick_filters, tpl_more_filters};
    for (uint32_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const tpl_filter_row *row = tables[i]; row->name != NULL; row++)
            if (tpl_is(name, row->name))
                return row;
    return NULL;
}

bool tpl_is_filter(const tpl_text *name)
{
    /* What the reference has and is refused here where it is used. */
    static const char *const others[] = {"pprint", "random", "striptags", "urlize", "wordwrap"};
    bool                     there = row_of(name) != NULL;
    for (uint32_t i = 0; i < sizeof others / sizeof *others; i++)
        there |= tpl_is(name, others[i]);
    return there;
}

tpl_value tpl_filter(tpl_run *r, const tpl_text *name, tpl_value v, const tpl_args *a)
{
    if (tpl_failed(&r->s))
        return tpl_undefined();
    const tpl_filter_row *row = row_of(name);
    if (row != NULL)
        return tpl_args_fit(r, row->name, row->takes, a) ? row->filter(r, v, a) : tpl_undefined();
    tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the filter \"%.*s\" is not known here",
             name->n < 32 ? (int)name->n : 32, (const char *)name->p);
    return tpl_undefined();
}
