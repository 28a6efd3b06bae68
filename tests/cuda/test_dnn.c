/* SPDX-License-Identifier: Apache-2.0 */
/* What the device says of the cuDNN that it finds, when the first convolution comes: that it is
 * used, or in a sentence why not. The convolution has the same result either way, but for the order
 * of its sums. The arguments are the words that are expected, once, and whether cuDNN works. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/device/registry.h"
#include "fake/control.h"

#define LIST 8   /* ops that are worth a graph */
#define TIMES 24 /* more than a shape without a plan waits until it is tried again */
#define PLANS 32 /* that a device keeps */
#define SIDE 12
#define OUT 20
#define ROWS (SIDE * SIDE)

static const char          *expected;
static bool                 works, always;
static char                 said[4000];
static fake_cuda_state_fn   driver_state;
static fake_cudnn_counts_fn dnn_counts;

static __attribute__((format(printf, 2, 3))) void hear(int32_t level, const char *fmt, ...)
{
    const size_t used = strlen(said);
    va_list      ap;
    (void)level;
    va_start(ap, fmt);
    vsnprintf(said + used, sizeof said - used, fmt, ap);
    va_end(ap);
}

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void *device_memory(wf_device *d, weft_queue *q, const void *from, uint64_t bytes)
{
    void      *p;
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    good(wf_device_alloc(d, bytes, &p, &err), &err);
    good(from != NULL ? wf_queue_upload(q, p, from, bytes, &err) : wf_queue_zero(q, p, bytes, &err),
         &err);
    return p;
}

typedef struct rig {
    wf_device  *d;
    weft_queue *q;
    wf_weight   w;
    float      *x, *y;
} rig;

static void *found(const char *library, const char *name)
{
    void *p = dlsym(dlopen(library, RTLD_NOW | RTLD_LOCAL), name); /* it stays open */
    assert_non_null(p);
    return p;
}

static fake_cudnn_counts counts_now(void)
{
    fake_cudnn_counts c;
    dnn_counts(&c);
    return c;
}

static uint64_t graph_launches(void)
{
    fake_cuda_state s;
    driver_state(&s);
    return s.graph_launches;
}

static void rig_open(rig *r, int32_t format)
{
    const wf_device_config c = {.module_dir = WEFT_BUILD_DIR, .log = hear};
    weft_error             err = {.hdr = WEFT_HDR(weft_error)};
    float                  x[ROWS], w[OUT * 9];
    uint64_t               bytes;
    said[0] = '\0';
    for (int i = 0; i < ROWS; i++)
        x[i] = 1.0f + 0x1p-12f; /* which is 1 beside weights of 16 bits */
    for (int i = 0; i < OUT * 9; i++)
        w[i] = (float)(i / 9 + 1);
    good(wf_device_open("cuda", &c, &r->d, &err), &err);
    good(wf_queue_create(r->d, &r->q, &err), &err);
    good(wf_device_weight_bytes(r->d, format, OUT, 9, &bytes, &err), &err);
    r->w = (wf_weight){device_memory(r->d, r->q, NULL, bytes), OUT, 9, format, 0};
    r->x = device_memory(r->d, r->q, x, sizeof x);
    r->y = device_memory(r->d, r->q, NULL, ROWS * OUT * sizeof(float));
    void       *rows = device_memory(r->d, r->q, w, sizeof w);
    const wf_op pack = {.kind = WF_OP_PACK, .u.pack = {r->w, rows, 0, OUT, WF_F32, 0}};
    good(wf_queue_submit(r->q, &pack, &err), &err);
    good(wf_queue_wait(r->q, &err), &err);
    wf_device_free(r->d, rows);
}

static void rig_close(rig *r)
{
    wf_device_free(r->d, r->w.data);
    wf_device_free(r->d, r->x);
    wf_device_free(r->d, r->y);
    wf_queue_destroy(&r->q);
    wf_device_destroy(&r->d);
    assert_int_equal(counts_now().descriptors, 0);
}

/* times convolutions of a plane, at once. */
static void convolve(const rig *r, int64_t height, int64_t width, int times)
{
    weft_error  err = {.hdr = WEFT_HDR(weft_error)};
    const wf_op op = {.kind = WF_OP_CONV,
                      .u.conv = {.y = r->y,
                                 .x = r->x,
                                 .w = r->w,
                                 .n = 1,
                                 .c = 1,
                                 .h = height,
                                 .wd = width,
                                 .kh = 3,
                                 .kw = 3,
                                 .oh = height,
                                 .ow = width,
                                 .x_stride = {height * width, height * width, width, 1},
                                 .stride = {1, 1},
                                 .pad = {1, 1, 1, 1}}};
    for (int i = 0; i < times; i++)
        good(wf_queue_submit(r->q, &op, &err), &err);
    good(wf_queue_wait(r->q, &err), &err);
}

/* Every channel of every window of a plane of ones is the sum of the weights inside the plane. */
static void check_result(const rig *g)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    float      y[ROWS * OUT];
    good(wf_queue_download(g->q, y, g->y, sizeof y, &err), &err);
    good(wf_queue_wait(g->q, &err), &err);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < OUT; c++) {
            const int rows = r / SIDE % (SIDE - 1) == 0 ? 2 : 3,
                      cols = r % SIDE % (SIDE - 1) == 0 ? 2 : 3;
            assert_true(y[r * OUT + c] == (float)(rows * cols * (c + 1)));
        }
}

static void check_format(int32_t format)
{
    rig           r;
    const int64_t before = counts_now().executes;
    rig_open(&r, format);
    for (int i = 0; i < TIMES; i++)
        convolve(&r, SIDE, SIDE, 1);
    check_result(&r);
    assert_int_equal(counts_now().executes > before, works);
    rig_close(&r);
    const char *first = strstr(said, expected);
    if (first == NULL || strstr(first + 1, expected) != NULL)
        fail_msg("`%s` does not say `%s` once", said, expected);
}

static void test_conv(void **state)
{
    (void)state;
    check_format(WF_BF16);
    check_format(WF_F16);
}

/* A kept graph is not launched again when a plan that it names is gone. */
static void test_plan_is_gone(void **state)
{
    rig r;
    (void)state;
    if (!always)
        skip();
    rig_open(&r, WF_BF16);
    for (int i = 0; i < 4; i++)
        convolve(&r, SIDE, SIDE, LIST);
    uint64_t before = graph_launches();
    convolve(&r, SIDE, SIDE, LIST);
    assert_true(graph_launches() == before + 1);
    for (int64_t i = 0; i < PLANS; i++) /* other shapes of more than 16 windows */
        convolve(&r, 3 + i % 8, 6 + i / 8, 1);
    before = graph_launches();
    convolve(&r, SIDE, SIDE, LIST);
    assert_true(graph_launches() == before);
    check_result(&r);
    rig_close(&r);
}

static int find_counts(void **state)
{
    void *p = found("libcuda.so.1", FAKE_CUDA_STATE);
    (void)state;
    memcpy(&driver_state, &p, sizeof p);
    p = found("libcudnn.so.9", FAKE_CUDNN_COUNTS);
    memcpy(&dnn_counts, &p, sizeof p);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv),
                                       cmocka_unit_test(test_plan_is_gone)};
    expected = argc > 1 ? argv[1] : "convolutions by cuDNN";
    always = argc < 2;
    works = always || (argc > 2 && strcmp(argv[2], "works") == 0);
    return cmocka_run_group_tests(tests, find_counts, NULL);
}
