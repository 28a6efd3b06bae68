/* SPDX-License-Identifier: Apache-2.0 */
/* A step that is asked for likeliest tokens instead of logits: the same tokens and probabilities as
 * the sampler takes from the logits, at every mix of parts, and a NaN is told as there. */
#include "moods.h"

#include "core/text/sampler.h"

#define MODEL "model=" FIXTURE("llama-untied")

/* What the sampler makes of a row at temperature 0. */
static wf_likeliest sampled(const rig *r, const float *logits)
{
    wf_sampler_params p = {.top_p = 1.0f, .repetition_penalty = 1.0f};
    wf_sampler       *s;
    wf_likeliest      l;
    weft_error        err = WF_ERROR_INIT;
    rig_check(wf_sampler_create(&p, r->e->config.vocab, &s, &err), &err);
    rig_check(wf_sampler_pick(s, logits, 0, &l.id, &l.logprob, &err), &err);
    wf_sampler_destroy(&s);
    return l;
}

static void same(const rig *r, const wf_likeliest *l, const float *logits, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        wf_likeliest want = sampled(r, logits + i * r->e->config.vocab);
        assert_int_equal(l[i].id, want.id);
        assert_memory_equal(&l[i].logprob, &want.logprob, sizeof want.logprob);
    }
}

static void step(rig *r, wf_step_part *parts, int32_t n, float *logits)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(wf_step_run(&r->e->stepper, parts, n, logits, NULL, &err), &err);
    for (int32_t i = 0; i < n; i++)
        rig_check(parts[i].status, &parts[i].why);
}

/* Rows of three sequences, more than the head computes at a time; `asked` says which parts want
 * logits. */
static void mixed(const char *setting, uint32_t asked)
{
    static const int32_t scripts[3][2] = {{50, 0}, {90, 0}, {30, 0}};
    rig                  r;
    float               *want[3], *logits;
    wf_likeliest         got[3][90];
    wf_step_part         parts[3];
    moods_open(&r, MODEL, setting, NULL);
    int64_t vocab = r.e->config.vocab, first = 0;
    logits = malloc((size_t)(170 * vocab) * sizeof *logits);
    for (int i = 0; i < 3; i++) {
        want[i] = rig_run(&r, scripts[i], 0, NULL);
        parts[i] = (wf_step_part){.seq = rig_sequence(&r, scripts[i]),
                                  .n_rows = scripts[i][0],
                                  .n_out = scripts[i][0],
                                  .likeliest = (asked >> i & 1) != 0 ? NULL : got[i]};
        parts[i].seq->no_cache = 1;
    }
    step(&r, parts, 3, asked != 0 ? logits : NULL);
    for (int i = 0; i < 3; i++) {
        if ((asked >> i & 1) == 0) {
            same(&r, got[i], want[i], parts[i].n_out);
        } else {
            assert_int_equal(parts[i].first_out, first);
            rig_same(want[i], logits + first * vocab, parts[i].n_out, &r, "mixed");
            first += parts[i].n_out;
        }
        weft_sequence_destroy(&parts[i].seq);
        free(want[i]);
    }
    free(logits);
    rig_close(&r);
}

static void test_mixed(void **state)
{
    static const char *const settings[] = {"dtype=f32", "dtype=bf16", "cpu_mask=none",
                                           "device=async-test"};
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        for (uint32_t asked = 0; asked < 8; asked++)
            mixed(settings[i], asked);
}

/* A whole answer, token by token, without a row of logits. */
static void test_an_answer(void **state)
{
    rig          r;
    weft_error   err = WF_ERROR_INIT;
    wf_likeliest l;
    (void)state;
    moods_open(&r, MODEL, NULL, NULL);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){20, 0});
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    for (int i = 0; i < 70; i++) {
        weft_sequence *other;
        rig_check(weft_sequence_fork(s, &other, &err), &err);
        wf_step_part part = {.seq = s, .n_rows = s->n - s->n_done, .n_out = 1, .likeliest = &l};
        step(&r, &part, 1, NULL);
        rig_check(weft_step(r.e, &other, 1, logits, &err), &err);
        same(&r, &l, logits, 1);
        rig_check(weft_sequence_feed_ids(s, &l.id, 1, &err), &err);
        weft_sequence_destroy(&other);
    }
    free(logits);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* A NaN among the K/V of one: its part fails by the same sentence, the other has its token. */
static void test_a_nan(void **state)
{
    rig          r;
    weft_error   err = WF_ERROR_INIT, whole = WF_ERROR_INIT;
    wf_likeliest got[2];
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    weft_sequence *s[2] = {rig_sequence(&r, (const int32_t[]){110, 0}),
                           rig_sequence(&r, (const int32_t[]){30, 0})};
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    rig_check(wf_step_one(&r.e->stepper, s[0], 100, 0, NULL, NULL, &err), &err);
    const wf_kv_pool *pool = &r.e->kv.pool;
    int64_t           at = s[0]->blocks[1]->page;
    float            *page = (float *)(void *)(pool->pools[at / pool->pool_pages] +
                                    at % pool->pool_pages * pool->page_bytes);
    for (int i = 0; i < 256; i++)
        page[i] = NAN;
    wf_step_part parts[2];
    for (int i = 0; i < 2; i++)
        parts[i] = (wf_step_part){
            .seq = s[i], .n_rows = s[i]->n - s[i]->n_done, .n_out = 1, .likeliest = &got[i]};
    rig_check(wf_step_run(&r.e->stepper, parts, 2, NULL, NULL, &err), &err);
    assert_int_equal(parts[0].status, WEFT_E_NUMERIC);
    rig_check(parts[1].status, &parts[1].why);
    assert_true(s[0]->n_done == 100 && s[1]->n_done == 30);
    assert_int_equal(wf_step_one(&r.e->stepper, s[0], 10, 1, logits, NULL, &whole), WEFT_E_NUMERIC);
    assert_string_equal(parts[0].why.message, whole.message);
    wf_best_tokens tokens;
    parts[0] = (wf_step_part){.seq = s[0], .n_rows = 10, .n_out = 1, .tokens = &tokens};
    rig_check(wf_step_run(&r.e->stepper, parts, 1, logits, NULL, &err), &err);
    assert_int_equal(parts[0].status, WEFT_E_NUMERIC);
    assert_string_equal(parts[0].why.message, whole.message);
    float *alone = rig_run(&r, (const int32_t[]){30, 0}, 0, NULL);
    same(&r, &got[1], alone + 29 * r.e->config.vocab, 1);
    free(alone);
    free(logits);
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_a_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
