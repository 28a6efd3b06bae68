/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes an engine: settings, device, plugins, text core, hooks, in that order. */
#include "core/engine/engine.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/device/registry.h"
#include "core/model/text_map.h"
#include "core/plugin/dirs.h"
#include "core/plugin/visit.h"

#define PLAIN_ARCHITECTURE "LlamaForCausalLM"
#define OUT_ROWS 64 /* logit rows computed at a time */

void weft_engine_cancel(weft_engine *e)
{
    wf_cancel_now(&e->cancel);
}

static int32_t is_cancelled(void *ctx)
{
    return wf_scope_is_cancelled(&((weft_engine *)ctx)->scope);
}

static void plugin_progress(void *ctx, const char *what, uint64_t done, uint64_t total,
                            const char *unit)
{
    wf_progress_tell(&((weft_engine *)ctx)->progress, what, done, total, unit);
}

/* For -v: what the CPU runs, whichever device the rest runs on. */
static void log_paths(const weft_engine *e)
{
    wf_cpu_path path;
    for (uint32_t i = 0; wf_cpu_path_at(&e->cpu, i, &path); i++)
        wf_log(WEFT_LOG_INFO, "cpu: %s by %s: %s", path.family, path.isa, path.why);
}

static weft_status open_device(weft_engine *e, const char *device, weft_error *err)
{
    char        modules[WF_DIR_CAP];
    weft_status status = wf_cpu_choose(wf_settings_str(e->settings, "cpu_mask"),
                                       wf_settings_str(e->settings, "isa"), &e->cpu, err);
    if (status == WEFT_OK)
        status = wf_pool_create((int32_t)wf_settings_i64(e->settings, "threads"), &e->pool, err);
    if (status == WEFT_OK && wf_settings_bool(e->settings, "pin"))
        status = wf_pool_pin(e->pool, err);
    if (status != WEFT_OK)
        return status;
    wf_dir_modules(modules);
    wf_device_config config = {.pool = e->pool,
                               .cpu_flags = e->cpu.flags,
                               .module_dir = modules,
                               .deterministic = wf_settings_bool(e->settings, "deterministic"),
                               .log = wf_log};
    log_paths(e);
    status = wf_device_open(device, &config, &e->device, err);
    if (status == WEFT_OK)
        status = wf_queue_create(e->device, &e->queue, err);
    if (status == WEFT_OK)
        status = wf_queue_create(e->device, &e->encode_queue, err);
    if (status != WEFT_OK)
        return status;
    wf_hosts_init(&e->hosts, &(wf_hosts_config){e->settings, e->cpu.flags, is_cancelled,
                                                plugin_progress, e, e->pool});
    wf_registry_config rc = {.settings = e->settings, .hosts = wf_hosts_maker(&e->hosts)};
    return wf_registry_create(&rc, &e->registry, err);
}

/* With no model given, the demo model's own configuration file speaks. */
static weft_status choose_model(weft_engine *e, const char **out, weft_error *err)
{
    weft_status status = WEFT_OK;
    char        demo[WF_DIR_CAP];
    if (wf_settings_str(e->settings, "model") == NULL) {
        wf_dir_demo_config(demo);
        status = wf_settings_load_ini(e->settings, demo, WF_LAYER_SYSTEM, err);
    }
    *out = wf_settings_str(e->settings, "model");
    if (status == WEFT_E_NOTFOUND || (status == WEFT_OK && *out == NULL))
        return wf_fail(err, WEFT_E_NOTFOUND,
                       "no model: give -m DIR (the demo model is not installed: %s is not there)",
                       demo);
    return status;
}

/* What the plugin that claims the architecture says of the text core inside. */
static weft_status ask_claimant(weft_engine *e, weft_error *err)
{
    weft_status status = wf_registry_claim(e->registry, e->architecture, &e->claimant, err);
    if (status == WEFT_E_NOTFOUND) {
        char hint[WF_REGISTRY_HINT_CAP];
        wf_registry_hint(e->registry, hint);
        if (WEFT_HAS(err, weft_error, stage))
            err->stage = WEFT_STAGE_NONE;
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: no plugin here knows \"%s\"%s",
                       wf_package_dir(e->package), e->architecture, hint);
    }
    if (status != WEFT_OK)
        return status;
    const weft_checkpoint *c = wf_plugin_component(e->claimant, WEFT_C_CHECKPOINT, 0);
    e->map = (weft_text_map){.hdr = WEFT_HDR(weft_text_map)};
    if (c == NULL && (e->flags & WEFT_OPEN_NO_CORE) != 0)
        return WEFT_OK;
    if (c == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s claims \"%s\" but does not say where its text core is",
                       wf_plugin_id(e->claimant), e->architecture);
    wf_visit v;
    char     what[200];
    wf_visit_begin(&v, e->claimant, "text_map", wf_package_dir(e->package),
                   WF_VISIT_SETUP | WF_VISIT_ASKS);
    status = c->text_map(wf_plugin_host(e->claimant), e->package, &e->map, &v.why);
    status = wf_visit_end(&v, status, err);
    if (status == WEFT_E_NOTFOUND && (e->flags & WEFT_OPEN_NO_CORE) != 0)
        return WEFT_OK;
    if (status == WEFT_OK && wf_text_map_fault(&e->map, what, sizeof what))
        status = wf_visit_wrong(&v, err, "a text map with %s", what);
    e->has_core = status == WEFT_OK;
    if (status == WEFT_OK && e->map.update_rank > 0)
        status = wf_package_also(e->package, e->map.update_file, err);
    return status;
}

/* A map that does not fit the file is its plugin's mistake. */
static weft_status read_config(weft_engine *e, weft_error *err)
{
    weft_error           why = WF_ERROR_INIT;
    const weft_text_map *map = e->map.n_layers > 0 ? &e->map : NULL;
    weft_status          status = wf_config_read(e->package, map, &e->config, &why);
    if (status == WEFT_E_INTERNAL && e->claimant != NULL)
        return wf_fail(err, status, "%s (%s in text_map)", why.message, wf_plugin_id(e->claimant));
    return status == WEFT_OK ? status : wf_fail_as(err, &why);
}

static weft_status open_package(weft_engine *e, const char *dir, weft_error *err)
{
    const char *architecture;
    weft_status status = e->package != NULL ? WEFT_OK : wf_package_open(dir, &e->package, err);
    if (status == WEFT_OK)
        status = wf_config_architecture(e->package, &architecture, err);
    if (status == WEFT_E_NOTFOUND && e->package != NULL)
        return wf_fail(err, WEFT_E_CORRUPT, "%s/config.json: architectures is missing",
                       wf_package_dir(e->package));
    if (status != WEFT_OK)
        return status;
    e->architecture = wf_strdup(architecture);
    if (e->architecture == NULL)
        return wf_fail_nomem(err, strlen(architecture), "a name");
    e->has_core = strcmp(architecture, PLAIN_ARCHITECTURE) == 0;
    if (!e->has_core)
        status = ask_claimant(e, err);
    return status == WEFT_OK && e->has_core ? read_config(e, err) : status;
}

static int32_t dtype_option(const weft_engine *e)
{
    const char *name = wf_settings_str(e->settings, "dtype");
    return strcmp(name, "f32") == 0 ? WF_F32 : strcmp(name, "bf16") == 0 ? WF_BF16 : WF_DTYPE_AUTO;
}

static int32_t quantize_option(const weft_engine *e, const char *key)
{
    const char *name = wf_settings_str(e->settings, key);
    return strcmp(name, "q8") == 0 ? WF_Q8 : strcmp(name, "q4") == 0 ? WF_Q4 : WF_DTYPE_AUTO;
}

static void weights_progress(void *ctx, uint64_t done)
{
    weft_engine *e = ctx;
    wf_progress_tell(&e->progress, "weights", done, wf_package_tensor_bytes(e->package), "bytes");
}

static weft_status load_core(weft_engine *e, weft_error *err)
{
    wf_loader   l;
    weft_status status = wf_loader_open(e->device, e->package, e->dtype, &l, err);
    if (status != WEFT_OK)
        return status;
    l.quantize = e->quantize;
    l.fp8 = e->fp8;
    if (e->fp8 && e->config.n_layers <= 2)
        wf_log(WEFT_LOG_WARN, "--quantize fp8 leaves the first and the last layer as they are, and "
                              "this model has no others: nothing of it is in fp8");
    l.progress = weights_progress;
    l.progress_ctx = e;
    l.cancelled = is_cancelled;
    l.cancelled_ctx = e;
    status = wf_model_load(&l, &e->config, e->map.n_layers > 0 ? &e->map : NULL, &e->model, err);
    wf_loader_close(&l);
    return status;
}

static weft_status open_modalities(weft_engine *e, weft_error *err)
{
    wf_modalities_env env = {.registry = e->registry,
                             .settings = e->settings,
                             .device = e->device,
                             .package = e->package,
                             .claimant = e->claimant,
                             .config = &e->config,
                             .sites = &e->hooks,
                             .progress = &e->progress,
                             .scope = &e->scope,
                             .core = &e->model,
                             .has_core = e->has_core,
                             .dtype = e->dtype,
                             .quantize = e->quantize,
                             .quantize_encoders = e->quantize_encoders};
    wf_media_env_init(&e->media, e->settings, e->registry, &e->modalities, &e->scope);
    return wf_modalities_open(&e->modalities, &env, err);
}

weft_status wf_engine_wants_media(const weft_engine *e, weft_error *err)
{
    if ((e->flags & WEFT_OPEN_TEXT) == 0)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_STATE, "the engine was opened for text alone (WEFT_OPEN_TEXT)");
}

/* Where text alone is run, of plugins only those are needed whose layers see text. */
static weft_status load_weights(weft_engine *e, weft_error *err)
{
    weft_status status = e->has_core ? load_core(e, err) : WEFT_OK;
    bool        is_text = e->calibrates || (e->flags & WEFT_OPEN_TEXT) != 0;
    bool        all = !is_text || wf_hooks_blind_owner(&e->hooks) != NULL;
    return status == WEFT_OK && all ? wf_modalities_load(&e->modalities, err) : status;
}

static weft_status open_model(weft_engine *e, const char *dir, weft_error *err)
{
    weft_status status = open_package(e, dir, err);
    e->text = (wf_text){.registry = e->registry, .package = e->package};
    if (status == WEFT_OK && !e->calibrates)
        status = wf_settings_plugin_devices(e->settings, e->device->name, err);
    if (status == WEFT_OK)
        status = open_modalities(e, err);
    if (status == WEFT_OK)
        status = wf_engine_resolve_markers(e, err);
    if (status == WEFT_OK && (e->flags & WEFT_OPEN_CHAT) != 0)
        status = weft_engine_can_chat(e, err);
    if (status == WEFT_OK && (e->flags & WEFT_OPEN_CONFIG) == 0)
        status = load_weights(e, err);
    if (status == WEFT_OK)
        status = wf_engine_open_rooms(e, err);
    if (status == WEFT_OK && e->model != NULL)
        status = wf_decoder_init(&e->decoder, e->model, &e->hooks, &e->kv.pool, e->queue,
                                 e->prefill_chunk,
                                 e->prefill_chunk < OUT_ROWS ? e->prefill_chunk : OUT_ROWS, err);
    if (status == WEFT_OK && e->model != NULL)
        status = wf_engine_check_memory(e, err);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

/* A tokenizer alone. */
static weft_status open_loose(weft_engine *e, const char *dir, weft_error *err)
{
    weft_status status = wf_package_open_loose(dir, &e->package, err);
    e->text = (wf_text){.registry = e->registry, .package = e->package};
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

static weft_status open_all(weft_engine *e, const char *device, const wf_opening *o,
                            weft_error *err)
{
    const wf_made_model *made = o->made;
    const char *dir = o->calibrates != NULL ? wf_package_dir(o->calibrates->package) : NULL;
    weft_status status = WEFT_OK;
    if (made != NULL)
        status = wf_fail_stage(
            err, wf_package_open_made(made->name, made->texts, made->n, &e->package, err),
            WEFT_STAGE_MODEL);
    if (status == WEFT_OK)
        status = open_device(e, device, err);
    if (status == WEFT_OK && made == NULL && dir == NULL)
        status = wf_fail_stage(err, choose_model(e, &dir, err), WEFT_STAGE_MODEL);
    if (status != WEFT_OK)
        return status;
    wf_hooks_init(&e->hooks, e->device);
    e->dtype = dtype_option(e);
    e->quantize = e->calibrates ? WF_Q8 : quantize_option(e, "quantize");
    e->fp8 = !e->calibrates && strcmp(wf_settings_str(e->settings, "quantize"), "fp8") == 0;
    e->quantize_encoders = quantize_option(e, "quantize_encoders");
    return (e->flags & WEFT_OPEN_TOKENIZER) != 0 ? open_loose(e, dir, err)
                                                 : open_model(e, dir, err);
}

/* Opening is a call; of an engine that calibrates, a part of the call on the other one, whose
 * cancel it would miss with a mark of its own. Returns what wf_scope_end is to be given. */
static wf_mark begin_opening(weft_engine *e, weft_engine *calibrates)
{
    if (calibrates == NULL)
        return wf_scope_begin(&e->scope);
    wf_mark outer = wf_scope_mark(&calibrates->scope);
    return wf_scope_enter(&e->scope, &outer);
}

/* An engine on the device, which *on_cpu tells of: a name of --device. */
static weft_status open_on(const wf_opening *o, const char *device, bool *on_cpu, weft_engine **out,
                           weft_error *err)
{
    weft_engine *e = wf_zalloc(sizeof *e);
    *on_cpu = true;
    if (e == NULL)
        return wf_fail_nomem(err, sizeof *e, "an engine");
    e->settings = o->settings;
    e->flags = o->flags;
    e->calibrates = o->calibrates != NULL;
    if (o->progress != NULL)
        e->progress = *o->progress;
    wf_scope_init(&e->scope, o->calibrates != NULL ? &o->calibrates->cancel : &e->cancel);
    wf_mark     before = begin_opening(e, o->calibrates);
    weft_status status = open_all(e, device, o, err);
    wf_scope_end(&e->scope, &before);
    *on_cpu = e->device == NULL || strcmp(e->device->name, "cpu") == 0;
    if (status != WEFT_OK) {
        weft_engine_close(&e);
        return status;
    }
    *out = e;
    return WEFT_OK;
}

weft_status wf_engine_open(const wf_opening *o, weft_engine **out, weft_error *err)
{
    const char *name = o->calibrates != NULL ? "cpu" : wf_settings_str(o->settings, "device");
    weft_error  why = WF_ERROR_INIT;
    bool        is_auto = name == NULL || strcmp(name, "auto") == 0, on_cpu;
    *out = NULL;
    weft_status status = open_on(o, is_auto ? "auto" : name, &on_cpu, out, &why);
    /* A model that a device which nobody has asked for has no memory or no kernels for runs on the
     * CPU. */
    bool unfit = status == WEFT_E_NOMEM || status == WEFT_E_LIMIT || status == WEFT_E_UNSUPPORTED ||
                 status == WEFT_E_DEVICE;
    if (is_auto && !on_cpu && unfit) {
        wf_log(WEFT_LOG_INFO, "the CPU is used: %s", why.message);
        return open_on(o, "cpu", &on_cpu, out, err);
    }
    return status == WEFT_OK
               ? WEFT_OK
               : wf_fail_stage(err, wf_fail(err, status, "%s", why.message), why.stage);
}

weft_status weft_engine_open(weft_settings *settings, uint32_t flags, const weft_progress *progress,
                             weft_engine **out, weft_error *err)
{
    const wf_opening o = {.settings = settings, .flags = flags, .progress = progress};
    return wf_engine_open(&o, out, err);
}

void weft_engine_close(weft_engine **engine)
{
    weft_engine *e = *engine;
    if (e == NULL)
        return;
    if (e->queue != NULL)
        (void)wf_queue_wait(e->queue, NULL);
    wf_items_settle(&e->items);
    if (e->encode_queue != NULL)
        (void)wf_queue_wait(e->encode_queue, NULL);
    wf_blocks_free(&e->blocks);
    wf_text_close(&e->text);
    wf_free(e->languages);
    wf_modalities_close(&e->modalities);
    wf_decoder_free(&e->decoder);
    wf_stepper_free(&e->stepper);
    wf_items_free(&e->items);
    wf_kv_budget_free(&e->kv);
    wf_hooks_free(&e->hooks);
    wf_model_free(&e->model);
    wf_registry_destroy(&e->registry);
    wf_package_close(&e->package);
    wf_queue_destroy(&e->queue);
    wf_queue_destroy(&e->encode_queue);
    wf_device_destroy(&e->device);
    wf_pool_destroy(&e->pool);
    wf_free(e->architecture);
    wf_scope_free(&e->scope);
    wf_free(e);
    *engine = NULL;
}
