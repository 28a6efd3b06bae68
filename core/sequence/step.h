/* SPDX-License-Identifier: Apache-2.0 */
/* A step: rows of many sequences through the one forward pass. */
#ifndef WF_STEP_H
#define WF_STEP_H

#include "core/sequence/tables.h"

/* What runs steps. Everything but the tables is borrowed. */
typedef struct wf_stepper {
    const wf_config *config;
    const wf_hooks  *sites;
    wf_decoder      *decoder;
    wf_device       *device;
    weft_queue      *queue; /* the decoder's */
    wf_kv_budget    *budget;
    const char      *model;  /* the model's directory, for messages */
    wf_tables        tables; /* reserved by the first step */
} wf_stepper;

void wf_stepper_free(wf_stepper *st); /* the tables; after a wait; safe on zeroed memory */

/* Runs all parts at once; together at most as many rows as the decoder has room for. logits: host,
 * [sum of n_out, vocab] over the parts without `likeliest` (NULL where there is none): the rows of
 * those that ran and come back whole, in their order. hidden: NULL, or with one part alone as
 * wf_batch of its rows.
 *
 * Each part has a status of its own: an item whose encoder fails, pages that run short or a NaN
 * among the logits fail the parts that they belong to. Such a part's sequence stays as it was, and
 * can be tried again; the others have run. What is returned is not OK only where nothing ran at
 * all: the device or memory failed, and no sequence has changed. */
weft_status wf_step_run(wf_stepper *st, wf_step_part *parts, int32_t n_parts, float *logits,
                        float *hidden, weft_error *err);
/* All logits of the row that a part of the last step, whose tokens these are, ran: host [vocab].
 * They are there until the next step. */
weft_status wf_step_logits(wf_stepper *st, const wf_best_tokens *tokens, float *logits,
                           weft_error *err);
/* The pages of the next n_rows rows of seq, ahead of the step that runs them: K/V of the items that
 * they see, and blocks. The encoders have run. LIMIT: pages are short; seq may then keep some until
 * wf_sequence_trim. The budget's `now` protects the items' pages: the caller ticks it and marks
 * the items (wf_sequence_use). */
weft_status wf_step_prepare(weft_sequence *seq, int64_t n_rows, weft_error *err);
/* One part alone: its failure is the step's. */
weft_status wf_step_one(wf_stepper *st, weft_sequence *seq, int64_t n_rows, int64_t n_out,
                        float *logits, float *hidden, weft_error *err);

#endif
