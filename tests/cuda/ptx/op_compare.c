/* SPDX-License-Identifier: Apache-2.0 */
/* setp and selp. The bits of a comparison's code: 1 less, 2 equal, 4 greater, 8 one of them is a
 * NaN. */
#include <math.h>

#include "inside.h"

static int order(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (pt_types[i->type].kind == 'f') {
        double x, y;
        if (i->type == T_F32) {
            x = (double)pt_f32(a);
            y = (double)pt_f32(b);
            if (i->ftz) {
                x = fabs(x) < 0x1p-126 ? 0 : x;
                y = fabs(y) < 0x1p-126 ? 0 : y;
            }
        } else {
            x = i->type == T_F64 ? pt_f64(a) : pt_small_value(i->type, a);
            y = i->type == T_F64 ? pt_f64(b) : pt_small_value(i->type, b);
        }
        return isnan(x) || isnan(y) ? 8 : x < y ? 1 : x == y ? 2 : 4;
    }
    if (pt_types[i->type].kind == 's') {
        const int64_t x = pt_signed(a, i->bits), y = pt_signed(b, i->bits);
        return x < y ? 1 : x == y ? 2 : 4;
    }
    a &= i->mask;
    b &= i->mask;
    return a < b ? 1 : a == b ? 2 : 4;
}

static uint32_t combined(const pt_insn *i, uint32_t a, uint32_t b)
{
    return i->mode2 == 1 ? a & b : i->mode2 == 2 ? a | b : i->mode2 == 3 ? a ^ b : a;
}

/* setp d|q, a, b, p: q is the opposite comparison, each combined with p. */
static void h_setp(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    uint32_t        holds = 0, with = 0;
    PT_EACH(lanes, l)
    holds |= (uint32_t)((order(i, A[l], B[l]) & i->mode) != 0) << l;
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
