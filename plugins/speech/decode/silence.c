/* SPDX-License-Identifier: Apache-2.0 */
/* Silence in the holes of an Ogg's sound. */
#include <string.h>

#include "sound.h"

/* A count at the rate of granule positions as one at the rate of the decoded sound. */
static int64_t at_rate(const spk_sound *s, int64_t n)
{
    return n / s->clock.rate * s->rate + n % s->clock.rate * s->rate / s->clock.rate;
}

int64_t spk_sound_silence(spk_sound *s, float *dst, int64_t *n)
{
    const spk_hole *next = s->hole < s->clock.n_holes ? &s->clock.hole[s->hole] : NULL;
    int64_t         before = next != NULL ? at_rate(s, next->at) - s->heard : *n;
    if (next != NULL && before <= 0) {
        s->silence += at_rate(s, next->n);
        s->hole++;
    }
    if (s->silence > 0) {
        int64_t part = *n < s->silence ? *n : s->silence;
        memset(dst, 0, (size_t)(part * s->channels) * sizeof *dst);
        s->silence -= part;
        return part;
    }
    if (before > 0 && before < *n)
        *n = before;
    return 0;
}
