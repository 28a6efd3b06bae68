/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of lists and dictionaries, and the way to those of others. */
#include "run.h"

static tpl_value unknown(tpl_run *r, const tpl_method *m)
{
    tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the method \"%.*s\" of a %s is not known here",
             m->name->n < 32 ? (int)m->name->n : 32, (const char *)m->name->p,
             tpl_type_name(&m->of));
    return tpl_undefined();
}

static tpl_value pair(tpl_run *r, tpl_value key, tpl_value value)
{
    tpl_list *l = tpl_list_new(&r->s);
    tpl_push(&r->s, l, key);
    tpl_push(&r->s, l, value);
    return tpl_listed(TPL_TUPLE, l);
}

static tpl_value dict_method(tpl_run *r, const tpl_method *m, const tpl_args *a)
{
    const tpl_dict *d = m->of.u.dict;
    const bool      keys = tpl_is(m->name, "keys"), values = tpl_is(m->name, "values");
    if (tpl_is(m->name, "fromkeys"))
        return unknown(r, m);
    if (!tpl_args_fit(r, "this method of a dict", tpl_is(m->name, "get") ? "_ _?" : "", a))
        return tpl_undefined();
    if (tpl_is(m->name, "get")) {
        const tpl_value *key = tpl_arg(r, a, 0, NULL), *dflt = tpl_arg(r, a, 1, NULL);
        const tpl_value *there = tpl_get(&r->s, d, key);
        return there != NULL ? *there : dflt != NULL ? *dflt : tpl_none();
    }
    if (tpl_is(m->name, "copy"))
        return m->of;
    tpl_list *l = tpl_list_new(&r->s);
    for (uint64_t i = 0; i < d->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, l,
                 keys     ? d->keys[i]
                 : values ? d->values[i]
                          : pair(r, d->keys[i], d->values[i]));
    tpl_value view = tpl_listed(TPL_LIST, l);
    view.number = keys ? TPL_KEYS : values ? TPL_VALUES : TPL_ITEMS;
    return view;
}

static tpl_value list_count(tpl_run *r, const tpl_list *l, const tpl_value *what)
{
    int64_t found = 0;
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++)
        found += tpl_equal(&r->s, &l->at[i], what);
    return tpl_int(found, TPL_GIVEN);
}

static tpl_value list_index(tpl_run *r, const tpl_list *l, const tpl_args *a)
{
    int64_t    b[3];
    const bool any = tpl_arg_bounds(r, a, (int64_t)l->n, b);
    for (int64_t i = any ? b[0] : 0; any && i < b[1] && !tpl_failed(&r->s); i++)
        if (tpl_equal(&r->s, &l->at[i], tpl_arg(r, a, 0, NULL)))
            return tpl_int(i, TPL_GIVEN);
    tpl_fail(&r->s, WEFT_E_INVALID, "a value is not in the list");
    return tpl_undefined();
}

static tpl_value list_method(tpl_run *r, const tpl_method *m, const tpl_args *a)
{
    const bool copies = tpl_is(m->name, "copy"), counts = tpl_is(m->name, "count");
    if (!tpl_args_fit(r, "this method of a list", copies ? "" : counts ? "_" : "_ _? _?", a))
        return tpl_undefined();
    if (copies)
        return m->of;
    return counts ? list_count(r, m->of.u.list, tpl_arg(r, a, 0, NULL))
                  : list_index(r, m->of.u.list, a);
}

tpl_value tpl_method_call(tpl_run *r, const tpl_method *m, const tpl_args *a)
{
    switch (m->of.type) {
    case TPL_STRING:
        return tpl_str_method(r, m, a);
    case TPL_DICT:
        return dict_method(r, m, a);
    case TPL_LOOP:
        return tpl_loop_method(r, m->of.u.loop, m->name, a);
    default:
        return list_method(r, m, a);
    }
}
