/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the log-mel recipe (mel.h) that go over a whole recording. */
#ifndef SPK_MEL_WHOLE_H
#define SPK_MEL_WHOLE_H

#include "mel.h"

/* Applies [range] and [norm] of mel.h to y [frames, n_mels], in place. [any] */
void spk_mel_whole(const spk_features_config *c, float *y, int64_t frames);

#endif
