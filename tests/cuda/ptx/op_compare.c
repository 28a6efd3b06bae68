/* SPDX-License-Identifier: Apache-2.0 */
/* setp and selp. The bits of a comparison's code: 1 less, 2 equal, 4 greater, 8 one of them is a
 * NaN. */
#include <math.h>

#include "inside.h"

static int order_of(bool less, bool equal)
{
    return less ? 1 : equal ? 2 : 4;
}

static double number(const pt_insn *i, uint64_t v)
{
    if (i->type != T_F32)
        return i->type == T_F64 ? pt_f64(v) : pt_small_value(i->type, v);
    const double x = (double)pt_f32(v);
    return i->ftz && fabs(x) < 0x1p-126 ? 0 : x;
}

static int order(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (pt_types[i->type].kind == 'f') {
        const double x = number(i, a), y = number(i, b);
        return isnan(x) || isnan(y) ? 8 : order_of(x < y, x == y);
    }
    if (pt_types[i->type].kind == 's') {
        const int64_t x = pt_signed(a, i->bits), y = pt_signed(b, i->bits);
        return order_of(x < y, x == y);
    }
    a &= i->mask;
    b &= i->mask;
    return order_of(a < b, a == b);
}

#define COMPARE(BITS)                                                                              \
    for (uint32_t l = 0; l < PT_LANES; l++) {                                                      \
        const int##BITS##_t x = (int##BITS##_t)(A[l] ^ flip), y = (int##BITS##_t)(B[l] ^ flip);    \
        holds |= (uint32_t)((order_of(x < y, x == y) & i->mode) != 0) << l;                        \
    }

/* Integers of 32 and 64 bits, which nearly all comparisons are of: the top bit turned over makes
 * unsigned ones signed. */
static uint32_t compare_ints(const pt_insn *i, const uint64_t *A, const uint64_t *B)
{
    const uint64_t flip = pt_types[i->type].kind == 's' ? 0 : 1ull << (i->bits - 1);
    uint32_t       holds = 0;
    if (i->bits == 32)
        COMPARE(32)
    else
        COMPARE(64)
    return holds;
}

static uint32_t compare(const pt_insn *i, const uint64_t *A, const uint64_t *B, uint32_t lanes)
{
    uint32_t holds = 0;
    if (i->klass == C_INT && i->bits >= 32)
        return compare_ints(i, A, B) & lanes;
    PT_EACH(lanes, l)
    holds |= (uint32_t)((order(i, A[l], B[l]) & i->mode) != 0) << l;
    return holds;
}

static uint32_t combined(const pt_insn *i, uint32_t a, uint32_t b)
{
    return i->mode2 == 1 ? a & b : i->mode2 == 2 ? a | b : i->mode2 == 3 ? a ^ b : a;
}

/* setp d|q, a, b, p: q is the opposite comparison, each combined with p. */
static void h_setp(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    const uint32_t  holds = compare(i, A, B, lanes);
    uint32_t        with = 0;
    if (i->n_ops > 3) {
        with = pt_in_pred(w, i, i->op[3].reg[0], lanes);
        with = i->bool_not ? ~with : with;
    }
    pt_out_pred(w, i->op[0].reg[0], lanes, combined(i, holds, with));
    if (i->op[0].n == 2)
        pt_out_pred(w, i->op[0].reg[1], lanes, combined(i, ~holds, with));
}

static void h_set(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    const uint64_t  yes = i->type2 == T_F32 ? pt_bits32(1) : 0xffffffffu;
    PT_EACH(lanes, l)
    D[l] = (order(i, A[l], B[l]) & i->mode) != 0 ? yes : 0;
}

static void h_selp(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint32_t  p = pt_in_pred(w, i, i->op[3].reg[0], lanes), take = i->bool_not ? ~p : p;
    const uint64_t *A = pt_in(w, i, 1, lanes & take), *B = pt_in(w, i, 2, lanes & ~take);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = (take >> l & 1 ? A[l] : B[l]) & i->mask;
}

/* slct d, a, b, c: a where c >= 0 */
static void h_slct(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    const uint64_t *C = pt_in(w, i, 3, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    {
        const bool first = i->type == T_F32 ? pt_f32(C[l]) >= 0 : (int32_t)C[l] >= 0;
        D[l] = first ? A[l] : B[l];
    }
}

#define KINDS "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan and or xor ftz"
const pt_row pt_rows_compare[] = {
    {"setp", NULL, C_INT | C_F32 | C_F64 | C_F16 | C_BF16, KINDS, h_setp, F_NONE, 0},
    {"set", NULL, C_INT | C_F32, "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu ftz", h_set,
     F_NONE, 0},
    {"selp", NULL, C_ANY & ~C_PRED, "", h_selp, F_NONE, 0},
    {"slct", NULL, C_INT | C_F32, "ftz", h_slct, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
