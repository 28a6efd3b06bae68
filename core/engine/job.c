/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a scheduler: how it comes, answers and ends. */
#include "core/engine/scheduler.h"

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/base/time.h"

static void drop(weft_job *job)
{
    if (job == NULL || --job->refs > 0)
        return;
    wf_sampler_destroy(&job->sampler);
    wf_text_out_free(&job->text.out);
    wf_repeats_free(&job->repeats);
    wf_free(job);
}

void weft_job_release(weft_job **job)
{
    drop(*job);
    *job = NULL;
}

void weft_job_cancel(weft_job *job)
{
    wf_cancel_now(&job->cancel);
}

static weft_status check_request(const weft_scheduler *s, const weft_job_request *rq,
                                 weft_error *err)
{
    if (rq->sequence == NULL || rq->sampling == NULL)
        return wf_fail(err, WEFT_E_INVALID, "the request lacks a sequence or its sampling");
    if (rq->sequence->of != &s->e->sequences)
        return wf_fail(err, WEFT_E_INVALID, "the sequence belongs to another engine");
    if (rq->sequence->busy)
        return wf_fail(err, WEFT_E_INVALID, "the sequence is another request's until that is done");
    if (rq->sequence->n == rq->sequence->n_done)
        return wf_fail(err, WEFT_E_STATE, "nothing was fed since the last generation");
    if (s->closing)
        return wf_fail(err, WEFT_E_STATE, "the scheduler is being destroyed");
    return WEFT_OK;
}

static void append(weft_scheduler *s, weft_job *job)
{
    job->serial = ++s->serials;
    if (s->last != NULL)
        s->last->next = job;
    else
        s->jobs = job;
    s->last = job;
    s->n_jobs++;
}

/* Of the call in progress, if there is one: a job that a callback adds ends with what called back.
 */
static wf_mark mark_of(weft_scheduler *s, weft_job *job)
{
    wf_mark outer = wf_scope_mark(&s->e->scope), now = wf_mark_take(&s->e->cancel, &job->cancel);
    if (outer.engine != NULL)
        now.engine_epoch = outer.engine_epoch;
    return now;
}

weft_status wf_job_create(weft_scheduler *s, weft_job **out, weft_error *err)
{
    weft_job *job = wf_zalloc(sizeof *job);
    *out = job;
    if (job == NULL)
        return wf_fail_nomem(err, sizeof *job, "a request");
    job->refs = 1;
    job->of = s;
    job->mark = mark_of(s, job);
    return WEFT_OK;
}

weft_job *wf_job_hold(weft_job *job)
{
    job->refs++;
    return job;
}

weft_status weft_scheduler_add(weft_scheduler *s, const weft_job_request *request, weft_job **out,
                               weft_error *err)
{
    WF_TAKE(weft_job_request, taken, request);
    WF_TAKE(weft_sampling, sampling, taken.sampling);
    const weft_job_request *rq = &taken;
    weft_status             status = check_request(s, rq, err);
    if (out != NULL)
        *out = NULL;
    if (status != WEFT_OK)
        return status;
    weft_job *job;
    if (sampling.repeat_stop < 0)
        return wf_fail(err, WEFT_E_INVALID, "--repeat-stop is %d and must be 0 or more",
                       sampling.repeat_stop);
    status = wf_job_create(s, &job, err);
    if (status == WEFT_OK)
        status = weft_sampler_create(rq->sequence, &sampling, &job->sampler, err);
    if (status != WEFT_OK) {
        drop(job);
        return status;
    }
    (void)wf_engine_text(s->e, NULL); /* without a tokenizer there is no text, and no stop token */
    job->s = rq->sequence;
    job->s->busy = 1;
    job->on_token = rq->on_token;
    job->on_done = rq->on_done;
    job->ctx = rq->ctx;
    job->text.text = &s->e->text;
    job->max_new = sampling.max_new_tokens;
    job->repeats.least = sampling.repeat_stop;
    job->n_best = wf_sampler_head(job->sampler, WF_BEST_MOST);
    job->n_cached = job->s->n_cached;
    job->g = (weft_generation){.hdr = WEFT_HDR(weft_generation), .n_prompt = (int32_t)job->s->n};
    job->why = (weft_error)WF_ERROR_INIT;
    append(s, job);
    if (out != NULL)
        *out = wf_job_hold(job);
    return WEFT_OK;
}

static bool is_full(const weft_job *job)
{
    return job->g.n_new >= job->max_new || job->s->n >= job->s->of->context;
}

/* From the likeliest tokens where they are enough. */
static bool pick_likely(weft_job *job)
{
    wf_logit list[WF_BEST_MOST];
    wf_head  head = {.best = list, .n = WF_BEST_MOST, .sum = job->tokens.sum};
    for (int32_t i = 0; i < WF_BEST_MOST; i++)
        list[i] = (wf_logit){job->tokens.best[i].x, job->tokens.best[i].id};
    return wf_sampler_pick_head(job->sampler, &head, job->s->n, &job->picked.id,
                                &job->picked.logprob);
}

void wf_job_pick(weft_job *job, const wf_step_part *part, float *logits)
{
    weft_error  err = WF_ERROR_INIT;
    weft_status status = WEFT_OK;
    if (part->likeliest != NULL || is_full(job))
        return;
    if (!wf_part_is_whole(part)) {
        if (pick_likely(job))
            return;
        status = wf_step_logits(&job->of->e->stepper, &job->tokens, logits, &err);
    }
    if (status == WEFT_OK)
        status = wf_sampler_pick(job->sampler, logits, job->s->n, &job->picked.id,
                                 &job->picked.logprob, &err);
    if (status != WEFT_OK)
        wf_job_end(job, status, &err);
}

/* The prompt's rows have run. */
static void begin_answer(weft_job *job)
{
    double now = wf_now_s();
    job->answers = true;
    job->g.n_cached = job->s->n_cached;
    job->g.prefill_s = now - job->since;
    job->since = now;
}

void wf_job_answer(weft_job *job)
{
    weft_error  err = WF_ERROR_INIT;
    weft_status status = WEFT_OK;
    bool        full = is_full(job);
    if (!job->answers)
        begin_answer(job);
    if (!full) {
        status = wf_job_say(job, &err);
        full = job->g.stopped || job->enough || job->g.n_new >= job->max_new;
    }
    if (status == WEFT_OK && full && !job->g.stopped)
        status = wf_job_say_rest(job, &err);
    if (status != WEFT_OK || full)
        wf_job_end(job, status, &err);
}

void wf_job_end(weft_job *job, weft_status status, const weft_error *why)
{
    if (job->over)
        return;
    job->over = true;
    job->status = status;
    if (status != WEFT_OK && why != NULL)
        job->why = *why;
    double *spent = job->answers ? &job->g.decode_s : &job->g.prefill_s;
    *spent = job->since > 0 ? wf_now_s() - job->since : 0;
    if (!job->answers)
        job->g.n_cached = job->s->n_cached;
}

static void unlink_job(weft_scheduler *s, weft_job *job)
{
    weft_job *before = NULL;
    for (weft_job *k = s->jobs; k != job; k = k->next)
        before = k;
    *(before != NULL ? &before->next : &s->jobs) = job->next;
    if (s->last == job)
        s->last = before;
    s->n_jobs--;
}

static void tell_end(weft_job *job)
{
    weft_job_result result = {.hdr = WEFT_HDR(weft_job_result),
                              .status = job->status,
                              .generation = &job->g,
                              .error = &job->why};
    job->s->busy = 0;
    job->s = NULL; /* the callback may destroy it */
    if (job->on_done != NULL)
        job->on_done(job->ctx, &result);
    drop(job);
}

/* The oldest that its caller must hear of. */
static weft_job *next_over(weft_scheduler *s)
{
    for (weft_job *job = s->jobs; job != NULL; job = job->next) {
        weft_error err = WF_ERROR_INIT;
        if (!job->over && wf_mark_check(&job->mark, &err) != WEFT_OK)
            wf_job_end(job, WEFT_E_CANCELLED, &err);
        if (job->over)
            return job;
    }
    return NULL;
}

void wf_jobs_reap(weft_scheduler *s)
{
    weft_job *job;
    while ((job = next_over(s)) != NULL) {
        unlink_job(s, job);
        tell_end(job);
    }
}
