/* SPDX-License-Identifier: Apache-2.0 */
/* One block of a vision transformer; the recipe is in block.h. */
#include "block.h"

#include <math.h>

int64_t vis_block_wide(int32_t d, int32_t d_ffn)
{
    return d_ffn > 3 * (int64_t)d ? d_ffn : 3 * (int64_t)d;
}

/* h = softmax(q k^T / sqrt(head_dim)) v, per head; q, k, v [n_rows, d] are parts of wide. */
static void attend(vis_run *r, const vis_block_rows *s, const weft_tensor *q, const weft_tensor *k,
                   const weft_tensor *v)
{
    weft_tensor q3 = vis_heads(q, s->n_heads), k3 = vis_heads(k, s->n_heads);
    weft_tensor v3 = vis_heads(v, s->n_heads), out = vis_heads(s->h, s->n_heads);
    const weft_attention a = {.hdr = WEFT_HDR(weft_attention),
                              .q = &q3,
                              .k = &k3,
                              .v = &v3,
                              .out = &out,
                              .q_begin = s->bounds,
                              .k_begin = s->bounds,
                              .row_k_begin = s->k_begin,
                              .row_k_end = s->k_end,
                              .scale = 1.0f / sqrtf((float)(s->d / s->n_heads)),
                              .n = s->n};
    vis_attention(r, &a);
}

void vis_block_run(vis_run *r, const vis_block *b, const vis_block_rows *s)
{
    weft_tensor q = vis_rows(s->wide, 0, s->n_rows, s->d);
    weft_tensor k = vis_rows(s->wide, s->n_rows, s->n_rows, s->d);
    weft_tensor v = vis_rows(s->wide, 2 * s->n_rows, s->n_rows, s->d);
    weft_tensor mid = vis_rows(s->wide, 0, s->n_rows, s->d_ffn);

    vis_layernorm(r, s->h, s->x, &b->norm1_w, &b->norm1_b, s->eps);
    vis_linear(r, &q, s->h, &b->w_q, &b->b_q, WEFT_ACT_NONE);
    vis_linear(r, &k, s->h, &b->w_k, &b->b_k, WEFT_ACT_NONE);
    vis_linear(r, &v, s->h, &b->w_v, &b->b_v, WEFT_ACT_NONE);
    attend(r, s, &q, &k, &v);
    vis_linear(r, &q, s->h, &b->w_o, &b->b_o, WEFT_ACT_NONE);
    vis_add(r, s->x, &q, b->gate_attn);

    vis_layernorm(r, s->h, s->x, &b->norm2_w, &b->norm2_b, s->eps);
    vis_linear(r, &mid, s->h, &b->fc1_w, &b->fc1_b, s->act);
    vis_linear(r, s->h, &mid, &b->fc2_w, &b->fc2_b, WEFT_ACT_NONE);
    vis_add(r, s->x, s->h, b->gate_ffn);
}
