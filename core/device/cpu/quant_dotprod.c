/* SPDX-License-Identifier: Apache-2.0 */
/* The level of NEON with dot products (Armv8.2) of q8 and q4 weights: sdot. */
#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_DOTPROD)
#error "build this file with -march=armv8.2-a+dotprod"
#endif
#include "core/device/cpu/quant_vec.h"

void wf_quant_init_dotprod(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_DOTPROD) != 0)
        ops->quant = &vq_kernels;
}
#endif
