/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of modalities, checked and measured. */
#include "core/media/plan.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/media/calls.h"

void wf_plan_begin(weft_plan *p, wf_plan_room *room)
{
    memset(room, 0, sizeof *room);
    for (uint32_t i = 0; i < WF_MAX_INPUTS; i++)
        room->input[i].hdr.size = (uint32_t)sizeof room->input[i];
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++)
        room->output[i].hdr.size = (uint32_t)sizeof room->output[i];
    *p = (weft_plan){.hdr = WEFT_HDR(weft_plan),
                     .max_inputs = WF_MAX_INPUTS,
                     .max_outputs = WF_MAX_OUTPUTS,
                     .inputs = room->input,
                     .outputs = room->output,
                     .carried = room->carried,
                     .carried_bytes = sizeof room->carried,
                     .layout = room->layout,
                     .layout_bytes = sizeof room->layout};
}

void wf_plan_copy(weft_plan *to, wf_plan_room *room, const weft_plan *from)
{
    *to = *from;
    memcpy(room->input, from->inputs, sizeof room->input);
    memcpy(room->output, from->outputs, sizeof room->output);
    memcpy(room->carried, from->carried, sizeof room->carried);
    memcpy(room->layout, from->layout, sizeof room->layout);
    to->inputs = room->input;
    to->outputs = room->output;
    to->carried = room->carried;
    to->layout = room->layout;
}

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

/* The width of rows that the sites of stream s expect. */
static int64_t width_wanted(const wf_plan_limits *l, const wf_stream *s)
{
    return s->soft || s->d_src == 0 ? l->d_model : s->d_src;
}

static weft_status check_widths(const wf_plan_limits *l, const wf_hooks *sites,
                                const wf_modality *m, const weft_plan *p, weft_error *err)
{
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        int32_t stream = wf_hooks_stream(sites, p->outputs[i].stream);
        int64_t has = p->outputs[i].spec.shape[p->outputs[i].spec.ndim - 1];
        int64_t want = stream >= 0 ? width_wanted(l, &sites->streams[stream]) : has;
        if (has != want)
            return wf_fail(err, WEFT_E_INTERNAL, "%s gives rows of %lld to %s, which reads %lld",
                           wf_plugin_id(m->plugin), (long long)has, p->outputs[i].stream,
                           (long long)want);
    }
    return WEFT_OK;
}

int64_t wf_plan_runs(const weft_plan *p, const char *token)
{
    int64_t n = 0;
    if (p->layout[0] == '\0')
        return 1;
    for (const char *at = p->layout; (at = strstr(at, token)) != NULL; at += strlen(token))
        n++;
    return n;
}

/* Are lead and trail, which lie in the layout beside each other, without the marker's token? */
static bool ends_fit(const weft_plan *p, const char *token)
{
    const uint64_t n = strlen(p->layout);
    const char    *first = strstr(p->layout, token), *last = first;
    for (const char *at = first; at != NULL; at = strstr(at + 1, token))
        last = at;
    return first == NULL || (first >= p->layout + p->lead_bytes &&
                             last + strlen(token) <= p->layout + n - p->trail_bytes);
}

/* A layout is of soft tokens, and cuts the item's rows into equal runs. */
static weft_status check_layout(const wf_hooks *sites, const wf_modality *m, const weft_plan *p,
                                int32_t stream, weft_error *err)
{
    const char *why = NULL;
    int64_t     runs = 0;
    bool        fit = true;
    if (p->layout[0] == '\0')
        return WEFT_OK;
    for (int32_t i = 0; stream >= 0 && i < sites->n_markers && runs == 0; i++)
        if (sites->markers[i].stream == stream) {
            runs = wf_plan_runs(p, sites->markers[i].token);
            fit = ends_fit(p, sites->markers[i].token);
        }
    if (stream >= 0 && !sites->streams[stream].soft)
        why = "that is not of soft tokens";
    else if (stream >= 0 && (runs < 1 || p->n_placeholders % runs != 0))
        why = "that does not cut n_placeholders into equal runs";
    else if (!fit)
        why = "whose lead_bytes or trail_bytes reach over a run";
    return why == NULL ? WEFT_OK
                       : wf_fail_stage(err,
                                       wf_fail(err, WEFT_E_INTERNAL,
                                               "%s gave a plan with a layout %s, in plan",
                                               wf_plugin_id(m->plugin), why),
                                       WEFT_STAGE_PLUGIN);
}

weft_status wf_plan_check(const wf_plan_limits *l, const wf_hooks *sites, const wf_modality *m,
                          const weft_plan *p, weft_error *err)
{
    char what[200];
    if (wf_plan_fault(p, l->max_bytes, what, sizeof what))
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INTERNAL, "%s gave a plan with %s in plan",
                                     wf_plugin_id(m->plugin), what),
                             WEFT_STAGE_PLUGIN);
    int32_t first = wf_hooks_stream(sites, p->outputs[0].stream);
    if (first >= 0 && sites->streams[first].soft && p->n_placeholders != p->outputs[0].stream_rows)
        return wf_fail_stage(
            err,
            wf_fail(err, WEFT_E_INTERNAL,
                    "%s gave a plan with n_placeholders %lld and outputs[0].stream_rows "
                    "%lld of soft tokens, which must agree, in plan",
                    wf_plugin_id(m->plugin), (long long)p->n_placeholders,
                    (long long)p->outputs[0].stream_rows),
            WEFT_STAGE_PLUGIN);
    weft_status status = check_layout(sites, m, p, first, err);
    if (status != WEFT_OK)
        return status;
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
