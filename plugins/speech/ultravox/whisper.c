/* SPDX-License-Identifier: Apache-2.0 */
/* The Whisper encoder on one chunk. Source: transformers 4.49 modeling_whisper.py WhisperEncoder.
 *
 *   y  = GELU(conv1 x)                kernel 3, stride 1, 1 zero on both sides
 *   x  = GELU(conv2 y) + positions    kernel 3, stride 2, 1 zero on both sides
 *   x  = the layers of layers.c
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

void vox_whisper(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *frames, const weft_tensor *x, plg_arena *a)
{
    const uint64_t  mark = a->used; /* from here on the layers reuse the convolutions' buffers */
    const vox_tower tower = {w->layers, c->encoder.n_layers, 0, k->n_rows, k->n_keys};
    convolve(r, c, w, k, frames, x, a);
    a->used = mark;
    vox_layers(r, &c->encoder, &tower, x, a);
    if (r != NULL)
        vox_norm_rows(r, x, x, &w->norm);
}
