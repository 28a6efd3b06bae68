/* SPDX-License-Identifier: Apache-2.0 */
/* bf16 and f16 to and from f32, bit for bit what the conversion instructions give (round to nearest
 * even; denormals kept; NaN stays NaN, made quiet). */
#ifndef WF_HALF_H
#define WF_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t wf_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    return u;
}

static inline float wf_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

static inline float wf_from_bf16(uint16_t h)
{
    return wf_float((uint32_t)h << 16);
}

static inline uint16_t wf_to_bf16(float f)
{
    uint32_t u = wf_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) /* rounding could turn a NaN into an infinity */
        return (uint16_t)((u >> 16) | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

static inline float wf_round_bf16(float f)
{
    return wf_from_bf16(wf_to_bf16(f));
}

static inline float wf_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 31u, mantissa = h & 1023u;
    if (exponent == 31)
        return wf_float(sign | 0x7f800000u | (mantissa != 0 ? 0x400000u : 0u) | mantissa << 13);
    if (exponent != 0)
        return wf_float(sign | (exponent + 112u) << 23 | mantissa << 13);
    float magnitude = (float)mantissa * 0x1p-24f;
    return wf_float(sign | wf_bits(magnitude));
}

static inline uint16_t wf_to_f16(float f)
{
    uint32_t u = wf_bits(f), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((a >> 13) & 0x1ffu));
    if (a >= 0x477ff000u) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* denormal: adding 0.5 puts the unit of 2^-24 in the lowest bit */
        uint32_t rounded = wf_bits(wf_float(a) + 0.5f) - wf_bits(0.5f);
        return (uint16_t)(sign | rounded);
    }
    return (uint16_t)(sign | ((a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13));
}

#endif
