/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of texts that chat templates rarely have. Source: jinja2 filters.py, utils.py
 * (url_quote). */
#include <math.h>

#include "run.h"
#include "strings.h"

static tpl_value f_center(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_method m = {tpl_markup(tpl_print(&r->s, &v), v.markup != 0),
                          tpl_str(&r->s, "center")};
    tpl_list        *l = tpl_list_new(&r->s);
    const tpl_dict   none = {NULL, NULL, 0, 0};
    const tpl_args   width = {l, &none, a->node};
    tpl_push(&r->s, l, tpl_int(tpl_arg_int(r, a, 0, "width", 80), TPL_OWN));
    return tpl_failed(&r->s) ? tpl_undefined() : tpl_str_method(r, &m, &width);
}

/* The first n characters. */
static const tpl_text *head(tpl_run *r, const tpl_text *t, int64_t n)
{
    return tpl_part(&r->s, t, 0, tpl_offset(t, (uint64_t)n));
}

static tpl_value f_truncate(tpl_run *r, tpl_value v, const tpl_args *a)
{
    static const uint8_t  space[] = " ", own[] = {TPL_OWN};
    const tpl_text        blank = {space, own, 1};
    static const tpl_list no_list;
    static const tpl_dict no_dict;
    const tpl_args        nothing = {&no_list, &no_dict, a->node};
    const tpl_value       length = tpl_filter(r, tpl_str(&r->s, "length"), v, &nothing);
    const tpl_text       *end = tpl_arg_text(r, a, 2, "end", "...");
    const tpl_value      *leeway = tpl_arg(r, a, 3, "leeway"), *given = tpl_arg(r, a, 2, "end");
    const int64_t         n = tpl_arg_int(r, a, 0, "length", 255), dots = (int64_t)tpl_length(end);
    const int64_t         more =
        leeway == NULL || leeway->type == TPL_NONE ? 5 : tpl_arg_int(r, a, 3, "leeway", 5);
    if (n < dots || more < 0)
        tpl_fail(&r->s, WEFT_E_INVALID,
                 "truncate leaves at least its end, and its leeway is not below 0");
    if (tpl_failed(&r->s) || length.u.i - n <= more)
        return v;
    if (v.type != TPL_STRING) {
        tpl_fail(&r->s, WEFT_E_INVALID, "truncate takes a text, and this is a %s",
                 tpl_type_name(&v));
        return v;
    }
    const tpl_text *t = head(r, v.u.text, n - dots);
    const uint64_t  last = tpl_find_last(&r->s, t, &blank, t->n);
    const bool      cuts_words = tpl_arg_bool(r, a, 1, "killwords", false);
    const tpl_value kept =
        tpl_markup(tpl_part(&r->s, t, 0, cuts_words ? t->n : last), v.markup != 0);
    const tpl_value tail = tpl_markup(end, given != NULL && given->markup != 0);
    return tpl_joined(&r->s, &kept, &tail);
}

/* Bytes of a URL: letters, digits and _.-~ as they are, also / where it is no query's, all others
 * as %XX; a query's space is a +. */
static void add_quoted(tpl_build *b, const tpl_text *t, bool query)
{
    static const char digits[] = "0123456789ABCDEF";
    for (uint64_t i = 0; i < t->n && tpl_work(b->s, 1); i++) {
        const uint8_t c = t->p[i], low = c | 0x20;
        const char    code[3] = {'%', digits[c >> 4], digits[c & 15]};
        const bool    plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
                           (c != 0 && strchr(query ? "_.-~" : "_.-~/", c) != NULL);
        if (plain)
            tpl_add_part(b, t, i, i + 1);
        else if (query && c == ' ')
            tpl_add(b, "+", 1, t->origin[i]);
        else
            tpl_add(b, code, sizeof code, t->origin[i]);
    }
}

static void add_pair(tpl_run *r, tpl_build *b, const tpl_value *key, const tpl_value *v)
{
    tpl_add_str(b, b->n > 0 ? "&" : "", TPL_OWN);
    add_quoted(b, tpl_print(&r->s, key), true);
    tpl_add_str(b, "=", TPL_OWN);
    add_quoted(b, tpl_print(&r->s, v), true);
}

static tpl_value f_urlencode(tpl_run *r, tpl_value v, const tpl_args *a)
{
    tpl_build b = {.s = &r->s};
    (void)a;
    if (v.type == TPL_DICT)
        for (uint64_t i = 0; i < v.u.dict->n && !tpl_failed(&r->s); i++)
            add_pair(r, &b, &v.u.dict->keys[i], &v.u.dict->values[i]);
    else if (!tpl_is_list(&v))
        add_quoted(&b, tpl_print(&r->s, &v), false);
    else {
        const tpl_list *l = tpl_items(&r->s, &v);
        for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
            const tpl_list *pair = tpl_items(&r->s, &l->at[i]);
            if (pair->n == 2)
                add_pair(r, &b, &pair->at[0], &pair->at[1]);
            else
                tpl_fail(&r->s, WEFT_E_INVALID, "urlencode takes pairs, and an item is none");
        }
    }
    return tpl_string(tpl_built(&b));
}

/* ' key="value"' for each; none and what is not defined are left out. */
static tpl_value f_xmlattr(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const bool spaced = tpl_arg_bool(r, a, 0, "autospace", true);
    tpl_build  b = {.s = &r->s};
    if (v.type != TPL_DICT)
        tpl_fail(&r->s, WEFT_E_INVALID, "xmlattr takes a dict, and this is a %s",
                 tpl_type_name(&v));
    for (uint64_t i = 0; !tpl_failed(&r->s) && i < v.u.dict->n; i++) {
        const tpl_value *value = &v.u.dict->values[i];
        const tpl_text  *key = tpl_print(&r->s, &v.u.dict->keys[i]);
        if (value->type == TPL_NONE || value->type == TPL_UNDEFINED)
            continue;
        for (uint64_t k = 0; k < key->n; k++)
            if (tpl_is_space(key->p[k]) || (key->p[k] != 0 && strchr("/>=", key->p[k]) != NULL))
                tpl_fail(&r->s, WEFT_E_INVALID, "a space, /, > or = stands in an attribute's name");
        tpl_add_str(&b, b.n > 0 || spaced ? " " : "", TPL_OWN);
        tpl_add_text(&b, tpl_escaped(&r->s, key));
        tpl_add_str(&b, "=\"", TPL_OWN);
        tpl_add_text(&b, value->markup != 0 ? value->u.text
                                            : tpl_escaped(&r->s, tpl_print(&r->s, value)));
        tpl_add_str(&b, "\"", TPL_OWN);
    }
    return tpl_string(tpl_built(&b));
}

/* "1.5 kB": bytes in the largest unit that leaves less than the next one. */
static void put_size(double bytes, bool binary, char *dst, size_t cap)
{
    static const char *const names[2][8] = {
        {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"},
        {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}};
    static const double decimal[8] = {1e6, 1e9, 1e12, 1e15, 1e18, 1e21, 1e24, 1e27};
    double              next = 0;
    int                 i = -1;
    do {
        i++;
        next = binary ? ldexp(1, 10 * (i + 2)) : decimal[i];
    } while (i < 7 && !(bytes < next));
    const double base = binary ? 1024 : 1000;
    if (isnan(bytes))
        snprintf(dst, cap, "nan %s", names[binary][i]);
    else
        snprintf(dst, cap, "%.1f %s", base * bytes / next, names[binary][i]);
}

static tpl_value f_filesizeformat(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const bool binary = tpl_arg_bool(r, a, 0, "binary", false);
    double     bytes = 0;
    char       text[400];
    if (!tpl_to_float(r, &v, &bytes) || (isinf(bytes) && bytes < 0))
        tpl_fail(&r->s, WEFT_E_INVALID, "filesizeformat takes a number of bytes");
    if (bytes == 1)
        snprintf(text, sizeof text, "1 Byte");
    else if (bytes < (binary ? 1024 : 1000))
        snprintf(text, sizeof text, "%.0f Bytes", trunc(bytes) + 0.0);
    else
        put_size(bytes, binary, text, sizeof text);
    for (char *c = text; *c != '\0'; c++) /* the program's locale may write a comma */
        *c = *c == ',' ? '.' : *c;
    return tpl_string(tpl_text_of(&r->s, text, strlen(text), tpl_origin(&v)));
}

const tpl_filter_row tpl_more_filters[] = {
    {"center", f_center, "width?"},
    {"truncate", f_truncate, "length? killwords? end? leeway?"},
    {"urlencode", f_urlencode, ""},
    {"xmlattr", f_xmlattr, "autospace?"},
    {"filesizeformat", f_filesizeformat, "binary?"},
    {NULL, NULL, NULL},
};
