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

#include <math.h>

/* Frames, then conv1's rows, each with a row of zeros before and after. */
static void convolve(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                     const weft_tensor *frames, const weft_tensor *x, vox_arena *a)
{
    const int64_t d = c->encoder.d, bins = c->encoder.bins, n = k->n_frames;
    weft_tensor   in = vox_carve(a, WEFT_F32, n + 2, bins);
    weft_tensor   mid = vox_carve(a, WEFT_F32, n + 2, d);
    weft_tensor   seen1 = vox_carve(a, WEFT_F32, n, 3 * bins);
    weft_tensor   seen2 = vox_carve(a, WEFT_F32, k->n_rows, 3 * d);
    if (r == NULL)
        return;
    weft_tensor before = vox_rows(&in, 0, 1), sound = vox_rows(&in, 1, k->n);
    weft_tensor after = vox_rows(&in, 1 + k->n, n + 1 - k->n);
    vox_clear(r, &before);
    vox_copy(r, &sound, frames);
    vox_clear(r, &after);
    vox_windows(r, &seen1, &in, 1);
    weft_tensor first = vox_rows(&mid, 0, 1), rows = vox_rows(&mid, 1, n);
    weft_tensor last = vox_rows(&mid, n + 1, 1), positions = vox_rows(&w->positions, 0, k->n_rows);
    vox_clear(r, &first);
    vox_linear(r, &rows, &seen1, &w->conv1, WEFT_ACT_GELU);
    vox_clear(r, &last);
    vox_windows(r, &seen2, &mid, 2);
    vox_linear(r, x, &seen2, &w->conv2, WEFT_ACT_GELU);
    vox_add(r, x, &positions);
}

/* Buffers of a layer. */
typedef struct buffers {
    weft_tensor h, wide;            /* [n_rows, d], [n_rows, max(3 d, d_ffn)] */
    weft_tensor bounds_q, bounds_k; /* i32 [2] */
} buffers;

static buffers layout(const vox_encoder_config *c, const vox_chunk *k, vox_arena *a)
{
    const int64_t wide = c->d_ffn > 3 * (int64_t)c->d ? c->d_ffn : 3 * (int64_t)c->d;
    buffers       b;
    b.h = vox_carve(a, WEFT_F32, k->n_rows, c->d);
    b.wide = vox_carve(a, WEFT_F32, k->n_rows, wide);
    b.bounds_q = vox_carve(a, WEFT_I32, 2, 0);
    b.bounds_k = vox_carve(a, WEFT_I32, 2, 0);
    return b;
}

static weft_tensor heads_of(const weft_tensor *t, int64_t rows, int32_t n_heads)
{
    const int64_t shape[3] = {rows, n_heads, t->shape[1] / n_heads};
    return weft_view(t, t->data, WEFT_F32, 3, shape);
}

static void attend(vox_run *r, const vox_encoder_config *c, const vox_chunk *k, const buffers *b,
                   const weft_tensor *q, const weft_tensor *key, const weft_tensor *v)
{
    weft_tensor q3 = heads_of(q, k->n_rows, c->n_heads);
    weft_tensor o3 = heads_of(&b->h, k->n_rows, c->n_heads);
    weft_tensor k3 = heads_of(key, k->n_keys, c->n_heads), v3 = heads_of(v, k->n_keys, c->n_heads);
    const weft_attention at = {.hdr = WEFT_HDR(weft_attention),
                               .q = &q3,
                               .k = &k3,
                               .v = &v3,
                               .out = &o3,
                               .q_begin = &b->bounds_q,
                               .k_begin = &b->bounds_k,
                               .scale = 1.0f / sqrtf((float)(c->d / c->n_heads)),
                               .n = 1};
    if (r->status == WEFT_OK)
        r->status = r->m->ops->attention(r->m->host, r->q, &at, r->err);
}

static void attention(vox_run *r, const vox_encoder_config *c, const vox_chunk *k, const buffers *b,
                      const vox_layer *w, const weft_tensor *x)
{
    const int64_t n = k->n_rows, one = n * c->d;
    weft_tensor   q = vox_part(&b->wide, 0, n, c->d), key = vox_part(&b->wide, one, n, c->d);
    weft_tensor   v = vox_part(&b->wide, 2 * one, n, c->d);
    vox_norm_rows(r, &b->h, x, &w->attn_norm);
    vox_linear(r, &q, &b->h, &w->q, WEFT_ACT_NONE);
    vox_linear(r, &key, &b->h, &w->k, WEFT_ACT_NONE);
    vox_linear(r, &v, &b->h, &w->v, WEFT_ACT_NONE);
    attend(r, c, k, b, &q, &key, &v);
    vox_linear(r, &q, &b->h, &w->out, WEFT_ACT_NONE);
    vox_add(r, x, &q);
}

static void feed_forward(vox_run *r, const vox_encoder_config *c, const vox_chunk *k,
                         const buffers *b, const vox_layer *w, const weft_tensor *x)
{
    weft_tensor mid = vox_part(&b->wide, 0, k->n_rows, c->d_ffn);
    vox_norm_rows(r, &b->h, x, &w->ffn_norm);
    vox_linear(r, &mid, &b->h, &w->up, c->act);
    vox_linear(r, &b->h, &mid, &w->down, WEFT_ACT_NONE);
    vox_add(r, x, &b->h);
}

void vox_whisper(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *frames, const weft_tensor *x, vox_arena *a)
{
    const uint64_t mark = a->used; /* the convolutions' buffers become the layers' */
    const int32_t  q_bounds[2] = {0, (int32_t)k->n_rows}, k_bounds[2] = {0, (int32_t)k->n_keys};
    convolve(r, c, w, k, frames, x, a);
    a->used = mark;
    const buffers b = layout(&c->encoder, k, a);
    if (r == NULL)
        return;
    vox_upload(r, &b.bounds_q, q_bounds, sizeof q_bounds);
    vox_upload(r, &b.bounds_k, k_bounds, sizeof k_bounds);
    for (int32_t i = 0; i < c->encoder.n_layers; i++) {
        attention(r, &c->encoder, k, &b, &w->layers[i], x);
        feed_forward(r, &c->encoder, k, &b, &w->layers[i], x);
    }
    vox_norm_rows(r, x, x, &w->norm);
}
