/* SPDX-License-Identifier: Apache-2.0 */
/* One part of a recording: its item, its prompt, its answer. Nothing is kept from one to the next.
 */
#include "core/engine/long.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/media/part.h"
#include "core/media/source.h"

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

/* Collects a token; out of memory ends the answer, and the part then fails. */
static int32_t on_token(void *ctx, const weft_token *t)
{
    wf_long      *l = ctx;
    wf_long_part *p = &l->part;
    weft_status   status = grow((void **)&p->text, &p->text_cap, p->n_text + t->text_bytes + 1, 1);
    if (status == WEFT_OK)
        status = grow((void **)&p->ids, &p->ids_cap, p->n_ids + 1, sizeof *p->ids);
    if (status != WEFT_OK) {
        l->status = wf_fail_nomem(&l->failed, p->n_text, "a part's text");
        return 1;
    }
    memcpy(p->text + p->n_text, t->text, (size_t)t->text_bytes);
    p->n_text += t->text_bytes;
    if (!t->is_stop && t->id >= 0)
        p->ids[p->n_ids++] = t->id;
    return 0;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    wf_long *l = ctx;
    l->part.g = *result->generation;
    l->part.encode_s = l->part.item->encode_s;
    l->part.waits = false;
    if (result->status != WEFT_OK && l->status == WEFT_OK) {
        l->status = result->status;
        l->failed = *result->error;
    }
    weft_sequence_destroy(&l->part.s);
    weft_item_release(&l->part.item);
}

/* The request of a part is cancelled with the recording. */
static weft_status ask(wf_long *l, weft_error *err)
{
    weft_job   *job;
    weft_prompt p = {
        WEFT_HDR(weft_prompt), l->rq.flags,   1, l->rq.system, l->rq.user, 0, l->rq.task,
        &l->part.item,         l->rq.language};
    weft_job_request rq = {WEFT_HDR(weft_job_request), NULL, &l->sampling, on_token, on_done, l};
    weft_status      status = weft_sequence_create(l->of->e, &l->part.s, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(l->part.s, &p, err);
    rq.sequence = l->part.s;
    if (status == WEFT_OK)
        status = weft_scheduler_add(l->of, &rq, &job, err);
    if (status != WEFT_OK)
        return status;
    job->mark = l->job->mark;
    weft_job_release(&job);
    l->part.waits = true;
    return WEFT_OK;
}

/* The item of a part: of the samples that the segmenter gave, or of the whole recording. */
static weft_status open_item(wf_long *l, const weft_segment *seg, weft_error *err)
{
    weft_request none = {WEFT_HDR(weft_request), -1, -1, -1, 0};
    weft_engine *e = l->of->e;
    const char  *file = wf_media_name(l->rq.path), *kind = l->media.decoding.kind;
    wf_part      part = {.pub = l->media.pub};
    weft_status  status = WEFT_OK;
    if (l->segmenter != NULL)
        status =
            wf_part_open(l->segmenter, file, kind, seg->media, e->media.validate != 0, &part, err);
    if (status != WEFT_OK)
        return status;
    return wf_item_from_media(&e->items, l->modality, &part.pub, file, &none, &l->media.limits,
                              true, &l->part.item, err);
}

/* Of a segmenter that says it, within the part. */
static void take_times(wf_long_part *p, const weft_segment *seg)
{
    p->start_us = p->speech_start_us = seg->start_us;
    p->end_us = p->speech_end_us = seg->end_us;
    if (WEFT_HAS(seg, weft_segment, speech_end_us) && seg->speech_start_us >= seg->start_us &&
        seg->speech_end_us > seg->speech_start_us && seg->speech_end_us <= seg->end_us) {
        p->speech_start_us = seg->speech_start_us;
        p->speech_end_us = seg->speech_end_us;
    }
}

weft_status wf_long_part_begin(wf_long *l, const weft_segment *seg, weft_error *err)
{
    wf_long_part *p = &l->part;
    p->n_text = p->n_ids = 0;
    p->g = (weft_generation){.hdr = WEFT_HDR(weft_generation)};
    p->encode_s = 0;
    p->silent = seg->silent != 0;
    p->told = false;
    p->past = seg->start_us < l->rq.from_us;
    take_times(p, seg);
    if (p->past && p->end_us > l->rq.from_us)
        return wf_fail(
            err, WEFT_E_INVALID,
            "%s: to go on at %g s no part may reach across it, and one is cut from %g to "
            "%g s: the recording or the options were others",
            wf_media_name(l->rq.path), (double)l->rq.from_us / 1e6, (double)p->start_us / 1e6,
            (double)p->end_us / 1e6);
    if (p->silent || p->past)
        return WEFT_OK;
    weft_status status = open_item(l, seg, err);
    if (status != WEFT_OK)
        return status;
    wf_item_settle(&p->item);
    status = ask(l, err);
    if (status == WEFT_OK)
        return WEFT_OK;
    weft_sequence_destroy(&p->s);
    weft_item_release(&p->item);
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void tell_time(const wf_long *l)
{
    if (l->rq.on_time != NULL)
        l->rq.on_time(l->rq.ctx, l->part.end_us,
                      l->media.info.duration_us > 0 ? l->media.info.duration_us : -1);
}

void wf_long_part_tell(wf_long *l)
{
    wf_long_part    *p = &l->part;
    weft_part_result out = {.hdr = WEFT_HDR(weft_part_result),
                            .index = l->index++,
                            .silent = p->silent,
                            .start_us = p->start_us,
                            .end_us = p->end_us,
                            .text = "",
                            .ids = p->ids,
                            .n_ids = p->n_ids,
                            .temperature = l->sampling.temperature,
                            .encode_s = p->encode_s,
                            .prefill_s = p->g.prefill_s,
                            .decode_s = p->g.decode_s,
                            .stopped = p->g.stopped,
                            .speech_start_us = p->speech_start_us,
                            .speech_end_us = p->speech_end_us};
    uint64_t         first = 0, last = p->n_text;
    while (first < last && is_blank(p->text[first]))
        first++;
    while (last > first && is_blank(p->text[last - 1]))
        last--;
    if (last > first)
        out.text = p->text + first;
    out.text_bytes = last - first;
    if (p->n_ids > 0)
        out.avg_logprob = (float)(p->g.sum_logprob / (double)(p->n_ids + 1));
    p->told = true;
    l->enough = !p->past && l->rq.on_part != NULL && l->rq.on_part(l->rq.ctx, &out) != 0;
    tell_time(l);
}

void wf_long_part_free(wf_long_part *p)
{
    wf_free(p->text);
    wf_free(p->ids);
    memset(p, 0, sizeof *p);
}
