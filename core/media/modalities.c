/* SPDX-License-Identifier: Apache-2.0 */
/* Modalities: created on their packages, installed into the text core, loaded, closed. */
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/media/item.h"

/* The sink through which one plugin declares its hooks. */
typedef struct sink_ctx {
    weft_engine *e;
    const char  *owner;
} sink_ctx;

static weft_status sink_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    sink_ctx *c = ctx;
    return wf_hooks_add_site(&c->e->hooks, c->owner, c->e->config.n_layers, s, err);
}

static weft_status sink_marker(void *ctx, const weft_marker *m, weft_error *err)
{
    sink_ctx *c = ctx;
    return wf_hooks_add_marker(&c->e->hooks, c->owner, m, err);
}

/* Where the plugin's weights are: its own section's `weights`, or the model directory that it
 * claims. */
static weft_status package_for(weft_engine *e, wf_modality *m, weft_error *err)
{
    const char *dir = wf_settings_plugin_str(e->settings, wf_plugin_id(m->plugin), "weights");
    if (dir != NULL)
        return wf_package_open(dir, &m->package, err);
    if (m->plugin == e->claimant)
        m->package = e->package;
    return WEFT_OK;
}

static weft_model_info model_info(const weft_engine *e, const wf_modality *m)
{
    const wf_config *c = &e->config;
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

static void drop_package(weft_engine *e, wf_modality *m)
{
    if (m->package != e->package)
        wf_package_close(&m->package);
    m->package = NULL;
}

static weft_status kind_is_free(weft_engine *e, const wf_modality *m, weft_error *err)
{
    for (const char *const *kind = m->vt->kinds; *kind != NULL; kind++) {
        const wf_modality *other = wf_modality_of(e, *kind);
        if (other != NULL)
            return wf_fail(err, WEFT_E_CONFLICT, "%s and %s both take media of kind \"%s\"",
                           wf_plugin_id(other->plugin), wf_plugin_id(m->plugin), *kind);
    }
    return WEFT_OK;
}

/* Kept for the moment when media of its kind come and nothing takes them. */
static void note_idle(weft_engine *e, const wf_modality *m, const weft_error *why)
{
    wf_log(WEFT_LOG_INFO, "%s is idle: %s", wf_plugin_id(m->plugin), why->message);
    if (e->n_idle == WF_MAX_MODALITIES)
        return;
    e->idle[e->n_idle++] = (wf_idle){m->plugin, m->vt, *why};
}

/* Creates one modality; one that says UNSUPPORTED stays loaded and idle. */
static weft_status create_modality(weft_engine *e, wf_plugin *plugin, const weft_modality *vt,
                                   weft_error *err)
{
    wf_modality m = {.plugin = plugin, .vt = vt};
    weft_error  why = WF_ERROR_INIT;
    weft_status status = package_for(e, &m, err);
    if (status != WEFT_OK)
        return status;
    if (e->n_modalities == WF_MAX_MODALITIES)
        return wf_fail(err, WEFT_E_LIMIT, "more than %d modalities", WF_MAX_MODALITIES);
    wf_host_bind(wf_plugin_host(plugin),
                 &(wf_binding){.device = e->device, .linear_dtype = e->dtype});
    weft_model_info mi = model_info(e, &m);
    status = wf_modality_create(&m, &mi, &why);
    if (status == WEFT_OK && (status = kind_is_free(e, &m, &why)) != WEFT_OK)
        wf_modality_destroy(&m);
    if (status != WEFT_OK) {
        wf_host_unbind(wf_plugin_host(plugin));
        drop_package(e, &m);
    }
    if (status == WEFT_E_UNSUPPORTED && plugin != e->claimant) {
        note_idle(e, &m, &why);
        return WEFT_OK;
    }
    if (status == WEFT_E_UNSUPPORTED)
        return wf_fail(err, status, "%s: %s", wf_plugin_id(plugin), why.message);
    if (status != WEFT_OK)
        return wf_fail_as(err, &why);
    e->modalities[e->n_modalities++] = m;
    return WEFT_OK;
}

static weft_status install(weft_engine *e, wf_modality *m, weft_error *err)
{
    sink_ctx       ctx = {e, wf_plugin_id(m->plugin)};
    weft_hook_sink sink = {WEFT_HDR(weft_hook_sink), &ctx, sink_site, sink_marker};
    return wf_modality_install(m, &sink, err);
}

weft_status wf_engine_open_modalities(weft_engine *e, weft_error *err)
{
    wf_plugin  *p;
    weft_status status = wf_registry_load_named(e->registry, err);
    for (size_t i = 0; status == WEFT_OK && (p = wf_registry_loaded(e->registry, i)) != NULL; i++) {
        const weft_modality *vt;
        for (size_t k = 0;
             status == WEFT_OK && (vt = wf_plugin_component(p, WEFT_C_MODALITY, k)) != NULL; k++)
            status = create_modality(e, p, vt, err);
    }
    for (int32_t i = 0; i < e->n_modalities && e->has_core && status == WEFT_OK; i++)
        status = install(e, &e->modalities[i], err);
    if (status == WEFT_OK)
        status = wf_hooks_freeze(&e->hooks, err);
    const char *blind = status == WEFT_OK ? wf_hooks_blind_owner(&e->hooks) : NULL;
    if (blind != NULL)
        wf_log(WEFT_LOG_WARN,
               "%s: layers of %s change text that sees no media too, so text here is not the text "
               "core's alone",
               wf_package_dir(e->package), blind);
    return status;
}

static weft_status load_hooks(weft_engine *e, wf_modality *m, weft_error *err)
{
    wf_loader l;
    if (m->package == NULL)
        return WEFT_OK;
    weft_status status = wf_loader_open(e->device, m->package, e->dtype, &l, err);
    if (status != WEFT_OK)
        return status;
    status = wf_hooks_load(&e->hooks, wf_plugin_id(m->plugin), e->config.d_model, &l, err);
    wf_loader_close(&l);
    return status;
}

weft_status wf_engine_load_modalities(weft_engine *e, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < e->n_modalities && status == WEFT_OK; i++) {
        wf_modality *m = &e->modalities[i];
        wf_engine_progress(e, wf_plugin_id(m->plugin), 0, 0, "weights");
        status = wf_modality_load(m, err);
        m->loaded = status == WEFT_OK;
        if (status == WEFT_OK && e->has_core)
            status = load_hooks(e, m, err);
    }
    return status;
}

void wf_engine_close_modalities(weft_engine *e)
{
    while (e->n_modalities > 0) {
        wf_modality *m = &e->modalities[--e->n_modalities];
        wf_modality_destroy(m);
        wf_host_unbind(wf_plugin_host(m->plugin));
        drop_package(e, m);
    }
}

static bool id_is_taken(const weft_engine *e, int32_t id)
{
    for (int32_t i = 0; i < e->hooks.n_markers; i++)
        if (e->hooks.markers[i].token_id == id)
            return true;
    return false;
}

/* A marker's id: its own, else the tokenizer's for its string, else the lowest that is free beyond
 * the vocabulary. */
weft_status wf_engine_resolve_markers(weft_engine *e, weft_error *err)
{
    for (int32_t i = 0; i < e->hooks.n_markers; i++) {
        wf_marker *m = &e->hooks.markers[i];
        if (m->token_id < 0 && wf_engine_tokenizer(e, NULL) == WEFT_OK)
            m->token_id = wf_tokens_special(&e->tokens, m->token);
        for (int32_t id = e->config.vocab; m->token_id < 0; id++)
            if (!id_is_taken(e, id))
                m->token_id = id;
        bool needs_row = m->token_id >= e->config.vocab && !e->hooks.streams[m->stream].soft;
        if (needs_row && m->embedding_weight == NULL)
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: marker %s is token %d, beyond the vocabulary, without an embedding",
                           m->owner, m->token, m->token_id);
    }
    return WEFT_OK;
}
