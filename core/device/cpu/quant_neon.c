/* SPDX-License-Identifier: Apache-2.0 */
/* The NEON level of q8 and q4 weights: products of bytes by widening multiplications. */
#if defined(__aarch64__)
#include "core/device/cpu/quant_vec.h"

void wf_quant_init_neon(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_NEON) != 0)
        ops->quant = &vq_kernels;
}
#endif
