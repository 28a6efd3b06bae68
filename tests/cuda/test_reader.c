/* SPDX-License-Identifier: Apache-2.0 */
/* What the counters count, and what is said of instructions, texts and launches that cannot be. */
#include "text_rig.h"

static void test_counters(void **state)
{
    (void)state;
    run_right("st.global.u32 [%q2], %r1;", 32, 0); /* 32 words side by side, in and out */
    assert_int_equal(report.counts.global_requests, 2);
    assert_int_equal(report.counts.global_sectors, 8);
    assert_int_equal(report.counts.global_ideal, 8);
    run_right("st.global.u32 [%q4], %r1;", 32, 0); /* every fourth word */
    assert_int_equal(report.counts.global_sectors, 4 + 16);
    run_right("st.shared.u32 [%r3], %r1;", 32, 0);
    assert_int_equal(report.counts.shared_wavefronts, 1);
    run_right("st.shared.u32 [%r4], %r1;", 32, 0); /* four lanes to a bank */
    assert_int_equal(report.counts.shared_wavefronts, 4);
    assert_int_equal(report.counts.shared_ideal, 1);
    run_right("st.shared.v4.u32 [%r4], {%r1,%r1,%r1,%r1};", 32, 0);
    assert_int_equal(report.counts.shared_wavefronts, 4);
    assert_int_equal(report.counts.shared_ideal, 4);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_false(run("frobnicate.b32 %r5, %r1;", 32, 0));
    assert_int_equal(report.n[PTX_UNSUPPORTED], 1);
    assert_non_null(strstr(ptx_sentence(&report), "line 25: the instruction `frobnicate.b32`"));
    /* an instruction that is known, with a part that is not */
    assert_false(run("add.odd.s32 %r5, %r1, 1;", 32, 0));
    assert_non_null(strstr(ptx_sentence(&report), "`add.odd.s32`"));
}

static void test_stuck(void **state)
{
    (void)state;
    assert_false(run("Here:\nbra Here;", 32, 0));
    assert_int_equal(report.n[PTX_STUCK], 1);
}

static void refuses(const char *text, const char *says)
{
    char        why[256];
    ptx_memory *m = ptx_memory_new();
    assert_null(ptx_module_new(m, text, strlen(text), why));
    if (strstr(why, says) == NULL)
        fail_msg("`%s` says `%s`, not `%s`", text, why, says);
    ptx_memory_free(m);
}

static void test_bad_text(void **state)
{
    (void)state;
    refuses("nonsense", "line 1: `nonsense` is not known here");
    refuses("\n.visible .entry k() {\n bra Nowhere;\n}",
            "line 3 goes to a label that is not there");
    refuses(".visible .entry k() {\n mov.u32 %r1, 0;\n}", "line 2: `%r1` is no register");
    refuses(".visible .entry k() {\n .reg .b32 %r<2>;\n mov.u32 %r1 0;\n}",
            "line 3: `;` should stand before `0`");
    refuses(".global .align 4 .b8 x[99999999999];", "bytes");
    refuses(".visible .entry k(", "");
}

/* Truncated and damaged text is refused or read, and never worse. */
static void test_damaged_text(void **state)
{
    char text[8192], why[256];
    (void)state;
    text_module("bar.sync 0;\nshfl.sync.idx.b32 %r5, %r1, 2, 31, -1;", "sm_80", text, sizeof text);
    const size_t n = strlen(text);
    for (int round = 0; round < 3000; round++) {
        char        damaged[8192];
        ptx_memory *m = ptx_memory_new();
        memcpy(damaged, text, n + 1);
        const size_t size = round < 1000 ? (size_t)round % n : n;
        for (int k = 0; round >= 1000 && k < 3; k++)
            damaged[(size_t)random() % n] = " \n;,.{}[]%%@!|+-0x\"/*$:_"[random() % 25];
        ptx_module_free(ptx_module_new(m, damaged, size, why));
        ptx_memory_free(m);
    }
}

static void test_bad_launches(void **state)
{
    static const ptx_launch bad[] = {{{0, 1, 1}, {32, 1, 1}, 0, 0, 0},
                                     {{1, 1, 1}, {1025, 1, 1}, 0, 0, 0},
                                     {{1, 70000, 1}, {32, 1, 1}, 0, 0, 0},
                                     {{1, 1, 1}, {1, 1, 65}, 0, 0, 0},
                                     {{1, 1, 1}, {32, 1, 1}, 1u << 20, 0, 0}};
    ptx_memory             *m = ptx_memory_new();
    ptx_module             *module = NULL;
    ptx_kernel             *k = kernel_of(m, "", &module);
    uint64_t                nothing = 0;
    void                   *args[] = {&nothing, &nothing};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        report = (ptx_report){0};
        assert_false(ptx_run(k, &bad[i], args, &report));
        assert_int_equal(report.n[PTX_BAD_LAUNCH], 1);
    }
    ptx_module_free(module);
    ptx_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_stuck),        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_damaged_text), cmocka_unit_test(test_bad_launches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
