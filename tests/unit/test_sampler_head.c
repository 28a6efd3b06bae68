/* SPDX-License-Identifier: Apache-2.0 */
/* The pick from the likeliest tokens alone, as the ops give them, against the pick from all logits:
 * the same token and the same probability, to the bit, or no pick at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/device/builtin.h"
#include "core/text/sampler.h"

#define MOST 64
#define VOCAB_MOST 3000

typedef struct rig {
    wf_pool    *pool;
    wf_device  *d;
    weft_queue *q;
    uint64_t    state;
    float       logits[VOCAB_MOST];
    uint64_t    picked, passed; /* from the head; not from the head */
} rig;

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void rig_open(rig *r)
{
    weft_error err = WF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    good(wf_pool_create(1, &r->pool, &err), &err);
    good(wf_device_cpu_create(r->pool, wf_cpu_detect(), &r->d, &err), &err);
    good(wf_queue_create(r->d, &r->q, &err), &err);
}

static void rig_close(rig *r)
{
    wf_queue_destroy(&r->q);
    wf_device_destroy(&r->d);
    wf_pool_destroy(&r->pool);
}

/* SplitMix64. */
static uint64_t draw(rig *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float one_of(rig *r, const float *v, size_t n)
{
    return v[draw(r) % n];
}
#define ONE_OF(r, ...)                                                                             \
    one_of(r, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

/* Rows of many shapes: flat and steep, with ties, with tokens that are impossible. */
static void make_row(rig *r, int32_t n)
{
    float scale = ONE_OF(r, 0.01f, 1, 3, 10, 40), grid = ONE_OF(r, 0, 0, 0, 0.25f, 4);
    bool  holes = draw(r) % 4 == 0, most_are_holes = draw(r) % 16 == 0;
    for (int32_t i = 0; i < n; i++) {
        float u = (float)(draw(r) >> 40) * 0x1p-24f;
        float x = -scale * logf(u + 1e-7f);
        x = grid > 0 ? grid * floorf(x / grid) : x;
        if ((holes && draw(r) % 8 == 0) || (most_are_holes && draw(r) % 64 != 0))
            x = -INFINITY;
        r->logits[i] = draw(r) % 500 == 0 ? -x : x;
    }
    if (draw(r) % 50 == 0)
        r->logits[draw(r) % (uint64_t)n] = draw(r) % 2 == 0 ? FLT_MAX : -FLT_MAX;
    if (draw(r) % 50 == 0)
        r->logits[draw(r) % (uint64_t)n] = ONE_OF(r, NAN, INFINITY);
}

static wf_sampler_params make_params(rig *r)
{
    wf_sampler_params p = {.temperature = ONE_OF(r, 0, 0.1f, 0.6f, 0.8f, 1, 1, 1.5f, 100, 1e-30f),
                           .top_k = (int32_t)ONE_OF(r, 0, 0, 0, 1, 5, 40, 63, 64, 200),
                           .top_p = ONE_OF(r, 1, 1, 0.95f, 0.9f, 0.5f, 0.1f, 0),
                           .min_p = ONE_OF(r, 0, 0, 0, 0.05f, 0.3f, 1),
                           .repetition_penalty = ONE_OF(r, 1, 1, 1, 1.1f, 1.3f, 2, 0.9f),
                           .seed = draw(r)};
    return p;
}

/* What a step brings back of the row. */
static int64_t head_of(rig *r, int32_t n, int32_t k, wf_score *best, double *sum)
{
    int64_t    unsound;
    weft_error err = WF_ERROR_INIT;
    wf_op      finite = {.kind = WF_OP_FINITE,
                         .u.finite = {.out = &unsound, .x = r->logits, .m = 1, .n = n}};
    wf_op      op = {.kind = WF_OP_BEST,
                     .u.best = {.best = best, .sum = sum, .x = r->logits, .m = 1, .n = n, .k = k}};
    good(wf_queue_submit(r->q, &finite, &err), &err);
    good(wf_queue_submit(r->q, &op, &err), &err);
    return unsound;
}

static void compare(rig *r, wf_sampler *s, int32_t n, int32_t k, int64_t position)
{
    wf_score    best[MOST];
    wf_logit    list[MOST];
    wf_head     head = {.best = list, .n = k};
    int32_t     id = -1, head_id = -7;
    float       logprob = 0, head_logprob = 7;
    weft_error  err = WF_ERROR_INIT;
    weft_status status = wf_sampler_pick(s, r->logits, position, &id, &logprob, &err);
    int64_t     unsound = head_of(r, n, k, best, &head.sum);
    for (int32_t i = 0; i < k; i++)
        list[i] = (wf_logit){best[i].x, best[i].id};
    bool impossible =
        unsound != 0 && r->logits[(unsound < 0 ? -unsound : unsound) - 1] != -INFINITY;
    if (impossible) { /* the step fails such a row before anybody picks */
        assert_int_equal(status, WEFT_E_NUMERIC);
        return;
    }
    bool any = false;
    for (int32_t i = 0; i < n; i++)
        any |= !(r->logits[i] < INFINITY);
    if (any) /* -infinity came first */
        return;
    bool enough = wf_sampler_pick_head(s, &head, position, &head_id, &head_logprob);
    *(enough ? &r->picked : &r->passed) += 1;
    if (!enough) {
        assert_true(head_id == -7 && head_logprob == 7);
        return;
    }
    assert_int_equal(status, WEFT_OK);
    assert_int_equal(head_id, id);
    assert_memory_equal(&head_logprob, &logprob, sizeof logprob);
}

static wf_sampler *sampler(const wf_sampler_params *p, int32_t n)
{
    wf_sampler *s;
    weft_error  err = WF_ERROR_INIT;
    good(wf_sampler_create(p, n, &s, &err), &err);
    return s;
}

static void one_case(rig *r, uint64_t seed)
{
    static const int32_t ks[] = {1, 3, 16, MOST, MOST, MOST};
    r->state = seed;
    int32_t           n = 1 + (int32_t)(draw(r) % (draw(r) % 4 == 0 ? 80 : VOCAB_MOST));
    wf_sampler_params p = make_params(r);
    wf_sampler       *s = sampler(&p, n);
    int32_t           k = ks[draw(r) % (sizeof ks / sizeof *ks)], seen = (int32_t)(draw(r) % 200);
    for (int32_t i = 0; i < seen; i++)
        wf_sampler_accept(s, (int32_t)(draw(r) % (uint64_t)n));
    for (int64_t position = 0; position < 3; position++) {
        make_row(r, n);
        for (int32_t i = 0; i < 4; i++) /* likely ones were seen as well */
            if (draw(r) % 2 == 0)
                wf_sampler_accept(s, (int32_t)(draw(r) % (uint64_t)n));
        compare(r, s, n, k, position);
    }
    wf_sampler_destroy(&s);
}

static void test_random(void **state)
{
    rig r;
    (void)state;
    rig_open(&r);
    for (uint64_t seed = 1; seed <= 6000; seed++)
        one_case(&r, seed * 7919);
    print_message("%llu picked, %llu not\n", (unsigned long long)r.picked,
                  (unsigned long long)r.passed);
    assert_true(r.picked > 5000 && r.passed > 2000);
    rig_close(&r);
}

/* Where the limit of a filter lies just where it decides: top-p at every sum that the weights have,
 * and a float to either side. */
static void test_at_the_edge(void **state)
{
    rig    r;
    double all = 0, sum = 0;
    (void)state;
    rig_open(&r);
    const int32_t n = 300;
    for (int32_t i = 0; i < n; i++) {
        r.logits[i] = (float)(n - i) * 0.125f;
        all += exp((double)r.logits[i] - (double)r.logits[0]);
    }
    for (int32_t i = 0; i < 40; i++) {
        sum += exp((double)r.logits[i] - (double)r.logits[0]);
        float share = (float)(sum / all),
              by[] = {nextafterf(share, 0), share, nextafterf(share, 1)};
        for (int32_t k = 0; k < 3; k++) {
            wf_sampler_params p = {1.0f, 0, by[k] < 1 ? by[k] : 1, 0.0f, 1.0f, (uint64_t)i};
            wf_sampler       *s = sampler(&p, n);
            for (int64_t position = 0; position < 20; position++)
                compare(&r, s, n, MOST, position);
            wf_sampler_destroy(&s);
        }
    }
    assert_true(r.picked > 1000);
    rig_close(&r);
}

/* The settings that people use, on rows as steep as a language model's, need no whole logits. */
static void test_usual(void **state)
{
    static const wf_sampler_params usual[] = {
        {0.6f, 0, 0.9f, 0, 1, 1}, {0.7f, 40, 0.95f, 0, 1.1f, 1},  {1, 50, 1, 0, 1, 1},
        {0, 0, 1, 0, 1.2f, 1},    {0.8f, 40, 0.95f, 0.05f, 1, 1}, {1, 0, 1, 0.1f, 1, 1}};
    rig r;
    (void)state;
    rig_open(&r);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        wf_sampler *s = sampler(&usual[i], VOCAB_MOST);
        assert_int_equal(wf_sampler_head(s, MOST), MOST);
        r.state = i;
        for (int64_t position = 0; position < 200; position++) {
            for (int32_t k = 0; k < VOCAB_MOST; k++)
                r.logits[k] = -3.0f * logf((float)(draw(&r) >> 40) * 0x1p-24f + 1e-7f);
            compare(&r, s, VOCAB_MOST, MOST, position);
            wf_sampler_accept(s, (int32_t)(draw(&r) % VOCAB_MOST));
        }
        wf_sampler_destroy(&s);
    }
    assert_true(r.passed * 50 < r.picked);
    rig_close(&r);
}

static void test_how_many(void **state)
{
    static const struct {
        wf_sampler_params p;
        int32_t           vocab, want;
    } cases[] = {
        {{0, 5, 0.5f, 0.5f, 1, 0}, 1000, 1}, /* the filters say nothing then */
        {{0, 0, 1, 0, 1.1f, 0}, 1000, MOST}, {{0, 0, 1, 0, 0.9f, 0}, 1000, 0},
        {{1, 0, 1, 0, 1, 0}, 1000, 0},       {{1, 0, 1, 0, 1, 0}, 10, 0},
        {{1, 63, 1, 0, 1, 0}, 1000, MOST},   {{1, 64, 1, 0, 1, 0}, 1000, 0},
        {{1, 64, 1, 0, 1, 0}, 64, MOST},     {{1, 0, 0.9f, 0, 1, 0}, 1000, MOST},
        {{1, 0, 1, 0.1f, 1, 0}, 1000, MOST}, {{1, 40, 0.9f, 0, 0.99f, 0}, 1000, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wf_sampler *s = sampler(&cases[i].p, cases[i].vocab);
        assert_int_equal(wf_sampler_head(s, MOST), cases[i].want);
        wf_sampler_destroy(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_at_the_edge),
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_how_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
