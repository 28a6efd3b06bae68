/* SPDX-License-Identifier: Apache-2.0 */
/* Long and live media: a segmenter pushes parts, each becomes an item, a prompt and its answer.
 * Nothing is kept from one part to the next. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/base/time.h"
#include "core/engine/engine.h"
#include "core/media/fill.h"
#include "core/media/part.h"
#include "core/plugin/visit.h"
#include "core/text/prompt.h"

#define DEFAULT_PART_US ((int64_t)60000000)

typedef struct long_run {
    weft_engine             *e;
    const weft_long_request *rq;
    const weft_sampling     *sampling;
    wf_media                *media;
    wf_modality             *modality;
    wf_plugin               *segmenter; /* NULL: the recording is one part */
    char                    *text;      /* of the part in progress */
    int32_t                 *ids;
    uint64_t                 n_text, text_cap, n_ids, ids_cap;
    weft_error  failed; /* the sink's own failure: a segmenter may reword what it is given */
    weft_status status;
    int32_t     index, enough;
} long_run;

static weft_status grow(void **p, uint64_t *cap, uint64_t need, size_t each)
{
    if (need <= *cap)
        return WEFT_OK;
    uint64_t n = need * 2;
    void    *g = wf_realloc(*p, (size_t)n * each);
    if (g == NULL)
        return WEFT_E_NOMEM;
    *p = g;
    *cap = n;
    return WEFT_OK;
}

/* Collects a token; out of memory ends the generation, and the part then fails. */
static int32_t on_token(void *ctx, const weft_token *t)
{
    long_run   *r = ctx;
    weft_status status = grow((void **)&r->text, &r->text_cap, r->n_text + t->text_bytes + 1, 1);
    if (status == WEFT_OK)
        status = grow((void **)&r->ids, &r->ids_cap, r->n_ids + 1, sizeof *r->ids);
    if (status != WEFT_OK) {
        r->status = wf_fail_nomem(&r->failed, r->n_text, "a part's text");
        return 1;
    }
    memcpy(r->text + r->n_text, t->text, (size_t)t->text_bytes);
    r->n_text += t->text_bytes;
    if (!t->is_stop && t->id >= 0)
        r->ids[r->n_ids++] = t->id;
    return 0;
}

static weft_status answer(long_run *r, weft_item *item, weft_generation *g, weft_error *err)
{
    weft_sequence *s;
    weft_prompt    p = {WEFT_HDR(weft_prompt), r->rq->flags, 1,
                        r->rq->system,         r->rq->user,  0,
                        r->rq->task,           &item,        r->rq->language};
    weft_status    status = weft_sequence_create(r->e, &s, err);
    if (status != WEFT_OK)
        return status;
    status = weft_sequence_feed_prompt(s, &p, err);
    if (status == WEFT_OK)
        status = wf_generate(s, r->sampling, on_token, r, g, err);
    weft_sequence_destroy(&s);
    return status == WEFT_OK ? r->status : status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void tell(long_run *r, const weft_segment *seg, const weft_generation *g, double encode_s)
{
    weft_part_result out = {.hdr = WEFT_HDR(weft_part_result),
                            .index = r->index++,
                            .silent = seg->silent != 0,
                            .start_us = seg->start_us,
                            .end_us = seg->end_us,
                            .text = "",
                            .ids = r->ids,
                            .n_ids = r->n_ids,
                            .temperature = r->sampling->temperature,
                            .encode_s = encode_s,
                            .prefill_s = g->prefill_s,
                            .decode_s = g->decode_s};
    uint64_t         first = 0, last = r->n_text;
    while (first < last && is_blank(r->text[first]))
        first++;
    while (last > first && is_blank(r->text[last - 1]))
        last--;
    if (last > first)
        out.text = r->text + first;
    out.text_bytes = last - first;
    if (r->n_ids > 0)
        out.avg_logprob = (float)(g->sum_logprob / (double)(r->n_ids + 1));
    r->enough = r->rq->on_part != NULL && r->rq->on_part(r->rq->ctx, &out) != 0;
}

static weft_status do_part(long_run *r, const weft_segment *seg, weft_error *err)
{
    weft_request    none = {WEFT_HDR(weft_request), -1, -1, -1, 0};
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_item      *item = NULL;
    const char     *file = wf_media_name(r->rq->path), *kind = r->media->decoding.kind;
    bool            validate = r->e->media.validate != 0;
    double          encode_s = 0;
    weft_status     status = WEFT_OK;
    wf_part         part = {.pub = r->media->pub};
    r->n_text = r->n_ids = 0;
    if (!seg->silent) {
        if (r->segmenter != NULL)
            status = wf_part_open(r->segmenter, file, kind, seg->media, validate, &part, err);
        if (status == WEFT_OK)
            status = wf_item_from_media(&r->e->items, r->modality, &part.pub, file, &none,
                                        &r->media->limits, true, &item, err);
        if (status == WEFT_OK) {
            wf_item_settle(&item);
            status = wf_item_encode(item, NULL, err);
            encode_s = status == WEFT_OK ? item->encode_s : 0;
        }
        if (status == WEFT_OK)
            status = answer(r, item, &g, err);
        weft_item_release(&item);
    }
    if (status == WEFT_OK)
        tell(r, seg, &g, encode_s);
    return status;
}

static weft_status take_part(long_run *r, const weft_segment *seg, weft_error *err)
{
    if (r->status == WEFT_OK)
        r->status = wf_scope_check(&r->e->scope, &r->failed);
    if (r->status == WEFT_OK)
        r->status = do_part(r, seg, &r->failed);
    if (r->rq->on_time != NULL && r->status == WEFT_OK)
        r->rq->on_time(r->rq->ctx, seg->end_us,
                       r->media->info.duration_us > 0 ? r->media->info.duration_us : -1);
    if (r->status == WEFT_OK && r->enough)
        return wf_fail(err, WEFT_E_CANCELLED, "the caller has enough");
    return r->status == WEFT_OK ? WEFT_OK : wf_fail(err, r->status, "%s", r->failed.message);
}

/* Generating takes long, and is not the segmenter's doing. */
static weft_status push(void *ctx, const weft_segment *seg, weft_error *err)
{
    if (!WEFT_HAS(seg, weft_segment, media) || (!seg->silent && seg->media == NULL))
        return wf_fill_refuse("push", "a segment without media", err);
    wf_running *segmenter = wf_visit_pause();
    weft_status status = take_part(ctx, seg, err);
    wf_visit_resume(segmenter);
    return status;
}

static const weft_segmenter *segmenter_of(weft_engine *e, const char *kind, wf_plugin **owner)
{
    const weft_segmenter *s;
    for (size_t i = 0; (s = wf_registry_component(e->registry, WEFT_C_SEGMENTER, i, owner)) != NULL;
         i++)
        if (wf_has_kind(s->kinds, kind))
            return s;
    return NULL;
}

/* How long a part may be: as asked, which the model must be able to take, else as long as it takes.
 */
static weft_status part_limit(const long_run *r, int64_t *max_us, weft_error *err)
{
    int64_t most = wf_modality_longest_us(r->modality);
    *max_us = r->rq->max_us > 0 ? r->rq->max_us : most < DEFAULT_PART_US ? most : DEFAULT_PART_US;
    if (*max_us <= most)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID,
                   "parts of %g s were asked for, and this model takes at most %g s at once",
                   (double)*max_us / 1e6, (double)most / 1e6);
}

/* Without a segmenter the recording is one part. */
static weft_status run_parts(long_run *r, weft_error *err)
{
    wf_plugin            *owner;
    const weft_segmenter *s = segmenter_of(r->e, r->media->decoding.kind, &owner);
    weft_segment_sink     sink = {WEFT_HDR(weft_segment_sink), r, push};
    int64_t               max_us;
    if (s == NULL) {
        weft_segment all = {WEFT_HDR(weft_segment), 0, r->media->info.duration_us, 0, 0,
                            &r->media->pub};
        return push(r, &all, err);
    }
    r->status = part_limit(r, &max_us, &r->failed); /* the caller's mistake, not the recording's */
    if (r->status != WEFT_OK)
        return r->status;
    r->segmenter = owner;
    wf_visit v;
    wf_visit_begin(&v, owner, "run", wf_media_name(r->rq->path), 0);
    weft_status status = s->run(wf_plugin_host(owner), &r->media->pub, max_us, &sink, &v.why);
    return wf_visit_end(&v, status, err);
}

/* The parts' own failure says more than what came back through the segmenter. */
static weft_status outcome(const long_run *r, weft_status status, const weft_error *why,
                           weft_error *err)
{
    if (r->enough)
        return WEFT_OK;
    if (r->status != WEFT_OK) {
        wf_fail_stage(err, wf_fail(err, r->status, "%s", r->failed.message), r->failed.stage);
        return r->status;
    }
    return status == WEFT_OK ? status : wf_media_fail(r->rq->path, why, status, err);
}

static weft_status run_long(weft_engine *e, const weft_long_request *rq, const weft_sampling *p,
                            weft_item_info *info, weft_error *err)
{
    wf_media    m;
    weft_error  why = WF_ERROR_INIT;
    long_run    r = {.e = e, .rq = rq, .sampling = p, .media = &m, .failed = WF_ERROR_INIT};
    weft_status status = wf_registry_load_kind(e->registry, WEFT_C_SEGMENTER, err);
    if (status != WEFT_OK)
        return status;
    status = wf_media_open(&e->media, rq->path, rq->kind, &m, err);
    if (status == WEFT_OK) {
        r.modality = wf_modality_of(&e->modalities, m.decoding.kind);
        if (r.modality == NULL)
            status = wf_fail_no_modality(&e->modalities, m.decoding.kind, &why);
        else
            status = run_parts(&r, &why);
        status = outcome(&r, status, &why, err);
        const weft_item_info whole = {.hdr = WEFT_HDR(weft_item_info),
                                      .kind = m.decoding.kind,
                                      .decoder = wf_plugin_id(m.decoding.plugin),
                                      .channels = m.info.channels,
                                      .sample_rate = m.info.sample_rate,
                                      .duration_us = m.info.duration_us,
                                      .n_samples = m.info.n_samples};
        wf_give_sized(info, &whole, sizeof whole);
    }
    wf_media_close(&m);
    wf_free(r.text);
    wf_free(r.ids);
    return status;
}

weft_status weft_run_long(weft_engine *e, const weft_long_request *rq, const weft_sampling *p,
                          weft_item_info *info, weft_error *err)
{
    wf_mark before = wf_scope_begin(&e->scope);
    WF_TAKE(weft_long_request, taken, rq);
    weft_status status = run_long(e, &taken, p, info, err);
    wf_scope_end(&e->scope, &before);
    return status;
}
