/* SPDX-License-Identifier: Apache-2.0 */
/* Bits: logic, shifts, fields, permutations, counts; and moves. */
#include "inside.h"

#define LOGIC(NAME, ARGS, EXPR)                                                                    \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes);                                                 \
        ARGS;                                                                                      \
        uint64_t *D = pt_out(w, i, lanes);                                                         \
        PT_ALL_OF(lanes, l, D[l] = (uint64_t)(EXPR)&i->mask;);                                     \
    }
#define B_ const uint64_t *B = pt_in(w, i, 2, lanes)
#define C_ B_, *C = pt_in(w, i, 3, lanes)
#define E_ C_, *E = pt_in(w, i, 4, lanes)

static uint64_t shift_right(const pt_insn *i, uint64_t a, uint64_t n)
{
    const bool sign = pt_types[i->type].kind == 's';
    n &= 0xffffffffu;
    if (n >= i->bits)
        return sign && pt_signed(a, i->bits) < 0 ? UINT64_MAX : 0;
    return sign ? (uint64_t)(pt_signed(a, i->bits) >> n) : (a & i->mask) >> n;
}

static uint64_t shift_left(const pt_insn *i, uint64_t a, uint64_t n)
{
    n &= 0xffffffffu;
    return n >= i->bits ? 0 : a << n;
}

/* mode: bit 0 right, bit 1 clamp. The 64 bits b:a. */
static uint64_t funnel(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t both = (b << 32) | (a & 0xffffffffu);
    const uint32_t by = (uint32_t)c, n = (i->mode & 2) != 0 ? (by > 32 ? 32 : by) : by & 31;
    if ((i->mode & 1) != 0)
        return n == 32 ? both >> 32 : both >> n;
    return n == 32 ? both & 0xffffffffu : both << n >> 32;
}

static uint64_t extract(const pt_insn *i, uint64_t a, uint64_t at, uint64_t len)
{
    const uint32_t pos = at & 0xff, n = len & 0xff;
    const bool     sign = pt_types[i->type].kind == 's';
    if (n == 0)
        return 0;
    const uint32_t last = pos + n - 1 < i->bits - 1u ? pos + n - 1 : i->bits - 1u;
    const uint64_t top = sign ? a >> last & 1 : 0;
    uint64_t       field = pos < i->bits ? a >> pos : top != 0 ? UINT64_MAX : 0;
    const uint32_t have = pos < i->bits ? last - pos + 1 : 0;
    if (have < 64)
        field = (field & ((1ull << have) - 1)) | (top != 0 ? UINT64_MAX << have : 0);
    return field;
}

static uint64_t insert(const pt_insn *i, uint64_t a, uint64_t b, uint64_t at, uint64_t len)
{
    const uint32_t pos = at & 0xff, n = len & 0xff;
    if (n == 0 || pos >= i->bits)
        return b;
    const uint64_t field = (n >= 64 ? UINT64_MAX : (1ull << n) - 1) << pos;
    return (b & ~field) | (a << pos & field);
}

static uint64_t bit_find(const pt_insn *i, uint64_t a)
{
    if (pt_types[i->type].kind == 's' && pt_signed(a, i->bits) < 0)
        a = ~a;
    a &= i->mask;
    return a == 0 ? 0xffffffffu : 63u - (uint32_t)__builtin_clzll(a);
}

static uint64_t reverse(const pt_insn *i, uint64_t a)
{
    uint64_t r = 0;
    for (uint32_t k = 0; k < i->bits; k++)
        r |= (a >> k & 1) << (i->bits - 1u - k);
    return r;
}

static uint64_t lop3(uint64_t a, uint64_t b, uint64_t c, uint64_t table)
{
    uint64_t r = 0;
    for (uint32_t k = 0; k < 8; k++)
        if (table >> k & 1)
            r |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
    return r;
}

/* Bytes of b:a that the selectors of c name; bit 3 of a selector spreads the byte's sign. */
static uint64_t permute(uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t both = (b << 32) | (a & 0xffffffffu);
    uint64_t       r = 0;
    for (uint32_t k = 0; k < 4; k++) {
        const uint64_t by = c >> (4 * k), byte = both >> (8 * (by & 7)) & 0xff;
        r |= ((by & 8) != 0 ? (byte & 0x80 ? 0xffull : 0) : byte) << (8 * k);
    }
    return r;
}

LOGIC(h_and, B_, A[l] & B[l])
LOGIC(h_or, B_, A[l] | B[l])
LOGIC(h_xor, B_, A[l] ^ B[l])
LOGIC(h_not, , ~A[l])
LOGIC(h_cnot, , (A[l] & i->mask) == 0)
LOGIC(h_shl, B_, shift_left(i, A[l], B[l]))
LOGIC(h_shr, B_, shift_right(i, A[l], B[l]))
LOGIC(h_shf, C_, funnel(i, A[l], B[l], C[l]))
LOGIC(h_bfe, C_, extract(i, A[l], B[l], C[l]))
LOGIC(h_bfi, E_, insert(i, A[l], B[l], C[l], E[l]))
LOGIC(h_bfind, , bit_find(i, A[l]) & 0xffffffffu)
LOGIC(h_popc, , (uint64_t)__builtin_popcountll(A[l] & i->mask))
LOGIC(h_clz, ,
      (A[l] & i->mask) == 0 ? i->bits : (uint32_t)__builtin_clzll(A[l] & i->mask) - (64u - i->bits))
LOGIC(h_brev, , reverse(i, A[l]))
LOGIC(h_lop3, E_, lop3(A[l], B[l], C[l], E[l]))
LOGIC(h_prmt, C_, permute(A[l], B[l], C[l]))

/* mov d, {a, b}: parts side by side; mov {a, b}, d: apart. */
static void pack(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint32_t bits = i->bits / (uint32_t)i->op[1].n;
    uint64_t       sum[PT_LANES] = {0};
    for (int j = 0; j < i->op[1].n; j++) {
        const uint64_t *A = pt_in_at(w, i, 1, j, lanes);
        PT_EACH(lanes, l)
        sum[l] |= (A[l] & ((1ull << bits) - 1)) << (bits * (uint32_t)j);
    }
    uint64_t *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = sum[l];
}

static void unpack(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint32_t bits = i->bits / (uint32_t)i->op[0].n;
    uint64_t       whole[PT_LANES];
    memcpy(whole, pt_in(w, i, 1, lanes), sizeof whole);
    for (int j = 0; j < i->op[0].n; j++) {
        uint64_t *D = pt_out_at(w, i, 0, j, lanes);
        PT_EACH(lanes, l)
        D[l] = whole[l] >> (bits * (uint32_t)j) & ((1ull << bits) - 1);
    }
}

static void h_mov(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    if (i->op[1].form == O_VEC) {
        pack(w, i, lanes);
        return;
    }
    if (i->op[0].form == O_VEC) {
        unpack(w, i, lanes);
        return;
    }
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_ALL_OF(lanes, l, D[l] = A[l] & i->mask;);
}

/* Generic addresses of global memory are its addresses; shared and local memory have windows. */
static void h_cvta(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    static const uint64_t window[] = {
        [S_SHARED] = PT_SHARED_WINDOW, [S_LOCAL] = PT_LOCAL_WINDOW, [S_PARAM] = 0};
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = i->mode != 0 ? A[l] - window[i->space] : A[l] + window[i->space];
}

/* Predicates */
static void h_pred(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint32_t a = pt_in_pred(w, i, i->op[1].reg[0], lanes);
    const uint32_t b = i->n_ops > 2 ? pt_in_pred(w, i, i->op[2].reg[0], lanes) : 0;
    const uint32_t by[] = {i->bool_not ? ~a : a, a & b, a | b, a ^ b, ~a};
    pt_out_pred(w, i->op[0].reg[0], lanes, by[i->mode]);
}

const pt_row pt_rows_logic[] = {
    {"mov", NULL, C_PRED, "", h_pred, F_NONE, 0},
    {"and", NULL, C_PRED, "", h_pred, F_NONE, 1},
    {"or", NULL, C_PRED, "", h_pred, F_NONE, 2},
    {"xor", NULL, C_PRED, "", h_pred, F_NONE, 3},
    {"not", NULL, C_PRED, "", h_pred, F_NONE, 4},
    {"mov", NULL, C_ANY, "", h_mov, F_NONE, 0},
    {"and", NULL, C_INT, "", h_and, F_NONE, 0},
    {"or", NULL, C_INT, "", h_or, F_NONE, 0},
    {"xor", NULL, C_INT, "", h_xor, F_NONE, 0},
    {"not", NULL, C_INT, "", h_not, F_NONE, 0},
    {"cnot", NULL, C_INT, "", h_cnot, F_NONE, 0},
    {"shl", NULL, C_INT, "", h_shl, F_NONE, 0},
    {"shr", NULL, C_INT, "", h_shr, F_NONE, 0},
    {"shf", "l", C_INT, "wrap", h_shf, F_NONE, 0},
    {"shf", "r", C_INT, "wrap", h_shf, F_NONE, 1},
    {"shf", "l", C_INT, "clamp", h_shf, F_NONE, 2},
    {"shf", "r", C_INT, "clamp", h_shf, F_NONE, 3},
    {"bfe", NULL, C_INT, "", h_bfe, F_NONE, 0},
    {"bfi", NULL, C_INT, "", h_bfi, F_NONE, 0},
    {"bfind", NULL, C_INT, "", h_bfind, F_NONE, 0},
    {"popc", NULL, C_INT, "", h_popc, F_NONE, 0},
    {"clz", NULL, C_INT, "", h_clz, F_NONE, 0},
    {"brev", NULL, C_INT, "", h_brev, F_NONE, 0},
    {"lop3", NULL, C_INT, "", h_lop3, F_NONE, 0},
    {"prmt", NULL, C_INT, "", h_prmt, F_NONE, 0},
    {"cvta", "to", C_INT, "global shared local const shared::cta param", h_cvta, F_NONE, 1},
    {"cvta", NULL, C_INT, "global shared local const shared::cta param", h_cvta, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
