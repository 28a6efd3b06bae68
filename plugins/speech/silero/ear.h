/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of 10 ms as the cutter wants them (../shared/cutter.h), from the network's probabilities.
 *
 * A frame has the probability p of the window of 32 ms that its last sample is in. It speaks where
 * p >= 0.5, and is active from there until p < 0.35, as the package's own cutting has it. Its power
 * is the mean square of its samples. Speech is heard where 16 frames speak (160 ms: five windows).
 */
#ifndef SIL_EAR_H
#define SIL_EAR_H

#include "../shared/voice.h"
#include "net.h"

#define SIL_HOP 160 /* samples of a frame */

typedef struct sil_ear {
    const sil_weights *weights;
    sil_state          state;
    float              in[SIL_WINDOW]; /* the window that is being filled */
    int64_t            n_in;
    double             sum; /* of squares, of the frame that is being filled */
    int64_t            n_sum;
    float              power[SIL_WINDOW / SIL_HOP + 2]; /* of the frames that end in the window */
    int64_t            n_power;
    int32_t            active, reserved;
} sil_ear;

/* weights must outlive *e. [any] */
void sil_ear_init(sil_ear *e, const sil_weights *weights);
/* Takes n samples at 16 kHz and writes to out the frames that can be told now, at most n / 160 + 4.
 * Returns how many. [worker] */
int64_t sil_ear_push(sil_ear *e, const float *x, int64_t n, spk_voice_frame *out);
/* Writes the last frames, at most 4, silence assumed behind the end. There is then one frame for
 * every 160 samples, the last one begun included. Returns how many were written. [worker] */
int64_t sil_ear_end(sil_ear *e, spk_voice_frame *out);
/* 1 where speech is heard in these n frames. [any] */
int sil_ear_heard(const spk_voice_frame *f, int64_t n);

#endif
