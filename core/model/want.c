/* SPDX-License-Identifier: Apache-2.0 */
/* Expected tensors held against those of a directory. */
#include "core/model/want.h"

#include "core/io/text.h"
#include "core/model/foreign.h"
#include "core/model/region.h"

#include <stdio.h>
#include <string.h>

static void problem(wf_problems *pr, const char *name, const char *what)
{
    size_t at = strlen(pr->text);
    if (at + strlen(name) + strlen(what) + 8 < sizeof pr->text)
        snprintf(pr->text + at, sizeof pr->text - at, "%s%s %s", at != 0 ? ", " : "", name, what);
    pr->n++;
}

static void shape_text(char *text, size_t cap, int32_t rank, const int64_t *shape)
{
    size_t at = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < rank && at < cap; i++)
        at +=
            (size_t)snprintf(text + at, cap - at, "%s%lld", i != 0 ? "x" : "", (long long)shape[i]);
}

/* Whether a tensor in q8 or q4 is the matrix that is wanted: rows, and groups of what is flattened
 * behind them. */
static bool fits_grouped(const wf_st_tensor *t, const wf_want *w)
{
    int64_t k = 1;
    for (int32_t i = 1; i < w->rank; i++) /* a product that no memory holds fits no tensor */
        k = w->shape[i] > 0 && k <= INT64_MAX / 64 / w->shape[i] ? k * w->shape[i] : INT64_MAX / 64;
    return wf_is_grouped(wf_st_format(t)) && w->rank >= 2 && t->shape[0] == w->shape[0] &&
           t->shape[1] == (k + WF_GROUP - 1) / WF_GROUP;
}

bool wf_want_fits(const wf_st_tensor *t, const wf_want *w)
{
    bool same = t->rank == w->rank && wf_st_format(t) >= 0;
    for (int32_t i = 0; same && i < w->rank; i++)
        same = t->shape[i] == w->shape[i];
    return same || fits_grouped(t, w);
}

void wf_problems_check(wf_problems *pr, weft_package *p, const wf_want *w)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_error          why = WF_ERROR_INIT;
    if (pr->broken.code != WEFT_OK)
        return;
    weft_status status = wf_package_expect(p, w->name, w->rank, w->shape, &why);
    if (status == WEFT_OK)
        status = wf_package_find(p, w->name, &file, &t, &why);
    if (status == WEFT_E_NOTFOUND) {
        if (pr->n == 0)
            pr->no_weights = wf_package_tensor_bytes(p) == 0;
        problem(pr, w->name, "is missing");
        return;
    }
    if (status != WEFT_OK) {
        pr->broken = why;
        return;
    }
    if (wf_want_fits(t, w))
        return;
    char has[80], wants[80], what[200];
    shape_text(has, sizeof has, t->rank, t->shape);
    shape_text(wants, sizeof wants, w->rank, w->shape);
    if (strcmp(has, wants) != 0) {
        snprintf(what, sizeof what, "is [%s], not [%s]", has, wants);
        problem(pr, w->name, what);
    } else if (wf_st_format(t) < 0) {
        problem(pr, w->name, "is not F32, BF16 or F16");
    }
}

weft_status wf_problems_report(const wf_problems *pr, const weft_package *p, weft_error *err)
{
    if (pr->broken.code != WEFT_OK)
        return wf_fail(err, pr->broken.code, "%s", pr->broken.message);
    if (pr->n == 0)
        return WEFT_OK;
    if (pr->no_weights)
        return wf_fail(err, WEFT_E_NOTFOUND,
                       "%s has no weights: put model.safetensors, or its shards and "
                       "model.safetensors.index.json, there%s",
                       wf_package_dir(p), wf_foreign_weights(wf_package_dir(p)));
    const char *absent = wf_package_absent(p);
    return wf_fail(err, WEFT_E_CORRUPT, "%s: %llu tensor%s not fit config.json: %s%s%s%s%s",
                   wf_package_dir(p), (unsigned long long)pr->n, pr->n == 1 ? " does" : "s do",
                   pr->text, pr->n > 4 ? ", ..." : "", absent != NULL ? "; the file " : "",
                   absent != NULL ? wf_quote(absent).s : "", absent != NULL ? " is not there" : "");
}
