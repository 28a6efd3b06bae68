/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the power of the channels and of their mean. */
#include "mixer.h"

#include "resample.h"

#include <stdio.h>
#include <string.h>

#define CANCELLED 0.01 /* of the loudest channel's power is left in the mean */
#define AUDIBLE                                                                                    \
    1e-8 /* power of a sample below which nothing is decided: 80 dB below full scale               \
          */

void spk_mixer_init(spk_mixer *m, const weft_host *host, int32_t channels)
{
    memset(m, 0, sizeof *m);
    m->host = host;
    m->channels = channels;
    m->loudest = -1;
}

static void measure(spk_mixer *m, const float *in, int64_t n)
{
    for (int64_t i = 0; i < n; i++, in += m->channels) {
        double sum = 0;
        for (int32_t c = 0; c < m->channels; c++) {
            sum += (double)in[c];
            m->each[c] += (double)in[c] * (double)in[c];
        }
        sum /= m->channels;
        m->mix += sum * sum;
    }
}

static void tell(const spk_mixer *m, int32_t channel)
{
    char line[160];
    if (m->host->log == NULL)
        return;
    snprintf(line, sizeof line,
             "the recording's channels cancel each other out when they are mixed: channel %d, the "
             "loudest, is taken; --channel chooses one",
             channel + 1);
    m->host->log(m->host, WEFT_LOG_WARN, line);
}

/* The channel to be taken after so many samples in all; -1: the mix. */
static int32_t choose(const spk_mixer *m)
{
    int32_t loudest = 0;
    for (int32_t c = 1; c < m->channels; c++)
        if (m->each[c] > m->each[loudest])
            loudest = c;
    return m->each[loudest] > AUDIBLE && m->mix < CANCELLED * m->each[loudest] ? loudest : -1;
}

void spk_mixer_push(spk_mixer *m, const float *in, int64_t n, float *out)
{
    if (m->channels > 1) {
        measure(m, in, n);
        m->loudest = choose(m);
        if (m->loudest >= 0 && !m->told)
            tell(m, m->loudest);
        m->told |= m->loudest >= 0;
    }
    if (m->loudest < 0) {
        spk_mix(in, n, m->channels, out);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = in[i * m->channels + m->loudest];
}
