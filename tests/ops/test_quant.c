/* SPDX-License-Identifier: Apache-2.0 */
/* q8 and q4: every level gives the bytes of the definition in core/ops/op.h, written down here once
 * more in the plainest way, whatever the row count, the cut and the threads. */
#include "amx.h"
#include "check.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/device/cpu/quant.h"

static const char *name_of(int32_t format)
{
    return format == WF_Q8 ? "q8" : "q4";
}

/* ---- rows as hosts keep them ---- */

static uint8_t *group_at(uint8_t *rows, int32_t format, int64_t k, int64_t r, int64_t g)
{
    int64_t each = format == WF_Q8 ? WF_Q8_BYTES : WF_Q4_BYTES;
    return rows + r * wf_row_bytes(format, k) + g * each;
}

static float f16_at(const uint8_t *p)
{
    return wf_from_f16((uint16_t)(p[0] | p[1] << 8));
}

/* Element e of a group: the integer that multiplies the scale. */
static int32_t integer_at(const uint8_t *group, int32_t format, int64_t e)
{
    if (format == WF_Q8)
        return group[2 + e] == 0x80 ? -127 : (int8_t)group[2 + e];
    return e < 16 ? group[4 + e] & 15 : group[4 + e - 16] >> 4;
}

static void put_f16(uint8_t *p, float f)
{
    uint16_t h = wf_to_f16(f);
    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

/* Any bytes are integers; scales of both signs, and zeros among them. Past k nothing stands. */
static uint8_t *random_rows(int32_t format, int64_t n, int64_t k)
{
    uint8_t *rows = check_bytes((uint64_t)(n * wf_row_bytes(format, k)));
    for (int64_t i = 0; i < n * wf_row_bytes(format, k); i++)
        rows[i] = (uint8_t)check_random();
    for (int64_t r = 0; r < n; r++) {
        for (int64_t g = 0; g < wf_groups(k); g++) {
            uint8_t *at = group_at(rows, format, k, r, g);
            put_f16(at, check_random() % 16 == 0 ? 0.0f : check_float(CHECK_NORMAL) * 0.01f);
            if (format == WF_Q4)
                put_f16(at + 2, check_float(CHECK_NORMAL) * 0.1f);
            for (int64_t e = k - g * WF_GROUP; e < WF_GROUP; e++) {
                if (format == WF_Q8)
                    at[2 + e] = 0;
                else
                    at[4 + e % 16] &= e < 16 ? 0xf0 : 0x0f;
            }
        }
    }
    return rows;
}

static wf_weight packed(int32_t level, int32_t format, const void *src, int32_t src_dtype,
                        int64_t n, int64_t k)
{
    uint64_t  bytes = check_ops(level)->weight_bytes(format, n, k);
    wf_weight w = {check_bytes(bytes), n, k, format, 0};
    int64_t   cut = n / 3;
    assert_int_equal(bytes % WF_ALIGN, 0);
    wf_op op = {.kind = WF_OP_PACK, .u.pack = {w, src, 0, cut, src_dtype, 0}};
    check_run(level, 3, &op);
    op.u.pack.src = (const uint8_t *)src + cut * wf_row_bytes(src_dtype, k);
    op.u.pack.row0 = cut;
    op.u.pack.rows = n - cut;
    check_run(level, 2, &op);
    return w;
}

/* ---- linear as it is defined ---- */

/* Integers of a group of x and their scale. */
typedef struct rounded {
    float   dx;
    int32_t q[WF_GROUP], sum;
} rounded;

static float greatest(const float *x, int64_t n)
{
    float a = 0.0f;
    for (int64_t i = 0; i < n; i++)
        a = fmaxf(a, isfinite(x[i]) != 0 ? fabsf(x[i]) : INFINITY);
    return a;
}

static float dx_of(const float *x, int64_t n)
{
    float a = greatest(x, n);
    return a < 0x1p-100f ? 0.0f : a < INFINITY ? a / 127.0f : NAN;
}

static rounded round_x(const float *x, int64_t n)
{
    rounded out = {.dx = dx_of(x, n)};
    float   r = 127.0f / greatest(x, n);
    for (int64_t i = 0; i < n && out.dx > 0.0f; i++) {
        out.q[i] = (int32_t)lrintf(x[i] * r);
        out.sum += out.q[i];
    }
    return out;
}

/* What round_x leaves. */
static rounded round_rest(const float *x, int64_t n)
{
    rounded out = {.dx = dx_of(x, n) / 254.0f};
    float   r = 127.0f / greatest(x, n);
    for (int64_t i = 0; i < n; i++) {
        float t = x[i] * r;
        out.q[i] = (int32_t)lrintf((t - rintf(t)) * 254.0f);
        out.sum += out.q[i];
        assert_true(out.q[i] >= -127 && out.q[i] <= 127);
    }
    return out;
}

static int64_t in_group(int64_t k, int64_t g)
{
    return k - g * WF_GROUP < WF_GROUP ? k - g * WF_GROUP : WF_GROUP;
}

static bool is_wide(const float *x, int64_t k, int64_t group)
{
    int64_t n = wf_groups(k), sum = 0, own = 0;
    float   most = 0.0f;
    for (int64_t g = 0; g < n; g++) {
        float dx = dx_of(x + g * WF_GROUP, in_group(k, g));
        if (isnan(dx) != 0)
            return false;
        most = fmaxf(most, dx);
    }
    if (most == 0.0f)
        return false;
    for (int64_t g = 0; g < n; g++) {
        int64_t u = (int64_t)truncf(dx_of(x + g * WF_GROUP, in_group(k, g)) * (65536.0f / most));
        sum += u;
        own = g == group ? u : own;
    }
    return 2 * n * own > 3 * sum;
}

/* sum and a group's part. */
static float add_group(float sum, const rounded *a, const uint8_t *group, int32_t format)
{
    int32_t whole = 0;
    for (int64_t e = 0; e < WF_GROUP; e++)
        whole += a->q[e] * integer_at(group, format, e);
    if (format == WF_Q4)
        sum = fmaf(f16_at(group + 2), a->dx * (float)a->sum, sum);
    return fmaf((float)whole, a->dx * f16_at(group), sum);
}

static float dot(const float *x, int64_t k, const uint8_t *row, int32_t format, const bool *wide)
{
    float acc = 0.0f, rest = 0.0f;
    for (int64_t g = 0; g < wf_groups(k); g++) {
        const uint8_t *group = row + g * (format == WF_Q8 ? WF_Q8_BYTES : WF_Q4_BYTES);
        rounded        a = round_x(x + g * WF_GROUP, in_group(k, g));
        acc = add_group(acc, &a, group, format);
        if (wide[g]) {
            a = round_rest(x + g * WF_GROUP, in_group(k, g));
            rest = add_group(rest, &a, group, format);
        }
    }
    return acc + rest;
}

typedef struct shape {
    int64_t m, n, k;
} shape;

typedef struct fixture {
    shape     s;
    int32_t   format;
    uint8_t  *rows;
    float    *x, *bias, *residual;
    int64_t   stride;
    wf_linear op;
    char      name[120];
} fixture;

static void fixture_make(fixture *f, shape s, int32_t format, check_fill fill, int32_t act)
{
    int64_t x_stride = s.k + check_between(0, 3);
    *f = (fixture){.s = s, .format = format, .stride = s.n + check_between(0, 3)};
    f->rows = random_rows(format, s.n, s.k);
    f->x = check_floats(s.m * x_stride + 1, fill);
    f->bias = check_floats(s.n, CHECK_NORMAL);
    f->residual = check_floats(s.m * f->stride + 1, CHECK_NORMAL);
    f->op = (wf_linear){.x = f->x,
                        .m = s.m,
                        .x_stride = x_stride,
                        .y_stride = f->stride,
                        .residual_stride = f->stride,
                        .scale = 0.75f,
                        .act = act};
    if (act != WF_ACT_NONE || check_random() % 2 == 0)
        f->op.bias = f->bias;
    if (act != WF_ACT_NONE || check_random() % 2 == 0)
        f->op.residual = f->residual;
    snprintf(f->name, sizeof f->name, "linear %s m %lld n %lld k %lld fill %d act %d",
             name_of(format), (long long)s.m, (long long)s.n, (long long)s.k, (int)fill, (int)act);
}

static float *expected(const fixture *f)
{
    float *y = check_floats(f->s.m * f->stride + 1, CHECK_NORMAL);
    bool  *wide = check_bytes((uint64_t)wf_groups(f->s.k));
    for (int64_t r = 0; r < f->s.m; r++) {
        const float *x = f->x + r * f->op.x_stride;
        for (int64_t g = 0; g < wf_groups(f->s.k); g++)
            wide[g] = is_wide(x, f->s.k, g);
        for (int64_t j = 0; j < f->s.n; j++) {
            const uint8_t *row = f->rows + j * wf_row_bytes(f->format, f->s.k);
            float          v = dot(x, f->s.k, row, f->format, wide);
            v = wf_activate(f->op.bias != NULL ? v + f->bias[j] : v, f->op.act);
            if (f->op.residual != NULL)
                v = f->residual[r * f->stride + j] + f->op.scale * v;
            y[r * f->stride + j] = v;
        }
    }
    return y;
}

/* Rows first..first+m-1 at a level. */
static float *run(const fixture *f, const wf_weight *w, int32_t level, int32_t threads,
                  int64_t first, int64_t m)
{
    float *y = check_floats(f->s.m * f->stride + 1, CHECK_NORMAL);
    check_canary(y, f->s.m, f->s.n, f->stride);
    wf_op op = {.kind = WF_OP_LINEAR, .u.linear = f->op};
    op.u.linear.w = *w;
    op.u.linear.m = m;
    op.u.linear.y = y + first * f->stride;
    op.u.linear.x = f->x + first * f->op.x_stride;
    if (f->op.residual != NULL)
        op.u.linear.residual = f->residual + first * f->stride;
    check_run(level, threads, &op);
    return y;
}

static void check_fixture(const fixture *f)
{
    static const int32_t threads[] = {1, 2, 3, 8};
    shape                s = f->s;
    float               *e = expected(f);
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_weight w = packed(level, f->format, f->rows, f->format, s.n, s.k);
        for (int32_t t = 0; t < 4; t++)
            check_same(run(f, &w, level, threads[t], 0, s.m), e, s.m, s.n, f->stride, f->name);
        for (int64_t r = 0; r<s.m; r += s.m> 3 ? s.m / 3 : 1)
            check_same(run(f, &w, level, 1, r, 1) + r * f->stride, e + r * f->stride, 1, s.n,
                       f->stride, f->name);
    }
}

static void check_case(shape s, int32_t format, check_fill fill, int32_t act)
{
    fixture f;
    fixture_make(&f, s, format, fill, act);
    check_fixture(&f);
    check_free_all();
}

static void test_shapes(void **unused)
{
    (void)unused;
    static const int64_t ms[] = {0, 1, 2, 5, 8, 13, 17, 33}, ns[] = {1, 15, 31, 32, 33, 100};
    static const int64_t ks[] = {1, 3, 31, 32, 33, 64, 515};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t l = 0; l < 7; l++)
                for (int32_t format = WF_Q8; format <= WF_Q4; format++)
                    check_case((shape){ms[i], ns[j], ks[l]}, format, CHECK_NORMAL, WF_ACT_NONE);
}

/* More rows than are made ready at a time. */
static void test_row_blocks(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++)
        check_case((shape){WF_QUANT_ROWS + 5, 33, 24}, format, CHECK_NORMAL, WF_ACT_NONE);
}

static void test_fills_and_activations(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
            check_case((shape){7, 37, 67}, format, (check_fill)fill, WF_ACT_NONE);
        for (int32_t act = WF_ACT_GELU; act < WF_ACT_KINDS; act++)
            check_case((shape){5, 45, 19}, format, CHECK_MIXED, act);
    }
}

/* Sums as large as they get: all products of one sign. */
static void test_largest_sums(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        fixture f;
        fixture_make(&f, (shape){13, 40, 96}, format, CHECK_NORMAL, WF_ACT_NONE);
        for (int64_t i = 0; i < 13 * f.op.x_stride; i++)
            f.x[i] = i / f.op.x_stride % 2 == 0 ? 1.0f : -1.0f;
        for (int64_t r = 0; r < 40; r++)
            for (int64_t g = 0; g < 3; g++) {
                uint8_t *at = group_at(f.rows, format, 96, r, g);
                uint8_t  q8 = r % 3 == 0 ? 0x80 : r % 3 == 1 ? 0x81 : 0x7f;
                memset(at + (format == WF_Q8 ? 2 : 4), format == WF_Q8 ? q8 : 0xff,
                       format == WF_Q8 ? 32 : 16);
            }
        check_fixture(&f);
        check_free_all();
    }
}

/* So many rows with groups of any size beside each other: some, none and nearly all of them are
 * wide, and different ones in each row. */
static void make_uneven(fixture *f, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < wf_groups(f->s.k); g++) {
            float scale = ldexpf(1.0f, r % 5 == 0 ? 0 : (int)check_between(0, 2 * (r % 5)));
            for (int64_t e = 0; e < in_group(f->s.k, g); e++)
                f->x[r * f->op.x_stride + g * WF_GROUP + e] *= scale;
        }
}

/* The last shape has more rows than are made ready at a time, and only those have wide groups. */
static void test_wide_groups(void **unused)
{
    (void)unused;
    static const shape shapes[] = {
        {1, 33, 600}, {4, 31, 96}, {7, 64, 257}, {40, 35, 700}, {WF_QUANT_ROWS + 5, 200, 600}};
    for (int32_t format = WF_Q8; format <= WF_Q4; format++)
        for (size_t i = 0; i < 4 * sizeof shapes / sizeof *shapes; i++) {
            fixture f;
            fixture_make(&f, shapes[i / 4], format, CHECK_NORMAL, WF_ACT_NONE);
            make_uneven(&f, f.s.m < WF_QUANT_ROWS ? f.s.m : WF_QUANT_ROWS);
            check_fixture(&f);
            check_free_all();
        }
}

/* ---- a thread with the stack that musl gives ---- */

#define SMALL_STACK ((size_t)128 << 10)

typedef struct on_thread {
    const fixture *f;
    wf_weight      w;
    int32_t        level;
    float         *y;
} on_thread;

static void *run_on_thread(void *arg)
{
    on_thread *t = arg;
    t->y = run(t->f, &t->w, t->level, 1, 0, t->f->s.m);
    return NULL;
}

static void test_small_stack(void **unused)
{
    (void)unused;
    fixture        f;
    pthread_attr_t attr;
    pthread_t      thread;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
    fixture_make(&f, (shape){WF_QUANT_ROWS, 33, 64}, WF_Q8, CHECK_NORMAL, WF_ACT_NONE);
    for (int32_t level = 0; level < check_levels(); level++) {
        on_thread t = {.f = &f, .level = level};
        t.w = packed(level, WF_Q8, f.rows, WF_Q8, f.s.n, f.s.k);
        assert_int_equal(pthread_create(&thread, &attr, run_on_thread, &t), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        float *y = run(&f, &t.w, level, 1, 0, f.s.m);
        for (int64_t r = 0; r < f.s.m; r++)
            assert_memory_equal(t.y + r * f.stride, y + r * f.stride,
                                (size_t)f.s.n * sizeof(float));
    }
    pthread_attr_destroy(&attr);
    check_free_all();
}

static double largest_error(const fixture *f, const float *y)
{
    double most = 0.0;
    for (int64_t j = 0; j < f->s.n; j++) {
        double sum = 0.0;
        for (int64_t i = 0; i < f->s.k; i++) {
            uint8_t *at = group_at(f->rows, f->format, f->s.k, j, i / WF_GROUP);
            double   w = (double)f16_at(at) * integer_at(at, f->format, i % WF_GROUP);
            sum += (double)f->x[i] * (w + (f->format == WF_Q4 ? (double)f16_at(at + 2) : 0.0));
        }
        most = fmax(most, fabs((double)y[j] - sum));
    }
    return most;
}

/* One number a thousand times as large as the others costs about as much as they do: its group's
 * steps are 1000 / 127 / 254 = 1 / 32, theirs about 2 / 127. With one plane they would be 8. */
static void test_one_large_number(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        fixture f;
        fixture_make(&f, (shape){1, 64, 1024}, format, CHECK_NORMAL, WF_ACT_NONE);
        f.op.bias = f.op.residual = NULL;
        wf_weight w = packed(0, format, f.rows, format, 64, 1024);
        double    before = largest_error(&f, run(&f, &w, 0, 1, 0, 1));
        f.x[517] = 1000.0f;
        assert_true(largest_error(&f, run(&f, &w, 0, 1, 0, 1)) < 4.0 * before);
        check_free_all();
    }
}

/* One number that is not finite makes its row NaN, and only that; scales that are not finite make
 * their column so. */
static void test_not_finite(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        fixture f;
        fixture_make(&f, (shape){13, 35, 77}, format, CHECK_NORMAL, WF_ACT_NONE);
        f.x[4 * f.op.x_stride + 70] = NAN;
        f.x[9 * f.op.x_stride + 3] = -INFINITY;
        put_f16(group_at(f.rows, format, 77, 20, 1), INFINITY);
        put_f16(group_at(f.rows, format, 77, 21, 2), NAN);
        float *e = expected(&f);
        for (int64_t j = 0; j < 35; j++) {
            assert_true(isnan(e[4 * f.stride + j]) && isnan(e[9 * f.stride + j]));
            assert_true(j == 20 || (isnan(e[j]) != 0) == (j == 21));
        }
        check_fixture(&f);
        check_free_all();
    }
}

/* ---- from floats ---- */

/* The value of (r, i) that rows of a format hold. */
static float value_at(uint8_t *rows, int32_t format, int64_t k, int64_t r, int64_t i)
{
    const uint8_t *group = group_at(rows, format, k, r, i / WF_GROUP);
    float          v = f16_at(group) * (float)integer_at(group, format, i % WF_GROUP);
    return format == WF_Q4 ? v + f16_at(group + 2) : v;
}

static float *embedded(int32_t level, const wf_weight *w)
{
    float   *dst = check_floats(w->n * w->k, CHECK_NORMAL);
    int32_t *ids = check_bytes((uint64_t)w->n * 4);
    for (int64_t i = 0; i < w->n; i++)
        ids[i] = (int32_t)i;
    wf_op op = {.kind = WF_OP_EMBED, .u.embed = {dst, *w, ids, w->n, w->k}};
    check_run(level, 3, &op);
    return dst;
}

/* Rows of the format come back as they were, and another row is left alone. */
static void test_embed(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        for (int32_t level = 0; level < check_levels(); level++) {
            uint8_t  *rows = random_rows(format, 70, 77);
            wf_weight w = packed(level, format, rows, format, 70, 77);
            float    *dst = embedded(level, &w), *e = check_floats(70 * 77, CHECK_NORMAL);
            for (int64_t i = 0; i < 70 * 77; i++)
                e[i] = value_at(rows, format, 77, i / 77, i % 77);
            check_same(dst, e, 70, 77, 77, "embed");
            int32_t none[3] = {-1, 70, INT32_MAX};
            wf_op   op = {.kind = WF_OP_EMBED, .u.embed = {dst, w, none, 3, 77}};
            check_run(level, 1, &op);
            check_same(dst, e, 70, 77, 77, "embed of nothing");
            check_free_all();
        }
    }
}

static void *as_dtype(const float *src, int64_t count, int32_t dtype)
{
    void *p = check_bytes((uint64_t)(count * wf_dtype_bytes(dtype)));
    for (int64_t i = 0; i < count; i++)
        wf_store(p, i, dtype, src[i]);
    return p;
}

/* Every level quantises to the same bytes, from every type and whatever the fill. */
static void test_levels_quantise_alike(void **unused)
{
    (void)unused;
    static const int64_t ns[] = {1, 31, 33, 97}, ks[] = {1, 32, 45, 130};
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        for (int32_t i = 0; i < 16 * CHECK_FILLS; i++) {
            int64_t n = ns[i % 4], k = ks[i / 4 % 4];
            float  *src = check_floats(n * k, (check_fill)(i / 16));
            if (i % 5 == 0)
                src[check_between(0, n * k - 1)] = i % 2 == 0 ? NAN : -INFINITY;
            void     *raw = as_dtype(src, n * k, i % 3);
            wf_weight ref = packed(0, format, raw, i % 3, n, k);
            for (int32_t level = 1; level < check_levels(); level++) {
                wf_weight w = packed(level, format, raw, i % 3, n, k);
                assert_memory_equal(w.data, ref.data,
                                    (size_t)check_ops(0)->weight_bytes(format, n, k));
            }
            check_free_all();
        }
    }
}

static double greatest_of_group(const float *row, int64_t k, int64_t i)
{
    double a = 0.0;
    for (int64_t e = i / WF_GROUP * WF_GROUP; e < k && e < i / WF_GROUP * WF_GROUP + WF_GROUP; e++)
        a = fmax(a, fabs((double)row[e]));
    return a;
}

/* No weight is off by more than half a step, and steps are amax / 127 up to the next f16, which is
 * at most 2^-10 of it or 2^-24 further, or up to 8/256 larger where that is better for the group.
 * Where no f16 is so large, nothing is promised. */
static void test_q8_is_near(void **unused)
{
    (void)unused;
    for (int32_t fill = 0; fill < CHECK_FILLS; fill++) {
        float    *src = check_floats(40 * 100, (check_fill)fill);
        wf_weight w = packed(0, WF_Q8, src, WF_F32, 40, 100);
        float    *got = embedded(0, &w);
        for (int64_t i = 0; i < 40 * 100; i++) {
            double exact = greatest_of_group(src + i / 100 * 100, 100, i % 100) / 127.0;
            double off = fabs((double)got[i] - (double)src[i]);
            assert_true(exact > 65504.0 || off <= 0.5001 * (exact * 1.033 + 0x1p-23));
        }
        check_free_all();
    }
}

/* The search is better than the least scale, by about a fifth. */
static void test_q8_search_helps(void **unused)
{
    (void)unused;
    const int64_t n = 128, k = 1024;
    float        *src = check_floats(n * k, CHECK_NORMAL), *got;
    double        plain = 0.0, error = 0.0;
    wf_weight     w = packed(0, WF_Q8, src, WF_F32, n, k);
    got = embedded(0, &w);
    for (int64_t i = 0; i < n * k; i++) {
        double d = greatest_of_group(src + i / k * k, k, i % k) / 127.0;
        double off = d > 0.0 ? (double)src[i] - d * rint((double)src[i] / d) : 0.0;
        plain += off * off;
        error += ((double)got[i] - (double)src[i]) * ((double)got[i] - (double)src[i]);
    }
    printf("q8: squared error %.3f of the plain one's\n", error / plain);
    assert_true(error < 0.9 * plain);
    check_free_all();
}

/* A group that q4 can hold exactly is found: range and minimum from 0 and 15, or from a part of the
 * steps. */
static void test_q4_finds_what_it_can_hold(void **unused)
{
    (void)unused;
    const int64_t n = 64, k = 128;
    uint8_t      *rows = random_rows(WF_Q4, n, k);
    for (int64_t r = 0; r < n; r++)
        for (int64_t g = 0; g < k / WF_GROUP; g++) {
            uint8_t *at = group_at(rows, WF_Q4, k, r, g);
            put_f16(at, 0.001f + 0.01f * fabsf(check_float(CHECK_NORMAL)));
            at[4] = 0xf0; /* element 0 is 0, element 16 is 15 */
        }
    float *src = check_floats(n * k, CHECK_NORMAL);
    for (int64_t i = 0; i < n * k; i++)
        src[i] = value_at(rows, WF_Q4, k, i / k, i % k);
    wf_weight w = packed(0, WF_Q4, src, WF_F32, n, k);
    wf_weight e = packed(0, WF_Q4, rows, WF_Q4, n, k);
    assert_memory_equal(w.data, e.data, (size_t)check_ops(0)->weight_bytes(WF_Q4, n, k));
    check_free_all();
}

static double squared_error(const float *got, const float *src, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += ((double)got[i] - (double)src[i]) * ((double)got[i] - (double)src[i]);
    return sum;
}

/* The sum of four even numbers is nearly normal. The range over 15 steps leaves a step of range /
 * 15 and a squared error of step^2 / 12; the search must do better by a tenth. */
static void test_q4_search_helps(void **unused)
{
    (void)unused;
    const int64_t n = 256, k = 256;
    float        *src = check_floats(n * k, CHECK_NORMAL);
    double        plain = 0.0;
    for (int64_t i = 0; i < n * k; i++)
        src[i] = src[i] + check_float(CHECK_NORMAL) + check_float(CHECK_NORMAL) +
                 check_float(CHECK_NORMAL);
    for (int64_t g = 0; g < n * k / WF_GROUP; g++) {
        float lo = src[g * WF_GROUP], hi = lo;
        for (int64_t e = 0; e < WF_GROUP; e++) {
            lo = fminf(lo, src[g * WF_GROUP + e]);
            hi = fmaxf(hi, src[g * WF_GROUP + e]);
        }
        float d = wf_round_f16((hi - lo) / 15.0f), m = wf_round_f16(lo);
        for (int64_t e = 0; e < WF_GROUP; e++) {
            float w = src[g * WF_GROUP + e], t = fminf(fmaxf(rintf((w - m) / d), 0.0f), 15.0f);
            plain += (double)(w - (d * t + m)) * (double)(w - (d * t + m));
        }
    }
    wf_weight w = packed(0, WF_Q4, src, WF_F32, n, k);
    double    found = squared_error(embedded(0, &w), src, n * k);
    print_message("q4: squared error %.3f of the plain one's\n", found / plain);
    assert_true(found < 0.9 * plain);
    check_free_all();
}

/* ---- how much columns count ---- */

/* Rows of n weights in q4 as hosts keep them, by a level. */
static uint8_t *quantized(int32_t level, const float *w, int64_t n, int64_t k, const float *by)
{
    uint8_t *rows = check_bytes((uint64_t)(n * wf_row_bytes(WF_Q4, k)));
    wf_pack  a = {{NULL, n, k, WF_Q4, 0}, w, 0, n, WF_F32, 0};
    wf_quantize_rows(check_ops(level), NULL, &a, by, rows);
    return rows;
}

static double counted_error(const uint8_t *rows, const float *w, int64_t n, int64_t k,
                            const float *by)
{
    double sum = 0.0;
    for (int64_t r = 0; r < n; r++)
        for (int64_t i = 0; i < k; i++) {
            const uint8_t *at = rows + r * wf_row_bytes(WF_Q4, k) + i / WF_GROUP * WF_Q4_BYTES;
            double         got = (double)f16_at(at) * integer_at(at, WF_Q4, i % WF_GROUP);
            double         off = (double)w[r * k + i] - (got + (double)f16_at(at + 2));
            sum += off * off * (double)by[i];
        }
    return sum;
}

/* Every level gives the bytes of the first; columns that all count 1 are as good as none said; and
 * errors are put where they count least: where one column in eight counts a hundred times what
 * others do, it is found to be 0.52 of what is left without. */
static void test_counts(void **unused)
{
    (void)unused;
    const int64_t n = 67, k = 1000, all = wf_groups(k) * WF_GROUP;
    float        *w = check_floats(n * k, CHECK_NORMAL), *by = check_floats(all, CHECK_NORMAL);
    float        *ones = check_floats(all, CHECK_NORMAL);
    const size_t  bytes = (size_t)(n * wf_row_bytes(WF_Q4, k));
    for (int64_t i = 0; i < all; i++) {
        ones[i] = 1.0f;
        by[i] = i >= k ? 0.0f : check_random() % 8 == 0 ? 1.0f : 0.01f;
    }
    uint8_t *plain = quantized(0, w, n, k, NULL), *counted = quantized(0, w, n, k, by);
    for (int32_t level = 0; level < check_levels(); level++) {
        assert_memory_equal(quantized(level, w, n, k, NULL), plain, bytes);
        assert_memory_equal(quantized(level, w, n, k, ones), plain, bytes);
        assert_memory_equal(quantized(level, w, n, k, by), counted, bytes);
    }
    double before = counted_error(plain, w, n, k, by), now = counted_error(counted, w, n, k, by);
    print_message("q4, counted: %.3f of the error\n", now / before);
    assert_true(now < 0.6 * before);
    assert_true(counted_error(counted, w, n, k, ones) > counted_error(plain, w, n, k, ones));
    check_free_all();
}

/* Against the product of unrounded weights and x: a step of x is a / 127 and errors are even within
 * it, so numbers even in [-1, 1) lose (1 / 127)^2 / 12 of 1/3, twice; with q4 the weights lose
 * (2 / 15)^2 / 12 of 1/3 instead. Bounds are three times that. */
static void test_against_f64(void **unused)
{
    (void)unused;
    static const double bounds[] = {1e-4, 1.4e-2};
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        fixture f;
        fixture_make(&f, (shape){9, 50, 700}, format, CHECK_NORMAL, WF_ACT_NONE);
        float  *src = check_floats(50 * 700, CHECK_NORMAL);
        double *e = check_bytes(9 * 50 * 8);
        f.op.bias = f.op.residual = NULL;
        for (int64_t i = 0; i < 9 * 50; i++) {
            e[i] = 0.0;
            for (int64_t l = 0; l < 700; l++)
                e[i] += (double)f.x[i / 50 * f.op.x_stride + l] * (double)src[i % 50 * 700 + l];
        }
        for (int32_t level = 0; level < check_levels(); level++) {
            wf_weight w = packed(level, format, src, WF_F32, 50, 700);
            check_nmse(run(&f, &w, level, 2, 0, 9), e, 9, 50, f.stride, bounds[format - WF_Q8], 0.0,
                       f.name);
        }
        check_free_all();
    }
}

static void test_weight_bytes(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        uint64_t (*bytes)(int32_t, int64_t, int64_t) = check_ops(0)->weight_bytes;
        assert_int_equal(bytes(format, 0, 5), 0);
        assert_int_equal(bytes(format, 5, -1), 0);
        assert_int_equal(bytes(format, INT64_MAX, 2), 0);
        assert_int_equal(bytes(format, (int64_t)1 << 39, (int64_t)1 << 39), 0);
        assert_int_equal(bytes(format, 64, 128), 64 * wf_row_bytes(format, 128));
    }
}

static void bench_shape(shape s, int32_t format)
{
    fixture f;
    fixture_make(&f, s, format, CHECK_NORMAL, WF_ACT_NONE);
    f.op.y = check_floats(s.m * f.stride, CHECK_NORMAL);
    char name[80];
    snprintf(name, sizeof name, "linear %s %lldx%lldx%lld", name_of(format), (long long)s.m,
             (long long)s.k, (long long)s.n);
    for (int32_t level = 1; level < check_levels(); level++) {
        wf_op op = {.kind = WF_OP_LINEAR, .u.linear = f.op};
        op.u.linear.w = packed(level, format, f.rows, format, s.n, s.k);
        double flop = 2.0 * (double)s.m * (double)s.n * (double)s.k;
        double bytes = (double)(s.n * wf_row_bytes(format, s.k));
        check_bench(name, level, 1, &op, flop, bytes);
        check_bench(name, level, 2, &op, flop, bytes);
    }
    check_free_all();
}

static void bench_quantising(int32_t format)
{
    float *src = check_floats(2048 * 2048, CHECK_NORMAL);
    char   name[80];
    snprintf(name, sizeof name, "pack f32 to %s 2048x2048", name_of(format));
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_weight w = packed(level, format, src, WF_F32, 2048, 2048);
        wf_op     op = {.kind = WF_OP_PACK, .u.pack = {w, src, 0, 2048, WF_F32, 0}};
        check_bench(name, level, 1, &op, 2048.0 * 2048.0, 2048.0 * 2048.0 * 4.0);
    }
    check_free_all();
}

static void bench(void **unused)
{
    (void)unused;
    static const shape shapes[] = {
        {512, 2048, 2048}, {512, 8192, 2048}, {512, 2048, 8192}, {1, 8192, 2048}, {8, 8192, 2048}};
    for (int32_t format = WF_Q8; format <= WF_Q4 && check_is_benching(); format++) {
        bench_quantising(format);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            bench_shape(shapes[i], format);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shapes),
    cmocka_unit_test(test_row_blocks),
    cmocka_unit_test(test_fills_and_activations),
    cmocka_unit_test(test_largest_sums),
    cmocka_unit_test(test_wide_groups),
    cmocka_unit_test(test_small_stack),
    cmocka_unit_test(test_one_large_number),
    cmocka_unit_test(test_not_finite),
    cmocka_unit_test(test_embed),
    cmocka_unit_test(test_levels_quantise_alike),
    cmocka_unit_test(test_q8_is_near),
    cmocka_unit_test(test_q8_search_helps),
    cmocka_unit_test(test_q4_finds_what_it_can_hold),
    cmocka_unit_test(test_q4_search_helps),
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_against_f64),
    cmocka_unit_test(test_weight_bytes),
    cmocka_unit_test(bench),
};
CHECK_MAIN_WITH(tests, amx_levels)
