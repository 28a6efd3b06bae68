/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of calls, filters and tests. */
#include "run.h"

const tpl_value *tpl_arg(tpl_run *r, const tpl_args *a, uint32_t at, const char *name)
{
    if (at < a->list->n)
        return &a->list->at[at];
    return name != NULL ? tpl_get_str(&r->s, a->named, name) : NULL;
}

const tpl_text *tpl_arg_text(tpl_run *r, const tpl_args *a, uint32_t at, const char *name,
                             const char *dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    if (v != NULL && v->type == TPL_STRING)
        return v->u.text;
    if (v != NULL || dflt == NULL)
        tpl_fail(&r->s, WEFT_E_INVALID, "an argument is %s, and a str is needed",
                 v == NULL ? "missing" : tpl_type_name(v));
    return tpl_str(&r->s, dflt != NULL ? dflt : "");
}

int64_t tpl_arg_int(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, int64_t dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    if (v == NULL)
        return dflt;
    if (!tpl_is_int(v))
        tpl_fail(&r->s, WEFT_E_INVALID, "an argument is a %s, and an int is needed",
                 tpl_type_name(v));
    return tpl_is_int(v) ? v->u.i : dflt;
}

bool tpl_arg_bool(tpl_run *r, const tpl_args *a, uint32_t at, const char *name, bool dflt)
{
    const tpl_value *v = tpl_arg(r, a, at, name);
    return v != NULL ? tpl_truth(v) : dflt;
}

bool tpl_arg_bounds(tpl_run *r, const tpl_args *a, int64_t n, int64_t out[3])
{
    const tpl_value *from = tpl_arg(r, a, 1, NULL), *to = tpl_arg(r, a, 2, NULL);
    const tpl_value  bounds[3] = {from != NULL ? *from : tpl_none(), to != NULL ? *to : tpl_none(),
                                  tpl_none()};
    return tpl_slice_bounds(&r->s, bounds, n, out) && out[0] <= out[1] &&
           (from == NULL || !tpl_is_int(from) || from->u.i <= n);
}

/* The next parameter of `takes`, whose name goes to dst; NULL: there is none. */
static const char *next_parameter(const char *takes, char dst[32], bool *optional)
{
    const size_t n = strcspn(takes, " ");
    *optional = n > 0 && takes[n - 1] == '?';
    snprintf(dst, 32, "%.*s", (int)(n - *optional), takes);
    return n > 0 ? takes + n + strspn(takes + n, " ") : NULL;
}

/* One parameter: it is given once, or need not be. Returns whether it was given by its name. */
static bool fits_one(tpl_run *r, const char *of, const char *name, bool optional, bool placed,
                     const tpl_args *a)
{
    const bool named = name[0] != '_' && tpl_get_str(&r->s, a->named, name) != NULL;
    if (placed && named)
        tpl_fail(&r->s, WEFT_E_INVALID, "%s is given \"%s\" twice", of, name);
    if (!placed && !named && !optional)
        tpl_fail(&r->s, WEFT_E_INVALID, "an argument of %s is missing", of);
    return named;
}

bool tpl_args_fit(tpl_run *r, const char *of, const char *takes, const tpl_args *a)
{
    char     name[32];
    bool     optional, any_named = false, any_placed = false;
    uint64_t at = 0, named = 0;
    for (const char *next = takes; (next = next_parameter(next, name, &optional)) != NULL;)
        if (strcmp(name, "*") == 0)
            any_placed = true;
        else if (strcmp(name, "**") == 0)
            any_named = true;
        else {
            named += fits_one(r, of, name, optional, at < a->list->n, a);
            at++;
        }
    if (a->list->n > at && !any_placed)
        tpl_fail(&r->s, WEFT_E_INVALID, "%s takes at most %llu arguments, and %llu are given", of,
                 (unsigned long long)at, (unsigned long long)a->list->n);
    if (a->named->n > named && !any_named)
        tpl_fail(&r->s, WEFT_E_INVALID, "%s has no argument of a name that is given", of);
    return !tpl_failed(&r->s);
}
