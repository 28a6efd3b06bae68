/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions that are too large for one go: by cuDNN some items at a time; and where memory is
 * short by rows, fewer at a time the less there is. All sums are of small whole numbers, and so
 * exact. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/device/registry.h"
#include "fake/control.h"

static fake_cuda_state_fn   driver_state;
static fake_cudnn_counts_fn dnn_counts;

#define FILLERS 256 /* pieces of memory */

typedef struct rig {
    wf_device  *d;
    weft_queue *q;
    wf_conv     a;
    float      *x, *w; /* on the host, as y is */
    void       *fillers[FILLERS];
    int         n_fillers;
} rig;

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void *device_memory(const rig *r, const void *from, uint64_t bytes)
{
    void      *p;
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    good(wf_device_alloc(r->d, bytes, &p, &err), &err);
    good(from != NULL ? wf_queue_upload(r->q, p, from, bytes, &err)
                      : wf_queue_zero(r->q, p, bytes, &err),
         &err);
    good(wf_queue_wait(r->q, &err), &err);
    return p;
}

static float *numbers(int64_t n, int most)
{
    float *p = malloc((size_t)n * sizeof *p);
    assert_non_null(p);
    for (int64_t i = 0; i < n; i++)
        p[i] = (float)(i * 7919 % (2 * most + 1) - most);
    return p;
}

static wf_weight packed(const rig *r, int64_t n, int64_t k)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    uint64_t   bytes;
    good(wf_device_weight_bytes(r->d, WF_BF16, n, k, &bytes, &err), &err);
    const wf_weight w = {device_memory(r, NULL, bytes), n, k, WF_BF16, 0};
    void           *rows = device_memory(r, r->w, (uint64_t)(n * k) * 4);
    const wf_op     pack = {.kind = WF_OP_PACK, .u.pack = {w, rows, 0, n, WF_F32, 0}};
    good(wf_queue_submit(r->q, &pack, &err), &err);
    good(wf_queue_wait(r->q, &err), &err);
    wf_device_free(r->d, rows);
    return w;
}

/* A square kernel without padding over n pictures of c planes. */
static void rig_open(rig *r, bool deterministic, int64_t n, int64_t c, int64_t h, int64_t wd,
                     int64_t kernel, int32_t stride, int64_t out)
{
    const wf_device_config config = {.module_dir = WEFT_BUILD_DIR, .deterministic = deterministic};
    const int64_t          k = c * kernel * kernel, all = n * c * h * wd;
    weft_error             err = {.hdr = WEFT_HDR(weft_error)};
    *r = (rig){.x = numbers(all, 3), .w = numbers(out * k, 2)};
    good(wf_device_open("cuda", &config, &r->d, &err), &err);
    good(wf_queue_create(r->d, &r->q, &err), &err);
    r->a = (wf_conv){.n = n,
                     .c = c,
                     .h = h,
                     .wd = wd,
                     .kh = kernel,
                     .kw = kernel,
                     .oh = (h - kernel) / stride + 1,
                     .ow = (wd - kernel) / stride + 1,
                     .x_stride = {c * h * wd, h * wd, wd, 1},
                     .stride = {stride, stride}};
    r->a.w = packed(r, out, k);
    r->a.x = device_memory(r, r->x, (uint64_t)all * 4);
    r->a.y = device_memory(r, NULL, (uint64_t)(n * r->a.oh * r->a.ow * out) * 4);
}

static void give_back(rig *r)
{
    while (r->n_fillers > 0)
        wf_device_free(r->d, r->fillers[--r->n_fillers]);
}

static void rig_close(rig *r)
{
    give_back(r);
    wf_device_free(r->d, r->a.w.data);
    wf_device_free(r->d, (void *)(uintptr_t)r->a.x);
    wf_device_free(r->d, r->a.y);
    wf_queue_destroy(&r->q);
    wf_device_destroy(&r->d);
    free(r->x);
    free(r->w);
}

/* Takes all the memory that there is but for a piece of so much. */
static void leave(rig *r, uint64_t bytes)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    void      *piece = NULL;
    if (bytes > 0)
        good(wf_device_alloc(r->d, bytes, &piece, &err), &err);
    for (uint64_t size = (uint64_t)1 << 30; size >= 256; size /= 2)
        while (wf_device_alloc(r->d, size, &r->fillers[r->n_fillers], &err) == WEFT_OK)
            assert_true(++r->n_fillers < FILLERS);
    if (bytes > 0)
        wf_device_free(r->d, piece);
}

static float expected(const rig *r, int64_t window, int64_t out)
{
    const wf_conv *a = &r->a;
    const int64_t  item = window / (a->oh * a->ow), y = window / a->ow % a->oh * a->stride[0];
    const int64_t  x = window % a->ow * a->stride[1];
    float          sum = 0;
    for (int64_t i = 0; i < a->w.k; i++)
        sum += r->x[((item * a->c + i / (a->kh * a->kw)) * a->h + y + i / a->kw % a->kh) * a->wd +
                    x + i % a->kw] *
               r->w[out * a->w.k + i];
    return sum;
}

static weft_status convolve(const rig *r, weft_error *err)
{
    const wf_op op = {.kind = WF_OP_CONV, .u.conv = r->a};
    weft_status status = wf_queue_submit(r->q, &op, err);
    return status == WEFT_OK ? wf_queue_wait(r->q, err) : status;
}

static void check_result(const rig *r)
{
    const int64_t n = r->a.n * r->a.oh * r->a.ow * r->a.w.n;
    weft_error    err = {.hdr = WEFT_HDR(weft_error)};
    float        *y = malloc((size_t)n * sizeof *y);
    assert_non_null(y);
    good(wf_queue_download(r->q, y, r->a.y, (uint64_t)n * 4, &err), &err);
    good(wf_queue_wait(r->q, &err), &err);
    for (int64_t i = 0; i < n; i++)
        if (y[i] != expected(r, i / r->a.w.n, i % r->a.w.n))
            fail_msg("element %d is %g, not %g", (int)i, (double)y[i],
                     (double)expected(r, i / r->a.w.n, i % r->a.w.n));
    good(wf_queue_zero(r->q, r->a.y, (uint64_t)n * 4, &err), &err);
    free(y);
}

static int64_t executes(void)
{
    fake_cudnn_counts c;
    dnn_counts(&c);
    return c.executes;
}

static uint64_t kernels(void)
{
    fake_cuda_state s;
    driver_state(&s);
    return s.kernels;
}

/* Three pictures whose pixels take 24 MiB each, in cuDNN's layout: two and one. Then there is no
 * memory for that. */
static void test_items(void **state)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    rig        r;
    (void)state;
    rig_open(&r, false, 3, 1, 1024, 768, 3, 64, 4);
    int64_t before = executes();
    good(convolve(&r, &err), &err);
    assert_int_equal(executes() - before, 2);
    check_result(&r);
    rig_close(&r);
    rig_open(&r, false, 3, 1, 1024, 768, 3, 64, 4);
    leave(&r, (uint64_t)100 << 20);
    before = executes();
    good(convolve(&r, &err), &err);
    assert_int_equal(executes() - before, 0);
    check_result(&r);
    rig_close(&r);
}

/* 2,888 windows of 200 numbers, 2.3 MB of rows: all at once where they fit, in parts where they do
 * not, and where nothing is left a sentence, after which all is well again. */
static void test_rows(void **state)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    rig        r;
    uint64_t   whole, parts;
    (void)state;
    rig_open(&r, true, 2, 8, 42, 42, 5, 1, 12);
    whole = kernels();
    good(convolve(&r, &err), &err);
    whole = kernels() - whole;
    check_result(&r);
    rig_close(&r);
    rig_open(&r, true, 2, 8, 42, 42, 5, 1, 12);
    leave(&r, (uint64_t)3 << 19);
    parts = kernels();
    good(convolve(&r, &err), &err);
    parts = kernels() - parts;
    assert_true(parts >= 2 * whole);
    check_result(&r);
    rig_close(&r);
    rig_open(&r, true, 2, 8, 42, 42, 5, 1, 12);
    leave(&r, 0);
    assert_int_equal(convolve(&r, &err), WEFT_E_NOMEM);
    assert_non_null(strstr(err.message, "out of memory"));
    give_back(&r);
    good(convolve(&r, &err), &err);
    check_result(&r);
    rig_close(&r);
}

static int find_counts(void **state)
{
    void *p = dlsym(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL), FAKE_CUDA_STATE);
    (void)state;
    assert_non_null(p);
    memcpy(&driver_state, &p, sizeof p);
    p = dlsym(dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL), FAKE_CUDNN_COUNTS);
    assert_non_null(p);
    memcpy(&dnn_counts, &p, sizeof p);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_items), cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, find_counts, NULL);
}
