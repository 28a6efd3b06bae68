/* SPDX-License-Identifier: Apache-2.0 */
/* The Whisper encoder on one chunk. Source: transformers 4.49 modeling_whisper.py WhisperEncoder.
 *
 *   y  = GELU(conv1 x)                kernel 3, stride 1, 1 zero on both sides
 *   x  = GELU(conv2 y) + positions    kernel 3, stride 2, 1 zero on both sides
 *   x  = the layers of whisper_layers.c
 *   x  = LN x
 * GELU is the exact form; LN eps 1e-5. */
#include "whisper.h"

/* Gathers what a convolution of kernel 3 reads, so that a linear layer can do the rest: row i of y
 * [rows, d * 3] holds the three rows of x [n, d] from row i * stride on, in the order of the
 * weight's columns (channel, then place). */
static void windows(spk_whisper_run *r, const weft_tensor *y, const weft_tensor *x, int64_t stride)
{
    const int64_t d = x->shape[1], shape[3] = {y->shape[0], d, 3};
    weft_tensor   to = weft_view(y, y->data, WEFT_F32, 3, shape), from = to;
    from.data = x->data;
    from.bytes = x->bytes;
    from.stride[0] = stride * d;
    from.stride[1] = 1;
    from.stride[2] = d;
    plg_copy(&r->on, &to, &from);
}

/* Runs the two convolutions. The frames, and then the rows that conv1 makes, are laid out with a
 * row of zeros before and after them. */
static void convolve(spk_whisper_run *r, const spk_whisper_config *c, const spk_whisper_weights *w,
                     const spk_whisper_chunk *k, const weft_tensor *frames, const weft_tensor *x,
                     plg_arena *a)
{
    const int64_t d = c->d, bins = c->bins, n = k->n_frames;
    weft_tensor   in = plg_carve(a, WEFT_F32, n + 2, bins);
    weft_tensor   mid = plg_carve(a, WEFT_F32, n + 2, d);
    weft_tensor   seen1 = plg_carve(a, WEFT_F32, n, 3 * bins);
    weft_tensor   seen2 = plg_carve(a, WEFT_F32, k->n_rows, 3 * d);
    if (r == NULL)
        return;
    weft_tensor before = plg_rows(&in, 0, 1, bins), sound = plg_rows(&in, 1, k->n, bins);
    weft_tensor after = plg_rows(&in, 1 + k->n, n + 1 - k->n, bins);
    spk_whisper_clear(r, &before);
    plg_copy(&r->on, &sound, frames);
    spk_whisper_clear(r, &after);
    windows(r, &seen1, &in, 1);
    weft_tensor first = plg_rows(&mid, 0, 1, d), rows = plg_rows(&mid, 1, n, d);
    weft_tensor last = plg_rows(&mid, n + 1, 1, d);
    weft_tensor positions = plg_rows(&w->positions, 0, k->n_rows, d);
    spk_whisper_clear(r, &first);
    plg_linear(&r->on, &rows, &seen1, &w->conv1, WEFT_ACT_GELU);
    spk_whisper_clear(r, &last);
    windows(r, &seen2, &mid, 2);
    plg_linear(&r->on, x, &seen2, &w->conv2, WEFT_ACT_GELU);
    plg_add(&r->on, x, &positions, 1.0f);
}

void spk_whisper_encode(spk_whisper_run *r, const spk_whisper_config *c,
                        const spk_whisper_weights *w, const spk_whisper_chunk *k,
                        const weft_tensor *frames, const weft_tensor *x, plg_arena *a)
{
    const uint64_t          mark = a->used; /* the layers reuse the convolutions' buffers */
    const spk_whisper_tower tower = {w->layers, c->n_layers, 0, k->n_rows, k->n_keys};
    convolve(r, c, w, k, frames, x, a);
    a->used = mark;
    spk_whisper_layers(r, c, &tower, x, a);
    if (r != NULL)
        spk_whisper_norm(r, x, x, &w->norm);
}
