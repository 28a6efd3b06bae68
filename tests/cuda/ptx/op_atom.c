/* SPDX-License-Identifier: Apache-2.0 */
/* atom and red: the lanes one after the other, from one that the seed chooses. */
#include <math.h>

#include "op_memory.h"

enum { M_ADD, M_MIN, M_MAX, M_AND, M_OR, M_XOR, M_EXCH, M_CAS, M_INC, M_DEC };

static uint64_t add(const pt_insn *i, uint64_t old, uint64_t b)
{
    if (i->type == T_F32)
        return pt_bits32(pt_f32(old) + pt_f32(b));
    if (i->type == T_F64)
        return pt_bits64(pt_f64(old) + pt_f64(b));
    if (i->type == T_F16X2 || i->type == T_BF16X2 || i->type == T_F16 || i->type == T_BF16) {
        uint64_t sum = 0;
        for (uint32_t at = 0; at < i->bits; at += 16) {
            const double v = pt_add_odd(pt_small_value(i->type, old >> at & 0xffff),
                                        pt_small_value(i->type, b >> at & 0xffff));
            sum |= pt_small_bits(i->type, v, R_NEAREST, false) << at;
        }
        return sum;
    }
    return old + b;
}

static bool less(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (pt_types[i->type].kind == 's')
        return pt_signed(a, i->bits) < pt_signed(b, i->bits);
    return a < b;
}

static uint64_t combine(const pt_insn *i, uint64_t old, uint64_t b, uint64_t c)
{
    switch (i->mode) {
    case M_ADD:
        return add(i, old, b);
    case M_MIN:
        return less(i, b, old) ? b : old;
    case M_MAX:
        return less(i, old, b) ? b : old;
    case M_AND:
        return old & b;
    case M_OR:
        return old | b;
    case M_XOR:
        return old ^ b;
    case M_EXCH:
        return b;
    case M_CAS:
        return old == b ? c : old;
    case M_INC:
        return old >= b ? 0 : old + 1;
    default:
        return old == 0 || old > b ? b : old - 1;
    }
}

static void h_atom(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const int       d = i->op[0].form == O_ADDR ? 0 : 1; /* red gives nothing back */
    uint64_t        at[PT_LANES], old[PT_LANES] = {0};
    const uint64_t *B = pt_in(w, i, d + 1, lanes);
    const uint64_t *C = i->n_ops > d + 2 ? pt_in(w, i, d + 2, lanes) : B;
    const uint32_t  first = (uint32_t)(pt_random(w->run) % PT_LANES);
    pt_addresses(w, i, d, lanes, at);
    pt_count(w, i, lanes, at, i->bytes);
    for (uint32_t k = 0; k < PT_LANES; k++) {
        const uint32_t l = (k + first) % PT_LANES;
        if ((lanes >> l & 1) == 0)
            continue;
        uint8_t *p = pt_touch(w, i, l, (pt_space)i->space, at[l], i->bytes, A_ATOMIC);
        if (p == NULL)
            continue;
        memcpy(&old[l], p, i->bytes);
        const uint64_t now = combine(i, old[l], B[l] & i->mask, C[l] & i->mask);
        memcpy(p, &now, i->bytes);
    }
    if (d == 0)
        return;
    uint64_t *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = old[l];
}

#define WHERE "global shared shared::cta"
#define ROWS(OP)                                                                                   \
    {OP, "add", C_ANY & ~C_PRED, WHERE " rn", h_atom, F_NONE, M_ADD},                              \
        {OP, "min", C_INT, WHERE, h_atom, F_NONE, M_MIN},                                          \
        {OP, "max", C_INT, WHERE, h_atom, F_NONE, M_MAX},                                          \
        {OP, "and", C_INT, WHERE, h_atom, F_NONE, M_AND},                                          \
        {OP, "or", C_INT, WHERE, h_atom, F_NONE, M_OR},                                            \
        {OP, "xor", C_INT, WHERE, h_atom, F_NONE, M_XOR},                                          \
        {OP, "exch", C_INT, WHERE, h_atom, F_NONE, M_EXCH},                                        \
        {OP, "cas", C_INT, WHERE, h_atom, F_NONE, M_CAS},                                          \
        {OP, "inc", C_INT, WHERE, h_atom, F_NONE, M_INC},                                          \
    {                                                                                              \
        OP, "dec", C_INT, WHERE, h_atom, F_NONE, M_DEC                                             \
    }
const pt_row pt_rows_atom[] = {
    ROWS("atom"),
    ROWS("red"),
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
