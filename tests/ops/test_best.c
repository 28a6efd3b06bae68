/* SPDX-License-Identifier: Apache-2.0 */
/* finite and best: the reference against the definition, every level and thread count against it
 * byte for byte. */
#include "check.h"

#include <stdlib.h>

#include "core/base/exponential.h"

#define EACH_RUN(level, threads)                                                                   \
    for (int32_t level = 0; level < check_levels(); level++)                                       \
        for (int32_t threads = 1; threads <= 3; threads++)

static const int64_t widths[] = {1, 7, 15, 16, 17, 33, 300, 5000};

/* ---- finite ---- */

/* A row has one bad element at `at` (-1: none), and another kind of it further on. */
static void check_finite(int64_t m, int64_t n, int64_t at, float bad)
{
    int64_t stride = n + check_between(0, 3), row = check_between(0, m - 1);
    float  *x = check_floats(m * stride + 1, CHECK_LARGE);
    if (at >= 0)
        x[row * stride + at] = bad;
    if (at >= 0 && at + 1 < n)
        x[row * stride + check_between(at + 1, n - 1)] = bad == bad ? NAN : INFINITY;
    if (stride > n)
        x[n] = NAN; /* between rows: nobody's */
    EACH_RUN(level, threads)
    {
        int64_t *out = check_bytes((uint64_t)(2 * m) * sizeof *out);
        wf_op    op = {.kind = WF_OP_FINITE, .u.finite = {out, x, m, n, stride, 2}};
        check_run(level, threads, &op);
        for (int64_t r = 0; r < m; r++)
            assert_int_equal(out[2 * r], r != row || at < 0 ? 0 : bad == bad ? -(at + 1) : at + 1);
    }
    check_free_all();
}

static void test_finite(void **unused)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    (void)unused;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        check_finite(3, widths[i], -1, 0);
        for (int k = 0; k < 3; k++) {
            check_finite(3, widths[i], 0, bad[k]);
            check_finite(3, widths[i], widths[i] - 1, bad[k]);
            check_finite(3, widths[i], check_between(0, widths[i] - 1), bad[k]);
        }
    }
}

/* ---- best ---- */

static int before(const void *a, const void *b)
{
    const wf_score *p = a, *q = b;
    if (p->x != q->x)
        return p->x > q->x ? -1 : 1;
    return p->id < q->id ? -1 : 1;
}

/* By sorting all of a row, and adding up in order. */
static void expected(const float *x, int64_t n, wf_score *all, double *sum)
{
    for (int64_t i = 0; i < n; i++)
        all[i] = (wf_score){x[i], (int32_t)i};
    qsort(all, (size_t)n, sizeof *all, before);
    *sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        *sum += wf_exp_same((double)x[i] - (double)all[0].x);
}

static void check_best(int64_t m, int64_t n, int64_t k, int32_t values)
{
    int64_t   stride = n + check_between(0, 3), each = k + check_between(0, 2);
    float    *x = check_floats(m * stride + 1, CHECK_NORMAL);
    wf_score *all = check_bytes((uint64_t)n * sizeof *all);
    for (int64_t i = 0; values > 0 && i < m * stride; i++) /* many that are equal */
        x[i] = (float)check_between(-values, values);
    EACH_RUN(level, threads)
    {
        wf_score *best = check_bytes((uint64_t)(m * each) * sizeof *best);
        double   *sum = check_bytes((uint64_t)(3 * m) * sizeof *sum), wants;
        wf_op     op = {.kind = WF_OP_BEST, .u.best = {best, sum, x, m, n, k, stride, each, 3}};
        check_run(level, threads, &op);
        for (int64_t r = 0; r < m; r++) {
            expected(x + r * stride, n, all, &wants);
            for (int64_t i = 0; i < k; i++) {
                assert_int_equal(best[r * each + i].id, i < n ? all[i].id : -1);
                assert_true(best[r * each + i].x == (i < n ? all[i].x : -INFINITY));
            }
            assert_memory_equal(&sum[3 * r], &wants, sizeof wants);
        }
        op.u.best.sum = NULL; /* not wanted */
        check_run(level, threads, &op);
        check_bench("best of a row", level, threads, &op, (double)(m * n), (double)(m * n * 4));
    }
    check_free_all();
}

static void test_best(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        for (int64_t k = 1; k < 9; k += k == 1 ? 1 : 3) {
            check_best(3, widths[i], k, 0);
            check_best(2, widths[i], k, 2);
        }
}

/* NaN and -infinity: a comparison takes neither, but -infinity is a value like others. */
static void test_odd_rows(void **unused)
{
    float x[20];
    (void)unused;
    EACH_RUN(level, threads)
    {
        wf_score best[2];
        wf_op    op = {.kind = WF_OP_BEST, .u.best = {best, NULL, x, 1, 20, 2, 20, 2, 1}};
        for (int i = 0; i < 20; i++)
            x[i] = NAN;
        check_run(level, threads, &op);
        assert_true(best[0].id == -1 && best[1].id == -1);
        x[18] = -INFINITY;
        x[3] = -2.0f;
        check_run(level, threads, &op);
        assert_true(best[0].id == 3 && best[1].id == 18 && best[1].x == -INFINITY);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_odd_rows),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
