/* SPDX-License-Identifier: Apache-2.0 */
/* The two stages of a chunk, the Whisper encoder and the projector, and the layers that both are
 * made of. All lay their buffers out in the arena a. With r NULL they do no more, which is how
 * scratch memory is counted; otherwise they enqueue their work. [encode] */
#ifndef VOX_STAGES_H
#define VOX_STAGES_H

#include "calls.h"

/* Encodes the chunk k: frames [k->n, bins] of the recording to x [k->n_rows, d]. */
void vox_whisper(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *frames, const weft_tensor *x, plg_arena *a);

/* Encoder layers and how many rows they work on. */
typedef struct vox_tower {
    const vox_layer *layers;
    int32_t          n_layers, reserved;
    int64_t          n_rows, n_keys; /* every row attends to the first n_keys rows */
} vox_tower;

/* Runs the layers on x [t->n_rows, d], in place. c: d, d_ffn, n_heads and act. */
void vox_layers(vox_run *r, const vox_encoder_config *c, const vox_tower *t, const weft_tensor *x,
                plg_arena *a);

/* Makes tokens of a chunk: x [n_tokens * stack, d], whose rows from k->n_rows on need not be set,
 * to out [n_tokens, d_text]. */
void vox_project(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *x, const weft_tensor *out, plg_arena *a);

#endif
