/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-VNNI: vpdpbusd of 256 bits. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define N 12 /* of 16 registers */

void wf_peak_int8_avx2(uint64_t rounds)
{
    __m256i acc[N], a = _mm256_set1_epi8(1);
#pragma GCC unroll 12 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = _mm256_setzero_si256();
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < N; i++) {
            acc[i] = _mm256_dpbusd_avx_epi32(acc[i], a, a);
            __asm__ volatile("" : "+x"(acc[i])); /* keeps it in its register, and there at all */
        }
}
#endif
