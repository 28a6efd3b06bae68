/* SPDX-License-Identifier: Apache-2.0 */
/* What a request tells its caller of its answer: each token with its characters, once nothing can
 * take it back. */
#include "core/engine/scheduler.h"

static void tell(weft_job *job, const weft_token *t)
{
    if (job->on_token != NULL && job->on_token(job->ctx, t) != 0)
        job->enough = true;
}

/* The token's characters, or at a stop those that still waited. */
static weft_status say(weft_job *job, int32_t id, float logprob, weft_error *err)
{
    weft_token  t = {.hdr = WEFT_HDR(weft_token),
                     .id = id,
                     .is_stop = job->g.stopped,
                     .text = "",
                     .logprob = logprob};
    weft_status status = t.is_stop
                             ? weft_text_stream_flush(&job->text, &t.text, &t.text_bytes, err)
                             : weft_text_stream_push(&job->text, id, &t.text, &t.text_bytes, err);
    if (status == WEFT_OK)
        tell(job, &t);
    return status;
}

/* Nothing of a half character is lost where no stop token ends the answer. */
static weft_status say_rest(weft_job *job, weft_error *err)
{
    weft_token  t = {.hdr = WEFT_HDR(weft_token), .id = -1};
    weft_status status = weft_text_stream_flush(&job->text, &t.text, &t.text_bytes, err);
    if (status == WEFT_OK && t.text_bytes > 0)
        tell(job, &t);
    return status;
}

/* Tells the tokens that were held back, but for the last ones. */
static weft_status say_held(weft_job *job, int32_t but, weft_error *err)
{
    wf_repeats *r = &job->repeats;
    weft_status status = WEFT_OK;
    while (status == WEFT_OK && !job->enough && r->n_said < r->n - but) {
        int32_t i = r->n_said++;
        status = say(job, r->ids[i], r->logprob[i], err);
    }
    return status;
}

/* The answer is without what was held back. */
static weft_status drop_held(weft_job *job, weft_error *err)
{
    wf_repeats *r = &job->repeats;
    int32_t     n = r->n - r->n_said;
    for (int32_t i = r->n_said; i < r->n; i++)
        job->g.sum_logprob -= (double)r->logprob[i];
    r->n = r->n_said;
    job->g.n_new -= n;
    return weft_sequence_truncate(job->s, job->s->n - n, err);
}

/* The token that was appended last: it is told unless it may be a part of a repeat, and where it
 * makes one the answer ends before that. */
static weft_status look_for_repeat(weft_job *job, int32_t id, float logprob, weft_error *err)
{
    int32_t     held;
    weft_status status = wf_repeats_add(&job->repeats, id, logprob, &held, err);
    if (status == WEFT_OK)
        status = say_held(job, held, err);
    bool repeats = held == job->repeats.least;
    if (status == WEFT_OK && (repeats || job->enough))
        status = drop_held(job, err);
    if (status == WEFT_OK && repeats && !job->enough) {
        status = say_rest(job, err);
        job->g.stopped = 1;
    }
    return status;
}

weft_status wf_job_say(weft_job *job, weft_error *err)
{
    int32_t     id = job->picked.id;
    float       logprob = job->picked.logprob;
    bool        stops = wf_text_is_stop(&job->of->e->text, id), asks = job->repeats.least > 0;
    weft_status status = stops ? say_held(job, 0, err) : WEFT_OK;
    job->g.stopped = stops;
    job->g.sum_logprob += (double)logprob;
    if (status == WEFT_OK && (stops || !asks))
        status = say(job, id, logprob, err);
    if (status != WEFT_OK || stops)
        return status;
    wf_sampler_accept(job->sampler, id);
    status = weft_sequence_feed_ids(job->s, &id, 1, err);
    job->g.n_new++;
    return status == WEFT_OK && asks ? look_for_repeat(job, id, logprob, err) : status;
}

weft_status wf_job_say_rest(weft_job *job, weft_error *err)
{
    weft_status status = say_held(job, 0, err);
    return status == WEFT_OK ? say_rest(job, err) : status;
}
