/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand requests of many kinds through a scheduler on the device cuda over the fake driver:
 * each gives what it gives alone, and graphs and memory stay within their bounds. Then requests
 * that all go on answering, whose steps are replayed. */
#include "crowd.h"

#include "fake_api.h"

#define REQUESTS 1000
#define LIVE 12    /* at once */
#define STEADY 7   /* requests that go on together, */
#define TOKENS 160 /* each for so many tokens */
#define GRAPHS 96  /* of two queues, 48 each */

static fake_api cu;

typedef struct request {
    const kind    *k;
    weft_sequence *s;
    weft_job      *h;
    int32_t        n, ended; /* n: tokens */
} request;

typedef struct load {
    crowd           c;
    weft_scheduler *s;
    request         live[LIVE];
    uint64_t        state;
    int32_t         begun, ended;
    uint64_t        steps, replayed;
    fake_cuda_state half; /* when half of the requests had ended */
} load;

static int32_t on_token(void *ctx, const weft_token *t)
{
    request *r = ctx;
    assert_true(r->n < r->k->n_new);
    assert_int_equal(t->id, r->k->ids[r->n]);
    r->n++;
    return 0;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    request *r = ctx;
    if (result->status != WEFT_OK)
        fail_msg("%s", result->error->message);
    r->ended++;
}

static void begin(load *l, request *r)
{
    weft_error err = WF_ERROR_INIT;
    *r = (request){.k = &l->c.kinds[crowd_draw(&l->state) % CROWD_KINDS]};
    r->s = crowd_begin(&l->c, r->k, r->k->n);
    weft_job_request rq = {WEFT_HDR(weft_job_request), r->s, &r->k->p, on_token, on_done, r};
    rig_check(weft_scheduler_add(l->s, &rq, &r->h, &err), &err);
    l->begun++;
}

static void end(load *l, request *r)
{
    assert_int_equal(r->n, r->k->n_new);
    weft_job_release(&r->h);
    weft_sequence_destroy(&r->s);
    if (++l->ended == REQUESTS / 2)
        cu.state(&l->half);
}

/* Some come at once where there is room, others later, so that the number changes all the time. */
static void admit(load *l)
{
    for (int32_t i = 0; i < LIVE && l->begun < REQUESTS; i++)
        if (l->live[i].s == NULL && crowd_draw(&l->state) % 3 == 0)
            begin(l, &l->live[i]);
}

static void step(load *l)
{
    weft_error      err = WF_ERROR_INIT;
    fake_cuda_state before, now;
    int32_t         left;
    cu.state(&before);
    rig_check(weft_scheduler_step(l->s, &left, &err), &err);
    cu.state(&now);
    l->steps++;
    l->replayed += now.graph_launches > before.graph_launches;
    assert_true(now.graphs <= GRAPHS);
    for (int32_t i = 0; i < LIVE; i++)
        if (l->live[i].s != NULL && l->live[i].ended) {
            end(l, &l->live[i]);
            l->live[i] = (request){.n = 0};
        }
}

static int32_t count(void *ctx, const weft_token *t)
{
    (void)t;
    ++*(int32_t *)ctx;
    return 0;
}

static bool all_answer(const int32_t *n)
{
    bool all = true;
    for (int32_t i = 0; i < STEADY; i++)
        all = all && n[i] > 0;
    return all;
}

static void end_done(void *ctx, const weft_job_result *result)
{
    (void)ctx;
    if (result->status != WEFT_OK)
        fail_msg("%s", result->error->message);
}

/* Requests of every sort, of which none ends before the others. */
static void go_on(load *l)
{
    weft_error      err = WF_ERROR_INIT;
    weft_sequence  *s[STEADY];
    weft_job       *h[STEADY];
    int32_t         n[STEADY] = {0}, left = 1;
    uint64_t        steady = 0, replayed = 0;
    fake_cuda_state before, after;
    for (int32_t i = 0; i < STEADY; i++) {
        const kind   *k = &l->c.kinds[i];
        weft_sampling p = k->p;
        p.max_new_tokens = TOKENS;
        s[i] = crowd_begin(&l->c, k, k->n);
        weft_job_request rq = {WEFT_HDR(weft_job_request), s[i], &p, count, end_done, &n[i]};
        rig_check(weft_scheduler_add(l->s, &rq, &h[i], &err), &err);
    }
    while (left > 0) {
        const bool all = all_answer(n);
        cu.state(&before);
        rig_check(weft_scheduler_step(l->s, &left, &err), &err);
        cu.state(&after);
        steady += all && left == STEADY;
        replayed += all && left == STEADY && after.graph_launches > before.graph_launches;
    }
    for (int32_t i = 0; i < STEADY; i++) {
        weft_job_release(&h[i]);
        weft_sequence_destroy(&s[i]);
    }
    print_message("%u of %u steady steps were replayed\n", (unsigned)replayed, (unsigned)steady);
    assert_true(steady >= TOKENS / 2 && replayed * 100 >= steady * 95);
}

static void test_requests(void **state)
{
    const char *const pairs[] = {"model=" FIXTURE("mllama-1tile"),
                                 "dtype=bf16",
                                 "threads=1",
                                 "prefill_chunk=64",
                                 "deterministic=true",
                                 "device=cuda",
                                 NULL};
    static load       l;
    fake_cuda_state   now;
    weft_error        err = WF_ERROR_INIT;
    (void)state;
    l.state = 11;
    crowd_open(&l.c, pairs, FIXTURE("mllama-1tile/parity.safetensors"), 0);
    crowd_alone(&l.c);
    rig_check(weft_scheduler_create(l.c.r.e, NULL, &l.s, &err), &err);
    while (l.ended < REQUESTS) {
        admit(&l);
        step(&l);
    }
    cu.state(&now);
    print_message("%u of %u steps were replayed; %u graphs, %u device bytes\n",
                  (unsigned)l.replayed, (unsigned)l.steps, (unsigned)now.graphs,
                  (unsigned)now.device_bytes);
    assert_int_equal(now.faults, 0);
    assert_true(now.device_bytes <= l.half.device_bytes && now.host_blocks <= l.half.host_blocks);
    go_on(&l);
    weft_scheduler_destroy(&l.s);
    crowd_close(&l.c);
    cu.state(&now);
    assert_int_equal(now.device_bytes + now.host_blocks + now.graphs + now.streams, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests)};
    cu = fake_open("libcuda.so.1"); /* the one that the module will find */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
