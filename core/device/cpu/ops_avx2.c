/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX2 level (with FMA and F16C): every kernel of the *_vec.h files, eight lanes wide. */
#if defined(__x86_64__)
#include "core/device/cpu/ops_vec.h"

void wf_ops_init_avx2(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX2) != 0)
        use_vectors(ops);
}
#endif
