/* SPDX-License-Identifier: Apache-2.0 */
/* Long and live media: recordings that a scheduler cuts into parts and answers part by part. */
#include "core/engine/long.h"

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/media/fill.h"
#include "core/media/source.h"
#include "core/plugin/visit.h"

#define DEFAULT_PART_US ((int64_t)60000000)

/* ---- inside the recording's thread ---- */

/* Goes on when the part has been told, or has failed. */
static weft_status take_part(wf_long *l, const weft_segment *seg, weft_error *err)
{
    if (l->status == WEFT_OK)
        l->status = wf_scope_check(&l->of->e->scope, &l->failed);
    if (l->status == WEFT_OK)
        l->status = wf_long_part_begin(l, seg, &l->failed);
    while (l->status == WEFT_OK && !l->part.told)
        wf_relay_yield(&l->relay);
    if (l->status == WEFT_OK && l->enough)
        return wf_fail(err, WEFT_E_CANCELLED, "the caller has enough");
    return l->status == WEFT_OK ? WEFT_OK : wf_fail(err, l->status, "%s", l->failed.message);
}

/* Generating takes long, and is not the segmenter's doing. */
static weft_status push(void *ctx, const weft_segment *seg, weft_error *err)
{
    if (!WEFT_HAS(seg, weft_segment, media))
        return wf_fill_refuse("push", "no weft_segment, or one whose size is not set", err);
    if (!seg->silent && seg->media == NULL)
        return wf_fill_refuse("push", "a segment without media", err);
    wf_running *segmenter = wf_visit_pause();
    weft_status status = take_part(ctx, seg, err);
    wf_visit_resume(segmenter);
    if (status != WEFT_OK)
        wf_running_mark(WF_PASSED_ON);
    return status;
}

/* Whether a segmenter works with weights that the user gives. */
static bool wants_weights(const weft_segmenter *s)
{
    return WEFT_HAS(s, weft_segmenter, load) && s->load != NULL;
}

/* The directory that the user gave for it; NULL: none. */
static const char *weights_of(weft_engine *e, const wf_plugin *owner)
{
    return wf_settings_plugin_str(e->settings, wf_plugin_id(owner), "weights");
}

/* One with weights that were given goes before one that needs none. */
static const weft_segmenter *segmenter_of(weft_engine *e, const char *kind, wf_plugin **owner)
{
    for (int32_t weights = 1; weights >= 0; weights--) {
        const weft_segmenter *s;
        for (size_t i = 0;
             (s = wf_registry_component(e->registry, WEFT_C_SEGMENTER, i, owner)) != NULL; i++)
            if (wf_has_kind(s->kinds, kind) && wants_weights(s) == weights &&
                (!weights || weights_of(e, *owner) != NULL))
                return s;
    }
    return NULL;
}

static weft_status load_segmenter(weft_engine *e, const weft_segmenter *s, wf_plugin *owner,
                                  weft_error *err)
{
    const wf_binding binding = {
        .device = e->device, .linear_dtype = WF_DTYPE_AUTO, .quantize = WF_DTYPE_AUTO};
    weft_package *p = NULL;
    wf_visit      v;
    if (wf_host_is_bound(wf_plugin_host(owner)))
        return wf_fail_stage(
            err,
            wf_fail(
                err, WEFT_E_UNSUPPORTED,
                "%s has a modality beside a segmenter with weights: the two must be two plugins",
                wf_plugin_id(owner)),
            WEFT_STAGE_PLUGIN);
    weft_status status = wf_package_open(weights_of(e, owner), &p, err);
    if (status != WEFT_OK)
        return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
    status = wf_host_bind(wf_plugin_host(owner), &binding, err);
    if (status == WEFT_OK) {
        wf_visit_begin(&v, owner, "load", wf_package_dir(p), WF_VISIT_SETUP);
        status = wf_visit_end(&v, s->load(wf_plugin_host(owner), p, &v.why), err);
        (void)wf_fail_stage(err, status, WEFT_STAGE_MODEL);
    }
    wf_host_unbind(wf_plugin_host(owner));
    wf_package_close(&p);
    return status;
}

/* How long a part may be: as asked, which the model must be able to take, else as long as it takes.
 */
static weft_status part_limit(const wf_long *l, int64_t *max_us, weft_error *err)
{
    int64_t most = wf_modality_longest_us(l->modality);
    *max_us = l->rq.max_us > 0 ? l->rq.max_us : most < DEFAULT_PART_US ? most : DEFAULT_PART_US;
    if (*max_us <= most)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID,
                   "parts of %g s were asked for, and this model takes at most %g s at once",
                   (double)*max_us / 1e6, (double)most / 1e6);
}

/* Without a segmenter the recording is one part. */
static weft_status run_parts(wf_long *l, weft_error *err)
{
    wf_plugin            *owner;
    const weft_segmenter *s = segmenter_of(l->of->e, l->media.decoding.kind, &owner);
    weft_segment_sink     sink = {WEFT_HDR(weft_segment_sink), l, push};
    int64_t               max_us;
    if (s == NULL) {
        weft_segment all = {.hdr = WEFT_HDR(weft_segment),
                            .end_us = l->media.info.duration_us,
                            .media = &l->media.pub};
        return push(l, &all, err);
    }
    l->status = part_limit(l, &max_us, &l->failed); /* the caller's mistake, not the recording's */
    if (l->status != WEFT_OK)
        return l->status;
    if (wants_weights(s) && (l->status = load_segmenter(l->of->e, s, owner, &l->failed)) != WEFT_OK)
        return l->status;
    l->segmenter = owner;
    wf_visit v;
    wf_visit_begin(&v, owner, "run", wf_media_name(l->rq.path), 0);
    weft_status status = s->run(wf_plugin_host(owner), &l->media.pub, max_us, &sink, &v.why);
    return wf_visit_end(&v, status, err);
}

static void body(void *ctx)
{
    wf_long *l = ctx;
    l->ran = run_parts(l, &l->why);
}

/* ---- outside ---- */

weft_status weft_scheduler_add_long(weft_scheduler *s, const weft_long_request *rq,
                                    const weft_sampling *p,
                                    void (*on_done)(void *ctx, const weft_long_result *result),
                                    weft_job **out, weft_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (!WEFT_HAS(rq, weft_long_request, path) || rq->path == NULL || p == NULL)
        return wf_fail(err, WEFT_E_INVALID, "the request lacks a path or its sampling");
    if (s->closing)
        return wf_fail(err, WEFT_E_STATE, "the scheduler is being destroyed");
    weft_status status = wf_engine_wants_media(s->e, err);
    if (status != WEFT_OK)
        return status;
    wf_long *l = wf_zalloc(sizeof *l);
    if (l == NULL)
        return wf_fail_nomem(err, sizeof *l, "a recording");
    status = wf_job_create(s, &l->job, err);
    if (status != WEFT_OK) {
        wf_free(l);
        return status;
    }
    l->of = s;
    wf_take_sized(&l->rq, sizeof l->rq, _Alignof(weft_long_request), rq);
    wf_take_sized(&l->sampling, sizeof l->sampling, _Alignof(weft_sampling), p);
    l->on_done = on_done;
    l->failed = l->why = (weft_error)WF_ERROR_INIT;
    wf_long **at = &s->longs;
    while (*at != NULL)
        at = &(*at)->next;
    *at = l;
    s->n_longs++;
    if (out != NULL)
        *out = wf_job_hold(l->job);
    return WEFT_OK;
}

/* Everything up to the first part. */
static weft_status start(wf_long *l)
{
    weft_engine *e = l->of->e;
    weft_status  status = wf_registry_load_kind(e->registry, WEFT_C_SEGMENTER, &l->failed);
    if (status == WEFT_OK)
        status = wf_media_open(&e->media, l->rq.path, l->rq.kind, &l->media, &l->failed);
    if (status != WEFT_OK)
        return status;
    l->opened = true;
    l->modality = wf_modality_of(&e->modalities, l->media.decoding.kind);
    if (l->modality == NULL) {
        l->ran = wf_fail_no_modality(&e->modalities, l->media.decoding.kind, &l->why);
        return WEFT_OK;
    }
    status = wf_relay_start(&l->relay, body, l, &l->failed);
    l->started = status == WEFT_OK;
    return status;
}

/* The parts' own failure says more than what came back through the segmenter. */
static weft_status outcome(const wf_long *l, weft_error *err)
{
    if (l->enough)
        return WEFT_OK;
    if (l->status != WEFT_OK) {
        *err = l->failed;
        return l->status;
    }
    return l->ran == WEFT_OK ? WEFT_OK : wf_media_fail(l->rq.path, &l->why, l->ran, err);
}

static weft_item_info info_of(const wf_media *m)
{
    return (weft_item_info){.hdr = WEFT_HDR(weft_item_info),
                            .kind = m->decoding.kind,
                            .decoder = wf_plugin_id(m->decoding.plugin),
                            .channels = m->info.channels,
                            .sample_rate = m->info.sample_rate,
                            .duration_us = m->info.duration_us,
                            .n_samples = m->info.n_samples};
}

/* The callback may add another: l has been taken out of the list. */
static void tell_end(wf_long *l)
{
    weft_error       err = WF_ERROR_INIT;
    weft_item_info   info;
    weft_long_result result = {
        .hdr = WEFT_HDR(weft_long_result), .status = outcome(l, &err), .error = &err};
    if (l->opened) {
        info = info_of(&l->media);
        result.info = &info;
    }
    wf_media_close(&l->media);
    if (l->on_done != NULL)
        l->on_done(l->rq.ctx, &result);
}

static void end(wf_long *l)
{
    wf_long **at = &l->of->longs;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->of->n_longs--;
    if (l->started)
        wf_relay_join(&l->relay);
    tell_end(l);
    wf_long_part_free(&l->part);
    weft_job_release(&l->job);
    wf_free(l);
}

/* To its next part, or its end; true: it has ended. */
static bool advance(wf_long *l)
{
    if (!l->opened) {
        l->status = start(l);
        if (!l->started)
            return true;
    } else if (l->status == WEFT_OK) {
        wf_long_part_tell(l);
    }
    wf_relay_resume(&l->relay);
    return l->relay.ended;
}

void wf_longs_advance(weft_scheduler *s)
{
    wf_long *next;
    for (wf_long *l = s->longs; l != NULL; l = next) {
        next = l->next;
        if (l->part.waits)
            continue;
        wf_mark before = wf_scope_enter(&s->e->scope, &l->job->mark);
        bool    ended = advance(l);
        wf_scope_end(&s->e->scope, &before);
        if (ended) {
            next = l->next; /* a callback may have added one */
            end(l);
        }
    }
}

void wf_longs_end(weft_scheduler *s)
{
    while (s->longs != NULL) {
        wf_long *l = s->longs;
        if (l->status == WEFT_OK)
            l->status = wf_fail(&l->failed, WEFT_E_CANCELLED, "cancelled");
        while (l->started && !l->relay.ended)
            wf_relay_resume(&l->relay);
        end(l);
    }
}
