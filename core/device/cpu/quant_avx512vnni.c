/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX512-VNNI level of q8 and q4 weights: vpdpbusd on vectors of sixteen lanes. */
#if defined(__x86_64__)
#if !defined(__AVX512VNNI__)
#error "build this file with -mavx512vnni"
#endif
#include "core/device/cpu/quant_vec.h"

void wf_quant_init_avx512vnni(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX512VNNI) != 0)
        ops->quant = &vq_kernels;
}
#endif
