/* SPDX-License-Identifier: Apache-2.0 */
/* One block of a vision transformer, as all encoders of this folder have it:
 *
 *   x += gate_attn * Attn(LN1 x);  x += gate_ffn * FC2(act(FC1(LN2 x)))
 *
 * Attention is over heads of d / n_heads, scaled by 1 / sqrt of that. Source: transformers 4.49
 * models/mllama (no biases in attention) and models/idefics/vision.py (with biases). */
#ifndef VIS_BLOCK_H
#define VIS_BLOCK_H

#include "../../common/run.h"

/* gates are as multiplied, 1 in ungated blocks. */
typedef struct vis_block {
    plg_pair    norm1, q, k, v, o, norm2, fc1, fc2;
    weft_tensor stored_gate_attn, stored_gate_ffn;
    float       gate_attn, gate_ffn;
} vis_block;

/* What a block works on: n_rows rows, in `n` sequences with bounds [n + 1]; rows may be held to
 * an interval of keys each. */
typedef struct vis_block_rows {
    const weft_tensor *x, *h;           /* [n_rows, d]: the stream, and room that is lent */
    const weft_tensor *wide;            /* room of n_rows rows of vis_block_wide() columns */
    const weft_tensor *bounds;          /* i32 [n + 1] */
    const weft_tensor *k_begin, *k_end; /* i32 [n_rows], or both NULL: all of its sequence */
    int64_t            n_rows;
    int32_t            n, d, d_ffn, n_heads, act;
    float              eps;
} vis_block_rows;

/* Columns of what a block needs in between: q, k and v, or the inner rows of its MLP. */
int64_t vis_block_wide(int32_t d, int32_t d_ffn);

/* Enqueues one block over rows->x, in place. [encode] */
void vis_block_run(plg_run *r, const vis_block *b, const vis_block_rows *rows);

#endif
