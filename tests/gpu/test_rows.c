/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that go element by element on a GPU: the CPU's bytes; norm and softmax, whose sums in f64 go
 * in another order, within a rounding. */
#include "rig.h"

#include <stdio.h>

#define ONE_ROUNDING 1e-14 /* of 2^-24 in few of the elements, squared */

static const int64_t ms[] = {1, 2, 5, 33, 0}, ns[] = {1, 7, 64, 257, 1030, 2048};

static void test_rows(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 30; i++) {
        int64_t m = ms[i % 5], n = ns[i / 5], s = n + rig_between(0, 3);
        float  *x = rig_floats(m * s, 3.0f), *b = rig_floats(m * s, 2.0f);
        float  *y = rig_floats(m * s, 1.0f);
        wf_op   op = {.kind = WF_OP_SWIGLU, .u.swiglu = {y, x, b, m, n, s, s, s}};
        rig_run(&op);
        rig_same(y, (uint64_t)(m * s) * 4, "swiglu");
        op = (wf_op){.kind = WF_OP_ADD, .u.add = {y, x, b, m, n, s, s, s, 0.3f, 0, NULL}};
        rig_run(&op);
        rig_same(y, (uint64_t)(m * s) * 4, "add");
        op.u.add.gate = rig_floats(n, 1.0f);
        rig_run(&op);
        rig_same(y, (uint64_t)(m * s) * 4, "add with a gate");
        for (int32_t act = 0; act < WF_ACT_KINDS; act++) {
            op = (wf_op){.kind = WF_OP_ACTIVATE, .u.activate = {y, x, m, n, s, s, act, 0}};
            rig_run(&op);
            rig_same(y, (uint64_t)(m * s) * 4, "activate");
        }
        rig_free();
    }
}

static void test_indices(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 30; i++) {
        int64_t  m = ms[i % 5], n = ns[i / 5], s = n + rig_between(0, 3);
        float   *x = rig_floats((m + 3) * s, 3.0f), *y = rig_floats((m + 3) * s, 1.0f);
        int32_t *to = rig_ints(m), *from = rig_ints(m);
        for (int64_t r = 0; r < m; r++) {
            to[r] = (int32_t)((r + 1) % m); /* rows are distinct */
            from[r] = (int32_t)rig_between(-2, m + 4);
        }
        wf_op op = {.kind = WF_OP_GATHER, .u.gather = {y, x, from, m, n, m + 3, s, s}};
        rig_run(&op);
        rig_same(y, (uint64_t)(m * s) * 4, "gather");
        for (int64_t r = 0; r < m; r++) { /* some from nowhere, some to nowhere */
            from[r] = (int32_t)rig_between(-1, m + 2);
            to[r] = rig_between(0, 4) > 0 ? to[r] : -1;
        }
        op = (wf_op){.kind = WF_OP_ROWS, .u.rows = {y, x, to, from, m, n, s, s}};
        rig_run(&op);
        rig_same(y, (uint64_t)(m * s) * 4, "rows");
        rig_free();
    }
}

static void test_convert(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        int64_t   n = rig_between(1, 70000);
        float    *y = rig_floats(n, 1.0f);
        uint16_t *x = rig_pair((uint64_t)n * 4);
        for (int64_t i = 0; i < 2 * n; i++)
            x[i] = (uint16_t)rig_random();
        wf_op op = {.kind = WF_OP_CONVERT, .u.convert = {y, x, n, dtype, 0}};
        rig_run(&op);
        rig_same(y, (uint64_t)n * 4, "convert");
        rig_free();
    }
}

static void test_norm(void **unused)
{
    (void)unused;
    static const int64_t inner[] = {1, 1, 4};
    for (size_t i = 0; i < 30; i++) {
        int64_t m = ms[i % 5] * inner[i % 3], n = ns[i / 5], s = n * inner[i % 3] + 2;
        float  *x = rig_floats(m * s, 3.0f), *y = rig_floats(m * s, 1.0f);
        wf_op   op = {.kind = WF_OP_NORM,
                      .u.norm = {.y = y,
                                 .x = x,
                                 .w = rig_floats(n, 1.0f),
                                 .m = m,
                                 .n = n,
                                 .inner = inner[i % 3],
                                 .y_stride = s,
                                 .x_stride = s,
                                 .eps = 1e-5f,
                                 .rms = 1}};
        rig_run(&op);
        rig_close_to(y, m / inner[i % 3], n * inner[i % 3], s, ONE_ROUNDING, "RMSNorm");
        op.u.norm.rms = 0;
        op.u.norm.bias = rig_floats(n, 1.0f);
        rig_run(&op);
        rig_close_to(y, m / inner[i % 3], n * inner[i % 3], s, ONE_ROUNDING, "LayerNorm");
        rig_free();
    }
}

static void test_positions(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        int64_t  m = ms[i], hd = 64, s = 3 * hd + 2;
        int32_t *pos = rig_ints(m);
        float   *table = rig_floats(m * hd, 1.0f), *freq = rig_floats(hd / 2, 1.0f);
        for (int64_t r = 0; r < m; r++)
            pos[r] = (int32_t)rig_between(0, 131071);
        for (int64_t k = 0; k < hd / 2; k++)
            freq[k] = freq[k] < 0.0f ? -freq[k] : freq[k];
        wf_op op = {.kind = WF_OP_ROPE_TABLE,
                    .u.rope_table = {table, pos, freq, m, (int32_t)hd, 0}};
        rig_run(&op);
        rig_close_to(table, m, hd, hd, ONE_ROUNDING, "rope_table");
        float *x = rig_floats(m * s, 1.0f);
        op = (wf_op){.kind = WF_OP_ROPE, .u.rope = {x, table, m, s, 3, (int32_t)hd}};
        rig_run(&op);
        rig_same(x, (uint64_t)(m * s) * 4, "rope");
        op = (wf_op){.kind = WF_OP_ROTATE,
                     .u.rotate = {x, pos, i % 2 == 0 ? NULL : freq, m, 3, s, hd, hd / 2,
                                  i < 2 ? 1 : 2, i < 2 ? hd / 2 : 1, 10000.0f, 0}};
        rig_run(&op);
        rig_close_to(x, m, s, s, ONE_ROUNDING, "rotate");
        rig_free();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows), cmocka_unit_test(test_indices), cmocka_unit_test(test_convert),
    cmocka_unit_test(test_norm), cmocka_unit_test(test_positions)};

int main(void)
{
    return RIG_MAIN(tests, false);
}
