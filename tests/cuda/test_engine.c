/* SPDX-License-Identifier: Apache-2.0 */
/* An engine on the fake driver that goes on answering: after an item whose encoder wants far more
 * than the everyday one, for which there was room when it took the GPU by itself (--device auto);
 * and after any driver call has failed. */
#include "moods.h"

#include "fake_api.h"

#define MODEL "model=" FIXTURE("llama-untied")
#define N_NEW 6
#define FEW 2

static fake_api cu;

typedef struct heard {
    told        t;
    weft_status status;
    weft_error  why;
    int         ended;
} heard;

static int32_t on_token(void *ctx, const weft_token *t)
{
    return take(&((heard *)ctx)->t, t);
}

static void on_done(void *ctx, const weft_job_result *result)
{
    heard *h = ctx;
    h->ended++;
    h->status = result->status;
    if (result->error != NULL)
        h->why = *result->error;
}

static uint64_t calls_now(void)
{
    fake_cuda_state s;
    cu.state(&s);
    return s.calls;
}

/* A request for text behind an item, or with item NULL for text alone. */
static weft_sequence *add(rig *r, weft_scheduler *s, weft_item *item, weft_job **job, heard *h)
{
    const weft_sampling p = greedy(N_NEW);
    weft_error          err = WF_ERROR_INIT;
    weft_sequence      *seq = rig_sequence(r, (const int32_t[]){20, 0});
    if (item != NULL)
        rig_check(weft_sequence_feed_item(seq, item, &err), &err);
    const weft_job_request rq = {WEFT_HDR(weft_job_request), seq, &p, on_token, on_done, h};
    rig_check(weft_scheduler_add(s, &rq, job, &err), &err);
    return seq;
}

/* Two requests, the second with the item. */
static void both(rig *r, weft_item *item, heard h[2])
{
    weft_error      err = WF_ERROR_INIT;
    weft_scheduler *s;
    weft_job       *job[2];
    weft_sequence  *seq[2];
    int32_t         left = 1;
    memset(h, 0, 2 * sizeof *h);
    rig_check(weft_scheduler_create(r->e, NULL, &s, &err), &err);
    seq[0] = add(r, s, NULL, &job[0], &h[0]);
    seq[1] = add(r, s, item, &job[1], &h[1]);
    while (left > 0)
        rig_check(weft_scheduler_step(s, &left, &err), &err);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(h[i].ended, 1);
        weft_job_release(&job[i]);
        weft_sequence_destroy(&seq[i]);
    }
    weft_scheduler_destroy(&s);
}

static void test_too_large(void **state)
{
    rig        r;
    weft_item *small, *large;
    heard      before[2], now[2], after[2];
    (void)state;
    moods_open(&r, MODEL, "device=auto", NULL);
    assert_string_equal(r.e->device->name, "cuda");
    mood_item(r.e, 'n', "abc", &small);
    mood_item(r.e, 'g', "abc", &large);
    both(&r, small, before);
    both(&r, large, now);
    both(&r, small, after);
    assert_int_equal(before[0].status | before[1].status | after[0].status | after[1].status, 0);
    refused(now[1].status, &now[1].why, WEFT_E_NOMEM, 6, "out of memory");
    assert_int_equal(now[0].status, WEFT_OK);
    assert_memory_equal(now[0].t.ids, before[0].t.ids, sizeof now[0].t.ids);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(after[i].t.ids, before[i].t.ids, sizeof after[i].t.ids);
    weft_item_release(&small);
    weft_item_release(&large);
    rig_close(&r);
}

/* Text alone; how many of its steps failed, which can be tried again. */
static int answer(rig *r, heard *h)
{
    const weft_sampling p = greedy(FEW);
    weft_error          err = WF_ERROR_INIT;
    weft_scheduler     *s;
    weft_job           *job = NULL;
    weft_sequence      *seq = rig_sequence(r, (const int32_t[]){2, 0});
    int32_t             left = 1;
    int                 failed = 0;
    seq->no_cache = 1;
    *h = (heard){.ended = 0};
    rig_check(weft_scheduler_create(r->e, NULL, &s, &err), &err);
    const weft_job_request rq = {WEFT_HDR(weft_job_request), seq, &p, on_token, on_done, h};
    rig_check(weft_scheduler_add(s, &rq, &job, &err), &err);
    for (int tries = 0; left > 0 && tries < 10; tries++) {
        if (weft_scheduler_step(s, &left, &err) == WEFT_OK)
            continue;
        failed++;
        if (strstr(err.message, "device cuda") == NULL)
            fail_msg("a step that fails says `%s`", err.message);
    }
    assert_int_equal(left, 0);
    weft_job_release(&job);
    weft_sequence_destroy(&seq);
    weft_scheduler_destroy(&s);
    return failed;
}

/* Every call of a generation fails once: a step or the request then ends with a sentence, or the
 * call was not needed; and the engine answers as before. */
static void test_every_call(void **state)
{
    rig             r;
    heard           want, now;
    fake_cuda_state end;
    uint64_t        calls = 0, needed = 0;
    (void)state;
    moods_open(&r, MODEL, "device=cuda", NULL);
    for (int warm = 0; warm < 3; warm++) {
        calls = calls_now();
        assert_int_equal(answer(&r, &want), 0);
        assert_int_equal(want.status, WEFT_OK);
        calls = calls_now() - calls;
    }
    for (uint64_t n = 1; n <= calls; n++) {
        cu.failing(n, 2, 0);
        const int failed = answer(&r, &now);
        cu.failing(0, 0, 0);
        needed += failed > 0 || now.status != WEFT_OK;
        if (now.status != WEFT_OK && strstr(now.why.message, "device cuda") == NULL)
            fail_msg("call %u: `%s`", (unsigned)n, now.why.message);
        assert_int_equal(answer(&r, &now), 0);
        assert_int_equal(now.status, WEFT_OK);
        assert_memory_equal(now.t.ids, want.t.ids, sizeof want.t.ids);
    }
    print_message("%u calls, of which %u were needed\n", (unsigned)calls, (unsigned)needed);
    assert_true(calls > 20 && needed > calls / 4);
    rig_close(&r);
    cu.state(&end);
    assert_int_equal(end.device_bytes + end.host_blocks + end.streams + end.graphs + end.modules,
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_too_large),
                                       cmocka_unit_test(test_every_call)};
    cu = fake_open("libcuda.so.1"); /* the one that the module will find */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
