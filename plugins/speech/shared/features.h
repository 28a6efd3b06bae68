/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording to the frames that an encoder is given: channels mixed, resampled, log-mel.
 *
 * Channels are averaged. (SeamlessM4TFeatureExtractor takes the left one of a stereo array; a
 * recording with a voice on the right only would be silent to it.) */
#ifndef SPK_FEATURES_H
#define SPK_FEATURES_H

#include "mel.h"
#include "resample.h"
#include "weft/modality.h"

/* Frames that samples first .. first + count of a recording make (count -1: to its end, where info
 * says how long it is); 0: too short; -1: its length is not known. [any] */
int64_t spk_features_frames(const spk_features_config *c, const weft_media_info *info,
                            int64_t first, int64_t count);

/* Reads m from where it stands: drops `first` samples, takes count (-1: to the end; in m's own
 * rate), and writes frames to out [frames_max, n_mels]; *frames gets how many. A recording that
 * ends early gives fewer. Blocks are of a fixed size, whatever the length. [worker] */
weft_status spk_features_read(const spk_mel *mel, const weft_media *m, int64_t first, int64_t count,
                              float *out, int64_t frames_max, int64_t *frames, weft_error *err);

/* The same of n samples at 16 kHz in memory. [worker] */
weft_status spk_features_of(const spk_mel *mel, const float *samples, int64_t n, float *out,
                            int64_t frames_max, int64_t *frames, weft_error *err);

#endif
