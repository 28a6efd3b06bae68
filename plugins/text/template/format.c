/* SPDX-License-Identifier: Apache-2.0 */
/* "{} and {name}".format(...): fields by turn, by number and by name, without attributes,
 * conversions and widths. Source: Python's format string syntax. */
#include "run.h"
#include "strings.h"

/* The value of the field t[from..to); *turn counts those without a number. */
static const tpl_value *field(tpl_run *r, const tpl_text *t, uint64_t from, uint64_t to,
                              const tpl_args *a, uint64_t *turn)
{
    const tpl_value key = tpl_string(tpl_part(&r->s, t, from, to));
    uint64_t        number = 0;
    bool            digits = to > from && to - from < 10, plain = true;
    for (uint64_t at = from; at < to; at++) {
        const uint8_t c = t->p[at];
        digits &= c >= '0' && c <= '9';
        number = number * 10 + (uint64_t)(c - '0') % 10;
        plain &= strchr(".[]!:{", c) == NULL;
    }
    if (!plain)
        tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "format's fields are names and numbers only here");
    if (tpl_failed(&r->s))
        return NULL;
    if (from == to)
        number = (*turn)++;
    if (from == to || digits)
        return number < a->list->n ? &a->list->at[number] : NULL;
    return tpl_get(&r->s, a->named, &key);
}

tpl_value tpl_format(tpl_run *r, const tpl_text *t, bool markup, const tpl_args *a)
{
    tpl_build b = {.s = &r->s};
    uint64_t  turn = 0;
    for (uint64_t at = 0; at < t->n && tpl_work(&r->s, 1); at++) {
        const uint8_t c = t->p[at];
        const bool    twice = (c == '{' || c == '}') && at + 1 < t->n && t->p[at + 1] == c;
        if (twice || (c != '{' && c != '}')) {
            tpl_add_part(&b, t, at, at + 1);
            at += twice;
            continue;
        }
        const uint8_t   *end = c == '{' ? memchr(t->p + at, '}', t->n - at) : NULL;
        const uint64_t   to = end != NULL ? (uint64_t)(end - t->p) : 0;
        const tpl_value *v = end != NULL ? field(r, t, at + 1, to, a, &turn) : NULL;
        if (v == NULL)
            tpl_fail(&r->s, WEFT_E_INVALID, "a field of format has no value, or no end");
        else
            tpl_add_text(&b, tpl_inserted(&r->s, v, markup));
        at = to;
    }
    return tpl_markup(tpl_built(&b), markup);
}
