/* SPDX-License-Identifier: Apache-2.0 */
/* Stored numbers as f32. */
#include <string.h>

#include "core/io/safetensors.h"

static float half_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 31u, man = h & 1023u, bits;
    float    f;
    if (exp == 31)
        bits = sign | 0x7f800000u | (man << 13);
    else if (exp != 0)
        bits = sign | ((exp + 112) << 23) | (man << 13);
    else {
        f = (float)man * 0x1p-24f;
        return sign != 0 ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

void wf_st_to_f32(float *dst, const void *src, int32_t st_dtype, uint64_t n)
{
    if (st_dtype == WF_ST_F32) {
        memmove(dst, src, (size_t)n * sizeof(float));
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, (const uint8_t *)src + 2 * i, sizeof h);
        if (st_dtype == WF_ST_F16) {
            dst[i] = half_to_f32(h);
        } else {
            uint32_t bits = (uint32_t)h << 16;
            memcpy(&dst[i], &bits, sizeof bits);
        }
    }
}
