/* SPDX-License-Identifier: Apache-2.0 */
/* Modalities: created on their packages, installed into the text core, loaded, closed. */
#include "core/media/modalities.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/progress.h"
#include "core/host/host.h"
#include "core/media/calls.h"

bool wf_has_kind(const char *const *kinds, const char *kind)
{
    for (; kinds != NULL && *kinds != NULL; kinds++)
        if (strcmp(*kinds, kind) == 0)
            return true;
    return false;
}

wf_modality *wf_modality_of(wf_modalities *m, const char *kind)
{
    for (int32_t i = 0; i < m->n; i++)
        if (wf_has_kind(m->v[i].vt->kinds, kind))
            return &m->v[i];
    return NULL;
}

bool wf_modality_is_first(const wf_modalities *m, const wf_modality *one)
{
    for (const wf_modality *earlier = m->v; earlier < one; earlier++)
        if (earlier->plugin == one->plugin)
            return false;
    return true;
}

weft_status wf_fail_no_modality(const wf_modalities *m, const char *kind, weft_error *err)
{
    for (int32_t i = 0; i < m->n_idle; i++)
        if (wf_has_kind(m->idle[i].vt->kinds, kind))
            return wf_fail(err, WEFT_E_UNSUPPORTED,
                           "this model takes no media of kind \"%s\": %s is idle: %s", kind,
                           wf_plugin_id(m->idle[i].plugin), m->idle[i].why.message);
    return wf_fail(err, WEFT_E_UNSUPPORTED, "this model takes no media of kind \"%s\"", kind);
}

/* The sink through which one plugin declares its hooks. */
typedef struct sink_ctx {
    wf_hooks   *sites;
    int32_t     n_layers; /* of the text core */
    const char *owner;
} sink_ctx;

static weft_status sink_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    sink_ctx *c = ctx;
    return wf_hooks_add_site(c->sites, c->owner, c->n_layers, s, err);
}

static weft_status sink_marker(void *ctx, const weft_marker *m, weft_error *err)
{
    sink_ctx *c = ctx;
    return wf_hooks_add_marker(c->sites, c->owner, m, err);
}

/* Where the plugin's weights are: its own section's `weights`, or the model directory that it
 * claims. */
static weft_status package_for(const wf_modalities_env *e, wf_modality *m, weft_error *err)
{
    const char *dir = wf_settings_plugin_str(e->settings, wf_plugin_id(m->plugin), "weights");
    if (dir != NULL)
        return wf_package_open(dir, &m->package, err);
    if (m->plugin == e->claimant)
        m->package = e->package;
    return WEFT_OK;
}

static weft_model_info model_info(const wf_modalities_env *e, const wf_modality *m)
{
    const wf_config *c = e->config;
    weft_model_info  mi = {WEFT_HDR(weft_model_info),
                           m->package,
                           c->n_layers,
                           c->d_model,
                           c->n_heads,
                           c->n_kv_heads,
                           c->head_dim,
                           c->vocab,
                           e->device->type,
                           c->rms_eps};
    return mi;
}

static void drop_package(const wf_modalities_env *e, wf_modality *m)
{
    if (m->package != e->package)
        wf_package_close(&m->package);
    m->package = NULL;
}

static weft_status kind_is_free(wf_modalities *t, const wf_modality *m, weft_error *err)
{
    for (const char *const *kind = m->vt->kinds; *kind != NULL; kind++) {
        const wf_modality *other = wf_modality_of(t, *kind);
        if (other != NULL)
            return wf_fail(err, WEFT_E_CONFLICT, "%s and %s both take media of kind \"%s\"",
                           wf_plugin_id(other->plugin), wf_plugin_id(m->plugin), *kind);
    }
    return WEFT_OK;
}

/* Kept for the moment when media of its kind come and nothing takes them. */
static void note_idle(wf_modalities *t, const wf_modality *m, const weft_error *why)
{
    wf_log(WEFT_LOG_INFO, "%s is idle: %s", wf_plugin_id(m->plugin), why->message);
    if (t->n_idle == WF_MAX_MODALITIES)
        return;
    t->idle[t->n_idle++] = (wf_idle){m->plugin, m->vt, *why};
}

/* Creates one modality; one that says UNSUPPORTED stays idle, and its plugin loaded. */
static weft_status create_modality(wf_modalities *t, wf_plugin *plugin, const weft_modality *vt,
                                   weft_error *err)
{
    const wf_modalities_env *e = &t->env;
    wf_modality              m = {.plugin = plugin, .vt = vt};
    weft_error               why = WF_ERROR_INIT;
    weft_status              status = package_for(e, &m, err);
    if (status != WEFT_OK)
        return status;
    if (t->n == WF_MAX_MODALITIES)
        return wf_fail(err, WEFT_E_LIMIT, "more than %d modalities", WF_MAX_MODALITIES);
    wf_binding      binding = {.device = e->device,
                               .linear_dtype = e->dtype,
                               .quantize = e->quantize_encoders,
                               .core = e->core};
    weft_model_info mi = model_info(e, &m);
    status = wf_host_bind(wf_plugin_host(plugin), &binding, &why);
    if (status != WEFT_OK)
        status = wf_fail(&why, status, "%s: %s", wf_plugin_id(plugin), why.message);
    else
        status = wf_modality_create(&m, &mi, &why);
    if (status == WEFT_OK && (status = kind_is_free(t, &m, &why)) != WEFT_OK)
        wf_modality_destroy(&m);
    if (status != WEFT_OK) {
        wf_host_unbind(wf_plugin_host(plugin));
        drop_package(e, &m);
    }
    if (status == WEFT_E_UNSUPPORTED) {
        note_idle(t, &m, &why);
        return WEFT_OK;
    }
    if (status != WEFT_OK)
        return wf_fail_as(err, &why);
    t->v[t->n++] = m;
    return WEFT_OK;
}

static weft_status install(wf_modality *m, wf_hooks *sites, int32_t n_layers, weft_error *err)
{
    sink_ctx       ctx = {sites, n_layers, wf_plugin_id(m->plugin)};
    weft_hook_sink sink = {WEFT_HDR(weft_hook_sink), &ctx, sink_site, sink_marker};
    return wf_modality_install(m, &sink, err);
}

weft_status wf_modalities_declare(const wf_modalities *t, wf_modality *one, wf_hooks *h,
                                  weft_error *err)
{
    return wf_modality_is_first(t, one) ? install(one, h, INT32_MAX, err) : WEFT_OK;
}

/* The plugin that claims the directory must have something for it: of several modalities one. */
static weft_status claimant_takes(const wf_modalities *t, const wf_plugin *plugin, weft_error *err)
{
    for (int32_t i = 0; i < t->n; i++)
        if (t->v[i].plugin == plugin)
            return WEFT_OK;
    for (int32_t i = 0; i < t->n_idle && plugin == t->env.claimant; i++)
        if (t->idle[i].plugin == plugin)
            return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: %s", wf_plugin_id(plugin),
                           t->idle[i].why.message);
    return WEFT_OK;
}

static weft_status create_all(wf_modalities *t, weft_error *err)
{
    wf_plugin  *p;
    weft_status status = wf_registry_load_named(t->env.registry, err);
    for (size_t i = 0; status == WEFT_OK && (p = wf_registry_loaded(t->env.registry, i)) != NULL;
         i++) {
        const weft_modality *vt;
        for (size_t k = 0;
             status == WEFT_OK && (vt = wf_plugin_component(p, WEFT_C_MODALITY, k)) != NULL; k++)
            status = create_modality(t, p, vt, err);
        if (status == WEFT_OK)
            status = claimant_takes(t, p, err);
    }
    return status;
}

weft_status wf_modalities_open(wf_modalities *t, const wf_modalities_env *env, weft_error *err)
{
    t->env = *env;
    weft_status status = create_all(t, err);
    for (int32_t i = 0; i < t->n && env->has_core && status == WEFT_OK; i++)
        status = install(&t->v[i], env->sites, env->config->n_layers, err);
    if (status == WEFT_OK)
        status = wf_hooks_freeze(env->sites, err);
    const char *blind = status == WEFT_OK ? wf_hooks_blind_owner(env->sites) : NULL;
    if (blind != NULL)
        wf_log(WEFT_LOG_WARN,
               "%s: layers of %s change text that sees no media too, so text here is not the text "
               "core's alone",
               wf_package_dir(env->package), blind);
    return status;
}

static int32_t is_cancelled(void *scope)
{
    return wf_scope_is_cancelled(scope);
}

static weft_status load_sites(const wf_modalities_env *e, wf_modality *m, weft_error *err)
{
    wf_loader l;
    if (m->package == NULL)
        return WEFT_OK;
    weft_status status = wf_loader_open(e->device, m->package, e->dtype, &l, err);
    if (status != WEFT_OK)
        return status;
    l.quantize = e->quantize;
    l.cancelled = is_cancelled;
    l.cancelled_ctx = e->scope;
    status = wf_hooks_load(e->sites, wf_plugin_id(m->plugin), e->config->d_model, &l, err);
    wf_loader_close(&l);
    return status;
}

weft_status wf_modalities_load(wf_modalities *t, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < t->n && status == WEFT_OK; i++) {
        wf_modality *m = &t->v[i];
        wf_progress_tell(t->env.progress, wf_plugin_id(m->plugin), 0, 0, "weights");
        status = wf_modality_load(m, err);
        m->loaded = status == WEFT_OK;
        if (status == WEFT_OK && t->env.has_core && wf_modality_is_first(t, m))
            status = load_sites(&t->env, m, err);
    }
    return status;
}

void wf_modalities_close(wf_modalities *t)
{
    while (t->n > 0) {
        wf_modality *m = &t->v[--t->n];
        wf_modality_destroy(m);
        wf_host_unbind(wf_plugin_host(m->plugin));
        drop_package(&t->env, m);
    }
}
