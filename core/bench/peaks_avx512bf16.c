/* SPDX-License-Identifier: Apache-2.0 */
/* AVX512-BF16: vdpbf16ps. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define N 16 /* of 32 registers */

void wf_peak_bf16_avx512(uint64_t rounds)
{
    __m512   acc[N];
    __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.5f));
#pragma GCC unroll 16 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = _mm512_setzero_ps();
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) {
            acc[i] = _mm512_dpbf16_ps(acc[i], a, a);
            __asm__ volatile("" : "+v"(acc[i])); /* keeps it in its register, and there at all */
        }
}
#endif
