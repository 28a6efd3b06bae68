/* SPDX-License-Identifier: Apache-2.0 */
/* CPU flags: what each mask allows, that masks are named, and detection agrees with the compiler's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "core/base/cpu.h"
#include "core/base/status.h"

static void test_masks(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        uint64_t    flags;
    } masks[] = {
        {"none", 0},
        {"avx2", WEFT_CPU_AVX2},
        {"avxvnni", WEFT_CPU_AVX2 | WEFT_CPU_AVXVNNI},
        {"avx512", WEFT_CPU_AVX2 | WEFT_CPU_AVX512},
        {"avx512vnni", WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI},
        {"avx512bf16", WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI | WEFT_CPU_AVX512BF16},
        {"amx", WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI | WEFT_CPU_AVX512BF16 |
                    WEFT_CPU_AMX},
        {"neon", WEFT_CPU_NEON},
        {"dotprod", WEFT_CPU_NEON | WEFT_CPU_DOTPROD},
    };
    uint64_t flags = 1, all = 0;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        assert_int_equal(wf_cpu_mask(masks[i].name, &flags, NULL), WEFT_OK);
        assert_int_equal(flags, masks[i].flags);
        assert_string_equal(wf_cpu_level_name(flags), masks[i].name);
        all |= flags;
    }
    assert_int_equal(wf_cpu_mask("max", &flags, NULL), WEFT_OK);
    assert_int_equal(flags, all);
}

static void test_unknown_mask(void **unused)
{
    (void)unused;
    weft_error err = WF_ERROR_INIT;
    uint64_t   flags = 77;
    assert_int_equal(wf_cpu_mask("sse9", &flags, &err), WEFT_E_INVALID);
    assert_int_equal(flags, 77);
    assert_non_null(strstr(err.message, "sse9"));
    assert_non_null(
        strstr(err.message,
               "none, avx2, avxvnni, avx512, avx512vnni, avx512bf16, amx, neon, dotprod or max"));
    assert_int_equal(wf_cpu_mask("", &flags, &err), WEFT_E_INVALID);
    assert_int_equal(wf_cpu_mask("AVX2", &flags, &err), WEFT_E_INVALID);
}

static void test_detect(void **unused)
{
    (void)unused;
    uint64_t flags = wf_cpu_detect(), known = 0;
    assert_int_equal(wf_cpu_mask(wf_cpu_level_name(flags), &known, NULL), WEFT_OK);
    assert_int_equal(flags & known, known);
#if defined(__x86_64__)
    __builtin_cpu_init();
    if ((flags & WEFT_CPU_AVX2) != 0)
        assert_true(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    assert_int_equal((flags & WEFT_CPU_AVX512) != 0,
                     __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
    assert_int_equal((flags & WEFT_CPU_AVX512VNNI) != 0, __builtin_cpu_supports("avx512vnni") != 0);
    assert_int_equal((flags & WEFT_CPU_AVX512BF16) != 0, __builtin_cpu_supports("avx512bf16") != 0);
#elif defined(__aarch64__)
    unsigned long has = getauxval(AT_HWCAP);
    assert_int_equal((flags & WEFT_CPU_NEON) != 0, (has & HWCAP_ASIMD) != 0);
    assert_int_equal((flags & WEFT_CPU_DOTPROD) != 0, (has & HWCAP_ASIMDDP) != 0);
#else
    assert_int_equal(flags, 0);
#endif
}

/* ---- AMX ---- */

#define AMX_BITS ((1u << 22) | (1u << 24) | (1u << 25))
#define SAVED 0x602e7u /* all of AVX-512's state, and tiles */

static int asked;

static long gives(void)
{
    asked++;
    return 0;
}

static long refuses(void)
{
    asked++;
    return -1;
}

/* Linux is asked where cpuid and xgetbv allow it, and its answer counts. */
static void test_tiles(void **unused)
{
    (void)unused;
    assert_int_equal(wf_cpu_judge_tiles(0, SAVED, gives), WF_TILES_NONE);
    assert_int_equal(wf_cpu_judge_tiles(AMX_BITS & ~(1u << 25), SAVED, gives), WF_TILES_NONE);
    assert_int_equal(wf_cpu_judge_tiles(AMX_BITS, 0xe7, gives), WF_TILES_UNSAVED);
    assert_int_equal(wf_cpu_judge_tiles(AMX_BITS, 0xe7 | 0x20000, gives), WF_TILES_UNSAVED);
    assert_int_equal(asked, 0);
    assert_int_equal(wf_cpu_judge_tiles(AMX_BITS, SAVED, gives), WF_TILES_READY);
    assert_int_equal(wf_cpu_judge_tiles(AMX_BITS, SAVED, refuses), WF_TILES_REFUSED);
    assert_int_equal(asked, 2);
}

static void test_this_machines_tiles(void **unused)
{
    (void)unused;
    wf_cpu_tiles tiles = wf_cpu_ask_for_tiles();
    assert_int_equal(wf_cpu_ask_for_tiles(), tiles); /* asking again changes nothing */
    assert_int_equal((wf_cpu_detect() & WEFT_CPU_AMX) != 0, tiles == WF_TILES_READY);
}

static void test_identify(void **unused)
{
    (void)unused;
    wf_cpu_model m = wf_cpu_identify();
#if defined(__x86_64__)
    __builtin_cpu_init();
    assert_int_equal(strlen(m.vendor), 12);
    assert_true(m.family > 0);
    assert_true(m.model <= 255);
    if (__builtin_cpu_is("sapphirerapids"))
        assert_int_equal(m.model, 143);
    assert_int_equal(strcmp(m.vendor, "GenuineIntel") == 0, __builtin_cpu_is("intel") != 0);
    assert_int_equal(strcmp(m.vendor, "AuthenticAMD") == 0, __builtin_cpu_is("amd") != 0);
#else
    assert_string_equal(m.vendor, "");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_unknown_mask),
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_this_machines_tiles),
        cmocka_unit_test(test_identify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
