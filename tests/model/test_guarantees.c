/* SPDX-License-Identifier: Apache-2.0 */
/* What weft promises, byte for byte: text is never touched, and the same input gives the same bytes
 * whatever it is computed beside, in which pieces and on how many threads. Shapes cross every block
 * edge: three key blocks and a tail, 1, 15, 16, 17 and 33 rows; all gates of the fixture are away
 * from zero. Every case runs on each instruction level of this machine, in f32 and bf16, and on the
 * asynchronous device; with weights in q8 and q4; and with each type of keys and values. */
#include "rig.h"

#include "core/base/cpu.h"

#define VISION FIXTURE("mllama-1tile")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")

/* 33 tokens, picture 1, 70 tokens, pictures 2 and 1 side by side, 97 tokens: 203 places. */
static const int32_t media[] = {33, -1, 70, -2, -1, 97, 0};
static const int32_t text[] = {203, 0};

typedef struct level {
    const char *mask, *dtype, *device;
    const char *kv; /* NULL: what suits the weights */
} level;

static const level levels[] = {
    {"cpu_mask=none", "dtype=f32", "device=cpu", NULL},
    {"cpu_mask=none", "dtype=bf16", "device=cpu", NULL},
    {"cpu_mask=avx2", "dtype=f32", "device=cpu", NULL},
    {"cpu_mask=avx2", "dtype=bf16", "device=cpu", NULL},
    {"cpu_mask=avx512", "dtype=f32", "device=cpu", NULL},
    {"cpu_mask=avx512", "dtype=bf16", "device=cpu", NULL},
    {"isa=avx512bf16", "dtype=bf16", "device=cpu", NULL},
    {"isa=amx", "dtype=bf16", "device=cpu", NULL},
    {"isa=amx", "quantize=q8", "device=cpu", NULL},
    {"cpu_mask=max", "dtype=f32", "device=async-test", NULL},
    {"cpu_mask=max", "dtype=bf16", "device=async-test", NULL},
    {"cpu_mask=none", "quantize=q4", "device=cpu", NULL},
    {"cpu_mask=avx2", "quantize=q8", "device=cpu", NULL},
    {"cpu_mask=max", "quantize=q8", "device=cpu", NULL},
    {"cpu_mask=max", "quantize=q4", "device=async-test", NULL},
    {"cpu_mask=none", "dtype=f32", "device=cpu", "kv_dtype=q8"},
    {"cpu_mask=max", "dtype=bf16", "device=cpu", "kv_dtype=q8"},
    {"cpu_mask=max", "quantize=q4", "device=async-test", "kv_dtype=q8"},
    {"cpu_mask=max", "dtype=f32", "device=cpu", "kv_dtype=f16"},
    {"cpu_mask=max", "dtype=bf16", "device=cpu", "kv_dtype=f32"},
};

static const level *at; /* the level under test */

static void open_at(rig *r, const char *model, const char *parity, const char *more,
                    const char *more2)
{
    const char *kv = at->kv != NULL ? at->kv : "kv_dtype=auto";
    const char *pairs[8] = {at->mask, at->dtype, at->device, kv, model, more, more2, NULL};
    rig_open(r, pairs, parity);
}

static void open_media(rig *r, const char *more)
{
    open_at(r, "model=" VISION, PARITY, more, NULL);
}

/* 0, 1 and 2 plugins loaded and no media: the composed directory's text core is the same in all
 * three. */
static void test_plugins_idle(void **state)
{
    static const char *const more[][2] = {
        {NULL, NULL},
        {"@" FIXTURE("composed/weft.ini"), NULL},
        {"@" FIXTURE("composed/weft.ini"), "plugin=" WEFT_SOFT_PLUGIN},
    };
    float *first = NULL;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig r;
        open_at(&r, "model=" FIXTURE("composed"), NULL, more[i][0], more[i][1]);
        assert_int_equal(r.e->modalities.n, i);
        float *logits = rig_run(&r, text, 0, NULL);
        if (first != NULL)
            rig_same(first, logits, 203, &r, "idle plugins");
        if (first != NULL)
            free(logits);
        else
            first = logits;
        rig_close(&r);
    }
    free(first);
}

/* A text sequence in one batch with a sequence that holds pictures. */
static void test_neighbours(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_media(&r, NULL);
    float         *alone = rig_run(&r, text, 0, NULL), *with = rig_run(&r, media, 0, NULL);
    int64_t        vocab = r.e->config.vocab, a = 0, b = 0;
    weft_sequence *s[2] = {rig_sequence(&r, text), rig_sequence(&r, media)};
    float         *both = malloc((size_t)(64 * vocab) * sizeof *both);
    s[0]->no_cache = s[1]->no_cache = 1;
    while (s[0]->n_done < s[0]->n) { /* uneven shares, so that rows meet at every alignment */
        int64_t na = s[0]->n - a < 17 ? s[0]->n - a : 17, nb = s[1]->n - b < 33 ? s[1]->n - b : 33;
        wf_step_part parts[2] = {{.seq = s[0], .n_rows = na, .n_out = na},
                                 {.seq = s[1], .n_rows = nb, .n_out = nb}};
        rig_check(wf_step_run(&r.e->stepper, parts, nb > 0 ? 2 : 1, both, NULL, &err), &err);
        rig_same(alone + a * vocab, both, na, &r, "a text neighbour");
        rig_same(with + b * vocab, both + na * vocab, nb, &r, "a media neighbour");
        a += na;
        b += nb;
    }
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    free(alone);
    free(with);
    free(both);
    rig_close(&r);
}

/* Rows before the first picture, and text after pictures were served by the same engine. */
static void test_before_and_after(void **state)
{
    rig r;
    (void)state;
    open_media(&r, NULL);
    float *first = rig_run(&r, text, 0, NULL), *with = rig_run(&r, media, 0, NULL),
          *again = rig_run(&r, text, 0, NULL);
    rig_same(first, with, 33, &r, "rows before a picture");
    rig_same(first, again, 203, &r, "text after a picture");
    assert_memory_not_equal(first + 40 * r.e->config.vocab, with + 40 * r.e->config.vocab, 64);
    free(first);
    free(with);
    free(again);
    rig_close(&r);
}

static void test_chunks(void **state)
{
    static const int64_t chunks[] = {1, 2, 7, 15, 16, 17};
    rig                  r;
    (void)state;
    open_media(&r, NULL);
    float *all = rig_run(&r, media, 0, NULL);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        float *parts = rig_run(&r, media, chunks[i], NULL);
        rig_same(all, parts, 203, &r, "chunked prefill");
        free(parts);
    }
    free(all);
    rig_close(&r);
}

static void test_threads(void **state)
{
    static const char *const threads[] = {"threads=1", "threads=2", "threads=3", "threads=8"};
    float                   *first = NULL;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rig r;
        open_media(&r, threads[i]);
        float *logits = rig_run(&r, media, 0, NULL);
        if (first == NULL)
            first = logits;
        else {
            rig_same(first, logits, 203, &r, threads[i]);
            free(logits);
        }
        rig_close(&r);
    }
    free(first);
}

/* A fork that goes another way leaves its parent's bytes alone, and both equal fresh runs; so does
 * a cut sequence. */
static void test_fork_and_truncate(void **state)
{
    static const int32_t head[] = {33, -1, 70, 0}, fresh[] = {33, -1, 70, -2, 40, 0};
    rig                  r;
    weft_sequence       *fork;
    weft_error           err = WF_ERROR_INIT;
    (void)state;
    open_media(&r, NULL);
    float         *want = rig_run(&r, fresh, 0, NULL), *plain = rig_run(&r, media, 0, NULL);
    int64_t        vocab = r.e->config.vocab;
    weft_sequence *s = rig_sequence(&r, head);
    free(rig_logits(&r, s, 0));
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    int32_t other[] = {1, 2, 3};
    rig_check(weft_sequence_feed_ids(fork, other, 3, &err),
              &err); /* writes into the shared block's place */
    free(rig_logits(&r, fork, 0));
    rig_check(weft_sequence_truncate(fork, s->n, &err), &err);
    rig_check(weft_sequence_truncate(fork, 90, &err), &err); /* within a block */
    for (int64_t i = 90; i < s->n; i++)
        rig_check(weft_sequence_feed_ids(fork, &s->toks[i].id, 1, &err), &err);
    rig_check(weft_sequence_feed_item(s, r.items[1], &err), &err);
    rig_check(weft_sequence_feed_item(fork, r.items[1], &err), &err);
    for (int64_t i = s->n; i < 145; i++) {
        int32_t id = (int32_t)((uint64_t)(i * 2654435761u + 12345u) % (uint64_t)vocab);
        rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
        rig_check(weft_sequence_feed_ids(fork, &id, 1, &err), &err);
    }
    float *a = rig_logits(&r, s, 0), *b = rig_logits(&r, fork, 7);
    rig_same(want + 104 * vocab, a, 41, &r, "after a fork");
    rig_same(want + 90 * vocab, b, 55, &r, "a cut fork");
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&fork);
    free(a);
    free(b);
    free(want);
    free(plain);
    rig_close(&r);
}

/* Blocks taken from the prefix cache, and K/V of pictures dropped and projected again under memory
 * pressure. */
static void test_shared_and_evicted(void **state)
{
    rig        r, tight;
    weft_error err = WF_ERROR_INIT;
    char       bytes[64];
    (void)state;
    open_media(&r, NULL);
    float         *want = rig_run(&r, media, 0, NULL);
    weft_sequence *first = rig_sequence(&r, media), *second = rig_sequence(&r, media);
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    free(rig_logits(&r, first, 0));
    rig_check(weft_step(r.e, &second, 1, logits, &err), &err);
    assert_int_equal(second->n_cached, 192);
    rig_same(want + 202 * r.e->config.vocab, logits, 1, &r, "shared blocks");
    weft_sequence_destroy(&first);
    weft_sequence_destroy(&second);
    /* Room for one sequence and one picture's K/V more than it, not for a cache of others. */
    int64_t pages = 4 * r.e->config.n_layers + 3 * r.e->items.list->kv[0].n_runs * 2;
    snprintf(bytes, sizeof bytes, "kv_bytes=%lld", (long long)(pages * r.e->kv.pool.page_bytes));
    open_media(&tight, bytes);
    for (int i = 0; i < 3; i++) {
        float *again = rig_run(&tight, i == 1 ? text : media, 0, NULL);
        if (i != 1)
            rig_same(want, again, 203, &tight, "little memory");
        free(again);
    }
    rig_close(&tight);
    free(want);
    free(logits);
    rig_close(&r);
}

/* Each case on each level that this machine has. */
static void over_levels(void (*test)(void **))
{
    uint64_t have = wf_cpu_detect(), flags;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        at = &levels[i];
        assert_int_equal(wf_cpu_mask(strchr(at->mask, '=') + 1, &flags, NULL), WEFT_OK);
        if ((flags & have) == flags || strcmp(at->mask, "cpu_mask=max") == 0)
            test(NULL);
    }
}

#define OVER(name)                                                                                 \
    static void all_##name(void **state)                                                           \
    {                                                                                              \
        (void)state;                                                                               \
        over_levels(test_##name);                                                                  \
    }
OVER(plugins_idle)
OVER(neighbours)
OVER(before_and_after)
OVER(chunks)
OVER(threads)
OVER(fork_and_truncate)
OVER(shared_and_evicted)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_plugins_idle),
        cmocka_unit_test(all_neighbours),
        cmocka_unit_test(all_before_and_after),
        cmocka_unit_test(all_chunks),
        cmocka_unit_test(all_threads),
        cmocka_unit_test(all_fork_and_truncate),
        cmocka_unit_test(all_shared_and_evicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
