/* SPDX-License-Identifier: Apache-2.0 */
/* NEON's dot product: sdot. */
#include "core/bench/peaks.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define N 24 /* of 32 registers */

void wf_peak_int8_dotprod(uint64_t rounds)
{
    int32x4_t acc[N];
    int8x16_t a = vdupq_n_s8(1);
#pragma GCC unroll 24 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = vdupq_n_s32(0);
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < N; i++) {
            acc[i] = vdotq_s32(acc[i], a, a);
            __asm__ volatile("" : "+w"(acc[i])); /* keeps it in its register, and there at all */
        }
}
#endif
