/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of modalities: read when the model is opened, or once a medium needs them. */
#include "core/media/modalities.h"

#include <string.h>

#include "core/base/progress.h"
#include "core/host/host.h"
#include "core/media/calls.h"

static int32_t is_cancelled(void *scope)
{
    return wf_scope_is_cancelled(scope);
}

static weft_status load_sites(const wf_modalities_env *e, const wf_modality *m, weft_error *err)
{
    wf_loader l;
    if (m->package == NULL)
        return WEFT_OK;
    weft_status status = wf_loader_open(e->device, m->package, e->dtype, &l, err);
    if (status != WEFT_OK)
        return status;
    wf_buffers before = e->sites->buffers;
    l.quantize = e->quantize;
    l.cancelled = is_cancelled;
    l.cancelled_ctx = e->scope;
    status = wf_hooks_load(e->sites, wf_plugin_id(m->plugin), e->config->d_model, &l, err);
    wf_loader_close(&l);
    if (status != WEFT_OK)
        wf_buffers_cut(&e->sites->buffers, &before);
    return status;
}

static weft_status load_encoder(const wf_modality *m, weft_error *err)
{
    weft_host  *host = wf_plugin_host(m->plugin);
    wf_host_got before = wf_host_weights_got(host);
    weft_status status = wf_modality_load(m, err);
    if (status != WEFT_OK)
        wf_host_weights_cut(host, &before);
    return status;
}

static weft_status load_one(const wf_modalities *t, wf_modality *m, weft_error *err)
{
    weft_status status = WEFT_OK;
    wf_progress_tell(t->env.progress, wf_plugin_id(m->plugin), 0, 0, "weights");
    if (!m->loaded)
        status = load_encoder(m, err);
    m->loaded = status == WEFT_OK;
    if (status == WEFT_OK && !m->sited && t->env.has_core && wf_modality_is_first(t, m))
        status = load_sites(&t->env, m, err);
    m->sited = status == WEFT_OK;
    return status;
}

/* A plugin's modalities have their sites in common; of other plugins it needs who gives a service
 * that it uses. */
static bool needs(const wf_modality *m, const wf_modality *other)
{
    return m->plugin == other->plugin || wf_plugin_needs(m->plugin, other->plugin);
}

weft_status wf_modality_ready(wf_modality *one, weft_error *err)
{
    wf_modalities *t = one->of;
    bool           needed[WF_MAX_MODALITIES] = {false};
    weft_status    status = WEFT_OK;
    if (one->sited)
        return WEFT_OK;
    needed[one - t->v] = true;
    /* They stand in the order of loading, in which who gives a service comes first. */
    for (int32_t i = t->n - 1; i >= 0; i--)
        for (int32_t k = 0; k < t->n; k++)
            needed[i] = needed[i] || (needed[k] && needs(&t->v[k], &t->v[i]));
    for (int32_t i = 0; i < t->n && status == WEFT_OK; i++)
        if (needed[i] && !t->v[i].sited)
            status = load_one(t, &t->v[i], err);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

weft_status wf_modalities_ready(wf_modalities *t, const char *owner, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < t->n && status == WEFT_OK; i++)
        if (strcmp(wf_plugin_id(t->v[i].plugin), owner) == 0)
            status = wf_modality_ready(&t->v[i], err);
    return status;
}

bool wf_modality_has_weights(const wf_modality *one)
{
    return one->loaded || one->waits;
}

static weft_status take_weights(void *ctx, const weft_package *p, const weft_weight *want,
                                uint32_t n, weft_error *err)
{
    (void)ctx;
    weft_status status = wf_host_weights_check(p, want, n, err);
    return status == WEFT_OK && n > 0 ? wf_host_weights_fit(p, want, n, err) : status;
}

/* Whether the files have all that loading it would ask for. Of one that does not say what that is
 * nobody knows; and what does not fit is told by loading it. */
static bool fits(const wf_modalities *t, const wf_modality *m)
{
    const wf_modalities_env *e = &t->env;
    weft_weight_sink         sink = {WEFT_HDR(weft_weight_sink), NULL, take_weights};
    if (m->package == NULL || wf_modality_weights(m, &sink, NULL) != WEFT_OK)
        return false;
    return !e->has_core || !wf_modality_is_first(t, m) ||
           wf_hooks_fit(e->sites, wf_plugin_id(m->plugin), e->config->d_model, m->package, NULL) ==
               WEFT_OK;
}

/* A device with memory of its own has to know what is left for keys and values before any are
 * there, and layers that change text without media are needed by every text. */
static bool can_wait(const wf_modalities *t)
{
    return t->env.device->reads_host && wf_hooks_blind_owner(t->env.sites) == NULL;
}

weft_status wf_modalities_load(wf_modalities *t, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < t->n && can_wait(t); i++)
        t->v[i].waits = fits(t, &t->v[i]);
    for (int32_t i = 0; i < t->n && status == WEFT_OK; i++)
        if (!t->v[i].waits)
            status = wf_modality_ready(&t->v[i], err);
    return status;
}
