/* SPDX-License-Identifier: Apache-2.0 */
/* A step of many sequences: each part has a status of its own, and a failure of one leaves the
 * others the bytes that they have alone. */
#include "moods.h"

#include <math.h>

#define MODEL "model=" FIXTURE("llama-untied")

static const int32_t plain[] = {30, 0}, other[] = {71, 0};

/* Logits of the script's last row, alone in an engine's step; malloc'ed. */
static float *alone(const int32_t *script)
{
    rig     r;
    int64_t rows = 0;
    moods_open(&r, MODEL, NULL, NULL);
    float *all = rig_run(&r, script, 0, &rows), *last;
    size_t vocab = (size_t)r.e->config.vocab;
    last = malloc(vocab * sizeof *last);
    memcpy(last, all + (size_t)(rows - 1) * vocab, vocab * sizeof *last);
    free(all);
    rig_close(&r);
    return last;
}

/* Three sequences in one step, the second of which fails with `status`; what says why. */
static void one_fails(rig *r, weft_sequence *bad, weft_status status, const char *what)
{
    float         *want[2] = {alone(plain), alone(other)};
    weft_error     err = WF_ERROR_INIT;
    size_t         vocab = (size_t)r->e->config.vocab;
    float         *logits = malloc(3 * vocab * sizeof *logits);
    int64_t        done = bad->n_done, length = bad->n;
    weft_sequence *s[3] = {rig_sequence(r, plain), bad, rig_sequence(r, other)};
    wf_step_part   parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = (wf_step_part){.seq = s[i], .n_rows = s[i]->n - s[i]->n_done, .n_out = 1};
    rig_check(wf_step_run(&r->e->stepper, parts, 3, logits, NULL, &err), &err);
    assert_int_equal(parts[0].status, WEFT_OK);
    assert_int_equal(parts[1].status, status);
    assert_int_equal(parts[2].status, WEFT_OK);
    if (strstr(parts[1].why.message, what) == NULL)
        fail_msg("%s", parts[1].why.message);
    assert_memory_equal(logits + (size_t)parts[0].first_out * vocab, want[0],
                        vocab * sizeof(float));
    assert_memory_equal(logits + (size_t)parts[2].first_out * vocab, want[1],
                        vocab * sizeof(float));
    assert_true(bad->n_done == done && bad->n == length);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(s[i]->n_done, s[i]->n);
        weft_sequence_destroy(&s[i]);
    }
    free(want[0]);
    free(want[1]);
    free(logits);
}

static void test_an_encoder_fails(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    weft_item *item;
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    for (int i = 0; i < 2; i++) {
        mood_item(r.e, "fN"[i], "abc", &item);
        weft_sequence *s = rig_sequence(&r, (const int32_t[]){3, 0});
        rig_check(weft_sequence_feed_item(s, item, &err), &err);
        one_fails(&r, s, i == 0 ? WEFT_E_CORRUPT : WEFT_E_NUMERIC, i == 0 ? "bad mood" : "NaN");
        weft_sequence_destroy(&s);
        weft_item_release(&item);
    }
    rig_close(&r);
}

/* A NaN among the K/V of one sequence: its logits are none, its blocks are not for others, and cut
 * back to before the damage it goes on. */
static void test_a_nan(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){130, 0});
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    rig_check(wf_step_one(&r.e->stepper, s, 100, 0, NULL, NULL, &err), &err);
    const wf_kv_pool *pool = &r.e->kv.pool;
    int64_t           at = s->blocks[1]->page;
    float            *page = (float *)(void *)(pool->pools[at / pool->pool_pages] +
                                    at % pool->pool_pages * pool->page_bytes);
    for (int i = 0; i < 256; i++)
        page[i] = NAN;
    assert_int_equal(wf_step_one(&r.e->stepper, s, 10, 0, NULL, NULL, &err), WEFT_OK);
    one_fails(&r, s, WEFT_E_NUMERIC, "NaN");
    weft_sequence *same = rig_sequence(&r, (const int32_t[]){130, 0});
    wf_sequence_reuse(same);
    assert_int_equal(same->n_cached, 64); /* what a neighbour has proven, and no more */
    rig_check(weft_step(r.e, &same, 1, logits, &err), &err);
    rig_check(weft_sequence_truncate(s, 64, &err), &err);
    for (int64_t i = 64; i < 130; i++)
        rig_check(weft_sequence_feed_ids(s, &same->toks[i].id, 1, &err), &err);
    float *again = malloc((size_t)r.e->config.vocab * sizeof *again);
    rig_check(weft_step(r.e, &s, 1, again, &err), &err);
    assert_memory_equal(again, logits, (size_t)r.e->config.vocab * sizeof *again);
    free(again);
    free(logits);
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&same);
    rig_close(&r);
}

/* Pages for two of three: the one that finds none keeps none, and runs once others are gone. */
static void test_too_few_pages(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    char       bytes[64];
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    /* plain takes one block, other two; the one in between finds one of the four that it needs. */
    snprintf(bytes, sizeof bytes, "kv_bytes=%lld",
             (long long)(4 * r.e->config.n_layers * r.e->kv.pool.page_bytes));
    rig_close(&r);
    moods_open(&r, MODEL, bytes, NULL);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){250, 0});
    one_fails(&r, s, WEFT_E_LIMIT, "--kv-bytes");
    assert_int_equal(s->n_blocks, 0);
    float *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    rig_check(weft_step(r.e, &s, 1, logits, &err), &err); /* cached blocks of the others go */
    free(logits);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* weft_step goes on with the others too, and tells the first failure. */
static void test_weft_step(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    weft_item *item;
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    float         *want = alone(plain);
    size_t         vocab = (size_t)r.e->config.vocab;
    float         *logits = malloc(2 * vocab * sizeof *logits);
    weft_sequence *s[2] = {rig_sequence(&r, (const int32_t[]){3, 0}), rig_sequence(&r, plain)};
    mood_item(r.e, 'f', "abc", &item);
    rig_check(weft_sequence_feed_item(s[0], item, &err), &err);
    refused(weft_step(r.e, s, 2, logits, &err), &err, WEFT_E_CORRUPT, 3, "bad mood");
    assert_memory_equal(logits + vocab, want, vocab * sizeof *want);
    weft_item_release(&item);
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    free(want);
    free(logits);
    rig_close(&r);
}

/* Two sequences run the same text side by side: the second takes the first one's blocks as they
 * become full, so what it adds to them later is found by a third. */
static void test_a_lost_race(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    size_t         vocab = (size_t)r.e->config.vocab;
    float         *logits = malloc(3 * vocab * sizeof *logits);
    weft_sequence *s[3];
    for (int i = 0; i < 2; i++)
        s[i] = rig_sequence(&r, (const int32_t[]){100, 0});
    rig_check(weft_step(r.e, s, 2, logits, &err), &err);
    assert_memory_equal(logits, logits + vocab, vocab * sizeof *logits);
    assert_ptr_equal(s[0]->blocks[0], s[1]->blocks[0]);
    s[2] = rig_sequence(&r, (const int32_t[]){200, 0});
    for (int64_t i = 100; i < 200; i++)
        rig_check(weft_sequence_feed_ids(s[1], &s[2]->toks[i].id, 1, &err), &err);
    rig_check(weft_step(r.e, &s[1], 1, logits, &err), &err);
    rig_check(weft_step(r.e, &s[2], 1, logits + vocab, &err), &err);
    assert_int_equal(s[2]->n_cached, 192);
    assert_memory_equal(logits, logits + vocab, vocab * sizeof *logits);
    for (int i = 0; i < 3; i++)
        weft_sequence_destroy(&s[i]);
    free(logits);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_encoder_fails), cmocka_unit_test(test_a_nan),
        cmocka_unit_test(test_too_few_pages),    cmocka_unit_test(test_weft_step),
        cmocka_unit_test(test_a_lost_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
