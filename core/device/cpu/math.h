/* SPDX-License-Identifier: Apache-2.0 */
/* The transcendental functions of the ops: the definition in scalar C. core/device/cpu/vec_math.h
 * does the same steps in vectors and must give the same bytes (tests/ops/test_math.c compares
 * them). All constants are here, once. Written for the default FPU mode: round to nearest,
 * denormals kept. */
#ifndef WF_MATH_H
#define WF_MATH_H

#include <math.h>
#include <stdint.h>

#include "core/base/half.h"

/* exp(x) = 2^n (1 + r + r^2 q(r)), n = round(x / ln 2), r = x - n ln 2 in two parts (the first has
 * zeros at its end, so that n times it is exact). q: Chebyshev fit on |r| <= 0.35, 1.1e-8. */
#define WF_EXP_LOW (-104.0f) /* below: 0 */
#define WF_EXP_HIGH 89.0f    /* above: infinity */
#define WF_EXP_LOG2E 0x1.715476p+0f
#define WF_EXP_MAGIC 0x1.8p+23f /* adding it rounds to an integer, kept in the low bits */
#define WF_EXP_LN2_HI 0x1.62e400p-1f
#define WF_EXP_LN2_LO 0x1.7f7d1cp-20f
#define WF_EXP_Q0 0x1.0p-1f
#define WF_EXP_Q1 0x1.5554d8p-3f
#define WF_EXP_Q2 0x1.5554e4p-5f
#define WF_EXP_Q3 0x1.121072p-7f
#define WF_EXP_Q4 0x1.6d4926p-10f

/* Within 1 ulp of exp over the normal range; denormal results are rounded once more. */
static inline float wf_expf(float x)
{
    float clamped = x < WF_EXP_LOW ? WF_EXP_LOW : x;
    clamped = clamped > WF_EXP_HIGH ? WF_EXP_HIGH : clamped;
    float magic = fmaf(clamped, WF_EXP_LOG2E, WF_EXP_MAGIC);
    float n = magic - WF_EXP_MAGIC;
    float r = fmaf(n, -WF_EXP_LN2_HI, clamped);
    r = fmaf(n, -WF_EXP_LN2_LO, r);
    float q = fmaf(WF_EXP_Q4, r, WF_EXP_Q3);
    q = fmaf(q, r, WF_EXP_Q2);
    q = fmaf(q, r, WF_EXP_Q1);
    q = fmaf(q, r, WF_EXP_Q0);
    float p = fmaf(fmaf(q, r, 1.0f), r, 1.0f);
    /* 2^n as a product of two powers: n itself may lie outside the exponent's range. */
    int32_t whole = (int32_t)(wf_bits(magic) - wf_bits(WF_EXP_MAGIC));
    int32_t half = whole >> 1;
    float   a = wf_float((uint32_t)(half + 127) << 23);
    float   b = wf_float((uint32_t)(whole - half + 127) << 23);
    float   y = p * a * b;
    return x != x ? x : y;
}

/* x / (1 + exp(-x)) */
static inline float wf_siluf(float x)
{
    return x / (1.0f + wf_expf(-x));
}

/* GELU in its exact form, x Phi(x). With y = |x|: tail = Phi(-y) = exp(-y^2 / 2) t g(t), t = 1 / (1
 * + 0.35 y); g: Chebyshev fit of exp(y^2 / 2) Phi(-y) / t for y <= 14.5, 4e-8. Working on the tail
 * keeps the relative accuracy of small results, where 1 + erf would cancel. */
#define WF_GELU_P 0.35f
#define WF_GELU_G0 0.1396215f
#define WF_GELU_G1 0.13985829f
#define WF_GELU_G2 0.119874716f
#define WF_GELU_G3 0.10527474f
#define WF_GELU_G4 (-0.022393085f)
#define WF_GELU_G5 0.1578928f
#define WF_GELU_G6 (-0.2543875f)
#define WF_GELU_G7 0.14323446f
#define WF_GELU_G8 (-0.028975924f)

static inline float wf_geluf(float x)
{
    float y = fabsf(x);
    float t = 1.0f / fmaf(WF_GELU_P, y, 1.0f);
    float g = fmaf(WF_GELU_G8, t, WF_GELU_G7);
    g = fmaf(g, t, WF_GELU_G6);
    g = fmaf(g, t, WF_GELU_G5);
    g = fmaf(g, t, WF_GELU_G4);
    g = fmaf(g, t, WF_GELU_G3);
    g = fmaf(g, t, WF_GELU_G2);
    g = fmaf(g, t, WF_GELU_G1);
    g = fmaf(g, t, WF_GELU_G0);
    float tail = wf_expf(-0.5f * y * y) * (t * g);
    float phi = x < 0.0f ? tail : 1.0f - tail;
    return x * phi;
}

/* x sigmoid(1.702 x): the GELU of CLIP. */
#define WF_QUICK_GELU 1.702f

static inline float wf_quick_geluf(float x)
{
    return x / (1.0f + wf_expf(-WF_QUICK_GELU * x));
}

/* 0.5 x (1 + tanh(u)) with u = sqrt(2 / pi) (x + 0.044715 x^3), which is x sigmoid(2 u): without
 * the cancellation of 1 + tanh. The constants: 2 sqrt(2 / pi), and that times 0.044715. */
#define WF_TANH_GELU_1 1.5957691216f
#define WF_TANH_GELU_3 0.0713548162726f

static inline float wf_tanh_geluf(float x)
{
    float twice = x * fmaf(WF_TANH_GELU_3, x * x, WF_TANH_GELU_1);
    return x / (1.0f + wf_expf(-twice));
}

/* x > 0 ? x : 0, NaN kept. */
static inline float wf_reluf(float x)
{
    return x < 0.0f ? 0.0f : x;
}

#endif
