/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of a warp: shuffles, votes, matches, reductions, warp barriers, and ldmatrix. The
 * lanes that run one are those that its mask names; exec.c has seen to it that they all came. */
#include "op_memory.h"

enum { SHFL_IDX, SHFL_UP, SHFL_DOWN, SHFL_BFLY };

/* The lane that lane l takes from; *in: it lies in l's segment, else l keeps its own. */
static uint32_t source(int mode, uint32_t l, uint32_t b, uint32_t c, bool *in)
{
    const uint32_t clamp = c & 31, segment = c >> 8 & 31;
    const uint32_t most = (l & segment) | (clamp & ~segment), least = l & segment;
    uint32_t       j = 0;
    b &= 31;
    switch (mode) {
    case SHFL_UP:
        j = l - b;
        *in = (int32_t)j >= (int32_t)most;
        break;
    case SHFL_DOWN:
        j = l + b;
        *in = j <= most;
        break;
    case SHFL_BFLY:
        j = l ^ b;
        *in = j <= most;
        break;
    default:
        j = least | (b & ~segment);
        *in = j <= most;
    }
    return *in ? j & 31 : l;
}

static void h_shfl(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    const uint64_t *C = pt_in(w, i, 3, lanes);
    uint64_t        v[PT_LANES];
    uint32_t        inside = 0;
    PT_EACH(lanes, l)
    {
        bool           in = false;
        const uint32_t j = source(i->mode, l, (uint32_t)B[l], (uint32_t)C[l], &in);
        inside |= (uint32_t)in << l;
        if ((lanes >> j & 1) == 0)
            pt_report(w, i, l, PTX_MASK, "a shuffle takes from a lane that does not take part", j);
        v[l] = A[j];
    }
    uint64_t *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = v[l] & 0xffffffffu;
    if (i->op[0].n == 2)
        pt_out_pred(w, i->op[0].reg[1], lanes, inside);
}

enum { VOTE_BALLOT, VOTE_ANY, VOTE_ALL, VOTE_UNI };

static void h_vote(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint32_t p = pt_in_pred(w, i, i->op[1].reg[0], lanes);
    p = (i->bool_not ? ~p : p) & lanes;
    if (i->mode == VOTE_BALLOT) {
        uint64_t *D = pt_out(w, i, lanes);
        PT_EACH(lanes, l)
        D[l] = p;
        return;
    }
    const bool by[] = {false, p != 0, p == lanes, p == 0 || p == lanes};
    pt_out_pred(w, i->op[0].reg[0], lanes, by[i->mode] ? PT_ALL : 0);
}

static void h_match(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    uint64_t        v[PT_LANES] = {0};
    PT_EACH(lanes, l)
    for (uint32_t j = 0; j < PT_LANES; j++)
        v[l] |= (uint64_t)((lanes >> j & 1) != 0 && ((A[j] ^ A[l]) & i->mask) == 0) << j;
    const bool all = v[__builtin_ctz(lanes)] == lanes;
    uint64_t  *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = i->mode == 0 ? v[l] : all ? lanes : 0;
    if (i->op[0].n == 2)
        pt_out_pred(w, i->op[0].reg[1], lanes, all ? PT_ALL : 0);
}

enum { REDUX_ADD, REDUX_MIN, REDUX_MAX, REDUX_AND, REDUX_OR, REDUX_XOR };

static uint32_t reduce(const pt_insn *i, uint32_t a, uint32_t b)
{
    const bool sign = i->type == T_S32;
    const bool less = sign ? (int32_t)b < (int32_t)a : b < a;
    switch (i->mode) {
    case REDUX_ADD:
        return a + b;
    case REDUX_MIN:
        return less ? b : a;
    case REDUX_MAX:
        return less ? a : b;
    case REDUX_AND:
        return a & b;
    case REDUX_OR:
        return a | b;
    default:
        return a ^ b;
    }
}

static void h_redux(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes);
    const uint32_t  first = (uint32_t)__builtin_ctz(lanes);
    uint32_t        v = (uint32_t)A[first];
    PT_EACH(lanes & ~(1u << first), l)
    v = reduce(i, v, (uint32_t)A[l]);
    uint64_t *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = v;
}

static void h_activemask(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint64_t *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = lanes;
}

static void h_syncwarp(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    (void)i;
    pt_met(w, lanes);
}

/* One 8x8 matrix of 16-bit elements, its rows at the addresses of 8 lanes; lane l gets elements
 * 2(l%4) and 2(l%4)+1 of row l/4, or of that column when it is transposed. */
static void matrix(pt_warp *w, const pt_insn *i, const uint64_t *row, int j)
{
    uint64_t d[PT_LANES];
    for (uint32_t l = 0; l < PT_LANES; l++) {
        const uint32_t g = l / 4, c = l % 4 * 2;
        d[l] = 0;
        if (i->mode == 0) {
            const uint8_t *p = pt_touch(w, i, l, S_SHARED, row[g] + c * 2, 4, A_READ);
            if (p != NULL)
                memcpy(&d[l], p, 4);
            continue;
        }
        for (uint32_t e = 0; e < 2; e++) {
            const uint8_t *p = pt_touch(w, i, l, S_SHARED, row[c + e] + g * 2, 2, A_READ);
            if (p != NULL)
                memcpy((uint8_t *)&d[l] + 2 * e, p, 2);
        }
    }
    memcpy(pt_out_at(w, i, 0, j, PT_ALL), d, sizeof d);
}

static void h_ldmatrix(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint64_t  at[PT_LANES];
    const int n = i->op[0].n;
    pt_addresses(w, i, 1, n == 4 ? lanes : (1u << (8 * n)) - 1, at);
    for (int j = 0; j < n; j++)
        pt_count_shared(w, i, 0xffu << (8 * j), at, 16);
    for (int k = 0; k < 8 * n; k++) {
        if (at[k] % 16 != 0) {
            pt_report(w, i, (uint32_t)k, PTX_MISALIGNED,
                      "a row of ldmatrix is not at a multiple of 16", at[k]);
            at[k] &= ~15ull;
        }
    }
    for (int j = 0; j < n; j++)
        matrix(w, i, at + 8 * j, j);
}

const pt_row pt_rows_warp[] = {
    {"shfl", "idx", C_INT, "", h_shfl, F_MASKED, SHFL_IDX},
    {"shfl", "up", C_INT, "", h_shfl, F_MASKED, SHFL_UP},
    {"shfl", "down", C_INT, "", h_shfl, F_MASKED, SHFL_DOWN},
    {"shfl", "bfly", C_INT, "", h_shfl, F_MASKED, SHFL_BFLY},
    {"vote", "ballot", C_INT, "", h_vote, F_MASKED, VOTE_BALLOT},
    {"vote", "any", C_PRED, "", h_vote, F_MASKED, VOTE_ANY},
    {"vote", "all", C_PRED, "", h_vote, F_MASKED, VOTE_ALL},
    {"vote", "uni", C_PRED, "", h_vote, F_MASKED, VOTE_UNI},
    {"match", "any", C_INT, "", h_match, F_MASKED, 0},
    {"match", "all", C_INT, "", h_match, F_MASKED, 1},
    {"redux", "add", C_INT, "", h_redux, F_MASKED, REDUX_ADD},
    {"redux", "min", C_INT, "", h_redux, F_MASKED, REDUX_MIN},
    {"redux", "max", C_INT, "", h_redux, F_MASKED, REDUX_MAX},
    {"redux", "and", C_INT, "", h_redux, F_MASKED, REDUX_AND},
    {"redux", "or", C_INT, "", h_redux, F_MASKED, REDUX_OR},
    {"redux", "xor", C_INT, "", h_redux, F_MASKED, REDUX_XOR},
    {"activemask", NULL, C_INT, "", h_activemask, F_NONE, 0},
    {"bar", "warp", C_NONE, "", h_syncwarp, F_MASKED, 0},
    {"ldmatrix", "trans", C_INT, "m8n8 x1 x2 x4 shared shared::cta", h_ldmatrix, F_WARP, 1},
    {"ldmatrix", NULL, C_INT, "m8n8 x1 x2 x4 shared shared::cta", h_ldmatrix, F_WARP, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
