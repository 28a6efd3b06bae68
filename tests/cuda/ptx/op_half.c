/* SPDX-License-Identifier: Apache-2.0 */
/* f16 and bf16, alone and in pairs: computed exactly, then rounded once. */
#include <math.h>

#include "inside.h"

enum { H_ADD, H_SUB, H_MUL, H_FMA, H_MIN, H_MAX, H_NEG, H_ABS, H_EX2, H_TANH };

/* A number and a NaN: the number, unless the instruction says NaN. */
static double pick(const pt_insn *i, double a, double b, bool least)
{
    if (isnan(a) || isnan(b))
        return i->nan ? NAN : isnan(a) ? b : a;
    if (a == b)
        return (signbit(a) != 0) == least ? a : b;
    return (a < b) == least ? a : b;
}

static double compute(const pt_insn *i, double a, double b, double c)
{
    switch (i->mode) {
    case H_ADD:
        return pt_add_odd(a, b);
    case H_SUB:
        return pt_add_odd(a, -b);
    case H_MUL:
        return a * b;
    case H_FMA:
        return pt_add_odd(a * b, c);
    case H_MIN:
    case H_MAX:
        return pick(i, a, b, i->mode == H_MIN);
    case H_EX2:
        return exp2(a);
    default:
        return tanh(a);
    }
}

static uint64_t one(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    const pt_type t = i->klass == C_F16 || i->klass == C_F16X2 ? T_F16 : T_BF16;
    if (i->mode == H_NEG)
        return a ^ 0x8000;
    if (i->mode == H_ABS)
        return a & 0x7fff;
    double v = compute(i, pt_small_value(t, a), pt_small_value(t, b), pt_small_value(t, c));
    if (i->sat)
        v = v > 0 ? fmin(v, 1) : 0;
    if (i->relu && v < 0)
        v = 0;
    return pt_small_bits(t, v, R_NEAREST, false);
}

static void h_half(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    const uint64_t *B = i->n_ops > 2 ? pt_in(w, i, 2, lanes) : A;
    const uint64_t *C = i->n_ops > 3 ? pt_in(w, i, 3, lanes) : A;
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    {
        uint64_t d = one(i, A[l] & 0xffff, B[l] & 0xffff, C[l] & 0xffff);
        if (i->bits == 32)
            d |= one(i, A[l] >> 16, B[l] >> 16, C[l] >> 16) << 16;
        D[l] = d;
    }
}

#define HALVES (C_F16 | C_F16X2 | C_BF16 | C_BF16X2)
const pt_row pt_rows_half[] = {
    {"add", NULL, HALVES, "rn sat", h_half, F_NONE, H_ADD},
    {"sub", NULL, HALVES, "rn sat", h_half, F_NONE, H_SUB},
    {"mul", NULL, HALVES, "rn sat", h_half, F_NONE, H_MUL},
    {"fma", NULL, HALVES, "rn sat relu", h_half, F_NONE, H_FMA},
    {"min", NULL, HALVES, "NaN", h_half, F_NONE, H_MIN},
    {"max", NULL, HALVES, "NaN", h_half, F_NONE, H_MAX},
    {"neg", NULL, HALVES, "", h_half, F_NONE, H_NEG},
    {"abs", NULL, HALVES, "", h_half, F_NONE, H_ABS},
    {"ex2", NULL, HALVES, "approx ftz", h_half, F_NONE, H_EX2},
    {"tanh", NULL, HALVES, "approx", h_half, F_NONE, H_TANH},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
