/* SPDX-License-Identifier: Apache-2.0 */
/* Items from tensors instead of media: what a reference's preprocessing gave, cut along its first
 * axis. Where the inputs of a plan are not among the tensors, the modality makes them as it would
 * from a file: a tensor "samples" [n] or [n, channels] f32 is then served as media whose rate is
 * the modality's own (sample_rate 0). */
#include <string.h>

#include "core/base/mem.h"
#include "core/media/fill.h"
#include "core/media/item.h"

static const weft_tensor *find(const wf_tensor_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->n; i++)
        if (strcmp(set->names[i], name) == 0)
            return &set->tensors[i];
    return NULL;
}

/* The rows of a tensor as media: read_audio and read_rows give them in order. */
typedef struct tensor_media {
    const weft_tensor *rows;
    int64_t            at, channels;
} tensor_media;

static weft_status no_frames(void *ctx, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err)
{
    (void)ctx, (void)time_us, (void)n, (void)dst, (void)at_us;
    return wf_fail(err, WEFT_E_UNSUPPORTED, "a tensor gives no frames");
}

static weft_status read_samples(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                                weft_error *err)
{
    tensor_media *m = ctx;
    weft_tensor   place = {.data = NULL};
    uint64_t      row = (uint64_t)m->channels * sizeof(float);
    int64_t       left = m->rows->shape[0] - m->at;
    weft_status   status = wf_fill_samples((int32_t)m->channels, n, dst, got, &place, err);
    if (status != WEFT_OK || n == 0)
        return status;
    *got = n < left ? n : left;
    memcpy(place.data, (const uint8_t *)m->rows->data + (uint64_t)m->at * row,
           (size_t)((uint64_t)*got * row));
    m->at += *got;
    return WEFT_OK;
}

/* The modality's own preprocessing of the tensor. */
static weft_status preprocess(const wf_tensor_set *set, const weft_tensor *rows, weft_item *item,
                              weft_error *err)
{
    const wf_modality *m = item->modality;
    tensor_media       ctx = {rows, 0, rows->ndim == 2 ? rows->shape[1] : 1};
    weft_media_info    info = {.hdr = WEFT_HDR(weft_media_info),
                               .kind = m->vt->kinds[0],
                               .n_samples = rows->shape[0],
                               .channels = (int32_t)ctx.channels,
                               .n_rows = rows->shape[0],
                               .row_width = (int32_t)ctx.channels,
                               .duration_us = -1};
    weft_media media = {WEFT_HDR(weft_media), &ctx, &info, no_frames, read_samples, read_samples};
    if (rows->dtype.code != WEFT_DT_FLOAT || rows->dtype.bits != 32 || rows->ndim > 2 ||
        ctx.channels < 1 || ctx.channels > INT32_MAX || m->vt->preprocess == NULL)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: samples is not F32 [n] or [n, channels]",
                       set->origin);
    return wf_modality_preprocess(m, set->origin, &media, &item->plan, item->input, err);
}

static bool has_input(const wf_tensor_set *set, const weft_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_inputs; i++)
        if (find(set, plan->inputs[i].name) != NULL)
            return true;
    return false;
}

/* Item k's share of each input. */
static weft_status fill(const wf_tensor_set *set, weft_item *item, uint32_t k, uint32_t n_items,
                        weft_error *err)
{
    const weft_tensor *samples = find(set, "samples");
    if (samples != NULL && n_items == 1 && !has_input(set, &item->plan))
        return preprocess(set, samples, item, err);
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        const char        *name = item->plan.inputs[i].name;
        const weft_tensor *t = find(set, name);
        uint64_t           bytes = wf_spec_bytes(&item->plan.inputs[i].spec), all;
        if (t == NULL)
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is missing", set->origin, name);
        if (!wf_mul(bytes, n_items, &all) || t->bytes != all)
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s does not hold %u items of %llu bytes",
                           set->origin, name, n_items, (unsigned long long)bytes);
        memcpy(item->input[i].data, (const uint8_t *)t->data + k * bytes, (size_t)bytes);
    }
    return WEFT_OK;
}

static weft_status make(wf_items *t, wf_modality *m, const weft_plan *plan,
                        const wf_tensor_set *set, uint32_t k, uint32_t n, weft_item **out,
                        weft_error *err)
{
    weft_status status = wf_item_create(t, m, set->origin, plan, out, err);
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
static weft_status from_modality(wf_items *t, wf_modality *m, const wf_tensor_set *set,
                                 weft_plan *plans, wf_plan_room *rooms, weft_item **items,
                                 uint32_t cap, uint32_t *n_items, weft_error *err)
{
    uint32_t    n = 0;
    weft_status status = wf_modality_plan_inputs(m, set->origin, set->tensors, set->names, set->n,
                                                 plans, rooms, cap, &n, err);
    if (status == WEFT_OK && n > cap - *n_items)
        status = wf_fail(err, WEFT_E_LIMIT, "%s: more than %u items", set->origin, cap);
    for (uint32_t k = 0; k < n && status == WEFT_OK; k++) {
        status = make(t, m, &plans[k], set, k, n, &items[*n_items], err);
        *n_items += status == WEFT_OK;
    }
    return status;
}

weft_status wf_items_from_tensors(wf_items *t, wf_modalities *m, const wf_tensor_set *set,
                                  weft_item **items, uint32_t cap, uint32_t *n_items,
                                  weft_error *err)
{
    weft_plan    *plans = wf_zalloc_n(cap, sizeof *plans);
    wf_plan_room *rooms = wf_zalloc_n(cap, sizeof *rooms);
    weft_status   status = plans != NULL && rooms != NULL
                               ? WEFT_OK
                               : wf_fail_nomem(err, cap * (sizeof *plans + sizeof *rooms), "plans");
    for (int32_t i = 0; i < m->n && status == WEFT_OK; i++)
        if (m->v[i].vt->plan_inputs != NULL)
            status = from_modality(t, &m->v[i], set, plans, rooms, items, cap, n_items, err);
    wf_free(plans);
    wf_free(rooms);
    return status;
}
