/* SPDX-License-Identifier: Apache-2.0 */
/* Items from media: planned, preprocessed, settled. */
#include "core/base/log.h"
#include "core/base/sized.h"
#include "core/base/time.h"
#include "core/io/text.h"
#include "core/media/calls.h"
#include "core/media/item.h"

/* No sample of a silent recording reaches so far: 80 dB below full scale, three steps of 16 bits.
 */
#define SILENT_PEAK 1e-4f

static weft_status preprocess(weft_item *item, const weft_media *media, weft_error *err)
{
    weft_status status = wf_item_alloc_inputs(item, err);
    if (status != WEFT_OK)
        return status;
    return wf_modality_preprocess(item->modality, item->file, media, &item->plan, item->input, err);
}

weft_status wf_item_from_media(wf_items *t, wf_modality *m, const weft_media *media,
                               const char *file, const weft_request *rq, const weft_limits *limits,
                               bool prepare, weft_item **out, weft_error *err)
{
    weft_plan    plan;
    wf_plan_room room;
    *out = NULL;
    weft_status status = wf_modality_plan(m, file, media->info, rq, limits, &plan, &room, err);
    if (status == WEFT_OK)
        status = wf_item_create(t, m, file, &plan, out, err);
    if (status == WEFT_OK)
        wf_plan_tell(m, file, &plan);
    if (status == WEFT_OK)
        (*out)->info = *media->info;
    if (status == WEFT_OK && prepare)
        status = preprocess(*out, media, err);
    if (status != WEFT_OK)
        weft_item_release(out);
    return status;
}

/* Up to where the samples of an item may reach. */
static int64_t item_end_us(const wf_modality *m, const weft_item_request *rq)
{
    int64_t start = rq->start_us > 0 ? rq->start_us : 0, longest = wf_modality_longest_us(m);
    if (rq->end_us >= 0)
        return rq->end_us;
    return longest < INT64_MAX - start ? start + longest : INT64_MAX;
}

static weft_status item_of(wf_items *t, wf_modalities *live, wf_media *m,
                           const weft_item_request *rq, weft_item **out, weft_error *err)
{
    weft_request want = {WEFT_HDR(weft_request), rq->start_us, rq->end_us, rq->max_frames, 0};
    wf_modality *mod = wf_modality_of(live, m->decoding.kind);
    if (mod == NULL)
        return wf_fail_no_modality(live, m->decoding.kind, err);
    weft_status status = wf_media_count(m, item_end_us(mod, rq), rq->end_us >= 0, err);
    if (status != WEFT_OK)
        return status;
    status = wf_item_from_media(t, mod, &m->pub, wf_media_name(m->path), &want, &m->limits,
                                !rq->plan_only, out, err);
    if (status != WEFT_OK)
        return status;
    (*out)->decoder_id = wf_plugin_id(m->decoding.plugin);
    (*out)->silent = !rq->plan_only && m->info.sample_rate > 0 && m->peak < SILENT_PEAK;
    if ((*out)->silent)
        wf_log(WEFT_LOG_WARN, "%s: the recording is silent, so nothing is said of it",
               wf_quote(wf_media_name(m->path)).s);
    return WEFT_OK;
}

weft_status wf_item_open(wf_items *t, wf_media_env *env, const weft_item_request *request,
                         weft_item **out, weft_error *err)
{
    WF_TAKE(weft_item_request, asked, request);
    const weft_item_request *rq = &asked;
    wf_media                 m;
    weft_error               why = WF_ERROR_INIT;
    double                   start = wf_now_s();
    if (!WEFT_HAS(request, weft_item_request, end_us))
        asked.start_us = asked.end_us = -1;
    if (!WEFT_HAS(request, weft_item_request, max_frames))
        asked.max_frames = -1;
    *out = NULL;
    weft_status status = wf_media_open(env, rq->path, rq->kind, &m, err);
    if (status == WEFT_OK) {
        status = item_of(t, env->modalities, &m, rq, out, &why);
        if (status != WEFT_OK)
            wf_media_fail(rq->path, &why, status, err);
    }
    wf_media_close(&m);
    if (status != WEFT_OK) {
        weft_item_release(out);
        return status;
    }
    (*out)->decode_s = wf_now_s() - start;
    if (!rq->plan_only)
        wf_item_settle(out);
    return WEFT_OK;
}
