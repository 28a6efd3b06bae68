/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX-VNNI level of q8 and q4 weights: vpdpbusd on vectors of eight lanes. */
#if defined(__x86_64__)
#if !defined(__AVXVNNI__)
#error "build this file with -mavxvnni"
#endif
#include "core/device/cpu/quant_vec.h"

void wf_quant_init_avxvnni(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVXVNNI) != 0)
        ops->quant = &vq_kernels;
}
#endif
