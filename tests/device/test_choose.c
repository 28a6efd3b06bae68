/* SPDX-License-Identifier: Apache-2.0 */
/* Which level each family of ops runs at: what the settings say, what is known of CPUs, and whether
 * that is true of the machine at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/status.h"
#include "core/device/cpu/choose.h"

#define VECTORS (WEFT_CPU_AVX2 | WEFT_CPU_AVX512)
#define PAIRS (VECTORS | WEFT_CPU_AVX512BF16)

static const char *const levels[] = {"none", "avx2", "avx512", "avx512bf16",
                                     "amx",  "neon", "dotprod"};
#define N_LEVELS (sizeof levels / sizeof *levels)

static uint64_t flags_of(const char *level)
{
    uint64_t flags = 0;
    assert_int_equal(wf_cpu_mask(level, &flags, NULL), WEFT_OK);
    return flags;
}

/* What the bytes depend on must not be a measurement's noise, so it is a table; and the table must
 * be true. */
static void test_the_table_agrees_with_this_machine(void **unused)
{
    (void)unused;
    wf_cpu_model m = wf_cpu_identify();
    int32_t      pays = wf_cpu_known_pairs(&m);
    double       rate = wf_cpu_probe_pairs();
    print_message("vdpbf16ps: %.2f x the f32 multiply-add on %s %u\n", rate, m.vendor, m.family);
    assert_int_equal(rate > 0.0, (wf_cpu_detect() & WEFT_CPU_AVX512BF16) != 0);
    if (rate > 0.0 && pays >= 0)
        assert_int_equal(rate >= WF_CPU_PAIRS_PAY, pays);
}

static void test_tiles_of_this_machine(void **unused)
{
    (void)unused;
    wf_cpu_model m = wf_cpu_identify();
    int32_t      pays = wf_cpu_known_tiles(&m);
    double       rate = wf_cpu_probe_tiles();
    print_message("tdpbf16ps: %.2f x the f32 multiply-add on %s %u, %u\n", rate, m.vendor, m.family,
                  m.model);
    assert_int_equal(rate > 0.0, (wf_cpu_detect() & WEFT_CPU_AMX) != 0);
    if (rate > 0.0 && pays >= 0)
        assert_int_equal(rate >= WF_CPU_TILES_PAY, pays);
}

static void test_known_cpus(void **unused)
{
    (void)unused;
    static const wf_cpu_model zen3 = {"AuthenticAMD", 25, 1}, zen2 = {"AuthenticAMD", 23, 49},
                              intel = {"GenuineIntel", 6, 143}, ice = {"GenuineIntel", 6, 106},
                              other = {"HygonGenuine", 24, 143};
    assert_int_equal(wf_cpu_known_pairs(&zen3), 1);
    assert_int_equal(wf_cpu_known_pairs(&zen2), -1);
    assert_int_equal(wf_cpu_known_pairs(&intel), 0);
    assert_int_equal(wf_cpu_known_pairs(&other), -1);
    assert_int_equal(wf_cpu_known_tiles(&intel), 1);
    assert_int_equal(wf_cpu_known_tiles(&ice), -1);
    assert_int_equal(wf_cpu_known_tiles(&other), -1);
}

/* isa is met exactly or not at all. */
static void test_isa(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LEVELS; i++) {
        wf_cpu_choice c;
        weft_error    err = WF_ERROR_INIT;
        uint64_t      want = flags_of(levels[i]);
        weft_status   status = wf_cpu_choose("max", levels[i], &c, &err);
        if ((want & ~wf_cpu_detect()) == 0) {
            assert_int_equal(status, WEFT_OK);
            assert_int_equal(c.flags, want);
            assert_true(c.fixed);
        } else {
            assert_int_equal(status, WEFT_E_UNSUPPORTED);
            assert_non_null(strstr(err.message, levels[i]));
            assert_non_null(strstr(err.message, wf_cpu_level_name(wf_cpu_detect())));
        }
    }
}

static void test_mask(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LEVELS; i++) {
        wf_cpu_choice c;
        uint64_t      mask = flags_of(levels[i]);
        assert_int_equal(wf_cpu_choose(levels[i], "auto", &c, NULL), WEFT_OK);
        assert_int_equal(c.have, mask & wf_cpu_detect());
        assert_int_equal(c.flags & ~c.have, 0);
        /* Nothing but pairs and tiles is ever passed over. */
        assert_int_equal(c.have & ~c.flags & ~(uint64_t)(WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX), 0);
        assert_false(c.fixed);
    }
}

static void test_isa_and_mask(void **unused)
{
    (void)unused;
    wf_cpu_choice c;
    weft_error    err = WF_ERROR_INIT;
    assert_int_equal(wf_cpu_choose("none", "none", &c, &err), WEFT_OK);
    assert_int_equal(wf_cpu_choose("mmx", "auto", &c, &err), WEFT_E_INVALID);
    assert_int_equal(wf_cpu_choose("max", "mmx", &c, &err), WEFT_E_INVALID);
    if (wf_cpu_detect() == 0)
        return;
    const char *has = (wf_cpu_detect() & WEFT_CPU_NEON) != 0 ? "neon" : "avx2";
    assert_int_equal(wf_cpu_choose("none", has, &c, &err), WEFT_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "--cpu-mask none"));
}

static void expect_paths(wf_cpu_choice c, const char *bf16, const char *f32, const char *grouped,
                         const char *attention)
{
    const char *const want[] = {bf16, f32, grouped, attention};
    wf_cpu_path       path;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(wf_cpu_path_at(&c, i, &path));
        assert_string_equal(path.isa, want[i]);
        assert_true(path.why[0] != '\0');
    }
    assert_false(wf_cpu_path_at(&c, 4, &path));
}

#define ARM (WEFT_CPU_NEON | WEFT_CPU_DOTPROD)
#define WIDE (VECTORS | WEFT_CPU_AVXVNNI | WEFT_CPU_AVX512VNNI)
#define TILES (WIDE | WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX)

static void test_paths(void **unused)
{
    (void)unused;
    expect_paths((wf_cpu_choice){0, 0, false}, "none", "none", "none", "none");
    expect_paths((wf_cpu_choice){PAIRS, PAIRS, false}, "avx512bf16", "avx512", "avx2", "avx512");
    expect_paths((wf_cpu_choice){PAIRS, VECTORS, false}, "avx512", "avx512", "avx2", "avx512");
    expect_paths((wf_cpu_choice){PAIRS, WEFT_CPU_AVX2, true}, "avx2", "avx2", "avx2", "avx2");
    expect_paths((wf_cpu_choice){WIDE, WIDE, false}, "avx512", "avx512", "avx512vnni", "avx512");
    expect_paths((wf_cpu_choice){ARM, ARM, false}, "neon", "neon", "dotprod", "neon");
    expect_paths((wf_cpu_choice){ARM, WEFT_CPU_NEON, true}, "neon", "neon", "neon", "neon");
    expect_paths((wf_cpu_choice){TILES, TILES, false}, "amx", "avx512", "amx", "avx512");
    expect_paths((wf_cpu_choice){TILES, WIDE, false}, "avx512", "avx512", "avx512vnni", "avx512");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_agrees_with_this_machine),
        cmocka_unit_test(test_tiles_of_this_machine),
        cmocka_unit_test(test_known_cpus),
        cmocka_unit_test(test_isa),
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_isa_and_mask),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
