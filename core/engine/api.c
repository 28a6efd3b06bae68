/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of weft.h that only translate: log, exit codes, settings, plugin lists, tensor files.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/engine/engine.h"
#include "core/io/safetensors.h"
#include "core/io/writer.h"

const char *weft_version(void)
{
    return WEFT_VERSION;
}

void weft_set_log(weft_log_fn fn, void *ctx)
{
    wf_log_set(fn, ctx);
}

const char *weft_log_file(void)
{
    return wf_log_file();
}

const char *weft_status_name(weft_status s)
{
    return wf_status_name(s);
}

/* What a status means wherever it arises; 0: it depends on the stage. */
static int32_t code_of_status(weft_status s)
{
    switch (s) {
    case WEFT_E_CANCELLED:
        return 130;
    case WEFT_E_NOMEM:
    case WEFT_E_DEVICE:
        return 6;
    case WEFT_E_LIMIT:
        return 7;
    case WEFT_E_NUMERIC:
        return 8;
    default:
        return 0;
    }
}

int32_t weft_exit_code(const weft_error *error)
{
    static const int32_t by_stage[] = {1, 2, 4, 3, 5};
    WF_TAKE(weft_error, e, error);
    const weft_error *err = &e;
    if (!WEFT_HAS(error, weft_error, code))
        return 1;
    if (err->code == WEFT_OK)
        return 0;
    int32_t code = code_of_status(err->code);
    if (code != 0)
        return code;
    if (err->stage == WEFT_STAGE_USAGE)
        return 2;
    bool plugin_fault =
        err->code == WEFT_E_VERSION || err->code == WEFT_E_STATE || err->code == WEFT_E_INTERNAL;
    if (plugin_fault && err->stage != WEFT_STAGE_NONE)
        return 5;
    if (err->stage == WEFT_STAGE_NONE && err->code == WEFT_E_INVALID)
        return 2;
    return err->stage < sizeof by_stage / sizeof *by_stage ? by_stage[err->stage] : 1;
}

int32_t weft_option_at(uint32_t index, weft_option_info *out)
{
    if (index >= wf_n_core_options)
        return 0;
    const wf_core_option *o = &wf_core_options[index];
    *out =
        (weft_option_info){o->key, o->letter, o->type, o->flags, o->dflt, o->range, o->arg, o->doc};
    return 1;
}

static int32_t plugin_option(const weft_option *o, weft_option_info *out)
{
    if (o == NULL)
        return 0;
    uint32_t flags = o->type == WEFT_OPT_PACKAGE ? WEFT_OPTION_PATH : 0;
    *out = (weft_option_info){o->key, 0, o->type, flags, o->dflt, o->range, NULL, o->doc};
    return 1;
}

int32_t weft_settings_option(const weft_settings *s, const char *section, const char *key,
                             weft_option_info *out)
{
    if (strcmp(section, "core") != 0)
        return plugin_option(wf_settings_plugin_option(s, section, key), out);
    for (uint32_t i = 0; i < wf_n_core_options; i++)
        if (strcmp(wf_core_options[i].key, key) == 0)
            return weft_option_at(i, out);
    return 0;
}

weft_status weft_settings_create(weft_settings **out, weft_error *err)
{
    return wf_settings_create(out, err);
}

void weft_settings_destroy(weft_settings **s)
{
    wf_settings_destroy(s);
}

weft_status weft_settings_load(weft_settings *s, const char *config, weft_error *err)
{
    return wf_settings_load(s, config, err);
}

weft_status weft_settings_set(weft_settings *s, const char *key, const char *value,
                              const char *origin, weft_error *err)
{
    return wf_settings_set(s, key, value, WF_LAYER_CLI, origin, err);
}

weft_status weft_settings_set_pair(weft_settings *s, const char *pair, weft_error *err)
{
    return wf_settings_set_pair(s, pair, WF_LAYER_CLI, "--set", err);
}

const char *weft_settings_str(const weft_settings *s, const char *key)
{
    return wf_settings_str(s, key);
}

int64_t weft_settings_i64(const weft_settings *s, const char *key)
{
    return wf_settings_i64(s, key);
}

double weft_settings_f64(const weft_settings *s, const char *key)
{
    return wf_settings_f64(s, key);
}

void weft_settings_each(const weft_settings *s, weft_settings_fn fn, void *ctx)
{
    wf_settings_each(s, fn, ctx);
}

/* Strings of a manifest's lists, side by side. */
static const char *join(char *const *v, uint32_t n, char *text, size_t cap)
{
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < n && at + strlen(v[i]) + 3 < cap; i++)
        at += (size_t)snprintf(text + at, cap - at, "%s%s", i > 0 ? ", " : "", v[i]);
    return text;
}

static void tell_candidate(const wf_candidate *c, weft_plugin_fn fn, void *ctx)
{
    static const char *const states[] = {"available", "loaded", "rejected"};
    char components[512], architectures[512], links[512], gives[512], needs[512], abi[32];
    const wf_manifest *m = c->manifest;
    snprintf(abi, sizeof abi, "%u.%u", m->abi_major, m->abi_minor);
    weft_plugin_info info = {
        WEFT_HDR(weft_plugin_info),
        m->id,
        m->version,
        c->path,
        c->where,
        states[c->state],
        c->reason,
        join(m->components, m->n_components, components, sizeof components),
        join(m->architectures, m->n_architectures, architectures, sizeof architectures),
        join(m->links, m->n_links, links, sizeof links),
        abi,
        join(m->gives, m->n_gives, gives, sizeof gives),
        join(m->needs, m->n_needs, needs, sizeof needs)};
    fn(ctx, &info);
}

static weft_status tell_all(wf_registry *r, weft_plugin_fn fn, void *ctx, weft_error *err)
{
    weft_status status = wf_registry_scan(r, err);
    for (size_t i = 0; status == WEFT_OK && i < wf_registry_count(r); i++) {
        wf_candidate c;
        wf_registry_candidate(r, i, &c);
        tell_candidate(&c, fn, ctx);
    }
    return status;
}

weft_status weft_plugins_each(weft_settings *s, weft_plugin_fn fn, void *ctx, weft_error *err)
{
    wf_registry_config cfg = {.settings = s};
    wf_registry       *r;
    weft_status        status = wf_registry_create(&cfg, &r, err);
    if (status != WEFT_OK)
        return status;
    status = tell_all(r, fn, ctx, err);
    wf_registry_destroy(&r);
    return status;
}

weft_status weft_engine_plugins(const weft_engine *e, weft_plugin_fn fn, void *ctx, weft_error *err)
{
    return tell_all(e->registry, fn, ctx, err);
}

static int32_t st_dtype(weft_dtype t)
{
    if (t.code == WEFT_DT_FLOAT && t.bits == 32)
        return WF_ST_F32;
    if (t.code == WEFT_DT_INT && t.bits == 64)
        return WF_ST_I64;
    if (t.code == WEFT_DT_INT && t.bits == 32)
        return WF_ST_I32;
    return t.code == WEFT_DT_UINT && t.bits == 8 ? WF_ST_U8 : WF_ST_OTHER;
}

weft_status weft_output_open(const char *path, int32_t *busy, weft_output **out, weft_error *err)
{
    return wf_writer_open(path, busy, out, err);
}

weft_status weft_output_write(weft_output *o, const void *bytes, uint64_t n, weft_error *err)
{
    return wf_writer_write(o, bytes, n, err);
}

weft_status weft_output_close(weft_output **o, int32_t keep, weft_error *err)
{
    if (keep != 0)
        return wf_writer_commit(o, err);
    wf_writer_abort(o);
    return WEFT_OK;
}

weft_status weft_save_tensors(const char *path, const char *const *names,
                              const weft_tensor *tensors, uint32_t n, weft_error *err)
{
    wf_st_out *out = wf_zalloc_n(n + 1u, sizeof *out);
    if (out == NULL)
        return wf_fail_nomem(err, n * sizeof *out, "a list of tensors");
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        out[i] = (wf_st_out){.name = names[i],
                             .dtype = st_dtype(tensors[i].dtype),
                             .rank = tensors[i].ndim,
                             .data = tensors[i].data};
        if (out[i].dtype == WF_ST_OTHER)
            status = wf_fail(err, WEFT_E_INVALID, "%s has a type that is not written", names[i]);
        memcpy(out[i].shape, tensors[i].shape, sizeof out[i].shape);
    }
    if (status == WEFT_OK)
        status = wf_st_write(path, out, n, err);
    wf_free(out);
    return status;
}
