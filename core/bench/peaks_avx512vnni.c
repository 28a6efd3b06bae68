/* SPDX-License-Identifier: Apache-2.0 */
/* AVX512-VNNI: vpdpbusd of 512 bits. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define N 16 /* of 32 registers */

void wf_peak_int8_avx512(uint64_t rounds)
{
    __m512i acc[N], a = _mm512_set1_epi8(1);
#pragma GCC unroll 16 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = _mm512_setzero_si512();
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) {
            acc[i] = _mm512_dpbusd_epi32(acc[i], a, a);
            __asm__ volatile("" : "+v"(acc[i])); /* keeps it in its register, and there at all */
        }
}
#endif
