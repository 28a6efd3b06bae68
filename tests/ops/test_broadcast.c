/* SPDX-License-Identifier: Apache-2.0 */
/* activate, combine, softmax: the reference against the definition, every level and thread count
 * against the reference byte for byte, in place and with axes that repeat. */
#include "check.h"

#include <stdio.h>

#define EACH_RUN(level, threads)                                                                   \
    for (int32_t level = 0; level < check_levels(); level++)                                       \
        for (int32_t threads = 1; threads <= 3; threads++)

static const int64_t row_counts[] = {0, 1, 3, 17}, widths[] = {1, 7, 8, 15, 16, 17, 33, 300};

/* ---- activate ---- */

static void check_activate(int64_t m, int64_t n, int32_t act, check_fill fill)
{
    int64_t stride = n + check_between(0, 3);
    float  *x = check_floats(m * stride + 1, fill), *e = check_floats(m * stride + 1, fill);
    for (int64_t i = 0; i < m * stride; i++)
        e[i] = wf_activate(x[i], act);
    EACH_RUN(level, threads)
    {
        float *y = check_floats(m * stride + 1, CHECK_NORMAL);
        check_canary(y, m, n, stride);
        wf_op op = {.kind = WF_OP_ACTIVATE, .u.activate = {y, x, m, n, stride, stride, act, 0}};
        check_run(level, threads, &op);
        check_same(y, e, m, n, stride, "activate");
        memcpy(y, x, (size_t)(m * stride) * 4);
        check_canary(y, m, n, stride);
        op.u.activate.x = y;
        check_run(level, threads, &op);
        check_same(y, e, m, n, stride, "activate in place");
    }
    check_free_all();
}

static void test_activate(void **unused)
{
    (void)unused;
    for (int32_t act = WF_ACT_NONE; act < WF_ACT_KINDS; act++) {
        for (size_t i = 0; i < 32; i++)
            check_activate(row_counts[i % 4], widths[i / 4], act, CHECK_NORMAL);
        for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
            check_activate(3, 77, act, (check_fill)fill);
    }
}

/* ---- combine ---- */

/* Which of a and b repeats along which axis, as bits: 0 to 3 of a, 4 to 7 of b. */
static void strides_of(const int64_t shape[4], int64_t pad, int32_t repeats, int64_t stride[4])
{
    int64_t step = 1;
    for (int32_t d = 3; d >= 0; d--) {
        int repeated = (repeats >> d & 1) != 0;
        stride[d] = repeated ? 0 : step;
        step *= repeated ? 1 : shape[d];
        step += d == 3 && !repeated ? pad : 0;
    }
}

static float combined(const wf_combine *c, float a, float b)
{
    float product = (c->how == WF_COMBINE_ADD      ? c->scale
                     : c->how == WF_COMBINE_SWIGLU ? wf_siluf(a)
                                                   : a) *
                    b;
    return c->how == WF_COMBINE_ADD ? a + product : product;
}

static void check_combine(const int64_t shape[4], int32_t how, int32_t repeats, check_fill fill)
{
    int64_t    lines = shape[0] * shape[1] * shape[2], stride = shape[3] + 2;
    wf_combine c = {.scale = 0.7f, .how = how};
    memcpy(c.shape, shape, sizeof c.shape);
    strides_of(shape, 2, 0, c.y_stride);
    strides_of(shape, 1, repeats & 15, c.a_stride);
    strides_of(shape, 3, repeats >> 4, c.b_stride);
    c.a = check_floats(lines * (shape[3] + 1) + 1, fill);
    c.b = check_floats(lines * (shape[3] + 3) + 1, fill);
    float *e = check_floats(lines * stride + 1, fill);
    for (int64_t i = 0; i < lines * shape[3]; i++) {
        int64_t at[4] = {i / (shape[1] * shape[2] * shape[3]), i / (shape[2] * shape[3]) % shape[1],
                         i / shape[3] % shape[2], i % shape[3]};
        int64_t y = 0, a = 0, b = 0;
        for (int32_t d = 0; d < 4; d++) {
            y += at[d] * c.y_stride[d];
            a += at[d] * c.a_stride[d];
            b += at[d] * c.b_stride[d];
        }
        e[y] = combined(&c, c.a[a], c.b[b]);
    }
    EACH_RUN(level, threads)
    {
        wf_op op = {.kind = WF_OP_COMBINE, .u.combine = c};
        op.u.combine.y = check_floats(lines * stride + 1, CHECK_NORMAL);
        check_canary(op.u.combine.y, lines, shape[3], stride);
        check_run(level, threads, &op);
        check_same(op.u.combine.y, e, lines, shape[3], stride, "combine");
    }
    check_free_all();
}

static void test_combine(void **unused)
{
    (void)unused;
    static const int64_t shapes[][4] = {{1, 1, 1, 1},  {2, 3, 4, 17}, {1, 5, 1, 300},
                                        {3, 1, 2, 16}, {2, 0, 3, 9},  {2, 2, 2, 0}};
    for (int32_t how = WF_COMBINE_ADD; how <= WF_COMBINE_SWIGLU; how++) {
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int32_t repeats = 0; repeats < 256; repeats += 13)
                check_combine(shapes[i], how, repeats, CHECK_NORMAL);
        for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
            check_combine(shapes[1], how, 0x40, (check_fill)fill);
    }
}

/* ---- softmax ---- */

static wf_softmax softmax_make(int64_t m, int64_t n, int32_t repeats, check_fill fill)
{
    wf_softmax a = {.shape = {2, 1, m, n}, .scale = 0.5f};
    strides_of(a.shape, 0, 0, a.y_stride);
    strides_of(a.shape, 2, 0, a.x_stride);
    a.x = check_floats(2 * m * (n + 2) + 1, fill);
    if (repeats >= 0) {
        strides_of(a.shape, 0, repeats, a.bias_stride);
        a.bias = check_floats(2 * m * n + 1, fill);
    }
    return a;
}

static float *softmax_run(const wf_softmax *a, int32_t level, int32_t threads)
{
    int64_t n = 2 * a->shape[2] * a->shape[3];
    wf_op   op = {.kind = WF_OP_SOFTMAX, .u.softmax = *a};
    op.u.softmax.y = check_floats(n + 1, CHECK_NORMAL);
    check_run(level, threads, &op);
    return op.u.softmax.y;
}

static void exact(const wf_softmax *a, double *e)
{
    int64_t m = a->shape[2], n = a->shape[3];
    for (int64_t line = 0; line < 2 * m; line++, e += n) {
        const float *x = a->x + wf_line_at(a->shape, a->x_stride, line);
        double       most = -INFINITY, sum = 0.0;
        for (int64_t i = 0; i < n; i++) {
            e[i] = (double)x[i] * (double)a->scale;
            if (a->bias != NULL)
                e[i] +=
                    (double)
                        a->bias[wf_line_at(a->shape, a->bias_stride, line) + i * a->bias_stride[3]];
            most = fmax(most, e[i]);
        }
        for (int64_t i = 0; i < n; i++)
            sum += exp(e[i] - most);
        for (int64_t i = 0; i < n; i++)
            e[i] = exp(e[i] - most) / sum;
    }
}

static void check_softmax(int64_t m, int64_t n, int32_t repeats, check_fill fill)
{
    wf_softmax a = softmax_make(m, n, repeats, fill);
    float     *ref = softmax_run(&a, 0, 1);
    if (fill == CHECK_NORMAL) {
        double *e = check_bytes((uint64_t)(2 * m * n + 1) * 8);
        exact(&a, e);
        /* Scores below 2 are rounded by 2^-24 each, exp by 1.5 ulp, the quotient by one: some 4e-7,
         * squared 2e-13. */
        check_nmse(ref, e, 2 * m, n, n, 4e-13, 0.0, "softmax");
    }
    EACH_RUN(level, threads)
    {
        check_same(softmax_run(&a, level, threads), ref, 2 * m, n, n, "softmax");
    }
    check_free_all();
}

static void test_softmax(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 32; i++)
        for (int32_t repeats = -1; repeats < 16; repeats += 3)
            check_softmax(row_counts[i % 4], widths[i / 4], repeats, CHECK_NORMAL);
    for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
        check_softmax(5, 77, 1, (check_fill)fill);
}

/* A mask of -infinity hides; where it hides everything the row is 0; NaN and +infinity show. */
static void test_softmax_edges(void **unused)
{
    (void)unused;
    enum { N = 19 };
    static const float hidden = -INFINITY;
    EACH_RUN(level, threads)
    {
        wf_softmax a = softmax_make(3, N, 0, CHECK_NORMAL);
        float     *bias = (float *)(uintptr_t)a.bias, *x = (float *)(uintptr_t)a.x;
        for (int64_t i = 0; i < 6 * N; i++)
            bias[i] = i / N == 1 || i % N > 4 ? hidden : 0.0f;
        x[2 * (N + 2) + 3] = NAN;
        x[4 * (N + 2) + 1] = INFINITY;
        float *y = softmax_run(&a, level, threads);
        for (int64_t i = 0; i < 6 * N; i++) {
            int64_t row = i / N;
            if (row == 2 || row == 4)
                assert_true(y[i] != y[i]);
            else if (row == 1 || i % N > 4)
                assert_true(wf_bits(y[i]) == 0);
            else
                assert_true(y[i] > 0.0f && y[i] < 1.0f);
        }
        check_free_all();
        a = softmax_make(2, N, -1, CHECK_NORMAL); /* in place */
        memcpy(a.x_stride, a.y_stride, sizeof a.x_stride);
        float *e = softmax_run(&a, level, threads);
        wf_op  op = {.kind = WF_OP_SOFTMAX, .u.softmax = a};
        op.u.softmax.y = (float *)(uintptr_t)a.x;
        check_run(level, threads, &op);
        check_same(op.u.softmax.y, e, 4, N, N, "softmax in place");
        check_free_all();
    }
}

/* ---- bench ---- */

static void bench(void **unused)
{
    (void)unused;
    static const char *const names[] = {"copy 576x4096",       "gelu 576x4096",
                                        "silu 576x4096",       "relu 576x4096",
                                        "quick-gelu 576x4096", "tanh-gelu 576x4096"};
    const int64_t            m = 576, n = 4096;
    float     *x = check_floats(m * n, CHECK_NORMAL), *y = check_floats(m * n, CHECK_NORMAL);
    wf_combine c = {.y = y,
                    .a = x,
                    .b = check_floats(n, CHECK_NORMAL),
                    .shape = {1, 1, m, n},
                    .y_stride = {0, 0, n, 1},
                    .a_stride = {0, 0, n, 1},
                    .b_stride = {0, 0, 0, 1},
                    .how = WF_COMBINE_MUL};
    wf_softmax s = softmax_make(288, n, -1, CHECK_NORMAL);
    s.y = y;
    for (int32_t level = 0; level < check_levels() && check_is_benching(); level++) {
        double bytes = (double)(m * n) * 8;
        for (int32_t act = WF_ACT_GELU; act < WF_ACT_KINDS; act++) {
            wf_op op = {.kind = WF_OP_ACTIVATE, .u.activate = {y, x, m, n, n, n, act, 0}};
            check_bench(names[act], level, 1, &op, (double)(m * n), bytes);
        }
        wf_op mul = {.kind = WF_OP_COMBINE, .u.combine = c};
        check_bench("mul by a row 576x4096", level, 1, &mul, (double)(m * n), bytes);
        wf_op soft = {.kind = WF_OP_SOFTMAX, .u.softmax = s};
        check_bench("softmax 576x4096", level, 1, &soft, (double)(m * n) * 4, bytes);
    }
    check_free_all();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_activate), cmocka_unit_test(test_combine),
    cmocka_unit_test(test_softmax),  cmocka_unit_test(test_softmax_edges),
    cmocka_unit_test(bench),
};
CHECK_MAIN(tests)
