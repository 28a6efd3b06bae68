/* SPDX-License-Identifier: Apache-2.0 */
/* What a value consists of: the items that a loop goes over, attributes, keys, slices. Attributes
 * are looked for as methods first and as keys then, keys the other way round. Source: jinja2
 * sandbox.py (getattr, getitem, is_safe_attribute). */
#include "value.h"

static const tpl_list none;

static tpl_list *chars_of(tpl_state *s, const tpl_text *t)
{
    tpl_list *l = tpl_list_new(s);
    uint32_t  bytes;
    for (uint64_t at = 0; at < t->n && !tpl_failed(s); at += bytes) {
        (void)tpl_char(t, at, &bytes);
        tpl_push(s, l, tpl_string(tpl_part(s, t, at, at + bytes)));
    }
    return l;
}

static const tpl_list *rest_of(tpl_state *s, tpl_list *iterator)
{
    tpl_list *l = tpl_list_new(s);
    if (l == NULL)
        return &none;
    l->at = iterator->at + iterator->next;
    l->n = iterator->n - iterator->next;
    iterator->next = iterator->n;
    return l;
}

const tpl_list *tpl_items(tpl_state *s, const tpl_value *v)
{
    tpl_list *l = NULL;
    if (v->type == TPL_LIST || v->type == TPL_TUPLE)
        return v->u.list;
    if (v->type == TPL_ITER)
        return v->u.list->next < v->u.list->n ? rest_of(s, v->u.list) : &none;
    if (v->type == TPL_UNDEFINED)
        return &none;
    if (v->type == TPL_STRING)
        l = chars_of(s, v->u.text);
    else if (v->type == TPL_DICT) {
        l = tpl_list_new(s);
        for (uint64_t i = 0; i < v->u.dict->n && !tpl_failed(s); i++)
            tpl_push(s, l, v->u.dict->keys[i]);
    } else
        tpl_fail(s, WEFT_E_INVALID, "a %s has no items", tpl_type_name(v));
    return l != NULL ? l : &none;
}

static bool is_in(const char *const *names, const tpl_text *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (tpl_is(name, *names))
            return true;
    return false;
}

static bool is_method(const tpl_value *v, const tpl_text *name)
{
    static const char *const of_str[] = {
        "capitalize",   "casefold",    "center",    "count",      "encode",       "endswith",
        "expandtabs",   "find",        "format",    "format_map", "index",        "isalnum",
        "isalpha",      "isascii",     "isdecimal", "isdigit",    "isidentifier", "islower",
        "isnumeric",    "isprintable", "isspace",   "istitle",    "isupper",      "join",
        "ljust",        "lower",       "lstrip",    "maketrans",  "partition",    "removeprefix",
        "removesuffix", "replace",     "rfind",     "rindex",     "rjust",        "rpartition",
        "rsplit",       "rstrip",      "split",     "splitlines", "startswith",   "strip",
        "swapcase",     "title",       "translate", "upper",      "zfill",        NULL};
    static const char *const of_dict[] = {"copy", "fromkeys", "get", "items",
                                          "keys", "values",   NULL};
    static const char *const of_list[] = {"copy", "count", "index", NULL};
    static const char *const of_tuple[] = {"count", "index", NULL};
    static const char *const of_loop[] = {"cycle", "changed", NULL};
    const char *const       *names = v->type == TPL_STRING  ? of_str
                                     : v->type == TPL_DICT  ? of_dict
                                     : v->type == TPL_LIST  ? of_list
                                     : v->type == TPL_TUPLE ? of_tuple
                                     : v->type == TPL_LOOP  ? of_loop
                                                            : NULL;
    return is_in(names, name);
}

/* What changes its object, which the sandbox does not let a template have. */
static bool is_forbidden(const tpl_value *v, const tpl_text *name)
{
    static const char *const of_dict[] = {"clear", "pop", "popitem", "setdefault", "update", NULL};
    static const char *const of_list[] = {"append", "clear",   "extend", "insert", "pop",
                                          "remove", "reverse", "sort",   NULL};
    return is_in(v->type == TPL_DICT ? of_dict : v->type == TPL_LIST ? of_list : NULL, name);
}

static tpl_value method_of(tpl_state *s, const tpl_value *v, const tpl_text *name)
{
    tpl_method *m = tpl_alloc(s, sizeof *m);
    if (m == NULL)
        return tpl_undefined();
    *m = (tpl_method){*v, name};
    return (tpl_value){.type = TPL_METHOD, .u.method = m};
}

tpl_value tpl_attribute(tpl_state *s, const tpl_value *v, const tpl_text *name)
{
    const tpl_value key = tpl_string(name);
    tpl_value      *there = NULL, value;
    if (v->type == TPL_UNDEFINED) {
        tpl_fail_missing(s, v);
        return tpl_undefined();
    }
    if (is_method(v, name))
        return method_of(s, v, name);
    if ((v->type == TPL_LOOP && tpl_loop_attribute(s, v->u.loop, name, &value)) ||
        (v->type == TPL_SELF && tpl_self_attribute(s, v->u.self, name, &value)))
        return value;
    if (v->type == TPL_TUPLE && v->number == TPL_GROUPED && v->u.list->n == 2 &&
        (tpl_is(name, "grouper") || tpl_is(name, "list")))
        return v->u.list->at[name->p[0] == 'l'];
    if ((v->type == TPL_DICT && !is_forbidden(v, name)) || v->type == TPL_NAMESPACE)
        there = tpl_get(s, v->u.dict, &key);
    return there != NULL ? *there : tpl_missing(v->type, name);
}

/* The place of an index that may count from the end; false: there is none. */
static bool place(const tpl_value *key, uint64_t n, uint64_t *at)
{
    const int64_t i = key->u.i < 0 ? key->u.i + (int64_t)n : key->u.i;
    *at = (uint64_t)i;
    return i >= 0 && (uint64_t)i < n;
}

static tpl_value char_at(tpl_state *s, const tpl_value *v, const tpl_value *key)
{
    const tpl_text *t = v->u.text;
    uint64_t        at = 0;
    uint32_t        bytes;
    if (!tpl_work(s, t->n / 8) || !place(key, tpl_length(t), &at))
        return tpl_missing(TPL_STRING, NULL);
    at = tpl_offset(t, at);
    (void)tpl_char(t, at, &bytes);
    return tpl_markup(tpl_part(s, t, at, at + bytes), v->markup != 0);
}

tpl_value tpl_item(tpl_state *s, const tpl_value *v, const tpl_value *key)
{
    uint64_t at;
    if (v->type == TPL_DICT && key->type != TPL_LIST && key->type != TPL_DICT) {
        tpl_value *there = tpl_get(s, v->u.dict, key);
        if (there != NULL)
            return *there;
    }
    if ((v->type == TPL_LIST || v->type == TPL_TUPLE) && tpl_is_int(key))
        return place(key, v->u.list->n, &at) ? v->u.list->at[at] : tpl_missing(v->type, NULL);
    if (v->type == TPL_STRING && tpl_is_int(key))
        return char_at(s, v, key);
    if (key->type == TPL_STRING || v->type == TPL_UNDEFINED)
        return tpl_attribute(s, v, key->type == TPL_STRING ? key->u.text : &tpl_empty);
    return tpl_missing(v->type, NULL);
}

bool tpl_slice_bounds(tpl_state *s, const tpl_value b[3], int64_t n, int64_t out[3])
{
    for (int i = 0; i < 3; i++)
        if (b[i].type != TPL_NONE && !tpl_is_int(&b[i])) {
            if (b[i].type == TPL_UNDEFINED)
                tpl_fail_missing(s, &b[i]);
            else
                tpl_fail(s, WEFT_E_INVALID, "a %s is no bound of a slice", tpl_type_name(&b[i]));
            return false;
        }
    const int64_t step = b[2].type == TPL_NONE ? 1 : b[2].u.i;
    const int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    if (step == 0)
        tpl_fail(s, WEFT_E_INVALID, "the step of a slice is 0");
    out[2] = step;
    for (int i = 0; i < 2; i++) {
        const bool open = b[i].type == TPL_NONE;
        int64_t    at = open ? 0 : b[i].u.i;
        if (at < 0)
            at = at < -n ? low : at + n;
        if (open)
            at = (i == 0) == (step < 0) ? high : low;
        out[i] = at < low ? low : at > high ? high : at;
    }
    return step != 0;
}

static const tpl_text *slice_text(tpl_state *s, const tpl_text *t, const int64_t b[3])
{
    tpl_build out = {.s = s};
    if (b[2] == 1) {
        const uint64_t from = tpl_offset(t, (uint64_t)b[0]);
        if (b[1] <= b[0])
            return &tpl_empty;
        const tpl_text rest = {t->p + from, t->origin + from, t->n - from};
        return tpl_part(s, t, from, from + tpl_offset(&rest, (uint64_t)(b[1] - b[0])));
    }
    const tpl_list *chars = chars_of(s, t);
    for (int64_t i = b[0]; !tpl_failed(s) && (b[2] > 0 ? i < b[1] : i > b[1]);) {
        tpl_add_text(&out, chars->at[i].u.text);
        if (b[2] > b[1] - i && b[2] > 0)
            break;
        i = b[2] < -i - 1 ? -1 : i + b[2];
    }
    return tpl_built(&out);
}

tpl_value tpl_slice(tpl_state *s, const tpl_value *v, const tpl_value bounds[3])
{
    int64_t b[3];
    if (v->type == TPL_STRING)
        return tpl_work(s, v->u.text->n / 8) &&
                       tpl_slice_bounds(s, bounds, (int64_t)tpl_length(v->u.text), b)
                   ? tpl_markup(slice_text(s, v->u.text, b), v->markup != 0)
                   : tpl_undefined();
    if (v->type == TPL_UNDEFINED)
        tpl_fail_missing(s, v);
    if (v->type != TPL_LIST && v->type != TPL_TUPLE)
        return tpl_missing(v->type, NULL);
    tpl_list *l = tpl_list_new(s);
    if (!tpl_slice_bounds(s, bounds, (int64_t)v->u.list->n, b))
        return tpl_undefined();
    for (int64_t i = b[0]; !tpl_failed(s) && (b[2] > 0 ? i < b[1] : i > b[1]);) {
        tpl_push(s, l, v->u.list->at[i]);
        if (b[2] > 0 && b[2] > b[1] - i)
            break;
        i = b[2] < -i - 1 ? -1 : i + b[2];
    }
    return tpl_listed(v->type, l);
}
