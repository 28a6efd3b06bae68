/* SPDX-License-Identifier: Apache-2.0 */
/* mma.sync: D[16,8] = A[16,k] B[k,8] + C. Lane l holds, with g = l/4 and t = l%4, in register j of
 * A the row g + 8(j%2) from column (j/2) 4e + te, e elements to a register; of B the column g from
 * row 4ej + te; of C and D the row g and g + 8 in columns 2t and 2t + 1 (PTX ISA 9.0, 9.7.14). Sums
 * are taken in f64, or exactly for integers; the hardware's order and rounding inside one
 * instruction are not documented. */
#include "inside.h"

/* Element e of a register. */
static double element(pt_type t, uint64_t v, uint32_t e)
{
    switch (t) {
    case T_S8:
        return (double)(int8_t)(v >> (8 * e));
    case T_U8:
        return (double)(uint8_t)(v >> (8 * e));
    case T_TF32:
        return pt_small_value(T_TF32, v);
    case T_E4M3:
    case T_E5M2:
        return pt_small_value(t, v >> (8 * e) & 0xff);
    default:
        return pt_small_value(t, v >> (16 * e) & 0xffff);
    }
}

typedef struct tiles {
    double a[16][32], b[32][8], c[16][8];
} tiles;

static void gather_ab(pt_warp *w, const pt_insn *i, tiles *x)
{
    const pt_type  t = (pt_type)i->type2;
    const uint32_t each = 32u / pt_types[t].bits;
    for (int j = 0; j < i->op[1].n; j++) {
        const uint64_t *A = pt_in_at(w, i, 1, j, PT_ALL);
        for (uint32_t l = 0; l < PT_LANES; l++)
            for (uint32_t e = 0; e < each; e++)
                x->a[l / 4 + (uint32_t)(j & 1) * 8]
                    [(uint32_t)(j >> 1) * 4 * each + l % 4 * each + e] = element(t, A[l], e);
    }
    for (int j = 0; j < i->op[2].n; j++) {
        const uint64_t *B = pt_in_at(w, i, 2, j, PT_ALL);
        for (uint32_t l = 0; l < PT_LANES; l++)
            for (uint32_t e = 0; e < each; e++)
                x->b[(uint32_t)j * 4 * each + l % 4 * each + e][l / 4] = element(t, B[l], e);
    }
}

static void gather_c(pt_warp *w, const pt_insn *i, tiles *x)
{
    for (int j = 0; j < 4; j++) {
        const uint64_t *C = pt_in_at(w, i, 3, j, PT_ALL);
        for (uint32_t l = 0; l < PT_LANES; l++)
            x->c[l / 4 + (uint32_t)(j >> 1) * 8][l % 4 * 2 + (uint32_t)(j & 1)] =
                i->type == T_S32 ? (double)(int32_t)C[l] : (double)pt_f32(C[l]);
    }
}

static void multiply(tiles *x, int k)
{
    for (int r = 0; r < 16; r++)
        for (int q = 0; q < k; q++)
            for (int n = 0; n < 8; n++)
                x->c[r][n] += x->a[r][q] * x->b[q][n];
}

static void h_mma(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    tiles x;
    (void)lanes;
    gather_ab(w, i, &x);
    gather_c(w, i, &x);
    multiply(&x, i->mode);
    w->run->report->counts.mma++;
    for (int j = 0; j < 4; j++) {
        uint64_t *D = pt_out_at(w, i, 0, j, PT_ALL);
        for (uint32_t l = 0; l < PT_LANES; l++) {
            const double v = x.c[l / 4 + (uint32_t)(j >> 1) * 8][l % 4 * 2 + (uint32_t)(j & 1)];
            D[l] = i->type == T_S32 ? (uint32_t)(int64_t)v : pt_bits32((float)v);
        }
    }
}

#define SHAPE(NAME, K)                                                                             \
    {                                                                                              \
        "mma", NAME, C_F32 | C_INT, "row col", h_mma, F_WARP, K                                    \
    }
const pt_row pt_rows_mma[] = {
    SHAPE("m16n8k4", 4),
    SHAPE("m16n8k8", 8),
    SHAPE("m16n8k16", 16),
    SHAPE("m16n8k32", 32),
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
