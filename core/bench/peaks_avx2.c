/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 and FMA. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define N 12 /* of 16 registers */

void wf_peak_fp32_avx2(uint64_t rounds)
{
    __m256 acc[N], a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f);
#pragma GCC unroll 12 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = b;
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < N; i++) {
            acc[i] = _mm256_fmadd_ps(acc[i], a, b);
            __asm__ volatile("" : "+x"(acc[i])); /* keeps it in its register, and there at all */
        }
}

/* Four products of signed bytes a lane, as vq_add in core/device/cpu/quant_vec.h: weights take the
 * sign of x, pairs add up in 16 bits, and neighbours of those in 32. */
void wf_peak_int8_maddubs(uint64_t rounds)
{
    __m256i acc[N], a = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
#pragma GCC unroll 12
    for (int i = 0; i < N; i++)
        acc[i] = _mm256_setzero_si256();
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < N; i++) {
            __asm__ volatile("" : "+x"(a)); /* or products would be the same ones every time */
            __m256i pairs = _mm256_maddubs_epi16(a, _mm256_sign_epi8(a, a));
            acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(pairs, ones));
            __asm__ volatile("" : "+x"(acc[i]));
        }
}

/* The same of bytes so small that sums of pairs stay in 16 bits. */
void wf_peak_int4_maddubs(uint64_t rounds)
{
    __m256i acc[N], a = _mm256_set1_epi8(1);
#pragma GCC unroll 12
    for (int i = 0; i < N; i++)
        acc[i] = _mm256_setzero_si256();
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < N; i++) {
            __asm__ volatile("" : "+x"(a));
            acc[i] = _mm256_add_epi16(acc[i], _mm256_maddubs_epi16(a, a));
            __asm__ volatile("" : "+x"(acc[i]));
        }
}

uint64_t wf_read_avx2(const void *p, uint64_t bytes, uint64_t ahead)
{
    const char *c = p;
    __m256i     s[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                        _mm256_setzero_si256()};
    uint64_t    out[4];
    for (uint64_t i = 0; i < bytes; i += 128) {
        if (ahead != 0) {
            _mm_prefetch(c + i + ahead, _MM_HINT_T0);
            _mm_prefetch(c + i + ahead + 64, _MM_HINT_T0);
        }
        for (int j = 0; j < 4; j++)
            s[j] = _mm256_xor_si256(s[j],
                                    _mm256_load_si256((const __m256i *)(const void *)(c + i) + j));
    }
    s[0] = _mm256_xor_si256(_mm256_xor_si256(s[0], s[1]), _mm256_xor_si256(s[2], s[3]));
    _mm256_storeu_si256((__m256i *)(void *)out, s[0]);
    return out[0] ^ out[1] ^ out[2] ^ out[3];
}
#endif
