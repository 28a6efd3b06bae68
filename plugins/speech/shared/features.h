/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the frames that an encoder is given from a recording: mixes its channels to one, resamples
 * it to 16 kHz and computes log-mel frames.
 *
 * Channels are averaged. (SeamlessM4TFeatureExtractor takes the left one of a stereo array; a
 * recording with a voice on the right only would be silent to it.) */
#ifndef SPK_FEATURES_H
#define SPK_FEATURES_H

#include "mel.h"
#include "resample.h"
#include "weft/modality.h"

/* The number of frames made of `count` samples of a recording, from sample `first` on. count -1
 * means up to the end of the recording, whose length info then has to say. 0: too short for a
 * frame; -1: the length is not known. [any] */
int64_t spk_features_frames(const spk_features_config *c, const weft_media_info *info,
                            int64_t first, int64_t count);

/* Reads on from m's current position: drops `first` samples, takes the next `count` (-1: all up to
 * the end) and writes the frames made of them to out [frames_max, n_mels]. Both counts are in
 * samples at m's own rate. *frames becomes the number of frames; a recording that ends early gives
 * fewer. Memory does not grow with the length. [worker] */
weft_status spk_features_read(const spk_mel *mel, const weft_media *m, int64_t first, int64_t count,
                              float *out, int64_t frames_max, int64_t *frames, weft_error *err);

/* The same of n samples at 16 kHz in memory. [worker] */
weft_status spk_features_of(const spk_mel *mel, const float *samples, int64_t n, float *out,
                            int64_t frames_max, int64_t *frames, weft_error *err);

#endif
