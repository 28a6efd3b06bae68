/* SPDX-License-Identifier: Apache-2.0 */
/* Stored numbers as f32. */
#include <string.h>

#include "core/base/half.h"
#include "core/io/safetensors.h"

void wf_st_to_f32(float *dst, const void *src, int32_t st_dtype, uint64_t n)
{
    if (st_dtype == WF_ST_F32) {
        memmove(dst, src, (size_t)n * sizeof(float));
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, (const uint8_t *)src + 2 * i, sizeof h);
        dst[i] = st_dtype == WF_ST_F16 ? wf_from_f16(h) : wf_from_bf16(h);
    }
}
