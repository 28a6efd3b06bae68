/* SPDX-License-Identifier: Apache-2.0 */
/* What still holds byte for byte where rows that see nothing pass a feed-forward branch: a row's
 * bytes depend on its own sequence alone, whatever stands beside it in a step, however the prompt
 * is cut and on how many threads; and rows before a picture are those of the text without it. No
 * tolerance. f32, bf16 and quantised weights, two devices. And how near quantised weights come
 * (near.h). */
#include "near.h"

#define PARITY(dir) FIXTURE("idefics/" dir "/parity-text-first.safetensors")

/* 20 tokens, picture 1, 30 tokens, picture 2, picture 1, 40 tokens; enclosing tokens come on top.
 */
static const int32_t media[] = {20, -1, 30, -2, -1, 40, 0};
static const int32_t text[] = {90, 0};

typedef struct level {
    const char *dtype, *device, *mask;
} level;
static const level levels[] = {
    {"dtype=f32", "device=cpu", "cpu_mask=none"},
    {"dtype=f32", "device=cpu", "cpu_mask=max"},
    {"dtype=bf16", "device=cpu", "cpu_mask=max"},
    {"quantize=q8", "device=cpu", "cpu_mask=max"},
    {"quantize=q4", "device=cpu", "cpu_mask=none"},
    {"dtype=f32", "device=async-test", "cpu_mask=max"},
};

static void open_at(rig *r, const level *at, const char *more)
{
    const char *pairs[] = {
        "model=" FIXTURE("idefics/float"), at->dtype, at->device, at->mask, more, NULL};
    rig_open(r, pairs, PARITY("float"));
    assert_true(r->n_items >= 2);
}

static void check_neighbours(rig *r, const float *alone, const float *with)
{
    weft_error     err = WF_ERROR_INIT;
    int64_t        vocab = r->e->config.vocab, a = 0, b = 0;
    weft_sequence *s[2] = {rig_sequence(r, text), rig_sequence(r, media)};
    float         *both = malloc((size_t)(64 * vocab) * sizeof *both);
    s[0]->no_cache = s[1]->no_cache = 1;
    while (s[0]->n_done < s[0]->n) { /* uneven shares, so that rows meet at every alignment */
        int64_t na = s[0]->n - a < 17 ? s[0]->n - a : 17, nb = s[1]->n - b < 33 ? s[1]->n - b : 33;
        wf_step_part parts[2] = {{.seq = s[0], .n_rows = na, .n_out = na},
                                 {.seq = s[1], .n_rows = nb, .n_out = nb}};
        rig_check(wf_step_run(&r->e->stepper, parts, nb > 0 ? 2 : 1, both, NULL, &err), &err);
        rig_same(alone + a * vocab, both, na, r, "a text neighbour");
        rig_same(with + b * vocab, both + na * vocab, nb, r, "a media neighbour");
        a += na;
        b += nb;
    }
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    free(both);
}

static void test_rows(void **state)
{
    static const int64_t chunks[] = {1, 7, 16};
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        rig     r;
        int64_t n_text, n_media, n;
        open_at(&r, &levels[i], NULL);
        float *alone = rig_run(&r, text, 0, &n_text), *with = rig_run(&r, media, 0, &n_media);
        rig_same(alone, with, 20, &r, "rows before a picture");
        assert_memory_not_equal(alone + 40 * r.e->config.vocab, with + 40 * r.e->config.vocab, 64);
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
            float *parts = rig_run(&r, media, chunks[k], &n);
            assert_int_equal(n, n_media);
            rig_same(with, parts, n, &r, "chunked prefill");
            free(parts);
        }
        check_neighbours(&r, alone, with);
        free(alone);
        free(with);
        rig_close(&r);
    }
}

static void test_threads(void **state)
{
    static const char *const threads[] = {"threads=1", "threads=2", "threads=5"};
    float                   *first = NULL;
    int64_t                  n;
    (void)state;
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        rig r;
        open_at(&r, &levels[1], threads[i]);
        float *logits = rig_run(&r, media, 0, &n);
        if (first != NULL)
            rig_same(first, logits, n, &r, threads[i]);
        if (first != NULL)
            free(logits);
        else
            first = logits;
        rig_close(&r);
    }
    free(first);
}

static void test_near(void **state)
{
    (void)state;
    near_check("model=" FIXTURE("idefics/float"), PARITY("float"), NULL, media, NEAR_Q8_LONG);
}

/* Pictures side by side share the token between them, as the reference's processor writes them; a
 * picture is seen alone, by rows up to the end of a text. */
static void test_places(void **state)
{
    static const int32_t want[] = {512, 513, 512, 513, 512};
    rig                  r;
    weft_sequence       *s;
    weft_error           err = WF_ERROR_INIT;
    int32_t              a, b, eos = 2, word = 300;
    (void)state;
    open_at(&r, &levels[1], NULL);
    rig_check(weft_sequence_create(r.e, &s, &err), &err);
    rig_check(weft_sequence_feed_item(s, r.items[0], &err), &err);
    rig_check(weft_sequence_feed_item(s, r.items[1], &err), &err);
    assert_int_equal(s->n, 5);
    for (int32_t i = 0; i < 5; i++)
        assert_int_equal(s->toks[i].id, want[i]);
    rig_check(weft_sequence_feed_ids(s, &eos, 1, &err), &err);
    rig_check(weft_sequence_feed_ids(s, &word, 1, &err), &err);
    wf_sequence_visible(s, 0, 0, &a, &b);
    assert_int_equal(a, b); /* the first enclosing token */
    wf_sequence_visible(s, 0, 2, &a, &b);
    assert_true(a == 0 && b == 1);
    wf_sequence_visible(s, 0, 3, &a, &b);
    assert_true(a == 1 && b == 2);
    wf_sequence_visible(s, 0, 5, &a, &b); /* the end of the text itself still sees */
    assert_true(a == 1 && b == 2);
    wf_sequence_visible(s, 0, 6, &a, &b);
    assert_int_equal(a, b);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
