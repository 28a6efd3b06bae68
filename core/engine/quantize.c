/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors of the model's directory become q8 or q4: those that loading would make so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/device/cpu/dispatch.h"
#include "core/engine/engine.h"
#include "core/media/calls.h"
#include "core/model/quantize.h"

typedef struct choice {
    weft_engine *e;
    json_t      *formats; /* by tensor name */
    bool         no_memory;
} choice;

static void choose(choice *c, const char *name, int32_t format)
{
    if (json_object_set_new(c->formats, name, json_integer(format)) != 0)
        c->no_memory = true;
}

/* Whether p is of the directory that is written: the model's, or the same one named as a plugin's.
 */
static bool is_written(const weft_engine *e, const weft_package *p)
{
    if (p == NULL || p == e->package)
        return p != NULL;
    char *own = realpath(wf_package_dir(e->package), NULL),
         *other = realpath(wf_package_dir(p), NULL);
    bool same = own != NULL && other != NULL && strcmp(own, other) == 0;
    free(own);
    free(other);
    return same;
}

static void take_linear(void *ctx, const char *name, bool table)
{
    choice *c = ctx;
    choose(c, name, wf_linear_format(WF_F32, WF_DTYPE_AUTO, c->e->quantize, table));
}

/* An encoder's weights: linear ones. What it also takes as plain numbers stays as it is. */
static weft_status take_weights(void *ctx, const weft_package *p, const weft_weight *want,
                                uint32_t n, weft_error *err)
{
    choice     *c = ctx;
    weft_status status = wf_host_weights_check(p, want, n, err);
    const bool  written = status == WEFT_OK && is_written(c->e, p);
    for (uint32_t i = 0; i < n && written; i++) {
        const weft_weight *w = WEFT_AT(want, i);
        if (w->use == WEFT_USE_LINEAR)
            choose(c, w->name, c->e->quantize_encoders);
    }
    return status;
}

/* The cross-attention layers that a modality brings. Without a text core nobody has installed them.
 */
static weft_status choose_sites(choice *c, wf_modality *m, weft_error *err)
{
    wf_hooks    own;
    weft_status status = WEFT_OK;
    if (c->e->has_core) {
        wf_hooks_linears(&c->e->hooks, wf_plugin_id(m->plugin), take_linear, c);
        return WEFT_OK;
    }
    wf_hooks_init(&own, c->e->device);
    status = wf_modalities_declare(&c->e->modalities, m, &own, err);
    if (status == WEFT_OK)
        wf_hooks_linears(&own, wf_plugin_id(m->plugin), take_linear, c);
    wf_hooks_free(&own);
    return status;
}

static weft_status choose_of_modality(choice *c, wf_modality *m, weft_error *err)
{
    weft_weight_sink sink = {WEFT_HDR(weft_weight_sink), c, take_weights};
    weft_error       why = WF_ERROR_INIT;
    weft_status      status = WEFT_OK;
    if (!is_written(c->e, m->package))
        return WEFT_OK;
    if (c->e->quantize != WF_DTYPE_AUTO)
        status = choose_sites(c, m, err);
    if (status != WEFT_OK || c->e->quantize_encoders == WF_DTYPE_AUTO)
        return status;
    if (wf_modality_weights(m, &sink, &why) == WEFT_OK)
        return WEFT_OK;
    return wf_fail_stage(err, wf_fail_as(err, &why), WEFT_STAGE_PLUGIN);
}

static weft_status choose_all(choice *c, weft_error *err)
{
    weft_engine *e = c->e;
    weft_status  status = WEFT_OK;
    if (e->has_core && e->quantize != WF_DTYPE_AUTO)
        wf_model_linears(&e->config, e->map.n_layers > 0 ? &e->map : NULL, take_linear, c);
    for (int32_t i = 0; i < e->modalities.n && status == WEFT_OK; i++)
        status = choose_of_modality(c, &e->modalities.v[i], err);
    if (status == WEFT_OK && c->no_memory)
        status = wf_fail_nomem(err, sizeof(json_t), "a list of weights");
    return status;
}

/* The tensors that become something else, in c->formats. */
static weft_status choose_some(choice *c, weft_error *err)
{
    weft_status status = wf_package_check(c->e->package, err);
    if (status == WEFT_OK)
        status = choose_all(c, err);
    if (status == WEFT_OK && json_object_size(c->formats) == 0)
        status = wf_fail(err, WEFT_E_INVALID,
                         "%s: holds nothing that these options make smaller: --quantize is for a "
                         "text core, --quantize-encoders for the encoder of an adapter",
                         wf_package_dir(c->e->package));
    return status;
}

/* The engine's own, whatever became of its settings since it was opened. */
static const char *name_of(int32_t format)
{
    return format == WF_DTYPE_AUTO ? "none" : wf_format_name(format);
}

/* Writes what q says, by the text of a file where one is given. What was seen of it is a part of
 * what a run can be taken up by. */
static weft_status write_package(weft_engine *e, wf_quantize *q, const char *text, weft_error *err)
{
    char           what[128];
    wf_calibration seen = {.config = NULL};
    snprintf(what, sizeof what, "%s, encoders %s%s", name_of(e->quantize),
             name_of(e->quantize_encoders), text != NULL ? ", calibration " : "");
    q->what = what;
    weft_status status = wf_quantize_can(q, err);
    if (status == WEFT_OK && text != NULL)
        status = wf_engine_calibrate(e, text, &seen, err);
    if (status == WEFT_OK && text != NULL) {
        size_t at = strlen(what);
        snprintf(what + at, sizeof what - at, "%016llx",
                 (unsigned long long)wf_calibration_digest(&seen));
        q->calibration = &seen;
    }
    if (status == WEFT_OK)
        status = wf_quantize_package(q, err);
    wf_calibration_free(&seen);
    return status;
}

static weft_status quantize(weft_engine *e, const char *out, const char *text, weft_error *err)
{
    wf_ops ops;
    choice c = {e, json_object(), false};
    if (c.formats == NULL)
        return wf_fail_nomem(err, sizeof(json_t), "a list of weights");
    wf_ops_init(&ops, e->hosts.cfg.cpu_flags);
    wf_quantize q = {.package = e->package,
                     .formats = c.formats,
                     .out = out,
                     .ops = &ops,
                     .pool = e->pool,
                     .scope = &e->scope,
                     .progress = &e->progress};
    weft_status status = choose_some(&c, err);
    if (status == WEFT_OK)
        status = write_package(e, &q, text, err);
    json_decref(c.formats);
    return status;
}

weft_status weft_quantize_calibrated(weft_engine *e, const char *out, const char *text,
                                     weft_error *err)
{
    if (out == NULL || (e->flags & WEFT_OPEN_TOKENIZER) != 0)
        return wf_fail(err, WEFT_E_INVALID, "a model and a directory to write are needed");
    if (e->quantize == WF_DTYPE_AUTO && e->quantize_encoders == WF_DTYPE_AUTO)
        return wf_fail(err, WEFT_E_INVALID, "say what to make of the weights: --quantize q8 or q4");
    if (text != NULL && e->quantize != WF_Q4)
        return wf_fail(err, WEFT_E_INVALID, "a text to calibrate with is for --quantize q4 alone");
    wf_mark     before = wf_scope_begin(&e->scope);
    weft_status status = quantize(e, out, text, err);
    wf_scope_end(&e->scope, &before);
    return status == WEFT_E_UNSUPPORTED ? wf_fail_stage(err, status, WEFT_STAGE_MODEL) : status;
}

weft_status weft_quantize(weft_engine *e, const char *out, weft_error *err)
{
    return weft_quantize_calibrated(e, out, NULL, err);
}
