/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of whole warps and blocks against their definitions. Who includes this has
 * run_right, which runs a text with random words in in[] and leaves its results in out[]: in the
 * interpreter (test_warps.c), or on a GPU (tests/gpu). */
#ifndef WARPS_H
#define WARPS_H

#include "text_head.h"

#define SEEDS for (uint64_t seed = 0; seed < 5; seed++)

static void test_shuffles(void **state)
{
    (void)state;
    SEEDS
    {
        run_right("shfl.sync.bfly.b32 %r5|%p1, %r1, 5, 31, -1;\nselp.b32 %r6, 1, 0, %p1;\nadd.s32 "
                  "%r5, %r5, %r6;\n"
                  "st.global.u32 [%q2], %r5;",
                  64, seed);
        for (int t = 0; t < 64; t++)
            assert_int_equal(out[t], in[t ^ 5] + 1);
        run_right("shfl.sync.down.b32 %r5|%p1, %r1, 4, 31, 0xffffffff;\nst.global.u32 [%q2], %r5;",
                  64, seed);
        for (int t = 0; t < 64; t++)
            assert_int_equal(out[t], in[t % 32 < 28 ? t + 4 : t]);
        run_right("shfl.sync.up.b32 %r5, %r1, 3, 0, -1;\nst.global.u32 [%q2], %r5;", 64, seed);
        for (int t = 0; t < 64; t++)
            assert_int_equal(out[t], in[t % 32 >= 3 ? t - 3 : t]);
        /* segments of 8 lanes */
        run_right("shfl.sync.idx.b32 %r5, %r1, 2, 0x181f, -1;\nst.global.u32 [%q2], %r5;", 32,
                  seed);
        for (int t = 0; t < 32; t++)
            assert_int_equal(out[t], in[t / 8 * 8 + 2]);
    }
}

static void test_votes(void **state)
{
    (void)state;
    SEEDS
    {
        uint32_t odd = 0, sum = 0, most = 0;
        run_right(
            "and.b32 %r5, %r1, 1;\nsetp.ne.u32 %p1, %r5, 0;\nvote.sync.ballot.b32 %r6, %p1, -1;\n"
            "vote.sync.any.pred %p2, %p1, -1;\nvote.sync.all.pred %p3, !%p1, -1;\nselp.b32 %r7, 1, "
            "0, %p2;\n"
            "selp.b32 %r8, 2, 0, %p3;\nor.b32 %r7, %r7, %r8;\nredux.sync.add.s32 %r9, %r1, -1;\n"
            "redux.sync.max.u32 %r10, %r1, -1;\nst.global.v4.u32 [%q4], {%r6, %r7, %r9, %r10};",
            32, seed);
        for (int t = 0; t < 32; t++) {
            odd |= (in[t] & 1) << t;
            sum += in[t];
            most = in[t] > most ? in[t] : most;
        }
        for (int t = 0; t < 32; t++) {
            const uint32_t want[4] = {odd, (uint32_t)(odd != 0) | (odd == 0 ? 2u : 0u), sum, most};
            assert_memory_equal(out + 4 * t, want, sizeof want);
        }
        run_right(
            "and.b32 %r5, %r1, 3;\nmatch.any.sync.b32 %r6, %r5, -1;\nst.global.u32 [%q2], %r6;", 32,
            seed);
        for (int t = 0; t < 32; t++) {
            uint32_t same = 0;
            for (int j = 0; j < 32; j++)
                same |= (uint32_t)((in[j] & 3) == (in[t] & 3)) << j;
            assert_int_equal(out[t], same);
        }
    }
}

/* A loop whose lanes leave at different rounds, and meet behind it. */
static void test_divergence(void **state)
{
    (void)state;
    SEEDS
    {
        run_right("and.b32 %r5, %r1, 15;\nmov.u32 %r6, 0;\nLoop:\nsetp.eq.u32 %p1, %r5, 0;\n@%p1 "
                  "bra Done;\n"
                  "add.u32 %r6, %r6, %r5;\nsub.u32 %r5, %r5, 1;\nbra.uni "
                  "Loop;\nDone:\nbar.warp.sync -1;\n"
                  "shfl.sync.bfly.b32 %r7, %r6, 1, 31, -1;\nst.global.u32 [%q2], %r7;",
                  96, seed);
        for (int t = 0; t < 96; t++) {
            const uint32_t n = in[t ^ 1] & 15;
            assert_int_equal(out[t], n * (n + 1) / 2);
        }
    }
}

static void test_atomics(void **state)
{
    (void)state;
    SEEDS
    {
        uint32_t sum = 0, most = 0;
        run_right(
            "atom.global.add.u32 %r5, [%q0], %r1;\nred.global.max.u32 [%q0+4], %r1;\n"
            "atom.global.cas.b32 %r6, [%q0+8], 0, %r1;\natom.global.inc.u32 %r7, [%q0+12], 9;\n"
            "mov.b32 %f1, 0f3F800000;\nred.global.add.f32 [%q0+16], %f1;",
            128, seed);
        for (int t = 0; t < 128; t++) {
            sum += in[t];
            most = in[t] > most ? in[t] : most;
        }
        assert_int_equal(out[0], sum);
        assert_int_equal(out[1], most);
        assert_int_not_equal(out[2], 0);
        assert_int_equal(out[3], 128 % 10);
        assert_int_equal(out[4], 0x43000000); /* 128.0f */
    }
}

/* Asynchronous copies of 16 bytes, of which the last lane's brings 4 and zeros. */
static void test_async(void **state)
{
    (void)state;
    SEEDS
    {
        run_right("setp.eq.u32 %p1, %r0, 31;\nselp.b32 %r5, 4, 16, %p1;\n"
                  "cp.async.cg.shared.global [%r4], [%q5], 16, %r5;\ncp.async.commit_group;\n"
                  "cp.async.wait_group 0;\nbar.sync 0;\nxor.b32 %r6, %r4, 16;\nld.shared.v4.u32 "
                  "{%r7,%r8,%r9,%r10}, [%r6];\n"
                  "st.global.v4.u32 [%q4], {%r7,%r8,%r9,%r10};",
                  32, seed);
        for (int k = 0; k < 128; k++)
            assert_int_equal(out[k], k / 4 == 30 && k % 4 != 0 ? 0 : in[k ^ 4]);
    }
}

/* A copy that takes 6 bytes reads no more than these. */
static void test_async_tail(void **state)
{
    (void)state;
    run_right("setp.ne.u32 %p1, %r0, 0;\n@%p1 bra End;\ncp.async.cg.shared.global [%r2], "
              "[%q1+2048], 16, 6;\n"
              "cp.async.wait_all;\nld.shared.v2.u32 {%r5,%r6}, [%r2+8];\nst.global.v2.u32 [%q0], "
              "{%r5,%r6};\nEnd:",
              32, 0);
    assert_int_equal(out[0] | out[1], 0);
}

/* What a warp's matrix instructions must give, by their definition: element (row, column) of 16-bit
 * matrices in shared memory at 16 bytes a row. */
static void test_ldmatrix(void **state)
{
    const uint16_t *e = (const uint16_t *)in;
    (void)state;
    SEEDS
    {
        run_right("ld.global.v4.u32 {%r5,%r6,%r7,%r8}, [%q5];\nst.shared.v4.u32 [%r4], "
                  "{%r5,%r6,%r7,%r8};\nbar.sync 0;\n"
                  "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r9,%r10,%r11,%r12}, [%r4];\n"
                  "st.global.v4.u32 [%q4], {%r9,%r10,%r11,%r12};",
                  32, seed);
        for (int t = 0; t < 32; t++)
            for (int j = 0; j < 4; j++)
                assert_int_equal(out[4 * t + j], in[(8 * j + t / 4) * 4 + t % 4]);
        run_right("ld.global.v4.u32 {%r5,%r6,%r7,%r8}, [%q5];\nst.shared.v4.u32 [%r4], "
                  "{%r5,%r6,%r7,%r8};\nbar.sync 0;\n"
                  "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r9,%r10}, [%r4];\n"
                  "st.global.v2.u32 [%q4], {%r9,%r10};",
                  32, seed);
        for (int t = 0; t < 32; t++)
            for (int j = 0; j < 2; j++) {
                const int      row = 8 * j + t % 4 * 2, column = t / 4;
                const uint32_t want = e[row * 8 + column] | (uint32_t)e[(row + 1) * 8 + column]
                                                                << 16;
                assert_int_equal(out[4 * t + j], want);
            }
    }
}

static int8_t byte(int k)
{
    return (int8_t)(in[k / 4] >> (8 * (k % 4)));
}

/* D = A B + C of int8, A of 16x32 and B of 32x8, spread over the lanes as the ISA says. */
static void test_mma_s8(void **state)
{
    (void)state;
    SEEDS
    {
        run_right("ld.global.v4.u32 {%r5,%r6,%r7,%r8}, [%q5];\nld.global.u32 %r9, "
                  "[%q3+512];\nld.global.u32 %r10, [%q3+640];\n"
                  "mov.u32 %r11, 0;\nmma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
                  "{%r12,%r13,%r14,%r15}, "
                  "{%r5,%r6,%r7,%r8}, {%r9,%r10}, {%r11,%r11,%r0,%r11};\nst.global.v4.u32 [%q4], "
                  "{%r12,%r13,%r14,%r15};",
                  32, seed);
        int a[16][32], b[32][8];
        for (int t = 0; t < 32; t++) {
            for (int j = 0; j < 4; j++)
                for (int e = 0; e < 4; e++)
                    a[t / 4 + j % 2 * 8][j / 2 * 16 + t % 4 * 4 + e] = byte(16 * t + 4 * j + e);
            for (int j = 0; j < 2; j++)
                for (int e = 0; e < 4; e++)
                    b[j * 16 + t % 4 * 4 + e][t / 4] = byte(512 + 128 * j + 4 * t + e);
        }
        for (int t = 0; t < 32; t++)
            for (int j = 0; j < 4; j++) {
                int sum = j == 2 ? t : 0;
                for (int k = 0; k < 32; k++)
                    sum += a[t / 4 + j / 2 * 8][k] * b[k][t % 4 * 2 + j % 2];
                assert_int_equal((int32_t)out[4 * t + j], sum);
            }
    }
}

/* bf16: A is the unit matrix in its first 8 rows, so that D shows B. */
static void test_mma_bf16(void **state)
{
    (void)state;
    SEEDS
    {
        run_right(
            "shr.u32 %r5, %r0, 2;\nand.b32 %r6, %r0, 3;\nshl.b32 %r6, %r6, 1;\nmov.u32 %r7, "
            "0;\nmov.f32 %f1, 0f00000000;\n"
            "setp.eq.u32 %p1, %r5, %r6;\nselp.b32 %r8, 0x3f80, 0, %p1;\nadd.u32 %r6, %r6, 1;\n"
            "setp.eq.u32 %p1, %r5, %r6;\nselp.b32 %r9, 0x3f800000, 0, %p1;\nor.b32 %r8, %r8, %r9;\n"
            "and.b32 %r10, %r1, 0x7f7f3f3f;\nand.b32 %r10, %r10, 0x3fff3fff;\n"
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f2,%f3,%f4,%f5}, "
            "{%r8,%r7,%r7,%r7}, {%r10,%r7}, "
            "{%f1,%f1,%f1,%f1};\nst.global.v4.f32 [%q4], {%f2,%f3,%f4,%f5};",
            32, seed);
        for (int row = 0; row < 8; row++)
            for (int column = 0; column < 8; column++) {
                const uint32_t word = in[4 * column + row / 2] & 0x7f7f3f3f & 0x3fff3fff;
                const uint32_t want = row % 2 == 0 ? word << 16 : word & 0xffff0000u;
                const int      t = row * 4 + column / 2;
                assert_int_equal(out[4 * t + column % 2], want);
                assert_int_equal(out[4 * t + 2 + column % 2], 0);
            }
    }
}

/* Eight-bit floats through the instructions of compute capability 8.9, code by code. */
static void test_e4m3(void **state)
{
    (void)state;
    run_right("and.b32 %r5, %r1, 0xff;\ncvt.u16.u32 %h1, %r5;\ncvt.rn.f16x2.e4m3x2 %r6, "
              "%h1;\nmov.b32 {%h2, %h3}, %r6;\n"
              "cvt.f32.f16 %f1, %h2;\nmov.f32 %f2, 0f00000000;\ncvt.rn.satfinite.e4m3x2.f32 %h4, "
              "%f2, %f1;\n"
              "cvt.u32.u16 %r7, %h4;\nst.global.u32 [%q2], %r7;",
              128, 1);
    for (int t = 0; t < 128; t++) /* there and back; a NaN is 0x7f */
        assert_int_equal(out[t], (in[t] & 0x7f) == 0x7f ? 0x7f : (in[t] & 0xff));
}

#define WARP_TESTS                                                                                 \
    cmocka_unit_test(test_shuffles), cmocka_unit_test(test_votes),                                 \
        cmocka_unit_test(test_divergence), cmocka_unit_test(test_atomics),                         \
        cmocka_unit_test(test_async), cmocka_unit_test(test_async_tail),                           \
        cmocka_unit_test(test_ldmatrix), cmocka_unit_test(test_mma_s8),                            \
        cmocka_unit_test(test_mma_bf16), cmocka_unit_test(test_e4m3)

#endif
