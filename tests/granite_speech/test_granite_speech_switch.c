/* SPDX-License-Identifier: Apache-2.0 */
/* The switch of the low-rank update within one sequence: an item that is fed behind what was
 * computed, or cut off again, has it computed anew, and the prefix cache never takes blocks of the
 * one state for those of the other. */
#include "core/sequence/same.h"
#include "rig.h"

#define MODEL FIXTURE("granite-speech/lora")
#define PARITY FIXTURE("granite-speech/lora/parity-two.safetensors")

/* 150 tokens of text: two whole blocks; then item 1 and 20 more. */
static const int32_t text[] = {150, 0};
static const int32_t media[] = {150, -1, 20, 0};

static void open_rig(rig *r)
{
    const char *pairs[] = {"model=" MODEL, "dtype=f32", NULL};
    rig_open(r, pairs, PARITY);
}

/* The logits of the last token of s, whatever of it was computed before. */
static float *last_of(rig *r, weft_sequence *s)
{
    weft_error err = WF_ERROR_INIT;
    float     *logits = malloc((size_t)r->e->config.vocab * sizeof *logits);
    assert_non_null(logits);
    wf_sequence_reuse(s);
    rig_check(wf_step_one(&r->e->stepper, s, s->n - s->n_done, 1, logits, NULL, &err), &err);
    return logits;
}

static void same(rig *r, weft_sequence *s, const float *expected, const char *what)
{
    float *got = last_of(r, s);
    rig_same(expected, got, 1, r, what);
    free(got);
}

/* Logits of a whole sequence that shares nothing. */
static float *alone(rig *r, const int32_t *shape)
{
    weft_sequence *s = rig_sequence(r, shape);
    s->no_cache = 1;
    float *logits = last_of(r, s);
    weft_sequence_destroy(&s);
    return logits;
}

static void test_cache(void **state)
{
    rig r;
    (void)state;
    open_rig(&r);
    float *plain = alone(&r, text), *heard = alone(&r, media);
    for (int round = 0; round < 2; round++) { /* the second finds what the first has left */
        weft_sequence *s[2] = {rig_sequence(&r, text), rig_sequence(&r, media)};
        same(&r, s[0], plain, "text after sound");
        same(&r, s[1], heard, "sound after text");
        assert_int_equal(s[1]->n_cached, round == 0 ? 0 : 128);
        weft_sequence_destroy(&s[0]);
        weft_sequence_destroy(&s[1]);
    }
    free(plain);
    free(heard);
    rig_close(&r);
}

static void test_fed_and_cut(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_rig(&r);
    float         *plain = alone(&r, text), *heard = alone(&r, media);
    weft_sequence *s = rig_sequence(&r, text), *whole = rig_sequence(&r, media), *fork = NULL;
    same(&r, s, plain, "text");
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    rig_check(wf_sequence_append(s, whole, s->n, &err), &err);
    assert_int_equal(s->n_done, 0); /* what was computed without the update is not taken */
    same(&r, s, heard, "sound behind text that was computed");
    rig_check(weft_sequence_truncate(s, 150, &err), &err);
    assert_int_equal(s->n_done, 0);
    same(&r, s, plain, "text again");
    rig_check(weft_sequence_truncate(fork, 149, &err), &err); /* a fork keeps its own */
    assert_int_equal(fork->n_done, 149);
    rig_check(weft_sequence_feed_ids(fork, &s->toks[149].id, 1, &err), &err);
    same(&r, fork, plain, "the fork");
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&whole);
    weft_sequence_destroy(&fork);
    free(plain);
    free(heard);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_fed_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
