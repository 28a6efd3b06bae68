/* SPDX-License-Identifier: Apache-2.0 */
/* The NEON level: every kernel of the *_vec.h files, eight lanes wide. All AArch64 has what it
 * needs, so that it is built without flags. */
#if defined(__aarch64__)
#include "core/device/cpu/ops_vec.h"

void wf_ops_init_neon(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_NEON) != 0)
        use_vectors(ops);
}
#endif
