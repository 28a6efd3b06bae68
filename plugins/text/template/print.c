/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text: Python's str() and repr(). */
#include "case.h"
#include "run.h"

const char *tpl_type_name(const tpl_value *v)
{
    static const char *const names[] = {[TPL_UNDEFINED] = "undefined value",
                                        [TPL_NONE] = "NoneType",
                                        [TPL_BOOL] = "bool",
                                        [TPL_INT] = "int",
                                        [TPL_FLOAT] = "float",
                                        [TPL_STRING] = "str",
                                        [TPL_LIST] = "list",
                                        [TPL_TUPLE] = "tuple",
                                        [TPL_ITER] = "generator",
                                        [TPL_DICT] = "dict",
                                        [TPL_NAMESPACE] = "namespace",
                                        [TPL_MACRO] = "macro",
                                        [TPL_FUNCTION] = "function",
                                        [TPL_METHOD] = "method",
                                        [TPL_LOOP] = "loop",
                                        [TPL_SELF] = "self"};
    return names[v->type];
}

static void add_value(tpl_build *b, const tpl_value *v, bool quoted);

/* \xNN, \uNNNN or \UNNNNNNNN. */
static void add_code(tpl_build *b, uint32_t cp, uint8_t origin)
{
    char text[12];
    snprintf(text, sizeof text, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
    tpl_add_str(b, text, origin);
}

static void add_quoted(tpl_build *b, const tpl_text *t)
{
    const bool  single = memchr(t->p, '\'', t->n) != NULL, twice = memchr(t->p, '"', t->n) != NULL;
    const char *quote = single && !twice ? "\"" : "'";
    tpl_add_str(b, quote, TPL_OWN);
    uint32_t bytes = 1;
    for (uint64_t at = 0; at < t->n && !tpl_failed(b->s); at += bytes) {
        const uint32_t cp = tpl_char(t, at, &bytes);
        const uint8_t  origin = t->origin[at];
        if (cp == '\\' || cp == (uint32_t)*quote) {
            tpl_add_str(b, "\\", origin);
            tpl_add_part(b, t, at, at + 1);
        } else if (cp == '\n' || cp == '\r' || cp == '\t')
            tpl_add_str(b, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t", origin);
        else if (cp == TXT_NONE || (origin != TPL_MEDIA && !tpl_is_printable(cp)))
            add_code(b, cp == TXT_NONE ? t->p[at] : cp, origin);
        else
            tpl_add_part(b, t, at, at + bytes);
    }
    tpl_add_str(b, quote, TPL_OWN);
}

static void add_items(tpl_build *b, const tpl_value *v)
{
    static const char *const views[] = {
        [TPL_KEYS] = "dict_keys(", [TPL_VALUES] = "dict_values(", [TPL_ITEMS] = "dict_items("};
    const tpl_list *l = v->u.list;
    const bool      tuple = v->type == TPL_TUPLE, view = v->number > TPL_GROUPED;
    tpl_add_str(b, view ? views[v->number] : "", TPL_OWN);
    tpl_add_str(b, tuple ? "(" : "[", TPL_OWN);
    for (uint64_t i = 0; i < l->n && !tpl_failed(b->s); i++) {
        tpl_add_str(b, i > 0 ? ", " : "", TPL_OWN);
        add_value(b, &l->at[i], true);
    }
    tpl_add_str(b, tuple ? (l->n == 1 ? ",)" : ")") : "]", TPL_OWN);
    tpl_add_str(b, view ? ")" : "", TPL_OWN);
}

static void add_pairs(tpl_build *b, const tpl_dict *d)
{
    tpl_add_str(b, "{", TPL_OWN);
    for (uint64_t i = 0; i < d->n && !tpl_failed(b->s); i++) {
        tpl_add_str(b, i > 0 ? ", " : "", TPL_OWN);
        add_value(b, &d->keys[i], true);
        tpl_add_str(b, ": ", TPL_OWN);
        add_value(b, &d->values[i], true);
    }
    tpl_add_str(b, "}", TPL_OWN);
}

static void add_number(tpl_build *b, const tpl_value *v)
{
    char text[40];
    if (v->type == TPL_FLOAT)
        tpl_add(b, text, tpl_float_repr(v->u.f, text), v->origin);
    else {
        snprintf(text, sizeof text, "%lld", (long long)v->u.i);
        tpl_add_str(b, text, v->origin);
    }
}

/* What has no text of its own is written as Jinja's own objects are, but for those that Python
 * writes with their place in memory. */
static void add_object(tpl_build *b, const tpl_value *v)
{
    char place[64];
    if (v->type == TPL_SELF)
        tpl_add_str(b, "<TemplateReference None>", TPL_OWN);
    else if (v->type == TPL_LOOP) {
        snprintf(place, sizeof place, "<LoopContext %llu/%llu>",
                 (unsigned long long)(v->u.loop->at + 1), (unsigned long long)v->u.loop->items->n);
        tpl_add_str(b, place, TPL_OWN);
    } else if (v->type == TPL_NAMESPACE) {
        tpl_add_str(b, "<Namespace ", TPL_OWN);
        add_pairs(b, v->u.dict);
        tpl_add_str(b, ">", TPL_OWN);
    } else if (v->type == TPL_MACRO && v->u.macro->node->kind != TPL_N_BLOCK) {
        tpl_add_str(b, "<Macro ", TPL_OWN);
        if (v->u.macro->node->kind == TPL_N_MACRO)
            add_quoted(b, v->u.macro->node->text);
        else
            tpl_add_str(b, "anonymous", TPL_OWN);
        tpl_add_str(b, ">", TPL_OWN);
    } else
        tpl_fail(b->s, WEFT_E_UNSUPPORTED, "a %s cannot be written as text here", tpl_type_name(v));
}

static void add_value(tpl_build *b, const tpl_value *v, bool quoted)
{
    if (tpl_enter(b->s) && tpl_work(b->s, 1))
        switch (v->type) {
        case TPL_UNDEFINED:
            tpl_add_str(b, quoted ? "Undefined" : "", TPL_OWN);
            break;
        case TPL_NONE:
            tpl_add_str(b, "None", v->origin);
            break;
        case TPL_BOOL:
            tpl_add_str(b, v->u.i != 0 ? "True" : "False", v->origin);
            break;
        case TPL_INT:
        case TPL_FLOAT:
            add_number(b, v);
            break;
        case TPL_STRING:
            tpl_add_str(b, quoted && v->markup != 0 ? "Markup(" : "", TPL_OWN);
            (quoted ? add_quoted : tpl_add_text)(b, v->u.text);
            tpl_add_str(b, quoted && v->markup != 0 ? ")" : "", TPL_OWN);
            break;
        case TPL_LIST:
        case TPL_TUPLE:
            add_items(b, v);
            break;
        case TPL_DICT:
            add_pairs(b, v->u.dict);
            break;
        default:
            add_object(b, v);
        }
    tpl_leave(b->s);
}

const tpl_text *tpl_print(tpl_state *s, const tpl_value *v)
{
    tpl_build b = {.s = s};
    if (v == NULL) /* a named argument is not found any more once the state has failed */
        return &tpl_empty;
    if (v->type == TPL_STRING)
        return v->u.text;
    add_value(&b, v, false);
    return tpl_built(&b);
}

const tpl_text *tpl_repr(tpl_state *s, const tpl_value *v)
{
    tpl_build b = {.s = s};
    add_value(&b, v, true);
    return tpl_built(&b);
}
