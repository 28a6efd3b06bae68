/* SPDX-License-Identifier: Apache-2.0 */
/* What the device says of the cuDNN that it finds, when the first convolution comes: that it is
 * used, or in a sentence why not. The convolution has the same result either way, but for the order
 * of its sums. The argument is the words that are expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/device/registry.h"

#define SIDE 12
#define OUT 20
#define ROWS (SIDE * SIDE)

static const char *expected;
static char        said[4000];

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

/* Every channel of every window of a plane of ones is the sum of the weights inside the plane. */
static void run(wf_device *d, weft_queue *q)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    float      x[ROWS], w[OUT * 9], y[ROWS * OUT];
    uint64_t   bytes;
    for (int i = 0; i < ROWS; i++)
        x[i] = 1.0f;
    for (int i = 0; i < OUT * 9; i++)
        w[i] = (float)(i / 9 + 1);
    good(wf_device_weight_bytes(d, WF_BF16, OUT, 9, &bytes, &err), &err);
    wf_weight weight = {device_memory(d, q, NULL, bytes), OUT, 9, WF_BF16, 0};
    void     *px = device_memory(d, q, x, sizeof x), *pw = device_memory(d, q, w, sizeof w);
    void     *py = device_memory(d, q, NULL, sizeof y);
    wf_op     ops[] = {{.kind = WF_OP_PACK, .u.pack = {weight, pw, 0, OUT, WF_F32, 0}},
                       {.kind = WF_OP_CONV,
                        .u.conv = {.y = py,
                                   .x = px,
                                   .w = weight,
                                   .n = 1,
                                   .c = 1,
                                   .h = SIDE,
                                   .wd = SIDE,
                                   .kh = 3,
                                   .kw = 3,
                                   .oh = SIDE,
                                   .ow = SIDE,
                                   .stride = {1, 1},
                                   .pad = {1, 1, 1, 1}}}};
    for (int i = 0; i < 2; i++)
        good(wf_queue_submit(q, &ops[i], &err), &err);
    good(wf_queue_download(q, y, py, sizeof y, &err), &err);
    good(wf_queue_wait(q, &err), &err);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < OUT; c++) {
            const int rows = r / SIDE % (SIDE - 1) == 0 ? 2 : 3,
                      cols = r % SIDE % (SIDE - 1) == 0 ? 2 : 3;
            assert_true(y[r * OUT + c] == (float)(rows * cols * (c + 1)));
        }
    void *const all[] = {weight.data, px, pw, py};
    for (int i = 0; i < 4; i++)
        wf_device_free(d, all[i]);
}

static void test_conv(void **state)
{
    const wf_device_config c = {.module_dir = WEFT_BUILD_DIR, .log = hear};
    wf_device             *d = NULL;
    weft_queue            *q;
    weft_error             err = {.hdr = WEFT_HDR(weft_error)};
    (void)state;
    good(wf_device_open("cuda", &c, &d, &err), &err);
    good(wf_queue_create(d, &q, &err), &err);
    run(d, q);
    wf_queue_destroy(&q);
    wf_device_destroy(&d);
    if (strstr(said, expected) == NULL)
        fail_msg("`%s` lacks `%s`", said, expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv)};
    expected = argc > 1 ? argv[1] : "convolutions by cuDNN";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
