/* SPDX-License-Identifier: Apache-2.0 */
/* Media items: created, shared, compared. */
#include "core/media/item.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/io/text.h"

static weft_status input_alloc(const weft_tensor_spec *s, weft_tensor *out, weft_error *err)
{
    *out = wf_spec_view(s, WEFT_DEV_CPU, 0, wf_alloc_aligned((size_t)wf_spec_bytes(s)));
    if (out->data == NULL)
        return wf_fail_nomem(err, out->bytes, "an encoder's input");
    memset(out->data, 0, (size_t)out->bytes);
    return WEFT_OK;
}

static void item_kv_init(weft_item *item, uint32_t i)
{
    const weft_plan *p = &item->plan;
    wf_item_kv      *kv = &item->kv[i];
    kv->stream = wf_hooks_stream(item->of->sites, p->outputs[i].stream);
    kv->d = p->outputs[i].spec.shape[p->outputs[i].spec.ndim - 1];
    kv->n_rows = p->outputs[i].stream_rows;
    if (kv->stream >= 0 && item->of->sites->streams[kv->stream].n_sites > 0)
        kv->n_runs = (int32_t)((kv->n_rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS);
}

weft_status wf_item_create(wf_items *t, wf_modality *m, const char *file, const weft_plan *plan,
                           weft_item **out, weft_error *err)
{
    *out = NULL;
    weft_status status = wf_plan_check(&t->limits, t->sites, m, plan, err);
    if (status != WEFT_OK)
        return status;
    weft_item *item = wf_zalloc(sizeof *item);
    if (item == NULL)
        return wf_fail_nomem(err, sizeof *item, "a media item");
    if (file != NULL && (item->file = wf_strdup(file)) == NULL) {
        wf_free(item);
        return wf_fail_nomem(err, strlen(file) + 1, "a media item");
    }
    item->of = t;
    item->modality = m;
    item->refs = 1;
    wf_plan_copy(&item->plan, &item->room, plan);
    item->next = t->list;
    t->list = item;
    for (uint32_t i = 0; i < plan->n_outputs; i++)
        item_kv_init(item, i);
    *out = item;
    return WEFT_OK;
}

weft_status wf_item_alloc_inputs(weft_item *item, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++)
        status = input_alloc(&item->plan.inputs[i].spec, &item->input[i], err);
    return status;
}

void wf_item_hold(weft_item *item)
{
    item->refs++;
}

void weft_item_release(weft_item **item)
{
    weft_item *it = *item;
    *item = NULL;
    if (it == NULL || --it->refs > 0)
        return;
    weft_item **at = &it->of->list;
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    if (it->encoding != NULL)
        wf_items_settle(it->of); /* the encoder still works on its memory */
    wf_item_drop_kv(it);
    for (uint32_t i = 0; i < WF_MAX_INPUTS; i++)
        wf_free_aligned(it->input[i].data);
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++)
        wf_device_free(it->of->device, it->output[i]);
    wf_free(it->layout.ids);
    wf_free(it->file);
    wf_free(it);
}

void wf_item_settle(weft_item **item)
{
    wf_item_digest(*item);
    for (weft_item *o = (*item)->of->list; o != NULL; o = o->next) {
        if (o == *item || !wf_item_equal(*item, o))
            continue;
        wf_item_hold(o);
        weft_item_release(item);
        *item = o;
        return;
    }
}

int32_t wf_item_marker(const weft_item *item)
{
    const wf_hooks *sites = item->of->sites;
    int32_t         stream = wf_hooks_stream(sites, item->plan.outputs[0].stream);
    for (int32_t i = 0; stream >= 0 && i < sites->n_markers; i++)
        if (sites->markers[i].stream == stream)
            return i;
    return -1;
}

int64_t wf_item_tokens(const weft_item *item)
{
    const wf_item_layout *l = &item->layout;
    int64_t               n = item->plan.n_placeholders;
    for (int64_t i = 0; l->ids != NULL && i < l->n; i++)
        n += l->ids[i] >= 0;
    return n;
}

weft_status wf_item_unread(const weft_item *item, weft_error *err)
{
    const char *stream = item->plan.outputs[0].stream;
    const char *file = item->file != NULL ? item->file : "an item";
    return wf_fail_stage(err,
                         wf_fail(err, WEFT_E_UNSUPPORTED,
                                 "%s: %s gives rows to %s, for which this model has no marker",
                                 wf_quote(file).s, wf_plugin_id(item->modality->plugin),
                                 stream != NULL ? wf_quote(stream).s : "no stream"),
                         WEFT_STAGE_PLUGIN);
}

int32_t wf_item_output(const weft_item *item, int32_t stream)
{
    for (uint32_t i = 0; i < item->plan.n_outputs; i++)
        if (item->kv[i].stream == stream)
            return (int32_t)i;
    return -1;
}
