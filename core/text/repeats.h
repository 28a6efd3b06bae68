/* SPDX-License-Identifier: Apache-2.0 */
/* Tells an answer that begins to repeat itself: its last tokens, so many at least, stand in it
 * already. The two places may overlap. */
#ifndef WF_REPEATS_H
#define WF_REPEATS_H

#include "core/base/status.h"

/* Starts as zeros, with `least` set: how many tokens make a repeat. */
typedef struct wf_repeats {
    int32_t  least;
    int32_t  n, cap;
    int32_t  n_said;  /* the caller's: of the first tokens, those that were given out */
    int32_t *ids;     /* [n] */
    int32_t *match;   /* [n - 1]: as many tokens up to this one are the last ones of all, too */
    float   *logprob; /* [n] */
} wf_repeats;

/* Adds a token. *held: as many of the last tokens stand before in the answer, at most least; they
 * may become a repeat, and with *held == least they are one. */
weft_status wf_repeats_add(wf_repeats *r, int32_t id, float logprob, int32_t *held,
                           weft_error *err);
void        wf_repeats_free(wf_repeats *r); /* safe on zeroed memory */

#endif
