/* SPDX-License-Identifier: Apache-2.0 */
/* The Whisper encoder on one chunk. Source: transformers 4.49 modeling_whisper.py WhisperEncoder.
 *
 *   y  = GELU(conv1 x)                kernel 3, stride 1, 1 zero on both sides
 *   x  = GELU(conv2 y) + positions    kernel 3, stride 2, 1 zero on both sides
 *   layer: x += W_o Attn(q, k, v) + b of LN x; scale head_dim^-1/2, every row sees all n_keys rows
 *          x += fc2(GELU(fc1(LN x)))
 *   x  = LN x
 * GELU is the exact form; LN eps 1e-5. */
#include "stages.h"

/* Runs the two convolutions. The frames, and then the rows that conv1 makes, are laid out with a
 * row of zeros before and after them. */
static void convolve(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                     const weft_tensor *frames, const weft_tensor *x, plg_arena *a)
{
    const int64_t d = c->encoder.d, bins = c->encoder.bins, n = k->n_frames;
    weft_tensor   in = plg_carve(a, WEFT_F32, n + 2, bins);
    weft_tensor   mid = plg_carve(a, WEFT_F32, n + 2, d);
    weft_tensor   seen1 = plg_carve(a, WEFT_F32, n, 3 * bins);
    weft_tensor   seen2 = plg_carve(a, WEFT_F32, k->n_rows, 3 * d);
    if (r == NULL)
        return;
    weft_tensor before = plg_rows(&in, 0, 1, bins), sound = plg_rows(&in, 1, k->n, bins);
    weft_tensor after = plg_rows(&in, 1 + k->n, n + 1 - k->n, bins);
    vox_clear(r, &before);
    plg_copy(&r->on, &sound, frames);
    vox_clear(r, &after);
    vox_windows(r, &seen1, &in, 1);
    weft_tensor first = plg_rows(&mid, 0, 1, d), rows = plg_rows(&mid, 1, n, d);
    weft_tensor last = plg_rows(&mid, n + 1, 1, d);
    weft_tensor positions = plg_rows(&w->positions, 0, k->n_rows, d);
    vox_clear(r, &first);
    plg_linear(&r->on, &rows, &seen1, &w->conv1, WEFT_ACT_GELU);
    vox_clear(r, &last);
    vox_windows(r, &seen2, &mid, 2);
    plg_linear(&r->on, x, &seen2, &w->conv2, WEFT_ACT_GELU);
    plg_add(&r->on, x, &positions, 1.0f);
}

/* The buffers of a layer. */
typedef struct buffers {
    weft_tensor h, wide;            /* [n_rows, d], [n_rows, max(3 d, d_ffn)] */
    weft_tensor bounds_q, bounds_k; /* i32 [2] */
} buffers;

static buffers layout(const vox_encoder_config *c, const vox_chunk *k, plg_arena *a)
{
    const int64_t wide = c->d_ffn > 3 * (int64_t)c->d ? c->d_ffn : 3 * (int64_t)c->d;
    buffers       b;
    b.h = plg_carve(a, WEFT_F32, k->n_rows, c->d);
    b.wide = plg_carve(a, WEFT_F32, k->n_rows, wide);
    b.bounds_q = plg_carve(a, WEFT_I32, 2, 0);
    b.bounds_k = plg_carve(a, WEFT_I32, 2, 0);
    return b;
}

static void attention(vox_run *r, const vox_encoder_config *c, const vox_chunk *k, const buffers *b,
                      const vox_layer *w, const weft_tensor *x)
{
    const int64_t        n = k->n_rows, one = n * c->d;
    weft_tensor          q = plg_part(&b->wide, 0, n, c->d), key = plg_part(&b->wide, one, n, c->d);
    weft_tensor          v = plg_part(&b->wide, 2 * one, n, c->d);
    const weft_tensor    keys = plg_rows(&key, 0, k->n_keys, c->d);
    const weft_tensor    values = plg_rows(&v, 0, k->n_keys, c->d);
    const weft_attention how = {
        .hdr = WEFT_HDR(weft_attention), .q_begin = &b->bounds_q, .k_begin = &b->bounds_k, .n = 1};
    vox_norm_rows(r, &b->h, x, &w->attn_norm);
    plg_linear(&r->on, &q, &b->h, &w->q, WEFT_ACT_NONE);
    plg_linear(&r->on, &key, &b->h, &w->k, WEFT_ACT_NONE);
    plg_linear(&r->on, &v, &b->h, &w->v, WEFT_ACT_NONE);
    plg_attend(&r->on, &b->h, &q, &keys, &values, c->n_heads, &how);
    plg_linear(&r->on, &q, &b->h, &w->out, WEFT_ACT_NONE);
    plg_add(&r->on, x, &q, 1.0f);
}

static void feed_forward(vox_run *r, const vox_encoder_config *c, const vox_chunk *k,
                         const buffers *b, const vox_layer *w, const weft_tensor *x)
{
    weft_tensor mid = plg_part(&b->wide, 0, k->n_rows, c->d_ffn);
    vox_norm_rows(r, &b->h, x, &w->ffn_norm);
    plg_linear(&r->on, &mid, &b->h, &w->up, c->act);
    plg_linear(&r->on, &b->h, &mid, &w->down, WEFT_ACT_NONE);
    plg_add(&r->on, x, &b->h, 1.0f);
}

void vox_whisper(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *frames, const weft_tensor *x, plg_arena *a)
{
    const uint64_t mark = a->used; /* from here on the layers reuse the convolutions' buffers */
    const int32_t  q_bounds[2] = {0, (int32_t)k->n_rows}, k_bounds[2] = {0, (int32_t)k->n_keys};
    convolve(r, c, w, k, frames, x, a);
    a->used = mark;
    const buffers b = layout(&c->encoder, k, a);
    if (r == NULL)
        return;
    plg_upload(&r->on, &b.bounds_q, q_bounds);
    plg_upload(&r->on, &b.bounds_k, k_bounds);
    for (int32_t i = 0; i < c->encoder.n_layers; i++) {
        attention(r, &c->encoder, k, &b, &w->layers[i], x);
        feed_forward(r, &c->encoder, k, &b, &w->layers[i], x);
    }
    vox_norm_rows(r, x, x, &w->norm);
}
