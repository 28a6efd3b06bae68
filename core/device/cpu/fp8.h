/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of fp8 weights, the same on every device; plain C without state, so that kernels for
 * GPUs compile it too. E4M3 (OCP 8-bit floating point 1.0): a sign, four bits of exponent with bias
 * 7, three of mantissa; no infinity, and the greatest is 448. */
#ifndef WF_CPU_FP8_H
#define WF_CPU_FP8_H

#include <stdint.h>
#include <string.h>

#define WF_FP8_MOST 448.0f
/* Of x the greatest counts as no more than that: seldom tokens with huge activations would make all
 * else underflow (Llama 3, section 6.2). */
#define WF_FP8_BOUND 1200.0f

/* The nearest E4M3, of two the even one; past 448 it is 448. f is a number. */
static inline uint8_t wf_to_e4m3(float f)
{
    uint32_t u, a, sign;
    memcpy(&u, &f, 4);
    a = u & 0x7fffffffu;
    sign = u >> 24 & 0x80u;
    if (a >= 0x43e00000u) /* 448 */
        return (uint8_t)(sign | 0x7eu);
    if (a < 0x3c800000u) { /* 2^-6: below, steps are of 2^-9 */
        float small;
        memcpy(&small, &a, 4);
        small = small * 512.0f + 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
        memcpy(&a, &small, 4);
        return (uint8_t)(sign | (a & 0xfu));
    }
    a += 0x7ffffu + (a >> 20 & 1u);
    return (uint8_t)(sign | ((a >> 20) - (120u << 3)));
}

static inline float wf_from_e4m3(uint8_t q)
{
    uint32_t a = q & 0x7fu, u = (uint32_t)(q & 0x80u) << 24;
    float    f;
    if (a < 8) {
        f = (float)a * 0.001953125f; /* 2^-9 */
        return u != 0 ? -f : f;
    }
    u |= (a + (120u << 3)) << 20;
    memcpy(&f, &u, 4);
    return f;
}

/* What a row's numbers are divided with, from the greatest of them. */
static inline float wf_fp8_scale(float most)
{
    const float s = most / WF_FP8_MOST, least = 1.0f / (448.0f * 512.0f);
    return s > least ? s : least;
}

#endif
