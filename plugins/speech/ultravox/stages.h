/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of a chunk behind the Whisper encoder. It lays its buffers out in the arena a. With r
 * NULL it does no more, which is how scratch memory is counted; otherwise it enqueues its work.
 * [encode] */
#ifndef VOX_STAGES_H
#define VOX_STAGES_H

#include "ultravox.h"

/* Makes tokens of a chunk: x [n_tokens * stack, d], whose rows from k->of.n_rows on need not be
 * set, to out [n_tokens, d_text]. */
void vox_project(spk_whisper_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *x, const weft_tensor *out, plg_arena *a);

#endif
