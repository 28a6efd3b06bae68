/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages and over packed rows: the reference against a plain softmax in f64, every
 * level against the reference byte for byte, and the same bytes for any rows, threads and grouping.
 */
#include "check.h"

#include <stdio.h>

#define KEYS_MAX 392

/* A batch over pages: sequence s of n_seqs has keys[s] keys in pages of its own; row r belongs to
 * seq[r] and sees the first see[r] keys of it. */
typedef struct pages_case {
    wf_attend_pages op;
    int64_t         m, stride, n_pages;
    int32_t         hd, kv, group, n_seqs;
    int32_t        *seq, *see;
    float          *k, *v; /* [n_seqs, KEYS_MAX, kv * hd] */
    char            name[120];
} pages_case;

static const int32_t thread_counts[] = {2, 3, 8};

/* Every byte of the pages starts as a NaN: whatever is read past the valid keys shows. */
static void store_keys(const pages_case *c, const int32_t *keys)
{
    int64_t width = (int64_t)c->kv * c->hd,
            pages_each = (KEYS_MAX + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
    for (int64_t p = 0; p < c->n_pages; p++)
        memset(check_page(&c->op.kv, p), 0xff, (size_t)c->op.kv.page_bytes);
    for (int32_t s = 0; s < c->n_seqs; s++) {
        int64_t *slot = check_bytes(KEYS_MAX * 8);
        for (int64_t i = 0; i < keys[s]; i++) /* pages of a sequence lie backwards */
            slot[i] =
                ((s + 1) * pages_each - 1 - i / WF_KEY_BLOCK) * WF_KEY_BLOCK + i % WF_KEY_BLOCK;
        wf_op op = {.kind = WF_OP_KV_STORE,
                    .u.kv_store = {c->op.kv, c->k + s * KEYS_MAX * width,
                                   c->v + s * KEYS_MAX * width, slot, keys[s], width, width}};
        check_run(0, 2, &op);
    }
}

/* Spans are what a decoder writes: whole pages, the last cut by each row. */
static void fill_rows(pages_case *c, const int32_t *keys)
{
    int32_t     pages_each = (KEYS_MAX + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
    wf_kv_span *spans = check_bytes((uint64_t)(c->n_seqs * pages_each) * sizeof(*spans));
    int32_t    *begin = check_bytes((uint64_t)c->m * 4 + 4),
            *end = check_bytes((uint64_t)c->m * 4 + 4);
    int32_t *last = check_bytes((uint64_t)c->m * 4 + 4);
    for (int32_t s = 0; s < c->n_seqs; s++) {
        for (int32_t p = 0; p < pages_each; p++) {
            int32_t left = keys[s] - p * WF_KEY_BLOCK;
            left = left < 0 ? 0 : left < WF_KEY_BLOCK ? left : WF_KEY_BLOCK;
            spans[s * pages_each + p] = (wf_kv_span){(s + 1) * pages_each - 1 - p, left};
        }
    }
    for (int64_t r = 0; r < c->m; r++) {
        int32_t n = (c->see[r] + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
        begin[r] = c->seq[r] * pages_each;
        end[r] = begin[r] + n;
        last[r] = c->see[r] - (n - 1) * WF_KEY_BLOCK;
    }
    c->op.spans = spans;
    c->op.row_begin = begin;
    c->op.row_end = end;
    c->op.row_last = last;
}

static void pages_make(pages_case *c, int64_t m, int32_t n_seqs, int32_t hd, int32_t kv,
                       int32_t group, int32_t dtype, check_fill fill)
{
    int32_t keys[8];
    *c = (pages_case){.m = m, .hd = hd, .kv = kv, .group = group, .n_seqs = n_seqs};
    int64_t width = (int64_t)kv * hd, used = width * group;
    c->n_pages = n_seqs * ((KEYS_MAX + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK);
    c->stride = used + check_between(0, 5);
    c->k = check_floats(n_seqs * KEYS_MAX * width, fill);
    c->v = check_floats(n_seqs * KEYS_MAX * width, fill);
    c->op = (wf_attend_pages){
        .kv = check_kv(dtype, kv, hd, (int32_t)c->n_pages, (int32_t)check_between(1, 5)),
        .q = check_floats(m * c->stride + 1, fill),
        .m = m,
        .q_stride = c->stride,
        .out_stride = c->stride,
        .n_heads = kv * group,
        .scale = 1.0f / sqrtf((float)hd),
    };
    c->seq = check_bytes((uint64_t)m * 4 + 4);
    c->see = check_bytes((uint64_t)m * 4 + 4);
    for (int32_t s = 0; s < n_seqs; s++)
        keys[s] = (int32_t)check_between(1, KEYS_MAX);
    keys[0] = KEYS_MAX - 7; /* six whole blocks and one key */
    keys[n_seqs - 1] = n_seqs > 1 ? 1 : keys[0];
    for (int64_t r = 0; r < m; r++) {
        c->seq[r] = (int32_t)(r * n_seqs / m);
        c->see[r] = (int32_t)check_between(0, keys[c->seq[r]]);
        if (r == m - 1 || r % 5 == 0)
            c->see[r] = keys[c->seq[r]];
    }
    store_keys(c, keys);
    fill_rows(c, keys);
    snprintf(c->name, sizeof(c->name),
             "attend_pages m %d seqs %d hd %d kv %d group %d dtype %d fill %d", (int)m, n_seqs, hd,
             kv, group, dtype, (int)fill);
}

static float *pages_run(const pages_case *c, int32_t level, int32_t threads, int64_t first,
                        int64_t m)
{
    float *out = check_floats(c->m * c->stride + 1, CHECK_NORMAL);
    check_canary(out, c->m, (int64_t)c->kv * c->group * c->hd, c->stride);
    wf_op op = {.kind = WF_OP_ATTEND_PAGES, .u.attend_pages = c->op};
    op.u.attend_pages.m = m;
    op.u.attend_pages.out = out + first * c->stride;
    op.u.attend_pages.q += first * c->stride;
    op.u.attend_pages.row_begin += first;
    op.u.attend_pages.row_end += first;
    op.u.attend_pages.row_last += first;
    check_run(level, threads, &op);
    return out;
}

static void check_pages(int64_t m, int32_t n_seqs, int32_t hd, int32_t kv, int32_t group,
                        int32_t dtype, check_fill fill)
{
    pages_case c;
    pages_make(&c, m, n_seqs, hd, kv, group, dtype, fill);
    int64_t used = (int64_t)kv * group * hd;
    float  *ref = pages_run(&c, 0, 1, 0, m);
    for (int32_t level = 0; level < check_levels(); level++) {
        check_same(pages_run(&c, level, 1, 0, m), ref, m, used, c.stride, c.name);
        for (int32_t t = 0; t < 3; t++)
            check_same(pages_run(&c, level, thread_counts[t], 0, m), ref, m, used, c.stride,
                       c.name);
        for (int64_t r = 0; r<m; r += m> 40 ? 17 : 1) { /* a decode step: one row alone */
            float *alone = pages_run(&c, level, 1, r, 1);
            check_same(alone + r * c.stride, ref + r * c.stride, 1, used, c.stride, c.name);
        }
        for (int64_t r = 0; r < m * used; r++)
            assert_true(isfinite(ref[r / used * c.stride + r % used]) != 0);
    }
    check_free_all();
}

static void test_pages(void **unused)
{
    (void)unused;
    static const int32_t hds[] = {16, 24, 64, 80, 128, 6}, groups[] = {1, 2, 3, 4, 5, 8};
    static const int64_t ms[] = {0, 1, 15, 16, 17, 33};
    for (size_t i = 0; i < 6; i++)
        for (int32_t dtype = WF_F32; dtype <= WF_Q8; dtype++)
            check_pages(ms[(i + (size_t)dtype) % 6], dtype + 1, hds[i], 1 + (int32_t)(i % 3),
                        groups[i], dtype, CHECK_NORMAL);
    check_pages(33, 1, 64, 2, 4, WF_BF16, CHECK_NORMAL);
    check_pages(5, 3, 64, 7, 4, WF_F16, CHECK_NORMAL);   /* heads in turn, by 7, 4, 3 and 1 */
    check_pages(130, 2, 32, 1, 4, WF_F32, CHECK_NORMAL); /* several chunks */
    for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
        if (fill != CHECK_LARGE) { /* q k overflows there, and infinity less itself is NaN */
            check_pages(9, 2, 32, 2, 2, WF_F32, (check_fill)fill);
            check_pages(19, 2, 32, 2, 2, WF_Q8, (check_fill)fill);
        }
}

/* One row, whose blocks threads divide where its kv heads do not go evenly over them. */
static void test_one_row(void **unused)
{
    (void)unused;
    static const int32_t kvs[] = {1, 2, 3, 5};
    for (int32_t dtype = WF_F32; dtype <= WF_Q8; dtype++) {
        for (size_t i = 0; i < 4; i++) {
            check_pages(1, 1, 32, kvs[i], 1 + dtype, dtype, CHECK_NORMAL);
            check_pages(1, 1, 24, kvs[i], 2 * dtype + 1, dtype, CHECK_DENORMAL);
        }
        check_pages(1, 1, 16, 3, 16, dtype, CHECK_NORMAL); /* too many queries to be divided */
    }
}

/* A row's bytes do not depend on keys that it does not see, though others of its tile see them: not
 * even a NaN or an infinity comes through. */
static void check_unseen(int32_t hd, int32_t kv, int32_t group, int32_t dtype)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    pages_case         c;
    pages_make(&c, 70, 1, hd, kv, group, dtype, CHECK_NORMAL);
    int64_t width = (int64_t)kv * hd, used = width * group, at = 70;
    int32_t keys = KEYS_MAX - 7;
    for (int64_t r = 0; r < 70; r++)
        c.see[r] = (int32_t)(r < 60 ? 11 + r : keys);
    fill_rows(&c, &keys);
    for (int32_t level = 0; level < check_levels(); level++) {
        float *before = pages_run(&c, level, 2, 0, 70);
        for (int64_t i = 0; i < width; i++) {
            c.k[at * width + i] = bad[i % 3];
            c.v[at * width + i] = bad[(i + 1) % 3];
        }
        store_keys(&c, &keys);
        float *after = pages_run(&c, level, 2, 0, 70);
        for (int64_t r = 0; r < 70; r++) {
            if (c.see[r] <= at)
                check_same(after + r * c.stride, before + r * c.stride, 1, used, c.stride, c.name);
            else
                assert_true(isnan(after[r * c.stride]));
        }
        for (int64_t i = 0; i < width; i++)
            c.k[at * width + i] = c.v[at * width + i] = 0.5f;
        store_keys(&c, &keys);
    }
    check_free_all();
}

static void test_unseen(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_Q8; dtype++) {
        check_unseen(64, 2, 4, dtype);
        check_unseen(20, 1, 1, dtype);
    }
}

/* What pages of dtype keep of the rows of a case. In q8 that is d times an integer, from the
 * definition at wf_kv. */
static float *kept(const pages_case *c, const float *x, int32_t dtype)
{
    int64_t n = (int64_t)c->n_seqs * KEYS_MAX * c->kv;
    float  *y = check_floats(n * c->hd, CHECK_ZERO);
    for (int64_t r = 0; r < n; r++, x += c->hd) {
        double most = 0.0;
        for (int64_t d = 0; d < c->hd; d++)
            most = fabs((double)x[d]) > most ? fabs((double)x[d]) : most;
        for (int64_t d = 0; d < c->hd; d++)
            y[r * c->hd + d] = dtype != WF_Q8
                                   ? check_rounded(x[d], dtype)
                                   : (float)(nearbyint((double)(x[d] * (127.0f / (float)most))) *
                                             (double)((float)most / 127.0f));
    }
    return y;
}

/* softmax(scale q k^T) v in f64 over keys begin..end-1 of k, v (rows of stride). */
static void exact_row(double *out, const float *q, const float *k, const float *v, int64_t stride,
                      int64_t begin, int64_t end, int64_t hd, double scale)
{
    double s[KEYS_MAX], most = -INFINITY, sum = 0.0;
    for (int64_t d = 0; d < hd; d++)
        out[d] = 0.0;
    for (int64_t i = begin; i < end; i++) {
        s[i - begin] = 0.0;
        for (int64_t d = 0; d < hd; d++)
            s[i - begin] += (double)q[d] * (double)k[i * stride + d] * scale;
        most = s[i - begin] > most ? s[i - begin] : most;
    }
    for (int64_t i = begin; i < end; i++)
        sum += exp(s[i - begin] - most);
    for (int64_t i = begin; i < end; i++) {
        double p = exp(s[i - begin] - most) / sum;
        for (int64_t d = 0; d < hd; d++)
            out[d] += p * (double)v[i * stride + d];
    }
}

/* Every rounding on the way is of about 2^-24 relative to sums of terms of one sign (p) or of mixed
 * signs (v), over at most 392 terms: 1e-11 is (3e-6)^2. */
#define F64_BOUND 1e-11

static void test_pages_against_f64(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_Q8; dtype++) {
        pages_case c;
        pages_make(&c, 11, 3, 40, 2, 3, dtype, CHECK_NORMAL);
        const float *k = kept(&c, c.k, dtype), *v = kept(&c, c.v, dtype);
        int64_t      width = 2 * 40, used = width * 3;
        double      *e = check_bytes((uint64_t)(11 * used) * 8);
        for (int64_t r = 0; r < 11; r++) {
            for (int64_t h = 0; h < 6; h++) {
                int64_t at = c.seq[r] * KEYS_MAX * width + h / 3 * 40;
                exact_row(e + r * used + h * 40, c.op.q + r * c.stride + h * 40, k + at, v + at,
                          width, 0, c.see[r], 40, (double)c.op.scale);
            }
        }
        float *y = pages_run(&c, 0, 1, 0, 11);
        check_nmse(y, e, 11, used, c.stride, F64_BOUND, 0.0, c.name);
        check_free_all();
    }
}

/* ---- packed sequences ---- */

typedef struct packed_case {
    wf_attend op;
    int64_t   keys, stride, k_stride;
    int32_t   q_begin[4], k_begin[4];
    char      name[120];
} packed_case;

static void packed_make(packed_case *c, int32_t hd, int32_t kv, int32_t group, int32_t causal,
                        int32_t intervals)
{
    static const int32_t queries[] = {33, 1, 17}, keys[] = {65, 193, 17};
    *c = (packed_case){.q_begin = {0}};
    for (int32_t s = 0; s < 3; s++) {
        c->q_begin[s + 1] = c->q_begin[s] + queries[s];
        c->k_begin[s + 1] = c->k_begin[s] + keys[s];
    }
    c->keys = c->k_begin[3];
    c->stride = (int64_t)kv * group * hd + check_between(0, 5);
    c->k_stride = (int64_t)kv * hd + check_between(0, 5);
    c->op = (wf_attend){.q = check_floats(51 * c->stride, CHECK_NORMAL),
                        .k = check_floats(c->keys * c->k_stride, CHECK_NORMAL),
                        .v = check_floats(c->keys * c->k_stride, CHECK_NORMAL),
                        .q_begin = c->q_begin,
                        .k_begin = c->k_begin,
                        .q_stride = c->stride,
                        .k_stride = c->k_stride,
                        .v_stride = c->k_stride,
                        .out_stride = c->stride,
                        .m = 51,
                        .keys = c->keys,
                        .n_seqs = 3,
                        .n_heads = kv * group,
                        .n_kv_heads = kv,
                        .head_dim = hd,
                        .scale = 0.2f,
                        .causal = causal};
    if (intervals) {
        int32_t *begin = check_bytes(51 * 4), *end = check_bytes(51 * 4);
        for (int32_t r = 0; r < 51; r++) {
            begin[r] = r / 6 * 11;
            end[r] = r % 7 == 0 ? begin[r] : begin[r] + (int32_t)check_between(0, 150);
        }
        c->op.row_k_begin = begin;
        c->op.row_k_end = end;
    }
    snprintf(c->name, sizeof(c->name), "attend hd %d kv %d group %d causal %d intervals %d", hd, kv,
             group, causal, intervals);
}

static float *packed_run(const packed_case *c, int32_t level, int32_t threads)
{
    float *out = check_floats(51 * c->stride, CHECK_NORMAL);
    check_canary(out, 51, (int64_t)c->op.n_heads * c->op.head_dim, c->stride);
    wf_op op = {.kind = WF_OP_ATTEND, .u.attend = c->op};
    op.u.attend.out = out;
    check_run(level, threads, &op);
    return out;
}

/* The visible keys of a row, from the definition in ops.h. */
static void visible(const packed_case *c, int32_t r, int64_t *begin, int64_t *end)
{
    int32_t s = r < c->q_begin[1] ? 0 : r < c->q_begin[2] ? 1 : 2;
    int64_t keys = c->k_begin[s + 1] - c->k_begin[s], queries = c->q_begin[s + 1] - c->q_begin[s];
    *begin = c->op.row_k_begin != NULL ? c->op.row_k_begin[r] : c->k_begin[s];
    *end = c->op.row_k_begin != NULL ? c->op.row_k_end[r] : c->k_begin[s + 1];
    int64_t last = c->k_begin[s] + r - c->q_begin[s] + keys - queries;
    if (c->op.causal && last + 1 < *end)
        *end = last + 1;
    *end = *end > *begin ? *end : *begin;
}

static void check_packed(int32_t hd, int32_t kv, int32_t group, int32_t causal, int32_t intervals)
{
    packed_case c;
    packed_make(&c, hd, kv, group, causal, intervals);
    int64_t used = (int64_t)kv * group * hd;
    double *e = check_bytes((uint64_t)(51 * used) * 8);
    for (int32_t r = 0; r < 51; r++) {
        int64_t begin, end;
        visible(&c, r, &begin, &end);
        for (int64_t h = 0; h < kv * group; h++)
            exact_row(e + r * used + h * hd, c.op.q + r * c.stride + h * hd,
                      c.op.k + h / group * hd, c.op.v + h / group * hd, c.k_stride, begin, end, hd,
                      (double)c.op.scale);
    }
    float *ref = packed_run(&c, 0, 1);
    check_nmse(ref, e, 51, used, c.stride, F64_BOUND, 0.0, c.name);
    for (int32_t level = 0; level < check_levels(); level++) {
        check_same(packed_run(&c, level, 1), ref, 51, used, c.stride, c.name);
        for (int32_t t = 0; t < 3; t++)
            check_same(packed_run(&c, level, thread_counts[t]), ref, 51, used, c.stride, c.name);
    }
    check_free_all();
}

static void test_packed(void **unused)
{
    (void)unused;
    static const int32_t hds[] = {8, 16, 24, 64, 80, 6};
    for (size_t i = 0; i < 6; i++) {
        check_packed(hds[i], 1 + (int32_t)(i % 3), 1 + (int32_t)(i % 4), 0, 0);
        check_packed(hds[i], 2, 1 + (int32_t)(i % 2), 1, 0);
        check_packed(hds[i], 1, 2, 0, 1);
    }
}

/* So many rows that they are cut into chunks, of other sizes for 1 and 2 threads than for 3 and 8:
 * each row has the bytes that it has alone. */
static void test_long_packed(void **unused)
{
    enum { ROWS = 1000, KV = 9, HD = 16, WIDTH = KV * HD, KEYS = 70 };
    static const int32_t q_begin[] = {0, ROWS}, k_begin[] = {0, KEYS};
    (void)unused;
    wf_attend a = {.q = check_floats(ROWS * WIDTH, CHECK_NORMAL),
                   .k = check_floats(KEYS * WIDTH, CHECK_NORMAL),
                   .v = check_floats(KEYS * WIDTH, CHECK_NORMAL),
                   .q_begin = q_begin,
                   .k_begin = k_begin,
                   .q_stride = WIDTH,
                   .k_stride = WIDTH,
                   .v_stride = WIDTH,
                   .out_stride = WIDTH,
                   .m = ROWS,
                   .keys = KEYS,
                   .n_seqs = 1,
                   .n_heads = KV,
                   .n_kv_heads = KV,
                   .head_dim = HD,
                   .scale = 0.2f};
    float    *ref = check_floats(ROWS * WIDTH, CHECK_NORMAL);
    wf_op     op = {.kind = WF_OP_ATTEND, .u.attend = a};
    for (int64_t r = 0; r < ROWS; r++) {
        static const int32_t one[] = {0, 1};
        op.u.attend.q_begin = one;
        op.u.attend.m = 1;
        op.u.attend.q = a.q + r * WIDTH;
        op.u.attend.out = ref + r * WIDTH;
        check_run(0, 1, &op);
    }
    for (int32_t level = 0; level < check_levels(); level++)
        for (int32_t threads = 1; threads <= 3; threads++) {
            float *out = check_floats(ROWS * WIDTH, CHECK_NORMAL);
            op.u.attend = a;
            op.u.attend.out = out;
            check_run(level, threads, &op);
            check_same(out, ref, ROWS, WIDTH, WIDTH, "long packed rows");
        }
    check_free_all();
}

/* Pages and packed rows share their blocks: the same keys give the same bytes. */
static void test_pages_equal_packed(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        pages_case c;
        pages_make(&c, 5, 1, 48, 2, 2, WF_F32, CHECK_NORMAL);
        int32_t q_begin[] = {0, 5}, k_begin[] = {0, KEYS_MAX};
        int32_t begin[5] = {0};
        float  *out = check_floats(5 * c.stride, CHECK_NORMAL);
        check_canary(out, 5, 192, c.stride);
        wf_attend a = {.out = out,
                       .q = c.op.q,
                       .k = c.k,
                       .v = c.v,
                       .q_begin = q_begin,
                       .k_begin = k_begin,
                       .row_k_begin = begin,
                       .row_k_end = c.see,
                       .q_stride = c.stride,
                       .k_stride = 96,
                       .v_stride = 96,
                       .out_stride = c.stride,
                       .m = 5,
                       .keys = KEYS_MAX,
                       .n_seqs = 1,
                       .n_heads = 4,
                       .n_kv_heads = 2,
                       .head_dim = 48,
                       .scale = c.op.scale};
        wf_op     op = {.kind = WF_OP_ATTEND, .u.attend = a};
        check_run(level, 2, &op);
        check_same(out, pages_run(&c, level, 1, 0, 5), 5, 192, c.stride, "pages and packed");
        check_free_all();
    }
}

/* Numbers that name keys outside of k: those inside alone are seen. Under AddressSanitizer and by
 * the result, which is that of the honest numbers. */
static void test_bounds(void **unused)
{
    (void)unused;
    static const int32_t far[4] = {-70, INT32_MAX, INT32_MIN, 4000};
    for (int32_t level = 0; level < check_levels(); level++) {
        packed_case c;
        packed_make(&c, 24, 2, 1, 0, 1);
        int32_t *begin = check_bytes(51 * 4), *end = check_bytes(51 * 4);
        int32_t *low = check_bytes(51 * 4), *high = check_bytes(51 * 4);
        for (int32_t r = 0; r < 51; r++) {
            low[r] = far[r % 4];
            high[r] = far[(r + r / 4) % 4];
            begin[r] = low[r] < 0 ? 0 : low[r];
            end[r] = high[r] < (int32_t)c.keys ? high[r] : (int32_t)c.keys;
        }
        c.op.row_k_begin = begin;
        c.op.row_k_end = end;
        float *e = packed_run(&c, level, 2);
        c.op.row_k_begin = low;
        c.op.row_k_end = high;
        check_same(packed_run(&c, level, 2), e, 51, 48, c.stride, c.name);
        c.op.row_k_begin = c.op.row_k_end = NULL;
        memcpy(c.k_begin, far, sizeof far);
        c.op.q_begin = c.q_begin;
        c.op.k_begin = c.k_begin;
        packed_run(&c, level, 2);
        memcpy(c.q_begin, far, sizeof far);
        c.op.causal = 1;
        packed_run(&c, level, 2);
        check_free_all();
    }
}

static void bench_packed(int32_t hd, int32_t heads, int32_t rows)
{
    int32_t begin[] = {0, rows};
    int64_t stride = (int64_t)heads * hd;
    wf_op   op = {.kind = WF_OP_ATTEND};
    op.u.attend = (wf_attend){.out = check_floats(rows * stride, CHECK_NORMAL),
                              .q = check_floats(rows * stride, CHECK_NORMAL),
                              .k = check_floats(rows * stride, CHECK_NORMAL),
                              .v = check_floats(rows * stride, CHECK_NORMAL),
                              .q_begin = begin,
                              .k_begin = begin,
                              .q_stride = stride,
                              .k_stride = stride,
                              .v_stride = stride,
                              .out_stride = stride,
                              .m = rows,
                              .keys = rows,
                              .n_seqs = 1,
                              .n_heads = heads,
                              .n_kv_heads = heads,
                              .head_dim = hd,
                              .scale = 0.1f};
    double flop = 4.0 * rows * (double)rows * hd * heads;
    for (int32_t level = 1; level < check_levels(); level++)
        check_bench("attend 16x80 1601", level, 1, &op, flop, 0.0);
    check_free_all();
}

static void bench_decode(void)
{
    enum { PAGES = 64 };
    wf_kv      kv = check_kv(WF_BF16, 8, 64, PAGES, PAGES);
    wf_kv_span spans[PAGES];
    int32_t    begin = 0, end = PAGES, last = WF_KEY_BLOCK;
    memset(check_page(&kv, 0), 0x3c, (size_t)(PAGES * kv.page_bytes));
    for (int32_t i = 0; i < PAGES; i++)
        spans[i] = (wf_kv_span){i, WF_KEY_BLOCK};
    wf_op op = {.kind = WF_OP_ATTEND_PAGES};
    op.u.attend_pages = (wf_attend_pages){.kv = kv,
                                          .out = check_floats(2048, CHECK_NORMAL),
                                          .q = check_floats(2048, CHECK_NORMAL),
                                          .spans = spans,
                                          .row_begin = &begin,
                                          .row_end = &end,
                                          .row_last = &last,
                                          .m = 1,
                                          .q_stride = 2048,
                                          .out_stride = 2048,
                                          .n_heads = 32,
                                          .scale = 0.125f};
    for (int32_t level = 1; level < check_levels(); level++)
        check_bench("attend_pages decode 4096 keys", level, 1, &op, 4.0 * 32 * 64 * 4096,
                    (double)(PAGES * kv.page_bytes));
    check_free_all();
}

static void bench(void **unused)
{
    (void)unused;
    if (!check_is_benching())
        return;
    bench_packed(80, 16, 1601);
    bench_decode();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pages),   cmocka_unit_test(test_pages_against_f64),
    cmocka_unit_test(test_packed),  cmocka_unit_test(test_pages_equal_packed),
    cmocka_unit_test(test_one_row), cmocka_unit_test(test_unseen),
    cmocka_unit_test(test_bounds),  cmocka_unit_test(test_long_packed),
    cmocka_unit_test(bench),
};
CHECK_MAIN(tests)
