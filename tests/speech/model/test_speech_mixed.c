/* SPDX-License-Identifier: Apache-2.0 */
/* A picture and speech in one prompt, byte for byte: text before either keeps the bytes of a run
 * without plugins, chunks that cut the speech span change nothing, a sequence beside others is the
 * sequence alone, and an encoder with a plugin beside it gives what it gives alone. And how near
 * quantised weights come (near.h). */
#include "tests/model/near.h"

#include "core/base/mem.h"

#define INI "@" FIXTURE("speech-paper/picture.ini")
#define PARITY FIXTURE("speech-paper/parity-picture.safetensors")
#define BEFORE 70 /* rows of text before the first item: more than one key block */
#define SPEECH 0  /* items by the order of their plugins' ids */
#define PICTURE 1

static const char *device;

static void open_as(rig *r, const char *weights, const char *encoders)
{
    const char *pairs[] = {weights, encoders, device, INI, NULL};
    rig_open(r, pairs, PARITY);
    assert_int_equal(r->n_items, 2);
    assert_string_equal(r->items[SPEECH]->plan.outputs[0].name, "adapter.output");
}

static void open_mixed(rig *r)
{
    open_as(r, "dtype=f32", "quantize_encoders=none");
}

static void feed_text(rig *r, weft_sequence *s, int32_t n)
{
    weft_error err = WF_ERROR_INIT;
    for (int32_t i = 0; i < n; i++) {
        int32_t id = (int32_t)((s->n * 37 + 11) % r->e->config.vocab);
        rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
    }
}

/* The items' places alone: the fixture's core has no tokenizer to name special tokens. */
static void feed_item(rig *r, weft_sequence *s, int32_t i)
{
    weft_error err = WF_ERROR_INIT;
    int32_t    marker = wf_item_marker(r->items[i]);
    int64_t    n = r->items[i]->plan.n_placeholders;
    rig_check(wf_sequence_feed_placeholders(s, r->items[i], marker, 0, n, &err), &err);
}

static weft_sequence *sequence(rig *r, int media)
{
    weft_sequence *s;
    weft_error     err = WF_ERROR_INIT;
    rig_check(weft_sequence_create(r->e, &s, &err), &err);
    s->no_cache = 1;
    feed_text(r, s, BEFORE);
    if (!media)
        return s;
    feed_item(r, s, PICTURE);
    feed_text(r, s, 5);
    feed_item(r, s, SPEECH);
    feed_text(r, s, 9);
    return s;
}

static void same(const rig *r, const float *a, const float *b, int64_t rows, const char *what)
{
    size_t n = (size_t)r->e->config.vocab;
    for (int64_t i = 0; i < rows; i++)
        if (memcmp(a + (size_t)i * n, b + (size_t)i * n, n * sizeof *a) != 0)
            fail_msg("%s: row %lld differs on %s", what, (long long)i, device);
}

static float *logits_of(rig *r, int media, int64_t chunk, int64_t *n)
{
    weft_sequence *s = sequence(r, media);
    float         *logits = rig_logits(r, s, chunk);
    *n = s->n;
    weft_sequence_destroy(&s);
    return logits;
}

/* Rows of text alone on the same core without any plugin. */
static float *plain(int64_t *n)
{
    rig         r;
    const char *pairs[] = {"dtype=f32", device, "model=" FIXTURE("composed"), NULL};
    rig_open(&r, pairs, NULL);
    float *logits = logits_of(&r, 0, 0, n);
    rig_close(&r);
    return logits;
}

static void text_is_untouched(void)
{
    rig     r;
    int64_t n, m;
    float  *want = plain(&n);
    open_mixed(&r);
    float *text = logits_of(&r, 0, 0, &m), *mixed = logits_of(&r, 1, 0, &m);
    same(&r, want, text, BEFORE, "text with two plugins");
    same(&r, want, mixed, BEFORE, "text before a picture and speech");
    free(want);
    free(text);
    free(mixed);
    rig_close(&r);
}

static void chunks_and_neighbours(void)
{
    static const int64_t chunks[] = {1, 7, 76, 80}; /* 76 cuts before the speech, 80 within it */
    rig                  r;
    weft_error           err = WF_ERROR_INIT;
    int64_t              n, m;
    open_mixed(&r);
    float *want = logits_of(&r, 1, 0, &n);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        float *got = logits_of(&r, 1, chunks[i], &m);
        assert_int_equal(m, n);
        same(&r, want, got, n, "chunks");
        free(got);
    }
    weft_sequence *both[2] = {sequence(&r, 0), sequence(&r, 1)};
    size_t         vocab = (size_t)r.e->config.vocab;
    float         *last = malloc(2 * vocab * sizeof *last);
    rig_check(weft_step(r.e, both, 2, last, &err), &err);
    same(&r, want + (size_t)(n - 1) * vocab, last + vocab, 1, "beside text");
    same(&r, want + (BEFORE - 1) * vocab, last, 1, "text beside media");
    weft_sequence_destroy(&both[0]);
    weft_sequence_destroy(&both[1]);
    free(last);
    free(want);
    rig_close(&r);
}

/* A fork of the whole, cut back into the text between the items, goes on as a fresh run. */
static void forks_and_cuts(void)
{
    rig            r;
    weft_sequence *fork;
    weft_error     err = WF_ERROR_INIT;
    int64_t        n;
    open_mixed(&r);
    float         *want = logits_of(&r, 1, 0, &n);
    weft_sequence *s = sequence(&r, 1);
    free(rig_logits(&r, s, 0));
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    assert_int_equal(weft_sequence_truncate(fork, BEFORE + 8, &err), WEFT_E_INVALID);
    rig_check(weft_sequence_truncate(fork, BEFORE + 4, &err), &err);
    feed_text(&r, fork, 2);
    feed_item(&r, fork, SPEECH);
    feed_text(&r, fork, 9);
    float *got = rig_logits(&r, fork, 5);
    assert_int_equal(fork->n, n);
    same(&r, want + (BEFORE + 4) * r.e->config.vocab, got, n - BEFORE - 4, "fork");
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&fork);
    free(want);
    free(got);
    rig_close(&r);
}

static void all(const char *where)
{
    device = where;
    text_is_untouched();
    chunks_and_neighbours();
    forks_and_cuts();
}

/* Quantised weights of the core, of the adapters and of the encoders. */
static void test_near(void **state)
{
    static const struct {
        const char *quantize, *encoders;
        double      least;
    } cases[] = {{"quantize=q8", "quantize_encoders=none", NEAR_Q8_LONG},
                 {"quantize=q8", "quantize_encoders=q8", NEAR_Q8_LONG},
                 {"quantize=q4", "quantize_encoders=none", NEAR_Q4},
                 {"quantize=q4", "quantize_encoders=q8", NEAR_Q4}};
    rig     exact, r;
    int64_t n;
    (void)state;
    device = "device=cpu";
    open_mixed(&exact);
    float *expected = logits_of(&exact, 1, 0, &n);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_as(&r, cases[i].quantize, cases[i].encoders);
        float       *logits = logits_of(&r, 1, 0, &n);
        const double c = rig_cosine(logits, expected, n * r.e->config.vocab);
        print_message("%s: cosine %.6f\n", r.said, c);
        assert_true(c > cases[i].least && c < 1.0);
        free(logits);
        rig_close(&r);
    }
    free(expected);
    rig_close(&exact);
}

static void test_cpu(void **state)
{
    (void)state;
    all("device=cpu");
}

static void test_async(void **state)
{
    (void)state;
    all("device=async-test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_async),
                                       cmocka_unit_test(test_near)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
