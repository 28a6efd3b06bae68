/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX level: bf16 weights by tiles, with sums of their own (linear_tiles.h). All other ops, and
 * f32 and f16 weights, are those of AVX-512. */
#if defined(__x86_64__)
#include "core/device/cpu/linear_tiles.h"

static weft_status linear(wf_exec *ex, const wf_linear *a)
{
    static const wf_linear_kernel kernel = {
        TILES_PANEL, TILES_ROWS, 1, wf_prepare_pairs_avx512, tiles_bf16, NULL, wf_finish_avx512};
    return wf_linear_panels_in(ex, a, &kernel, &tiles_blocks);
}

void wf_ops_init_amx(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AMX) != 0)
        ops->linear_bf16 = linear;
}
#endif
