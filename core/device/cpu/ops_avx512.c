/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX-512 level (F, BW, DQ, VL): every kernel of the *_vec.h files, sixteen lanes wide. */
#if defined(__x86_64__)
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) ||                   \
    !defined(__AVX512VL__)
#error "build this file with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif
#include "core/device/cpu/ops_vec.h"

void wf_ops_init_avx512(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX512) != 0)
        use_vectors(ops);
}
#endif
