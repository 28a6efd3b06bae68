/* SPDX-License-Identifier: Apache-2.0 */
/* The Whisper encoder on one chunk. Source: transformers 4.49 modeling_whisper.py WhisperEncoder.
 *
 *   y  = GELU(conv1 x)                kernel 3, stride 1, 1 zero on both sides
 *   x  = GELU(conv2 y) + positions    kernel 3, stride 2, 1 zero on both sides
 *   x  = the layers of whisper_layers.c
 *   x  = LN x
 * GELU is the exact form; LN eps 1e-5. */
#include "whisper.h"

/* A convolution of kernel 3, and its GELU. */
static void convolve(spk_whisper_run *r, const weft_tensor *y, const weft_tensor *x,
                     const plg_pair *w, int32_t stride)
{
    plg_run *on = &r->on;
    plg_conv_rows(on, y, x, w, stride, 1);
    if (on->status == WEFT_OK)
        on->status = on->ops->activate(on->host, on->q, y, y, WEFT_ACT_GELU, on->err);
}

/* Lays the chunk's frames out with those of zeros behind them, and makes rows of them. */
static void make_rows(spk_whisper_run *r, const spk_whisper_config *c, const spk_whisper_weights *w,
                      const spk_whisper_chunk *k, const weft_tensor *frames, const weft_tensor *x,
                      plg_arena *a)
{
    weft_tensor in = plg_carve(a, WEFT_F32, k->n_frames, c->bins);
    weft_tensor mid = plg_carve(a, WEFT_F32, k->n_frames, c->d);
    if (r == NULL)
        return;
    weft_tensor sound = plg_rows(&in, 0, k->n, c->bins);
    weft_tensor after = plg_rows(&in, k->n, k->n_frames - k->n, c->bins);
    weft_tensor positions = plg_rows(&w->positions, 0, k->n_rows, c->d);
    plg_copy(&r->on, &sound, frames);
    spk_whisper_clear(r, &after);
    convolve(r, &mid, &in, &w->conv1, 1);
    convolve(r, x, &mid, &w->conv2, 2);
    plg_add(&r->on, x, &positions, 1.0f);
}

void spk_whisper_encode(spk_whisper_run *r, const spk_whisper_config *c,
                        const spk_whisper_weights *w, const spk_whisper_chunk *k,
                        const weft_tensor *frames, const weft_tensor *x, plg_arena *a)
{
    const uint64_t          mark = a->used; /* the layers reuse the frames' buffers */
    const spk_whisper_tower tower = {w->layers, c->n_layers, 0, k->n_rows, k->n_keys};
    make_rows(r, c, w, k, frames, x, a);
    a->used = mark;
    spk_whisper_layers(r, c, &tower, x, a);
    if (r != NULL)
        spk_whisper_norm(r, x, x, &w->norm);
}
