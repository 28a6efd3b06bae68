/* SPDX-License-Identifier: Apache-2.0 */
/* Ops over tensors of four axes on a GPU, what a host asks of logits, and the queue itself. */
#include "rig.h"

#include <math.h>
#include <string.h>

static void test_axes(void **unused)
{
    (void)unused;
    for (int32_t how = WF_COMBINE_ADD; how <= WF_COMBINE_SWIGLU; how++) {
        float *y = rig_floats(2 * 3 * 5 * 40, 1.0f), *x = rig_floats(2 * 3 * 5 * 40, 2.0f);
        wf_op  op = {.kind = WF_OP_COPY,
                     .u.copy = {y, x, {2, 3, 5, 37}, {600, 200, 40, 1}, {600, 40, 120, 1}}};
        rig_run(&op);
        rig_same(y, 1200 * 4, "copy");
        op = (wf_op){.kind = WF_OP_COMBINE,
                     .u.combine = {.y = y,
                                   .a = x,
                                   .b = rig_floats(40, 1.0f),
                                   .shape = {2, 3, 5, 37},
                                   .y_stride = {600, 200, 40, 1},
                                   .a_stride = {600, 200, 40, 1},
                                   .b_stride = {0, 0, 0, how == WF_COMBINE_MUL ? 0 : 1},
                                   .scale = 0.3f,
                                   .how = how}};
        rig_run(&op);
        rig_same(y, 1200 * 4, "combine");
        rig_free();
    }
}

static void test_softmax(void **unused)
{
    (void)unused;
    static const int64_t ns[] = {1, 33, 300, 2000};
    for (size_t i = 0; i < 4; i++) {
        int64_t n = ns[i], lines = 6;
        float  *y = rig_floats(lines * n, 1.0f), *x = rig_floats(lines * n, 5.0f);
        float  *bias = rig_floats(n, 1.0f);
        wf_op   op = {.kind = WF_OP_SOFTMAX,
                      .u.softmax = {.y = y,
                                    .x = x,
                                    .bias = bias,
                                    .shape = {1, 2, 3, n},
                                    .y_stride = {0, 3 * n, n, 1},
                                    .x_stride = {0, 3 * n, n, 1},
                                    .bias_stride = {0, 0, 0, 1},
                                    .scale = 0.7f}};
        for (int64_t k = 0; k < n; k++)
            x[n + k] = -(float)INFINITY; /* a row that sees nothing */
        rig_run(&op);
        rig_close_to(y, lines, n, n, 1e-14, "softmax");
        rig_free();
    }
}

static void test_pooling(void **unused)
{
    (void)unused;
    for (int32_t how = WF_POOLING_MEAN; how <= WF_POOLING_MAX; how++) {
        float *y = rig_floats(2 * 4 * 5 * 7, 1.0f), *x = rig_floats(2 * 8 * 9 * 7, 1.0f);
        wf_op  op = {.kind = WF_OP_POOLING,
                     .u.pooling = {.y = y,
                                   .x = x,
                                   .n = 2,
                                   .h = 8,
                                   .wd = 9,
                                   .c = 7,
                                   .kh = 3,
                                   .kw = 2,
                                   .oh = 4,
                                   .ow = 5,
                                   .y_stride = {140, 35, 7},
                                   .x_stride = {504, 63, 7},
                                   .stride = {2, 2},
                                   .pad = {1, 1, 1, 0},
                                   .how = how}};
        x[100] = (float)NAN;
        rig_run(&op);
        rig_same(y, 280 * 4, "pooling");
        rig_free();
    }
}

static void test_finite(void **unused)
{
    (void)unused;
    int64_t  m = 6, n = 1500;
    float   *x = rig_floats(m * n, 1.0f);
    int64_t *out = rig_pair((uint64_t)m * 16);
    x[n + 700] = (float)NAN;
    x[2 * n + 1499] = (float)INFINITY;
    x[3 * n] = -(float)INFINITY;
    x[4 * n + 900] = (float)NAN;
    x[4 * n + 300] = (float)INFINITY;
    wf_op op = {.kind = WF_OP_FINITE, .u.finite = {out, x, m, n, n, 2}};
    rig_run(&op);
    rig_same(out, (uint64_t)m * 16, "finite");
    rig_free();
}

static void check_best(int64_t m, int64_t n, int64_t k)
{
    float    *x = rig_floats(m * n, 20.0f);
    wf_score *best = rig_pair((uint64_t)(m * k) * sizeof *best);
    double   *sum = rig_pair((uint64_t)m * sizeof *sum);
    for (int64_t i = 0; i < m * n; i += 3)
        x[i] = (float)(int)x[i]; /* many are equal */
    if (n > 2 && m > 1) {
        x[n + 1] = (float)NAN;
        x[n + 2] = -(float)INFINITY;
    }
    wf_op op = {.kind = WF_OP_BEST, .u.best = {best, sum, x, m, n, k, n, k, 1}};
    rig_run(&op);
    rig_same(best, (uint64_t)(m * k) * sizeof *best, "best");
    const double *gpu = rig_pull(sum, (uint64_t)m * sizeof *sum);
    for (int64_t r = 0; r < m; r++) /* n sums in f64 */
        assert_true(fabs(gpu[r] - sum[r]) <= 1e-12 * sum[r]);
    rig_free();
}

static void test_best(void **unused)
{
    (void)unused;
    check_best(1, 1, 1);
    check_best(2, 40, 64);
    check_best(3, 2048, 1);
    check_best(2, 5000, 64);
}

/* ---- the queue ---- */

/* A list of ops that comes again and again runs as a graph from the second time on: the same sums
 * each time, also where memory that the ops read has changed. */
static void test_again(void **unused)
{
    enum { N = 300, TIMES = 6 };
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    void      *p;
    float      host[N], back[N];
    (void)unused;
    rig_ok(wf_device_alloc(rig_gpu, sizeof host, &p, &err), &err);
    for (int t = 0; t < TIMES; t++) {
        for (int i = 0; i < N; i++)
            host[i] = (float)(i + t);
        rig_ok(wf_queue_upload(rig_gpu_queue, p, host, sizeof host, &err), &err);
        for (int i = 0; i < 20; i++) {
            wf_op op = {.kind = WF_OP_ADD, .u.add = {p, p, p, 1, N, N, N, N, 1.0f, 0, NULL}};
            rig_ok(wf_queue_submit(rig_gpu_queue, &op, &err), &err);
        }
        rig_ok(wf_queue_download(rig_gpu_queue, back, p, sizeof back, &err), &err);
        rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
        for (int i = 0; i < N; i++)
            assert_true(back[i] == host[i] * 0x1p20f);
    }
    wf_device_free(rig_gpu, p);
}

static void test_two_queues(void **unused)
{
    enum { N = 5000 };
    static float host[N], back[N];
    weft_error   err = {.hdr = WEFT_HDR(weft_error)};
    weft_queue  *other;
    void        *p;
    bool         done = false;
    (void)unused;
    rig_ok(wf_queue_create(rig_gpu, &other, &err), &err);
    rig_ok(wf_device_alloc(rig_gpu, sizeof host, &p, &err), &err);
    for (int i = 0; i < N; i++)
        host[i] = (float)i;
    rig_ok(wf_queue_upload(other, p, host, sizeof host, &err), &err);
    rig_ok(wf_queue_after(rig_gpu_queue, other, &err), &err);
    wf_op op = {.kind = WF_OP_ADD, .u.add = {p, p, p, 1, N, N, N, N, 2.0f, 0, NULL}};
    rig_ok(wf_queue_submit(rig_gpu_queue, &op, &err), &err);
    while (!done)
        rig_ok(wf_queue_done(rig_gpu_queue, &done, &err), &err);
    rig_ok(wf_queue_download(rig_gpu_queue, back, p, sizeof back, &err), &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
    for (int i = 0; i < N; i++)
        assert_true(back[i] == 3.0f * host[i]);
    rig_ok(wf_queue_wait(other, &err), &err);
    wf_device_free(rig_gpu, p);
    wf_queue_destroy(&other);
}

/* What is too much is told, and the device goes on. */
static void test_memory(void **unused)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    uint64_t   free, total, left;
    void      *p[3], *q;
    (void)unused;
    rig_ok(wf_device_memory(rig_gpu, &free, &total, &err), &err);
    assert_true(free > 0 && free <= total);
    assert_int_equal(wf_device_alloc(rig_gpu, total * 2, &q, &err), WEFT_E_NOMEM);
    assert_null(q);
    assert_non_null(strstr(err.message, "out of memory"));
    for (int i = 0; i < 3; i++) {
        rig_ok(wf_device_alloc(rig_gpu, (uint64_t)1000 << (i * 8), &p[i], &err), &err);
        assert_int_equal((uintptr_t)p[i] % WF_ALIGN, 0);
    }
    for (int i = 0; i < 3; i++)
        wf_device_free(rig_gpu, p[i]);
    rig_ok(wf_device_memory(rig_gpu, &left, &total, &err), &err);
    assert_true(left + (1 << 20) >= free);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_axes),       cmocka_unit_test(test_softmax),
    cmocka_unit_test(test_pooling),    cmocka_unit_test(test_finite),
    cmocka_unit_test(test_best),       cmocka_unit_test(test_again),
    cmocka_unit_test(test_two_queues), cmocka_unit_test(test_memory)};

int main(void)
{
    return RIG_MAIN(tests, false);
}
