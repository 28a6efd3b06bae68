/* SPDX-License-Identifier: Apache-2.0 */
/* Work recorded once and run many times, by the rules that core/device/device.h states: what a
 * recording queue takes and what it does not, what is kept and what is read at each replay, and
 * what the test device finds where a rule is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/device/builtin.h"

#define N 32 /* floats of a buffer */
#define BYTES (N * sizeof(float))
#define SEEDS 20

typedef struct rig {
    wf_device  *d;
    weft_queue *q, *other;
    weft_error  err;
    float      *x, *y;    /* on the device, never written */
    float      *in, *out; /* host memory of the device's own */
} rig;

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void rig_open(rig *r, uint64_t seed)
{
    wf_device_config c = {.cpu_flags = wf_cpu_detect(), .seed = seed};
    void            *p[4];
    memset(r, 0, sizeof *r);
    r->err = (weft_error)WF_ERROR_INIT;
    good(wf_device_test_create(&c, &r->d, &r->err), &r->err);
    good(wf_queue_create(r->d, &r->q, &r->err), &r->err);
    good(wf_queue_create(r->d, &r->other, &r->err), &r->err);
    for (int i = 0; i < 2; i++) {
        good(wf_device_alloc(r->d, BYTES, &p[i], &r->err), &r->err);
        good(wf_device_host_alloc(r->d, BYTES, &p[2 + i], &r->err), &r->err);
    }
    r->x = p[0];
    r->y = p[1];
    r->in = p[2];
    r->out = p[3];
    for (int i = 0; i < N; i++)
        r->in[i] = (float)(i - 4);
}

static void rig_close(rig *r)
{
    wf_queue_destroy(&r->q);
    wf_queue_destroy(&r->other);
    wf_device_free(r->d, r->x);
    wf_device_free(r->d, r->y);
    wf_device_host_free(r->d, r->in);
    wf_device_host_free(r->d, r->out);
    wf_device_destroy(&r->d);
}

static weft_status activate(rig *r, weft_queue *q)
{
    const wf_op op = {.kind = WF_OP_ACTIVATE,
                      .u.activate = {.y = r->y,
                                     .x = r->x,
                                     .m = 1,
                                     .n = N,
                                     .y_stride = N,
                                     .x_stride = N,
                                     .act = WF_ACT_RELU}};
    return wf_queue_submit(q, &op, &r->err);
}

/* in -> x -> y -> out, recorded. */
static wf_graph *record(rig *r)
{
    wf_graph *g;
    good(wf_queue_capture_begin(r->q, &r->err), &r->err);
    good(wf_queue_upload(r->q, r->x, r->in, BYTES, &r->err), &r->err);
    good(activate(r, r->q), &r->err);
    good(wf_queue_download(r->q, r->out, r->y, BYTES, &r->err), &r->err);
    good(wf_queue_capture_end(r->q, &g, &r->err), &r->err);
    assert_non_null(g);
    return g;
}

static void told(rig *r, weft_queue *q, const char *kind)
{
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_queue_wait(q, &err), WEFT_E_DEVICE);
    if (strstr(err.message, kind) == NULL)
        fail_msg("\"%s\" does not tell \"%s\"", err.message, kind);
    good(wf_queue_wait(q, &r->err), &r->err);
}

/* ---- what a recording queue does not take ---- */

static void test_not_taken(void **state)
{
    rig       r;
    wf_graph *g = NULL, *none = NULL;
    bool      done;
    (void)state;
    rig_open(&r, 0);
    wf_graph *before = record(&r);
    good(wf_queue_capture_begin(r.q, &r.err), &r.err);
    assert_int_equal(wf_queue_wait(r.q, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_done(r.q, &done, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_after(r.q, r.other, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_after(r.other, r.q, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_capture_begin(r.q, NULL), WEFT_E_STATE);
    assert_int_equal(wf_queue_replay(r.q, before, NULL), WEFT_E_STATE);
    good(wf_queue_wait(r.other, &r.err), &r.err); /* the other one is as ever */
    good(wf_queue_capture_end(r.q, &g, &r.err), &r.err);
    assert_int_equal(wf_queue_capture_end(r.q, &none, NULL), WEFT_E_STATE);
    assert_null(none);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    good(wf_queue_after(r.q, r.other, &r.err), &r.err);
    good(wf_queue_replay(r.q, g, &r.err), &r.err); /* nothing of what was refused is in it */
    good(wf_queue_wait(r.q, &r.err), &r.err);
    wf_graph_free(r.d, g);
    wf_graph_free(r.d, before);
    wf_graph_free(r.d, NULL);
    rig_close(&r);
}

static void test_cpu_cannot(void **state)
{
    weft_error  err = WF_ERROR_INIT;
    wf_device  *d;
    weft_queue *q;
    wf_graph   *g = NULL;
    (void)state;
    good(wf_device_cpu_create(NULL, wf_cpu_detect(), &d, &err), &err);
    good(wf_queue_create(d, &q, &err), &err);
    assert_int_equal(wf_queue_capture_begin(q, &err), WEFT_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "cpu"));
    assert_int_equal(wf_queue_capture_end(q, &g, &err), WEFT_E_UNSUPPORTED);
    assert_null(g);
    assert_int_equal(wf_queue_replay(q, NULL, &err), WEFT_E_UNSUPPORTED);
    good(wf_queue_wait(q, &err), &err);
    wf_queue_destroy(&q);
    wf_device_destroy(&d);
}

/* ---- nothing runs while it is recorded, and all of it at each replay ---- */

static void test_nothing_runs(void **state)
{
    rig r;
    (void)state;
    rig_open(&r, 0);
    memset(r.out, 0x5a, BYTES);
    wf_graph *g = record(&r);
    for (int i = 0; i < N; i++) {
        uint32_t bits;
        memcpy(&bits, &r.out[i], sizeof bits);
        assert_int_equal(bits, 0x5a5a5a5a); /* not even poison: no copy is on its way */
    }
    good(wf_queue_download(r.q, r.out, r.y, BYTES, &r.err), &r.err);
    told(&r, r.q, "never written");
    wf_graph_free(r.d, g);
    rig_close(&r);
}

/* Copies move what stands there when the replay runs; the op keeps its values, whatever becomes of
 * the struct that it was given in. */
static void test_replays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        rig r;
        rig_open(&r, seed);
        wf_graph *g = record(&r);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < N; i++)
                r.in[i] = (float)(i - 9 + round);
            good(wf_queue_replay(r.q, g, &r.err), &r.err);
            assert_true(r.out[3] != r.out[3]); /* no number before the wait */
            good(wf_queue_wait(r.q, &r.err), &r.err);
            for (int i = 0; i < N; i++)
                assert_true(r.out[i] == (i - 9 + round > 0 ? (float)(i - 9 + round) : 0.0f));
        }
        wf_graph_free(r.d, g);
        rig_close(&r);
    }
}

/* Twice before one wait: the second run sees what stood there when it was replayed. */
static void test_replayed_twice(void **state)
{
    rig r;
    (void)state;
    rig_open(&r, 0);
    wf_graph *g = record(&r);
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    for (int i = 0; i < N; i++)
        assert_true(r.out[i] == (i > 4 ? (float)(i - 4) : 0.0f));
    wf_graph_free(r.d, g);
    rig_close(&r);
}

static void test_zeroing(void **state)
{
    rig       r;
    wf_graph *g;
    (void)state;
    rig_open(&r, 0);
    good(wf_queue_capture_begin(r.q, &r.err), &r.err);
    good(wf_queue_zero(r.q, r.x, BYTES, &r.err), &r.err);
    good(wf_queue_download(r.q, r.out, r.x, BYTES, &r.err), &r.err);
    good(wf_queue_capture_end(r.q, &g, &r.err), &r.err);
    good(wf_queue_upload(r.q, r.x, r.in, BYTES, &r.err), &r.err);
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    for (int i = 0; i < N; i++)
        assert_true(r.out[i] == 0.0f);
    wf_graph_free(r.d, g);
    rig_close(&r);
}

/* A replay is ordered as other work: behind what its queue has, and before what waits for it. */
static void test_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        rig   r;
        float host[N];
        rig_open(&r, seed);
        wf_graph *g = record(&r);
        good(wf_queue_replay(r.q, g, &r.err), &r.err);
        good(wf_queue_after(r.other, r.q, &r.err), &r.err);
        good(wf_queue_download(r.other, host, r.y, BYTES, &r.err), &r.err);
        good(wf_queue_wait(r.other, &r.err), &r.err);
        for (int i = 0; i < N; i++)
            assert_true(host[i] == (i > 4 ? (float)(i - 4) : 0.0f));
        good(wf_queue_replay(r.q, g, &r.err), &r.err);
        good(wf_queue_zero(r.other, r.y, BYTES, &r.err), &r.err); /* in no order */
        weft_status one = wf_queue_wait(r.q, NULL), two = wf_queue_wait(r.other, NULL);
        assert_true(one == WEFT_E_DEVICE || two == WEFT_E_DEVICE);
        wf_graph_free(r.d, g);
        rig_close(&r);
    }
}

/* ---- what has to be at the same place at every replay ---- */

static void test_device_memory_gone(void **state)
{
    rig r;
    (void)state;
    rig_open(&r, 0);
    wf_graph *g = record(&r);
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    wf_device_free(r.d, r.y);
    r.y = NULL;
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    told(&r, r.q, "use after free");
    wf_graph_free(r.d, g);
    rig_close(&r);
}

static void test_host_memory(void **state)
{
    rig       r;
    wf_graph *g;
    float     mine[N];
    (void)state;
    rig_open(&r, 0);
    good(wf_queue_capture_begin(r.q, &r.err), &r.err);
    assert_int_equal(wf_queue_upload(r.q, r.x, mine, BYTES, NULL), WEFT_E_INVALID);
    assert_int_equal(wf_queue_download(r.q, mine, r.x, BYTES, NULL), WEFT_E_INVALID);
    /* The device's own, but longer than what it gave. */
    assert_int_equal(wf_queue_upload(r.q, r.x, r.in + 1, BYTES, NULL), WEFT_E_INVALID);
    good(wf_queue_upload(r.q, r.x + N / 2, r.in + N / 2, BYTES / 2, &r.err), &r.err);
    good(wf_queue_capture_end(r.q, &g, &r.err), &r.err);
    good(wf_queue_replay(r.q, g, &r.err), &r.err); /* what was refused is not in it */
    good(wf_queue_download(r.q, r.out, r.x + N / 2, BYTES / 2, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    assert_memory_equal(r.out, r.in + N / 2, BYTES / 2);
    wf_graph_free(r.d, g);
    rig_close(&r);
}

/* Host memory that was given back is not read by a replay. */
static void test_host_memory_gone(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_open(&r, 0);
    wf_graph *g = record(&r);
    wf_device_host_free(r.d, r.in);
    r.in = NULL;
    assert_int_equal(wf_queue_replay(r.q, g, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "host memory"));
    good(wf_queue_wait(r.q, &r.err), &r.err);
    wf_graph_free(r.d, g);
    rig_close(&r);
}

/* A queue that goes while it records leaves nothing behind. */
static void test_dropped(void **state)
{
    rig r;
    (void)state;
    rig_open(&r, 0);
    good(wf_queue_capture_begin(r.q, &r.err), &r.err);
    good(activate(&r, r.q), &r.err);
    wf_queue_destroy(&r.q);
    good(wf_queue_create(r.d, &r.q, &r.err), &r.err);
    wf_graph *g = record(&r);
    good(wf_queue_replay(r.q, g, &r.err), &r.err);
    wf_queue_destroy(&r.q); /* with a replay that has not run */
    wf_graph_free(r.d, g);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_taken),      cmocka_unit_test(test_cpu_cannot),
        cmocka_unit_test(test_nothing_runs),   cmocka_unit_test(test_replays),
        cmocka_unit_test(test_replayed_twice), cmocka_unit_test(test_zeroing),
        cmocka_unit_test(test_order),          cmocka_unit_test(test_device_memory_gone),
        cmocka_unit_test(test_host_memory),    cmocka_unit_test(test_host_memory_gone),
        cmocka_unit_test(test_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
