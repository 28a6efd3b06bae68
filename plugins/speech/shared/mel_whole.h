/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to log-mel frames over a whole recording. */
#ifndef SPK_MEL_WHOLE_H
#define SPK_MEL_WHOLE_H

#include "mel.h"

/* [range] and [norm] of mel.h on y [frames, n_mels], in place. [any] */
void spk_mel_whole(const spk_features_config *c, float *y, int64_t frames);

#endif
