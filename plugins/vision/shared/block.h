/* SPDX-License-Identifier: Apache-2.0 */
/* One block of a vision transformer, the same for all picture encoders here:
 *
 *   x += gate_attn * Attn(LN1 x);  x += gate_ffn * FC2(act(FC1(LN2 x)))
 *
 * Attention is over heads of d / n_heads, scaled by 1 / sqrt of that. Source: transformers 4.49
 * models/mllama (no biases in attention) and models/idefics/vision.py (with biases). */
#ifndef VIS_BLOCK_H
#define VIS_BLOCK_H

#include "../../common/run.h"

/* The weights of a block. gate_attn and gate_ffn are the values that are multiplied with (tanh
 * already applied), and 1 in blocks without gates. */
typedef struct vis_block {
    plg_pair    norm1, q, k, v, o, norm2, fc1, fc2;
    weft_tensor stored_gate_attn, stored_gate_ffn;
    float       gate_attn, gate_ffn;
} vis_block;

/* Keys that alone are seen, of the one sequence that there is. */
typedef struct vis_block_seen {
    const weft_tensor *index;  /* i32 [n]: their rows */
    const weft_tensor *bounds; /* i32 [2]: 0, n */
    const weft_tensor *room;   /* scratch, [2 n, d] at least */
    int32_t            n, reserved;
} vis_block_seen;

/* Keys that repeat others, of the one sequence that there is: behind its n_rows rows stand, as keys
 * alone, copies of the last n of them, as often as n_keys has room for. */
typedef struct vis_block_repeat {
    const weft_tensor *bounds; /* i32 [2]: 0, n_keys */
    int64_t            n, n_keys;
} vis_block_repeat;

/* What a block works on: n_rows rows that form n independent sequences, with bounds [n + 1]. Each
 * row may also be limited to an interval of keys. */
typedef struct vis_block_rows {
    const weft_tensor      *x, *h;           /* [n_rows, d]: the hidden state; scratch */
    const weft_tensor      *wide;            /* scratch: n_rows (or n_keys) of vis_block_wide() */
    const weft_tensor      *bounds;          /* i32 [n + 1] */
    const weft_tensor      *k_begin, *k_end; /* i32 [n_rows]; both NULL: a row sees its sequence */
    const vis_block_seen   *seen;            /* NULL: every key is; n is then any, else 1 */
    const vis_block_repeat *repeat;          /* NULL: none; else n is 1 and seen NULL */
    int64_t                 n_rows;
    int32_t                 n, d, d_ffn, n_heads, act;
    float                   eps;
} vis_block_rows;

/* The columns that vis_block_rows.wide must have: it holds q, k and v, and later the inner rows of
 * the MLP. [any] */
int64_t vis_block_wide(int32_t d, int32_t d_ffn);

/* Enqueues one block over rows->x, in place. [encode] */
void vis_block_run(plg_run *r, const vis_block *b, const vis_block_rows *rows);

#endif
