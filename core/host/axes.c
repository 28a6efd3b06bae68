/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcasting: tensors laid over the axes of the one that is written, merged to four. */
#include "core/host/axes.h"

#include <string.h>

static const weft_dtype f32 = {WEFT_DT_FLOAT, 32, 1};

/* The tensors' strides along every axis of t[0]. */
typedef struct spread {
    const weft_tensor *t;
    int64_t            stride[WEFT_MAX_DIMS];
} spread;

/* Strides of t along the axes of y. */
static void spread_over(wf_call *c, const weft_tensor *y, const weft_tensor *t, const char *arg,
                        spread *out)
{
    int32_t missing = y->ndim - t->ndim;
    out->t = t;
    if (missing < 0)
        wf_call_fail(c, WEFT_E_INVALID, arg, "has %d axes, and what is written has %d", t->ndim,
                     y->ndim);
    for (int32_t d = 0; wf_call_ok(c) && d < y->ndim; d++) {
        int64_t length = d < missing ? 1 : t->shape[d - missing];
        out->stride[d] = length == 1 ? 0 : t->stride[d - missing];
        if (length != 1 && length != y->shape[d])
            wf_call_fail(c, WEFT_E_INVALID, arg,
                         "its shape differs from that of what is written: %lld where %lld, or 1 to "
                         "repeat, is wanted",
                         (long long)length, (long long)y->shape[d]);
    }
}

/* The last axis is never merged: rows of it have stride 1, or 0 where one element repeats. */
static void place_last(wf_call *c, const spread *s, const char *arg, int64_t length, int32_t last,
                       bool may_repeat, int64_t *stride)
{
    *stride = length == 1 ? 1 : s->stride[last];
    if (*stride != 1 && !(may_repeat && *stride == 0))
        wf_call_fail(c, WEFT_E_INVALID, arg, "the stride of its last axis is %lld, not 1",
                     (long long)*stride);
}

static bool extends(const wf_axes *a, int32_t group, const spread *s, int32_t n, int32_t d)
{
    for (int32_t i = 0; i < n; i++)
        if (s[i].t != NULL && s[i].stride[d] != a->shape[group] * a->stride[i][group])
            return false;
    return true;
}

/* Merges the axes before the last, from the innermost on: two whose strides continue each other in
 * every tensor become one. */
static void merge(wf_call *c, const spread *s, const char *const *names, int32_t n, wf_axes *a)
{
    const weft_tensor *y = s[0].t;
    int32_t            group = WF_AXES - 1;
    for (int32_t d = y->ndim - 2; d >= 0; d--) {
        if (y->shape[d] == 1)
            continue;
        if (group < WF_AXES - 1 && extends(a, group, s, n, d)) {
            a->shape[group] *= y->shape[d];
            continue;
        }
        if (group == 0) {
            wf_call_fail(c, WEFT_E_INVALID, names[0],
                         "its leading axes are too uneven; copy first");
            return;
        }
        group--;
        a->shape[group] = y->shape[d];
        for (int32_t i = 0; i < n; i++)
            a->stride[i][group] = s[i].stride[d];
    }
}

/* Is tensor i at the place of t[0] without being laid out like it? */
static bool tangled(const spread *s, int32_t i)
{
    const weft_tensor *y = s[0].t;
    if (s[i].t->data != y->data)
        return false;
    for (int32_t d = 0; d < y->ndim; d++)
        if (y->shape[d] > 1 && s[i].stride[d] != s[0].stride[d])
            return true;
    return false;
}

static void check_tensors(wf_call *c, const weft_tensor *const *t, const char *const *names,
                          int32_t n)
{
    wf_check_tensor(c, t[0], names[0], f32, 1, WEFT_MAX_DIMS);
    wf_check_distinct(c, t[0], names[0]);
    for (int32_t i = 1; i < n; i++)
        if (t[i] != NULL)
            wf_check_tensor(c, t[i], names[i], f32, 1, WEFT_MAX_DIMS);
}

void wf_check_axes(wf_call *c, const weft_tensor *const *t, const char *const *names, int32_t n,
                   wf_axes *out)
{
    spread s[WF_AXES_TENSORS] = {{0}};
    *out = (wf_axes){.shape = {1, 1, 1, 0}};
    check_tensors(c, t, names, n);
    for (int32_t i = 0; wf_call_ok(c) && i < n; i++)
        if (t[i] != NULL)
            spread_over(c, t[0], t[i], names[i], &s[i]);
    if (!wf_call_ok(c))
        return;
    int32_t last = t[0]->ndim - 1;
    for (int32_t i = 0; i < n; i++) {
        if (t[i] == NULL)
            continue;
        place_last(c, &s[i], names[i], t[0]->shape[last], last, i > 0, &out->stride[i][3]);
        if (wf_tensor_numel(t[0]) > 0 && tangled(s, i))
            wf_call_fail(c, WEFT_E_INVALID, names[0],
                         "may be %s only with the same shape and strides", names[i]);
    }
    if (!wf_call_ok(c) || wf_tensor_numel(t[0]) == 0)
        return;
    out->shape[3] = t[0]->shape[last];
    merge(c, s, names, n, out);
}

bool wf_axes_are_rows(const wf_axes *a, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (a->stride[i][3] != 1)
            return false;
    return a->shape[0] == 1 && a->shape[1] == 1;
}
