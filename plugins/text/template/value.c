/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and dictionaries. */
#include "value.h"

tpl_list *tpl_list_new(tpl_state *s)
{
    return tpl_alloc(s, sizeof(tpl_list));
}

void tpl_push(tpl_state *s, tpl_list *l, tpl_value v)
{
    if (l == NULL || !tpl_work(s, 1))
        return;
    if (l->n == l->cap) {
        uint64_t   cap = l->cap * 2 + 4;
        tpl_value *at = tpl_alloc(s, cap * sizeof *at);
        if (at == NULL)
            return;
        if (l->n != 0)
            memcpy(at, l->at, l->n * sizeof *at);
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = v;
}

tpl_dict *tpl_dict_new(tpl_state *s)
{
    return tpl_alloc(s, sizeof(tpl_dict));
}

static bool same_key(tpl_state *s, const tpl_text *a, const tpl_text *b)
{
    return a->n == b->n && tpl_work(s, a->n / 64) && tpl_same(a, b);
}

tpl_value *tpl_get(tpl_state *s, const tpl_dict *d, const tpl_value *key)
{
    if (d == NULL || !tpl_work(s, d->n / 4))
        return NULL;
    for (uint64_t i = 0; i < d->n && !tpl_failed(s); i++)
        if (key->type == TPL_STRING && d->keys[i].type == TPL_STRING
                ? same_key(s, d->keys[i].u.text, key->u.text)
                : tpl_equal(s, &d->keys[i], key))
            return &d->values[i];
    return NULL;
}

tpl_value *tpl_get_str(tpl_state *s, const tpl_dict *d, const char *key)
{
    if (d == NULL || !tpl_work(s, d->n / 4))
        return NULL;
    for (uint64_t i = 0; i < d->n; i++)
        if (d->keys[i].type == TPL_STRING && tpl_is(d->keys[i].u.text, key))
            return &d->values[i];
    return NULL;
}

static void grow(tpl_state *s, tpl_dict *d)
{
    uint64_t   cap = d->cap * 2 + 4;
    tpl_value *at = tpl_alloc(s, 2 * cap * sizeof *at);
    if (at == NULL)
        return;
    if (d->n != 0) {
        memcpy(at, d->keys, d->n * sizeof *at);
        memcpy(at + cap, d->values, d->n * sizeof *at);
    }
    d->keys = at;
    d->values = at + cap;
    d->cap = cap;
}

static bool may_be_key(const tpl_value *key)
{
    return key->type != TPL_LIST && key->type != TPL_DICT;
}

void tpl_set(tpl_state *s, tpl_dict *d, tpl_value key, tpl_value v)
{
    if (!may_be_key(&key))
        tpl_fail(s, WEFT_E_INVALID, "a %s cannot be a key", tpl_type_name(&key));
    tpl_value *there = tpl_get(s, d, &key);
    if (d == NULL || tpl_failed(s))
        return;
    if (there != NULL) {
        *there = v;
        return;
    }
    if (d->n == d->cap)
        grow(s, d);
    if (tpl_failed(s))
        return;
    d->keys[d->n] = key;
    d->values[d->n++] = v;
}

tpl_value tpl_missing(int of, const tpl_text *name)
{
    return (tpl_value){.type = TPL_UNDEFINED, .number = (uint32_t)of, .u.text = name};
}

void tpl_fail_missing(tpl_state *s, const tpl_value *v)
{
    const tpl_text *name = v->u.text != NULL ? v->u.text : &tpl_empty;
    const int       shown = name->n < 64 ? (int)name->n : 64;
    const tpl_value of = {.type = (uint8_t)v->number};
    if (v->number == TPL_UNDEFINED)
        tpl_fail(s, WEFT_E_INVALID, "\"%.*s\" is undefined", shown, (const char *)name->p);
    else
        tpl_fail(s, WEFT_E_INVALID, "a value of type %s has no \"%.*s\"", tpl_type_name(&of), shown,
                 (const char *)name->p);
}
