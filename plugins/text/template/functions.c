/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a template may call. Source: jinja2 defaults.py, sandbox.py (safe_range);
 * transformers utils/chat_template_utils.py. */
#include "weft/utf8.h"

#include "run.h"

#define RANGE_MAX 100000

static tpl_value range(tpl_run *r, const tpl_args *a)
{
    int64_t   from = tpl_arg_int(r, a, 0, NULL, 0), to = tpl_arg_int(r, a, 1, NULL, 0);
    int64_t   step = tpl_arg_int(r, a, 2, NULL, 1);
    tpl_list *l = tpl_list_new(&r->s);
    if (a->list->n == 1) {
        to = from;
        from = 0;
    }
    if (step == 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "the step of a range is 0");
    for (int64_t i = from; !tpl_failed(&r->s) && (step > 0 ? i < to : i > to);) {
        if (l->n == RANGE_MAX)
            tpl_fail(&r->s, WEFT_E_LIMIT, "a range has more than %d numbers", RANGE_MAX);
        tpl_push(&r->s, l, tpl_int(i, TPL_OWN));
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return tpl_listed(TPL_LIST, l);
}

/* Members from dictionaries and named arguments. */
static tpl_dict *members(tpl_run *r, const tpl_args *a)
{
    tpl_dict *d = tpl_dict_new(&r->s);
    for (uint64_t i = 0; i < a->list->n && !tpl_failed(&r->s); i++) {
        const tpl_value *v = &a->list->at[i];
        const tpl_list  *pairs = v->type == TPL_DICT ? NULL : tpl_items(&r->s, v);
        for (uint64_t k = 0; pairs == NULL && k < v->u.dict->n && !tpl_failed(&r->s); k++)
            tpl_set(&r->s, d, v->u.dict->keys[k], v->u.dict->values[k]);
        for (uint64_t k = 0; pairs != NULL && k < pairs->n && !tpl_failed(&r->s); k++) {
            const tpl_list *pair = tpl_items(&r->s, &pairs->at[k]);
            if (pair->n != 2)
                tpl_fail(&r->s, WEFT_E_INVALID, "a dictionary is made of pairs");
            else
                tpl_set(&r->s, d, pair->at[0], pair->at[1]);
        }
    }
    for (uint64_t i = 0; i < a->named->n && !tpl_failed(&r->s); i++)
        tpl_set(&r->s, d, a->named->keys[i], a->named->values[i]);
    return d;
}

static tpl_value dict(tpl_run *r, const tpl_args *a)
{
    return (tpl_value){.type = TPL_DICT, .u.dict = members(r, a)};
}

static tpl_value namespace(tpl_run *r, const tpl_args *a)
{
    return (tpl_value){.type = TPL_NAMESPACE, .u.dict = members(r, a)};
}

static tpl_value raise_exception(tpl_run *r, const tpl_args *a)
{
    const tpl_text *t = tpl_print(&r->s, tpl_arg(r, a, 0, "message"));
    char            words[240];
    uint64_t        n = t->n < sizeof words - 1 ? t->n : sizeof words - 1;
    while (n < t->n && n > 0 && weft_utf8_continues((char)t->p[n]))
        n--; /* whole characters */
    for (uint64_t i = 0; i < n; i++)
        words[i] = (char)(t->p[i] < 0x20 || t->p[i] == 0x7f ? ' ' : t->p[i]);
    words[n] = '\0';
    tpl_fail(&r->s, WEFT_E_INVALID, "the template refuses this conversation: %s", words);
    return tpl_undefined();
}

static tpl_value strftime_now(tpl_run *r, const tpl_args *a)
{
    return tpl_strftime(r, tpl_arg_text(r, a, 0, "format", NULL));
}

static const struct {
    const char *name;
    tpl_value (*call)(tpl_run *r, const tpl_args *a);
    const char *takes; /* for tpl_args_fit */
} functions[] = {{"range", range, "_ _? _?"},
                 {"dict", dict, "_? **"},
                 {"namespace", namespace, "_? **"},
                 {"raise_exception", raise_exception, "message"},
                 {"strftime_now", strftime_now, "format"},
                 {"cycler", NULL, NULL}, /* the reference has these; they are refused by name */
                 {"joiner", NULL, NULL},
                 {"lipsum", NULL, NULL}};

bool tpl_function_find(const tpl_text *name, tpl_value *out)
{
    for (uint32_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (tpl_is(name, functions[i].name)) {
            *out = (tpl_value){.type = TPL_FUNCTION, .number = i};
            return true;
        }
    return false;
}

tpl_value tpl_function_call(tpl_run *r, uint32_t which, const tpl_args *a)
{
    if (functions[which].call != NULL)
        return tpl_args_fit(r, functions[which].name, functions[which].takes, a)
                   ? functions[which].call(r, a)
                   : tpl_undefined();
    tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "the function \"%s\" is not known here",
             functions[which].name);
    return tpl_undefined();
}
