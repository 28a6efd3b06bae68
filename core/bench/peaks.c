/* SPDX-License-Identifier: Apache-2.0 */
/* The loops by name, and which of them reads memory best here. */
#include "core/bench/peaks.h"

#include <string.h>

/* Columns: name, unit, what it needs, operations of a round, the loop. */
const wf_peak wf_peaks[] = {
#if defined(__x86_64__)
    {"fp32.avx2", "GFLOP/s", WF_BENCH_AVX2, WF_ROUND_FP32_AVX2, wf_peak_fp32_avx2},
    {"fp32.avx512", "GFLOP/s", WF_BENCH_AVX512, WF_ROUND_FP32_AVX512, wf_peak_fp32_avx512},
    {"bf16.avx512", "GFLOP/s", WF_BENCH_AVX512BF16, WF_ROUND_BF16_AVX512, wf_peak_bf16_avx512},
    {"bf16.amx", "GFLOP/s", WF_BENCH_AMX, WF_ROUND_BF16_AMX, wf_peak_bf16_amx},
    {"int8.maddubs", "GOP/s", WF_BENCH_AVX2, WF_ROUND_INT8_AVX2, wf_peak_int8_maddubs},
    {"int4.maddubs", "GOP/s", WF_BENCH_AVX2, WF_ROUND_INT8_AVX2, wf_peak_int4_maddubs},
    {"int8.avx2", "GOP/s", WF_BENCH_AVXVNNI, WF_ROUND_INT8_AVX2, wf_peak_int8_avx2},
    {"int8.avx512", "GOP/s", WF_BENCH_AVX512VNNI, WF_ROUND_INT8_AVX512, wf_peak_int8_avx512},
    {"int8.amx", "GOP/s", WF_BENCH_AMX, WF_ROUND_INT8_AMX, wf_peak_int8_amx},
#elif defined(__aarch64__)
    {"fp32.neon", "GFLOP/s", WF_BENCH_NEON, WF_ROUND_FP32_NEON, wf_peak_fp32_neon},
    {"int8.neon", "GOP/s", WF_BENCH_NEON, WF_ROUND_INT8_NEON, wf_peak_int8_neon},
    {"int8.dotprod", "GOP/s", WF_BENCH_DOTPROD, WF_ROUND_INT8_NEON, wf_peak_int8_dotprod},
#endif
    {NULL, NULL, 0, 0, NULL},
};

const wf_peak *wf_peak_find(const char *name)
{
    uint32_t cpu = wf_bench_cpu();
    for (const wf_peak *p = wf_peaks; name != NULL && p->name != NULL; p++)
        if (strcmp(p->name, name) == 0)
            return (cpu & p->needs) == p->needs ? p : NULL;
    return NULL;
}

wf_reader wf_reader_of(uint32_t cpu)
{
#if defined(__x86_64__)
    if ((cpu & WF_BENCH_AVX512) != 0)
        return wf_read_avx512;
    if ((cpu & WF_BENCH_AVX2) != 0)
        return wf_read_avx2;
#elif defined(__aarch64__)
    if ((cpu & WF_BENCH_NEON) != 0)
        return wf_read_neon;
#endif
    (void)cpu;
    return wf_read_plain;
}
