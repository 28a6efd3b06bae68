/* SPDX-License-Identifier: Apache-2.0 */
/* core/device/cpu/math.h in vectors: the same steps, the same bytes. */
#ifndef WF_VEC_MATH_H
#define WF_VEC_MATH_H

#include "core/ops/op.h"
#include "core/device/cpu/math.h"
#include "core/device/cpu/vec.h"

VF_INLINE vf vf_exp(vf x)
{
    vf clamped = vf_max(x, vf_set1(WF_EXP_LOW));
    clamped = vf_min(clamped, vf_set1(WF_EXP_HIGH));
    vf magic = vf_fma(clamped, vf_set1(WF_EXP_LOG2E), vf_set1(WF_EXP_MAGIC));
    vf n = vf_sub(magic, vf_set1(WF_EXP_MAGIC));
    vf r = vf_fma(n, vf_set1(-WF_EXP_LN2_HI), clamped);
    r = vf_fma(n, vf_set1(-WF_EXP_LN2_LO), r);
    vf q = vf_fma(vf_set1(WF_EXP_Q4), r, vf_set1(WF_EXP_Q3));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q2));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q1));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q0));
    vf p = vf_fma(vf_fma(q, r, vf_set1(1.0f)), r, vf_set1(1.0f));
    vi whole = vi_sub(vi_of(magic), vi_of(vf_set1(WF_EXP_MAGIC)));
    vi half = vi_sra(whole, 1);
    vf a = vf_of(vi_sll(vi_add(half, vi_set1(127)), 23));
    vf b = vf_of(vi_sll(vi_add(vi_sub(whole, half), vi_set1(127)), 23));
    return vf_if_nan(x, x, vf_mul(vf_mul(p, a), b));
}

VF_INLINE vf vf_minus(vf x)
{
    return vf_of(vi_add(vi_of(x), vi_set1(INT32_MIN))); /* the sign bit alone, as -x */
}

VF_INLINE vf vf_silu(vf x)
{
    return vf_div(x, vf_add(vf_set1(1.0f), vf_exp(vf_minus(x))));
}

VF_INLINE vf vf_quick_gelu(vf x)
{
    return vf_div(x, vf_add(vf_set1(1.0f), vf_exp(vf_mul(vf_set1(-WF_QUICK_GELU), x))));
}

VF_INLINE vf vf_tanh_gelu(vf x)
{
    vf inner = vf_fma(vf_set1(WF_TANH_GELU_3), vf_mul(x, x), vf_set1(WF_TANH_GELU_1));
    return vf_div(x, vf_add(vf_set1(1.0f), vf_exp(vf_minus(vf_mul(x, inner)))));
}

VF_INLINE vf vf_gelu(vf x)
{
    vf y = vf_abs(x), one = vf_set1(1.0f);
    vf t = vf_div(one, vf_fma(vf_set1(WF_GELU_P), y, one));
    vf g = vf_fma(vf_set1(WF_GELU_G8), t, vf_set1(WF_GELU_G7));
    g = vf_fma(g, t, vf_set1(WF_GELU_G6));
    g = vf_fma(g, t, vf_set1(WF_GELU_G5));
    g = vf_fma(g, t, vf_set1(WF_GELU_G4));
    g = vf_fma(g, t, vf_set1(WF_GELU_G3));
    g = vf_fma(g, t, vf_set1(WF_GELU_G2));
    g = vf_fma(g, t, vf_set1(WF_GELU_G1));
    g = vf_fma(g, t, vf_set1(WF_GELU_G0));
    vf square = vf_mul(vf_mul(vf_set1(-0.5f), y), y);
    vf tail = vf_mul(vf_exp(square), vf_mul(t, g));
    return vf_mul(x, vf_if_negative(x, tail, vf_sub(one, tail)));
}

VF_INLINE vf vf_activate(vf x, int32_t act)
{
    if (act == WF_ACT_GELU)
        return vf_gelu(x);
    if (act == WF_ACT_SILU)
        return vf_silu(x);
    if (act == WF_ACT_QUICK_GELU)
        return vf_quick_gelu(x);
    if (act == WF_ACT_TANH_GELU)
        return vf_tanh_gelu(x);
    return act == WF_ACT_RELU ? vf_if_negative(x, vf_zero(), x) : x;
}

#endif
