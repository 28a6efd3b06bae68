/* SPDX-License-Identifier: Apache-2.0 */
/* Whisper's encoder layers, which also some projectors are made of.
 * Source: transformers 4.49 modeling_whisper.py WhisperEncoderLayer.
 *
 *   x += W_o Attn(q, k, v) + b of LN x       scale head_dim^-1/2, every row sees all n_keys rows
 *   x += fc2(act(fc1(LN x)))
 * LN eps 1e-5. */
#include "whisper.h"

/* The buffers of a layer. */
typedef struct buffers {
    weft_tensor h, wide;            /* [n_rows, d], [n_rows, max(3 d, d_ffn)] */
    weft_tensor bounds_q, bounds_k; /* i32 [2] */
} buffers;

static buffers layout(const spk_whisper_config *c, int64_t n_rows, plg_arena *a)
{
    const int64_t wide = c->d_ffn > 3 * (int64_t)c->d ? c->d_ffn : 3 * (int64_t)c->d;
    buffers       b;
    b.h = plg_carve(a, WEFT_F32, n_rows, c->d);
    b.wide = plg_carve(a, WEFT_F32, n_rows, wide);
    b.bounds_q = plg_carve(a, WEFT_I32, 2, 0);
    b.bounds_k = plg_carve(a, WEFT_I32, 2, 0);
    return b;
}

static void attention(spk_whisper_run *r, const spk_whisper_config *c, const spk_whisper_tower *t,
                      const buffers *b, const spk_whisper_layer *w, const weft_tensor *x)
{
    const int64_t        n = t->n_rows, one = n * c->d;
    weft_tensor          q = plg_part(&b->wide, 0, n, c->d), key = plg_part(&b->wide, one, n, c->d);
    weft_tensor          v = plg_part(&b->wide, 2 * one, n, c->d);
    const weft_tensor    keys = plg_rows(&key, 0, t->n_keys, c->d);
    const weft_tensor    values = plg_rows(&v, 0, t->n_keys, c->d);
    const weft_attention how = {
        .hdr = WEFT_HDR(weft_attention), .q_begin = &b->bounds_q, .k_begin = &b->bounds_k, .n = 1};
    spk_whisper_norm(r, &b->h, x, &w->attn_norm);
    plg_linear(&r->on, &q, &b->h, &w->q, WEFT_ACT_NONE);
    plg_linear(&r->on, &key, &b->h, &w->k, WEFT_ACT_NONE);
    plg_linear(&r->on, &v, &b->h, &w->v, WEFT_ACT_NONE);
    plg_attend(&r->on, &b->h, &q, &keys, &values, c->n_heads, &how);
    plg_linear(&r->on, &q, &b->h, &w->out, WEFT_ACT_NONE);
    plg_add(&r->on, x, &q, 1.0f);
}

static void feed_forward(spk_whisper_run *r, const spk_whisper_config *c,
                         const spk_whisper_tower *t, const buffers *b, const spk_whisper_layer *w,
                         const weft_tensor *x)
{
    weft_tensor mid = plg_part(&b->wide, 0, t->n_rows, c->d_ffn);
    spk_whisper_norm(r, &b->h, x, &w->ffn_norm);
    plg_linear(&r->on, &mid, &b->h, &w->up, c->act);
    plg_linear(&r->on, &b->h, &mid, &w->down, WEFT_ACT_NONE);
    plg_add(&r->on, x, &b->h, 1.0f);
}

void spk_whisper_layers(spk_whisper_run *r, const spk_whisper_config *c, const spk_whisper_tower *t,
                        const weft_tensor *x, plg_arena *a)
{
    const int32_t q_bounds[2] = {0, (int32_t)t->n_rows}, k_bounds[2] = {0, (int32_t)t->n_keys};
    const buffers b = layout(c, t->n_rows, a);
    if (r == NULL)
        return;
    plg_upload(&r->on, &b.bounds_q, q_bounds);
    plg_upload(&r->on, &b.bounds_k, k_bounds);
    for (int32_t i = 0; i < t->n_layers; i++) {
        attention(r, c, t, &b, &t->layers[i], x);
        feed_forward(r, c, t, &b, &t->layers[i], x);
    }
}
