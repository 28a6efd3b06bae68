/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs in a step, and with how many rows; who gets pages, and who gives them up. */
#include "core/engine/scheduler.h"

#include "core/base/mem.h"
#include "core/base/time.h"

/* The share of a step that prompts get however many answers are under way: one in so many rows. */
#define PROMPT_SHARE 8

/* ---- admission ---- */

/* Pages that the job will take beyond those it has, to its next token. */
static int64_t growth(const weft_job *job)
{
    const weft_sequence *s = job->s;
    int64_t              end = s->n < s->of->context ? s->n + 1 : s->n;
    int64_t              pages = wf_sequence_blocks_needed(s, end) * s->of->blocks->run;
    for (int32_t i = 0; i < s->n_items; i++)
        pages += wf_item_pages_needed(s->items[i].item);
    return pages;
}

static bool runs(const weft_job *job)
{
    return job->running && !job->over;
}

/* Gives back what is beyond its first n_done tokens. */
static void give_back(weft_job *job, int64_t n_done, int32_t n_cached)
{
    wf_sequence_yield(job->s, n_done);
    job->s->n_cached = n_cached;
}

/* Whether the pages last for the job beside all that run. What others have computed already is
 * taken first, for it costs nothing. */
static bool fits(const weft_scheduler *s, weft_job *job)
{
    int64_t promised = 0, n_done = job->s->n_done;
    int32_t n_cached = job->s->n_cached;
    for (const weft_job *k = s->jobs; k != NULL; k = k->next)
        promised += runs(k) ? growth(k) : 0;
    wf_sequence_reuse(job->s);
    if (promised + growth(job) <= wf_kv_spare(&s->e->kv))
        return true;
    give_back(job, n_done, n_cached);
    return false;
}

static void start(weft_job *job)
{
    job->running = true;
    wf_sequence_reuse(job->s);
    job->first_row = job->s->n_done;
    if (job->since <= 0)
        job->since = wf_now_s();
}

/* Nobody overtakes: one that waits for much room gets it once those before it are done. */
void wf_schedule_admit(weft_scheduler *s)
{
    int32_t n = 0;
    for (const weft_job *job = s->jobs; job != NULL; job = job->next)
        n += runs(job);
    for (weft_job *job = s->jobs; job != NULL; job = job->next) {
        if (job->running || job->over)
            continue;
        if (n > 0 && (n >= s->most_run || !fits(s, job)))
            return;
        start(job);
        n++;
    }
}

/* ---- items ---- */

static bool waits_for_items(const weft_job *job)
{
    for (int32_t i = 0; i < job->s->n_items; i++)
        if (!job->s->items[i].item->encoded)
            return true;
    return false;
}

void wf_schedule_encode(const weft_scheduler *s, wf_item_batch *b, weft_job **jobs)
{
    for (weft_job *job = s->jobs; job != NULL; job = job->next)
        for (int32_t i = 0; runs(job) && i < job->s->n_items; i++)
            if (wf_item_batch_add(b, job->s->items[i].item))
                jobs[b->n - 1] = job;
}

/* ---- pages ---- */

static void remove_part(weft_scheduler *s, const weft_job *job)
{
    for (int32_t i = 0; i < s->n_parts; i++) {
        if (s->of_part[i] != job)
            continue;
        s->room += s->parts[i].n_rows;
        s->n_parts--;
        for (; i < s->n_parts; i++) {
            s->parts[i] = s->parts[i + 1];
            s->of_part[i] = s->of_part[i + 1];
        }
    }
}

/* The job waits again, without pages; its text and its sampler stay as they are. */
static void preempt(weft_scheduler *s, weft_job *job)
{
    remove_part(s, job);
    give_back(job, 0, job->n_cached);
    job->running = false;
    s->n_preempted++;
}

/* The youngest that is younger than `than` (0: than nobody, all count) and holds blocks. */
static weft_job *youngest(const weft_scheduler *s, const weft_job *but, uint64_t than)
{
    weft_job *found = NULL;
    for (weft_job *job = s->jobs; job != NULL; job = job->next)
        if (job != but && job->serial > than && job->s->n_blocks > 0)
            found = job;
    return found;
}

/* What the parts so far and the job use is kept. */
static void protect(weft_scheduler *s, const weft_job *job)
{
    uint64_t now = wf_kv_tick(&s->e->kv);
    for (int32_t i = 0; i < s->n_parts; i++)
        wf_sequence_use(s->parts[i].seq, now);
    wf_sequence_use(job->s, now);
}

/* Pages for the job's next rows, at the cost of younger ones; where only older ones have any, it is
 * the job itself that waits. false: it takes no part. */
static bool take_pages(weft_scheduler *s, weft_job *job, int64_t rows)
{
    for (;;) {
        weft_error err = WF_ERROR_INIT;
        protect(s, job);
        weft_status status = wf_step_prepare(job->s, rows, &err);
        if (status == WEFT_OK)
            return true;
        wf_sequence_trim(job->s);
        weft_job *victim = status == WEFT_E_LIMIT ? youngest(s, job, job->serial) : NULL;
        if (victim != NULL && !victim->over) {
            preempt(s, victim);
        } else if (status == WEFT_E_LIMIT && youngest(s, job, 0) != NULL) {
            preempt(s, job);
            return false;
        } else {
            wf_job_end(job, status, &err);
            return false;
        }
    }
}

/* ---- rows ---- */

static int64_t rows_left(const weft_job *job)
{
    return job->s->n - job->s->n_done;
}

bool wf_schedule_is_ready(const weft_job *job)
{
    return runs(job) && !waits_for_items(job);
}

/* A job that can run rows now: of a prompt, or one of its answer. */
static bool is_ready(const weft_job *job, bool prompt)
{
    return wf_schedule_is_ready(job) && (rows_left(job) > 1) == prompt;
}

static int32_t count_ready(const weft_scheduler *s, bool prompt)
{
    int32_t n = 0;
    for (const weft_job *job = s->jobs; job != NULL; job = job->next)
        n += is_ready(job, prompt);
    return n;
}

static void take_rows(weft_scheduler *s, weft_job *job, int64_t rows)
{
    int64_t left = rows_left(job);
    if (rows > left)
        rows = left;
    if (!take_pages(s, job, rows))
        return;
    s->of_part[s->n_parts] = job;
    s->parts[s->n_parts++] = (wf_step_part){.seq = job->s,
                                            .n_rows = rows,
                                            .n_out = rows == left ? 1 : 0,
                                            .likeliest = job->n_best == 1 ? &job->picked : NULL,
                                            .tokens = job->n_best > 1 ? &job->tokens : NULL};
    s->room -= rows;
}

/* Serves jobs of one kind with at most `each` rows, beginning after the one that was served last,
 * until only `keep` rows of the step are left. */
static void serve(weft_scheduler *s, bool prompt, int64_t each, int64_t keep, uint64_t *served)
{
    uint64_t from = *served;
    for (int32_t lap = 0; lap < 2; lap++)
        for (weft_job *job = s->jobs; job != NULL && s->room > keep; job = job->next) {
            if ((job->serial > from) != (lap == 0) || !is_ready(job, prompt))
                continue;
            take_rows(s, job, each < s->room - keep ? each : s->room - keep);
            *served = job->serial;
        }
}

/* The most rows that every prompt can have when all have as many: short ones leave theirs to the
 * others. At least 1. */
static int64_t fair_share(const weft_scheduler *s)
{
    int64_t low = 1, high = s->room;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2, sum = 0;
        for (const weft_job *job = s->jobs; job != NULL; job = job->next)
            if (is_ready(job, true))
                sum += rows_left(job) < middle ? rows_left(job) : middle;
        if (sum <= s->room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Rows that answers leave to prompts; a step of one row serves both in turn. */
static int64_t kept_for_prompts(const weft_scheduler *s)
{
    if (count_ready(s, true) == 0)
        return 0;
    if (s->rows == 1)
        return (int64_t)(s->n_steps & 1);
    return s->rows > PROMPT_SHARE ? s->rows / PROMPT_SHARE : 1;
}

static weft_status reserve_parts(weft_scheduler *s, weft_error *err)
{
    if (s->n_jobs <= s->parts_cap)
        return WEFT_OK;
    int32_t       cap = s->n_jobs * 2;
    wf_step_part *parts = wf_realloc(s->parts, (size_t)cap * sizeof *parts);
    if (parts == NULL)
        return wf_fail_nomem(err, (uint64_t)cap * sizeof *parts, "a step's parts");
    s->parts = parts;
    weft_job **of = wf_realloc(s->of_part, (size_t)cap * sizeof(*of));
    if (of == NULL)
        return wf_fail_nomem(err, (uint64_t)cap * sizeof(*of), "a step's parts");
    s->of_part = of;
    s->parts_cap = cap;
    return WEFT_OK;
}

weft_status wf_schedule_rows(weft_scheduler *s, weft_error *err)
{
    s->n_parts = 0;
    s->room = s->rows;
    weft_status status = reserve_parts(s, err);
    if (status != WEFT_OK)
        return status;
    serve(s, false, 1, kept_for_prompts(s), &s->decoded);
    if (s->room > 0)
        serve(s, true, fair_share(s), 0, &s->chunked);
    return WEFT_OK;
}
