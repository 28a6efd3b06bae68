/* SPDX-License-Identifier: Apache-2.0 */
/* gather, pooling, rotate: each against its definition, every level and thread count against the
 * reference byte for byte. */
#include "check.h"

#include <stdio.h>

#define EACH_RUN(level, threads)                                                                   \
    for (int32_t level = 0; level < check_levels(); level++)                                       \
        for (int32_t threads = 1; threads <= 3; threads++)

/* Numbers outside the source give rows of zeros, and nothing beyond the source is read. */
static void test_gather(void **unused)
{
    (void)unused;
    enum { M = 9, N = 33, ROWS = 5, TO = 35, FROM = 34 };
    static const int32_t index[M] = {4, 0, 0, -1, 5, 2, INT32_MAX, INT32_MIN, 3};
    EACH_RUN(level, threads)
    {
        float *src = check_floats(ROWS * FROM, CHECK_MIXED);
        float *dst = check_floats(M * TO, CHECK_NORMAL), *e = check_floats(M * TO, CHECK_NORMAL);
        check_canary(dst, M, N, TO);
        for (int32_t r = 0; r < M; r++)
            for (int32_t i = 0; i < N; i++)
                e[r * TO + i] = index[r] >= 0 && index[r] < ROWS ? src[index[r] * FROM + i] : 0.0f;
        wf_op op = {.kind = WF_OP_GATHER, .u.gather = {dst, src, index, M, N, ROWS, TO, FROM}};
        check_run(level, threads, &op);
        check_same(dst, e, M, N, TO, "gather");
        check_free_all();
    }
}

/* ---- pooling ---- */

typedef struct pooling_shape {
    int64_t n, h, wd, c, kh, kw;
    int32_t stride[2], pad[4];
} pooling_shape;

static wf_pooling pooling_make(const pooling_shape *s, int32_t how, check_fill fill)
{
    wf_pooling a = {.n = s->n, .h = s->h, .wd = s->wd, .c = s->c, .kh = s->kh, .kw = s->kw};
    memcpy(a.stride, s->stride, sizeof a.stride);
    memcpy(a.pad, s->pad, sizeof a.pad);
    a.how = how;
    a.oh = (s->h + s->pad[0] + s->pad[1] - s->kh) / s->stride[0] + 1;
    a.ow = (s->wd + s->pad[2] + s->pad[3] - s->kw) / s->stride[1] + 1;
    a.x_stride[2] = s->c + 1;
    a.x_stride[1] = a.x_stride[2] * s->wd;
    a.x_stride[0] = a.x_stride[1] * s->h + 5;
    a.y_stride[2] = s->c + 2;
    a.y_stride[1] = a.y_stride[2] * a.ow;
    a.y_stride[0] = a.y_stride[1] * a.oh;
    a.x = check_floats(a.x_stride[0] * s->n + 1, fill);
    return a;
}

static float *pooling_run(const wf_pooling *a, int32_t level, int32_t threads)
{
    int64_t rows = a->n * a->oh * a->ow, stride = a->y_stride[2];
    wf_op   op = {.kind = WF_OP_POOLING, .u.pooling = *a};
    op.u.pooling.y = check_floats(rows * stride + 1, CHECK_NORMAL);
    check_canary(op.u.pooling.y, rows, a->c, stride);
    check_run(level, threads, &op);
    return op.u.pooling.y;
}

/* One output by the definition: places outside are left out, or are 0 and counted. */
static float pooled(const wf_pooling *a, int64_t item, int64_t i, int64_t j, int64_t column)
{
    float value = 0.0f, count = 0.0f;
    for (int64_t y = 0; y < a->kh; y++) {
        for (int64_t x = 0; x < a->kw; x++) {
            int64_t row = i * a->stride[0] - a->pad[0] + y;
            int64_t place = j * a->stride[1] - a->pad[2] + x;
            if (row < 0 || row >= a->h || place < 0 || place >= a->wd)
                continue;
            float v = a->x[item * a->x_stride[0] + row * a->x_stride[1] + place * a->x_stride[2] +
                           column];
            if (count == 0.0f)
                value = v;
            else if (a->how == WF_POOLING_MAX)
                value = v > value ? v : value;
            else
                value = value + v;
            count += 1.0f;
        }
    }
    if (a->how == WF_POOLING_MAX)
        return value;
    return value / (a->how == WF_POOLING_MEAN ? count : (float)(a->kh * a->kw));
}

static void check_pooling(const pooling_shape *s, int32_t how, check_fill fill)
{
    wf_pooling a = pooling_make(s, how, fill);
    int64_t    rows = a.n * a.oh * a.ow, stride = a.y_stride[2];
    float     *e = check_floats(rows * stride + 1, CHECK_NORMAL);
    for (int64_t i = 0; i < rows * a.c; i++) {
        int64_t row = i / a.c;
        e[row * stride + i % a.c] =
            pooled(&a, row / (a.oh * a.ow), row / a.ow % a.oh, row % a.ow, i % a.c);
    }
    EACH_RUN(level, threads)
    {
        check_same(pooling_run(&a, level, threads), e, rows, a.c, stride, "pooling");
    }
    check_free_all();
}

static const pooling_shape pooling_shapes[] = {
    {1, 1, 1, 1, 1, 1, {1, 1}, {0, 0, 0, 0}},   {2, 6, 8, 17, 2, 2, {2, 2}, {0, 0, 0, 0}},
    {1, 7, 5, 300, 3, 3, {2, 2}, {1, 1, 1, 1}}, {3, 1, 10, 16, 1, 4, {1, 3}, {0, 0, 0, 3}},
    {1, 9, 9, 513, 9, 9, {1, 1}, {0, 0, 0, 0}}, {2, 5, 4, 33, 4, 3, {3, 1}, {3, 2, 2, 1}},
    {0, 4, 4, 8, 2, 2, {2, 2}, {0, 0, 0, 0}},   {1, 1, 1500, 20, 1, 2, {1, 2}, {0, 0, 0, 1}}};

static void test_pooling(void **unused)
{
    (void)unused;
    for (int32_t how = WF_POOLING_MEAN; how <= WF_POOLING_MAX; how++) {
        for (size_t i = 0; i < sizeof pooling_shapes / sizeof *pooling_shapes; i++)
            check_pooling(&pooling_shapes[i], how, CHECK_NORMAL);
        for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
            check_pooling(&pooling_shapes[2], how, (check_fill)fill);
    }
}

/* A NaN anywhere in a window is that window's result; the others keep theirs. */
static void test_pooling_nan(void **unused)
{
    (void)unused;
    const pooling_shape s = {1, 4, 4, 19, 2, 2, {2, 2}, {0, 0, 0, 0}};
    EACH_RUN(level, threads)
    {
        for (int32_t how = WF_POOLING_MEAN; how <= WF_POOLING_MAX; how++) {
            wf_pooling a = pooling_make(&s, how, CHECK_NORMAL);
            float     *x = (float *)(uintptr_t)a.x;
            x[0] = NAN;                                     /* first of its window */
            x[3 * a.x_stride[1] + 3 * a.x_stride[2]] = NAN; /* last of its window */
            float *y = pooling_run(&a, level, threads);
            for (int64_t i = 0; i < 4; i++)
                for (int64_t c = 0; c < 19; c++) {
                    float v = y[i * a.y_stride[2] + c];
                    assert_true((v != v) == (c == 0 && (i == 0 || i == 3)));
                }
            check_free_all();
        }
    }
}

/* ---- rotate ---- */

typedef struct rotate_case {
    int64_t width, pairs, step, distance;
    int     given; /* frequencies, not a base */
} rotate_case;

static void check_rotate(const rotate_case *c, int64_t m, int32_t level, int32_t threads)
{
    int64_t  head = c->width + 1, row = 3 * head + 2;
    float   *x = check_floats(m * row + 1, CHECK_NORMAL), *e = check_floats(m * row + 1, 0);
    float   *freq = check_floats(c->pairs, CHECK_NORMAL);
    int32_t *pos = check_bytes((uint64_t)m * 4 + 4);
    for (int64_t r = 0; r < m; r++)
        pos[r] = (int32_t)check_between(-50, 5000);
    memcpy(e, x, (size_t)(m * row) * 4);
    for (int64_t i = 0; i < m * 3 * c->pairs; i++) {
        int64_t r = i / (3 * c->pairs), p = i % c->pairs;
        float  *at = e + r * row + i / c->pairs % 3 * head + p * c->step;
        float   f = c->given ? freq[p] : 1.0f / powf(10000.0f, (float)p / (float)c->pairs);
        float   angle = (float)pos[r] * f, a = at[0], b = at[c->distance];
        float   ac = a * cosf(angle), bs = b * sinf(angle);
        float   bc = b * cosf(angle), as = a * sinf(angle);
        at[0] = ac - bs;
        at[c->distance] = bc + as;
    }
    wf_op op = {.kind = WF_OP_ROTATE,
                .u.rotate = {.x = x,
                             .pos = pos,
                             .freq = c->given ? freq : NULL,
                             .m = m,
                             .n_heads = 3,
                             .row_stride = row,
                             .head_stride = head,
                             .pairs = c->pairs,
                             .step = c->step,
                             .distance = c->distance,
                             .base = 10000.0f}};
    check_run(level, threads, &op);
    check_same(x, e, 1, m * row, m * row, "rotate");
    check_free_all();
}

static void test_rotate(void **unused)
{
    (void)unused;
    static const rotate_case cases[] = {{72, 36, 1, 36, 0},    {64, 32, 2, 1, 1},
                                        {48, 16, 1, 32, 0},    {2, 1, 1, 1, 0},
                                        {260, 130, 1, 130, 1}, {260, 130, 2, 1, 0}};
    EACH_RUN(level, threads)
    {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (int64_t m = 0; m <= 33; m += 11)
                check_rotate(&cases[i], m, level, threads);
    }
}

/* ---- bench ---- */

static void bench(void **unused)
{
    (void)unused;
    enum { M = 729, N = 1152 };
    const pooling_shape s = {1, 27, 27, N, 3, 3, {3, 3}, {0, 0, 0, 0}};
    int32_t            *index = check_bytes(M * 4);
    float *x = check_floats(M * N, CHECK_NORMAL), *y = check_floats(M * N, CHECK_NORMAL);
    for (int32_t i = 0; i < M; i++)
        index[i] = M - 1 - i;
    wf_pooling a = pooling_make(&s, WF_POOLING_MEAN, CHECK_NORMAL);
    a.y = y;
    for (int32_t level = 0; level < check_levels() && check_is_benching(); level++) {
        double bytes = (double)(M * N) * 8;
        wf_op  gather = {.kind = WF_OP_GATHER, .u.gather = {y, x, index, M, N, M, N, N}};
        check_bench("gather 729x1152", level, 1, &gather, 0.0, bytes);
        wf_op pooling = {.kind = WF_OP_POOLING, .u.pooling = a};
        check_bench("mean 3x3 of 27x27x1152", level, 1, &pooling, (double)(M * N), bytes / 2);
        wf_op rotate = {.kind = WF_OP_ROTATE,
                        .u.rotate = {x, index, NULL, M, 16, N, 72, 36, 1, 36, 10000.0f, 0}};
        check_bench("rope 729x16x72", level, 1, &rotate, (double)(M * N) * 3, bytes);
    }
    check_free_all();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_gather),
    cmocka_unit_test(test_pooling),
    cmocka_unit_test(test_pooling_nan),
    cmocka_unit_test(test_rotate),
    cmocka_unit_test(bench),
};
CHECK_MAIN(tests)
