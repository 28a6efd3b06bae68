/* SPDX-License-Identifier: Apache-2.0 */
/* What the sampler over whole logits (sampler.c) and the one over the likeliest tokens alone
 * (sampler_head.c) share: the same steps, so that both come to the same bits. */
#ifndef WF_SAMPLING_H
#define WF_SAMPLING_H

#include <float.h>

#include "core/base/exponential.h"
#include "core/text/sampler.h"

struct wf_sampler {
    wf_sampler_params p;
    int32_t           vocab;
    uint64_t         *seen;       /* one bit per id */
    wf_logit         *candidates; /* [vocab] */
};

static inline bool wf_is_seen(const wf_sampler *s, int32_t id)
{
    return (s->seen[id / 64] >> (id % 64) & 1) != 0;
}

/* A seen token's logit moves away from likely; it stays finite. */
static inline float wf_penalised(float logit, float penalty)
{
    float moved = logit < 0.0f ? logit * penalty : logit / penalty;
    return moved > FLT_MAX ? FLT_MAX : moved < -FLT_MAX ? -FLT_MAX : moved;
}

/* The order of the draw. */
static inline bool wf_is_before(wf_logit a, wf_logit b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* The tokens that can be drawn: candidates [begin, end), in the order of the draw. */
typedef struct wf_draw {
    const wf_logit *list;
    int32_t         begin, end, step; /* step -1: from the end downwards */
    double          total;            /* sum of their weights */
    float           max;              /* of the logits */
    float           temperature;
} wf_draw;

static inline double wf_weight(const wf_draw *d, float logit)
{
    return wf_exp_same(((double)logit - (double)d->max) / (double)d->temperature);
}

/* The token at the share u of the total weight. */
int32_t wf_draw_one(const wf_draw *d, double u);
/* Uniform in [0, 1): a function of the two alone. */
double wf_sampler_uniform(uint64_t seed, uint64_t position);

#endif
