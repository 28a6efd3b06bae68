/* SPDX-License-Identifier: Apache-2.0 */
/* Tests: what stands behind `is`. Source: jinja2 tests.py. */
#include "unicode.h"

#include "case.h"
#include "run.h"

static bool of_type(const tpl_value *v, const char *name, bool *result)
{
    static const struct {
        const char *name;
        uint32_t    types; /* a bit each */
    } rows[] = {
        {"none", 1u << TPL_NONE},
        {"boolean", 1u << TPL_BOOL},
        {"integer", 1u << TPL_INT},
        {"float", 1u << TPL_FLOAT},
        {"number", 1u << TPL_BOOL | 1u << TPL_INT | 1u << TPL_FLOAT},
        {"string", 1u << TPL_STRING},
        {"mapping", 1u << TPL_DICT},
        {"undefined", 1u << TPL_UNDEFINED},
        {"defined", ~(1u << TPL_UNDEFINED)},
        /* What has a length and items: also an undefined value. */
        {"sequence", 1u << TPL_STRING | 1u << TPL_LIST | 1u << TPL_TUPLE | 1u << TPL_DICT |
                         1u << TPL_UNDEFINED},
        {"iterable", 1u << TPL_STRING | 1u << TPL_LIST | 1u << TPL_TUPLE | 1u << TPL_ITER |
                         1u << TPL_DICT | 1u << TPL_SELF | 1u << TPL_UNDEFINED},
        {"callable", 1u << TPL_MACRO | 1u << TPL_FUNCTION | 1u << TPL_METHOD | 1u << TPL_LOOP |
                         1u << TPL_UNDEFINED},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) {
            *result = (rows[i].types >> v->type & 1u) != 0;
            return true;
        }
    return false;
}

static bool truth_is(const tpl_value *v, bool which)
{
    return v->type == TPL_BOOL && (v->u.i != 0) == which;
}

static bool divides(tpl_run *r, const tpl_value *v, const tpl_value *by, int64_t rest)
{
    const tpl_value result = tpl_arithmetic(&r->s, '%', v, by);
    return tpl_is_number(&result) && tpl_as_float(&result) == (double)rest;
}

static bool same_case(tpl_run *r, const tpl_value *v, bool upper)
{
    const tpl_text *t = tpl_print(&r->s, v);
    bool            any = false, all = tpl_work(&r->s, t->n / 8);
    uint32_t        bytes;
    for (uint64_t at = 0; at < t->n && all; at += bytes) {
        const uint32_t cp = tpl_char(t, at, &bytes);
        const bool     cased = tpl_is_cased(cp);
        any |= cased;
        all = !cased || (upper ? tpl_is_upper(cp) : tpl_is_lower(cp));
    }
    return any && all;
}

static bool compared(tpl_run *r, const char *name, const tpl_value *v, const tpl_value *with,
                     bool *result)
{
    static const struct {
        const char *name, *also, *sign;
        int         low, high; /* the orders that hold */
    } rows[] = {{"lt", "lessthan", "<", -1, -1},
                {"gt", "greaterthan", ">", 1, 1},
                {"le", "le", "<=", -1, 0},
                {"ge", "ge", ">=", 0, 1}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0 || strcmp(name, rows[i].also) == 0 ||
            strcmp(name, rows[i].sign) == 0) {
            const int order = tpl_order(&r->s, v, with);
            *result = order >= rows[i].low && order <= rows[i].high;
            return true;
        }
    const bool equals =
        strcmp(name, "eq") == 0 || strcmp(name, "equalto") == 0 || strcmp(name, "==") == 0;
    if (!equals && strcmp(name, "ne") != 0 && strcmp(name, "!=") != 0)
        return false;
    *result = tpl_equal(&r->s, v, with) == equals;
    return true;
}

static bool same_object(tpl_run *r, const tpl_value *v, const tpl_value *with)
{
    if (v->type != with->type)
        return false;
    return v->type == TPL_LIST || v->type == TPL_DICT || v->type == TPL_TUPLE
               ? v->u.list == with->u.list
               : tpl_equal(&r->s, v, with);
}

static bool further(tpl_run *r, const char *name, const tpl_value *v, const tpl_value *with,
                    bool *result)
{
    const tpl_value two = tpl_int(2, TPL_OWN);
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
        *result = truth_is(v, name[0] == 't');
    else if (strcmp(name, "even") == 0 || strcmp(name, "odd") == 0)
        *result = divides(r, v, &two, name[0] == 'o');
    else if (strcmp(name, "divisibleby") == 0)
        *result = divides(r, v, with, 0);
    else if (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0)
        *result = same_case(r, v, name[0] == 'u');
    else if (strcmp(name, "in") == 0)
        *result = tpl_contains(&r->s, v, with);
    else if (strcmp(name, "sameas") == 0)
        *result = same_object(r, v, with);
    else if (strcmp(name, "escaped") == 0)
        *result = v->type == TPL_STRING && v->markup != 0;
    else if (strcmp(name, "filter") == 0 || strcmp(name, "test") == 0)
        *result = v->type == TPL_STRING &&
                  (name[0] == 'f' ? tpl_is_filter(v->u.text) : tpl_is_test(v->u.text));
    else
        return false;
    return true;
}

/* What a test takes, for tpl_args_fit. */
static const char *takes(const char *name)
{
    static const char *const rows[][2] = {{"divisibleby", "num"},
                                          {"sameas", "other"},
                                          {"in", "seq"},
                                          {"eq", "_"},
                                          {"equalto", "_"},
                                          {"==", "_"},
                                          {"ne", "_"},
                                          {"!=", "_"},
                                          {"lt", "_"},
                                          {"lessthan", "_"},
                                          {"<", "_"},
                                          {"gt", "_"},
                                          {"greaterthan", "_"},
                                          {">", "_"},
                                          {"le", "_"},
                                          {"<=", "_"},
                                          {"ge", "_"},
                                          {">=", "_"}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i][0], name) == 0)
            return rows[i][1];
    return "";
}

bool tpl_is_test(const tpl_text *name)
{
    static const char *const names[] = {
        "!=",       "<",        "<=",          "==",       ">",           ">=",       "boolean",
        "callable", "defined",  "divisibleby", "eq",       "equalto",     "escaped",  "even",
        "false",    "filter",   "float",       "ge",       "greaterthan", "gt",       "in",
        "integer",  "iterable", "le",          "lessthan", "lower",       "lt",       "mapping",
        "ne",       "none",     "number",      "odd",      "sameas",      "sequence", "string",
        "test",     "true",     "undefined",   "upper"};
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tpl_is(name, names[i]))
            return true;
    return false;
}

bool tpl_test(tpl_run *r, const tpl_text *name, const tpl_value *v, const tpl_args *a)
{
    char text[32];
    bool result = false;
    snprintf(text, sizeof text, "%.*s", name->n < 31 ? (int)name->n : 31, (const char *)name->p);
    if (!tpl_is_test(name))
        tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the test \"%s\" is not known here", text);
    if (!tpl_args_fit(r, text, takes(text), a))
        return false;
    const tpl_value *with = a->list->n > 0    ? &a->list->at[0]
                            : a->named->n > 0 ? &a->named->values[0]
                                              : NULL;
    (void)(of_type(v, text, &result) || compared(r, text, v, with, &result) ||
           further(r, text, v, with, &result));
    return result;
}
