/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of a chunk behind the Whisper encoder. It lays its buffers out in the arena a. With r
 * NULL it does no more, which is how scratch memory is counted; otherwise it enqueues its work.
 * [encode] */
#ifndef VOX_STAGES_H
#define VOX_STAGES_H

#include "ultravox.h"

/* Makes tokens of a chunk: x [n_tokens * stack, d], whose rows from k->n_rows on need not be set,
 * to out [n_tokens, d_text]; with letters to their scores, out [n_tokens, places * columns]. */
void vox_project(spk_whisper_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *x, const weft_tensor *out, plg_arena *a);

/* Of an item of letters: the tokens of its rows, a number that is none, what the search needs. From
 * the arena. */
typedef struct vox_spelling {
    weft_tensor ids, nan, tables, work;
} vox_spelling;

/* words.c. Lays out the buffers of an item of n tokens. */
vox_spelling vox_spelling_of(const vox_config *c, int64_t n, plg_arena *a);
/* Looks for words in a chunk's scores [n, places * columns], behind those of the chunks before. */
void vox_hear(spk_whisper_run *r, const vox_modality *m, const vox_spelling *s,
              const weft_tensor *scores, int first);
/* Behind all chunks: the item's tokens, as the core embeds them, to out [n, d_text]. */
void vox_spell(spk_whisper_run *r, const vox_modality *m, const vox_spelling *s,
               const weft_tensor *out);

#endif
