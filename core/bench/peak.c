/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction a level multiplies with. */
#include <string.h>

#include "core/base/cpu.h"
#include "core/bench/cases.h"

/* A level without the byte products of its width has those of the level below it. */
static const char *int8_peak(uint64_t flags, int32_t format)
{
    if ((flags & WEFT_CPU_AMX) != 0)
        return "int8.amx";
    if ((flags & WEFT_CPU_AVX512VNNI) != 0)
        return "int8.avx512";
    if ((flags & WEFT_CPU_AVXVNNI) != 0)
        return "int8.avx2";
    if ((flags & WEFT_CPU_AVX2) != 0)
        return format == WF_Q4 ? "int4.maddubs" : "int8.maddubs";
    if ((flags & WEFT_CPU_DOTPROD) != 0)
        return "int8.dotprod";
    return (flags & WEFT_CPU_NEON) != 0 ? "int8.neon" : NULL;
}

static const char *fp32_peak(uint64_t flags)
{
    if ((flags & WEFT_CPU_AVX512) != 0)
        return "fp32.avx512";
    if ((flags & WEFT_CPU_AVX2) != 0)
        return "fp32.avx2";
    return (flags & WEFT_CPU_NEON) != 0 ? "fp32.neon" : NULL;
}

const char *wf_bench_peak(const char *isa, int32_t format)
{
    uint64_t flags = 0;
    if (strcmp(isa, "max") == 0 || wf_cpu_mask(isa, &flags, NULL) != WEFT_OK)
        return NULL; /* no level of a CPU */
    if (wf_is_grouped(format))
        return int8_peak(flags, format);
    bool pairs = format == WF_BF16 || format == WF_FP8; /* fp8 becomes bf16 before it multiplies */
    if (pairs && (flags & WEFT_CPU_AMX) != 0)
        return "bf16.amx";
    if (pairs && (flags & WEFT_CPU_AVX512BF16) != 0)
        return "bf16.avx512";
    return fp32_peak(flags);
}
