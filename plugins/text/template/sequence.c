/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and lists: one behind the other, and many times. */
#include "strings.h"

/* A text or a list, many times. */
tpl_value tpl_repeated(tpl_state *s, const tpl_value *v, int64_t times)
{
    tpl_build      b = {.s = s};
    tpl_list      *l = v->type == TPL_STRING ? NULL : tpl_list_new(s);
    const bool     nothing = v->type == TPL_STRING ? v->u.text->n == 0 : v->u.list->n == 0;
    const uint64_t each = v->type == TPL_STRING ? v->u.text->n : v->u.list->n * sizeof(tpl_value);
    if (!nothing && times > 0 && (uint64_t)times > TPL_MAX_MEMORY / each)
        tpl_fail(s, WEFT_E_LIMIT, "a text or list is made more than %llu MB long",
                 (unsigned long long)(TPL_MAX_MEMORY >> 20));
    for (int64_t i = 0; i < times && !nothing && tpl_work(s, 1); i++) {
        if (l == NULL)
            tpl_add_text(&b, v->u.text);
        else
            for (uint64_t k = 0; k < v->u.list->n && !tpl_failed(s); k++)
                tpl_push(s, l, v->u.list->at[k]);
    }
    return l == NULL ? tpl_markup(tpl_built(&b), v->markup != 0) : tpl_listed(v->type, l);
}

tpl_value tpl_joined(tpl_state *s, const tpl_value *a, const tpl_value *b)
{
    if (a->type == TPL_STRING) {
        const bool markup = a->markup != 0 || b->markup != 0;
        tpl_build  t = {.s = s};
        tpl_add_text(&t, tpl_inserted(s, a, markup));
        tpl_add_text(&t, tpl_inserted(s, b, markup));
        return tpl_markup(tpl_built(&t), markup);
    }
    tpl_list *l = tpl_list_new(s);
    for (uint64_t i = 0; i < a->u.list->n && !tpl_failed(s); i++)
        tpl_push(s, l, a->u.list->at[i]);
    for (uint64_t i = 0; i < b->u.list->n && !tpl_failed(s); i++)
        tpl_push(s, l, b->u.list->at[i]);
    return tpl_listed(a->type, l);
}
