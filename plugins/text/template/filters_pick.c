/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that use another filter, a test or an attribute for each item. Source: jinja2 filters.py
 * (prepare_map, prepare_select_or_reject, make_attrgetter). */
#include "run.h"
#include "strings.h"

/* One step of a path: a whole number is an index. */
static tpl_value step(tpl_run *r, const tpl_value *v, const tpl_text *name)
{
    int64_t i = 0;
    bool    digits = name->n > 0 && name->n < 18;
    for (uint64_t k = 0; k < name->n && digits; k++) {
        digits = name->p[k] >= '0' && name->p[k] <= '9';
        i = i * 10 + (name->p[k] - '0');
    }
    const tpl_value key = digits ? tpl_int(i, TPL_OWN) : tpl_string(name);
    return tpl_item(&r->s, v, &key);
}

tpl_value tpl_attribute_path(tpl_run *r, const tpl_value *v, const tpl_value *path)
{
    static const uint8_t dot[] = ".", own[] = {TPL_OWN};
    const tpl_text       by = {dot, own, 1};
    tpl_value            at = *v;
    if (path->type == TPL_NONE)
        return *v;
    if (path->type != TPL_STRING)
        return tpl_item(&r->s, v, path);
    const tpl_list *steps = tpl_split(&r->s, path->u.text, &by, -1);
    for (uint64_t i = 0; steps != NULL && i < steps->n && !tpl_failed(&r->s); i++)
        at = step(r, &at, steps->at[i].u.text);
    return at;
}

/* The arguments without the first `n`. */
static tpl_args without(const tpl_args *a, tpl_list *rest, uint64_t n)
{
    n = n < a->list->n ? n : a->list->n;
    *rest = (tpl_list){n != 0 ? a->list->at + n : a->list->at, a->list->n - n, 0, 0};
    return (tpl_args){rest, a->named, a->node};
}

/* These filters ask whether there is anything before they go over it, so none will do. */
static const tpl_list *items_if_any(tpl_run *r, const tpl_value *v)
{
    static const tpl_list nothing;
    return tpl_truth(v) ? tpl_items(&r->s, v) : &nothing;
}

static tpl_value f_map(tpl_run *r, tpl_value v, const tpl_args *a)
{
    const tpl_value *path = a->list->n == 0 ? tpl_get_str(&r->s, a->named, "attribute") : NULL;
    const tpl_value *dflt = tpl_get_str(&r->s, a->named, "default");
    const tpl_list  *l = items_if_any(r, &v);
    if (l->n == 0) /* the arguments are not looked at */
        return tpl_listed(TPL_ITER, tpl_list_new(&r->s));
    if (path != NULL && !tpl_args_fit(r, "map", "attribute default?", a))
        return tpl_undefined();
    const tpl_text *name = path == NULL ? tpl_arg_text(r, a, 0, NULL, NULL) : NULL;
    tpl_list       *out = tpl_list_new(&r->s), rest;
    const tpl_args  further = without(a, &rest, 1);
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
        tpl_value item = path != NULL ? tpl_attribute_path(r, &l->at[i], path)
                                      : tpl_filter(r, name, l->at[i], &further);
        if (path != NULL && item.type == TPL_UNDEFINED && dflt != NULL)
            item = *dflt;
        tpl_push(&r->s, out, item);
    }
    return tpl_listed(TPL_ITER, out);
}

/* Those items, or those whose attribute, the test holds for; without a test those that are true. */
static tpl_value picked(tpl_run *r, const tpl_value *v, const tpl_args *a, bool by_attribute,
                        bool wanted)
{
    const uint32_t   at = by_attribute ? 1 : 0;
    const tpl_value *path = by_attribute ? tpl_arg(r, a, 0, NULL) : NULL;
    const tpl_value *test = tpl_arg(r, a, at, NULL);
    const tpl_list  *l = items_if_any(r, v);
    tpl_list        *out = tpl_list_new(&r->s), rest;
    const tpl_args   further = without(a, &rest, at + 1);
    if (l->n == 0) /* the arguments are not looked at */
        return tpl_listed(TPL_ITER, out);
    if (by_attribute && path == NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "an attribute's name is missing");
    if (test != NULL)
        (void)tpl_arg_text(r, a, at, NULL, NULL);
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++) {
        const tpl_value item = path != NULL ? tpl_attribute_path(r, &l->at[i], path) : l->at[i];
        const bool      is =
            test != NULL ? tpl_test(r, test->u.text, &item, &further) : tpl_truth(&item);
        if (is == wanted)
            tpl_push(&r->s, out, l->at[i]);
    }
    return tpl_listed(TPL_ITER, out);
}

static tpl_value f_select(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return picked(r, &v, a, false, true);
}

static tpl_value f_reject(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return picked(r, &v, a, false, false);
}

static tpl_value f_selectattr(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return picked(r, &v, a, true, true);
}

static tpl_value f_rejectattr(tpl_run *r, tpl_value v, const tpl_args *a)
{
    return picked(r, &v, a, true, false);
}

const tpl_filter_row tpl_pick_filters[] = {
    {"map", f_map, "* **"},
    {"select", f_select, "* **"},
    {"reject", f_reject, "* **"},
    {"selectattr", f_selectattr, "* **"},
    {"rejectattr", f_rejectattr, "* **"},
    {NULL, NULL, NULL},
};
