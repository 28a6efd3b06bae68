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
};
#define ALL_FLAGS                                                                                  \
    (WEFT_CPU_AVX2 | WEFT_CPU_AVXVNNI | WEFT_CPU_AVX512 | WEFT_CPU_AVX512VNNI |                    \
     WEFT_CPU_AVX512BF16 | WEFT_CPU_NEON | WEFT_CPU_DOTPROD)
#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

#if defined(__x86_64__)
#include <cpuid.h>

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

wf_cpu_model wf_cpu_identify(void)
{
    wf_cpu_model m = {"", 0};
    uint32_t     a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d))
        return m;
    memcpy(m.vendor, &b, 4);
    memcpy(m.vendor + 4, &d, 4);
    memcpy(m.vendor + 8, &c, 4);
    (void)__get_cpuid(1, &a, &b, &c, &d);
    m.family = (a >> 8 & 15) == 15 ? 15 + (a >> 20 & 255) : a >> 8 & 15;
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
    return flags | (has_all(a71, EAX71_BF16) ? WEFT_CPU_AVX512BF16 : 0);
}
#else
wf_cpu_model wf_cpu_identify(void)
{
    return (wf_cpu_model){"", 0};
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
                   "avx512vnni, avx512bf16, neon, dotprod or max",
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
