/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define N 16 /* of 32 registers */

void wf_peak_fp32_avx512(uint64_t rounds)
{
    __m512 acc[N], a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f);
#pragma GCC unroll 16 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = b;
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) {
            acc[i] = _mm512_fmadd_ps(acc[i], a, b);
            __asm__ volatile("" : "+v"(acc[i])); /* keeps it in its register, and there at all */
        }
}

uint64_t wf_read_avx512(const void *p, uint64_t bytes, uint64_t ahead)
{
    const char *c = p;
    __m512i     s[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                        _mm512_setzero_si512()};
    for (uint64_t i = 0; i < bytes; i += 256) {
        for (uint64_t j = 0; ahead != 0 && j < 256; j += 64)
            _mm_prefetch(c + i + ahead + j, _MM_HINT_T0);
        for (int j = 0; j < 4; j++)
            s[j] = _mm512_xor_si512(s[j], _mm512_load_si512(c + i + 64 * j));
    }
    s[0] = _mm512_xor_si512(_mm512_xor_si512(s[0], s[1]), _mm512_xor_si512(s[2], s[3]));
    return (uint64_t)_mm512_reduce_add_epi64(s[0]);
}
#endif
