/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: steps over many requests, each with a status of its own. */
#include "core/engine/long.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/base/sized.h"

#define MOST_RUN 256

weft_status weft_scheduler_create(weft_engine *e, const weft_scheduler_options *options,
                                  weft_scheduler **out, weft_error *err)
{
    int32_t rows = WEFT_HAS(options, weft_scheduler_options, rows) ? options->rows : 0;
    int32_t most = WEFT_HAS(options, weft_scheduler_options, most_run) ? options->most_run : 0;
    *out = NULL;
    if (e->model == NULL)
        return wf_fail(err, WEFT_E_STATE, "the engine was opened without weights");
    if (rows < 0 || most < 0)
        return wf_fail(err, WEFT_E_INVALID, "a scheduler of %d rows and %d requests", rows, most);
    weft_scheduler *s = wf_zalloc(sizeof *s);
    if (s == NULL)
        return wf_fail_nomem(err, sizeof *s, "a scheduler");
    s->e = e;
    s->rows = rows > 0 && rows < e->prefill_chunk ? rows : e->prefill_chunk;
    s->most_run = most > 0 ? most : MOST_RUN;
    *out = s;
    return WEFT_OK;
}

/* How far the prompts have come that are being run. */
static void tell_progress(const weft_scheduler *s)
{
    uint64_t done = 0, total = 0;
    for (const weft_job *job = s->jobs; job != NULL; job = job->next) {
        if (job->answers || !wf_schedule_is_ready(job))
            continue;
        done += (uint64_t)(job->s->n_done - job->first_row);
        total += (uint64_t)(job->s->n - job->first_row);
    }
    if (total > 0)
        wf_progress_tell(&s->e->progress, "prefill", done, total, "tokens");
}

void weft_scheduler_destroy(weft_scheduler **scheduler)
{
    weft_scheduler *s = *scheduler;
    weft_error      err = WF_ERROR_INIT;
    if (s == NULL)
        return;
    s->closing = true;
    wf_fail(&err, WEFT_E_CANCELLED, "cancelled: the scheduler is gone");
    for (weft_job *job = s->jobs; job != NULL; job = job->next)
        wf_job_end(job, WEFT_E_CANCELLED, &err);
    wf_encodes_end(s);
    wf_jobs_reap(s);
    wf_longs_end(s);
    wf_free(s->parts);
    wf_free(s->of_part);
    wf_free_aligned(s->logits);
    wf_free(s);
    *scheduler = NULL;
}

static weft_status reserve_logits(weft_scheduler *s, weft_error *err)
{
    size_t n = 1, vocab = (size_t)s->e->config.vocab;
    for (int32_t i = 0; i < s->n_parts; i++)
        n += s->parts[i].likeliest == NULL ? (size_t)s->parts[i].n_out * vocab : 0;
    if (n <= s->logits_cap)
        return WEFT_OK;
    wf_free_aligned(s->logits);
    s->logits_cap = 0;
    if ((s->logits = wf_alloc_aligned(n * sizeof *s->logits)) == NULL)
        return wf_fail_nomem(err, n * sizeof *s->logits, "logits");
    s->logits_cap = n;
    return WEFT_OK;
}

/* The rows that were chosen, with an encoder beside them. */
static weft_status run(weft_scheduler *s, weft_error *err)
{
    weft_status status = reserve_logits(s, err);
    if (status == WEFT_OK)
        status = wf_step_run(&s->e->stepper, s->parts, s->n_parts, s->logits, NULL, err);
    for (int32_t i = 0; i < s->n_parts; i++) {
        if (status != WEFT_OK)
            wf_sequence_trim(s->parts[i].seq);
        else
            s->n_rows += (uint64_t)s->parts[i].n_rows;
    }
    return status;
}

/* What came of each part: tokens are picked for all of them before anybody is told of his. */
static void deal(weft_scheduler *s)
{
    size_t vocab = (size_t)s->e->config.vocab;
    for (int32_t i = 0; i < s->n_parts; i++) {
        const wf_step_part *p = &s->parts[i];
        /* The last row that was reserved is nobody's while some part has not come back whole. */
        size_t at = wf_part_is_whole(p) ? (size_t)p->first_out * vocab : s->logits_cap - vocab;
        if (p->status != WEFT_OK)
            wf_job_end(s->of_part[i], p->status, &p->why);
        else if (p->n_out > 0)
            wf_job_pick(s->of_part[i], p, s->logits + at);
    }
    for (int32_t i = 0; i < s->n_parts; i++)
        if (s->parts[i].n_out > 0 && !s->of_part[i]->over)
            wf_job_answer(s->of_part[i]);
}

static weft_status step(weft_scheduler *s, weft_error *err)
{
    wf_encodes_look(s, true);
    wf_jobs_reap(s);
    wf_longs_advance(s);
    wf_schedule_admit(s);
    tell_progress(s);
    wf_jobs_reap(s); /* whoever listens may have cancelled */
    weft_status status = wf_schedule_rows(s, err);
    if (status != WEFT_OK)
        return status;
    wf_encodes_begin(s);
    if (s->n_parts > 0)
        status = run(s, err);
    wf_encodes_look(s, s->n_parts > 0);
    if (status == WEFT_OK)
        deal(s);
    s->n_steps++;
    wf_jobs_reap(s);
    if (s->n_jobs + s->n_longs == 0)
        wf_encodes_end(s); /* nothing is left at work where nobody is left */
    return status;
}

weft_status weft_scheduler_step(weft_scheduler *s, int32_t *left, weft_error *err)
{
    if (s->stepping)
        return wf_fail(err, WEFT_E_STATE, "a step was called for within a step");
    s->stepping = true;
    wf_mark     before = wf_scope_begin(&s->e->scope);
    weft_status status = step(s, err);
    wf_scope_end(&s->e->scope, &before);
    s->stepping = false;
    if (left != NULL)
        *left = s->n_jobs + s->n_longs;
    return status;
}

weft_status weft_scheduler_describe(const weft_scheduler *s, weft_scheduler_info *out,
                                    weft_error *err)
{
    const wf_kv_pool   *pool = &s->e->kv.pool;
    weft_scheduler_info i = {.hdr = WEFT_HDR(weft_scheduler_info),
                             .preempted = s->n_preempted,
                             .steps = s->n_steps,
                             .rows = s->n_rows,
                             .pages = (uint64_t)pool->n_used,
                             .limit = (uint64_t)pool->max_pages,
                             .page_bytes = (uint64_t)pool->page_bytes};
    if (out == NULL || out->hdr.size <= sizeof out->hdr)
        return wf_fail(err, WEFT_E_INVALID, "weft_scheduler_info.hdr.size is not set");
    for (const weft_job *job = s->jobs; job != NULL; job = job->next)
        *(job->running ? &i.running : &i.waiting) += 1;
    wf_give_sized(out, &i, sizeof i);
    return WEFT_OK;
}
