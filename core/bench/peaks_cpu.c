/* SPDX-License-Identifier: Apache-2.0 */
/* Which loops this machine can run. */
#include "core/bench/peaks.h"

#include "core/base/cpu.h"
#include "weft/weft.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Bits of cpuid leaf 7 (Intel SDM volume 2, CPUID). */
#define ECX7_VNNI (1u << 11)
#define EAX71_AVXVNNI (1u << 4)

uint32_t wf_bench_cpu(void)
{
    uint64_t level = wf_cpu_detect();
    uint32_t a, b, c, d, a1, b1, c1, d1, flags = 0;
    if ((level & WEFT_CPU_AVX2) == 0 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    flags |= WF_BENCH_AVX2;
    if (a >= 1 && __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) && (a1 & EAX71_AVXVNNI) != 0)
        flags |= WF_BENCH_AVXVNNI;
    if ((level & WEFT_CPU_AVX512) == 0)
        return flags;
    flags |= WF_BENCH_AVX512;
    if ((c & ECX7_VNNI) != 0)
        flags |= WF_BENCH_AVX512VNNI;
    if ((level & WEFT_CPU_AVX512BF16) != 0)
        flags |= WF_BENCH_AVX512BF16;
    return (level & WEFT_CPU_AMX) != 0 ? flags | WF_BENCH_AMX : flags;
}
#else
uint32_t wf_bench_cpu(void)
{
    uint64_t level = wf_cpu_detect();
    uint32_t flags = (level & WEFT_CPU_NEON) != 0 ? WF_BENCH_NEON : 0;
    return (level & WEFT_CPU_DOTPROD) != 0 ? flags | WF_BENCH_DOTPROD : flags;
}
#endif

uint64_t wf_read_plain(const void *p, uint64_t bytes, uint64_t ahead)
{
    const uint64_t *v = p;
    uint64_t        s[8] = {0};
    for (uint64_t i = 0; i < bytes / 8; i += 8) {
        if (ahead != 0)
            __builtin_prefetch((const char *)(v + i) + ahead);
        for (int j = 0; j < 8; j++)
            s[j] += v[i + (uint64_t)j];
    }
    return s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] ^ s[5] ^ s[6] ^ s[7];
}
