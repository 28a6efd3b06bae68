/* SPDX-License-Identifier: Apache-2.0 */
/* A level whose kernels are those of the *_vec.h files, at the width that it is compiled for. */
#ifndef WF_OPS_VEC_H
#define WF_OPS_VEC_H

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

static void use_vectors(wf_ops *ops)
{
#if VF_LANES == 16
    wf_ops_use_panel32(ops);
#else
    wf_ops_use_panel16(ops);
#endif
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
