/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording to the frames that an encoder is given: channels mixed, resampled, log-mel.
 *
 * Channels are averaged. (SeamlessM4TFeatureExtractor takes the left one of a stereo array; a
 * recording with a voice on the right only would be silent to it.) */
#ifndef SPK_FEATURES_H
#define SPK_FEATURES_H

#include "../common/keys.h"
#include "mel.h"
#include "resample.h"
#include "weft/modality.h"

/* Reads preprocessor_config.json through k (file and prefix say where). `feature_extractor_type`
 * chooses what absent keys are: WhisperFeatureExtractor, SeamlessM4TFeatureExtractor, else our own.
 * Keys: feature_size or num_mel_bins, sampling_rate (16000, or UNSUPPORTED), hop_length, n_fft,
 * win_length, stride (frames a row), padding_value; and for our own: window (hann|povey), mel_scale
 * (htk|kaldi|slaney), f_min, f_max, center, preemphasis, remove_mean, log (ln|log10), mel_floor,
 * dynamic_range, normalize. INVALID or CORRUPT names key, value and range. [setup] */
weft_status spk_features_config_read(const plg_keys *k, spk_features_config *out);

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
