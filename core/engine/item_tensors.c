/* SPDX-License-Identifier: Apache-2.0 */
/* Items from tensors instead of media: what a reference's preprocessing gave, cut along its first axis. */
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/item.h"

static const weft_tensor *find(const wf_tensor_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->n; i++)
        if (strcmp(set->names[i], name) == 0)
            return &set->tensors[i];
    return NULL;
}

/* Item k's share of each input. */
static weft_status fill(const wf_tensor_set *set, weft_item *item, uint32_t k, uint32_t n_items, weft_error *err)
{
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        const char        *name = item->plan.input_name[i];
        const weft_tensor *t = find(set, name);
        uint64_t           bytes = wf_spec_bytes(&item->plan.input[i]), all;
        if (t == NULL)
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is missing", set->origin, name);
        if (!wf_mul(bytes, n_items, &all) || t->bytes != all)
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s does not hold %u items of %llu bytes", set->origin, name,
                           n_items, (unsigned long long)bytes);
        memcpy(item->input[i].data, (const uint8_t *)t->data + k * bytes, (size_t)bytes);
    }
    return WEFT_OK;
}

static weft_status make(weft_engine *e, wf_modality *m, const weft_plan *plan, const wf_tensor_set *set, uint32_t k,
                        uint32_t n, weft_item **out, weft_error *err)
{
    weft_status status = wf_item_create(e, m, plan, out, err);
    if (status == WEFT_OK)
        status = wf_item_alloc_inputs(*out, err);
    if (status == WEFT_OK)
        status = fill(set, *out, k, n, err);
    if (status == WEFT_OK)
        wf_item_settle(out);
    else
        weft_item_release(out);
    return status;
}

/* The items that one modality recognises. */
static weft_status from_modality(weft_engine *e, wf_modality *m, const wf_tensor_set *set, weft_plan *plans,
                                 weft_item **items, uint32_t cap, uint32_t *n_items, weft_error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < cap; i++)
        plans[i] = (weft_plan){ .hdr = WEFT_HDR(weft_plan) };
    const char *before = wf_plugin_enter(m->plugin);
    weft_status status = m->vt->plan_inputs(m->self, set->tensors, set->names, set->n, plans, cap, &n, err);
    wf_plugin_leave(before);
    if (status == WEFT_OK && n > cap - *n_items)
        status = wf_fail(err, WEFT_E_LIMIT, "%s: more than %u items", set->origin, cap);
    for (uint32_t k = 0; k < n && status == WEFT_OK; k++) {
        status = make(e, m, &plans[k], set, k, n, &items[*n_items], err);
        *n_items += status == WEFT_OK;
    }
    return status;
}

weft_status wf_items_from_tensors(weft_engine *e, const wf_tensor_set *set, weft_item **items, uint32_t cap,
                                  uint32_t *n_items, weft_error *err)
{
    weft_plan  *plans = wf_zalloc_n(cap, sizeof *plans);
    weft_status status = plans != NULL ? WEFT_OK : wf_fail_nomem(err, cap * sizeof *plans, "plans");
    for (int32_t i = 0; i < e->n_modalities && status == WEFT_OK; i++)
        if (e->modalities[i].vt->plan_inputs != NULL)
            status = from_modality(e, &e->modalities[i], set, plans, items, cap, n_items, err);
    wf_free(plans);
    return status;
}
