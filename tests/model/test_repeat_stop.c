/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that go round in circles, ended by repeat_stop: what is told, what the sequence holds and
 * the counts agree, and answers that do not repeat themselves are as they were. */
#include "jobs.h"

#include "core/sequence/sequence.h"

#define LEAST 8
#define LONG 400

typedef struct tokens {
    int32_t ids[LONG];
    int32_t n, stop_at; /* stop_at: not 0: enough after so many */
} tokens;

static int32_t keep(void *ctx, const weft_token *t)
{
    tokens *k = ctx;
    if (t->is_stop || t->id < 0)
        return 0;
    assert_true(k->n < LONG);
    k->ids[k->n++] = t->id;
    return k->n == k->stop_at;
}

/* What the demo says of a picture; the sequence is left at its end. */
static weft_generation say(rig *r, const char *file, int32_t repeat_stop, int32_t most, tokens *out,
                           weft_sequence **s)
{
    weft_error        err = WF_ERROR_INIT;
    weft_generation   g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling     p = greedy(most);
    weft_item_request rq = WEFT_ITEM_REQUEST(file);
    weft_item        *item;
    rig_check(weft_item_open(r->e, &rq, &item, &err), &err);
    const weft_prompt prompt = {
        .hdr = WEFT_HDR(weft_prompt), .flags = WEFT_PROMPT_CHAT, .n_items = 1, .items = &item};
    p.repeat_stop = repeat_stop;
    rig_check(weft_sequence_create(r->e, s, &err), &err);
    rig_check(weft_sequence_feed_prompt(*s, &prompt, &err), &err);
    weft_item_release(&item);
    rig_check(weft_generate(*s, &p, keep, out, &g, &err), &err);
    return g;
}

static bool has_repeat(const tokens *k)
{
    for (int32_t a = 0; a + LEAST <= k->n; a++)
        for (int32_t b = a + 1; b + LEAST <= k->n; b++)
            if (memcmp(k->ids + a, k->ids + b, LEAST * sizeof *k->ids) == 0)
                return true;
    return false;
}

/* A picture of a kind that the demo was not trained on, which makes it go round in circles; and one
 * that it knows. */
static const char circle[] = FIXTURE("images/palette8.png");
static const char known[] = WEFT_SOURCE_DIR "/models/demo/samples/1.png";

static void test_a_circle_is_left(void **state)
{
    rig             r;
    weft_sequence  *s;
    tokens          endless = {.n = 0}, ended = {.n = 0};
    weft_generation g;
    (void)state;
    rig_open(&r, (const char *const[]){NULL}, NULL);
    g = say(&r, circle, 0, 200, &endless, &s);
    int64_t prompt = s->n - g.n_new;
    assert_int_equal(g.stopped, 0);
    assert_true(has_repeat(&endless));
    weft_sequence_destroy(&s);
    g = say(&r, circle, LEAST, 200, &ended, &s);
    assert_int_equal(g.stopped, 1);
    assert_in_range(ended.n, 1, 199);
    assert_false(has_repeat(&ended));
    assert_memory_equal(ended.ids, endless.ids, (size_t)ended.n * sizeof *ended.ids);
    assert_int_equal(g.n_new, ended.n);
    assert_int_equal(s->n, prompt + ended.n);
    /* Up to the first repeat nothing is missing: with what was left out there is one. */
    tokens with = {.n = ended.n + LEAST};
    memcpy(with.ids, endless.ids, (size_t)with.n * sizeof *with.ids);
    assert_true(has_repeat(&with));
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* Cut by -n, or by the caller, while tokens are held back. */
static void test_cut_while_tokens_are_held(void **state)
{
    rig            r;
    weft_sequence *s;
    (void)state;
    rig_open(&r, (const char *const[]){NULL}, NULL);
    for (int32_t most = 1; most < 14; most++) {
        tokens          plain = {.n = 0}, cut = {.n = 0}, left = {.n = 0, .stop_at = most};
        weft_generation g = say(&r, circle, 0, most, &plain, &s);
        weft_sequence_destroy(&s);
        g = say(&r, circle, LEAST, most, &cut, &s);
        if (!g.stopped) {
            assert_int_equal(cut.n, most);
            assert_memory_equal(cut.ids, plain.ids, (size_t)most * sizeof *cut.ids);
        }
        assert_int_equal(g.n_new, cut.n);
        weft_sequence_destroy(&s);
        g = say(&r, circle, LEAST, 200, &left, &s);
        assert_true(left.n <= most);
        assert_int_equal(g.n_new, left.n); /* nothing stays that nobody was told of */
        weft_sequence_destroy(&s);
    }
    rig_close(&r);
}

/* An answer with a stop token of its own comes whole, whatever is asked for. */
static void test_an_answer_without_repeats(void **state)
{
    rig            r;
    weft_sequence *s;
    tokens         heard_by[2] = {{.n = 0}, {.n = 0}};
    (void)state;
    rig_open(&r, (const char *const[]){NULL}, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(say(&r, known, i * LEAST, 100, &heard_by[i], &s).stopped, 1);
        weft_sequence_destroy(&s);
    }
    assert_int_equal(heard_by[0].n, heard_by[1].n);
    assert_memory_equal(heard_by[0].ids, heard_by[1].ids, sizeof heard_by[0].ids);
    rig_close(&r);
}

static void test_a_bad_value(void **state)
{
    rig            r;
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s;
    weft_sampling  p = greedy(2);
    (void)state;
    rig_open(&r, (const char *const[]){NULL}, NULL);
    s = rig_sequence(&r, (const int32_t[]){3, 0});
    p.repeat_stop = -1;
    assert_int_equal(weft_generate(s, &p, NULL, NULL, NULL, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "--repeat-stop"));
    weft_sequence_destroy(&s);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_circle_is_left),
        cmocka_unit_test(test_cut_while_tokens_are_held),
        cmocka_unit_test(test_an_answer_without_repeats),
        cmocka_unit_test(test_a_bad_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
