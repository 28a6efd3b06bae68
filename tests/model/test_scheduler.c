/* SPDX-License-Identifier: Apache-2.0 */
/* Requests beside each other, one case at a time: what a caller may ask, who waits for whom, and
 * cancels from everywhere. test_schedules.c has the random ones. */
#include "crowd.h"

#include "core/base/mem.h"

#include <pthread.h>

#define TEXT "model=" FIXTURE("llama-untied")

/* What one request said. */
typedef struct heard {
    told            t;
    int32_t         ended, first; /* first: steps until its first token */
    weft_status     status;
    weft_error      why;
    int32_t        *steps;
    weft_job       *cancels; /* at its first token */
    weft_sequence **frees;   /* at its end, so that others find its pages */
} heard;

static int32_t on_token(void *ctx, const weft_token *t)
{
    heard *h = ctx;
    if (h->t.n == 0 && h->steps != NULL)
        h->first = *h->steps;
    if (h->cancels != NULL)
        weft_job_cancel(h->cancels);
    return take(&h->t, t);
}

static void on_done(void *ctx, const weft_job_result *result)
{
    heard *h = ctx;
    h->ended++;
    h->status = result->status;
    h->why = *result->error;
    if (h->frees != NULL)
        weft_sequence_destroy(h->frees);
}

static weft_scheduler *scheduler(rig *r, int32_t rows)
{
    weft_error             err = WF_ERROR_INIT;
    weft_scheduler        *s;
    weft_scheduler_options o = {WEFT_HDR(weft_scheduler_options), rows, 0};
    rig_check(weft_scheduler_create(r->e, &o, &s, &err), &err);
    return s;
}

static weft_status try_add(weft_scheduler *s, weft_sequence *seq, int32_t n, heard *h,
                           weft_job **job, weft_error *err)
{
    weft_sampling    p = greedy(n);
    weft_job_request rq = {WEFT_HDR(weft_job_request), seq, &p, on_token, on_done, h};
    return weft_scheduler_add(s, &rq, job, err);
}

static weft_job *add(weft_scheduler *s, weft_sequence *seq, int32_t n, heard *h)
{
    weft_error err = WF_ERROR_INIT;
    weft_job  *job;
    rig_check(try_add(s, seq, n, h, &job, &err), &err);
    return job;
}

/* At most `most` steps; returns how many requests are left. */
static int32_t steps(weft_scheduler *s, int32_t most, int32_t *done)
{
    weft_error err = WF_ERROR_INIT;
    int32_t    left = 1;
    for (int32_t i = 0; i < most && left > 0; i++) {
        *done += 1;
        rig_check(weft_scheduler_step(s, &left, &err), &err);
    }
    return left;
}

static void test_refused(void **state)
{
    rig        r, other;
    heard      h = {.ended = 0};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_open(&r, (const char *[]){TEXT, NULL}, NULL);
    rig_open(&other, (const char *[]){TEXT, NULL}, NULL);
    weft_scheduler *s = scheduler(&r, 0);
    weft_sequence  *empty = rig_sequence(&r, (const int32_t[]){0}),
                  *foreign = rig_sequence(&other, (const int32_t[]){3, 0}),
                  *seq = rig_sequence(&r, (const int32_t[]){3, 0});
    refused(try_add(s, empty, 1, &h, NULL, &err), &err, WEFT_E_STATE, 1, "nothing was fed");
    refused(try_add(s, foreign, 1, &h, NULL, &err), &err, WEFT_E_INVALID, 2, "another engine");
    weft_job_request none = {WEFT_HDR(weft_job_request), seq, NULL, NULL, NULL, NULL};
    refused(weft_scheduler_add(s, &none, NULL, &err), &err, WEFT_E_INVALID, 2, "sampling");
    weft_sampling hot = greedy(1);
    hot.temperature = -1;
    none.sampling = &hot;
    refused(weft_scheduler_add(s, &none, NULL, &err), &err, WEFT_E_INVALID, 2, "--temperature");
    rig_check(try_add(s, seq, 2, &h, NULL, &err), &err);
    refused(try_add(s, seq, 2, &h, NULL, &err), &err, WEFT_E_INVALID, 2, "another request's");
    assert_int_equal(h.ended, 0);
    weft_scheduler_destroy(&s); /* with a request that has not begun */
    assert_int_equal(h.ended, 1);
    assert_int_equal(h.status, WEFT_E_CANCELLED);
    weft_sequence_destroy(&empty);
    weft_sequence_destroy(&foreign);
    weft_sequence_destroy(&seq);
    rig_close(&other);
    rig_close(&r);
}

/* Requests that a callback adds run; a step within a step is refused. */
typedef struct chain {
    weft_scheduler *s;
    weft_sequence  *next;
    heard           h;
    weft_status     nested;
} chain;

static void add_next(void *ctx, const weft_job_result *result)
{
    chain     *k = ctx;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(result->status, WEFT_OK);
    rig_check(try_add(k->s, k->next, 2, &k->h, NULL, &err), &err);
    k->nested = weft_scheduler_step(k->s, NULL, &err);
}

static void test_callbacks_add(void **state)
{
    rig           r;
    chain         k = {.nested = WEFT_OK};
    weft_error    err = WF_ERROR_INIT;
    weft_sampling p = greedy(3);
    int32_t       n = 0;
    (void)state;
    rig_open(&r, (const char *[]){TEXT, NULL}, NULL);
    k.s = scheduler(&r, 0);
    weft_sequence *first = rig_sequence(&r, (const int32_t[]){9, 0});
    k.next = rig_sequence(&r, (const int32_t[]){5, 0});
    weft_job_request rq = {WEFT_HDR(weft_job_request), first, &p, NULL, add_next, &k};
    rig_check(weft_scheduler_add(k.s, &rq, NULL, &err), &err);
    assert_int_equal(steps(k.s, 20, &n), 0);
    assert_int_equal(k.nested, WEFT_E_STATE);
    assert_true(k.h.ended == 1 && k.h.status == WEFT_OK && k.h.t.n == 2);
    weft_scheduler_destroy(&k.s);
    weft_sequence_destroy(&first);
    weft_sequence_destroy(&k.next);
    rig_close(&r);
}

/* A short request beside a very long prompt, and beside many answers that take every row. */
static void test_nobody_starves(void **state)
{
    rig   r;
    heard h[12] = {{.ended = 0}};
    (void)state;
    rig_open(&r, (const char *[]){TEXT, "prefill_chunk=8", NULL}, NULL);
    weft_scheduler *s = scheduler(&r, 8);
    weft_sequence  *seq[12];
    int32_t         n = 0;
    seq[0] = rig_sequence(&r, (const int32_t[]){400, 0});
    weft_job *jobs[12] = {add(s, seq[0], 1, &h[0])};
    steps(s, 2, &n);
    for (int i = 1; i < 12; i++) {
        seq[i] = rig_sequence(&r, (const int32_t[]){i == 11 ? 20 : 1, 0});
        h[i].steps = &n;
        jobs[i] = add(s, seq[i], 40, &h[i]);
    }
    assert_true(steps(s, 40, &n) > 0);
    for (int i = 1; i < 11; i++)
        assert_true(h[i].first > 0 && h[i].first <= 2 + 2);
    assert_true(h[11].first > 0 && h[11].first <= 2 + 2 * 20); /* a row a step, or half of them */
    assert_int_equal(h[0].ended, 0);
    assert_int_equal(steps(s, 600, &n), 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(h[i].status, WEFT_OK);
        weft_job_release(&jobs[i]);
        weft_sequence_destroy(&seq[i]);
    }
    weft_scheduler_destroy(&s);
    rig_close(&r);
}

/* A cancel ends its request alone, wherever that is: not begun, within its prompt, answering. */
static void test_cancel_one(void **state)
{
    rig     r;
    heard   h[2], plain = {.ended = 0};
    int32_t n = 0;
    (void)state;
    rig_open(&r, (const char *[]){TEXT, "prefill_chunk=16", NULL}, NULL);
    for (int when = 0; when < 6; when++) {
        memset(h, 0, sizeof h);
        weft_scheduler *s = scheduler(&r, 0);
        weft_sequence  *a = rig_sequence(&r, (const int32_t[]){33, 0}),
                      *b = rig_sequence(&r, (const int32_t[]){60, 0});
        weft_job *ja = add(s, a, 8, &h[0]), *jb = add(s, b, 20, &h[1]);
        if (when == 5)
            h[0].cancels = jb; /* from another's callback */
        else
            steps(s, when * 2, &n);
        if (when < 5)
            weft_job_cancel(jb);
        assert_int_equal(steps(s, 100, &n), 0);
        assert_int_equal(h[0].status, WEFT_OK);
        refused(h[1].status, &h[1].why, WEFT_E_CANCELLED, 130, "cancelled");
        if (when == 0)
            plain = h[0];
        same_ids(&plain.t, &h[0].t);
        weft_job_release(&ja);
        weft_job_cancel(jb); /* of one that is done: nothing happens */
        weft_job_release(&jb);
        weft_sequence_destroy(&a);
        weft_sequence_destroy(&b);
        weft_scheduler_destroy(&s);
    }
    rig_close(&r);
}

typedef struct canceller {
    weft_job  *job;
    atomic_int go;
} canceller;

static void *cancel_soon(void *ctx)
{
    canceller *k = ctx;
    while (atomic_load(&k->go) == 0)
        nap();
    weft_job_cancel(k->job);
    return NULL;
}

static void test_cancel_from_a_thread(void **state)
{
    rig       r;
    heard     h[2] = {{.ended = 0}};
    canceller k = {.job = NULL};
    pthread_t thread;
    int32_t   n = 0;
    (void)state;
    rig_open(&r, (const char *[]){TEXT, "threads=2", NULL}, NULL);
    weft_scheduler *s = scheduler(&r, 0);
    weft_sequence  *a = rig_sequence(&r, (const int32_t[]){30, 0}),
                  *b = rig_sequence(&r, (const int32_t[]){31, 0});
    weft_job *ja = add(s, a, 50, &h[0]);
    k.job = add(s, b, 50, &h[1]);
    h[1].t.wait_for = NULL;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &k), 0);
    steps(s, 3, &n);
    atomic_store(&k.go, 1);
    while (steps(s, 1, &n) == 2 && h[0].ended == 0)
        nap();
    steps(s, 100, &n);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(h[0].status, WEFT_OK);
    assert_int_equal(h[0].t.n, 50);
    assert_int_equal(h[1].status, WEFT_E_CANCELLED);
    weft_job_release(&ja);
    weft_job_release(&k.job);
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&b);
    weft_scheduler_destroy(&s);
    rig_close(&r);
}

/* Pages for one of two: the younger gives its own up and waits; it can be cancelled there. */
static void test_preempted(void **state)
{
    crowd c;
    (void)state;
    crowd_open(&c, (const char *[]){TEXT, "threads=1", NULL}, NULL, 3);
    told want[2];
    generate(&c.r, (const int32_t[]){60, 0}, 30, &want[0]);
    generate(&c.r, (const int32_t[]){62, 0}, 30, &want[1]);
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        heard               h[2] = {{.ended = 0}};
        int32_t             n = 0;
        weft_error          err = WF_ERROR_INIT;
        weft_scheduler_info info = {.hdr = WEFT_HDR(weft_scheduler_info)};
        weft_scheduler     *s = scheduler(&c.r, 0);
        weft_sequence      *a = rig_sequence(&c.r, (const int32_t[]){60, 0}),
                      *b = rig_sequence(&c.r, (const int32_t[]){62, 0});
        weft_job *ja = add(s, a, 30, &h[0]), *jb = add(s, b, 30, &h[1]);
        h[0].frees = &a;
        while (info.preempted == 0 && steps(s, 1, &n) == 2)
            rig_check(weft_scheduler_describe(s, &info, &err), &err);
        assert_int_equal(info.preempted, 1);
        assert_true(info.running == 1 && info.waiting == 1 && b->n_blocks == 0 && h[1].t.n > 0);
        if (cancelled)
            weft_job_cancel(jb);
        assert_int_equal(steps(s, 200, &n), 0);
        print_message("%d: %d %d %s; %d %d %s\n", cancelled, h[0].status, h[0].t.n,
                      h[0].why.message, h[1].status, h[1].t.n, h[1].why.message);
        same_ids(&want[0], &h[0].t);
        if (cancelled)
            refused(h[1].status, &h[1].why, WEFT_E_CANCELLED, 130, "cancelled");
        else
            same_ids(&want[1], &h[1].t);
        weft_job_release(&ja);
        weft_job_release(&jb);
        weft_sequence_destroy(&a);
        weft_sequence_destroy(&b);
        weft_scheduler_destroy(&s);
    }
    crowd_check_pages(&c);
    crowd_close(&c);
}

/* A bad item ends the request that holds it, in its own words, and no other. */
static void test_a_bad_item(void **state)
{
    crowd      c;
    heard      h[3] = {{.ended = 0}};
    int32_t    n = 0;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    crowd_open(&c, (const char *[]){TEXT, NULL}, NULL, 0);
    weft_scheduler *s = scheduler(&c.r, 0);
    weft_sequence  *seq[3];
    for (int i = 0; i < 3; i++) {
        seq[i] = rig_sequence(&c.r, (const int32_t[]){4, 0});
        rig_check(weft_sequence_feed_item(seq[i], c.items[i == 1 ? c.first_bad : 0], &err), &err);
        rig_check(try_add(s, seq[i], 3, &h[i], NULL, &err), &err);
    }
    assert_int_equal(steps(s, 50, &n), 0);
    refused(h[1].status, &h[1].why, WEFT_E_CORRUPT, 3, "bad mood");
    assert_true(h[0].status == WEFT_OK && h[2].status == WEFT_OK && h[0].t.n == 3);
    same_ids(&h[0].t, &h[2].t);
    for (int i = 0; i < 3; i++)
        weft_sequence_destroy(&seq[i]);
    weft_scheduler_destroy(&s);
    crowd_close(&c);
}

/* The same text from weft_generate and from steps with the public sampler and stream, special
 * tokens and half characters included. */
static void test_stepping_by_oneself(void **state)
{
    rig               r;
    told              want, got = {.n = 0};
    weft_error        err = WF_ERROR_INIT;
    weft_sampling     p = greedy(24);
    weft_sampler     *sampler;
    weft_text_stream *stream;
    const char       *text;
    uint64_t          bytes;
    (void)state;
    rig_open(&r, (const char *[]){"model=" MOODS_MODEL, NULL}, NULL);
    generate(&r, (const int32_t[]){6, 0}, 24, &want);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){6, 0});
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    rig_check(weft_sampler_create(s, &p, &sampler, &err), &err);
    rig_check(weft_text_stream_create(r.e, &stream, &err), &err);
    for (int32_t id = -1; got.n < 24; got.n++) {
        rig_check(weft_step(r.e, &s, 1, logits, &err), &err);
        rig_check(weft_sampler_pick(sampler, logits, weft_sequence_length(s), &id, NULL, &err),
                  &err);
        if (weft_token_stops(r.e, id))
            break;
        got.ids[got.n] = id;
        rig_check(weft_text_stream_push(stream, id, &text, &bytes, &err), &err);
        memcpy(got.text + got.bytes, text, (size_t)bytes);
        got.bytes += (size_t)bytes;
        weft_sampler_accept(sampler, id);
        rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
    }
    rig_check(weft_text_stream_flush(stream, &text, &bytes, &err), &err);
    memcpy(got.text + got.bytes, text, (size_t)bytes);
    got.bytes += (size_t)bytes;
    same_ids(&want, &got);
    assert_int_equal(want.bytes, got.bytes);
    assert_memory_equal(want.text, got.text, want.bytes);
    assert_true(want.bytes > 0);
    weft_text_stream_destroy(&stream);
    weft_sampler_destroy(&sampler);
    free(logits);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* Every allocation of a scheduled run fails in turn: a request that it meets ends with a sentence,
 * or the step is refused and tried again; the others keep their bytes, and the engine answers
 * after. */
static void run_short(rig *r, weft_item *item, const told *want, uint64_t fail_at)
{
    heard           h[3] = {{.ended = 0}};
    weft_error      err = WF_ERROR_INIT, why = WF_ERROR_INIT;
    weft_sequence  *seq[3];
    weft_scheduler *s = scheduler(r, 0);
    int32_t         left = 1, added = 0, tries = 0;
    weft_status     status = WEFT_OK;
    for (int i = 0; i < 3; i++) {
        seq[i] = rig_sequence(r, (const int32_t[]){20 + i, 0});
        if (i == 2)
            rig_check(weft_sequence_feed_item(seq[i], item, &err), &err);
    }
    wf_mem_fail_at(fail_at, false);
    for (int i = 0; i < 3; i++) {
        status = try_add(s, seq[i], 4, &h[i], NULL, &why);
        if (status == WEFT_OK)
            added |= 1 << i;
        else
            refused(status, &why, WEFT_E_NOMEM, 6, "memory");
    }
    while (left > 0 && tries < 100) {
        status = weft_scheduler_step(s, &left, &why);
        if (status != WEFT_OK)
            refused(status, &why, WEFT_E_NOMEM, 6, "memory");
        tries++;
    }
    wf_mem_fail_at(0, false);
    assert_int_equal(left, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(h[i].ended, added >> i & 1);
        if (h[i].ended && h[i].status == WEFT_OK)
            same_ids(&want[i], &h[i].t);
        else if (h[i].ended)
            refused(h[i].status, &h[i].why, WEFT_E_NOMEM, 6, "memory");
        weft_sequence_destroy(&seq[i]);
    }
    weft_scheduler_destroy(&s);
}

static void test_no_memory(void **state)
{
    rig        r;
    told       want[3];
    weft_error err = WF_ERROR_INIT;
    weft_item *item;
    (void)state;
    moods_open(&r, TEXT, "prefill_chunk=16", NULL);
    for (int i = 0; i < 2; i++)
        generate(&r, (const int32_t[]){20 + i, 0}, 4, &want[i]);
    mood_item(r.e, 'n', "abc", &item);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){22, 0});
    weft_sampling  p = greedy(4);
    rig_check(weft_sequence_feed_item(s, item, &err), &err);
    want[2] = (told){.n = 0};
    rig_check(weft_generate(s, &p, take, &want[2], NULL, &err), &err);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    uint64_t n = 0;
    for (uint64_t at = 0; at <= n; at++) { /* the first run fails nothing and counts */
        mood_item(r.e, 'n', "abc", &item); /* which has not been encoded */
        uint64_t before = wf_mem_count();
        run_short(&r, item, want, at);
        if (at == 0)
            n = wf_mem_count() - before;
        weft_item_release(&item);
        wf_blocks_free(&r.e->blocks);
    }
    assert_true(n > 20);
    assert_int_equal(r.e->kv.pool.n_used, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_callbacks_add),
        cmocka_unit_test(test_nobody_starves),
        cmocka_unit_test(test_cancel_one),
        cmocka_unit_test(test_cancel_from_a_thread),
        cmocka_unit_test(test_preempted),
        cmocka_unit_test(test_a_bad_item),
        cmocka_unit_test(test_stepping_by_oneself),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
