/* SPDX-License-Identifier: Apache-2.0 */
/* From logits to one token, per sequence. In the order of transformers' generation: repetition
 * penalty, temperature, top-k, top-p, min-p, draw. The draw depends on (seed, position) alone, and
 * every step is made of IEEE operations only, so that the same logits give the same text on every
 * machine. Sources: transformers generation/logits_process.py; for top-p at equality Meta's
 * generation.py; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox). */
#ifndef WF_SAMPLER_H
#define WF_SAMPLER_H

#include <stdbool.h>

#include "core/base/status.h"

typedef struct wf_sampler_params {
    float    temperature;        /* 0..100; 0: the likeliest token, whatever the next three say */
    int32_t  top_k;              /* 0: off; those equal to the k-th stay too */
    float    top_p;              /* 0..1; 1: off; kept while the probability before is at most it */
    float    min_p;              /* 0..1; 0: off; kept from this share of the likeliest on */
    float    repetition_penalty; /* 0.01..100; 1: off; on every id accepted so far */
    uint64_t seed;
} wf_sampler_params;

/* Holds the ids seen by one sequence and room for one vocabulary. One thread at a time. */
typedef struct wf_sampler wf_sampler;

/* vocab: logits per pick, at least 1. INVALID names the option out of range. On success *out is the
 * caller's until wf_sampler_destroy; on failure it is NULL. */
weft_status wf_sampler_create(const wf_sampler_params *params, int32_t vocab, wf_sampler **out,
                              weft_error *err);
void        wf_sampler_destroy(wf_sampler **s); /* NULL inside is fine */

/* The sequence now holds id (prompt and answer alike). Ids outside the vocabulary, such as
 * placeholders of media, have no logit and count for nothing. */
void wf_sampler_accept(wf_sampler *s, int32_t id);

/* Picks the token at position (its index in the sequence, at least 0). logits [vocab], on the host.
 * Ties go to the lowest id. *logprob (may be NULL): the natural logarithm of the model's own
 * probability of it, from the logits as they are. NUMERIC: a NaN or +Inf among them, or nothing
 * above -Inf. No allocation. */
weft_status wf_sampler_pick(wf_sampler *s, const float *logits, int64_t position, int32_t *id,
                            float *logprob, weft_error *err);

/* A token and its logit. */
typedef struct wf_logit {
    float   logit;
    int32_t id;
} wf_logit;

/* What is known of a row without bringing all its logits to the host: its n greatest, in falling
 * order, of equals the lowest id first ({-infinity, -1} where the row has fewer), and the sum of
 * wf_exp_same(logit - the greatest) over the row by rising id. No logit is NaN or +infinity. */
typedef struct wf_head {
    const wf_logit *best; /* [n] */
    int32_t         n, reserved;
    double          sum;
} wf_head;

/* How many of the likeliest tokens, `most` at most, wf_sampler_pick_head should be given; 1: that
 * one is always enough; 0: no number of them is likely to be enough, it takes wf_sampler_pick. */
int32_t wf_sampler_head(const wf_sampler *s, int32_t most);
/* What wf_sampler_pick would pick, to the bit, where the head of the row proves it. false: it does
 * not, and *id and *logprob are as they were. No allocation. */
bool wf_sampler_pick_head(wf_sampler *s, const wf_head *head, int64_t position, int32_t *id,
                          float *logprob);

#endif
