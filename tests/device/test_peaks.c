/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the CPU: which of them bounds a level, that every level of this machine has one, and
 * that what reads memory reads all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/base/mem.h"
#include "core/bench/cases.h"
#include "core/bench/peaks.h"

static void expect_peak(const char *isa, int32_t format, const char *want)
{
    const char *peak = wf_bench_peak(isa, format);
    if (want == NULL)
        assert_null(peak);
    else
        assert_string_equal(peak, want);
}

/* Columns: level, and its limit with f32, bf16, q8 and q4 weights. */
static const char *const levels[][5] = {
    {"none", NULL, NULL, NULL, NULL},
    {"avx2", "fp32.avx2", "fp32.avx2", "int8.maddubs", "int4.maddubs"},
    {"avxvnni", "fp32.avx2", "fp32.avx2", "int8.avx2", "int8.avx2"},
    {"avx512", "fp32.avx512", "fp32.avx512", "int8.maddubs", "int4.maddubs"},
    {"avx512vnni", "fp32.avx512", "fp32.avx512", "int8.avx512", "int8.avx512"},
    {"avx512bf16", "fp32.avx512", "bf16.avx512", "int8.avx512", "int8.avx512"},
    {"amx", "fp32.avx512", "bf16.amx", "int8.amx", "int8.amx"},
    {"neon", "fp32.neon", "fp32.neon", "int8.neon", "int8.neon"},
    {"dotprod", "fp32.neon", "fp32.neon", "int8.dotprod", "int8.dotprod"},
    {"sm_90", NULL, NULL, NULL, NULL}};
#define N_LEVELS (sizeof levels / sizeof *levels)

static void test_the_limit_of_a_level(void **unused)
{
    (void)unused;
    static const int32_t formats[] = {WF_F32, WF_BF16, WF_Q8, WF_Q4};
    for (size_t i = 0; i < N_LEVELS; i++) {
        for (size_t f = 0; f < 4; f++)
            expect_peak(levels[i][0], formats[f], levels[i][1 + f]);
        expect_peak(levels[i][0], WF_F16, levels[i][1]);
        expect_peak(levels[i][0], WF_FP8, levels[i][2]); /* it becomes bf16 */
    }
}

/* A level that this machine runs has limits that it can measure. */
static void test_every_level_here_is_measured(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LEVELS; i++) {
        uint64_t flags = 0;
        if (wf_cpu_mask(levels[i][0], &flags, NULL) != WEFT_OK || flags == 0 ||
            (flags & ~wf_cpu_detect()) != 0)
            continue;
        for (size_t f = 1; f < 5; f++) {
            const wf_peak *p = wf_peak_find(levels[i][f]);
            assert_non_null(p);
            assert_true(p->round > 0);
            p->run(3);
        }
    }
}

static void test_what_is_not_here_is_not_found(void **unused)
{
    (void)unused;
    assert_null(wf_peak_find(NULL));
    assert_null(wf_peak_find("fp32"));
    for (const wf_peak *p = wf_peaks; p->name != NULL; p++)
        if ((p->needs & ~wf_bench_cpu()) != 0)
            assert_null(wf_peak_find(p->name));
}

/* Every byte changes the value: none was left out. */
static void test_readers_read_everything(void **unused)
{
    (void)unused;
    enum { BYTES = 2048 };
    const wf_reader readers[] = {wf_read_plain, wf_reader_of(wf_bench_cpu())};
    uint8_t        *p = wf_alloc_aligned(BYTES + 4096); /* and room for what is fetched ahead */
    assert_non_null(p);
    for (size_t i = 0; i < BYTES; i++)
        p[i] = (uint8_t)(i * 7);
    for (size_t r = 0; r < 2; r++)
        for (uint64_t ahead = 0; ahead <= 512; ahead += 512) {
            uint64_t all = readers[r](p, BYTES, ahead);
            for (size_t i = 0; i < BYTES; i++) {
                p[i] ^= 0x10;
                assert_int_not_equal(readers[r](p, BYTES, ahead), all);
                p[i] ^= 0x10;
            }
        }
    wf_free_aligned(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit_of_a_level),
        cmocka_unit_test(test_every_level_here_is_measured),
        cmocka_unit_test(test_what_is_not_here_is_not_found),
        cmocka_unit_test(test_readers_read_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
