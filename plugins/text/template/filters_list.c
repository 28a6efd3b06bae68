/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of lists. Source: jinja2 filters.py. */
#include "case.h"
#include "run.h"

static tpl_list *copy_of(tpl_run *r, const tpl_value *v)
{
    const tpl_list *l = tpl_items(&r->s, v);
    tpl_list       *copy = tpl_list_new(&r->s);
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, copy, l->at[i]);
    return copy;
}

static tpl_value f_list(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    return tpl_listed(TPL_LIST, copy_of(r, &v));
}

static tpl_value f_first(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    if (v.type == TPL_ITER && v.u.list->next < v.u.list->n)
        return v.u.list->at[v.u.list->next++];
    const tpl_list *l = tpl_items(&r->s, &v);
    return l->n > 0 ? l->at[0] : tpl_missing(TPL_UNDEFINED, NULL);
}

static tpl_value f_last(tpl_run *r, tpl_value v, const tpl_args *a)
{
    (void)a;
    if (v.type == TPL_ITER)
        tpl_fail(&r->s, WEFT_E_INVALID, "a generator has no last item");
    const tpl_list *l = tpl_items(&r->s, &v);
    tpl_value       last = l->n > 0 ? l->at[l->n - 1] : tpl_missing(TPL_UNDEFINED, NULL);
    if (v.markup != 0 &&
        l->n > 0) /* Python's reversed() takes characters by index, which marks them */
        last.markup = v.markup;
    return last;
}

static tpl_value f_reverse(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_list *l = tpl_items(&r->s, &v);
    tpl_list       *back = tpl_list_new(&r->s);
    tpl_build       b = {.s = &r->s};
    (void)a;
    for (uint64_t i = l->n; i-- > 0 && !tpl_failed(&r->s);)
        if (v.type == TPL_STRING)
            tpl_add_text(&b, l->at[i].u.text);
        else
            tpl_push(&r->s, back, l->at[i]);
    return v.type == TPL_STRING ? tpl_markup(tpl_built(&b), v.markup != 0)
                                : tpl_listed(TPL_ITER, back);
}

/* Merge sort from the bottom: [0, n) in runs of `width`, from one array to the other. */
static void merge(tpl_run *r, tpl_value *const from[2], tpl_value *const to[2], uint64_t n,
                  uint64_t width, bool falling)
{
    for (uint64_t at = 0; at < n && !tpl_failed(&r->s); at += 2 * width) {
        const uint64_t middle = at + width < n ? at + width : n;
        const uint64_t end = middle + width < n ? middle + width : n;
        uint64_t       left = at, right = middle;
        for (uint64_t k = at; k < end; k++) {
            bool takes_right = left == middle;
            if (left < middle && right < end) {
                const int order = tpl_order(&r->s, &from[1][left], &from[1][right]);
                takes_right = falling ? order < 0 : order > 0;
            }
            const uint64_t i = takes_right ? right++ : left++;
            to[0][k] = from[0][i];
            to[1][k] = from[1][i];
        }
    }
}

void tpl_sort(tpl_run *r, tpl_list *items, tpl_value *keys, bool falling)
{
    if (items == NULL || keys == NULL || tpl_failed(&r->s))
        return;
    tpl_value *spare = tpl_alloc(&r->s, 2 * items->n * sizeof *spare + 1);
    tpl_value *a[2] = {items->at, keys}, *b[2] = {spare, spare + items->n};
    bool       moved = false;
    if (spare == NULL)
        return;
    for (uint64_t width = 1; width < items->n && !tpl_failed(&r->s); width *= 2) {
        merge(r, moved ? b : a, moved ? a : b, items->n, width, falling);
        moved = !moved;
    }
    if (moved)
        items->at = spare;
}

/* An item's attribute, or the item itself; dflt, which may be NULL: where there is none. */
static tpl_value attribute_of(tpl_run *r, const tpl_value *item, const tpl_value *path,
                              const tpl_value *dflt)
{
    if (path == NULL || path->type == TPL_NONE)
        return *item;
    const tpl_value v = tpl_attribute_path(r, item, path);
    return v.type == TPL_UNDEFINED && dflt != NULL ? *dflt : v;
}

static tpl_value key_of(tpl_run *r, tpl_value v, bool cased)
{
    return v.type == TPL_STRING && !cased ? tpl_string(tpl_cased(&r->s, v.u.text, TPL_LOWER)) : v;
}

/* What each item is compared by: itself or its attribute; texts without regard to case, unless told
 * otherwise. */
static tpl_value *keys_of(tpl_run *r, const tpl_list *l, const tpl_value *path, bool cased)
{
    tpl_value *keys = tpl_alloc(&r->s, (l != NULL ? l->n : 0) * sizeof *keys + 1);
    for (uint64_t i = 0; keys != NULL && i < l->n && !tpl_failed(&r->s); i++)
        keys[i] = key_of(r, attribute_of(r, &l->at[i], path, NULL), cased);
    return keys;
}

static tpl_value f_sort(tpl_run *r, tpl_value v, const tpl_args *a)
{
    tpl_list *l = copy_of(r, &v);
    tpl_sort(r, l,
             keys_of(r, l, tpl_arg(r, a, 2, "attribute"),
                     tpl_arg_bool(r, a, 1, "case_sensitive", false)),
             tpl_arg_bool(r, a, 0, "reverse", false));
    return tpl_listed(TPL_LIST, l);
}

static tpl_value f_dictsort(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_text *what = tpl_arg_text(r, a, 1, "by", "key");
    const bool      by_value = tpl_is(what, "value");
    tpl_list       *l = tpl_list_new(&r->s), *by = tpl_list_new(&r->s);
    if (v.type != TPL_DICT)
        tpl_fail(&r->s, WEFT_E_INVALID, "dictsort takes a dict, and this is a %s",
                 tpl_type_name(&v));
    if (!by_value && !tpl_is(what, "key"))
        tpl_fail(&r->s, WEFT_E_INVALID, "dictsort goes by key or by value");
    for (uint64_t i = 0; !tpl_failed(&r->s) && i < v.u.dict->n; i++) {
        tpl_list *pair = tpl_list_new(&r->s);
        tpl_push(&r->s, pair, v.u.dict->keys[i]);
        tpl_push(&r->s, pair, v.u.dict->values[i]);
        tpl_push(&r->s, l, tpl_listed(TPL_TUPLE, pair));
        tpl_push(&r->s, by, by_value ? v.u.dict->values[i] : v.u.dict->keys[i]);
    }
    if (!tpl_failed(&r->s))
        tpl_sort(r, l, keys_of(r, by, NULL, tpl_arg_bool(r, a, 0, "case_sensitive", false)),
                 tpl_arg_bool(r, a, 2, "reverse", false));
    return tpl_listed(TPL_LIST, l);
}

static tpl_value f_items(tpl_run *r, tpl_value v, const tpl_args *a)
{
    tpl_list *l = tpl_list_new(&r->s);
    (void)a;
    if (v.type != TPL_DICT && v.type != TPL_UNDEFINED)
        tpl_fail(&r->s, WEFT_E_INVALID, "items takes a dict, and this is a %s", tpl_type_name(&v));
    for (uint64_t i = 0; v.type == TPL_DICT && i < v.u.dict->n && !tpl_failed(&r->s); i++) {
        tpl_list *pair = tpl_list_new(&r->s);
        tpl_push(&r->s, pair, v.u.dict->keys[i]);
        tpl_push(&r->s, pair, v.u.dict->values[i]);
        tpl_push(&r->s, l, tpl_listed(TPL_TUPLE, pair));
    }
    return tpl_listed(TPL_ITER, l);
}

static tpl_value f_unique(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_list *l = tpl_items(&r->s, &v);
    tpl_value      *keys = keys_of(r, l, tpl_arg(r, a, 1, "attribute"),
                                   tpl_arg_bool(r, a, 0, "case_sensitive", false));
    tpl_list       *kept = tpl_list_new(&r->s);
    tpl_dict       *seen = tpl_dict_new(&r->s);
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++)
        if (tpl_get(&r->s, seen, &keys[i]) == NULL) {
            tpl_set(&r->s, seen, keys[i], tpl_none());
            tpl_push(&r->s, kept, l->at[i]);
        }
    return tpl_listed(TPL_ITER, kept);
}

static tpl_value f_sum(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *path = tpl_arg(r, a, 0, "attribute"), *start = tpl_arg(r, a, 1, "start");
    const tpl_list  *l = tpl_items(&r->s, &v);
    tpl_value        sum = start != NULL ? *start : tpl_int(0, TPL_OWN);
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
        const tpl_value item = path != NULL && path->type != TPL_NONE
                                   ? tpl_attribute_path(r, &l->at[i], path)
                                   : l->at[i];
        sum = tpl_arithmetic(&r->s, '+', &sum, &item);
    }
    return sum;
}

static tpl_value extreme(tpl_run *r, const tpl_value *v, const tpl_args *a, int which)
{
    const tpl_list *l = tpl_items(&r->s, v);
    tpl_value      *keys = keys_of(r, l, tpl_arg(r, a, 1, "attribute"),
                                   tpl_arg_bool(r, a, 0, "case_sensitive", false));
    uint64_t        best = 0;
    for (uint64_t i = 1; i < l->n && !tpl_failed(&r->s); i++)
        if (tpl_order(&r->s, &keys[i], &keys[best]) == which)
            best = i;
    return l->n > 0 ? l->at[best] : tpl_missing(TPL_UNDEFINED, NULL);
}

static tpl_value f_min(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return extreme(r, &v, a, -1);
}

static tpl_value f_max(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return extreme(r, &v, a, 1);
}

static tpl_value f_batch(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const int64_t    n = tpl_arg_int(r, a, 0, "linecount", 1);
    const tpl_value *fill = tpl_arg(r, a, 1, "fill_with");
    const tpl_list  *l = tpl_items(&r->s, &v);
    tpl_list        *rows = tpl_list_new(&r->s), *row = NULL;
    if (n < 1)
        tpl_fail(&r->s, WEFT_E_INVALID, "batch makes rows of at least one item");
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
        if (i % (uint64_t)n == 0) {
            row = tpl_list_new(&r->s);
            tpl_push(&r->s, rows, tpl_listed(TPL_LIST, row));
        }
        tpl_push(&r->s, row, l->at[i]);
    }
    while (row != NULL && fill != NULL && row->n < (uint64_t)n && !tpl_failed(&r->s))
        tpl_push(&r->s, row, *fill);
    return tpl_listed(TPL_ITER, rows);
}

/* `slices` lists of all items, the first ones longer by one where they do not come out even; the
 * others are filled up. */
static tpl_value f_slice(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const int64_t    n = tpl_arg_int(r, a, 0, "slices", 0);
    const tpl_value *fill = tpl_arg(r, a, 1, "fill_with");
    const tpl_list  *l = tpl_items(&r->s, &v);
    tpl_list        *out = tpl_list_new(&r->s);
    uint64_t         at = 0;
    if (n == 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "slice makes at least one list");
    for (int64_t i = 0; i < n && !tpl_failed(&r->s); i++) {
        const bool longer = (uint64_t)i < l->n % (uint64_t)n;
        uint64_t   many = l->n / (uint64_t)n + longer;
        tpl_list  *part = tpl_list_new(&r->s);
        for (; many > 0 && !tpl_failed(&r->s); many--)
            tpl_push(&r->s, part, l->at[at++]);
        if (fill != NULL && fill->type != TPL_NONE && !longer)
            tpl_push(&r->s, part, *fill);
        tpl_push(&r->s, out, tpl_listed(TPL_LIST, part));
    }
    return tpl_listed(TPL_ITER, out);
}

/* [(key, items of that key)]: pairs with the names grouper and list. */
static tpl_value f_groupby(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *path = tpl_arg(r, a, 0, "attribute"), *dflt = tpl_arg(r, a, 1, "default");
    const bool       cased = tpl_arg_bool(r, a, 2, "case_sensitive", false);
    tpl_list        *l = copy_of(r, &v), *out = tpl_list_new(&r->s), *group = NULL;
    tpl_value       *keys = tpl_alloc(&r->s, (l != NULL ? l->n : 0) * sizeof *keys + 1), last = {0};
    dflt = dflt != NULL && dflt->type == TPL_NONE ? NULL : dflt;
    if (path == NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "groupby takes an attribute's name");
    for (uint64_t i = 0; !tpl_failed(&r->s) && i < l->n; i++)
        keys[i] = key_of(r, attribute_of(r, &l->at[i], path, dflt), cased);
    tpl_sort(r, l, keys, false);
    for (uint64_t i = 0; !tpl_failed(&r->s) && i < l->n; i++) {
        const tpl_value own = attribute_of(r, &l->at[i], path, dflt), key = key_of(r, own, cased);
        if (group == NULL || !tpl_equal(&r->s, &key, &last)) {
            tpl_list *pair = tpl_list_new(&r->s);
            group = tpl_list_new(&r->s);
            tpl_push(&r->s, pair, own);
            tpl_push(&r->s, pair, tpl_listed(TPL_LIST, group));
            tpl_value grouped = tpl_listed(TPL_TUPLE, pair);
            grouped.number = TPL_GROUPED;
            tpl_push(&r->s, out, grouped);
        }
        tpl_push(&r->s, group, l->at[i]);
        last = key;
    }
    return tpl_listed(TPL_LIST, out);
}

const tpl_filter_row tpl_list_filters[] = {
    {"list", f_list, ""},
    {"first", f_first, ""},
    {"last", f_last, ""},
    {"reverse", f_reverse, ""},
    {"sort", f_sort, "reverse? case_sensitive? attribute?"},
    {"dictsort", f_dictsort, "case_sensitive? by? reverse?"},
    {"items", f_items, ""},
    {"unique", f_unique, "case_sensitive? attribute?"},
    {"sum", f_sum, "attribute? start?"},
    {"min", f_min, "case_sensitive? attribute?"},
    {"max", f_max, "case_sensitive? attribute?"},
    {"batch", f_batch, "linecount fill_with?"},
    {"slice", f_slice, "slices fill_with?"},
    {"groupby", f_groupby, "attribute default? case_sensitive?"},
    {NULL, NULL, NULL},
};
