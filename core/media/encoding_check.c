/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what an encoder gave is all numbers: the device looks, and 8 bytes a row come back. */
#include "core/media/encoding.h"

#include "core/io/text.h"
#include "core/media/fill.h"

static int64_t width_of(const weft_tensor_spec *s)
{
    return s->shape[s->ndim - 1];
}

static int64_t rows_of(const weft_tensor_spec *s)
{
    return (int64_t)wf_spec_numel(s) / width_of(s);
}

static int64_t rows_of_all(const weft_plan *p)
{
    int64_t rows = 0;
    for (uint32_t i = 0; i < p->n_outputs; i++)
        rows += rows_of(&p->outputs[i].spec);
    return rows;
}

weft_status wf_encoding_look_open(wf_encoding *b, uint32_t k, weft_error *err)
{
    wf_encode_job *job = &b->jobs[k];
    uint64_t       bytes = (uint64_t)rows_of_all(&b->items[k]->plan) * sizeof *job->found;
    void          *p;
    weft_status    status = wf_arena_take(&b->items[k]->of->arena, bytes, &p, err);
    if (status != WEFT_OK)
        return status;
    job->device_found = p;
    status = wf_arena_take(&b->items[k]->of->host_arena, bytes, &p, err);
    job->found = p;
    return status;
}

weft_status wf_encoding_look(wf_encoding *b, uint32_t k, weft_error *err)
{
    const weft_item     *item = b->items[k];
    const wf_encode_job *job = &b->jobs[k];
    weft_queue          *q = item->of->encode_queue;
    weft_status          status = WEFT_OK;
    int64_t              at = 0;
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++) {
        const weft_tensor_spec *s = &item->plan.outputs[i].spec;
        wf_op                   op = {.kind = WF_OP_FINITE,
                                      .u.finite = {.out = job->device_found + at,
                                                   .x = item->output[i],
                                                   .m = rows_of(s),
                                                   .n = width_of(s),
                                                   .x_stride = width_of(s),
                                                   .out_stride = 1}};
        status = wf_queue_submit(q, &op, err);
        at += rows_of(s);
    }
    return status == WEFT_OK ? wf_queue_download(q, job->found, job->device_found,
                                                 (uint64_t)at * sizeof *job->found, err)
                             : status;
}

/* Whether element k of output i holds what stood there before the encoder ran. */
static weft_status is_unwritten(const weft_item *item, uint32_t i, int64_t k, bool *unwritten,
                                weft_error *err)
{
    weft_queue *q = item->of->encode_queue;
    float       v = 0;
    weft_status status =
        wf_queue_download(q, &v, (const float *)item->output[i] + k, sizeof v, err);
    weft_status waited = wf_queue_wait(q, status == WEFT_OK ? err : NULL);
    *unwritten = wf_is_poison(v);
    return status == WEFT_OK ? waited : status;
}

/* Element k of output i, the first that is no number. */
static weft_status tell(const weft_item *item, uint32_t i, int64_t k, bool is_nan, weft_error *err)
{
    bool        unwritten = false;
    wf_quoted   file = item->file != NULL ? wf_quote(item->file) : (wf_quoted){""};
    const char *colon = item->file != NULL ? ": " : "", *id = wf_plugin_id(item->modality->plugin);
    const char *output = item->plan.outputs[i].name;
    if (item->of->validate) {
        weft_status status = is_unwritten(item, i, k, &unwritten, err);
        if (status != WEFT_OK)
            return status;
    }
    if (!unwritten)
        return wf_fail(err, WEFT_E_NUMERIC,
                       "%s%s%s: the encoder's %s holds %s at element %llu: its weights or this "
                       "item are damaged",
                       file.s, colon, id, output, is_nan ? "NaN" : "infinity",
                       (unsigned long long)k);
    wf_fail(err, WEFT_E_INTERNAL, "%s%s%s gave OK without writing %s at element %llu in encode",
            file.s, colon, id, output, (unsigned long long)k);
    return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
}

weft_status wf_encoding_check(const wf_encoding *b, uint32_t k, weft_error *err)
{
    const weft_item *item = b->items[k];
    const int64_t   *found = b->jobs[k].found;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        const weft_tensor_spec *s = &item->plan.outputs[i].spec;
        for (int64_t r = 0; r < rows_of(s); r++, found++)
            if (*found != 0)
                return tell(item, i, r * width_of(s) + (*found < 0 ? -*found : *found) - 1,
                            *found > 0, err);
    }
    return WEFT_OK;
}
