/* SPDX-License-Identifier: Apache-2.0 */
/* f32 and f64. Where the PTX ISA allows an approximation, the result here is the host's, rounded to
 * nearest; what a GPU gives differs in the last bits. */
#include <float.h>
#include <math.h>

#include "inside.h"

static float flush(const pt_insn *i, float v)
{
    return i->ftz && fabsf(v) < FLT_MIN ? copysignf(0, v) : v;
}

static float in32(const pt_insn *i, uint64_t bits)
{
    return flush(i, pt_f32(bits));
}

static uint64_t out32(const pt_insn *i, float v)
{
    if (i->sat)
        v = v > 0 ? fminf(v, 1) : 0;
    return pt_bits32(flush(i, v));
}

#define F32_1(NAME, EXPR)                                                                          \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes);                                                 \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const float a = in32(i, A[l]);                                                         \
            D[l] = out32(i, EXPR);                                                                 \
        });                                                                                        \
    }
#define F32_2(NAME, NEAREST, EXACT)                                                                \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);                     \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const float a = in32(i, A[l]), b = in32(i, B[l]);                                      \
            D[l] = out32(i, i->round == R_NEAREST ? (NEAREST)                                      \
                                                  : pt_f32(pt_round32((EXACT), i->round)));        \
        });                                                                                        \
    }
#define F64_1(NAME, EXPR)                                                                          \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes);                                                 \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const double a = pt_f64(A[l]);                                                         \
            D[l] = pt_bits64(EXPR);                                                                \
        });                                                                                        \
    }
#define F64_2(NAME, EXPR)                                                                          \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);                     \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const double a = pt_f64(A[l]), b = pt_f64(B[l]);                                       \
            D[l] = pt_bits64(EXPR);                                                                \
        });                                                                                        \
    }

/* The lesser: of a number and a NaN the number, unless the instruction says NaN; -0 is less than 0.
 */
static double least(const pt_insn *i, double a, double b)
{
    if (isnan(a) || isnan(b))
        return i->nan ? NAN : isnan(a) ? b : a;
    return a < b || (a == b && signbit(a)) ? a : b;
}

static double most(const pt_insn *i, double a, double b)
{
    if (isnan(a) || isnan(b))
        return i->nan ? NAN : isnan(a) ? b : a;
    return a > b || (a == b && !signbit(a)) ? a : b;
}

F32_2(h_add, a + b, pt_add_odd((double)a, (double)b))
F32_2(h_sub, a - b, pt_add_odd((double)a, -(double)b))
F32_2(h_mul, a *b, (double)a *(double)b)
F32_2(h_div, a / b, (double)NAN)
F32_2(h_min, (float)least(i, (double)a, (double)b), 0)
F32_2(h_max, (float)most(i, (double)a, (double)b), 0)
F32_2(h_copysign, copysignf(b, a), 0)
F32_1(h_neg, -a)
F32_1(h_abs, fabsf(a))
F32_1(h_rcp, 1.0f / a)
F32_1(h_sqrt, sqrtf(a))
F32_1(h_rsqrt, (float)(1.0 / sqrt((double)a)))
F32_1(h_ex2, exp2f(a))
F32_1(h_lg2, log2f(a))
F32_1(h_sin, sinf(a))
F32_1(h_cos, cosf(a))
F32_1(h_tanh, tanhf(a))

static void h_fma(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    const uint64_t *C = pt_in(w, i, 3, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    {
        const float a = in32(i, A[l]), b = in32(i, B[l]), c = in32(i, C[l]);
        float       v = 0;
        if (i->round == R_NEAREST)
            v = fmaf(a, b, c);
        else
            v = pt_f32(pt_round32(pt_add_odd((double)a * (double)b, (double)c), i->round));
        D[l] = out32(i, v);
    }
}

F64_2(h_add64, a + b)
F64_2(h_sub64, a - b)
F64_2(h_mul64, a *b)
F64_2(h_div64, a / b)
F64_2(h_min64, least(i, a, b))
F64_2(h_max64, most(i, a, b))
F64_2(h_copysign64, copysign(b, a))
F64_1(h_neg64, -a)
F64_1(h_abs64, fabs(a))
F64_1(h_rcp64, 1.0 / a)
F64_1(h_sqrt64, sqrt(a))
F64_1(h_rsqrt64, 1.0 / sqrt(a))

static void h_fma64(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    const uint64_t *C = pt_in(w, i, 3, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = pt_bits64(fma(pt_f64(A[l]), pt_f64(B[l]), pt_f64(C[l])));
}

/* testp.infinite and its kin */
static void h_testp(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint32_t        holds = 0;
    PT_EACH(lanes, l)
    {
        const int  c = i->bits == 64 ? fpclassify(pt_f64(A[l])) : fpclassify(pt_f32(A[l]));
        const bool by[] = {c != FP_NAN && c != FP_INFINITE,
                           c == FP_INFINITE,
                           c != FP_NAN,
                           c == FP_NAN,
                           c == FP_NORMAL,
                           c == FP_SUBNORMAL};
        holds |= (uint32_t)by[i->mode] << l;
    }
    pt_out_pred(w, i->op[0].reg[0], lanes, holds);
}

const pt_row pt_rows_float[] = {
    {"add", NULL, C_F32, "rn rz rm rp ftz sat", h_add, F_NONE, 0},
    {"sub", NULL, C_F32, "rn rz rm rp ftz sat", h_sub, F_NONE, 0},
    {"mul", NULL, C_F32, "rn rz rm rp ftz sat", h_mul, F_NONE, 0},
    {"fma", NULL, C_F32, "rn rz rm rp ftz sat", h_fma, F_NONE, 0},
    {"mad", NULL, C_F32, "rn rz rm rp ftz sat", h_fma, F_NONE, 0},
    {"div", NULL, C_F32, "rn ftz approx full", h_div, F_NONE, 0},
    {"min", NULL, C_F32, "ftz NaN", h_min, F_NONE, 0},
    {"max", NULL, C_F32, "ftz NaN", h_max, F_NONE, 0},
    {"neg", NULL, C_F32, "ftz", h_neg, F_NONE, 0},
    {"abs", NULL, C_F32, "ftz", h_abs, F_NONE, 0},
    {"copysign", NULL, C_F32, "", h_copysign, F_NONE, 0},
    {"rcp", NULL, C_F32, "rn approx ftz", h_rcp, F_NONE, 0},
    {"sqrt", NULL, C_F32, "rn approx ftz", h_sqrt, F_NONE, 0},
    {"rsqrt", NULL, C_F32, "approx ftz", h_rsqrt, F_NONE, 0},
    {"ex2", NULL, C_F32, "approx ftz", h_ex2, F_NONE, 0},
    {"lg2", NULL, C_F32, "approx ftz", h_lg2, F_NONE, 0},
    {"sin", NULL, C_F32, "approx ftz", h_sin, F_NONE, 0},
    {"cos", NULL, C_F32, "approx ftz", h_cos, F_NONE, 0},
    {"tanh", NULL, C_F32, "approx", h_tanh, F_NONE, 0},
    {"add", NULL, C_F64, "rn", h_add64, F_NONE, 0},
    {"sub", NULL, C_F64, "rn", h_sub64, F_NONE, 0},
    {"mul", NULL, C_F64, "rn", h_mul64, F_NONE, 0},
    {"fma", NULL, C_F64, "rn", h_fma64, F_NONE, 0},
    {"mad", NULL, C_F64, "rn", h_fma64, F_NONE, 0},
    {"div", NULL, C_F64, "rn", h_div64, F_NONE, 0},
    {"min", NULL, C_F64, "", h_min64, F_NONE, 0},
    {"max", NULL, C_F64, "", h_max64, F_NONE, 0},
    {"neg", NULL, C_F64, "", h_neg64, F_NONE, 0},
    {"abs", NULL, C_F64, "", h_abs64, F_NONE, 0},
    {"copysign", NULL, C_F64, "", h_copysign64, F_NONE, 0},
    {"rcp", NULL, C_F64, "rn approx ftz", h_rcp64, F_NONE, 0},
    {"sqrt", NULL, C_F64, "rn", h_sqrt64, F_NONE, 0},
    {"rsqrt", NULL, C_F64, "approx ftz", h_rsqrt64, F_NONE, 0},
    {"testp", "finite", C_F32 | C_F64, "", h_testp, F_NONE, 0},
    {"testp", "infinite", C_F32 | C_F64, "", h_testp, F_NONE, 1},
    {"testp", "number", C_F32 | C_F64, "", h_testp, F_NONE, 2},
    {"testp", "notanumber", C_F32 | C_F64, "", h_testp, F_NONE, 3},
    {"testp", "normal", C_F32 | C_F64, "", h_testp, F_NONE, 4},
    {"testp", "subnormal", C_F32 | C_F64, "", h_testp, F_NONE, 5},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
