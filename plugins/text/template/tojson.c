/* SPDX-License-Identifier: Apache-2.0 */
/* Values as JSON. Source: CPython json/encoder.py as transformers' own tojson calls it: nothing of
 * HTML is escaped, members stay in their order. */
#include <math.h>

#include "value.h"

typedef struct writer {
    tpl_build             b;
    const tpl_json_style *style;
    uint32_t              level;
} writer;

static void add_value(writer *w, const tpl_value *v);

static void add_unit(writer *w, uint32_t unit, uint8_t origin)
{
    char text[16];
    snprintf(text, sizeof text, "\\u%04x", unit);
    tpl_add_str(&w->b, text, origin);
}

static void add_escaped(writer *w, uint32_t cp, uint8_t origin)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char       *name = cp < 0x80 && cp != 0 && cp != '/' ? strchr(values, (int)cp) : NULL;
    if (name != NULL) {
        const char text[2] = {'\\', names[name - values]};
        tpl_add(&w->b, text, 2, origin);
    } else if (cp >= 0x10000) {
        add_unit(w, 0xd800 + ((cp - 0x10000) >> 10), origin);
        add_unit(w, 0xdc00 + ((cp - 0x10000) & 0x3ff), origin);
    } else
        add_unit(w, cp, origin);
}

static void add_string(writer *w, const tpl_text *t)
{
    uint64_t done = 0;
    uint32_t bytes = 1;
    tpl_add_str(&w->b, "\"", TPL_OWN);
    for (uint64_t at = 0; at < t->n && !tpl_failed(w->b.s); at += bytes) {
        bytes = 1;
        if (t->p[at] >= 0x20 && t->p[at] < 0x7f && t->p[at] != '"' && t->p[at] != '\\')
            continue;
        const uint32_t cp = tpl_char(t, at, &bytes);
        if (cp >= 0x20 && cp != '"' && cp != '\\' &&
            (cp == 0x7f || !w->style->ascii || cp == TXT_NONE || t->origin[at] == TPL_MEDIA))
            continue;
        tpl_add_part(&w->b, t, done, at);
        add_escaped(w, cp, t->origin[at]);
        done = at + bytes;
    }
    tpl_add_part(&w->b, t, done, t->n);
    tpl_add_str(&w->b, "\"", TPL_OWN);
}

static void line(writer *w)
{
    if (!w->style->spaced)
        return;
    tpl_add_str(&w->b, "\n", TPL_OWN);
    for (uint32_t i = 0; i < w->level && !tpl_failed(w->b.s); i++)
        tpl_add_text(&w->b, w->style->indent);
}

/* What stands before the i-th element. */
static void begin_item(writer *w, uint64_t i)
{
    if (i > 0)
        tpl_add_text(&w->b, w->style->item);
    line(w);
}

static void add_list(writer *w, const tpl_list *l)
{
    tpl_add_str(&w->b, "[", TPL_OWN);
    w->level++;
    for (uint64_t i = 0; i < l->n && !tpl_failed(w->b.s); i++) {
        begin_item(w, i);
        add_value(w, &l->at[i]);
    }
    w->level--;
    if (l->n > 0)
        line(w);
    tpl_add_str(&w->b, "]", TPL_OWN);
}

static void add_key(writer *w, const tpl_value *key)
{
    if (key->type == TPL_STRING) {
        add_string(w, key->u.text);
        return;
    }
    if (key->type != TPL_NONE && !tpl_is_number(key))
        tpl_fail(w->b.s, WEFT_E_INVALID, "a %s is no key of JSON", tpl_type_name(key));
    tpl_add_str(&w->b, "\"", TPL_OWN);
    add_value(w, key);
    tpl_add_str(&w->b, "\"", TPL_OWN);
}

/* The members in the order of their keys: an insertion sort, whose work is counted. */
static const tpl_dict *in_order(writer *w, const tpl_dict *d)
{
    tpl_dict *sorted = tpl_dict_new(w->b.s);
    for (uint64_t i = 0; i < d->n && !tpl_failed(w->b.s); i++) {
        tpl_set(w->b.s, sorted, d->keys[i], d->values[i]);
        for (uint64_t k = i; k > 0 && !tpl_failed(w->b.s) && tpl_work(w->b.s, 1) &&
                             tpl_order(w->b.s, &sorted->keys[k - 1], &sorted->keys[k]) > 0;
             k--) {
            const tpl_value key = sorted->keys[k], value = sorted->values[k];
            sorted->keys[k] = sorted->keys[k - 1];
            sorted->values[k] = sorted->values[k - 1];
            sorted->keys[k - 1] = key;
            sorted->values[k - 1] = value;
        }
    }
    return sorted;
}

static void add_dict(writer *w, const tpl_dict *d)
{
    const tpl_dict *members = w->style->sorted ? in_order(w, d) : d;
    tpl_add_str(&w->b, "{", TPL_OWN);
    w->level++;
    for (uint64_t i = 0; i < d->n && !tpl_failed(w->b.s); i++) {
        begin_item(w, i);
        add_key(w, &members->keys[i]);
        tpl_add_text(&w->b, w->style->key);
        add_value(w, &members->values[i]);
    }
    w->level--;
    if (d->n > 0)
        line(w);
    tpl_add_str(&w->b, "}", TPL_OWN);
}

static void add_float(writer *w, const tpl_value *v)
{
    char text[40];
    if (isnan(v->u.f) || isinf(v->u.f))
        tpl_add_str(&w->b,
                    isnan(v->u.f) ? "NaN"
                    : v->u.f > 0  ? "Infinity"
                                  : "-Infinity",
                    v->origin);
    else
        tpl_add(&w->b, text, tpl_float_repr(v->u.f, text), v->origin);
}

static void add_value(writer *w, const tpl_value *v)
{
    if (tpl_enter(w->b.s) && tpl_work(w->b.s, 1))
        switch (v->type) {
        case TPL_NONE:
            tpl_add_str(&w->b, "null", v->origin);
            break;
        case TPL_BOOL:
            tpl_add_str(&w->b, v->u.i != 0 ? "true" : "false", v->origin);
            break;
        case TPL_INT:
            tpl_add_text(&w->b, tpl_print(w->b.s, v));
            break;
        case TPL_FLOAT:
            add_float(w, v);
            break;
        case TPL_STRING:
            add_string(w, v->u.text);
            break;
        case TPL_LIST:
        case TPL_TUPLE:
            add_list(w, v->u.list);
            break;
        case TPL_DICT:
            add_dict(w, v->u.dict);
            break;
        default:
            tpl_fail(w->b.s, WEFT_E_INVALID, "a %s cannot be written as JSON", tpl_type_name(v));
        }
    tpl_leave(w->b.s);
}

const tpl_text *tpl_tojson(tpl_state *s, const tpl_value *v, const tpl_json_style *style)
{
    writer w = {.b = {.s = s}, .style = style};
    add_value(&w, v);
    return tpl_built(&w.b);
}
