/* SPDX-License-Identifier: Apache-2.0 */
/* Soft tokens: rows that a plugin gives take places in the token stream. The rows here are the
 * embeddings of known tokens, so a sequence with soft tokens must give the very bytes of the
 * sequence that holds those tokens: through a chunk's edge within the span, after forks and cuts,
 * beside text, on both devices. */
#include "rig.h"

#include <unistd.h>

#define MODEL FIXTURE("llama-untied")
#define ROWS 9

static const int32_t spoken[2][ROWS] = {{5, 9, 2, 77, 13, 5, 95, 41, 8},
                                        {3, 3, 60, 21, 4, 90, 11, 1, 7}};
static char          parity[64];
static const char   *device;

/* The embedding rows of the spoken tokens as a tensor file. */
static int write_rows(void **state)
{
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_check(wf_st_open(MODEL "/model.safetensors", &f, &err), &err);
    const wf_st_tensor *t = wf_st_find(&f, "model.embed_tokens.weight");
    assert_true(t != NULL && t->dtype == WF_ST_F32);
    int64_t d = t->shape[1];
    float  *rows = malloc((size_t)(2 * ROWS * d) * sizeof *rows);
    for (int64_t k = 0; k < 2 * ROWS; k++)
        rig_check(wf_st_read(&f, t, (uint64_t)(spoken[k / ROWS][k % ROWS] * d) * 4, rows + k * d,
                             (uint64_t)d * 4, &err),
                  &err);
    wf_st_out out = {"soft_rows", WF_ST_F32, 3, {2, ROWS, d}, rows};
    snprintf(parity, sizeof parity, "/tmp/weft-soft-%ld.safetensors", (long)getpid());
    rig_check(wf_st_write(parity, &out, 1, &err), &err);
    free(rows);
    wf_st_close(&f);
    return 0;
}

static int remove_rows(void **state)
{
    (void)state;
    return unlink(parity);
}

static void open_soft(rig *r)
{
    const char *pairs[] = {"model=" MODEL, "dtype=f32", "plugin=" WEFT_SOFT_PLUGIN, device, NULL};
    rig_open(r, pairs, parity);
    assert_int_equal(r->n_items, 2);
}

/* What script means with the items spelled out as the tokens that they are. */
static weft_sequence *spelled(rig *r, const int32_t *script)
{
    weft_sequence *s = rig_sequence(r, (const int32_t[]){0});
    weft_error     err = WF_ERROR_INIT;
    for (; *script != 0; script++) {
        if (*script < 0) {
            rig_check(weft_sequence_feed_ids(s, spoken[-*script - 1], ROWS, &err), &err);
            continue;
        }
        for (int32_t i = 0; i < *script; i++) {
            int32_t id =
                (int32_t)((uint64_t)(s->n * 2654435761u + 12345u) % (uint64_t)r->e->config.vocab);
            rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
        }
    }
    return s;
}

static void same(const rig *r, const float *a, const float *b, int64_t rows)
{
    size_t n = (size_t)r->e->config.vocab;
    for (int64_t i = 0; i < rows; i++)
        if (memcmp(a + (size_t)i * n, b + (size_t)i * n, n * sizeof *a) != 0)
            fail_msg("row %lld differs on %s", (long long)i, device);
}

static const int32_t script[] = {60, -1, 50, -2, -1, 20, 0};

static void spans(void)
{
    static const int64_t chunks[] = {0, 1, 4, 7, 62};
    rig                  r;
    open_soft(&r);
    weft_sequence *s = spelled(&r, script);
    s->no_cache = 1;
    float  *want = rig_logits(&r, s, 0);
    int64_t n = s->n;
    weft_sequence_destroy(&s);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        s = rig_sequence(&r, script);
        s->no_cache = 1;
        assert_int_equal(s->n, n);
        float *got = rig_logits(&r, s, chunks[i]);
        same(&r, want, got, n);
        weft_sequence_destroy(&s);
        free(got);
    }
    free(want);
    rig_close(&r);
}

static void forks_and_cuts(void)
{
    rig            r;
    weft_sequence *fork;
    weft_error     err = WF_ERROR_INIT;
    open_soft(&r);
    weft_sequence *w = spelled(&r, script), *s = rig_sequence(&r, script);
    w->no_cache = s->no_cache = 1;
    float *want = rig_logits(&r, w, 0);
    free(rig_logits(&r, s, 0));
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    assert_int_equal(weft_sequence_truncate(fork, 63, &err),
                     WEFT_E_INVALID); /* within the first span */
    rig_check(weft_sequence_truncate(fork, 60, &err), &err);
    rig_check(weft_sequence_feed_item(fork, r.items[0], &err), &err);
    float *got = rig_logits(&r, fork, 5);
    same(&r, want + 60 * r.e->config.vocab, got, ROWS);
    /* A shared prefix is keyed by the item, not by the placeholder's id. */
    weft_sequence *a = rig_sequence(&r, (const int32_t[]){60, -1, 60, 0});
    weft_sequence *b = rig_sequence(&r, (const int32_t[]){60, -2, 60, 0});
    weft_sequence *c = rig_sequence(&r, (const int32_t[]){60, -1, 60, 0});
    float         *logits = malloc(3 * (size_t)r.e->config.vocab * sizeof *logits);
    rig_check(weft_step(r.e, &a, 1, logits, &err), &err);
    rig_check(weft_step(r.e, &b, 1, logits + r.e->config.vocab, &err), &err);
    rig_check(weft_step(r.e, &c, 1, logits + 2 * r.e->config.vocab, &err), &err);
    assert_int_equal(b->n_cached, 0);
    assert_int_equal(c->n_cached, 128);
    same(&r, logits, logits + 2 * r.e->config.vocab, 1);
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&b);
    weft_sequence_destroy(&c);
    weft_sequence_destroy(&w);
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&fork);
    free(logits);
    free(want);
    free(got);
    rig_close(&r);
}

static void test_cpu(void **state)
{
    (void)state;
    device = "device=cpu";
    spans();
    forks_and_cuts();
}

static void test_async(void **state)
{
    (void)state;
    device = "device=async-test";
    spans();
    forks_and_cuts();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_async)};
    return cmocka_run_group_tests(tests, write_rows, remove_rows);
}
