/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration of the front end, the part that turns samples into frames, from a model's
 * preprocessor_config.json. */
#ifndef SPK_FEATURES_CONFIG_H
#define SPK_FEATURES_CONFIG_H

#include "../../common/keys.h"
#include "../shared/mel.h"

/* Reads preprocessor_config.json through k (file and prefix say where). `feature_extractor_type`
 * chooses what absent keys are: WhisperFeatureExtractor, SeamlessM4TFeatureExtractor, else our own.
 * Keys: feature_size or num_mel_bins, sampling_rate (16000, or UNSUPPORTED), hop_length, n_fft,
 * win_length, stride (frames a row), padding_value; and for our own: window (hann|povey), mel_scale
 * (htk|kaldi|slaney), f_min, f_max, center, preemphasis, remove_mean, log (ln|log10), mel_floor,
 * dynamic_range, normalize. INVALID or CORRUPT names key, value and range. [setup] */
weft_status spk_features_config_read(const plg_keys *k, spk_features_config *out);

#endif
