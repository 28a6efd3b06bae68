/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilities of windows become frames, as ear.h says. */
#include "ear.h"

#define SPEAKS 0.5f
#define STOPS 0.35f
#define HEARD_SPEAKING 16

void sil_ear_init(sil_ear *e, const sil_weights *weights)
{
    memset(e, 0, sizeof *e);
    e->weights = weights;
}

/* A frame's power is known once its samples are there; the last one may have fewer. */
static void close_frame(sil_ear *e)
{
    e->power[e->n_power++] = (float)(e->sum / SIL_HOP);
    e->sum = 0;
    e->n_sum = 0;
}

static void take_power(sil_ear *e, float x)
{
    e->sum += (double)x * (double)x;
    if (++e->n_sum == SIL_HOP)
        close_frame(e);
}

/* Hears the window and gives the frames that end in it. */
static int64_t hear(sil_ear *e, spk_voice_frame *out)
{
    const float   p = sil_net_window(e->weights, &e->state, e->in);
    const int64_t n = e->n_power;
    e->active = p >= SPEAKS || (e->active && p >= STOPS);
    for (int64_t i = 0; i < n; i++)
        out[i] = (spk_voice_frame){
            .power = e->power[i], .active = (uint8_t)e->active, .speaks = p >= SPEAKS};
    e->n_in = e->n_power = 0;
    return n;
}

int64_t sil_ear_push(sil_ear *e, const float *x, int64_t n, spk_voice_frame *out)
{
    int64_t given = 0;
    for (int64_t i = 0; i < n; i++) {
        e->in[e->n_in++] = x[i];
        take_power(e, x[i]);
        if (e->n_in == SIL_WINDOW)
            given += hear(e, out + given);
    }
    return given;
}

int64_t sil_ear_end(sil_ear *e, spk_voice_frame *out)
{
    if (e->n_sum > 0)
        close_frame(e);
    if (e->n_power == 0)
        return 0;
    memset(e->in + e->n_in, 0, (size_t)(SIL_WINDOW - e->n_in) * sizeof *e->in);
    return hear(e, out);
}

int sil_ear_heard(const spk_voice_frame *f, int64_t n)
{
    int32_t speaking = 0;
    for (int64_t i = 0; i < n; i++)
        speaking += f[i].speaks;
    return speaking >= HEARD_SPEAKING;
}
