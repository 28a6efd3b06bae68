/* SPDX-License-Identifier: Apache-2.0 */
/* What a model can do, asked before its weights are read. */
#include "core/engine/engine.h"

#include "core/base/sized.h"
#include "core/media/calls.h"
#include "core/text/conversation.h"

weft_status weft_engine_can_chat(weft_engine *e, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status status = wf_engine_text(e, err);
    if (status != WEFT_OK)
        return status;
    status = wf_turns_possible(&e->text, &why);
    if (status == WEFT_OK)
        return WEFT_OK;
    wf_fail(err, status, "%s has no chat format: %s", wf_package_dir(e->package), why.message);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

weft_status weft_engine_takes(weft_engine *e, const char *kind, const char **plugin,
                              weft_error *err)
{
    const wf_modality *m = wf_modality_of(&e->modalities, kind);
    *plugin = m != NULL ? wf_plugin_id(m->plugin) : NULL;
    return m != NULL ? WEFT_OK
                     : wf_fail_stage(err, wf_fail_no_modality(&e->modalities, kind, err),
                                     WEFT_STAGE_MODEL);
}

/* Of an encoder the names alone. */
static weft_status look_for(void *ctx, const weft_package *p, const weft_weight *want, uint32_t n,
                            weft_error *err)
{
    weft_status status = wf_host_weights_check(p, want, n, err);
    (void)ctx;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const wf_st_file   *file;
        const wf_st_tensor *t;
        const weft_weight  *w = WEFT_AT(want, i);
        status = wf_package_find((weft_package *)(uintptr_t)p, w->name, &file, &t, err);
    }
    return status;
}

static weft_status look_for_all(weft_engine *e, weft_error *err)
{
    weft_weight_sink     sink = {WEFT_HDR(weft_weight_sink), NULL, look_for};
    const weft_text_map *map = e->map.n_layers > 0 ? &e->map : NULL;
    weft_status status = e->has_core ? wf_model_check(e->package, &e->config, map, err) : WEFT_OK;
    for (int32_t i = 0; i < e->modalities.n && status == WEFT_OK; i++) {
        weft_error why = WF_ERROR_INIT;
        status = wf_modality_weights(&e->modalities.v[i], &sink, &why);
        if (status == WEFT_E_UNSUPPORTED) /* it does not tell their names */
            status = WEFT_OK;
        else if (status != WEFT_OK)
            wf_fail_as(err, &why);
    }
    return status;
}

weft_status weft_engine_can_load(weft_engine *e, weft_error *err)
{
    wf_mark     before = wf_scope_begin(&e->scope);
    weft_status status = look_for_all(e, err);
    wf_scope_end(&e->scope, &before);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}
