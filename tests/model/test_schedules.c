/* SPDX-License-Identifier: Apache-2.0 */
/* Random schedules: whatever comes, is cancelled, fails or waits for memory beside it, each request
 * gives the bytes that it gives alone; all of them end, and nothing is left behind. A run under
 * sanitizers does a part of them. */
#include "crowd.h"

#define MOST_JOBS 7
#define TEXT "model=" FIXTURE("llama-untied")
#define PICTURES "model=" FIXTURE("mllama-1tile")

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SHARE 20
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHARE 20
#endif
#endif
#ifndef SHARE
#define SHARE 1
#endif

/* Engines whose bytes are those of the first of their mask and device, alone. */
typedef struct setup {
    const char *pairs[7];
    const char *parity;
    int32_t     blocks;    /* of K/V memory; 0: enough for all */
    int32_t     schedules; /* without sanitizers */
} setup;

static const setup setups[] = {
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=512", NULL}, NULL, 0, 2500},
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=100", NULL}, NULL, 4, 2500},
    {{TEXT, "dtype=f32", "threads=2", "prefill_chunk=64", NULL}, NULL, 5, 150},
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=7", NULL}, NULL, 3, 2000},
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=65", NULL}, NULL, 2, 1200},
    {{TEXT, "dtype=f32", "threads=3", "prefill_chunk=33", NULL}, NULL, 4, 100},
    {{PICTURES, "dtype=f32", "threads=1", "prefill_chunk=50", NULL},
     FIXTURE("mllama-1tile/parity.safetensors"),
     6,
     800},
    {{TEXT, "dtype=bf16", "threads=2", "prefill_chunk=40", "cpu_mask=max", NULL}, NULL, 4, 150},
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=40", "cpu_mask=none", NULL}, NULL, 4, 100},
    {{TEXT, "dtype=f32", "threads=1", "prefill_chunk=40", "device=async-test", NULL}, NULL, 4, 500},
};

/* One request of a schedule and what has been heard of it. */
typedef struct job {
    crowd         *c;
    const kind    *k;
    weft_sequence *s;
    weft_job      *h;
    int32_t        n, enough_at, cancel_at; /* tokens; -1: never */
    int32_t        arrives, cancelled, ended, limited;
    bool           whole;       /* made with its whole prompt */
    bool           added, dies; /* dies: the callback destroys the sequence */
} job;

/* What the schedules of a setup came to, so that none of it is left out unseen. */
typedef struct tally {
    uint64_t preempted, whole, cancelled, limited, failed;
} tally;

typedef struct schedule {
    crowd          *c;
    uint64_t        state;
    weft_scheduler *s;
    job             jobs[MOST_JOBS];
    int32_t         n_jobs, blocks;
    tally          *sum;
    bool            stopped; /* the engine was cancelled or the scheduler destroyed */
} schedule;

static int32_t one_of(schedule *t, int32_t n)
{
    return (int32_t)(crowd_draw(&t->state) % (uint64_t)n);
}

static int32_t on_token(void *ctx, const weft_token *t)
{
    job *j = ctx;
    assert_true(j->n < j->k->n_new);
    assert_int_equal(t->id, j->k->ids[j->n]);
    assert_memory_equal(&t->logprob, &j->k->logprobs[j->n], sizeof t->logprob);
    j->n++;
    if (j->n == j->cancel_at) {
        weft_job_cancel(j->h);
        j->cancelled = 1;
    }
    return j->n == j->enough_at;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    job *j = ctx;
    assert_int_equal(j->ended++, 0);
    j->limited = result->status == WEFT_E_LIMIT;
    if (result->status != WEFT_OK && result->error->message[0] == '\0')
        fail_msg("no sentence for %s", weft_status_name(result->status));
    assert_int_equal(result->generation->n_new, j->n);
    if (result->status == WEFT_OK)
        assert_int_equal(j->n, j->enough_at > 0 && j->enough_at < j->k->n_new ? j->enough_at
                                                                              : j->k->n_new);
    else if (result->status == WEFT_E_CANCELLED)
        j->cancelled |= 2;
    else if (!j->limited)
        assert_int_equal(result->status, j->k->status);
    if (result->status == WEFT_OK)
        assert_int_equal(j->k->status, WEFT_OK);
    if (j->dies)
        weft_sequence_destroy(&j->s);
    else /* what is kept keeps no pages, of which others may have too few */
        assert_int_equal(weft_sequence_truncate(j->s, 0, NULL), WEFT_OK);
}

/* Some sequences begin as forks of the one before, whose blocks they share, and some with rows that
 * have run already. Those are added at once: nobody else could make them give up their pages. */
static void make_sequence(schedule *t, int32_t i)
{
    job       *j = &t->jobs[i], *before = i > 0 ? &t->jobs[i - 1] : NULL;
    weft_error err = WF_ERROR_INIT;
    float      logits[256];
    assert_true(t->c->r.e->config.vocab <= 256);
    if (before != NULL && !before->whole && before->k->family == j->k->family &&
        before->s->n <= j->k->n - j->k->tail) {
        rig_check(weft_sequence_fork(before->s, &j->s, &err), &err);
        j->arrives = 0;
        return;
    }
    j->whole = j->k->n <= 20 || one_of(t, 2) == 0;
    j->s = crowd_begin(t->c, j->k, j->whole ? j->k->n : 1 + one_of(t, j->k->n - 1));
    if (j->whole || one_of(t, 2) == 0)
        return;
    j->arrives = 0;
    (void)weft_step(t->c->r.e, &j->s, 1, logits, &err); /* LIMIT: others have the pages */
}

static void make_jobs(schedule *t)
{
    t->n_jobs = 1 + one_of(t, MOST_JOBS);
    for (int32_t i = 0; i < t->n_jobs; i++) {
        job *j = &t->jobs[i];
        *j = (job){.c = t->c,
                   .k = &t->c->kinds[one_of(t, CROWD_KINDS)],
                   .enough_at = one_of(t, 6) == 0 ? 1 + one_of(t, CROWD_NEW) : -1,
                   .cancel_at = one_of(t, 8) == 0 ? 1 + one_of(t, CROWD_NEW) : -1,
                   .arrives = one_of(t, 3) == 0 ? one_of(t, 12) : 0,
                   .dies = one_of(t, 3) == 0};
        make_sequence(t, i);
    }
    for (int32_t i = 0; i < t->n_jobs; i++)
        if (!t->jobs[i].whole)
            crowd_finish(t->c, t->jobs[i].k, t->jobs[i].s);
}

static void add(schedule *t, job *j)
{
    weft_error       err = WF_ERROR_INIT;
    weft_job_request rq = {WEFT_HDR(weft_job_request), j->s, &j->k->p, on_token, on_done, j};
    rig_check(weft_scheduler_add(t->s, &rq, &j->h, &err), &err);
    j->added = true;
    if (one_of(t, 16) == 0) {
        weft_job_cancel(j->h);
        j->cancelled = 1;
    }
}

static void open_scheduler(schedule *t)
{
    static const int32_t   rows[] = {0, 0, 1, 3, 8, 64}, most[] = {0, 0, 0, 1, 2};
    weft_error             err = WF_ERROR_INIT;
    weft_scheduler_options o = {WEFT_HDR(weft_scheduler_options), rows[one_of(t, 6)],
                                most[one_of(t, 5)]};
    rig_check(weft_scheduler_create(t->c->r.e, &o, &t->s, &err), &err);
}

/* What may happen between two steps. */
static void disturb(schedule *t)
{
    job *j = &t->jobs[one_of(t, t->n_jobs)];
    if (one_of(t, 40) == 0 && j->added && !j->ended) {
        weft_job_cancel(j->h);
        j->cancelled = 1;
    }
    if (one_of(t, 2000) == 0) {
        weft_engine_cancel(t->c->r.e);
        t->stopped = true;
    }
}

static void run(schedule *t)
{
    int64_t    most = 500;
    int32_t    left = 1, waiting = t->n_jobs;
    weft_error err = WF_ERROR_INIT;
    for (int32_t i = 0; i < t->n_jobs; i++)
        most += 8 * (t->jobs[i].s->n + CROWD_NEW); /* one row a step, and computed again */
    for (int64_t step = 0; left > 0 || waiting > 0; step++) {
        if (step > most)
            fail_msg("%d requests do not end (seed %llu)", left, (unsigned long long)t->state);
        for (int32_t i = 0; i < t->n_jobs; i++)
            if (!t->jobs[i].added && t->jobs[i].arrives <= step) {
                add(t, &t->jobs[i]);
                waiting--;
            }
        rig_check(weft_scheduler_step(t->s, &left, &err), &err);
        disturb(t);
        if (waiting == 0 && one_of(t, 3000) == 0)
            break; /* destroyed with requests under way */
    }
    t->stopped |= left > 0;
    weft_scheduler_info info = {.hdr = WEFT_HDR(weft_scheduler_info)};
    rig_check(weft_scheduler_describe(t->s, &info, &err), &err);
    assert_true(info.running + info.waiting == left && info.pages <= info.limit);
    t->sum->preempted += info.preempted;
    weft_scheduler_destroy(&t->s);
}

/* Every request ended once, and as it had to. */
static void judge(schedule *t)
{
    for (int32_t i = 0; i < t->n_jobs; i++) {
        job *j = &t->jobs[i];
        assert_int_equal(j->ended, 1);
        if ((j->cancelled & 2) != 0)
            assert_true((j->cancelled & 1) != 0 || t->stopped);
        int32_t blocks = (j->k->rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
        if (j->limited) /* no request fails for want of pages that can have enough of them */
            assert_true(t->blocks > 0 && blocks > t->blocks);
        t->sum->cancelled += (j->cancelled & 2) != 0;
        t->sum->limited += (uint64_t)j->limited;
        t->sum->failed += j->k->status != WEFT_OK;
        t->sum->whole += j->n == j->k->n_new;
        weft_job_release(&j->h);
        weft_sequence_destroy(&j->s);
    }
}

static void run_schedule(crowd *c, int32_t blocks, uint64_t seed, tally *sum)
{
    schedule t = {.c = c, .state = seed, .blocks = blocks, .sum = sum};
    open_scheduler(&t);
    make_jobs(&t);
    run(&t);
    judge(&t);
    if (seed % 4 == 0)
        crowd_check_pages(c);
}

/* Answers that come first are those of an engine with room for all, one thread and large chunks. */
static void open_both(const setup *s, crowd *c)
{
    const char *plain[7];
    crowd       alone;
    memcpy(plain, s->pairs, sizeof plain);
    plain[2] = "threads=1";
    plain[3] = "prefill_chunk=512";
    crowd_open(&alone, plain, s->parity, 0);
    crowd_alone(&alone);
    crowd_open(c, s->pairs, s->parity, s->blocks);
    memcpy(c->kinds, alone.kinds, sizeof c->kinds);
    crowd_close(&alone);
}

static void test_setup(void **state)
{
    const setup *s = *state;
    crowd        c;
    tally        sum = {.whole = 0};
    open_both(s, &c);
    for (int32_t i = 0; i < s->schedules / SHARE; i++)
        run_schedule(&c, s->blocks, (uint64_t)(i + 1) * 1000003u, &sum);
    crowd_check_pages(&c);
    crowd_close(&c);
    print_message("%llu whole, %llu cancelled, %llu out of pages, %llu failed, %llu preempted\n",
                  (unsigned long long)sum.whole, (unsigned long long)sum.cancelled,
                  (unsigned long long)sum.limited, (unsigned long long)sum.failed,
                  (unsigned long long)sum.preempted);
    if (SHARE > 1) /* too few to see all of it */
        return;
    assert_true(sum.whole > 0 && sum.cancelled > 0 && (sum.failed > 0) == (s->parity == NULL));
    assert_true((sum.limited > 0) == (s->blocks == 2) && (sum.preempted > 0) == (s->blocks > 0));
}

int main(void)
{
    struct CMUnitTest tests[sizeof setups / sizeof *setups];
    for (size_t i = 0; i < sizeof setups / sizeof *setups; i++)
        tests[i] = (struct CMUnitTest){setups[i].pairs[3], test_setup, NULL, NULL,
                                       (void *)(uintptr_t)&setups[i]};
    return _cmocka_run_group_tests("schedules", tests, sizeof tests / sizeof *tests, NULL, NULL);
}
