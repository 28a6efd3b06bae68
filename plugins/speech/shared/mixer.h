/* SPDX-License-Identifier: Apache-2.0 */
/* Mixes the channels of a recording to one, and takes one channel instead where they cancel each
 * other out. */
#ifndef SPK_MIXER_H
#define SPK_MIXER_H

#include "weft/base.h"

#define SPK_MIXER_CHANNELS 64

/* Sums of squares over the recording so far. */
typedef struct spk_mixer {
    const weft_host *host;
    int32_t          channels;
    int32_t          told; /* that they cancel */
    int32_t          reserved;
    int32_t          loudest; /* the channel that is taken; -1: the mix is good so far */
    double           mix, each[SPK_MIXER_CHANNELS];
} spk_mixer;

/* channels: 1 to SPK_MIXER_CHANNELS. *host must outlive the mixer. [worker] */
void spk_mixer_init(spk_mixer *m, const weft_host *host, int32_t channels);

/* Mixes the next n samples, f32 [n, channels] at in, to out [n], which may be in: their mean
 * (spk_mix). Where the mean over the recording so far has less than a hundredth of the power of the
 * loudest channel (20 dB less: one channel is the other one upside down), that channel is taken as
 * it is; the first time this is logged as a warning. What is given depends on how a recording is
 * cut into blocks only there. [worker] */
void spk_mixer_push(spk_mixer *m, const float *in, int64_t n, float *out);

#endif
