/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous test device finds mistakes: one is planted at a time, and told by its kind. */
#include "async_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_use_after_free(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r);
    submit(&r, r.q, activate(r.y, r.x, N)); /* freed before it ran */
    wf_device_free(r.d, r.x);
    told(&r, r.q, "use after free");
    submit(&r, r.q, activate(r.y, r.x, N)); /* freed before it was submitted */
    told(&r, r.q, "use after free");
    wf_device_free(r.d, (uint8_t *)r.y + 64);
    told(&r, r.q, "use after free"); /* what was never allocated cannot be freed */
    rig_close(&r);
}

/* Whether or not the work has run by then: nobody has waited for it. */
static void test_freed_before_a_wait(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed < 20; seed++) {
        rig r;
        rig_open_seeded(&r, seed);
        good(wf_queue_zero(r.q, r.x, BYTES, &r.err), &r.err);
        good(wf_queue_zero(r.other, r.y, BYTES, &r.err), &r.err);
        good(wf_queue_wait(r.other, &r.err), &r.err);
        wf_device_free(r.d, r.x);
        told(&r, r.q, "use after free");
        /* Where `other` comes after q, to wait for it is enough. */
        good(wf_queue_zero(r.q, r.y, BYTES, &r.err), &r.err);
        good(wf_queue_after(r.other, r.q, &r.err), &r.err);
        good(wf_queue_wait(r.other, &r.err), &r.err);
        wf_device_free(r.d, r.y);
        good(wf_queue_wait(r.q, &r.err), &r.err);
        rig_close(&r);
    }
}

static void test_out_of_bounds(void **unused)
{
    rig   r;
    float here[N] = {0};
    (void)unused;
    rig_open(&r);
    submit(&r, r.q, activate(r.y, r.x, N + 1));
    told(&r, r.q, "out of bounds");
    submit(&r, r.q, activate(r.y, r.x - 1, N));
    told(&r, r.q, "out of bounds");
    submit(&r, r.q, activate(here, r.x, N)); /* the host's memory */
    told(&r, r.q, "out of bounds");
    submit(&r, r.q, activate(NULL, r.x, N));
    told(&r, r.q, "out of bounds");
    good(wf_queue_zero(r.q, r.y, BYTES + 4, &r.err), &r.err);
    told(&r, r.q, "out of bounds");
    rig_close(&r);
}

static void test_never_written(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r);
    submit(&r, r.q, activate(r.x, r.y, N));
    told(&r, r.q, "never written");
    good(wf_queue_zero(r.q, r.y, BYTES - 4, &r.err), &r.err);
    good(wf_queue_download(r.q, r.host, r.y, BYTES, &r.err), &r.err);
    told(&r, r.q, "never written");
    /* A copy may carry what was never written, and it stays that. */
    wf_op copy = {.kind = WF_OP_COPY,
                  .u.copy = {.dst = r.x,
                             .src = r.y,
                             .shape = {1, 1, 1, N},
                             .dst_stride = {0, 0, 0, 1},
                             .src_stride = {0, 0, 0, 1}}};
    submit(&r, r.q, copy);
    submit(&r, r.q, activate(r.x, r.x, N - 1));
    good(wf_queue_wait(r.q, &r.err), &r.err);
    submit(&r, r.q, activate(r.x, r.x, N));
    told(&r, r.q, "never written");
    rig_close(&r);
}

/* In whatever order the two queues run, the second to run tells. */
static void test_missing_after(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed < 20; seed++) {
        rig        r;
        weft_error err = WF_ERROR_INIT, other = WF_ERROR_INIT;
        rig_open_seeded(&r, seed);
        good(wf_queue_zero(r.q, r.y, BYTES, &r.err), &r.err);
        submit(&r, r.other, activate(r.y, r.x, N));
        (void)wf_queue_wait(r.q, &err);
        (void)wf_queue_wait(r.other, &other);
        const char *said = err.code != WEFT_OK ? err.message : other.message;
        if (strstr(said, "missing after") == NULL)
            fail_msg("seed %llu: \"%s\"", (unsigned long long)seed, said);
        /* Two that read do no harm, and a wait is an order too. */
        submit(&r, r.q, activate(r.y, r.x, N));
        good(wf_queue_download(r.other, r.host, r.x, BYTES, &r.err), &r.err);
        good(wf_queue_wait(r.other, &r.err), &r.err);
        good(wf_queue_wait(r.q, &r.err), &r.err);
        submit(&r, r.other, activate(r.y, r.y, N));
        good(wf_queue_wait(r.other, &r.err), &r.err);
        rig_close(&r);
    }
}

static void test_host_memory(void **unused)
{
    rig    r;
    float *heap;
    (void)unused;
    rig_open(&r);
    good(wf_queue_upload(r.q, r.y, r.host, BYTES, &r.err), &r.err);
    r.host[3] = 1.0f; /* the source, before the copy ran */
    told(&r, r.q, "host memory changed");
    good(wf_queue_download(r.q, r.host, r.x, BYTES, &r.err), &r.err);
    r.host[3] = 1.0f; /* the destination */
    told(&r, r.q, "host memory changed");
    good(wf_queue_download(r.q, r.host, r.x, BYTES, &r.err), &r.err);
    good(wf_queue_upload(r.other, r.y, r.host, BYTES, &r.err), &r.err); /* read too early */
    told(&r, r.other, "read too early");
    good(wf_queue_wait(r.q, &r.err), &r.err);
    void *p;
    good(wf_device_host_alloc(r.d, BYTES, &p, &r.err), &r.err);
    heap = p;
    assert_true(heap[0] != heap[0]); /* starts as no number */
    memset(heap, 0, BYTES);
    good(wf_queue_upload(r.q, r.y, heap, BYTES, &r.err), &r.err);
    wf_device_host_free(r.d, heap);
    told(&r, r.q, "host memory changed");
    /* The same source twice is none. */
    good(wf_queue_upload(r.q, r.y, r.host, BYTES, &r.err), &r.err);
    good(wf_queue_upload(r.q, r.x, r.host, BYTES, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    rig_close(&r);
}

static void overrun(const weft_range *r, void *const *args)
{
    float *y = *(float **)args[0];
    (void)r;
    y[N] = 1.0f;
}

static void fill(const weft_range *r, void *const *args)
{
    float *y = *(float **)args[0];
    for (int64_t i = r->begin; i < r->end; i++)
        y[i] = 2.0f;
}

static void launch(rig *r, weft_cpu_kernel body, float *y)
{
    uint32_t       bytes = sizeof y;
    wf_kernel_decl decl = {.name = "body", .cpu = body, .arg_bytes = &bytes, .n_args = 1};
    wf_kernel     *k;
    wf_launch      l = {.n = N / 2, .grain = N};
    void          *args[] = {&y};
    good(wf_kernel_create(r->d, NULL, &decl, &k, &r->err), &r->err);
    good(wf_queue_launch(r->q, k, &l, args, &r->err), &r->err);
    weft_error why = WF_ERROR_INIT;
    if (wf_queue_wait(r->q, &why) != WEFT_OK)
        r->err = why;
    wf_kernel_destroy(&k);
}

static void test_kernels(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r);
    launch(&r, overrun, r.y);
    assert_non_null(strstr(r.err.message, "overrun"));
    r.err = (weft_error)WF_ERROR_INIT;
    launch(&r, fill, r.y);
    good(r.err.code, &r.err);
    submit(&r, r.q, activate(r.y, r.y, N / 2)); /* what the body wrote counts as written */
    good(wf_queue_wait(r.q, &r.err), &r.err);
    submit(&r, r.q, activate(r.y, r.y, N));
    told(&r, r.q, "never written");
    wf_device_free(r.d, r.y);
    launch(&r, fill, r.y);
    assert_non_null(strstr(r.err.message, "use after free"));
    rig_close(&r);
}

/* Whoever looks into device memory dies of it: seen from a child. */
static void test_read_by_the_host(void **unused)
{
    rig r;
    int status = 0;
    (void)unused;
    rig_open(&r);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        _exit(*(volatile float *)r.x == 0.0f ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    rig_close(&r);
}

/* Every op with a row too many in one of its arguments: small shapes, each array its own memory. */
static void test_each_new_op(void **unused)
{
    rig     r;
    int32_t index[4] = {0, 1, 2, 99};
    void   *list;
    (void)unused;
    rig_open(&r);
    good(wf_device_alloc(r.d, sizeof index, &list, &r.err), &r.err);
    good(wf_queue_upload(r.q, list, index, sizeof index, &r.err), &r.err);
    good(wf_queue_zero(r.q, r.y, BYTES, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    int64_t     one[4] = {8, 4, 1, 1}, shape[4] = {N / 8 + 1, 2, 4, 1};
    const wf_op ops[] = {
        {.kind = WF_OP_GATHER,
         .u.gather = {.dst = r.y,
                      .src = r.x,
                      .index = list,
                      .m = 5,
                      .n = 8,
                      .src_rows = 4,
                      .dst_stride = 8,
                      .src_stride = 8}},
        {.kind = WF_OP_ACTIVATE,
         .u.activate = {.y = r.y, .x = r.x, .m = 5, .n = 8, .y_stride = 8, .x_stride = 8}},
        {.kind = WF_OP_COMBINE,
         .u.combine = {.y = r.y,
                       .a = r.x,
                       .b = r.x,
                       .shape = {shape[0], shape[1], shape[2], shape[3]},
                       .y_stride = {one[0], one[1], one[2], one[3]},
                       .a_stride = {0, one[1], one[2], one[3]},
                       .b_stride = {0, 0, 0, 1}}},
        {.kind = WF_OP_SOFTMAX,
         .u.softmax = {.y = r.y,
                       .x = r.x,
                       .shape = {5, 1, 1, 8},
                       .y_stride = {0, 0, 0, 1},
                       .x_stride = {8, 0, 0, 1},
                       .scale = 1.0f}},
        {.kind = WF_OP_POOLING,
         .u.pooling = {.y = r.y,
                       .x = r.x,
                       .n = 1,
                       .h = 5,
                       .wd = 1,
                       .c = 8,
                       .kh = 1,
                       .kw = 1,
                       .oh = 5,
                       .ow = 1,
                       .y_stride = {0, 0, 0},
                       .x_stride = {40, 8, 8},
                       .stride = {1, 1}}},
        {.kind = WF_OP_ROTATE,
         .u.rotate = {.x = r.x,
                      .pos = list,
                      .m = 4,
                      .n_heads = 1,
                      .row_stride = 8,
                      .head_stride = 8,
                      .pairs = 4,
                      .step = 1,
                      .distance = 5,
                      .base = 10.0f}},
    };
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        submit(&r, r.q, ops[i]);
        told(&r, r.q, "out of bounds");
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use_after_free), cmocka_unit_test(test_freed_before_a_wait),
        cmocka_unit_test(test_out_of_bounds),  cmocka_unit_test(test_never_written),
        cmocka_unit_test(test_missing_after),  cmocka_unit_test(test_host_memory),
        cmocka_unit_test(test_kernels),        cmocka_unit_test(test_read_by_the_host),
        cmocka_unit_test(test_each_new_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
