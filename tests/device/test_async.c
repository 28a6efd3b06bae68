/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous test device at sound work: queues that are waited for or asked, captured work,
 * and the seed that decides in which order its queues run. */
#include "async_rig.h"

#include <stdio.h>

static void test_sound_work(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r);
    submit(&r, r.q, activate(r.y, r.x, N));
    good(wf_queue_after(r.other, r.q, &r.err), &r.err);
    memset(r.host, 0, sizeof r.host);
    good(wf_queue_download(r.other, r.host, r.y, BYTES, &r.err), &r.err);
    assert_true(r.host[5] != r.host[5]); /* no number before the wait */
    good(wf_queue_wait(r.other, &r.err), &r.err);
    assert_true(r.host[5] == 5.0f && r.host[N - 1] == (float)(N - 1));
    rig_close(&r);
}

/* How often a queue of `work` ops is not done before it is. */
static int32_t questions(uint64_t seed, int32_t work)
{
    rig     r;
    bool    done = false;
    int32_t n = 0;
    rig_open_seeded(&r, seed);
    submit(&r, r.q, activate(r.y, r.x, 4 * N)); /* a mistake, which the wait will tell */
    for (int32_t i = 0; i < work; i++)
        submit(&r, r.q, activate(r.y, r.x, N));
    memset(r.host, 0, sizeof r.host);
    good(wf_queue_download(r.q, r.host, r.y, BYTES, &r.err), &r.err);
    for (good(wf_queue_done(r.q, &done, &r.err), &r.err); !done; n++) {
        assert_true(r.host[5] != r.host[5]); /* the download is the last of it */
        good(wf_queue_done(r.q, &done, &r.err), &r.err);
    }
    assert_true(r.host[5] == r.host[5]);
    told(&r, r.q, "out of bounds");
    good(wf_queue_done(r.q, &done, &r.err), &r.err);
    assert_true(done);
    rig_close(&r);
    return n;
}

/* To ask runs some of the work: the answer is no for a number of times that the seed decides. */
static void test_done(void **unused)
{
    int32_t most = 0, least = INT32_MAX;
    (void)unused;
    for (uint64_t seed = 1; seed < 30; seed++) {
        int32_t n = questions(seed, 40);
        assert_int_equal(n, questions(seed, 40));
        most = n > most ? n : most;
        least = n < least ? n : least;
    }
    assert_true(most > least && most > 2);
}

/* It is no wait: what the work used cannot be freed yet. */
static void test_done_is_no_wait(void **unused)
{
    rig  r;
    bool done = false;
    (void)unused;
    rig_open(&r);
    submit(&r, r.q, activate(r.y, r.x, N));
    while (!done)
        good(wf_queue_done(r.q, &done, &r.err), &r.err);
    wf_device_free(r.d, r.x);
    told(&r, r.q, "use after free");
    rig_close(&r);
}

/* On the CPU work has run when it has been submitted. */
static void test_done_on_the_cpu(void **unused)
{
    wf_device  *d;
    weft_queue *q;
    weft_error  err = WF_ERROR_INIT;
    wf_pool    *pool;
    bool        done = false;
    float       x[N] = {-1, 2}, y[N];
    (void)unused;
    good(wf_pool_create(1, &pool, &err), &err);
    good(wf_device_cpu_create(pool, wf_cpu_detect(), &d, &err), &err);
    good(wf_queue_create(d, &q, &err), &err);
    wf_op op = activate(y, x, N);
    good(wf_queue_submit(q, &op, &err), &err);
    good(wf_queue_done(q, &done, &err), &err);
    assert_true(done && y[0] == 0.0f && y[1] == 2.0f);
    wf_queue_destroy(&q);
    wf_device_destroy(&d);
    wf_pool_destroy(&pool);
}

static void test_capture(void **unused)
{
    rig       r;
    wf_graph *g;
    void     *p;
    (void)unused;
    rig_open(&r);
    good(wf_device_host_alloc(r.d, BYTES, &p, &r.err), &r.err);
    float *host = p;
    good(wf_queue_capture_begin(r.q, &r.err), &r.err);
    assert_int_equal(wf_queue_wait(r.q, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_after(r.q, r.other, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_done(r.q, &(bool){true}, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_upload(r.q, r.x, r.host, BYTES, NULL), WEFT_E_INVALID);
    good(wf_queue_upload(r.q, r.x, host, BYTES, &r.err), &r.err);
    submit(&r, r.q, activate(r.y, r.x, N));
    good(wf_queue_download(r.q, host, r.y, BYTES, &r.err), &r.err);
    good(wf_queue_capture_end(r.q, &g, &r.err), &r.err);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            host[i] = (float)(i - 4 + round);
        good(wf_queue_replay(r.q, g, &r.err), &r.err);
        good(wf_queue_wait(r.q, &r.err), &r.err);
        for (int i = 0; i < N; i++)
            assert_true(host[i] == (i - 4 + round > 0 ? (float)(i - 4 + round) : 0.0f));
    }
    wf_graph_free(r.d, g);
    wf_device_host_free(r.d, host);
    rig_close(&r);
}

static char said[200];

static void hear(int32_t level, const char *fmt, ...)
{
    va_list ap;
    (void)level;
    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

static void test_seed(void **unused)
{
    wf_device_config c = {.log = hear};
    wf_device       *d;
    (void)unused;
    setenv("WEFT_TEST_SEED", "4711", 1);
    assert_int_equal(wf_device_test_create(&c, &d, NULL), WEFT_OK);
    assert_string_equal(said, "async-test: WEFT_TEST_SEED=4711");
    wf_device_destroy(&d);
    c.seed = 5; /* what the caller asks for comes first */
    assert_int_equal(wf_device_test_create(&c, &d, NULL), WEFT_OK);
    assert_string_equal(said, "async-test: WEFT_TEST_SEED=5");
    wf_device_destroy(&d);
    unsetenv("WEFT_TEST_SEED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_work),      cmocka_unit_test(test_done),
        cmocka_unit_test(test_done_is_no_wait), cmocka_unit_test(test_done_on_the_cpu),
        cmocka_unit_test(test_capture),         cmocka_unit_test(test_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
