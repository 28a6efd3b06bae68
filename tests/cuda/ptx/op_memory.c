/* SPDX-License-Identifier: Apache-2.0 */
/* ld and st. */
#include "op_memory.h"

void pt_addresses(pt_warp *w, const pt_insn *i, int o, uint32_t lanes, uint64_t at[PT_LANES])
{
    const pt_operand *a = &i->op[o];
    const bool        narrow = i->space == S_SHARED || i->space == S_LOCAL;
    const uint64_t   *base = a->reg[0] >= 0 ? pt_in(w, i, o, lanes) : NULL;
    PT_EACH(lanes, l)
    {
        at[l] = (base != NULL ? base[l] : 0) + (uint64_t)a->offset;
        if (narrow)
            at[l] &= 0xffffffffu;
    }
}

/* Counts a warp's access, which is of the space that its first lane's address means. */
void pt_count(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at, uint32_t bytes)
{
    uint64_t       first = at[__builtin_ctz(lanes)];
    const pt_space space = pt_resolve((pt_space)i->space, &first);
    if (space == S_GLOBAL)
        pt_count_global(w, i, lanes, at, bytes);
    else if (space == S_SHARED)
        pt_count_shared(w, i, lanes, at, bytes);
}

static void load(pt_warp *w, const pt_insn *i, uint32_t lane, const uint8_t *from, int n)
{
    for (int j = 0; j < n; j++) {
        uint64_t v = 0;
        if (from != NULL && i->bytes == 4) /* what nearly all of them are */
            memcpy(&v, from + j * 4, 4);
        else if (from != NULL)
            memcpy(&v, from + j * i->bytes, i->bytes);
        if (pt_types[i->type].kind == 's')
            v = (uint64_t)pt_signed(v, i->bits);
        const int32_t reg = i->op[0].reg[j];
        if (reg >= 0)
            w->r[reg][lane] = v & i->out;
    }
}

static void h_ld(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint64_t  at[PT_LANES];
    const int n = i->op[0].n;
    pt_addresses(w, i, 1, lanes, at);
    pt_count(w, i, lanes, at, i->bytes * (uint32_t)n);
    PT_EACH(lanes, l)
    {
        load(w, i, l,
             pt_touch(w, i, l, (pt_space)i->space, at[l], i->bytes * (uint32_t)n,
                      i->volatile_ ? A_ATOMIC : A_READ),
             n);
    }
    for (int j = 0; j < n; j++)
        if (i->op[0].reg[j] >= 0)
            w->defined[i->op[0].reg[j]] |= lanes;
}

static void h_st(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint64_t        at[PT_LANES];
    const uint64_t *from[8];
    const int       n = i->op[1].n;
    pt_addresses(w, i, 0, lanes, at);
    pt_count(w, i, lanes, at, i->bytes * (uint32_t)n);
    for (int j = 0; j < n; j++)
        from[j] = pt_in_at(w, i, 1, j, lanes);
    PT_EACH(lanes, l)
    {
        uint8_t *to = pt_touch(w, i, l, (pt_space)i->space, at[l], i->bytes * (uint32_t)n,
                               i->volatile_ ? A_ATOMIC : A_WRITE);
        for (int j = 0; j < n && to != NULL; j++)
            memcpy(to + j * i->bytes, &from[j][l], i->bytes);
    }
}

static void h_isspacep(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint32_t        holds = 0;
    PT_EACH(lanes, l)
    {
        uint64_t at = A[l];
        holds |= (uint32_t)(pt_resolve(S_GENERIC, &at) == i->space) << l;
    }
    pt_out_pred(w, i->op[0].reg[0], lanes, holds);
}

#define WHERE "global shared shared::cta local const param volatile v2 v4"
const pt_row pt_rows_memory[] = {
    {"ld", NULL, C_ANY & ~C_PRED, WHERE, h_ld, F_NONE, 0},
    {"ldu", NULL, C_ANY & ~C_PRED, WHERE, h_ld, F_NONE, 0},
    {"st", NULL, C_ANY & ~C_PRED, WHERE, h_st, F_NONE, 0},
    {"isspacep", NULL, C_NONE, "global shared shared::cta local", h_isspacep, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
