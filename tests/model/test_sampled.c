/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are sampled from the likeliest tokens of a step: the tokens and probabilities that
 * the public sampler draws from all logits, whatever comes back of a step, and how much that is. */
#include "moods.h"
#include "spy.h"

#define SMALL "model=" FIXTURE("llama-untied") /* 96 tokens */
#define LARGE "model=" MOODS_MODEL             /* 2000 */
#define N_NEW 24
#define MANY 70 /* more than a step keeps logits of */

typedef struct heard {
    int32_t ids[N_NEW], n, ended;
    float   logprobs[N_NEW];
} heard;

static int32_t on_token(void *ctx, const weft_token *t)
{
    heard *h = ctx;
    if (t->id < 0)
        return 0;
    assert_true(h->n < N_NEW);
    h->ids[h->n] = t->id;
    h->logprobs[h->n++] = t->logprob;
    return 0;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    heard *h = ctx;
    rig_check(result->status, result->error);
    h->ended++;
}

static weft_sampling sampling(float temperature, int32_t top_k, float top_p, float min_p,
                              float penalty)
{
    weft_sampling p = greedy(N_NEW);
    p.temperature = temperature;
    p.top_k = top_k;
    p.top_p = top_p;
    p.min_p = min_p;
    p.repetition_penalty = penalty;
    p.seed = 11;
    return p;
}

/* What a caller gets who steps and samples by himself. */
static void by_hand(rig *r, const int32_t *script, const weft_sampling *p, heard *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s = rig_sequence(r, script);
    weft_sampler  *sampler;
    float         *logits = malloc((size_t)r->e->config.vocab * sizeof *logits);
    *out = (heard){.n = 0};
    rig_check(weft_sampler_create(s, p, &sampler, &err), &err);
    for (bool stopped = false; out->n < N_NEW && !stopped; out->n++) {
        rig_check(weft_step(r->e, &s, 1, logits, &err), &err);
        rig_check(weft_sampler_pick(sampler, logits, s->n, &out->ids[out->n],
                                    &out->logprobs[out->n], &err),
                  &err);
        stopped = weft_token_stops(r->e, out->ids[out->n]) != 0;
        weft_sampler_accept(sampler, out->ids[out->n]);
        rig_check(weft_sequence_feed_ids(s, &out->ids[out->n], 1, &err), &err);
    }
    free(logits);
    weft_sampler_destroy(&sampler);
    weft_sequence_destroy(&s);
}

static void same(const heard *got, const heard *want)
{
    assert_true(got->ended == 1 && got->n == want->n);
    assert_memory_equal(got->ids, want->ids, (size_t)want->n * sizeof *want->ids);
    assert_memory_equal(got->logprobs, want->logprobs, (size_t)want->n * sizeof *want->logprobs);
}

/* n requests at once, the i-th after script[i] with p[i]. */
static void together(rig *r, int32_t n, const int32_t (*scripts)[2], const weft_sampling *p,
                     heard *out)
{
    weft_error      err = WF_ERROR_INIT;
    weft_scheduler *s;
    weft_sequence  *seq[MANY];
    int32_t         left = 1;
    rig_check(weft_scheduler_create(r->e, NULL, &s, &err), &err);
    for (int32_t i = 0; i < n; i++) {
        out[i] = (heard){.n = 0};
        seq[i] = rig_sequence(r, scripts[i]);
        weft_job_request rq = {
            WEFT_HDR(weft_job_request), seq[i], &p[i], on_token, on_done, &out[i]};
        rig_check(weft_scheduler_add(s, &rq, NULL, &err), &err);
    }
    while (left > 0)
        rig_check(weft_scheduler_step(s, &left, &err), &err);
    weft_scheduler_destroy(&s);
    for (int32_t i = 0; i < n; i++)
        weft_sequence_destroy(&seq[i]);
}

static void on(const char *model, const char *setting)
{
    const weft_sampling p[] = {
        sampling(0.7f, 0, 0.9f, 0, 1),     sampling(1, 40, 0.95f, 0, 1.1f),
        sampling(0.01f, 0, 0.5f, 0.1f, 1), sampling(1.5f, 0, 0.95f, 0, 1.1f),
        sampling(1, 0, 1, 0, 1), /* all logits: no filter */
        sampling(0, 0, 1, 0, 1),           sampling(0, 0, 1, 0, 1.2f),
        sampling(1, 100, 0.9f, 0, 1),      sampling(1, 5, 1, 0.2f, 0.8f),
    };
    enum { n = sizeof p / sizeof *p };
    int32_t scripts[n][2];
    heard   want, got[n];
    rig     r;
    moods_open(&r, model, setting, NULL);
    for (int32_t i = 0; i < n; i++) {
        scripts[i][0] = 5 + 13 * i;
        scripts[i][1] = 0;
    }
    together(&r, n, (const int32_t(*)[2])scripts, p, got);
    for (int32_t i = 0; i < n; i++) {
        by_hand(&r, scripts[i], &p[i], &want);
        same(&got[i], &want);
    }
    rig_close(&r);
}

static void test_same_answers(void **state)
{
    (void)state;
    on(LARGE, "dtype=f32");
    on(LARGE, "cpu_mask=none");
    on(LARGE, "device=async-test");
    on(SMALL, "dtype=bf16");
    on(SMALL, "device=async-test");
}

/* More requests in a step than it keeps logits of: all logits come back, the tokens are the same.
 */
static void test_many(void **state)
{
    static weft_sampling p[MANY];
    static int32_t       scripts[MANY][2];
    static heard         got[MANY];
    heard                want;
    rig                  r;
    (void)state;
    moods_open(&r, SMALL, NULL, NULL);
    for (int32_t i = 0; i < MANY; i++) {
        p[i] = sampling(0.8f, 20, 0.9f, 0, 1);
        scripts[i][0] = 3 + i;
    }
    spy_on(r.e);
    together(&r, MANY, (const int32_t(*)[2])scripts, p, got);
    /* Of so few tokens all logits are less than the likeliest: some steps had them. */
    assert_true(the_spy.downloaded < MANY * N_NEW * WF_ROW_BEST_BYTES(WF_BEST_MOST));
    spy_off(r.e);
    for (int32_t i = 0; i < MANY; i += 23) {
        by_hand(&r, scripts[i], &p[i], &want);
        same(&got[i], &want);
    }
    rig_close(&r);
}

/* What a step of a part with `tokens` gives, beside others: the head of its logits, and these
 * themselves afterwards. */
static void test_a_step(void **state)
{
    static const char *const devices[] = {"device=cpu", "device=async-test"};
    (void)state;
    for (int32_t d = 0; d < 2; d++) {
        rig                  r;
        weft_error           err = WF_ERROR_INIT;
        wf_likeliest         one;
        wf_best_tokens       tokens;
        static const int32_t scripts[3][2] = {{20, 0}, {30, 0}, {40, 0}};
        wf_step_part         parts[3];
        moods_open(&r, LARGE, devices[d], NULL);
        size_t vocab = (size_t)r.e->config.vocab;
        float *want = rig_run(&r, scripts[2], 0, NULL), *row = want + 39 * vocab;
        float *logits = malloc(2 * vocab * sizeof *logits);
        for (int32_t i = 0; i < 3; i++) {
            parts[i] = (wf_step_part){
                .seq = rig_sequence(&r, scripts[i]), .n_rows = scripts[i][0], .n_out = 1};
            parts[i].seq->no_cache = 1;
        }
        parts[0].likeliest = &one;
        parts[2].tokens = &tokens;
        spy_on(r.e);
        rig_check(wf_step_run(&r.e->stepper, parts, 3, logits, NULL, &err), &err);
        /* Of three rows one is logits; where steps have few sizes, a fourth one is nobody's. */
        const uint64_t best = r.e->device->keeps_lists ? 3 : 2;
        assert_int_equal(the_spy.downloaded,
                         vocab * sizeof *logits + best * WF_ROW_BEST_BYTES(WF_BEST_MOST));
        assert_true(parts[2].status == WEFT_OK && !parts[2].whole);
        for (int32_t i = 0; i < WF_BEST_MOST; i++) {
            int32_t before = 0; /* tokens that come before it */
            for (size_t k = 0; k < vocab; k++)
                before += row[k] > tokens.best[i].x ||
                          (row[k] == tokens.best[i].x && (int32_t)k < tokens.best[i].id);
            assert_true(before == i && row[tokens.best[i].id] == tokens.best[i].x);
        }
        spy_zero();
        rig_check(wf_step_logits(&r.e->stepper, &tokens, logits, &err), &err);
        assert_memory_equal(logits, row, vocab * sizeof *logits);
        assert_true(the_spy.downloaded == vocab * sizeof *logits && the_spy.waits == 1);
        spy_off(r.e);
        for (int32_t i = 0; i < 3; i++)
            weft_sequence_destroy(&parts[i].seq);
        free(logits);
        free(want);
        rig_close(&r);
    }
}

/* Steep rows are never brought back whole, flat ones sometimes are. */
static void test_little_comes_back(void **state)
{
    static const int32_t script[1][2] = {{17, 0}};
    const weft_sampling  steep = sampling(0.02f, 0, 0.9f, 0, 1), flat = sampling(3, 0, 0.99f, 0, 1);
    heard                got;
    rig                  r;
    (void)state;
    moods_open(&r, LARGE, "device=async-test", NULL);
    uint64_t vocab = (uint64_t)r.e->config.vocab * sizeof(float);
    spy_on(r.e);
    together(&r, 1, script, &steep, &got);
    assert_int_equal(the_spy.downloaded, N_NEW * WF_ROW_BEST_BYTES(WF_BEST_MOST));
    assert_int_equal(the_spy.waits, N_NEW + 1); /* and one for pages */
    spy_zero();
    together(&r, 1, script, &flat, &got);
    uint64_t more = the_spy.downloaded - N_NEW * WF_ROW_BEST_BYTES(WF_BEST_MOST);
    assert_true(more > 0 && more <= N_NEW * vocab && more % vocab == 0);
    spy_off(r.e);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_a_step),
        cmocka_unit_test(test_little_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
