/* SPDX-License-Identifier: Apache-2.0 */
/* The calls into modalities. */
#include <string.h>

#include "core/base/log.h"
#include "core/media/calls.h"
#include "core/plugin/visit.h"

static const char *directory(const wf_modality *m)
{
    return m->package != NULL ? wf_package_dir(m->package) : NULL;
}

weft_status wf_modality_create(wf_modality *m, const weft_model_info *mi, weft_error *err)
{
    wf_visit v;
    m->self = NULL;
    wf_visit_begin(&v, m->plugin, "create", directory(m), WF_VISIT_SETUP | WF_VISIT_OFFERS);
    weft_status status = m->vt->create(wf_plugin_host(m->plugin), mi, &m->self, &v.why);
    status = wf_visit_end(&v, status, err);
    if (status != WEFT_OK)
        m->self = NULL;
    else if (m->self == NULL)
        status = wf_visit_wrong(&v, err, "OK and no self");
    return status;
}

weft_status wf_modality_load(const wf_modality *m, weft_error *err)
{
    wf_visit v;
    if (m->vt->load == NULL)
        return WEFT_OK;
    wf_visit_begin(&v, m->plugin, "load", directory(m), WF_VISIT_SETUP);
    return wf_visit_end(&v, m->vt->load(m->self, &v.why), err);
}

weft_status wf_modality_install(const wf_modality *m, const weft_hook_sink *sink, weft_error *err)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "install", directory(m), WF_VISIT_SETUP);
    return wf_visit_end(&v, m->vt->install(m->self, sink, &v.why), err);
}

void wf_modality_destroy(wf_modality *m)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "destroy", directory(m), WF_VISIT_SETUP);
    m->vt->destroy(m->self);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    m->self = NULL;
}

weft_status wf_modality_prompt(const wf_modality *m, const char *task, const char **system,
                               const char **user, weft_error *err)
{
    wf_visit v;
    *system = *user = NULL;
    if (m->vt->prompt == NULL)
        return WEFT_OK;
    wf_visit_begin(&v, m->plugin, "prompt", NULL, 0);
    return wf_visit_end(&v, m->vt->prompt(m->self, task, system, user, &v.why), err);
}

weft_status wf_modality_whole_prompt(const wf_modality *m, const char *task, bool has_language,
                                     const char **prompt, weft_error *err)
{
    wf_visit v;
    *prompt = NULL;
    if (!WEFT_HAS(m->vt, weft_modality, whole_prompt) || m->vt->whole_prompt == NULL)
        return WEFT_OK;
    wf_visit_begin(&v, m->plugin, "whole_prompt", NULL, 0);
    return wf_visit_end(&v, m->vt->whole_prompt(m->self, task, has_language, prompt, &v.why), err);
}

static weft_status check_plan(const wf_visit *v, const weft_plan *p, const wf_plan_room *room,
                              weft_error *err)
{
    char what[200];
    return wf_plan_form_fault(p, room, what, sizeof what) ? wf_visit_wrong(v, err, "%s", what)
                                                          : WEFT_OK;
}

weft_status wf_modality_plan(const wf_modality *m, const char *file, const weft_media_info *mi,
                             const weft_request *rq, const weft_limits *lim, weft_plan *out,
                             wf_plan_room *room, weft_error *err)
{
    wf_visit v;
    wf_plan_begin(out, room);
    wf_visit_begin(&v, m->plugin, "plan", file, 0);
    weft_status status = wf_visit_end(&v, m->vt->plan(m->self, mi, rq, lim, out, &v.why), err);
    return status == WEFT_OK ? check_plan(&v, out, room, err) : status;
}

weft_status wf_modality_plan_inputs(const wf_modality *m, const char *file,
                                    const weft_tensor *inputs, const char *const *names, uint32_t n,
                                    weft_plan *out, wf_plan_room *rooms, uint32_t cap,
                                    uint32_t *n_items, weft_error *err)
{
    wf_visit v;
    *n_items = 0;
    for (uint32_t i = 0; i < cap; i++)
        wf_plan_begin(&out[i], &rooms[i]);
    wf_visit_begin(&v, m->plugin, "plan_inputs", file, 0);
    weft_status status = m->vt->plan_inputs(m->self, inputs, names, n, out, cap, n_items, &v.why);
    status = wf_visit_end(&v, status, err);
    if (status == WEFT_OK && *n_items > cap)
        status = wf_visit_wrong(&v, err, "%u items where there is room for %u", *n_items, cap);
    for (uint32_t i = 0; status == WEFT_OK && i < *n_items; i++)
        status = check_plan(&v, &out[i], &rooms[i], err);
    if (status != WEFT_OK)
        *n_items = 0;
    return status;
}

weft_status wf_modality_preprocess(const wf_modality *m, const char *file, const weft_media *media,
                                   const weft_plan *p, const weft_tensor *inputs, weft_error *err)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "preprocess", file, 0);
    for (uint32_t i = 0; i < p->n_inputs; i++)
        v.bytes += inputs[i].bytes;
    return wf_visit_end(&v, m->vt->preprocess(m->self, media, p, inputs, &v.why), err);
}

weft_status wf_modality_encode(const wf_modality *m, const char *file,
                               const weft_encode_item *items, uint32_t n, weft_queue *q,
                               const weft_tensor *scratch, weft_error *err)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "encode", file, 0);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < items[i].plan->n_outputs; k++)
            v.bytes += items[i].output[k].bytes;
    return wf_visit_end(&v, m->vt->encode(m->self, items, n, q, scratch, &v.why), err);
}

weft_status wf_modality_wait(const wf_modality *m, const char *file, weft_queue *q, weft_error *err)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "encode", file, WF_VISIT_QUICK);
    weft_status status = wf_queue_wait(q, err); /* the device's failures are not the plugin's */
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return status;
}

weft_status wf_modality_done(const wf_modality *m, const char *file, weft_queue *q, bool *done)
{
    wf_visit v;
    wf_visit_begin(&v, m->plugin, "encode", file, WF_VISIT_QUICK);
    weft_status status = wf_queue_done(q, done, NULL);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return status;
}

weft_status wf_modality_weights(const wf_modality *m, const weft_weight_sink *sink, weft_error *err)
{
    wf_visit v;
    if (!WEFT_HAS(m->vt, weft_modality, weights) || m->vt->weights == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s does not say which weights it will get",
                       wf_plugin_id(m->plugin));
    wf_visit_begin(&v, m->plugin, "weights", NULL, WF_VISIT_SETUP);
    return wf_visit_end(&v, m->vt->weights(m->self, sink, &v.why), err);
}

uint64_t wf_modality_parameters(const wf_modality *m)
{
    wf_visit v;
    if (!WEFT_HAS(m->vt, weft_modality, parameters) || m->vt->parameters == NULL)
        return 0;
    wf_visit_begin(&v, m->plugin, "parameters", NULL, WF_VISIT_QUICK);
    uint64_t n = m->vt->parameters(m->self);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return n;
}

int64_t wf_modality_longest_us(const wf_modality *m)
{
    wf_visit v;
    if (!WEFT_HAS(m->vt, weft_modality, longest_us) || m->vt->longest_us == NULL)
        return INT64_MAX;
    wf_visit_begin(&v, m->plugin, "longest_us", NULL, WF_VISIT_QUICK);
    int64_t us = m->vt->longest_us(m->self);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    if (us > 0)
        return us;
    wf_log(WEFT_LOG_WARN, "%s gave %lld us in longest_us; it is taken to have no limit",
           wf_plugin_id(m->plugin), (long long)us);
    return INT64_MAX;
}

const char *wf_modality_languages(const wf_modality *m, const char *task)
{
    wf_visit v;
    if (!WEFT_HAS(m->vt, weft_modality, languages) || m->vt->languages == NULL)
        return NULL;
    wf_visit_begin(&v, m->plugin, "languages", NULL, WF_VISIT_QUICK);
    const char *list = m->vt->languages(m->self, task);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    return list != NULL && list[0] != '\0' ? list : NULL;
}
