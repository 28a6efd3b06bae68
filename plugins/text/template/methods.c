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
    if (tpl_is(m->name, "get")) {
        const tpl_value *key = tpl_arg(r, a, 0, NULL), *dflt = tpl_arg(r, a, 1, NULL);
        const tpl_value *there = key != NULL ? tpl_get(&r->s, d, key) : NULL;
        if (key == NULL)
            tpl_fail(&r->s, WEFT_E_INVALID, "get needs a key");
        return there != NULL ? *there : dflt != NULL ? *dflt : tpl_none();
    }
    if (tpl_is(m->name, "copy"))
        return m->of;
    if (!keys && !values && !tpl_is(m->name, "items"))
        return unknown(r, m);
    tpl_list *l = tpl_list_new(&r->s);
    for (uint64_t i = 0; i < d->n && !tpl_failed(&r->s); i++)
        tpl_push(&r->s, l,
                 keys     ? d->keys[i]
                 : values ? d->values[i]
                          : pair(r, d->keys[i], d->values[i]));
    return tpl_listed(TPL_LIST, l);
}

static tpl_value list_method(tpl_run *r, const tpl_method *m, const tpl_args *a)
{
    const tpl_list  *l = m->of.u.list;
    const tpl_value *what = tpl_arg(r, a, 0, NULL);
    int64_t          found = 0;
    if (tpl_is(m->name, "copy"))
        return m->of;
    if (what == NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "%.*s needs a value", (int)m->name->n,
                 (const char *)m->name->p);
    const bool counts = tpl_is(m->name, "count");
    for (uint64_t i = 0; i < l->n && !tpl_failed(&r->s); i++)
        if (tpl_equal(&r->s, &l->at[i], what)) {
            if (!counts)
                return tpl_int((int64_t)i, TPL_GIVEN);
            found++;
        }
    if (!counts)
        tpl_fail(&r->s, WEFT_E_INVALID, "a value is not in the list");
    return tpl_int(found, TPL_GIVEN);
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
