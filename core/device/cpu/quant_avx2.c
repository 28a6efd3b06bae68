/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX2 level of q8 and q4 weights: products of bytes by vpmaddubsw. */
#if defined(__x86_64__)
#include "core/device/cpu/quant_vec.h"

void wf_quant_init_avx2(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX2) != 0)
        ops->quant = &vq_kernels;
}
#endif
