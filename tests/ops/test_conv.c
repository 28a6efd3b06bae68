/* SPDX-License-Identifier: Apache-2.0 */
/* conv: against the plain sum over the window in f64, and as linear's bytes at every level. */
#include "check.h"

#include <stdio.h>
#include <string.h>

typedef struct conv_case {
    wf_conv op;
    float  *w;
} conv_case;

static void conv_make(conv_case *c, int64_t n, int64_t channels, int64_t h, int64_t wd,
                      int64_t kernel, int32_t stride, int32_t pad, int64_t out)
{
    int64_t k = channels * kernel * kernel;
    *c = (conv_case){.w = check_floats(out * k, CHECK_NORMAL)};
    c->op = (wf_conv){.x = check_floats(n * channels * h * wd, CHECK_NORMAL),
                      .w = {NULL, out, k, WF_F32, 0},
                      .bias = check_floats(out, CHECK_NORMAL),
                      .n = n,
                      .c = channels,
                      .h = h,
                      .wd = wd,
                      .kh = kernel,
                      .kw = kernel,
                      .oh = (h + 2 * pad - kernel) / stride + 1,
                      .ow = (wd + 2 * pad - kernel) / stride + 1,
                      .x_stride = {channels * h * wd, h * wd, wd, 1},
                      .stride = {stride, stride},
                      .pad = {pad, pad, pad, pad}};
}

static double exact(const conv_case *c, int64_t image, int64_t y, int64_t x, int64_t out)
{
    const wf_conv *a = &c->op;
    double         sum = (double)a->bias[out];
    for (int64_t i = 0; i < a->w.k; i++) {
        int64_t iy = y * a->stride[0] - a->pad[0] + i / a->kw % a->kh;
        int64_t ix = x * a->stride[1] - a->pad[2] + i % a->kw, channel = i / (a->kh * a->kw);
        if (iy >= 0 && iy < a->h && ix >= 0 && ix < a->wd)
            sum += (double)a->x[image * a->x_stride[0] + channel * a->x_stride[1] +
                                iy * a->x_stride[2] + ix * a->x_stride[3]] *
                   (double)c->w[out * a->w.k + i];
    }
    return sum;
}

/* Every level and number of threads gives the same bytes, close to the plain sums. */
static void check_conv(const conv_case *c)
{
    int64_t windows = c->op.oh * c->op.ow, m = c->op.n * windows, n = c->op.w.n;
    double *e = check_bytes((uint64_t)(m * n) * 8);
    float  *ref = NULL;
    for (int64_t i = 0; i < m * n; i++) {
        int64_t r = i / n;
        e[i] = exact(c, r / windows, r % windows / c->op.ow, r % c->op.ow, i % n);
    }
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_weight w = check_weight(level, WF_F32, c->w, n, c->op.w.k);
        for (int32_t threads = 1; threads <= 3; threads++) {
            float *y = check_floats(m * n, CHECK_NORMAL);
            wf_op  op = {.kind = WF_OP_CONV, .u.conv = c->op};
            op.u.conv.y = y;
            op.u.conv.w = w;
            check_run(level, threads, &op);
            if (ref == NULL) /* a walk of up to 588 roundings of 2^-24 */
                check_nmse(ref = y, e, m, n, n, 1e-11, 0.0, "conv");
            check_same(y, ref, m, n, n, "conv");
        }
    }
    check_free_all();
}

static void test_conv(void **unused)
{
    (void)unused;
    conv_case c;
    conv_make(&c, 2, 3, 42, 28, 14, 14, 0, 20); /* a patch embedding */
    check_conv(&c);
    conv_make(&c, 1, 2, 9, 7, 3, 2, 1, 5);
    check_conv(&c);
    conv_make(&c, 1, 5, 1, 1, 1, 1, 0, 33);
    check_conv(&c);
    conv_make(&c, 3, 1, 8, 8, 5, 1, 2, 1);
    check_conv(&c);
}

/* Over rows of tokens, as a recording has them: channels lie side by side. */
static void test_rows(void **unused)
{
    static const int64_t ns[] = {1, 2, 17, 40};
    (void)unused;
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        conv_case     c;
        const int64_t n = ns[i], d = 7;
        conv_make(&c, 2, d, 1, n, 1, 2, 0, 5);
        wf_conv *a = &c.op;
        a->w.k = d * 3; /* a kernel of 1 x 3 */
        a->kw = 3;
        a->ow = (n + 2 - 3) / 2 + 1;
        a->pad[2] = a->pad[3] = 1;
        c.w = check_floats(5 * d * 3, CHECK_NORMAL);
        memcpy(a->x_stride, (int64_t[]){n * d, 1, n * d, d}, sizeof a->x_stride);
        check_conv(&c);
    }
}

/* More windows than are gathered at a time (8 MiB of rows). */
static void test_many_windows(void **unused)
{
    (void)unused;
    conv_case c;
    conv_make(&c, 1, 16, 96, 96, 5, 1, 2, 2);
    check_conv(&c);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv), cmocka_unit_test(test_rows),
                                          cmocka_unit_test(test_many_windows)};
CHECK_MAIN(tests)
