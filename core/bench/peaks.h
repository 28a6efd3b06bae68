/* SPDX-License-Identifier: Apache-2.0 */
/* Loops that do one thing as fast as the machine can, for core/bench/limits.c. Each instruction set
 * has a file of its own, compiled for it: a function is called only where wf_bench_cpu() has its
 * flag. */
#ifndef WF_BENCH_PEAKS_H
#define WF_BENCH_PEAKS_H

#include <stdint.h>

/* What the CPU and the operating system offer beyond the levels of core/base/cpu.h. */
#define WF_BENCH_AVX2 1u
#define WF_BENCH_AVX512 2u
#define WF_BENCH_AVX512BF16 4u
#define WF_BENCH_AVXVNNI 8u
#define WF_BENCH_AVX512VNNI 16u
#define WF_BENCH_AMX 32u /* with int8 and bf16, and the permission to use it was given */
#define WF_BENCH_NEON 64u
#define WF_BENCH_DOTPROD 128u

uint32_t wf_bench_cpu(void);

/* Run one instruction over registers, rounds times over as many accumulators as keep its units
 * busy. A round does WF_ROUND_* operations, a multiply-add counting 2. */
#define WF_ROUND_FP32_AVX2 (12.0 * 8 * 2)
#define WF_ROUND_FP32_AVX512 (16.0 * 16 * 2)
#define WF_ROUND_BF16_AVX512 (16.0 * 32 * 2)
#define WF_ROUND_INT8_AVX2 (12.0 * 32 * 2) /* by vpdpbusd or by vpmaddubsw */
#define WF_ROUND_INT8_AVX512 (16.0 * 64 * 2)
#define WF_ROUND_BF16_AMX (4.0 * 16 * 16 * 32 * 2)
#define WF_ROUND_INT8_AMX (4.0 * 16 * 16 * 64 * 2)
#define WF_ROUND_FP32_NEON (24.0 * 4 * 2)
#define WF_ROUND_INT8_NEON (24.0 * 16 * 2)
void wf_peak_fp32_avx2(uint64_t rounds);
void wf_peak_fp32_avx512(uint64_t rounds);
void wf_peak_bf16_avx512(uint64_t rounds);
void wf_peak_int8_avx2(uint64_t rounds);
void wf_peak_int8_maddubs(uint64_t rounds);
void wf_peak_int4_maddubs(uint64_t rounds);
void wf_peak_int8_avx512(uint64_t rounds);
void wf_peak_bf16_amx(uint64_t rounds);
void wf_peak_int8_amx(uint64_t rounds);
void wf_peak_fp32_neon(uint64_t rounds);
void wf_peak_int8_neon(uint64_t rounds);
void wf_peak_int8_dotprod(uint64_t rounds);

/* A loop by the name of its limit (weft_bench_limit.name). */
typedef struct wf_peak {
    const char *name, *unit;
    uint32_t    needs; /* WF_BENCH_*: all of them */
    double      round; /* operations of a round */
    void (*run)(uint64_t rounds);
} wf_peak;

extern const wf_peak wf_peaks[]; /* ends with a row without a name */

/* NULL: there is none of that name, or this CPU cannot run it. name may be NULL. */
const wf_peak *wf_peak_find(const char *name);

/* Reads bytes (a multiple of 512) at p, 64-aligned. ahead: bytes that are prefetched before they
 * are read; 0: none. The value depends on all that was read, so that none of it can be left out. */
uint64_t wf_read_plain(const void *p, uint64_t bytes, uint64_t ahead);
uint64_t wf_read_avx2(const void *p, uint64_t bytes, uint64_t ahead);
uint64_t wf_read_avx512(const void *p, uint64_t bytes, uint64_t ahead);
uint64_t wf_read_neon(const void *p, uint64_t bytes, uint64_t ahead);

/* The best of them for a CPU with these WF_BENCH_* flags. */
typedef uint64_t (*wf_reader)(const void *p, uint64_t bytes, uint64_t ahead);
wf_reader wf_reader_of(uint32_t cpu);

#endif
