/* SPDX-License-Identifier: Apache-2.0 */
/* CPU features: what cpuid reports, and only where xgetbv shows that the operating system saves the
 * registers: a flag alone is not enough under some kernels and hypervisors. On AArch64 the system
 * says what programs may use. */
#include "core/base/cpu.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/status.h"

typedef struct level {
    const char *name;
    uint64_t    flags; /* of this level and all below it */
} level;

static const level levels[] = {
    {"none", 0},
    {"neon", WEFT_CPU_NEON},
    {"dotprod", WEFT_CPU_NEON | WEFT_CPU_DOTPROD},
    {"avx2", WEFT_CPU_AVX2},
    {"avxvnni", WEFT_CPU_AVX2 | WEFT_CPU_AVXVNNI},
    {"avx512", WEFT_CPU_AVX2 | WEFT_CPU_AVX512},
    {"avx512vnni", WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI},
    {"avx512bf16", WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI | WEFT_CPU_AVX512BF16},
    {"amx",
     WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI | WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX},
};
#define ALL_FLAGS                                                                                  \
    (WEFT_CPU_AVX2 | WEFT_CPU_AVXVNNI | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI |                    \
     WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX | WEFT_CPU_NEON | WEFT_CPU_DOTPROD)
#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

#define EDX7_AMX ((1u << 22) | (1u << 24) | (1u << 25)) /* bf16, tiles, int8 */
#define XCR0_TILES 0x60000u

wf_cpu_tiles wf_cpu_judge_tiles(uint32_t edx7, uint64_t saved, long (*ask)(void))
{
    if ((edx7 & EDX7_AMX) != EDX7_AMX)
        return WF_TILES_NONE;
    if ((saved & XCR0_TILES) != XCR0_TILES)
        return WF_TILES_UNSAVED;
    return ask() == 0 ? WF_TILES_READY : WF_TILES_REFUSED;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits of cpuid and xgetbv (Intel SDM volume 2, CPUID; volume 1, 13.3). */
#define ECX1_FMA (1u << 12)
#define ECX1_OSXSAVE (1u << 27)
#define ECX1_AVX (1u << 28)
#define ECX1_F16C (1u << 29)
#define EBX7_AVX2 (1u << 5)
#define EBX7_AVX512 ((1u << 16) | (1u << 17) | (1u << 30) | (1u << 31)) /* F, DQ, BW, VL */
#define ECX7_VNNI (1u << 11)
#define EAX71_AVXVNNI (1u << 4)
#define EAX71_BF16 (1u << 5)
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xe6u
/* Linux, Documentation/arch/x86/xstate.rst: tiles are used by leave. */
#define REQUEST_PERMISSION 0x1023
#define TILE_DATA 18

static bool has_all(uint64_t value, uint64_t bits)
{
    return (value & bits) == bits;
}

static uint64_t saved_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return ((uint64_t)hi << 32) | lo;
}

static long ask_linux(void)
{
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}

wf_cpu_tiles wf_cpu_ask_for_tiles(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, ECX1_OSXSAVE) ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return WF_TILES_NONE;
    return wf_cpu_judge_tiles(d, saved_state(), ask_linux);
}

wf_cpu_model wf_cpu_identify(void)
{
    wf_cpu_model m = {"", 0, 0};
    uint32_t     a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d))
        return m;
    memcpy(m.vendor, &b, 4);
    memcpy(m.vendor + 4, &d, 4);
    memcpy(m.vendor + 8, &c, 4);
    (void)__get_cpuid(1, &a, &b, &c, &d);
    m.family = (a >> 8 & 15) == 15 ? 15 + (a >> 20 & 255) : a >> 8 & 15;
    m.model = (a >> 4 & 15) | (m.family == 6 || m.family >= 15 ? a >> 12 & 0xf0 : 0);
    return m;
}

uint64_t wf_cpu_detect(void)
{
    uint32_t a, b, c, d, b7, c7, a71 = 0, top;
    uint64_t flags = WEFT_CPU_AVX2;
    if (!__get_cpuid(1, &a, &b, &c, &d) ||
        !has_all(c, ECX1_FMA | ECX1_OSXSAVE | ECX1_AVX | ECX1_F16C))
        return 0;
    uint64_t saved = saved_state();
    if (!has_all(saved, XCR0_YMM) || !__get_cpuid_count(7, 0, &top, &b7, &c7, &d) ||
        !has_all(b7, EBX7_AVX2))
        return 0;
    if (top >= 1 && __get_cpuid_count(7, 1, &a71, &b, &c, &d) && has_all(a71, EAX71_AVXVNNI))
        flags |= WEFT_CPU_AVXVNNI;
    if (!has_all(saved, XCR0_ZMM) || !has_all(b7, EBX7_AVX512))
        return flags;
    flags |= WEFT_CPU_AVX512;
    flags |= has_all(c7, ECX7_VNNI) ? WEFT_CPU_AVX512VNNI : 0;
    flags |= has_all(a71, EAX71_BF16) ? WEFT_CPU_AVX512BF16 : 0;
    /* Kernels with tiles use these beside them; every CPU that has tiles has them. */
    if (!has_all(flags, WEFT_CPU_AVX512VNNI | WEFT_CPU_AVX512BF16) ||
        wf_cpu_ask_for_tiles() != WF_TILES_READY)
        return flags;
    return flags | WEFT_CPU_AMX;
}
#else
wf_cpu_tiles wf_cpu_ask_for_tiles(void)
{
    return WF_TILES_NONE;
}

wf_cpu_model wf_cpu_identify(void)
{
    return (wf_cpu_model){"", 0, 0};
}

#if defined(__aarch64__)
#include <sys/auxv.h>

uint64_t wf_cpu_detect(void)
{
    unsigned long has = getauxval(AT_HWCAP);
    if ((has & HWCAP_ASIMD) == 0)
        return 0;
    return WEFT_CPU_NEON | ((has & HWCAP_ASIMDDP) != 0 ? WEFT_CPU_DOTPROD : 0);
}
#else
uint64_t wf_cpu_detect(void)
{
    return 0;
}
#endif
#endif

weft_status wf_cpu_mask(const char *name, uint64_t *flags, weft_error *err)
{
    if (strcmp(name, "max") == 0) {
        *flags = ALL_FLAGS;
        return WEFT_OK;
    }
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            *flags = levels[i].flags;
            return WEFT_OK;
        }
    }
    return wf_fail(err, WEFT_E_INVALID,
                   "CPU mask '%.40s' is not known: use none, avx2, avxvnni, avx512, "
                   "avx512vnni, avx512bf16, amx, neon, dotprod or max",
                   name);
}

const char *wf_cpu_level_name(uint64_t flags)
{
    size_t best = 0;
    for (size_t i = 0; i < N_LEVELS; i++) {
        if ((flags & levels[i].flags) == levels[i].flags)
            best = i;
    }
    return levels[best].name;
}
