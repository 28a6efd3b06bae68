/* SPDX-License-Identifier: Apache-2.0 */
/* What a scheduler is made of: jobs by age, and the step that is being put together. */
#ifndef WF_SCHEDULER_H
#define WF_SCHEDULER_H

#include "core/engine/engine.h"
#include "core/text/repeats.h"
#include "core/text/sampler.h"
#include "core/text/stream.h"

/* A request. It waits for admission, runs, may give up its pages and wait again, and is over when
 * its end is known; its caller is told of that (reaped) between steps only. */
struct weft_job {
    struct weft_job *next; /* younger */
    weft_scheduler  *of;
    uint64_t         serial; /* its age: counts up */
    wf_cancel        cancel;
    wf_mark          mark;
    weft_sequence   *s;
    int32_t (*on_token)(void *ctx, const weft_token *t);
    void (*on_done)(void *ctx, const weft_job_result *result);
    void            *ctx;
    wf_sampler      *sampler;
    weft_text_stream text;
    wf_repeats       repeats; /* least 0: nobody asks */
    weft_generation  g;
    int32_t          max_new, n_cached; /* n_cached: of the sequence before it was run here */
    int64_t          first_row;         /* n_done when it was admitted, for progress */
    double           since;             /* when prefill, then decoding, began; 0: not yet */
    bool             running;           /* admitted: it may take pages */
    bool             answers;           /* its prompt has been run */
    bool             enough;            /* the callback said so */
    bool             over;
    int32_t          n_best; /* likeliest tokens that it wants of a step; 0: all logits */
    wf_likeliest     picked; /* the token that was picked after the step that ran last */
    wf_best_tokens   tokens; /* of that step, where n_best is more than 1 */
    int32_t          refs;   /* the scheduler, and the caller */
    weft_status      status;
    weft_error       why;
};

typedef struct wf_long wf_long; /* a recording (long.h) */

struct weft_scheduler {
    weft_engine *e;
    weft_job    *jobs, *last; /* by age, the oldest first */
    int32_t      n_jobs, most_run;
    wf_long     *longs; /* whose parts become jobs */
    int32_t      n_longs;
    int64_t      rows;    /* of a step at most */
    uint64_t     serials; /* given out so far */
    bool         stepping, closing;

    /* The step that is being put together. */
    wf_step_part *parts;
    weft_job    **of_part;
    int32_t       n_parts, parts_cap;
    int64_t       room;             /* rows still free */
    uint64_t      decoded, chunked; /* serials of those that were served last in each turn */
    float        *logits;
    size_t        logits_cap;

    /* What is encoded beside this step and others: none, or items and, of each, the oldest job that
     * waits for it; all are held. */
    wf_item_batch encoding;
    weft_job     *encodes[WF_ENCODE_BATCH];
    wf_mark       encode_marks[WF_ENCODE_BATCH]; /* of these jobs, chained */

    uint64_t n_preempted, n_steps, n_rows;
};

/* job.c. One of the scheduler's that is in no list, with the mark of what begins now; for
 * weft_job_release. */
weft_status wf_job_create(weft_scheduler *s, weft_job **out, weft_error *err);
weft_job   *wf_job_hold(weft_job *job); /* one reference more */
/* It ends so: *why is copied (NULL: status is OK). The first end counts. */
void wf_job_end(weft_job *job, weft_status status, const weft_error *why);
/* Its part of the step has run and given what job->n_best says: job->picked is set, unless nothing
 * more is wanted. logits: host, its row where that is whole, else room for one. Nobody is called
 * back, so that the step's logits stay where they are. A failure ends the job. */
void wf_job_pick(weft_job *job, const wf_step_part *part, float *logits);
/* job->picked is told and appended, or the job ends. */
void wf_job_answer(weft_job *job);
/* Tells the callers of all that are over, or cancelled, and forgets those jobs. */
void wf_jobs_reap(weft_scheduler *s);

/* job_say.c. job->picked is told and appended; at a stop token, or where the answer repeats itself,
 * job->g.stopped is set. */
weft_status wf_job_say(weft_job *job, weft_error *err);
/* The answer was cut: what was held back is told, and half a character. */
weft_status wf_job_say_rest(weft_job *job, weft_error *err);

/* encodes.c. Where no encoder is at work one starts for what wf_schedule_encode gathers. It runs
 * beside this step, and beside as many more as it takes. */
void wf_encodes_begin(weft_scheduler *s);
/* What has come of it is taken up: it is waited for only where nothing else can go on, else it is
 * asked. */
void wf_encodes_look(weft_scheduler *s, bool others_go_on);
void wf_encodes_end(weft_scheduler *s); /* waits for it, if there is one */

/* schedule.c. Waiting jobs that pages are there for begin, in the order of their age. */
void wf_schedule_admit(weft_scheduler *s);
/* Chooses the rows of the step and takes the pages for them. NOMEM: no table for so many jobs. */
weft_status wf_schedule_rows(weft_scheduler *s, weft_error *err);
bool        wf_schedule_is_ready(const weft_job *job); /* it can run rows now */
/* Gathers in b, which is empty, what goes to an encoder next: items that the running jobs wait for,
 * from the oldest on, as far as they go together. jobs [WF_ENCODE_BATCH]: of each its job. */
void wf_schedule_encode(const weft_scheduler *s, wf_item_batch *b, weft_job **jobs);

#endif
