/* SPDX-License-Identifier: Apache-2.0 */
/* Reads MP3 with libmpg123 itself, and not through libsndfile. libsndfile would print on stderr. It
 * would also end a file of varying bit rate that has no length tag too early: at the length that
 * the file would have if all of it had the bit rate of its first frame. */
#ifndef SPK_MP3_H
#define SPK_MP3_H

#include "bytes.h"

typedef struct spk_mp3 {
    void   *handle;
    int32_t rate, channels;
    int64_t n_samples; /* from the length tag; -1: there is none */
    int32_t begun, reserved;
} spk_mp3;

/* Reads b straight through from its start: a pipe will do. On failure *out is closed. Ended by
 * spk_mp3_close, which accepts a zeroed one. [worker] */
weft_status spk_mp3_open(spk_bytes *b, spk_mp3 *out, weft_error *err);
void        spk_mp3_close(spk_mp3 *m);

/* The next n samples, f32 [n, channels]; *got less than n: the end. *ok 0: damaged, or the rate or
 * the channels changed. Returns how many. [worker] */
int64_t spk_mp3_read(spk_mp3 *m, float *dst, int64_t n, int *ok);

#endif
