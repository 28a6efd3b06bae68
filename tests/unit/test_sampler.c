/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler: how often it draws what, against transformers; the generator against known answers;
 * greedy, ties, the penalty, bad logits and bad options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/text/sampler.h"
#include "tests/unit/scratch.h"

#define VOCAB 12
#define DRAWS 40000

static const wf_sampler_params greedy = {0.0f, 0, 1.0f, 0.0f, 1.0f, 0};
static const wf_sampler_params plain = {1.0f, 0, 1.0f, 0.0f, 1.0f, 0};

static wf_sampler *sampler(const wf_sampler_params *p, int32_t vocab)
{
    wf_sampler *s;
    weft_error  err = WF_ERROR_INIT;
    assert_int_equal(wf_sampler_create(p, vocab, &s, &err), WEFT_OK);
    return s;
}

static int32_t pick(wf_sampler *s, const float *logits, int64_t position)
{
    int32_t    id = -1;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_sampler_pick(s, logits, position, &id, NULL, &err), WEFT_OK);
    return id;
}

typedef struct sampler_case {
    wf_sampler_params p;
    int32_t           n_history, history[VOCAB];
    float             logits[VOCAB];
    double            probability[VOCAB];
} sampler_case;

static const sampler_case cases[] = {
#include "tests/unit/sampler_cases.inc"
};

/* Over many positions each token is drawn as often as it is likely. The bound is five standard
 * deviations of the count (the seeds are fixed, so it holds or not for good); what transformers
 * gives no probability is never drawn, and what has 20 draws to expect is. */
static void like_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const sampler_case *c = &cases[i];
        int32_t             count[VOCAB] = {0};
        wf_sampler         *s = sampler(&c->p, VOCAB);
        for (int32_t k = 0; k < c->n_history; k++)
            wf_sampler_accept(s, c->history[k]);
        for (int32_t k = 0; k < DRAWS; k++)
            count[pick(s, c->logits, k)]++;
        for (int32_t k = 0; k < VOCAB; k++) {
            double p = c->probability[k];
            double off = fabs(count[k] - p * DRAWS), bound = 5.0 * sqrt(p * (1.0 - p) * DRAWS);
            if (off > bound + 1e-3 || (p * DRAWS > 20.0 && count[k] == 0))
                fail_msg("case %zu, token %d: drawn %d times, expected %g", i, k, count[k],
                         p * DRAWS);
        }
        wf_sampler_destroy(&s);
    }
}

/* With 2^16 equal logits the token is the first 16 bits that the generator gives. Row 0 is the
 * known answer published with Philox 4x32-10; the others are of an independent implementation that
 * gives all three published answers. */
static void known_generator(void **state)
{
    static const struct {
        uint64_t seed;
        int64_t  position;
        uint32_t word;
    } known[] = {
        {0, 0, 0x6627e8d5},
        {1, 0, 0xe3e80670},
        {0, 1, 0xf8e4cca4},
        {42, 7, 0x5bbd83b1},
        {0xdeadbeefcafef00d, 123456789012, 0x8058c5df},
    };
    float *logits = calloc(65536, sizeof(*logits));
    (void)state;
    assert_non_null(logits);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        wf_sampler_params p = plain;
        p.seed = known[i].seed;
        wf_sampler *s = sampler(&p, 65536);
        assert_int_equal(pick(s, logits, known[i].position), known[i].word >> 16);
        wf_sampler_destroy(&s);
    }
    free(logits);
}

static void greedy_picks(void **state)
{
    const float ties[VOCAB] = {-1, 2, 5, 5, -3, 5, 0, 1, 4, 5, 2, 3};
    const float low[VOCAB] = {-INFINITY, -FLT_MAX,  -INFINITY, -INFINITY, -INFINITY, -INFINITY,
                              -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    wf_sampler *s = sampler(&greedy, VOCAB);
    (void)state;
    for (int64_t position = 0; position < 100; position++)
        assert_int_equal(pick(s, ties, position), 2);
    assert_int_equal(pick(s, low, 0), 1);
    wf_sampler_destroy(&s);
    /* The filters keep the lowest id of equals as well: one token is left of four. */
    const wf_sampler_params narrow = {1.0f, 0, 0.0f, 0.0f, 1.0f, 9};
    s = sampler(&narrow, VOCAB);
    for (int64_t position = 0; position < 100; position++)
        assert_int_equal(pick(s, ties, position), 2);
    wf_sampler_destroy(&s);
    const wf_sampler_params cold = {1e-30f, 0, 1.0f, 0.0f, 1.0f, 9};
    const float             apart[VOCAB] = {0, 1, 1.0001f, -1};
    s = sampler(&cold, VOCAB);
    for (int64_t position = 0; position < 100; position++)
        assert_int_equal(pick(s, apart, position), 2);
    wf_sampler_destroy(&s);
}

static void penalty_with_greedy(void **state)
{
    wf_sampler_params p = greedy;
    const float       up[VOCAB] = {3, 2.9f, 0},
                down[VOCAB] = {-3, -2.9f, -9, -9, -9, -9, -9, -9, -9, -9, -9, -9};
    const float high[VOCAB] = {FLT_MAX, 1}, deep[VOCAB] = {-FLT_MAX, -FLT_MAX};
    (void)state;
    p.repetition_penalty = 1.1f;
    wf_sampler *s = sampler(&p, VOCAB);
    assert_int_equal(pick(s, up, 0), 0);
    wf_sampler_accept(s, 0);
    wf_sampler_accept(s, 0); /* counts once */
    wf_sampler_accept(s, -1);
    wf_sampler_accept(s, VOCAB); /* outside: no effect, no harm */
    wf_sampler_accept(s, INT32_MAX);
    assert_int_equal(pick(s, up, 1), 1);
    assert_int_equal(pick(s, down, 1), 1);
    wf_sampler_accept(s, 1);
    assert_int_equal(pick(s, up, 2), 0);
    assert_int_equal(pick(s, down, 2), 1);
    wf_sampler_destroy(&s);
    /* At the edge of what a float holds nothing becomes infinite. */
    p.repetition_penalty = 0.01f;
    p.temperature = 1.0f;
    s = sampler(&p, VOCAB);
    wf_sampler_accept(s, 0);
    assert_int_equal(pick(s, high, 0), 0);
    wf_sampler_destroy(&s);
    p.repetition_penalty = 100.0f;
    s = sampler(&p, 2);
    wf_sampler_accept(s, 0);
    wf_sampler_accept(s, 1);
    assert_in_range(pick(s, deep, 0), 0, 1);
    wf_sampler_destroy(&s);
}

/* The probability is the model's, whatever temperature and penalty did. */
static void log_probabilities(void **state)
{
    const float             logits[VOCAB] = {1, 2, 3, -100, 80, 79.5f, 0, 0, -INFINITY, 78, 1, 1};
    const wf_sampler_params p = {5.0f, 0, 1.0f, 0.0f, 1.5f, 3};
    double                  sum = 0;
    weft_error              err = WF_ERROR_INIT;
    wf_sampler             *s = sampler(&p, VOCAB);
    (void)state;
    for (int32_t i = 0; i < VOCAB; i++)
        sum += exp((double)logits[i] - 80.0);
    wf_sampler_accept(s, 4);
    for (int64_t position = 0; position < 50; position++) {
        int32_t id;
        float   logprob;
        assert_int_equal(wf_sampler_pick(s, logits, position, &id, &logprob, &err), WEFT_OK);
        /* Both in double; the result is rounded to float, of at most 180 here. */
        assert_true(fabs((double)logprob - ((double)logits[id] - 80.0 - log(sum))) < 2e-5);
        assert_true(logprob <= 0.0f);
    }
    wf_sampler_destroy(&s);
}

static void bad_logits(void **state)
{
    const float bad[] = {NAN, -NAN, INFINITY};
    float       logits[VOCAB] = {0};
    int32_t     id = 77;
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    for (int32_t hot = 0; hot < 2; hot++) {
        wf_sampler *s = sampler(hot != 0 ? &plain : &greedy, VOCAB);
        for (int32_t at = 0; at < VOCAB; at++)
            for (int32_t k = 0; k < 3; k++) {
                char place[32];
                snprintf(place, sizeof(place), "token %d is", at);
                logits[at] = bad[k];
                assert_failure(wf_sampler_pick(s, logits, 0, &id, NULL, &err), &err, WEFT_E_NUMERIC,
                               place, k < 2 ? "not a number" : "infinite");
                logits[at] = 0;
            }
        for (int32_t i = 0; i < VOCAB; i++)
            logits[i] = -INFINITY;
        assert_failure(wf_sampler_pick(s, logits, 0, &id, NULL, &err), &err, WEFT_E_NUMERIC,
                       "no token", "minus infinity");
        memset(logits, 0, sizeof(logits));
        wf_sampler_destroy(&s);
    }
    assert_int_equal(id, 77);
}

static void bad_options(void **state)
{
    static const struct {
        wf_sampler_params p;
        const char       *option;
    } bad[] = {
        {{-0.1f, 0, 1, 0, 1, 0}, "--temperature"},
        {{100.1f, 0, 1, 0, 1, 0}, "--temperature"},
        {{NAN, 0, 1, 0, 1, 0}, "--temperature"},
        {{INFINITY, 0, 1, 0, 1, 0}, "--temperature"},
        {{1, -1, 1, 0, 1, 0}, "--top-k"},
        {{1, 0, -0.1f, 0, 1, 0}, "--top-p"},
        {{1, 0, 1.1f, 0, 1, 0}, "--top-p"},
        {{1, 0, NAN, 0, 1, 0}, "--top-p"},
        {{1, 0, 1, -0.1f, 1, 0}, "--min-p"},
        {{1, 0, 1, 1.1f, 1, 0}, "--min-p"},
        {{1, 0, 1, 0, 0, 0}, "--repetition-penalty"},
        {{1, 0, 1, 0, -1, 0}, "--repetition-penalty"},
        {{1, 0, 1, 0, 101, 0}, "--repetition-penalty"},
    };
    wf_sampler *s;
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_failure(wf_sampler_create(&bad[i].p, VOCAB, &s, &err), &err, WEFT_E_INVALID,
                       bad[i].option, "must be");
        assert_null(s);
    }
    assert_failure(wf_sampler_create(&plain, 0, &s, &err), &err, WEFT_E_INVALID, "vocabulary", "0");
    for (uint64_t n = 1; n <= 3; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_sampler_create(&plain, VOCAB, &s, &err), WEFT_E_NOMEM);
        assert_null(s);
    }
    wf_mem_fail_at(0, false);
    wf_sampler_destroy(&s); /* nothing there: fine */
}

/* A whole vocabulary: same seed same tokens, other seed others, no allocation, and the filters'
 * heap at its real size. */
static void whole_vocabulary(void **state)
{
    enum { n = 128256, steps = 20 };
    const wf_sampler_params p = {0.8f, 40, 0.95f, 0.01f, 1.1f, 1234};
    float                  *logits = malloc(n * sizeof(*logits));
    int32_t                 first[steps], same = 0;
    uint32_t                random = 1;
    (void)state;
    assert_non_null(logits);
    for (int32_t run = 0; run < 3; run++) {
        wf_sampler_params mine = p;
        mine.seed += run == 2;
        wf_sampler *s = sampler(&mine, n);
        uint64_t    before = wf_mem_count();
        random = 1;
        for (int32_t step = 0; step < steps; step++) {
            for (int32_t i = 0; i < n; i++) {
                random = random * 1664525u + 1013904223u;
                logits[i] = (float)(random >> 16) * 0x1p-13f;
            }
            int32_t id = pick(s, logits, step);
            wf_sampler_accept(s, id);
            if (run == 0)
                first[step] = id;
            else if (run == 1)
                assert_int_equal(id, first[step]);
            else
                same += id == first[step];
        }
        assert_true(wf_mem_count() == before);
        wf_sampler_destroy(&s);
    }
    assert_true(same < steps / 2);
    free(logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_transformers), cmocka_unit_test(known_generator),
        cmocka_unit_test(greedy_picks),      cmocka_unit_test(penalty_with_greedy),
        cmocka_unit_test(log_probabilities), cmocka_unit_test(bad_logits),
        cmocka_unit_test(bad_options),       cmocka_unit_test(whole_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
