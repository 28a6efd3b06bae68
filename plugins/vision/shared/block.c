/* SPDX-License-Identifier: Apache-2.0 */
/* One block of a vision transformer; the recipe is in block.h. */
#include "block.h"

int64_t vis_block_wide(int32_t d, int32_t d_ffn)
{
    return d_ffn > 3 * (int64_t)d ? d_ffn : 3 * (int64_t)d;
}

/* Attention where some keys alone are seen: their k and v are put side by side. */
static void attend_seen(plg_run *r, const vis_block_rows *s, const weft_tensor *q,
                        const weft_tensor *k, const weft_tensor *v)
{
    const vis_block_seen *w = s->seen;
    weft_tensor           some_k = plg_rows(w->room, 0, w->n, s->d);
    weft_tensor           some_v = plg_rows(w->room, w->n, w->n, s->d);
    const weft_attention  how = {
         .hdr = WEFT_HDR(weft_attention), .q_begin = s->bounds, .k_begin = w->bounds, .n = 1};
    plg_gather(r, &some_k, k, w->index);
    plg_gather(r, &some_v, v, w->index);
    plg_attend(r, s->h, q, &some_k, &some_v, s->n_heads, &how);
}

/* Copies the last rows of k or v, which begin at row `from` of wide, to the keys behind them. */
static void repeat_rows(plg_run *r, const vis_block_rows *s, int64_t from)
{
    const vis_block_repeat *w = s->repeat;
    weft_tensor             last = plg_rows(s->wide, from + s->n_rows - w->n, w->n, s->d);
    for (int64_t i = s->n_rows; i + w->n <= w->n_keys; i += w->n) {
        weft_tensor copy = plg_rows(s->wide, from + i, w->n, s->d);
        plg_copy(r, &copy, &last);
    }
}

static void attend_repeated(plg_run *r, const vis_block_rows *s, const weft_tensor *q)
{
    const int64_t        n_keys = s->repeat->n_keys;
    weft_tensor          k = plg_rows(s->wide, s->n_rows, n_keys, s->d);
    weft_tensor          v = plg_rows(s->wide, s->n_rows + n_keys, n_keys, s->d);
    const weft_attention how = {.hdr = WEFT_HDR(weft_attention),
                                .q_begin = s->bounds,
                                .k_begin = s->repeat->bounds,
                                .row_k_begin = s->k_begin,
                                .row_k_end = s->k_end,
                                .n = 1};
    repeat_rows(r, s, s->n_rows);
    repeat_rows(r, s, s->n_rows + n_keys);
    plg_attend(r, s->h, q, &k, &v, s->n_heads, &how);
}

void vis_block_run(plg_run *r, const vis_block *b, const vis_block_rows *s)
{
    const int64_t        n_keys = s->repeat != NULL ? s->repeat->n_keys : s->n_rows;
    weft_tensor          q = plg_rows(s->wide, 0, s->n_rows, s->d);
    weft_tensor          k = plg_rows(s->wide, s->n_rows, s->n_rows, s->d);
    weft_tensor          v = plg_rows(s->wide, s->n_rows + n_keys, s->n_rows, s->d);
    weft_tensor          mid = plg_rows(s->wide, 0, s->n_rows, s->d_ffn);
    const weft_attention how = {.hdr = WEFT_HDR(weft_attention),
                                .q_begin = s->bounds,
                                .k_begin = s->bounds,
                                .row_k_begin = s->k_begin,
                                .row_k_end = s->k_end,
                                .n = s->n};

    plg_layernorm(r, s->h, s->x, &b->norm1, s->eps);
    plg_linear(r, &q, s->h, &b->q, WEFT_ACT_NONE);
    plg_linear(r, &k, s->h, &b->k, WEFT_ACT_NONE);
    plg_linear(r, &v, s->h, &b->v, WEFT_ACT_NONE);
    if (s->seen != NULL)
        attend_seen(r, s, &q, &k, &v);
    else if (s->repeat != NULL)
        attend_repeated(r, s, &q);
    else
        plg_attend(r, s->h, &q, &k, &v, s->n_heads, &how);
    plg_linear(r, &q, s->h, &b->o, WEFT_ACT_NONE);
    plg_add(r, s->x, &q, b->gate_attn);

    plg_layernorm(r, s->h, s->x, &b->norm2, s->eps);
    plg_linear(r, &mid, s->h, &b->fc1, s->act);
    plg_linear(r, s->h, &mid, &b->fc2, WEFT_ACT_NONE);
    plg_add(r, s->x, s->h, b->gate_ffn);
}
