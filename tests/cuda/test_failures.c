/* SPDX-License-Identifier: Apache-2.0 */
/* The device cuda over the fake driver, whose n-th call fails, for every n until none does: a
 * status with a sentence comes back, nothing stays allocated, and the same work succeeds
 * afterwards. Once where that call alone fails, once where the device is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/device/registry.h"
#include "fake_api.h"

#define N 300
#define OPS 12   /* enough of them to be worth a graph */
#define ROUNDS 4 /* the list comes again: launched, recorded, replayed */

static fake_api cu;

typedef struct job {
    wf_device  *d;
    weft_queue *a, *b;
    float      *x, *y, *host;
} job;

static weft_status open_all(job *j, weft_error *err)
{
    const wf_device_config c = {.module_dir = WEFT_BUILD_DIR};
    weft_status            status = wf_device_open("cuda", &c, &j->d, err);
    if (status == WEFT_OK)
        status = wf_queue_create(j->d, &j->a, err);
    if (status == WEFT_OK)
        status = wf_queue_create(j->d, &j->b, err);
    if (status == WEFT_OK)
        status = wf_device_alloc(j->d, N * sizeof(float), (void **)&j->x, err);
    if (status == WEFT_OK)
        status = wf_device_alloc(j->d, 1u << 22, (void **)&j->y, err);
    if (status == WEFT_OK)
        status = wf_device_host_alloc(j->d, N * sizeof(float), (void **)&j->host, err);
    return status;
}

/* y = x + x, then y += x again and again. */
static weft_status submit_all(job *j, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int i = 0; i < OPS && status == WEFT_OK; i++) {
        const wf_op op = {.kind = WF_OP_ADD,
                          .u.add = {.y = j->y,
                                    .a = i == 0 ? j->x : j->y,
                                    .b = j->x,
                                    .m = 1,
                                    .n = N,
                                    .y_stride = N,
                                    .a_stride = N,
                                    .b_stride = N,
                                    .scale = 1}};
        status = wf_queue_submit(j->a, &op, err);
    }
    return status;
}

static weft_status work(job *j, weft_error *err)
{
    uint64_t    left = 0, all = 0;
    weft_status status = wf_device_memory(j->d, &left, &all, err);
    for (int i = 0; i < N; i++)
        j->host[i] = (float)i;
    if (status == WEFT_OK)
        status = wf_queue_upload(j->b, j->x, j->host, N * sizeof(float), err);
    if (status == WEFT_OK)
        status = wf_queue_after(j->a, j->b, err);
    for (int round = 0; round < ROUNDS && status == WEFT_OK; round++) {
        status = submit_all(j, err);
        if (status == WEFT_OK)
            status = wf_queue_wait(j->a, err);
    }
    if (status == WEFT_OK)
        status = wf_queue_download(j->a, j->host, j->y, N * sizeof(float), err);
    if (status == WEFT_OK)
        status = wf_queue_wait(j->a, err);
    for (int i = 0; i < N && status == WEFT_OK; i++)
        assert_true(j->host[i] == (float)(i * (OPS + 1)));
    return status;
}

static void close_all(job *j)
{
    if (j->a != NULL)
        wf_queue_destroy(&j->a);
    if (j->b != NULL)
        wf_queue_destroy(&j->b);
    if (j->d != NULL) {
        wf_device_free(j->d, j->x);
        wf_device_free(j->d, j->y);
        wf_device_host_free(j->d, j->host);
    }
    wf_device_destroy(&j->d);
}

static weft_status whole(weft_error *err)
{
    job         j = {0};
    weft_status status = open_all(&j, err);
    if (status == WEFT_OK)
        status = work(&j, err);
    close_all(&j);
    return status;
}

static void nothing_left(uint64_t n)
{
    fake_cuda_state s;
    cu.state(&s);
    const uint64_t left =
        s.device_bytes + s.host_blocks + s.streams + s.events + s.modules + s.graphs + s.contexts;
    if (left != 0)
        fail_msg("after call %u failed: %u bytes, %u host blocks, %u streams, %u events, %u "
                 "modules, %u graphs, %u contexts stay",
                 (unsigned)n, (unsigned)s.device_bytes, (unsigned)s.host_blocks,
                 (unsigned)s.streams, (unsigned)s.events, (unsigned)s.modules, (unsigned)s.graphs,
                 (unsigned)s.contexts);
}

/* How many calls the whole takes where none fails. */
static uint64_t calls_of_all(void)
{
    fake_cuda_state before, after;
    weft_error      err = {.hdr = WEFT_HDR(weft_error)};
    cu.state(&before);
    assert_int_equal(whole(&err), WEFT_OK);
    cu.state(&after);
    assert_true(after.graph_launches > before.graph_launches);
    nothing_left(0);
    return after.calls - before.calls;
}

static void sweep(int code, int lost, weft_status expected)
{
    const uint64_t calls = calls_of_all();
    uint64_t       survived = 0;
    for (uint64_t n = 1; n <= calls; n++) {
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        cu.failing(n, code, lost);
        const weft_status status = whole(&err);
        cu.failing(0, 0, 0);
        survived += status == WEFT_OK; /* a graph that could not be made is not needed */
        if (status != WEFT_OK &&
            (strstr(err.message, "device cuda") == NULL || strlen(err.message) < 30))
            fail_msg("call %u: status %d says `%s`", (unsigned)n, status, err.message);
        if (status != WEFT_OK && status != expected && status != WEFT_E_UNSUPPORTED)
            fail_msg("call %u: status %d, not %d: %s", (unsigned)n, status, expected, err.message);
        nothing_left(n);
    }
    print_message("%u calls, of which %u may fail without harm\n", (unsigned)calls,
                  (unsigned)survived);
    assert_true(survived < calls / 4);
    calls_of_all();
}

static void test_out_of_memory(void **state)
{
    (void)state;
    sweep(2, 0, WEFT_E_NOMEM);
}

static void test_lost(void **state)
{
    (void)state;
    sweep(719, 1, WEFT_E_DEVICE);
}

/* Images that the driver does not take, as its own sentence. */
static void test_unsupported(void **state)
{
    bool told = false;
    (void)state;
    for (uint64_t n = 1; n < 100 && !told; n++) {
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        cu.failing(n, 222, 0); /* CUDA_ERROR_UNSUPPORTED_PTX_VERSION */
        const weft_status status = whole(&err);
        cu.failing(0, 0, 0);
        told =
            status == WEFT_E_DEVICE &&
            strstr(err.message, "the kernels are not for sm_90 with this driver; install a newer "
                                "driver, or build weft with the CUDA toolkit of this one") != NULL;
        nothing_left(n);
    }
    assert_true(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_out_of_memory),
                                       cmocka_unit_test(test_lost),
                                       cmocka_unit_test(test_unsupported)};
    cu = fake_open("libcuda.so.1"); /* the one that the module will find */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
