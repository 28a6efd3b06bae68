/* SPDX-License-Identifier: Apache-2.0 */
/* cvt: i->type is what comes in, i->type2 what goes out. */
#include <float.h>
#include <math.h>

#include "inside.h"

static bool is_float(uint8_t t)
{
    return pt_types[t].kind == 'f';
}

static double value_of(uint8_t t, uint64_t bits)
{
    return t == T_F32 ? (double)pt_f32(bits) : t == T_F64 ? pt_f64(bits) : pt_small_value(t, bits);
}

static double whole(double v, pt_round round)
{
    switch (round) {
    case R_ZERO:
        return trunc(v);
    case R_DOWN:
        return floor(v);
    case R_UP:
        return ceil(v);
    default:
        return nearbyint(v);
    }
}

/* To an integer: out of range is the nearest that there is, NaN is 0, of 64 bits the sign alone. */
static uint64_t to_int(const pt_insn *i, double v)
{
    const uint32_t bits = pt_types[i->type2].bits;
    const bool     sign = pt_types[i->type2].kind == 's';
    const double   top = ldexp(1, (int)bits - (sign ? 1 : 0)), bottom = sign ? -top : 0;
    if (isnan(v))
        return bits == 64 ? 1ull << 63 : 0;
    v = whole(v, i->round);
    if (v >= top)
        return sign ? (1ull << (bits - 1)) - 1 : UINT64_MAX >> (64 - bits);
    if (v <= bottom)
        return sign ? (uint64_t)0 - (1ull << (bits - 1)) : 0;
    return sign ? (uint64_t)(int64_t)v : (uint64_t)v;
}

static uint64_t float_out(const pt_insn *i, uint8_t t, double v)
{
    if (i->sat && t != T_E4M3 && t != T_E5M2 && t != T_E4M3X2 && t != T_E5M2X2)
        v = v > 0 ? fmin(v, 1) : 0;
    if (i->relu && v < 0)
        v = 0;
    if (i->ftz && (t == T_F32 || i->type == T_F32) && fabs(v) < (double)FLT_MIN)
        v = copysign(0, v);
    return t == T_F64   ? pt_bits64(v)
           : t == T_F32 ? pt_round32(v, i->round)
                        : pt_small_bits(t, v, i->round, i->sat);
}

static uint64_t from_int(const pt_insn *i, uint64_t a)
{
    const bool    sign = pt_types[i->type].kind == 's';
    const int64_t s = pt_signed(a, i->bits);
    a &= i->mask;
    if (i->type2 == T_F32 && i->round == R_NEAREST)
        return pt_bits32(sign ? (float)s : (float)a);
    const double v = sign ? (double)s : (double)a;
    return float_out(i, i->type2, v);
}

static uint64_t int_to_int(const pt_insn *i, uint64_t a)
{
    const uint32_t bits = pt_types[i->type2].bits;
    const bool     from = pt_types[i->type].kind == 's', to = pt_types[i->type2].kind == 's';
    __int128       v = from ? (__int128)pt_signed(a, i->bits) : (__int128)(a & i->mask);
    if (i->sat) {
        const __int128 top = ((__int128)1 << (bits - (to ? 1 : 0))) - 1, bottom = to ? -top - 1 : 0;
        v = v > top ? top : v < bottom ? bottom : v;
    }
    const uint64_t cut = (uint64_t)v & (UINT64_MAX >> (64 - bits));
    return to ? (uint64_t)pt_signed(cut, bits) : cut;
}

static uint64_t convert(const pt_insn *i, uint64_t a)
{
    if (!is_float(i->type))
        return is_float(i->type2) ? from_int(i, a) : int_to_int(i, a);
    const double v = value_of(i->type, a);
    if (!is_float(i->type2))
        return to_int(i, i->ftz && fabs(v) < (double)FLT_MIN ? 0 : v);
    return float_out(i, i->type2, i->to_int ? whole(v, i->round) : v);
}

static void h_cvt(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = convert(i, A[l]) & i->out;
}

/* d = {a, b}, a above: each rounded to half the width of d. */
static void h_pair(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    const uint32_t  half = pt_types[i->type2].bits / 2u;
    PT_EACH(lanes, l)
    {
        const uint64_t high = float_out(i, i->type2, value_of(i->type, A[l]));
        D[l] = high << half | float_out(i, i->type2, value_of(i->type, B[l]));
    }
}

/* Both halves of a: between f16x2 and the pairs of 8 bits. */
static void h_halves(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    const uint32_t  from = i->bits / 2u, to = pt_types[i->type2].bits / 2u;
    PT_EACH(lanes, l)
    {
        const uint64_t low = A[l] & ((1ull << from) - 1),
                       high = A[l] >> from & ((1ull << from) - 1);
        D[l] = float_out(i, i->type2, value_of(i->type, high)) << to |
               float_out(i, i->type2, value_of(i->type, low));
    }
}

#define ROUNDS "rn rz rm rp rni rzi rmi rpi ftz sat relu satfinite"
const pt_row pt_rows_cvt[] = {
    {"cvt", "f16x2", C_F32, ROUNDS, h_pair, F_NONE, 0},
    {"cvt", "bf16x2", C_F32, ROUNDS, h_pair, F_NONE, 0},
    {"cvt", "e4m3x2", C_F32, ROUNDS, h_pair, F_NONE, 0},
    {"cvt", "e5m2x2", C_F32, ROUNDS, h_pair, F_NONE, 0},
    {"cvt", NULL, C_F16X2, ROUNDS, h_halves, F_NONE, 0},
    {"cvt", NULL, C_INT | C_F32 | C_F64 | C_F16 | C_BF16, ROUNDS, h_cvt, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
