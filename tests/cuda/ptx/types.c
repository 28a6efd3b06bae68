/* SPDX-License-Identifier: Apache-2.0 */
/* Types by name, and the small floating-point formats. */
#include <math.h>

#include "inside.h"

const pt_type_info pt_types[T_COUNT] = {
    [T_NONE] = {"", 0, 0, 0},
    [T_PRED] = {"pred", 1, C_PRED & 0xff, 'p'},
    [T_B8] = {"b8", 8, C_INT, 'b'},
    [T_B16] = {"b16", 16, C_INT, 'b'},
    [T_B32] = {"b32", 32, C_INT, 'b'},
    [T_B64] = {"b64", 64, C_INT, 'b'},
    [T_U8] = {"u8", 8, C_INT, 'u'},
    [T_U16] = {"u16", 16, C_INT, 'u'},
    [T_U32] = {"u32", 32, C_INT, 'u'},
    [T_U64] = {"u64", 64, C_INT, 'u'},
    [T_S8] = {"s8", 8, C_INT, 's'},
    [T_S16] = {"s16", 16, C_INT, 's'},
    [T_S32] = {"s32", 32, C_INT, 's'},
    [T_S64] = {"s64", 64, C_INT, 's'},
    [T_F16] = {"f16", 16, C_F16, 'f'},
    [T_F16X2] = {"f16x2", 32, C_F16X2, 'f'},
    [T_BF16] = {"bf16", 16, C_BF16, 'f'},
    [T_BF16X2] = {"bf16x2", 32, C_BF16X2, 'f'},
    [T_F32] = {"f32", 32, C_F32, 'f'},
    [T_TF32] = {"tf32", 32, C_F32, 'f'},
    [T_F64] = {"f64", 64, C_F64, 'f'},
    [T_E4M3] = {"e4m3", 8, C_F16, 'f'},
    [T_E5M2] = {"e5m2", 8, C_F16, 'f'},
    [T_E4M3X2] = {"e4m3x2", 16, C_F16X2, 'f'},
    [T_E5M2X2] = {"e5m2x2", 16, C_F16X2, 'f'},
};

pt_type pt_type_named(const char *s, size_t n)
{
    for (int t = 1; t < T_COUNT; t++)
        if (strlen(pt_types[t].name) == n && memcmp(pt_types[t].name, s, n) == 0)
            return (pt_type)t;
    return T_NONE;
}

/* A format of one sign bit: bits of the exponent and of the fraction, and whether it has
 * infinities. e4m3 has none: its all-ones code is NaN and the codes below it are numbers. */
typedef struct format {
    int  exponent, fraction;
    bool infinite;
} format;

static format format_of(pt_type t)
{
    switch (t) {
    case T_F16:
    case T_F16X2:
        return (format){5, 10, true};
    case T_E4M3:
    case T_E4M3X2:
        return (format){4, 3, false};
    case T_E5M2:
    case T_E5M2X2:
        return (format){5, 2, true};
    case T_TF32:
        return (format){8, 10, true};
    default:
        return (format){8, 7, true};
    }
}

/* f16 by the exponent of f32: 2^112 lies between the two biases. */
static double half_value(uint64_t bits)
{
    const float v = pt_f32((bits & 0x7fff) << 13) * 0x1p112f;
    if ((bits & 0x7c00) == 0x7c00)
        return (bits & 0x3ff) != 0 ? NAN : (bits & 0x8000) != 0 ? -INFINITY : INFINITY;
    return (bits & 0x8000) != 0 ? -(double)v : (double)v;
}

double pt_small_value(pt_type t, uint64_t bits)
{
    if (t == T_BF16 || t == T_BF16X2)
        return pt_f32(bits << 16);
    if (t == T_F16 || t == T_F16X2)
        return half_value(bits);
    if (t == T_TF32)
        return pt_f32(bits & 0xffffe000u);
    const format   f = format_of(t);
    const uint64_t fraction = bits & ((1u << f.fraction) - 1);
    const int      top = (1 << f.exponent) - 1, bias = top / 2;
    const int      exponent = (int)(bits >> f.fraction) & top;
    double         v = ldexp((double)fraction, 1 - bias - f.fraction);
    if (exponent == top && (f.infinite || fraction == (1u << f.fraction) - 1))
        v = fraction == 0 ? INFINITY : NAN;
    else if (exponent > 0)
        v = ldexp((double)(fraction + (1u << f.fraction)), exponent - bias - f.fraction);
    return bits >> (f.exponent + f.fraction) & 1 ? -v : v;
}

/* |v| as a whole number of units, rounded. */
static double to_units(double units, bool negative, pt_round round)
{
    const double low = floor(units), rest = units - low;
    bool         up = false;
    if (round == R_NEAREST)
        up = rest > 0.5 || (rest == 0.5 && fmod(low, 2) == 1);
    else if (round == R_UP || round == R_DOWN)
        up = rest > 0 && (round == R_UP) != negative;
    return low + up;
}

uint64_t pt_small_bits(pt_type t, double v, pt_round round, bool finite)
{
    const format   f = format_of(t);
    const int      top = (1 << f.exponent) - 1, bias = top / 2;
    const uint64_t sign = (uint64_t)(signbit(v) != 0) << (f.exponent + f.fraction);
    const uint64_t most = f.infinite ? ((uint64_t)top << f.fraction) - 1
                                     : ((uint64_t)top << f.fraction) + (1u << f.fraction) - 2;
    int            e = 0;
    uint64_t       code;
    if (isnan(v)) /* the quiet NaN with all its bits set */
        return ((uint64_t)top << f.fraction) | ((1u << f.fraction) - 1);
    if (isinf(v))
        return sign | (finite || !f.infinite ? most : (uint64_t)top << f.fraction);
    frexp(v, &e);
    e = v == 0 || e - 1 < 1 - bias ? 1 - bias : e - 1;
    const double units = to_units(ldexp(fabs(v), f.fraction - e), signbit(v) != 0, round);
    if (e + bias > 2 * top)
        code = most + 1;
    else /* a carry out of the fraction goes into the exponent by itself */
        code = ((uint64_t)(e + bias - 1) << f.fraction) + (uint64_t)units;
    if (code > most) {
        const bool keeps = finite || !f.infinite || round == R_ZERO ||
                           (round == R_UP && sign != 0) || (round == R_DOWN && sign == 0);
        code = keeps ? most : most + 1;
    }
    return t == T_TF32 ? (sign | code) << 13 : sign | code;
}

double pt_add_odd(double a, double b)
{
    const double s = a + b, bb = s - a, error = (a - (s - bb)) + (b - bb);
    uint64_t     u;
    if (error == 0 || !isfinite(s) || isnan(error))
        return s;
    memcpy(&u, &s, 8);
    if ((u & 1) == 0)
        u += (error > 0) == (s > 0) ? 1 : (uint64_t)-1;
    double odd;
    memcpy(&odd, &u, 8);
    return odd;
}

uint64_t pt_round32(double v, pt_round round)
{
    float f = (float)v; /* to nearest */
    if (isnan(v) || isinf(v) || round == R_NEAREST || (double)f == v)
        return pt_bits32(f);
    const bool over = (double)f > v;
    if ((round == R_ZERO && over == (v > 0)) || (round == R_DOWN && over) ||
        (round == R_UP && !over))
        f = nextafterf(f, over ? -INFINITY : INFINITY);
    return pt_bits32(f);
}
