/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification reads of its file and of its items. */
#include "core/verify/verification.h"

#include <string.h>

#include "core/base/mem.h"

weft_status wf_parity_load(const wf_st_file *f, const wf_st_tensor *t, void **out, weft_error *err)
{
    *out = wf_alloc_aligned((size_t)t->bytes + 1);
    if (*out == NULL)
        return wf_fail_nomem(err, t->bytes, t->name);
    weft_status status = wf_st_read(f, t, 0, *out, t->bytes, err);
    if (status != WEFT_OK) {
        wf_free_aligned(*out);
        *out = NULL;
    }
    return status;
}

int32_t wf_verify_output(const verify *v, uint32_t k, const char *name)
{
    const weft_plan *p = &v->items[k]->plan;
    for (uint32_t o = 0; o < p->n_outputs; o++)
        if (strcmp(p->outputs[o].name, name) == 0)
            return (int32_t)o;
    return -1;
}

/* Is item k the first that has an output of this name? */
static bool is_first(const verify *v, uint32_t k, const char *name)
{
    for (uint32_t i = 0; i < k; i++)
        if (wf_verify_output(v, i, name) >= 0)
            return false;
    return true;
}

uint64_t wf_verify_numel(const verify *v, const char *name)
{
    uint64_t total = 0;
    for (uint32_t k = 0; k < v->n_items; k++) {
        int32_t o = wf_verify_output(v, k, name);
        total += o >= 0 ? wf_spec_numel(&v->items[k]->plan.outputs[o].spec) : 0;
    }
    return total;
}

weft_status wf_verify_each_output(verify *v, wf_verify_output_fn fn, void *ctx, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t k = 0; k < v->n_items; k++) {
        const weft_plan *p = &v->items[k]->plan;
        for (uint32_t o = 0; o < p->n_outputs && status == WEFT_OK; o++)
            if (is_first(v, k, p->outputs[o].name))
                status = fn(v, ctx, p->outputs[o].name, err);
    }
    return status;
}
