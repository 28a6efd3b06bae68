/* SPDX-License-Identifier: Apache-2.0 */
/* Parity with a reference. */
#ifndef WF_VERIFY_H
#define WF_VERIFY_H

#include "core/sequence/step.h"

/* What a verification runs on; everything is borrowed. */
typedef struct wf_verify_env {
    weft_package       *package; /* of the model */
    wf_modalities      *modalities;
    wf_items           *items;
    const wf_sequences *sequences;
    wf_stepper         *stepper; /* without a text core it is not used */
    wf_scope           *scope;
    int32_t             has_core, prefill_chunk;
    int32_t             bf16, reserved; /* bf16: inputs of weights are rounded, so cosines decide */
} wf_verify_env;

/* As weft_verify says. */
weft_status wf_verify_run(const wf_verify_env *env, const weft_verify_request *rq, int32_t *passed,
                          weft_error *err);

#endif
