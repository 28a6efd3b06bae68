/* SPDX-License-Identifier: Apache-2.0 */
/* Models of any shape without files: weights that are made in memory, for tests and measurements at
 * full size.
 *
 * Linear weights, the embedding included, are uniform with the standard deviation that transformers
 * initialises with (initializer_range 0.02), norms lie in 0.5..1.5 and gates in 0.25..0.75, so that
 * activations keep the sizes of a real model's. The values depend on the seed, the shape and the
 * type alone, not on the device's layout: two instruction levels get the same model. */
#ifndef WF_RANDOM_H
#define WF_RANDOM_H

#include "core/model/sites.h"
#include "core/model/model.h"

/* A text core of shape c whose linear weights are of dtype (WF_F32, WF_BF16, WF_F16). Everything is
 * on d when it returns. On success *out is the caller's until wf_model_free; on failure it is NULL
 * and nothing is kept. [setup] */
weft_status wf_random_model(wf_device *d, const wf_config *c, int32_t dtype, uint64_t seed,
                            wf_model **out, weft_error *err);

/* Weights for every cross-attention site declared to h, which is frozen; they belong to h
 * (wf_hooks_free), also after a failure. d_model is the core's width. Markers get none. [setup] */
weft_status wf_random_sites(wf_hooks *h, int32_t d_model, int32_t dtype, uint64_t seed,
                            weft_error *err);

#endif
