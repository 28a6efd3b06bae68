/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX2 level (with FMA and F16C): every kernel of the *_vec.h files, eight lanes wide. */
#if defined(__x86_64__)
#include "core/device/cpu/attend_vec.h"
#include "core/device/cpu/best_vec.h"
#include "core/device/cpu/broadcast_vec.h"
#include "core/device/cpu/elementwise_vec.h"
#include "core/device/cpu/linear_vec.h"
#include "core/device/cpu/pack_vec.h"

static weft_status linear(wf_exec *ex, const wf_linear *a)
{
    static const wf_linear_kernel kernel = {VF_PANEL, VF_TILE_ROWS, 0,     prepare_f32,
                                            tile_fma, widen,        finish};
    return wf_linear_panels(ex, a, &kernel);
}

static weft_status pack(wf_exec *ex, const wf_pack *a)
{
    return wf_panel_pack(ex, a, VF_PANEL, pack_words);
}

void wf_ops_init_avx2(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX2) == 0)
        return;
    wf_ops_use_panel16(ops);
    ops->pack = pack;
    ops->linear = linear;
    ops->attend_pages = attend_pages;
    ops->attend = attend;
    ops->norm = norm;
    ops->swiglu = swiglu;
    ops->add = add;
    ops->activate = activate;
    ops->combine = combine;
    ops->softmax = softmax;
    ops->pooling = pooling;
    ops->finite = all_finite;
    ops->best = find_best;
}
#endif
