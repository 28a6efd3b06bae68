/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for the plans of picture and video plugins. */
#include "plans.h"

weft_tensor_spec vis_spec(weft_dtype type, int32_t ndim, const int64_t *shape)
{
    weft_tensor_spec s;
    memset(&s, 0, sizeof s);
    s.dtype = type;
    s.ndim = ndim;
    memcpy(s.shape, shape, (size_t)ndim * sizeof *shape);
    return s;
}

weft_status vis_plan_check_tokens(int64_t rows, const weft_limits *lim, weft_error *err)
{
    if (!WEFT_HAS(lim, weft_limits, max_tokens) || (uint64_t)rows <= lim->max_tokens)
        return WEFT_OK;
    return weft_fail(
        err, WEFT_E_LIMIT,
        "the picture makes %lld encoder tokens, more than --max-tokens %llu allows: raise it or "
        "give a smaller picture",
        (long long)rows, (unsigned long long)lim->max_tokens);
}

const weft_tensor *vis_tensor_find(const weft_tensor *inputs, const char *const *names, uint32_t n,
                                   const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return &inputs[i];
    return NULL;
}

int vis_tensor_fits(const weft_tensor *t, const weft_tensor_spec *want)
{
    int same = t->dtype.code == want->dtype.code && t->dtype.bits == want->dtype.bits &&
               t->ndim == want->ndim;
    for (int32_t i = 0; same && i < t->ndim; i++)
        same = want->shape[i] < 0 || t->shape[i] == want->shape[i];
    return same;
}
