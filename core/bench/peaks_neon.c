/* SPDX-License-Identifier: Apache-2.0 */
/* NEON, without the dot product. */
#include "core/bench/peaks.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define N 24 /* of 32 registers */

void wf_peak_fp32_neon(uint64_t rounds)
{
    float32x4_t acc[N], a = vdupq_n_f32(0.5f), b = vdupq_n_f32(1.0f);
#pragma GCC unroll 24 /* an index that is no constant would keep them in memory */
    for (int i = 0; i < N; i++)
        acc[i] = b;
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < N; i++) {
            acc[i] = vfmaq_f32(acc[i], a, b);
            __asm__ volatile("" : "+w"(acc[i])); /* keeps it in its register, and there at all */
        }
}

/* As vq_widened in core/device/cpu/quant_sum_neon.h. */
void wf_peak_int8_neon(uint64_t rounds)
{
    int32x4_t acc[N];
    int8x16_t a = vdupq_n_s8(1);
#pragma GCC unroll 24
    for (int i = 0; i < N; i++)
        acc[i] = vdupq_n_s32(0);
    for (uint64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < N; i++) {
            __asm__ volatile("" : "+w"(a)); /* or products would be the same ones every time */
            int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(a)), high = vmull_high_s8(a, a);
            acc[i] = vpadalq_s16(acc[i], vpaddq_s16(low, high));
            __asm__ volatile("" : "+w"(acc[i]));
        }
}

uint64_t wf_read_neon(const void *p, uint64_t bytes, uint64_t ahead)
{
    const uint64_t *v = p;
    uint64x2_t      s[8];
    for (int j = 0; j < 8; j++)
        s[j] = vdupq_n_u64(0);
    for (uint64_t i = 0; i < bytes; i += 128, v += 16) {
        if (ahead != 0) {
            __builtin_prefetch((const char *)v + ahead);
            __builtin_prefetch((const char *)v + ahead + 64);
        }
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            s[j] = veorq_u64(s[j], vld1q_u64(v + 2 * j));
    }
    for (int j = 1; j < 8; j++)
        s[0] = veorq_u64(s[0], s[j]);
    return vgetq_lane_u64(s[0], 0) ^ vgetq_lane_u64(s[0], 1);
}
#endif
