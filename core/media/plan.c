/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of modalities, checked and measured. */
#include "core/media/plan.h"

#include "core/base/mem.h"
#include "core/base/tensor.h"

uint64_t wf_spec_numel(const weft_tensor_spec *s)
{
    uint64_t n = 1;
    for (int32_t i = 0; i < s->ndim; i++)
        n *= (uint64_t)s->shape[i];
    return n;
}

uint64_t wf_spec_bytes(const weft_tensor_spec *s)
{
    return wf_spec_numel(s) * s->dtype.bits / 8;
}

static bool spec_is_sane(const weft_tensor_spec *s, uint64_t max_bytes)
{
    uint64_t n = 1;
    if (s->ndim < 1 || s->ndim > WEFT_MAX_DIMS || s->dtype.lanes != 1 ||
        (s->dtype.bits != 8 && s->dtype.bits != 32 && s->dtype.bits != 64))
        return false;
    for (int32_t i = 0; i < s->ndim; i++)
        if (s->shape[i] < 1 || !wf_mul(n, (uint64_t)s->shape[i], &n))
            return false;
    return wf_mul(n, s->dtype.bits / 8, &n) && n <= max_bytes;
}

static bool output_is_sane(const weft_plan *p, uint32_t i, uint64_t max_bytes)
{
    const weft_tensor_spec *s = &p->output[i];
    if (!spec_is_sane(s, max_bytes) || s->dtype.code != WEFT_DT_FLOAT || s->dtype.bits != 32 ||
        p->output_name[i] == NULL)
        return false;
    int64_t rows = (int64_t)(wf_spec_numel(s) / (uint64_t)s->shape[s->ndim - 1]);
    return p->stream_rows[i] >= 0 && p->stream_rows[i] <= rows && rows <= INT32_MAX;
}

/* The width of rows that the sites of stream s expect. */
static int64_t width_wanted(const wf_plan_limits *l, const wf_stream *s)
{
    return s->soft || s->d_src == 0 ? l->d_model : s->d_src;
}

static weft_status check_widths(const wf_plan_limits *l, const wf_hooks *sites,
                                const wf_modality *m, const weft_plan *p, weft_error *err)
{
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        int32_t stream = wf_hooks_stream(sites, p->stream[i]);
        int64_t has = p->output[i].shape[p->output[i].ndim - 1];
        int64_t want = stream >= 0 ? width_wanted(l, &sites->streams[stream]) : has;
        if (has != want)
            return wf_fail(err, WEFT_E_INTERNAL, "%s gives rows of %lld to %s, which reads %lld",
                           wf_plugin_id(m->plugin), (long long)has, p->stream[i], (long long)want);
    }
    return WEFT_OK;
}

weft_status wf_plan_check(const wf_plan_limits *l, const wf_hooks *sites, const wf_modality *m,
                          const weft_plan *p, weft_error *err)
{
    bool ok = p->n_inputs <= WEFT_MAX_INPUTS && p->n_outputs >= 1 &&
              p->n_outputs <= WEFT_MAX_OUTPUTS && p->n_placeholders >= 1;
    for (uint32_t i = 0; ok && i < p->n_inputs; i++)
        ok = spec_is_sane(&p->input[i], l->max_bytes) && p->input_name[i] != NULL;
    for (uint32_t i = 0; ok && i < p->n_outputs; i++)
        ok = output_is_sane(p, i, l->max_bytes);
    if (!ok)
        return wf_fail(err, WEFT_E_INTERNAL, "%s gave a plan with impossible sizes",
                       wf_plugin_id(m->plugin));
    if ((uint64_t)p->n_placeholders > l->max_tokens)
        return wf_fail(err, WEFT_E_LIMIT, "%lld tokens are over --max-tokens %llu",
                       (long long)p->n_placeholders, (unsigned long long)l->max_tokens);
    return check_widths(l, sites, m, p, err);
}

weft_tensor wf_spec_view(const weft_tensor_spec *s, int32_t device_type, int32_t device_id,
                         void *data)
{
    weft_tensor t = wf_tensor_view(data, s->dtype, s->ndim, s->shape);
    t.device_type = device_type;
    t.device_id = device_id;
    return t;
}
