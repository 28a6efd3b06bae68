/* SPDX-License-Identifier: Apache-2.0 */
/* What an item tells of itself. */
#include "core/base/sized.h"
#include "core/media/calls.h"
#include "core/media/item.h"

/* For an output [parts, rows, width] (tiles of a picture, frames of a clip): how many parts the
 * rows that are used make up, where these are whole parts. */
static void count_parts(const weft_plan *p, weft_item_info *i)
{
    const weft_tensor_spec *s = &p->outputs[0].spec;
    if (s->ndim != 3 || p->outputs[0].stream_rows % s->shape[1] != 0)
        return;
    i->n_parts = p->outputs[0].stream_rows / s->shape[1];
    i->max_parts = s->shape[0];
}

weft_status weft_item_describe(const weft_item *item, weft_item_info *out, weft_error *err)
{
    weft_item_info i = {.hdr = WEFT_HDR(weft_item_info)};
    if (out == NULL || out->hdr.size <= sizeof out->hdr)
        return wf_fail(err, WEFT_E_INVALID, "weft_item_info.hdr.size is not set");
    i.kind = item->info.kind;
    i.decoder = item->decoder_id;
    i.modality = wf_plugin_id(item->modality->plugin);
    i.width = item->info.width;
    i.height = item->info.height;
    i.channels = item->info.channels;
    i.sample_rate = item->info.sample_rate;
    i.duration_us = item->info.duration_us;
    i.n_samples = item->info.n_samples;
    i.n_placeholders = wf_item_tokens(item);
    i.scratch_bytes = item->plan.scratch_bytes;
    i.silent = item->silent;
    i.decode_s = item->decode_s;
    i.encode_s = item->encode_s;
    count_parts(&item->plan, &i);
    for (uint32_t k = 0; k < item->plan.n_inputs; k++)
        i.input_bytes += wf_spec_bytes(&item->plan.inputs[k].spec);
    for (uint32_t k = 0; k < item->plan.n_outputs; k++) {
        const wf_item_kv *kv = &item->kv[k];
        i.output_bytes += wf_spec_bytes(&item->plan.outputs[k].spec);
        i.n_rows += kv->stream >= 0 ? kv->n_rows : 0;
        if (kv->n_runs > 0)
            i.kv_bytes += (uint64_t)kv->n_runs *
                          (uint64_t)item->of->sites->streams[kv->stream].n_sites *
                          (uint64_t)item->of->budget->pool.page_bytes;
    }
    wf_give_sized(out, &i, sizeof i);
    return WEFT_OK;
}

int32_t weft_item_input(const weft_item *item, uint32_t index, const char **name, weft_tensor *out)
{
    if (index >= item->plan.n_inputs)
        return 0;
    *name = item->plan.inputs[index].name;
    *out = item->input[index];
    if (out->data == NULL)
        *out = wf_spec_view(&item->plan.inputs[index].spec, WEFT_DEV_CPU, 0, NULL);
    return 1;
}

weft_status weft_item_preview(const weft_item *item, weft_tensor *out, weft_error *err)
{
    const wf_modality *m = item->modality;
    if (out->data != NULL && item->plan.n_inputs > 0 && item->input[0].data == NULL)
        return wf_fail(err, WEFT_E_STATE, "the item was only planned: there is nothing to look at");
    const wf_preview what = {
        item->file, &item->plan, item->input, item->of->limits.max_bytes, item->of->validate, 0};
    return wf_modality_preview(m, &what, out, err);
}
