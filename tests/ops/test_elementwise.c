/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu, add, rows, copy, rope and its table, kv_store, kernel: each against its definition, at
 * every level and with several thread counts. */
#include "check.h"
#include "core/device/device.h"

#include <stdio.h>

#define EACH_RUN(level, threads)                                                                   \
    for (int32_t level = 0; level < check_levels(); level++)                                       \
        for (int32_t threads = 1; threads <= 3; threads++)

static const int64_t row_counts[] = {0, 1, 15, 16, 17, 33}, widths[] = {1, 7, 16, 17, 33, 1000};

static void check_swiglu_and_add(int64_t m, int64_t n, check_fill fill)
{
    int64_t stride = n + check_between(0, 3);
    float  *a = check_floats(m * stride + 1, fill), *b = check_floats(m * stride + 1, fill);
    float  *silu = check_floats(m * stride + 1, CHECK_NORMAL);
    float  *sum = check_floats(m * stride + 1, CHECK_NORMAL);
    float  *gate = check_floats(n, fill), *gated = check_floats(m * stride + 1, CHECK_NORMAL);
    for (int64_t i = 0; i < m * stride; i++) {
        float scaled = 0.3f * b[i], by_column = gate[i % stride < n ? i % stride : 0] * b[i];
        gated[i] = a[i] + by_column;
        silu[i] = wf_siluf(a[i]) * b[i];
        sum[i] = a[i] + scaled;
    }
    EACH_RUN(level, threads)
    {
        float *y = check_floats(m * stride + 1, CHECK_NORMAL);
        check_canary(y, m, n, stride);
        wf_op op = {.kind = WF_OP_SWIGLU, .u.swiglu = {y, a, b, m, n, stride, stride, stride}};
        check_run(level, threads, &op);
        check_same(y, silu, m, n, stride, "swiglu");
        memcpy(y, a, (size_t)(m * stride) * 4); /* add in place */
        check_canary(y, m, n, stride);
        wf_op add = {.kind = WF_OP_ADD,
                     .u.add = {y, y, b, m, n, stride, stride, stride, 0.3f, 0, NULL}};
        check_run(level, threads, &add);
        check_same(y, sum, m, n, stride, "add");
        memcpy(y, a, (size_t)(m * stride) * 4);
        check_canary(y, m, n, stride);
        add.u.add.gate = gate;
        check_run(level, threads, &add);
        check_same(y, gated, m, n, stride, "add with a gate");
    }
    check_free_all();
}

static void test_swiglu_and_add(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 36; i++)
        check_swiglu_and_add(row_counts[i % 6], widths[i / 6], CHECK_NORMAL);
    for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
        check_swiglu_and_add(3, 77, (check_fill)fill);
}

/* Indices below 0: from nowhere come zeros, and what goes nowhere leaves no trace. */
static void test_rows(void **unused)
{
    (void)unused;
    static const int32_t to[] = {3, -1, 0, 7}, from[] = {5, 2, -1, 4};
    EACH_RUN(level, threads)
    {
        for (int32_t mode = 0; mode < 4; mode++) {
            float *src = check_floats(8 * 40, CHECK_NORMAL),
                  *dst = check_floats(8 * 35, CHECK_NORMAL);
            float *e = check_floats(8 * 35, CHECK_NORMAL);
            check_canary(dst, 8, 33, 35);
            memcpy(e, dst, 8 * 35 * 4);
            for (int32_t i = 0; i < 4; i++) {
                const int32_t t = mode & 1 ? to[i] : i, f = mode & 2 ? from[i] : i;
                if (t >= 0 && f >= 0)
                    memcpy(e + t * 35, src + f * 40, 33 * 4);
                else if (t >= 0)
                    memset(e + t * 35, 0, 33 * 4);
            }
            wf_op op = {
                .kind = WF_OP_ROWS,
                .u.rows = {dst, src, mode & 1 ? to : NULL, mode & 2 ? from : NULL, 4, 33, 35, 40}};
            check_run(level, threads, &op);
            check_same(dst, e, 8, 33, 35, "rows");
        }
        check_free_all();
    }
}

/* A transposition of the outer axes, then of the innermost with another. */
static void test_copy(void **unused)
{
    (void)unused;
    static const int64_t src_strides[2][4] = {{420, 20, 140, 1}, {1, 140, 20, 420}};
    EACH_RUN(level, threads)
    {
        for (int32_t t = 0; t < 2; t++) {
            float         *src = check_floats(20 * 420, CHECK_NORMAL);
            float         *dst = check_floats(4 * 7 * 3 * 20, CHECK_NORMAL), *at = dst;
            const int64_t *s = src_strides[t];
            wf_copy copy = {dst, src, {4, 7, 3, 19}, {420, 60, 20, 1}, {s[0], s[1], s[2], s[3]}};
            wf_op   op = {.kind = WF_OP_COPY, .u.copy = copy};
            check_canary(dst, 84, 19, 20);
            check_run(level, threads, &op);
            for (int64_t i = 0; i < 84; i++, at += 20) {
                for (int64_t l = 0; l < 20; l++) {
                    float e =
                        src[i / 21 * s[0] + i / 3 % 7 * s[1] + i % 3 * s[2] + l * s[3] * (l < 19)];
                    assert_true(at[l] == (l < 19 ? e : CHECK_CANARY));
                }
            }
        }
        check_free_all();
    }
}

static void test_rope(void **unused)
{
    (void)unused;
    enum { M = 17, HD = 24, HEADS = 3, STRIDE = HD * HEADS + 2 };
    EACH_RUN(level, threads)
    {
        float *x = check_floats(M * STRIDE, CHECK_NORMAL),
              *e = check_floats(M * STRIDE, CHECK_NORMAL);
        float   *table = check_floats(M * HD, CHECK_NORMAL), freq[HD / 2];
        int32_t *pos = check_bytes(M * 4);
        check_canary(x, M, HD * HEADS, STRIDE);
        for (int32_t i = 0; i < HD / 2; i++)
            freq[i] = powf(500000.0f, -2.0f * (float)i / (float)HD);
        for (int32_t r = 0; r < M; r++)
            pos[r] = (int32_t)check_between(0, 131071);
        wf_op t = {.kind = WF_OP_ROPE_TABLE, .u.rope_table = {table, pos, freq, M, HD, 0}};
        check_run(level, threads, &t);
        for (int64_t i = 0; i < M * HEADS * HD / 2; i++) {
            int64_t r = i / (HEADS * HD / 2), d = i % (HD / 2);
            int64_t at = r * STRIDE + i / (HD / 2) % HEADS * HD + d;
            float   angle = (float)pos[r] * freq[d];
            float   c = cosf(angle), s = sinf(angle);
            float ac = x[at] * c, bs = x[at + HD / 2] * s, bc = x[at + HD / 2] * c, as = x[at] * s;
            e[at] = ac - bs;
            e[at + HD / 2] = bc + as;
        }
        wf_op op = {.kind = WF_OP_ROPE, .u.rope = {x, table, M, STRIDE, HEADS, HD}};
        check_run(level, threads, &op);
        check_same(x, e, M, HD * HEADS, STRIDE, "rope");
        check_free_all();
    }
}

enum { PAGES = 4, POOL_PAGES = 2 };

/* Element i of a page after the op: the row that was stored there, or what stood there before. */
static float expected(const wf_kv_store *a, int64_t page, int64_t i, const float *before)
{
    const wf_kv *kv = &a->kv;
    int64_t      hd = kv->head_dim, values = WF_KEY_BLOCK * hd * kv->n_kv_heads, r = -1;
    int64_t      head = i % values / (WF_KEY_BLOCK * hd), rest = i % (WF_KEY_BLOCK * hd);
    int          is_v = i >= values;
    int64_t      token = is_v ? rest / hd : rest % WF_KEY_BLOCK;
    int64_t      at = head * hd + (is_v ? rest % hd : rest / WF_KEY_BLOCK);
    for (int64_t j = 0; j < a->m && i < 2 * values; j++)
        r = a->slot[j] == (page - kv->first) * WF_KEY_BLOCK + token ? j : r;
    if (r < 0)
        return before[i];
    return check_rounded(is_v ? a->v[r * a->v_stride + at] : a->k[r * a->k_stride + at], kv->dtype);
}

static void check_stored(const wf_kv_store *a, float *const before[PAGES])
{
    int64_t n = a->kv.page_bytes / wf_dtype_bytes(a->kv.dtype);
    for (int64_t page = 0; page < PAGES; page++) {
        for (int64_t i = 0; i < n; i++) {
            float y = wf_load(check_page(&a->kv, page), i, a->kv.dtype);
            assert_true(wf_bits(y) == wf_bits(expected(a, page, i, before[page])));
        }
    }
}

/* Runs of two pages, a pool each; the op is of the runs' second layer. */
static void test_kv_store(void **unused)
{
    (void)unused;
    static const int64_t slots[] = {128, 63, 191, 5};
    EACH_RUN(level, threads)
    {
        for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
            wf_kv   kv = check_kv(dtype, 3, 10, PAGES, POOL_PAGES);
            int64_t n = kv.page_bytes / wf_dtype_bytes(dtype);
            float  *before[PAGES];
            for (int32_t p = 0; p < PAGES; p++) {
                before[p] = check_floats(n, CHECK_NORMAL);
                for (int64_t i = 0; i < n; i++)
                    before[p][i] = wf_load(check_page(&kv, p), i, dtype);
            }
            kv.first = 1;
            wf_op op = {.kind = WF_OP_KV_STORE,
                        .u.kv_store = {kv, check_floats(4 * 31, CHECK_MIXED),
                                       check_floats(4 * 32, CHECK_MIXED), slots, 4, 31, 32}};
            check_run(level, threads, &op);
            check_stored(&op.u.kv_store, before);
            check_free_all();
        }
    }
}

/* One row of k or v in q8: x against the integers at q, step apart, and their scale. */
static void check_q8_row(const float *x, int64_t n, const int8_t *q, int64_t step, float scale)
{
    float most = 0.0f;
    bool  finite = true;
    for (int64_t d = 0; d < n; d++) {
        finite = finite && isfinite(x[d]);
        most = fabsf(x[d]) > most ? fabsf(x[d]) : most;
    }
    bool plain = finite && most >= 0x1p-100f;
    assert_true(finite ? scale == (plain ? most / 127.0f : 0.0f) : isnan(scale));
    for (int64_t d = 0; d < n; d++)
        assert_int_equal(q[d * step], plain ? lrintf(x[d] * (127.0f / most)) : 0);
}

/* Rows with ties, a NaN, an infinity, zeros, and numbers that are too small for a scale. */
static void test_kv_store_q8(void **unused)
{
    (void)unused;
    enum { HEADS = 3, DIM = 10, ROWS = 6, WIDTH = HEADS * DIM };
    static const int64_t slots[ROWS] = {128, 63, 191, 5, 0, 64};
    EACH_RUN(level, threads)
    {
        wf_kv  kv = check_kv(WF_Q8, HEADS, DIM, PAGES, PAGES);
        float *k = check_floats(ROWS * WIDTH, CHECK_MIXED);
        float *v = check_floats(ROWS * WIDTH, CHECK_NORMAL);
        for (int64_t d = 0; d < DIM; d++) {
            k[d] = (float)d * 14.5f - 3.5f; /* the greatest is 127: halves are ties */
            k[DIM + d] = d == 3 ? NAN : 1.0f;
            v[d] = d == 7 ? -INFINITY : (float)d;
            v[DIM + d] = d % 2 == 0 ? 0.0f : -0.0f;
            v[2 * DIM + d] = 0x1p-101f;
        }
        wf_op op = {.kind = WF_OP_KV_STORE, .u.kv_store = {kv, k, v, slots, ROWS, WIDTH, WIDTH}};
        check_run(level, threads, &op);
        for (int64_t r = 0; r < ROWS; r++) {
            uint8_t *page = check_page(&kv, slots[r] / WF_KEY_BLOCK);
            int64_t  i = slots[r] % WF_KEY_BLOCK;
            float   *k_scale = (float *)(void *)(page + wf_cpu_k_scales_at(&kv));
            float   *v_scale = (float *)(void *)(page + wf_cpu_v_scales_at(&kv));
            for (int64_t h = 0; h < HEADS; h++) {
                const int8_t *q = (const int8_t *)page;
                check_q8_row(k + r * WIDTH + h * DIM, DIM, q + h * DIM * WF_KEY_BLOCK + i,
                             WF_KEY_BLOCK, k_scale[h * WF_KEY_BLOCK + i]);
                check_q8_row(v + r * WIDTH + h * DIM, DIM,
                             q + wf_cpu_values_at(&kv) + (h * WF_KEY_BLOCK + i) * DIM, 1,
                             v_scale[h * WF_KEY_BLOCK + i]);
            }
        }
        check_free_all();
    }
}

/* y[i] = x[i] * scale + 1, and which items were done how often. */
static void scale_body(const weft_range *r, void *const *args)
{
    float *y, scale;
    memcpy(&y, args[0], sizeof(y));
    memcpy(&scale, args[1], sizeof(scale));
    assert_true(r->worker >= 0 && r->worker < 8);
    for (int64_t i = r->begin; i < r->end; i++)
        y[i] = y[i] * scale + 1.0f;
}

static void test_kernel(void **unused)
{
    (void)unused;
    const wf_kernel scale = {.cpu = scale_body, .n_args = 2, .offset = {0, 16}};
    EACH_RUN(level, threads)
    {
        for (int64_t n = 0; n <= 40; n += 8) {
            float *y = check_floats(41, CHECK_NORMAL), *e = check_floats(41, CHECK_NORMAL);
            float  by = 0.5f;
            wf_op  op = {.kind = WF_OP_KERNEL};
            op.u.kernel = (wf_kernel_op){.kernel = &scale, .n = n, .grain = 5};
            memcpy(op.u.kernel.data, &y, sizeof(y));
            memcpy(op.u.kernel.data + 16, &by, sizeof(by));
            for (int64_t i = 0; i < 41; i++)
                e[i] = i < n ? y[i] * by + 1.0f : y[i];
            check_run(level, threads, &op);
            check_same(y, e, 1, 41, 41, "kernel");
        }
        check_free_all();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_swiglu_and_add), cmocka_unit_test(test_rows),
    cmocka_unit_test(test_copy),           cmocka_unit_test(test_rope),
    cmocka_unit_test(test_kv_store),       cmocka_unit_test(test_kv_store_q8),
    cmocka_unit_test(test_kernel),
};
CHECK_MAIN(tests)
