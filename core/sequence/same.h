/* SPDX-License-Identifier: Apache-2.0 */
/* What two sequences have in common, and how one goes on as the other does. */
#ifndef WF_SAME_H
#define WF_SAME_H

#include "core/sequence/sequence.h"

/* The nearest place at or before pos at which a sequence may be cut: none is within a soft-token
 * span. */
int64_t wf_sequence_cut(const weft_sequence *s, int64_t pos);
/* How many first tokens of both are the same, with the same items among them; s may be cut there.
 */
int64_t wf_sequence_same(const weft_sequence *s, const weft_sequence *other);
/* Appends from's tokens from `begin` on, which is no place within a span, with their items. On
 * failure s may hold a part of them. */
weft_status wf_sequence_append(weft_sequence *s, const weft_sequence *from, int64_t begin,
                               weft_error *err);

#endif
