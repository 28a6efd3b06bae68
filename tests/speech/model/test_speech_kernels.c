/* SPDX-License-Identifier: Apache-2.0 */
/* The speech plugin's kernels against the plain formula in double precision, at random shapes, and
 * cut into single items: the same bytes. Buffers lie between guard bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/speech/ops/kernels.h"
#include "tests/ops/check.h"

#define ROUNDS 60

/* All items at once into y, then one by one into again (n floats each): equal bytes. */
static void run(weft_cpu_kernel fn, int64_t items, void **args, float *y, float *again, int64_t n)
{
    const weft_range all = {0, items, 0, 0};
    args[0] = &y;
    fn(&all, args);
    args[0] = &again;
    for (int64_t i = items - 1; i >= 0; i--) {
        const weft_range one = {i, i + 1, 0, 0};
        fn(&one, args);
    }
    assert_memory_equal(y, again, (size_t)n * sizeof *y);
}

/* Sums of at most a few thousand products of numbers up to 1, in f32: 2e-5 of scale leaves room for
 * another order and for expf; a wrong index or weight is off by tenths. */
static void near(const float *y, const double *e, int64_t n, const char *what)
{
    double scale = 1.0;
    for (int64_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(e[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)y[i] - e[i]) <= 2e-5 * scale))
            fail_msg("%s: element %lld is %g, not %g", what, (long long)i, (double)y[i], e[i]);
}

static double *doubles(int64_t n)
{
    double *d = calloc((size_t)n, sizeof *d);
    assert_non_null(d);
    return d;
}

static void test_relative(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t rows = check_between(1, 150), n_keys = check_between(1, rows);
        int64_t heads = check_between(1, 3), hd = check_between(1, 40), d = heads * hd;
        int64_t left = check_between(0, 9), right = check_between(0, 9);
        float  *q = check_floats(rows * d, CHECK_NORMAL), *k = check_floats(rows * d, CHECK_NORMAL);
        float  *v = check_floats(rows * d, CHECK_NORMAL);
        float  *table = check_floats((left + 1 + right) * hd, CHECK_NORMAL);
        float  *y = check_floats(rows * d, CHECK_NORMAL), *z = check_floats(rows * d, CHECK_NORMAL);
        double *e = doubles(rows * d), *p = doubles(n_keys);
        void   *args[] = {NULL, &q, &k, &v, &table, &n_keys, &heads, &hd, &left, &right};
        for (int64_t i = 0; i < rows * heads; i++) {
            int64_t row = i / heads, at = i % heads * hd;
            double  sum = 0.0;
            for (int64_t r = 0; r < n_keys; r++) {
                int64_t away = r - row < -left ? -left : r - row > right ? right : r - row;
                double  s = 0.0;
                for (int64_t c = 0; c < hd; c++)
                    s += (double)q[row * d + at + c] *
                         ((double)k[r * d + at + c] + (double)table[(away + left) * hd + c]);
                p[r] = exp(s / sqrt((double)hd));
                sum += p[r];
            }
            for (int64_t r = 0; r < n_keys; r++)
                for (int64_t c = 0; c < hd; c++)
                    e[row * d + at + c] += p[r] / sum * (double)v[r * d + at + c];
        }
        run(spk_k_relative, rows * heads, args, y, z, rows * d);
        near(y, e, rows * d, "relative");
        free(e);
        free(p);
        check_free_all();
    }
}

/* One row of the middle of the convolution module, in double precision. */
static void depthwise_row(double *e, const float *x, const float *w, const float *norm, int64_t row,
                          const int64_t *shape)
{
    const int64_t n = shape[0], d = shape[1], size = shape[2], before = shape[3];
    double        mean = 0.0, var = 0.0;
    for (int64_t c = 0; c < d; c++) {
        for (int64_t j = 0; j < size; j++) {
            int64_t at = row + j - before;
            e[c] += at >= 0 && at < n ? (double)w[c * size + j] * (double)x[at * d + c] : 0.0;
        }
        mean += e[c] / (double)d;
    }
    for (int64_t c = 0; c < d; c++)
        var += (e[c] - mean) * (e[c] - mean) / (double)d;
    for (int64_t c = 0; c < d; c++) {
        double v = (e[c] - mean) / sqrt(var + 1e-3) * (double)norm[c] + (double)norm[d + c];
        e[c] = v / (1.0 + exp(-v));
    }
}

static void test_depthwise(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t n = check_between(1, 40), d = check_between(1, 70), half = check_between(0, 5);
        int64_t size = 2 * half + 1, before = round % 2 ? half : size - 1;
        int64_t shape[4] = {n, d, size, before};
        float   eps = 1e-3f; /* so that a row whose channels agree is no 0 / 0 */
        float  *x = check_floats(n * d, CHECK_NORMAL), *w = check_floats(d * size, CHECK_NORMAL);
        float  *norm = check_floats(2 * d, CHECK_NORMAL), *bias = norm + d;
        float  *y = check_floats(n * d, CHECK_NORMAL), *z = check_floats(n * d, CHECK_NORMAL);
        double *e = doubles(n * d);
        void   *args[] = {NULL, &x, &w, &norm, &bias, &n, &d, &size, &before, &eps};
        for (int64_t row = 0; row < n; row++)
            depthwise_row(e + row * d, x, w, norm, row, shape);
        run(spk_k_depthwise, n, args, y, z, n * d);
        near(y, e, n * d, "depthwise");
        free(e);
        check_free_all();
    }
}

static void test_stack_and_glu(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t n = check_between(1, 30), bins = check_between(1, 20), stack = check_between(1, 4);
        int64_t rows = (n + stack - 1) / stack, width = stack * bins, all = n * bins;
        int64_t half = check_between(1, 40);
        float   pad = -3.5f;
        float  *x = check_floats(n * bins, CHECK_NORMAL);
        float  *g = check_floats(n * 2 * half, CHECK_NORMAL);
        float  *y = check_floats(rows * width, CHECK_NORMAL);
        float  *z = check_floats(rows * width, CHECK_NORMAL);
        void   *args[] = {NULL, &x, &all, &width, &pad};
        run(spk_k_stack, rows, args, y, z, rows * width);
        for (int64_t i = 0; i < rows * width; i++)
            assert_true(y[i] == (i < all ? x[i] : pad));

        float  *a = check_floats(n * half, CHECK_NORMAL), *b = check_floats(n * half, CHECK_NORMAL);
        double *e = doubles(n * half);
        void   *glu_args[] = {NULL, &g, &half};
        for (int64_t i = 0; i < n * half; i++) {
            const float *row = g + i / half * 2 * half;
            e[i] = (double)row[i % half] / (1.0 + exp(-(double)row[half + i % half]));
        }
        run(spk_k_glu, n, glu_args, a, b, n * half);
        near(a, e, n * half, "glu");
        free(e);
        check_free_all();
    }
}

/* Places up to 4000: the angle is a product in f32, off by 2^-24 of it at most, which is what the
 * expected value allows for by taking the same product. */
static void test_rotary(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t rows = check_between(1, 20), heads = check_between(1, 4);
        int64_t half = check_between(1, 32), hd = 2 * half, d = heads * hd;
        float   theta = 10000.0f;
        float  *table = check_floats(4000 * hd, CHECK_NORMAL);
        float  *again = check_floats(4000 * hd, CHECK_NORMAL);
        float  *x = check_floats(rows * d, CHECK_NORMAL), *y = check_floats(rows * d, CHECK_NORMAL);
        double *e = doubles(rows * d);
        void   *table_args[] = {NULL, &hd, &theta}, *args[] = {NULL, NULL, &d, &hd};
        const int64_t first = round % 2 ? 4000 - rows : 0;
        run(spk_k_rope_table, 4000, table_args, table, again, 4000 * hd);
        float *from = table + first * hd;
        args[1] = &from;
        for (int64_t i = 0; i < rows * d; i++) {
            int64_t j = i % hd, pair = j < half ? i + half : i - half;
            float   inverse = 1.0f / powf(theta, (float)(2 * (j % half)) / (float)hd);
            double  angle = (double)((float)(first + i / d) * inverse);
            e[i] = (double)x[i] * cos(angle) + (j < half ? -1 : 1) * (double)x[pair] * sin(angle);
        }
        memcpy(y, x, (size_t)(rows * d) * sizeof *x);
        run(spk_k_rotate, rows, args, x, y, rows * d);
        near(x, e, rows * d, "rotary");
        free(e);
        check_free_all();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_relative),
    cmocka_unit_test(test_depthwise),
    cmocka_unit_test(test_stack_and_glu),
    cmocka_unit_test(test_rotary),
};
CHECK_MAIN(tests)
