/* SPDX-License-Identifier: Apache-2.0 */
/* Tells which 10 ms frames of a 16 kHz recording may hold a voice.
 *
 * A frame is looked at in a Hann window of 40 ms around it. Of its power spectrum, 190 to 3800 Hz
 * (what a telephone passes, without the first harmonics of mains hum):
 *
 *   power     mean square of the band, full scale = 1
 *   active    the band's level stands out of the background: it went 6 dB over the floor and has
 *             not come within 3 dB of it since. The floor is the lowest level (of 50 ms means) of
 *             the last 3 s, plus 1.5 dB: noise and hum of any colour become the floor and are no
 *             longer active. It is never under -75 dB; and in the first 1.5 s never over -50 dB, so
 *             that a recording that begins in the middle of a word is heard.
 *   change    how far the spectrum's shape has moved in 80 ms: the mean absolute difference of the
 *             levels (dB) of 16 bands, each less the mean over bands, between this frame and the
 *             one 80 ms ago, when both are active. Levels are means of 3 frames. About 2 for noise,
 *             0 for hum.
 *   periodic  the largest normalised autocorrelation at lags of 2.5 to 12.5 ms (80 to 400 Hz), the
 *             window's own divided out (Boersma 1993). Above 0.6 for voiced speech, below for
 *             noise.
 *
 * A frame rings if it is active and periodic >= 0.6; it speaks if it rings and change >= 4; it
 * rustles if it is active and change >= 6. Speech is heard where
 *   - 8 frames speak (80 ms), or
 *   - 25 rustle (a whisper), or
 *   - 5 ring within one stretch of 8 to 60 active frames: a short word. (Hum that sets in stays
 *     active for 1.5 s or more, until it has become the floor.) */
#ifndef SPK_VOICE_H
#define SPK_VOICE_H

#include "fft.h"

#define SPK_VOICE_HOP 160 /* samples of a frame */
#define SPK_VOICE_WINDOW 640
#define SPK_VOICE_BANDS 16
#define SPK_VOICE_LAG 8     /* frames between the two shapes that change compares */
#define SPK_VOICE_SMOOTH 3  /* frames whose mean is a band's level */
#define SPK_VOICE_BLOCKS 10 /* of 30 frames: the 3 s over which the floor is sought */

typedef struct spk_voice_frame {
    float   power;
    uint8_t active, rings, speaks, rustles;
} spk_voice_frame;

typedef struct spk_voice_shape {
    float   level[SPK_VOICE_BANDS]; /* dB, less their mean */
    int32_t active;
} spk_voice_shape;

typedef struct spk_voice {
    const weft_host *host;
    spk_fft          fft;
    double          *window, *lags; /* the window; 1 / its autocorrelation */
    spk_lanes       *work;          /* a frame, and the transform's buffer */
    float            in[2 * SPK_VOICE_WINDOW];
    int64_t          n_in, seen, frames; /* in `in`; samples and frames so far */
    float            band[SPK_VOICE_SMOOTH][SPK_VOICE_BANDS];
    spk_voice_shape  shape[SPK_VOICE_LAG];
    float   recent[5], lowest[SPK_VOICE_BLOCKS]; /* power of the last frames; minima of blocks */
    int32_t active, reserved;
} spk_voice;

/* NOMEM. Ended by spk_voice_deinit, which accepts a zeroed or a failed one. [worker] */
weft_status spk_voice_init(spk_voice *v, const weft_host *host, weft_error *err);
void        spk_voice_deinit(spk_voice *v);

/* Takes n samples at 16 kHz and writes to out the frames that can be told now: those that end 15 ms
 * or more before the last sample. They are at most n / 160 + 3. Returns how many. [worker] */
int64_t spk_voice_push(spk_voice *v, const float *x, int64_t n, spk_voice_frame *out);
/* Writes the last frames, at most 3, when the recording has ended; silence is assumed behind its
 * end. In all there is then one frame for every 160 samples, the last one begun included. Returns
 * how many were written. [worker] */
int64_t spk_voice_end(spk_voice *v, spk_voice_frame *out);

/* 1 where speech is heard in these n frames, by the rule above. [any] */
int spk_voice_heard(const spk_voice_frame *f, int64_t n);

#endif
