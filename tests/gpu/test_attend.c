/* SPDX-License-Identifier: Apache-2.0 */
/* Attention on a GPU: the canonical sums, so the reference's bytes, however the work is cut; of
 * many rows, unless they shall be exact, by matrix instructions. */
#include "rig.h"

#include <stdio.h>

#define FEW_ROWS 64 /* up to here the sums are the canonical ones */
/* Products of numbers split in two keep 16 bits: 2^-16 of a score and of a weight, squared. */
#define SPLIT 1e-10

static bool is_exact;

/* Keys of about that size. */
static void store(const wf_kv *kv, int64_t n_pages, float size)
{
    int64_t  n = (int64_t)kv->n_kv_heads * kv->head_dim, m = n_pages * WF_KEY_BLOCK;
    int64_t *slot = rig_pair((uint64_t)m * sizeof *slot);
    for (int64_t r = 0; r < m; r++)
        slot[r] = m - 1 - r;
    wf_op op = {.kind = WF_OP_KV_STORE,
                .u.kv_store = {.kv = *kv,
                               .k = rig_floats(m * n, size),
                               .v = rig_floats(m * n, 1.0f),
                               .slot = slot,
                               .m = m,
                               .k_stride = n,
                               .v_stride = n}};
    rig_run(&op);
}

/* Rows of sequences over pages, queries of about `size` and keys as much smaller: some share their
 * beginning, some see nothing. */
static void check_queries(int32_t dtype, int32_t n_kv, int32_t group, int32_t hd, int64_t m,
                          int32_t most_spans, float size)
{
    enum { PAGES = 6 };
    char        what[96];
    wf_kv       kv = rig_pages(dtype, n_kv, hd, PAGES);
    wf_kv_span *spans = rig_pair(PAGES * sizeof *spans);
    int32_t    *begin = rig_ints(m), *end = rig_ints(m), *last = rig_ints(m);
    int64_t     n = (int64_t)n_kv * group * hd;
    float      *out = rig_floats(m * (n + 3), 1.0f);
    store(&kv, PAGES, 1.0f / size);
    for (int32_t i = 0; i < PAGES; i++)
        spans[i] = (wf_kv_span){(i * 5 + 2) % PAGES, i == 2 ? 30 : WF_KEY_BLOCK};
    for (int64_t r = 0; r < m; r++) {
        begin[r] = r < m / 2 ? 0 : (int32_t)rig_between(0, 3);
        end[r] = r % 9 == 8 ? begin[r] : (int32_t)rig_between(begin[r] + 1, PAGES);
        last[r] = (int32_t)rig_between(1, WF_KEY_BLOCK);
    }
    wf_op op = {.kind = WF_OP_ATTEND_PAGES,
                .u.attend_pages = {.kv = kv,
                                   .out = out,
                                   .q = rig_floats(m * (n + 1), size),
                                   .spans = spans,
                                   .row_begin = begin,
                                   .row_end = end,
                                   .row_last = last,
                                   .m = m,
                                   .q_stride = n + 1,
                                   .out_stride = n + 3,
                                   .n_heads = n_kv * group,
                                   .most_spans = most_spans,
                                   .scale = 0.125f}};
    snprintf(what, sizeof what, "pages of type %d, %d heads of %d for %d, %lld rows", dtype, n_kv,
             hd, group, (long long)m);
    rig_run(&op);
    if (is_exact || m <= FEW_ROWS || dtype == WF_F32)
        rig_same(out, (uint64_t)(m * (n + 3)) * 4, what);
    else
        rig_close_to(out, m, n, n + 3, SPLIT, what);
    rig_free();
}

static void check_pages(int32_t dtype, int32_t n_kv, int32_t group, int32_t hd, int64_t m,
                        int32_t most_spans)
{
    check_queries(dtype, n_kv, group, hd, m, most_spans, 1.0f);
}

/* Queries past the range of f16 over pages of f16. */
static void test_large_queries(void **unused)
{
    (void)unused;
    check_queries(WF_F16, 1, 2, 64, 70, 8, 2e6f);
    check_queries(WF_F16, 1, 1, 80, 70, 8, 2e6f);
    check_queries(WF_BF16, 1, 2, 64, 70, 8, 2e6f);
}

static void test_pages(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        check_pages(dtype, 2, 1, 16, 1, 8);
        check_pages(dtype, 2, 4, 64, 3, 8);
        check_pages(dtype, 2, 4, 64, 3, 0);
        check_pages(dtype, 1, 3, 80, 70, 8);
        check_pages(dtype, 1, 20, 24, 2, 8);
        check_pages(dtype, 1, 20, 24, 66, 8);
        check_pages(dtype, 1, 4, 128, 130, 8);
        check_pages(dtype, 1, 4, 64, 0, 8);
    }
}

static void check_packed(int32_t hd, int32_t n_kv, int32_t group, bool causal, bool intervals)
{
    enum { SEQS = 3 };
    static const int32_t few[] = {0, 5, 45, 60}, many[] = {0, 70, 110, 230};
    static const int32_t k_begin[] = {0, 90, 130, 260};
    const int32_t       *q_begin = group == 2 ? many : few;
    int64_t              m = q_begin[SEQS], keys = k_begin[SEQS], n = (int64_t)n_kv * group * hd;
    int32_t             *qb = rig_ints(SEQS + 1), *kb = rig_ints(SEQS + 1), *rb = rig_ints(m),
            *re = rig_ints(m);
    float *out = rig_floats(m * n, 1.0f);
    for (int i = 0; i <= SEQS; i++) {
        qb[i] = q_begin[i];
        kb[i] = k_begin[i];
    }
    for (int64_t r = 0; r < m; r++) {
        rb[r] = (int32_t)(r / 7 * 10);
        re[r] = rb[r] + (int32_t)rig_between(-2, 90);
    }
    wf_op op = {.kind = WF_OP_ATTEND,
                .u.attend = {.out = out,
                             .q = rig_floats(m * n, 1.0f),
                             .k = rig_floats(keys * n_kv * hd, 1.0f),
                             .v = rig_floats(keys * n_kv * hd, 1.0f),
                             .q_begin = qb,
                             .k_begin = kb,
                             .row_k_begin = intervals ? rb : NULL,
                             .row_k_end = intervals ? re : NULL,
                             .q_stride = n,
                             .k_stride = n_kv * hd,
                             .v_stride = n_kv * hd,
                             .out_stride = n,
                             .m = m,
                             .keys = keys,
                             .n_seqs = SEQS,
                             .n_heads = n_kv * group,
                             .n_kv_heads = n_kv,
                             .head_dim = hd,
                             .scale = 0.2f,
                             .causal = causal}};
    rig_run(&op);
    if (is_exact || m <= FEW_ROWS)
        rig_same(out, (uint64_t)(m * n) * 4, "packed rows");
    else
        rig_close_to(out, m, n, n, SPLIT, "packed rows");
    rig_free();
}

static void test_packed(void **unused)
{
    (void)unused;
    check_packed(16, 2, 1, false, false);
    check_packed(80, 2, 1, true, false);
    check_packed(64, 1, 4, false, true);
    check_packed(20, 1, 2, true, true);
    check_packed(24, 1, 2, true, true);
    check_packed(72, 2, 2, false, false);
    check_packed(128, 1, 2, true, false);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages),
                                          cmocka_unit_test(test_large_queries),
                                          cmocka_unit_test(test_packed)};

int main(void)
{
    int code = RIG_MAIN(tests, false);
    is_exact = true;
    return code != 0 ? code : RIG_MAIN(tests, true);
}
