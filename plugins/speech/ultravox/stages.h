/* SPDX-License-Identifier: Apache-2.0 */
/* The two stages of a chunk: the Whisper encoder and the projector. Both lay their buffers out in
 * the arena a. With r NULL they do no more, which is how scratch memory is counted; otherwise they
 * enqueue their work. [encode] */
#ifndef VOX_STAGES_H
#define VOX_STAGES_H

#include "calls.h"

/* Encodes the chunk k: frames [k->n, bins] of the recording to x [k->n_rows, d]. */
void vox_whisper(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *frames, const weft_tensor *x, plg_arena *a);

/* Makes tokens of a chunk: x [n_tokens * stack, d], whose rows from k->n_rows on need not be set,
 * to out [n_tokens, d_text]. */
void vox_project(vox_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *x, const weft_tensor *out, plg_arena *a);

#endif
