/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of a scheduler, for scenes with encodes that are under way. */
#ifndef TEST_JOBS_H
#define TEST_JOBS_H

#include "under_way.h"

typedef struct heard {
    told        t;
    int32_t     ended, waits_then; /* waits_then: for encoders, at its last token */
    weft_status status;
    weft_error  why; /* where it is not OK */
} heard;

static inline int32_t on_token(void *ctx, const weft_token *t)
{
    heard *h = ctx;
    h->waits_then = the_spy.encoder_waits;
    return take(&h->t, t);
}

static inline void on_done(void *ctx, const weft_job_result *result)
{
    heard *h = ctx;
    h->ended++;
    h->status = result->status;
    if (result->status != WEFT_OK)
        h->why = *result->error;
}

static inline weft_scheduler *scheduler(rig *r)
{
    weft_error      err = WF_ERROR_INIT;
    weft_scheduler *s;
    rig_check(weft_scheduler_create(r->e, NULL, &s, &err), &err);
    return s;
}

static inline weft_job *add(weft_scheduler *s, weft_sequence *seq, int32_t n, heard *h)
{
    weft_error       err = WF_ERROR_INIT;
    weft_sampling    p = greedy(n);
    weft_job        *job;
    weft_job_request rq = {WEFT_HDR(weft_job_request), seq, &p, on_token, on_done, h};
    rig_check(weft_scheduler_add(s, &rq, &job, &err), &err);
    return job;
}

static inline int32_t step(weft_scheduler *s)
{
    weft_error err = WF_ERROR_INIT;
    int32_t    left;
    rig_check(weft_scheduler_step(s, &left, &err), &err);
    return left;
}

static inline weft_sequence *with_item(rig *r, weft_item *item)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s = rig_sequence(r, (const int32_t[]){12, 0});
    rig_check(weft_sequence_feed_item(s, item, &err), &err);
    return s;
}

/* What four tokens after the item are, alone. */
static inline void alone(rig *r, weft_item *item, told *want)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sampling  p = greedy(4);
    weft_sequence *s = with_item(r, item);
    *want = (told){.n = 0};
    s->no_cache = 1;
    rig_check(weft_generate(s, &p, take, want, NULL, &err), &err);
    weft_sequence_destroy(&s);
}

#endif
