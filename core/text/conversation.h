/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations in the model's chat format, into sequences that may hold a part of them already. */
#ifndef WF_CONVERSATION_H
#define WF_CONVERSATION_H

#include "core/sequence/sequence.h"
#include "core/text/text.h"

/* Ids from the tokenizer, which are counted and then written; *ids is the caller's to free, also on
 * failure. */
typedef weft_status (*wf_ids_fn)(void *ctx, int32_t *ids, uint64_t cap, uint64_t *need,
                                 weft_error *err);
weft_status wf_ids_collect(wf_ids_fn fn, void *ctx, int32_t **ids, uint64_t *n, weft_error *err);

/* Appends the turns and the header of an answer. t is open. *n_tokens (may be NULL) gets the count
 * of the whole, also with LIMIT, when s is as it was; on another failure s may hold a part. */
weft_status wf_turns_append(const wf_text *t, weft_sequence *s, const weft_turn *turns, uint32_t n,
                            int64_t *n_tokens, weft_error *err);
/* As weft_sequence_feed_turns(). */
weft_status wf_turns_feed(const wf_text *t, weft_sequence *s, const weft_turn *turns, uint32_t n,
                          weft_turns_info *info, weft_error *err);
/* Whether the model has a chat format; UNSUPPORTED: the tokenizer says why not. */
weft_status wf_turns_possible(const wf_text *t, weft_error *err);

#endif
