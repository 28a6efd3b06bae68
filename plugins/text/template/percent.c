/* SPDX-License-Identifier: Apache-2.0 */
/* "%s and %d" % values: %s, %r, %d, %i and %% without a width, and %f with places. */
#include "strings.h"

static void put(tpl_build *b, int kind, int places, const tpl_value *v, bool markup)
{
    char text[400];
    if (kind == 's')
        tpl_add_text(b, tpl_inserted(b->s, v, markup));
    else if (kind == 'r') {
        const tpl_value quoted = tpl_string(tpl_repr(b->s, v));
        tpl_add_text(b, tpl_inserted(b->s, &quoted, markup));
    } else if (!tpl_is_number(v))
        tpl_fail(b->s, WEFT_E_INVALID, "%%%c takes a number, and this is a %s", kind,
                 tpl_type_name(v));
    else if (kind == 'f') {
        snprintf(text, sizeof text, "%.*f", places, tpl_as_float(v));
        for (char *c = text; *c != '\0'; c++) /* the program's locale may write a comma */
            *c = *c == ',' ? '.' : *c;
        tpl_add_str(b, text, v->origin);
    } else if (tpl_is_int(v) || (v->u.f > -9e18 && v->u.f < 9e18)) {
        const int64_t i = tpl_is_int(v) ? v->u.i : (int64_t)v->u.f;
        snprintf(text, sizeof text, "%lld", (long long)i);
        tpl_add_str(b, text, v->origin);
    } else
        tpl_fail(b->s, WEFT_E_UNSUPPORTED, "whole numbers of more than 64 bits are not known here");
}

/* At a %: the kind behind it, and how many bytes both take. */
static int directive(tpl_state *s, const tpl_text *f, uint64_t at, int *places, uint64_t *bytes)
{
    uint64_t end = at + 1;
    *places = 6;
    if (end + 1 < f->n && f->p[end] == '.' && f->p[end + 1] >= '0' && f->p[end + 1] <= '9') {
        *places = f->p[end + 1] - '0';
        end += 2;
    }
    const int kind = end < f->n ? f->p[end] : 0;
    *bytes = end + 1 - at;
    if (kind == 0 || strchr("srdif%", kind) == NULL || (kind != 'f' && end != at + 1)) {
        tpl_fail(s, WEFT_E_UNSUPPORTED, "this form behind a %% is not known here");
        return '%';
    }
    return kind;
}

tpl_value tpl_percent(tpl_state *s, const tpl_value *of, const tpl_value *v)
{
    const tpl_text *format = of->u.text;
    tpl_build       b = {.s = s};
    const bool      many = v->type == TPL_TUPLE;
    uint64_t        used = 0, bytes = 1;
    int             places = 0;
    for (uint64_t at = 0; at < format->n && !tpl_failed(s); at += bytes) {
        bytes = 1;
        const int kind = format->p[at] == '%' ? directive(s, format, at, &places, &bytes) : 0;
        if (kind == 0 || kind == '%') {
            tpl_add_part(&b, format, at, at + 1);
            continue;
        }
        if (used >= (many ? v->u.list->n : 1))
            tpl_fail(s, WEFT_E_INVALID, "a text's %% has too few values");
        else
            put(&b, kind, places, many ? &v->u.list->at[used] : v, of->markup != 0);
        used++;
    }
    if (used < (many ? v->u.list->n : v->type == TPL_DICT ? 0 : 1))
        tpl_fail(s, WEFT_E_INVALID, "a text's %% has too many values");
    return tpl_markup(tpl_built(&b), of->markup != 0);
}
